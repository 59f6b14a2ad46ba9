"""Records of the API become typed values: PostgreSQL's type names, CKAN's guesses, one
error for one cell.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

import orjson

from portal.tabular.manifest import Column

TYPES: dict[str, tuple[str, str]] = {
    **dict.fromkeys(
        ("int", "int2", "int4", "integer", "smallint", "serial"), ("integer", "int4")
    ),
    **dict.fromkeys(("int8", "bigint", "bigserial"), ("integer", "int8")),
    **dict.fromkeys(("numeric", "decimal"), ("number", "numeric")),
    **dict.fromkeys(
        ("float", "float4", "float8", "real", "double precision"), ("number", "float8")
    ),
    **dict.fromkeys(("bool", "boolean"), ("boolean", "bool")),
    **dict.fromkeys(
        ("timestamp", "timestamptz", "timestamp without time zone"),
        ("datetime", "timestamp"),
    ),
    "timestamp with time zone": ("datetime", "timestamp"),
    "date": ("date", "date"),
    **dict.fromkeys(("time", "time without time zone"), ("time", "text")),
    **dict.fromkeys(("json", "jsonb", "nested"), ("object", "json")),
    **dict.fromkeys(
        ("_text", "text[]", "_int4", "int[]", "_int8", "_numeric", "_float8"),
        ("array", "json"),
    ),
    **dict.fromkeys(
        ("text", "varchar", "char", "character varying", "bpchar", "name", "uuid"),
        ("string", "text"),
    ),
}
"""What a client may call a type: its Table Schema type, and what CKAN clients are
told.
"""
ZONED = frozenset({"timestamptz", "timestamp with time zone"})
Converter = Callable[[Any, Column], Any]
"""Makes a value that a client gave one of its column. Raises ValueError, TypeError,
InvalidOperation or OverflowError.
"""
LONGEST_NAME = 63
"""Bytes of a column's name, as in PostgreSQL."""
LIMITS = {"int4": 2**31, "int8": 2**63}
DIGITS = 38
"""Digits of an exact decimal, before and after the point together."""
_LENGTH = re.compile(r"\(\s*\d+\s*(,\s*\d+\s*)?\)$")
_CODE = re.compile(r"^0\d")
_UUID = re.compile(r"[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}")
_DAY_FIRST = re.compile(r"^(\d{1,2})[/-](\d{1,2})[/-](\d{4})$")
_TRUE = frozenset({"true", "t", "yes", "y", "on", "1"})
_FALSE = frozenset({"false", "f", "no", "n", "off", "0"})


class RecordError(ValueError):
    """Records or fields that cannot be taken; `errors` maps parameters to messages, as
    CKAN shapes them.
    """

    def __init__(self, errors: Mapping[str, Any]) -> None:
        super().__init__(str(dict(errors)))
        self.errors = dict(errors)


def column_of(field: Mapping[str, Any], default: str = "text") -> Column:
    """A new column as a client declares it: {id, type?, info?}. Raises RecordError."""
    name = field.get("id")
    if not isinstance(name, str) or not good_name(name):
        message = f'"{str(name)[:100]}" is not a valid field name'
        raise RecordError({"fields": [message]})
    declared = field.get("type") or default
    type_name = declared.strip().lower() if isinstance(declared, str) else ""
    # PostgreSQL's lengths, as in varchar(20), bound nothing here.
    types = TYPES.get(_LENGTH.sub("", type_name).strip())
    if types is None:
        message = f'"{str(declared)[:100]}" is not a valid field type'
        raise RecordError({"fields": [message]})
    info = field.get("info") or {}
    if not isinstance(info, Mapping):
        raise RecordError({"fields": [f'"info" of field "{name}" must be an object']})
    # PostgreSQL keeps such times as UTC, whatever zone they were written in.
    zone = "+00:00" if type_name in ZONED else ""
    return Column(name, *types, zone=zone, info=dict(info))


