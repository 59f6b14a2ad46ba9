"""Links and uploads become rows by themselves, are asked again politely, and keep the
last good rows.
"""

import gzip
import io
import threading
import zipfile
from datetime import timedelta
from http.server import BaseHTTPRequestHandler

import polars as pl
import pytest
from sqlalchemy import update

from portal.access.identity import ANONYMOUS, SYSTEM
from portal.db import datastore
from portal.domain.base import now
from portal.domain.events import LINK, LOAD, OutboxRow
from portal.errors import Invalid, NotFound
from portal.pipeline import load
from portal.runtime import Portal
from schemas.record import Upload
from tests.portal.actions.people import call, make_org
from tests.portal.pipeline.conftest import leaving_loads
from tests.servers.web import Web

GUARDS = (
    "portal.actions.jobs",
    "portal.actions.loading",
    "portal.pipeline.attach",
    "portal.pipeline.prepared",
    "portal.pipeline.quarantine",
    "portal.pipeline.reach",
    "portal.pipeline.stored",
)


@pytest.fixture
def portal(portal: Portal) -> Portal:
    """A portal whose uploads wait for the worker."""
    return leaving_loads(portal)


class Changing:
    """A file that answers conditional requests; `body` and `etag` are what it is
    now.
    """

    def __init__(self) -> None:
        self.body, self.etag, self.status, self.sent = (
            b"ma;ten\n00001;An\n00002;B\xc3\xacnh\n",
            '"1"',
            200,
            0,
        )

    def __call__(self, handler: BaseHTTPRequestHandler) -> None:
        if handler.headers.get("If-None-Match") == self.etag:
            handler.send_response(304)
            handler.end_headers()
            return
        self.sent += 1
        handler.send_response(self.status)
        handler.send_header("Content-Length", str(len(self.body)))
        handler.send_header("ETag", self.etag)
        handler.end_headers()
        handler.wfile.write(self.body)


def test_a_link_is_loaded_asked_again_and_replaced(portal: Portal) -> None:
    file = Changing()
    make_org(portal, "so-y-te")
    call(portal, SYSTEM, "package_create", name="thuoc", owner_org="so-y-te")
    with Web({"/ds.csv": file}) as web:
        made = call(
            portal,
            SYSTEM,
            "resource_create",
            package_id="thuoc",
            name="ds",
            url=f"{web.url}/ds.csv",
            format="CSV",
        )
        key = made["id"]
        assert (
            call(portal, SYSTEM, "datapusher_status", resource_id=key)["status"]
            == "pending"
        )
        load.drain(portal)
        assert (
            call(portal, SYSTEM, "xloader_status", resource_id=key)["status"]
            == "complete"
        )
        found = call(
            portal,
            ANONYMOUS,
            "datastore_search",
            resource_id=key,
            records_format="lists",
        )["records"]
        assert found == [[1, "00001", "An"], [2, "00002", "Bình"]]
        shown = call(portal, ANONYMOUS, "resource_show", id=key)
        assert (
            shown["url"],
            shown["datastore_active"],
            shown["validation_status"],
        ) == (made["url"], True, "success")
        again(portal, key)
        assert file.sent == 1  # not modified
        file.etag = '"2"'
        again(portal, key)
        assert versions(portal, key) == 1  # fetched, equal
        file.body, file.etag = b"ma;ten\n00003;Chi\n", '"3"'
        again(portal, key)
        assert versions(portal, key) == 2
        file.body, file.etag = b"<html>h\xe1\xba\xbft gi\xe1\xbb\x9d</html>", '"4"'
        again(portal, key)
        file.status, file.etag = 404, '"5"'
        again(portal, key)
        status = call(portal, SYSTEM, "datapusher_status", resource_id=key)
        assert status["status"] == "error" and "404" in status["error"]
        assert (
            call(portal, ANONYMOUS, "datastore_search", resource_id=key)["records"][0][
                "ma"
            ]
            == "00003"
        )
        call(portal, SYSTEM, "resource_patch", id=key, description="không đổi")
        assert load.drain(portal) == 0
        assert (
            call(portal, SYSTEM, "xloader_submit", resource_id=key, ignore_hash=True)
            is True
        )
        assert call(portal, SYSTEM, "datapusher_submit", resource_id=key) is True
    call(
        portal,
        SYSTEM,
        "datapusher_hook",
        metadata={"resource_id": key},
        status="complete",
    )
    call(
        portal,
        SYSTEM,
        "xloader_hook",
        metadata={"resource_id": key},
        status="error",
        error="x",
    )
    with pytest.raises(Invalid):
        call(
            portal,
            SYSTEM,
            "datapusher_hook",
            metadata={"resource_id": key},
            status="later",
        )
    page = call(
        portal,
        SYSTEM,
        "resource_create",
        package_id="thuoc",
        url=f"{web.url}/trang",
        format="HTML",
    )
    with pytest.raises(NotFound):
        call(portal, SYSTEM, "datapusher_status", resource_id=page["id"])


