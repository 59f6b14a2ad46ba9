"""One harvest job taken through the five stages; whoever finds it half done goes on
from there.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from harvesters.base import SourceAdapter, SourceError
from portal.db import clock
from portal.db import harvest as db
from portal.db.uow import UnitOfWork
from portal.domain.harvest import ERRORED, HarvestJob, HarvestObject, HarvestSource
from portal.pipeline import deletions, harvest, index, job_states, publish
from portal.pipeline.harvest import Stopped
from portal.pipeline.harvest_object import ObjectImport, settle_object
from portal.pipeline.job_lease import JobLease
from portal.runtime import Portal

INDEX_SECONDS = 1.0
"""How long a stored item may wait for its place in the index while the job goes on: one
commit serves many.
"""

Progress = Callable[[str, int, int], None]
"""Called with the stage, how many items are done, and how many there are."""

log = logging.getLogger(__name__)


def no_progress(stage: str, done: int, total: int) -> None:
    """The progress of a job that nobody looks at."""


def run_job(
    portal: Portal,
    job_id: str,
    owner: str,
    progress: Progress = no_progress,
    stop: threading.Event | None = None,
) -> None:
    """Do everything that a claimed job still needs. Raises LeaseLost when the job is
    taken away.

    Once `stop` is set the object under way is brought to its end, and the job is handed
    back.
    """
    with portal.read() as uow:
        job = db.get_job(uow.session, job_id)
        source = db.get_source(uow.session, job.source_id)
        tried_too_often = job.tries > portal.settings.harvest_tries
        given_up = tried_too_often and job_states.is_between_objects(uow, job)
    try:
        with JobLease(portal, job_id, owner) as lease:
            if given_up:
                job = job_states.give_up_stage(portal, lease, job)
            if not job.over:
                stop = stop or threading.Event()
                _run_open(portal, source, job, lease, progress, stop)
    except Stopped:
        # After the lease's heartbeat has ended, or it would renew what is given back.
        with portal.work() as uow:
            db.hand_back(uow.session, owner, clock.moment(uow.session), job_id)
            uow.commit()
        log.info("job %s is handed back to the next worker", job_id)


def _run_open(
    portal: Portal,
    source: HarvestSource,
    job: HarvestJob,
    lease: JobLease,
    progress: Progress,
    stop: threading.Event,
) -> None:
    """Run a job with its source open; one that cannot be opened ends the job."""
    try:
        adapter = harvest.open_adapter(portal, source)
    except SourceError as error:
        job_states.finish(portal, lease, error)
        return
    try:
        JobRun(portal, source, job, adapter, lease, progress, stop).run()
    finally:
        adapter.close()


class JobRun:
    """One job under way: the engines, its source, the adapter and the lease that every
    stage needs.
    """

    def __init__(
        self,
        portal: Portal,
        source: HarvestSource,
        job: HarvestJob,
        adapter: SourceAdapter,
        lease: JobLease,
        progress: Progress,
        stop: threading.Event,
    ) -> None:
        self._portal, self._job, self._adapter = portal, job, adapter
        self._lease, self._progress, self._stop = lease, progress, stop
        self._objects = ObjectImport(portal, source, adapter, lease)
        self._done = self._total = 0

    def run(self) -> None:
        """List the source, bring every waiting object to its outcome, delete what
        vanished, finish.
        """
        if self._job.gather_finished is None:
            self._gather()
        self._import_objects()
        # Last: an object that was stored has its identity by now and cannot seem to
        # have vanished.
        deletions.delete_vanished(self._portal, self._job.id, self._lease, self._stop)
        job_states.await_index(self._portal, self._lease, self._stop)
        job_states.finish(self._portal, self._lease, None)
        # After the end of the job: downloads may take long, and any worker makes them.
        self._progress("publish", 0, 0)
        publish.drain(self._portal, self._stop)

    def _gather(self) -> None:
        """List the source, and note that it is listed, or what broke it off."""
        self._progress("harvest", 0, 0)
        error = harvest.gather(
            self._portal, self._job, self._adapter, self._lease, self._stop
        )
        job_states.finish_listing(self._portal, self._lease, error)

    def _import_objects(self) -> None:
        """Bring each waiting object to its outcome; every second or so the index takes
        what was stored.
        """
        last_drain = time.monotonic()
        waiting = self._next_object()
        while waiting is not None:
            self._objects.run(waiting)
            if time.monotonic() - last_drain > INDEX_SECONDS:
                index.drain(self._portal)
                last_drain = time.monotonic()
            waiting = self._next_object()

    def _next_object(self) -> HarvestObject | None:
        """The next waiting object, with one more try noted; objects that were tried too
        often are given up.
        """
        while True:
            if self._stop.is_set():
                raise Stopped
            with self._portal.work() as uow:
                self._lease.renew(uow)
                waiting = db.next_object(uow.session, self._job.id)
                if waiting is None:
                    return None
                # Committed before the try begins: an object that ends its worker has
                # counted, and does not do so for ever.
                waiting.tries += 1
                if waiting.tries <= self._portal.settings.harvest_tries:
                    self._count(uow)
                    uow.commit()
                    self._progress("validate", self._done, self._total)
                    return waiting
                self._give_up(uow, waiting)
                uow.commit()

    def _give_up(self, uow: UnitOfWork, waiting: HarvestObject) -> None:
        """Settle an object that ended its worker at each try."""
        tries = waiting.tries - 1
        message = f"given up after {tries} tries: its worker ended each time"
        error = {"stage": "store", "code": "given-up", "message": message}
        settle_object(waiting, ERRORED, None, error=error)
        self._lease.renew(uow, advanced=True)

    def _count(self, uow: UnitOfWork) -> None:
        """How far the job is; asked of the database once, for asking at each of 100,000
        objects would be most work.
        """
        if self._total:
            self._done += 1
            return
        counts = db.stats(uow.session, [self._job.id])[self._job.id]
        self._total = sum(counts.values())
        self._done = self._total - counts.get("waiting", 0)
