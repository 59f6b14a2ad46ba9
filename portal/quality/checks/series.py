"""Series in tables without a schema: values that plainly stand still, stand out or slip
by a thousand.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import polars as pl

from portal.quality.checks.code_columns import is_code
from portal.quality.checks.frame import Hit
from portal.quality.frictionless.keys import PART
from portal.quality.personal import fold
from schemas.texttable import ROW

TIME_LABEL = re.compile(
    r"\b(ngay|thoi gian|thoi diem|gio|date|time|datetime|timestamp)\b"
)
TIME = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}|^[0-9]{1,2}/[0-9]{1,2}/[0-9]{4}"
NUMBER = r"^-?[0-9]+([.,][0-9]+)?$"
SURE = 0.9
"""Share of the filled cells that look like a time or a number, for a column to be
one.
"""
FEWEST, DIFFERENT = 30, 10
"""Values of a series, and different ones among them, below which nothing is told."""
STILL = 12
"""Equal values in a row that are told; a schema may ask for fewer."""
FAR = 20.0
"""Distances from the median, in median distances, that stand out."""
APART = 3.0
SLIP = 1000
SERIES = 50
"""More groups than a station or a good has are no groups."""
MOST_ROWS = 1_000_000
WITHIN = (SLIP / 4, SLIP * 4)


def is_bare(schema: Mapping[str, Any]) -> bool:
    """Whether a schema says nothing but the names of the columns."""
    fields = schema.get("fields") or ()
    plain = all(
        each.get("type", "any") in ("string", "any") and not each.get("constraints")
        for each in fields
    )
    return plain and not schema.get("checks")


class Series:
    """Takes in the columns of times, numbers and groups, batch after batch, and looks
    at them when the table ends.
    """

    def __init__(self, labels: Sequence[str]) -> None:
        self.labels = [label.strip() for label in labels]
        self._names = [fold(label) for label in labels]
        self._wanted: dict[str, str] = {}
        """What each column is: "time", "number" or "group"."""
        self._frames: list[pl.DataFrame] = []
        self._rows = 0

    def batch(self, frame: pl.DataFrame, part: int) -> None:
        """Take in one batch; the first decides which columns count."""
        if not self._rows:
            self._wanted = self._kinds(frame)
        self._rows += frame.height
        if (
            len(set(self._wanted.values()) & {"time", "number"}) == 2
            and self._rows <= MOST_ROWS
        ):
            self._frames.append(
                frame.select(ROW, pl.lit(part, pl.Int32).alias(PART), *self._wanted)
            )

    def _kinds(self, frame: pl.DataFrame) -> dict[str, str]:
        """What each column is by its label and its cells in the first batch; no others
        are kept.
        """
        kinds: dict[str, str] = {}
        for index, name in enumerate(self._names):
            cells = frame[str(index)].filter(frame[str(index)] != "")
            if not len(cells):
                continue
            if TIME_LABEL.search(name) and _share(cells, TIME) >= SURE:
                kinds[str(index)] = "time"
            elif is_code(name) or cells.n_unique() <= min(SERIES, len(cells) // 5):
                kinds[str(index)] = (
                    "group"
                    if _share(cells, NUMBER) < SURE or is_code(name)
                    else "number"
                )
            elif _share(cells, NUMBER) >= SURE:
                kinds[str(index)] = "number"
        return kinds

    def hits(self) -> Iterator[tuple[str, Hit]]:
        """What is plain to see, in the order of the columns: the id of its check, and
        where.
        """
        # Of a table that is too long only the beginning was kept.
        if not self._frames or self._rows > MOST_ROWS:
            return
        whole = pl.concat(self._frames)
        groups: list[str] = []
        for name in (name for name, kind in self._wanted.items() if kind == "group"):
            if (
                # A column that makes too many groups with those before it is no part of
                # the grouping.
                whole[name].n_unique() <= SERIES
                and whole.select(*groups, name).n_unique() <= SERIES
            ):
                groups.append(name)
        for name in (name for name, kind in self._wanted.items() if kind == "number"):
            value = (
                pl.col(name)
                .str.replace(",", ".", literal=True)
                .cast(pl.Float64, strict=False)
            )
            rows = whole.with_columns(value.alias("now")).filter(
                pl.col("now").is_not_null()
            )
            # Without a fixed order two reports of one table would differ.
            for _, series in rows.group_by([*groups, PART], maintain_order=True):
                if series.height >= FEWEST and series["now"].n_unique() >= DIFFERENT:
                    yield from _told(series, self.labels[int(name)])


def _share(cells: pl.Series, pattern: str) -> float:
    return float(cells.str.contains(pattern).mean() or 0)  # type: ignore[arg-type]


def _told(series: pl.DataFrame, label: str) -> Iterator[tuple[str, Hit]]:
    """What one series shows: runs, and then slips or else outliers."""
    # A run that stands still is told whatever the other values are.
    yield from _still(series, label)
    median = float(series["now"].median())  # type: ignore[arg-type]
    # Where more than one value in fifty stands apart, the series is like that.
    now, few = pl.col("now"), series.height // 50 + 1
    distance = (now - median).abs()
    marked = series.with_columns(
        pl.max_horizontal((now / median).abs(), (median / now).abs()).alias("ratio"),
        (distance / distance.median()).alias("far"),
    )
    # A value that slipped by a thousand is far from the median too. It is told once,
    # under the better name, which therefore comes first.
    for check, picked, text in (
        ("unit-slip", marked.filter(pl.col("ratio").is_between(*WITHIN)), f"×{SLIP}"),
        (
            "outlier",
            # The median distance is 0 where most values are equal: all others are
            # infinitely far.
            marked.filter((pl.col("far") > FAR) & pl.col("far").is_finite()),
            f"median {median:g}",
        ),
    ):
        if picked.height and picked.height <= few and _apart(marked, picked):
            for row in picked.iter_rows(named=True):
                yield check, Hit(row[PART], row[ROW], label, f"{row['now']:g}, {text}")
            return


def _apart(marked: pl.DataFrame, picked: pl.DataFrame) -> bool:
    """Whether nothing stands between them and the rest: values that are skewed by
    nature fill the space between.
    """
    rest = marked.join(picked, on=[PART, ROW], how="anti")
    return float(picked["far"].min()) >= APART * float(rest["far"].max())  # type: ignore[arg-type]


def _still(series: pl.DataFrame, label: str) -> Iterator[tuple[str, Hit]]:
    """Runs of equal values other than zero, which rain and counts have by nature."""
    runs = series.with_columns(pl.col("now").rle_id().alias("run"))
    lengths = runs.group_by("run", maintain_order=True).agg(
        pl.len(), pl.col("now", ROW, PART).first()
    )
    if lengths.height < DIFFERENT:
        return
    for row in lengths.filter(
        (pl.col("len") >= STILL) & (pl.col("now") != 0)
    ).iter_rows(named=True):
        yield "stuck", Hit(row[PART], row[ROW], label, f"{row['now']:g} × {row['len']}")
