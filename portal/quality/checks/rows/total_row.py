"""Rows that sum others up, and are no records."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from portal.quality.checks.declared import Batch, Example, RowCheck, RowFinding, View
from portal.quality.findings.messages import Message
from portal.reading import totals
from schemas.texttable import ROW

WORDS = "Tổng cộng"


class Totals:
    """Looks for the words of a total in the first columns."""

    def __init__(self, view: View) -> None:
        columns = view.rules.columns
        first = range(min(len(view.table.labels), totals.COLUMNS))
        self._is_free = {
            index: index >= len(columns) or columns[index].accepts(WORDS)
            for index in first
        }
        """Columns by position, and whether the words are good values there."""

    def batch(self, rows: Batch) -> Iterator[RowFinding]:
        """Tell every such row once."""
        # A row may have the words in two columns.
        found: set[int] = set()
        for index, is_free in self._is_free.items():
            name, frame = str(index), rows.frame
            if not is_free:
                # Where the words are an error, only doubtful cells can hold them.
                doubtful = rows.flags[name]
                if not doubtful.any():
                    continue
                frame = frame.filter(doubtful)
            summing = frame.filter(pl.col(name).str.contains(totals.PATTERN))
            found.update(summing[ROW].to_list())
        for row in sorted(found):
            yield RowFinding(row, rows.part)

    def finish(self) -> Iterator[RowFinding]:
        """Nothing more."""
        yield from ()


def watch(view: View) -> Totals:
    """Every table is looked at."""
    return Totals(view)


CHECK = RowCheck(
    id="total-row",
    severity="warning",
    message=Message(
        "Dòng {row} là dòng tổng cộng, không phải bản ghi.",
        "Row {row} is a total, not a record.",
        "Xóa các dòng tổng khỏi dữ liệu.",
        "Remove total rows from the data.",
    ),
    watch=watch,
    examples=(
        Example(
            fields={"a": "string", "b": "integer"},
            right="x,1\ny,2\n",
            wrong="x,1\nTổng cộng,3\n",
            rows=(3,),
        ),
    ),
)
