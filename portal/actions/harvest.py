"""Harvest sources and jobs, with ckanext-harvest's actions and shapes."""

from __future__ import annotations

from typing import Any

from harvesters import KINDS
from portal.access.policy import Permission
from portal.actions._shared.harvest_dicts import (
    job_dict,
    job_dicts,
    object_dict,
    source_dict,
    source_dicts,
    source_statuses,
)
from portal.actions._shared.harvest_sources import (
    may_see_job,
    owner_after,
    save_source,
    seen_source_ids,
    seen_sources,
    shown_owner,
    shown_owner_of_job,
    shown_owner_of_source,
)
from portal.actions.registry import (
    Check,
    NoParams,
    Params,
    Steps,
    action,
    in_steps,
)
from portal.db import datasets
from portal.db import harvest as db
from portal.db.holding import find_dataset
from portal.domain.base import new_id, stamp
from portal.domain.datasets import ValidationReport
from portal.domain.harvest import HarvestObject, HarvestSource
from portal.domain.people import Group
from portal.errors import Invalid, NotFound
from portal.runtime import Context
from schemas.datasets import ById
from schemas.harvest import (
    JobCreate,
    JobList,
    LogList,
    ObjectList,
    SourceList,
    SourceParams,
)

FARTHEST = 10**9
"""No list is longer, and every database takes the number."""


@action(SourceParams, allow=Permission.SOURCE_MANAGE, on=shown_owner)
def harvest_source_create(
    ctx: Context, organization: Group | None, params: Params
) -> dict[str, Any]:
    """Create a harvest source and return it: `url`, `source_type`, `config` (JSON),
    `frequency`, `owner_org`.
    """
    source = HarvestSource(id=new_id(), user_id=ctx.actor.user_id, name="")
    return save_source(ctx, source, organization, params)


@action(SourceParams, allow=Permission.SOURCE_MANAGE, on=shown_owner_of_source)
def harvest_source_update(
    ctx: Context, organization: Group | None, params: Params
) -> dict[str, Any]:
    """Replace the description of the source `id` and return it."""
    source = db.get_source(ctx.uow.session, str(params["id"]))
    return save_source(ctx, source, owner_after(ctx, organization, params), params)


def _over_source(ctx: Context, organization: Group | None, given: Params) -> Params:
    """The whole source, changed as was sent."""
    source = db.get_source(ctx.uow.session, str(given["id"]))
    return {**source_dict(ctx.uow.session, source), **given}


@action(
    SourceParams,
    allow=Permission.SOURCE_MANAGE,
    on=shown_owner_of_source,
    check=Check.AUTHORISED,
    over=_over_source,
    needs=("id",),
)
def harvest_source_patch(
    ctx: Context, organization: Group | None, params: Params
) -> dict[str, Any]:
    """Change only the given fields of the source `id` and return it."""
    source = db.get_source(ctx.uow.session, str(params["id"]))
    return save_source(ctx, source, owner_after(ctx, organization, params), params)


@action(ById, allow=Permission.SOURCE_MANAGE, on=shown_owner_of_source)
def harvest_source_delete(
    ctx: Context, organization: Group | None, params: Params
) -> dict[str, Any]:
    """Switch the source `id` off: nothing is harvested from it any more; its datasets
    stay.
    """
    source = db.get_source(ctx.uow.session, params["id"])
    source.active, source.next_run = False, None
    if job := db.open_job(ctx.uow.session, source.id):
        db.abort(ctx.uow.session, job)
    return source_dict(ctx.uow.session, source)


@action(ById, allow=Permission.SOURCE_MANAGE, on=shown_owner_of_source)
def harvest_source_clear(
    ctx: Context, organization: Group | None, params: Params
) -> Steps[dict[str, Any]]:
    """Remove every dataset, job and object of the source `id`, a few at a time; the
    source itself stays.
    """
    source = db.get_source(ctx.uow.session, params["id"])
    if job := db.open_job(ctx.uow.session, source.id):
        db.abort(ctx.uow.session, job)
    # The job is ended first: a trip under way would bring back what is removed here.
    packages = db.list_packages(ctx.uow.session, source.id)
    yield
    yield from in_steps(packages, lambda package_id: _clear(ctx, source.id, package_id))
    while db.forget_objects(ctx.uow.session, source.id):
        yield
    db.forget_jobs(ctx.uow.session, source.id)
    return {"id": source.id, "datasets": len(packages)}


