"""A cell that must be filled where another one is, or has a certain value."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from portal.quality.checks.declared import Example, RuleCheck
from portal.quality.checks.frame import Frame, Hit, hits
from portal.quality.checks.parameters import (
    CellValue,
    ColumnName,
    Parameters,
)
from portal.quality.findings.messages import Message
from portal.quality.findings.report import Text
from portal.quality.frictionless.keys import References


class Asks(Parameters):
    """The column that decides, its value if any value will not do, and the column that
    must be filled.
    """

    when = ColumnName(required=True)
    equals = CellValue(of="when")
    field = ColumnName(required=True)


def run(frame: Frame, asked: dict[str, Any], references: References) -> Iterator[Hit]:
    """Rows where the cell is empty all the same."""
    when = asked["when"]
    # Every sign for "missing" is null here, not only an empty cell.
    note, required = when, frame.text(when).is_not_null()
    if "equals" in asked:
        note = f"{when} = {asked['equals']}"
        required = frame.is_any_of(when, [asked["equals"]])
    empty = frame.text(asked["field"]).is_null()
    yield from hits(frame.data.filter(required & empty), asked["field"], note)


CHECK = RuleCheck(
    id="required-when",
    severity="error",
    message=Message(
        "Dòng {row}: “{field}” bắt buộc khi {note}.",
        "Row {row}: '{field}' is required when {note}.",
        "Bổ sung giá trị.",
        "Fill the value in.",
    ),
    holds=Text(
        "bắt buộc khi ô khác có giá trị",
        "required when another cell is",
    ),
    parameters=Asks(),
    run=run,
    examples=(
        Example(
            fields={"a": "string", "b": "string"},
            parameters={"when": "a", "field": "b"},
            right="x,1\n,\n",
            wrong="x,\n,\nx,1\n",
            rows=(2,),
        ),
        Example(
            fields={"a": "boolean", "b": "string"},
            parameters={"when": "a", "equals": True, "field": "b"},
            right="true,1\nfalse,\n0,\n",
            wrong="1,\nfalse,\nTRUE,\n",
            rows=(2, 4),
        ),
    ),
)
