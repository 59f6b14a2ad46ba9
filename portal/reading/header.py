"""Where the header of a table stands: titles above it, merged header cells, and header
rows that are declared.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from schemas.texttable import ReadNote

LOOK = 60
"""How many of the first rows are looked at."""
ENOUGH = 0.6
"""A header fills at least this share of the columns that rows usually fill."""


def find(rows: Sequence[Sequence[str]]) -> tuple[int, tuple[ReadNote, ...]]:
    """Index of the header among the first rows, and what is odd about it; -1 where
    there is none.
    """
    sample = rows[:LOOK]
    filled = [sum(1 for cell in row if cell.strip()) for row in sample]
    if not any(filled):
        return -1, ()
    usual = median(count for count in filled if count)
    index = 0
    # Only a single cell can be a title; a wider first row is believed to be the header.
    if filled[0] < 2 <= usual:
        index = next(
            (i for i, count in enumerate(filled) if count >= max(2, ENOUGH * usual)), 0
        )
    above = (ReadNote("title-rows", {"rows": index}, row=index + 1),) if index else ()
    return index, above + _merged(rows, index)


def _merged(rows: Sequence[Sequence[str]], index: int) -> tuple[ReadNote, ...]:
    """A note where the row below fills gaps of the header with words: one header over
    two rows.
    """
    if index + 1 >= len(rows):
        return ()
    top, below = rows[index], rows[index + 1]
    gaps = [
        i
        for i, cell in enumerate(top)
        if not cell.strip() and any(c.strip() for c in top[:i])
    ]
    words = [
        i
        for i in gaps
        if i < len(below) and below[i].strip() and not _is_number(below[i])
    ]
    # A row with a number is data, not the second half of a header.
    if not words or any(_is_number(cell) for cell in below):
        return ()
    return (
        ReadNote(
            "merged-header", {"columns": len(gaps), "below": index + 2}, row=index + 1
        ),
    )


def _is_number(cell: str) -> bool:
    return cell.strip().replace(".", "").replace(",", "").lstrip("+-").isdigit()


def join(rows: Sequence[Sequence[str]], separator: str) -> list[str]:
    """One label for each column out of several header rows; a cell that repeats the one
    above adds nothing.
    """
    labels: list[str] = []
    above: dict[int, str] = {}
    for row in rows:
        for index, cell in enumerate(cell.strip() for cell in row):
            if above.get(index) == cell:
                continue
            above[index] = cell
            if len(labels) <= index:
                labels.append(cell)
            else:
                labels[index] = separator.join([labels[index], cell])
    return labels
