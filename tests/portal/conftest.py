"""A portal on each database: SQLite always, PostgreSQL where a server can be had."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from portal.bootstrap import build_portal
from portal.runtime import Portal
from portal.settings import load
from tests.servers.postgresql import fresh_database


@pytest.fixture(
    params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)]
)
def portal(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Portal]:
    """An empty portal below a temporary folder."""
    environment = {
        "PORTAL_DATA_DIR": str(tmp_path / "var"),
        "PORTAL_HARVEST_ROOTS": str(tmp_path),
        "PORTAL_HARVEST_ALLOW": "127.0.0.1,localhost,::1",
        "PORTAL_LOG_LEVEL": "WARNING",
        "PORTAL_MAX_RESOURCE_SIZE": "5",
    }
    if request.param == "sqlite":
        yield from _opened(environment)
    else:
        with fresh_database() as url:
            yield from _opened({**environment, "PORTAL_DATABASE_URL": url})


def _opened(environment: dict[str, str]) -> Iterator[Portal]:
    running = build_portal(load(environment), upgrade=True)
    yield running
    running.close()
