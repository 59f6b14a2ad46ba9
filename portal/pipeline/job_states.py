"""What is written down about a harvest job as a whole, under its lease: its listing,
its notes, its end.
"""

from __future__ import annotations

import threading
import time
from typing import Any

from harvesters.base import SourceError
from portal.db import harvest as db
from portal.db.uow import UnitOfWork
from portal.domain.base import now
from portal.domain.harvest import HarvestJob
from portal.pipeline import index
from portal.pipeline.harvest import Stopped
from portal.pipeline.job_lease import JobLease
from portal.runtime import Portal

LOOK_SECONDS = 1.0


def is_between_objects(uow: UnitOfWork, job: HarvestJob) -> bool:
    """Whether the job is in its listing or its deletions; objects have tries of their
    own.
    """
    return job.gather_finished is None or db.next_object(uow.session, job.id) is None


def give_up_stage(portal: Portal, lease: JobLease, job: HarvestJob) -> HarvestJob:
    """Give up the stage in which the job's workers ended each time; what was listed
    before that is still done.
    """
    reason = f"given up after {job.tries - 1} tries: the worker ended each time"
    if job.gather_finished is None:
        finish_listing(
            portal, lease, SourceError("given-up", f"Listing the source was {reason}.")
        )
    else:
        note = {
            "code": "deletions-given-up",
            "message": f"Deleting what the source no longer has was {reason}.",
        }
        add_note(portal, lease, note)
    with portal.read() as uow:
        nothing_left = db.next_object(uow.session, job.id) is None
    if nothing_left:
        finish(portal, lease, None)
    with portal.read() as uow:
        return db.get_job(uow.session, job.id)


def await_index(portal: Portal, lease: JobLease, stop: threading.Event) -> None:
    """Bring what the job changed to the index before it is called finished, for a
    bounded time.

    Where the search server does not answer, the job says so, and a worker brings it
    there later. Raises Stopped when the worker is told to end meanwhile.
    """
    # Bounded: a search server that is away for a day must not hold a worker for a day.
    deadline = time.monotonic() + portal.settings.harvest_index_seconds
    while True:
        index.drain(portal)
        with portal.read() as uow:
            behind = db.count_unindexed(uow.session, lease.job_id)
        if not behind:
            return
        if time.monotonic() >= deadline:
            break
        if stop.wait(LOOK_SECONDS):
            raise Stopped
    message = (
        f"{behind} datasets are stored and not found yet: the search index does not "
        "take them at present."
    )
    note = {"code": "not-indexed-yet", "message": message, "count": behind}
    add_note(portal, lease, note)


def finish_listing(portal: Portal, lease: JobLease, error: SourceError | None) -> None:
    """The listing is over: it is complete, or an error broke it off."""
    with portal.work() as uow:
        lease.renew(uow, advanced=True)
        job = db.get_job(uow.session, lease.job_id)
        # Only a listing that came to its end may let datasets be deleted.
        job.gather_finished, job.listing_complete = now(), error is None
        _add_error(job, error)
        uow.commit()


def add_note(portal: Portal, lease: JobLease, note: dict[str, Any]) -> None:
    """Something that people who read the job's report should know."""
    with portal.work() as uow:
        lease.renew(uow)
        job = db.get_job(uow.session, lease.job_id)
        job.notes = [*job.notes, note]
        uow.commit()


def finish(portal: Portal, lease: JobLease, error: SourceError | None) -> None:
    """Nothing more happens to the job."""
    with portal.work() as uow:
        lease.renew(uow)
        job = db.get_job(uow.session, lease.job_id)
        _add_error(job, error)
        job.gather_finished = job.gather_finished or now()
        db.finish(job)
        uow.commit()


def _add_error(job: HarvestJob, error: SourceError | None) -> None:
    """Add what broke a listing off to the errors of the job; None adds nothing."""
    if error is not None:
        entry = {"code": error.code, "message": error.message}
        # A new list: a change inside of the old one would not be seen as one.
        job.gather_errors = [*job.gather_errors, entry]
