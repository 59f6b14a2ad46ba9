"""What a report may say of columns that seem to hold personal data: where and why a
cell is wrong, never the cell.
"""

from __future__ import annotations

from dataclasses import replace

from portal.quality.findings.messages import ERRORS
from portal.quality.findings.report import Finding, Report, Text
from schemas.vocabularies import PERSONAL_DATA

TELLING = 3
"""A shorter cell tells nothing of anybody, and would be cut out of the middle of
words.
"""


def mask_report(report: Report) -> Report:
    """The report without the cells of those columns, for editors too: it is kept longer
    than the table.
    """
    columns = {
        each.field
        for each in report.findings
        if each.check == PERSONAL_DATA and each.field
    }
    if not columns:
        return report
    return replace(
        report, findings=tuple(_masked(each, columns) for each in report.findings)
    )


def _masked(finding: Finding, columns: set[str]) -> Finding:
    """The finding without its cell and without any text that quotes it, where it is of
    such a column.
    """
    # A finding on a key of several columns names them all, joined so.
    named = {finding.field, *(finding.field or "").split(", ")}
    if finding.check == PERSONAL_DATA or not named & columns:
        return finding
    # Notes of our own checks quote the values that they compare.
    note = finding.note if _tells_no_cell(finding) else ""
    hidden = (finding.cell, "" if note else finding.note)
    message = Text(
        without(finding.message.vi, *hidden), without(finding.message.en, *hidden)
    )
    hint = Text(without(finding.hint.vi, *hidden), without(finding.hint.en, *hidden))
    return replace(finding, cell="", note=note, message=message, hint=hint)


def _tells_no_cell(finding: Finding) -> bool:
    """Whether the note is Frictionless' word on a type or constraint; other notes hold
    values.
    """
    return (
        finding.check in ERRORS
        and finding.check != "foreign-key"
        and finding.cell not in finding.note
    )


def without(text: str, *hidden: str) -> str:
    """A text without the values that it quotes, the longest first."""
    # A short value may stand inside of a longer one, which would then no longer be
    # found.
    for each in sorted(hidden, key=len, reverse=True):
        text = text.replace(each, "…") if len(each) >= TELLING else text
    return text
