"""Every kind of source over real sockets, files and databases."""

import json
import os
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from demo.gateway import Gateway, Service
from harvesters import KINDS, ConfigError, check_config, open_source
from harvesters.base import ItemError, RemoteItem, SourceAdapter, SourceError
from harvesters.databases import DatabaseOptions
from harvesters.http import HttpOptions
from harvesters.secrets import Secrets, bind_secret
from schemas.record import DatasetRecord
from tests.servers.ckan import ckan

GUARDS = (
    "demo.gateway",
    "harvesters",
    "harvesters.base",
    "harvesters.ckan",
    "harvesters.config",
    "harvesters.datapackage",
    "harvesters.files",
    "harvesters.lgsp",
    "harvesters.places",
    "harvesters.rows",
)
HTTP = HttpOptions(allow=("127.0.0.1",), backoff=0.01, total_timeout=5)
SECRETS = Secrets({"S": bind_secret("word", "127.0.0.1 org:*")})
SHARED = Path(
    os.environ.get(
        "PORTAL_SHARED_DATA", Path(__file__).resolve().parents[3] / "shared" / "data"
    )
)


def source(
    kind: str, url: str, config: Mapping[str, Any], *roots: Path
) -> SourceAdapter:
    databases = DatabaseOptions(allow=HTTP.allow, roots=roots)
    return open_source(
        kind, url, config, http=HTTP, secrets=SECRETS, databases=databases, roots=roots
    )


def records(adapter: SourceAdapter, folder: Path) -> list[DatasetRecord]:
    """Everything that a source has."""
    found = [
        adapter.fetch(item, folder)
        for item in adapter.items()
        if isinstance(item, RemoteItem)
    ]
    adapter.close()
    return found


def content(record: DatasetRecord, number: int = 0) -> str:
    given = record.resources[number].content
    assert given is not None
    return "".join(part.path.read_text(encoding="utf-8") for part in given.parts)


def package(number: int, **fields: Any) -> dict[str, Any]:
    return {
        "id": f"id-{number:03}", "name": f"name-{number:03}", "title": f"T{number}", "state": "active",
        "tags": [{"name": "a"}], "extras": [{"key": "k", "value": 1}],
        "resources": [{"id": "r", "url": "https://example.vn/a.csv", "format": "CSV", "own": "kept"}],
        **fields,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("there", "private", "state"),
    [
        ({}, False, "active"),
        ({"private": False, "state": None}, False, "active"),
        ({"private": "False"}, False, "active"),
        ({"private": True}, True, "active"),
        ({"private": "true"}, True, "active"),
        ({"private": 1}, True, "active"),
        ({"private": "có"}, True, "active"),
        ({"capacity": "private"}, True, "active"),
        ({"state": "draft"}, False, "draft"),
        ({"state": "Draft-Complete"}, False, "draft"),
        ({"state": "pending"}, False, "draft"),
        ({"state": "deleted"}, False, "deleted"),
    ],
)
def test_what_is_not_public_in_a_catalogue_is_not_public_here(
    tmp_path: Path, there: dict[str, Any], private: bool, state: str
) -> None:
    with ckan([package(1, **there)]) as web:
        # The file lies at a host that cannot be asked: that of a closed dataset is not
        # even tried.
        config = (
            {}
            if (private, state) == (False, "active")
            else {"download_formats": ["CSV"]}
        )
        (record,) = records(source("ckan", web.url, config), tmp_path)
    assert (record.private, record.state) == (private, state)
    assert record.resources[0].content is None


def test_a_catalogue_page_by_page(tmp_path: Path) -> None:
    packages = [package(number) for number in range(25)]
    with ckan(packages) as web:
        found = records(
            source("ckan", web.url, {"page_size": 10, "default_tags": ["b"]}), tmp_path
        )
        assert [record.name for record in found] == [p["name"] for p in packages]
        assert len(web.asked) == 3
        assert "sort=id+asc" in web.asked[0] or "sort=id%20asc" in web.asked[0]
    first = found[0]
    assert (first.id, first.tags, first.extras) == (None, ("a", "b"), {"k": "1"})
    assert (first.resources[0].url, first.resources[0].extras) == (
        "https://example.vn/a.csv",
        {"own": "kept"},
    )


