"""The process behind public SQL: one limited child is forked for each query, and killed
in time.
"""

from __future__ import annotations

import os
import re
import resource
import secrets
import select
import signal
import socket
import sys
import time
from contextlib import suppress
from datetime import date, datetime, timedelta
from datetime import time as clock
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import orjson
import pyarrow as pa

from portal.tabular.public_sql import framing
from portal.tabular.public_sql.allowed import LONGEST, Refused, tables_named

MEMORY = 1_500_000_000
MOST_MAPPED = 1 << 40
"""Bytes of hot copies that may be mapped beside that memory; they are files, and cannot
be written.
"""
CPU_SECONDS = 5
OPEN_FILES = 64
CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "threads": 1,
    "async_threads": 0,
    "memory_limit": "256MB",
    "temp_directory": "",
    "max_temp_directory_size": "0B",
    "max_expression_depth": 250,
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "allow_community_extensions": False,
    "allow_unsigned_extensions": False,
    "python_enable_replacements": False,
}
SERIALIZED = "SELECT json_serialize_sql(?)"
TYPES = (
    ("DECIMAL", "numeric"),
    ("HUGEINT", "numeric"),
    ("UHUGEINT", "numeric"),
    ("TIMESTAMP", "timestamp"),
    ("BIGINT", "int8"),
    ("UBIGINT", "numeric"),
    ("DOUBLE", "float8"),
    ("FLOAT", "float4"),
    ("BOOLEAN", "bool"),
    ("DATE", "date"),
    ("TIME", "time"),
    ("INTERVAL", "interval"),
    ("INTEGER", "int4"),
    ("SMALLINT", "int4"),
    ("TINYINT", "int4"),
)


def serve(door: socket.socket) -> None:
    """Fork a child for every socket that comes through the door, until the portal is
    gone.

    The engine is opened once, here, where nothing of any asker is: each child has its
    copy of it. It has no threads.
    """
    engine = _opened()
    door.send(b"1")
    children: dict[int, float] = {}
    while True:
        soonest = min(children.values(), default=time.monotonic() + 60)
        ready, _, _ = select.select(
            [door],
            [],
            [],
            max(0.0, min(0.2 if children else 60, soonest - time.monotonic())),
        )
        if ready:
            message, handles, _, _ = socket.recv_fds(door, 64, 1)
            if not message:
                return
            for handle in handles:
                children[_forked(door, handle, engine)] = time.monotonic() + float(
                    message
                )
        _reap(children)


def _opened() -> duckdb.DuckDBPyConnection:
    """The engine that every child inherits."""
    engine = duckdb.connect(":memory:", config=CONFIG)
    # What is used once is in memory.
    statement = _statement(engine, "SELECT 1.5 AS a, DATE '2026-01-01' AS b")
    engine.execute(SERIALIZED, ["SELECT 1"]).fetchall()
    engine.execute(statement).fetchall()
    return engine


def _reap(children: dict[int, float]) -> None:
    """End children (id to their last moment) whose time is over; forget the ended."""
    for child, until in list(children.items()):
        if time.monotonic() > until:
            os.kill(child, signal.SIGKILL)
        if os.waitpid(child, 0 if time.monotonic() > until else os.WNOHANG)[0]:
            del children[child]


def _forked(door: socket.socket, handle: int, engine: duckdb.DuckDBPyConnection) -> int:
    """Answer one query in a child; gives the child's id."""
    child = os.fork()
    if child:
        os.close(handle)
        return child
    try:
        door.close()
        _limit()
        _answer(socket.socket(fileno=handle), engine)
    finally:
        # No handlers and buffers of the parent may run in the child.
        os._exit(0)


def _limit() -> None:
    """Bound what this child may use, before it reads what was asked."""
    # The hard bound leaves room for hot copies: once lowered, it cannot be raised.
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY + MOST_MAPPED))
    for what, most in (
        (resource.RLIMIT_CPU, CPU_SECONDS),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NOFILE, OPEN_FILES),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(what, (most, most))


def _answer(line: socket.socket, engine: duckdb.DuckDBPyConnection) -> None:
    """Read one query and send its rows or its refusal."""
    asked = orjson.loads(framing.receive(line))
    try:
        framing.send(
            line, _result(line, engine, str(asked["sql"]), int(asked["limit"]))
        )
    except Refused as error:
        framing.send(line, {"refused": str(error), "forbidden": error.forbidden})
    except (
        duckdb.ParserException,
        duckdb.BinderException,
        duckdb.CatalogException,
    ) as error:
        framing.send(line, {"refused": _first_line(error)})
    except (
        Exception
    ) as error:  # whatever it was, it happened in here and ends with this process
        framing.send(line, {"refused": "Invalid query", "kind": type(error).__name__})


