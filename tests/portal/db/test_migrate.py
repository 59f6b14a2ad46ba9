"""Migrations: from nothing to the models, twice without harm, on both databases."""

from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from portal.db import migrate
from portal.domain.base import Base
from portal.runtime import Portal


def test_the_migrations_make_exactly_the_models(portal: Portal) -> None:
    with portal.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []


def test_upgrading_twice_does_nothing(portal: Portal) -> None:
    assert migrate.upgrade(portal.engine) == migrate.current(portal.engine) == migrate.newest()
