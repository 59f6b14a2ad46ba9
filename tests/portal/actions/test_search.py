"""package_search and the row queries through their actions."""

import io
from typing import Any

import pytest

from portal.access.identity import ANONYMOUS, SYSTEM, Actor
from portal.errors import (
    Invalid,
    NotAuthorized,
    NotFound,
    SearchProblem,
    SearchQueryProblem,
)
from portal.pipeline import load
from portal.runtime import Portal
from schemas.record import Upload
from tests.portal.actions.people import Json, call, make_actor, make_org

GUARDS = ("portal.actions.licenses",)


@pytest.fixture
def member(portal: Portal) -> Actor:
    org = make_org(portal, "so-y-te")
    for name, title, private in (
        ("benh-vien", "Bệnh viện đa khoa", False),
        ("benh-vien-2", "Benh vien huyen", False),
        ("mat", "Bệnh viện quân y", True),
    ):
        call(
            portal, SYSTEM, "package_create",
            name=name, title=title, owner_org="so-y-te", private=private, tags=[{"name": "y te"}], license_id="cc-by",
        )  # fmt: skip
    return make_actor(portal, "member", "member", org)


def names(answer: Json) -> list[str]:
    return [dataset["name"] for dataset in answer["results"]]


def test_what_was_written_is_found_at_once_exact_marks_first(
    portal: Portal, member: Actor
) -> None:
    assert names(call(portal, ANONYMOUS, "package_search", q="bệnh viện")) == [
        "benh-vien",
        "benh-vien-2",
    ]
    assert set(names(call(portal, ANONYMOUS, "package_search", q="benh vien"))) == {
        "benh-vien",
        "benh-vien-2",
    }
    call(portal, SYSTEM, "package_patch", id="benh-vien", title="Trạm y tế")
    assert names(call(portal, ANONYMOUS, "package_search", q="tram y te")) == [
        "benh-vien"
    ]
    call(portal, SYSTEM, "package_delete", id="benh-vien")
    assert names(call(portal, ANONYMOUS, "package_search", q="*:*")) == ["benh-vien-2"]


def test_private_datasets_are_for_those_who_may_and_ask(
    portal: Portal, member: Actor
) -> None:
    asked: Json = {
        "q": "quân y",
        "include_private": True,
        "facet.field": '["organization","tags"]',
    }
    assert call(portal, ANONYMOUS, "package_search", **asked)["count"] == 0
    assert (
        call(portal, make_actor(portal, "out"), "package_search", **asked)["count"] == 0
    )
    assert names(call(portal, member, "package_search", **asked)) == ["mat"]
    assert call(portal, member, "package_search", q="quân y")["count"] == 0
    hidden = call(portal, ANONYMOUS, "package_search", **{**asked, "q": "*:*"})
    assert hidden["facets"]["organization"] == {"so-y-te": 2}


def test_facets_carry_titles(portal: Portal, member: Actor) -> None:
    answer = call(
        portal,
        ANONYMOUS,
        "package_search",
        **{"facet.field": ["organization", "license_id"], "rows": 0},
    )
    assert answer["results"] == []
    assert answer["search_facets"]["organization"]["items"] == [
        {"name": "so-y-te", "display_name": "SO-Y-TE", "count": 2}
    ]
    assert (
        answer["search_facets"]["license_id"]["items"][0]["display_name"]
        == "Creative Commons Attribution"
    )
    assert call(portal, ANONYMOUS, "package_search")["search_facets"] == {}
    only = call(portal, ANONYMOUS, "package_search", fl=["name", "title"], rows=1)[
        "results"
    ]
    assert set(only[0]) == {"name", "title"}


def test_highlights_mark_what_the_asker_may_see(portal: Portal, member: Actor) -> None:
    asked: Json = {
        "q": "bệnh viện",
        "include_private": True,
        "hl": "true",
        "sort": "name asc",
    }
    answer = call(portal, member, "package_search", **asked)
    by_name = {
        dataset["name"]: answer["highlighting"][dataset["id"]]
        for dataset in answer["results"]
    }
    assert by_name["mat"] == {"title": ["<mark>Bệnh viện</mark> quân y"]}
    assert by_name["benh-vien-2"] == {"title": ["<mark>Benh vien</mark> huyen"]}
    seen = call(
        portal,
        ANONYMOUS,
        "package_search",
        **asked,
        **{"hl.fl": "title,notes", "hl.simple.pre": "*"},
    )
    assert [dataset["id"] for dataset in seen["results"]] == list(seen["highlighting"])
    assert "quân y" not in str(seen)
    assert seen["highlighting"][seen["results"][0]["id"]]["title"] == [
        "*Bệnh viện</mark> đa khoa"
    ]
    assert "highlighting" not in call(
        portal, ANONYMOUS, "package_search", q="bệnh viện"
    )


@pytest.mark.parametrize(
    ("params", "error"),
    [
        ({"limit": 5}, SearchQueryProblem),
        ({"sort": "nothing asc"}, SearchQueryProblem),
        ({"rows": "-1"}, Invalid),
        ({"start": "x"}, Invalid),
        ({"facet.field": "organization"}, Invalid),
        ({"hl": True, "hl.fl": "author"}, Invalid),
        ({"hl": True, "hl.snippets": "-1"}, Invalid),
        ({"hl": True, "hl.simple.pre": "<" * 201}, Invalid),
        ({"q": "{!lucene}x"}, SearchProblem),
        ({"fq": "name:("}, SearchProblem),
    ],
)
def test_bad_searches(portal: Portal, params: Json, error: type[Exception]) -> None:
    with pytest.raises(error):
        call(portal, ANONYMOUS, "package_search", **params)


