"""Numbers in order of time within each key, each beside the one before it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import polars as pl

from portal.quality.checks.frame import Frame
from portal.quality.frictionless.keys import PART
from schemas.texttable import ROW

NOW, BEFORE = "_now", "_before"


class Timeline(NamedTuple):
    """Rows that have a number, in order: it stands in NOW, the one before in BEFORE."""

    rows: pl.DataFrame
    keys: list[str]
    """Columns of `rows` within which the order holds."""


def timeline(
    frame: Frame, parameters: dict[str, Any], more_keys: Sequence[pl.Expr] = ()
) -> Timeline:
    """The numbers of "field" by "order_by" (or as they stand) within "key" (or within
    each file).
    """
    grouping = [*map(frame.key, parameters.get("key", ())), *more_keys]
    # Without a key a series is a file.
    keys = [each.meta.output_name() for each in grouping] or [PART]
    order: list[pl.Expr] = [pl.col(PART), pl.col(ROW)]
    if "order_by" in parameters:
        order = [frame.value(parameters["order_by"])]
    numbers = frame.number(parameters["field"]).alias(NOW)
    rows = frame.data.with_columns(numbers, *grouping)
    # Before shifting, so that a gap does not hide the change across it.
    rows = rows.filter(pl.col(NOW).is_not_null())
    # Rows of the same moment stay in the order of the file.
    rows = rows.sort([*map(pl.col, keys), *order], maintain_order=True)
    before = pl.col(NOW).shift(1).over(keys).alias(BEFORE)
    return Timeline(rows.with_columns(before), keys)


def short(name: str) -> pl.Expr:
    """A number for a note: no more decimals than a reader needs."""
    return pl.col(name).round(6).cast(pl.String)
