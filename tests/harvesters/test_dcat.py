"""DCAT catalogues over real sockets: every notation, pages that turn in circles,
hostile documents, real catalogues.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from harvesters import open_source
from harvesters.base import ItemError, RemoteItem, SourceAdapter, SourceError
from harvesters.databases import DatabaseOptions
from harvesters.http import HttpOptions
from harvesters.secrets import Secrets
from schemas.record import DatasetRecord
from tests.harvesters.test_adapters import SHARED
from tests.servers.web import Web, say

HTTP = HttpOptions(allow=("127.0.0.1",), backoff=0.01, total_timeout=5, retries=1)
DUMPS = SHARED / "dcat-dumps"
TTL = {"Content_Type": "text/turtle"}
PREFIXES = """@prefix dcat: <http://www.w3.org/ns/dcat#> . @prefix dct: <http://purl.org/dc/terms/> .
@prefix hydra: <http://www.w3.org/ns/hydra/core#> . @prefix schema: <http://schema.org/> .
@prefix foaf: <http://xmlns.com/foaf/0.1/> . @prefix vcard: <http://www.w3.org/2006/vcard/ns#> .
@prefix xsd: <http://www.w3.org/2001/XMLSchema#> . @prefix locn: <http://www.w3.org/ns/locn#> .
"""


def source(url: str, **config: Any) -> SourceAdapter:
    return open_source(
        "dcat", url, config, http=HTTP, secrets=Secrets({}), databases=DatabaseOptions()
    )


def listed(url: str, **config: Any) -> list[RemoteItem | ItemError]:
    adapter = source(url, **config)
    try:
        return list(adapter.items())
    finally:
        adapter.close()


def records(url: str, folder: Path, **config: Any) -> list[DatasetRecord]:
    adapter = source(url, **config)
    found = [
        adapter.fetch(item, folder)
        for item in adapter.items()
        if isinstance(item, RemoteItem)
    ]
    adapter.close()
    return found


def turtle(*numbers: int, view: str = "") -> bytes:
    datasets = "".join(
        f'<http://a.vn/{n}> a dcat:Dataset ; dct:title "Bộ {n}"@vi .\n' for n in numbers
    )
    return (PREFIXES + datasets + view).encode()


def following(number: int, term: str = "next", total: int | None = None) -> str:
    count = f"; hydra:totalItems {total}" if total is not None else ""
    return (
        f"<?page={number - 1}> a hydra:PagedCollection ; hydra:{term} "
        f'"?page={number}" {count} .'
    )


def paged(answers: dict[str, Any]) -> Web:
    """A catalogue whose pages answer by the page number of the address."""
    return Web(
        {
            "/c": lambda handler: answers[handler.path.partition("page=")[2] or "1"](
                handler
            )
        }
    )


FOREIGN = (
    PREFIXES
    + """
