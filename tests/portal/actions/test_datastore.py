"""datastore_search to the letter, older versions, the list of tables, and public SQL
with its rights and limits.
"""

import io
from collections.abc import Iterator
from typing import Any

import pytest

from portal.access.identity import ANONYMOUS, SYSTEM
from portal.errors import Invalid, NotAuthorized, NotFound
from portal.pipeline import load
from portal.runtime import Portal
from portal.settings import load as settings
from schemas.record import Upload
from tests.portal.actions.people import call

GUARDS = (
    "portal.access.disclosure",
    "portal.tabular.reading_rows.rendering",
)
BODY = "ma,ten,gia,co,meta\n" + "\n".join(
    f"{n:05},{'bệnh viện' if n % 2 else 'trạm y tế'} số "
    f"{n},{n}.50,{'true' if n % 2 else ''},{'{}' if n == 1 else ''}"
    for n in range(1, 8)
)
SCHEMA = {
    "fields": [
        {"name": "ma", "type": "string"},
        {"name": "ten", "type": "string"},
        {"name": "gia", "type": "number"},
        {"name": "co", "type": "boolean"},
        {"name": "meta", "type": "object"},
    ]
}


def made(portal: Portal, name: str, body: str = BODY, **more: Any) -> str:
    call(portal, SYSTEM, "package_create", name=name, owner_org="org", **more)
    upload = Upload("bang.csv", io.BytesIO(body.encode()))
    resource = call(
        portal, SYSTEM, "resource_create", package_id=name, schema=SCHEMA, upload=upload
    )
    load.drain(portal)
    return str(resource["id"])


@pytest.fixture
def table(portal: Portal) -> str:
    call(portal, SYSTEM, "organization_create", name="org")
    return made(portal, "open")


def search(portal: Portal, table: str, **params: Any) -> dict[str, Any]:
    return dict(
        call(portal, ANONYMOUS, "datastore_search", resource_id=table, **params)
    )


def numbers(answer: dict[str, Any]) -> list[int]:
    return [row["_id"] for row in answer["records"]]


def test_what_an_answer_says(portal: Portal, table: str) -> None:
    first = search(
        portal,
        table,
        limit=3,
        include_next_page=True,
        filters={"gia": {"gt": 0}},
        sort="_id",
    )
    assert (first["next_page"], first["total"], first["limit"]) == (
        {"_id": {"gt": 3}},
        7,
        3,
    )
    assert first["filters"] == {"gia": {"gt": 0}}
    assert "offset" not in first
    assert first["total_was_estimated"] is False
    more = search(
        portal,
        table,
        limit=9,
        include_next_page=True,
        filters={"gia": {"gt": 0}, **first["next_page"]},
    )
    assert numbers(more) == [4, 5, 6, 7]
    assert "next_page" not in more
    second = search(
        portal,
        table,
        limit=2,
        offset=2,
        filters={"co": True},
        fields="ma",
        plain="false",
    )
    for name, offset in (("start", ""), ("prev", "offset=0"), ("next", "offset=4")):
        link = second["_links"][name]
        assert (
            "filters=%7B%22co%22%3Atrue%7D" in link
            and "fields=ma" in link
            and "plain=false" in link
        )
        assert offset in link
    assert search(portal, table, limit=0)["records"] == []
    assert "total" not in search(portal, table, include_total=False)
    assert search(portal, table, limit=99999)["limit"] == 32000
    text = search(portal, table, limit=2, records_format="csv")["records"]
    assert (
        text == "1,00001,bệnh viện số 1,1.50,t,{}\n2,00002,trạm y tế số 2,2.50,,null\n"
    )
    assert (
        search(portal, table, limit=1, records_format="tsv", fields=["ma", "co"])[
            "records"
        ]
        == "00001\tt\n"
    )
    assert search(portal, table, fields="co", distinct=True)["records"] == [
        {"co": True},
        {"co": None},
    ]


FOUND: tuple[tuple[dict[str, Any], list[int]], ...] = (
    ({"q": "BENH vien"}, [1, 3, 5, 7]),
    ({"q": "vien 3"}, [3]),
    ({"q": "vie 3"}, []),
    ({"q": "vie* 3"}, [3]),
    ({"q": "vien vie:*"}, [1, 3, 5, 7]),
    ({"q": {"ten": "trạ*"}}, [2, 4, 6]),
    ({"q": "b:*", "plain": False}, [1, 3, 5, 7]),
    ({"q": "vie", "plain": False}, []),
    ({"q": "tram | 'viện'", "plain": False}, [1, 2, 3, 4, 5, 6, 7]),
    ({"q": "benh <-> vien & !(3 | 5)", "plain": False}, [1, 7]),
    ({"q": "viện <-> bệnh", "plain": False}, []),
    ({"q": {"ten": "tram"}}, [2, 4, 6]),
    ({"q": {"ten": "tram", "ma": "00004"}}, [4]),
    ({"q": "benh", "full_text": "7"}, [7]),
    ({"q": "benh", "filters": {"gia": {"lt": 4}}}, [1, 3]),
    ({"q": "benh", "sort": "gia desc"}, [7, 5, 3, 1]),
    ({"q": "benh", "sort": "gia desc", "offset": 1, "limit": 2}, [5, 3]),
    ({"filters": {"meta": None}}, []),
    ({"filters": {"ma": []}}, []),
    ({"filters": [{"ma": 2}, {"ma": "00003"}]}, [3]),
    ({"filters": {"gia": [1.5, {"gte": 6}]}}, [1, 6, 7]),
    ({"sort": "co desc nulls last, gia desc"}, [7, 5, 3, 1, 6, 4, 2]),
)


