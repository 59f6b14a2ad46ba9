"""GeoJSON: rows become features, placed by a declared geometry or by two columns of
degrees.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import orjson
import polars as pl

from portal.tabular.manifest import ID, Column
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
    geometry_columns = places(columns)
    yield b'{"type":"FeatureCollection","features":['
    separator = b"\n"
    for frame in frames:
        lines = [
            orjson.dumps(feature)
            for feature in _features(columns, frame, geometry_columns)
        ]
        if lines:
            yield separator + b",\n".join(lines)
            separator = b",\n"
    yield b"\n]}\n"


def _features(
    columns: Sequence[Column], frame: pl.DataFrame, geometry_columns: tuple[int, ...]
) -> Iterator[dict[str, Any]]:
    """The rows as features: `_id` is the feature's id, and what says the place is no
    property.
    """
    cells = json_columns(frame, columns, exact=True)
    properties = {
        column.name: cells[index]
        for index, column in enumerate(columns)
        if index not in geometry_columns and column.name != ID
    }
    ids = frame[ID].to_list() if ID in frame.columns else None
    for row, geometry in enumerate(_geometries(columns, frame, geometry_columns)):
        feature: dict[str, Any] = {"type": "Feature", "geometry": geometry}
        if ids:
            feature["id"] = ids[row]
        feature["properties"] = {
            name: values[row] for name, values in properties.items()
        }
        yield feature


def _geometries(
    columns: Sequence[Column], frame: pl.DataFrame, geometry_columns: tuple[int, ...]
) -> Iterator[Any]:
    """The geometry of each row as GeoJSON, None for a row without a place."""
    series = frame.get_columns()
    cells = [series[index].to_list() for index in geometry_columns]
    if len(cells) == 2:
        yield from map(_point, *cells)
    elif columns[geometry_columns[0]].type == "geopoint":
        yield from map(_geopoint, cells[0])
    else:
        yield from map(_geometry, cells[0])


def _point(longitude: Any, latitude: Any) -> Any:
    """A point of two degrees; None where they are no numbers or not on earth."""
    try:
        x, y = float(longitude), float(latitude)
    except (TypeError, ValueError):
        return None
    # NaN is no place either: it compares false.
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
    """The geometry of a GeoJSON text; None for what is none."""
    try:
        read = orjson.loads(text or "")
    except orjson.JSONDecodeError:
        return None
    # A cell of type geojson may hold a whole feature.
    if isinstance(read, dict) and read.get("type") == "Feature":
        read = read.get("geometry")
    return read if isinstance(read, dict) and "type" in read else None
