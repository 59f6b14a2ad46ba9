"""Databases of sources: judged addresses only, nothing told that no source names, and
limits on what they give.
"""

import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from harvesters import ConfigError, check_config, open_source
from harvesters.base import ItemError, SourceError
from harvesters.databases import DatabaseOptions, OwnDatabase
from harvesters.http import HttpOptions
from harvesters.secrets import Secrets, bind_secret
from tests.servers.postgresql import fresh_database
from tests.servers.told_postgresql import ToldServer

GUARDS = (
    "harvesters.reader_process",
    "harvesters.sql",
    "harvesters.sql_reader",
)
ASK: dict[str, Any] = {
    "dataset": {"name": "ds"},
    "resources": [{"name": "t", "query": "SELECT 1 AS a"}],
}
AMBIENT = "ambient-7391"


def load(
    url: str,
    folder: Path,
    options: DatabaseOptions,
    config: dict[str, Any] = ASK,
    binding: str = "127.0.0.1 org:*",
) -> str:
    """The first table of a source as CSV."""
    secrets = Secrets({"S": bind_secret("named-1234", binding)})
    adapter = open_source(
        "sql", url, config, http=HttpOptions(), secrets=secrets, databases=options
    )
    (item,) = adapter.items()
    record = adapter.fetch(item, folder)  # type: ignore[arg-type]
    content = record.resources[0].content
    assert content is not None
    return content.parts[0].path.read_text(encoding="utf-8")


