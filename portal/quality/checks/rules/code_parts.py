"""Parts of a code that say what other parts or other cells say."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import polars as pl

from portal.quality.checks import formula
from portal.quality.checks.declared import Example, RuleCheck
from portal.quality.checks.frame import NOTE, Frame, Hit, hits
from portal.quality.checks.parameters import (
    ColumnName,
    Formula,
    Number,
    Parameters,
    Pattern,
    group_names,
)
from portal.quality.findings.messages import Message
from portal.quality.findings.report import Text
from portal.quality.frictionless.keys import References


class Asks(Parameters):
    """A column of codes, the pattern that cuts them, and what a formula between the
    parts and other columns equals; a day counts as its year.
    """

    field = ColumnName(required=True)
    pattern = Pattern(required=True)
    formula = Formula(parts="pattern", required=True)
    equals = Number(required=True)
    tolerance = Number(least=0)


def run(frame: Frame, asked: dict[str, Any], references: References) -> Iterator[Hit]:
    """Codes for which the formula gives something else."""
    code, pattern = frame.text(asked["field"]), asked["pattern"]
    parts = group_names(pattern)

    def number(name: str) -> pl.Expr:
        if name not in parts:
            return frame.year(name)
        # A code that the pattern does not fit gives null, and is left to the column's
        # own rule.
        part = code.str.extract_groups(pattern).struct.field(name)
        return part.cast(pl.Float64, strict=False)

    off = (formula.arithmetic(asked["formula"], number) - asked["equals"]).abs()
    # pl.format takes a plain string for the name of a column.
    said = pl.lit(f"{asked['formula']} = {asked['equals']}")
    note = pl.format("{}: {}", code, said).alias(NOTE)
    broken = frame.data.filter(off > asked.get("tolerance", 0))
    yield from hits(broken.with_columns(note), asked["field"])


CHECK = RuleCheck(
    id="code-parts",
    severity="warning",
    message=Message(
        "Dòng {row}, “{field}”: các phần của mã không khớp nhau hoặc không "
        "khớp ô khác ({note}).",
        "Row {row}, '{field}': the parts of the code do not agree with each "
        "other or with other cells ({note}).",
        "Kiểm tra năm và số thứ tự trong mã.",
        "Check the year and the number inside the code.",
    ),
    holds=Text(
        "các phần của mã khớp nhau hoặc khớp ô khác; ngày được tính là năm của nó",
        "parts of a code agree with each other or with other cells; a day "
        "counts as its year",
    ),
    parameters=Asks(),
    run=run,
    examples=(
        Example(
            fields={"m": "string", "ngay": "date"},
            parameters={
                "field": "m",
                "pattern": "-(?P<nam>[0-9]{4})$",
                "formula": "nam - ngay",
                "equals": 0,
            },
            right="x-1-2026,2026-05-01\nx,2026-05-01\n",
            wrong="x-1-2026,2026-05-01\nx-1-2025,2026-05-01\n",
            rows=(3,),
        ),
    ),
)
