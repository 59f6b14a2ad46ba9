"""What version 2 of Table Schema asks for and Frictionless does not read: categories,
jsonSchema, uniqueKeys.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from portal.quality.frictionless import jsonschemas

Json = dict[str, Any]


def as_read(field: Json) -> Json:
    """The field as Frictionless can read it: a list of categories is a closed list of
    values.
    """
    constraints = dict(field.get("constraints") or {})
    # Frictionless refuses a constraint that it does not know.
    constraints.pop("jsonSchema", None)
    listed = categories(field)
    if listed:
        # An "enum" beside it may only narrow the list.
        narrower = constraints.get("enum")
        constraints["enum"] = [
            value for value in listed if narrower is None or value in narrower
        ]
    return (
        {**field, "constraints": constraints}
        if "constraints" in field or listed
        else field
    )


def categories(field: Mapping[str, Any]) -> list[Any]:
    """The values of a closed list of categories, which may have labels; [] where there
    is none.
    """
    listed = field.get("categories")
    if field.get("type") not in ("string", "integer") or not isinstance(listed, list):
        return []
    return [
        entry.get("value") if isinstance(entry, Mapping) else entry for entry in listed
    ]


def group(field: Mapping[str, Any]) -> str:
    """What parts the digits of an integer; Frictionless knows it of numbers only."""
    return str(field.get("groupChar") or "") if field.get("type") == "integer" else ""


def json_schema(field: Mapping[str, Any]) -> jsonschemas.ValueSchema | None:
    """The check of a list's or object's inside; None where none is asked for. Raises
    ValueError for a bad one.
    """
    schema = (field.get("constraints") or {}).get("jsonSchema")
    if schema is None or field.get("type") not in ("array", "object"):
        return None
    problems = jsonschemas.problems(schema)
    if problems:
        raise ValueError(f"jsonSchema: {'; '.join(problems)}")
    return jsonschemas.ValueSchema(schema)


def unique_keys(descriptor: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    """The keys beside the primary one, each a list of names; a key of one name may be
    written as the name alone.
    """
    for key in descriptor.get("uniqueKeys") or ():
        yield (key,) if isinstance(key, str) else tuple(map(str, key))