def _clear(ctx: Context, source_id: str, package_id: str) -> None:
    """Remove one dataset of a source, and what the source knew of it."""
    dataset = find_dataset(ctx.uow, package_id)
    if dataset is not None:
        datasets.purge(ctx.uow, dataset)
    db.forget_identity(ctx.uow.session, source_id, package_id)


@action(ById, allow=Permission.SOURCE_READ, on=shown_owner_of_source, safe=True)
def harvest_source_show(
    ctx: Context, organization: Group | None, params: Params
) -> dict[str, Any]:
    """Return the source `id` (its id, name or url) with the status of its jobs."""
    return source_dict(ctx.uow.session, db.get_source(ctx.uow.session, params["id"]))


@action(ById, allow=Permission.SOURCE_READ, on=shown_owner_of_source, safe=True)
def harvest_source_show_status(
    ctx: Context, organization: Group | None, params: Params
) -> dict[str, Any]:
    """Return the status of the source `id`: jobs, the last one, the next run, how many
    datasets it gave.
    """
    source = db.get_source(ctx.uow.session, params["id"])
    return source_statuses(ctx.uow.session, [source])[source.id]


@action(SourceList, allow=Permission.LOGGED_IN, safe=True)
def harvest_source_list(
    ctx: Context, target: object, params: Params
) -> list[dict[str, Any]]:
    """Return the sources of the caller's organizations; a sysadmin sees all."""
    wanted = params["organization_id"]
    seen = seen_sources(
        ctx,
        db.list_sources(
            ctx.uow.session, active=True if params["only_active"] else None
        ),
    )
    return source_dicts(
        ctx.uow.session,
        [source for source in seen if wanted in (None, source.owner_org)],
    )


@action(NoParams, allow=Permission.ANYONE, safe=True)
def harvesters_info_show(
    ctx: Context, target: object, params: Params
) -> list[dict[str, Any]]:
    """Return the kinds of source that can be harvested."""
    return [
        {"name": kind.name, "title": kind.title.en, "description": kind.help}
        for kind in KINDS
    ]


@action(JobCreate, allow=Permission.SOURCE_MANAGE, on=shown_owner_of_source)
def harvest_job_create(
    ctx: Context, organization: Group | None, params: Params
) -> dict[str, Any]:
    """Queue a trip to the source `source_id` and return its job; a worker takes it.
    `run=false` only prepares it.
    """
    source = db.get_source(ctx.uow.session, params["source_id"])
    if not source.active:
        raise Invalid("Can not create jobs on inactive sources")
    if db.open_job(ctx.uow.session, source.id):
        raise Invalid("There already is an unrun job for this source")
    return job_dict(
        ctx.uow.session, db.new_job(ctx.uow.session, source, queued=params["run"])
    )


@action(ById, allow=Permission.SOURCE_MANAGE, on=shown_owner_of_job)
def harvest_send_job_to_gather_queue(
    ctx: Context, organization: Group | None, params: Params
) -> dict[str, Any]:
    """Queue a job that was only prepared."""
    job = db.get_job(ctx.uow.session, params["id"])
    job.queued = True
    return job_dict(ctx.uow.session, job)


@action(
    ById,
    allow=Permission.SOURCE_READ,
    on=shown_owner_of_job,
    safe=True,
    check=Check.AUTHORISED,
)
def harvest_job_show(
    ctx: Context, organization: Group | None, params: Params
) -> dict[str, Any]:
    """Return the job `id` with its counts and a summary of its errors."""
    return job_dict(ctx.uow.session, db.get_job(ctx.uow.session, str(params["id"])))


@action(JobList, allow=Permission.LOGGED_IN, safe=True)
def harvest_job_list(
    ctx: Context, target: object, params: Params
) -> list[dict[str, Any]]:
    """Return jobs, newest first, of the sources that the caller may see; `source_id`
    and `status` narrow them.
    """
    if params["source_id"]:
        # One that is not there is told.
        db.get_source(ctx.uow.session, params["source_id"])
    sources = seen_source_ids(ctx, params["source_id"])
    return job_dicts(
        ctx.uow.session,
        db.list_jobs(
            ctx.uow.session, sources, status=params["status"], **_page(params)
        ),
    )


