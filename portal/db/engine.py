"""Opening the database: SQLite as safe as it can be, PostgreSQL as it is."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import StaticPool

from portal.errors import SettingsError

BUSY_MILLISECONDS = 30_000
PATIENCE: dict[str, Any] = {
    "connect_timeout": 5,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}
"""How long a PostgreSQL that falls silent is waited for (seconds, the last in
milliseconds), where its address does not say so itself; without it a request waits for
as long as the system's network does, which may be a quarter hour.
"""


def open_engine(url: str, synchronous: str = "FULL") -> Engine:
    """Open the database of `url` without connecting yet. Raises SettingsError for an
    address that cannot be one.

    `synchronous` is SQLite's: FULL waits for the disk at every commit, NORMAL may lose
    the last ones in a power cut.
    """
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise SettingsError(
            "PORTAL_DATABASE_URL takes a SQLAlchemy address, e.g. "
            "sqlite:///var/portal.db"
        ) from None
    options: dict[str, Any] = {
        "json_serializer": _dump,
        "json_deserializer": orjson.loads,
    }
    if parsed.get_backend_name() == "postgresql":
        patience = {
            name: value for name, value in PATIENCE.items() if name not in parsed.query
        }
        return create_engine(
            parsed,
            pool_pre_ping=True,
            pool_size=10,
            max_overflow=20,
            connect_args=patience,
            **options,
        )
    if parsed.get_backend_name() != "sqlite":
        raise SettingsError(
            "PORTAL_DATABASE_URL takes sqlite or postgresql+psycopg addresses."
        )
    return _open_sqlite(parsed, options, synchronous)


def _open_sqlite(parsed: Any, options: dict[str, Any], synchronous: str) -> Engine:
    if parsed.database in (None, "", ":memory:"):
        engine = create_engine(
            parsed,
            poolclass=StaticPool,
            connect_args={"check_same_thread": False},
            **options,
        )
    else:
        Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
        engine = create_engine(
            parsed, connect_args={"check_same_thread": False}, **options
        )
    event.listen(engine, "connect", partial(_tune_sqlite, synchronous))
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _tune_sqlite(synchronous: str, connection: Any, _record: Any) -> None:
    # Transactions are begun by `_begin_sqlite`, never by the driver: a write must lock
    # from its first statement.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in (
        f"busy_timeout={BUSY_MILLISECONDS}",
        "journal_mode=WAL",
        f"synchronous={synchronous}",
        "foreign_keys=ON",
        "cache_size=-65536",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Any) -> None:
    reading = connection.get_execution_options().get("portal_read_only", False)
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")


def _dump(value: Any) -> str:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()
