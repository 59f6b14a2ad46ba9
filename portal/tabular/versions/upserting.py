"""datastore_upsert's three methods: records become the next version of a table, all of
them or none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
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


@dataclass(slots=True)
class _Merged:
    """The records of one call, one set of values for each key; and in which record each
    key came first.
    """

    values: dict[Key, Values] = field(default_factory=dict)
    first_row: dict[Key, int] = field(default_factory=dict)


def apply(
    changes: TableChanges, manifest: Manifest, records: Sequence[Record], method: str
) -> Manifest:
    """The next version of a table. Raises RecordError, which names the row where one
    record is at fault.
    """
    if not records:
        return manifest
    if method == INSERT:
        return _insert(changes, manifest, _typed_for_insert(manifest, records))
    rows = _typed_for_update(manifest, records)
    by_number = ID in rows[0]
    keys = (ID,) if by_number else manifest.primary_key
    _check_keys(keys, rows)
    merged = _merge(keys, rows)
    # A number is given by the table, never by a caller: such records only change rows.
    may_add = method == UPSERT and not by_number
    return _store(changes, manifest, keys, merged, may_add=may_add)


def _typed_for_insert(manifest: Manifest, records: Sequence[Record]) -> list[Values]:
    """Records as typed values. Raises RecordError for keys that are no columns."""
    columns = {column.name: column for column in manifest.fields}
    typed: list[Values] = []
    for row, record in enumerate(records, 1):
        unknown = ", ".join(name for name in record if name not in columns)
        if unknown:
            message = f'row "{row}" has extra keys "{unknown}"'
            raise RecordError({"records": [message], "records_row": row})
        typed.append(values_of(record, columns, row))
    return typed


def _typed_for_update(manifest: Manifest, records: Sequence[Record]) -> list[Values]:
    """Records as typed values; they may name their row by `_id`."""
    columns = {column.name: column for column in manifest.fields}
    columns[ID] = Column(ID, "integer", "int8")
    typed: list[Values] = []
    for row, record in enumerate(records, 1):
        unknown = ", ".join(name for name in record if name not in columns)
        if unknown:
            message = f'fields "{unknown}" do not exist'
            raise RecordError({"fields": [message], "records_row": row})
        typed.append(values_of(record, columns, row))
    return typed


def _insert(changes: TableChanges, manifest: Manifest, rows: list[Values]) -> Manifest:
    """The table with these rows added. Raises RecordError for keys that exist."""
    manifest, frame = changes.typed_frame(manifest, rows)
    keys = manifest.primary_key
    if keys:
        _refuse_repeated(keys, rows)
        key_cells = frame.select(keys)
        stored = changes.rows_with_keys(manifest, keys, key_cells)
        if stored.height:
            _refuse_stored(keys, rows, key_cells, stored)
    return changes.append(manifest, frame)


def _refuse_repeated(keys: Sequence[str], rows: Sequence[Values]) -> None:
    """Refuse records that share a key with an earlier one of the same call."""
    seen: set[Key] = set()
    for row, values in enumerate(rows, 1):
        key = _key(keys, values)
        if key in seen:
            raise _duplicate_error(keys, key, row)
        seen.add(key)


def _refuse_stored(
    keys: Sequence[str],
    rows: Sequence[Values],
    key_cells: pl.DataFrame,
    stored: pl.DataFrame,
) -> None:
    """Refuse the first record whose key the table has already."""
    # Cells are compared with cells, as both have passed through the column's type.
    stored_keys = set(stored.select(keys).rows())
    for row, key in enumerate(key_cells.rows(), 1):
        if key in stored_keys:
            raise _duplicate_error(keys, _key(keys, rows[row - 1]), row)


def _duplicate_error(keys: Sequence[str], key: Key, row: int) -> RecordError:
    """The error of a key that exists, worded as PostgreSQL does."""
    names, values = ", ".join(keys), ", ".join(map(str, key))
    message = (
        f"duplicate key value violates unique constraint: key ({names})=({values}) "
        "already exists"
    )
    return RecordError({"records": [message], "records_row": row})


def _check_keys(keys: Sequence[str], rows: Sequence[Values]) -> None:
    """Refuse records without a full key, or a table without keys."""
    if not keys:
        raise RecordError({"table": ["table does not have a unique key defined"]})
    for row, values in enumerate(rows, 1):
        missing = ", ".join(key for key in keys if values.get(key) is None)
        if missing:
            message = f'fields "{missing}" are missing but needed as key'
            raise RecordError({"key": [message], "records_row": row})


def _merge(keys: Sequence[str], rows: Sequence[Values]) -> _Merged:
    """As if the records had come one after the other."""
    merged = _Merged()
    for row, values in enumerate(rows, 1):
        key = _key(keys, values)
        merged.values.setdefault(key, {}).update(values)
        merged.first_row.setdefault(key, row)
    return merged


def _key(keys: Sequence[str], values: Values) -> Key:
    return tuple(values.get(key) for key in keys)


def _store(
    changes: TableChanges,
    manifest: Manifest,
    keys: Sequence[str],
    merged: _Merged,
    *,
    may_add: bool,
) -> Manifest:
    """The version in which rows with these keys are changed, and, if they may, the
    others are added.
    """
    records = list(merged.values.values())
    manifest, frame = changes.typed_frame(manifest, records)
    if ID in keys:
        ids = [key[0] for key in merged.values]
        frame = frame.with_columns(pl.Series(ID, ids, dtype=pl.Int64))
    key_cells = frame.select(keys)
    stored = changes.rows_with_keys(manifest, keys, key_cells)
    stored = stored.unique(subset=list(keys), keep="first")
    stored_ids = _stored_ids(key_cells, stored, keys)
    exists = stored_ids.is_not_null()
    if not may_add and not exists.all():
        raise _not_found(merged, int((~exists).arg_true()[0]))
    rows = frame.with_columns(stored_ids.alias(ID))
    changed = rows.filter(exists)
    if changed.height:
        given = [records[place] for place in exists.arg_true()]
        complete = _completed(changes, manifest, changed, given)
        manifest = changes.exchange(manifest, complete)
    added = rows.filter(~exists).drop(ID)
    return changes.append(manifest, added)


def _not_found(merged: _Merged, place: int) -> RecordError:
    """The error of an update whose key no row has."""
    key = list(merged.values)[place]
    values = ", ".join(map(str, key))
    message = f'key "{values}" not found'
    return RecordError({"key": [message], "records_row": merged.first_row[key]})


def _stored_ids(
    key_cells: pl.DataFrame, stored: pl.DataFrame, keys: Sequence[str]
) -> pl.Series:
    """The `_id` of the stored row of each key, null for a key that is not stored."""
    if tuple(keys) == (ID,):
        ids = key_cells[ID]
        exists = ids.is_in(stored[ID].implode())
        return pl.select(pl.when(exists).then(ids)).to_series()
    id_of_key = {row[1:]: row[0] for row in stored.select(ID, *keys).rows()}
    ids_by_place = [id_of_key.get(key) for key in key_cells.rows()]
    return pl.Series(ID, ids_by_place, dtype=pl.Int64)


def _completed(
    changes: TableChanges,
    manifest: Manifest,
    frame: pl.DataFrame,
    given: Sequence[Values],
) -> pl.DataFrame:
    """Changed rows with what their records left out taken from the rows that they
    change.
    """
    names = [column.name for column in manifest.fields]
    partial = [name for name in names if any(name not in values for values in given)]
    if not partial:
        return frame
    old_cells = [pl.col(name).alias(f"_old {name}") for name in partial]
    old_rows = changes.rows_by_id(manifest, frame[ID].to_list()).select(ID, *old_cells)
    # `given` is told by place, so the rows must keep theirs.
    both = frame.join(old_rows, on=ID, how="left", maintain_order="left")
    filled = []
    for name in partial:
        # A null that was given is a value: only the records know what they left out.
        is_given = pl.Series([name in values for values in given])
        old = pl.col(f"_old {name}")
        filled.append(pl.when(is_given).then(pl.col(name)).otherwise(old).alias(name))
    return both.with_columns(filled).select(frame.columns)
