"""Far cells of old binary workbooks (XLS): judged by the records in the file before a
reader makes a grid of them.
"""

from __future__ import annotations

import mmap
import shutil
import struct
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from portal.reading import compound, stray
from portal.reading.options import ReadOptions
from portal.reading.refusals import refuse
from portal.reading.scratch import Scratch

STREAMS = ("Workbook", "Book")
END, SHEET, ENCRYPTED, EXTENT = 0x000A, 0x0085, 0x002F, 0x0200
BLANK = struct.pack("<H", 0x0201)
"""The kind of record that readers pass by: a record that becomes one is as good as
removed, and nothing moves.
"""
FORMULA, RESULT, SEVERAL = 0x0006, 0x0207, 0x00BD
"""A formula, its text where it is one, and several numbers side by side."""
CELLS = frozenset({FORMULA, SEVERAL, 0x0203, 0x0204, 0x0205, 0x00D6, 0x00FD, 0x027E})
"""Kinds of records that hold a cell (or several) which is not blank."""
FREE_CELLS = 1_000_000
"""Cells that a sheet may claim beyond those that it has before its claim is removed:
sheets often claim a few more.
"""
MOST_SHEETS = 4_096


@dataclass(slots=True)
class _Sheet:
    """Where the records of one sheet begin, and how far its cells reach; all counted
    from one.
    """

    at: int
    rows: int = 0
    columns: int = 0
    formula_rows: int = 0
    formula_columns: int = 0
    claims: list[tuple[int, int]] = field(default_factory=list)
    """Records that say how large the sheet is: where they stand, and how many cells
    they make a reader ask for.
    """

    def area(self) -> int:
        """Cells of the grids that a reader makes: one of values, another of
        formulas.
        """
        return self.rows * self.columns + self.formula_rows * self.formula_columns


def without_far_cells(
    path: Path, name: str, options: ReadOptions
) -> tuple[Scratch | None, dict[str, int]]:
    """A workbook whose sheets reach no farther than their tables, and how many cells
    each ("0", "1" …) lost.

    No copy is made where nothing is far and no sheet claims much more than it has. A
    reader makes the grids of all sheets at once, so they are judged together. Raises
    BadFile("too-large" | "damaged").
    """
    with (
        path.open("rb") as file,
        mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped,
    ):
        view = memoryview(mapped)
        try:
            stream = compound.find(view, *STREAMS)
        except compound.Malformed as problem:
            raise refuse(
                "damaged", name=name, claimed="XLS", why=str(problem)
            ) from None
        finally:
            # A mapping that is still looked into cannot be closed.
            view.release()
    sheets = _sheets(stream.content, name, options) if stream else []
    if stream is None or not sheets:
        return None, {}
    counts: dict[str, int] = {}
    removed = [
        at
        for sheet in sheets
        for at, cells in sheet.claims
        if cells > sheet.area() + FREE_CELLS
    ]
    if _too_large(sheets, options):
        for number, sheet in enumerate(sheets):
            far, counts[str(number)] = _far(stream.content, sheet)
            removed += far
        if sum(sheet.area() for sheet in sheets) > stray.most_cells(options):
            raise refuse(
                "too-large", name=name, what="cells", limit=stray.most_cells(options)
            )
    if not removed:
        return None, {}
    return _copy(path, stream, removed, options), counts


def _too_large(sheets: list[_Sheet], options: ReadOptions) -> bool:
    wide = any(sheet.columns > options.max_columns for sheet in sheets)
    return wide or sum(sheet.area() for sheet in sheets) > stray.most_cells(options)


def _sheets(content: bytes, name: str, options: ReadOptions) -> list[_Sheet]:
    """All sheets of a workbook and how far they reach; none where the workbook is
    encrypted.
    """
    sheets: list[_Sheet] = []
    for kind, at, length in _records(content, 0):
        if kind == ENCRYPTED:
            return []
        if kind == SHEET and length >= 4:
            if len(sheets) == MOST_SHEETS:
                raise refuse("too-large", name=name, what="sheets", limit=MOST_SHEETS)
            sheets.append(_Sheet(struct.unpack_from("<I", content, at)[0]))
    for sheet in sheets:
        _measure(content, sheet)
    return sheets


