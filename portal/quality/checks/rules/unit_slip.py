"""A series in which some values are of another unit, such as tonnes for kg."""

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
from portal.quality.checks.timeline import NOW, short, timeline
from portal.quality.findings.messages import Message
from portal.quality.findings.report import Text
from portal.quality.frictionless.keys import References

FACTOR = 1000
WIDTH = 4
"""How far from the factor a slipped value may lie, as values differ by nature."""


class Asks(Parameters):
    """A series, and the factor between the units that are mistaken."""

    key = ColumnNames()
    order_by = ColumnName()
    field = ColumnName(kinds=NUMERIC, required=True)
    factor = Number(above=1)


def run(frame: Frame, asked: dict[str, Any], references: References) -> Iterator[Hit]:
    """Values that are about `factor` times their series' median, or a part of it as
    small.
    """
    series = timeline(frame, asked)
    factor = float(asked.get("factor", FACTOR))
    # The median stays where it is while fewer than half of the values slipped; a mean
    # would follow them.
    ratio = pl.col(NOW) / pl.col(NOW).median().over(series.keys)
    width = (factor / WIDTH, factor * WIDTH)
    slipped = ratio.is_between(*width) | (1 / ratio).is_between(*width)
    # A literal, as pl.format takes a plain string for the name of a column.
    note = pl.format("{}, ×{}", short(NOW), pl.lit(f"{factor:g}")).alias(NOTE)
    rows = series.rows.filter(slipped)
    yield from hits(rows.with_columns(note), asked["field"])


CHECK = RuleCheck(
    id="unit-slip",
    severity="warning",
    message=Message(
        "Dòng {row}, “{field}”: có thể sai đơn vị ({note}).",
        "Row {row}, '{field}': the unit may have slipped ({note}).",
        "Kiểm tra đồng hay nghìn đồng, kg hay tấn.",
        "Check đồng or thousand đồng, kg or tonnes.",
    ),
    holds=Text(
        "không lệch đơn vị (×1000)",
        "no slip of the unit (×1000)",
    ),
    parameters=Asks(),
    run=run,
    examples=(
        Example(
            fields={"a": "string", "b": "integer"},
            parameters={"key": ["a"], "field": "b", "factor": 1000},
            right="x,9000\nx,9100\nx,8000\n",
            wrong="x,9\nx,9000\nx,9100\nx,8000000\n",
            rows=(2, 5),
        ),
    ),
)
