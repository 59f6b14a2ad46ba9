"""A running total, which never falls."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import polars as pl

from portal.quality.checks.declared import Example, RuleCheck
from portal.quality.checks.frame import NOTE, Frame, Hit, hits
from portal.quality.checks.parameters import (
    NUMERIC,
    Choice,
    ColumnName,
    ColumnNames,
    Parameters,
)
from portal.quality.checks.timeline import BEFORE, NOW, short, timeline
from portal.quality.findings.messages import Message
from portal.quality.findings.report import Text
from portal.quality.frictionless.keys import References


class Asks(Parameters):
    """A series of totals, and whether each year begins anew."""

    key = ColumnNames()
    order_by = ColumnName(required=True)
    field = ColumnName(kinds=NUMERIC, required=True)
    within = Choice("year")


def run(frame: Frame, asked: dict[str, Any], references: References) -> Iterator[Hit]:
    """Totals that are smaller than the one before."""
    # Where a total begins anew each year, its fall at the turn of the year is none.
    years = [frame.period_year(asked["order_by"])] if "within" in asked else []
    rows = timeline(frame, asked, years).rows
    fallen = rows.filter(pl.col(NOW) < pl.col(BEFORE))
    note = pl.format("{} → {}", short(BEFORE), short(NOW)).alias(NOTE)
    yield from hits(fallen.with_columns(note), asked["field"])


CHECK = RuleCheck(
    id="non-decreasing",
    severity="warning",
    message=Message(
        "Dòng {row}, “{field}”: lũy kế giảm ({note}).",
        "Row {row}, '{field}': a running total fell ({note}).",
        "Kiểm tra số lũy kế.",
        "Check the running total.",
    ),
    holds=Text(
        "lũy kế không giảm",
        "a running total does not fall",
    ),
    parameters=Asks(),
    run=run,
    examples=(
        Example(
            fields={"a": "string", "b": "number"},
            parameters={"order_by": "a", "field": "b", "within": "year"},
            right="202601,5\n202602,6\n202701,1\n",
            wrong="202601,5\n202602,4\n202701,1\n",
            rows=(3,),
        ),
    ),
)
