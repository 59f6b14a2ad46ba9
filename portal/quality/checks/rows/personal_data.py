"""Columns that seem to hold personal data, whatever they are called."""

from __future__ import annotations

import re
from collections.abc import Iterator

from portal.quality import personal
from portal.quality.checks.declared import Batch, Example, RowCheck, RowFinding, View
from portal.quality.findings.messages import Message
from portal.quality.frictionless.engine import Column, Rules

DIGIT = re.compile(r"(?:\[0-9\]|\\d|[0-9])(?:\{([0-9]+)(?:,([0-9]+))?\})?")
DIGITS_ALONE = re.compile(rf"\^?(?:{DIGIT.pattern})+\$?")
LONGEST_LIST = 2000
"""Values of a closed list that are looked at; longer lists are looked at cell by
cell.
"""
FEWEST_DIGITS = 9
"""A number of a person has as many at least."""


class Persons:
    """Looks at every cell that may be a person's."""

    def __init__(self, view: View) -> None:
        columns = enumerate(view.rules.columns)
        tagged = frozenset(index for index, column in columns if column.personal)
        self._scan = personal.Scan(
            view.table.labels, narrow=_narrow(view.rules), tagged=tagged
        )

    def batch(self, rows: Batch) -> Iterator[RowFinding]:
        """Look; a column is judged as a whole."""
        self._scan.batch(rows.text, rows.flags)
        yield from ()

    def finish(self) -> Iterator[RowFinding]:
        """Tell each column once for each kind."""
        for column in self._scan.result():
            detail = {
                "cells": column.cells,
                "filled": column.filled,
                "kind": column.kind,
                "level": column.level,
                "verdict": column.verdict,
            }
            yield RowFinding(
                field=column.label.strip(),
                note=column.kind,
                verdict=column.verdict,
                detail=detail,
            )


def _narrow(rules: Rules) -> frozenset[int]:
    """Positions of columns where only cells that break the schema can be personal.

    Days, yes and no, codes of a few digits, and closed lists whose own values are
    nothing personal.
    """
    columns = enumerate(rules.columns)
    return frozenset(index for index, column in columns if _is_narrow(column))


def _is_narrow(column: Column) -> bool:
    """Whether what the column's rule accepts can be no person's data."""
    rule = column.rule
    if column.enum is not None:
        return len(column.enum) <= LONGEST_LIST and not any(
            personal.is_value(str(value)) for value in column.enum
        )
    # Only the default format fixes what such a cell may look like.
    if rule.type in ("date", "datetime", "time", "boolean", "year", "yearmonth"):
        return str(rule.format or "default") == "default"
    digits = _most_digits(str(rule.constraints.get("pattern", "")))
    return rule.type == "string" and 0 < digits < FEWEST_DIGITS


def _most_digits(pattern: str) -> int:
    """How many digits a pattern of digits alone allows at most, 0 for any other
    pattern.
    """
    if not DIGITS_ALONE.fullmatch(pattern):
        return 0
    return sum(int(most or exactly or 1) for exactly, most in DIGIT.findall(pattern))


def watch(view: View) -> Persons:
    """Every table is looked at."""
    return Persons(view)


CHECK = RowCheck(
    id="personal-data",
    severity="warning",
    message=Message(
        "Cột “{field}” có vẻ chứa dữ liệu cá nhân ({kind}): {cells}/{filled} ô.",
        "The column '{field}' seems to hold personal data ({kind}): {cells} of "
        "{filled} cells.",
        "Bỏ cột, tổng quát hóa, hoặc gắn nhãn pd trong lược đồ; không công bố "
        "mở khi còn dữ liệu cá nhân.",
        "Drop the column, generalise it or tag it pd in the schema; do not "
        "publish it openly as it is.",
    ),
    watch=watch,
    examples=(
        Example(
            fields={"ma": "string", "cccd": "string"},
            right="14755,x\n",
            wrong="14755,038090001234\n14756,038090001235\n",
            rows=(None,),
        ),
    ),
)
