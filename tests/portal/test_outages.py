"""Outages as engines really raise them: each is known by its cause, and nothing else is
taken for one.
"""

import os
import resource
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.pool import QueuePool

from portal import outages
from portal.db.engine import open_engine
from portal.errors import NoSpace
from tests.servers.postgresql import fresh_database


def raised(action: Callable[[], object]) -> BaseException:
    """What an action raises."""
    with pytest.raises(BaseException) as caught:
        action()
    return caught.value


@contextmanager
def database(path: Path) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(path, timeout=0, isolation_level=None)
    try:
        yield connection
    finally:
        connection.close()


def test_a_full_database_and_a_full_device_are_no_space(tmp_path: Path) -> None:
    with database(tmp_path / "a.db") as connection:
        connection.execute("PRAGMA max_page_count = 2")
        connection.execute("CREATE TABLE t (x)")
        full = raised(
            lambda: connection.execute("INSERT INTO t VALUES (zeroblob(100000))")
        )
    outage = outages.explain(full)
    assert isinstance(outage, NoSpace)
    assert "disk is full" in outage.message
    device = raised(lambda: Path("/dev/full").write_bytes(b"x"))
    assert isinstance(outages.explain(device), NoSpace)
    wrapped = RuntimeError("an engine")
    wrapped.__cause__ = device
    assert isinstance(outages.explain(wrapped), NoSpace)
    assert isinstance(
        outages.explain(ValueError("No space left on device (os error 28)")), NoSpace
    )


def test_what_sqlite_says_of_locks_and_files(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    with database(path) as first, database(path) as second:
        first.execute("CREATE TABLE t (x)")
        first.execute("BEGIN IMMEDIATE")
        busy = raised(lambda: second.execute("BEGIN IMMEDIATE"))
    with database(path) as connection:
        connection.execute("PRAGMA query_only = on")
        read_only = raised(lambda: connection.execute("INSERT INTO t VALUES (1)"))
    path.write_bytes(b"this is no database at all" * 100)
    with database(path) as connection:
        damaged = raised(lambda: connection.execute("SELECT 1 FROM t"))
    absent = raised(lambda: sqlite3.connect(tmp_path / "nowhere" / "a.db"))
    said = [outages.explain(error) for error in (busy, read_only, damaged, absent)]
    assert [each and each.message for each in said] == [
        outages.BUSY,
        outages.READ_ONLY,
        outages.DAMAGED,
        outages.GONE,
    ]


def test_a_pool_that_stays_empty_is_a_database_that_is_not_to_be_had(
    tmp_path: Path,
) -> None:
    engine = create_engine(
        f"sqlite:///{tmp_path / 'a.db'}",
        poolclass=QueuePool,
        pool_size=1,
        max_overflow=0,
        pool_timeout=0.01,
    )
    with engine.connect():
        error = raised(engine.connect)
    outage = outages.explain(error)
    engine.dispose()
    assert outage is not None
    assert outage.message == outages.GONE


def test_a_server_that_is_not_there_is_told_without_the_password() -> None:
    engine = open_engine("postgresql+psycopg://someone:hidden-word@127.0.0.1:1/nothing")
    wrapped, raw = raised(engine.connect), raised(engine.raw_connection)
    engine.dispose()
    for error in (wrapped, raw):
        outage = outages.explain(error)
        assert outage is not None
        assert outage.message == outages.GONE
        assert "hidden-word" not in outage.reason
        assert "\n" not in outage.reason


@pytest.mark.postgresql
def test_a_connection_that_the_server_ends_is_an_outage_and_a_wrong_statement_is_none() -> (
    None
):
    with fresh_database() as url:
        engine = open_engine(url)
        with engine.connect() as connection:
            wrong = raised(
                lambda: connection.execute(text("SELECT nothing FROM nowhere"))
            )
        with engine.connect() as connection, engine.connect() as other:
            number = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
            other.execute(
                text("SELECT pg_terminate_backend(:number)"), {"number": number}
            )
            ended = raised(lambda: connection.execute(text("SELECT 'secret-value'")))
        with engine.connect() as connection:
            connection.execute(text("SET statement_timeout = 20"))
            slow = raised(lambda: connection.execute(text("SELECT pg_sleep(5)")))
        engine.dispose()
    assert outages.explain(wrong) is None
    outage = outages.explain(ended)
    assert outage is not None
    assert outage.message == outages.GONE
    assert "secret-value" not in outage.reason
    told = outages.explain(slow)
    assert told is not None
    assert told.message == outages.BUSY


def test_the_temporary_folder_gone_is_an_outage_and_a_missing_file_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert outages.explain(raised((tmp_path / "nothing").read_bytes)) is None
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    outage = outages.explain(raised(tempfile.TemporaryFile))
    assert outage is not None
    assert outage.message == outages.TEMPORARY


def test_mistakes_are_no_outages(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'a.db'}")
    with engine.connect() as connection:
        connection.execute(text("CREATE TABLE t (x INTEGER PRIMARY KEY)"))
        connection.execute(text("INSERT INTO t VALUES (1)"))
        twice = raised(lambda: connection.execute(text("INSERT INTO t VALUES (1)")))
        absent = raised(
            lambda: connection.execute(
                text("SELECT * FROM nowhere WHERE x = 'No space left on device'")
            )
        )
    engine.dispose()
    assert isinstance(twice, IntegrityError)
    for error in (
        twice,
        absent,
        ValueError("x"),
        KeyError("x"),
        TypeError(),
        OSError("without a number"),
    ):
        assert outages.explain(error) is None


def test_too_many_open_files_are_an_outage() -> None:
    held = resource.getrlimit(resource.RLIMIT_NOFILE)
    lowest_free = os.dup(0)
    os.close(lowest_free)
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest_free, held[1]))
    try:
        error = raised(lambda: os.dup(0))
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, held)
    outage = outages.explain(error)
    assert outage is not None
    assert outage.message == outages.TOO_MANY
