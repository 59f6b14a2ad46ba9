"""Another CKAN harvested twice: the second run changes nothing, and a broken one
deletes nothing.
"""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from portal import scheduler
from portal.access.identity import SYSTEM
from portal.actions import registry
from portal.domain.datasets import Dataset
from portal.runtime import Portal
from tests.servers.ckan import ckan

SHARED = Path(
    os.environ.get(
        "PORTAL_SHARED_DATA", Path(__file__).resolve().parents[4] / "shared" / "data"
    )
)
Json = dict[str, Any]


def made_up() -> list[Json]:
    return [
        {
            "id": f"id-{number}", "name": f"ten-{number}", "title": f"Bệnh viện {number}", "state": "active",
            "tags": [{"name": "y tế"}], "resources": [{"url": f"https://example.vn/{number}.csv", "format": "CSV"}],
        }
        for number in range(12)
    ]  # fmt: skip


def real() -> list[Json]:
    path = SHARED / "ckan-dumps/hdx_datasets_10.json"
    if not path.exists():
        pytest.skip("the shared data is not here")
    dump = json.loads(path.read_text(encoding="utf-8"))
    return list(
        dump if isinstance(dump, list) else dump.get("result", dump)["results"]
    )[:150]


def run(portal: Portal, url: str) -> Json:
    """One trip to a catalogue."""
    with portal.work() as uow:
        known = registry.call(portal, SYSTEM, "harvest_source_list", {})
        uow.commit()
    described = {"url": url, "source_type": "ckan", "name": "other", "title": "Other"}
    if known:
        registry.call(
            portal, SYSTEM, "harvest_source_patch", {"id": "other", "url": url}
        )
    else:
        registry.call(portal, SYSTEM, "harvest_source_create", described)
    job = registry.call(portal, SYSTEM, "harvest_job_create", {"source_id": "other"})
    assert scheduler.work_once(portal, scheduler.owner_name())
    return dict(registry.call(portal, SYSTEM, "harvest_job_show", {"id": job["id"]}))


@pytest.mark.parametrize("packages", [made_up, real], ids=["made up", "HDX"])
def test_a_second_run_changes_nothing(portal: Portal, packages: Any) -> None:
    listed = packages()
    with ckan(listed) as web:
        assert run(portal, web.url)["stats"]["added"] == len(listed)
        with portal.read() as uow:
            before = uow.session.execute(
                select(Dataset.id, Dataset.rendered, Dataset.revision)
            ).all()
        job = run(portal, web.url)
        assert {name: count for name, count in job["stats"].items() if count} == {
            "not modified": len(listed)
        }
        with portal.read() as uow:
            assert (
                uow.session.execute(
                    select(Dataset.id, Dataset.rendered, Dataset.revision)
                ).all()
                == before
            )


def test_a_catalogue_that_breaks_halfway_deletes_nothing(portal: Portal) -> None:
    listed = made_up()
    with ckan(listed) as web:
        run(portal, web.url)
    down: Json = {"success": False, "error": {"message": "down"}}
    empty: Json = {"success": True, "result": {"count": 12, "results": []}}
    for answer in (down, empty):
        with ckan(listed, spoil=lambda body, answer=answer: answer) as web:
            job = run(portal, web.url)
            assert (
                job["status"],
                job["listing_complete"],
                job["stats"]["deleted"],
            ) == ("Finished", False, 0)
            assert job["gather_error_summary"]
    with ckan(listed[:11]) as web:
        assert run(portal, web.url)["stats"]["deleted"] == 1
    with portal.read() as uow:
        states = uow.session.scalars(
            select(Dataset.state).order_by(Dataset.state)
        ).all()
    assert states == ["active"] * 11 + ["deleted"]
