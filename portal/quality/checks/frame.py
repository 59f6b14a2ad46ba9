"""The columns that checks read, as written and as typed values: every comparison of a
check goes through here.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

import polars as pl

from portal.quality.frictionless.engine import Column, Rules
from portal.quality.frictionless.keys import PART
from portal.quality.frictionless.prefilter import is_missing
from schemas.texttable import ROW

NOTE, EARLIER = "_note", "_earlier"
"""Columns of a result: why a row is told, and the row before that it repeats. The
columns of the table itself are called by their position, so that no name of a
stranger's table can be taken for one of these.
"""
TEXTS = ("string", "any")
"""Types whose values are the texts themselves."""
NUMBERS = ("integer", "number", "year")
HOURS_EAST = 7
"""Vietnam's distance from UTC: a moment without an offset is meant there."""
NEAR = 1e-9
"""Share of a number within which two floats may stand for one decimal."""
INT64 = 2**63
ISO_MOMENT = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9:]{8}(?:Z|[+-][0-9]{2}:[0-9]{2})?$"


class Hit(NamedTuple):
    """One row that breaks a check; row 0 means the whole table."""

    part: int
    row: int
    field: str = ""
    note: str = ""
    earlier: int = 0


def hits(rows: pl.DataFrame, field: str, note: str = "") -> Iterator[Hit]:
    """A hit in `field` for each row; without a `note` its column NOTE says why."""
    for row in rows.iter_rows(named=True):
        why = note or str(row.get(NOTE) or "")
        yield Hit(row[PART], row[ROW], field, why, row.get(EARLIER) or 0)


