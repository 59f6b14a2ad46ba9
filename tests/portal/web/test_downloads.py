"""Downloads, dumps and pages: rights, ranges, ETags, content types."""

import io
from typing import Any

import orjson
import pytest
from flask.testing import FlaskClient

from portal.access.identity import SYSTEM
from portal.actions import registry
from portal.pipeline import load
from portal.runtime import Portal
from portal.settings import load as settings
from schemas.record import Upload

GUARDS = (
    "portal.quality.findings.bad_rows",
    "portal.tabular.derived",
    "schemas.datapackage",
)
BODY = "ma,ten\n00001,Bệnh viện\n00002,Trạm y tế\n".encode()


@pytest.fixture
def resource(portal: Portal, token: str) -> dict[str, Any]:
    registry.call(
        portal,
        SYSTEM,
        "package_create",
        {"name": "xx", "owner_org": "org", "title": "Bệnh viện <b>"},
    )
    file = Upload("Bệnh viện.csv", io.BytesIO(BODY))
    made = registry.call(
        portal,
        SYSTEM,
        "resource_create",
        {"package_id": "xx", "name": "bang", "upload": file},
    )
    load.drain(portal)
    return dict(made)


def path_of(resource: dict[str, Any]) -> str:
    return "/dataset/" + resource["url"].split("/dataset/")[1]


def test_a_file_with_ranges_and_etags(
    client: FlaskClient, resource: dict[str, Any]
) -> None:
    path = path_of(resource)
    whole = client.get(path)
    assert (whole.status_code, whole.get_data(), whole.content_type) == (
        200,
        BODY,
        "text/csv; charset=utf-8",
    )
    assert whole.headers["Content-Disposition"] == "inline; filename=benh-vien.csv"
    assert client.head(path).headers["Content-Length"] == str(len(BODY))
    part = client.get(path, headers={"Range": "bytes=0-1"})
    assert (part.status_code, part.get_data()) == (206, b"ma")
    assert (
        client.get(path, headers={"If-None-Match": whole.headers["ETag"]}).status_code
        == 304
    )
    assert client.get(path.rsplit("/", 1)[0] + "/any-name.txt").get_data() == BODY


def test_a_dump_whole_and_chosen(client: FlaskClient, resource: dict[str, Any]) -> None:
    dump = f"/datastore/dump/{resource['id']}"
    whole = client.get(dump)
    assert (
        whole.get_data().decode()
        == "_id,ma,ten\r\n1,00001,Bệnh viện\n2,00002,Trạm y tế\n"
    )
    assert whole.headers["Content-Disposition"].startswith("attachment")
    assert client.get(dump, headers={"Range": "bytes=4-5"}).get_data() == b"ma"
    assert (
        client.get(dump, headers={"If-None-Match": whole.headers["ETag"]}).status_code
        == 304
    )
    rows = orjson.loads(client.get(dump + "?format=json").get_data())
    assert [field["id"] for field in rows["fields"]] == ["_id", "ma", "ten"]
    assert rows["records"] == [[1, "00001", "Bệnh viện"], [2, "00002", "Trạm y tế"]]
    chosen = client.get(
        dump,
        query_string={"filters": '{"ma": "00002"}', "fields": "ten", "bom": "true"},
    )
    assert chosen.get_data() == "\ufefften\r\nTrạm y tế\n".encode()
    found = orjson.loads(
        client.get(dump, query_string={"format": "json", "q": "benh vien"}).get_data()
    )
    assert found["records"] == [[1, "00001", "Bệnh viện"]]
    lines = client.get(dump, query_string={"format": "ndjson", "limit": 1}).get_data()
    assert orjson.loads(lines) == {"_id": 1, "ma": "00001", "ten": "Bệnh viện"}
    for wrong in (
        {"format": "exe"},
        {"fields": "zz"},
        {"filters": "{"},
        {"limit": "x"},
        {"limit": "-1"},
        {"version": "x"},
        {"format": "geojson"},
        {"sort": "zz"},
        {"q": "(", "plain": "false"},
    ):
        assert client.get(dump, query_string=wrong).status_code == 400


