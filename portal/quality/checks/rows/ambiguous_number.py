"""Columns in which thousands and decimals cannot be told apart."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from portal.quality.checks.declared import Batch, Example, RowCheck, RowFinding, View
from portal.quality.findings.messages import Message
from portal.quality.frictionless.engine import Column
from schemas.texttable import ROW

SEPARATED = r"^-?[0-9]{1,3}([.,][0-9]{3})+$"
"""As 28.717, which may be a number of thousands or one with three decimals."""
PLAIN_DIGITS = 4
PLAIN = rf"^-?[0-9]{{{PLAIN_DIGITS},}}$"
"""A number as large without a separator."""
DECIMALS = r"[.,]([0-9]{1,2}|[0-9]{4,})$"
"""A number that shows how its column writes decimals."""
HEAD = 500


class Separators:
    """Counts numbers that may be read in two ways, as long as no other number of their
    column shows its decimals.
    """

    def __init__(self, columns: dict[int, Column]) -> None:
        self._columns = columns
        self._open = set(columns)
        """Columns that have shown no decimals so far."""
        self._has_plain: set[int] = set()
        self._separated: dict[int, tuple[int, int]] = {}
        """How many there are, and the row of the first."""

    def batch(self, rows: Batch) -> Iterator[RowFinding]:
        """Count; what a column shows is known when the table ends."""
        # A copy, as _look takes columns out of the set.
        for index in sorted(self._open):
            self._look(index, rows)
        yield from ()

    def _look(self, index: int, rows: Batch) -> None:
        """Count the numbers of one column, or let it go where it shows its decimals."""
        name, cells = str(index), rows.frame[str(index)]
        separated = rows.frame.select(ROW, name)
        if self._columns[index].rule.type == "integer":
            # A plain integer is beyond doubt and has no separator.
            separated = separated.filter(rows.flags[name])
        # Two decimals, or four and more, cannot be a group of thousands: the column is
        # clear.
        if _any_is(separated[name], DECIMALS):
            self._open.discard(index)
            return
        numbers = separated.filter(pl.col(name).str.contains(SEPARATED))[ROW]
        if len(numbers):
            times, first = self._separated.get(index, (0, int(numbers[0])))
            self._separated[index] = (times + len(numbers), first)
        # The length tells without a pattern that no cell can be as large.
        if index in self._has_plain or _longest(cells) < PLAIN_DIGITS:
            return
        if _any_is(cells, PLAIN):
            self._has_plain.add(index)

    def finish(self) -> Iterator[RowFinding]:
        """Tell each column once that has both and shows no decimals."""
        for index in sorted(self._open & self._has_plain & set(self._separated)):
            times, row = self._separated[index]
            column = self._columns[index]
            detail = {"times": times}
            yield RowFinding(row, 0, column.name, column.title, detail=detail)


def _longest(cells: pl.Series) -> int:
    return int(cells.str.len_bytes().to_numpy().max(initial=0))


def _any_is(cells: pl.Series, pattern: str) -> bool:
    """Whether any cell matches; most columns show it in their first cells."""
    if cells.head(HEAD).str.contains(pattern).any():
        return True
    return bool(cells.slice(HEAD).str.contains(pattern).any())


def watch(view: View) -> Separators | None:
    """Only columns of numbers are looked at."""
    numbers = {
        index: column
        for index, column in enumerate(view.rules.columns)
        if column.rule.type in ("integer", "number")
    }
    return Separators(numbers) if numbers else None


CHECK = RowCheck(
    id="ambiguous-number",
    severity="warning",
    message=Message(
        "Cột “{field}” có {times} số như “28.717” hoặc “28,717” (đầu tiên ở "
        "dòng {row}) bên cạnh số viết liền: không rõ là hàng nghìn hay thập "
        "phân.",
        "'{field}' has {times} numbers like '28.717' or '28,717' (first in row "
        "{row}) beside plain ones: thousands and decimals cannot be told apart.",
        "Ghi số không có dấu hàng nghìn.",
        "Write numbers without thousands separators.",
    ),
    watch=watch,
    examples=(
        Example(
            fields={"n": "number", "b": "string"},
            right="1.5,a\n28.717,b\n20696,c\n",
            wrong="20696,a\n28.717,b\n",
            rows=(3,),
        ),
    ),
)
