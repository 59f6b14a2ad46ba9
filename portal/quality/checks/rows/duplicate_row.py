"""Rows that equal an earlier one, cell by cell."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from portal.quality.checks.declared import Batch, Example, RowCheck, RowFinding, View
from portal.quality.findings.messages import Message
from portal.quality.frictionless.keys import PART
from schemas.texttable import ROW

HASH, EARLIER, NTH = "_hash", "_earlier", "_nth"


class Duplicates:
    """Keeps a hash of every row."""

    def __init__(self, view: View) -> None:
        self._cells = [str(index) for index in range(len(view.table.labels))]
        self._hashes: list[pl.DataFrame] = []

    def batch(self, rows: Batch) -> Iterator[RowFinding]:
        """Take the hashes; a repeated row may stand in any batch."""
        hashes = pl.struct(self._cells).hash().alias(HASH)
        part = pl.lit(rows.part, pl.Int32).alias(PART)
        self._hashes.append(rows.frame.select(ROW, part, hashes))
        yield from ()

    def finish(self) -> Iterator[RowFinding]:
        """Tell each row that stands there again."""
        if not self._hashes:
            return
        # 64 bits over the rows of one table: two different rows are taken for equal
        # about once in 10^7 tables.
        rows = pl.concat(self._hashes)
        # Counting is cheaper than the two windows, which are for tables that have
        # repeated rows.
        if rows[HASH].n_unique() == rows.height:
            return
        first = pl.col(ROW).first().over(HASH).alias(EARLIER)
        nth = pl.int_range(pl.len()).over(HASH).alias(NTH)
        again = rows.with_columns(first, nth).filter(pl.col(NTH) > 0)
        for row, part, earlier in again.select(ROW, PART, EARLIER).iter_rows():
            yield RowFinding(row, part, detail={"earlier": earlier})


def watch(view: View) -> Duplicates | None:
    """Where a key is declared, the key finds repeated rows already."""
    rules = view.rules
    if rules.primary or rules.unique or not rules.columns:
        return None
    return Duplicates(view)


CHECK = RowCheck(
    id="duplicate-row",
    severity="warning",
    message=Message(
        "Dòng {row} giống hệt dòng {earlier}.",
        "Row {row} equals row {earlier}.",
        "Xóa dòng trùng.",
        "Delete the repeated row.",
    ),
    watch=watch,
    examples=(
        Example(
            fields={"a": "string", "b": "string"},
            right="1,x\n2,x\n",
            wrong="1,x\n2,y\n1,x\n",
            rows=(4,),
        ),
    ),
)
