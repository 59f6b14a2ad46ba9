"""The run behind `make demo`: sources, jobs, progress, what each gave, and what to try next."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from demo import places, sources
from demo.gateway import Gateway
from portal import scheduler
from portal.access.identity import SYSTEM
from portal.actions import registry
from portal.bootstrap import build_portal, server
from portal.errors import NotFound
from portal.pipeline import score
from portal.runtime import Portal
from portal.settings import Settings, load

DATA = Path(__file__).with_name("data")
CLIENT_ID, SECRET_NAME, SECRET = "demo", "LGSP_DEMO", "demo-secret"
WIDTH = 140
"""Columns of what is printed into a file or a log."""
LOOPBACK = "127.0.0.1,::1,localhost"

Json = dict[str, Any]


def run(*, port: int, serve: bool) -> int:
    """Harvest everything, tell what came, then serve until Ctrl-C. Returns the exit code: 0 when all went as meant."""
    console = Console(width=None if sys.stdout.isatty() else WIDTH)
    settings = _settings(port)
    started = time.perf_counter()
    work = settings.data_dir / "demo"
    with _gateway(work) as gateway, _portal(settings) as portal:
        found = sources.demo_sources(gateway.url, DATA, work)
        _prepare(portal, found)
        jobs = _harvest(portal, console, [source.name for source in found])
        good = _tell(portal, console, jobs)
        console.print(
            f"Everything is published after {time.perf_counter() - started:.1f} s, below {settings.data_dir}."
        )
        _try(console, settings.site_url)
        if serve:
            console.print(f"\nServing on http://127.0.0.1:{port} ; Ctrl-C ends it.")
            _serve(portal, port)
    return 0 if good else 1


def _settings(port: int) -> Settings:
    """The environment's settings, with what the demo's own loopback sources need."""
    given = {key: value for key, value in os.environ.items() if key != f"PORTAL_SECRET_{SECRET_NAME}"}
    given[f"PORTAL_SECRET_{SECRET_NAME}"] = SECRET
    given[f"PORTAL_SECRET_{SECRET_NAME}_FOR"] = "127.0.0.1 org:*"
    first = load(given)
    allow = ",".join((*first.harvest_allow, LOOPBACK))
    roots = ",".join((*first.harvest_roots, str(DATA), str(first.data_dir / "demo")))
    site = first.site_url if "PORTAL_SITE_URL" in given else f"http://127.0.0.1:{port}"
    level = given.get("PORTAL_LOG_LEVEL", "WARNING")
    return load(given, harvest_allow=allow, harvest_roots=roots, site_url=site, log_level=level)


@contextmanager
def _gateway(work: Path) -> Iterator[Gateway]:
    """The sample LGSP gateway on loopback; sample files and the sector database are made first."""
    work.mkdir(parents=True, exist_ok=True)
    sources.prepare(DATA, work)
    with Gateway(sources.gateway_services(DATA), client_id=CLIENT_ID, client_secret=SECRET) as gateway:
        yield gateway


@contextmanager
def _portal(settings: Settings) -> Iterator[Portal]:
    portal = build_portal(settings, upgrade=True)
    try:
        yield portal
    finally:
        portal.close()


def _prepare(portal: Portal, found: tuple[sources.DemoSource, ...]) -> None:
    """Create or update organizations, groups and sources; a second run finds them as they are."""
    for place in places.organizations():
        _ensure(portal, "organization", {"name": place.name, "title": place.title, "description": place.description})
    for place in places.groups():
        _ensure(portal, "group", {"name": place.name, "title": place.title, "description": place.description})
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
    try:
        known = registry.call(portal, SYSTEM, f"{noun}_show", {"id": described["name"]})
    except NotFound:
        registry.call(portal, SYSTEM, f"{noun}_create", described)
    else:
        registry.call(portal, SYSTEM, f"{noun}_patch", {**described, "id": known["id"]})


def _harvest(portal: Portal, console: Console, names: list[str]) -> list[Json]:
    """Queue a job for every source and work the queue off, with a bar for each."""
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
            task = progress.add_task(name, total=None)
            job_id = _queue(portal, name)

            def step(stage: str, done: int, total: int, task: Any = task, name: str = name) -> None:
                progress.update(task, description=f"{name}: {stage}", completed=done, total=total or None)

            owner = scheduler.owner_name()
            while scheduler.work_once(portal, owner, step):
                pass
            job = registry.call(portal, SYSTEM, "harvest_job_show", {"id": job_id})
            count = sum(job["stats"].values())
            progress.update(task, description=name, completed=count, total=count)
            jobs.append(job)
    score.drain(portal)
    return jobs


def _queue(portal: Portal, name: str) -> str:
    source = registry.call(portal, SYSTEM, "harvest_source_show", {"id": name})
    last = source["status"]["last_job"]
    if last and last["status"] in ("New", "Running"):
        return str(last["id"])  # a run that was killed left it behind; it is finished first
    return str(registry.call(portal, SYSTEM, "harvest_job_create", {"source_id": source["id"]})["id"])


def _tell(portal: Portal, console: Console, jobs: list[Json]) -> bool:
    """Print what each source gave. False when a listing broke off or a dataset failed; a refusal is as meant."""
    table = Table("source", "found", "new", "changed", "unchanged", "deleted", "refused", "failed")
    for job in jobs:
        source = registry.call(portal, SYSTEM, "harvest_source_show", {"id": job["source_id"]})
        counts = job["stats"]
        numbers = [counts[name] for name in ("added", "updated", "not modified", "deleted", "refused", "errored")]
        table.add_row(source["name"], str(sum(numbers)), *map(str, numbers))
    console.print(table)
    for job in jobs:
        _tell_reasons(portal, console, job)
    return not any(job["gather_error_summary"] or job["stats"]["errored"] for job in jobs)


def _tell_reasons(portal: Portal, console: Console, job: Json) -> None:
    report = registry.call(portal, SYSTEM, "harvest_job_report", {"id": job["id"]})
    for error in report["gather_errors"]:
        console.print(f"[red]the listing broke off[/]: {error['message']}")
    for item in report["object_errors"].values():
        for error in item["errors"]:
            console.print(f"[red]failed[/] {item['title'] or item['guid']}: {error['message']}")
        if item["report_status"] == "refused" and item["report"]:
            console.print(f"[yellow]refused[/] {item['title'] or item['guid']}: its last good version stays as it is")
            for line in _refusals(item["report"]):
                console.print(f"    {line}", highlight=False, markup=False)


def _refusals(report: Json, most: int = 6) -> list[str]:
    """The first errors of a report, in Vietnamese, with the way to mend them."""
    findings = [finding for resource in report["resources"] for finding in resource["report"]["findings"]]
    errors = [finding for finding in findings if finding["severity"] == "error"]
    lines = [f"{finding['message']['vi']} → {finding['hint']['vi']}" for finding in errors[:most]]
    return [*lines, f"… và {len(errors) - most} lỗi nữa"] if len(errors) > most else lines


def _try(console: Console, site: str) -> None:
    api = f"{site}/api/3/action"
    console.print("\nTo try:")
    for line in (
        f"{site}/                                             the pages",
        f"curl '{api}/package_search?q=gia+nong+san'",
        f"curl '{api}/package_search?q=doanh+nghiệp&facet.field=[\"organization\"]&rows=2'",
        f"curl '{api}/package_show?id=don-vi-hanh-chinh'",
        ".venv/bin/portal harvest list",
        ".venv/bin/portal index check",
    ):
        console.print(f"  {line}", highlight=False, markup=False, soft_wrap=True)


def _serve(portal: Portal, port: int) -> None:
    """Serve in processes of their own, and keep harvesting what is due in this one, until Ctrl-C."""
    stop = threading.Event()
    worker = threading.Thread(target=scheduler.work, args=(portal, stop), daemon=True)
    worker.start()
    # The server's processes read the environment like any other: they get what this run was given.
    os.environ |= {"PORTAL_DATA_DIR": str(portal.settings.data_dir), "PORTAL_SITE_URL": portal.settings.site_url}
    try:
        server("127.0.0.1", port).serve()
    finally:
        stop.set()
        worker.join(timeout=30)
