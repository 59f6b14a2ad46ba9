"""Tables of text become typed versions; what went in comes out, exactly, in every
form.
"""

import csv
import threading
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portal.files import open_files
from portal.tabular.manifest import Column
from portal.tabular.store import Manifest, RowQuery, RowQueryError, TabularStore
from portal.tabular.versions import changing, writing
from portal.tabular.versions.types import CellProblem
from schemas.texttable import ROW, TextBatch, TextTable

GUARDS = (
    "portal.tabular.manifest",
    "portal.tabular.versions.changing",
    "portal.tabular.versions.parts",
    "portal.tabular.versions.types",
    "portal.tabular.versions.writing",
)


@pytest.fixture
def store(tmp_path: Path) -> TabularStore:
    return TabularStore(open_files(str(tmp_path / "files")), tmp_path / "tables")


def table(labels: list[str], rows: list[list[str]], size: int = 3) -> TextTable:
    """A table of text in small batches."""

    def batches() -> Any:
        for start in range(0, len(rows), size):
            block = rows[start : start + size]
            columns: dict[str, Any] = {
                str(i): [row[i] for row in block] for i in range(len(labels))
            }
            schema = dict.fromkeys(columns, pl.String) | {ROW: pl.Int64}
            yield TextBatch(
                pl.DataFrame(
                    columns | {ROW: list(range(start + 2, start + 2 + len(block)))},
                    schema=schema,
                )
            )

    return TextTable(tuple(labels), batches)


def fields(**types: Any) -> dict[str, Any]:
    """A Table Schema; a type, or a dict of a field's keys."""
    return {
        "fields": [
            {"name": n, **(t if isinstance(t, dict) else {"type": t})}
            for n, t in types.items()
        ]
    }


def written(store: TabularStore, schema: dict[str, Any], *rows: list[str]) -> Manifest:
    return store.write(
        [table([field["name"] for field in schema["fields"]], list(rows))], schema
    )


def read(store: TabularStore, manifest: Manifest, **query: Any) -> list[list[Any]]:
    page = store.search(manifest, RowQuery(**query))
    return list(orjson.loads(orjson.dumps(page.records("lists"))))


def test_types_are_those_declared(store: TabularStore) -> None:
    schema = fields(
        ma="string",
        so="integer",
        gia={"type": "number", "decimalChar": ",", "groupChar": "."},
        co="boolean",
        ngay={"type": "date", "format": "%d/%m/%Y"},
        luc="datetime",
        nam="year",
    )
    manifest = written(
        store, schema,
        ["00001", "7", "1.234,50", "true", "05/03/2026", "2026-11-20T01:00:00+07:00", "2026"],
        ["", "", "", "", "", "", ""],
    )  # fmt: skip
    assert read(store, manifest) == [
        [
            1,
            "00001",
            7,
            1234.5,
            True,
            "2026-03-05",
            "2026-11-20T01:00:00.000+07:00",
            2026,
        ],
        [2, None, None, None, None, None, None, None],
    ]
    assert [column.ckan_type for column in manifest.fields] == [
        "text", "int8", "numeric", "bool", "date", "timestamp", "int4"
    ]  # fmt: skip
    assert store.search(manifest, RowQuery()).rows[0][3] == Decimal("1234.50")
    lines = store.export(manifest, "csv").read_text(encoding="utf-8").splitlines()
    assert lines[1] == "00001,7,1234.50,true,2026-03-05,2026-11-20T01:00:00+07:00,2026"


def test_a_cell_of_another_type_is_named_and_nothing_is_stored(
    store: TabularStore,
) -> None:
    with pytest.raises(CellProblem) as problem:
        written(store, fields(ma="string", so="integer"), ["a", "1"], ["b", "một"])
    assert (problem.value.field, problem.value.row) == ("so", 3)


def test_equal_rows_are_equal_versions_and_parts_are_kept(store: TabularStore) -> None:
    schema = fields(ma="string")
    day1, day2 = table(["ma"], [["1"], ["2"]]), table(["ma"], [["3"]])
    first, again = store.write([day1], schema), store.write([day1], schema)
    assert first.fingerprint == again.fingerprint
    both = store.write([day1, day2], schema)
    assert both.parts[0].key == first.parts[0].key
    assert [row[0] for row in read(store, both)] == [1, 2, 3]
    assert Manifest.from_dict(orjson.loads(orjson.dumps(both.to_dict()))) == both


