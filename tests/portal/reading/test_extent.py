"""How far a file may reach: hostile claims are refused with a reason, stray cells are
left out with a note.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from portal.errors import BadFile
from portal.reading import ReadOptions, read_table
from portal.reading.options import Limits
from schemas.texttable import TextTable
from tests.portal.reading import binary_workbooks as xls
from tests.portal.reading import hostile
from tests.portal.reading.hostile import ods, ods_row, table_cells, xlsx

GUARDS = (
    "portal.reading.options",
    "portal.reading.signature",
    "portal.reading.stray",
)
LIMITED = ReadOptions(limits=Limits(memory_mb=400, seconds=20))
TABLE = ods_row("a", "b") + ods_row("1", "2") * 30
WHOLE_ROW = (
    '<table:table-cell table:style-name="ce1" table:number-columns-repeated="16384"/>'
)


def opened(folder: Path, name: str, body: bytes) -> TextTable:
    path = folder / name
    path.write_bytes(body)
    return read_table(path, options=LIMITED)


@pytest.mark.parametrize("name", hostile.FILES)
def test_a_file_that_claims_too_much_is_refused_with_a_reason(
    tmp_path: Path, name: str
) -> None:
    with pytest.raises(BadFile) as refused:
        for _ in opened(tmp_path, name, hostile.FILES[name]()).batches():
            pass
    assert refused.value.code in ("too-large", "too-much-memory", "damaged", "zip-bomb")
    assert name in refused.value.vi


@pytest.mark.parametrize(
    "far", ["XFD1048576", "XFD1", "A1048576", "C900000", "BZ40", "ALM5", "D30000"]
)
def test_a_stray_cell_is_left_out_of_the_table_with_a_note(
    tmp_path: Path, far: str
) -> None:
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
def test_a_wrong_dimension_over_small_data_is_read(
    tmp_path: Path, dimension: str
) -> None:
    table = opened(tmp_path, "a.xlsx", xlsx(table_cells(40, 3), dimension=dimension))
    assert (table.notes, [batch.frame.shape for batch in table.batches()]) == (
        (),
        [(39, 4)],
    )


def test_styled_but_empty_cells_are_no_part_of_a_table(tmp_path: Path) -> None:
    blank = dict.fromkeys(("XFD1", "XFC20", "A1048576", "XFD1048576"), "")
    table = opened(tmp_path, "a.xlsx", xlsx({**table_cells(40, 3), **blank}))
    assert (table.notes, [batch.frame.shape for batch in table.batches()]) == (
        (),
        [(39, 4)],
    )


def test_two_tables_far_from_each_other_are_one_sheet_as_before(tmp_path: Path) -> None:
    below = {f"{letter}{row}": "x" for letter in "ABC" for row in range(3000, 3040)}
    table = opened(tmp_path, "a.xlsx", xlsx({**table_cells(40, 3), **below}))
    assert sum(batch.frame.height for batch in table.batches()) == 3038


@pytest.mark.parametrize(
    "after",
    [
        "<table:table-row "
        f'table:number-rows-repeated="1048545">{WHOLE_ROW}</table:table-row>',
        ods_row("", repeated=1048000, cells=16384)
        + ods_row("", repeated=545, cells=16384),
    ],
)
def test_a_million_blank_repeated_rows_below_a_table_are_nothing(
    tmp_path: Path, after: str
) -> None:
    table = opened(tmp_path, "a.ods", ods(TABLE + after))
    assert (table.labels, table.notes) == (("a", "b"), ())
    assert [batch.frame.shape for batch in table.batches()] == [(30, 3)]


def test_a_stray_cell_below_blank_repeated_rows_is_left_out(tmp_path: Path) -> None:
    table = opened(
        tmp_path, "a.ods", ods(TABLE + ods_row("", repeated=1048000) + ods_row("lạc"))
    )
    assert [note.code for note in table.notes] == ["far-cells"]
    assert [batch.frame.shape for batch in table.batches()] == [(30, 3)]


@pytest.mark.parametrize(
    "far", [(65535, 255), (65535, 65535), (0, 65535), (65535, 0), (30_000, 3), (5, 300)]
)
@pytest.mark.parametrize("kind", ["label", "formula", "numbers"])
def test_a_stray_cell_of_an_old_workbook_is_left_out_with_a_note(
    tmp_path: Path, far: tuple[int, int], kind: str
) -> None:
    cells = xls.cells(xls.table(40, 5))
    stray = {
        "label": xls.label(*far, "x"),
        "formula": xls.formula(*far, "x"),
        "numbers": xls.numbers(*far, [7]),
    }
    alone = opened(tmp_path, "a.xls", xls.workbook(xls.sheet(cells)))
    table = opened(
        tmp_path,
        "b.xls",
        xls.workbook(
            xls.sheet(b""), xls.sheet(cells + stray[kind] + xls.label(1, 1, "y"))
        ),
    )
    assert table.labels == alone.labels
    assert [(note.code, note.detail) for note in table.notes] == [
        ("far-cells", {"cells": 1})
    ]
    (one,), (other,) = alone.batches(), table.batches()
    assert one.frame.item(0, 1) == "r1c1"
    assert other.frame.item(0, 1) == "y"
    assert one.frame[1:].equals(other.frame[1:])


@pytest.mark.parametrize(
    "claimed",
    [
        b"",
        xls.extent(40, 3),
        xls.extent(65536, 256),
        xls.extent(0xFFFFFFFF, 0xFFFF),
        xls.extent(1, 1, 100, 100),
        xls.extent(0, 0, 9, 9),
        xls.extent(65536, 256) * 50,
        xls.record(0x0200, b"\xff\xff\x01\x00\xff\xff\x01\x00\0\0"),
    ],
)
def test_a_wrong_extent_over_a_small_old_sheet_is_read(
    tmp_path: Path, claimed: bytes
) -> None:
    table = opened(
        tmp_path,
        "a.xls",
        xls.workbook(xls.sheet(claimed + xls.cells(xls.table(40, 3)))),
    )
    assert (table.notes, [batch.frame.shape for batch in table.batches()]) == (
        (),
        [(39, 4)],
    )


@pytest.mark.parametrize(
    "layout", [{"scattered": True}, {"short": True}, {"short": True, "scattered": True}]
)
@pytest.mark.parametrize("stream", ["Workbook", "Book"])
def test_a_stray_cell_is_found_however_an_old_workbook_lies_in_its_file(
    tmp_path: Path, layout: dict[str, bool], stream: str
) -> None:
    lies = xls.extent(0xFFFFFFFF, 0xFFFF) + xls.cells(
        {**xls.table(20, 4), (65535, 65535): "x"}
    )
    table = opened(
        tmp_path, "a.xls", xls.compound(xls.book(xls.sheet(lies)), stream, **layout)
    )
    assert [(note.code, note.detail) for note in table.notes] == [
        ("far-cells", {"cells": 1})
    ]
    assert [batch.frame.shape for batch in table.batches()] == [(19, 5)]


def test_a_refused_old_workbook_names_the_limit(tmp_path: Path) -> None:
    with pytest.raises(BadFile) as refused:
        opened(tmp_path, "a.xls", hostile.FILES["two-cells.xls"]())
    limit = LIMITED.limits.memory_mb * 2**20 // 64
    assert (refused.value.code, str(limit) in refused.value.en) == ("too-large", True)
