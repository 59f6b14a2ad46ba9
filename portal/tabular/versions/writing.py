"""Writing rows: validated tables of text become immutable Parquet parts, and parts a
version.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import chain
from pathlib import Path
from typing import Any

import polars as pl

from portal.files import Files
from portal.tabular.fold import fold_rows
from portal.tabular.manifest import ID, Manifest, Part, alike
from portal.tabular.versions.parts import FOLD, PART_ROWS, put_part
from portal.tabular.versions.types import ColumnShape, without_missing
from schemas.tabletypes import missing_values
from schemas.texttable import ROW, TextBatch, TextTable

RESERVED = frozenset((ID, FOLD, "_full_text"))
"""Columns that every table has anyway: where a file brings them, as CKAN's dumps do,
they are left out.
"""
MissingValues = Mapping[str, frozenset[str]]
"""By column, the texts that stand for no value."""
AHEAD = 3
"""Parts that are packed while the next one is read."""


def write_tables(
    files: Files, folder: Path, tables: Iterable[TextTable], schema: Mapping[str, Any]
) -> Manifest:
    """Store validated tables as one version. Raises CellProblem as `TabularStore.write`
    says.
    """
    batched = list(tables)
    folder.mkdir(parents=True, exist_ok=True)
    shapes = _shapes(batched[0].labels, schema)
    missing = {shape.place: _missing_values(shape, schema) for shape in shapes}
    try:
        frames = _frames(batched, shapes, missing, learning=True)
        parts = _stored(files, folder, frames)
    except _Surprise:
        # Few files surprise: reading those twice is cheaper than looking first at all.
        shapes = _shapes(batched[0].labels, schema)
        _look(batched, shapes, missing)
        frames = _frames(batched, shapes, missing, learning=False)
        parts = _stored(files, folder, frames)
    if not parts:
        parts = [put_part(files, folder, _no_rows(shapes))]
    rows = sum(part.rows for part in parts)
    return Manifest(
        tuple(parts),
        tuple(shape.column() for shape in shapes),
        rows,
        settled=len(parts),
        last_id=rows,
        primary_key=_stored_key(shapes, schema),
    )


def _missing_values(shape: ColumnShape, schema: Mapping[str, Any]) -> frozenset[str]:
    """The texts that stand for no value: those of the field, else those of its
    schema.
    """
    own = "missingValues" in shape.field
    return frozenset(missing_values(shape.field if own else schema))


def _stored_key(
    shapes: list[ColumnShape], schema: Mapping[str, Any]
) -> tuple[str, ...]:
    """The primary key by the names that its columns are stored under; none where one
    of them is not stored.
    """
    stored_names = {shape.label: shape.name for shape in shapes}
    keys = primary_key(schema)
    if any(key not in stored_names for key in keys):
        return ()
    return tuple(stored_names[key] for key in keys)


class _Surprise(Exception):
    """A column is not of the type that its first cells had: all must be seen before the
    first is stored.
    """


def _stored(files: Files, folder: Path, frames: Iterator[pl.DataFrame]) -> list[Part]:
    """The rows as parts, packed beside the reading; those whose decimals got more
    digits later are written anew.
    """
    packing: list[Future[Part]] = []
    schemas: list[pl.Schema] = []
    with ThreadPoolExecutor(AHEAD) as pool:
        for frame in frames:
            packing.append(pool.submit(put_part, files, folder, frame))
            schemas.append(frame.schema)
            # A frame is in memory until it is packed: no more than AHEAD may wait.
            if len(packing) > AHEAD:
                packing[-AHEAD - 1].result()
    parts = []
    for future, schema in zip(packing, schemas, strict=True):
        part = future.result()
        # Decimals only ever grow, so the last frame has room for those of all.
        if schema != schemas[-1]:
            rows = pl.read_parquet(files.path(part.key), glob=False)
            part = put_part(files, folder, rows.cast(schemas[-1]))
        parts.append(part)
    return parts


def primary_key(schema: Mapping[str, Any]) -> tuple[str, ...]:
    """The primary key that a table schema declares."""
    declared = schema.get("primaryKey") or ()
    return (declared,) if isinstance(declared, str) else tuple(map(str, declared))


def _look(
    tables: list[TextTable], shapes: list[ColumnShape], missing: MissingValues
) -> None:
    """Let those columns that need it see every cell before the first is stored."""
    looking = [shape for shape in shapes if shape.needs_look]
    if not looking:
        return
    for batch in chain.from_iterable(table.batches() for table in tables):
        for shape in looking:
            cells = batch.frame[shape.place]
            shape.look(without_missing(cells, missing[shape.place]))


def _blocks(frames: Iterator[pl.DataFrame]) -> Iterator[pl.DataFrame]:
    """The same rows in frames of PART_ROWS, the last one shorter."""
    pending: list[pl.DataFrame] = []
    rows = 0
    for frame in frames:
        # Decimals may have got more digits since: one block has one type.
        pending = [
            earlier if earlier.schema == frame.schema else earlier.cast(frame.schema)
            for earlier in pending
        ]
        pending.append(frame)
        rows += frame.height
        while rows >= PART_ROWS:
            joined = pl.concat(pending)
            yield joined[:PART_ROWS]
            pending = [joined[PART_ROWS:]]
            rows -= PART_ROWS
    if rows:
        yield pl.concat(pending)


def _shapes(labels: tuple[str, ...], schema: Mapping[str, Any]) -> list[ColumnShape]:
    """What is stored of a table. A label that differs from an earlier one only in case
    gets a number behind it.
    """
    fields = {str(field.get("name")): field for field in schema.get("fields", ())}
    shapes: list[ColumnShape] = []
    taken = set(RESERVED)
    for index, label in enumerate(labels):
        if alike(label) in RESERVED:
            continue
        name = _free_name(label, taken)
        taken.add(alike(name))
        field = fields.get(label, {"name": label, "type": "string"})
        if name != label:
            # What the file calls it remains for people to read.
            field = {"title": label, **field}
        shapes.append(ColumnShape(name, field, str(index), label))
    return shapes


def _free_name(label: str, taken: set[str]) -> str:
    """The label, or the first of label_2, label_3, … that the query engine can tell
    from the names that are taken.
    """
    name = label
    number = 1
    while alike(name) in taken:
        number += 1
        name = f"{label}_{number}"
    return name


def _frames(
    tables: list[TextTable],
    shapes: list[ColumnShape],
    missing: MissingValues,
    *,
    learning: bool,
) -> Iterator[pl.DataFrame]:
    """The rows of each part, typed and numbered; no part holds rows of two tables."""
    first = 1
    for table in tables:
        typed = _typed(table, shapes, missing, first, learning=learning)
        for frame in _blocks(typed):
            first += frame.height
            yield frame


def _typed(
    table: TextTable,
    shapes: list[ColumnShape],
    missing: MissingValues,
    first: int,
    *,
    learning: bool,
) -> Iterator[pl.DataFrame]:
    """One table's rows. `learning`: columns are looked at as they come. Raises
    _Surprise, then.
    """
    for batch in table.batches():
        texts = [
            without_missing(batch.frame[shape.place], missing[shape.place])
            for shape in shapes
        ]
        if learning:
            unchanged = _learn(shapes, texts)
            # Before the first rows nothing is stored that could be wrong.
            if not unchanged and first > 1:
                raise _Surprise
        if batch.frame.height:
            yield _typed_batch(batch, shapes, texts, first)
        first += batch.frame.height


def _learn(shapes: list[ColumnShape], texts: list[pl.Series]) -> bool:
    """Let columns look at a batch; whether what is stored already stays right for
    all.
    """
    unchanged = True
    for shape, cells in zip(shapes, texts, strict=True):
        if shape.needs_look:
            unchanged &= shape.goes_on(cells)
    return unchanged


def _typed_batch(
    batch: TextBatch, shapes: list[ColumnShape], texts: list[pl.Series], first: int
) -> pl.DataFrame:
    """One batch typed, with row numbers from `first` on and the texts to search in."""
    rows = batch.frame[ROW]
    values = [
        shape.typed(cells, rows) for shape, cells in zip(shapes, texts, strict=True)
    ]
    # The texts as they came are folded, not the values: people search what they read.
    named = [cells.alias(str(index)) for index, cells in enumerate(texts)]
    cells = pl.DataFrame(named)
    folded = fold_rows([pl.col(name) for name in cells.columns]).alias(FOLD)
    fold = cells.select(folded).to_series()
    end = first + batch.frame.height
    ids = pl.int_range(first, end, eager=True, dtype=pl.Int64).alias(ID)
    return pl.DataFrame([ids, *values, fold])


def _no_rows(shapes: list[ColumnShape]) -> pl.DataFrame:
    """A table without rows, its columns typed."""
    no_cells = pl.Series([], dtype=pl.String)
    no_ids = pl.Series(ID, [], dtype=pl.Int64)
    columns = [shape.typed(no_cells, no_ids) for shape in shapes]
    fold = pl.Series(FOLD, [], dtype=pl.String)
    return pl.DataFrame([no_ids, *columns, fold])
