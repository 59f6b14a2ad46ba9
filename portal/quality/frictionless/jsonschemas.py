"""JSON Schemas of strangers: nothing outside of them is ever fetched, and cells are
judged by them in a child.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urljoin

from jsonschema import Draft202012Validator, SchemaError, ValidationError
from jsonschema.validators import extend
from referencing import Registry, Resource
from referencing.exceptions import Unresolvable
from referencing.jsonschema import DRAFT202012

from portal.quality.deadline import NotJudged
from portal.quality.frictionless import patterns

REFERENCES = ("$ref", "$dynamicRef", "$recursiveRef")
VALUES = ("const", "enum", "default", "examples")
"""Keywords whose content is data, whatever it looks like."""
NAMED = (
    "properties",
    "patternProperties",
    "$defs",
    "definitions",
    "dependentSchemas",
    "dependencies",
)
"""Keywords whose content has names of the author's own, and a schema under each."""
DIALECTS = "json-schema.org/"
DEEP = 100
LARGEST, SHORT = 500_000, 2_000
"""Characters of a schema that is judged at all, and of one whose judging is surely
quick.
"""
NOT_FETCHED = "not fetched"
BLOCK = 200
"""Values that are judged by one child."""


class ValueSchema:
    """The check of what stands inside of a list or an object."""

    def __init__(self, schema: Any) -> None:
        self.schema = schema
        self._known: dict[str, str] = {}

    def __call__(self, value: Any) -> str:
        """What is wrong with a typed value, "" where nothing is. Raises NotJudged."""
        # Lists and objects have no hash, so that they cannot be keys themselves.
        key = repr(value)
        if key not in self._known:
            self.prepare([value])
        return self._known[key]

    def prepare(self, values: Sequence[Any]) -> None:
        """Judge many values at once. Raises NotJudged."""
        new = {
            key: value for value in values if (key := repr(value)) not in self._known
        }
        keys = list(new)
        # The limit of seconds is that of one child: all values at once would pass it
        # together.
        for start in range(0, len(keys), BLOCK):
            block = keys[start : start + BLOCK]
            asked = [new[key] for key in block]
            notes = patterns.in_child(
                f'the jsonSchema "{self.schema}"',
                f"{__name__}:notes",
                self.schema,
                asked,
            )
            self._known.update(zip(block, notes, strict=True))


def notes(schema: Any, values: Sequence[Any]) -> list[str]:
    """What is wrong with each value. Runs in a child."""
    validator = _VALIDATOR(schema, registry=_registry(schema))
    # A cell gets one note, so that the first error is enough.
    errors = (next(validator.iter_errors(value), None) for value in values)
    return [
        f'constraint "jsonSchema" is "{schema}": {error.message}' if error else ""
        for error in errors
    ]


def problems(schema: Any) -> list[str]:
    """What is wrong with a JSON Schema before any value is judged by it; a reference
    that leaves it is an error.
    """
    size = len(repr(schema))
    if size > LARGEST:
        return [f"it is longer than {LARGEST} characters"]
    if size <= SHORT:
        return found_problems(schema)
    try:
        told: list[str] = patterns.in_child(
            "the jsonSchema", f"{__name__}:found_problems", schema
        )
    except NotJudged as problem:
        return [str(problem)]
    return told


def outside_references(descriptor: Mapping[str, Any]) -> list[str]:
    """The references of a Table Schema's JSON Schemas that lead out of them; each names
    its field.
    """
    return [
        f'field "{name}": {problem}'
        for name, schema in _json_schemas(descriptor)
        for problem in problems(schema)
        if problem.endswith(NOT_FETCHED)
    ]


