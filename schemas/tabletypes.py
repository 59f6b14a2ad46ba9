"""The columns of a table in Table Schema's shape: from its schema, or from what
datastore_info says of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from schemas import catalog
from schemas.package_dict import ResourceDict

Json = dict[str, Any]
TYPES = {
    "int": "integer", "int4": "integer", "int8": "integer", "bigint": "integer",
    "integer": "integer", "numeric": "number", "float": "number", "float8": "number",
    "double": "number", "bool": "boolean", "boolean": "boolean", "date": "date",
    "time": "time", "timestamp": "datetime", "timestamptz": "datetime",
    "json": "object", "jsonb": "object",
}  # fmt: skip
"""CKAN's name of a column's type → Table Schema's; everything else is a text."""
KEPT = (
    "name",
    "type",
    "title",
    "description",
    "format",
    "constraints",
    "rdfType",
    "missingValues",
)


def table_schema(resource: ResourceDict) -> Json | None:
    """The Table Schema that a resource declares, as it may be shown; None without one,
    or with one that is unknown.
    """
    return public_schema(resource.get("schema"))


def public_schema(declared: Mapping[str, Any] | str | None) -> Json | None:
    """A Table Schema, or one by its name in the catalogue, as it may be shown."""
    if isinstance(declared, Mapping):
        return dict(declared)
    if not declared:
        return None
    try:
        return catalog.get(str(declared)).public
    except KeyError:
        return None


def missing_values(declared: Mapping[str, Any]) -> list[str]:
    """The texts that stand for a missing value, of a schema or a field; in version 2
    they may have labels.
    """
    listed = declared.get("missingValues", [""])
    return [
        str(entry.get("value")) if isinstance(entry, Mapping) else str(entry)
        for entry in listed
    ]


def fields_of(fields: Iterable[Mapping[str, Any]]) -> list[Json]:
    """The fields that have a name, with the keys that Table Schema gives them."""
    named = (
        field for field in fields if isinstance(field, Mapping) and field.get("name")
    )
    return [{key: field[key] for key in KEPT if key in field} for field in named]


def columns_of(fields: Sequence[Mapping[str, Any]]) -> list[Json]:
    """Columns as datastore_info gives them, without the row number, as fields of a
    Table Schema.
    """
    return [_column(field) for field in fields if field["id"] != "_id"]


def _column(field: Mapping[str, Any]) -> Json:
    title = (field.get("info") or {}).get("label")
    column = {
        "name": field["id"],
        "type": TYPES.get(field["type"], "string"),
        "title": title,
    }
    return {key: value for key, value in column.items() if value}
