"""The vectorised screen: per column, an expression that is false only where a cell is
certainly valid.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from typing import Any

import polars as pl

from portal.quality.frictionless.engine import Column

SAFE_LETTERS = r"^[\x20-\x7e\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f\u1ea0-\u1ef9]*$"
"""Letters on whose classes (\\d, \\w, \\s) Python's and Rust's regex engines agree."""
# Signs that mean the same to Python and to Rust. A pattern with any other is left to
# the exact reading, which costs time and never a wrong verdict.
_SAFE_PATTERN = re.compile(
    r"(?:[\w \-(){},.+*?|^$\[\]/:@%=;<>#!~&'\"]|\\[dws.\-/+()\[\]{}|*?$^\\])*", re.ASCII
)
# What these signs can still make that the engines read differently: flags, possessive
# repeats, "{,n}", and Rust's nested classes and set operations.
_UNSAFE_PARTS = re.compile(
    r"\(\?(?!:)|[+*?}]\+|\{,|\[\[|\[\^?\]|&&|--|~~|\[\^[^\]]*\\[dws]"
)
DAY = (
    r"(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)"
    r"|02-(?:0[1-9]|1[0-9]|2[0-8]))"
)
"""Month and day that every year has; 29 February is read exactly."""
DATE = rf"^[1-9][0-9]{{3}}-{DAY}$"
DATETIME = (
    rf"^[1-9][0-9]{{3}}-{DAY}[T ](?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]"
    r"(?:Z|\+(?:0[0-9]|1[0-3]):[0-5][0-9])?$"
)


def suspicious(column: Column, name: str) -> pl.Expr:
    """True where the cell of `name` must be read exactly; false only where Frictionless
    surely finds no error.
    """
    cell = pl.col(name)
    sure = _VALID.get(column.rule.type, _never)(column, cell)
    if sure is None:
        sure = pl.lit(False)
    missing = list(column.missing)
    if column.rule.constraints.get("required"):
        # A text that means "missing" must be seen even where it would be a good value.
        sure = (
            sure & ~cell.is_in(missing)
            if missing and column.rule.type in ("string", "any")
            else sure
        )
        if column.rule.type not in ("string", "any") and any(
            _typed(column, text) for text in missing
        ):
            sure = sure & ~cell.is_in(missing)
    elif missing:
        sure = sure | _is_missing(cell, missing)
    # A null means that a cast or comparison gave nothing: such a cell is read exactly.
    return ~sure.fill_null(False)


def is_missing(column: Column, name: str) -> pl.Expr:
    """True where the cell says that there is no value."""
    return _is_missing(pl.col(name), list(column.missing))


def _is_missing(cell: pl.Expr, missing: list[str]) -> pl.Expr:
    if not missing:
        return pl.lit(False)
    return cell == missing[0] if len(missing) == 1 else cell.is_in(missing)


def _typed(column: Column, text: str) -> bool:
    """Whether the text would be a value of the column's type, were it not a sign for
    "missing".
    """
    return column.rule.create_value_reader()(text) is not None


def _never(column: Column, cell: pl.Expr) -> pl.Expr | None:
    return None


def _others(column: Column, *known: str) -> bool:
    """Whether the column has constraints that its screen does not know of."""
    return bool(set(column.rule.constraints) - {"required", "unique", *known})


def _string(column: Column, cell: pl.Expr) -> pl.Expr | None:
    """Sure of texts by length, enum and pattern; None where a format is asked for."""
    if column.rule.format != "default":
        return None
    limits = column.rule.constraints
    sure = pl.lit(True)
    if "minLength" in limits:
        sure &= cell.str.len_chars() >= limits["minLength"]
    if "maxLength" in limits:
        sure &= cell.str.len_chars() <= limits["maxLength"]
    if "enum" in limits:
        sure &= cell.is_in(
            [value for value in limits["enum"] if isinstance(value, str)]
        )
    if "pattern" in limits:
        matches = _pattern(limits["pattern"])
        if matches is None:
            return None
        sure &= matches(cell)
    return sure


def _pattern(pattern: str) -> Callable[[pl.Expr], pl.Expr] | None:
    r"""A match that implies Python's `re.compile("^pattern$").match`, None where that
    cannot be promised.
    """
    if not _SAFE_PATTERN.fullmatch(pattern) or _UNSAFE_PARTS.search(pattern):
        return None
    # Python's match begins at the start, while contains looks anywhere. "^" and "$" are
    # written as Frictionless writes them, so that a bare "|" means the same to both.
    rust = rf"\A(?:^{pattern}$)"
    if not _compiles(rust):
        return None
    # Beyond these letters the two engines disagree on what a digit, a word or a space
    # is.
    if re.search(r"\\[dws]", pattern):
        return lambda cell: cell.str.contains(rust) & cell.str.contains(SAFE_LETTERS)
    return lambda cell: cell.str.contains(rust)


@functools.lru_cache(1024)
def _compiles(pattern: str) -> bool:
    """Whether Rust's engine takes the pattern."""
    try:
        pl.Series([""]).str.contains(pattern)
    except pl.exceptions.PolarsError:
        return False
    return True


