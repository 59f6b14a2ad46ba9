"""Rows that repeat the header: several files put together."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from portal.quality.checks.declared import Batch, Example, RowCheck, RowFinding, View
from portal.quality.findings.messages import Message
from schemas.texttable import ROW


class Headers:
    """Looks for rows whose cells are the labels."""

    def __init__(self, view: View) -> None:
        self._labels = [label.strip() for label in view.table.labels]
        self._strictest = _strictest(view)

    def batch(self, rows: Batch) -> Iterator[RowFinding]:
        """Tell every such row."""
        rest = rows.frame
        if self._strictest is not None:
            # There the label is an error, so that only doubtful cells can hold it.
            rest = rest.filter(rows.flags[str(self._strictest)])
        for index, label in enumerate(self._labels):
            if not rest.height:
                return
            # Each column is compared only in the rows that are left by those before it.
            rest = rest.filter(pl.col(str(index)).str.strip_chars() == label)
        for row in rest[ROW].to_list():
            yield RowFinding(row, rows.part)

    def finish(self) -> Iterator[RowFinding]:
        """Nothing more."""
        yield from ()


def _strictest(view: View) -> int | None:
    """Position of a column whose own label would be an error in it, None where there is
    none.
    """
    pairs = zip(view.rules.columns, view.table.labels, strict=False)
    refusing = (
        index
        for index, (column, label) in enumerate(pairs)
        if not column.accepts(label.strip())
    )
    return next(refusing, None)


def watch(view: View) -> Headers:
    """Every table is looked at."""
    return Headers(view)


CHECK = RowCheck(
    id="repeated-header",
    severity="warning",
    message=Message(
        "Dòng {row} lặp lại dòng tên cột.",
        "Row {row} repeats the header.",
        "Xóa dòng này; tệp có thể được ghép từ nhiều tệp.",
        "Delete it; the file may be several files put together.",
    ),
    watch=watch,
    examples=(
        Example(
            fields={"a": "string", "b": "integer"},
            right="a,1\nb,2\n",
            wrong="x,1\na,b\ny,2\n",
            rows=(3,),
        ),
    ),
)
