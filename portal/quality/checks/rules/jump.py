"""A series that changes too much from one value to the next."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import polars as pl

from portal.quality.checks.declared import Example, RuleCheck
from portal.quality.checks.frame import NOTE, Frame, Hit, hits
from portal.quality.checks.parameters import (
    NUMERIC,
    ColumnName,
    ColumnNames,
    Number,
    Parameters,
)
from portal.quality.checks.timeline import BEFORE, NOW, short, timeline
from portal.quality.findings.messages import Message
from portal.quality.findings.report import Text
from portal.quality.frictionless.keys import References


class Asks(Parameters):
    """A series, and the change that is too much, in per cent of the value before."""

    key = ColumnNames()
    order_by = ColumnName()
    field = ColumnName(kinds=NUMERIC, required=True)
    percent = Number(least=0, required=True)


def run(frame: Frame, asked: dict[str, Any], references: References) -> Iterator[Hit]:
    """Values that lie too far from the one before; nothing is a share of zero."""
    before, now = pl.col(BEFORE), pl.col(NOW)
    change = (now - before) / before.abs() * 100
    # For the note alone; the comparison takes the change unrounded.
    percent = change.round(0).cast(pl.Int64, strict=False)
    note = pl.format("{} → {} ({}%)", short(BEFORE), short(NOW), percent)
    # The first value of a series has null before it, which keeps no row either.
    far = (before != 0) & (change.abs() > asked["percent"])
    rows = timeline(frame, asked).rows.filter(far)
    yield from hits(rows.with_columns(note.alias(NOTE)), asked["field"])


CHECK = RuleCheck(
    id="jump",
    severity="warning",
    message=Message(
        "Dòng {row}, “{field}”: thay đổi đột ngột ({note}).",
        "Row {row}, '{field}': a sudden change ({note}).",
        "Kiểm tra giá trị và đơn vị tính.",
        "Check the value and its unit.",
    ),
    holds=Text(
        "không nhảy quá phần trăm",
        "no jump of more than so many per cent",
    ),
    parameters=Asks(),
    run=run,
    examples=(
        Example(
            fields={"a": "string", "b": "integer"},
            parameters={"key": ["a"], "order_by": "a", "field": "b", "percent": 40},
            right="x,100\nx,130\ny,1\n",
            wrong="x,100\nx,130\nx,200\ny,1\n",
            rows=(4,),
        ),
    ),
)
