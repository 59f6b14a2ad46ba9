"""The process that reads a sector database: one request on its input, tables into
files, one answer on its output.
"""

from __future__ import annotations

import errno
import os
import resource
import sqlite3
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import orjson
import psycopg
from sqlalchemy import Connection, Engine, create_engine, text
from sqlalchemy.exc import SQLAlchemyError

from harvesters.base import ItemError
from harvesters.rows import cell_text, write_rows

FETCH = 2000
KNOWN_LOGINS = "none,password,md5,scram-sha-256"
"""Ways to log in; tickets and keys of the server's own user are not among them."""
LIBPQ_WITH_REQUIRE_AUTH = 160000


def main() -> None:
    """Answer the request on standard input; end at once when whoever asked is gone."""
    request = orjson.loads(sys.stdin.buffer.readline())
    # Whoever asked may be killed while a statement runs: nobody else would end it.
    threading.Thread(target=_end_with_parent, daemon=True).start()
    sys.stdout.buffer.write(orjson.dumps(answer(request)))
    sys.stdout.flush()


def _end_with_parent() -> None:
    """End this process as soon as nobody holds the other end of its input."""
    # Past Python's buffer, whose lock would be missed at an ordinary end.
    while os.read(0, 1024):
        pass
    os._exit(1)


def answer(request: Mapping[str, Any]) -> dict[str, Any]:
    """{} when all tables are written, else {"error": {code, message, retry, item}};
    `item`: the dataset is at fault.
    """
    try:
        _limit(request)
        _read(request)
    except ItemError as error:
        return _error(error.code, error.message, item=True)
    except SQLAlchemyError as error:
        kind = type(getattr(error, "orig", None) or error).__name__
        return _error(
            "database",
            f"The database could not be read ({kind}); check address and queries.",
        )
    except MemoryError:
        return _error(
            "too-much-memory",
            "The database gives a value that is too large to be read.",
            item=True,
        )
    except OSError as error:
        if error.errno != errno.EFBIG:
            raise
        return _error(
            "too-large",
            f"A table is larger than {request['max_bytes'] // 2**20} MB.",
            item=True,
        )
    return {}


def _error(code: str, message: str, *, item: bool = False) -> dict[str, Any]:
    return {"error": {"code": code, "message": message, "retry": False, "item": item}}


def _limit(request: Mapping[str, Any]) -> None:
    """Let the system bound memory and files: a value of a gigabyte is refused before
    any code of ours sees its size.
    """
    limits = {
        resource.RLIMIT_AS: request["memory_bytes"],
        resource.RLIMIT_FSIZE: request["max_bytes"],
    }
    for kind, most in limits.items():
        _, hard = resource.getrlimit(kind)
        # A soft limit above the hard one is refused.
        soft = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(kind, (soft, hard))


def _read(request: Mapping[str, Any]) -> None:
    """Run the queries of a request, each into its file."""
    engine = _engine(request["connection"])
    try:
        with engine.connect() as connection:
            _only_read(connection, request["timeout"])
            for each in request["queries"]:
                path = Path(each["file"])
                _table(connection, each["query"], path, request["max_rows"])
    finally:
        engine.dispose()


def _engine(described: Mapping[str, Any]) -> Engine:
    """An engine for the connection: SQLite opened for reading, or PostgreSQL."""
    if described["kind"] == "sqlite":
        address = f"file:{quote(described['file'])}?mode=ro"
        return create_engine(
            "sqlite://", creator=lambda: sqlite3.connect(address, uri=True)
        )
    parameters = dict(described["parameters"])
    # Without it a server could ask for a ticket of the machine's own user.
    if psycopg.pq.version() >= LIBPQ_WITH_REQUIRE_AUTH:
        parameters["require_auth"] = KNOWN_LOGINS
    return create_engine(
        "postgresql+psycopg://", creator=lambda: psycopg.connect(**parameters)
    )


def _only_read(connection: Connection, seconds: int) -> None:
    """Let the database itself refuse writes, and end what takes too long, where it
    can.
    """
    statements = {
        "sqlite": ("PRAGMA query_only = ON",),
        "postgresql": (
            "SET TRANSACTION READ ONLY",
            f"SET LOCAL statement_timeout = {int(seconds) * 1000}",
        ),
    }
    for statement in statements[connection.dialect.name]:
        connection.exec_driver_sql(statement)


def _table(connection: Connection, query: str, path: Path, most: int) -> None:
    """Write what a query gives to a CSV file, row by row."""
    streamed = connection.execution_options(stream_results=True, yield_per=FETCH)
    result = streamed.execute(text(query))
    rows = ([cell_text(value) for value in row] for row in result)
    write_rows(list(result.keys()), rows, path, most=most)


if __name__ == "__main__":
    main()