def test_an_unchanged_package_has_the_same_fingerprint() -> None:
    def prints(packages: list[dict[str, Any]]) -> list[str | None]:
        with ckan(packages) as web:
            adapter = source("ckan", web.url, {})
            found = [
                item.fingerprint
                for item in adapter.items()
                if isinstance(item, RemoteItem)
            ]
            adapter.close()
        return found

    assert (
        prints([package(1)])
        == prints([package(1)])
        != prints([package(1, title="other")])
    )


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (
            lambda body: {
                "success": False,
                "error": {"__type": "Search Error", "message": "down"},
            },
            "ckan-error",
        ),
        (lambda body: {"success": True, "result": []}, "not-ckan"),
        (lambda body: [], "ckan-error"),
        (
            lambda body: {"success": True, "result": {**body["result"], "count": 99}},
            "incomplete",
        ),
        (
            lambda body: {
                "success": True,
                "result": {"count": 99, "results": [package(1)]},
            },
            "repeated-page",
        ),
        (
            lambda body: {"success": True, "result": {"count": 5, "results": []}},
            "incomplete",
        ),
    ],
)
def test_an_error_is_never_an_empty_catalogue(spoil: Any, code: str) -> None:
    with ckan([package(1), package(2)], spoil=spoil) as web:
        adapter = source("ckan", web.url, {})
        with pytest.raises(SourceError) as problem:
            list(adapter.items())
        adapter.close()
    assert problem.value.code == code


def test_a_bad_entry_does_not_stop_the_rest() -> None:
    with ckan([package(1), {"id": "id-x"}, package(2)]) as web:
        adapter = source("ckan", web.url, {})
        found = list(adapter.items())
        adapter.close()
    assert [isinstance(item, ItemError) for item in found] == [False, False, True]


def test_filters_are_in_parentheses() -> None:
    with ckan([]) as web:
        config = {
            "organizations_filter_include": ["a", "b"],
            "groups_filter_exclude": ["c"],
        }
        adapter = source("ckan", web.url, config)
        assert list(adapter.items()) == []
        adapter.close()
        assert "fq=%28organization%3Aa+OR+organization%3Ab%29+-groups%3Ac" in web.asked[
            0
        ].replace("%20", "+")


@pytest.mark.skipif(
    not (SHARED / "ckan-dumps/hdx_datasets_10.json").exists(),
    reason="the shared data is not here",
)
def test_a_real_catalogue(tmp_path: Path) -> None:
    dump = json.loads(
        (SHARED / "ckan-dumps/hdx_datasets_10.json").read_text(encoding="utf-8")
    )
    packages = (
        dump
        if isinstance(dump, list)
        else dump.get("result", dump).get("results", dump)
    )
    with ckan(packages) as web:
        found = records(source("ckan", web.url, {}), tmp_path)
    assert {record.name for record in found} == {
        package["name"] for package in packages
    }
    assert all(record.title and record.resources for record in found)


ROWS = [
    {"Ma": "00001", "Ngay": "05/03/2026", "Gia": "1.234,5", "Rieng": "bí mật"},
    {"Ma": "00002", "Ngay": "31/02/2026", "Gia": "1,234.5", "Rieng": ""},
    {"Ma": "00003", "Ngay": None, "Gia": "", "Rieng": "x"},
]
SERVICE = {
    "path": "/ctx/1.0/ds",
    "fields": {"Ma": "ma", "Ngay": "ngay", "Gia": "gia"},
    "dates": ["ngay"],
    "numbers": ["gia"],
    "thousands": ".",
    "dataset": {"name": "ds", "title": "DS"},
}
AUTH = {"kind": "oauth2_cc", "client_id": "me", "secret": "S"}
SHAPED = 'ma,ngay,gia\n00001,2026-03-05,1234.5\n00002,31/02/2026,"1,234.5"\n00003,,\n'


