"""Stored values as clients read them: JSON without rounding, CSV as CKAN writes it."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import orjson

from portal.tabular.manifest import Column


def fragment(value: Any, column: Column) -> Any:
    """A value for orjson: decimals digit by digit, times with the offset that they were written with."""
    if isinstance(value, Decimal):
        return orjson.Fragment(format(value, "f"))
    if isinstance(value, str) and column.ckan_type == "json":
        return _json(value)
    return _dated(value, column)


def _json(text: str) -> Any:
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError:
        return text
    return orjson.Fragment(text)


def _dated(value: Any, column: Column) -> Any:
    if isinstance(value, datetime):
        return value.isoformat(timespec="milliseconds") + column.zone
    return value.isoformat() if isinstance(value, date) else value


def csv_text(columns: Iterable[Column], rows: Iterable[tuple[Any, ...]], delimiter: str = ",") -> str:
    """Rows without a header, a line each, booleans as t and f."""
    listed = list(columns)
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter, lineterminator="\n")
    for row in rows:
        writer.writerow([_cell(value, column) for value, column in zip(row, listed, strict=False)])
    return out.getvalue()


def _cell(value: Any, column: Column) -> Any:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "t" if value else "f"
    return format(value, "f") if isinstance(value, Decimal) else _dated(value, column)
