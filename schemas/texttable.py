"""TextTable: a table exactly as its file writes it, every cell a text, in batches."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import polars as pl

ROW = "_row"
"""Name of the column of a batch that holds the source row number."""


@dataclass(frozen=True, slots=True)
class ReadNote:
    """Something found or repaired while a file was read; `code` names it, `detail`
    fills its message.

    `row` is the source row number it stands in, where it stands in one.
    """

    code: str
    detail: dict[str, str | int] = field(default_factory=dict)
    row: int | None = None


@dataclass(frozen=True, slots=True)
class RaggedRow:
    """A row whose number of cells differs from the number of labels; kept whole,
    outside the frame.
    """

    number: int
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TextBatch:
    """Consecutive rows of one table.

    `frame` has the String columns "0", "1", … (one for each label, in order; an empty
    cell is "") and the Int64 column `_row`: the row's number in the source, counted as
    Frictionless counts (the header is row 1, blank rows count). `ragged` rows are not
    in `frame`. `part` names the file that the rows stand in, where a table is made of
    several; row numbers count within it.
    """

    frame: pl.DataFrame
    ragged: tuple[RaggedRow, ...] = ()
    part: str = ""


@dataclass(frozen=True, slots=True)
class TextTable:
    """A table of text that can be walked through more than once without holding it
    whole.

    `labels` are the header cells as written (duplicates and blanks included).
    `batches()` yields batches in order and may be called again. `notes` says what
    reading found and repaired.
    """

    labels: tuple[str, ...]
    batches: Callable[[], Iterator[TextBatch]]
    name: str = ""
    notes: tuple[ReadNote, ...] = ()
