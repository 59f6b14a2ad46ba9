"""Deletions of a harvest job: what a complete listing no longer names goes, unless so
much vanished that the source must be ill.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence

from portal.db import harvest as db
from portal.domain.base import new_id, now
from portal.domain.harvest import (
    DELETED,
    DONE,
    HarvestIdentity,
    HarvestJob,
    HarvestObject,
)
from portal.pipeline import job_states, store
from portal.pipeline.harvest import Stopped
from portal.pipeline.job_lease import JobLease
from portal.runtime import Portal

FEWEST_DELETIONS = 10
"""So many deletions are always believed, however small the source."""


def delete_vanished(
    portal: Portal, job_id: str, lease: JobLease, stop: threading.Event
) -> None:
    """Delete what the listing of a job no longer names, or note in the job why that is
    not believed. Raises Stopped once `stop` is set.
    """
    with portal.read() as uow:
        # Read anew: whether the listing is complete was written while the job ran.
        job = db.get_job(uow.session, job_id)
        vanished = db.vanished(uow.session, job)
        present = db.count_present(uow.session, [job.source_id])[job.source_id]
        objects = db.list_objects(uow.session, job_id)
    if not vanished or not job.listing_complete:
        return
    guids = [each.guid for each in objects]
    reason = doubt(
        len(vanished), present, guids, portal.settings.harvest_delete_percent
    )
    if reason:
        note = {
            "code": "deletions-withheld",
            "message": reason,
            "count": len(vanished),
        }
        job_states.add_note(portal, lease, note)
        return
    for identity in vanished:
        if stop.is_set():
            raise Stopped
        _delete_one(portal, job, lease, identity)


def doubt(vanished: int, present: int, guids: Sequence[str], percent: int) -> str:
    """Why deletions are not believed this time, empty when they are.

    `vanished` of the `present` datasets are not among the listed `guids`; at most
    `percent` of them may go at once.
    """
    if not guids:
        return f"The source listed nothing at all; {vanished} datasets are kept."
    # An item without an identifier may be any of those that seem to be missing.
    if any(guid.startswith("?") for guid in guids):
        return (
            f"Some items of the listing had no identifier; {vanished} datasets are "
            "kept."
        )
    if vanished > max(FEWEST_DELETIONS, present * percent / 100):
        return (
            f"{vanished} of {present} datasets vanished at once, more than "
            f"{percent} %; they are kept."
        )
    return ""


def _delete_one(
    portal: Portal, job: HarvestJob, lease: JobLease, identity: HarvestIdentity
) -> None:
    """Delete the dataset of one item and write an object of the job about it."""
    # One transaction for each: a worker that dies on the way leaves whole deletions,
    # and the next one finds only the rest vanished.
    with portal.work() as uow:
        lease.renew(uow, advanced=True)
        row = uow.session.get_one(HarvestIdentity, identity.id)
        removed = store.remove(portal, uow, row)
        deletion = HarvestObject(
            id=new_id(),
            job_id=job.id,
            source_id=job.source_id,
            guid=identity.guid,
            state=DONE,
            outcome=DELETED,
            package_id=removed.package_id,
            finished=now(),
        )
        uow.session.add(deletion)
        uow.commit()
