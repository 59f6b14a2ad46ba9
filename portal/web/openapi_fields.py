"""From marshmallow fields to JSON Schema, and to the parameters of a query string, as
OpenAPI 3.1 writes them.
"""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields, missing

from schemas.search import Filters
from schemas.values import Email, Flag, TableSchemaField, Text, Whole

Json = dict[str, Any]

SHAPES: dict[type[fields.Field[Any]], Json] = {
    Email: {"type": "string", "format": "email"},
    Filters: {
        "anyOf": [
            {"type": "string"},
            {"type": "array", "items": {"type": "string"}},
        ]
    },
    Flag: {"type": "boolean"},
    TableSchemaField: {"anyOf": [{"type": "string"}, {"type": "object"}]},
    Text: {"type": "string"},
    Whole: {"type": "integer"},
    fields.Boolean: {"type": "boolean"},
    fields.Dict: {"type": "object"},
    fields.Float: {"type": "number"},
    fields.Integer: {"type": "integer"},
    fields.String: {"type": "string"},
}
"""What a field takes; one that is not named here, nor a parent of it, takes
anything.
"""


def parameter_name(name: str, field: fields.Field[Any]) -> str:
    """The name under which clients send a field."""
    return field.data_key or name


def schema_of(field: fields.Field[Any]) -> Json:
    """The JSON Schema of one field, with its default, its choices and what it is."""
    described = _shape(field)
    if field.allow_none and "type" in described:
        described = {**described, "type": [described["type"], "null"]}
    # marshmallow has an object `missing` for no default, and takes functions that make
    # one; neither can be told in JSON.
    default = field.load_default
    if (
        default is not missing
        and default is not None
        and not callable(default)
        and default != ""
    ):
        described = {**described, "default": default}
    told = field.metadata.get("help")
    return {**described, **({"description": str(told)} if told else {})}


def _shape(field: fields.Field[Any]) -> Json:
    """The JSON Schema of what a field takes, without its default and its text."""
    if isinstance(field, fields.List):
        return {"type": "array", "items": schema_of(field.inner)}
    if isinstance(field, fields.Nested):
        return object_of(field.schema, None)
    # By the order of inheritance: a field of our own is described as the nearest parent
    # that is known.
    for kind in type(field).__mro__:
        if kind in SHAPES:
            return dict(SHAPES[kind])
    return {}


def object_of(
    schema: Schema, needs: tuple[str, ...] | None, *, open_ended: bool = True
) -> Json:
    """The JSON Schema of a whole schema; `needs`, where given, says what is required in
    place of the schema.
    """
    known = {
        parameter_name(name, field): field for name, field in schema.fields.items()
    }
    properties = {name: schema_of(field) for name, field in known.items()}
    required = (
        [name for name, field in known.items() if field.required]
        if needs is None
        else list(needs)
    )
    properties |= {
        name: {"type": "string"} for name in required if name not in properties
    }
    described: Json = {
        "type": "object",
        "properties": properties,
        "additionalProperties": open_ended,
    }
    return {**described, "required": sorted(required)} if required else described


def query_of(body: Json) -> list[Json]:
    """The same parameters in a query string: lists are repeated, objects are JSON."""
    required = body.get("required", ())
    return [
        _query_parameter(name, schema, name in required)
        for name, schema in body["properties"].items()
    ]


def _query_parameter(name: str, schema: Json, required: bool) -> Json:
    """One parameter of a query string, from the JSON Schema of its field."""
    plain = {key: value for key, value in schema.items() if key != "description"}
    # A query string has no null: a parameter that is not given stands for it.
    if isinstance(plain.get("type"), list):
        plain["type"] = plain["type"][0]
    parameter: Json = {"name": name, "in": "query", "required": required}
    if "description" in schema:
        parameter["description"] = schema["description"]
    # OpenAPI writes an object in a query string as pairs of names unless its content is
    # said to be JSON.
    if plain.get("type") in ("object", None) and "anyOf" not in plain:
        return {**parameter, "content": {"application/json": {"schema": plain}}}
    return {**parameter, "schema": plain}
