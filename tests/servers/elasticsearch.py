"""A real Elasticsearch on loopback for tests: given by ELASTICSEARCH_URL, else started
from Maven Central's zip.

All workers of one pytest run share one server; the last of them stops it. Tests that
kill servers, or want a password or a cluster, start `own_nodes`. ELASTICSEARCH_VERSION
names another version than the tests' own.
"""

from __future__ import annotations

import atexit
import os
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.servers.elastic_nodes import (
    JAVA_FROM,
    VERSION,
    Nodes,
    alive,
    base,
    end,
    java_home,
    lock,
)


@cache
def elasticsearch_url() -> str:
    """The URL of a server for this test run; skips the test with the reason where there
    is none, fails it in CI.
    """
    given = os.environ.get("ELASTICSEARCH_URL")
    if given:
        return given
    _must_start()
    try:
        return _shared_server()
    except (OSError, subprocess.SubprocessError, RuntimeError) as error:
        _missing(f"no Elasticsearch could be started: {error}")


def own_nodes(count: int = 1, **options: Any) -> Nodes:
    """Nodes of one test's own, not yet started; `options` are those of Nodes."""
    _must_start()
    return Nodes(count, **options)


def _must_start() -> None:
    lacking = [] if shutil.which("mvn") else ["mvn"]
    lacking += [] if java_home() else [f"a JDK of {JAVA_FROM} or newer"]
    if lacking:
        _missing(
            f"no Elasticsearch {VERSION} can be started: install "
            f"{' and '.join(lacking)}, or set ELASTICSEARCH_URL"
        )


def _missing(reason: str) -> None:
    if os.environ.get("CI", "").lower() in ("1", "true"):
        pytest.fail(f"{reason} (in CI this is a failure)", pytrace=False)
    pytest.skip(reason)


def _shared_server() -> str:
    """Start the server of this run, or join the one that another worker has started."""
    run = base() / f"run-{os.environ.get('PYTEST_XDIST_TESTRUNUID', os.getpid())}"
    with lock("servers"):
        _sweep()
        users = run / "users"
        users.mkdir(parents=True, exist_ok=True)
        if not (run / "url").exists():
            nodes = Nodes(folder=run)
            nodes.start()
            (run / "url").write_text(nodes.url)
        (users / str(os.getpid())).touch()
    atexit.register(_leave, run, os.getpid())
    return (run / "url").read_text()


def _leave(run: Path, pid: int) -> None:
    if pid != os.getpid():
        return  # a child of a test inherited this; the server is not its own
    with lock("servers"):
        (run / "users" / str(pid)).unlink(missing_ok=True)
        _stop_if_unused(run)


def _sweep() -> None:
    """End servers whose test run died without a word."""
    for run in base().glob("run-*"):
        if (run / "url").exists():
            _stop_if_unused(run)


def _stop_if_unused(run: Path) -> None:
    if any(alive(int(user.name)) for user in (run / "users").glob("*")):
        return
    for server in run.glob("node-*/pid"):
        end(int(server.read_text()))
    shutil.rmtree(run, ignore_errors=True)
