"""Total rows ("Tổng cộng") among the rows of a table: how to tell them, and the table
without them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import polars as pl

from schemas.texttable import ROW, ReadNote, TextBatch, TextTable

WORDS = r"(?i:tổng cộng|tổng số|tổng|cộng)\s*[:.]?"
PATTERN = rf"^\s*{WORDS}\s*$"
COLUMNS = 3
"""The words stand in one of the first columns: number, name, or code."""
NOTED = 20


def is_total(width: int) -> pl.Expr:
    """True where a row of a table of that many columns is a total."""
    return pl.any_horizontal(
        pl.col(str(index)).str.contains(PATTERN) for index in range(min(width, COLUMNS))
    )


def dropped(table: TextTable) -> TextTable:
    """The table without its total rows, with a "total-row" note for each of the first
    of them.
    """
    found = is_total(len(table.labels))
    # A pass of its own, as notes are told before the first row.
    rows = [
        row
        for batch in table.batches()
        for row in batch.frame.filter(found)[ROW].to_list()
    ]
    if not rows:
        return table
    notes = tuple(
        ReadNote("total-row", {"rows": len(rows), "dropped": 1}, row=row)
        for row in rows[:NOTED]
    )

    def kept() -> Iterator[TextBatch]:
        for batch in table.batches():
            yield replace(batch, frame=batch.frame.filter(~found))

    return replace(table, batches=kept, notes=table.notes + notes)
