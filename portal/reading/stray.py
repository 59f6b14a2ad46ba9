"""Cells that stand far away from a table: found before any grid is made for them, and
left out with a note.
"""

from __future__ import annotations

import re
import shutil
import zipfile
from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import IO

from portal.reading.options import ReadOptions
from portal.reading.refusals import refuse
from portal.reading.scratch import Scratch
from schemas.units import BYTES_PER_MB

GAP_ROWS, GAP_COLUMNS = 1_000, 100
"""Blank rows or columns between a table and what is no part of it."""
FEW, SHARE = 10, 0.01
"""Beyond the gap stand so many cells at most, or this share of those before it; else
they are a table too.
"""
CELL_BYTES = 32
"""What a native reader takes for each cell of a sheet's used range, blank or not."""
BLOCK = 4 * BYTES_PER_MB
SHEETS = re.compile(r"(?:.*/)?worksheets/[^/]+\.xml", re.IGNORECASE)
_ROW = re.compile(rb"""<(?:\w+:)?row\s[^>]*?\br=["'](\d{1,7})["']""")
_FAR = re.compile(rb"""\sr=["'](?:([A-Z]{2,3})(\d{1,7})|[A-Z](\d{7}))["']""")
_CELL = re.compile(
    rb"""<((?:\w+:)?c)\s[^>]*?\br=["']([A-Z]{1,3})(\d{1,7})["'][^>]*?(?:/>|>(.*?)</\1>)""",
    re.DOTALL,
)


def end(filled: Mapping[int, int], gap: int) -> int:
    """Where a table ends: the last row (or column) before a gap beyond which only few
    cells stand.

    `filled` says how many cells of each row (or column) are not blank.
    """
    places = sorted(number for number, count in filled.items() if count)
    total, before = sum(filled.values()), 0
    for here, following in pairwise(places):
        before += filled[here]
        beyond = total - before
        if (
            following - here > gap
            and beyond < before
            and beyond <= max(FEW, SHARE * before)
        ):
            return here
    return places[-1] if places else 0


def most_cells(options: ReadOptions) -> int:
    """Rows × columns that a sheet's used range may have: a grid of them takes half of
    the memory.
    """
    return min(
        options.max_cells, options.limits.memory_mb * BYTES_PER_MB // (2 * CELL_BYTES)
    )


def without_far_cells(
    path: Path, name: str, options: ReadOptions
) -> tuple[Scratch | None, dict[str, int]]:
    """A workbook (XLSX) whose sheets reach no farther than their tables, and how many
    cells each lost.

    No copy is made where nothing is far. Raises BadFile("too-large") when a table
    itself has more cells than the limit.
    """
    with zipfile.ZipFile(path) as book:
        sheets = [
            member.filename
            for member in book.infolist()
            if SHEETS.fullmatch(member.filename)
        ]
        far = {
            member: ends
            for member in sheets
            if (ends := _ends(book, member, name, options)) is not None
        }
        if not far:
            return None, {}
        owner, counts = Scratch(options.folder), {}
        with zipfile.ZipFile(
            owner.path, "w", zipfile.ZIP_DEFLATED, compresslevel=1
        ) as copy:
            for member in book.infolist():
                with (
                    book.open(member) as source,
                    copy.open(member.filename, "w") as target,
                ):
                    if member.filename in far:
                        counts[member.filename] = _copy_near(
                            source, target, *far[member.filename]
                        )
                    else:
                        shutil.copyfileobj(source, target, BLOCK)
    return owner, counts


def _ends(
    book: zipfile.ZipFile, member: str, name: str, options: ReadOptions
) -> tuple[int, int] | None:
    """Last row and column of the table in a sheet that reaches too far; None for a
    sheet that can be read as it is.
    """
    with book.open(member) as source:
        rows, columns = _reach(source)
    if rows * columns <= most_cells(options) and columns <= options.max_columns:
        return None
    with book.open(member) as source:
        by_row = Counter(row for row, _ in _filled(source))
    last_row = end(by_row, GAP_ROWS)
    # A pass of its own: cells in rows that are left out must not widen the table.
    with book.open(member) as source:
        by_column = Counter(
            column for row, column in _filled(source) if row <= last_row
        )
    last_column = end(by_column, GAP_COLUMNS)
    if last_row * last_column > most_cells(options):
        raise refuse("too-large", name=name, what="cells", limit=most_cells(options))
    return last_row, last_column


def _reach(source: IO[bytes]) -> tuple[int, int]:
    """At least how far the cells of a sheet reach, from the numbers that are far; blank
    cells count.
    """
    # Single letters are not looked for: 26 columns are never too many.
    rows, columns = 1, 26
    for block in _blocks(source, b"<"):
        rows = max([rows, *map(int, _ROW.findall(block))])
        for letters, row, late in set(_FAR.findall(block)):
            rows = max(rows, int(row or late))
            columns = max(columns, _number(letters)) if letters else columns
    return rows, columns


def _filled(source: IO[bytes]) -> Iterator[tuple[int, int]]:
    """Row and column of each cell that holds something."""
    for block in _blocks(source, b"</row>"):
        for _, letters, row, inside in _CELL.findall(block):
            if inside:
                yield int(row), _number(letters)


def _copy_near(
    source: IO[bytes], target: IO[bytes], last_row: int, last_column: int
) -> int:
    """Copy a sheet without the cells beyond its table; how many of them were not
    blank.
    """
    left_out = 0

    def near(cell: re.Match[bytes]) -> bytes:
        nonlocal left_out
        if int(cell[3]) <= last_row and _number(cell[2]) <= last_column:
            return cell[0]
        left_out += bool(cell[4])
        return b""

    for block in _blocks(source, b"</row>"):
        target.write(_CELL.sub(near, block))
    return left_out


def _blocks(source: IO[bytes], mark: bytes) -> Iterator[bytes]:
    """Blocks that begin at a mark, so that no tag or row is cut in two; the file's end
    may be longer.
    """
    rest = b""
    while block := source.read(BLOCK):
        block = rest + block
        cut = max(block.rfind(mark), 0)
        yield block[:cut]
        rest = block[cut:]
    yield rest


def _number(letters: bytes) -> int:
    """1 for A, 27 for AA."""
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number
