"""The catalogue as linked data through HTTP: formats, paging, rights, conditional
requests.
"""

import gzip
import io
import json
from typing import Any

import pytest
from flask.testing import FlaskClient
from rdflib import Graph, URIRef
from rdflib.namespace import RDF

from portal.access.identity import SYSTEM
from portal.runtime import Portal
from portal.web import dcat as web
from schemas.dcat.notations import BY_SUFFIX, read_graph
from schemas.dcat.read import dataset_nodes, read_dataset
from schemas.dcat.terms import DCAT, HYDRA
from schemas.dcat.us import read_entry
from schemas.packages import record_of
from tests.portal.actions.people import call

Json = dict[str, Any]
NASTY = "</script><script>alert(1)</script> & ký tự \x01 lạ"
RICH: Json = {
    "title": "Giá nông sản", "notes": NASTY, "license_id": "cc-by", "tags": [{"name": "giá cả"}],
    "title_translated": {"vi": "Giá nông sản", "en": "Farm prices"}, "language": "vi", "frequency": "daily",
    "access_kind": "open", "period": "2025", "spatial_unit": "Tỉnh Thanh Hóa", "legal_basis": "Nghị định 47/2024/NĐ-CP",
    "contact_name": "Phòng KH", "contact_email": "kh@example.vn", "source_database": "CSDL giá", "annex": "PL1",
    "extras": [{"key": "own", "value": "kept"}], "groups": [{"name": "y-te"}],
    "resources": [{"url": "https://example.vn/a.csv", "format": "CSV", "name": "Bảng", "schema": "D01"},
                  {"url": "https://example.vn/b", "name": "Liên kết"}],
}  # fmt: skip


@pytest.fixture
def rich(portal: Portal, token: str) -> Json:
    call(portal, SYSTEM, "group_create", name="y-te", title="Y tế")
    call(
        portal,
        SYSTEM,
        "package_create",
        name="secret",
        title="Bí mật",
        owner_org="org",
        private=True,
    )
    return dict(
        call(portal, SYSTEM, "package_create", name="rich", owner_org="org", **RICH)
    )


def graph(client: FlaskClient, path: str, **headers: str) -> Graph:
    answer = client.get(path, headers=headers)
    assert answer.status_code == 200, answer.get_data(as_text=True)
    notation = next(
        each for each in BY_SUFFIX.values() if each.media_type == answer.mimetype
    )
    return read_graph(
        answer.get_data(), BY_SUFFIX["ttl"] if notation.suffix == "n3" else notation
    )


def test_a_dataset_in_every_notation(
    client: FlaskClient, portal: Portal, rich: Json
) -> None:
    shown = json.loads(client.get("/api/3/action/package_show?id=rich").get_data())[
        "result"
    ]
    for suffix in BY_SUFFIX:
        found = graph(client, f"/dataset/rich.{suffix}")
        nodes = dataset_nodes(found)
        assert [str(node) for node in nodes] == [
            f"{portal.settings.site_url}/dataset/{rich['id']}"
        ]
        record = read_dataset(found, nodes[0])
        wanted = record_of(shown)
        assert record == record_of({**shown, "notes": NASTY.replace("\x01", "")})
        assert (record.title, record.owner_org, record.groups) == (
            wanted.title,
            "org",
            ("y-te",),
        )
        assert record.profile["title_translated"] == RICH["title_translated"]
        assert client.head(f"/dataset/{rich['id']}.{suffix}").status_code == 200


