"""The command line: portal demo, serve, worker, db, harvest, validate, index, user, token, org."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import Any

import click
import orjson

from demo import run as demo_run
from portal import scheduler
from portal.access.identity import SYSTEM
from portal.actions import registry
from portal.bootstrap import build_portal, server
from portal.db import harvest as harvest_db
from portal.db import migrate
from portal.db.engine import open_engine
from portal.domain.base import now
from portal.errors import BadFile, Invalid, PortalError
from portal.pipeline import dryrun, index, validate
from portal.reading import ReadOptions
from portal.runtime import Portal
from portal.settings import load
from schemas import catalog
from schemas.record import Content, ContentPart, DatasetRecord, ResourceRecord


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="thanhhoa-data-portal")
def portal() -> None:
    """The data portal of Thanh Hóa province. Settings: PORTAL_… variables, see docs/operate.md."""


def main() -> None:
    """Run the command line; what a person can mend is said in one line, without a stack."""
    try:
        portal(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except click.Abort:
        sys.exit(130)
    except Invalid as error:
        lines = (f"  {field}: {_plain(message)}" for field, message in error.errors.items())
        sys.exit("portal: this cannot be done:\n" + "\n".join(lines))
    except PortalError as error:
        sys.exit(f"portal: {error}")


def _plain(message: Any) -> str:
    return "; ".join(map(str, message)) if isinstance(message, list) else str(message)


@contextmanager
def opened(**overrides: str) -> Iterator[Portal]:
    """The portal of the environment, closed at the end."""
    running = build_portal(load(None, **overrides))
    try:
        yield running
    finally:
        running.close()


def show(value: Any) -> None:
    """Print JSON for a machine."""
    click.echo(orjson.dumps(value, option=orjson.OPT_INDENT_2).decode())


@portal.command()
@click.option("--port", default=5000, show_default=True, help="Port to serve on, at 127.0.0.1.")
@click.option("--serve/--no-serve", default=True, help="Serve afterwards, or stop once everything is published.")
def demo(port: int, serve: bool) -> None:
    """Harvest the sample sources, validate, store, index, publish; then serve."""
    sys.exit(demo_run.run(port=port, serve=serve))


@portal.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on; ::1 and :: are IPv6.")
@click.option("--port", default=5000, show_default=True)
@click.option("--workers", default=1, show_default=True, help="Processes.")
def serve(host: str, port: int, workers: int) -> None:
    """Serve the API and the pages."""
    with opened():
        pass  # settings and revision are checked here, where an error is readable, and not in a worker's log
    server(host, port, workers).serve()


@portal.command()
def worker() -> None:
    """Take jobs from the queue until stopped: harvests, outbox, sweep. Any number may run at once."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    with opened() as running:
        click.echo("The worker waits for jobs; Ctrl-C ends it after the one under way.")
        scheduler.work(running, stop)


@portal.group()
def db() -> None:
    """The database."""


@db.command()
def upgrade() -> None:
    """Create the tables, or bring them to the newest revision."""
    settings = load()
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    engine = open_engine(settings.database_url)
    try:
        click.echo(f"The database is at revision {migrate.upgrade(engine)}.")
    finally:
        engine.dispose()


@portal.group()
def harvest() -> None:
    """Sources and their trips."""


@harvest.command("list")
@click.option("--json", "as_json", is_flag=True, help="JSON, for a machine.")
def harvest_list(as_json: bool) -> None:
    """List the sources and how their last trip ended."""
    with opened() as running:
        sources = registry.call(running, SYSTEM, "harvest_source_list", {})
    if as_json:
        show(sources)
        return
    for source in sources:
        last = source["status"]["last_job"]
        ended = f"{last['status']} {_counts(last['stats'])}" if last else "never run"
        click.echo(f"{source['name']:40} {source['source_type']:12} {source['frequency']:10} {ended}")


def _counts(stats: dict[str, int]) -> str:
    return ", ".join(f"{number} {outcome}" for outcome, number in stats.items() if number) or "nothing found"


