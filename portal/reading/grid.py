"""Tables that are read whole into rows of text (spreadsheets, JSON): header, trimming and batches."""

from __future__ import annotations

from collections.abc import Iterator

from portal.reading import header
from portal.reading.csvtext import batch_of
from portal.reading.encoding import MOJIBAKE
from portal.reading.options import ReadOptions
from portal.reading.refusals import refuse
from schemas.texttable import ReadNote, TextBatch, TextTable


def table(
    rows: list[list[str]], name: str, options: ReadOptions, notes: tuple[ReadNote, ...] = (), *, titled: bool = True
) -> TextTable:
    """The table of rows of equal length. `titled` tables may have title rows above their header.

    Raises BadFile("empty" | "no-header" | "too-large").
    """
    trimmed = _trim(rows)
    if not trimmed:
        raise refuse("empty", name=name)
    width = len(trimmed[0])
    if len(trimmed) > options.max_rows:
        raise refuse("too-large", name=name, what="rows", limit=options.max_rows)
    if width > options.max_columns:
        raise refuse("too-large", name=name, what="columns", limit=options.max_columns)
    found, odd = header.find(trimmed) if titled else (0, ())
    if found < 0:
        raise refuse("no-header", name=name)
    body, first = trimmed[found + 1 :], found + 2

    def batches() -> Iterator[TextBatch]:
        for start in range(0, len(body), options.batch_rows):
            part = body[start : start + options.batch_rows]
            yield batch_of(list(enumerate(part, first + start)), width)

    return TextTable(tuple(trimmed[found]), batches, name, (*notes, *odd, *_damage(trimmed)))


def _trim(rows: list[list[str]]) -> list[list[str]]:
    """Without the blank columns on the right and the blank rows at the end, which styled sheets are full of."""
    last = max((i for i, row in enumerate(rows) if any(row)), default=-1)
    kept = rows[: last + 1]
    width = max((_filled(row) for row in kept), default=0)
    return [[*row[:width], *[""] * (width - len(row))] for row in kept]


def _filled(row: list[str]) -> int:
    return next((i for i in range(len(row), 0, -1) if row[i - 1]), 0)


def _damage(rows: list[list[str]]) -> tuple[ReadNote, ...]:
    found: dict[str, list[int]] = {}
    for number, row in enumerate(rows, 1):
        text = "\n".join(row)
        if text.isascii() and "\0" not in text:
            continue
        if "\ufffd" in text:
            found.setdefault("replacement-character", []).append(number)
        if any(mark in text for mark in MOJIBAKE):
            found.setdefault("mojibake", []).append(number)
        if "\0" in text:
            found.setdefault("nul-bytes", []).append(number)
    return tuple(
        ReadNote(code, {"lines": len(lines), "first": ", ".join(map(str, lines[:5]))}, row=lines[0])
        for code, lines in found.items()
    )
