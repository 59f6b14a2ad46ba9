"""Which columns hold codes: by what they are called, or by their pattern."""

from __future__ import annotations

import re

from portal.quality.frictionless.engine import Column, Rules
from portal.quality.personal import fold

LABEL = re.compile(
    r"^(ma|code|id|so hieu|so dinh danh|cccd|cmnd|mst|dien thoai|phone)( |$)|(^| "
    r")(code|id)$"
)
"""Folded labels of columns that hold codes: texts, whatever their digits look like."""
PATTERN = re.compile(r"^[(^]*(\[0-9\]|\\d|[0-9])")
"""The beginning of a pattern that begins with digits."""


def is_code(label: str) -> bool:
    """Whether a column of this name holds codes."""
    return bool(LABEL.search(fold(label)))


def code_columns(rules: Rules) -> dict[int, Column]:
    """The columns of codes of digits, by position: texts whose pattern begins with
    digits.
    """
    return {i: column for i, column in enumerate(rules.columns) if _has_codes(column)}


def _has_codes(column: Column) -> bool:
    """Whether a column is of texts that begin with digits by their pattern."""
    pattern = column.rule.constraints.get("pattern")
    is_text = column.rule.type == "string"
    return is_text and bool(pattern) and PATTERN.match(str(pattern)) is not None
