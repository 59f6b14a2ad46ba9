"""A real PostgreSQL for tests: a throwaway cluster on loopback, one for a test run, a
database for each test.
"""

import atexit
import fcntl
import os
import shutil
import socket
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import psycopg
import pytest

GIVEN = "TEST_POSTGRESQL_URL"
"""Environment: an address such as
postgresql+psycopg://user:password@127.0.0.1:5432/postgres to use instead.
"""
USER = "portal"


@contextmanager
def fresh_database() -> Iterator[str]:
    """A new, empty database and its SQLAlchemy address; dropped afterwards."""
    base = server()
    name = f"t{uuid.uuid4().hex[:12]}"
    plain = base.replace("postgresql+psycopg://", "postgresql://")
    with psycopg.connect(plain, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    try:
        yield base.rsplit("/", 1)[0] + f"/{name}"
    finally:
        with psycopg.connect(plain, autocommit=True) as connection:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def server() -> str:
    """The address of the server: given, already started by this run, or started now.
    Skips without; fails in CI.
    """
    given = os.environ.get(GIVEN)
    if given:
        return given
    programs = _programs()
    if programs is None:
        reason = (
            "no PostgreSQL: install its server package (initdb, pg_ctl), or name a "
            f"server in {GIVEN}"
        )
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return _shared(programs)


def _programs() -> Path | None:
    """The folder with initdb and pg_ctl."""
    found = shutil.which("initdb")
    folders = [Path(found).resolve().parent] if found else []
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    folders += sorted(Path("/opt/homebrew/opt").glob("postgresql*/bin"), reverse=True)
    return next(
        (
            folder
            for folder in folders
            if (folder / "initdb").exists() and (folder / "pg_ctl").exists()
        ),
        None,
    )


def _run_folder() -> Path:
    """One folder for all processes of a test run."""
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID") or f"pid{os.getpid()}"
    folder = Path(tempfile.gettempdir()) / f"portal-postgresql-{run}"
    folder.mkdir(exist_ok=True)
    folder.chmod(0o755)
    return folder


@cache
def _shared(programs: Path) -> str:
    folder = _run_folder()
    with _lock(folder):
        note = folder / "url"
        if not note.exists():
            note.write_text(_start(programs, folder), encoding="ascii")
        users = folder / "users"
        users.mkdir(exist_ok=True)
        (users / str(os.getpid())).touch()
    atexit.register(_leave, folder, os.getpid())
    return note.read_text(encoding="ascii")


@contextmanager
def _lock(folder: Path) -> Iterator[None]:
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _leave(folder: Path, pid: int) -> None:
    """The last worker of a run ends its server."""
    if pid != os.getpid():
        return  # a child of a test inherited this; the server is not its own
    with _lock(folder):
        (folder / "users" / str(pid)).unlink(missing_ok=True)
        if any((folder / "users").iterdir()):
            return
        programs = _programs()
        if programs is not None:
            ending = [
                *_as_user(),
                str(programs / "pg_ctl"),
                "-D",
                str(folder / "cluster"),
                "-m",
                "immediate",
                "stop",
            ]
            subprocess.run(ending, capture_output=True, cwd="/", check=False)
        shutil.rmtree(folder, ignore_errors=True)


def _as_user() -> list[str]:
    """PostgreSQL refuses to run as root."""
    return ["runuser", "-u", "nobody", "--"] if os.getuid() == 0 else []


def _start(programs: Path, folder: Path) -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    data = folder / "cluster"
    data.mkdir()
    prefix = _as_user()
    if prefix:
        shutil.chown(data, "nobody")
    command = [
        *prefix,
        str(programs / "initdb"),
        "-D",
        str(data),
        "-U",
        USER,
        "-A",
        "trust",
        "-E",
        "UTF8",
        "--no-sync",
    ]
    subprocess.run(command, check=True, capture_output=True, cwd="/")
    settings = (
        "listen_addresses=127.0.0.1",
        f"unix_socket_directories={data}",
        "fsync=off",
        "max_connections=300",
    )
    options = " ".join([f"-p {port}", *(f"-c {setting}" for setting in settings)])
    log = data / "log"
    start = [
        *prefix,
        str(programs / "pg_ctl"),
        "-D",
        str(data),
        "-o",
        options,
        "-l",
        str(log),
        "-w",
        "start",
    ]
    subprocess.run(start, check=True, capture_output=True, cwd="/")
    return f"postgresql+psycopg://{USER}@127.0.0.1:{port}/postgres"
