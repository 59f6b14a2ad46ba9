"""Validation reports: what was wrong with a resource or dataset, and how to mend it."""

from __future__ import annotations

from typing import Any

from portal.access.policy import Permission
from portal.actions.registry import Params, action
from portal.db import datasets as db
from portal.domain.base import stamp
from portal.domain.datasets import Dataset, ValidationReport
from portal.errors import Invalid, NotFound
from portal.runtime import Context
from schemas.datasets import MISSING, AnyParams, ById, OneResource


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


@action(AnyParams, allow=Permission.DATASET_READ, on=dataset_of_resource, safe=True, shape=OneResource)
def resource_validation_show(ctx: Context, dataset: Dataset, params: Params) -> dict[str, Any]:
    """Return the newest validation report of the resource `resource_id`, with ckanext-validation's names."""
    resource = dataset.find_resource(str(params.get("resource_id") or params.get("id")))
    report_id = resource.validation_report_id if resource else None
    report = ctx.uow.session.get(ValidationReport, report_id) if report_id else None
    if report is None:
        raise NotFound("Not found: No validation report exists for this resource")
    return _describe(report)


@action(AnyParams, allow=Permission.DATASET_UPDATE, on=dataset_of_id, safe=True, shape=ById)
def package_validation_list(ctx: Context, dataset: Dataset, params: Params) -> list[dict[str, Any]]:
    """Return the validation reports of the dataset `id`, newest first, refused ones included."""
    return [_describe(report) for report in db.list_reports(ctx.uow.session, dataset.id)]


def _describe(report: ValidationReport) -> dict[str, Any]:
    return {
        "id": report.id,
        "package_id": report.package_id,
        "resource_id": report.resource_id,
        "created": stamp(report.created),
        "finished": stamp(report.created),
        "status": report.status,
        "report": report.body,
    }
