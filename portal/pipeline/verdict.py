"""Verdict: what passes from validation to storing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from portal.quality.report import Finding, Report
from schemas.record import ResourceRecord
from schemas.texttable import TextTable
from schemas.vocabularies import CITIZEN_ID, PERSONAL_COLUMN, PERSONAL_DATA


def is_personal(finding: Finding) -> bool:
    """Whether a finding names personal data that a table for everybody must not hold."""
    return finding.check == PERSONAL_COLUMN or (finding.check == PERSONAL_DATA and finding.note == CITIZEN_ID)


@dataclass(frozen=True, slots=True)
class CheckedResource:
    """A resource with its verdict; `tables` holds its rows, a table for each file, and may be empty.

    `whole` is all of them as one table; `samples` are some of its bad rows, JSON-ready, for those who may mend them.
    """

    record: ResourceRecord
    report: Report | None = None
    tables: tuple[TextTable, ...] = ()
    schema: Mapping[str, Any] | None = None
    whole: TextTable | None = None
    samples: Mapping[str, Any] = field(default_factory=dict)

    @property
    def personal(self) -> bool:
        """Whether it was refused for personal data: nothing lets that pass."""
        return self.report is not None and any(
            each.severity == "error" and is_personal(each) for each in self.report.findings
        )


@dataclass(frozen=True, slots=True)
class Verdict:
    """What validation says of a whole record: it may be published only when everything is valid."""

    report: Report
    resources: tuple[CheckedResource, ...]

    @property
    def valid(self) -> bool:
        """Whether nothing is wrong."""
        return self.report.valid and all(checked.report is None or checked.report.valid for checked in self.resources)

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready: {valid, metadata: report, resources: [{name, report}]}."""
        return {
            "valid": self.valid,
            "metadata": self.report.to_dict(),
            "resources": [
                {"name": checked.record.name, "report": checked.report.to_dict()}
                for checked in self.resources
                if checked.report is not None
            ],
        }
