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
from portal.tabular.fold import fold_rows
from portal.tabular.manifest import ID, Column, Manifest, Part
from portal.tabular.versions.records import DIGITS, RecordError, digits
from portal.tabular.versions.writing import PART_ROWS, put_part

FOLD = "_fold"
SMALL, MOST_SMALL = 20_480, 8
"""Parts of fewer rows are joined as soon as there are so many: an append writes its own
rows and rarely more.
"""
DEAD_SHARE = 20
"""Parts with dead rows are written anew when more than one row in so many is dead (and
more than SMALL).
"""
DTYPES: dict[str, pl.DataType] = {
    "int4": pl.Int64(),
    "int8": pl.Int64(),
    "float8": pl.Float64(),
    "bool": pl.Boolean(),
    "date": pl.Date(),
    "timestamp": pl.Datetime("us"),
    "numeric": pl.Decimal(DIGITS, 0),
}


class TableChanges:
    """Makes new versions of old ones. Nothing is named before its caller names it in a
    transaction.
    """

    def __init__(self, files: Files, folder: Path) -> None:
        self._files, self._folder = files, folder

    def empty(
        self, columns: Sequence[Column], primary_key: Sequence[str] = ()
    ) -> Manifest:
        """A table without rows."""
        part = self._put(self._empty(columns))
        return Manifest(
            (part,), tuple(columns), 0, settled=0, primary_key=tuple(primary_key)
        )

    def find(
        self, manifest: Manifest, keys: Sequence[str], wanted: pl.DataFrame
    ) -> pl.DataFrame:
        """The rows (`_id` and the key columns) whose key stands in `wanted`."""
        columns = list(dict.fromkeys([ID, *keys]))
        stored = self._live(manifest, columns)
        types = stored.collect_schema()
        asked = wanted.select(
            pl.col(key).cast(types[key], strict=False) for key in keys
        ).unique()
        return stored.join(
            asked.lazy(), on=list(keys), how="semi", nulls_equal=True
        ).collect()

    def whole(self, manifest: Manifest, ids: Sequence[int]) -> pl.DataFrame:
        """Whole rows by their numbers, in the order of these."""
        columns = [ID, *(column.name for column in manifest.fields)]
        asked = pl.Series(ID, sorted(ids), dtype=pl.Int64)
        return (
            self._live(manifest, columns)
            .filter(pl.col(ID).is_in(asked.implode()))
            .sort(ID)
            .collect()
        )

    def duplicate(
        self, manifest: Manifest, keys: Sequence[str]
    ) -> dict[str, Any] | None:
        """One key that several rows share, or None."""
        counted = (
            self._live(manifest, list(keys))
            .group_by(list(keys))
            .len()
            .filter(pl.col("len") > 1)
        )
        found = counted.drop("len").head(1).collect().to_dicts()
        return found[0] if found else None

    def frame(
        self, manifest: Manifest, rows: Sequence[Mapping[str, Any]]
    ) -> tuple[Manifest, pl.DataFrame]:
        """Typed values as a frame (a missing column is null), and the manifest with
        room for their decimals.
        """
        columns: list[pl.Series] = []
        types = self._types(manifest)
        wider: dict[str, pl.DataType] = {}
        for column in manifest.fields:
            values = [row.get(column.name) for row in rows]
            dtype = _wide(types[column.name], values, column.name)
            if dtype != types[column.name]:
                wider[column.name] = dtype
            columns.append(pl.Series(column.name, values, dtype=dtype))
        if wider:
            casts = {name: pl.col(name).cast(dtype) for name, dtype in wider.items()}
            manifest = self._rewritten(manifest, manifest.fields, casts)
        return manifest, pl.DataFrame(columns)

    def append(self, manifest: Manifest, frame: pl.DataFrame) -> Manifest:
        """The version with these rows behind the others, numbered on."""
        if not frame.height:
            return manifest
        first = manifest.last_id + 1
        ids = pl.int_range(
            first, first + frame.height, eager=True, dtype=pl.Int64
        ).alias(ID)
        parts = self._add(
            manifest.parts,
            manifest.settled,
            frame.insert_column(0, ids),
            manifest.fields,
        )
        return replace(
            manifest,
            parts=parts,
            rows=manifest.rows + frame.height,
            last_id=first + frame.height - 1,
        )

    def exchange(
        self, manifest: Manifest, frame: pl.DataFrame, gone: Iterable[int] = ()
    ) -> Manifest:
        """The version in which rows with these `_id`s say what `frame` says, and `gone`
        ones are no more.
        """
        removed = sorted(gone)
        ids = pl.Series(ID, [*frame[ID].to_list(), *removed], dtype=pl.Int64)
        if not ids.len():
            return manifest
        if not manifest.dead:
            manifest = replace(manifest, settled=_settled(manifest.parts))
        fresh, left = self._without(manifest, ids)
        dead = (
            self._files_frame([manifest.dead], [ID]).collect()[ID]
            if manifest.dead
            else pl.Series(ID, [], pl.Int64)
        )
        parts = (*manifest.parts[: manifest.settled], *fresh)
        parts = (
            self._add(parts, manifest.settled, frame, manifest.fields)
            if frame.height
            else parts
        )
        changed = replace(manifest, parts=parts, rows=manifest.rows - len(removed))
        if not left.len():
            return self._tidy(changed)
        buried = pl.concat([dead, left]).unique().sort()
        changed = replace(changed, dead=self._put(pl.DataFrame([buried.alias(ID)])).key)
        if buried.len() > max(
            SMALL, sum(part.rows for part in parts[: manifest.settled]) // DEAD_SHARE
        ):
            return self.compact(changed)
        return changed

    def alter(
        self, manifest: Manifest, columns: Sequence[Column], primary_key: Sequence[str]
    ) -> Manifest:
        """The version with other columns: new ones are null, those that are not named
        are gone.
        """
        known = {column.name for column in manifest.fields}
        same = [column.name for column in columns] == [
            column.name for column in manifest.fields
        ]
        altered = replace(
            manifest, fields=tuple(columns), primary_key=tuple(primary_key)
        )
        if same:
            return altered
        made = {
            column.name: pl.lit(None, dtype=DTYPES.get(column.ckan_type, pl.String()))
            for column in columns
            if column.name not in known
        }
        return replace(
            self._rewritten(manifest, columns, made), primary_key=tuple(primary_key)
        )

    def compact(self, manifest: Manifest) -> Manifest:
        """The same rows without dead ones, in the order of their numbers."""
        return (
            self._rewritten(manifest, manifest.fields, {})
            if manifest.dead
            else manifest
        )

    def emptied(self, manifest: Manifest) -> Manifest:
        """The version without rows; numbers go on."""
        part = self._put(self._live(manifest, None).clear().collect())
        return replace(manifest, parts=(part,), rows=0, dead="", settled=0)

    def _rewritten(
        self, manifest: Manifest, columns: Sequence[Column], made: Mapping[str, pl.Expr]
    ) -> Manifest:
        """Write parts anew, one settled part at a time, each with the changed rows that
        belong between its own.
        """
        names = [column.name for column in columns]
        refold = len(names) != len(manifest.fields) + len(
            made.keys() - {c.name for c in manifest.fields}
        )
        fresh_parts = manifest.parts[manifest.settled :]
        settled = manifest.parts[: manifest.settled]
        fresh = (
            self._files_frame([part.key for part in fresh_parts]).sort(ID).collect()
            if fresh_parts
            else None
        )
        parts: list[Part] = []
        low = 0
        for index, part in enumerate(settled or fresh_parts[:1]):
            own = self._alive(manifest, [part.key]).collect() if settled else None
            last = index == len(settled) - 1 or not settled
            high = (
                None
                if last or own is None or not own.height
                else int(str(own[ID].max()))
            )
            frame = _between(own, fresh, low, high)
            low = high if high is not None else low
            shaped = frame.with_columns(
                expression.alias(name) for name, expression in made.items()
            )
            shaped = shaped.select([ID, *names, FOLD])
            shaped = shaped.with_columns(_fold(columns)) if refold else shaped
            parts += (
                [self._put(piece) for piece in shaped.iter_slices(PART_ROWS)]
                if shaped.height
                else []
            )
            template = shaped.clear()
        parts = parts or [self._put(template)]
        return replace(
            manifest,
            parts=tuple(parts),
            fields=tuple(columns),
            dead="",
            settled=_settled(parts),
        )

    def _without(
        self, manifest: Manifest, ids: pl.Series
    ) -> tuple[list[Part], pl.Series]:
        """The fresh parts without these rows, and the ids that must be buried among the
        settled ones.
        """
        kept: list[Part] = []
        left = ids
        for part in manifest.parts[manifest.settled :]:
            own = self._files_frame([part.key], [ID]).collect()[ID]
            here = own.filter(own.is_in(ids.implode()))
            if not here.len():
                kept.append(part)
                continue
            left = left.filter(~left.is_in(here.implode()))
            rest = (
                self._files_frame([part.key])
                .filter(~pl.col(ID).is_in(here.implode()))
                .collect()
            )
            if rest.height or len(manifest.parts) == 1:
                kept.append(self._put(rest))
        return kept, left

    def _add(
        self,
        parts: Sequence[Part],
        settled: int,
        frame: pl.DataFrame,
        columns: Sequence[Column],
    ) -> tuple[Part, ...]:
        whole = (
            frame.select([ID, *(column.name for column in columns)])
            .with_columns(_fold(columns))
            .sort(ID)
        )
        added = [self._put(piece) for piece in whole.iter_slices(PART_ROWS)]
        fresh = [part for part in parts[settled:] if part.rows]
        big = [part for part in fresh if part.rows >= SMALL]
        small = [part for part in fresh if part.rows < SMALL]
        if len(small) + len(added) > MOST_SMALL:
            joined = (
                self._files_frame([part.key for part in [*small, *added]])
                .sort(ID)
                .collect()
            )
            small, added = (
                [self._put(piece) for piece in joined.iter_slices(PART_ROWS)],
                [],
            )
        return (*parts[:settled], *big, *small, *added)

    def _tidy(self, manifest: Manifest) -> Manifest:
        """A version that has a file even when no row is left."""
        if manifest.parts:
            return manifest
        return replace(
            manifest, parts=(self._put(self._empty(manifest.fields)),), settled=0
        )

    def _live(self, manifest: Manifest, columns: Sequence[str] | None) -> pl.LazyFrame:
        settled = [part.key for part in manifest.parts[: manifest.settled]]
        fresh = [part.key for part in manifest.parts[manifest.settled :]]
        frames = [self._alive(manifest, settled)] if settled else []
        frames += [self._files_frame(fresh)] if fresh else []
        whole = pl.concat(frames)
        return whole.select(list(columns)) if columns is not None else whole

    def _alive(self, manifest: Manifest, keys: Sequence[str]) -> pl.LazyFrame:
        frame = self._files_frame(keys)
        return (
            frame.join(self._files_frame([manifest.dead]), on=ID, how="anti")
            if manifest.dead
            else frame
        )

    def _files_frame(
        self, keys: Sequence[str], columns: Sequence[str] | None = None
    ) -> pl.LazyFrame:
        frame = pl.scan_parquet([self._files.path(key) for key in keys], glob=False)
        return frame.select(list(columns)) if columns is not None else frame

    def _types(self, manifest: Manifest) -> dict[str, pl.DataType]:
        return dict(pl.read_parquet_schema(self._files.path(manifest.parts[0].key)))

    def _empty(self, columns: Sequence[Column]) -> pl.DataFrame:
        typed = {
            column.name: DTYPES.get(column.ckan_type, pl.String()) for column in columns
        }
        return pl.DataFrame(schema={ID: pl.Int64(), **typed, FOLD: pl.String()})

    def _put(self, frame: pl.DataFrame) -> Part:
        return put_part(self._files, self._folder, frame)


