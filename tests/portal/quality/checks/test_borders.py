"""Places against made-up borders of communes: squares, holes, several parts, nearness,
bad geometries.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.quality.checks.borders import BORDERS, NEAR, border
from portal.quality.table.check import check_table
from portal.reading import read_table


def square(west: float, south: float, side: float) -> list[list[float]]:
    east, north = west + side, south + side
    return [[west, south], [east, south], [east, north], [west, north], [west, south]]


def polygon(*rings: list[list[float]]) -> str:
    return json.dumps({"type": "Polygon", "coordinates": rings})


COLUMNS = {
    "ma_xa": ["14797", "14812", "14845"],
    "geometry": [
        polygon(square(105.7, 19.7, 0.2), square(105.75, 19.75, 0.05)),
        json.dumps(
            {
                "type": "MultiPolygon",
                "coordinates": [[square(105.9, 19.7, 0.1)], [square(105.0, 20.0, 0.1)]],
            }
        ),
        "no geometry at all",
    ],
}


def told(
    tmp_path: Path, text: str, columns: dict[str, Any] | None = COLUMNS
) -> list[tuple[int | None, str]]:
    path = tmp_path / "t.csv"
    path.write_text(text, encoding="utf-8")
    fields = [{"name": name, "type": "string"} for name in ("ma_xa", "lat", "lon")]
    schema = {
        "fields": fields,
        "checks": [{"id": "inside", "fields": ["lat", "lon"], "commune": "ma_xa"}],
    }
    report = check_table(read_table(path), schema, references={BORDERS: columns}.get)
    return [(each.row, each.note) for each in report.findings if each.check == "inside"]


def test_places_outside_of_their_commune_are_told_with_where_they_are(
    tmp_path: Path,
) -> None:
    rows = [
        "14797,19.72,105.72",
        "14797,19.77,105.77",
        "14797,19.75,105.95",
        "14812,20.05,105.05",
        "14812,19.8,105.1",
    ]
    rows += [
        "14845,19.5,105.5",
        "99999,19.5,105.5",
        "14797,,105.72",
        "14797,21.03,105.85",
        "14797,105.8,19.8",
    ]
    text = "ma_xa,lat,lon\n" + "\n".join(rows) + "\n"
    province = [(10, "21.03; 105.85"), (11, "lat ↔ lon")]
    assert told(tmp_path, text) == [
        (3, "∉ 14797"),
        (4, "∉ 14797, ∈ 14812"),
        (6, "∉ 14812"),
        *province,
    ]
    assert told(tmp_path, text, None) == province


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", '{"type":"Point","coordinates":[1,2]}', '{"type":"Polygon","coordinates":[[[1]]]}',
             '{"type":"Polygon"}', '{"type":"Polygon","coordinates":[[[1,2],[3,4]]]}', None]
)  # fmt: skip
def test_what_draws_no_border(text: str | None) -> None:
    assert border(text) is None


@given(st.floats(-1, 2), st.floats(-1, 2))
def test_a_square_holds_what_its_sides_say(x: float, y: float) -> None:
    found = border(
        {
            "type": "Feature",
            "geometry": {"type": "Polygon", "coordinates": [square(0, 0, 1)]},
        }
    )
    assert found is not None
    outside = max(-x, -y, x - 1, y - 1)
    if abs(outside - NEAR) > NEAR / 2 or outside <= 0:
        assert bool(found.inside(np.array([[x, y]]))[0]) == (outside <= NEAR)
