"""Places inside the borders of their communes, where an installation has loaded the
table noi-vu/ranh-gioi-xa.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import orjson
import polars as pl
from numpy.typing import NDArray

from portal.quality.checks.frame import NOTE, Frame, Hit, hits

BORDERS = "noi-vu/ranh-gioi-xa"
"""The table of borders: `ma_xa` and `geometry`, a GeoJSON Polygon or MultiPolygon in
WGS 84.
"""
NEAR = 0.002
"""Degrees, some 200 metres: borders are drawn and places are measured no better than
that.
"""
CODE, LATITUDE, LONGITUDE = "_code", "_lat", "_lon"
Points = NDArray[np.float64]


class Border(NamedTuple):
    """The rings of a commune as (lon, lat); holes are rings like the others."""

    rings: tuple[Points, ...]

    def inside(self, points: Points) -> NDArray[np.bool_]:
        """Which points (lon, lat) are inside, or as near to the border as makes no
        difference.
        """
        # The box is one comparison for all points; the exact look walks along every
        # ring for each of them.
        corners = np.concatenate(self.rings)
        low, high = corners.min(axis=0) - NEAR, corners.max(axis=0) + NEAR
        found: NDArray[np.bool_] = ((points >= low) & (points <= high)).all(axis=1)
        found[found] = [self._holds(point) for point in points[found]]
        return found

    def _holds(self, point: Points) -> bool:
        """Whether one point (lon, lat) is inside or near the border."""
        # In a hole the crossings of outer and inner ring add up to an even number, so
        # that holes need no rule of their own.
        crossed = sum(_crossings(ring, point) for ring in self.rings)
        return bool(crossed % 2) or any(
            _distance(ring, point) <= NEAR for ring in self.rings
        )


def _crossings(ring: Points, point: Points) -> int:
    """How often a ray to the east of the point crosses the ring."""
    (x1, y1), (x2, y2) = ring[:-1].T, ring[1:].T
    # Of the two ends of a side one counts: a ray through a corner crosses once, and
    # level sides, which would divide by zero, never.
    spans = (y1 > point[1]) != (y2 > point[1])
    x = x1[spans] + (point[1] - y1[spans]) * (x2[spans] - x1[spans]) / (
        y2[spans] - y1[spans]
    )
    return int((x > point[0]).sum())


def _distance(ring: Points, point: Points) -> float:
    """Degrees from the point to the nearest place of the ring."""
    start, way = ring[:-1], ring[1:] - ring[:-1]
    # A corner that is written twice makes a side of no length.
    length = np.maximum((way**2).sum(axis=1), 1e-18)
    # Beyond the ends of a side its nearest place is one of its corners.
    share = np.clip(((point - start) * way).sum(axis=1) / length, 0, 1)
    return float(
        np.sqrt((((start + share[:, None] * way) - point) ** 2).sum(axis=1)).min(
            initial=np.inf
        )
    )


def geometry(text: object) -> Mapping[str, Any]:
    """A GeoJSON geometry as a mapping; {} where it is none."""
    try:
        read = orjson.loads(text) if isinstance(text, str | bytes) else text
    except orjson.JSONDecodeError:
        return {}
    read = (
        read.get("geometry")
        if isinstance(read, Mapping) and read.get("type") == "Feature"
        else read
    )
    return read if isinstance(read, Mapping) else {}


def border(text: object) -> Border | None:
    """The border that a GeoJSON Polygon or MultiPolygon draws; None where it draws
    none.
    """
    shape = geometry(text)
    polygons = [shape] if shape.get("type") == "Polygon" else []
    if shape.get("type") == "MultiPolygon":
        polygons = [{"coordinates": part} for part in shape.get("coordinates") or ()]
    try:
        rings = [
            # GeoJSON allows a height as a third number.
            np.array(ring, dtype=float)[:, :2]
            for each in polygons
            for ring in each["coordinates"]
        ]
    except (ValueError, IndexError, TypeError, KeyError):
        return None
    return (
        # The last position of a ring repeats the first: a triangle has four (RFC 7946,
        # 3.1.6).
        Border(tuple(rings)) if rings and all(len(ring) > 3 for ring in rings) else None
    )


def outside_commune(
    frame: Frame,
    coordinates: Sequence[str],
    commune: str,
    columns: Mapping[str, Iterable[Any]],
) -> Iterator[Hit]:
    """Places outside of the commune that their row names, and where they are instead.

    `coordinates` are the columns of latitude and longitude, `columns` those of BORDERS.
    Communes without a border that can be read are let be.
    """
    borders = _borders(columns)
    latitude, longitude = (
        frame.number(name).alias(alias)
        for name, alias in zip(coordinates, (LATITUDE, LONGITUDE), strict=True)
    )
    code = frame.text(commune).alias(CODE)
    places = frame.data.with_columns(code, latitude, longitude)
    places = places.drop_nulls([CODE, LATITUDE, LONGITUDE])
    places = places.filter(pl.col(CODE).is_in(list(borders)))
    # Only the first hits are listed: without a fixed order two reports of one table
    # would differ.
    communes = places.partition_by(CODE, as_dict=True, maintain_order=True)
    for (found_code,), rows in communes.items():
        points = rows.select(LONGITUDE, LATITUDE).to_numpy()
        outside = ~borders[str(found_code)].inside(points)
        notes = [
            f"∉ {found_code}{_elsewhere(borders, point)}" for point in points[outside]
        ]
        lost = rows.filter(pl.Series(outside))
        noted = lost.with_columns(pl.Series(NOTE, notes, dtype=pl.String))
        yield from hits(noted, coordinates[0])


def _borders(columns: Mapping[str, Iterable[Any]]) -> dict[str, Border]:
    """Borders by the code of their commune."""
    pairs = zip(columns.get("ma_xa", ()), columns.get("geometry", ()), strict=False)
    drawn = ((str(code), border(text)) for code, text in pairs)
    return {code: each for code, each in drawn if each is not None}


def _elsewhere(borders: Mapping[str, Border], point: Points) -> str:
    """The commune that holds the point after all, as the end of a note; "" where none
    does.
    """
    containing = (
        code for code, each in borders.items() if each.inside(point[None, :])[0]
    )
    code = next(containing, "")
    return f", ∈ {code}" if code else ""
