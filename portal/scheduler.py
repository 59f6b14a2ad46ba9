"""The worker: APScheduler ticks for what is due, and a loop that takes jobs from the queue."""

from __future__ import annotations

import logging
import os
import socket
import threading
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.cron import CronTrigger

from portal import outages
from portal.db import harvest as db
from portal.db.harvest import LeaseLost
from portal.domain.base import now
from portal.domain.events import LINK, LOAD
from portal.domain.harvest import INTERVALS, HarvestSource
from portal.pipeline import index, load, names, publish, run, runs, score, sweep
from portal.pipeline.heartbeat import Heartbeat
from portal.runtime import Portal

DUE_SECONDS = 5
SWEEP_MINUTES = 60
LINK_MINUTES = 10
LOADS, LINKS = 2, 4
"""Uploads, and links, that a worker loads at once: a small table does not wait for a large or a slow one."""
THREADS = 16
"""More than all ticks together can take."""
NAMES_MINUTES = 10
TIME_ZONE = "Asia/Ho_Chi_Minh"
log = logging.getLogger(__name__)


def owner_name() -> str:
    """A name for this worker that no other has: host, process, and a random part."""
    return f"{socket.gethostname()[:40]}:{os.getpid()}:{uuid.uuid4().hex[:8]}"


def following(source: HarvestSource, moment: datetime) -> datetime | None:
    """When the source is due next: by its interval, or by cron in the time of Việt Nam; None for MANUAL."""
    if source.frequency in INTERVALS:
        return moment + INTERVALS[source.frequency]
    if source.frequency == "MANUAL" or not source.frequency:
        return None
    trigger = CronTrigger.from_crontab(source.frequency, timezone=TIME_ZONE)
    aware = trigger.get_next_fire_time(None, moment.replace(tzinfo=UTC))
    return aware.astimezone(UTC).replace(tzinfo=None) if aware else None


def enqueue_due(portal: Portal) -> int:
    """Queue a job for every source whose time has come; however many workers tick, each turn is taken once."""
    queued = 0
    with portal.work() as uow:
        for source in db.due_sources(uow.session, now()):
            if not db.take_turn(uow.session, source, following(source, now())):
                continue
            if db.open_job(uow.session, source.id) is None:
                db.new_job(uow.session, source)
                queued += 1
        uow.commit()
    return queued


def work_once(portal: Portal, owner: str, progress: run.Progress | None = None) -> bool:
    """Claim one job and walk it; False when the queue is empty."""
    with portal.work() as uow:
        until = now() + timedelta(seconds=portal.settings.harvest_lease)
        job = db.claim(uow.session, owner, now(), until)
        uow.commit()
    if job is None:
        return False
    try:
        run.run_job(portal, job.id, owner, *([progress] if progress else []))
    except LeaseLost:
        log.warning("job %s was taken away or aborted", job.id)
    return True


def work(portal: Portal, stop: threading.Event, *, ticks: bool = True) -> None:
    """Work until `stop` is set: ticks in the background, jobs in this thread."""
    owner = owner_name()
    with Heartbeat(portal, owner):
        scheduler = start_ticks(portal, stop) if ticks else None
        try:
            while not stop.is_set():
                if not guarded(work_once, portal, owner):
                    stop.wait(portal.settings.worker_poll)
        finally:
            if scheduler is not None:
                scheduler.shutdown(wait=True)


def start_ticks(portal: Portal, stop: threading.Event) -> BackgroundScheduler:
    """Start the clock: due sources, the outbox, ageing scores, old and new names, the sweep.

    Ticks that were missed run once; only loading runs several times at once. After `stop` no table is begun.
    """
    poll = portal.settings.worker_poll
    # A tick whose turn before is still under way is left out, which is no matter for a warning.
    logging.getLogger("apscheduler.scheduler").setLevel(logging.ERROR)
    scheduler = BackgroundScheduler(
        timezone=TIME_ZONE,
        executors={"default": ThreadPoolExecutor(THREADS)},
        job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
    )
    scheduler.add_job(guarded, "interval", seconds=DUE_SECONDS, args=(enqueue_due, portal))
    scheduler.add_job(guarded, "interval", seconds=poll, args=(index.drain, portal))
    for topic, most in ((LOAD, LOADS), (LINK, LINKS)):
        task = partial(load.drain, portal, topic, stop=stop)
        scheduler.add_job(guarded, "interval", seconds=poll, args=(task,), max_instances=most)
    scheduler.add_job(guarded, "interval", seconds=poll, args=(runs.drain, portal))
    scheduler.add_job(guarded, "interval", minutes=LINK_MINUTES, args=(load.recheck, portal))
    scheduler.add_job(guarded, "interval", seconds=DUE_SECONDS, args=(publish.drain, portal))
    scheduler.add_job(guarded, "interval", seconds=DUE_SECONDS, args=(score.drain, portal))
    scheduler.add_job(guarded, "interval", minutes=SWEEP_MINUTES, args=(score.renew, portal))
    scheduler.add_job(guarded, "interval", minutes=SWEEP_MINUTES, args=(sweep.sweep, portal))
    scheduler.add_job(
        guarded, "interval", minutes=NAMES_MINUTES, args=(names.write, portal), next_run_time=datetime.now(UTC)
    )
    scheduler.start()
    return scheduler


def guarded(task: Callable[..., object], *args: Any) -> bool:
    """Run a task; a failure is logged and the worker lives on. Returns whether the task did something."""
    try:
        return bool(task(*args))
    except Exception as error:
        _log_failure(getattr(task, "__name__", "task"), error)
        return False


def _log_failure(task: str, error: Exception) -> None:
    """An outage is one line, as it comes back with every turn; any other failure is told with its stack."""
    outage = outages.explain(error)
    if outage is None:
        log.error("%s failed; it is tried again at its next turn", task, exc_info=error)
    else:
        log.error("%s waits for its next turn: %s (%s)", task, outage.message, outage.reason)
