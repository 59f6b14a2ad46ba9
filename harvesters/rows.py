"""Rows of a source become the columns that its configuration keeps: renamed, dates and
numbers as we write them.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

from marshmallow import fields, validate

from harvesters.base import ItemError
from harvesters.config import Config
from schemas import catalog
from schemas.record import Content, ContentPart

DATE_PARTS = {
    "dd": "%d",
    "MM": "%m",
    "yyyy": "%Y",
    "yy": "%y",
    "HH": "%H",
    "mm": "%M",
    "ss": "%S",
}


class RowsConfig(Config):
    """How a source writes its rows."""

    fields_ = fields.Dict(
        data_key="fields",
        keys=fields.String(),
        values=fields.String(),
        required=True,
        metadata={
            "help": (
                "their column → ours; what is not named is dropped before anything is "
                "kept"
            )
        },
    )
    dates = fields.List(
        fields.String(),
        load_default=None,
        allow_none=True,
        metadata={
            "help": "our columns that hold dates; default: as the table schema says"
        },
    )
    date_format = fields.String(
        load_default="dd/MM/yyyy", metadata={"help": "how the source writes dates"}
    )
    numbers = fields.List(
        fields.String(),
        load_default=None,
        allow_none=True,
        metadata={
            "help": "our columns that hold numbers; default: as the table schema says"
        },
    )
    decimal = fields.String(load_default=",", validate=validate.OneOf([",", "."]))
    thousands = fields.String(
        load_default="", validate=validate.OneOf(["", ",", ".", " "])
    )


class RowShaper:
    """Keeps the declared columns of a row and writes their cells as a Table Schema
    reads them.

    A cell that is not what it should be stays as it was written, so that validation
    names it.
    """

    def __init__(self, config: Mapping[str, Any]) -> None:
        self.names: dict[str, str] = dict(config["fields_"])
        types = _types(config.get("schema_name"))
        self._dates = _columns_of(config["dates"], types, ("date", "datetime"))
        self._numbers = _columns_of(config["numbers"], types, ("integer", "number"))
        self._format = strptime_format(config["date_format"])
        self._decimal, self._thousands = config["decimal"], config["thousands"]
        # Grouped all the way or not at all: in 1.5000 the point is no separator of
        # thousands, and such a cell stays as it was written.
        grouped = r"\d+"
        if self._thousands:
            grouped = rf"\d{{1,3}}({re.escape(self._thousands)}\d{{3}})+"
        fraction = rf"{re.escape(self._decimal)}\d+"
        self._number = re.compile(rf"^[+-]?({grouped}|\d+)({fraction})?$")

    def row(self, row: Mapping[str, Any]) -> list[str]:
        """The cells of one row, in the order of the declared columns."""
        return [
            self._cell(ours, row.get(theirs)) for theirs, ours in self.names.items()
        ]

    def _cell(self, name: str, value: Any) -> str:
        """A value as text: dates in ISO form, numbers with a plain decimal point."""
        written = cell_text(value)
        if name in self._dates:
            return self._date(written)
        # A number that is no text has its decimal point already.
        if name in self._numbers and isinstance(value, str):
            return self._plain_number(written)
        return written

    def _date(self, text: str) -> str:
        """A date of the source's format in ISO form; any other text as it is."""
        try:
            moment = datetime.strptime(text.strip(), self._format)  # noqa: DTZ007 - dates of a source have no zone
        except ValueError:
            return text
        # A day without hours in its format is a day; with them midnight is a time.
        if "%H" not in self._format and moment.time() == time.min:
            return moment.date().isoformat()
        return moment.isoformat()

    def _plain_number(self, text: str) -> str:
        """A number without the source's thousands signs, its decimals after a point."""
        stripped = text.strip()
        if not self._number.match(stripped):
            return text
        whole = stripped.replace(self._thousands, "") if self._thousands else stripped
        return whole.replace(self._decimal, ".")


def _types(schema_name: str | None) -> dict[str, str]:
    """Column → type of a table schema of ours. Raises ItemError for a name that there
    is none of.
    """
    if not schema_name:
        return {}
    try:
        described = catalog.get(schema_name).descriptor["fields"]
    except KeyError as error:
        raise ItemError(str(error), code="no-schema") from None
    return {field["name"]: field["type"] for field in described}


def _columns_of(
    columns: list[str] | None, types: Mapping[str, str], kinds: tuple[str, ...]
) -> frozenset[str]:
    """The columns that a configuration names, or else those of these types."""
    if columns is not None:
        return frozenset(columns)
    return frozenset(name for name, kind in types.items() if kind in kinds)


def cell_text(value: Any) -> str:
    """A value of JSON or a database as text: codes as they are, numbers exactly,
    nothing for null.
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    # JSON has one kind of number: 12.0 is a whole one. Beyond 1e15 a float no longer
    # tells whole numbers apart.
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return str(value)


def strptime_format(pattern: str) -> str:
    """dd/MM/yyyy, as source owners write it, for strptime."""
    return re.sub(
        "dd|MM|yyyy|yy|HH|mm|ss", lambda found: DATE_PARTS[found.group()], pattern
    )


def write_rows(
    header: list[str], rows: Iterable[list[str]], path: Path, *, most: int
) -> Content:
    """Write rows as UTF-8 CSV. Raises ItemError when there are more than `most`."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        for number, row in enumerate(rows, 1):
            if number > most:
                raise ItemError(
                    f"More than {most} rows; raise max_rows if that is meant.",
                    code="too-many-rows",
                )
            writer.writerow(row)
    return Content((ContentPart.of(path),), encoding="utf-8")