def _json_schemas(descriptor: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The name of each field with a jsonSchema, and that schema; other shapes are left
    out.
    """
    fields = descriptor.get("fields")
    for each in fields if isinstance(fields, list) else ():
        constraints = each.get("constraints") if isinstance(each, Mapping) else None
        if isinstance(constraints, Mapping) and "jsonSchema" in constraints:
            yield str(each.get("name")), constraints["jsonSchema"]


def found_problems(schema: Any) -> list[str]:
    """As `problems` has it, in the process that asks."""
    try:
        Draft202012Validator.check_schema(schema)
        return (
            list(_references(schema, _registry(schema), "", 0))
            if isinstance(schema, Mapping)
            else []
        )
    except SchemaError as problem:
        return [problem.message]
    except RecursionError:
        return ["its parts nest too deeply"]
    except (
        Exception
    ) as problem:  # a schema can be odd in more ways than the library foresees
        return [f"it cannot be understood ({type(problem).__name__})"]


def _registry(schema: Any) -> Registry[Any]:
    """The schema alone, under the empty address; a registry without a way to retrieve
    anything.
    """
    own: Resource[Any] = DRAFT202012.create_resource(schema)
    empty: Registry[Any] = Registry()
    # Crawling finds the $id and $anchor of inner parts: references to them do not leave
    # the schema.
    alone: Registry[Any] = empty.with_resource("", own).crawl()
    return alone


def _references(
    part: Any, registry: Registry[Any], base: str, depth: int
) -> Iterator[str]:
    """The references that lead out of the document, or nowhere in it."""
    if depth > DEEP:
        yield "its parts nest too deeply"
        return
    if isinstance(part, list):
        for each in part:
            yield from _references(each, registry, base, depth + 1)
    if not isinstance(part, Mapping):
        return
    if isinstance(part.get("$id"), str):
        # References below are relative to the nearest $id above them.
        base = urljoin(base, part["$id"])
    yield from _outside(part, registry, base)
    for key, inner in part.items():
        if key in NAMED and isinstance(inner, Mapping):
            for each in inner.values():
                yield from _references(each, registry, base, depth + 1)
        elif key not in VALUES:
            yield from _references(inner, registry, base, depth + 1)


def _outside(
    part: Mapping[str, Any], registry: Registry[Any], base: str
) -> Iterator[str]:
    """What is wrong with the dialect and the references of this part alone."""
    # The library brings the dialects of json-schema.org along; any other would have to
    # be fetched.
    dialect = part.get("$schema")
    if (
        isinstance(dialect, str)
        and dialect.partition("://")[2].startswith(DIALECTS) is False
    ):
        yield f'"$schema" names "{dialect[:200]}", which is {NOT_FETCHED}'
    for keyword in REFERENCES:
        reference = part.get(keyword)
        if not isinstance(reference, str):
            continue
        try:
            registry.resolver(base).lookup(reference)
        except Unresolvable:
            yield (
                f'"{keyword}" leads to "{reference[:200]}", which is not in the '
                f"schema and {NOT_FETCHED}"
            )


def _pattern(
    validator: Any, pattern: str, instance: Any, schema: Any
) -> Iterator[ValidationError]:
    """As the library's own rule, with texts searched by our engine."""
    if validator.is_type(instance, "string") and not _found(pattern, instance):
        yield ValidationError(f"{instance!r} does not match {pattern!r}")


def _pattern_properties(
    validator: Any, given: Any, instance: Any, schema: Any
) -> Iterator[ValidationError]:
    """As the library's own rule, with names matched by our engine."""
    if not validator.is_type(instance, "object"):
        return
    for pattern, inner in given.items():
        for name, value in instance.items():
            if _found(pattern, name):
                yield from validator.descend(
                    value, inner, path=name, schema_path=pattern
                )


@functools.lru_cache(1024)
def _engine(pattern: str) -> Any:
    return patterns.linear(pattern) or re.compile(pattern)


def _found(pattern: str, text: str) -> bool:
    return _engine(pattern).search(text) is not None


# jsonschema searches by Python's engine, for which a stranger can write a pattern that
# never ends. These two keywords are all of it that take patterns.
_VALIDATOR = extend(
    Draft202012Validator,
    {"pattern": _pattern, "patternProperties": _pattern_properties},
)
