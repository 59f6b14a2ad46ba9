"""The gate of publication: policies of organizations and datasets, decisions against a verdict, rows in quarantine."""

from __future__ import annotations

from typing import Any

from portal.access.policy import Permission
from portal.actions.of_resource import dataset_of_resource, dataset_to_edit
from portal.actions.registry import Params, action
from portal.db import datasets as db
from portal.db import harvest, people, resources
from portal.db import validation as reports
from portal.db.validation import Policy
from portal.domain.base import new_id, stamp
from portal.domain.datasets import Dataset, Resource, ValidationReport
from portal.domain.events import VALIDATE
from portal.domain.gate import ORGANIZATION, PACKAGE, ValidationOverride
from portal.domain.people import Group
from portal.errors import Invalid, NotFound
from portal.runtime import Context
from schemas.datasets import ById
from schemas.validation import DatasetReason, PolicyParams, ResourceReason, RunParams

Json = dict[str, Any]


def dataset_of(ctx: Context, params: Params) -> Dataset:
    """The dataset of `id`."""
    return db.get_dataset(ctx.uow.session, str(params["id"]))


def organization_of(ctx: Context, params: Params) -> Group:
    """The organization of `id`."""
    return people.get_group(ctx.uow.session, str(params["id"]), organization=True)


@action(ById, allow=Permission.DATASET_UPDATE, on=dataset_of, safe=True)
def package_validation_policy_show(ctx: Context, dataset: Dataset, params: Params) -> Json:
    """Return the policy in force for tables of the dataset `id` that are not valid, and who set it (`source`)."""
    return _policy(reports.policy_of(ctx.uow.session, dataset, ctx.portal.settings.validation_policy))


@action(PolicyParams, allow=Permission.DATASET_GATE, on=dataset_of)
def package_validation_policy_update(ctx: Context, dataset: Dataset, params: Params) -> Json:
    """Set the `policy` of the dataset `id`: block, warn, quarantine, or nothing to follow its organization.

    `max_bad_percent` is the share of bad rows above which even quarantine holds the whole table.
    """
    _set(ctx, PACKAGE, dataset.id, params)
    return _policy(reports.policy_of(ctx.uow.session, dataset, ctx.portal.settings.validation_policy))


@action(ById, allow=Permission.GROUP_READ, on=organization_of, safe=True)
def organization_validation_policy_show(ctx: Context, organization: Group, params: Params) -> Json:
    """Return the policy in force for tables of the organization `id` that are not valid, and who set it (`source`)."""
    default = ctx.portal.settings.validation_policy
    return _policy(reports.policy_of_organization(ctx.uow.session, organization.id, default))


@action(PolicyParams, allow=Permission.GROUP_UPDATE, on=organization_of)
def organization_validation_policy_update(ctx: Context, organization: Group, params: Params) -> Json:
    """Set the `policy` of the organization `id`: block, warn, quarantine, or nothing to follow the portal."""
    _set(ctx, ORGANIZATION, organization.id, params)
    default = ctx.portal.settings.validation_policy
    return _policy(reports.policy_of_organization(ctx.uow.session, organization.id, default))


def _set(ctx: Context, kind: str, object_id: str, params: Params) -> None:
    mode = params["policy"] or None
    reports.set_policy(ctx.uow.session, kind, object_id, mode, params["max_bad_percent"], ctx.actor.user_id)
    ctx.uow.session.flush()
    ctx.uow.audit(ctx.actor.user_id, "validation_policy", kind, object_id, policy=mode)


def _policy(policy: Policy) -> Json:
    return {"policy": policy.mode, "max_bad_percent": policy.max_bad_percent, "source": policy.source}


