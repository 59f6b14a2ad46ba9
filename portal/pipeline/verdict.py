"""Verdict: what passes from validation to storing."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from portal.quality.findings.report import Finding, Report
from schemas.record import ResourceRecord
from schemas.texttable import TextTable
from schemas.vocabularies import UNREAD_FILE

ERROR, HOLD = "error", "hold"
"""Personal data that nobody's release opens, and such as a named release may."""


def personal_verdict(finding: Finding) -> str:
    """What a finding of personal data comes to: ERROR, HOLD, or nothing where it only
    warns.
    """
    return finding.verdict if finding.verdict in (ERROR, HOLD) else ""


def is_personal(finding: Finding) -> bool:
    """Whether a finding names personal data that must not be for everybody; not that a
    file could not be read.
    """
    return bool(personal_verdict(finding)) and finding.check != UNREAD_FILE


def part_keys(record: ResourceRecord) -> tuple[str, ...]:
    """Hashes by which the files of a resource are known again: their bytes, and all by
    which they become cells.
    """
    content = record.content
    if content is None:
        return ()
    # The same bytes read otherwise are other cells, and may hold other persons.
    reading = [record.format, content.encoding, dict(content.dialect or {})]
    return tuple(_hash([part.sha256, *reading]) for part in content.parts)


def whole_key(record: ResourceRecord) -> str:
    """A hash by which a resource is known again as it was judged: its files, and the
    schema that they are held to.
    """
    return _hash([*part_keys(record), dict(record.schema or {}), record.schema_name])


def _hash(said: list[Any]) -> str:
    return hashlib.sha256(
        orjson.dumps(said, option=orjson.OPT_SORT_KEYS, default=str)
    ).hexdigest()


@dataclass(frozen=True, slots=True)
class CheckedResource:
    """A resource with its verdict; `tables` holds its rows, a table for each file, and
    may be empty.

    `whole` is all of them as one table; `samples` are some of its bad rows, JSON-ready,
    for those who may mend them.
    """

    record: ResourceRecord
    report: Report | None = None
    tables: tuple[TextTable, ...] = ()
    schema: Mapping[str, Any] | None = None
    whole: TextTable | None = None
    samples: Mapping[str, Any] = field(default_factory=dict)
    treated_by: str = ""
    """What the schema asked for by which the tables leave out or coarsen what their
    file says; empty if they do not.
    """

    @property
    def treated(self) -> bool:
        """Whether the tables say less than their file: then the file itself is not for
        everybody.
        """
        return bool(self.treated_by)

    def persons(self, released: Iterable[str] = ()) -> str:
        """The verdict on its personal data: ERROR, HOLD, or nothing; what is `released`
        (columns) holds no more.
        """
        passed = set(released)
        # An ERROR is opened by nobody's release, so the columns count for HOLD alone.
        findings = self.report.findings if self.report else ()
        verdicts = {
            personal_verdict(each)
            for each in findings
            if personal_verdict(each) == ERROR or (each.field or "") not in passed
        }
        if ERROR in verdicts:
            return ERROR
        return HOLD if HOLD in verdicts else ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What validation says of a whole record: it may be published only when everything
    is valid.
    """

    report: Report
    resources: tuple[CheckedResource, ...]

    @property
    def valid(self) -> bool:
        """Whether nothing is wrong."""
        return self.report.valid and all(
            checked.report is None or checked.report.valid for checked in self.resources
        )

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready: {valid, metadata: report, resources: [{name, report, content:
        {whole, parts}}]}.
        """
        return {
            "valid": self.valid,
            "metadata": self.report.to_dict(),
            "resources": [
                {
                    "name": checked.record.name,
                    "report": checked.report.to_dict(),
                    "content": {
                        "whole": whole_key(checked.record),
                        "parts": part_keys(checked.record),
                    },
                }
                for checked in self.resources
                if checked.report is not None
            ],
        }
