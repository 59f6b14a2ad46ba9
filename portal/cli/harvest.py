"""portal harvest: list the sources, run one, or find out what a run would change."""

from __future__ import annotations

import sys
import threading
import time
from dataclasses import asdict
from typing import Any

import click

from portal import processes, scheduler
from portal.access.identity import SYSTEM
from portal.actions import registry
from portal.cli.base import portal, show
from portal.cli.opening import open_portal
from portal.db import harvest as harvest_db
from portal.pipeline import dryrun
from portal.runtime import Portal

LONGEST_SECONDS = 24 * 3600


@portal.group()
def harvest() -> None:
    """Sources and their jobs."""


@harvest.command("list")
@click.option("--json", "as_json", is_flag=True, help="JSON, for a machine.")
def harvest_list(as_json: bool) -> None:
    """List the sources and how their last job ended."""
    with open_portal() as running:
        sources = registry.call(running, SYSTEM, "harvest_source_list", {})
    if as_json:
        show(sources)
        return
    for source in sources:
        last = source["status"]["last_job"]
        ended = f"{last['status']} {_counts(last['stats'])}" if last else "never run"
        click.echo(
            f"{source['name']:40} {source['source_type']:12} {source['frequency']:10} "
            f"{ended}"
        )


def _counts(stats: dict[str, int]) -> str:
    counts = [f"{number} {outcome}" for outcome, number in stats.items() if number]
    return ", ".join(counts) or "nothing found"


@harvest.command("run")
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="JSON, for a machine.")
def harvest_run(name: str, as_json: bool) -> None:
    """Harvest the source NAME now, in this process, and say what it gave."""
    with open_portal() as running:
        with running.read() as uow:
            source = harvest_db.get_source(uow.session, name)
            waiting = harvest_db.open_job(uow.session, source.id)
        if waiting:
            # A source has one job at a time: one that waits is the one that is meant.
            job_id = waiting.id
        else:
            params = {"source_id": source.id}
            job = registry.call(running, SYSTEM, "harvest_job_create", params)
            job_id = job["id"]
        # The first Ctrl-C lets the dataset under way be stored; what was listed waits
        # in the database for the next run.
        with processes.stop_event() as stop:
            _work_off(running, job_id, stop)
        if stop.is_set():
            sys.exit(
                "portal: stopped after the dataset under way; the next run or worker "
                "goes on from there."
            )
        job = registry.call(running, SYSTEM, "harvest_job_show", {"id": job_id})
        report = registry.call(running, SYSTEM, "harvest_job_report", {"id": job_id})
    if as_json:
        show({"job": job, "report": report})
    else:
        _tell_job(job, report)
    # For scripts, also where the job itself came to its end: a refused dataset needs
    # somebody.
    failures = job["stats"]["errored"] + job["stats"]["refused"]
    sys.exit(1 if job["gather_error_summary"] or failures else 0)


def _work_off(running: Portal, job_id: str, stop: threading.Event) -> None:
    """Work in the queue until this job is over, or `stop` is set; another worker may
    hold it meanwhile.
    """
    # A bound: another worker may hold the job, and this command must not wait for ever.
    owner, deadline = scheduler.owner_name(), time.monotonic() + LONGEST_SECONDS
    while time.monotonic() < deadline and not stop.is_set():
        with running.read() as uow:
            if harvest_db.get_job(uow.session, job_id).over:
                return
        # Nothing to claim means that another worker has the job: look again after a
        # while.
        if not scheduler.work_once(running, owner, stop=stop):
            stop.wait(running.settings.worker_poll)


def _tell_job(job: dict[str, Any], report: dict[str, Any]) -> None:
    """Print how a job ended, and each error with the item that it belongs to."""
    click.echo(f"{job['status']}: {_counts(job['stats'])}")
    for error in report["gather_errors"]:
        click.echo(f"  the listing broke off: {error['message']}")
    for note in report["notes"]:
        click.echo(f"  {note['message']}")
    for item in report["object_errors"].values():
        reasons = [error["message"] for error in item["errors"]]
        reasons = reasons or ["refused by validation; see its report"]
        click.echo(f"  {item['title'] or item['guid']}: {'; '.join(reasons)}")


@harvest.command("dry-run")
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="JSON, for a machine.")
def harvest_dry_run(name: str, as_json: bool) -> None:
    """Say what harvesting the source NAME would change, and change nothing."""
    with open_portal() as running:
        with running.read() as uow:
            source = harvest_db.get_source(uow.session, name)
        outcome = dryrun.dry_run(running, source)
    if as_json:
        show(asdict(outcome))
        return
    for item in outcome.items:
        reason = f": {item.reason}" if item.reason else ""
        click.echo(f"{item.outcome:14} {item.title or item.guid}{reason}")
    if outcome.vanished:
        click.echo(
            f"{len(outcome.vanished)} datasets are no longer listed: "
            f"{', '.join(outcome.vanished[:10])}"
        )
    if outcome.error:
        click.echo(f"the listing broke off: {outcome.error}")
    sys.exit(1 if outcome.error else 0)