def test_a_private_dataset_is_nowhere(
    client: FlaskClient, portal: Portal, token: str, rich: Json
) -> None:
    call(
        portal, SYSTEM, "package_create", name="show", owner_org="org", type="showcase"
    )
    for path in (
        "/catalog.ttl",
        "/catalog.rdf",
        "/catalog.jsonld",
        "/data.json",
        "/dcat.json",
    ):
        answer = client.get(path, headers={"Authorization": token})
        assert answer.status_code == 200
        text = answer.get_data(as_text=True)
        assert "rich" in text
        assert (
            "secret" not in text
            and "Bí mật" not in text
            and "/dataset/show" not in text
        )
    for path in (
        "secret.ttl",
        "secret/croissant.jsonld",
        "secret/schemaorg.jsonld",
        "secret/datapackage.json",
    ):
        assert client.get(f"/dataset/{path}").status_code == 403
        assert (
            client.get(f"/dataset/{path}", headers={"Authorization": token}).status_code
            == 200
        )
        assert (
            client.get(f"/dataset/{path.replace('secret', 'none')}").status_code == 404
        )
    answer = client.get("/dataset/secret.ttl", headers={"Authorization": token})
    assert answer.headers["Cache-Control"] == "private, no-cache"


def test_a_graph_is_asked_for_again(
    client: FlaskClient, portal: Portal, rich: Json
) -> None:
    for path in (
        "/dataset/rich.ttl",
        "/catalog.jsonld",
        "/data.json",
        "/dcat.json",
        "/dataset/rich/croissant.jsonld",
    ):
        first = client.get(path)
        again = client.get(path, headers={"If-None-Match": first.headers["ETag"]})
        assert (again.status_code, again.get_data()) == (304, b"")
        call(portal, SYSTEM, "package_patch", id="rich", title=f"Anders {path}")
        assert (
            client.get(
                path, headers={"If-None-Match": first.headers["ETag"]}
            ).status_code
            == 200
        )


def test_content_negotiation(client: FlaskClient, rich: Json) -> None:
    asked = {
        "text/turtle": "text/turtle",
        "application/rdf+xml": "application/rdf+xml",
        "application/ld+json;q=0.9, text/html;q=0.1": "application/ld+json",
        "text/html,application/xhtml+xml,*/*;q=0.8": "text/html",
        "*/*": "text/html",
    }
    for accept, kind in asked.items():
        answer = client.get("/dataset/rich", headers={"Accept": accept})
        assert answer.mimetype == kind
        assert "Accept" in answer.headers["Vary"]
        whole = client.get("/catalog", headers={"Accept": accept})
        if accept.startswith("text/html"):
            assert (whole.status_code, whole.headers["Location"]) == (
                303,
                "http://127.0.0.1:5000/dataset/",
            )
        else:
            assert whole.mimetype == ("text/turtle" if accept == "*/*" else kind)


def test_a_bad_page_is_refused(client: FlaskClient) -> None:
    for bad in ("page=0", "page=x", "page=-1", "page=²", "page=1e3", "page=99999999999", "page=" + "1" * 5000, "modified_since=gestern",
                "modified_since=2026", "page="):  # fmt: skip
        for path in ("catalog.ttl", "catalog.rdf", "dcat.json"):
            assert client.get(f"/{path}?{bad}").status_code == 400, bad
    assert client.get("/catalog.csv").status_code == 404
    assert client.get("/catalog.ttl?q=title:(").status_code in (400, 409)


def test_the_catalogue_page_by_page(
    client: FlaskClient, portal: Portal, rich: Json, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web, "PAGE", 2)
    monkeypatch.setattr(web, "BATCH", 2)
    for number in range(4):
        call(
            portal,
            SYSTEM,
            "package_create",
            name=f"d{number}",
            title=f"Bệnh viện {number}",
            owner_org="org",
        )
    path, seen, pages = "/catalog.ttl?q=", [], 0
    while path:
        found = graph(client, path)
        seen += [str(node) for node in dataset_nodes(found)]
        view = next(found.subjects(RDF.type, HYDRA.PagedCollection))
        assert (view, HYDRA.totalItems, None) in found
        assert [int(str(n)) for n in found.objects(view, HYDRA.totalItems)] == [5]
        assert set(found.objects(view, HYDRA.nextPage)) == set(
            found.objects(view, HYDRA.next)
        )
        following = next(iter(found.objects(view, HYDRA.next)), None)
        path, pages = str(following).split("5000", 1)[1] if following else "", pages + 1
    assert (pages, len(seen), len(set(seen))) == (3, 5, 5)
    entries = json.loads(client.get("/data.json").get_data())["dataset"]
    assert len(entries) == 5
    assert len(dataset_nodes(graph(client, "/catalog.rdf?q=benh+vien"))) == 2
    assert len(dataset_nodes(graph(client, "/catalog.rdf?fq=groups:y-te"))) == 1
    assert (
        len(dataset_nodes(graph(client, "/catalog.xml?modified_since=2099-01-01"))) == 0
    )
    assert (
        len(
            dataset_nodes(
                graph(
                    client, "/vi/catalog.n3?modified_since=2020-01-01T00:00:00Z&page=9"
                )
            )
        )
        == 0
    )
    catalogue = next(
        iter(graph(client, "/catalog.ttl").subjects(RDF.type, DCAT.Catalog))
    )
    assert catalogue == URIRef(f"{portal.settings.site_url}/catalog")


