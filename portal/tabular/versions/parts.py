"""Parts: the Parquet files of a version, written once and read as frames."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

import polars as pl

from portal.files import Files
from portal.tabular.fold import fold_rows
from portal.tabular.manifest import ID, Column, Manifest, Part
from portal.tabular.versions.records import DIGITS

FOLD = "_fold"
"""The column with the folded text of a whole row."""
ROW_GROUP = 20_480
"""Rows of a Parquet row group: pages and filters are 2-4 times faster than with the
usual 122,880.
"""
PART_ROWS = 122_880
"""Rows of a part: a change touches few of them, a query opens few of them."""
DTYPES: dict[str, pl.DataType] = {
    "int4": pl.Int64(),
    "int8": pl.Int64(),
    "float8": pl.Float64(),
    "bool": pl.Boolean(),
    "date": pl.Date(),
    "timestamp": pl.Datetime("us"),
    "numeric": pl.Decimal(DIGITS, 0),
}
"""How a column is stored, by the type that CKAN clients are told; all others are
texts.
"""


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


def empty_frame(columns: Sequence[Column]) -> pl.DataFrame:
    """A part without rows, its columns typed."""
    types = {column.name: dtype_of(column) for column in columns}
    return pl.DataFrame(schema={ID: pl.Int64(), **types, FOLD: pl.String()})


def dtype_of(column: Column) -> pl.DataType:
    """How the cells of a new column are stored."""
    return DTYPES.get(column.ckan_type, pl.String())


def fold_columns(columns: Sequence[Column]) -> pl.Expr:
    """The folded text of rows of these columns."""
    cells = [pl.col(column.name).cast(pl.String) for column in columns]
    return fold_rows(cells).alias(FOLD)


class PartFiles:
    """Reads and writes the parts of versions in a blob store."""

    def __init__(self, files: Files, folder: Path) -> None:
        """`folder` is where a part is made before it is stored."""
        self._files, self._folder = files, folder

    def put(self, frame: pl.DataFrame) -> Part:
        """Store rows as one part."""
        return put_part(self._files, self._folder, frame)

    def put_slices(self, frame: pl.DataFrame) -> list[Part]:
        """Store rows as parts of at most PART_ROWS; no rows are no part."""
        if not frame.height:
            return []
        return [self.put(piece) for piece in frame.iter_slices(PART_ROWS)]

    def scan(
        self, keys: Sequence[str], columns: Sequence[str] | None = None
    ) -> pl.LazyFrame:
        """All rows of some files, dead ones included."""
        paths = [self._files.path(key) for key in keys]
        frame = pl.scan_parquet(paths, glob=False)
        return frame if columns is None else frame.select(list(columns))

    def ids(self, key: str) -> pl.Series:
        """The numbers of the rows of one file."""
        return self.scan([key], [ID]).collect()[ID]

    def live_rows(
        self, manifest: Manifest, columns: Sequence[str] | None = None
    ) -> pl.LazyFrame:
        """The rows of a version; `columns` None gives all columns."""
        settled = [part.key for part in manifest.parts[: manifest.settled]]
        fresh = [part.key for part in manifest.parts[manifest.settled :]]
        frames = []
        if settled:
            frames.append(self.live_rows_of(manifest, settled))
        if fresh:
            frames.append(self.scan(fresh))
        rows = pl.concat(frames)
        return rows if columns is None else rows.select(list(columns))

    def live_rows_of(self, manifest: Manifest, settled: Sequence[str]) -> pl.LazyFrame:
        """The rows of some settled parts that are not dead."""
        rows = self.scan(settled)
        if not manifest.dead:
            return rows
        return rows.join(self.scan([manifest.dead]), on=ID, how="anti")

    def types(self, manifest: Manifest) -> dict[str, pl.DataType]:
        """The types that the columns of a version are stored in."""
        return dict(pl.read_parquet_schema(self._files.path(manifest.parts[0].key)))