@harvest.command("run")
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="JSON, for a machine.")
def harvest_run(name: str, as_json: bool) -> None:
    """Harvest the source NAME now, in this process, and say what it gave."""
    with opened() as running:
        with running.read() as uow:
            source = harvest_db.get_source(uow.session, name)
            waiting = harvest_db.open_job(uow.session, source.id)
        job_id = (
            waiting.id
            if waiting
            else registry.call(running, SYSTEM, "harvest_job_create", {"source_id": source.id})["id"]
        )
        _work_off(running, job_id)
        job = registry.call(running, SYSTEM, "harvest_job_show", {"id": job_id})
        report = registry.call(running, SYSTEM, "harvest_job_report", {"id": job_id})
    if as_json:
        show({"job": job, "report": report})
    else:
        _tell_job(job, report)
    sys.exit(1 if job["gather_error_summary"] or job["stats"]["errored"] or job["stats"]["refused"] else 0)


def _new_job(running: Portal, source_id: str) -> str:
    return str(registry.call(running, SYSTEM, "harvest_job_create", {"source_id": source_id})["id"])


def _work_off(running: Portal, job_id: str) -> None:
    """Work in the queue until this job is over; another worker may hold it meanwhile."""
    owner, deadline = scheduler.owner_name(), now() + timedelta(hours=24)
    while now() < deadline:
        with running.read() as uow:
            if harvest_db.get_job(uow.session, job_id).over:
                return
        if not scheduler.work_once(running, owner):
            threading.Event().wait(running.settings.worker_poll)


def _tell_job(job: dict[str, Any], report: dict[str, Any]) -> None:
    click.echo(f"{job['status']}: {_counts(job['stats'])}")
    for error in report["gather_errors"]:
        click.echo(f"  the listing broke off: {error['message']}")
    for note in report["notes"]:
        click.echo(f"  {note['message']}")
    for item in report["object_errors"].values():
        reasons = [error["message"] for error in item["errors"]] or ["refused by validation; see its report"]
        click.echo(f"  {item['title'] or item['guid']}: {'; '.join(reasons)}")


@harvest.command("dry-run")
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="JSON, for a machine.")
def harvest_dry_run(name: str, as_json: bool) -> None:
    """Say what harvesting the source NAME would change, and change nothing."""
    with opened() as running:
        with running.read() as uow:
            source = harvest_db.get_source(uow.session, name)
        outcome = dryrun.dry_run(running, source)
    if as_json:
        show(asdict(outcome))
        return
    for item in outcome.items:
        click.echo(f"{item.outcome:14} {item.title or item.guid}{': ' + item.reason if item.reason else ''}")
    if outcome.vanished:
        click.echo(f"{len(outcome.vanished)} datasets are no longer listed: {', '.join(outcome.vanished[:10])}")
    if outcome.error:
        click.echo(f"the listing broke off: {outcome.error}")
    sys.exit(1 if outcome.error else 0)


@portal.command("validate")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--schema", "schema_name", required=True, help="Name or code of a table schema, e.g. D02.")
@click.option("--json", "as_json", is_flag=True, help="The whole report as JSON.")
@click.option("--limit", default=20, show_default=True, help="Findings to print for each check and column.")
@click.option("--lang", type=click.Choice(["vi", "en"]), default="vi", show_default=True)
def validate_file(file: Path, schema_name: str, as_json: bool, limit: int, lang: str) -> None:
    """Check FILE against a table schema: which rows are wrong, why, and how to mend them. Exit code 1 when wrong."""
    try:
        name = catalog.get(schema_name).name
    except KeyError as error:
        raise click.ClickException(str(error)) from None
    record = DatasetRecord(
        name="file", resources=(ResourceRecord(name=file.name, schema_name=name, content=_content(file)),)
    )
    try:
        verdict = validate.validate(record, lambda _name: None, limit=limit, options=ReadOptions())
    except BadFile as error:
        raise click.ClickException(error.vi if lang == "vi" else error.en) from None
    report = verdict.resources[0].report
    if report is None:
        raise click.ClickException(f"{file.name} holds no table.")
    if as_json:
        show(report.to_dict())
    else:
        _tell_report(report.to_dict(), lang)
    sys.exit(0 if report.valid else 1)


