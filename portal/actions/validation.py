"""Validation: what was wrong with a resource or dataset and how to mend it, and runs that look again."""

from __future__ import annotations

from typing import Any

from portal.access import policy
from portal.access.policy import Permission
from portal.actions.registry import Params, action
from portal.db import datasets as db
from portal.db import validation as reports
from portal.domain.base import stamp
from portal.domain.datasets import Dataset, Resource, ValidationReport
from portal.domain.events import VALIDATE
from portal.errors import Invalid, NotFound
from portal.quality import shapes
from portal.runtime import Context
from schemas.datasets import MISSING, AnyParams, ById
from schemas.validation import ReportList, ReportParams, RunBatch, RunParams

NO_REPORT = "Not found: No validation report exists for this resource"
Json = dict[str, Any]


def dataset_of_resource(ctx: Context, params: Params) -> Dataset:
    """The dataset of the resource `resource_id`."""
    key = params.get("resource_id") or params.get("id")
    if not key:
        raise Invalid({"resource_id": [MISSING]})
    found = db.find_resource(ctx.uow.session, str(key))
    if found is None:
        raise NotFound("Not found: Resource was not found.")
    return found[1]


def dataset_of_id(ctx: Context, params: Params) -> Dataset:
    """The dataset of `id`."""
    if not params.get("id"):
        raise Invalid({"id": [MISSING]})
    return db.get_dataset(ctx.uow.session, str(params["id"]))


def _resource(dataset: Dataset, params: Params) -> Resource:
    resource = dataset.find_resource(str(params.get("resource_id") or params.get("id")))
    if resource is None:
        raise NotFound("Not found: Resource was not found.")
    return resource


@action(ReportParams, allow=Permission.DATASET_READ, on=dataset_of_resource, safe=True)
def resource_validation_show(ctx: Context, dataset: Dataset, params: Params) -> Json:
    """Return the newest validation of the resource `resource_id`, or its `report_id`.

    `format` is report (ours), page (in one `lang`, vi or en) or frictionless. Cells and sample rows are told
    only to those who may edit the dataset.
    """
    resource = _resource(dataset, params)
    report = _find(ctx, resource, params.get("report_id"))
    body = report.body if policy.may_edit(ctx.actor, dataset) else shapes.for_strangers(report.body)
    if params.get("format") == "frictionless":
        body = shapes.frictionless(body, resource.name or resource.id)
    elif params.get("format") == "page":
        body = shapes.page(body, str(params["lang"]))
    return {**_describe(report), "report": body}


def _find(ctx: Context, resource: Resource, report_id: str | None) -> ValidationReport:
    if report_id:
        asked = ctx.uow.session.get(ValidationReport, report_id)
        found = asked if asked is not None and asked.resource_id == resource.id else None
    else:
        found = reports.newest_report(ctx.uow.session, resource.id)
    if found is None:
        raise NotFound(NO_REPORT)
    return found


@action(ReportList, allow=Permission.DATASET_UPDATE, on=dataset_of_resource, safe=True)
def resource_validation_list(ctx: Context, dataset: Dataset, params: Params) -> list[Json]:
    """Return the validations of the resource `resource_id`, newest first, without their findings."""
    resource = _resource(dataset, params)
    listed = reports.list_reports(ctx.uow.session, resource.id, params["limit"], params["offset"])
    return [{**_describe(each), **_totals(each)} for each in listed]


@action(RunParams, allow=Permission.DATASET_UPDATE, on=dataset_of_resource)
def resource_validation_run(ctx: Context, dataset: Dataset, params: Params) -> Json:
    """Have the resource `resource_id` validated again by a worker; return the run, whose `status` can be watched.

    A run that waits already is returned as it is.
    """
    return _describe(_run(ctx, dataset, _resource(dataset, params)))


@action(RunBatch, allow=Permission.SYSADMIN)
def resource_validation_run_batch(ctx: Context, target: object, params: Params) -> Json:
    """Have every stored file and table of the datasets `dataset_ids` (of all, without them) validated again."""
    ids = params["dataset_ids"]
    if ids is not None and not isinstance(ids, (str, list)):
        raise Invalid({"dataset_ids": ["Must be a list of ids or names"]})
    wanted = [str(each) for each in ([ids] if isinstance(ids, str) else ids)] if ids is not None else None
    asked: dict[str, list[Resource]] = {}
    for resource in reports.tabular_resources(ctx.uow.session, wanted):
        asked.setdefault(resource.package_id, []).append(resource)
    for package_id, resources in asked.items():
        dataset = db.get_dataset(ctx.uow.session, package_id)
        for resource in resources:
            _run(ctx, dataset, resource)
    number = sum(map(len, asked.values()))
    return {"output": f"{number} resources of {len(asked)} datasets wait to be validated.", "count": number}


def _run(ctx: Context, dataset: Dataset, resource: Resource) -> ValidationReport:
    if not resource.file_key and not resource.version_id:
        raise Invalid({"url": ["There is no stored file or table to validate; links are not fetched."]})
    waiting = reports.open_run(ctx.uow.session, resource.id)
    if waiting is not None:
        return waiting
    run = reports.new_run(ctx.uow.session, resource, ctx.actor.user_id)
    ctx.uow.later(VALIDATE, run.id)
    db.save(ctx.uow, dataset, ctx.portal.settings.site_url, quiet=True)
    return run


@action(RunParams, allow=Permission.DATASET_UPDATE, on=dataset_of_resource)
def resource_validation_delete(ctx: Context, dataset: Dataset, params: Params) -> None:
    """Forget the validations of the resource `resource_id`; one that names personal data stays while its table does."""
    resource = _resource(dataset, params)
    if db.holds_persons(ctx.uow.session, resource):
        raise Invalid({"resource_id": ["The report names personal data and stays until the table is replaced."]})
    if not reports.delete_reports(ctx.uow.session, resource.id):
        raise NotFound(NO_REPORT)
    resource.validation_status = resource.validation_report_id = resource.validation_timestamp = None
    db.save(ctx.uow, dataset, ctx.portal.settings.site_url, quiet=True)


@action(AnyParams, allow=Permission.DATASET_UPDATE, on=dataset_of_id, safe=True, shape=ById)
def package_validation_list(ctx: Context, dataset: Dataset, params: Params) -> list[Json]:
    """Return the validation reports of the dataset `id`, newest first, refused ones included."""
    return [{**_describe(each), "report": each.body} for each in db.list_reports(ctx.uow.session, dataset.id)]


def _describe(report: ValidationReport) -> Json:
    return {
        "id": report.id,
        "package_id": report.package_id,
        "resource_id": report.resource_id,
        "created": stamp(report.created),
        "finished": stamp(report.finished),
        "status": report.status,
        "error": {"message": [report.error]} if report.error else None,
        "version_id": report.version_id,
    }


def _totals(report: ValidationReport) -> Json:
    inner = report.body.get("report") or {}
    counted = {key: inner.get(key) for key in ("rows", "errors", "warnings")}
    return {**counted, "decision": report.body.get("decision") or {}}
