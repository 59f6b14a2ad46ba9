"""Validation: what was wrong with a resource or dataset and how to mend it, and runs
that look again.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from portal import outages
from portal.access import policy
from portal.access.policy import Permission
from portal.actions._shared.targets import held_of_resource, shown_of_resource
from portal.actions.registry import (
    Check,
    NoParams,
    Params,
    Steps,
    action,
    in_steps,
)
from portal.db import datasets as db
from portal.db import resources
from portal.db import validation as reports
from portal.db.holding import HeldDataset, find_live_resource
from portal.db.validation import TableKey
from portal.domain.base import now, stamp
from portal.domain.datasets import Dataset, Resource, ValidationReport
from portal.domain.events import VALIDATE
from portal.errors import Invalid, NotFound, PortalError, Unavailable
from portal.quality.findings import report_formats
from portal.runtime import Context
from schemas import bounds
from schemas.datasets import ById
from schemas.lists import words
from schemas.validation import ReportList, ReportParams, RunBatch, RunParams
from schemas.values import MISSING
from search.backend import QueryError, SearchRequest, SearchUnavailable

NO_REPORT = "Not found: No validation report exists for this resource"
Json = dict[str, Any]
log = logging.getLogger(__name__)


def shown_by_id(ctx: Context, params: Params) -> Dataset:
    """The dataset of `id`."""
    if not params.get("id"):
        raise Invalid({"id": [MISSING]})
    return db.get_dataset(ctx.uow.session, str(params["id"]))


def _resource(dataset: Dataset, params: Params) -> Resource:
    """The live resource of the dataset; raises NotFound."""
    resource = dataset.find_resource(str(params.get("resource_id") or params.get("id")))
    if resource is None:
        raise NotFound("Not found: Resource was not found.")
    return resource


@action(ReportParams, allow=Permission.DATASET_READ, on=shown_of_resource, safe=True)
def resource_validation_show(ctx: Context, dataset: Dataset, params: Params) -> Json:
    """Return the newest validation of the resource `resource_id`, or its `report_id`.

    `format` is report (ours), page (in one `lang`, vi or en) or frictionless. Cells and
    sample rows are told only to those who may edit the dataset.
    """
    resource = _resource(dataset, params)
    report = _chosen_report(ctx, resource, params.get("report_id"))
    body = (
        report.body
        if policy.may_edit(ctx.actor, dataset)
        else report_formats.for_strangers(report.body)
    )
    if params.get("format") == "frictionless":
        body = report_formats.frictionless(body, resource.name or resource.id)
    elif params.get("format") == "page":
        body = report_formats.page(body, str(params["lang"]))
    return {**_describe(report), "report": body}


def _chosen_report(
    ctx: Context, resource: Resource, report_id: str | None
) -> ValidationReport:
    """The report that is asked for, or the newest; raises NotFound."""
    if report_id:
        asked = ctx.uow.session.get(ValidationReport, report_id)
        found = (
            asked if asked is not None and asked.resource_id == resource.id else None
        )
    else:
        found = reports.newest_report(ctx.uow.session, resource.id)
    if found is None:
        raise NotFound(NO_REPORT)
    return found


@action(ReportList, allow=Permission.DATASET_UPDATE, on=shown_of_resource, safe=True)
def resource_validation_list(
    ctx: Context, dataset: Dataset, params: Params
) -> list[Json]:
    """Return the validations of the resource `resource_id`, newest first, without their
    findings.
    """
    resource = _resource(dataset, params)
    listed = reports.list_reports(
        ctx.uow.session, resource.id, params["limit"], params["offset"]
    )
    return [{**_describe(each), **_totals(each)} for each in listed]


@action(RunParams, allow=Permission.DATASET_UPDATE, on=held_of_resource)
def resource_validation_run(ctx: Context, dataset: HeldDataset, params: Params) -> Json:
    """Have the resource `resource_id` validated again by a worker; return the run,
    whose `status` can be watched.

    A run that waits already is returned as it is.
    """
    return _describe(_run(ctx, dataset, _resource(dataset, params)))


@action(RunBatch, allow=Permission.SYSADMIN)
def resource_validation_run_batch(
    ctx: Context, target: object, params: Params
) -> Steps[Json]:
    """Have every stored file and table validated again: of `dataset_ids`, of what
    `query` finds, or of all.

    `query` asks as package_search does (`q`, `fq`, `fq_list`), private datasets
    included. Workers do the work; resource_validation_progress tells how far it is.
    With `more` in the answer there were more than `limit` datasets. They are asked for
    a few at a time; one that cannot be asked for is told of in `failed` and stops no
    other.
    """
    names, more = _wanted_datasets(ctx, params)
    # A long list is no reason to keep others from writing.
    with ctx.portal.read() as uow:
        listed = reports.list_tabular(uow.session, names)
    wanted = set(
        list(dict.fromkeys(each.package_id for each in listed))[: params["limit"]]
    )
    chosen = [each for each in listed if each.package_id in wanted]
    return _Batch(ctx).steps(chosen, more=more or len(chosen) < len(listed))


class _Batch:
    """Runs for many resources, each asked for while its dataset is held; what is left
    is asked for by the same call.
    """

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._asked_for: list[TableKey] = []
        self._failed: list[Json] = []

    def steps(self, tables: Sequence[TableKey], *, more: bool) -> Steps[Json]:
        """Ask for all of them, and say how that went."""
        yield from in_steps(tables, self._one)
        count, datasets = (
            len(self._asked_for),
            len({each.package_id for each in self._asked_for}),
        )
        told = f"{count} resources of {datasets} datasets wait to be validated."
        answer: Json = {
            "output": told,
            "count": count,
            "datasets": datasets,
            "more": more,
        }
        if self._failed:
            answer["output"] = f"{told} {len(self._failed)} could not be asked for."
            answer["failed"] = self._failed
        return answer

    def _one(self, table: TableKey) -> None:
        """Ask for the run of one table, if it is still there; note what went wrong."""
        held = find_live_resource(self._ctx.uow, table.resource_id)
        if (
            held is None
            or held.dataset.state != "active"
            or not _is_stored(held.resource)
        ):
            return  # deleted, or without its file, since it was listed
        try:
            # What is wrong with one undoes nothing of the others.
            with self._ctx.uow.session.begin_nested():
                _run(self._ctx, held.dataset, held.resource)
        except Exception as problem:
            # An outage meets all the others, too: the whole batch stops.
            if outages.explain(problem) is not None:
                raise
            self._note(table, problem)
        else:
            self._asked_for.append(table)

    def _note(self, table: TableKey, problem: Exception) -> None:
        """Log the error, and keep it for the answer in words that a caller may read."""
        log.error(
            "the resource %s could not be asked to be validated",
            table.resource_id,
            exc_info=problem,
        )
        told = (
            problem.message
            if isinstance(problem, PortalError)
            else "an error of the portal; its log says more"
        )
        self._failed.append(
            {
                "package_id": table.package_id,
                "resource_id": table.resource_id,
                "error": told,
            }
        )


def _wanted_datasets(ctx: Context, params: Params) -> tuple[list[str] | None, bool]:
    """The datasets that a batch is to look at (None: all), and whether the query found
    more of them than allowed.
    """
    ids = params["dataset_ids"]
    if ids is not None and not isinstance(ids, (str, list)):
        raise Invalid({"dataset_ids": ["Must be a list of ids or names"]})
    given = [ids] if isinstance(ids, str) else ids
    wanted = None if given is None else [str(each) for each in given]
    if params["query"] in (None, "", {}):
        return wanted, False
    found, count = _matching_datasets(
        ctx, batch_query(params["query"]), params["limit"]
    )
    both = found if wanted is None else [each for each in found if each in wanted]
    return both, count > len(found)


def batch_query(given: object) -> dict[str, list[str]]:
    """`q` and the filters of a query, which may be a text of JSON. Raises Invalid."""
    try:
        query = bounds.parse(given) if isinstance(given, str) else given
    except ValueError:
        query = None
    if not isinstance(query, dict) or not set(query) <= {"q", "fq", "fq_list"}:
        raise Invalid({"query": ["Must be an object of q, fq and fq_list"]})
    filters = [query.get("fq"), *(words(query.get("fq_list")) or [])]
    return {
        "q": [str(query.get("q") or "*:*")],
        "fq": [str(each) for each in filters if each],
    }


def _matching_datasets(
    ctx: Context, query: dict[str, list[str]], limit: int
) -> tuple[list[str], int]:
    """Ids of the datasets that the query finds, up to `limit`, and the count of all."""
    request = SearchRequest(
        q=query["q"][0],
        fq=tuple(query["fq"]),
        # Pages are cut by position: the order must be the same for each of them.
        sort="id asc",
        rows=min(limit, ctx.portal.settings.rows_max),
        labels=policy.labels_for(ctx.actor),
        include_private=True,
    )
    ids: list[str] = []
    count = limit
    ctx.portal.before_search(ctx.portal, ctx.actor)
    try:
        while len(ids) < min(limit, count):
            page = ctx.portal.search.search(replace(request, start=len(ids)))
            ids, count = [*ids, *(hit.id for hit in page.hits)], page.count
            if not page.hits:
                break
    except QueryError as error:
        raise Invalid({"query": [str(error)]}) from None
    except SearchUnavailable:
        raise Unavailable(
            "The search index cannot be reached now; try again later."
        ) from None
    return ids[:limit], count


@action(NoParams, allow=Permission.SYSADMIN, safe=True)
def resource_validation_progress(ctx: Context, target: object, params: Params) -> Json:
    """Return how many validations wait and run, what became of those of the last 24
    hours, and since when one waits.
    """
    counts = reports.count_runs(ctx.uow.session, now() - timedelta(hours=24))
    oldest = reports.oldest_run(ctx.uow.session)
    waiting, running = counts.pop("created", 0), counts.pop("running", 0)
    return {
        "waiting": waiting,
        "running": running,
        "done": counts,
        "oldest": stamp(oldest) if oldest else None,
    }


def _is_stored(resource: Resource) -> bool:
    return bool(resource.file_key or resource.version_id)


def _run(ctx: Context, dataset: HeldDataset, resource: Resource) -> ValidationReport:
    """The run that waits already, or a new one; raises Invalid for a bare link."""
    if not _is_stored(resource):
        raise Invalid(
            {
                "url": [
                    "There is no stored file or table to validate; links are not "
                    "fetched."
                ]
            }
        )
    waiting = reports.open_run(ctx.uow.session, resource.id)
    if waiting is not None:
        return waiting
    run = reports.new_run(ctx.uow.session, resource, ctx.actor.user_id)
    ctx.uow.later(VALIDATE, run.id)
    resources.save(ctx.uow, dataset, resource, ctx.portal.settings.site_url, quiet=True)
    return run


@action(RunParams, allow=Permission.DATASET_UPDATE, on=held_of_resource)
def resource_validation_delete(
    ctx: Context, dataset: HeldDataset, params: Params
) -> None:
    """Forget the validations of the resource `resource_id`; one that names personal
    data stays while its table does.
    """
    resource = _resource(dataset, params)
    if db.holds_persons(ctx.uow.session, resource):
        raise Invalid(
            {
                "resource_id": [
                    "The report names personal data and stays until the table is "
                    "replaced."
                ]
            }
        )
    if not reports.delete_reports(ctx.uow.session, resource.id):
        raise NotFound(NO_REPORT)
    resource.validation_status = resource.validation_report_id = (
        resource.validation_timestamp
    ) = None
    resources.save(ctx.uow, dataset, resource, ctx.portal.settings.site_url, quiet=True)


@action(
    ById,
    allow=Permission.DATASET_UPDATE,
    on=shown_by_id,
    safe=True,
    check=Check.AUTHORISED,
)
def package_validation_list(
    ctx: Context, dataset: Dataset, params: Params
) -> list[Json]:
    """Return the validation reports of the dataset `id`, newest first, refused ones
    included.
    """
    return [
        {**_describe(each), "report": each.body}
        for each in db.list_reports(ctx.uow.session, dataset.id)
    ]


def _describe(report: ValidationReport) -> Json:
    """The decision as the actions answer it."""
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