@pytest.mark.parametrize("kind", ["json", "xml"])
def test_a_service_keeps_declared_columns_only(tmp_path: Path, kind: str) -> None:
    services = {"/ctx/1.0/ds": Service(ROWS, kind, frozenset({1}))}
    with Gateway(
        services, client_id="me", client_secret="word", calls_per_token=1
    ) as gateway:
        config = {"auth": AUTH, "services": [{**SERVICE, "kind": kind}]}
        found = records(source("lgsp", gateway.url, config), tmp_path)
        assert content(found[0]) == SHAPED
        # The first token opened one call, which answered an error inside a 200.
        assert gateway.tokens_given == 2
    assert "bí mật" not in "".join(
        path.read_text(encoding="utf-8") for path in tmp_path.iterdir()
    )


def test_a_service_that_stays_wrong_is_an_error(tmp_path: Path) -> None:
    always = frozenset(range(1, 100))
    with Gateway(
        {"/ctx/1.0/ds": Service(ROWS, "json", always)},
        client_id="me",
        client_secret="word",
    ) as gateway:
        adapter = source("lgsp", gateway.url, {"auth": AUTH, "services": [SERVICE]})
        (item,) = adapter.items()
        assert isinstance(item, RemoteItem)
        with pytest.raises(SourceError, match="dang ban"):
            adapter.fetch(item, tmp_path)
        adapter.close()


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"auth": {**AUTH, "client_id": "other"}}, "401"),
        ({"auth": {**AUTH, "secret": "NOTHING"}}, "PORTAL_SECRET_NOTHING"),
        ({"services": [{**SERVICE, "fields": {"Nope": "ma"}}]}, "gives no column Nope"),
        ({"services": [{**SERVICE, "rows": "a.b"}]}, "no list of objects at a.b"),
        ({"services": [{**SERVICE, "kind": "xml"}]}, "did not answer the XML"),
        ({"services": [{**SERVICE, "max_rows": 2}]}, "More than 2 rows"),
        ({"services": [{**SERVICE, "path": "/nope"}]}, "404"),
    ],
)
def test_services_that_cannot_be_read_say_why(
    tmp_path: Path, changes: dict[str, Any], text: str
) -> None:
    with Gateway(
        {"/ctx/1.0/ds": Service(ROWS)},
        client_id="me",
        client_secret="word",
        calls_per_token=9,
    ) as gateway:
        adapter = source(
            "lgsp", gateway.url, {"auth": AUTH, "services": [SERVICE], **changes}
        )
        (item,) = adapter.items()
        assert isinstance(item, RemoteItem)
        with pytest.raises((SourceError, ItemError)) as problem:
            adapter.fetch(item, tmp_path)
        adapter.close()
    assert text in problem.value.message
    assert "word" not in problem.value.message


def test_entities_in_xml_are_refused(tmp_path: Path) -> None:
    from harvesters.lgsp import xml_rows

    bomb = b'<!DOCTYPE x [<!ENTITY a "aaaa">]><Entries><Entry><Ma>&a;</Ma></Entry></Entries>'
    with pytest.raises(SourceError):
        list(xml_rows(bomb, ""))


def database(path: Path) -> str:
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE t (ma TEXT, gia NUMERIC, ghi TEXT)")
        connection.executemany(
            "INSERT INTO t VALUES (?, ?, ?)", [("00001", 1.5, None), ("00002", 2, "Á")]
        )
    connection.close()
    return f"sqlite:///{path}"


def test_a_database_gives_exact_tables(tmp_path: Path) -> None:
    url = database(tmp_path / "a.db")
    config = {
        "dataset": {"name": "ds"},
        "resources": [{"name": "t", "query": "SELECT * FROM t ORDER BY ma"}],
    }
    (record,) = records(source("sql", url, config, tmp_path), tmp_path)
    assert content(record) == "ma,gia,ghi\n00001,1.5,\n00002,2,Á\n"


