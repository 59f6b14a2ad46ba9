"""Values of indicators, and the bounds that a list sets them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from portal.quality.checks import formula
from portal.quality.checks.declared import Example, RuleCheck
from portal.quality.checks.frame import Frame, Hit, hits
from portal.quality.checks.indicators import indicator_column
from portal.quality.checks.parameters import (
    NUMERIC,
    ColumnName,
    Name,
    Parameters,
)
from portal.quality.findings.messages import Message
from portal.quality.findings.report import Text
from portal.quality.frictionless.keys import References


class Asks(Parameters):
    """A column of values, the column of their indicators, and the list of these."""

    field = ColumnName(kinds=NUMERIC, required=True)
    indicator = ColumnName(required=True)
    list = Name(required=True)


def run(frame: Frame, asked: dict[str, Any], references: References) -> Iterator[Hit]:
    """Values that break what the list says; a bound calls the value by the name of its
    column.
    """
    value = {asked["field"]: frame.number(asked["field"])}
    listed = indicator_column(references, asked["list"], "rang_buoc")
    for code, text in listed.items():
        bound = formula.plain(text)
        if not formula.is_comparison(bound) or formula.names(bound) - set(value):
            continue  # prose, or of something that this table does not have
        # Null where there is no value: its negation is null too, and keeps no row.
        holds = formula.comparison(bound, value.__getitem__)
        broken = frame.is_any_of(asked["indicator"], [code]) & ~holds
        rows = frame.data.filter(broken)
        yield from hits(rows, asked["field"], f"{code}: {bound}")


CHECK = RuleCheck(
    id="indicator-bounds",
    severity="warning",
    message=Message(
        "Dòng {row}, “{field}”: vi phạm ràng buộc của chỉ tiêu ({note}).",
        "Row {row}, '{field}': breaks what the list says of the indicator ({note}).",
        "Kiểm tra giá trị và đơn vị tính của chỉ tiêu.",
        "Check the value and the unit of the indicator.",
    ),
    holds=Text(
        "giá trị theo ràng buộc (`rang_buoc`) của chỉ tiêu",
        "the value keeps the bounds (`rang_buoc`) of its indicator",
    ),
    parameters=Asks(),
    run=run,
    examples=(
        Example(
            fields={"ma": "string", "gia_tri": "number"},
            parameters={"field": "gia_tri", "indicator": "ma", "list": "chi-tieu"},
            references={
                "chi-tieu": {
                    "ma": ["T01", "T02", "T03", "T04"],
                    "ky_loai": ["thang", "thang", "thang", "nam"],
                    "cong_thuc": ["", "", "T02 / T01 × 100", "nhiều chữ"],
                    "rang_buoc": ["gia_tri ≥ 0", "", "0 <= gia_tri <= 100", "x < 1"],
                }
            },
            right="T01,10\nT02,-1\nT03,100\nT04,5\n",
            wrong="T01,-1\nT03,101\n",
            rows=(2, 3),
        ),
    ),
)