def _measure(content: bytes, sheet: _Sheet) -> None:
    """Note how far the cells of a sheet reach and what it claims."""
    for kind, at, length in _records(content, sheet.at):
        if kind == EXTENT:
            sheet.claims.append((at - 4, _claimed(content, at, length)))
        elif kind in CELLS and length >= 4:
            row, _, last = _place(content, kind, at, length)
            sheet.rows, sheet.columns = max(sheet.rows, row), max(sheet.columns, last)
            if kind == FORMULA:
                sheet.formula_rows, sheet.formula_columns = (
                    max(sheet.formula_rows, row),
                    max(sheet.formula_columns, last),
                )


def _claimed(content: bytes, at: int, length: int) -> int:
    """How many cells a reader makes room for; a claim that ends before it begins is one
    without bound.
    """
    if length < 14:
        first, last, left, right = (
            struct.unpack_from("<HHHH", content, at) if length >= 8 else (0, 0, 0, 0)
        )
    else:
        first, last, left, right = struct.unpack_from("<IIHH", content, at)
    rows, columns = int(last - first), int(right - left)
    if rows < 0 or columns < 0:
        return 1 << 64 if last and right else 0
    return rows * columns


def _far(content: bytes, sheet: _Sheet) -> tuple[list[int], int]:
    """The records beyond the table of a sheet, and how many cells they hold; the sheet
    then reaches no farther.
    """
    by_row: Counter[int] = Counter()
    for row, first, last, _ in _filled(content, sheet):
        by_row[row] += last - first + 1
    last_row = stray.end(by_row, stray.GAP_ROWS)
    by_column: Counter[int] = Counter()
    for row, first, last, _ in _filled(content, sheet):
        if row <= last_row:
            by_column.update(range(first, last + 1))
    last_column = stray.end(by_column, stray.GAP_COLUMNS)
    places, cells = [], 0
    for row, first, last, at in _filled(content, sheet):
        if row > last_row or first > last_column:
            places += [at, *_result_of(content, at)]
            cells += last - first + 1
    sheet.rows, sheet.columns = last_row, last_column
    sheet.formula_rows, sheet.formula_columns = (
        min(sheet.formula_rows, last_row),
        min(sheet.formula_columns, last_column),
    )
    return places, cells


def _filled(content: bytes, sheet: _Sheet) -> Iterator[tuple[int, int, int, int]]:
    """Row, first and last column of each record with cells, and where the record
    begins.
    """
    for kind, at, length in _records(content, sheet.at):
        if kind in CELLS and length >= 4:
            yield *_place(content, kind, at, length), at - 4


def _place(content: bytes, kind: int, at: int, length: int) -> tuple[int, int, int]:
    """Row, first and last column of a record with cells, counted from one."""
    row, column = struct.unpack_from("<HH", content, at)
    last = (
        struct.unpack_from("<H", content, at + length - 2)[0]
        if kind == SEVERAL
        else column
    )
    return row + 1, column + 1, max(column, last) + 1


def _result_of(content: bytes, at: int) -> Iterator[int]:
    """Where the text of the formula at a place begins, if it has one: readers put it
    where the last formula stood.
    """
    if struct.unpack_from("<H", content, at)[0] != FORMULA:
        return
    for kind, start, _ in _records(
        content, at + 4 + struct.unpack_from("<H", content, at + 2)[0]
    ):
        if kind == RESULT:
            yield start - 4
        if kind in CELLS or kind == RESULT:
            return


def _records(content: bytes, start: int) -> Iterator[tuple[int, int, int]]:
    """Kind, place and length of the records from a place on, up to the one that ends
    them.
    """
    unpack, whole = struct.Struct("<HH").unpack_from, len(content)
    while start + 4 <= whole:
        kind, length = unpack(content, start)
        start += 4
        if kind == END or start + length > whole:
            return
        yield kind, start, length
        start += length


def _copy(
    path: Path, stream: compound.Stream, removed: list[int], options: ReadOptions
) -> Scratch:
    """The same file, its records at these places turned into blank ones."""
    owner = Scratch(options.folder)
    shutil.copyfile(path, owner.path)
    with owner.path.open("r+b") as copy:
        for at in removed:
            # Byte by byte: two of one record may lie in different sectors.
            for offset, value in enumerate(BLANK):
                copy.seek(stream.place(at + offset))
                copy.write(bytes([value]))
    return owner
