"""Bringing a database to the newest revision, and asking whether it is there."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine

FOLDER = Path(__file__).parent / "migrations"


def upgrade(engine: Engine, upto: str = "head") -> str:
    """Run every missing migration in one transaction; return the newest revision. Safe
    to run twice, and by two.
    """
    config = _config()
    with engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            # Two nodes that start together must not run the same migration; the lock
            # ends with the transaction.
            connection.exec_driver_sql("SELECT pg_advisory_xact_lock(741852963)")
        config.attributes["connection"] = connection
        command.upgrade(config, upto)
    return newest()


def current(engine: Engine) -> str | None:
    """The revision of the database, None for an empty one."""
    with engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def newest() -> str:
    """The revision that the code needs."""
    return ScriptDirectory.from_config(_config()).get_current_head() or ""


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(FOLDER))
    return config
