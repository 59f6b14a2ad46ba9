"""Places of which no two may be the same."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import polars as pl

from portal.quality.checks.declared import Example, RuleCheck
from portal.quality.checks.frame import EARLIER, Frame, Hit, hits
from portal.quality.checks.parameters import (
    NUMERIC,
    ColumnNames,
    Parameters,
)
from portal.quality.findings.messages import Message
from portal.quality.findings.report import Text
from portal.quality.frictionless.keys import PART, References
from schemas.texttable import ROW


class Asks(Parameters):
    """The columns of latitude and longitude."""

    fields = ColumnNames(exactly=2, kinds=NUMERIC, required=True)  # type: ignore[assignment]


def run(frame: Frame, asked: dict[str, Any], references: References) -> Iterator[Hit]:
    """Rows with the place of an earlier row."""
    names = asked["fields"]
    place = [frame.number(name).alias(f"_{name}") for name in names]
    keys = [each.meta.output_name() for each in place]
    # A row without a place repeats none.
    rows = frame.data.select(PART, ROW, *place).drop_nulls()
    rows = rows.with_columns(pl.col(ROW).first().over(keys).alias(EARLIER))
    yield from hits(rows.filter(pl.col(EARLIER) != pl.col(ROW)), names[0])


CHECK = RuleCheck(
    id="distinct-coordinates",
    severity="warning",
    message=Message(
        "Dòng {row}: trùng tọa độ với dòng {earlier}.",
        "Row {row}: the same coordinates as row {earlier}.",
        "Đo lại tọa độ.",
        "Measure the coordinates again.",
    ),
    holds=Text(
        "không trùng tọa độ",
        "no coordinates twice",
    ),
    parameters=Asks(),
    run=run,
    examples=(
        Example(
            fields={"a": "number", "b": "number"},
            parameters={"fields": ["a", "b"]},
            right="19.5,105\n20,105\n,\n,\n",
            wrong="19.5,105\n19.50,105\n20,105\n",
            rows=(3,),
        ),
    ),
)
