"""The unit in which each parameter is measured."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import polars as pl

from portal.quality.checks.declared import Example, RuleCheck
from portal.quality.checks.frame import NOTE, Frame, Hit, hits
from portal.quality.checks.parameters import (
    ColumnName,
    Parameters,
    PerValue,
)
from portal.quality.findings.messages import Message
from portal.quality.findings.report import Text
from portal.quality.frictionless.keys import References


class Asks(Parameters):
    """A column of parameters, the column of their units, and the right unit of each."""

    parameter = ColumnName(required=True)
    field = ColumnName(required=True)
    units = PerValue(of="parameter", required=True)


def run(frame: Frame, asked: dict[str, Any], references: References) -> Iterator[Hit]:
    """Rows with another unit; parameters without a right one are let be."""
    parameter = frame.text(asked["parameter"])
    right = frame.looked_up(asked["parameter"], asked["units"])
    note = pl.format("{}: {}", parameter, right).alias(NOTE)
    # Null on either side keeps no row.
    broken = frame.data.filter(frame.text(asked["field"]) != right)
    yield from hits(broken.with_columns(note), asked["field"])


CHECK = RuleCheck(
    id="units",
    severity="error",
    message=Message(
        "Dòng {row}, “{field}”: sai đơn vị ({note}).",
        "Row {row}, '{field}': wrong unit ({note}).",
        "Dùng đúng đơn vị quy định cho thông số.",
        "Use the unit that is fixed for the parameter.",
    ),
    holds=Text(
        "đơn vị đúng với thông số",
        "the unit that the parameter has",
    ),
    parameters=Asks(),
    run=run,
    examples=(
        Example(
            fields={"a": "string", "b": "string"},
            parameters={"parameter": "a", "field": "b", "units": {"pH": "pH"}},
            right="pH,pH\nDO,x\npH,\n",
            wrong="pH,pH\npH,mg/L\nDO,x\n",
            rows=(3,),
        ),
    ),
)