def test_a_database_is_only_read_and_only_where_it_may_be(tmp_path: Path) -> None:
    url = database(tmp_path / "a.db")
    ask = {
        "dataset": {"name": "ds"},
        "resources": [{"name": "t", "query": "SELECT * FROM nothing"}],
    }
    adapter = source("sql", url, ask, tmp_path)
    (item,) = adapter.items()
    assert isinstance(item, RemoteItem)
    with pytest.raises(SourceError, match="could not be read") as problem:
        adapter.fetch(item, tmp_path)
    assert "SELECT" not in problem.value.message
    with pytest.raises(SourceError, match="PORTAL_HARVEST_ROOTS"):
        source("sql", url, ask, tmp_path / "elsewhere")
    with pytest.raises(ConfigError, match="must not hold a password"):
        source("sql", "postgresql://u:pw@host/x", ask, tmp_path)
    for query in ("DELETE FROM t", "SELECT 1; DROP TABLE t"):
        with pytest.raises(ConfigError):
            check_config(
                "sql", url, {**ask, "resources": [{"name": "t", "query": query}]}
            )


def test_a_data_package(tmp_path: Path) -> None:
    folder = tmp_path / "package"
    (folder / "data").mkdir(parents=True)
    (folder / "data/a.csv").write_text("ma\n00001\n", encoding="utf-8")
    descriptor: dict[str, Any] = {
        "name": "pack", "title": "Gói", "licenses": [{"name": "ODC-PDDL-1.0"}], "keywords": ["a, b"],
        "sources": [{"title": "S", "path": "https://example.vn"}],
        "resources": [
            {"name": "a", "path": "data/a.csv", "schema": {"fields": [{"name": "ma", "type": "string"}]}},
            {"name": "b", "data": [{"x": 1, "y": None}]},
        ],
    }  # fmt: skip
    (folder / "datapackage.json").write_text(json.dumps(descriptor), encoding="utf-8")
    (record,) = records(source("datapackage", str(folder), {}, tmp_path), tmp_path)
    assert (record.name, record.license_id, record.extras) == (
        "pack",
        "odc-pddl",
        {"sources": "S https://example.vn"},
    )
    assert (content(record), content(record, 1)) == ("ma\n00001\n", "x,y\n1,\n")
    assert record.resources[0].schema == descriptor["resources"][0]["schema"]
    for path in ("../secret.csv", "/etc/passwd", "nothing.csv"):
        descriptor["resources"][0]["path"] = path
        (folder / "datapackage.json").write_text(
            json.dumps(descriptor), encoding="utf-8"
        )
        adapter = source("datapackage", str(folder), {}, tmp_path)
        (item,) = adapter.items()
        assert isinstance(item, RemoteItem)
        with pytest.raises(ItemError):
            adapter.fetch(item, tmp_path)
        adapter.close()


def test_dropped_files_day_by_day(tmp_path: Path) -> None:
    drop = tmp_path / "drop"
    (drop / "days").mkdir(parents=True)
    for name in ("2026-11-02.csv", "2026-11-01.csv", "2026-11-03.csv.part"):
        (drop / "days" / name).write_text(f"ma\n{name}\n", encoding="utf-8")
    (drop / "days" / "2026-11-09.csv").symlink_to("/etc/passwd")
    config = {
        "dataset": {"name": "ds"}, "settle_seconds": 0,
        "resources": [{"name": "r", "pattern": "days/*.csv", "mode": "append"}],
    }  # fmt: skip
    adapter = source("files", str(drop), config, tmp_path)
    (before,) = adapter.items()
    assert isinstance(before, RemoteItem)
    assert (
        content(adapter.fetch(before, tmp_path))
        == "ma\n2026-11-01.csv\nma\n2026-11-02.csv\n"
    )
    (drop / "days" / "2026-11-03.csv").write_text("ma\nx\n", encoding="utf-8")
    (after,) = adapter.items()
    assert isinstance(after, RemoteItem)
    assert before.fingerprint != after.fingerprint
    waiting = source("files", str(drop), {**config, "settle_seconds": 3600}, tmp_path)
    (item,) = waiting.items()
    assert isinstance(item, RemoteItem)
    with pytest.raises(ItemError, match="No file matches"):
        waiting.fetch(item, tmp_path)


@pytest.mark.parametrize("kind", [kind.name for kind in KINDS])
def test_unknown_keys_are_refused_with_those_there_are(kind: str) -> None:
    with pytest.raises(ConfigError) as problem:
        check_config(kind, "/x", {"nope": 1})
    assert "there are" in str(problem.value.errors["nope"])
    with pytest.raises(ConfigError):
        check_config("files", "/x", {"each": True, "pattern": "../*"})