@pytest.fixture
def ambient(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Everything that libpq would pick up by itself: variables, password file, service
    file.
    """
    home = tmp_path / "home"
    (home / ".postgresql").mkdir(parents=True)
    (home / ".pgpass").write_text(f"*:*:*:*:{AMBIENT}\n", encoding="utf-8")
    (home / ".pgpass").chmod(0o600)
    (home / ".pg_service.conf").write_text(
        f"[mine]\npassword={AMBIENT}\n", encoding="utf-8"
    )
    values = {
        "PGPASSWORD": AMBIENT,
        "PGSERVICE": "mine",
        "PGOPTIONS": f"-c a.b={AMBIENT}",
        "PGAPPNAME": AMBIENT,
    }
    for name, value in {
        "HOME": str(home),
        "PGPASSFILE": str(home / ".pgpass"),
        **values,
    }.items():
        monkeypatch.setenv(name, value)


@pytest.mark.usefixtures("ambient")
def test_a_server_is_told_nothing_that_its_source_does_not_name(tmp_path: Path) -> None:
    with ToldServer() as server:
        url = f"postgresql+psycopg://portal@127.0.0.1:{server.port}/portal"
        with pytest.raises(SourceError, match="could not be read"):
            load(url, tmp_path, DatabaseOptions(allow=("127.0.0.1",)))
        assert server.told
        assert AMBIENT.encode() not in b"".join(server.told)
        assert os.environ.get("USER", "root").encode() not in server.told[1].split(
            b"portal"
        )


@pytest.mark.usefixtures("ambient")
def test_a_named_secret_is_what_the_server_is_told(tmp_path: Path) -> None:
    with ToldServer() as server:
        url = f"postgresql://portal@127.0.0.1:{server.port}/portal"
        with pytest.raises(SourceError, match="could not be read"):
            load(
                url,
                tmp_path,
                DatabaseOptions(allow=("127.0.0.1",)),
                {**ASK, "password": "S"},
            )
        assert server.told[-1].rstrip(b"\0") == b"named-1234"
        with pytest.raises(SourceError, match="bound to"):
            load(
                url,
                tmp_path,
                DatabaseOptions(allow=("127.0.0.1",)),
                {**ASK, "password": "S"},
                "db.example org:*",
            )


@pytest.mark.parametrize(
    "where",
    [
        "portal@127.0.0.1:{port}/x",
        "portal@localhost:{port}/x",
        "portal@2130706433:{port}/x",
        "portal@[::ffff:127.0.0.1]:{port}/x",
        "portal@0.0.0.0:{port}/x",
        "portal@127.0.0.2,127.0.0.1:{port}/x",
        "portal@/x?host=127.0.0.1&port={port}",
        "portal@127.0.0.2:{port}/x?host=127.0.0.1:{port}",
        "portal@127.0.0.2:{port}/x?hostaddr=127.0.0.1",
        "portal@127.0.0.2:{port}/x?service=mine",
        "portal@127.0.0.2:{port}/x?passfile=/etc/passwd",
        "portal@127.0.0.2:{port}/x?sslkey=/etc/passwd",
        "portal@127.0.0.2:{port}/host=127.0.0.1 port={port}",
        "portal@%2Fvar%2Frun%2Fpostgresql/x",
        "portal@/x",
        "/x",
        "127.0.0.1:{port}/x",
        "127.0.0.1:{port}",
    ],
)
def test_no_spelling_reaches_an_address_that_is_not_allowed(
    where: str, tmp_path: Path
) -> None:
    with ToldServer() as server:
        for scheme in (
            "postgresql",
            "postgresql+psycopg",
            "postgresql+psycopg2",
            "postgresql+asyncpg",
            "mysql",
        ):
            url = f"{scheme}://{where.format(port=server.port)}"
            with pytest.raises((SourceError, ConfigError)):
                load(url, tmp_path, DatabaseOptions(allow=("127.0.0.2",)))
        assert server.told == []


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("mysql://u@h/x", "not read"),
        ("mssql+pyodbc://u@h/x", "not read"),
        ("oracle://u@h/x", "not read"),
        ("duckdb:///x", "not read"),
        ("postgresql+psycopg2://u@h/x", "not read"),
        ("postgresql://u:pw@h/x", "must not hold a password"),
        ("postgresql://u@h/x?options=-c%20a%3Db", "may not say options"),
        ("postgresql://h/x", "user and database"),
        ("postgresql://u@h", "user and database"),
        ("postgresql://u@/x", "exactly one host"),
        ("nonsense", "SQLAlchemy address"),
    ],
)
def test_what_a_source_may_not_be_is_told_when_it_is_made(url: str, told: str) -> None:
    with pytest.raises(ConfigError) as problem:
        check_config("sql", url, ASK)
    assert told in str(problem.value.errors)


def test_the_portals_own_database_is_never_a_source(tmp_path: Path) -> None:
    with ToldServer() as server:
        for own in (
            OwnDatabase("127.0.0.1", "127.0.0.1", 1),
            OwnDatabase("db.internal", "127.0.0.1", 1),
            OwnDatabase("localhost", "::1", server.port),
            OwnDatabase("/var/run/postgresql", "", server.port),
        ):
            options = DatabaseOptions(allow=("127.0.0.1", "127.0.0.2"), own=own)
            with pytest.raises(SourceError, match="own database"):
                load(
                    f"postgresql://portal@127.0.0.1:{server.port}/portal",
                    tmp_path,
                    options,
                )
        elsewhere = OwnDatabase("db.internal", "192.0.2.7", server.port)
        with pytest.raises(SourceError, match="could not be read"):
            options = DatabaseOptions(allow=("127.0.0.1",), own=elsewhere)
            load(
                f"postgresql://portal@127.0.0.1:{server.port}/portal", tmp_path, options
            )
        assert len([said for said in server.told if said == b"connected"]) == 1


@pytest.fixture
def postgresql() -> Iterator[str]:
    """A database with two rows; its address without a password."""
    with fresh_database() as url:
        plain = url.replace("postgresql+psycopg", "postgresql")
        with psycopg.connect(plain, autocommit=True) as connection:
            connection.execute("CREATE TABLE t (ma text, gia numeric, ngay date)")
            connection.execute(
                "INSERT INTO t VALUES ('00001', 1.50, '2026-11-02'), ('00002', NULL, "
                "NULL)"
            )
        yield plain


@pytest.mark.postgresql
@pytest.mark.usefixtures("ambient")
def test_a_real_server_gives_its_tables(postgresql: str, tmp_path: Path) -> None:
    options = DatabaseOptions(allow=("127.0.0.1",))
    query = "SELECT * FROM t ORDER BY ma"
    config = {**ASK, "resources": [{"name": "t", "query": query}]}
    assert (
        load(postgresql, tmp_path, options, config)
        == "ma,gia,ngay\n00001,1.50,2026-11-02\n00002,,\n"
    )


@pytest.mark.postgresql
def test_a_server_is_only_read_and_only_for_so_long(
    postgresql: str, tmp_path: Path
) -> None:
    options = DatabaseOptions(allow=("127.0.0.1",))
    write = "WITH gone AS (DELETE FROM t RETURNING ma) SELECT * FROM gone"
    for query in (write, "SELECT pg_sleep(20)"):
        config = {**ASK, "timeout": 1, "resources": [{"name": "t", "query": query}]}
        with pytest.raises(SourceError, match="could not be read"):
            load(postgresql, tmp_path, options, config)


def database(path: Path, rows: int) -> str:
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE t (a TEXT)")
        connection.executemany(
            "INSERT INTO t VALUES (?)", (("x" * 1000,) for _ in range(rows))
        )
    connection.close()
    return f"sqlite:///{path}"


def test_a_table_is_no_larger_than_a_file_may_be(tmp_path: Path) -> None:
    url = database(tmp_path / "a #%.db", 200)
    config = {**ASK, "resources": [{"name": "t", "query": "SELECT * FROM t"}]}
    assert (
        load(url, tmp_path, DatabaseOptions(roots=(tmp_path,)), config).count("\n")
        == 201
    )
    with pytest.raises(ItemError, match="larger than"):
        load(
            url, tmp_path, DatabaseOptions(roots=(tmp_path,), max_bytes=100_000), config
        )


def test_a_value_that_fills_the_memory_ends_its_own_process_only(
    tmp_path: Path,
) -> None:
    url = database(tmp_path / "a.db", 1)
    options = DatabaseOptions(roots=(tmp_path,), memory_bytes=600 * 2**20)
    config = {
        **ASK,
        "resources": [{"name": "t", "query": "SELECT zeroblob(900000000) AS a FROM t"}],
    }
    with pytest.raises((ItemError, SourceError)):
        load(url, tmp_path, options, config)


def test_a_statement_without_an_end_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harvesters.reader_process.GRACE_SECONDS", 6)
    url = database(tmp_path / "a.db", 1)
    endless = (
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT "
        "max(i) FROM n"
    )
    config = {**ASK, "timeout": 1, "resources": [{"name": "t", "query": endless}]}
    with pytest.raises(SourceError, match="did not give its tables"):
        load(url, tmp_path, DatabaseOptions(roots=(tmp_path,)), config)
