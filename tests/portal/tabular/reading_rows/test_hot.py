"""A hot copy answers exactly as the parts do; it is bounded, made once, and nobody
misses it when it is gone.
"""

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from portal.files import open_files
from portal.tabular.reading_rows.answering import RowPage, from_parts
from portal.tabular.reading_rows.hot import FEW_ROWS
from portal.tabular.reading_rows.statements import compile_query
from portal.tabular.store import Manifest, RowQuery, TabularStore
from schemas.texttable import ROW, TextBatch, TextTable

GUARDS = (
    "portal.tabular.reading_rows.answering",
    "portal.tabular.reading_rows.cache",
    "portal.tabular.reading_rows.filters",
    "portal.tabular.reading_rows.query",
    "portal.tabular.reading_rows.statements",
)
ROWS = FEW_ROWS + 5_000
SCHEMA = {
    "fields": [
        {"name": n, "type": t}
        for n, t in (("ma", "string"), ("n", "integer"), ("ten", "string"))
    ]
}
QUERIES: tuple[dict[str, Any], ...] = (
    {},
    {"offset": ROWS - 50},
    {"offset": ROWS + 5},
    {"limit": 0},
    {"filters": {"_id": {"gt": 20_000}}},
    {"filters": {"_id": {"gt": "20000"}}, "limit": 7, "offset": 3},
    {"filters": {"_id": {"gt": 20_000}, "n": {"lt": 4}}, "limit": 5},
    {"filters": {"_id": {"gt": 20_000}}, "sort": "n desc, ma"},
    {"filters": {"_id": {"gt": ROWS * 2}}},
    {"filters": {"n": 7}, "limit": 20, "offset": 10},
    {"filters": {"n": 7}, "include_total": False},
    {"filters": {"ma": "nothing"}},
    {"sort": "n desc nulls last, ten", "limit": 30, "offset": 1000},
    {"q": "benh"},
    {"q": "bệnh vien", "limit": 10, "offset": 25},
    {"q": "benh", "filters": {"n": {"gte": 95}}, "limit": 10, "offset": 5},
    {"q": "benh", "sort": "ma desc", "limit": 5},
    {"q": "benh", "fields": ("ma",), "limit": 5},
    {"q": "khong co"},
    {"q": "0123*"},
    {"q": "0123"},
    {"q": "tram 00000*"},
    {"q": "tra* vie*", "limit": 5},
    {"q": "tram | vien", "plain": False, "limit": 5},
    {"q": {"ten": "tram"}, "limit": 5},
    {"fields": ("n",), "distinct": True, "limit": 200},
    {"hidden": frozenset({"ten"}), "q": "12", "limit": 5},
)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> TabularStore:
    folder = tmp_path_factory.mktemp("hot")
    return TabularStore(open_files(str(folder / "files")), folder / "tables")


@pytest.fixture(scope="module")
def manifest(store: TabularStore) -> Manifest:
    return written(store, ROWS)


def written(store: TabularStore, rows: int, first: str = "bệnh viện") -> Manifest:
    """A table in two parts."""

    def part(start: int, end: int) -> TextTable:
        numbers = range(start, end)
        frame = pl.DataFrame(
            {
                "0": [f"{n:06}" for n in numbers],
                "1": [str(n % 100) for n in numbers],
                "2": [first * (1 + n % 3) if n % 7 else "trạm y tế" for n in numbers],
                ROW: list(numbers),
            },
            schema_overrides={ROW: pl.Int64},
        )
        return TextTable(("ma", "n", "ten"), lambda: iter([TextBatch(frame)]))

    return store.write([part(0, rows // 3), part(rows // 3, rows)], SCHEMA)


def test_a_hot_copy_answers_as_the_parts_do(
    store: TabularStore, manifest: Manifest
) -> None:
    def cold(query: RowQuery) -> RowPage:
        statement = compile_query(manifest, query)
        return from_parts(
            store._engine, store._source(manifest), manifest.rows, query, statement
        )

    store.warm(manifest, words=False)
    table = store.hot(manifest)
    assert table is not None
    assert table.word_index is None
    for asked in QUERIES * 2:
        if asked == QUERIES[-1]:
            store.warm(manifest)  # from here on by the index of words
        query = RowQuery(**asked)
        hot, parts = store.search(manifest, query), cold(query)
        assert hot.total == parts.total, asked
        assert hot.rows == parts.rows, asked
        assert hot.fields == parts.fields, asked
    assert table.word_index is not None


def test_what_was_asked_is_answered_from_memory(
    store: TabularStore, manifest: Manifest
) -> None:
    first = store.answer(manifest, RowQuery(limit=3), "lists")
    assert store.answer(manifest, RowQuery(limit=3), "lists") is first
    assert (
        store.answer(manifest, RowQuery(limit=3, hidden=frozenset({"ten"})), "lists")
        is not first
    )
    assert (first.count, first.last, first.total) == (3, 3, ROWS)


def test_large_tables_are_unpacked_in_the_background(store: TabularStore) -> None:
    other = written(store, ROWS, "nhà máy")
    assert store.search(other, RowQuery(q="nha", limit=1)).total is not None
    for _ in range(1000):
        if store._hot.path(other.fingerprint).is_file():
            break
        pl.Series(range(100_000)).sort()
    assert store.hot(other) is not None


def test_copies_are_bounded_and_nobody_needs_them(tmp_path: Path) -> None:
    none = TabularStore(
        open_files(str(tmp_path / "files")), tmp_path / "none", hot_mb=0
    )
    manifest = written(none, ROWS)
    none.warm(manifest)
    assert none.hot(manifest) is None
    assert none.search(manifest, RowQuery(filters={"n": 7})).total == ROWS // 100
    few = TabularStore(open_files(str(tmp_path / "files")), tmp_path / "few", hot_mb=3)
    for word in ("một", "hai", "ba"):
        few.warm(written(few, ROWS, word))
    copies = list((tmp_path / "few").glob("??/*.arrow"))
    assert copies
    assert sum(path.stat().st_size for path in copies) <= 3 * 1024 * 1024
