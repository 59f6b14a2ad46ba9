"""The value of a whole, and the values of its parts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import polars as pl

from portal.quality.checks.declared import Example, RuleCheck
from portal.quality.checks.frame import NOTE, Frame, Hit, hits
from portal.quality.checks.parameters import (
    NUMERIC,
    CellValue,
    ColumnName,
    ColumnNames,
    Conditions,
    Number,
    Parameters,
)
from portal.quality.findings.messages import Message
from portal.quality.findings.report import Text
from portal.quality.frictionless.keys import References

NOW, SUM, PARTS = "_now", "_sum", "_parts"
HAIR = 1e-9
"""Binary fractions may miss an exact tolerance by as much."""


class Asks(Parameters):
    """A column of values, the column that names wholes and parts, which of them is the
    whole, within what they belong together, and how many parts there are.
    """

    field = ColumnName(kinds=NUMERIC, required=True)
    part = ColumnName(required=True)
    whole = CellValue(of="part", required=True)
    by = ColumnNames(required=True)
    parts = Number(whole=True, least=1, required=True)
    tolerance = Number(least=0)
    where = Conditions()


def run(frame: Frame, asked: dict[str, Any], references: References) -> Iterator[Hit]:
    """Wholes that are less than the sum of their parts, or more where all parts are
    there.
    """
    grouping = list(map(frame.key, asked["by"]))
    keys = [each.meta.output_name() for each in grouping]
    rows = frame.data.filter(frame.where(asked.get("where", {})))
    rows = rows.with_columns(frame.number(asked["field"]).alias(NOW), *grouping)
    rows = rows.filter(pl.col(NOW).is_not_null())
    is_whole = frame.is_any_of(asked["part"], [asked["whole"]])
    # A row that names neither is not counted among the parts.
    is_part = frame.text(asked["part"]).is_not_null() & ~is_whole
    sums = rows.filter(is_part).group_by(keys)
    sums_of_parts = sums.agg(pl.col(NOW).sum().alias(SUM), pl.len().alias(PARTS))
    # A whole without any part is not compared. Keys that are missing belong together
    # too.
    both = rows.filter(is_whole).join(
        sums_of_parts, on=keys, how="inner", nulls_equal=True
    )
    now, total, allowed = pl.col(NOW), pl.col(SUM), asked.get("tolerance", 0) + HAIR
    too_little = total - now > allowed
    # While parts are lacking, the sum may well be smaller than the whole.
    too_much = (now - total > allowed) & (pl.col(PARTS) >= asked["parts"])
    note = pl.format("{} ≠ Σ {} ({})", now.round(3), total.round(3), PARTS)
    broken = both.filter(too_little | too_much)
    yield from hits(broken.with_columns(note.alias(NOTE)), asked["field"])


CHECK = RuleCheck(
    id="sum-of-parts",
    severity="warning",
    message=Message(
        "Dòng {row}, “{field}”: giá trị chung không khớp tổng các đơn vị ({note}).",
        "Row {row}, '{field}': the whole does not agree with the sum of its "
        "parts ({note}).",
        "Kiểm tra giá trị của tỉnh và của từng xã trong cùng kỳ.",
        "Check the values of the province and of its communes in this period.",
    ),
    holds=Text(
        "giá trị của `whole` không nhỏ hơn tổng các phần, và bằng tổng khi đủ "
        "`parts` phần",
        "the value of `whole` is no less than the sum of its parts, and equal "
        "to it where all `parts` are there",
    ),
    parameters=Asks(),
    run=run,
    examples=(
        Example(
            fields={"ky": "string", "d": "string", "v": "number"},
            parameters={
                "field": "v",
                "part": "d",
                "whole": "38",
                "by": ["ky"],
                "parts": 2,
            },
            right="1,38,10\n1,a,4\n1,b,6\n2,38,10\n2,a,4\n",
            wrong="3,38,3\n3,a,4\n4,38,9\n4,a,4\n4,b,4\n",
            rows=(2, 4),
        ),
    ),
)
