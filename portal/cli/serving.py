"""portal demo, serve, worker and db: what runs, and the tables that it runs on."""

from __future__ import annotations

import signal
import sys
import threading

import click

from demo import run as demo_run
from portal import scheduler
from portal.bootstrap import server
from portal.cli.base import opened, portal
from portal.db import migrate
from portal.db.engine import open_engine
from portal.pipeline import rendering
from portal.settings import load


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
    engine = open_engine(settings.database_url, settings.sqlite_synchronous)
    try:
        click.echo(f"The database is at revision {migrate.upgrade(engine)}.")
    finally:
        engine.dispose()


@db.command()
def render() -> None:
    """Render every dataset anew from its rows: after PORTAL_SITE_URL changed, or an upgrade that shows more of them.

    May be run beside everything else, and again after it was stopped.
    """
    with opened() as running:
        changed = rendering.render_all(running, _how_far if sys.stderr.isatty() else lambda *_: None)
    click.echo(f"{changed} datasets say something new; the worker brings them to the index.")


def _how_far(done: int, changed: int) -> None:
    click.echo(f"\r{done} datasets read, {changed} changed", nl=False, err=True)
