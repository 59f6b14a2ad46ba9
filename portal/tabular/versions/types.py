"""Columns of text become typed columns, as their Table Schema declares; nothing is ever
guessed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from portal.tabular.manifest import Column
from portal.tabular.versions.records import DIGITS

CKAN_TYPES = {
    "integer": "int8",
    "year": "int4",
    "number": "numeric",
    "boolean": "bool",
    "date": "date",
    "datetime": "timestamp",
    "object": "json",
    "array": "json",
    "list": "json",
    "geojson": "json",
}
TRUE_VALUES = ("true", "True", "TRUE", "1")
FALSE_VALUES = ("false", "False", "FALSE", "0")
_PLAIN = r"^[+-]?\d+(\.\d*)?$|^[+-]?\.\d+$"
_OFFSET = r"(Z|[+-]\d{2}:?\d{2})$"


class CellProblem(ValueError):
    """A cell that its declared type cannot take; validation was to find it first."""

    def __init__(self, field: str, row: int, cell: str) -> None:
        super().__init__(
            f"row {row}, field {field}: {cell[:50]!r} is not of the declared type"
        )
        self.field, self.row, self.cell = field, row, cell


@dataclass
class ColumnShape:
    """What must be known of a whole column before its first cell can be stored.

    `place` is its name in a batch, `label` what its file calls it.
    """

    name: str
    field: Mapping[str, Any]
    place: str = ""
    label: str = ""
    scale: int = 0
    digits: int = 0
    exact: bool = True
    offsets: frozenset[str] = frozenset()

    @property
    def type(self) -> str:
        """The Table Schema type."""
        return str(self.field.get("type") or "string")

    def column(self) -> Column:
        """The column as the manifest names it."""
        ckan = CKAN_TYPES.get(self.type, "text")
        if self.type == "number" and not self.exact:
            ckan = "float8"
        if self.type == "datetime" and len(self.offsets) > 1:
            ckan = "text"
        return Column(
            self.name, self.type, ckan, str(self.field.get("title") or ""), self.zone
        )

    @property
    def zone(self) -> str:
        """The one offset of a datetime column, empty without one."""
        if self.type != "datetime" or len(self.offsets) != 1:
            return ""
        (offset,) = self.offsets
        return offset

    @property
    def needs_look(self) -> bool:
        """Whether `look` must have seen every cell before the first is stored."""
        return self.type in ("number", "datetime")

    def look(self, texts: pl.Series) -> None:
        """Take account of some cells of the column (missing values are null
        already).
        """
        if self.type == "number":
            self._look_at_numbers(numbers(texts, self.field))
        elif self.type == "datetime":
            # Times without an offset count as a kind of their own: mixed with others
            # they are no moments of one clock.
            offsets = texts.drop_nulls().str.extract(_OFFSET).fill_null("")
            self.offsets |= frozenset(offsets.unique().to_list())

    def goes_on(self, texts: pl.Series) -> bool:
        """Look at some more cells; whether those before them can be stored as if these
        had not come.

        More decimals are no matter: an exact number can be given them later.
        """
        exact, offsets = self.exact, self.offsets
        self.look(texts)
        if self.exact != exact:
            return False
        if self.offsets == offsets:
            return True
        # With several offsets the column is text already, whatever else comes; without
        # any, there were only nulls so far, which are stored alike in every type.
        was_text = len(offsets) > 1
        is_first = not offsets and len(self.offsets) == 1
        return was_text or is_first

    def _look_at_numbers(self, texts: pl.Series) -> None:
        """Note how many digits numbers have, and whether decimals hold them exactly."""
        present = texts.drop_nulls()
        if not present.len():
            return
        if not present.str.contains(_PLAIN).all():
            self.exact = False
            return
        self.scale = max(self.scale, _longest(present.str.extract(r"\.(\d*)$")))
        self.digits = max(self.digits, _longest(present.str.extract(r"^[+-]?(\d*)")))
        self.exact = self.exact and self.scale + self.digits <= DIGITS

    def typed(self, texts: pl.Series, rows: pl.Series) -> pl.Series:
        """The cells as values. Raises CellProblem for the first that cannot be one."""
        values = self._cast(texts)
        # Polars makes a null of what it cannot convert.
        lost = values.is_null() & texts.is_not_null()
        if lost.any():
            index = int(lost.arg_true()[0])
            raise CellProblem(self.name, int(rows[index]), str(texts[index]))
        return values.alias(self.name)

    def _cast(self, texts: pl.Series) -> pl.Series:
        """Texts as values of the column's type; null where one does not fit."""
        stripped = texts.str.strip_chars()
        if self.type in ("integer", "year"):
            return numbers(texts, self.field).str.to_integer(strict=False)
        if self.type == "number":
            return self._numbers(numbers(texts, self.field))
        if self.type == "boolean":
            return booleans(stripped, self.field)
        if self.type == "date":
            return stripped.str.to_date(_format(self.field, "%Y-%m-%d"), strict=False)
        if self.type == "datetime":
            return self._moments(stripped)
        return texts

    def _numbers(self, texts: pl.Series) -> pl.Series:
        if self.exact:
            return texts.cast(pl.Decimal(DIGITS, self.scale), strict=False)
        return texts.cast(pl.Float64, strict=False)

    def _moments(self, texts: pl.Series) -> pl.Series:
        """Times without their common offset, which the manifest keeps; texts where
        offsets differ.
        """
        if len(self.offsets) > 1:
            return texts
        declared = _format(self.field, "")
        if declared:
            moments = texts.str.to_datetime(
                declared, strict=False, time_unit="us", time_zone=None
            )
            # A format with %z makes them times of UTC.
            return moments.dt.replace_time_zone(None)
        bare = texts.str.replace(_OFFSET, "") if self.zone else texts
        iso = bare.str.replace(" ", "T", literal=True)
        with_seconds = iso.str.to_datetime(
            "%Y-%m-%dT%H:%M:%S%.f", strict=False, time_unit="us"
        )
        # Most files have one form: the second is tried only where the first is not all.
        if not with_seconds.null_count():
            return with_seconds
        to_the_minute = iso.str.to_datetime(
            "%Y-%m-%dT%H:%M", strict=False, time_unit="us"
        )
        return with_seconds.fill_null(to_the_minute)


