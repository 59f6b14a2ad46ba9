"""A term of so many months."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import polars as pl

from portal.quality.checks.declared import Example, RuleCheck
from portal.quality.checks.frame import NOTE, Frame, Hit, hits
from portal.quality.checks.parameters import (
    DAYS,
    ColumnNames,
    Number,
    Parameters,
)
from portal.quality.findings.messages import Message
from portal.quality.findings.report import Text
from portal.quality.frictionless.keys import References

LENIENCY = 1
"""Days: a term may end on the day itself or on the day before."""
LONGEST = 12_000


class Asks(Parameters):
    """The first day, the last day, and the months between them."""

    fields = ColumnNames(exactly=2, kinds=DAYS, required=True)  # type: ignore[assignment]
    months = Number(whole=True, least=0, most=LONGEST, required=True)


def run(frame: Frame, asked: dict[str, Any], references: References) -> Iterator[Hit]:
    """Rows whose last day is another one."""
    start, end = map(frame.day, asked["fields"])
    # polars ends a term that begins on the 31st on the last day of a shorter month.
    right = start.dt.offset_by(f"{asked['months']}mo")
    off = (end - right).dt.total_days().abs()
    note = pl.format("{} ≠ {}", end.cast(pl.String), right.cast(pl.String))
    broken = frame.data.filter(off > LENIENCY)
    yield from hits(broken.with_columns(note.alias(NOTE)), asked["fields"][1])


CHECK = RuleCheck(
    id="months-after",
    severity="warning",
    message=Message(
        "Dòng {row}, “{field}”: thời hạn không đúng số tháng quy định ({note}).",
        "Row {row}, '{field}': the term has not the prescribed number of "
        "months ({note}).",
        "Tính lại ngày hết hiệu lực từ ngày công nhận.",
        "Compute the last day again from the first.",
    ),
    holds=Text(
        "b = a cộng số tháng (± 1 ngày)",
        "b = a plus months (± 1 day)",
    ),
    parameters=Asks(),
    run=run,
    examples=(
        Example(
            fields={"a": "date", "b": "date"},
            parameters={"fields": ["a", "b"], "months": 36},
            right="2026-01-15,2029-01-15\n2026-01-15,2029-01-14\n2026-01-15,\n",
            wrong="2026-01-15,2029-01-15\n2026-01-15,2028-01-15\n",
            rows=(3,),
        ),
    ),
)
