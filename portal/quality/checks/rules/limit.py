"""Measured values, and the legal limit of what is measured."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import polars as pl

from portal.quality.checks.declared import Example, RuleCheck
from portal.quality.checks.frame import NOTE, Frame, Hit, hits
from portal.quality.checks.parameters import (
    NUMERIC,
    ColumnName,
    Conditions,
    Parameters,
    PerValue,
)
from portal.quality.findings.messages import Message
from portal.quality.findings.report import Text
from portal.quality.frictionless.keys import References


class Asks(Parameters):
    """A column of parameters, the column of their values, and the limit of each."""

    parameter = ColumnName(required=True)
    field = ColumnName(kinds=NUMERIC, required=True)
    limits = PerValue(of="parameter", numbers=True, required=True)
    where = Conditions()


def run(frame: Frame, asked: dict[str, Any], references: References) -> Iterator[Hit]:
    """Values above the limit of their parameter."""
    # A text such as "<0.05" is no number: it is null, and above no limit.
    value = frame.number(asked["field"])
    limit = frame.looked_up(asked["parameter"], asked["limits"], pl.Float64)
    # A parameter without a limit has null for one, and is never above it.
    above = frame.where(asked.get("where", {})) & (value > limit)
    note = pl.format("{} > {}", value, limit).alias(NOTE)
    yield from hits(frame.data.filter(above).with_columns(note), asked["field"])


CHECK = RuleCheck(
    id="limit",
    severity="warning",
    message=Message(
        "Dòng {row}, “{field}”: vượt giới hạn quy định ({note}).",
        "Row {row}, '{field}': above the legal limit ({note}).",
        "Kiểm tra giá trị và đơn vị; nếu đúng thì đây là sự kiện vượt ngưỡng.",
        "Check the value and its unit; if they are right, this is an exceedance.",
    ),
    holds=Text(
        "không vượt giới hạn",
        "no value above its legal limit",
    ),
    parameters=Asks(),
    run=run,
    examples=(
        Example(
            fields={"p": "string", "v": "number"},
            parameters={"field": "v", "parameter": "p", "limits": {"PM2.5": 50}},
            right="PM2.5,50\nSO2,900\n",
            wrong="PM2.5,50\nPM2.5,50.5\nSO2,900\n",
            rows=(3,),
        ),
    ),
)
