"""Parquet as text: every type as people write it, and files that are not what they
say.
"""

import datetime as dt
import gzip
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from portal.errors import BadFile
from portal.reading import ReadOptions, read_table
from schemas.texttable import TextTable


def cells(table: TextTable) -> list[tuple[Any, ...]]:
    return [
        row for batch in table.batches() for row in batch.frame.drop("_row").iter_rows()
    ]


def kept(frame: pl.DataFrame, folder: Path, name: str = "a.parquet") -> Path:
    path = folder / name
    frame.write_parquet(path)
    return path


@pytest.mark.parametrize(
    ("values", "written"),
    [
        (["00001", "Bệnh viện\r\nnhi"], ["00001", "Bệnh viện\nnhi"]),
        ([1, -2], ["1", "-2"]),
        ([2.0, 1.5, 1e300], ["2", "1.5", "1e+300"]),
        ([True, False], ["true", "false"]),
        ([Decimal("1.50"), Decimal("-0.25")], ["1.50", "-0.25"]),
        ([dt.date(2026, 7, 1)], ["2026-07-01"]),
        ([dt.time(7, 30)], ["07:30:00"]),
        ([dt.datetime(2026, 7, 1, 8), dt.datetime(2026, 7, 1, 8, 0, 0, 500000)],
         ["2026-07-01T08:00:00", "2026-07-01T08:00:00.500"]),
        ([dt.datetime(2026, 7, 1, 8, tzinfo=dt.UTC)], ["2026-07-01T08:00:00+00:00"]),
        ([[1, 2], []], ["[1,2]", "[]"]),
        ([{"a": "é", "b": None}], ['{"a":"é","b":null}']),
        ([b"\x01\xff"], ["01ff"]),
        ([None, None], ["", ""]),
    ],
)  # fmt: skip
def test_a_value_is_written_as_people_write_it(
    tmp_path: Path, values: list[Any], written: list[str]
) -> None:
    path = kept(
        pl.DataFrame({"mã": [*values, None], "n": range(len(values) + 1)}), tmp_path
    )
    table = read_table(path)
    assert table.labels == ("mã", "n")
    assert [row[0] for row in cells(table)] == [*written, ""]
    assert cells(table) == cells(table)  # it can be walked through again


@pytest.mark.parametrize("offset", ["+07:00", "-03:30", "+00:00"])
def test_moments_keep_the_offset_of_their_column(tmp_path: Path, offset: str) -> None:
    there = dt.datetime.fromisoformat(f"2026-07-01T08:00:00.5{offset}")
    path = tmp_path / "a.parquet"
    pq.write_table(
        pa.table({"a": pa.array([there, None], pa.timestamp("us", offset))}), path
    )
    assert cells(read_table(path)) == [(f"2026-07-01T08:00:00.500{offset}",), ("",)]


def test_rows_are_counted_on_from_block_to_block(tmp_path: Path) -> None:
    table = read_table(
        kept(pl.DataFrame({"a": range(10)}), tmp_path),
        options=ReadOptions(batch_rows=4),
    )
    numbers = [number for batch in table.batches() for number in batch.frame["_row"]]
    assert numbers == list(range(2, 12))


def test_without_rows_there_are_columns(tmp_path: Path) -> None:
    table = read_table(
        kept(pl.DataFrame({"a": pl.Series([], dtype=pl.Int64)}), tmp_path)
    )
    assert (table.labels, cells(table)) == (("a",), [])


def test_a_name_does_not_make_a_parquet_file(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    path.write_text("a,b\n1,2\n")
    with pytest.raises(BadFile) as refused:
        read_table(path)
    assert refused.value.code == "not-what-it-says"


def test_a_cut_off_file_is_called_damaged(tmp_path: Path) -> None:
    path = kept(pl.DataFrame({"a": range(1000)}), tmp_path)
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(BadFile) as refused:
        read_table(path)
    assert refused.value.code == "damaged"


def test_a_file_that_unpacks_too_large_is_refused(tmp_path: Path) -> None:
    path = kept(pl.DataFrame({"a": ["x" * 100] * 5000}), tmp_path)
    for options in (ReadOptions(max_rows=100), ReadOptions(max_bytes=200)):
        with pytest.raises(BadFile) as refused:
            read_table(path, options=options)
        assert refused.value.code == "too-large"


def test_it_may_lie_in_an_archive(tmp_path: Path) -> None:
    inner = kept(pl.DataFrame({"a": ["001"]}), tmp_path)
    packed = tmp_path / "a.parquet.gz"
    packed.write_bytes(gzip.compress(inner.read_bytes()))
    assert cells(read_table(packed)) == [("001",)]