def test_data_json(client: FlaskClient, rich: Json) -> None:
    body = json.loads(client.get("/data.json").get_data())
    assert body["conformsTo"] == "https://project-open-data.cio.gov/v1.1/schema"
    entry = body["dataset"][0]
    assert entry["accessLevel"] == "public"
    assert entry["publisher"] == {"@type": "org:Organization", "name": "Cơ quan"}
    record = read_entry(entry)
    for field in ("title", "tags", "license_id"):
        assert getattr(record, field) == getattr(record_of(rich), field)
    assert {**RICH, **record.profile} == RICH
    packed = client.get("/data.json", headers={"Accept-Encoding": "gzip"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert json.loads(gzip.decompress(packed.get_data())) == body
    assert client.head("/data.json").get_data() == b""
    plain = json.loads(client.get("/dcat.json").get_data())
    assert [each["title"] for each in plain] == [RICH["title"]]


def test_a_dataset_page_speaks_schema_org(client: FlaskClient, rich: Json) -> None:
    page = client.get("/dataset/rich").get_data(as_text=True)
    script = page.split('<script type="application/ld+json">')[1].split("</script>")[0]
    described = json.loads(script)
    assert "alert(1)" in described["description"]
    assert "<" not in script
    assert described == json.loads(
        client.get("/dataset/rich/schemaorg.jsonld").get_data()
    )
    assert (described["@type"], described["name"]) == ("Dataset", RICH["title"])
    assert described["distribution"][0]["contentUrl"] == "https://example.vn/a.csv"
    assert (
        any(variable["name"] == "ma_xa" for variable in described["variableMeasured"])
        or described["variableMeasured"]
    )


def test_croissant_and_table_schema(
    client: FlaskClient, portal: Portal, token: str, rich: Json
) -> None:
    upload = {
        "package_id": "rich",
        "name": "Bảng tải lên",
        "upload": (io.BytesIO("mã,giá\n01,5\n".encode()), "t.csv"),
    }
    answer = client.post(
        "/api/3/action/resource_create", data=upload, headers={"Authorization": token}
    )
    assert answer.status_code == 200
    resource = json.loads(answer.get_data())["result"]
    described = json.loads(client.get("/dataset/rich/croissant.jsonld").get_data())
    assert described["conformsTo"] == "http://mlcommons.org/croissant/1.0"
    assert {each["@id"] for each in described["distribution"]} >= {
        resource["id"],
        rich["resources"][0]["id"],
    }
    declared = described["recordSet"][0]
    assert declared["field"][0]["dataType"] == "sc:Text"
    shown = json.loads(
        client.get(
            f"/dataset/rich/resource/{rich['resources'][0]['id']}/schema.json"
        ).get_data()
    )
    assert [field["name"] for field in shown["fields"]] == [
        field["name"] for field in declared["field"]
    ]
    assert (
        client.get(
            f"/dataset/rich/resource/{rich['resources'][1]['id']}/schema.json"
        ).status_code
        == 404
    )
