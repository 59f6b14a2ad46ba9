"""Migrations: from nothing to the models, twice without harm, on both databases."""

from pathlib import Path

from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from portal.db import migrate
from portal.db.engine import open_engine
from portal.domain.base import Base
from portal.runtime import Portal

GUARDS = ("portal.domain.base",)


def test_the_migrations_make_exactly_the_models(portal: Portal) -> None:
    with portal.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []


def test_upgrading_twice_does_nothing(portal: Portal) -> None:
    assert (
        migrate.upgrade(portal.engine)
        == migrate.current(portal.engine)
        == migrate.newest()
    )


def test_what_waits_survives_the_rebuilding_of_the_outbox(tmp_path: Path) -> None:
    """Before revision 0008 SQLite gave numbers twice; its rows are copied as they are,
    and counting goes on.
    """
    engine = open_engine(f"sqlite:///{tmp_path / 'old.db'}")
    migrate.upgrade(engine, "0007")
    with engine.begin() as connection:
        for number in (3, 7):
            connection.exec_driver_sql(
                "INSERT INTO outbox (id, topic, entity_id, created, due, attempts, "
                "eager) VALUES"
                f" ({number}, 'load', 'r{number}', '2026-01-01', '2026-01-01', 0, 1)"
            )
    migrate.upgrade(engine)
    with engine.begin() as connection:
        rows = connection.exec_driver_sql(
            "SELECT id, entity_id, eager FROM outbox ORDER BY id"
        ).all()
        assert [tuple(row) for row in rows] == [(3, "r3", 1), (7, "r7", 1)]
        connection.exec_driver_sql("DELETE FROM outbox")
        insert = (
            "INSERT INTO outbox (topic, entity_id, created, due, attempts) VALUES "
            "('load', 'r', '', '', 0)"
        )
        assert connection.exec_driver_sql(insert).lastrowid == 8
    engine.dispose()
