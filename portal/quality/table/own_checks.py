"""OwnChecks: runs our own checks over the batches of one table, beside Frictionless'
rules.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import polars as pl

from portal.quality import deadline
from portal.quality.checks.catalogue import MESSAGES, SEVERITIES
from portal.quality.checks.declared import (
    Batch,
    RowCheck,
    RowFinding,
    View,
    Watch,
)
from portal.quality.checks.frame import Frame, Hit
from portal.quality.checks.registry import ROW_CHECKS
from portal.quality.checks.requests import Request, read
from portal.quality.checks.running import Failure, Unchecked, guarded, run
from portal.quality.findings.collector import Collector
from portal.quality.frictionless.engine import Rules
from portal.quality.frictionless.keys import PART, References
from schemas.texttable import ROW, TextBatch, TextTable

REQUESTED, OF_ROWS = 7, 8
"""The order of findings of one row, behind those of Frictionless."""


class OwnChecks:
    """Shows every batch to the checks on rows, and keeps the columns that the checks of
    the schema read; says the rest when the table ends.
    """

    def __init__(
        self,
        table: TextTable,
        schema: Mapping[str, Any],
        rules: Rules,
        collector: Collector,
        references: References,
    ) -> None:
        self.rules, self.collector = rules, collector
        self._references = references
        self._titles = {column.name: column.title for column in rules.columns}
        columns = {column.name: column for column in rules.columns}
        self._requests, malformed = read(schema, columns)
        for each in malformed:
            # Each language has its own words for what is wrong.
            detail = {"vi": each.text.vi, "en": each.text.en}
            self._say("check-malformed", note=each.text.en, detail=detail)
        for note in table.notes:
            if note.code in MESSAGES:
                self._say(note.code, row=note.row, detail=note.detail)
        read_columns = {name for each in self._requests for name in each.columns}
        self._indexes = [
            str(i) for i, each in enumerate(rules.columns) if each.name in read_columns
        ]
        self._frames: list[pl.DataFrame] = []
        self._watches = list(_watches(View(table, schema, rules)))

    def _say(self, check: str, **where: Any) -> None:
        """Take in one finding with the severity and texts of its check."""
        severity = SEVERITIES[check]
        where = {"order": OF_ROWS, "severity": severity, "messages": MESSAGES} | where
        self.collector.add(check, **where)

    def batch(self, batch: TextBatch, part: int, flags: pl.DataFrame) -> None:
        """Look at one batch; `flags` says which cells are not valid beyond doubt."""
        rows = Batch(batch, part, flags)
        # A copy, as _tell takes a check that failed out of the list.
        for check, watch in list(self._watches):
            deadline.check()
            self._tell(check, watch.batch(rows))
        if self._requests and batch.frame.height:
            number = pl.lit(part, pl.Int32).alias(PART)
            self._frames.append(batch.frame.select(ROW, number, *self._indexes))

    def finish(self) -> None:
        """Say what only the whole table shows."""
        for check, watch in list(self._watches):
            deadline.check()
            self._tell(check, watch.finish())
        if self._requests:
            texts = dict.fromkeys(self._indexes, pl.String)
            # A table without rows is checked too: it may lack rows that a rule counts.
            none = pl.DataFrame(schema={ROW: pl.Int64, PART: pl.Int32, **texts})
            self._run(Frame(pl.concat([none, *self._frames]), self.rules))

    def _tell(self, check: RowCheck, found: Iterator[RowFinding]) -> None:
        """Say what one check found; one that fails is said so, and looks no more."""
        for each in guarded(check.id, found):
            if isinstance(each, Failure):
                self._say_failure(each)
                self._watches = [pair for pair in self._watches if pair[0] != check]
                continue
            where = each._asdict()
            self._say(where.pop("check") or check.id, **where)

    def _say_failure(self, failure: Failure) -> None:
        """Tell that a check broke off, and under which request the log has it."""
        detail = {"request": failure.request}
        self._say("check-failed", note=failure.check, detail=detail)

    def _run(self, frame: Frame) -> None:
        """Say what the checks find that the schema asks for."""
        for request, found in run(self._requests, frame, self._references):
            deadline.check()
            match found:
                case Failure():
                    self._say_failure(found)
                case Unchecked():
                    self._say("unchecked", note=found.check, order=REQUESTED)
                case Hit():
                    self._say_hit(request, found)

    def _say_hit(self, request: Request, hit: Hit) -> None:
        """Tell one row that breaks a check; row 0 is the whole table."""
        self._say(
            request.check.id,
            row=hit.row or None,
            part=hit.part,
            field=hit.field,
            title=self._titles.get(hit.field, ""),
            note="" if self._shows_persons(request, hit) else hit.note,
            order=REQUESTED,
            severity=request.severity,
            detail={"earlier": hit.earlier},
        )

    def _shows_persons(self, request: Request, hit: Hit) -> bool:
        """Whether a note may hold a cell of a column that is personal data."""
        read_columns = request.columns | {hit.field}
        return any(
            column.personal
            for column in self.rules.columns
            if column.name in read_columns
        )


def _watches(view: View) -> Iterator[tuple[RowCheck, Watch]]:
    """The checks on rows that have something to look at in this table."""
    for check in ROW_CHECKS:
        watch = check.watch(view)
        if watch is not None:
            yield check, watch
