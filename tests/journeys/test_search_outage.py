"""Elasticsearch is killed: datasets go on being written and read, search says so, and
afterwards nothing is lost.
"""

import time
from pathlib import Path
from typing import Any

import orjson
import pytest

from portal.access.identity import SYSTEM
from portal.actions import registry
from portal.bootstrap import build_portal
from portal.db import outbox
from portal.domain.events import INDEX
from portal.errors import Unavailable
from portal.pipeline import index
from portal.runtime import Portal
from portal.settings import load
from tests.servers.elasticsearch import own_nodes

WRITTEN = 5


def call(portal: Portal, name: str, /, **params: Any) -> Any:
    return orjson.loads(orjson.dumps(registry.call(portal, SYSTEM, name, params)))


def waiting(portal: Portal) -> int:
    with portal.read() as uow:
        return outbox.count(uow.session, INDEX)


@pytest.mark.elasticsearch
@pytest.mark.timeout(400)
def test_a_killed_server_loses_nothing(tmp_path: Path) -> None:
    with own_nodes() as server:
        environment = {
            "PORTAL_DATA_DIR": str(tmp_path / "var"), "PORTAL_SEARCH_URL": server.url, "PORTAL_SEARCH_TIMEOUT": "5",
            "PORTAL_SEARCH_RETRIES": "0", "PORTAL_SEARCH_PAUSE": "1", "PORTAL_LOG_LEVEL": "ERROR",
        }  # fmt: skip
        portal = build_portal(load(environment), upgrade=True)
        try:
            call(portal, "organization_create", name="so-y-te", title="Sở Y tế")
            call(
                portal,
                "package_create",
                name="truoc",
                owner_org="so-y-te",
                title="Bệnh viện",
            )
            assert call(portal, "package_search", q="benh vien")["count"] == 1
            server.kill()
            for number in range(WRITTEN):
                call(
                    portal,
                    "package_create",
                    name=f"trong-{number}",
                    owner_org="so-y-te",
                    title="Trạm y tế",
                )
            call(portal, "package_patch", id="truoc", title="Nhà hộ sinh")
            assert call(portal, "package_show", id="trong-0")["title"] == "Trạm y tế"
            with pytest.raises(Unavailable):
                call(portal, "package_search", q="tram y te")
            assert call(portal, "status_show")["search"]["status"] == "down"
            assert waiting(portal) == WRITTEN + 1
            server.start()
            _drained(portal)
            assert index.compare(portal).none
            assert call(portal, "package_search", q="tram y te")["count"] == WRITTEN
            assert call(portal, "package_search", q="nha ho sinh")["count"] == 1
        finally:
            portal.close()


def _drained(portal: Portal) -> None:
    """What the worker's tick does, until the backlog is gone."""
    until = time.monotonic() + 120
    while waiting(portal) and time.monotonic() < until:
        index.drain(portal)
        time.sleep(0.2)
    assert not waiting(portal)
