"""portal demo, serve, worker and db: what runs, and the tables that it runs on."""

from __future__ import annotations

import os
import sys

import click

from demo import run as demo_run
from portal import processes, scheduler, supervisor
from portal.cli.base import portal
from portal.cli.opening import open_portal
from portal.db import migrate
from portal.db.engine import open_engine
from portal.pipeline import rendering
from portal.settings import is_given, load, site

PORTS = click.IntRange(1, 65535)


@portal.command()
@click.option(
    "--port",
    default=5000,
    show_default=True,
    type=PORTS,
    help="Port to serve on, at 127.0.0.1.",
)
@click.option(
    "--serve/--no-serve",
    default=True,
    help="Serve afterwards, or stop once everything is published.",
)
def demo(port: int, serve: bool) -> None:
    """Harvest the sample sources, validate, store, index, publish; then serve."""
    sys.exit(demo_run.run(port=port, serve=serve))


@portal.command()
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    help="Address to listen on; ::1 and :: are IPv6.",
)
@click.option("--port", default=5000, show_default=True, type=PORTS)
@click.option(
    "--workers",
    default=1,
    show_default=True,
    type=click.IntRange(1, 64),
    help="Web processes.",
)
@click.option(
    "--with-worker",
    is_flag=True,
    help="Run a worker too: all of a small installation in one command.",
)
def serve(host: str, port: int, workers: int, with_worker: bool) -> None:
    """Serve the API and the pages; what ends is started again."""
    # First: a port that is taken is told before anything is changed, and it stays ours
    # through the exec below.
    listening = processes.listen(host, port)
    settings = load()
    follows_port = not is_given(site.VARIABLE)
    if follows_port:
        # For the processes that are started from here: they know no port, only a
        # socket.
        os.environ[site.VARIABLE] = processes.address(host, port)
    # Settings and revision are checked here, where an error is readable, and not in a
    # web process's log.
    with open_portal() as running:
        if follows_port:
            # Package dicts hold whole addresses: served at another port, every link in
            # them would lead astray.
            rendering.follow_site(running, before=settings.site_url)
    fd = listening.fileno()
    children = [supervisor.web(number + 1, fd) for number in range(workers)]
    if with_worker:
        children.append(supervisor.worker())
    click.echo(f"Serving on {processes.address(host, port)} ; Ctrl-C ends it.")
    # A second more than the worker takes for itself: it has to hand back what it holds
    # before it is killed.
    seconds = max(settings.serve_stop, settings.worker_stop + 1 if with_worker else 0)
    supervisor.replace_by(supervisor.Plan(tuple(children), seconds, settings.log_level))


@portal.command()
def worker() -> None:
    """Take jobs from the queue until stopped: harvests, outbox, sweep. Any number may
    run at once.
    """
    with processes.stop_event() as stop, open_portal() as running:
        click.echo("The worker waits for jobs; Ctrl-C ends it after what is under way.")
        # Its threads still work with the open engines: the process ends before the
        # block would close these.
        if not scheduler.work(running, stop):
            processes.end_now()
    processes.end_now()


@portal.group()
def db() -> None:
    """The database."""


@db.command()
def upgrade() -> None:
    """Create the tables, or bring them to the newest revision."""
    settings = load()
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    # Not `open_portal`: that refuses a database that is older than the program.
    engine = open_engine(settings.database_url, settings.sqlite_synchronous)
    try:
        click.echo(f"The database is at revision {migrate.upgrade(engine)}.")
    finally:
        engine.dispose()


@db.command()
def render() -> None:
    """Render every dataset anew from its rows: after PORTAL_SITE_URL changed, or an
    upgrade that shows more of them.

    May be run beside everything else, and again after it was stopped.
    """
    with open_portal() as running:
        changed = rendering.render_all(
            # In a log each step would be a line of its own.
            running,
            _how_far if sys.stderr.isatty() else lambda *_: None,
        )
    click.echo(
        f"{changed} datasets say something new; the worker brings them to the index."
    )


def _how_far(done: int, changed: int) -> None:
    click.echo(f"\r{done} datasets read, {changed} changed", nl=False, err=True)