@action(ById, allow=Permission.SOURCE_READ, on=shown_owner_of_job, safe=True)
def harvest_job_report(
    ctx: Context, organization: Group | None, params: Params
) -> dict[str, Any]:
    """Return every error of the job `id`: those of the listing, and those of single
    datasets with their reports.
    """
    job = db.get_job(ctx.uow.session, params["id"])
    bad = [
        item
        for item in db.list_objects(ctx.uow.session, job.id)
        if item.errors or item.outcome == "refused"
    ]
    return {
        "gather_errors": job.gather_errors,
        "notes": job.notes,
        "object_errors": {item.id: _object_errors(ctx, item) for item in bad},
    }


@action(ById, allow=Permission.SOURCE_MANAGE, on=shown_owner_of_job)
def harvest_job_abort(
    ctx: Context, organization: Group | None, params: Params
) -> dict[str, Any]:
    """Stop the job `id`: what it has stored stays, what waits is not done."""
    job = db.get_job(ctx.uow.session, params["id"])
    if not job.over:
        db.abort(ctx.uow.session, job)
    return job_dict(ctx.uow.session, job)


@action(ById, allow=Permission.LOGGED_IN, safe=True)
def harvest_object_show(ctx: Context, target: object, params: Params) -> dict[str, Any]:
    """Return one harvest object: what became of one dataset of one trip."""
    item = ctx.uow.session.get(HarvestObject, params["id"])
    if item is None or not may_see_job(ctx, db.get_job(ctx.uow.session, item.job_id)):
        raise NotFound("Not found: Harvest object was not found.")
    return object_dict(item)


@action(ObjectList, allow=Permission.LOGGED_IN, safe=True)
def harvest_object_list(ctx: Context, target: object, params: Params) -> list[str]:
    """Return ids of harvest objects of the sources that the caller may see, the newest
    first.

    `only_current` (the default) takes the last object of each thing that a source
    named; `source_id` and `job_id` narrow the list, `limit` and `offset` page through
    it.
    """
    sources = seen_source_ids(ctx, params["source_id"])
    narrowed = {
        "job_id": params["job_id"],
        "current": params["only_current"],
        **_page(params),
    }
    return list(db.list_object_ids(ctx.uow.session, sources, **narrowed))


@action(LogList, allow=Permission.LOGGED_IN, safe=True)
def harvest_log_list(
    ctx: Context, target: object, params: Params
) -> list[dict[str, Any]]:
    """Return what the trips wrote down, the newest trip first: failed listings (ERROR)
    and notes (INFO).

    `level` and `source_id` narrow the list, `limit` and `offset` page through it.
    """
    jobs = db.list_telling_jobs(
        ctx.uow.session, seen_source_ids(ctx, params["source_id"])
    )
    entries = [
        {
            # Entries are no rows of their own: job and place make an id that stays.
            "id": f"{job.id}-{place}",
            "level": level,
            "content": str(told.get("message") or told.get("code") or ""),
            "created": stamp(job.finished or job.created),
            "harvest_job_id": job.id,
        }
        for job in jobs
        for place, (level, told) in enumerate(
            [
                *(("ERROR", each) for each in job.gather_errors),
                *(("INFO", each) for each in job.notes),
            ]
        )
        if params["level"] in (None, "", level)
    ]
    page = _page(params)
    return entries[page["offset"] : page["offset"] + page["limit"]]


def _page(params: Params) -> dict[str, int]:
    """Limit and offset, within what a list and every database take."""
    return {
        "limit": max(1, min(params["limit"], 1000)),
        "offset": max(0, min(params["offset"], FARTHEST)),
    }


def _object_errors(ctx: Context, item: HarvestObject) -> dict[str, Any]:
    """The object with its errors and, where there is one, its validation report."""
    report = (
        ctx.uow.session.get(ValidationReport, item.report_id)
        if item.report_id
        else None
    )
    return {**object_dict(item), "report": report.body if report else None}
