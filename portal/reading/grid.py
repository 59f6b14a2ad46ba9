"""Tables that are read whole as columns of text (spreadsheets, JSON): header, trimming and batches."""

from __future__ import annotations

import re
from collections.abc import Iterator

import polars as pl

from portal.reading import header
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
    columns: list[pl.Series], name: str, options: ReadOptions, notes: tuple[ReadNote, ...] = (), *, titled: bool = True
) -> TextTable:
    """The table of columns of texts of equal length. `titled` tables may have title rows above their header.

    Raises BadFile("empty" | "no-header" | "too-large").
    """
    frame = _trim(columns)
    if not frame.width:
        raise refuse("empty", name=name)
    if frame.height > options.max_rows:
        raise refuse("too-large", name=name, what="rows", limit=options.max_rows)
    if frame.width > options.max_columns:
        raise refuse("too-large", name=name, what="columns", limit=options.max_columns)
    top = frame.head(header.LOOK + 1).rows()
    found, odd = header.find(top) if titled else (0, ())
    if found < 0:
        raise refuse("no-header", name=name)
    body, first = frame[found + 1 :], found + 2

    def batches() -> Iterator[TextBatch]:
        for start in range(0, body.height, options.batch_rows):
            part = body[start : start + options.batch_rows]
            numbers = pl.int_range(first + start, first + start + part.height, dtype=pl.Int64, eager=True)
            yield TextBatch(part.with_columns(numbers.alias(ROW)))

    return TextTable(tuple(top[found]), batches, name, (*notes, *odd, *_damage(frame)))


def _trim(columns: list[pl.Series]) -> pl.DataFrame:
    """Without the blank columns on the right and the blank rows at the end, which styled sheets are full of."""
    ends = [_end(column) for column in columns]
    width = max((index for index, end in enumerate(ends, 1) if end), default=0)
    return pl.DataFrame([column.alias(str(index)).head(max(ends)) for index, column in enumerate(columns[:width])])


def _end(column: pl.Series) -> int:
    """How many cells there are up to the last that is not blank."""
    filled = (column != "").arg_true()
    return int(filled[-1]) + 1 if len(filled) else 0


def is_plain(column: pl.Series) -> bool:
    """Whether all cells are ASCII."""
    return bool((column.str.len_bytes() == column.str.len_chars()).all())


def _damage(frame: pl.DataFrame) -> tuple[ReadNote, ...]:
    beyond = [name for name in frame.columns if not is_plain(frame[name])]
    return tuple(
        ReadNote(code, {"lines": len(lines), "first": ", ".join(map(str, lines[:5]))}, row=lines[0])
        for code, pattern in DAMAGE.items()
        if (lines := _lines(frame, frame.columns if code == "nul-bytes" else beyond, pattern))
    )


def _lines(frame: pl.DataFrame, names: list[str], pattern: str) -> list[int]:
    """Numbers of the rows where a cell matches, the first row being 1."""
    if not names:
        return []
    literal = len(pattern) == 1
    hits = pl.any_horizontal(pl.col(name).str.contains(pattern, literal=literal) for name in names)
    return [number + 1 for number in frame.select(hits.arg_true()).to_series().to_list()]