class Frame:
    """All rows of a table, its columns called "0", "1", … as they stand in `rules`."""

    def __init__(self, data: pl.DataFrame, rules: Rules) -> None:
        self.data, self.rules = data, rules
        self._numbers: dict[str, pl.Expr] = {}

    def text(self, name: str) -> pl.Expr:
        """The cell as written, null where it says that there is no value."""
        column, cell = self._column(name)
        return pl.when(~is_missing(column, cell)).then(pl.col(cell))

    def number(self, name: str) -> pl.Expr:
        """The cell as a float, null where it is none."""
        # Completing a column reads its rare texts at once: that is done once for each
        # column.
        if name not in self._numbers:
            column, cell = self._column(name)
            # Only columns of numbers have a reader that gives numbers; a text is as
            # polars reads it.
            fast = _float(column, cell)
            exact = column.rule.type in NUMBERS
            self._numbers[name] = (
                self._completed(name, fast, _as_float, pl.Float64) if exact else fast
            )
        return self._numbers[name]

    def value(self, name: str) -> pl.Expr:
        """The cell as something that stands in the order of its type; texts order by
        their letters.
        """
        kind = self._column(name)[0].rule.type
        if kind == "integer":
            return self._integer(name)
        if kind in NUMBERS:
            return self.number(name)
        if kind == "date":
            return self.day(name)
        if kind == "datetime":
            return self.moment(name)
        if kind in _RANKS:
            return self._completed(name, None, _RANKS[kind], pl.Float64)
        return self.text(name)

    def key(self, name: str) -> pl.Expr:
        """What is equal where the typed values of two cells are."""
        return self.value(name).alias(f"_key {name}")

    def day(self, name: str) -> pl.Expr:
        """The day that a cell names, as it is written there; null where it names
        none.
        """
        column, _ = self._column(name)
        written = self.text(name).str.head(10).str.to_date("%Y-%m-%d", strict=False)
        if column.rule.type not in ("date", "datetime"):
            return written
        fast = written if column.rule.format == "default" else None
        return self._completed(name, fast, _as_day, pl.Date)

    def moment(self, name: str) -> pl.Expr:
        """The moment that a cell names, in UTC without a zone; null where it names
        none.
        """
        column, _ = self._column(name)
        written = _iso_moment(self.text(name))
        if column.rule.type not in ("date", "datetime"):
            return written
        fast = written if column.rule.format == "default" else None
        return self._completed(name, fast, _as_moment, pl.Datetime("us"))

    def year(self, name: str) -> pl.Expr:
        """A number as it is, a day as its year; of a text its first four signs."""
        kind = self._column(name)[0].rule.type
        if kind in NUMBERS:
            return self.number(name)
        if kind in ("date", "datetime"):
            return self.day(name).dt.year().cast(pl.Float64)
        return self.text(name).str.head(4).cast(pl.Float64, strict=False)

    def period_year(self, name: str) -> pl.Expr:
        """The year with which a period begins, such as 202607 or 2026-07; a key."""
        if self._column(name)[0].rule.type in ("date", "datetime"):
            return self.day(name).dt.year().alias("_year")
        return self.text(name).str.head(4).alias("_year")

    def where(self, conditions: Mapping[str, Any]) -> pl.Expr:
        """Rows whose cells have the given values, or one of a list of them."""
        fitting = pl.lit(True)
        for name, wanted in conditions.items():
            values = wanted if isinstance(wanted, list) else [wanted]
            fitting &= self.is_any_of(name, values)
        return fitting

    def is_any_of(self, name: str, values: Sequence[Any]) -> pl.Expr:
        """Whether the typed value of a cell is one of `values`, which are read as cells
        are; a sign for "missing" asks for missing ones.
        """
        column, _ = self._column(name)
        # A missing cell has no typed value to compare with, so that it is asked for
        # apart.
        missing = [value for value in values if is_blank(column, value)]
        wanted = [condition(column, value) for value in values if value not in missing]
        texts = self._texts_of(name, [value for value in wanted if value is not None])
        # is_in gives null for null: such a row would fall out of a condition and of its
        # negation alike.
        fitting = self.text(name).is_in(texts).fill_null(False)
        return fitting | self.text(name).is_null() if missing else fitting

    def looked_up(
        self, name: str, mapping: Mapping[str, Any], dtype: Any = pl.String
    ) -> pl.Expr:
        """What `mapping` says of the typed value of a cell, null where it says
        nothing.
        """
        column, _ = self._column(name)
        if column.rule.type in TEXTS:
            return _replaced(self.text(name), dict(mapping), dtype)
        pairs = [(condition(column, key), told) for key, told in mapping.items()]
        known = [(value, told) for value, told in pairs if value is not None]
        told = {
            text: next(told for value, told in known if value == _typed(column, text))
            for text in self._texts_of(name, [value for value, _ in known])
        }
        return _replaced(self.text(name), told, dtype)

    def _column(self, name: str) -> tuple[Column, str]:
        """The column of this name, and what it is called in `data`."""
        index = self.rules.index(name)
        if index is None:
            raise KeyError(name)
        return self.rules.columns[index], str(index)

    def _distinct(self, name: str, some: pl.Expr) -> list[str]:
        """The different texts of a column in the rows that `some` picks."""
        cells = self.data.lazy().filter(some).select(self.text(name).alias("cell"))
        distinct: list[str] = cells.drop_nulls().unique().collect()["cell"].to_list()
        return distinct

    def _texts_of(self, name: str, wanted: Sequence[Any]) -> list[str]:
        """The texts of a column that mean one of the typed values."""
        column, cell = self._column(name)
        if column.rule.type in TEXTS:
            return list(wanted)
        near = pl.lit(True)
        if column.rule.type in NUMBERS:
            # Floats sort out nearly all cells at once; only the rest is read exactly.
            value, limits = _float(column, cell), [_limit(each) for each in wanted]
            # A cell that is no float is null here, and may mean the value to the
            # column's reader.
            near = pl.any_horizontal(
                pl.lit(False),
                *((value - at).abs() <= abs(at) * NEAR for at in limits),
            ).fill_null(True)
        texts = self._distinct(name, near)
        return [text for text in texts if _typed(column, text) in wanted]

    def _completed(
        self,
        name: str,
        fast: pl.Expr | None,
        convert: Callable[[Any], Any],
        dtype: Any,
    ) -> pl.Expr:
        """`fast`, and where it is null what the column's own reader makes of the
        text.
        """
        column, _ = self._column(name)
        rest = self._distinct(name, pl.lit(True) if fast is None else fast.is_null())
        values = {text: _converted(column, text, convert) for text in rest}
        exact = _replaced(self.text(name), values, dtype)
        return exact if fast is None else pl.coalesce(fast.cast(dtype), exact)

    def _integer(self, name: str) -> pl.Expr:
        """Whole numbers exactly; as floats only where one of them has more than 64
        bits.
        """
        fast = self.text(name).cast(pl.Int64, strict=False)
        column, _ = self._column(name)
        rest = [_typed(column, text) for text in self._distinct(name, fast.is_null())]
        if any(value is not None and abs(value) >= INT64 for value in rest):
            return self.number(name)
        return self._completed(name, fast, int, pl.Int64)


def conditions_text(conditions: Mapping[str, Any]) -> str:
    """Conditions as a note shows them."""
    return ", ".join(f"{name}={value or '∅'}" for name, value in conditions.items())


def condition(column: Column, value: object) -> Any:
    """A value of a condition as the column would read it, None where it is none of its
    type.
    """
    if column.rule.type in TEXTS:
        return value if isinstance(value, str) else None
    return _typed(column, value)


