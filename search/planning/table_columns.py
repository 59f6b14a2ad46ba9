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
            # A short text may be a name of the catalogue, of which there are few. Long
            # JSON is hardly the same twice and would fill the cache.
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
    """The schema of a JSON text; an empty one where it is no object."""
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def _held(schema: Mapping[str, object]) -> Iterator[str]:
    """The texts of a table schema and of its columns."""
    yield from _texts(schema)
    columns = schema.get("fields")
    for column in columns[:MOST_COLUMNS] if isinstance(columns, list) else ():
        if isinstance(column, Mapping) and column.get("treatment") != "drop":
            if isinstance(column.get("name"), str):
                # Names are written ten_xa; people search for words.
                yield str(column["name"]).replace("_", " ")
            yield from _texts(column)


def _texts(holder: Mapping[str, object]) -> Iterator[str]:
    """The titles and descriptions of a schema or column, each once."""
    # The same words twice (a title that repeats the description) would only weigh down
    # the index.
    return iter(
        dict.fromkeys(
            text for name in _SAID if isinstance(text := holder.get(name), str) and text
        )
    )
