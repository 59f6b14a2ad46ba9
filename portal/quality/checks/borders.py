"""Places inside the borders of their communes, where an installation has loaded the
table noi-vu/ranh-gioi-xa.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
import orjson
import polars as pl
from numpy.typing import NDArray

from portal.quality.checks.rules import Frame, Hit, Params, hits

BORDERS = "noi-vu/ranh-gioi-xa"
"""The table of borders: `ma_xa` and `geometry`, a GeoJSON Polygon or MultiPolygon in
WGS 84.
"""
NEAR = 0.002
"""Degrees, some 200 metres: borders are drawn and places are measured no better than
that.
"""
Points = NDArray[np.float64]


class Border(NamedTuple):
    """The rings of a commune as (lon, lat); holes are rings like the others."""

    rings: tuple[Points, ...]

    def inside(self, points: Points) -> NDArray[np.bool_]:
        """Which points (lon, lat) are inside, or as near to the border as makes no
        difference.
        """
        corners = np.concatenate(self.rings)
        low, high = corners.min(axis=0) - NEAR, corners.max(axis=0) + NEAR
        found: NDArray[np.bool_] = ((points >= low) & (points <= high)).all(axis=1)
        found[found] = [self._holds(point) for point in points[found]]
        return found

    def _holds(self, point: Points) -> bool:
        crossed = sum(_crossings(ring, point) for ring in self.rings)
        return bool(crossed % 2) or any(
            _distance(ring, point) <= NEAR for ring in self.rings
        )


def _crossings(ring: Points, point: Points) -> int:
    """How often a ray to the east of the point crosses the ring."""
    (x1, y1), (x2, y2) = ring[:-1].T, ring[1:].T
    spans = (y1 > point[1]) != (y2 > point[1])
    x = x1[spans] + (point[1] - y1[spans]) * (x2[spans] - x1[spans]) / (
        y2[spans] - y1[spans]
    )
    return int((x > point[0]).sum())


def _distance(ring: Points, point: Points) -> float:
    """Degrees from the point to the nearest place of the ring."""
    start, way = ring[:-1], ring[1:] - ring[:-1]
    length = np.maximum((way**2).sum(axis=1), 1e-18)
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
            np.array(ring, dtype=float)[:, :2]
            for each in polygons
            for ring in each["coordinates"]
        ]
    except (ValueError, IndexError, TypeError, KeyError):
        return None
    return (
        Border(tuple(rings)) if rings and all(len(ring) > 3 for ring in rings) else None
    )


def within(
    columns: Mapping[str, Iterable[Any]],
) -> Callable[[Frame, Params], Iterator[Hit]]:
    """The rule: places that are outside of the commune that their row names, and where
    they are instead.
    """
    pairs = zip(columns.get("ma_xa", ()), columns.get("geometry", ()), strict=False)
    known = {
        str(code): found for code, text in pairs if (found := border(text)) is not None
    }

    def rule(frame: Frame, check: Params) -> Iterator[Hit]:
        lat, lon = (frame.number(name).alias(name) for name in check["fields"])
        places = frame.data.with_columns(
            frame.text(check["commune"]).alias("_code"),
            lat.alias("_lat"),
            lon.alias("_lon"),
        )
        places = places.drop_nulls(["_code", "_lat", "_lon"]).filter(
            pl.col("_code").is_in(list(known))
        )
        for (code,), rows in places.partition_by(
            "_code", as_dict=True, maintain_order=True
        ).items():
            points = rows.select("_lon", "_lat").to_numpy()
            outside = ~known[str(code)].inside(points)
            notes = [f"∉ {code}{_elsewhere(known, point)}" for point in points[outside]]
            lost = rows.filter(pl.Series(outside)).with_columns(
                pl.Series("note", notes, dtype=pl.String)
            )
            yield from hits(lost, {"field": check["fields"][0]})

    return rule


def _elsewhere(known: Mapping[str, Border], point: Points) -> str:
    found = [code for code, each in known.items() if each.inside(point[None, :])[0]]
    return f", ∈ {found[0]}" if found else ""
