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
from portal.pipeline.lease import Lease
from portal.runtime import Portal

LOOK_SECONDS = 1.0


def is_between_objects(uow: UnitOfWork, job: HarvestJob) -> bool:
    """Whether the job is in its listing or its deletions; objects have tries of their
    own.
    """
    return job.gather_finished is None or db.next_object(uow.session, job.id) is None


def give_up_stage(portal: Portal, lease: Lease, job: HarvestJob) -> HarvestJob:
    """Give up the stage in which the job's workers ended each time; what was listed
    before that is still done.
    """
    reason = f"given up after {job.tries - 1} tries: the worker ended each time"
    if job.gather_finished is None:
        gathered(
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


def await_index(portal: Portal, lease: Lease, stop: threading.Event) -> None:
    """Bring what the job changed to the index before it is called finished, for a
    bounded time.

    Where the search server does not answer, the job says so, and a worker brings it
    there later. Raises Stopped when the worker is told to end meanwhile.
    """
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
    add_note(
        portal, lease, {"code": "not-indexed-yet", "message": message, "count": behind}
    )


def gathered(portal: Portal, lease: Lease, error: SourceError | None) -> None:
    """The listing is over: it is complete, or an error broke it off."""
    with portal.work() as uow:
        lease.hold(uow, advanced=True)
        job = db.get_job(uow.session, lease.job_id)
        job.gather_finished, job.listing_complete = now(), error is None
        if error is not None:
            job.gather_errors = [
                *job.gather_errors,
                {"code": error.code, "message": error.message},
            ]
        uow.commit()


def add_note(portal: Portal, lease: Lease, note: dict[str, Any]) -> None:
    """Something that people who read the job's report should know."""
    with portal.work() as uow:
        lease.hold(uow)
        job = db.get_job(uow.session, lease.job_id)
        job.notes = [*job.notes, note]
        uow.commit()


def finish(portal: Portal, lease: Lease, error: SourceError | None) -> None:
    """Nothing more happens to the job."""
    with portal.work() as uow:
        lease.hold(uow)
        job = db.get_job(uow.session, lease.job_id)
        if error is not None:
            job.gather_errors = [
                *job.gather_errors,
                {"code": error.code, "message": error.message},
            ]
        job.gather_finished = job.gather_finished or now()
        db.finish(job)
        uow.commit()