def test_strangers_get_nothing(
    client: FlaskClient, portal: Portal, token: str, resource: dict[str, Any]
) -> None:
    registry.call(portal, SYSTEM, "package_patch", {"id": "xx", "private": True})
    dump = f"/datastore/dump/{resource['id']}"
    assert client.get(path_of(resource)).status_code == 403
    assert client.get(dump).status_code == 404
    assert client.get("/dataset/xx").status_code == 403
    assert (
        client.get(path_of(resource), headers={"Authorization": token}).status_code
        == 200
    )
    assert client.get(dump, headers={"Authorization": token}).status_code == 200
    assert client.get(f"/dataset/xx/resource/{'0' * 36}/download/a").status_code == 404
    assert client.get("/datastore/dump/..%2f..%2fetc").status_code == 404


def test_links_are_redirected_and_only_to_the_web(
    client: FlaskClient, portal: Portal, token: str
) -> None:
    registry.call(portal, SYSTEM, "package_create", {"name": "yy", "owner_org": "org"})
    for url, status in (
        ("https://example.vn/a.csv", 302),
        ("javascript:alert(1)", 404),
        ("", 404),
    ):
        made = registry.call(
            portal, SYSTEM, "resource_create", {"package_id": "yy", "url": url}
        )
        answer = client.get(f"/dataset/yy/resource/{made['id']}/download/a")
        assert answer.status_code == status
        assert status == 404 or answer.headers["Location"] == url


def test_active_content_is_locked_up(
    client: FlaskClient, portal: Portal, token: str
) -> None:
    registry.call(portal, SYSTEM, "package_create", {"name": "yy", "owner_org": "org"})
    page = Upload("a.html", io.BytesIO(b"<script>1</script>"))
    made = registry.call(
        portal, SYSTEM, "resource_create", {"package_id": "yy", "upload": page}
    )
    answer = client.get(path_of(made))
    assert answer.headers["Content-Security-Policy"].startswith("sandbox")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_pages_for_people(client: FlaskClient, resource: dict[str, Any]) -> None:
    home = client.get("/?q=benh+vien").get_data(as_text=True)
    assert "Bệnh viện &lt;b&gt;" in home
    assert "<b>" not in home
    assert "Tài nguyên" in client.get("/dataset/xx").get_data(as_text=True)
    english = client.get("/dataset/xx", headers={"Accept-Language": "en"}).get_data(
        as_text=True
    )
    assert "Resources" in english
    assert client.get("/organization/org").status_code == 200
    assert client.get("/dataset/nothing").status_code == 404
    assert client.get('/?q=name:("').status_code == 200
    assert client.get("/robots.txt").status_code == 200


def test_health(client: FlaskClient, resource: dict[str, Any]) -> None:
    answer = client.get("/health")
    assert answer.status_code == 200
    assert answer.get_json()["database"] == "ok"


def test_bytes_are_left_to_the_web_server_in_front(
    client: FlaskClient, portal: Portal, resource: dict[str, Any]
) -> None:
    values = {
        "PORTAL_DATA_DIR": str(portal.settings.data_dir),
        "PORTAL_ACCEL_REDIRECT": "/_files",
    }
    object.__setattr__(portal, "settings", settings(values))
    answer = client.get(f"/datastore/dump/{resource['id']}")
    assert answer.headers["X-Accel-Redirect"].startswith("/_files/tables/")
    assert (answer.get_data(), answer.content_type) == (b"", "text/csv; charset=utf-8")
    assert (
        portal.settings.data_dir
        / answer.headers["X-Accel-Redirect"].removeprefix("/_files/")
    ).is_file()
    kept = client.get(path_of(resource))
    assert kept.headers["X-Accel-Redirect"].startswith("/_files/files/")
    assert (
        client.get(
            path_of(resource), headers={"If-None-Match": kept.headers["ETag"]}
        ).status_code
        == 304
    )


KINDS = {
    "tsv": "text/tab-separated-values; charset=utf-8",
    "xml": "text/xml; charset=utf-8",
    "ndjson": "application/x-ndjson",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "parquet": "application/vnd.apache.parquet",
}


