"""The run behind `make demo`: sources, jobs, progress, what each gave, and what to try
next.
"""

from __future__ import annotations

import os
import socket
import sys
import threading
import time
from contextlib import closing
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Table

from demo import gateway_process, places, sources
from portal import processes, scheduler, supervisor
from portal.access.identity import SYSTEM
from portal.actions import registry
from portal.bootstrap import build_portal
from portal.errors import NotFound
from portal.pipeline import rendering, score
from portal.runtime import Portal
from portal.settings import Settings, is_given, load, site

DATA = Path(__file__).with_name("data")
HOST = "127.0.0.1"
STOP_SECONDS = 2.0
"""So long may an end take after Ctrl-C."""
STOPPED = 130
"""The exit code of what was stopped by Ctrl-C."""
WIDTH = 140
"""Columns of what is printed into a file or a log."""
LOOPBACK = "127.0.0.1,::1,localhost"

Json = dict[str, Any]


def run(*, port: int, serve: bool) -> int:
    """Harvest everything, tell what came, then serve until Ctrl-C. Returns the exit
    code: 0 when all went as meant.
    """
    console = Console(width=None if sys.stdout.isatty() else WIDTH)
    if serve:
        # A port that is taken is told before the harvest, not after it.
        processes.listen(HOST, port).close()
    # Read before this run sets its own: datasets of an earlier run on another
    # port hold links to that one.
    before = load().site_url
    environment = _environment(port)
    settings = load(environment)
    # Opened before the harvest and kept through the exec: the sources are stored with
    # its port, and later harvests must find it there.
    gateway = processes.listen(HOST, 0)
    with processes.stop_event(seconds=STOP_SECONDS) as stop:
        good = _publish(settings, gateway, before, console, stop)
    if stop.is_set():
        console.print(
            "Stopped before everything was published; the next run goes on from there."
        )
        return STOPPED
    if serve:
        console.print(f"\nServing on {settings.site_url} ; Ctrl-C ends it.")
        _serve(environment, gateway, port, settings.log_level)
    return 0 if good else 1


def _publish(
    settings: Settings,
    gateway: socket.socket,
    before: str,
    console: Console,
    stop: threading.Event,
) -> bool:
    """Harvest everything and tell what came; every engine is closed again
    afterwards.
    """
    started = time.perf_counter()
    work = settings.data_dir / "demo"
    work.mkdir(parents=True, exist_ok=True)
    sources.prepare(DATA, work)
    with (
        # A copy of the descriptor: the gateway closes its own at the end, and the
        # socket lives on for the process that serves.
        gateway_process.gateway(gateway.dup()) as answering,
        closing(build_portal(settings, upgrade=True)) as portal,
    ):
        if not is_given(site.VARIABLE):
            rendering.follow_site(portal, before)
        found = sources.demo_sources(answering.url, DATA, work)
        _prepare(portal, found)
        jobs = _harvest(portal, console, [source.name for source in found], stop)
        if stop.is_set():
            return False
        good = _tell(portal, console, jobs)
    console.print(
        f"Everything is published after {time.perf_counter() - started:.1f} s, below "
        f"{settings.data_dir}."
    )
    _try(console, settings.site_url)
    return good


def _environment(port: int) -> dict[str, str]:
    """The environment of the harvest and of every process that serves: as it is, and
    what the demo's sources need.
    """
    # A copy: nothing of this process changes before it turns into the supervisor.
    given = dict(os.environ)
    given[f"PORTAL_SECRET_{gateway_process.SECRET_NAME}"] = gateway_process.SECRET
    given[f"PORTAL_SECRET_{gateway_process.SECRET_NAME}_FOR"] = f"{HOST} org:*"
    first = load(given)
    given["PORTAL_DATA_DIR"] = str(first.data_dir)
    # Loopback is refused to sources otherwise, and the sample gateway is there.
    given["PORTAL_HARVEST_ALLOW"] = ",".join((*first.harvest_allow, LOOPBACK))
    given["PORTAL_HARVEST_ROOTS"] = ",".join(
        (*first.harvest_roots, str(DATA), str(first.data_dir / "demo"))
    )
    given.setdefault("PORTAL_LOG_LEVEL", "WARNING")
    # Who presses Ctrl-C at a demo waits for nothing.
    given.setdefault("PORTAL_WORKER_STOP", "1")
    if not is_given(site.VARIABLE):
        given[site.VARIABLE] = processes.address(HOST, port)
    return given


def _prepare(portal: Portal, found: tuple[sources.DemoSource, ...]) -> None:
    """Create or update organizations, groups and sources; a second run finds them as
    they are.
    """
    # Organizations and groups first: sources name their owner, and datasets their
    # groups.
    for place in places.organizations():
        _ensure(
            portal,
            "organization",
            {
                "name": place.name,
                "title": place.title,
                "description": place.description,
            },
        )
    for place in places.groups():
        _ensure(
            portal,
            "group",
            {
                "name": place.name,
                "title": place.title,
                "description": place.description,
            },
        )
    for source in found:
        described = {
            "name": source.name,
            "title": source.title,
            "url": source.url,
            "source_type": source.kind,
            "config": source.config,
            "frequency": source.frequency,
            "owner_org": source.owner,
        }
        _ensure(portal, "harvest_source", described)


def _ensure(portal: Portal, noun: str, described: Json) -> None:
    """Create a thing by its name; one that is there is brought to what is described."""
    try:
        known = registry.call(portal, SYSTEM, f"{noun}_show", {"id": described["name"]})
    except NotFound:
        registry.call(portal, SYSTEM, f"{noun}_create", described)
    else:
        registry.call(portal, SYSTEM, f"{noun}_patch", {**described, "id": known["id"]})


