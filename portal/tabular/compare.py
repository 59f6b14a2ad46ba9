"""Comparing two versions of a table by a key: how many rows came, went and changed; a
page, or a stream of all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb
import orjson
import polars as pl

from portal.tabular.exports.text_formats import (
    csv_line,
    escape_formula,
    escape_formula_cells,
)
from portal.tabular.manifest import ID, Column, Manifest
from portal.tabular.reading_rows.query import RowQueryError, quote_name
from portal.tabular.reading_rows.rendering import json_columns, simple_cells

KINDS = ("added", "removed", "changed")
FORMS = {"ndjson": "application/x-ndjson", "csv": "text/csv"}
CHANGE, LINE = "_change", "_line"
"""Names that no column has."""
AT_ONCE = 5000
"""Differences that are fetched and written at a time."""
Record = dict[str, Any]
Place = tuple[str, int | None, int | None]


@dataclass(frozen=True, slots=True)
class Side:
    """One version: the SQL that reads it, and what gives whole rows by their numbers,
    in any order.
    """

    manifest: Manifest
    sql: str
    rows: Callable[[list[int]], pl.DataFrame]

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns of whole rows."""
        return (Column(ID, "integer", "int"), *self.manifest.fields)


@dataclass(frozen=True, slots=True)
class Difference:
    """How many rows differ in each way, and some of them: {change, before, after}."""

    counts: dict[str, int]
    rows: list[Record]


def match_columns(
    old: Manifest, new: Manifest, asked: Sequence[str]
) -> tuple[str, ...]:
    """The columns by which rows are matched. Raises RowQueryError for one that is not
    in both versions.
    """
    keys = tuple(asked or new.primary_key or (ID,))
    for manifest in (old, new):
        unknown = [
            key
            for key in keys
            if key != ID and all(key != column.name for column in manifest.fields)
        ]
        if unknown:
            raise RowQueryError(
                {"key": [f'"{unknown[0]}" is not a field of both versions']}
            )
    return keys


class Comparison:
    """Two versions compared: only the numbers of the rows that differ are kept, in a
    table of their own.
    """

    def __init__(
        self,
        cursor: duckdb.DuckDBPyConnection,
        old: Side,
        new: Side,
        keys: Sequence[str],
    ) -> None:
        """`keys` are columns of both. Equal keys meet each other."""
        self._cursor, self._old, self._new = cursor, old, new
        columns = _common(old.manifest, new.manifest)
        others = [name for name in columns if name not in keys]
        # A null is equal to a null here: two rows without a key are one row.
        same_key = [
            f"{_in_old(key)} IS NOT DISTINCT FROM {_in_new(key)}" for key in keys
        ]
        differing = [
            f"{_in_old(name)} IS DISTINCT FROM {_in_new(name)}" for name in others
        ]
        kind = (
            f"CASE WHEN o.{ID} IS NULL THEN 'added' "
            f"WHEN n.{ID} IS NULL THEN 'removed' "
            f"WHEN {' OR '.join(differing) or 'FALSE'} THEN 'changed' END"
        )
        joined = (
            f"SELECT {kind} AS kind, o.{ID} AS o, n.{ID} AS n "  # noqa: S608 - quoted
            f"FROM {_side(old, columns)} o FULL JOIN {_side(new, columns)} n "
            f"ON {' AND '.join(same_key)}"
        )
        cursor.execute(
            "CREATE TEMP TABLE difference AS "  # noqa: S608 - as above
            f"SELECT * FROM ({joined}) WHERE kind IS NOT NULL "
            "ORDER BY coalesce(n, o), kind, o"
        )

    def page(self, limit: int, offset: int) -> Difference:
        """How many rows differ, and those from `offset` on."""
        found = self._cursor.execute(
            "SELECT kind, count(*) FROM difference GROUP BY kind"
        )
        by_kind = dict(found.fetchall())
        counts = {kind: int(by_kind.get(kind, 0)) for kind in KINDS}
        return Difference(counts, self._records(self._places(offset, limit)))

    def stream(self, form: str, *, escaped: bool = False) -> Iterator[bytes]:
        """All rows that differ, as NDJSON (as `page` has them) or CSV, in bounded
        memory.

        `escaped`: texts of the CSV that a spreadsheet would run as formulas begin with
        an apostrophe.
        """
        yield from self._ndjson() if form == "ndjson" else self._csv(escaped=escaped)

    def _blocks(self) -> Iterator[list[Place]]:
        start = 0
        while places := self._places(start, AT_ONCE):
            yield places
            start += len(places)

    def _places(self, start: int, count: int) -> list[Place]:
        found = self._cursor.execute(
            "SELECT kind, o, n FROM difference WHERE rowid >= ? AND rowid < ? ORDER "
            "BY rowid",
            [start, start + count],
        )
        return [(str(kind), o, n) for kind, o, n in found.fetchall()]

    def _ndjson(self) -> Iterator[bytes]:
        for places in self._blocks():
            yield b"".join(
                orjson.dumps(record) + b"\n" for record in self._records(places)
            )

    def _records(self, places: list[Place]) -> list[Record]:
        before = _by_number(self._old, [o for _, o, _ in places if o is not None])
        after = _by_number(self._new, [n for _, _, n in places if n is not None])
        return [
            {
                "change": kind,
                "before": before[o] if o is not None else None,
                "after": after[n] if n is not None else None,
            }
            for kind, o, n in places
        ]

    def _csv(self, *, escaped: bool) -> Iterator[bytes]:
        """A line for each row that came or went, two for one that changed: what it was,
        then what it is.
        """
        names = [column.name for column in self._new.columns]
        for column in self._old.columns:
            if column.name not in names:
                names.append(column.name)
        header = map(escape_formula, names) if escaped else names
        yield csv_line([CHANGE, *header])
        for places in self._blocks():
            old_rows, new_rows = [], []
            for line, (kind, old_id, new_id) in enumerate(places):
                if old_id is not None:
                    old_rows.append((line, kind, old_id))
                if new_id is not None:
                    new_rows.append((line, kind, new_id))
            before = _texts(self._old, old_rows, "before", escaped=escaped)
            after = _texts(self._new, new_rows, "after", escaped=escaped)
            # Sides may have other columns; a stable sort leaves before above after.
            both = pl.concat([before, after], how="diagonal")
            lines = both.sort(LINE, maintain_order=True).select(CHANGE, *names)
            yield lines.write_csv(include_header=False).encode()


