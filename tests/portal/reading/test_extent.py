"""How far a file may reach: hostile claims are refused with a reason, stray cells are left out with a note."""

from __future__ import annotations

from pathlib import Path

import pytest

from portal.errors import BadFile
from portal.reading import ReadOptions, read_table
from portal.reading.options import Limits
from schemas.texttable import TextTable
from tests.portal.reading import hostile
from tests.portal.reading.hostile import ods, ods_row, table_cells, xlsx

LIMITED = ReadOptions(limits=Limits(memory_mb=400, seconds=20))
TABLE = ods_row("a", "b") + ods_row("1", "2") * 30
WHOLE_ROW = '<table:table-cell table:style-name="ce1" table:number-columns-repeated="16384"/>'


def opened(folder: Path, name: str, body: bytes) -> TextTable:
    path = folder / name
    path.write_bytes(body)
    return read_table(path, options=LIMITED)


@pytest.mark.parametrize("name", hostile.FILES)
def test_a_file_that_claims_too_much_is_refused_with_a_reason(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadFile) as refused:
        for _ in opened(tmp_path, name, hostile.FILES[name]()).batches():
            pass
    assert refused.value.code in ("too-large", "too-much-memory", "damaged", "zip-bomb")
    assert name in refused.value.vi


@pytest.mark.parametrize("far", ["XFD1048576", "XFD1", "A1048576", "C900000", "BZ40", "ALM5", "D30000"])
def test_a_stray_cell_is_left_out_of_the_table_with_a_note(tmp_path: Path, far: str) -> None:
    cells = table_cells(40, 5)
    alone = opened(tmp_path, "a.xlsx", xlsx(cells))
    table = opened(tmp_path, "b.xlsx", xlsx({**cells, far: "lạc"}))
    if far == "BZ40":  # near enough to belong to the table
        assert len(table.labels) == 78
        return
    assert table.labels == alone.labels
    assert [note.code for note in table.notes] == ["far-cells"]
    assert table.notes[0].detail == {"cells": 1}
    (one,), (other,) = alone.batches(), table.batches()
    assert one.frame.equals(other.frame)


@pytest.mark.parametrize("dimension", ["A1:XFD1048576", "A1", "A1:B2", ""])
def test_a_wrong_dimension_over_small_data_is_read(tmp_path: Path, dimension: str) -> None:
    table = opened(tmp_path, "a.xlsx", xlsx(table_cells(40, 3), dimension=dimension))
    assert (table.notes, [batch.frame.shape for batch in table.batches()]) == ((), [(39, 4)])


def test_styled_but_empty_cells_are_no_part_of_a_table(tmp_path: Path) -> None:
    blank = dict.fromkeys(("XFD1", "XFC20", "A1048576", "XFD1048576"), "")
    table = opened(tmp_path, "a.xlsx", xlsx({**table_cells(40, 3), **blank}))
    assert (table.notes, [batch.frame.shape for batch in table.batches()]) == ((), [(39, 4)])


def test_two_tables_far_from_each_other_are_one_sheet_as_before(tmp_path: Path) -> None:
    below = {f"{letter}{row}": "x" for letter in "ABC" for row in range(3000, 3040)}
    table = opened(tmp_path, "a.xlsx", xlsx({**table_cells(40, 3), **below}))
    assert sum(batch.frame.height for batch in table.batches()) == 3038


@pytest.mark.parametrize(
    "after",
    [
        f'<table:table-row table:number-rows-repeated="1048545">{WHOLE_ROW}</table:table-row>',
        ods_row("", repeated=1048000, cells=16384) + ods_row("", repeated=545, cells=16384),
    ],
)
def test_a_million_blank_repeated_rows_below_a_table_are_nothing(tmp_path: Path, after: str) -> None:
    table = opened(tmp_path, "a.ods", ods(TABLE + after))
    assert (table.labels, table.notes) == (("a", "b"), ())
    assert [batch.frame.shape for batch in table.batches()] == [(30, 3)]


def test_a_stray_cell_below_blank_repeated_rows_is_left_out(tmp_path: Path) -> None:
    table = opened(tmp_path, "a.ods", ods(TABLE + ods_row("", repeated=1048000) + ods_row("lạc")))
    assert [note.code for note in table.notes] == ["far-cells"]
    assert [batch.frame.shape for batch in table.batches()] == [(30, 3)]
