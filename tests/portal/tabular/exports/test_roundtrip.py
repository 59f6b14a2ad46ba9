"""Cells of every Table Schema type survive load, store, search, each export, and
loading the export again.
"""

from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portal.files import open_files
from portal.reading import read_table
from portal.tabular.exports.export import Look
from portal.tabular.store import RowQuery, TabularStore
from schemas.texttable import ROW, TextBatch, TextTable

GUARDS = ("portal.tabular.exports.geojson",)
DAYS = st.dates(date(1700, 1, 1), date(2999, 12, 31))
WORDS = (
    st.text(st.sampled_from("aBđĐệ0'\",;\t$=+-%"), min_size=1)
    .map(str.strip)
    .filter(bool)
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | WORDS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3)
    ),
    max_leaves=5,
)
CELLS: dict[str, st.SearchStrategy[str]] = {
    "string": WORDS | st.from_regex(r"\A0[0-9]{1,12}\Z"),
    "integer": st.integers(-(2**63), 2**63 - 1).map(str),
    "number": st.decimals(-(10**15), 10**15, places=4, allow_nan=False).map(
        lambda number: f"{number:f}"
    ),
    "boolean": st.sampled_from(["true", "false"]),
    "date": DAYS.map(date.isoformat),
    "datetime": st.datetimes(datetime(1700, 1, 1), datetime(2999, 1, 1)).map(
        lambda t: f"{t.isoformat()}+07:00"
    ),
    "time": st.times().map(lambda time: time.isoformat("seconds")),
    "year": st.integers(1000, 2999).map(str),
    "yearmonth": DAYS.map(lambda day: day.isoformat()[:7]),
    "duration": st.integers(1, 999).map(lambda days: f"P{days}D"),
    "geopoint": st.tuples(st.integers(-90, 90), st.integers(-90, 90)).map(
        lambda at: f"{at[0]}, {at[1]}"
    ),
    "object": st.dictionaries(WORDS, JSON, max_size=3).map(
        lambda value: orjson.dumps(value).decode()
    ),
    "array": st.lists(JSON, max_size=3).map(lambda value: orjson.dumps(value).decode()),
    "geojson": st.integers(-90, 90).map(
        lambda y: f'{{"type":"Point","coordinates":[105.5,{y}]}}'
    ),
    "any": WORDS,
}
SCHEMA = {
    "fields": [
        {"name": "ma", "type": "string"},
        *({"name": f"c_{kind}", "type": kind} for kind in CELLS),
    ]
}
LABELS = tuple(str(field["name"]) for field in SCHEMA["fields"])
FORMS = ("csv", "tsv", "json", "ndjson", "xlsx", "parquet")
"""What is exported can be loaded again; CKAN's {"fields", "records"}, too."""
ROWS = st.lists(
    st.tuples(*(cells | st.just("") for cells in CELLS.values())),
    min_size=1,
    max_size=6,
)


@pytest.fixture
def store(tmp_path: Path) -> TabularStore:
    return TabularStore(open_files(str(tmp_path / "files")), tmp_path / "tables")


def table(rows: list[tuple[str, ...]]) -> TextTable:
    """Rows of text, a code with zeros before each."""
    numbered = [(f"{number:05}", *row) for number, row in enumerate(rows, 1)]
    columns = {
        str(index): [row[index] for row in numbered] for index in range(len(LABELS))
    }
    frame = pl.DataFrame(
        columns | {ROW: range(2, len(rows) + 2)}, schema_overrides={ROW: pl.Int64}
    )
    return TextTable(LABELS, lambda: iter([TextBatch(frame)]))


@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(rows=ROWS)
def test_every_type_survives_every_export_and_loading_it_again(
    store: TabularStore, tmp_path: Path, rows: list[tuple[str, ...]]
) -> None:
    first = store.write([table(rows)], SCHEMA)
    page = store.search(first, RowQuery(limit=-1))
    found = page.records("lists")
    assert [row[1] for row in orjson.loads(orjson.dumps(found))] == [
        f"{n:05}" for n in range(1, len(rows) + 1)
    ]
    for form, look in (
        *((form, Look()) for form in FORMS),
        ("json", Look(records=True)),
    ):
        path = tmp_path / f"export.{form}"
        path.write_bytes(store.export(first, form, look).read_bytes())
        again = store.write([read_table(path)], SCHEMA)
        assert again.fields == first.fields
        assert _plain(
            store.search(again, RowQuery(limit=-1)).records("lists")
        ) == _plain(found), form
    stored = pl.read_parquet(store.export(first, "parquet"))
    assert stored.columns == list(LABELS)
    assert stored["ma"].to_list() == [f"{n:05}" for n in range(1, len(rows) + 1)]
    _check_values(stored, rows)


def test_columns_that_the_engine_knows_already_or_cannot_tell_apart(
    store: TabularStore, tmp_path: Path
) -> None:
    path = tmp_path / "a.csv"
    path.write_text(
        "_id,a,A,_FOLD,_full_text,Đ,đ,a_2\n7,1,2,3,4,5,6,8\n", encoding="utf-8"
    )
    schema = {"fields": [{"name": "A", "type": "integer"}], "primaryKey": ["a", "A"]}
    made = store.write([read_table(path)], schema)
    assert [(each.name, each.type, each.title) for each in made.fields] == [
        ("a", "string", ""), ("A_2", "integer", "A"),
        ("Đ", "string", ""), ("đ", "string", ""), ("a_2_2", "string", "a_2"),
    ]  # fmt: skip
    assert made.primary_key == ("a", "A_2")
    assert store.write([read_table(path)], {"primaryKey": "_id"}).primary_key == ()
    for query in (
        RowQuery(),
        RowQuery(filters={"A_2": 2}, q="8", sort="đ"),
        RowQuery(filters={"a": "1"}),
    ):
        assert [row[:6] for row in store.search(made, query).rows] == [
            (1, "1", 2, "5", "6", "8")
        ]


def _plain(records: Any) -> Any:
    return orjson.loads(orjson.dumps(records))


def _check_values(stored: pl.DataFrame, rows: list[tuple[str, ...]]) -> None:
    """What is stored equals what was written, by Python's own reading of the texts."""
    read: dict[str, Any] = {
        "integer": int, "year": int, "number": Decimal, "date": date.fromisoformat, "string": str,
        "datetime": lambda text: datetime.fromisoformat(text).replace(tzinfo=None),
        "boolean": lambda text: text == "true",
    }  # fmt: skip
    for index, kind in enumerate(CELLS):
        wanted = (
            [read[kind](row[index]) if row[index] else None for row in rows]
            if kind in read
            else None
        )
        if wanted is not None:
            values = stored[f"c_{kind}"].to_list()
            given = [
                v.replace(tzinfo=None) if isinstance(v, datetime) else v for v in values
            ]
            assert given == wanted, kind