def _texts(
    side: Side, wanted: Sequence[tuple[int, str, int]], changed: str, *, escaped: bool
) -> pl.DataFrame:
    """The rows of one side as texts, each with the line that it belongs to and what
    became of it.
    """
    schema = {LINE: pl.Int64, CHANGE: pl.String, ID: pl.Int64}
    lines = pl.DataFrame(wanted, schema=schema, orient="row")
    rows = side.rows(lines[ID].to_list())
    # Rows come in any order, and the lines have theirs.
    in_order = lines.select(ID).join(rows, on=ID, how="left", maintain_order="left")
    cells = []
    for (name, kind), column in zip(in_order.schema.items(), side.columns, strict=True):
        if escaped and isinstance(kind, pl.String):
            cells.append(escape_formula_cells(name))
        else:
            texts = simple_cells(name, kind, column, exact=True)
            cells.append(texts.cast(pl.String))
    about = lines.select(LINE, pl.col(CHANGE).replace("changed", changed))
    return about.hstack(in_order.select(cells).get_columns())


def _in_old(name: str) -> str:
    return f"o.{quote_name(name)}"


def _in_new(name: str) -> str:
    return f"n.{quote_name(name)}"


def _by_number(side: Side, ids: list[int]) -> dict[int, Record]:
    if not ids:
        return {}
    frame = side.rows(ids)
    names = [column.name for column in side.columns]
    rows = zip(*json_columns(frame, side.columns), strict=True)
    return {int(row[0]): dict(zip(names, row, strict=True)) for row in rows}


def _common(old: Manifest, new: Manifest) -> list[str]:
    names = {column.name for column in old.fields}
    return [column.name for column in new.fields if column.name in names]


def _side(side: Side, columns: Sequence[str]) -> str:
    """The rows as texts, so that two versions with other types can be compared."""
    types = {column.name: column for column in side.manifest.fields}
    texts = ", ".join(
        f"{_text(types[name])} AS {quote_name(name)}" for name in columns if name != ID
    )
    own = f", {texts}" if texts else ""
    return f"(SELECT {ID}{own} FROM {side.sql})"  # noqa: S608 - names quoted


def _text(column: Column) -> str:
    name = quote_name(column.name)
    if column.ckan_type != "numeric":
        return f"{name}::VARCHAR"
    pointed = (
        f"CASE WHEN contains({name}::VARCHAR, '.') THEN {name}::VARCHAR ELSE "
        f"{name}::VARCHAR || '.' END"
    )
    # Two versions may keep other numbers of decimals.
    return f"rtrim(rtrim({pointed}, '0'), '.')"