def _settled(parts: Sequence[Part]) -> int:
    """How many parts from the first on are big enough to be left where they lie."""
    return next(
        (index for index, part in enumerate(parts) if part.rows < SMALL), len(parts)
    )


def _between(
    own: pl.DataFrame | None, fresh: pl.DataFrame | None, low: int, high: int | None
) -> pl.DataFrame:
    if fresh is None:
        assert own is not None  # noqa: S101 - a version has parts of one kind at least
        return own
    mine = fresh.filter(
        (pl.col(ID) > low)
        & ((pl.col(ID) <= high) if high is not None else pl.lit(True))
    )
    return mine if own is None else pl.concat([own, mine]).sort(ID)


def _fold(columns: Sequence[Column]) -> pl.Expr:
    return fold_rows([pl.col(column.name).cast(pl.String) for column in columns]).alias(
        FOLD
    )


def _wide(dtype: pl.DataType, values: Sequence[Any], name: str) -> pl.DataType:
    """A decimal type with room for the values; any other type as it is."""
    if not isinstance(dtype, pl.Decimal):
        return dtype
    numbers = [digits(value) for value in values if isinstance(value, Decimal)]
    scale = max([dtype.scale, *(after for _, after in numbers)])
    if max([0, *(before for before, _ in numbers)]) + scale > DIGITS:
        raise RecordError(
            {"records": [f'field "{name}" has numbers of more than {DIGITS} digits']}
        )
    return pl.Decimal(DIGITS, scale)
