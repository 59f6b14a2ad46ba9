"""GeoJSON: rows become features, placed by a declared geometry or by two columns of
degrees.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import orjson
import polars as pl

from portal.tabular.manifest import Column
from portal.tabular.reading_rows.query import RowQueryError
from portal.tabular.reading_rows.rendering import json_columns

LONGITUDES = ("lon", "lng", "long", "longitude", "kinh_do", "x")
LATITUDES = ("lat", "latitude", "vi_do", "y")
NO_PLACE = (
    "The table has no geometry: neither a geopoint or geojson column, nor columns lon "
    "and lat (kinh_do, vi_do)"
)


def places(columns: Sequence[Column]) -> tuple[int, ...]:
    """Where the geometry is: one column, or those of longitude and latitude. Raises
    RowQueryError without any.
    """
    for index, column in enumerate(columns):
        if column.type in ("geojson", "geopoint"):
            return (index,)
    names = [column.name.lower() for column in columns]
    longitude = next((names.index(name) for name in LONGITUDES if name in names), None)
    latitude = next((names.index(name) for name in LATITUDES if name in names), None)
    if longitude is None or latitude is None:
        raise RowQueryError({"format": [NO_PLACE]})
    return (longitude, latitude)


def geojson_blocks(
    columns: Sequence[Column], frames: Iterator[pl.DataFrame]
) -> Iterator[bytes]:
    """A FeatureCollection; a row without a place has a null geometry."""
    at = places(columns)
    kept = [
        index
        for index in range(len(columns))
        if index not in at and columns[index].name != "_id"
    ]
    yield b'{"type":"FeatureCollection","features":['
    glue = b"\n"
    for frame in frames:
        cells = json_columns(frame, columns, exact=True)
        names = [columns[index].name for index in kept]
        rows = (
            zip(*(cells[index] for index in kept), strict=True)
            if kept
            else [()] * frame.height
        )
        numbers = frame["_id"].to_list() if "_id" in frame.columns else None
        lines = []
        for number, (place, row) in enumerate(
            zip(_geometries(columns, frame, at), rows, strict=True)
        ):
            feature: dict[str, Any] = {"type": "Feature", "geometry": place}
            if numbers:
                feature["id"] = numbers[number]
            lines.append(
                orjson.dumps(
                    feature | {"properties": dict(zip(names, row, strict=True))}
                )
            )
        if lines:
            yield glue + b",\n".join(lines)
            glue = b",\n"
    yield b"\n]}\n"


def _geometries(
    columns: Sequence[Column], frame: pl.DataFrame, at: tuple[int, ...]
) -> Iterator[Any]:
    series = frame.get_columns()
    if len(at) == 2:
        pairs = zip(series[at[0]].to_list(), series[at[1]].to_list(), strict=True)
        yield from (_point(longitude, latitude) for longitude, latitude in pairs)
        return
    for text in series[at[0]].to_list():
        if columns[at[0]].type == "geopoint":
            yield _geopoint(text)
        else:
            yield _geometry(text)


def _point(longitude: Any, latitude: Any) -> Any:
    try:
        x, y = float(longitude), float(latitude)
    except (TypeError, ValueError):
        return None
    on_earth = -180 <= x <= 180 and -90 <= y <= 90
    return {"type": "Point", "coordinates": [x, y]} if on_earth else None


def _geopoint(text: str | None) -> Any:
    """A geopoint in any of its three forms: `lon, lat`, [lon, lat], {"lon", "lat"}."""
    try:
        read = orjson.loads(text or "")
    except orjson.JSONDecodeError:
        read = (text or "").split(",")
    if isinstance(read, dict):
        return _point(read.get("lon"), read.get("lat"))
    return _point(*read) if isinstance(read, list) and len(read) == 2 else None


def _geometry(text: str | None) -> Any:
    try:
        read = orjson.loads(text or "")
    except orjson.JSONDecodeError:
        return None
    if isinstance(read, dict) and read.get("type") == "Feature":
        read = read.get("geometry")
    return read if isinstance(read, dict) and "type" in read else None
