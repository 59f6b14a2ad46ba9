"""A sensor that gives the same value again and again."""

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

RUN, TIMES = "_run", "_times"


class Asks(Parameters):
    """A series, and how many equal values in a row are too many."""

    key = ColumnNames()
    order_by = ColumnName()
    field = ColumnName(kinds=NUMERIC, required=True)
    times = Number(whole=True, least=2, required=True)


def run(frame: Frame, asked: dict[str, Any], references: References) -> Iterator[Hit]:
    """The first row of each run of equal values that is as long."""
    rows, keys = timeline(frame, asked)
    # Runs are numbered by counting the values that differ from the one before.
    differs = (pl.col(NOW) != pl.col(BEFORE)).fill_null(True).cast(pl.Int64)
    rows = rows.with_columns(differs.cum_sum().over(keys).alias(RUN))
    rows = rows.with_columns(pl.len().over([*keys, RUN]).alias(TIMES))
    long = rows.filter(pl.col(TIMES) >= asked["times"])
    first = long.unique([*keys, RUN], keep="first", maintain_order=True)
    note = pl.format("{} × {}", short(NOW), pl.col(TIMES)).alias(NOTE)
    yield from hits(first.with_columns(note), asked["field"])


CHECK = RuleCheck(
    id="stuck",
    severity="warning",
    message=Message(
        "Từ dòng {row}, “{field}”: giá trị đứng yên ({note}).",
        "From row {row}, '{field}': the value is stuck ({note}).",
        "Kiểm tra cảm biến.",
        "Check the sensor.",
    ),
    holds=Text(
        "giá trị không đứng yên",
        "the value does not stand still",
    ),
    parameters=Asks(),
    run=run,
    examples=(
        Example(
            fields={"a": "string", "b": "number"},
            parameters={"key": ["a"], "field": "b", "times": 3},
            right="x,1\nx,2\nx,2\nx,3\ny,2\n",
            wrong="x,1\nx,2\nx,2\nx,2\nx,3\ny,2\n",
            rows=(3,),
        ),
    ),
)
