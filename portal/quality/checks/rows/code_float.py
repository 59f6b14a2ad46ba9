"""Codes that became numbers on their way, and end in ".0"."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from portal.quality.checks.code_columns import code_columns
from portal.quality.checks.declared import Batch, Example, RowCheck, RowFinding, View
from portal.quality.findings.messages import Message
from portal.quality.frictionless.engine import Column
from schemas.texttable import ROW

FLOAT = r"^[0-9]+\.0$"


class Floats:
    """Counts such codes, by column."""

    def __init__(self, columns: dict[int, Column]) -> None:
        self._columns = columns
        self._seen: dict[int, tuple[int, int]] = {}
        """How many there are, and the row of the first."""

    def batch(self, rows: Batch) -> Iterator[RowFinding]:
        """Count those that the column does not accept."""
        for index, column in self._columns.items():
            name, doubtful = str(index), rows.flags[str(index)]
            if not doubtful.any():
                continue
            floats = rows.frame.filter(doubtful & pl.col(name).str.contains(FLOAT))
            # A code may end in ".0" by its pattern. Each different text is judged once.
            bad = [text for text in floats[name].unique() if not column.accepts(text)]
            numbers = floats.filter(pl.col(name).is_in(bad))[ROW]
            if len(numbers):
                # Batches come in the order of the file, so that the first one stays.
                times, first = self._seen.get(index, (0, int(numbers[0])))
                self._seen[index] = (times + len(numbers), first)
        yield from ()

    def finish(self) -> Iterator[RowFinding]:
        """Tell each column once."""
        for index, (times, row) in self._seen.items():
            column = self._columns[index]
            detail = {"times": times}
            yield RowFinding(row, 0, column.name, column.title, detail=detail)


def watch(view: View) -> Floats | None:
    """Only columns of codes are looked at."""
    columns = code_columns(view.rules)
    return Floats(columns) if columns else None


CHECK = RowCheck(
    id="code-float",
    severity="warning",
    message=Message(
        "Cột mã “{field}” có {times} giá trị đuôi “.0” (đầu tiên ở dòng "
        "{row}): mã đã bị đổi thành số.",
        "The code column '{field}' has {times} values ending in '.0' (first in "
        "row {row}): codes became numbers.",
        "Định dạng cột là văn bản (Text) trước khi xuất.",
        "Format the column as text before exporting.",
    ),
    watch=watch,
    examples=(
        Example(
            fields={"ma": {"type": "string", "constraints": {"pattern": "^[0-9]{5}$"}}},
            right="14755\n14758\n",
            wrong="14755\n14755.0\n14759.0\n",
            rows=(3,),
        ),
    ),
)
