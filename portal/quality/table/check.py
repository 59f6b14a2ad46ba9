"""check_table: what Frictionless would say of every cell of a table, found fast, and
what our own checks add.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import polars as pl

from portal.quality import deadline
from portal.quality.deadline import NotJudged
from portal.quality.findings.collector import Collector
from portal.quality.findings.report import Report
from portal.quality.frictionless.engine import (
    Cell,
    Column,
    RepeatedLabel,
    Rules,
    SchemaProblem,
    compile_rules,
)
from portal.quality.frictionless.keys import Keys, References
from portal.quality.frictionless.prefilter import is_missing, suspicious
from portal.quality.table.own_checks import OwnChecks
from schemas.texttable import ROW, RaggedRow, TextBatch, TextTable

HEADER, CELLS, WIDTH, UNIQUE, PRIMARY, FOREIGN = range(6)
"""The order of the findings of one row."""
ORDERS = {
    "unique-error": UNIQUE,
    "primary-key": PRIMARY,
    "foreign-key": FOREIGN,
    "foreign-key-unchecked": FOREIGN,
}
LIMIT = 1000
SECONDS = 900.0
"""That checking one table may take."""
MANY = 2_000
"""Suspicious cells of one column and batch that are worth a look for equal ones."""


def no_references(name: str) -> None:
    """References for a caller that has none: foreign keys to other tables are reported
    as unchecked.
    """
    return


def no_progress(rows: int) -> None:
    """Does nothing: nobody asked how far a look has come."""


def check_table(
    table: TextTable,
    schema: Mapping[str, Any],
    *,
    references: References = no_references,
    limit: int = LIMIT,
    checks: bool = True,
    name: str = "",
    progress: Callable[[int], object] = no_progress,
    seconds: float = SECONDS,
) -> Report:
    """Check every row of `table` against a Table Schema descriptor.

    Errors carry Frictionless' codes, rows and notes, item by item. `references` gives
    the columns of a referenced table (parallel lists of texts by field name) or None
    where it is not known; "" and `name` (default: the schema's name) mean the table
    itself. `limit` findings are kept for each (check, field); counts are complete.
    `checks` False leaves out everything that is not Frictionless'. `progress` is told
    how many rows every batch had. Raises BadFile if the file turns out to be unreadable
    on the way. What takes longer than `seconds`, or a pattern that cannot be judged in
    time, is a "schema-error" that says so: such a table is never valid.
    """
    started = time.perf_counter()
    collector = Collector(limit)
    try:
        with deadline.within(seconds):
            rows = _checked(
                table, schema, references, collector, progress, checks=checks, name=name
            )
    except NotJudged as problem:
        collector.add("schema-error", note=str(problem))
        rows = 0
    return collector.report(rows, time.perf_counter() - started)


def _checked(
    table: TextTable,
    schema: Mapping[str, Any],
    references: References,
    collector: Collector,
    progress: Callable[[int], object],
    *,
    checks: bool,
    name: str,
) -> int:
    """Collect the findings of a table; return how many rows were looked at. Raises
    NotJudged.
    """
    rows = 0
    try:
        named = not any(note.code == "no-header" for note in table.notes)
        rules = compile_rules(schema, table.labels, named=named)
    # Before SchemaProblem, of which it is one: the fault is the header's, not the
    # schema's.
    except RepeatedLabel as problem:
        detail = {"label": problem.label}
        collector.add(
            "duplicate-label",
            field=problem.label,
            note=problem.notes[0],
            number=problem.number,
            detail=detail,
        )
        return 0
    except SchemaProblem as problem:
        for note in problem.notes:
            collector.add("schema-error", note=note)
        return 0
    _check_header(rules, collector)
    keys = Keys(rules, name or str(schema.get("name") or ""), collector.limit)
    own_checks = (
        OwnChecks(table, schema, rules, collector, references) if checks else None
    )
    walk = _Walk(rules, collector)
    for batch in table.batches():
        part = _part(batch, collector)
        flags = walk.batch(batch, part)
        keys.add(batch, part)
        if own_checks:
            own_checks.batch(batch, part, flags)
        rows += batch.frame.height + len(batch.ragged)
        progress(batch.frame.height + len(batch.ragged))
        deadline.check()
    _check_keys(keys, references, collector)
    if own_checks:
        deadline.check()
        own_checks.finish()
    return rows


def _part(batch: TextBatch, collector: Collector) -> int:
    """The number of the batch's file; 0 where the table is a single file."""
    # Batches of one file follow each other, so that only the last name has to be
    # compared.
    if not batch.part:
        return 0
    if collector.parts[-1] != batch.part:
        collector.parts.append(batch.part)
    return len(collector.parts) - 1


def _check_header(rules: Rules, collector: Collector) -> None:
    """Tell what is wrong with the header."""
    for error in rules.header:
        collector.add(
            error.code,
            field=error.field,
            note=error.note,
            number=error.number,
            cell=error.label,
            order=HEADER,
            detail={"label": error.label},
        )


def _check_keys(keys: Keys, references: References, collector: Collector) -> None:
    """Tell the rows that break a key, and count those that are not listed."""
    for broken in keys.errors(references):
        personal = any(column.personal for column in broken.fields)
        unchecked = broken.code == "foreign-key-unchecked"
        # Of all notes on keys, only this one quotes the values.
        hidden = personal and broken.code == "foreign-key"
        names = ", ".join(column.name for column in broken.fields)
        collector.add(
            broken.code,
            row=broken.row or None,
            part=broken.part,
            field=names,
            title=broken.fields[0].title if len(broken.fields) == 1 else "",
            cell="" if personal else ", ".join(broken.values),
            note="the value is not in the lookup table" if hidden else broken.note,
            order=ORDERS[broken.code],
            number=broken.fields[0].number,
            severity="warning" if unchecked else "error",
        )
        collector.count(broken.code, names, broken.more)


class _Walk:
    """Cell and row errors of batch after batch."""

    def __init__(self, rules: Rules, collector: Collector) -> None:
        self.rules, self.collector = rules, collector
        self._screen = [
            suspicious(column, str(i)).alias(str(i))
            for i, column in enumerate(rules.columns)
        ]

    def batch(self, batch: TextBatch, part: int) -> pl.DataFrame:
        """Check one batch; returns which cells of its frame had to be read exactly."""
        frame = batch.frame
        flags = frame.lazy().select(self._screen).collect()
        if frame.height and self._screen:
            blank = self._blank(frame, part)
            for index, column in enumerate(self.rules.columns):
                picked = flags[str(index)]
                deadline.check()
                if picked.any():
                    self._column(
                        column,
                        frame[ROW].filter(picked),
                        frame[str(index)].filter(picked),
                        blank,
                        part,
                    )
        for row in batch.ragged:
            deadline.check()
            self._ragged(row, part)
        return flags

    def _blank(self, frame: pl.DataFrame, part: int) -> frozenset[int]:
        """Numbers of the rows where every cell is missing; each is one finding, in
        place of all others.
        """
        rest = frame
        for index, column in enumerate(self.rules.columns):
            rest = rest.filter(is_missing(column, str(index)))
            if not rest.height:
                break
        for number in rest[ROW].to_list():
            self.collector.add("blank-row", row=number, part=part, order=CELLS)
        return frozenset(rest[ROW].to_list())

    def _column(
        self,
        column: Column,
        numbers: pl.Series,
        cells: pl.Series,
        blank: frozenset[int],
        part: int,
    ) -> None:
        """Read the suspicious cells of a column exactly, each distinct text once."""
        # One child then judges many cells that no linear engine can.
        column.prepare(cells.unique().to_list())
        if len(cells) > MANY:
            bad = [text for text in cells.unique().to_list() if column.errors(text)]
            wrong = cells.is_in(bad)
            numbers, cells = numbers.filter(wrong), cells.filter(wrong)
        for number, text in zip(numbers.to_list(), cells.to_list(), strict=True):
            if number not in blank:
                self._errors(column, number, part, text)

    def _errors(self, column: Column, number: int, part: int, cell: Cell) -> None:
        """Tell every error of one cell; a cell of a personal column is never shown."""
        for code, note in column.errors(cell):
            self.collector.add(
                code,
                row=number,
                part=part,
                field=column.name,
                title=column.title,
                cell="" if column.personal else cell or "",
                note=note,
                order=CELLS,
                number=column.number,
            )

    def _ragged(self, row: RaggedRow, part: int) -> None:
        """A row of another width: exactly as Frictionless, cell by cell."""
        columns, cells = self.rules.columns, row.cells
        padded = [*cells[: len(columns)], *[None] * (len(columns) - len(cells))]
        if all(
            cell is None or cell in column.missing
            for column, cell in zip(columns, padded, strict=True)
        ):
            self.collector.add("blank-row", row=row.number, part=part, order=CELLS)
            return
        for column, cell in zip(columns, padded, strict=True):
            self._errors(column, row.number, part, cell)
        for number in range(len(columns) + 1, len(cells) + 1):
            # Its column is unknown, so whether the cell is personal is unknown too.
            self.collector.add(
                "extra-cell", row=row.number, part=part, number=number, order=WIDTH
            )
        for column in columns[len(cells) :]:
            self.collector.add(
                "missing-cell",
                row=row.number,
                part=part,
                field=column.name,
                title=column.title,
                number=column.number,
                order=WIDTH,
            )
