"""Exports: every form holds every value, whatever signs are in it, and none of them
runs.
"""

import csv
import io
import zipfile
from datetime import date, datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import openpyxl
import orjson
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portal.files import open_files
from portal.tabular.exports import xlsx
from portal.tabular.exports.export import FORMS, Look
from portal.tabular.store import Manifest, RowQuery, RowQueryError, TabularStore
from tests.portal.tabular.test_store import fields, written

GUARDS = ("portal.tabular.exports.xlsx",)
PLAIN = Look()
SCHEMA = fields(
    ma="string",
    gia="number",
    so="integer",
    co="boolean",
    ngay="date",
    luc="datetime",
    meta="object",
    cho="geopoint",
)
ROWS = (
    [
        "00001",
        "1.50",
        "7",
        "true",
        "2026-01-02",
        "2026-01-02T03:04:05.250",
        '{"a": [1, "x"]}',
        "105.77, 19.80",
    ],
    [
        '=1+1 "quoted", <b>&',
        "123456789012345678.25",
        "-1",
        "false",
        "1899-12-31",
        "2026-01-02T03:04:05",
        "",
        "400, 1",
    ],
    ["dòng\nmới\tvà \\ \x07", "", "", "", "", "", "", ""],
)


@pytest.fixture
def store(tmp_path: Path) -> TabularStore:
    return TabularStore(open_files(str(tmp_path / "files")), tmp_path / "tables")


def exported(
    store: TabularStore, manifest: Manifest, form: str, look: Look = PLAIN, **query: Any
) -> bytes:
    return b"".join(store.stream(manifest, RowQuery(limit=-1, **query), form, look))


def test_every_form_holds_every_value(store: TabularStore) -> None:
    manifest = written(store, SCHEMA, *ROWS)
    lines = exported(store, manifest, "csv").decode()
    assert lines.startswith(
        "_id,ma,gia,so,co,ngay,luc,meta,cho\r\n"
        "1,00001,1.50,7,true,2026-01-02,2026-01-02T03:04:05.250,"
    )
    read = list(csv.reader(io.StringIO(lines, newline="")))
    assert [row[1] for row in read[1:]] == [row[0] for row in ROWS]
    objects = [
        orjson.loads(line) for line in exported(store, manifest, "ndjson").splitlines()
    ]
    assert objects == orjson.loads(exported(store, manifest, "json"))
    assert objects[0] == {
        "_id": 1, "ma": "00001", "gia": 1.5, "so": 7, "co": True, "ngay": "2026-01-02",
        "luc": "2026-01-02T03:04:05.250", "meta": {"a": [1, "x"]}, "cho": "105.77, 19.80",
    }  # fmt: skip
    assert objects[2]["ma"] == ROWS[2][0]
    assert b"123456789012345678.25" in exported(store, manifest, "ndjson")
    asked = orjson.loads(
        exported(store, manifest, "json", Look(records=True), fields=("ma", "so"))
    )
    assert asked["records"] == [
        [row[0], int(row[2]) if row[2] else None] for row in ROWS
    ]
    rows = ElementTree.fromstring(exported(store, manifest, "xml")).findall("row")
    assert rows[1].findtext("ma") == ROWS[1][0]
    assert rows[2].find("gia").attrib == {
        "{http://www.w3.org/2001/XMLSchema-instance}nil": "true"
    }  # type: ignore[union-attr]
    places = orjson.loads(exported(store, manifest, "geojson"))["features"]
    assert [place["geometry"] for place in places] == [
        {"type": "Point", "coordinates": [105.77, 19.8]},
        None,
        None,
    ]
    assert places[0]["properties"]["ma"] == "00001"
    packed = pl.read_parquet(io.BytesIO(exported(store, manifest, "parquet")))
    assert packed["ma"].to_list() == [row[0] for row in ROWS]
    for form in FORMS:
        assert store.export(manifest, form).read_bytes()
        assert exported(store, written(store, SCHEMA), form) or form == "ndjson"