def test_what_is_found(portal: Portal, table: str) -> None:
    for params, found in FOUND:
        answer = search(portal, table, **params)
        assert numbers(answer) == found, params
        if "limit" not in params:
            assert answer["total"] == len(found), params


def test_ranks_are_fields(portal: Portal, table: str) -> None:
    one = search(portal, table, q="benh", limit=1)
    assert one["fields"][-1] == {"id": "rank", "type": "float4"}
    assert one["records"][0]["rank"] > 0
    two = search(portal, table, q={"ten": "benh", "ma": "00001"})["records"][0]
    assert {"rank ten", "rank ma"} <= set(two)
    assert "rank" not in search(portal, table, q="benh", fields="ma")["records"][0]


REFUSED: tuple[tuple[dict[str, Any], str], ...] = (
    ({"q": "(a", "plain": False}, "query"),
    ({"q": "a &", "plain": False}, "query"),
    ({"q": {"zz": "a"}}, "q"),
    ({"q": [1]}, "q"),
    ({"version": "một"}, "version"),
    ({"records_format": "exe"}, "records_format"),
    ({"offset": -1}, "offset"),
)


def test_what_is_refused(portal: Portal, table: str) -> None:
    for params, field in REFUSED:
        with pytest.raises(Invalid) as refused:
            search(portal, table, **params)
        assert field in refused.value.errors, params


def test_older_versions(portal: Portal, table: str) -> None:
    upload = Upload(
        "bang.csv", io.BytesIO(BODY.replace("bệnh viện số 1", "đã đổi").encode())
    )
    call(portal, SYSTEM, "resource_patch", id=table, upload=upload)
    load.drain(portal)
    assert search(portal, table)["records"][0]["ten"] == "đã đổi"
    assert search(portal, table, version="1")["records"][0]["ten"] == "bệnh viện số 1"
    assert search(portal, table, version="2999-01-01")["records"][0]["ten"] == "đã đổi"
    assert (
        call(portal, ANONYMOUS, "datastore_info", id=table, version=1)["meta"][
            "version"
        ]
        == 1
    )
    for nothing in ("9", "1999-01-01"):
        with pytest.raises(NotFound):
            search(portal, table, version=nothing)


def test_the_list_of_tables_names_what_one_may_read(portal: Portal, table: str) -> None:
    hidden = made(portal, "hidden", private=True)
    assert [row["name"] for row in search(portal, "_table_metadata")["records"]] == [
        table
    ]
    everything = call(
        portal,
        SYSTEM,
        "datastore_search",
        resource_id="_table_metadata",
        filters={"name": hidden},
    )
    assert (everything["total"], everything["records"][0]["alias_of"]) == (1, None)


@pytest.fixture
def open_portal(portal: Portal) -> Iterator[Portal]:
    """The portal with public SQL switched on."""
    values = {
        "PORTAL_DATA_DIR": str(portal.settings.data_dir),
        "PORTAL_SQL_SEARCH": "on",
        "PORTAL_DATASTORE_ROWS_MAX": "5",
    }
    object.__setattr__(portal, "settings", settings(values))
    yield portal


def sql(portal: Portal, text: str) -> dict[str, Any]:
    return dict(call(portal, ANONYMOUS, "datastore_search_sql", sql=text))


def test_sql_over_what_one_may_read(open_portal: Portal, table: str) -> None:
    answer = sql(
        open_portal,
        f'SELECT count(*) AS n, sum(gia) AS s, max("_full_text") AS f FROM "{table}" '
        "WHERE co",
    )
    assert answer["records"] == [
        {"n": 4, "s": 18.0, "f": " 00007 benh vien so 7 7 50 true"}
    ]
    assert [field["type"] for field in answer["fields"]] == ["int8", "numeric", "text"]
    whole = sql(
        open_portal, f'WITH x AS (SELECT * FROM "{table}") SELECT ma FROM x ORDER BY ma'
    )
    assert (len(whole["records"]), whole["records_truncated"]) == (5, True)
    hidden = made(open_portal, "hidden", private=True)
    for text in (
        f'SELECT * FROM "{hidden}"',
        f'WITH x AS (SELECT * FROM "{hidden}") SELECT 1',
        f'WITH "{hidden}" AS (SELECT * FROM "{hidden}") SELECT * FROM "{hidden}"',
        f'SELECT (SELECT count(*) FROM "{hidden}")',
        f'SELECT a.ma FROM "{table}" a JOIN "{hidden}" b USING (ma)',
        f'SELECT 1 WHERE EXISTS (SELECT 1 FROM "{hidden}" AS "{table}")',
        f'SELECT 1 UNION ALL SELECT 2 FROM "{hidden}"',
        f'SELECT 1 ORDER BY (SELECT max(ma) FROM "{hidden}")',
    ):
        with pytest.raises(NotAuthorized, match="Not authorized to read resource"):
            sql(open_portal, text)
    with pytest.raises(NotFound):
        sql(open_portal, 'SELECT * FROM "nothing"')
    for text, said in (
        ("SELECT zz FROM " + f'"{table}"', "zz"),
        ("SELEC 1", "Invalid query"),
        ("", "Missing value"),
    ):
        with pytest.raises(Invalid) as refused:
            sql(open_portal, text)
        assert said in str(refused.value.errors)
        assert "parquet" not in str(refused.value.errors)


def test_sql_is_off_unless_switched_on(portal: Portal, table: str) -> None:
    with pytest.raises(NotAuthorized, match="not enabled"):
        sql(portal, "SELECT 1")
