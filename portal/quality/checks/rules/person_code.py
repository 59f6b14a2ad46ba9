"""Codes of enterprises among which no person's number may stand."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from portal.quality.checks.declared import Example, RuleCheck
from portal.quality.checks.frame import Frame, Hit, hits
from portal.quality.checks.parameters import (
    ColumnName,
    Parameters,
)
from portal.quality.findings.messages import Message
from portal.quality.findings.report import Text
from portal.quality.frictionless.keys import References


class Asks(Parameters):
    """A column of codes."""

    field = ColumnName(required=True)


def run(frame: Frame, asked: dict[str, Any], references: References) -> Iterator[Hit]:
    """Codes of twelve digits, which persons have."""
    # Spaces around it do not make another number of it.
    persons = frame.text(asked["field"]).str.contains(r"^\s*[0-9]{12}\s*$")
    yield from hits(frame.data.filter(persons), asked["field"])


CHECK = RuleCheck(
    id="person-code",
    severity="error",
    message=Message(
        "Dòng {row}, “{field}”: mã 12 chữ số là số định danh cá nhân, không "
        "phải mã doanh nghiệp.",
        "Row {row}, '{field}': a code of 12 digits is a person's number, not "
        "an enterprise code.",
        "Bỏ bản ghi của cá nhân khỏi dữ liệu công bố.",
        "Remove records of persons from published data.",
    ),
    holds=Text(
        "không phải mã 12 chữ số của cá nhân",
        "no person's code of 12 digits",
    ),
    parameters=Asks(),
    run=run,
    examples=(
        Example(
            fields={"ma_dn": "string"},
            parameters={"field": "ma_dn"},
            right="2800123456\n",
            wrong="2800123456\n038190001234\n",
            rows=(3,),
        ),
    ),
)