def _longest(texts: pl.Series) -> int:
    """The characters of the longest text; 0 where there is none."""
    longest = texts.str.len_chars().max()
    return int(str(longest or 0))


def _format(field: Mapping[str, Any], default: str) -> str:
    declared = str(field.get("format") or "default")
    return default if declared in ("default", "any") else declared


def without_missing(texts: pl.Series, values: frozenset[str]) -> pl.Series:
    """The cells, null where the text stands for a missing value."""
    return texts.set(texts.is_in(list(values)), None) if values else texts


def numbers(texts: pl.Series, field: Mapping[str, Any]) -> pl.Series:
    """Numbers as plain texts with a decimal point: group characters, blanks and units
    taken away as declared.
    """
    digits = texts.str.strip_chars()
    if field.get("bareNumber") is False:
        digits = digits.str.replace_all(r"^[^\d+\-.,]+|[^\d.,]+$", "")
    # The group character first: it may be the very point that decimals get.
    if group := field.get("groupChar"):
        digits = digits.str.replace_all(str(group), "", literal=True)
    decimal = str(field.get("decimalChar") or ".")
    if decimal != ".":
        digits = digits.str.replace_all(decimal, ".", literal=True)
    # Frictionless reads 1_000 as Python does, and so do we.
    return digits.str.replace_all("_", "", literal=True)


def booleans(texts: pl.Series, field: Mapping[str, Any]) -> pl.Series:
    """True and false as the field writes them, null for anything else."""
    true = list(field.get("trueValues") or TRUE_VALUES)
    false = list(field.get("falseValues") or FALSE_VALUES)
    cells = pl.col("cells")
    is_true = pl.when(cells.is_in(true)).then(True)
    value = is_true.when(cells.is_in(false)).then(False).otherwise(None)
    frame = pl.DataFrame({"cells": texts})
    return frame.select(value.alias(texts.name)).to_series()