def test_an_empty_table_is_a_table(store: TabularStore) -> None:
    manifest = written(store, fields(ma="string", so="integer"))
    assert (manifest.rows, read(store, manifest)) == (0, [])
    assert store.export(manifest, "csv").read_text(encoding="utf-8").strip() == "ma,so"


def test_hidden_columns_do_not_exist(store: TabularStore) -> None:
    manifest = written(
        store, fields(ma="string", kin="string"), ["00001", "bí mật"], ["00002", "khác"]
    )
    hidden = frozenset({"kin"})
    assert read(store, manifest, hidden=hidden) == [[1, "00001"], [2, "00002"]]
    assert read(store, manifest, hidden=hidden, q="bi mat") == []
    assert len(read(store, manifest, q="bi mat")) == 1
    for query in (
        {"filters": {"kin": "khác"}},
        {"sort": "kin"},
        {"fields": ("kin",)},
        {"q": {"kin": "khac"}},
    ):
        with pytest.raises(RowQueryError) as refused:
            store.search(manifest, RowQuery(hidden=hidden, **query))
        with pytest.raises(RowQueryError) as unknown:
            store.search(
                manifest,
                RowQuery(**orjson.loads(orjson.dumps(query).replace(b"kin", b"xxx"))),
            )
        assert str(refused.value).replace("kin", "xxx") == str(unknown.value)


def test_names_with_quotes_are_names(store: TabularStore) -> None:
    name = 'a"; DROP TABLE x; --'
    manifest = written(store, fields(**{name: "string"}), ["1"])
    assert read(
        store,
        manifest,
        filters={name: "1"},
        sort=f'"{name.replace(chr(34), chr(34) * 2)}" desc',
    ) == [[1, "1"]]


CELLS = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\x00\x01"), max_size=8
)


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    rows=st.lists(
        st.tuples(
            CELLS,
            st.integers(-(10**12), 10**12),
            st.decimals(-(10**9), 10**9, places=4),
            st.dates(date(1900, 1, 1), date(2100, 1, 1)),
        ),
        max_size=9,
    )
)
def test_what_goes_in_comes_out(
    store: TabularStore, rows: list[tuple[str, int, Decimal, date]]
) -> None:
    schema = {
        **fields(a="string", b="integer", c="number", d="date"),
        "missingValues": ["\x01"],
    }
    manifest = written(
        store, schema, *([a, str(b), str(c), d.isoformat()] for a, b, c, d in rows)
    )
    page = store.search(manifest, RowQuery(limit=100))
    assert [tuple(row[1:]) for row in page.rows] == rows
    with store.export(manifest, "csv").open(encoding="utf-8", newline="") as file:
        exported = list(csv.reader(file))[1:]
    assert [
        (a, int(b), Decimal(c), date.fromisoformat(d)) for a, b, c, d in exported
    ] == rows


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    values=st.lists(st.integers(-5, 5), min_size=1, max_size=12),
    low=st.integers(-5, 5),
    high=st.integers(-5, 5),
    chosen=st.lists(st.integers(-5, 5), max_size=3),
)
def test_filters_are_what_a_plain_loop_finds(
    store: TabularStore, values: list[int], low: int, high: int, chosen: list[int]
) -> None:
    manifest = written(store, fields(n="integer"), *([str(value)] for value in values))

    def found(filters: Any) -> list[int]:
        page = store.search(manifest, RowQuery(filters=filters))
        assert page.total == len(page.rows)
        return [int(row[1]) for row in page.rows]

    assert found({"n": {"gte": low, "lt": high}}) == [
        value for value in values if low <= value < high
    ]
    assert found({"n": chosen}) == [value for value in values if value in chosen]
    either = [{"n": low}, {"n": {"gt": high}}]
    assert (
        found(either)
        == found({"$or": either})
        == [value for value in values if value == low or value > high]
    )
    down = [row[1] for row in store.search(manifest, RowQuery(sort="n desc")).rows]
    assert down == sorted(values, reverse=True)


def test_readers_of_the_old_version_finish_while_new_ones_are_written(
    store: TabularStore,
) -> None:
    schema = fields(ma="string", ngay="date")
    start = date(2026, 1, 1)
    rows = [
        [f"{number:05}", (start + timedelta(days=number % 300)).isoformat()]
        for number in range(20_000)
    ]
    old = store.write([table(["ma", "ngay"], rows, size=5000)], schema)
    wrong: list[Any] = []

    def reader() -> None:
        for _ in range(20):
            page = store.search(old, RowQuery(limit=5, offset=19_990))
            if [row[1] for row in page.rows] != [
                f"{number:05}" for number in range(19_990, 19_995)
            ]:
                wrong.append(page)

    threads = [threading.Thread(target=reader) for _ in range(3)]
    for thread in threads:
        thread.start()
    for number in range(3):
        store.write([table(["ma", "ngay"], rows[number:], size=5000)], schema)
    for thread in threads:
        thread.join()
    assert wrong == []


