"""How many rows of a kind a plan asks for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from portal.quality.checks.declared import Example, RuleCheck
from portal.quality.checks.frame import Frame, Hit, conditions_text
from portal.quality.checks.parameters import (
    Conditions,
    Number,
    Parameters,
)
from portal.quality.findings.messages import Message
from portal.quality.findings.report import Text
from portal.quality.frictionless.keys import References


class Asks(Parameters):
    """Which rows, and how many of them are planned."""

    where = Conditions()
    minimum = Number(least=0, required=True)


def run(frame: Frame, asked: dict[str, Any], references: References) -> Iterator[Hit]:
    """One hit for the whole table while the rows are too few."""
    where = asked.get("where", {})
    number = frame.data.filter(frame.where(where)).height
    if number < asked["minimum"]:
        note = f"{conditions_text(where)}: {number} / {asked['minimum']}"
        # No single row is at fault.
        yield Hit(0, 0, next(iter(where), ""), note)


CHECK = RuleCheck(
    id="target",
    severity="info",
    message=Message(
        "Chưa đạt chỉ tiêu: {note}.",
        "A target is not reached: {note}.",
        "Bổ sung bản ghi nếu còn thiếu trong dữ liệu.",
        "Add records if the data lacks some.",
    ),
    holds=Text(
        "ít nhất bấy nhiêu dòng (cho biết)",
        "at least so many rows (information)",
    ),
    parameters=Asks(),
    run=run,
    examples=(
        Example(
            fields={"k": "string", "x": "string"},
            parameters={"where": {"k": "1"}, "minimum": 2},
            right="1,a\n1,b\n",
            wrong="1,a\n0,b\n",
            rows=(None,),
        ),
    ),
)
