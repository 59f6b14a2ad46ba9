"""Writing rows: validated tables of text become immutable Parquet parts, and parts a
version.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import polars as pl

from portal.files import Files
from portal.tabular.fold import fold_rows
from portal.tabular.manifest import ID, Manifest, Part, alike
from portal.tabular.versions.types import Shape, without_missing
from schemas.tabletypes import missing_values
from schemas.texttable import ROW, TextBatch, TextTable

ROW_GROUP = 20_480
"""Rows of a Parquet row group: pages and filters are 2-4 times faster than with the
usual 122,880.
"""


PART_ROWS = 122_880
"""Rows of a part: a change touches few of them, a query opens few of them."""
RESERVED = frozenset((ID, "_fold", "_full_text"))
"""Columns that every table has anyway: where a file brings them, as CKAN's dumps do,
they are left out.
"""
Gone = Mapping[str, frozenset[str]]
"""By column, the texts that stand for no value."""
AHEAD = 3
"""Parts that are packed while the next one is read."""


def write_tables(
    files: Files, folder: Path, tables: Iterable[TextTable], schema: Mapping[str, Any]
) -> Manifest:
    """Store validated tables as one version. Raises CellProblem as `TabularStore.write`
    says.
    """
    listed = list(tables)
    folder.mkdir(parents=True, exist_ok=True)
    shapes = _shapes(listed[0].labels, schema)
    gone = {
        shape.place: frozenset(
            missing_values(shape.field if "missingValues" in shape.field else schema)
        )
        for shape in shapes
    }
    try:
        parts = _written(files, folder, _frames(listed, shapes, gone, learning=True))
    except _Surprise:
        shapes = _shapes(listed[0].labels, schema)
        _look(listed, shapes, gone)
        parts = _written(files, folder, _frames(listed, shapes, gone, learning=False))
    parts = parts or [put_part(files, folder, _none(shapes))]
    rows = sum(part.rows for part in parts)
    stored = {shape.label: shape.name for shape in shapes}
    keys = primary_key(schema)
    keys = (
        tuple(stored[key] for key in keys) if all(key in stored for key in keys) else ()
    )
    return Manifest(
        tuple(parts),
        tuple(shape.column() for shape in shapes),
        rows,
        "",
        len(parts),
        rows,
        keys,
    )


class _Surprise(Exception):
    """A column is not of the type that its first cells had: all must be seen before the
    first is stored.
    """


def _written(files: Files, folder: Path, frames: Iterator[pl.DataFrame]) -> list[Part]:
    """The rows as parts, packed beside the reading; those whose decimals got more
    digits later are written anew.
    """
    waiting: list[tuple[Future[Part], pl.Schema]] = []
    with ThreadPoolExecutor(AHEAD) as pool:
        for frame in frames:
            waiting.append((pool.submit(put_part, files, folder, frame), frame.schema))
            if len(waiting) > AHEAD:
                waiting[-AHEAD - 1][0].result()
    last = waiting[-1][1] if waiting else None
    parts = []
    for future, schema in waiting:
        part = future.result()
        if last is not None and schema != last:
            part = put_part(
                files,
                folder,
                pl.read_parquet(files.path(part.key), glob=False).cast(last),
            )
        parts.append(part)
    return parts


def primary_key(schema: Mapping[str, Any]) -> tuple[str, ...]:
    """The primary key that a table schema declares."""
    declared = schema.get("primaryKey") or ()
    return (declared,) if isinstance(declared, str) else tuple(map(str, declared))


def put_part(files: Files, folder: Path, frame: pl.DataFrame) -> Part:
    """Store rows as a Parquet file."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="part-", dir=folder) as work:
        path = Path(work) / "part.parquet"
        frame.write_parquet(
            path, compression="zstd", compression_level=1, row_group_size=ROW_GROUP
        )
        blob = files.put_file(path)
    return Part(blob.key, frame.height, blob.size)


