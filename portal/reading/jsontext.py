"""JSON, NDJSON and GeoJSON as text tables: numbers stay as they are written, nested
values become JSON text.
"""

from __future__ import annotations

import itertools
import json
import re
from pathlib import Path
from typing import Any

import orjson
import polars as pl

from portal.reading import grid
from portal.reading.options import ReadOptions
from portal.reading.refusals import refuse
from schemas.texttable import ReadNote, TextTable

RECORD_KEYS = ("records", "data", "result", "results", "items", "value", "rows")
"""Keys under which services put their list of records, in the order they are tried."""
DEPTH = 3
SURROGATE = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F])|(?<!\\u[dD][89abAB][0-9a-fA-F]{2})\\u[dD][c-fC-F]"
)
"""An escape of half a letter beyond the first 65,536, without its other half."""


class _Number(str):
    """A number exactly as the file writes it."""

    __slots__ = ()


def open_json(
    path: Path,
    name: str,
    kind: str,
    options: ReadOptions,
    notes: tuple[ReadNote, ...] = (),
) -> TextTable:
    """The table of a JSON file in UTF-8. Raises BadFile("damaged" | "no-records" |
    "empty" | "too-large").
    """
    text = path.read_text(encoding="utf-8-sig")
    if not text.strip():
        raise refuse("empty", name=name)
    try:
        records = _lines(text) if kind == "NDJSON" else _document(text, name)
    except (ValueError, RecursionError) as error:
        line = (
            getattr(error, "lineno", 0)
            or text.count("\n", 0, getattr(error, "pos", 0)) + 1
        )
        raise refuse("damaged", name=name, claimed=kind, why=f"line {line}") from None
    # Before rows are made: where each record has keys of its own, they would fill the
    # memory.
    if _width(records, options.max_columns) > options.max_columns:
        raise refuse("too-large", name=name, what="columns", limit=options.max_columns)
    rows = (
        _arrays(records)
        if records and all(isinstance(record, list) for record in records)
        else _objects(records)
    )
    if rows is None:
        raise refuse("no-records", name=name)
    try:
        columns = [
            pl.Series(cells, dtype=pl.String)
            for cells in itertools.zip_longest(*rows, fillvalue="")
        ]
    except UnicodeEncodeError:
        raise refuse(
            "lone-surrogate", name=name, line=_line_of_surrogate(text)
        ) from None
    return grid.table(columns, name, options, notes, titled=False)


def _line_of_surrogate(text: str) -> int:
    """The line of the first half of a letter, an escape without the other half; 1 where
    it cannot be told.
    """
    found = SURROGATE.search(text)
    return text.count("\n", 0, found.start()) + 1 if found else 1


def _width(records: list[Any], most: int) -> int:
    """How many columns the records make, each bringing keys of its own; counted no
    farther than beyond `most`.
    """
    keys: set[str] = set()
    width = 0
    for record in records:
        if isinstance(record, dict):
            keys.update(record)
        elif isinstance(record, list):
            width = max(width, len(record))
        if max(width, len(keys)) > most:
            break
    return max(width, len(keys))


def _load(text: str) -> Any:
    """A JSON text whose numbers stay as they are written."""
    # As texts: floats would change "1.10" and numbers with many digits.
    return json.loads(
        text, parse_float=_Number, parse_int=_Number, parse_constant=_Number
    )


def _lines(text: str) -> list[Any]:
    # Not splitlines: U+2028 may stand inside of a JSON text.
    return [_load(line) for line in text.split("\n") if line.strip()]


def _document(text: str, name: str) -> list[Any]:
    """The records of one JSON document, with a header before them where it has one."""
    try:
        document = _load(text)
    except json.JSONDecodeError:
        first = text.lstrip().split("\n", 1)[0]
        if first.startswith("{") and first.rstrip().endswith("}"):
            return _lines(text)  # NDJSON that calls itself JSON
        raise
    if isinstance(document, dict) and document.get("type") == "FeatureCollection":
        return [_feature(feature) for feature in document.get("features") or ()]
    found = _find(document, DEPTH)
    if found is None:
        raise refuse("no-records", name=name)
    return [*_header(document), *found]


def _header(document: Any) -> list[list[str]]:
    """The header of lists whose names stand beside them, as in CKAN's dumps: {"fields":
    [{"id"}], "records": [[…]]}.
    """
    if not isinstance(document, dict) or not isinstance(document.get("fields"), list):
        return []
    names = [
        field.get("id", field.get("name")) if isinstance(field, dict) else field
        for field in document["fields"]
    ]
    rows = document.get("records")
    lists = isinstance(rows, list) and all(
        isinstance(row, list) and len(row) == len(names) for row in rows
    )
    labels = [name for name in names if isinstance(name, str)]
    return [labels] if labels and lists and len(labels) == len(names) else []


def _find(value: Any, depth: int) -> list[Any] | None:
    """The list of records in a value: under a usual key, else the only list of
    objects.
    """
    if isinstance(value, list):
        return value
    if not isinstance(value, dict) or not depth:
        return None
    for key in RECORD_KEYS:
        if key in value and (found := _find(value[key], depth - 1)) is not None:
            return found
    lists = [
        item
        for item in value.values()
        if isinstance(item, list) and item and isinstance(item[0], dict)
    ]
    return lists[0] if len(lists) == 1 else None


def _feature(feature: Any) -> dict[str, Any]:
    """The properties of a GeoJSON feature and its geometry as one record."""
    properties = (
        dict(feature.get("properties") or {}) if isinstance(feature, dict) else {}
    )
    geometry = feature.get("geometry") if isinstance(feature, dict) else None
    return {
        **properties,
        "_geometry" if "geometry" in properties else "geometry": geometry,
    }


def _arrays(records: list[Any]) -> list[list[str]]:
    return [[_text(cell) for cell in record] for record in records]


def _objects(records: list[Any]) -> list[list[str]] | None:
    """A header of all keys and a row for each object; None where not all are
    objects.
    """
    if not records or not all(isinstance(record, dict) for record in records):
        return None
    labels = list(dict.fromkeys(key for record in records for key in record))
    return [
        labels,
        *([_text(record.get(label)) for label in labels] for record in records),
    ]


def _text(value: Any) -> str:
    """A value as the text of a cell."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case str():
            return str(value)
    # Passed through, or orjson would write a number of ours in quotes.
    return orjson.dumps(
        value, default=_as_written, option=orjson.OPT_PASSTHROUGH_SUBCLASS
    ).decode()


def _as_written(value: object) -> orjson.Fragment:
    if isinstance(value, _Number):
        return orjson.Fragment(str(value))
    raise TypeError(type(value).__name__)