def test_every_form_says_what_it_is(
    client: FlaskClient, resource: dict[str, Any]
) -> None:
    for form, kind in KINDS.items():
        for chosen in ("", "&limit=1"):
            answer = client.get(
                f"/datastore/dump/{resource['id']}?format={form}{chosen}"
            )
            assert (answer.status_code, answer.content_type) == (200, kind)
            assert f"{resource['id']}.{form}" in answer.headers["Content-Disposition"]
            assert answer.get_data()


def test_row_queries_know_what_has_not_changed(
    client: FlaskClient, resource: dict[str, Any]
) -> None:
    asked = f"/api/3/action/datastore_search?resource_id={resource['id']}&q=benh"
    first = client.get(asked)
    assert first.get_json()["result"]["records"][0]["ma"] == "00001"
    assert (
        client.get(asked, headers={"If-None-Match": first.headers["ETag"]}).status_code
        == 304
    )
    assert (
        client.get(
            asked + "&limit=0", headers={"If-None-Match": first.headers["ETag"]}
        ).status_code
        == 200
    )


def test_all_that_changed_between_versions(
    client: FlaskClient, portal: Portal, resource: dict[str, Any]
) -> None:
    change = {
        "resource_id": resource["id"],
        "force": True,
        "method": "update",
        "records": [{"_id": 2, "ten": "Trạm"}],
    }
    registry.call(portal, SYSTEM, "datastore_upsert", change)
    path = f"/datastore/diff/{resource['id']}"
    whole = client.get(path)
    assert (whole.status_code, whole.content_type) == (200, "application/x-ndjson")
    assert (
        whole.headers["Content-Disposition"]
        == f"attachment; filename={resource['id']}-1-2.ndjson"
    )
    before, after = (
        {"_id": 2, "ma": "00002", "ten": "Trạm y tế"},
        {"_id": 2, "ma": "00002", "ten": "Trạm"},
    )
    assert orjson.loads(whole.get_data()) == {
        "change": "changed",
        "before": before,
        "after": after,
    }
    table = client.get(
        path, query_string={"format": "csv", "from": "2", "to": "1", "key": "ma"}
    )
    assert (
        table.get_data().decode()
        == "_change,_id,ma,ten\r\nbefore,2,00002,Trạm\nafter,2,00002,Trạm y tế\n"
    )
    for asked, status in (
        ({"format": "xlsx"}, 400), ({"from": "x"}, 400), ({"key": "zz"}, 400), ({"to": "9"}, 404), ({"to": "1"}, 404),
    ):  # fmt: skip
        assert client.get(path, query_string=asked).status_code == status
    registry.call(portal, SYSTEM, "package_patch", {"id": "xx", "private": True})
    assert client.get(path).status_code == 404


def test_differences_hold_no_formulas_for_who_asks(
    client: FlaskClient, portal: Portal, resource: dict[str, Any]
) -> None:
    rows = [{"_id": 1, "ten": "=1+1"}, {"_id": 2, "ten": "-5,2"}]
    change = {
        "resource_id": resource["id"],
        "force": True,
        "method": "update",
        "records": rows,
    }
    registry.call(portal, SYSTEM, "datastore_upsert", change)
    path = f"/datastore/diff/{resource['id']}?format=csv"

    def after(asked: str) -> list[str]:
        lines = client.get(path + asked).get_data().decode().splitlines()
        return [line.split(",", 3)[3] for line in lines if line.startswith("after")]

    assert after("") == ["=1+1", '"-5,2"']
    assert after("&escape_formulas=true") == ["'=1+1", '"-5,2"'], (
        "a number is no formula"
    )
    object.__setattr__(portal.settings, "csv_escape_formulas", True)
    assert after("") == ["'=1+1", '"-5,2"']
    assert after("&escape_formulas=false") == ["=1+1", '"-5,2"']
    assert b'"=1+1"' in client.get(f"/datastore/diff/{resource['id']}").get_data(), (
        "NDJSON is for machines"
    )
