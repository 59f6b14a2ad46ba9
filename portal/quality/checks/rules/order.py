"""Values of a row that stand in an order, such as a first and a last day."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

from portal.quality.checks.declared import Example, RuleCheck
from portal.quality.checks.frame import Frame, Hit, hits
from portal.quality.checks.parameters import (
    ColumnNames,
    Conditions,
    Flag,
    Parameters,
)
from portal.quality.findings.messages import Message
from portal.quality.findings.report import Text
from portal.quality.frictionless.keys import References


class Asks(Parameters):
    """Columns from the smallest value to the largest."""

    fields = ColumnNames(least=2, alike=True, required=True)  # type: ignore[assignment]
    strict = Flag()
    where = Conditions()


def run(frame: Frame, asked: dict[str, Any], references: References) -> Iterator[Hit]:
    """Rows where a value is larger than the next one, or, if `strict`, as large."""
    strict, names = asked.get("strict", False), asked["fields"]
    rows = frame.data.filter(frame.where(asked.get("where", {})))
    for low, high in itertools.pairwise(names):
        first, second = frame.value(low), frame.value(high)
        # A missing value is null: it breaks no order.
        broken = rows.filter(first >= second if strict else first > second)
        yield from hits(broken, high, f"{low} {'<' if strict else '≤'} {high}")


CHECK = RuleCheck(
    id="order",
    severity="error",
    message=Message(
        "Dòng {row}: {note}.",
        "Row {row}: {note}.",
        "Kiểm tra thứ tự các giá trị trong dòng.",
        "Check the order of the values in this row.",
    ),
    holds=Text(
        "a ≤ b ≤ … trong một dòng",
        "a ≤ b ≤ … within a row",
    ),
    parameters=Asks(),
    run=run,
    examples=(
        Example(
            fields={"a": "integer", "b": "integer"},
            parameters={"fields": ["a", "b"]},
            right="1,2\n,1\n9,10\n",
            wrong="1,2\n3,2\n,1\n10,9\n",
            rows=(3, 5),
        ),
        Example(
            fields={"a": {"type": "date", "format": "%d/%m/%Y"}, "b": "date"},
            parameters={"fields": ["a", "b"], "strict": True},
            right="31/01/2026,2026-02-01\n",
            wrong="01/02/2026,2026-01-31\n",
            rows=(2,),
        ),
    ),
)
