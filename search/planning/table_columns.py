"""What a dataset says of the tables in it: titles, names and descriptions of their
columns, for search.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache

import orjson

from schemas import catalog

MOST_COLUMNS = 500
"""Columns of one table that are searched."""
_SAID = ("title", "title_en", "description", "description_en")


def table_texts(package: Mapping[str, object]) -> Iterator[str]:
    """The texts of every table schema that the resources of a package dict name or
    hold.

    Columns that are dropped before a table is stored (`treatment` "drop") are not among
    them.
    """
    resources = package.get("resources")
    for resource in resources if isinstance(resources, list) else ():
        schema = resource.get("schema") if isinstance(resource, Mapping) else None
        if isinstance(schema, str):
            yield from _named(schema) if len(schema) <= 200 else _held(_loaded(schema))
        elif isinstance(schema, Mapping):
            yield from _held(schema)


@lru_cache(maxsize=1_000)
def _named(name: str) -> tuple[str, ...]:
    """The texts of a schema of the catalogue, or of one that was given as JSON text."""
    try:
        return tuple(_held(catalog.get(name).public))
    except KeyError:
        return tuple(_held(_loaded(name)))


def _loaded(text: str) -> Mapping[str, object]:
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def _held(schema: Mapping[str, object]) -> Iterator[str]:
    yield from _texts(schema)
    columns = schema.get("fields")
    for column in columns[:MOST_COLUMNS] if isinstance(columns, list) else ():
        if isinstance(column, Mapping) and column.get("treatment") != "drop":
            if isinstance(column.get("name"), str):
                yield str(column["name"]).replace("_", " ")
            yield from _texts(column)


def _texts(holder: Mapping[str, object]) -> Iterator[str]:
    # The same words twice (a title that repeats the description) would only weigh down
    # the index.
    return iter(
        dict.fromkeys(
            text for name in _SAID if isinstance(text := holder.get(name), str) and text
        )
    )
