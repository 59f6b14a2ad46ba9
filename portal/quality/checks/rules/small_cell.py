"""Counts that are too small to be published without pointing at persons."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from portal.quality.checks.declared import Example, RuleCheck
from portal.quality.checks.frame import Frame, Hit, hits
from portal.quality.checks.parameters import (
    NUMERIC,
    ColumnName,
    Number,
    Parameters,
)
from portal.quality.findings.messages import Message
from portal.quality.findings.report import Text
from portal.quality.frictionless.keys import References


class Asks(Parameters):
    """A column of counts, and the smallest that may be shown."""

    field = ColumnName(kinds=NUMERIC, required=True)
    minimum = Number(required=True)


def run(frame: Frame, asked: dict[str, Any], references: References) -> Iterator[Hit]:
    """Smaller counts."""
    small = frame.number(asked["field"]) < asked["minimum"]
    yield from hits(frame.data.filter(small), asked["field"], f"< {asked['minimum']}")


CHECK = RuleCheck(
    id="small-cell",
    severity="error",
    message=Message(
        "Dòng {row}, “{field}”: số đếm quá nhỏ để công bố ({note}).",
        "Row {row}, '{field}': too small a count to publish ({note}).",
        "Để trống ô này hoặc gộp nhóm.",
        "Leave the cell empty or merge groups.",
    ),
    holds=Text(
        "số đếm không quá nhỏ để công bố",
        "a count not too small to publish",
    ),
    parameters=Asks(),
    run=run,
    examples=(
        Example(
            fields={"a": "string", "b": "integer"},
            parameters={"field": "b", "minimum": 5},
            right="x,5\nx,\n",
            wrong="x,4\nx,5\n",
            rows=(2,),
        ),
    ),
)
