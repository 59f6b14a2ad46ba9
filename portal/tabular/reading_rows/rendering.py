"""Stored values as clients read them: whole columns at a time, JSON without rounding,
CSV as CKAN writes it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import orjson
import polars as pl

from portal.tabular.manifest import Column

RANK = "float4"
"""The type that CKAN tells of a rank."""


def times(cells: pl.Expr, zone: str, *, exact: bool = False) -> pl.Expr:
    """Moments with the offset that they were written with: to the millisecond as CKAN
    has it, or exact.
    """
    text = cells.dt.to_string("%Y-%m-%dT%H:%M:%S" + ("%.f" if exact else "%.3f"))
    return text + pl.lit(zone) if zone else text


def simple_cells(
    name: str, kind: pl.DataType, column: Column, *, exact: bool = False
) -> pl.Expr:
    """A column of values that JSON and Python both have: decimals and times as texts,
    the rest as they are.
    """
    cells = pl.col(name)
    if isinstance(kind, pl.Datetime):
        return times(cells, column.zone, exact=exact)
    if isinstance(kind, (pl.Date, pl.Time, pl.Duration)):
        return cells.dt.to_string("iso")
    if isinstance(kind, pl.Decimal):
        return cells.cast(pl.String)
    return cells


def json_columns(
    frame: pl.DataFrame, columns: Sequence[Column], *, exact: bool = False
) -> list[list[Any]]:
    """Each column as a list of values for orjson; exact decimals and JSON texts are
    fragments.

    Times are as CKAN answers them, to the millisecond, unless `exact`.
    """
    pairs = zip(frame.schema.items(), columns, strict=True)
    cells = frame.select(
        simple_cells(name, kind, column, exact=exact) for (name, kind), column in pairs
    )
    rendered = []
    for column, kind, series in zip(
        columns, frame.dtypes, cells.get_columns(), strict=True
    ):
        values = series.to_list()
        # A fragment goes into the JSON as it stands: a float would lose digits.
        if isinstance(kind, pl.Decimal):
            values = [_fragment(value) for value in values]
        elif column.ckan_type == "json":
            values = [_json(value) for value in values]
        rendered.append(values)
    return rendered


def _fragment(text: str | None) -> Any:
    return None if text is None else orjson.Fragment(text)


def _json(text: Any) -> Any:
    """A JSON text as it stands; a text that is none stays a text."""
    if not isinstance(text, str):
        return text
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError:
        return text
    return orjson.Fragment(text)


def csv_text(
    columns: Iterable[Column], frame: pl.DataFrame, delimiter: str = ","
) -> str:
    """Rows without a header, a line each, booleans as t and f, a JSON column's null as
    null.
    """
    pairs = zip(frame.schema.items(), columns, strict=True)
    cells = frame.select(_cell(name, kind, column) for (name, kind), column in pairs)
    return cells.write_csv(include_header=False, separator=delimiter)


def _cell(name: str, kind: pl.DataType, column: Column) -> pl.Expr:
    """One column as CKAN's dumps write it."""
    if isinstance(kind, pl.Boolean):
        # A null is neither, and stays an empty cell.
        is_true = pl.when(name).then(pl.lit("t"))
        return is_true.when(pl.col(name).not_()).then(pl.lit("f")).alias(name)
    if column.ckan_type == "json":
        return pl.col(name).fill_null("null")
    return simple_cells(name, kind, column)