def test_links_to_json_parquet_and_packed_tables_are_loaded(portal: Portal) -> None:
    csv = "ma,ten\n00001,Bình\n".encode()
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("ds.csv", csv)
    columns = io.BytesIO()
    pl.DataFrame({"ma": ["00001"], "ten": ["Bình"]}).write_parquet(columns)
    bodies = {
        "ds.parquet": ("Parquet", columns.getvalue()),
        "ds.json": ("JSON", '[{"ma": "00001", "ten": "Bình"}]'.encode()),
        "ds.zip": ("ZIP", packed.getvalue()),
        "ds.csv.gz": ("CSV", gzip.compress(csv)),
        "goi.gz": ("GZ", gzip.compress(csv)),
        "api.json": ("JSON", b'{"openapi": "3.1.0"}'),
    }
    files = {f"/{name}": Changing() for name in bodies}
    for name, (_, body) in bodies.items():
        files[f"/{name}"].body = body
    make_org(portal, "so-y-te")
    call(portal, SYSTEM, "package_create", name="thuoc", owner_org="so-y-te")
    with Web(files) as web:
        keys = [
            call(
                portal,
                SYSTEM,
                "resource_create",
                package_id="thuoc",
                url=f"{web.url}/{name}",
                format=form,
            )["id"]
            for name, (form, _) in bodies.items()
        ]
        load.drain(portal)
    for key in keys[:-1]:
        found = call(
            portal,
            ANONYMOUS,
            "datastore_search",
            resource_id=key,
            records_format="lists",
        )["records"]
        assert found == [[1, "00001", "Bình"]]
    status = call(portal, SYSTEM, "datapusher_status", resource_id=keys[-1])
    assert status["status"] == "error" and "no table" in status["error"]
    assert "validation_status" not in call(
        portal, ANONYMOUS, "resource_show", id=keys[-1]
    )


def test_what_datapusher_sends_in_its_order(portal: Portal) -> None:
    make_org(portal, "so-y-te")
    call(portal, SYSTEM, "package_create", name="thuoc", owner_org="so-y-te")
    key = call(
        portal,
        SYSTEM,
        "resource_create",
        package_id="thuoc",
        url="http://example.vn/a.csv",
    )["id"]
    for name, params in (
        ("datastore_search", {"id": key, "limit": 0}),
        ("datastore_delete", {"id": key}),
    ):
        with pytest.raises(NotFound):
            call(
                portal,
                SYSTEM,
                name,
                **params,
                **({"force": True} if name == "datastore_delete" else {}),
            )
    typed = [
        {"id": "ma", "type": "text"},
        {"id": "gia", "type": "numeric"},
        {"id": "luc", "type": "timestamp"},
    ]
    for start in (0, 250, 500):
        rows = [
            {"ma": f"{n:05}", "gia": n / 4, "luc": "2026-11-27T08:00:00"}
            for n in range(start, start + 250)
        ]
        sent = {
            "resource_id": key,
            "force": True,
            "fields": typed,
            "records": rows,
            "calculate_record_count": True,
        }
        assert call(portal, SYSTEM, "datastore_create", **sent)["total"] == start + 250
    resource = call(portal, SYSTEM, "resource_show", id=key)
    pushed = {**resource, "url_type": "datapusher", "datastore_active": True}
    assert call(portal, SYSTEM, "resource_update", **pushed)["url_type"] == "datapusher"
    call(
        portal,
        SYSTEM,
        "datapusher_hook",
        metadata={"resource_id": key},
        status="complete",
    )
    assert (
        call(portal, SYSTEM, "datapusher_status", resource_id=key)["status"]
        == "complete"
    )
    shown = call(portal, ANONYMOUS, "resource_show", id=key)
    assert (shown["url"], shown["url_type"]) == (resource["url"], "datapusher")
    load.drain(portal)  # the rows are the pusher's: the link is not asked
    assert load.recheck_links(portal) == 0
    assert (
        call(portal, SYSTEM, "datapusher_status", resource_id=key)["status"]
        == "complete"
    )
    found = call(
        portal,
        ANONYMOUS,
        "datastore_search",
        id=key,
        limit=1,
        sort="_id desc",
        records_format="lists",
    )
    assert (found["records"][0][1], found["total"]) == ("00749", 750)
    with pytest.raises(Invalid):
        call(
            portal,
            SYSTEM,
            "datastore_upsert",
            resource_id=key,
            records=[],
            method="insert",
        )
    moved = call(
        portal, SYSTEM, "resource_patch", id=key, url="http://example.vn/b.csv"
    )
    assert (moved["url"], moved["url_type"]) == (
        "http://example.vn/b.csv",
        "datapusher",
    )
    assert call(portal, SYSTEM, "datapusher_submit", resource_id=key) is True
    assert call(portal, SYSTEM, "resource_show", id=key)["url_type"] is None
    assert (
        call(portal, SYSTEM, "resource_patch", id=key, url_type="upload")["url_type"]
        is None
    )


