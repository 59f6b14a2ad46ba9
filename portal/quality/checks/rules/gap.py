"""A series of moments in which some are missing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import polars as pl

from portal.quality.checks.declared import Example, RuleCheck
from portal.quality.checks.frame import NOTE, Frame, Hit, hits
from portal.quality.checks.parameters import (
    DAYS,
    ColumnName,
    ColumnNames,
    Number,
    Parameters,
)
from portal.quality.findings.messages import Message
from portal.quality.findings.report import Text
from portal.quality.frictionless.keys import PART, References

NOW, MINUTES = "_now", "_minutes"


class Asks(Parameters):
    """A series of moments, and the longest time between two of them."""

    key = ColumnNames()
    order_by = ColumnName(kinds=DAYS, required=True)
    minutes = Number(above=0, required=True)


def run(frame: Frame, asked: dict[str, Any], references: References) -> Iterator[Hit]:
    """Rows that come too late after the one before."""
    grouping = list(map(frame.key, asked.get("key", ())))
    keys = [each.meta.output_name() for each in grouping] or [PART]
    moment = frame.moment(asked["order_by"]).alias(NOW)
    # Without a key a series is a file. Rows are put in order by time, as a file need
    # not be.
    rows = frame.data.with_columns(moment, *grouping)
    rows = rows.filter(pl.col(NOW).is_not_null()).sort([*keys, NOW])
    since = pl.col(NOW) - pl.col(NOW).shift(1).over(keys)
    # Whole minutes: what is late by seconds only is let pass.
    rows = rows.with_columns(since.dt.total_minutes().alias(MINUTES))
    late = rows.filter(pl.col(MINUTES) > asked["minutes"])
    note = pl.format("{} min", MINUTES).alias(NOTE)
    yield from hits(late.with_columns(note), asked["order_by"])


CHECK = RuleCheck(
    id="gap",
    severity="info",
    message=Message(
        "Trước dòng {row}: thiếu số liệu ({note}).",
        "Before row {row}: values are missing ({note}).",
        "Bổ sung số liệu hoặc ghi cờ “thiếu”.",
        "Add the values or flag them as missing.",
    ),
    holds=Text(
        "không thiếu số liệu",
        "no values are missing",
    ),
    parameters=Asks(),
    run=run,
    examples=(
        Example(
            fields={"a": "string", "b": "datetime"},
            parameters={"key": ["a"], "order_by": "b", "minutes": 60},
            right="x,2026-07-01T08:00:00+07:00\nx,2026-07-01T02:00:00Z\n",
            wrong="x,2026-07-01T08:00:00+07:00\nx,2026-07-01T09:00:00+07:00\n"
            "x,2026-07-01T12:00:00+07:00\n",
            rows=(4,),
        ),
    ),
)
