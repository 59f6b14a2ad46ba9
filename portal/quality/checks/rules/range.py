"""Numbers within bounds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import polars as pl
from marshmallow import validates_schema

from portal.quality.checks.declared import Example, RuleCheck
from portal.quality.checks.frame import Frame, Hit, hits
from portal.quality.checks.parameters import (
    NUMERIC,
    ColumnName,
    Conditions,
    Number,
    Parameters,
    wrong,
)
from portal.quality.findings.messages import Message
from portal.quality.findings.report import Text
from portal.quality.frictionless.keys import References


class Asks(Parameters):
    """A column of numbers, and one bound or both."""

    field = ColumnName(kinds=NUMERIC, required=True)
    minimum = Number()
    maximum = Number()
    where = Conditions()

    @validates_schema(skip_on_field_errors=True)
    def bounds_stand_right(self, data: dict[str, Any], **kwargs: Any) -> None:
        """There is a bound, and the lower one is the lower."""
        low, high = data.get("minimum"), data.get("maximum")
        if low is None and high is None:
            raise wrong(
                "cần minimum, maximum hoặc cả hai",
                "it needs minimum, maximum or both",
                "minimum",
            )
        if low is not None and high is not None and low > high:
            raise wrong(
                "minimum lớn hơn maximum; hãy đổi chỗ",
                "minimum is larger than maximum; exchange them",
                "minimum",
            )


def run(frame: Frame, asked: dict[str, Any], references: References) -> Iterator[Hit]:
    """Numbers that are outside."""
    value, name = frame.number(asked["field"]), asked["field"]
    low, high = asked.get("minimum"), asked.get("maximum")
    # A bound that is not asked for adds nothing.
    outside = pl.lit(False)
    if low is not None:
        outside |= value < low
    if high is not None:
        outside |= value > high
    rows = frame.data.filter(frame.where(asked.get("where", {})) & outside)
    shown_low, shown_high = ("" if each is None else each for each in (low, high))
    yield from hits(rows, name, f"{shown_low}…{shown_high}")


CHECK = RuleCheck(
    id="range",
    severity="error",
    message=Message(
        "Dòng {row}, “{field}”: ngoài khoảng cho phép ({note}).",
        "Row {row}, '{field}': out of range ({note}).",
        "Kiểm tra giá trị và đơn vị tính.",
        "Check the value and its unit.",
    ),
    holds=Text(
        "giá trị trong khoảng",
        "the value lies between",
    ),
    parameters=Asks(),
    run=run,
    examples=(
        Example(
            fields={"a": "string", "b": "number"},
            parameters={
                "field": "b",
                "minimum": 0,
                "maximum": 14,
                "where": {"a": "pH"},
            },
            right="pH,7\nDO,15\npH,\n",
            wrong="pH,7\npH,15\nDO,15\n",
            rows=(3,),
        ),
    ),
)
