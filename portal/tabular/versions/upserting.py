"""datastore_upsert's three methods: records become the next version of a table, all of
them or none.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import polars as pl

from portal.tabular.manifest import ID, Column, Manifest
from portal.tabular.versions.changing import TableChanges
from portal.tabular.versions.records import RecordError, values_of

INSERT, UPDATE, UPSERT = "insert", "update", "upsert"
METHODS = (UPSERT, INSERT, UPDATE)
Record = Mapping[str, Any]
Key = tuple[Any, ...]
Values = dict[str, Any]


def apply(
    changes: TableChanges, manifest: Manifest, records: Sequence[Record], method: str
) -> Manifest:
    """The next version of a table. Raises RecordError, which names the row where one
    record is at fault.
    """
    if not records:
        return manifest
    if method == INSERT:
        return _insert(changes, manifest, _typed(manifest, records, of_insert=True))
    typed = _typed(manifest, records, of_insert=False)
    numbered = ID in typed[0]
    keys = (ID,) if numbered else manifest.primary_key
    _check_keys(keys, typed)
    merged, rows = _merged(keys, typed)
    if numbered:
        return _exchange(changes, manifest, keys, merged, rows, may_add=False)
    return _exchange(changes, manifest, keys, merged, rows, may_add=method == UPSERT)


def _typed(
    manifest: Manifest, records: Sequence[Record], *, of_insert: bool
) -> list[Values]:
    columns: dict[str, Column] = {column.name: column for column in manifest.fields}
    if not of_insert:
        columns[ID] = Column(ID, "integer", "int8")
    made: list[Values] = []
    for row, record in enumerate(records, 1):
        strangers = [name for name in record if name not in columns]
        if strangers and of_insert:
            listed = ", ".join(strangers)
            raise RecordError(
                {
                    "records": [f'row "{row}" has extra keys "{listed}"'],
                    "records_row": row,
                }
            )
        if strangers:
            listed = ", ".join(strangers)
            raise RecordError(
                {"fields": [f'fields "{listed}" do not exist'], "records_row": row}
            )
        made.append(values_of(record, columns, row))
    return made


def _insert(changes: TableChanges, manifest: Manifest, rows: list[Values]) -> Manifest:
    manifest, frame = changes.frame(manifest, rows)
    keys = manifest.primary_key
    if keys:
        _refuse_twice(keys, [_key(keys, row) for row in rows])
        known = changes.find(manifest, keys, frame.select(keys))
        if known.height:
            held = {tuple(row) for row in known.select(keys).rows()}
            row = next(
                n
                for n, values in enumerate(frame.select(keys).rows(), 1)
                if tuple(values) in held
            )
            raise _taken(keys, _key(keys, rows[row - 1]), row)
    return changes.append(manifest, frame)


def _refuse_twice(keys: Sequence[str], given: Sequence[Key]) -> None:
    seen: set[Key] = set()
    for row, key in enumerate(given, 1):
        if key in seen:
            raise _taken(keys, key, row)
        seen.add(key)


def _taken(keys: Sequence[str], key: Key, row: int) -> RecordError:
    names, values = ", ".join(keys), ", ".join(map(str, key))
    message = (
        f"duplicate key value violates unique constraint: key ({names})=({values}) "
        "already exists"
    )
    return RecordError({"records": [message], "records_row": row})


def _check_keys(keys: Sequence[str], rows: Sequence[Values]) -> None:
    if not keys:
        raise RecordError({"table": ["table does not have a unique key defined"]})
    for row, values in enumerate(rows, 1):
        lacking = [key for key in keys if values.get(key) is None]
        if lacking:
            names = ", ".join(lacking)
            raise RecordError(
                {
                    "key": [f'fields "{names}" are missing but needed as key'],
                    "records_row": row,
                }
            )


def _merged(
    keys: Sequence[str], rows: Sequence[Values]
) -> tuple[dict[Key, Values], dict[Key, int]]:
    """One set of values for each key, as if the records had come one after the other;
    and where each came first.
    """
    merged: dict[Key, Values] = {}
    first: dict[Key, int] = {}
    for row, values in enumerate(rows, 1):
        key = _key(keys, values)
        merged.setdefault(key, {}).update(values)
        first.setdefault(key, row)
    return merged, first


def _key(keys: Sequence[str], values: Values) -> Key:
    return tuple(values.get(key) for key in keys)


def _exchange(
    changes: TableChanges,
    manifest: Manifest,
    keys: Sequence[str],
    merged: Mapping[Key, Values],
    rows: Mapping[Key, int],
    *,
    may_add: bool,
) -> Manifest:
    listed = list(merged.items())
    manifest, frame = changes.frame(manifest, [values for _, values in listed])
    if ID in keys:
        frame = frame.with_columns(
            pl.Series(ID, [key[0] for key, _ in listed], dtype=pl.Int64)
        )
    found = changes.find(manifest, keys, frame.select(keys)).unique(
        subset=list(keys), keep="first"
    )
    place = pl.int_range(frame.height, eager=True).alias("_place")
    joined = frame.drop(ID, strict=False) if ID in keys else frame
    numbers = _numbers(frame.select(keys), found, keys)
    known = numbers.is_not_null()
    if not may_add and not known.all():
        missing = listed[int((~known).arg_true()[0])][0]
        values = ", ".join(map(str, missing))
        raise RecordError(
            {"key": [f'key "{values}" not found'], "records_row": rows[missing]}
        )
    placed = joined.with_columns(numbers.alias(ID), place)
    old = placed.filter(known)
    old = _completed(
        changes, manifest, old, [listed[index][1] for index in old["_place"]]
    )
    manifest = (
        changes.exchange(manifest, old.drop("_place")) if old.height else manifest
    )
    return changes.append(manifest, placed.filter(~known).drop(ID, "_place"))


def _numbers(
    asked: pl.DataFrame, found: pl.DataFrame, keys: Sequence[str]
) -> pl.Series:
    """The `_id` of each row that was asked for, null for those that are not there."""
    if tuple(keys) == (ID,):
        ids = asked[ID]
        return pl.select(pl.when(ids.is_in(found[ID].implode())).then(ids)).to_series()
    held = {tuple(row[1:]): row[0] for row in found.select(ID, *keys).rows()}
    return pl.Series(ID, [held.get(tuple(row)) for row in asked.rows()], dtype=pl.Int64)


def _completed(
    changes: TableChanges,
    manifest: Manifest,
    frame: pl.DataFrame,
    given: Sequence[Values],
) -> pl.DataFrame:
    """Changed rows with what their records left unsaid taken from the rows that they
    change.
    """
    names = [column.name for column in manifest.fields]
    partial = [name for name in names if any(name not in values for values in given)]
    if not partial or not frame.height:
        return frame
    before = changes.whole(manifest, frame[ID].to_list()).select(
        ID, *(pl.col(n).alias(f"_old {n}") for n in partial)
    )
    joined = frame.join(before, on=ID, how="left", maintain_order="left")
    # One line reads best.
    said: Callable[[str], pl.Series] = lambda name: pl.Series(  # noqa: E731
        [name in values for values in given]
    )
    filled = [
        pl.when(said(name))
        .then(pl.col(name))
        .otherwise(pl.col(f"_old {name}"))
        .alias(name)
        for name in partial
    ]
    return joined.with_columns(filled).select(frame.columns)
