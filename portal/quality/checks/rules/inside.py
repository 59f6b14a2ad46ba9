"""Places inside the province, and inside the commune that their row names."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import polars as pl

from portal.quality.checks.borders import BORDERS, outside_commune
from portal.quality.checks.declared import Example, RuleCheck
from portal.quality.checks.frame import NOTE, Frame, Hit, hits
from portal.quality.checks.parameters import (
    NUMERIC,
    ColumnName,
    ColumnNames,
    Parameters,
)
from portal.quality.findings.messages import Message
from portal.quality.findings.report import Text
from portal.quality.frictionless.keys import References

LATITUDES, LONGITUDES = (19.28, 20.68), (104.37, 106.08)
"""The bounding box of Thanh Hóa in WGS 84: necessary, not sufficient, for a place
inside it.
"""


class Asks(Parameters):
    """The columns of latitude and longitude, and the column of the commune's code."""

    fields = ColumnNames(exactly=2, kinds=NUMERIC, required=True)  # type: ignore[assignment]
    commune = ColumnName()


def run(frame: Frame, asked: dict[str, Any], references: References) -> Iterator[Hit]:
    """Places outside the province's box, and then those outside their commune: each is
    told once.
    """
    # Where nobody has loaded the borders, the box alone decides.
    borders = references(BORDERS) if "commune" in asked else None
    # By file and row, as each file numbers its rows anew.
    outside = set()
    for hit in _outside_box(frame, asked):
        outside.add((hit.part, hit.row))
        yield hit
    if borders is None:
        return
    for hit in outside_commune(frame, asked["fields"], asked["commune"], borders):
        if (hit.part, hit.row) not in outside:
            yield hit


def _outside_box(frame: Frame, asked: dict[str, Any]) -> Iterator[Hit]:
    """Places outside of the box; exchanged latitude and longitude are named as such."""
    latitude, longitude = map(frame.number, asked["fields"])
    exchanged = pl.when(_in_box(longitude, latitude)).then(pl.lit("lat ↔ lon"))
    note = exchanged.otherwise(pl.format("{}; {}", latitude, longitude))
    rows = frame.data.filter((~_in_box(latitude, longitude)).fill_null(False))
    yield from hits(rows.with_columns(note.alias(NOTE)), asked["fields"][0])


def _in_box(latitude: pl.Expr, longitude: pl.Expr) -> pl.Expr:
    return latitude.is_between(*LATITUDES) & longitude.is_between(*LONGITUDES)


CHECK = RuleCheck(
    id="inside",
    severity="warning",
    message=Message(
        "Dòng {row}: tọa độ nằm ngoài tỉnh hoặc ngoài xã của dòng ({note}).",
        "Row {row}: the place lies outside the province, or outside the row's "
        "commune ({note}).",
        "Kiểm tra mã xã, thứ tự vĩ độ, kinh độ và hệ tọa độ (WGS 84).",
        "Check the commune's code, the order of latitude and longitude, and "
        "the reference system (WGS 84).",
    ),
    holds=Text(
        "tọa độ trong tỉnh, và trong xã của dòng khi đã nạp `noi-vu/ranh-gioi-xa`",
        "the place lies in the province, and in the row's commune once "
        "`noi-vu/ranh-gioi-xa` is loaded",
    ),
    parameters=Asks(),
    run=run,
    examples=(
        Example(
            fields={"lat": "number", "lon": "number"},
            parameters={"fields": ["lat", "lon"]},
            right="19.8,105.78\n,\n",
            wrong="19.8,105.78\n105.78,19.8\n21.03,105.85\n",
            rows=(3, 4),
        ),
    ),
)
