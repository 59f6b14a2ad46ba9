"""Personal data in a table: which columns seem to hold it and how many cells; never a value."""

from __future__ import annotations

import re
from collections.abc import Sequence

import polars as pl

from portal.quality.personal.detectors import BESIDE, DETECTORS, MARKED, verdict_of
from portal.quality.personal.findings import PersonalColumn
from portal.quality.personal.folding import folded
from schemas.texttable import TextBatch, TextTable


class Scan:
    """Counts what looks personal, batch after batch.

    `skip` names positions whose cells cannot be personal by themselves, `known` those that are known to be,
    `narrow` those where only cells that break the schema can be. `also` names one more thing to look for.
    """

    def __init__(
        self,
        labels: Sequence[str],
        *,
        skip: frozenset[int] = frozenset(),
        known: frozenset[int] = frozenset(),
        narrow: frozenset[int] = frozenset(),
        also: str = "",
    ) -> None:
        self.labels = labels
        self._narrow = narrow
        self._marked = MARKED[:-2] + (f"|{also})$" if also else ")$")
        names = [folded(label) for label in labels]
        self._free = [index for index in range(len(labels)) if index not in skip | known]
        self._plan = [
            (index, detector)
            for index, name in enumerate(names)
            if index not in skip | known
            for detector in DETECTORS
            if not detector.label or re.search(detector.label, name)
        ]
        self._beside = [
            (index, rule, found, others)
            for rule in BESIDE
            for index, name in enumerate(names)
            if index not in known and re.search(rule.label, name)
            if (found := _named(names, rule.name, index)) and ((others := _named(names, rule.also)) or not rule.also)
        ]
        self._cells = [0] * len(self._plan)
        self._filled = [0] * len(labels)
        self._placed = [0] * len(self._beside)

    def batch(self, batch: TextBatch, doubtful: pl.DataFrame | None = None) -> dict[int, pl.Series]:
        """Look at one batch (rows of a wrong width are not looked at); returns which cells may be something.

        `doubtful` says of each cell whether it may break the schema; None: any may.
        """
        frame = batch.frame
        if not frame.height:
            return {}
        marks = self._marks(frame, doubtful)
        self._count(frame, marks)
        seen = {index for index, _ in self._plan} | {index for index, *_ in self._beside}
        filled = [(pl.col(str(index)) != "").sum().alias(f"f{index}") for index in seen]
        beside = [_beside(index, *columns).alias(f"b{n}") for n, (index, _, *columns) in enumerate(self._beside)]
        sums = frame.lazy().select([*filled, *beside]).collect().row(0, named=True) if seen else {}
        self._filled = [count + sums.get(f"f{index}", 0) for index, count in enumerate(self._filled)]
        self._placed = [count + sums[f"b{n}"] for n, count in enumerate(self._placed)]
        return marks

    def _marks(self, frame: pl.DataFrame, doubtful: pl.DataFrame | None) -> dict[int, pl.Series]:
        """Which cells may be something at all: one look for all kinds that need no label."""
        wide = [index for index in self._free if doubtful is None or index not in self._narrow]
        looked = frame.lazy().select(self._mark(pl.col(str(index))).alias(str(index)) for index in wide).collect()
        marks = {index: looked[str(index)] for index in wide}
        if doubtful is not None:
            for index in self._narrow.intersection(self._free):
                some = doubtful[str(index)]
                marks[index] = some & frame.select(self._mark(pl.col(str(index)))).to_series() if some.any() else some
        return marks

    def _mark(self, cell: pl.Expr) -> pl.Expr:
        return cell.str.strip_chars().str.contains(self._marked) | cell.str.contains("@", literal=True)

    def _count(self, frame: pl.DataFrame, marks: dict[int, pl.Series]) -> None:
        some = {index: frame[str(index)].filter(mark) for index, mark in marks.items() if mark.any()}
        for number, (index, detector) in enumerate(self._plan):
            cells = frame[str(index)] if detector.label else some.get(index)
            if cells is not None:
                self._cells[number] += int(cells.str.strip_chars().str.contains(detector.cell).sum())

    def result(self) -> tuple[PersonalColumn, ...]:
        """The columns with at least one such cell, in the order of the table."""
        found = [
            (
                index,
                PersonalColumn(
                    self.labels[index], *detector[:2], cells, self._filled[index], verdict_of(detector.kind)
                ),
            )
            for (index, detector), cells in zip(self._plan, self._cells, strict=True)
            if cells
        ]
        found += [
            (index, PersonalColumn(self.labels[index], *rule[:2], cells, self._filled[index], verdict_of(rule.kind)))
            for (index, rule, *_), cells in zip(self._beside, self._placed, strict=True)
            if cells
        ]
        return tuple(column for _, column in sorted(found, key=lambda entry: entry[0]))


def _named(names: Sequence[str], label: str, but: int = -1) -> tuple[int, ...]:
    return tuple(i for i, name in enumerate(names) if label and i != but and re.search(label, name))


def _beside(index: int, names: Sequence[int], others: Sequence[int]) -> pl.Expr:
    filled = pl.col(str(index)) != ""
    for columns in (names, others):
        if columns:
            filled &= pl.any_horizontal(pl.col(str(column)) != "" for column in columns)
    return filled.sum()


def scan(table: TextTable) -> tuple[PersonalColumn, ...]:
    """Every column of a table that seems to hold personal data; reads the whole table."""
    whole = Scan(table.labels)
    for batch in table.batches():
        whole.batch(batch)
    return whole.result()
