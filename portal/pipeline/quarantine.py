"""Quarantine: the rows without which a table is valid are kept aside, or blanked, and
the rest is published.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from portal.pipeline.verdict import CheckedResource
from portal.quality.findings import bad_rows
from portal.quality.findings.bad_rows import Place, Unsplittable
from portal.quality.table.check import check_table
from portal.runtime import Portal
from schemas.tabletypes import missing_values
from schemas.texttable import TextTable

MOST_BAD_ROWS = 100_000
"""So many findings of one check and column are told apart; a table with more is held
whole.
"""
ROUNDS = 3
"""How often what is left is checked again: taking rows out may break references between
them.
"""
References = Callable[[str], Any]


@dataclass(frozen=True, slots=True)
class Split:
    """A table without its bad rows, or with their bad cells blank, and the bad rows by
    their places.
    """

    publishable: CheckedResource
    bad: Mapping[Place, Any]
    whole: TextTable

    @property
    def bad_percent(self) -> float:
        """How many of a hundred rows are bad."""
        report = self.publishable.report
        rows = report.rows if report else 0
        return 100 * len(self.bad) / max(rows, 1)


def without_bad_rows(
    checked: CheckedResource, references: References, seconds: float
) -> Split:
    """Take out the rows without which the table is valid. Raises Unsplittable where
    there are none such, or no time is left.
    """
    whole, schema = _table(checked), checked.schema or {}
    bad: dict[Place, Any] = {}
    until = time.monotonic() + seconds
    for _ in range(ROUNDS):
        rest = bad_rows.without(whole, bad) if bad else whole
        # One limit for all rounds together: PORTAL_VALIDATION_SECONDS is what a table
        # may take.
        remaining = max(until - time.monotonic(), 0.0)
        report = check_table(
            rest, schema, references=references, limit=MOST_BAD_ROWS, seconds=remaining
        )
        if report.valid:
            tables = tuple(
                bad_rows.without(table, _places_in(table, checked, bad))
                for table in checked.tables
            )
            return Split(replace(checked, tables=tables), bad, whole)
        bad |= bad_rows.bad_places(report)
    raise Unsplittable("rows that depend on each other")


def with_blank_cells(
    checked: CheckedResource, references: References, seconds: float
) -> Split:
    """Blank the cells with an error; errors of the whole table do not hold back what is
    published in spite of errors. Raises Unsplittable.
    """
    whole, schema = _table(checked), checked.schema or {}
    # Once more, with a limit that is high enough: the report for people stops early.
    report = check_table(
        whole, schema, references=references, limit=MOST_BAD_ROWS, seconds=seconds
    )
    # Row 1 holds the labels: an error there is one of the whole table.
    of_rows = tuple(
        finding
        for finding in report.findings
        if finding.row is not None and finding.row > 1
    )
    bad = bad_rows.bad_places(replace(report, findings=of_rows))
    missing = next(iter(missing_values(schema)), "")
    tables = tuple(
        bad_rows.blank_cells(table, _places_in(table, checked, bad), missing)
        for table in checked.tables
    )
    return Split(replace(checked, tables=tables), bad, whole)


def write_bad_rows(portal: Portal, split: Split) -> str:
    """Write the bad rows into the blob store; return the key."""
    work = portal.settings.data_dir / "work"
    work.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(
        "w+", encoding="utf-8", newline="", dir=work, suffix=".csv"
    ) as out:
        bad_rows.write(out, split.whole, split.bad)
        # The store reads the bytes below the text layer, which may hold some back.
        out.flush()
        out.seek(0)
        return portal.files.put_file(out.buffer).key


def _table(checked: CheckedResource) -> TextTable:
    if checked.whole is None or checked.report is None:
        raise Unsplittable("no table")
    return checked.whole


def _places_in(
    table: TextTable, checked: CheckedResource, bad: Mapping[Place, Any]
) -> dict[Place, Any]:
    """The places that stand in this one of several files; read alone it does not name
    itself.
    """
    if len(checked.tables) == 1:
        return dict(bad)
    return {
        ("", number): finding
        for (part, number), finding in bad.items()
        if part == table.name
    }
