"""One world for all journeys of a module, on each database."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from portal.bootstrap import build_portal
from portal.settings import load
from tests.journeys.world import World, build
from tests.servers.postgresql import fresh_database


@pytest.fixture(
    scope="module",
    params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)],
)
def world(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[World]:
    """A portal with people in it; tests make what they need and do not look at what
    others made.
    """
    with opened(tmp_path_factory.mktemp("world"), request.param) as world:
        yield world


@contextmanager
def opened(folder: Path, kind: str, **more: str) -> Iterator[World]:
    """A world on one kind of database, with more settings than every world has."""
    with ExitStack() as stack:
        database = {}
        if kind == "postgresql":
            database = {"PORTAL_DATABASE_URL": stack.enter_context(fresh_database())}
        settings = {
            "PORTAL_DATA_DIR": str(folder / "var"),
            "PORTAL_LOG_LEVEL": "WARNING",
            "PORTAL_MAX_RESOURCE_SIZE": "1",
            "PORTAL_DATASET_COLLABORATORS": "on",
        }
        portal = build_portal(load({**settings, **database, **more}), upgrade=True)
        stack.callback(portal.close)
        yield build(portal)
