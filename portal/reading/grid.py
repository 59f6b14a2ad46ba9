"""Tables that are read whole as columns of text (spreadsheets, JSON): header, trimming
and batches.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import polars as pl

from portal.reading import header, stray
from portal.reading.encoding import MOJIBAKE
from portal.reading.options import ReadOptions
from portal.reading.refusals import refuse
from schemas.texttable import ROW, ReadNote, TextBatch, TextTable

DAMAGE = {
    "replacement-character": "\ufffd",
    "mojibake": "|".join(map(re.escape, MOJIBAKE)),
    "nul-bytes": "\0",
}
"""What damaged text holds, as patterns."""


def table(
    columns: list[pl.Series],
    name: str,
    options: ReadOptions,
    notes: tuple[ReadNote, ...] = (),
    *,
    titled: bool = True,
) -> TextTable:
    """The table of columns of texts of equal length. `titled` tables may have title
    rows above their header.

    Raises BadFile("empty" | "no-header" | "too-large").
    """
    # A table without titles comes from JSON, where no cell stands by accident.
    if titled:
        columns, left_out = _without_stray(columns, name, options.max_columns)
        if left_out:
            notes = (*notes, ReadNote("far-cells", {"cells": left_out}))
    frame = _trim(columns)
    if not frame.width:
        raise refuse("empty", name=name)
    if frame.height > options.max_rows:
        raise refuse("too-large", name=name, what="rows", limit=options.max_rows)
    if frame.width > options.max_columns:
        raise refuse("too-large", name=name, what="columns", limit=options.max_columns)
    top = frame.head(header.LOOK + 1).rows()
    header_row, odd = header.find(top) if titled else (0, ())
    if header_row < 0:
        raise refuse("no-header", name=name)
    body = frame[header_row + 1 :]
    # Rows are counted from 1, as spreadsheets do.
    first = header_row + 2

    def batches() -> Iterator[TextBatch]:
        for start in range(0, body.height, options.batch_rows):
            part = body[start : start + options.batch_rows]
            number = first + start
            numbers = pl.int_range(
                number, number + part.height, dtype=pl.Int64, eager=True
            )
            yield TextBatch(part.with_columns(numbers.alias(ROW)))

    labels = tuple(top[header_row])
    return TextTable(labels, batches, name, (*notes, *odd, *_damage(frame)))


def _without_stray(
    columns: list[pl.Series], name: str, most: int
) -> tuple[list[pl.Series], int]:
    """The columns without the few cells that stand far below or beside the table, and
    how many those are.
    """
    filled = [column != "" for column in columns]
    counts = _counts(filled)
    width = stray.end(dict(enumerate(counts, 1)), stray.GAP_COLUMNS)
    if width > most:
        raise refuse("too-large", name=name, what="columns", limit=most)
    by_row = _gaps(filled[:width])
    if by_row:
        last = stray.end(by_row, stray.GAP_ROWS)
        columns = [column.head(last) for column in columns]
        filled = [mask.head(last) for mask in filled]
        # What stood far below may have been all that there was in the columns on the
        # right.
        in_rows = _counts(filled[:width])
        width = stray.end(dict(enumerate(in_rows, 1)), stray.GAP_COLUMNS)
    remaining = sum(_counts(filled[:width]))
    return columns[:width], sum(counts) - remaining


def _counts(filled: list[pl.Series]) -> list[int]:
    """How many cells of each column are filled."""
    return [int(mask.sum()) for mask in filled]


def _gaps(filled: list[pl.Series]) -> dict[int, int]:
    """How many cells of each row are filled, where rows have a gap between them at all;
    else nothing.
    """
    if not filled:
        return {}
    masks = pl.DataFrame([mask.alias(str(index)) for index, mask in enumerate(filled)])
    is_filled_row = masks.select(pl.any_horizontal(pl.all())).to_series()
    places = is_filled_row.arg_true()
    # Hardly any sheet has such a gap, and counting every row costs a pass over it.
    if len(places) < 2 or not (places.diff() > stray.GAP_ROWS).any():
        return {}
    cells_in_row = pl.sum_horizontal(pl.all().cast(pl.Int32))
    counts = masks[places].select(cells_in_row).to_series()
    return dict(zip((places + 1).to_list(), counts.to_list(), strict=True))


def _trim(columns: list[pl.Series]) -> pl.DataFrame:
    """Without the blank columns on the right and the blank rows at the end, which
    styled sheets are full of.
    """
    ends = [_end(column) for column in columns]
    width = max((index for index, end in enumerate(ends, 1) if end), default=0)
    height = max(ends, default=0)
    trimmed = [
        column.alias(str(index)).head(height)
        for index, column in enumerate(columns[:width])
    ]
    return pl.DataFrame(trimmed)


def _end(column: pl.Series) -> int:
    """How many cells there are up to the last that is not blank."""
    filled = (column != "").arg_true()
    return int(filled[-1]) + 1 if len(filled) else 0


def is_ascii(column: pl.Series) -> bool:
    """Whether all cells are ASCII."""
    return bool((column.str.len_bytes() == column.str.len_chars()).all())


def _damage(frame: pl.DataFrame) -> tuple[ReadNote, ...]:
    """A note for each kind of damage, with the first rows that have it."""
    not_ascii = [name for name in frame.columns if not is_ascii(frame[name])]
    notes = []
    for code, pattern in DAMAGE.items():
        # Only the zero byte is ASCII: most columns need not be searched for the rest.
        names = frame.columns if code == "nul-bytes" else not_ascii
        lines = _lines(frame, names, pattern)
        if lines:
            first = ", ".join(map(str, lines[:5]))
            values: dict[str, str | int] = {"lines": len(lines), "first": first}
            notes.append(ReadNote(code, values, row=lines[0]))
    return tuple(notes)


def _lines(frame: pl.DataFrame, names: list[str], pattern: str) -> list[int]:
    """Numbers of the rows where a cell matches, the first row being 1."""
    if not names:
        return []
    literal = len(pattern) == 1
    hits = pl.any_horizontal(
        pl.col(name).str.contains(pattern, literal=literal) for name in names
    )
    places = frame.select(hits.arg_true()).to_series()
    return [place + 1 for place in places.to_list()]
