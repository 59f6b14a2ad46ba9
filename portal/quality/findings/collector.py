"""Findings as they come in: everything is counted, the first of each kind are kept."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from portal.quality.findings.messages import ERRORS, Message, say
from portal.quality.findings.report import Finding, Report, Severity

CELL = 200
"""Characters of a cell that a finding shows."""


class Collector:
    """Counts all findings by (check, field) and keeps the first `limit` of each; sorts
    them by place at the end.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.counts: Counter[tuple[str, str]] = Counter()
        self.parts: list[str] = [""]
        self._kept: list[tuple[tuple[int, int, int, int, int], Finding]] = []
        self._bad = False

    def room(self, check: str, field: str) -> int:
        """How many more findings of this kind are still kept."""
        return max(self.limit - self.counts[check, field], 0)

    def count(
        self, check: str, field: str, times: int, severity: Severity = "error"
    ) -> None:
        """Count findings that are not kept."""
        self.counts[check, field] += times
        self._bad = self._bad or (severity == "error" and times > 0)

    def add(
        self,
        check: str,
        *,
        row: int | None = None,
        part: int = 0,
        field: str = "",
        title: str = "",
        cell: str = "",
        note: str = "",
        order: int = 0,
        number: int = 0,
        severity: Severity = "error",
        verdict: str = "",
        messages: Mapping[str, Message] = ERRORS,
        detail: Mapping[str, Any] | None = None,
    ) -> None:
        """Take in one finding; `order` and `number` say where it stands among those of
        its row.
        """
        known = self.counts.get((check, field), 0)
        self.counts[check, field] = known + 1
        self._bad = self._bad or severity == "error"
        # Before the texts are made, which is what a finding costs.
        if known >= self.limit:
            return
        spoken = f"{title} ({field})" if title and title != field else field
        filled = {
            "row": row or "",
            "field": spoken,
            "note": note,
            "number": number,
            **(detail or {}),
        }
        message, hint = say(check, filled, messages)
        place = self.parts[part]
        finding = Finding(
            check,
            severity,
            message,
            hint,
            row,
            field or None,
            cell[:CELL],
            note,
            part=place,
            verdict=verdict,
        )
        self._kept.append(((part, row or 0, order, number, len(self._kept)), finding))

    def report(self, rows: int, seconds: float) -> Report:
        """Everything collected, in the order of rows."""
        self._kept.sort(key=lambda entry: entry[0])
        return Report(
            not self._bad,
            rows,
            tuple(finding for _, finding in self._kept),
            dict(self.counts),
            seconds,
        )

    def extend(self, findings: Iterable[Finding]) -> None:
        """Take in findings that were made elsewhere."""
        for finding in findings:
            if self.room(finding.check, finding.field or ""):
                self._kept.append(
                    ((0, finding.row or 0, 9, 0, len(self._kept)), finding)
                )
            self.count(finding.check, finding.field or "", 1, finding.severity)
