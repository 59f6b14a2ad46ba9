"""The worker: ticks for what is due, and jobs from the queue, side by side, until it is
told to end.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from apscheduler.triggers.cron import CronTrigger

from portal import outages
from portal.db import clock
from portal.db import harvest as db
from portal.db.harvest import LeaseLost
from portal.domain.events import LINK, LOAD
from portal.domain.harvest import INTERVALS, HarvestSource
from portal.pipeline import (
    harvest_job,
    index,
    load,
    names,
    outbox_leases,
    policies,
    publish,
    rendering,
    score,
    sweep,
    validation_runs,
)
from portal.pipeline.worker_sign import sign_of_life
from portal.runtime import Portal
from portal.threads import ClaimedJob, SideBySide, Ticks

DUE_SECONDS = 5
CLOCK_SECONDS = 15
SWEEP_SECONDS = 3600
LINK_SECONDS = 600
NAMES_SECONDS = 600
LOADS, LINKS = 2, 4
"""Uploads, and links, that a worker loads at once: a small table does not wait for a
large or a slow one.
"""
TIME_ZONE = "Asia/Ho_Chi_Minh"
log = logging.getLogger(__name__)


def owner_name() -> str:
    """A name for this worker that no other has: host, process, and a random part."""
    return f"{socket.gethostname()[:40]}:{os.getpid()}:{uuid.uuid4().hex[:8]}"


def next_run_time(source: HarvestSource, moment: datetime) -> datetime | None:
    """When the source is due next: by its interval, or by cron in the time of Việt Nam;
    None for MANUAL.
    """
    if source.frequency in INTERVALS:
        return moment + INTERVALS[source.frequency]
    if source.frequency == "MANUAL" or not source.frequency:
        return None
    trigger = CronTrigger.from_crontab(source.frequency, timezone=TIME_ZONE)
    # The database's moments are UTC without a zone; people write cron in their own.
    aware = trigger.get_next_fire_time(None, moment.replace(tzinfo=UTC))
    return aware.astimezone(UTC).replace(tzinfo=None) if aware else None


def enqueue_due(portal: Portal) -> int:
    """Queue a job for every source whose time has come; however many workers tick, each
    turn is taken once.
    """
    queued = 0
    with portal.work() as uow:
        moment = clock.moment(uow.session)
        for source in db.due_sources(uow.session, moment):
            # The turn is taken by a conditional UPDATE: another worker that ticks at
            # the same moment finds it gone.
            if not db.take_turn(uow.session, source, next_run_time(source, moment)):
                continue
            # A source has one job at a time: where one is open still, this turn is
            # passed over.
            if db.open_job(uow.session, source.id) is None:
                db.new_job(uow.session, source)
                queued += 1
        uow.commit()
    return queued


def follow_clock(portal: Portal) -> int:
    """Bring turns and leases that a clock before it was set back put too far ahead to
    where they belong.
    """
    brought = 0
    with portal.work() as uow:
        moment = clock.moment(uow.session)
        for source in db.list_sources(uow.session, active=True):
            soonest = next_run_time(source, moment)
            # A turn beyond the next one was written by a clock that was ahead.
            if source.next_run and soonest and source.next_run > soonest:
                brought += db.take_turn(uow.session, source, soonest)
        brought += db.shorten_leases(
            uow.session, moment, timedelta(seconds=portal.settings.harvest_lease)
        )
        if brought:
            uow.commit()
    return brought


def work_once(
    portal: Portal,
    owner: str,
    progress: harvest_job.Progress = harvest_job.no_progress,
    *,
    stop: threading.Event | None = None,
) -> bool:
    """Claim one job and run it; False when the queue is empty. Once `stop` is set the
    job is handed back.
    """
    claimed = _claim(portal, owner)
    if claimed is not None:
        _run_job(portal, owner, stop, claimed.job_id, progress)
    return claimed is not None


def _claim(portal: Portal, owner: str, untried_only: bool = False) -> ClaimedJob | None:
    """Claim a job for one lease, None where none waits; `untried_only` leaves out those
    that a worker died with.
    """
    with portal.work() as uow:
        # By the database's clock: the clocks of two workers' machines may differ.
        moment = clock.moment(uow.session)
        until = moment + timedelta(seconds=portal.settings.harvest_lease)
        claimed = db.claim(uow.session, owner, moment, until, untried_only=untried_only)
        uow.commit()
    return ClaimedJob(claimed.job.id, claimed.suspect) if claimed else None


def _run_job(
    portal: Portal,
    owner: str,
    stop: threading.Event | None,
    job_id: str,
    progress: harvest_job.Progress = harvest_job.no_progress,
) -> None:
    """Run a claimed job; that somebody else has it by now is no failure."""
    try:
        harvest_job.run_job(portal, job_id, owner, progress, stop)
    except LeaseLost:
        log.warning("job %s was taken away or aborted", job_id)


def work(portal: Portal, stop: threading.Event, *, ticks: bool = True) -> bool:
    """Work until `stop` is set: ticks in the background, several jobs side by side.

    What is under way then is brought to its end. What has none after PORTAL_WORKER_STOP
    seconds is handed back to the next worker, and False is returned: its threads still
    run, so the process should end.
    """
    owner = owner_name()
    with sign_of_life(portal, owner):
        under_way = Ticks(stop)
        if ticks:
            add_ticks(portal, stop, under_way)
        jobs = SideBySide(
            portal.settings.worker_jobs,
            lambda untried_only: run_guarded(_claim, portal, owner, untried_only),
            lambda job_id: run_guarded(_run_job, portal, owner, stop, job_id),
            portal.settings.worker_poll,
            stop,
        )
        jobs.run()
        # One deadline for both: ticks and jobs end side by side.
        deadline = time.monotonic() + portal.settings.worker_stop
        if all([jobs.join(deadline), under_way.join(deadline)]):
            return True
        run_guarded(_hand_back, portal, owner)
    return False


def _hand_back(portal: Portal, owner: str) -> None:
    """Give up every lease that this worker holds."""
    with portal.work() as uow:
        number = db.hand_back(uow.session, owner, clock.moment(uow.session))
        uow.commit()
    rows = outbox_leases.hand_back(portal)
    log.warning(
        "%d jobs and %d tables are handed back: they take longer than "
        "PORTAL_WORKER_STOP",
        number,
        rows,
    )


def add_ticks(portal: Portal, stop: threading.Event, ticks: Ticks) -> None:
    """Start what comes again and again: due sources, the outbox, ageing scores, names,
    policies, the sweep.

    Only loading runs several times at once. After `stop` nothing is begun.
    """
    poll = portal.settings.worker_poll

    def every(
        seconds: float,
        task: Callable[..., object],
        *,
        times: int = 1,
        at_once: bool = False,
    ) -> None:
        ticks.every(
            seconds, partial(run_guarded, task, portal), times=times, at_once=at_once
        )

    def load_uploads(portal: Portal) -> int:
        return load.drain(portal, LOAD, stop=stop)

    def load_links(portal: Portal) -> int:
        return load.drain(portal, LINK, stop=stop)

    def validate(portal: Portal) -> int:
        return validation_runs.drain(portal, stop)

    def render_downloads(portal: Portal) -> int:
        return publish.drain(portal, stop)

    every(DUE_SECONDS, enqueue_due)
    every(CLOCK_SECONDS, follow_clock)
    every(poll, rendering.drain)
    every(poll, index.drain)
    every(poll, load_uploads, times=LOADS)
    every(poll, load_links, times=LINKS)
    every(poll, validate)
    every(poll, sweep.forget)
    every(LINK_SECONDS, load.recheck_links)
    every(DUE_SECONDS, render_downloads)
    every(DUE_SECONDS, score.drain)
    every(SWEEP_SECONDS, score.renew)
    every(SWEEP_SECONDS, sweep.sweep)
    every(NAMES_SECONDS, names.write, at_once=True)
    # At the start too: a new release may bring schemas with other tags.
    every(NAMES_SECONDS, policies.follow, at_once=True)


def run_guarded(task: Callable[..., Any], *args: Any) -> Any:
    """Run a task; a failure is logged and the worker lives on. Returns what the task
    returned, None if it failed.
    """
    try:
        return task(*args)
    except Exception as error:
        _log_failure(getattr(task, "__name__", "task"), error)
        return None


def _log_failure(task: str, error: Exception) -> None:
    """An outage is one line, as it comes back with every turn; any other failure is
    told with its stack.
    """
    outage = outages.explain(error)
    if outage is None:
        log.error("%s failed; it is tried again at its next turn", task, exc_info=error)
    else:
        log.error(
            "%s waits for its next turn: %s (%s)", task, outage.message, outage.reason
        )