def _look(tables: list[TextTable], shapes: list[Shape], gone: Gone) -> None:
    """Let those columns that need it see every cell before the first is stored."""
    curious = [(shape.place, shape) for shape in shapes if shape.curious]
    for batch in (
        (batch for table in tables for batch in table.batches()) if curious else ()
    ):
        for name, shape in curious:
            shape.look(without_missing(batch.frame[name], gone[name]))


def _blocks(frames: Iterator[pl.DataFrame]) -> Iterator[pl.DataFrame]:
    """The same rows in frames of PART_ROWS, the last one shorter."""
    held: list[pl.DataFrame] = []
    rows = 0
    for frame in frames:
        held = [
            each if each.schema == frame.schema else each.cast(frame.schema)
            for each in held
        ]
        held.append(frame)
        rows += frame.height
        while rows >= PART_ROWS:
            whole = pl.concat(held)
            yield whole[:PART_ROWS]
            held, rows = [whole[PART_ROWS:]], rows - PART_ROWS
    if rows:
        yield pl.concat(held)


def _shapes(labels: tuple[str, ...], schema: Mapping[str, Any]) -> list[Shape]:
    """What is stored of a table. A label that differs from an earlier one only in case
    gets a number behind it.
    """
    fields = {str(field.get("name")): field for field in schema.get("fields", ())}
    shapes: list[Shape] = []
    taken = set(RESERVED)
    for index, label in enumerate(labels):
        if alike(label) in RESERVED:
            continue
        names = (label, *(f"{label}_{number}" for number in range(2, len(labels) + 2)))
        name = next(name for name in names if alike(name) not in taken)
        taken.add(alike(name))
        field = fields.get(label, {"name": label, "type": "string"})
        shapes.append(
            Shape(
                name,
                field if name == label else {"title": label, **field},
                str(index),
                label,
            )
        )
    return shapes


def _frames(
    tables: list[TextTable], shapes: list[Shape], gone: Gone, *, learning: bool
) -> Iterator[pl.DataFrame]:
    """The rows of each part, typed and numbered; no part holds rows of two tables."""
    first = 1
    for table in tables:
        for frame in _blocks(_typed(table, shapes, gone, first, learning=learning)):
            first += frame.height
            yield frame


def _typed(
    table: TextTable, shapes: list[Shape], gone: Gone, first: int, *, learning: bool
) -> Iterator[pl.DataFrame]:
    """One table's rows. `learning`: columns are looked at as they come. Raises
    _Surprise, then.
    """
    for batch in table.batches():
        texts = [
            without_missing(batch.frame[shape.place], gone[shape.place])
            for shape in shapes
        ]
        for shape, text in zip(shapes, texts, strict=True):
            if learning and shape.curious and not shape.goes_on(text) and first > 1:
                raise _Surprise
        if batch.frame.height:
            yield _typed_batch(batch, shapes, texts, first)
        first += batch.frame.height


def _typed_batch(
    batch: TextBatch, shapes: list[Shape], texts: list[pl.Series], first: int
) -> pl.DataFrame:
    values = [
        shape.typed(text, batch.frame[ROW])
        for shape, text in zip(shapes, texts, strict=True)
    ]
    cells = pl.DataFrame([text.alias(str(index)) for index, text in enumerate(texts)])
    fold = cells.select(
        fold_rows([pl.col(name) for name in cells.columns]).alias("_fold")
    ).to_series()
    ids = pl.int_range(
        first, first + batch.frame.height, eager=True, dtype=pl.Int64
    ).alias(ID)
    return pl.DataFrame([ids, *values, fold])


def _none(shapes: list[Shape]) -> pl.DataFrame:
    """A table without rows, its columns typed."""
    empty = pl.DataFrame(
        {"0": pl.Series([], dtype=pl.String), ROW: pl.Series([], dtype=pl.Int64)}
    )
    columns = [shape.typed(empty["0"], empty[ROW]) for shape in shapes]
    return pl.DataFrame(
        [
            pl.Series(ID, [], dtype=pl.Int64),
            *columns,
            pl.Series("_fold", [], dtype=pl.String),
        ]
    )
