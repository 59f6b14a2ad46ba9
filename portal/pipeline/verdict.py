"""Verdict: what passes from validation to storing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from portal.quality.report import Report
from schemas.record import ResourceRecord
from schemas.texttable import TextTable


@dataclass(frozen=True, slots=True)
class CheckedResource:
    """A resource with its verdict; `tables` holds its rows, a table for each file, and may be empty."""

    record: ResourceRecord
    report: Report | None = None
    tables: tuple[TextTable, ...] = ()
    schema: Mapping[str, Any] | None = None


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
