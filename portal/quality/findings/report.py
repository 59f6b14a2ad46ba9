"""Report and Finding: what validation says, by row and field, in Vietnamese and
English.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Severity = Literal["error", "warning", "info"]


@dataclass(frozen=True, slots=True)
class Text:
    """One message in both languages of the portal."""

    vi: str
    en: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing wrong (or noteworthy): where it stands, what it is, and how to mend it.

    `check` is a Frictionless error code ("type-error", "primary-key", …) or the id of
    one of our own checks. `row` counts as Frictionless counts (header = 1). `cell` is
    the text as written, cut to 200 characters, and empty for fields tagged as personal
    data. `part` names the file that `row` counts in, where a table is made of several.
    """

    check: str
    severity: Severity
    message: Text
    hint: Text
    row: int | None = None
    field: str | None = None
    cell: str = ""
    note: str = ""
    resource: str = ""
    part: str = ""
    verdict: str = ""
    """Of personal data: error, hold or warn; see `portal.quality.personal`."""


@dataclass(frozen=True, slots=True)
class Report:
    """The verdict on one table or one dataset.

    `findings` lists at most the first N of every (check, field); `counts` counts all of
    them. `valid` means that no finding has severity "error".
    """

    valid: bool
    rows: int = 0
    findings: tuple[Finding, ...] = ()
    counts: Mapping[tuple[str, str], int] = field(default_factory=dict)
    seconds: float = 0.0

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready: {valid, rows, errors, warnings, counts: [...], findings: [...],
        seconds}.
        """
        severities = {f.check: f.severity for f in self.findings}
        totals = {"error": 0, "warning": 0, "info": 0}
        for (check, _), number in self.counts.items():
            totals[severities.get(check, "error")] += number
        return {
            "valid": self.valid,
            "rows": self.rows,
            "errors": totals["error"],
            "warnings": totals["warning"],
            "counts": [
                {"check": check, "field": name or None, "count": number}
                for (check, name), number in sorted(self.counts.items())
            ],
            "findings": [_finding_dict(finding) for finding in self.findings],
            "seconds": round(self.seconds, 3),
        }


def _finding_dict(finding: Finding) -> dict[str, Any]:
    """One finding, JSON-ready; "verdict" only where there is one."""
    shown = {
        "check": finding.check,
        "severity": finding.severity,
        "resource": finding.resource or None,
        "part": finding.part or None,
        "row": finding.row,
        "field": finding.field,
        "cell": finding.cell,
        "note": finding.note,
        "message": {"vi": finding.message.vi, "en": finding.message.en},
        "hint": {"vi": finding.hint.vi, "en": finding.hint.en},
    }
    return {**shown, "verdict": finding.verdict} if finding.verdict else shown
