"""Checks that a Table Schema asks for between the cells of a row: terms, parts of
codes, coarse places, sums.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

import polars as pl

from portal.quality.checks.rules import Frame, Hit, Params, formula, hits
from portal.quality.frictionless.keys import PART
from schemas.texttable import ROW

DAYS = 1
"""A term may end on the day itself or on the day before."""


def _months_after(frame: Frame, check: Params) -> Iterator[Hit]:
    """The second day is so many months after the first."""
    first, second = check["fields"]
    start, end = (
        frame.text(name).str.head(10).str.to_date("%Y-%m-%d", strict=False)
        for name in (first, second)
    )
    wanted = start.dt.offset_by(f"{int(check['months'])}mo")
    note = pl.format("{} ≠ {}", end.cast(pl.String), wanted.cast(pl.String)).alias(
        "note"
    )
    broken = frame.data.filter(
        (end - wanted).dt.total_days().abs() > DAYS
    ).with_columns(note)
    yield from hits(broken, {"field": second})


def groups(check: Params) -> frozenset[str]:
    """Names of the parts that a check cuts out of a code."""
    return (
        frozenset(re.compile(check["pattern"]).groupindex)
        if "pattern" in check
        else frozenset()
    )


def _code_parts(frame: Frame, check: Params) -> Iterator[Hit]:
    """Numbers inside a code agree with each other and with other cells, of which a day
    counts as its year.
    """
    parts = groups(check)
    code = frame.text(check["field"])

    def column(name: str) -> pl.Expr:
        if name in parts:
            return (
                code.str.extract_groups(check["pattern"])
                .struct.field(name)
                .cast(pl.Float64, strict=False)
            )
        return frame.text(name).str.head(4).cast(pl.Float64, strict=False)

    off = (formula(check["formula"], column) - float(check["equals"])).abs()
    note = pl.format(
        "{}: {}", code, pl.lit(f"{check['formula']} = {check['equals']}")
    ).alias("note")
    yield from hits(
        frame.data.filter(off > float(check.get("tolerance", 0))).with_columns(note),
        check,
    )


def _coarse(frame: Frame, check: Params) -> Iterator[Hit]:
    """Numbers of no more decimals than they may have: a place told to a square of a
    kilometre, not to a door.
    """
    rows = frame.data.filter(frame.where(check.get("where", {})))
    for name in check["fields"]:
        decimals = frame.text(name).str.extract(r"[.,]([0-9]*?)0*\s*$").str.len_chars()
        note = pl.lit(f"> {check['decimals']}").alias("note")
        yield from hits(
            rows.filter(decimals > int(check["decimals"])).with_columns(note),
            {"field": name},
        )


def _sum_of_parts(frame: Frame, check: Params) -> Iterator[Hit]:
    """The value of the whole is at least the sum of its parts, and equal to it where
    all parts are there.
    """
    by, part = list(check["by"]), frame.text(check["part"])
    rows = frame.data.filter(frame.where(check.get("where", {})))
    rows = rows.with_columns(frame.number(check["field"]).alias("now")).filter(
        pl.col("now").is_not_null()
    )
    whole = rows.filter(part == str(check["whole"]))
    sums = (
        rows.filter(part != str(check["whole"]))
        .group_by(by)
        .agg(pl.col("now").sum().alias("sum"), pl.len().alias("n"))
    )
    both = whole.join(sums, on=by, how="inner")
    over = pl.col("sum") - pl.col("now") > float(check.get("tolerance", 0)) + 1e-9
    under = (
        pl.col("now") - pl.col("sum") > float(check.get("tolerance", 0)) + 1e-9
    ) & (pl.col("n") >= int(check["parts"]))
    note = pl.format(
        "{} ≠ Σ {} ({})", pl.col("now").round(3), pl.col("sum").round(3), "n"
    ).alias("note")
    yield from hits(
        both.filter(over | under).with_columns(note).select(PART, ROW, "note"), check
    )


def _formula_text(frame: Frame, check: Params) -> Iterator[Hit]:
    """Cells that are to hold a formula, and hold something that cannot be computed."""
    text = frame.text(check["field"])
    known = (
        frame.data.select(text.alias("text"))
        .to_series()
        .drop_nulls()
        .unique()
        .to_list()
    )
    bad = [each for each in known if not readable(each)]
    note = text.alias("note")
    yield from hits(frame.data.filter(text.is_in(bad)).with_columns(note), check)


def plain(text: str) -> str:
    """A formula with the signs of a keyboard."""
    for sign, key in (
        ("×", "*"),
        ("·", "*"),
        ("÷", "/"),
        ("−", "-"),
        ("≤", "<="),
        ("≥", ">="),
        ("–", "-"),
    ):
        text = text.replace(sign, key)
    return text.strip()


def readable(text: str) -> bool:
    """Whether the text is a formula that can be computed."""
    try:
        formula(plain(text), pl.col)
    except (ValueError, SyntaxError):
        return False
    return True


RELATIONS: Mapping[str, Callable[[Frame, Params], Iterator[Hit]]] = {
    "months-after": _months_after,
    "code-parts": _code_parts,
    "coarse": _coarse,
    "sum-of-parts": _sum_of_parts,
    "formula": _formula_text,
}