def test_what_nothing_names_is_an_orphan_after_its_grace(store: TabularStore) -> None:
    kept = written(store, fields(ma="string"), ["1"])
    gone = written(store, fields(ma="string"), ["2"])
    for form in ("csv", "json"):
        store.export(kept, form)
        store.export(gone, form)
    assert store.derived.sweep(lambda: [kept.fingerprint]) == 2
    assert store.derived.forget(kept.fingerprint[:36]) == 2
    assert store.derived.forget(kept.fingerprint[:36]) == 0


def test_too_deep_and_too_many_filters_are_refused(store: TabularStore) -> None:
    manifest = written(store, fields(ma="string"), ["1"])
    deep: Any = {"ma": "1"}
    for _ in range(20):
        deep = {"$and": [deep]}
    for filters in (
        deep,
        {"ma": [str(number) for number in range(200)]},
        {"ma": {"like": "x"}},
        {"$not": []},
        "ma",
        7,
    ):
        with pytest.raises(RowQueryError):
            store.search(manifest, RowQuery(filters=filters))


def test_many_small_writes_leave_few_parts(
    store: TabularStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changing, "SMALL", 50)
    changes, rows = store.changes, 300
    made = changes.empty((Column("so", "integer", "int8"),))
    counts = []
    for start in range(0, rows, 5):
        made = changes.append(made, pl.DataFrame({"so": range(start, start + 5)}))
        counts.append(len(made.parts))
    assert store.search(made, RowQuery(limit=-1)).rows == tuple(
        (n + 1, n) for n in range(rows)
    )
    for first in range(1, rows, 15):
        changed = pl.DataFrame({"_id": range(first, first + 15, 2), "so": [-1] * 8})
        made = changes.exchange(made, changed, removed=range(first + 1, first + 14, 2))
        counts.append(len(made.parts))
    assert max(counts) <= rows // 50 + changing.MOST_SMALL + 1
    left = tuple((n, -1) for n in range(1, rows + 1) if (n - 1) % 15 % 2 == 0)
    assert store.search(made, RowQuery(limit=-1)).rows == left


@pytest.mark.parametrize(
    ("kind", "cells", "reads", "types"),
    [
        ("number", ["1", "2.5", "3.25", "", "4"], 1, "numeric"),
        ("number", ["1", "2", "3", "4", "5.125"], 1, "numeric"),
        ("number", ["1.5", "2", "1e3", "", "4"], 3, "float8"),
        ("number", ["1e3", "2", "1.5", "", "4"], 1, "float8"),
        (
            "datetime",
            ["", "2026-01-01T00:00:00+07:00", "", "2026-01-02T00:00:00+07:00", ""],
            1,
            "timestamp",
        ),
        (
            "datetime",
            ["2026-01-01T00:00:00Z", "2026-01-01 00:00:00+07:00", "", "", ""],
            3,
            "text",
        ),
        (
            "datetime",
            ["2026-01-01T00:00:00", "2026-01-02T00:00:00Z", "", "", ""],
            3,
            "text",
        ),
    ],
)
def test_types_are_learnt_while_rows_are_stored(
    store: TabularStore,
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
    cells: list[str],
    reads: int,
    types: str,
) -> None:
    """In one reading, unless a cell says that those before it were stored wrongly;
    equal to what one batch gives.
    """
    monkeypatch.setattr(writing, "PART_ROWS", 2)
    walks = []

    def batches(size: int) -> Iterator[TextBatch]:
        walks.append(size)
        frame = pl.DataFrame(
            {"0": cells, ROW: range(2, 7)}, schema_overrides={ROW: pl.Int64}
        )
        yield from (TextBatch(piece) for piece in frame.iter_slices(size))

    schema = {"fields": [{"name": "a", "type": kind}]}
    slowly = store.write([TextTable(("a",), lambda: batches(1))], schema)
    assert (len(walks), slowly.fields[0].ckan_type) == (reads, types)
    assert slowly == store.write([TextTable(("a",), lambda: batches(5))], schema)
    assert len(store.search(slowly, RowQuery()).rows) == 5