def order_kind(kind: str) -> str:
    """What can be put in one order has one kind: numbers of all types, days and
    moments.
    """
    if kind in NUMBERS:
        return "number"
    if kind in ("date", "datetime"):
        return "moment"
    return kind if kind in _RANKS else "text"


def is_blank(column: Column, value: object) -> bool:
    """Whether a value of a condition asks for cells without a value."""
    return value is None or value == "" or value in column.missing


def _typed(column: Column, value: object) -> Any:
    """The value that a column's reader gives, None where it is not finite."""
    typed = column.value(value)
    # NaN equals nothing, and infinities would decide every comparison.
    if isinstance(typed, Decimal | float) and not math.isfinite(typed):
        return None
    return typed


def _float(column: Column, cell: str) -> pl.Expr:
    """The cell as a float by polars alone; declared separators are honoured."""
    text: pl.Expr = pl.when(~is_missing(column, cell)).then(pl.col(cell))
    group = column.group or getattr(column.rule, "group_char", "")
    point = getattr(column.rule, "decimal_char", ".")
    if group:
        text = text.str.replace_all(group, "", literal=True)
    if point != ".":
        text = text.str.replace_all(point, ".", literal=True)
    value = text.cast(pl.Float64, strict=False)
    # polars reads "inf" and "nan" as floats.
    return pl.when(value.is_finite()).then(value)


def _iso_moment(text: pl.Expr) -> pl.Expr:
    """ISO moments in UTC; a cell of any other form is null."""
    written = text.str.head(19).str.replace("T", " ", literal=True)
    local = written.str.to_datetime("%Y-%m-%d %H:%M:%S", strict=False, time_unit="us")
    offset = text.str.extract(r"([+-][0-9]{2}:[0-9]{2})$")
    sign = pl.when(offset.str.starts_with("-")).then(-1).otherwise(1)
    hours = offset.str.slice(1, 2).cast(pl.Int64, strict=False)
    minutes = offset.str.slice(4, 2).cast(pl.Int64, strict=False)
    east = (
        pl.when(text.str.ends_with("Z"))
        .then(0)
        .otherwise((sign * (hours * 60 + minutes)).fill_null(HOURS_EAST * 60))
    )
    moment = local - pl.duration(minutes=east)
    # The parts above are cut out by position, whatever the cell looks like.
    return pl.when(text.str.contains(ISO_MOMENT)).then(moment)


def _replaced(text: pl.Expr, mapping: Mapping[str, Any], dtype: Any) -> pl.Expr:
    """Texts exchanged for what the mapping says of them, null for all others."""
    if not mapping:
        return pl.lit(None, dtype)
    values = pl.Series(list(mapping.values()), dtype=dtype)
    return text.replace_strict(
        list(mapping), values, default=None, return_dtype=values.dtype
    )


def _converted(column: Column, text: str, convert: Callable[[Any], Any]) -> Any:
    """The typed value of a text as polars is to hold it; None where there is none."""
    value = _typed(column, text)
    return None if value is None else convert(value)


def _limit(value: Any) -> float:
    """A number as a float; infinity where it is larger than any."""
    try:
        return float(value)
    except OverflowError:
        return math.inf


def _as_float(value: Any) -> float | None:
    number = _limit(value)
    return number if math.isfinite(number) else None


def _as_day(value: Any) -> dt.date:
    return value.date() if isinstance(value, dt.datetime) else value


def _as_moment(value: Any) -> dt.datetime | None:
    """A day or moment in UTC without its zone; None beyond the days that there are."""
    if not isinstance(value, dt.datetime):
        value = dt.datetime.combine(value, dt.time())
    if value.tzinfo is None:
        value = value.replace(tzinfo=dt.timezone(dt.timedelta(hours=HOURS_EAST)))
    try:
        moment: dt.datetime = value.astimezone(dt.UTC).replace(tzinfo=None)
    except OverflowError:  # the first or the last day that there is
        return None
    return moment


def _seconds_of_day(value: dt.time) -> float:
    return (
        value.hour * 3600 + value.minute * 60 + value.second + value.microsecond / 1e6
    )


def _seconds(value: Any) -> float:
    """A duration in seconds."""
    # Months have no fixed length: they are counted from one agreed day.
    if not isinstance(value, dt.timedelta):
        value = value.totimedelta(start=dt.datetime(2000, 1, 1, tzinfo=dt.UTC))
    return float(value.total_seconds())


_RANKS: Mapping[str, Callable[[Any], float]] = {
    "boolean": float,
    "time": _seconds_of_day,
    "yearmonth": lambda value: float(value.year * 12 + value.month),
    "duration": _seconds,
}
"""How values of the other types that have an order become numbers in that order."""