<http://a.vn/1> a dcat:Dataset ; dct:title "Tiêu đề"@vi, "Title"@en ; dct:description "Mô tả"@vi ;
  dct:identifier "abc-1" ; dcat:keyword "giá cả"@vi, "Prices (farm)", "x" ;
  dct:license <http://creativecommons.org/licenses/by/4.0/> ;
  dct:language <http://publications.europa.eu/resource/authority/language/VIE> ;
  dct:accrualPeriodicity <http://publications.europa.eu/resource/authority/frequency/MONTHLY> ;
  dct:accessRights <http://publications.europa.eu/resource/authority/access-right/PUBLIC> ;
  dct:issued "2024-01-02"^^xsd:date ; dct:modified "not a date"^^xsd:dateTime ;
  dct:publisher [ a foaf:Agent ; foaf:name "Sở Y tế" ; foaf:mbox <mailto:syt@a.vn> ] ;
  dcat:contactPoint [ a vcard:Kind ; vcard:fn "Phòng" ; vcard:hasEmail [ vcard:hasValue <mailto:p@a.vn> ] ] ;
  dct:temporal [ a dct:PeriodOfTime ; dcat:startDate "2020-01-01"^^xsd:date ; dcat:endDate "2020-12-31"^^xsd:date ] ;
  dct:spatial [ a dct:Location ; locn:geometry "{\\"type\\":\\"Point\\",\\"coordinates\\":[105,19]}" ] ;
  dcat:theme <http://publications.europa.eu/resource/authority/data-theme/HEAL> ; dcat:landingPage <http://a.vn/trang> ;
  dcat:distribution [ a dcat:Distribution ; dct:title "Bảng" ; dcat:accessURL <http://a.vn/trang> ;
    dcat:downloadURL <http://a.vn/t.csv> ; dcat:byteSize "12.0"^^xsd:decimal ;
    dcat:mediaType <http://www.iana.org/assignments/media-types/text/csv> ] .
"""
)


def test_what_others_write_is_understood(tmp_path: Path) -> None:
    with Web({"/c.ttl": say(200, FOREIGN.encode(), **TTL)}) as web:
        record = records(f"{web.url}/c.ttl", tmp_path, default_tags=["thêm"])[0]
    assert (record.name, record.title, record.notes, record.license_id) == (
        "tieu-de",
        "Tiêu đề",
        "Mô tả",
        "cc-by",
    )
    assert record.tags == ("Prices farm", "giá cả", "thêm")
    assert record.profile == {
        "language": "vi", "frequency": "monthly", "access_kind": "open", "contact_name": "Phòng",
        "contact_email": "p@a.vn", "period": "2020-01-01/2020-12-31",
        "title_translated": {"vi": "Tiêu đề", "en": "Title"},
    }  # fmt: skip
    assert (
        record.extras["publisher_name"] == "Sở Y tế"
        and record.extras["identifier"] == "abc-1"
    )
    assert record.extras["issued"] == "2024-01-02" and "modified" not in record.extras
    assert json.loads(record.extras["spatial"])["type"] == "Point"
    table = record.resources[0]
    assert (table.url, table.format, table.mimetype, table.size) == (
        "http://a.vn/t.csv",
        "CSV",
        "text/csv",
        12,
    )
    assert table.extras == {"access_url": "http://a.vn/trang"}


@pytest.mark.parametrize("term", ["next", "nextPage"])
def test_a_catalogue_page_by_page(term: str) -> None:
    pages = {
        "1": say(200, turtle(1, 2, view=following(2, term, 5)), **TTL),
        "2": say(200, turtle(3, 4, view=following(3, term, 5)), **TTL),
        "3": say(200, turtle(5), **TTL),
    }
    with paged(pages) as web:
        found = listed(f"{web.url}/c")
        assert [item.id for item in found if isinstance(item, RemoteItem)] == [
            f"http://a.vn/{n}" for n in range(1, 6)
        ]
        assert len(web.asked) == 3
        again = listed(f"{web.url}/c")
    assert [item.fingerprint for item in found] == [item.fingerprint for item in again]


@pytest.mark.parametrize(
    ("pages", "code"),
    [
        ([turtle(1, view=following(1))], "repeated-page"),
        ([turtle(1, view=following(2)), turtle(2, view=following(2))], "endless"),
        ([turtle(1, view=following(2)), b""], "not-found"),
        ([turtle(1, view=following(2)), b"<html>"], "not-dcat"),
        ([turtle(1, view=following(2, total=9)), turtle(2)], "incomplete"),
        (
            [turtle(1, view='<> a hydra:PagedCollection ; hydra:next "http://[bad" .')],
            "bad-address",
        ),
        ([b"@prefix broken"], "not-rdf"),
        ([b'{"dataset": 5}'], "not-dcat"),
    ],
)
def test_an_error_is_never_the_end_of_a_catalogue(
    pages: list[bytes], code: str
) -> None:
    answers = {
        str(n): say(200 if body else 404, body, Content_Type="text/x")
        for n, body in enumerate(pages, 1)
    }
    with paged(answers) as web, pytest.raises(SourceError) as problem:
        listed(f"{web.url}/c", max_pages=5)
    assert problem.value.code == code


def test_one_bad_dataset_does_not_stop_the_rest() -> None:
    nameless = turtle(
        1, 2, view='[] a dcat:Dataset . <http://a.vn/> a dcat:Dataset ; dct:title "" .'
    )
    entries = [
        {"identifier": "1", "title": "A"},
        {"title": "B"},
        5,
        {"identifier": "3", "title": ["C"], "keyword": 5},
    ]
    with Web(
        {
            "/c.ttl": say(200, nameless, **TTL),
            "/data.json": say(200, json.dumps(entries).encode()),
        }
    ) as web:
        graph, plain = listed(f"{web.url}/c.ttl"), listed(f"{web.url}/data.json")
    assert sorted(isinstance(item, ItemError) for item in graph) == [
        False,
        False,
        True,
        True,
    ]
    assert [isinstance(item, ItemError) for item in plain] == [False, True, True, False]


def test_nobody_states_what_a_field_cannot_be(tmp_path: Path) -> None:
    """Exact values are our own way of writing, and anybody can write so."""

    def dataset(number: int, **stated: str) -> str:
        held = "".join(
            f"""; schema:additionalProperty [ schema:propertyID "ckan:{field}" ; schema:value '{value}' ;
            schema:encodingFormat "application/json" ]"""
            for field, value in stated.items()
        )
        return f'<http://a.vn/{number}> a dcat:Dataset ; dct:title "T" {held} .\n'

    wrong = [
        {"title": "5"}, {"tags": '"x"'}, {"vocabulary_tags": "[5]"}, {"private": '"no"'}, {"contact_name": "[1]"},
        {"name": "{}"},
    ]  # fmt: skip
    ignored = {
        "state": '"deleted"',
        "resources": "[5]",
        "extras": "5",
        "content": "{}",
        "profile": "5",
    }
    text = (
        PREFIXES
        + "".join(dataset(n, **each) for n, each in enumerate(wrong))
        + dataset(99, **ignored)
    )
    with Web({"/c": say(200, text.encode(), **TTL)}) as web:
        found = listed(f"{web.url}/c")
        record = records(f"{web.url}/c", tmp_path)[0]
    assert [item.item_id for item in found if isinstance(item, ItemError)] == [
        f"http://a.vn/{n}" for n in range(6)
    ]
    assert (record.state, record.resources, record.title) == ("active", (), "T")


BOMB = b"""<?xml version="1.0"?><!DOCTYPE r [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:dct="http://purl.org/dc/terms/">
<rdf:Description rdf:about="http://a.vn"><dct:title>&b;</dct:title></rdf:Description></rdf:RDF>"""


def test_hostile_documents_are_refused_and_nothing_is_fetched() -> None:
    with Web({}) as bait:
        outside = BOMB.replace(b'"aaaaaaaaaa"', f'SYSTEM "{bait.url}/e"'.encode())
        doctype = BOMB.replace(
            b"<!DOCTYPE r [", f'<!DOCTYPE r SYSTEM "{bait.url}/d" ['.encode()
        )
        document = {
            "@graph": [
                {"@id": "http://a.vn/1", "@type": "http://www.w3.org/ns/dcat#Dataset"}
            ]
        }
        remote = json.dumps({"@context": f"{bait.url}/c.jsonld", **document}).encode()
        scoped = json.dumps(
            {
                "@context": {"x": {"@id": "http://a/x", "@context": f"{bait.url}/s"}},
                **document,
            }
        ).encode()
        imported = json.dumps(
            {"@context": {"@import": f"{bait.url}/i"}, **document}
        ).encode()
        deep = b'{"@graph": ' + b'[{"http://a/b": ' * 300 + b"1" + b"}]" * 300 + b"}"
        nested = (
            PREFIXES.encode()
            + b"<http://a.vn> dct:title "
            + b"[ dct:title " * 5000
            + b'"x"'
            + b"]" * 5000
            + b"."
        )
        for body in (BOMB, outside, doctype, remote, scoped, imported, deep, nested):
            with (
                Web({"/c": say(200, body)}) as web,
                pytest.raises(SourceError) as problem,
            ):
                listed(f"{web.url}/c")
            assert problem.value.code == "not-rdf", body[:60]
        assert bait.asked == []


def test_a_page_has_a_bounded_size() -> None:
    big = turtle(1) + b"# " + b"x" * (2 * 1024 * 1024)
    with (
        Web({"/c": say(200, big, **TTL)}) as web,
        pytest.raises(SourceError) as problem,
    ):
        listed(f"{web.url}/c", max_page_mb=1)
    assert problem.value.code == "too-large"


needs_dumps = pytest.mark.skipif(
    not DUMPS.exists(), reason="the shared data is not here"
)


@needs_dumps
@pytest.mark.parametrize(
    ("path", "count"),
    [
        ("ckanext-dcat/catalog_datasets_list.rdf", 2),
        ("udata-harvest/catalog.xml", 4),
        ("udata-harvest/evian.json", 8),
        ("dcatus.json", 7),
        ("dcatus_same_title.json", 2),
        ("dcatus_with_none.json", 402),
    ],
)
def test_real_catalogues(tmp_path: Path, path: str, count: int) -> None:
    with Web({"/c": say(200, (DUMPS / path).read_bytes())}) as web:
        found = listed(f"{web.url}/c")
        assert [item.message for item in found if isinstance(item, ItemError)] == []
        assert len(found) == count
        loaded = records(f"{web.url}/c", tmp_path)
    assert all(record.name and record.title for record in loaded)
    assert any(resource.url for record in loaded for resource in record.resources)


@needs_dumps
def test_real_catalogues_with_faults() -> None:
    text = (DUMPS / "ckanext-dcat/dataset.ttl").read_text(encoding="utf-8")
    mended = (
        "@prefix healthdcatap: <http://healthdataportal.eu/ns/health#> .\n"
        + text.replace("^^<<", "^^<")
    )
    nameless = (DUMPS / "udata-harvest/bnodes.jsonld").read_bytes()
    with Web(
        {
            "/a": say(200, text.encode()),
            "/b": say(200, mended.encode()),
            "/c": say(200, nameless),
        }
    ) as web:
        with pytest.raises(SourceError) as problem:
            listed(f"{web.url}/a")
        assert (
            "line 158" in problem.value.message and "not bound" in problem.value.message
        )
        assert {type(item) for item in listed(f"{web.url}/b")} == {RemoteItem}
        assert [item.title for item in listed(f"{web.url}/c") if isinstance(item, RemoteItem)] == [
            "Dataset 1", "Dataset 2", "Dataset 3",
        ]  # fmt: skip
