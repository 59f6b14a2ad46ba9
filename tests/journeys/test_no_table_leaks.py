"""Loaded tables of hidden datasets, and personal columns of visible ones: no surface
tells rows, columns or values.
"""

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import orjson
import pytest

from portal.actions.registry import ACTIONS
from portal.pipeline import load, publish, score
from tests.journeys.conftest import opened
from tests.journeys.world import ACTION, World

TITLE, COLUMN, VALUE, ALIAS, FILE = (
    "quyrtitle",
    "quyrcolumn",
    "quyrvalue",
    "quyralias",
    "quyrfile",
)
PERSON = "quyrperson"
"""Each stands in one kind of place, and nowhere else."""
STRANGERS = (None, "otto", "fora")
READS = sorted(name for name, declared in ACTIONS.items() if declared.safe)
NOTATIONS = ("rdf", "xml", "ttl", "n3", "jsonld")
DUMPS = ("csv", "tsv", "json", "xml", "ndjson", "xlsx", "parquet", "geojson")


@pytest.fixture(
    scope="module",
    params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)],
)
def world(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[World]:
    with opened(
        tmp_path_factory.mktemp("tables"), request.param, PORTAL_SQL_SEARCH="on"
    ) as world:
        yield world


def settle(world: World) -> None:
    """What a worker does after writes: load, score, publish."""
    for stage in (load.drain, score.drain, publish.drain):
        stage(world.portal)


@pytest.fixture(scope="module")
def hidden(world: World) -> dict[str, Any]:
    """A private, a draft and a deleted dataset, each with a pushed table and an
    uploaded, partly wrong one.
    """
    made: dict[str, Any] = {}
    for kind in ("private", "draft", "deleted"):
        package = world.dataset(
            "root", title=f"{TITLE} {kind}", private=True, access_kind="restricted"
        )
        pushed = world.ask(
            "datastore_create", "root", resource={"package_id": package["id"], "name": f"{TITLE} pushed"},
            aliases=[f"{ALIAS}_{kind}"], primary_key=["ma"],
            fields=[{"id": "ma", "type": "int"}, {"id": COLUMN, "type": "text", "info": {"label": f"{COLUMN} label"}}],
            records=[{"ma": n, COLUMN: f"{VALUE} {n}"} for n in range(3)],
        ).result["resource_id"]  # fmt: skip
        schema = {
            "fields": [
                {"name": "ma", "type": "integer"},
                {"name": COLUMN, "title": f"{COLUMN} title"},
            ]
        }
        body = f"ma,{COLUMN}\n1,{VALUE} a\nmột,{VALUE} b\n".encode()
        world.ask(
            "package_validation_policy_update",
            "root",
            id=package["id"],
            policy="quarantine",
            max_bad_percent=90,
        )
        uploaded = world.send(
            "resource_create", "root", (f"{FILE}.csv", body), package_id=package["id"], format="CSV",
            schema=orjson.dumps(schema).decode(), name=f"{TITLE} uploaded",
        ).result["id"]  # fmt: skip
        settle(world)
        assert (
            world.ask("datastore_search", "root", resource_id=uploaded).result["total"]
            >= 1
        )
        if kind == "draft":
            world.ask(  # noqa: B018 - it must succeed
                "package_patch", "root", id=package["id"], state="draft", private=False
            ).result
        elif kind == "deleted":
            world.ask("package_delete", "root", id=package["id"])
        made[kind] = {
            "id": package["id"],
            "name": package["name"],
            "tables": (pushed, uploaded),
            "kind": kind,
        }
    settle(world)
    return made


@pytest.fixture(scope="module")
def masked(world: World) -> dict[str, Any]:
    """A visible dataset with an uploaded table that is held: its schema tags a column
    as personal.
    """
    package = world.dataset(
        "root", title="Visible", license_id="cc-by", notes="Seen by all"
    )
    schema = {"fields": [
        {"name": "ma", "type": "integer"},
        {"name": "chu_ho", "type": "string", "pd": "basic", "treatment": "drop"},
    ]}  # fmt: skip
    body = (
        "ma,chu_ho\n"
        + "".join(f"{n},{PERSON} {n}\n" for n in range(5))
        + f"sai,{PERSON} x\n"
    )
    world.ask(
        "package_validation_policy_update",
        "root",
        id=package["id"],
        policy="quarantine",
        max_bad_percent=90,
    )
    resource = world.send(
        "resource_create", "root", ("bang.csv", body.encode()), package_id=package["id"], format="CSV",
        schema=orjson.dumps(schema).decode(),
    ).result["id"]  # fmt: skip
    settle(world)
    return {
        "id": package["id"],
        "name": package["name"],
        "tables": (resource,),
        "kind": "none",
    }


def questions(name: str, each: dict[str, Any]) -> list[dict[str, Any]]:
    """Parameters that would bring a table to light where an action leaks."""
    alias = f"{ALIAS}_{each['kind']}"
    if name == "datastore_search_sql":
        whole = [{"sql": f'SELECT * FROM "{key}"'} for key in (*each["tables"], alias)]
        return [
            *whole,
            {
                "sql": (
                    f'WITH a AS (SELECT max("{COLUMN}") FROM "{each["tables"][0]}") '
                    "SELECT * FROM a"
                )
            },
        ]
    tables = (*each["tables"], alias)
    asked: list[dict[str, Any]] = [{"id": key} for key in (each["id"], *tables)] + [
        {"resource_id": t} for t in tables
    ]
    asked += [{"q": word} for word in (COLUMN, "quyr")] + [
        {"query": f"name:{TITLE}"},
        {"limit": 1000},
    ]
    if name == "datastore_search":
        table = {"resource_id": each["tables"][0]}
        wrong = (
            {"filters": {"zz": 1}},
            {"sort": "zz"},
            {"fields": ["zz"]},
            {"q": {"zz": "x"}},
            {"version": 1},
        )
        asked += [{**table, **more} for more in wrong] + [
            {"resource_id": "_table_metadata", "limit": 1000}
        ]
    if name in ("package_search", "search_suggest"):
        facets = [
            "tags",
            "res_format",
            "res_name",
            "organization",
            "license_id",
            "access_kind",
        ]
        asked += [{"q": q, "rows": 100, "facet.field": facets, "include_private": True, "include_drafts": True,
                   "include_deleted": True} for q in ("*:*", COLUMN, f"text:{VALUE}")]  # fmt: skip
    return asked


def found_in(text: str, marks: tuple[str, ...], said: list[str]) -> list[str]:
    """The marks that an answer gives away, beyond what the asker wrote himself."""
    for each in sorted(said, key=len, reverse=True):
        for form in (each, orjson.dumps(each).decode()[1:-1], quote(each)):
            text = text.replace(form, "")
    return [mark for mark in marks if mark in text]


def said_in(params: Any) -> list[str]:
    """Every text in what was asked, but the short stem that all marks begin with."""
    if isinstance(params, str):
        return [params, *re.findall(r"[\w-]{5,}", params)] if params != "quyr" else []
    inner = (
        params.values()
        if isinstance(params, dict)
        else params
        if isinstance(params, list)
        else ()
    )
    return [text for each in inner for text in said_in(each)]


@pytest.mark.parametrize("name", READS)
def test_no_read_tells_of_a_table(
    world: World, hidden: dict[str, Any], masked: dict[str, Any], name: str
) -> None:
    # Rights are the same rows there; a look will do.
    few = world.portal.engine.dialect.name == "postgresql"
    for each in (
        (hidden["private"],) if few else (hidden["private"], hidden["deleted"], masked)
    ):
        secret = each["kind"] != "none"
        marks = (
            TITLE,
            COLUMN,
            VALUE,
            ALIAS,
            FILE,
            PERSON,
            *((each["id"], *each["tables"]) if secret else ()),
        )
        for params in questions(name, each):
            for who in (None,) if few else (None, "fora"):
                answer = world.client.post(
                    ACTION + name, json=params, headers=world.headers(who)
                )
                text = answer.get_data(as_text=True)
                assert answer.status_code < 500, (params, text[:500])
                assert found_in(text, marks, said_in(params)) == [], (
                    who,
                    params,
                    text[:800],
                )


def surfaces(each: dict[str, Any]) -> list[str]:
    """Every address at which a dataset and its tables could be met."""
    key, alias = each["id"], f"{ALIAS}_{each['kind']}"
    paths = [f"/dataset/{key}", f"/dataset/{each['name']}", f"/dataset/{key}/quality.csv",
             f"/dataset/{key}/croissant.jsonld", f"/dataset/{key}/schemaorg.jsonld", f"/dataset/{key}/datapackage.json",
             *(f"/dataset/{key}.{suffix}" for suffix in NOTATIONS)]  # fmt: skip
    for table in (*each["tables"], alias):
        paths += [f"/datastore/dump/{table}?format={kind}" for kind in DUMPS]
        paths += [
            f"/datastore/dump/{table}?version=1",
            f"/datastore/dump/{table}?fields=zz",
        ]
        at = f"/dataset/{key}/resource/{table}"
        paths += [
            at,
            f"{at}/download",
            f"{at}/download/x.csv",
            f"{at}/validation.csv",
            f"{at}/quarantine.csv",
        ]
        paths += [
            f"{at}/schema.json",
            f"/vi/dataset/{key}/resource/{table}/validation.csv",
        ]
    return paths


LISTS = (
    "/", "/?q=quyr", f"/?q={COLUMN}", "/organization/alpha", "/feeds/dataset.atom", "/feeds/organization/alpha.atom",
    f"/feeds/custom.atom?q={TITLE}", *(f"/catalog.{suffix}" for suffix in NOTATIONS), "/data.json", "/dcat.json",
    "/quality.csv", "/quality/organization.csv", "/quality/sector.csv", "/quality.csv?organization=alpha", "/health",
    "/api/3/openapi.json", "/api/docs", "/api/2/util/dataset/autocomplete?incomplete=quyr",
    "/api/util/resource/format_autocomplete?incomplete=quyr", "/robots.txt", "/nowhere",
)  # fmt: skip


@pytest.mark.parametrize("who", STRANGERS)
def test_no_address_tells_of_a_table(
    world: World, hidden: dict[str, Any], masked: dict[str, Any], who: Any
) -> None:
    keys = [key for each in hidden.values() for key in (each["id"], *each["tables"])]
    words = (TITLE, COLUMN, VALUE, FILE, PERSON)
    for path in LISTS:
        text = world.get(path, who).get_data().decode("utf-8", "replace")
        assert (
            found_in(
                text,
                (*words, ALIAS, *keys),
                ["quyrtitle", "quyrcolumn"] if "quyr" in path else [],
            )
            == []
        ), path
    for each in hidden.values():
        for path in surfaces(each):
            answer = world.get(path, who)
            assert answer.status_code in (400, 403, 404), (path, answer.status_code)
            assert (
                found_in(answer.get_data().decode("utf-8", "replace"), words, []) == []
            ), path
    for path in surfaces(masked):
        answer = world.get(path, who)
        assert answer.status_code < 500, path
        assert PERSON not in answer.get_data().decode("utf-8", "replace"), path


def test_members_do_meet_them(
    world: World, hidden: dict[str, Any], masked: dict[str, Any]
) -> None:
    """The marks are really there: who may read the datasets finds every one of them."""
    pushed, uploaded = hidden["private"]["tables"]
    shown = world.ask("datastore_search", "mem", resource_id=f"{ALIAS}_private").result
    assert (shown["resource_id"], shown["records"][0][COLUMN]) == (pushed, f"{VALUE} 0")
    sql = world.ask("datastore_search_sql", "mem", sql=f'SELECT * FROM "{uploaded}"')
    assert VALUE in str(sql.result["records"])
    assert world.get(f"/datastore/dump/{pushed}", "mem").status_code == 200
    assert TITLE in str(
        world.ask("package_search", "mem", q=COLUMN, include_private=True).result[
            "results"
        ]
    )
    held = world.get(
        f"/dataset/{masked['id']}/resource/{masked['tables'][0]}/download/bang.csv",
        "edna",
    )
    assert PERSON in held.get_data(as_text=True)
    assert (
        world.ask("datastore_search", "edna", resource_id=masked["tables"][0]).status
        == 404
    )


def test_counts_do_not_tell_of_a_table(
    world: World, hidden: dict[str, Any], masked: dict[str, Any]
) -> None:
    for who in STRANGERS:
        listed = world.ask("organization_list", who, all_fields=True).result
        assert {each["name"]: each["package_count"] for each in listed} == {
            "alpha": 1,
            "beta": 0,
        }
        summary = world.ask("quality_summary", who, by="organization").result
        assert [
            each["datasets"] for each in summary if each["organization"] == "alpha"
        ] in ([1], [])
        assert (
            world.ask("package_search", who, rows=0, include_private=True).result[
                "count"
            ]
            == 1
        )
