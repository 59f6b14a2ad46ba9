"""Bad rows: which they are, some of them as a sample, a table without them, and all of
them as a file.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import IO, Any

import polars as pl

from portal.quality.findings.report import Finding, Report
from schemas.texttable import ROW, TextBatch, TextTable
from schemas.vocabularies import PERSONAL_DATA

SAMPLES = 20
"""Bad rows that a report shows whole."""
HIDDEN = "•••"
"""What stands in a sample for a cell of a column with personal data."""
TYPE = "type-error"
Place = tuple[str, int]
"""The file that a row stands in (empty: the only one), and its number there."""


class Unsplittable(ValueError):
    """The errors are not of single rows, or too many to be listed: the table passes
    whole or not at all.
    """


@dataclass(frozen=True, slots=True)
class BadRow:
    """One bad row: where it stands, what is wrong with it, and its cells."""

    place: Place
    findings: tuple[Finding, ...]
    cells: tuple[str, ...]


def bad_places(report: Report) -> dict[Place, list[Finding]]:
    """The rows with an error, in the order of the table, and their errors.

    Raises Unsplittable when an error belongs to no row, or when some errors were only
    counted.
    """
    errors = [each for each in report.findings if each.severity == "error"]
    kept: dict[tuple[str, str], int] = {}
    for each in errors:
        kept[each.check, each.field or ""] = (
            kept.get((each.check, each.field or ""), 0) + 1
        )
    # Rows whose errors were only counted are not known, and would be published as good
    # ones.
    if any(report.counts.get(key, 0) > number for key, number in kept.items()):
        raise Unsplittable("more errors than can be listed")
    found: dict[Place, list[Finding]] = {}
    for each in errors:
        # Row 1 is the header: what is wrong there is wrong for every row.
        if each.row is None or each.row <= 1:
            raise Unsplittable(each.check)
        found.setdefault((each.part, each.row), []).append(each)
    return found


def pick(table: TextTable, places: Mapping[Place, list[Finding]]) -> Iterator[BadRow]:
    """The rows at these places, as the table gives them."""
    by_part: dict[str, list[int]] = {}
    for part, number in places:
        by_part.setdefault(part, []).append(number)
    width = len(table.labels)
    for batch in table.batches():
        # A table of one file has findings without a part.
        wanted = by_part.get(batch.part) or by_part.get("") or []
        rows = (
            batch.frame.filter(pl.col(ROW).is_in(wanted))
            if wanted
            else batch.frame.head(0)
        )
        cells = [
            (int(row[ROW]), tuple(row[str(i)] for i in range(width)))
            for row in rows.iter_rows(named=True)
        ]
        cells += [
            (row.number, row.cells) for row in batch.ragged if row.number in set(wanted)
        ]
        # Rows of a wrong width come apart from the others of their batch.
        for number, texts in sorted(cells):
            place = (
                (batch.part, number) if (batch.part, number) in places else ("", number)
            )
            yield BadRow(place, tuple(places.get(place, ())), texts)


def sample(
    table: TextTable, report: Report, schema: Mapping[str, Any], most: int = SAMPLES
) -> dict[str, Any]:
    """The first bad rows whole, JSON-ready; cells of columns with personal data are
    hidden. Empty without any.
    """
    places: dict[Place, list[Finding]] = {}
    for each in report.findings:
        if each.severity == "error" and each.row and each.row > 1:
            # The last row is still listed with all of its errors.
            if len(places) == most and (each.part, each.row) not in places:
                break
            places.setdefault((each.part, each.row), []).append(each)
    if not places:
        return {}
    hidden = _hidden(table, report, schema)
    return {
        "labels": list(table.labels),
        "rows": [
            {
                "row": bad.place[1],
                "part": bad.place[0] or None,
                "fields": sorted({each.field for each in bad.findings if each.field}),
                "checks": sorted({each.check for each in bad.findings}),
                "cells": _shown(bad.cells, hidden, len(table.labels)),
            }
            for bad in pick(table, places)
        ],
    }


def _shown(cells: tuple[str, ...], hidden: set[int], width: int) -> list[str]:
    """Cells as a sample shows them; in a row of a wrong width any cell may be one of a
    hidden column.
    """
    # A cell too many or too few moves all that follow it under other labels.
    shifted = bool(hidden) and len(cells) != width
    return [
        HIDDEN if cell and (shifted or i in hidden or i >= width) else cell[:200]
        for i, cell in enumerate(cells)
    ]


def _hidden(table: TextTable, report: Report, schema: Mapping[str, Any]) -> set[int]:
    """Positions of columns that are personal by their schema or by what was found in
    them.
    """
    tagged = {
        str(f.get("name"))
        for f in schema.get("fields", ())
        if str(f.get("pd") or "none") != "none"
    }
    known = {str(f.get("name")) for f in schema.get("fields", ())}
    found = {each.field for each in report.findings if each.check == PERSONAL_DATA}
    labels = [label.strip() for label in table.labels]
    return {
        i
        for i, label in enumerate(labels)
        # Of a column that the schema does not have nobody has said that it is not
        # personal.
        if label in tagged | found or label not in known
    }


def without(table: TextTable, places: Mapping[Place, Any]) -> TextTable:
    """The table without the rows at these places; the others keep their numbers."""
    gone: dict[str, set[int]] = {}
    for part, number in places:
        gone.setdefault(part, set()).add(number)

    def batches() -> Iterator[TextBatch]:
        for batch in table.batches():
            numbers = (
                gone.get(batch.part, set()) | gone.get("", set()) if gone else set()
            )
            kept = (
                batch.frame.filter(~pl.col(ROW).is_in(list(numbers)))
                if numbers
                else batch.frame
            )
            yield replace(
                batch,
                frame=kept,
                ragged=tuple(r for r in batch.ragged if r.number not in numbers),
            )

    return replace(table, batches=batches)


def blank_cells(
    table: TextTable, places: Mapping[Place, list[Finding]], missing: str
) -> TextTable:
    """The table with the cells that are not of their declared type replaced by the text
    for a missing value.

    Rows of a wrong width have no place in it.
    """
    labels = [label.strip() for label in table.labels]
    # Numbers are gathered by column: each then is one expression on a batch, however
    # many cells are blanked.
    cells: dict[tuple[str, int], set[int]] = {}
    for (part, number), findings in places.items():
        for each in findings:
            # Only what is not of its type cannot be stored; broken constraints can.
            if each.check == TYPE and each.field in labels:
                cells.setdefault((part, labels.index(each.field)), set()).add(number)

    def batches() -> Iterator[TextBatch]:
        for batch in table.batches():
            frame = batch.frame
            for (part, index), numbers in cells.items():
                if part in ("", batch.part):
                    wrong = pl.col(ROW).is_in(list(numbers))
                    frame = frame.with_columns(
                        pl.when(wrong)
                        .then(pl.lit(missing))
                        .otherwise(pl.col(str(index)))
                        .alias(str(index))
                    )
            yield replace(batch, frame=frame, ragged=())

    return replace(table, batches=batches)


def write(out: IO[str], table: TextTable, places: Mapping[Place, list[Finding]]) -> int:
    """Write the rows at these places as CSV, each with its number and what is wrong
    with it; return how many.
    """
    writer = csv.writer(out)
    writer.writerow(["_row", "_part", "_checks", "_vi", "_en", *table.labels])
    number = 0
    for bad in pick(table, places):
        checks = ";".join(sorted({each.check for each in bad.findings}))
        vi = " ".join(
            f"{each.message.vi} {each.hint.vi}".strip() for each in bad.findings
        )
        en = " ".join(
            f"{each.message.en} {each.hint.en}".strip() for each in bad.findings
        )
        writer.writerow([bad.place[1], bad.place[0], checks, vi, en, *bad.cells])
        number += 1
    return number