def test_a_workbook_has_real_values_and_nothing_that_runs(store: TabularStore) -> None:
    manifest = written(store, SCHEMA, *ROWS)
    book = openpyxl.load_workbook(io.BytesIO(exported(store, manifest, "xlsx")))
    head, first, second, third = book.worksheets[0].iter_rows()
    assert [cell.value for cell in head] == [
        "_id",
        "ma",
        "gia",
        "so",
        "co",
        "ngay",
        "luc",
        "meta",
        "cho",
    ]
    assert [cell.value for cell in first][:7] == [
        1, "00001", 1.5, 7, True, datetime(2026, 1, 2), datetime(2026, 1, 2, 3, 4, 5, 250_000)
    ]  # fmt: skip
    assert [second[1].value, second[1].data_type] == [ROWS[1][0], "s"] or second[
        1
    ].data_type == "inlineStr"
    assert second[2].value == "123456789012345678.25"
    assert second[5].value == "1899-12-31"
    assert third[1].value == ROWS[2][0].replace("\x07", "")
    assert third[2].value is None


def test_more_rows_than_a_sheet_holds_fill_several(
    store: TabularStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(xlsx, "MOST_ROWS", 4)
    manifest = written(store, fields(ma="string"), *([str(n)] for n in range(8)))
    made = exported(store, manifest, "xlsx", fields=("ma",))
    assert zipfile.ZipFile(io.BytesIO(made)).testzip() is None
    book = openpyxl.load_workbook(io.BytesIO(made))
    values = [[row[0].value for row in sheet.iter_rows()] for sheet in book.worksheets]
    assert values == [["ma", "0", "1", "2"], ["ma", "3", "4", "5"], ["ma", "6", "7"]]


def test_cells_that_would_run_are_marked_where_asked(store: TabularStore) -> None:
    cells = ["=1+1", "+84 912", "-5", "@SUM(A1)", "-2+3", "a=b"]
    manifest = written(store, fields(ma="string"), *([cell] for cell in cells))
    assert (
        exported(store, manifest, "csv", fields=("ma",)).decode().splitlines()[1:]
        == cells
    )
    safe = (
        exported(store, manifest, "csv", Look(escaped=True), fields=("ma",))
        .decode()
        .splitlines()[1:]
    )
    assert safe == ["'=1+1", "'+84 912", "-5", "'@SUM(A1)", "'-2+3", "a=b"]


def test_what_cannot_be_had_is_refused_at_once(store: TabularStore) -> None:
    manifest = written(store, fields(ma="string"), ["1"])
    for form, query in (
        ("geojson", {}),
        ("csv", {"sort": "zz"}),
        ("csv", {"filters": {"_id": "x"}}),
    ):
        with pytest.raises(RowQueryError):
            exported(store, manifest, form, **query)
    lon = written(store, fields(kinh_do="number", vi_do="number"), ["105.5", "19.8"])
    assert orjson.loads(exported(store, lon, "geojson"))["features"][0]["geometry"][
        "coordinates"
    ] == [105.5, 19.8]


def test_an_order_holds_over_blocks(store: TabularStore) -> None:
    manifest = written(store, fields(n="integer"), *([str(n % 97)] for n in range(500)))
    lines = exported(
        store,
        manifest,
        "csv",
        sort="n desc",
        fields=("n",),
        offset=10,
        filters={"n": {"lt": 50}},
    ).split()[1:]
    expected = sorted((n % 97 for n in range(500) if n % 97 < 50), reverse=True)[10:]
    assert [int(line) for line in lines] == expected


TEXTS = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\x00\x01"), max_size=8
)


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    rows=st.lists(
        st.tuples(TEXTS, st.integers(-(10**15), 10**15), st.dates(date(1800, 1, 1))),
        max_size=6,
    )
)
def test_what_goes_in_comes_out_of_json(
    store: TabularStore, rows: list[tuple[str, int, date]]
) -> None:
    schema = {**fields(a="string", b="integer", c="date"), "missingValues": ["\x01"]}
    manifest = written(store, schema, *([a, str(b), c.isoformat()] for a, b, c in rows))
    said = [{"a": a, "b": b, "c": c.isoformat()} for a, b, c in rows]
    assert (
        orjson.loads(exported(store, manifest, "json", fields=("a", "b", "c"))) == said
    )
    read = openpyxl.load_workbook(
        io.BytesIO(exported(store, manifest, "xlsx", fields=("b", "c")))
    ).worksheets[0]
    assert [[cell.value for cell in row] for row in read.iter_rows()][1:] == [
        [b, shown(c)] for _, b, c in rows
    ]


def shown(day: date) -> Any:
    """A day as a spreadsheet gives it back; those before its calendar begins are
    texts.
    """
    return (
        day.isoformat()
        if day < date(1900, 3, 1)
        else datetime.combine(day, datetime.min.time())
    )
