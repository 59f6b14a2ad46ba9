"""Comparing two versions of a table by a key: how many rows came, went and changed, and a page of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import duckdb

from portal.tabular.manifest import Column, Manifest
from portal.tabular.query import ID, quoted
from portal.tabular.rendering import fragment

KINDS = ("added", "removed", "changed")


@dataclass(frozen=True, slots=True)
class Difference:
    """How many rows differ in each way, and some of them: {change, key, before, after}."""

    counts: dict[str, int]
    rows: list[dict[str, Any]]


def compare(
    cursor: duckdb.DuckDBPyConnection,
    old: tuple[Manifest, str],
    new: tuple[Manifest, str],
    keys: Sequence[str],
    limit: int,
    offset: int,
) -> Difference:
    """Compare two versions, each with the SQL that reads it; `keys` are columns of both. Equal keys meet each other."""
    columns = _common(old[0], new[0])
    others = [name for name in columns if name not in keys]
    one, two = _side(old, keys, columns), _side(new, keys, columns)
    same = " AND ".join(f"o.{quoted(key)} IS NOT DISTINCT FROM n.{quoted(key)}" for key in keys)
    differs = " OR ".join(f"o.{quoted(name)} IS DISTINCT FROM n.{quoted(name)}" for name in others) or "FALSE"
    kind = f"CASE WHEN o.{ID} IS NULL THEN 'added' WHEN n.{ID} IS NULL THEN 'removed' WHEN {differs} THEN 'changed' END"
    joined = f"SELECT {kind} AS kind, o.{ID} AS o, n.{ID} AS n FROM {one} o FULL JOIN {two} n ON {same}"  # noqa: S608 - names quoted
    cursor.execute(f"CREATE TEMP TABLE difference AS SELECT * FROM ({joined}) WHERE kind IS NOT NULL")  # noqa: S608 - as above
    try:
        counted = dict(cursor.execute("SELECT kind, count(*) FROM difference GROUP BY kind").fetchall())
        page = cursor.execute(
            "SELECT kind, o, n FROM difference ORDER BY coalesce(n, o), kind LIMIT ? OFFSET ?", [limit, offset]
        ).fetchall()
        before = _rows(cursor, old, [o for _, o, _ in page if o is not None])
        after = _rows(cursor, new, [n for _, _, n in page if n is not None])
    finally:
        cursor.execute("DROP TABLE difference")
    rows = [{"change": kind, "before": before.get(o), "after": after.get(n)} for kind, o, n in page]
    return Difference({kind: int(counted.get(kind, 0)) for kind in KINDS}, rows)


def _common(old: Manifest, new: Manifest) -> list[str]:
    names = {column.name for column in old.fields}
    return [column.name for column in new.fields if column.name in names]


def _side(version: tuple[Manifest, str], keys: Sequence[str], columns: Sequence[str]) -> str:
    """The rows as texts, so that two versions with other types can be compared."""
    types = {column.name: column for column in version[0].fields}
    texts = ", ".join(f"{_text(types[name])} AS {quoted(name)}" for name in columns if name != ID)
    own = f", {texts}" if texts else ""
    return f"(SELECT {ID}{own} FROM {version[1]})"  # noqa: S608 - names quoted


def _text(column: Column) -> str:
    name = quoted(column.name)
    if column.ckan_type != "numeric":
        return f"{name}::VARCHAR"
    pointed = f"CASE WHEN contains({name}::VARCHAR, '.') THEN {name}::VARCHAR ELSE {name}::VARCHAR || '.' END"
    return f"rtrim(rtrim({pointed}, '0'), '.')"  # two versions may keep other numbers of decimals


def _rows(
    cursor: duckdb.DuckDBPyConnection, version: tuple[Manifest, str], ids: list[int]
) -> dict[int, dict[str, Any]]:
    if not ids:
        return {}
    columns = [Column(ID, "integer", "int"), *version[0].fields]
    selected = ", ".join(quoted(column.name) for column in columns)
    found = cursor.execute(
        f"SELECT {selected} FROM {version[1]} WHERE {ID} IN (SELECT unnest(?::BIGINT[]))",  # noqa: S608 - names quoted
        [ids],
    ).fetchall()
    return {
        row[0]: {column.name: fragment(value, column) for column, value in zip(columns, row, strict=True)}
        for row in found
    }