def _bounded(column: Column, value: pl.Expr, convert: Callable[[Any], Any]) -> pl.Expr:
    """Whether the value lies within all bounds of the column."""
    sure = pl.lit(True)
    for name, bound in column.bounds.items():
        limit = convert(bound)
        match name:
            case "minimum":
                sure &= value >= limit
            case "maximum":
                sure &= value <= limit
            case "exclusiveMinimum":
                sure &= value > limit
            case _:
                sure &= value < limit
    return sure


def _integer(column: Column, cell: pl.Expr) -> pl.Expr | None:
    """Sure of integers that fit in 64 bits."""
    limits = [*column.bounds.values(), *(column.enum or ())]
    # Larger limits, booleans and decimals would not survive the comparison with Int64.
    if not column.rule.bare_number or any(
        type(v) is not int or abs(v) >= 2**62 for v in limits
    ):
        return None
    digits = (
        cell.str.replace_all(column.group, "", literal=True) if column.group else cell
    )
    value = digits.cast(pl.Int64, strict=False)
    sure = value.is_not_null() & _bounded(column, value, int)
    return sure & value.is_in(list(column.enum)) if column.enum is not None else sure


def _number(column: Column, cell: pl.Expr) -> pl.Expr | None:
    """Sure of decimals that are plainly within their bounds."""
    rule = column.rule
    if not rule.bare_number or rule.float_number or column.enum is not None:
        return None
    text, sure = cell, pl.lit(True)
    if rule.group_char:
        text = text.str.replace_all(rule.group_char, "", literal=True)
    if rule.decimal_char != ".":
        # After the exchange below, a dot that stood there already would pass for the
        # decimal sign.
        sure = ~text.str.contains(".", literal=True)
        text = text.str.replace_all(rule.decimal_char, ".", literal=True)
    value = text.cast(pl.Float64, strict=False)
    # polars reads "inf" and "nan" as floats.
    sure &= value.is_finite()
    for name, bound in column.bounds.items():
        # A float at the bound may stand for a decimal beyond it: such cells are read
        # exactly.
        limit = float(bound)
        inside = (
            value > limit if name in ("minimum", "exclusiveMinimum") else value < limit
        )
        sure &= inside
    return sure


def _boolean(column: Column, cell: pl.Expr) -> pl.Expr | None:
    """Sure of the declared words for true and false."""
    if _others(column):
        return None
    return cell.is_in([*column.rule.true_values, *column.rule.false_values])


def _date(column: Column, cell: pl.Expr) -> pl.Expr | None:
    """Sure of ISO days of the years 1000 to 9999."""
    if column.rule.format != "default" or column.enum is not None:
        return None
    # Texts of this one form stand in the order of their days.
    return cell.str.contains(DATE) & _bounded(
        column, cell, lambda bound: bound.isoformat()
    )


def _datetime(column: Column, cell: pl.Expr) -> pl.Expr | None:
    """Sure of ISO moments without fractions of a second."""
    if column.rule.format != "default" or _others(column):
        return None
    return cell.str.contains(DATETIME)


def _year(column: Column, cell: pl.Expr) -> pl.Expr | None:
    """Sure of years of four digits."""
    if column.enum is not None:
        return None
    value = cell.cast(pl.Int64, strict=False)
    return cell.str.contains("^[0-9]{4}$") & _bounded(column, value, int)


def _any(column: Column, cell: pl.Expr) -> pl.Expr | None:
    return None if _others(column) else pl.lit(True)


_VALID: dict[str, Callable[[Column, pl.Expr], pl.Expr | None]] = {
    "string": _string,
    "integer": _integer,
    "number": _number,
    "boolean": _boolean,
    "date": _date,
    "datetime": _datetime,
    "year": _year,
    "any": _any,
}
