"""Checks against what is fixed outside a table: legal limits, targets, the province's
bounds, units at their date.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any

import polars as pl

from portal.quality.checks.borders import BORDERS, within
from portal.quality.checks.indicators import indicators
from portal.quality.checks.relations import RELATIONS
from portal.quality.checks.rules import Frame, Hit, Params, hits
from portal.quality.frictionless.keys import References
from schemas.administrative import AdministrativeUnits

UNITS = "noi-vu/don-vi-hanh-chinh"
BOUNDS = {"lat": (19.28, 20.68), "lon": (104.37, 106.08)}
"""The bounding box of Thanh Hóa in WGS 84: necessary, not sufficient, for a place
inside it.
"""


def _limit(frame: Frame, check: Params) -> Iterator[Hit]:
    """Measured values above the legal limit of their parameter."""
    limits: Mapping[str, float] = check["limits"]
    value, parameter = frame.number(check["field"]), frame.text(check["parameter"])
    limit = parameter.replace_strict(
        list(limits), [float(v) for v in limits.values()], default=None
    )
    note = pl.format("{} > {}", value, limit).alias("note")
    yield from hits(
        frame.data.filter(
            frame.where(check.get("where", {})) & (value > limit)
        ).with_columns(note),
        check,
    )


def _target(frame: Frame, check: Params) -> Iterator[Hit]:
    """How many rows there are of those that a plan asks for, said once while they are
    too few.
    """
    where = check.get("where", {})
    found = frame.data.filter(frame.where(where)).height
    if found < check["minimum"]:
        said = ", ".join(f"{name}={value or '∅'}" for name, value in where.items())
        yield Hit(0, 0, next(iter(where), ""), f"{said}: {found} / {check['minimum']}")


def _inside(frame: Frame, check: Params) -> Iterator[Hit]:
    """Places outside the province's bounding box, those with latitude and longitude
    exchanged named as such.
    """
    lat, lon = (frame.number(name) for name in check["fields"])
    exchanged = _within(lon, lat)
    note = (
        pl.when(exchanged)
        .then(pl.lit("lat ↔ lon"))
        .otherwise(pl.format("{}; {}", lat, lon))
        .alias("note")
    )
    outside = frame.data.filter((~_within(lat, lon)).fill_null(False)).with_columns(
        note
    )
    yield from hits(outside, {"field": check["fields"][0]})


def _within(lat: pl.Expr, lon: pl.Expr) -> pl.Expr:
    return lat.is_between(*BOUNDS["lat"]) & lon.is_between(*BOUNDS["lon"])


Rule = Callable[[Frame, Params], Iterator[Hit]]


FIXED: Mapping[str, Rule] = {
    "limit": _limit,
    "target": _target,
    "inside": _inside,
    **RELATIONS,
}


def standards(checks: Sequence[Params], references: References) -> Mapping[str, Rule]:
    """The rules by the `id` that a schema's check names; those that need a list only
    where `references` knows it.
    """
    found = dict(FIXED)
    for check in checks:
        rule = _listed(check, references)
        if rule is not None:
            found[str(check["id"])] = rule
    return found


def _listed(check: Params, references: References) -> Rule | None:
    """The rule of a check against a list of the catalogue: of units, of borders, of
    indicators.
    """
    if check.get("id") == "unit-at-date":
        units = references(UNITS)
        return None if units is None else _at_date(units)
    if check.get("id") == "inside" and "commune" in check:
        known = references(BORDERS)
        return None if known is None else _inside_both(within(known))
    return indicators(check, references)


def _inside_both(inside_commune: Rule) -> Rule:
    """Inside the province's box first; what is outside of it is told once."""

    def rule(frame: Frame, check: Params) -> Iterator[Hit]:
        told = set()
        for hit in _inside(frame, check):
            told.add((hit.part, hit.row))
            yield hit
        inner = inside_commune(frame, check) if "commune" in check else ()
        yield from (hit for hit in inner if (hit.part, hit.row) not in told)

    return rule


def _at_date(columns: Mapping[str, Iterable[Any]]) -> Rule:
    names = list(columns)
    rows = zip(*(columns[name] for name in names), strict=True)
    units = AdministrativeUnits(
        dict(zip(names, (cell or "" for cell in row), strict=True)) for row in rows
    )

    def rule(frame: Frame, check: Params) -> Iterator[Hit]:
        """Codes of units that were not in force at the date of their row."""
        code, day = frame.text(check["field"]), frame.text(check["date"]).str.head(10)
        pairs = frame.data.with_columns(
            code.alias("code"), day.alias("day")
        ).drop_nulls(["code", "day"])
        bad = [
            pair
            for pair in pairs.select("code", "day").unique().iter_rows()
            if _unknown(units, *pair)
        ]
        lost = pl.DataFrame(
            bad, schema={"code": pl.String, "day": pl.String}, orient="row"
        )
        note = pl.format("{}, {}", "code", "day").alias("note")
        yield from hits(
            pairs.join(lost, on=["code", "day"], how="semi").with_columns(note), check
        )

    return rule


def _unknown(units: AdministrativeUnits, code: str, day: str) -> bool:
    try:
        return units.find(code, date.fromisoformat(day)) is None
    except ValueError:  # no date at all is another check's matter
        return False
