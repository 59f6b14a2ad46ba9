"""The gate of publication: policies of organizations and datasets, decisions against a
verdict, rows in quarantine.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from i18n import Message
from portal.access.disclosure import LAW
from portal.access.policy import Permission
from portal.actions._shared.targets import held_of_resource, shown_of_resource
from portal.actions.registry import Params, action
from portal.db import datasets as db
from portal.db import datastore, harvest, people, resources
from portal.db import validation as reports
from portal.db.holding import HeldDataset, held_dataset
from portal.db.validation import Policy
from portal.domain.base import new_id, stamp
from portal.domain.datasets import FAILURE, HELD, Dataset, Resource, ValidationReport
from portal.domain.events import LINK, VALIDATE
from portal.domain.gate import ORGANIZATION, PACKAGE, ValidationOverride
from portal.domain.people import Group
from portal.errors import Invalid, NotFound
from portal.quality.personal import is_value
from portal.runtime import Context
from schemas import bounds
from schemas.datasets import ById
from schemas.validation import DatasetReason, PolicyParams, ResourceReason, RunParams

Json = dict[str, Any]


def shown_by_id(ctx: Context, params: Params) -> Dataset:
    """The dataset of `id`, to be read."""
    return db.get_dataset(ctx.uow.session, str(params["id"]))


def held_by_id(ctx: Context, params: Params) -> HeldDataset:
    """The dataset of `id`, held: what is decided of it is decided of it as it is
    now.
    """
    return held_dataset(ctx.uow, str(params["id"]))


def shown_organization(ctx: Context, params: Params) -> Group:
    """The organization of `id`."""
    return people.get_group(ctx.uow.session, str(params["id"]), organization=True)


@action(ById, allow=Permission.DATASET_UPDATE, on=shown_by_id, safe=True)
def package_validation_policy_show(
    ctx: Context, dataset: Dataset, params: Params
) -> Json:
    """Return the policy in force for tables of the dataset `id` that are not valid, and
    who set it (`source`).
    """
    return _policy(
        reports.policy_of(
            ctx.uow.session, dataset, ctx.portal.settings.validation_policy
        )
    )


@action(PolicyParams, allow=Permission.DATASET_GATE, on=held_by_id)
def package_validation_policy_update(
    ctx: Context, dataset: HeldDataset, params: Params
) -> Json:
    """Set the `policy` of the dataset `id`: block, warn, quarantine, or nothing to
    follow its organization.

    `max_bad_percent` is the share of bad rows above which even quarantine holds the
    whole table.
    """
    _set(ctx, PACKAGE, dataset.id, params)
    return _policy(
        reports.policy_of(
            ctx.uow.session, dataset, ctx.portal.settings.validation_policy
        )
    )


@action(ById, allow=Permission.GROUP_READ, on=shown_organization, safe=True)
def organization_validation_policy_show(
    ctx: Context, organization: Group, params: Params
) -> Json:
    """Return the policy in force for tables of the organization `id` that are not
    valid, and who set it (`source`).
    """
    default = ctx.portal.settings.validation_policy
    return _policy(
        reports.policy_of_organization(ctx.uow.session, organization.id, default)
    )


@action(PolicyParams, allow=Permission.GROUP_UPDATE, on=shown_organization)
def organization_validation_policy_update(
    ctx: Context, organization: Group, params: Params
) -> Json:
    """Set the `policy` of the organization `id`: block, warn, quarantine, or nothing to
    follow the portal.
    """
    _set(ctx, ORGANIZATION, organization.id, params)
    default = ctx.portal.settings.validation_policy
    return _policy(
        reports.policy_of_organization(ctx.uow.session, organization.id, default)
    )


def _set(ctx: Context, kind: str, object_id: str, params: Params) -> None:
    """Keep the policy of a dataset or organization, and audit who set it."""
    mode = params["policy"] or None
    reports.set_policy(
        ctx.uow.session,
        kind,
        object_id,
        mode,
        params["max_bad_percent"],
        ctx.actor.user_id,
    )
    ctx.uow.session.flush()
    ctx.uow.audit(ctx.actor.user_id, "validation_policy", kind, object_id, policy=mode)


def _policy(policy: Policy) -> Json:
    """The policy as the actions answer it."""
    return {
        "policy": policy.mode,
        "max_bad_percent": policy.max_bad_percent,
        "source": policy.source,
    }


@action(ResourceReason, allow=Permission.DATASET_GATE, on=held_of_resource)
def resource_validation_override(
    ctx: Context, dataset: HeldDataset, params: Params
) -> Json:
    """Publish the file or table of the resource `resource_id` although it was held, for
    a `reason` that is kept.

    It holds for exactly this content. Ill-typed cells become empty. `columns` names
    those in which what looks like personal data is none; of a file that is no table
    nothing is named. Personal data beyond doubt stays refused.
    """
    resource = dataset.find_resource(params["resource_id"])
    if resource is None:
        raise NotFound("Not found: Resource was not found.")
    return _describe(_release(ctx, dataset, resource, params))


def _release(
    ctx: Context, dataset: HeldDataset, resource: Resource, params: Params
) -> ValidationOverride:
    """Let what is held of one resource pass, and have it judged again."""
    report = reports.newest_report(ctx.uow.session, resource.id)
    if report is None or not _was_held(resource, report):
        raise Invalid(
            {"resource_id": ["There is no failed validation of this resource."]}
        )
    if report.file_key and report.file_key != resource.file_key:
        raise Invalid(
            {
                "resource_id": [
                    "The file is newer than its report: wait for its validation."
                ]
            }
        )
    content = _content(ctx, resource)
    if content is None:
        raise Invalid(
            {
                "resource_id": [
                    "Only a stored file or table waits for this; see "
                    "package_validation_override."
                ]
            }
        )
    refuse_persons(
        report, params["columns"] or (), open_=dataset.is_open, key="resource_id"
    )
    decided = _decide(ctx, dataset, resource.id, content, params, report.id)
    # A link that was refused has no stored content that a run could read.
    if not resource.file_key and not resource.version_id:
        _fetch_again(ctx, resource)
    elif reports.open_run(ctx.uow.session, resource.id) is None:
        run = reports.new_run(ctx.uow.session, resource, ctx.actor.user_id)
        ctx.uow.later(VALIDATE, run.id)
        resources.save(
            ctx.uow, dataset, resource, ctx.portal.settings.site_url, quiet=True
        )
    return decided


def _content(ctx: Context, resource: Resource) -> str | None:
    """The hash of what is to pass: of the stored file or rows, or of what was loaded of
    a link at last.
    """
    version = db.current_version(ctx.uow.session, resource)
    loaded = datastore.load_of(ctx.uow.session, resource.id)
    stored = resource.file_key or (version.fingerprint if version else None)
    return stored or (loaded.content_hash if loaded else None)


def _fetch_again(ctx: Context, resource: Resource) -> None:
    """Have a link loaded once more, although it did not change: now its content
    passes.
    """
    load = datastore.note_load(ctx.uow.session, resource.id)
    load.etag = load.modified = load.content_hash = None
    ctx.uow.later(LINK, resource.id)


def _was_held(resource: Resource, report: ValidationReport) -> bool:
    return report.finished is not None and (
        report.status == FAILURE or resource.access == HELD
    )


def refuse_persons(
    report: ValidationReport,
    columns: Sequence[str],
    *,
    open_: bool,
    key: str,
    released: Mapping[str, Sequence[str]] = MappingProxyType({}),
) -> None:
    """Raise Invalid for personal data that nobody may open, and for columns of it that
    the release does not name.

    Columns that were `released` before, by the hash of what they stand in, need not be
    named again.
    """
    beyond_doubt = report.personal_columns(("error",))
    if beyond_doubt and open_:
        refusal = Message(
            "The table holds personal data: nobody can let it pass{columns} ({law})."
        )
        filled = refusal.filled(columns=_listed(beyond_doubt), law=LAW)
        raise Invalid({key: bounds.told(filled)})
    unnamed = [
        name
        for name in report.personal_columns(("hold",), released)
        if name and name not in columns
    ]
    if unnamed and open_:
        refusal = Message(
            "What looks like personal data passes by its column alone; name it in "
            "columns{columns}."
        )
        filled = refusal.filled(columns=_listed(unnamed))
        raise Invalid({"columns": bounds.told(filled)})


def _listed(names: Sequence[str]) -> str:
    # A label that is personal data itself is not repeated in the message.
    told = [name for name in names if name and not is_value(name)]
    return f": {', '.join(told)}" if told else ""


@action(DatasetReason, allow=Permission.DATASET_GATE, on=held_by_id)
def package_validation_override(
    ctx: Context, dataset: HeldDataset, params: Params
) -> Json:
    """Let the refused content of the harvested dataset `id` pass, for a `reason` that
    is kept; it is read again.

    It holds for exactly the content that was refused. `columns` names those in which
    what looks like personal data is none. Personal data beyond doubt stays refused.
    Where nothing was refused, files of it that wait for a person are opened.
    """
    identity = harvest.find_refused(ctx.uow.session, dataset.id)
    if identity is None and (
        waiting := [each for each in dataset.resources if each.access == HELD]
    ):
        return [_describe(_release(ctx, dataset, each, params)) for each in waiting][-1]
    if identity is None or identity.refused_hash is None:
        raise Invalid({"id": ["No harvested content of this dataset was refused."]})
    report = (
        ctx.uow.session.get(ValidationReport, identity.report_id)
        if identity.report_id
        else None
    )
    if report is not None:
        released = {
            key: each.columns
            for key, each in reports.released_contents(
                ctx.uow.session, dataset.id
            ).items()
        }
        refuse_persons(
            report,
            params["columns"] or (),
            open_=dataset.is_open,
            key="id",
            released=released,
        )
    decided = _decide(
        ctx, dataset, None, identity.refused_hash, params, identity.report_id
    )
    if report is not None:
        reports.carry_on(ctx.uow.session, decided, None, report.contents())
    identity.refused_hash = None
    source = harvest.get_source(ctx.uow.session, identity.source_id)
    if harvest.open_job(ctx.uow.session, source.id) is None:
        harvest.new_job(ctx.uow.session, source)
    return _describe(decided)


@action(ById, allow=Permission.DATASET_UPDATE, on=shown_by_id, safe=True)
def package_validation_override_list(
    ctx: Context, dataset: Dataset, params: Params
) -> list[Json]:
    """Return who let content of the dataset `id` pass that was not valid, when and why,
    newest first.
    """
    return [
        _describe(each) for each in reports.list_overrides(ctx.uow.session, dataset.id)
    ]


@action(RunParams, allow=Permission.DATASET_UPDATE, on=shown_of_resource, safe=True)
def resource_quarantine_show(ctx: Context, dataset: Dataset, params: Params) -> Json:
    """Return how many rows of the resource `resource_id` are kept aside, since when,
    and where to download them.
    """
    kept = reports.find_quarantine(ctx.uow.session, params["resource_id"])
    if kept is None:
        raise NotFound("Not found: No row of this resource is in quarantine.")
    return {
        "resource_id": kept.resource_id,
        "package_id": kept.package_id,
        "report_id": kept.report_id,
        "created": stamp(kept.created),
        "rows": kept.rows,
        "url": (
            f"{ctx.portal.settings.site_url}/dataset/{dataset.name}"
            f"/resource/{kept.resource_id}/quarantine.csv"
        ),
    }


def _decide(
    ctx: Context,
    dataset: Dataset,
    resource_id: str | None,
    content: str,
    params: Params,
    report_id: str | None,
) -> ValidationOverride:
    """Write down, also in the audit log, that this content may pass, and why."""
    decided = ValidationOverride(
        id=new_id(),
        package_id=dataset.id,
        resource_id=resource_id,
        content=content,
        reason=params["reason"].strip(),
        columns=list(params["columns"] or ()),
        actor_id=ctx.actor.user_id,
    )
    ctx.uow.session.add(decided)
    ctx.uow.session.flush()
    kind, key = ("Resource", resource_id) if resource_id else ("Dataset", dataset.id)
    said = {"reason": decided.reason, "columns": decided.columns, "report": report_id}
    ctx.uow.audit(ctx.actor.user_id, "validation_override", kind, key, **said)
    return decided


def _describe(decided: ValidationOverride) -> Json:
    """The decision as the actions answer it."""
    return {
        "id": decided.id,
        "package_id": decided.package_id,
        "resource_id": decided.resource_id,
        "content": decided.content,
        "reason": decided.reason,
        "columns": decided.columns,
        "user_id": decided.actor_id,
        "created": stamp(decided.created),
    }