@pytest.fixture
def table(portal: Portal, member: Actor) -> str:
    schema = {
        "fields": [
            {"name": "ma", "type": "string", "title": "Mã"},
            {"name": "gia", "type": "number"},
            {"name": "ngay", "type": "date"},
        ]
    }
    body = "ma,gia,ngay\n00001,1.50,2026-01-02\n00002,20,2026-01-03\n00010,3.25,\n"
    made = call(
        portal, SYSTEM, "resource_create",
        package_id="benh-vien", schema=schema, upload=Upload("gia.csv", io.BytesIO(body.encode())),
    )  # fmt: skip
    load.drain(portal)
    return str(made["id"])


def rows(portal: Portal, table: str, **params: Any) -> list[list[Any]]:
    answer = call(
        portal,
        ANONYMOUS,
        "datastore_search",
        resource_id=table,
        records_format="lists",
        **params,
    )
    return list(answer["records"])


def test_rows_keep_zeros_types_and_order(portal: Portal, table: str) -> None:
    answer = call(portal, ANONYMOUS, "datastore_search", resource_id=table)
    assert answer["records"][0] == {
        "_id": 1,
        "ma": "00001",
        "gia": 1.5,
        "ngay": "2026-01-02",
    }
    assert [(field["id"], field["type"]) for field in answer["fields"]] == [
        ("_id", "int"), ("ma", "text"), ("gia", "numeric"), ("ngay", "date")
    ]  # fmt: skip
    assert (answer["total"], answer["limit"], answer["records"][2]["ngay"]) == (
        3,
        100,
        None,
    )
    info = call(portal, ANONYMOUS, "datastore_info", id=table)
    assert (info["meta"]["count"], info["fields"][1]["info"]) == (3, {"label": "Mã"})


def test_rows_are_filtered_sorted_and_paged(portal: Portal, table: str) -> None:
    assert [row[1] for row in rows(portal, table, filters={"ma": "00002"})] == ["00002"]
    assert [
        row[1] for row in rows(portal, table, filters={"ma": ["00001", "00010"]})
    ] == ["00001", "00010"]
    assert [
        row[1] for row in rows(portal, table, filters='{"gia": {"gte": 2, "lt": 5}}')
    ] == ["00010"]
    assert [
        row[1]
        for row in rows(portal, table, filters={"$or": [{"ma": "00001"}, {"gia": 20}]})
    ] == [
        "00001",
        "00002",
    ]
    assert [row[1] for row in rows(portal, table, sort="gia desc")] == [
        "00002",
        "00010",
        "00001",
    ]
    assert [row[1] for row in rows(portal, table, limit="1", offset="1")] == ["00002"]
    assert rows(portal, table, fields="gia,ma", limit=1) == [[1.5, "00001"]]
    assert rows(portal, table, limit=0) == []
    assert rows(portal, table, fields="ngay", distinct=True, sort="ngay desc") == [
        [None],
        ["2026-01-03"],
        ["2026-01-02"],
    ]
    assert [row[1] for row in rows(portal, table, q="0000*")] == ["00001", "00002"]
    ranked = call(
        portal, ANONYMOUS, "datastore_search", resource_id=table, q={"ma": "00010"}
    )
    assert (ranked["total"], ranked["records"][0]["rank ma"] > 0) == (1, True)
    text = call(
        portal,
        ANONYMOUS,
        "datastore_search",
        resource_id=table,
        records_format="csv",
        limit=1,
    )
    assert text["records"] == "1,00001,1.50,2026-01-02\n"
    capped = call(
        portal,
        ANONYMOUS,
        "datastore_search",
        resource_id=table,
        limit=99999,
        include_total=False,
    )
    assert capped["limit"] == 32000
    assert "total" not in capped


@pytest.mark.parametrize(
    ("params", "errors"),
    [
        ({"limit": "-1"}, {"limit": ["Must be a natural number"]}),
        ({"foo": 1}, {"__extras": ['invalid value "foo"']}),
        ({"fields": "zz"}, {"fields": ['invalid value "zz"']}),
        ({"sort": "zz"}, {"sort": ['invalid value "zz"']}),
        ({"sort": "rank"}, {"sort": ['invalid value "rank"']}),
        (
            {"fields": "ma", "distinct": True, "sort": "gia"},
            {"sort": ['invalid value "gia"']},
        ),
        ({"filters": {"zz": 1}}, {"filters": ["Unknown field: zz"]}),
        (
            {"filters": {"gia": "một"}},
            {
                "query": ["Invalid query"],
                "filters": ["A value does not have the type of its column"],
            },
        ),
        (
            {"sort": 'gia"; DROP TABLE x; --'},
            {"sort": ['invalid value "gia"; DROP TABLE x; --"']},
        ),
    ],
)
def test_bad_row_queries_say_which_part_and_no_sql(
    portal: Portal, table: str, params: Json, errors: Json
) -> None:
    with pytest.raises(Invalid) as problem:
        call(portal, ANONYMOUS, "datastore_search", resource_id=table, **params)
    assert problem.value.errors == errors


def test_rows_of_private_datasets(portal: Portal, member: Actor, table: str) -> None:
    call(portal, SYSTEM, "package_patch", id="benh-vien", private=True)
    with pytest.raises(NotAuthorized):
        call(portal, ANONYMOUS, "datastore_search", resource_id=table)
    assert call(portal, member, "datastore_search", resource_id=table)["total"] == 3
    with pytest.raises(NotFound):
        call(
            portal,
            SYSTEM,
            "datastore_search",
            resource_id="2f6e1c36-9a0e-4b43-8f2f-9d8a34a8f7c1",
        )
    with pytest.raises(Invalid):
        call(portal, SYSTEM, "datastore_search")