def _first_line(error: Exception) -> str:
    """What the engine says of the asker's own text; nothing of ours (files, views) is
    in it.
    """
    line = (
        re.sub(r"^\w+ Error: ", "", str(error).splitlines()[0][:300])
        if str(error)
        else ""
    )
    return (
        "Invalid query"
        if "read_parquet" in line or "/" in line
        else f"Invalid query: {line}"
    )


def _result(
    line: socket.socket, connection: duckdb.DuckDBPyConnection, sql: str, limit: int
) -> bytes:
    """The rows of a query as JSON, at most `limit`; asks which tables are there
    first.
    """
    statement = _statement(connection, sql)
    serialized = connection.execute(SERIALIZED, [sql]).fetchall()
    tree = orjson.loads(serialized[0][0])
    if tree.get("error"):
        raise Refused("Invalid query AST element")
    framing.send(line, {"tables": sorted(tables_named(tree))})
    sources = orjson.loads(framing.receive(line))
    _open_tables(connection, sources)
    _lock(connection, sources)
    found = connection.execute(statement)
    described = found.description or []
    # One row more than are shown tells whether there are more.
    rows = found.fetchmany(limit + 1)
    names = [str(column[0]) for column in described]
    answer: dict[str, Any] = {
        "fields": [
            {"id": str(column[0]), "type": _type(str(column[1]))}
            for column in described
        ],
        "records": [
            dict(zip(names, map(_value, row), strict=True)) for row in rows[:limit]
        ],
    }
    if len(rows) > limit:
        answer["records_truncated"] = True
    return orjson.dumps(answer, default=str)


def _statement(connection: duckdb.DuckDBPyConnection, sql: str) -> duckdb.Statement:
    """The one SELECT of the text; refuses anything else."""
    if len(sql.encode()) > LONGEST:
        raise Refused(f"A query may have {LONGEST} bytes")
    statements = connection.extract_statements(sql)
    if len(statements) != 1:
        raise Refused("Query is not a single statement")
    if statements[0].type != duckdb.StatementType.SELECT:
        raise Refused("Invalid query AST element")
    return statements[0]


def _open_tables(
    connection: duckdb.DuckDBPyConnection, sources: dict[str, Any]
) -> None:
    """Each table under its name: its hot copy where there is one, else its parts."""
    mapped = 0
    for name, source in sources.items():
        columns = ", ".join(_quoted(column) for column in source["columns"])
        selected = f'_id, _fold AS "_full_text"{", " if columns else ""}{columns}'
        rows = source["sql"]
        with suppress(OSError):  # a copy may be gone in this moment
            if source.get("hot"):
                mapped += Path(source["hot"]).stat().st_size
                resource.setrlimit(
                    resource.RLIMIT_AS, (MEMORY + mapped, MEMORY + MOST_MAPPED)
                )
                table = pa.ipc.open_file(pa.memory_map(source["hot"])).read_all()
                # No name that a statement could know.
                rows = f"hot_{secrets.token_hex(16)}"
                connection.register(rows, table)
        connection.execute(
            # Ours, names quoted.
            f"CREATE VIEW {_quoted(name)} AS SELECT {selected} FROM {rows}"  # noqa: S608
        )
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY + mapped, MEMORY + mapped))


def _lock(connection: duckdb.DuckDBPyConnection, sources: dict[str, Any]) -> None:
    """The order matters: what may be read is said before the door is shut, and then
    nothing can be said any more.
    """
    paths = [path for source in sources.values() for path in source["paths"]]
    listed = ", ".join("'" + path.replace("'", "''") + "'" for path in paths)
    connection.execute(f"SET allowed_paths = [{listed}]")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _type(kind: str) -> str:
    return next(
        (ours for theirs, ours in TYPES if kind.upper().startswith(theirs)), "text"
    )


def _value(value: Any) -> Any:
    """A cell as JSON can hold it; long numbers keep every digit."""
    if isinstance(value, Decimal):
        return orjson.Fragment(format(value, "f")) if value.is_finite() else None
    if isinstance(value, int) and abs(value) >= 1 << 63:
        return orjson.Fragment(str(value))
    if isinstance(value, datetime):
        return value.isoformat(timespec="milliseconds")
    if isinstance(value, (date, clock)):
        return value.isoformat()
    return str(value) if isinstance(value, (bytes, timedelta)) else value


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    serve(socket.socket(fileno=int(sys.argv[1])))
    # There is nothing to put in order, and engine and interpreter would report each
    # other's leftovers.
    os._exit(0)