def _content(file: Path) -> Content:
    return Content((ContentPart.of(file),))


def _tell_report(report: dict[str, Any], lang: str) -> None:
    words = {"vi": ("HỢP LỆ", "KHÔNG HỢP LỆ", "dòng", "Cách sửa"), "en": ("VALID", "NOT VALID", "row", "How to mend")}
    good, bad, row, mend = words[lang]
    counts = f"{report['rows']} rows, {report['errors']} errors, {report['warnings']} warnings"
    click.echo(f"{good if report['valid'] else bad}: {counts}")
    for finding in report["findings"]:
        place = " ".join(filter(None, (f"{row} {finding['row']}" if finding["row"] else "", finding["field"] or "")))
        click.echo(f"[{finding['severity']}] {place}: {finding['message'][lang]}")
        if finding["hint"][lang]:
            click.echo(f"    {mend}: {finding['hint'][lang]}")


@portal.group("index")
def index_group() -> None:
    """The search index."""


@index_group.command("rebuild")
def index_rebuild() -> None:
    """Fill a new index from the database and swap it in, without a gap in service."""
    with opened() as running:
        click.echo(f"The index holds {index.rebuild(running)} datasets.")


@index_group.command("check")
@click.option("--json", "as_json", is_flag=True, help="JSON, for a machine.")
def index_check(as_json: bool) -> None:
    """Compare index and database, and name every difference. Exit code 1 when there is one."""
    with opened() as running:
        drift = index.compare(running)
    if as_json:
        show(asdict(drift))
    else:
        click.echo(f"{drift.compared} datasets compared.")
        for title, ids in (("missing", drift.missing), ("surplus", drift.surplus), ("stale", drift.stale)):
            if ids:
                click.echo(f"{len(ids)} {title} in the index: {', '.join(ids[:20])}")
    sys.exit(0 if drift.none else 1)


@portal.group()
def user() -> None:
    """Users."""


@user.command("create")
@click.argument("name")
@click.option("--email", default=None, help="Default: NAME@localhost.localdomain.")
@click.option("--sysadmin", is_flag=True, help="May do everything.")
@click.password_option("--password", default="", prompt=False, help="Without one the user can only use tokens.")
def user_create(name: str, email: str | None, sysadmin: bool, password: str) -> None:
    """Create the user NAME."""
    given: dict[str, Any] = {"name": name, "email": email or f"{name}@localhost.localdomain", "sysadmin": sysadmin}
    with opened() as running:
        registry.call(running, SYSTEM, "user_create", {**given, **({"password": password} if password else {})})
    click.echo(f"The user {name} is created.")


@portal.group()
def token() -> None:
    """API tokens."""


@token.command("create")
@click.argument("user_name", metavar="USER")
@click.option("--name", default="cli", show_default=True, help="What the token is for.")
def token_create(user_name: str, name: str) -> None:
    """Create an API token for USER. The token is the last line printed, and is never shown again."""
    with opened() as running:
        made = registry.call(running, SYSTEM, "api_token_create", {"user": user_name, "name": name})
    click.echo("Keep this token: it cannot be shown again.")
    click.echo(made["token"])


@portal.group()
def org() -> None:
    """Organizations."""


@org.command("create")
@click.argument("name")
@click.option("--title", default="", help="What people call it.")
def org_create(name: str, title: str) -> None:
    """Create the organization NAME."""
    with opened() as running:
        made = registry.call(running, SYSTEM, "organization_create", {"name": name, "title": title or name})
    click.echo(f"The organization {made['name']} is created ({made['id']}).")
