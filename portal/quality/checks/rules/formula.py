"""Cells that hold a formula."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from portal.quality.checks import formula
from portal.quality.checks.declared import Example, RuleCheck
from portal.quality.checks.frame import NOTE, Frame, Hit, hits
from portal.quality.checks.parameters import (
    ColumnName,
    Parameters,
)
from portal.quality.findings.messages import Message
from portal.quality.findings.report import Text
from portal.quality.frictionless.keys import References


class Asks(Parameters):
    """A column of formulas."""

    field = ColumnName(required=True)


def run(frame: Frame, asked: dict[str, Any], references: References) -> Iterator[Hit]:
    """Formulas that cannot be computed."""
    text = frame.text(asked["field"])
    # Each different text is read once.
    different = frame.data.select(text.alias("text")).to_series().drop_nulls().unique()
    bad = [each for each in different.to_list() if not _is_formula(each)]
    broken = frame.data.filter(text.is_in(bad))
    yield from hits(broken.with_columns(text.alias(NOTE)), asked["field"])


def _is_formula(text: str) -> bool:
    keyboard = formula.plain(text)
    return formula.is_arithmetic(keyboard) or formula.is_comparison(keyboard)


CHECK = RuleCheck(
    id="formula",
    severity="error",
    message=Message(
        "Dòng {row}, “{field}”: công thức không tính được ({note}).",
        "Row {row}, '{field}': the formula cannot be computed ({note}).",
        "Chỉ dùng mã chỉ tiêu, số, + - × / và ngoặc, ví dụ DTC02 / DTC01 × 100.",
        "Use codes of indicators, numbers, + - × / and parentheses, as in "
        "DTC02 / DTC01 × 100.",
    ),
    holds=Text(
        "ô chứa công thức tính được",
        "the cell holds a formula that can be computed",
    ),
    parameters=Asks(),
    run=run,
    examples=(
        Example(
            fields={"f": "string", "x": "integer"},
            parameters={"field": "f"},
            right="DTC02 / DTC01 · 100,1\nA01 + (B01 − 2),1\n0 ≤ a,1\n",
            wrong="a + 1,1\nlấy hai chia ba,1\n__import__('os'),1\n",
            rows=(3, 4),
        ),
    ),
)
