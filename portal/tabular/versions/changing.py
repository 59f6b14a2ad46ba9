"""Changing rows: from one version to the next, in parts as small as the change, without
touching what is served.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl

from portal.files import Files
from portal.tabular.manifest import ID, Column, Manifest, Part
from portal.tabular.versions.parts import (
    FOLD,
    PartFiles,
    dtype_of,
    empty_frame,
    fold_columns,
)
from portal.tabular.versions.records import DIGITS, RecordError, digits

SMALL, MOST_SMALL = 20_480, 8
"""Parts of fewer rows are joined as soon as there are so many: an append writes its own
rows and rarely more.
"""
DEAD_SHARE = 20
"""Parts with dead rows are written anew when more than one row in so many is dead (and
more than SMALL).
"""


class TableChanges:
    """Makes new versions of old ones. Nothing is named before its caller names it in a
    transaction.
    """

    def __init__(self, files: Files, folder: Path) -> None:
        self._parts = PartFiles(files, folder)

    def empty(
        self, columns: Sequence[Column], primary_key: Sequence[str] = ()
    ) -> Manifest:
        """A table without rows."""
        part = self._parts.put(empty_frame(columns))
        return Manifest(
            (part,), tuple(columns), 0, settled=0, primary_key=tuple(primary_key)
        )

    def rows_with_keys(
        self, manifest: Manifest, keys: Sequence[str], wanted: pl.DataFrame
    ) -> pl.DataFrame:
        """The rows (`_id` and the key columns) whose key stands in `wanted`."""
        columns = list(dict.fromkeys([ID, *keys]))
        stored = self._parts.live_rows(manifest, columns)
        types = stored.collect_schema()
        # A join needs both sides of one type: 1 and 1.0 are the same key.
        casts = [pl.col(key).cast(types[key], strict=False) for key in keys]
        wanted_keys = wanted.select(casts).unique().lazy()
        matching = stored.join(wanted_keys, on=list(keys), how="semi", nulls_equal=True)
        return matching.collect()

    def rows_by_id(self, manifest: Manifest, ids: Sequence[int]) -> pl.DataFrame:
        """Whole rows by their numbers, in the order of these."""
        columns = [ID, *(column.name for column in manifest.fields)]
        wanted = pl.Series(ID, sorted(ids), dtype=pl.Int64)
        rows = self._parts.live_rows(manifest, columns)
        return rows.filter(pl.col(ID).is_in(wanted.implode())).sort(ID).collect()

    def duplicate_key(
        self, manifest: Manifest, keys: Sequence[str]
    ) -> dict[str, Any] | None:
        """One key that several rows share, or None."""
        rows = self._parts.live_rows(manifest, list(keys))
        counts = rows.group_by(list(keys)).len()
        repeated = counts.filter(pl.col("len") > 1).drop("len").head(1)
        examples = repeated.collect().to_dicts()
        return examples[0] if examples else None

    def typed_frame(
        self, manifest: Manifest, rows: Sequence[Mapping[str, Any]]
    ) -> tuple[Manifest, pl.DataFrame]:
        """Typed values as a frame (a missing column is null), and the manifest with
        room for their decimals.
        """
        columns: list[pl.Series] = []
        types = self._parts.types(manifest)
        widening: dict[str, pl.Expr] = {}
        for column in manifest.fields:
            name = column.name
            values = [row.get(name) for row in rows]
            dtype = _with_room_for(types[name], values, name)
            if dtype != types[name]:
                widening[name] = pl.col(name).cast(dtype)
            columns.append(pl.Series(name, values, dtype=dtype))
        # All parts of a version are read as one table, so all must have the new type.
        if widening:
            manifest = self._rewrite(manifest, manifest.fields, widening)
        return manifest, pl.DataFrame(columns)

    def append(self, manifest: Manifest, frame: pl.DataFrame) -> Manifest:
        """The version with these rows behind the others, numbered on."""
        if not frame.height:
            return manifest
        first = manifest.last_id + 1
        end = first + frame.height
        ids = pl.int_range(first, end, eager=True, dtype=pl.Int64).alias(ID)
        numbered = frame.insert_column(0, ids)
        parts = self._with_rows(
            manifest.parts, manifest.settled, numbered, manifest.fields
        )
        rows = manifest.rows + frame.height
        return replace(manifest, parts=parts, rows=rows, last_id=end - 1)

    def exchange(
        self, manifest: Manifest, frame: pl.DataFrame, removed: Iterable[int] = ()
    ) -> Manifest:
        """The version in which rows with these `_id`s say what `frame` says, and
        `removed` ones are no more.
        """
        removed_ids = sorted(removed)
        ids = pl.Series(ID, [*frame[ID].to_list(), *removed_ids], dtype=pl.Int64)
        if not ids.len():
            return manifest
        # While no row is dead, nothing ties a part to either side: parts that have
        # grown big count as settled from here on, and are left where they lie.
        if not manifest.dead:
            manifest = replace(manifest, settled=_settled(manifest.parts))
        fresh, ids_in_settled = self._without(manifest, ids)
        settled = manifest.parts[: manifest.settled]
        parts = (*settled, *fresh)
        if frame.height:
            parts = self._with_rows(parts, manifest.settled, frame, manifest.fields)
        rows = manifest.rows - len(removed_ids)
        changed = replace(manifest, parts=parts, rows=rows)
        if not ids_in_settled.len():
            return self._with_a_part(changed)
        return self._bury(changed, ids_in_settled)

    def _bury(self, manifest: Manifest, ids: pl.Series) -> Manifest:
        """The version in which these rows of settled parts are dead."""
        dead = pl.Series(ID, [], pl.Int64)
        if manifest.dead:
            dead = self._parts.ids(manifest.dead)
        all_dead = pl.concat([dead, ids]).unique().sort()
        stored = self._parts.put(pl.DataFrame([all_dead.alias(ID)]))
        buried = replace(manifest, dead=stored.key)
        # Every query has to step over dead rows, so they may not become many.
        settled_rows = sum(part.rows for part in manifest.parts[: manifest.settled])
        if all_dead.len() > max(SMALL, settled_rows // DEAD_SHARE):
            return self.compact(buried)
        return buried

    def alter(
        self, manifest: Manifest, columns: Sequence[Column], primary_key: Sequence[str]
    ) -> Manifest:
        """The version with other columns: new ones are null, those that are not named
        are gone.
        """
        old_names = [column.name for column in manifest.fields]
        if [column.name for column in columns] == old_names:
            # Titles and keys stand in the manifest alone: the rows stay as they are.
            return replace(
                manifest, fields=tuple(columns), primary_key=tuple(primary_key)
            )
        new_columns = {
            column.name: pl.lit(None, dtype=dtype_of(column))
            for column in columns
            if column.name not in old_names
        }
        altered = self._rewrite(manifest, columns, new_columns)
        return replace(altered, primary_key=tuple(primary_key))

    def compact(self, manifest: Manifest) -> Manifest:
        """The same rows without dead ones, in the order of their numbers."""
        if not manifest.dead:
            return manifest
        return self._rewrite(manifest, manifest.fields, {})

    def truncate(self, manifest: Manifest) -> Manifest:
        """The version without rows; numbers go on."""
        no_rows = self._parts.live_rows(manifest).clear().collect()
        part = self._parts.put(no_rows)
        return replace(manifest, parts=(part,), rows=0, dead="", settled=0)

    def _rewrite(
        self,
        manifest: Manifest,
        columns: Sequence[Column],
        computed: Mapping[str, pl.Expr],
    ) -> Manifest:
        """The version with all parts written anew in the order of numbers; `computed`
        gives the cells of some columns.
        """
        names = [column.name for column in columns]
        # New columns are null and decimals get zeros: only a column that goes away
        # takes words with it.
        refold = any(column.name not in names for column in manifest.fields)
        parts: list[Part] = []
        for rows in self._rows_in_order(manifest):
            filled = rows.with_columns(
                cells.alias(name) for name, cells in computed.items()
            )
            shaped = filled.select([ID, *names, FOLD])
            if refold:
                shaped = shaped.with_columns(fold_columns(columns))
            parts += self._parts.put_slices(shaped)
            template = shaped.clear()
        if not parts:
            parts = [self._parts.put(template)]
        return replace(
            manifest,
            parts=tuple(parts),
            fields=tuple(columns),
            dead="",
            settled=_settled(parts),
        )

    def _rows_in_order(self, manifest: Manifest) -> Iterable[pl.DataFrame]:
        """All live rows, one settled part at a time, each with the changed rows that
        belong between its own.
        """
        settled = manifest.parts[: manifest.settled]
        fresh_keys = [part.key for part in manifest.parts[manifest.settled :]]
        fresh = None
        if fresh_keys:
            fresh = self._parts.scan(fresh_keys).sort(ID).collect()
        if not settled:
            assert fresh is not None  # noqa: S101 - a version has a part at least
            yield fresh
            return
        last_id = 0
        for part in settled:
            own = self._parts.live_rows_of(manifest, [part.key]).collect()
            if fresh is None:
                yield own
                continue
            if part is settled[-1]:
                between = fresh.filter(pl.col(ID) > last_id)
            else:
                # A part whose rows are all dead has no place for others: they come
                # with the next part, and only there.
                highest = int(str(own[ID].max())) if own.height else last_id
                between = fresh.filter(pl.col(ID).is_between(last_id + 1, highest))
                last_id = highest
            yield pl.concat([own, between]).sort(ID)

    def _without(
        self, manifest: Manifest, ids: pl.Series
    ) -> tuple[list[Part], pl.Series]:
        """The fresh parts without these rows, and the ids that must be buried among the
        settled ones.
        """
        remaining: list[Part] = []
        elsewhere = ids
        for part in manifest.parts[manifest.settled :]:
            part_ids = self._parts.ids(part.key)
            here = part_ids.filter(part_ids.is_in(ids.implode()))
            if not here.len():
                remaining.append(part)
                continue
            elsewhere = elsewhere.filter(~elsewhere.is_in(here.implode()))
            stays = ~pl.col(ID).is_in(here.implode())
            rows = self._parts.scan([part.key]).filter(stays).collect()
            if rows.height or len(manifest.parts) == 1:
                remaining.append(self._parts.put(rows))
        return remaining, elsewhere

    def _with_rows(
        self,
        parts: Sequence[Part],
        settled: int,
        frame: pl.DataFrame,
        columns: Sequence[Column],
    ) -> tuple[Part, ...]:
        """The parts and, behind them, more rows; small parts are joined where there are
        too many.
        """
        cells = frame.select([ID, *(column.name for column in columns)])
        rows = cells.with_columns(fold_columns(columns)).sort(ID)
        added = self._parts.put_slices(rows)
        fresh = [part for part in parts[settled:] if part.rows]
        big = [part for part in fresh if part.rows >= SMALL]
        small = [part for part in fresh if part.rows < SMALL]
        small += added
        if len(small) > MOST_SMALL:
            joined = self._parts.scan([part.key for part in small]).sort(ID).collect()
            small = self._parts.put_slices(joined)
        return (*parts[:settled], *big, *small)

    def _with_a_part(self, manifest: Manifest) -> Manifest:
        """The version with a file even when no row is left."""
        if manifest.parts:
            return manifest
        part = self._parts.put(empty_frame(manifest.fields))
        return replace(manifest, parts=(part,), settled=0)


def _settled(parts: Sequence[Part]) -> int:
    """How many parts from the first on are big enough to be left where they lie."""
    for index, part in enumerate(parts):
        if part.rows < SMALL:
            return index
    return len(parts)


def _with_room_for(dtype: pl.DataType, values: Sequence[Any], name: str) -> pl.DataType:
    """A decimal type with room for the values; any other type as it is."""
    if not isinstance(dtype, pl.Decimal):
        return dtype
    before, scale = 0, dtype.scale
    for value in values:
        if isinstance(value, Decimal):
            digits_before, digits_after = digits(value)
            before = max(before, digits_before)
            scale = max(scale, digits_after)
    if before + scale > DIGITS:
        message = f'field "{name}" has numbers of more than {DIGITS} digits'
        raise RecordError({"records": [message]})
    return pl.Decimal(DIGITS, scale)