@action(ResourceReason, allow=Permission.DATASET_GATE, on=dataset_to_edit)
def resource_validation_override(ctx: Context, dataset: Dataset, params: Params) -> Json:
    """Publish the uploaded table of the resource `resource_id` although it is not valid, for a `reason` that is kept.

    It holds for exactly this file. Ill-typed cells become empty. A table with personal data stays refused.
    """
    resource = dataset.find_resource(params["resource_id"])
    report = reports.newest_report(ctx.uow.session, params["resource_id"])
    if resource is None or report is None or report.status != "failure":
        raise Invalid({"resource_id": ["There is no failed validation of this resource."]})
    if resource.url_type != "upload" or not resource.file_key:
        raise Invalid({"resource_id": ["Only an uploaded table waits for this; see package_validation_override."]})
    if report.file_key and report.file_key != resource.file_key:
        raise Invalid({"resource_id": ["The file is newer than its report: wait for its validation."]})
    _refuse_persons(ctx, dataset, resource)
    decided = _decide(ctx, dataset, resource.id, resource.file_key, params["reason"], report.id)
    if reports.open_run(ctx.uow.session, resource.id) is None:
        run = reports.new_run(ctx.uow.session, resource, ctx.actor.user_id)
        ctx.uow.later(VALIDATE, run.id)
        resources.save(ctx.uow, dataset, resource, ctx.portal.settings.site_url, quiet=True)
    return _describe(decided)


@action(DatasetReason, allow=Permission.DATASET_GATE, on=dataset_of)
def package_validation_override(ctx: Context, dataset: Dataset, params: Params) -> Json:
    """Let the refused content of the harvested dataset `id` pass, for a `reason` that is kept; it is read again.

    It holds for exactly the content that was refused. A table with personal data stays refused.
    """
    identity = harvest.find_refused(ctx.uow.session, dataset.id)
    if identity is None or identity.refused_hash is None:
        raise Invalid({"id": ["No harvested content of this dataset was refused."]})
    report = ctx.uow.session.get(ValidationReport, identity.report_id) if identity.report_id else None
    if dataset.is_open and report is not None and report.finds_persons:
        raise Invalid({"id": ["A table holds personal data: nobody can let it pass."]})
    decided = _decide(ctx, dataset, None, identity.refused_hash, params["reason"], identity.report_id)
    identity.refused_hash = None
    source = harvest.get_source(ctx.uow.session, identity.source_id)
    if harvest.open_job(ctx.uow.session, source.id) is None:
        harvest.new_job(ctx.uow.session, source)
    return _describe(decided)


@action(ById, allow=Permission.DATASET_UPDATE, on=dataset_of, safe=True)
def package_validation_override_list(ctx: Context, dataset: Dataset, params: Params) -> list[Json]:
    """Return who let content of the dataset `id` pass that was not valid, when and why, newest first."""
    return [_describe(each) for each in reports.list_overrides(ctx.uow.session, dataset.id)]


@action(RunParams, allow=Permission.DATASET_UPDATE, on=dataset_of_resource, safe=True)
def resource_quarantine_show(ctx: Context, dataset: Dataset, params: Params) -> Json:
    """Return how many rows of the resource `resource_id` are kept aside, since when, and where to download them."""
    kept = reports.find_quarantine(ctx.uow.session, params["resource_id"])
    if kept is None:
        raise NotFound("Not found: No row of this resource is in quarantine.")
    return {
        "resource_id": kept.resource_id,
        "package_id": kept.package_id,
        "report_id": kept.report_id,
        "created": stamp(kept.created),
        "rows": kept.rows,
        "url": f"{ctx.portal.settings.site_url}/dataset/{dataset.name}/resource/{kept.resource_id}/quarantine.csv",
    }


def _refuse_persons(ctx: Context, dataset: Dataset, resource: Resource) -> None:
    if dataset.is_open and db.holds_persons(ctx.uow.session, resource):
        raise Invalid({"resource_id": ["The table holds personal data: nobody can let it pass."]})


def _decide(
    ctx: Context, dataset: Dataset, resource_id: str | None, content: str, reason: str, report_id: str | None
) -> ValidationOverride:
    decided = ValidationOverride(
        id=new_id(),
        package_id=dataset.id,
        resource_id=resource_id,
        content=content,
        reason=reason.strip(),
        actor_id=ctx.actor.user_id,
    )
    ctx.uow.session.add(decided)
    ctx.uow.session.flush()
    kind, key = ("Resource", resource_id) if resource_id else ("Dataset", dataset.id)
    ctx.uow.audit(ctx.actor.user_id, "validation_override", kind, key, reason=decided.reason, report=report_id)
    return decided


def _describe(decided: ValidationOverride) -> Json:
    return {
        "id": decided.id,
        "package_id": decided.package_id,
        "resource_id": decided.resource_id,
        "content": decided.content,
        "reason": decided.reason,
        "user_id": decided.actor_id,
        "created": stamp(decided.created),
    }
