"""Changes of tables: what is written anew holds every row once."""

from pathlib import Path

import polars as pl
import pytest

from portal.files import open_files
from portal.tabular.manifest import Column, Manifest
from portal.tabular.store import RowQuery, TabularStore
from portal.tabular.versions import changing

SO = Column("so", "integer", "int8")


@pytest.fixture
def tables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TabularStore:
    monkeypatch.setattr(changing, "SMALL", 5)
    return TabularStore(open_files(str(tmp_path / "files")), tmp_path / "tables")


def two_big_parts(tables: TabularStore) -> Manifest:
    """Rows 1 to 20, in two parts that are left where they lie."""
    half = pl.DataFrame({"so": range(10)})
    first = tables.changes.append(tables.changes.empty((SO,)), half)
    return tables.changes.append(first, pl.DataFrame({"so": range(10, 20)}))


def rows(tables: TabularStore, manifest: Manifest) -> list[tuple[int, int]]:
    return list(tables.search(manifest, RowQuery(limit=-1)).rows)


def test_a_part_whose_rows_all_changed_gives_each_row_once(
    tables: TabularStore,
) -> None:
    before = two_big_parts(tables)
    all_of_first = pl.DataFrame({"_id": range(1, 11), "so": [-1] * 10})
    after = tables.changes.exchange(before, all_of_first)
    expected = [(n, -1 if n <= 10 else n - 1) for n in range(1, 21)]
    assert rows(tables, after) == expected
    assert after.rows == sum(part.rows for part in after.parts) == 20


def test_a_part_whose_rows_all_went_doubles_no_row_that_came_later(
    tables: TabularStore,
) -> None:
    later = pl.DataFrame({"so": [20, 21]})
    before = tables.changes.append(two_big_parts(tables), later)
    nothing = tables.changes.rows_by_id(before, [])
    after = tables.changes.exchange(before, nothing, removed=range(1, 11))
    assert rows(tables, after) == [(n, n - 1) for n in range(11, 23)]
    assert after.rows == sum(part.rows for part in after.parts) == 12
