"""Periods of the kind in which an indicator is given: months, quarters or years."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import polars as pl

from portal.quality.checks.declared import Example, RuleCheck
from portal.quality.checks.frame import NOTE, Frame, Hit, hits
from portal.quality.checks.indicators import indicator_column
from portal.quality.checks.parameters import (
    ColumnName,
    Name,
    Parameters,
)
from portal.quality.findings.messages import Message
from portal.quality.findings.report import Text
from portal.quality.frictionless.keys import References

DIGITS = {"thang": 6, "quy": 5, "nam": 4}
"""Of a period: YYYYMM, YYYYQ, YYYY."""


class Asks(Parameters):
    """A column of periods, the column of their indicators, and the list of these."""

    field = ColumnName(required=True)
    indicator = ColumnName(required=True)
    list = Name(required=True)


def run(frame: Frame, asked: dict[str, Any], references: References) -> Iterator[Hit]:
    """Periods of another kind."""
    listed = indicator_column(references, asked["list"], "ky_loai")
    kinds = {code: kind for code, kind in listed.items() if kind in DIGITS}
    digits = {code: DIGITS[kind] for code, kind in kinds.items()}
    right = frame.looked_up(asked["indicator"], digits, pl.Int64)
    kind = frame.looked_up(asked["indicator"], kinds)
    note = pl.format("{}: {}", frame.text(asked["indicator"]), kind).alias(NOTE)
    # Null for an indicator that the list does not have: such rows are let be.
    other = frame.text(asked["field"]).str.len_chars() != right
    yield from hits(frame.data.filter(other).with_columns(note), asked["field"])


CHECK = RuleCheck(
    id="period-kind",
    severity="error",
    message=Message(
        "Dòng {row}, “{field}”: kỳ không đúng loại kỳ của chỉ tiêu ({note}).",
        "Row {row}, '{field}': the period is not of the indicator's kind ({note}).",
        "Tháng ghi 6 chữ số (202607), quý 5 chữ số (20263), năm 4 chữ số (2026).",
        "Write a month with six digits (202607), a quarter with five (20263), "
        "a year with four (2026).",
    ),
    holds=Text(
        "kỳ đúng loại kỳ của chỉ tiêu",
        "a period of the indicator's kind",
    ),
    parameters=Asks(),
    run=run,
    examples=(
        Example(
            fields={"ma": "string", "ky": "string"},
            parameters={"field": "ky", "indicator": "ma", "list": "chi-tieu"},
            references={
                "chi-tieu": {
                    "ma": ["T01", "T02", "T03", "T04"],
                    "ky_loai": ["thang", "thang", "thang", "nam"],
                    "cong_thuc": ["", "", "T02 / T01 × 100", "nhiều chữ"],
                    "rang_buoc": ["gia_tri ≥ 0", "", "0 <= gia_tri <= 100", "x < 1"],
                }
            },
            right="T01,202601\nT04,2026\nkhac,1\n",
            wrong="T01,2026\nT04,20261\n",
            rows=(2, 3),
        ),
    ),
)