def _harvest(
    portal: Portal, console: Console, names: list[str], stop: threading.Event
) -> list[Json]:
    """Queue a job for every source and work the queue off, with a bar for each; none is
    begun after `stop`.
    """
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    jobs = []
    with Progress(*columns, console=console) as progress:
        for name in names:
            if stop.is_set():
                break
            task = progress.add_task(name, total=None)
            job_id = _queue(portal, name)

            def step(
                stage: str, done: int, total: int, task: Any = task, name: str = name
            ) -> None:
                progress.update(
                    task,
                    description=f"{name}: {stage}",
                    completed=done,
                    total=total or None,
                )

            # Through the queue, as a worker would: a job that a killed run left is gone
            # on with.
            owner = scheduler.owner_name()
            # One source after the other, in the order of the list: later ones refer to
            # tables of earlier ones.
            while not stop.is_set() and scheduler.work_once(
                portal, owner, step, stop=stop
            ):
                pass
            job = registry.call(portal, SYSTEM, "harvest_job_show", {"id": job_id})
            count = sum(job["stats"].values())
            progress.update(task, description=name, completed=count, total=count)
            jobs.append(job)
    # At the end, once for all: pages of the demo should show scores though no worker
    # ran.
    score.drain(portal)
    return jobs


def _queue(portal: Portal, name: str) -> str:
    """The id of the job of a source: a new one, or the one that was begun."""
    source = registry.call(portal, SYSTEM, "harvest_source_show", {"id": name})
    last = source["status"]["last_job"]
    if last and last["status"] in ("New", "Running"):
        # A run that was killed left it behind; it is finished first.
        return str(last["id"])
    return str(
        registry.call(
            portal, SYSTEM, "harvest_job_create", {"source_id": source["id"]}
        )["id"]
    )


def _tell(portal: Portal, console: Console, jobs: list[Json]) -> bool:
    """Print what each source gave. False when a listing broke off or a dataset failed;
    a refusal is as meant.
    """
    table = Table(
        "source", "found", "new", "changed", "unchanged", "deleted", "refused", "failed"
    )
    for job in jobs:
        source = registry.call(
            portal, SYSTEM, "harvest_source_show", {"id": job["source_id"]}
        )
        counts = job["stats"]
        numbers = [
            counts[name]
            for name in (
                "added",
                "updated",
                "not modified",
                "deleted",
                "refused",
                "errored",
            )
        ]
        table.add_row(source["name"], str(sum(numbers)), *map(str, numbers))
    console.print(table)
    for job in jobs:
        _tell_reasons(portal, console, job)
    return not any(
        job["gather_error_summary"] or job["stats"]["errored"] for job in jobs
    )


def _tell_reasons(portal: Portal, console: Console, job: Json) -> None:
    """Print why a listing broke off, and why datasets failed or were refused."""
    report = registry.call(portal, SYSTEM, "harvest_job_report", {"id": job["id"]})
    for error in report["gather_errors"]:
        console.print(f"[red]the listing broke off[/]: {error['message']}")
    for item in report["object_errors"].values():
        for error in item["errors"]:
            console.print(
                f"[red]failed[/] {item['title'] or item['guid']}: {error['message']}"
            )
        # The faulty quarter is part of the demo, so a refusal is told and is no
        # failure.
        if item["report_status"] == "refused" and item["report"]:
            console.print(
                f"[yellow]refused[/] {item['title'] or item['guid']}: its last good "
                "version stays as it is"
            )
            for line in _refusals(item["report"]):
                console.print(f"    {line}", highlight=False, markup=False)


def _refusals(report: Json, most: int = 6) -> list[str]:
    """The first errors of a report, in Vietnamese, with the way to mend them."""
    findings = [
        finding
        for resource in report["resources"]
        for finding in resource["report"]["findings"]
    ]
    errors = [finding for finding in findings if finding["severity"] == "error"]
    lines = [
        f"{finding['message']['vi']} → {finding['hint']['vi']}"
        for finding in errors[:most]
    ]
    return (
        [*lines, f"… và {len(errors) - most} lỗi nữa"] if len(errors) > most else lines
    )


def _try(console: Console, address: str) -> None:
    """Print commands and addresses to try next."""
    api = f"{address}/api/3/action"
    console.print("\nTo try:")
    for line in (
        f"{address}/                                             the pages",
        f"curl '{api}/package_search?q=gia+nong+san'",
        "curl "
        f"'{api}/package_search?q=doanh+nghiệp&facet.field=[\"organization\"]&rows=2'",
        f"curl '{api}/package_show?id=don-vi-hanh-chinh'",
        ".venv/bin/portal harvest list",
        ".venv/bin/portal index check",
    ):
        console.print(f"  {line}", highlight=False, markup=False, soft_wrap=True)


def _serve(
    environment: dict[str, str], gateway: socket.socket, port: int, log_level: str
) -> None:
    """Turn this process into the supervisor of the sample gateway, the web server and a
    worker, until Ctrl-C.
    """
    listening = processes.listen(HOST, port)
    children = (
        gateway_process.child(gateway.fileno()),
        supervisor.web(1, listening.fileno()),
        supervisor.worker(),
    )
    # Only now, right before the exec that hands it on.
    os.environ.update(environment)
    supervisor.replace_by(supervisor.Plan(children, STOP_SECONDS, log_level))