def good_name(name: str) -> bool:
    """PostgreSQL's and CKAN's rule for the name of a column."""
    if not 0 < len(name.encode()) <= LONGEST_NAME:
        return False
    if name != name.strip() or name.startswith("_") or '"' in name:
        return False
    return all(ord(char) >= 32 and ord(char) != 127 for char in name)


_ENGINE = ("pg_", "duckdb_", "sqlite_", "pragma_", "information_schema")
_RESERVED = (
    "all alter and any as asc between by case cast check column create cross "
    "current_date current_time "
    "current_user default delete desc describe distinct drop else end except exists "
    "explain false fetch for "
    "foreign from full group having hot in index inner insert intersect into is join "
    "lateral left like limit "
    "main natural not null offset on or order outer pivot pragma primary qualify "
    "range recursive references right "
    "rows select session_user set show summarize system table temp then to true union "
    "unique unnest unpivot update "
    "user using values view when where window with "
)
_WORDS = frozenset(_RESERVED.split())


def good_alias(name: str) -> bool:
    """Whether a table may be called so: letters, digits, `_` and `-`, nothing to the
    engine, and not like an id.
    """
    if not good_name(name) or not name[0].isalpha():
        return False
    if not all(char.isalnum() or char in "_-" for char in name):
        return False
    folded = name.casefold()
    # Tables are found by id or alias: one that looks like an id would hide a resource.
    if _UUID.fullmatch(folded):
        return False
    return folded not in _WORDS and not folded.startswith(_ENGINE)


def guess(value: Any) -> str:
    """The type of a column without one, from its first value: as CKAN, but a code with
    a leading zero is a text.
    """
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int):
        return _guess_integer(value)
    if isinstance(value, float):
        return "numeric"
    if isinstance(value, dict | list):
        return "json"
    return _guess_text(value) if isinstance(value, str) else "text"


def _guess_integer(number: int) -> str:
    """The smallest type of PostgreSQL that holds a whole number."""
    for name, limit in LIMITS.items():
        if abs(number) < limit:
            return name
    return "numeric"


def _guess_text(text: str) -> str:
    """The type that a text looks like: a number, a moment, else text."""
    stripped = text.strip()
    # As a number, 0123 would come back without its zero: such codes are texts.
    if _CODE.match(stripped.lstrip("+-")) and "." not in stripped:
        return "text"
    if re.fullmatch(r"[+-]?\d{1,18}", stripped):
        return _guess_integer(int(stripped))
    if re.fullmatch(r"[+-]?\d+\.\d+", stripped):
        return "numeric"
    try:
        _moment(stripped)
    except ValueError:
        return "text"
    return "timestamp"


def values_of(
    record: Mapping[str, Any], columns: Mapping[str, Column], row: int
) -> dict[str, Any]:
    """The typed values of one record. Raises RecordError that names the row."""
    typed: dict[str, Any] = {}
    for name, value in record.items():
        column = columns[name]
        try:
            typed[name] = _value(value, column)
        except (ValueError, TypeError, InvalidOperation, OverflowError):
            # What was given is cut: a cell may be megabytes, and errors are logged.
            cell = _as_json(value)[:50]
            kind = column.ckan_type
            message = f'invalid input for type {kind} of field "{name}": "{cell}"'
            raise RecordError({"records": [message], "records_row": row}) from None
    return typed


def _as_json(value: Any) -> str:
    """A text as it is, anything else as JSON writes it."""
    if isinstance(value, str):
        return value
    return orjson.dumps(value, default=str).decode()


def _value(value: Any, column: Column) -> Any:
    """One value as its column keeps it. Raises ValueError for one that does not fit."""
    if value is None or (value == "" and column.type != "string"):
        return None
    # CKAN has no type of time: such a column is a text to clients.
    kind = "time" if column.type == "time" else column.ckan_type
    convert: Converter = _CONVERTERS.get(kind, _text)
    return convert(value, column)


