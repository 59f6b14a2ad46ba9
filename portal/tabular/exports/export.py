"""Rows as files and streams: csv, tsv, json, ndjson, xml, geojson, xlsx, parquet."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from portal.tabular.exports.geojson import geojson_blocks, places
from portal.tabular.exports.text_formats import (
    csv_blocks,
    json_blocks,
    ndjson_blocks,
    xml_blocks,
)
from portal.tabular.exports.xlsx import write_xlsx
from portal.tabular.manifest import Column

MEDIA_TYPES = {
    "csv": "text/csv",
    "tsv": "text/tab-separated-values",
    "json": "application/json",
    "ndjson": "application/x-ndjson",
    "xml": "text/xml",
    "geojson": "application/geo+json",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "parquet": "application/vnd.apache.parquet",
}
FORMS = tuple(MEDIA_TYPES)
WHOLE_FILES = ("xlsx", "parquet")
"""Forms that cannot be begun before all rows are known: they are written into a file
first.
"""
CHUNK = 256 * 1024
"""Bytes of a piece of such a file."""


@dataclass(frozen=True, slots=True)
class Look:
    """How an export looks beyond its form.

    `bom`: CSV and TSV begin with a byte order mark. `records`: JSON is CKAN's
    {"fields", "records"} with lists, not a list of objects. `escaped`: texts that a
    spreadsheet would run as formulas begin with an apostrophe in CSV and TSV.
    """

    bom: bool = False
    records: bool = False
    escaped: bool = False


def stream(
    columns: Sequence[Column],
    frames: Iterator[pl.DataFrame],
    form: str,
    look: Look,
    folder: Path,
) -> Iterator[bytes]:
    """The rows in pieces; memory stays bounded whatever their number. `folder` is for
    files that must be made first.
    """
    if form in WHOLE_FILES:
        yield from _by_file(columns, frames, form, folder)
    elif form in ("csv", "tsv"):
        delimiter = "," if form == "csv" else "\t"
        yield from csv_blocks(
            columns, frames, delimiter, bom=look.bom, escaped=look.escaped
        )
    elif form == "json":
        yield from json_blocks(columns, frames, objects=not look.records)
    else:
        write = {
            "ndjson": ndjson_blocks,
            "xml": xml_blocks,
            "geojson": geojson_blocks,
        }[form]
        yield from write(columns, frames)


def check(columns: Sequence[Column], form: str) -> None:
    """Whether these columns can be had in that form. Raises RowQueryError."""
    if form == "geojson":
        places(columns)


def _by_file(
    columns: Sequence[Column], frames: Iterator[pl.DataFrame], form: str, folder: Path
) -> Iterator[bytes]:
    """The pieces of a whole file, which is made in a folder of its own and goes with
    it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="export-", dir=folder) as work:
        target = Path(work) / "export"
        write_whole(columns, frames, form, target)
        with target.open("rb") as file:
            while piece := file.read(CHUNK):
                yield piece


def write_whole(
    columns: Sequence[Column], frames: Iterator[pl.DataFrame], form: str, target: Path
) -> None:
    """Write an XLSX or Parquet file."""
    if form == "xlsx":
        write_xlsx(columns, frames, target)
        return
    writer: pq.ParquetWriter | None = None
    for frame in frames:
        table = _zoned(columns, frame.to_arrow(compat_level=pl.CompatLevel.oldest()))
        writer = writer or pq.ParquetWriter(target, table.schema, compression="zstd")
        writer.write_table(table)
    if writer is not None:
        writer.close()
    else:
        # Without a frame there are no types to write: the names alone are known.
        pl.DataFrame({column.name: [] for column in columns}).write_parquet(target)


def _zoned(columns: Sequence[Column], table: pa.Table) -> pa.Table:
    """Moments with the offset that they were written with, which the manifest keeps
    beside them.
    """
    for index, column in enumerate(columns):
        field = table.schema.field(index)
        if column.zone and pa.types.is_timestamp(field.type):
            moments = _with_offset(table.column(index), column.zone)
            table = table.set_column(index, field.name, moments)
    return table


def _with_offset(local: pa.ChunkedArray, offset: str) -> pa.ChunkedArray:
    """Local times as moments of one offset: `Z`, `+07:00` or `+0700`."""
    zone = "+00:00" if offset == "Z" else f"{offset[:3]}:{offset[-2:]}"
    east = 1 if zone[0] == "+" else -1
    ahead = east * timedelta(hours=int(zone[1:3]), minutes=int(zone[4:]))
    # Arrow holds moments as UTC and names the zone in the type alone.
    utc = pc.subtract(local, pa.scalar(ahead, pa.duration("us")))
    return utc.cast(pa.timestamp("us", "UTC")).cast(pa.timestamp("us", zone))


def write_download(
    columns: Sequence[Column],
    frames: Iterator[pl.DataFrame],
    form: str,
    look: Look,
    target: Path,
) -> None:
    """Write all rows into `target`."""
    if form in WHOLE_FILES:
        write_whole(columns, frames, form, target)
        return
    with target.open("wb") as file:
        for piece in stream(columns, frames, form, look, target.parent):
            file.write(piece)
