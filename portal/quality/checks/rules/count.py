"""A table that has just so many rows of a kind."""

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
    """Which rows, and how many there must be."""

    where = Conditions()
    equals = Number(whole=True, least=0, required=True)


def run(frame: Frame, asked: dict[str, Any], references: References) -> Iterator[Hit]:
    """One hit for the whole table where the number is another one."""
    where = asked.get("where", {})
    number = frame.data.filter(frame.where(where)).height
    if number != asked["equals"]:
        # No single row is at fault.
        yield Hit(0, 0, "", f"{conditions_text(where)}: {number} ≠ {asked['equals']}")


CHECK = RuleCheck(
    id="count",
    severity="error",
    message=Message(
        "Số dòng không đúng: {note}.",
        "The number of rows is wrong: {note}.",
        "Bổ sung dòng thiếu hoặc xóa dòng thừa.",
        "Add the missing rows or delete the surplus.",
    ),
    holds=Text(
        "đúng bấy nhiêu dòng",
        "exactly so many rows",
    ),
    parameters=Asks(),
    run=run,
    examples=(
        Example(
            fields={"a": "string", "b": "string"},
            parameters={"where": {"a": "x", "b": ""}, "equals": 2},
            right="x,\nx,\ny,\n",
            wrong="x,\nx,1\ny,\n",
            rows=(None,),
        ),
        Example(
            fields={"a": "integer"},
            parameters={"where": {"a": 1}, "equals": 2},
            right="1\n01\n10\n",
            wrong="1\n10\n",
            rows=(None,),
        ),
    ),
)
