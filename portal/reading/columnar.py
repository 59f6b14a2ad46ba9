"""Parquet files as text tables: dates in ISO form, whole numbers without a decimal
point, nested values as JSON.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import orjson
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from portal.reading.options import ReadOptions
from portal.reading.refusals import refuse
from schemas.texttable import ROW, TextBatch, TextTable

_OFFSET = re.compile(r"[+-]\d{2}:\d{2}")
EXACT_WHOLE = 2**53
"""Beyond this a float no longer tells whole numbers apart."""


def open_parquet(path: Path, name: str, options: ReadOptions) -> TextTable:
    """The table of a Parquet file, read block by block. Raises BadFile("damaged" |
    "too-large" | "empty").
    """
    try:
        described = pq.read_metadata(path)
        labels = tuple(pq.read_schema(path).names)
    # Arrow's error for too little memory is an ArrowException too, but no damage.
    except MemoryError:
        raise
    except (pa.ArrowException, OSError) as error:
        raise _damaged(name, error) from None
    # What the file says of itself, before any of it is unpacked.
    unpacked = sum(
        described.row_group(number).total_byte_size
        for number in range(described.num_row_groups)
    )
    for what, found, limit in (
        ("bytes", unpacked, options.max_bytes),
        ("rows", described.num_rows + 1, options.max_rows),
        ("columns", len(labels), options.max_columns),
        ("cells", described.num_rows * len(labels), options.max_cells),
    ):
        if found > limit:
            raise refuse("too-large", name=name, what=what, limit=limit)
    if not labels:
        raise refuse("empty", name=name)

    def batches() -> Iterator[TextBatch]:
        first = 2
        try:
            with pq.ParquetFile(path) as file:
                for block in file.iter_batches(options.batch_rows):
                    yield TextBatch(_texts(block, first))
                    first += block.num_rows
        # As above: too little memory is no damage.
        except MemoryError:
            raise
        except (pa.ArrowException, OSError) as error:
            raise _damaged(name, error) from None

    return TextTable(labels, batches, name)


def _damaged(name: str, error: Exception) -> Exception:
    return refuse("damaged", name=name, claimed="Parquet", why=type(error).__name__)


def _texts(block: pa.RecordBatch, first: int) -> pl.DataFrame:
    """Every column as texts, "" for nothing; the header of a file is its row 1."""
    columns = [
        _column(cells).alias(str(index)) for index, cells in enumerate(block.columns)
    ]
    end = first + block.num_rows
    numbers = pl.int_range(first, end, eager=True, dtype=pl.Int64)
    return pl.DataFrame([*columns, numbers.alias(ROW)])


def _column(cells: pa.Array) -> pl.Series:
    """One column as texts; moments in the offset that the file names."""
    zone = cells.type.tz if pa.types.is_timestamp(cells.type) else None
    if zone is None or not _OFFSET.fullmatch(zone):
        return _text(pl.Series("", pl.from_arrow(cells)))
    in_utc = cells.cast(pa.timestamp(cells.type.unit, "UTC"))
    moments = pl.Series("", pl.from_arrow(in_utc)).dt.replace_time_zone(None)
    # Not every offset is one that Polars has a name for.
    minutes = int(zone[:3]) * 60 + int(zone[0] + zone[4:])
    local = moments.dt.offset_by(f"{minutes}m").dt.to_string("%Y-%m-%dT%H:%M:%S%.f")
    with_zone = pl.col("local").add(zone).fill_null("")
    return local.to_frame("local").select(with_zone).to_series()


def _text(cells: pl.Series) -> pl.Series:
    """A column as texts, nested values as JSON, "" for nothing."""
    kind = cells.dtype
    if kind.is_nested() or kind == pl.Object:
        values = (
            None if value is None else orjson.dumps(value, default=str).decode()
            for value in cells.to_list()
        )
        return pl.Series(cells.name, list(values), dtype=pl.String).fill_null("")
    texts = _as_text(pl.col(cells.name), kind).fill_null("")
    return cells.to_frame().select(texts).to_series()


def _as_text(cells: pl.Expr, kind: pl.DataType) -> pl.Expr:
    """How a value is written as text, by its type."""
    if kind == pl.String:
        return cells.str.replace_all("\r\n?", "\n").str.normalize("NFC")
    if kind == pl.Boolean:
        # A null is neither.
        is_true = pl.when(cells).then(pl.lit("true"))
        word = is_true.when(~cells).then(pl.lit("false"))
        return word.alias(cells.meta.output_name())
    if kind.is_float():
        # Whole numbers with gaps are often stored as floats.
        is_whole = (cells == cells.floor()) & (cells.abs() < EXACT_WHOLE)
        whole = cells.cast(pl.Int64, strict=False).cast(pl.String)
        return pl.when(is_whole).then(whole).otherwise(cells.cast(pl.String))
    if isinstance(kind, pl.Datetime):
        offset = "%:z" if kind.time_zone else ""
        return cells.dt.to_string("%Y-%m-%dT%H:%M:%S%.f" + offset)
    if kind == pl.Time:
        return cells.dt.to_string("%H:%M:%S%.f")
    if kind == pl.Duration:
        return cells.dt.to_string("iso")
    if kind == pl.Binary:
        return cells.bin.encode("hex")
    return cells.cast(pl.String)
