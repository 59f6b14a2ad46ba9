"""Codes of digits that are shorter than the others: first zeros may be lost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import numpy as np
import polars as pl

from portal.quality import deadline
from portal.quality.checks.code_columns import code_columns
from portal.quality.checks.declared import Batch, Example, RowCheck, RowFinding, View
from portal.quality.findings.messages import Message
from portal.quality.frictionless.engine import Column
from schemas.texttable import ROW

LONGEST = 255
"""Bytes; no code is as long."""
DIGITS = "^[0-9]+$"
LENGTH, TIMES, FIRST = "_length", "_times", "_first"


class Lengths:
    """Counts how long codes are, all of them and those that are not accepted."""

    def __init__(self, columns: dict[int, Column]) -> None:
        self._columns = columns
        self._all: dict[int, Counter[int]] = {index: Counter() for index in columns}
        self._wrong: dict[int, dict[int, tuple[int, int]]] = {
            index: {} for index in columns
        }
        """By length: how many there are, and the row of the first."""

    def batch(self, rows: Batch) -> Iterator[RowFinding]:
        """Count; what is usual is known when the table ends."""
        for index, column in self._columns.items():
            deadline.check()
            cells, doubtful = rows.frame[str(index)], rows.flags[str(index)]
            self._all[index].update(_lengths(cells))
            if doubtful.any():
                self._count_wrong(index, column, rows.frame.filter(doubtful))
        yield from ()

    def _count_wrong(self, index: int, column: Column, doubtful: pl.DataFrame) -> None:
        """Count the texts of digits that the column refuses, by their length."""
        name, wrong = str(index), self._wrong[index]
        digits = doubtful.filter(pl.col(name).str.contains(DIGITS))
        bad = [text for text in digits[name].unique() if not column.accepts(text)]
        length = pl.col(name).str.len_chars().alias(LENGTH)
        by_length = digits.filter(pl.col(name).is_in(bad)).group_by(
            length, maintain_order=True
        )
        counted = by_length.agg(pl.len().alias(TIMES), pl.col(ROW).first().alias(FIRST))
        for size, more, row in counted.select(LENGTH, TIMES, FIRST).iter_rows():
            times, first = wrong.get(size, (0, row))
            wrong[size] = (times + more, first)

    def finish(self) -> Iterator[RowFinding]:
        """Tell each column once that has codes shorter than most."""
        for index, wrong in self._wrong.items():
            lengths, column = self._all[index], self._columns[index]
            # Of two lengths that are as frequent the longer one counts: zeros get lost,
            # not added.
            usual = max(lengths, key=lambda size: (lengths[size], size), default=0)
            short = [counted for size, counted in wrong.items() if size < usual]
            if short:
                detail = {"times": sum(times for times, _ in short)}
                row = min(first for _, first in short)
                yield RowFinding(row, 0, column.name, column.title, detail=detail)


def _lengths(cells: pl.Series) -> dict[int, int]:
    """How many cells have each length in bytes; what is longer than any code counts as
    one length.
    """
    # bincount makes an array as long as its largest number: a cell of megabytes would
    # make one of millions. Of digits bytes and characters are the same number.
    counts = np.bincount(np.minimum(cells.str.len_bytes().to_numpy(), LONGEST))
    return {int(length): int(counts[length]) for length in np.flatnonzero(counts)}


def watch(view: View) -> Lengths | None:
    """Only columns of codes are looked at."""
    columns = code_columns(view.rules)
    return Lengths(columns) if columns else None


CHECK = RowCheck(
    id="code-length",
    severity="warning",
    message=Message(
        "Cột mã “{field}” có {times} giá trị ngắn hơn các mã khác (đầu tiên ở "
        "dòng {row}): có thể mất số 0 ở đầu.",
        "The code column '{field}' has {times} codes shorter than the others "
        "(first in row {row}): leading zeros may be lost.",
        "Định dạng cột là văn bản (Text) rồi xuất lại từ nguồn.",
        "Format the column as text and export it again.",
    ),
    watch=watch,
    examples=(
        Example(
            fields={"ma": {"type": "string", "constraints": {"pattern": "^[0-9]{5}$"}}},
            right="14755\n14758\n",
            wrong="14755\n4755\n14758\n",
            rows=(3,),
        ),
    ),
)