def _text(value: Any, column: Column) -> str:
    """A value as text; what is no text as JSON."""
    if not isinstance(value, str):
        return orjson.dumps(value).decode()
    # PostgreSQL takes no zero byte in a text, and so neither does CKAN.
    if "\x00" in value:
        raise ValueError
    return value


def _integer(value: Any, column: Column) -> int:
    """A whole number within the limits of its column's type."""
    if isinstance(value, bool) or (isinstance(value, float) and not value.is_integer()):
        raise ValueError
    number = int(_ascii(value)) if isinstance(value, str) else int(value)
    limit = LIMITS[column.ckan_type]
    if not -limit <= number < limit:
        raise ValueError
    return number


def _ascii(text: str) -> str:
    """A number's text; what Python alone would take (1_000, other digits) raises
    ValueError.
    """
    if not text.isascii() or "_" in text:
        raise ValueError
    return text.strip()


def _decimal(value: Any, column: Column) -> Decimal:
    """A number of at most DIGITS digits, exactly as it was written."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError
    number = Decimal(_ascii(str(value)))
    # Judged before it is written out: 1e999999 would be a million digits.
    if not number.is_finite() or abs(number.adjusted()) >= DIGITS:
        raise ValueError
    exact = Decimal(format(number, "f"))
    before, after = digits(exact)
    if before + after > DIGITS:
        raise ValueError
    return exact


def digits(number: Decimal) -> tuple[int, int]:
    """How many digits stand before and after the point."""
    exponent = number.as_tuple().exponent
    before = max(1, number.adjusted() + 1)
    # Infinity and NaN have a letter for an exponent.
    after = max(0, -exponent) if isinstance(exponent, int) else 0
    return before, after


def _float(value: Any, column: Column) -> float:
    if isinstance(value, bool):
        raise ValueError
    return float(_ascii(value)) if isinstance(value, str) else float(value)


def _flag(value: Any, column: Column) -> bool:
    """Yes or no, in one of the spellings that PostgreSQL takes."""
    word = str(value).strip().lower()
    if word not in _TRUE | _FALSE:
        raise ValueError
    return word in _TRUE


def _moment(text: str) -> datetime:
    """A day or moment in ISO form, or with its day first."""
    day_first = _DAY_FIRST.match(text)
    if day_first:
        day, month, year = (int(number) for number in day_first.groups())
        return datetime(year, month, day)  # noqa: DTZ001 - as written
    # Python alone would take 20260101 as well, which is rather a number.
    if not re.match(r"^\d{4}-\d{2}-\d{2}", text):
        raise ValueError
    return datetime.fromisoformat(text)


def _date(value: Any, column: Column) -> date:
    return _moment(str(value).strip()).date()


def _timestamp(value: Any, column: Column) -> datetime:
    """A moment in its column's zone, told without the zone."""
    moment = _moment(str(value).strip())
    if column.zone and moment.tzinfo is not None:
        # Python reads an offset only behind a time: any day will do.
        sample = datetime.fromisoformat("2000-01-01T00:00:00" + column.zone)
        moment = moment.astimezone(sample.tzinfo or UTC)
    # A timestamp without zone drops it, as in PostgreSQL.
    return moment.replace(tzinfo=None)


def _time(value: Any, column: Column) -> str:
    """A time of day, as it was written."""
    text = str(value).strip()
    if not re.fullmatch(r"([01]?\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d+)?)?", text):
        raise ValueError
    return text


def _json(value: Any, column: Column) -> str:
    """A value as JSON text."""
    if not isinstance(value, str):
        return orjson.dumps(value).decode()
    if column.type in ("object", "array", "geojson"):
        orjson.loads(value)  # raises what is no JSON
    return value


_CONVERTERS: dict[str, Converter] = {
    "int4": _integer,
    "int8": _integer,
    "numeric": _decimal,
    "float8": _float,
    "bool": _flag,
    "date": _date,
    "timestamp": _timestamp,
    "time": _time,
    "json": _json,
}
