"""A second portal of ours as the source: its catalogue harvested in every notation, and
again without a change.
"""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from frictionless import Package
from werkzeug.serving import make_server

from portal import scheduler
from portal.access.identity import SYSTEM
from portal.actions import registry
from portal.bootstrap import build_portal
from portal.runtime import Portal
from portal.settings import load
from portal.web.app import create_app
from schemas.packages import record_of

Json = dict[str, Any]
DATASETS = 3


class Other:
    """The second portal behind a real socket, whose addresses are those that it is
    asked at.
    """

    def __init__(self, folder: Path) -> None:
        self.server = make_server(
            "127.0.0.1",
            0,
            lambda environ, start: self.app(environ, start),
            threaded=True,
        )
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        settings = {
            "PORTAL_DATA_DIR": str(folder / "other"), "PORTAL_SITE_URL": self.url, "PORTAL_LOG_LEVEL": "WARNING",
            "PORTAL_HARVEST_ROOTS": str(folder), "PORTAL_HARVEST_ALLOW": "127.0.0.1",
        }  # fmt: skip
        self.portal = build_portal(load(settings), upgrade=True)
        self.app = create_app(self.portal)
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def close(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()
        self.portal.close()


def call(portal: Portal, action: str, /, **params: Any) -> Any:
    return orjson.loads(orjson.dumps(registry.call(portal, SYSTEM, action, params)))


def run(portal: Portal, kind: str, url: str, **config: Any) -> Json:
    """One trip to a source of that kind, made if there is none yet."""
    if not call(portal, "harvest_source_list"):
        described = {
            "url": url,
            "source_type": kind,
            "name": "other",
            "title": "Other",
            "config": config,
        }
        call(portal, "harvest_source_create", **described)
    else:
        call(portal, "harvest_source_patch", id="other", url=url)
    job = call(portal, "harvest_job_create", source_id="other")
    assert scheduler.work_once(portal, scheduler.owner_name())
    return dict(call(portal, "harvest_job_show", id=job["id"]))


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Other]:
    folder = tmp_path_factory.mktemp("second")
    drop = folder / "drop"
    drop.mkdir()
    (drop / "gia.csv").write_text(
        "ma,ten,gia\n001,Lúa,5.5\n002,Ngô,7\n", encoding="utf-8"
    )
    running = Other(folder)
    call(running.portal, "organization_create", name="so-y-te", title="Sở Y tế")
    for number in range(DATASETS):
        call(
            running.portal, "package_create", name=f"ten-{number}", title=f"Bệnh viện {number}", owner_org="so-y-te",
            license_id="cc-by", tags=[{"name": "y tế"}], extras=[{"key": "k", "value": "v"}], frequency="on-change",
            notes="Mô tả\n\ndài", resources=[{"url": f"https://a.vn/{n}.html", "name": f"{n}"} for n in (2, 1)],
        )  # fmt: skip
    call(
        running.portal,
        "package_create",
        name="kin",
        title="Kín",
        owner_org="so-y-te",
        private=True,
    )
    config = {"each": True, "pattern": "*.csv", "settle_seconds": 0}
    described = {
        "url": str(drop),
        "source_type": "files",
        "name": "folder",
        "config": config,
    }
    call(running.portal, "harvest_source_create", **described)
    call(running.portal, "harvest_job_create", source_id="folder")
    assert scheduler.work_once(running.portal, scheduler.owner_name())
    yield running
    running.close()


@pytest.mark.parametrize(
    "path", ["catalog.rdf", "catalog.ttl", "catalog.jsonld", "data.json"]
)
def test_we_harvest_ourselves(portal: Portal, other: Other, path: str) -> None:
    names = [f"ten-{number}" for number in range(DATASETS)]
    job = run(portal, "dcat", f"{other.url}/{path}")
    assert (job["stats"]["added"], job["listing_complete"]) == (DATASETS + 1, True), job
    again = run(portal, "dcat", f"{other.url}/{path}")
    assert {name: count for name, count in again["stats"].items() if count} == {
        "not modified": DATASETS + 1
    }
    listed = call(portal, "package_list")
    assert "kin" not in listed
    if path == "data.json":
        return
    assert set(names) < set(listed)
    for name in names:
        theirs, ours = (
            record_of(call(each, "package_show", id=name))
            for each in (other.portal, portal)
        )
        for field in (
            "title",
            "notes",
            "license_id",
            "tags",
            "extras",
            "profile",
            "private",
        ):
            assert getattr(ours, field) == getattr(theirs, field)
        assert [r.url for r in ours.resources] == [
            "https://a.vn/2.html",
            "https://a.vn/1.html",
        ]


def test_a_table_is_harvested_with_its_rows(portal: Portal, other: Other) -> None:
    run(portal, "dcat", f"{other.url}/catalog.ttl", download_formats=["CSV"])
    shown = call(portal, "package_search", q="name:gia")["results"]
    assert shown and shown[0]["resources"][0]["datastore_active"]
    rows = call(portal, "datastore_search", resource_id=shown[0]["resources"][0]["id"])[
        "records"
    ]
    assert [row["ma"] for row in rows] == ["001", "002"]


def test_frictionless_and_our_own_reader_load_the_data_package(
    portal: Portal, other: Other
) -> None:
    address = f"{other.url}/dataset/gia/datapackage.json"
    package = Package(address)
    assert package.name == "gia"
    assert [row.to_dict()["ma"] for row in package.resources[0].read_rows()] == [
        "001",
        "002",
    ]
    assert package.validate().valid
    job = run(portal, "datapackage", address)
    assert job["stats"]["added"] == 1, job
    kept = call(portal, "package_show", id="gia")
    theirs = call(other.portal, "package_show", id="gia")
    for field in ("title", "notes", "license_id"):
        assert kept[field] == theirs[field]
    rows = call(portal, "datastore_search", resource_id=kept["resources"][0]["id"])[
        "records"
    ]
    assert [(row["ma"], row["ten"]) for row in rows] == [("001", "Lúa"), ("002", "Ngô")]
