"""Columns of text become typed columns, as their Table Schema declares; nothing is ever
guessed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from portal.tabular.manifest import Column

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
DIGITS = 38
"""Digits that an exact decimal may have; longer numbers are kept as floating point."""
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
class Shape:
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
        return (
            next(iter(self.offsets))
            if self.type == "datetime" and len(self.offsets) == 1
            else ""
        )

    @property
    def curious(self) -> bool:
        """Whether `look` must have seen every cell before the first is stored."""
        return self.type in ("number", "datetime")

    def look(self, texts: pl.Series) -> None:
        """Take account of some cells of the column (missing values are null
        already).
        """
        if self.type == "number":
            self._look_at_numbers(numbers(texts, self.field))
        elif self.type == "datetime":
            found = (
                texts.drop_nulls().str.extract(_OFFSET).fill_null("").unique().to_list()
            )
            self.offsets |= frozenset(found)

    def goes_on(self, texts: pl.Series) -> bool:
        """Look at some more cells; whether those before them can be stored as if these
        had not come.

        More decimals are no matter: an exact number can be given them later.
        """
        exact, offsets = self.exact, self.offsets
        self.look(texts)
        same = (
            self.offsets == offsets
            or len(offsets) > 1
            or (not offsets and len(self.offsets) == 1)
        )
        return self.exact == exact and same

    def _look_at_numbers(self, texts: pl.Series) -> None:
        plain = texts.drop_nulls()
        if not plain.len():
            return
        if not plain.str.contains(_PLAIN).all():
            self.exact = False
            return
        fraction = plain.str.extract(r"\.(\d*)$").fill_null("").str.len_chars().max()
        whole = plain.str.extract(r"^[+-]?(\d*)").fill_null("").str.len_chars().max()
        self.scale = max(self.scale, int(str(fraction or 0)))
        self.digits = max(self.digits, int(str(whole or 0)))
        self.exact = self.exact and self.scale + self.digits <= DIGITS

    def typed(self, texts: pl.Series, rows: pl.Series) -> pl.Series:
        """The cells as values. Raises CellProblem for the first that cannot be one."""
        made = self._cast(texts)
        lost = made.is_null() & texts.is_not_null()
        if lost.any():
            index = int(lost.arg_true()[0])
            raise CellProblem(self.name, int(rows[index]), str(texts[index]))
        return made.alias(self.name)

    def _cast(self, texts: pl.Series) -> pl.Series:
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
        bare = texts.str.replace(_OFFSET, "") if self.zone else texts
        declared = _format(self.field, "")
        if declared:
            return texts.str.to_datetime(
                declared, strict=False, time_unit="us", time_zone=None
            ).dt.replace_time_zone(None)
        spaced = bare.str.replace(" ", "T", literal=True)
        formats = ("%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%dT%H:%M")
        return _first(
            spaced.str.to_datetime(each, strict=False, time_unit="us")
            for each in formats
        )


def _first(tries: Any) -> pl.Series:
    made: pl.Series | None = None
    for each in tries:
        if made is None:
            made = each
        elif made.null_count():
            made = made.fill_null(each)
    assert made is not None  # noqa: S101 - callers give at least one
    return made


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
    plain = texts.str.strip_chars()
    if field.get("bareNumber") is False:
        plain = plain.str.replace_all(r"^[^\d+\-.,]+|[^\d.,]+$", "")
    if group := field.get("groupChar"):
        plain = plain.str.replace_all(str(group), "", literal=True)
    decimal = str(field.get("decimalChar") or ".")
    plain = (
        plain.str.replace_all(decimal, ".", literal=True) if decimal != "." else plain
    )
    return plain.str.replace_all("_", "", literal=True)


def booleans(texts: pl.Series, field: Mapping[str, Any]) -> pl.Series:
    """True and false as the field writes them, null for anything else."""
    true = list(field.get("trueValues") or TRUE_VALUES)
    false = list(field.get("falseValues") or FALSE_VALUES)
    frame = pl.DataFrame({"t": texts})
    when = (
        pl.when(pl.col("t").is_in(true))
        .then(True)
        .when(pl.col("t").is_in(false))
        .then(False)
    )
    return frame.select(when.otherwise(None).alias("t")).to_series()
