"""Two versions compared: all that differs comes as a stream, in blocks, equal from
parts and from hot copies.
"""

import csv
import io
from pathlib import Path

import orjson
import polars as pl
import pytest

from portal.files import open_files
from portal.tabular import compare, store
from portal.tabular.manifest import Column
from portal.tabular.reading_rows.query import RowQueryError
from portal.tabular.store import Manifest, TabularStore
from portal.tabular.versions.upserting import apply

FIELDS = (
    Column("ma", "string", "text"),
    Column("so", "number", "numeric"),
    Column("ngày", "date", "date"),
)


@pytest.fixture
def tables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TabularStore:
    monkeypatch.setattr(compare, "AT_ONCE", 7)
    return TabularStore(open_files(str(tmp_path / "files")), tmp_path / "tables")


def versions(tables: TabularStore) -> tuple[Manifest, Manifest]:
    """Fifty rows; then five are gone, twenty differ, three are new, and there is one
    column more.
    """
    changes = tables.changes
    old = apply(
        changes,
        changes.empty(FIELDS, ("ma",)),
        [{"ma": f"{n:03}", "so": f"{n}.50", "ngày": "2026-01-02"} for n in range(50)],
        "upsert",
    )
    new = changes.exchange(old, changes.rows_by_id(old, []), removed=range(1, 6))
    new = changes.alter(new, (*FIELDS, Column("ghi", "string", "text")), ("ma",))
    said = [
        {"ma": f"{n:03}", "so": "1", "ghi": 'a "b"'}
        for n in (*range(20, 40), *range(90, 93))
    ]
    return old, apply(changes, new, said, "upsert")


def test_all_that_differs_streams(
    tables: TabularStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = versions(tables)
    page = tables.compare(old, new, ("ma",), 1000, 0)
    assert page.counts == {"added": 3, "removed": 5, "changed": 20}
    lines = b"".join(tables.differences(old, new, ("ma",), "ndjson"))
    assert [orjson.loads(line) for line in lines.splitlines()] == orjson.loads(
        orjson.dumps(page.rows)
    )
    text = b"".join(tables.differences(old, new, ("ma",), "csv")).decode()
    rows = list(csv.reader(io.StringIO(text)))
    assert rows[0] == ["_change", "_id", "ma", "so", "ngày", "ghi"]
    assert len(rows) == 1 + 3 + 5 + 2 * 20
    assert rows[1] == ["removed", "1", "000", "0.50", "2026-01-02", ""]
    changed = [row for row in rows if row[2] == "020"]
    assert changed == [
        ["before", "21", "020", "20.50", "2026-01-02", ""], ["after", "21", "020", "1.00", "2026-01-02", 'a "b"'],
    ]  # fmt: skip
    assert rows[-1] == ["added", "53", "092", "1.00", "", 'a "b"']
    monkeypatch.setattr(store, "FEW_ROWS", 1)
    for manifest in (old, new):
        tables.warm(manifest)
        assert tables.hot(manifest) is not None
    assert b"".join(tables.differences(old, new, ("ma",), "ndjson")) == lines
    assert b"".join(tables.differences(old, new, ("ma",), "csv")).decode() == text


def test_nothing_differs_and_keys_are_checked(tables: TabularStore) -> None:
    old, new = versions(tables)
    assert b"".join(tables.differences(new, new, ("_id",), "ndjson")) == b""
    assert (
        b"".join(tables.differences(new, new, ("_id",), "csv"))
        == "_change,_id,ma,so,ngày,ghi\r\n".encode()
    )
    assert compare.match_columns(old, new, ()) == ("ma",)
    with pytest.raises(RowQueryError):
        compare.match_columns(old, new, ["ghi"])


def test_an_emptied_table_is_all_removed(tables: TabularStore) -> None:
    old, _ = versions(tables)
    gone = b"".join(
        tables.differences(old, tables.changes.truncate(old), ("ma",), "csv")
    )
    assert pl.read_csv(gone)["_change"].to_list() == ["removed"] * 50
