"""Checks of indicator values against the list of indicators: their formulas, their
bounds and their kind of period.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import polars as pl

from portal.quality.checks.relations import plain, readable
from portal.quality.checks.rules import RULES, Frame, Hit, Params, formula, hits
from portal.quality.frictionless.keys import References

PERIODS = {"thang": 6, "quy": 5, "nam": 4}
"""Digits of a period: YYYYMM, YYYYQ, YYYY."""
Rule = Callable[[Frame, Params], Iterator[Hit]]


def indicators(check: Params, references: References) -> Rule | None:
    """The rule of a check that names a list of indicators; None where the list is not
    known, or it names none.
    """
    found = references(check["list"]) if "list" in check else None
    make = _MADE.get(str(check.get("id")))
    return make(found) if found is not None and make is not None else None


def _column(columns: Mapping[str, Iterable[Any]], name: str) -> dict[str, str]:
    """What the list says of each indicator in one of its columns, where it says
    something.
    """
    pairs = zip(columns.get("ma", ()), columns.get(name, ()), strict=False)
    return {
        str(code): str(text).strip() for code, text in pairs if text not in (None, "")
    }


def _formulas(columns: Mapping[str, Iterable[Any]]) -> Rule:
    listed = {
        code: plain(text)
        for code, text in _column(columns, "cong_thuc").items()
        if readable(text)
    }

    def rule(frame: Frame, check: Params) -> Iterator[Hit]:
        """The formulas of the list come before those of the schema."""
        if "list" not in check:
            yield from RULES["row-formula"](frame, check)
            return
        yield from RULES["row-formula"](
            frame, {**check, "formulas": {**check.get("formulas", {}), **listed}}
        )

    return rule


def _bounds(columns: Mapping[str, Iterable[Any]]) -> Rule:
    listed = {
        code: plain(text)
        for code, text in _column(columns, "rang_buoc").items()
        if readable(text)
    }

    def rule(frame: Frame, check: Params) -> Iterator[Hit]:
        """Values that break what the list says of them; the value is called by the name
        of its column.
        """
        value, indicator = frame.number(check["field"]), frame.text(check["indicator"])
        for code, text in listed.items():
            try:
                kept = formula(text, {check["field"]: value}.__getitem__)
            except KeyError:
                continue  # it speaks of something that this table does not have
            broken = frame.data.filter((indicator == code) & ~kept)
            yield from hits(
                broken.with_columns(pl.lit(f"{code}: {text}").alias("note")), check
            )

    return rule


def _periods(columns: Mapping[str, Iterable[Any]]) -> Rule:
    kinds = {
        code: kind
        for code, kind in _column(columns, "ky_loai").items()
        if kind in PERIODS
    }

    def rule(frame: Frame, check: Params) -> Iterator[Hit]:
        """Periods that are not of the kind in which their indicator is given."""
        kind = frame.text(check["indicator"]).replace_strict(
            list(kinds), list(kinds.values()), default=None, return_dtype=pl.String
        )
        digits = kind.replace_strict(
            list(PERIODS), list(PERIODS.values()), default=None, return_dtype=pl.UInt32
        )
        wrong = frame.text(check["field"]).str.len_chars() != digits
        note = pl.format("{}: {}", frame.text(check["indicator"]), kind).alias("note")
        yield from hits(frame.data.filter(wrong).with_columns(note), check)

    return rule


_MADE: Mapping[str, Callable[[Mapping[str, Iterable[Any]]], Rule]] = {
    "row-formula": _formulas,
    "indicator-bounds": _bounds,
    "period-kind": _periods,
}