def test_an_upload_waits_for_no_link_and_a_table_is_loaded_by_one(
    portal: Portal,
) -> None:
    make_org(portal, "so-y-te")
    call(portal, SYSTEM, "package_create", name="thuoc", owner_org="so-y-te")
    served, asked = threading.Event(), threading.Event()

    def slow(handler: BaseHTTPRequestHandler) -> None:
        asked.set()
        served.wait(30)
        Changing()(handler)

    with Web({"/cham.csv": slow}) as web:
        call(
            portal,
            SYSTEM,
            "resource_create",
            package_id="thuoc",
            url=f"{web.url}/cham.csv",
            format="CSV",
        )
        linking = threading.Thread(target=load.drain, args=(portal, LINK))
        linking.start()
        assert asked.wait(30)
        upload = Upload(
            stream=io.BytesIO(b"ma,ten\n00001,An\n"),
            name="t.csv",
            media_type="text/csv",
        )
        key = call(
            portal, SYSTEM, "resource_create", package_id="thuoc", upload=upload
        )["id"]
        assert load.drain(portal, LINK) == 0, "the link is in other hands"
        assert load.drain(portal, LOAD) == 1
        assert (
            call(portal, ANONYMOUS, "datastore_search", resource_id=key)["total"] == 1
        )
        assert linking.is_alive()
        served.set()
        linking.join(30)
    assert load.drain(portal) == 0


def test_a_table_that_fails_us_every_time_is_given_up(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_org(portal, "so-y-te")
    call(portal, SYSTEM, "package_create", name="thuoc", owner_org="so-y-te")
    upload = Upload(
        stream=io.BytesIO(b"ma,ten\n00001,An\n"), name="t.csv", media_type="text/csv"
    )
    key = call(portal, SYSTEM, "resource_create", package_id="thuoc", upload=upload)[
        "id"
    ]

    tried = []

    def broken(*_: object, **__: object) -> None:
        tried.append(key)
        raise OSError("a damaged file")

    monkeypatch.setattr(load.validate, "check", broken)
    while not load.drain(portal):
        with portal.work() as uow:
            uow.session.execute(
                update(OutboxRow).where(OutboxRow.topic == LOAD).values(due=now())
            )
            uow.commit()
    assert len(tried) == portal.settings.outbox_tries
    status = call(portal, SYSTEM, "datapusher_status", resource_id=key)
    assert status["status"] == "error" and "given up" in status["error"]
    assert load.drain(portal) == 0


def again(portal: Portal, key: str) -> None:
    """Let a day pass."""
    with portal.work() as uow:
        datastore.note_load(uow.session, key).checked = now() - timedelta(days=2)
        uow.commit()
    assert load.recheck_links(portal) == 1
    assert load.recheck_links(portal) == 0
    load.drain(portal)


def versions(portal: Portal, key: str) -> int:
    return len(
        call(portal, ANONYMOUS, "datastore_versions", resource_id=key)["versions"]
    )
