"""Prepared: a resource whose bytes lie in the stores, with what the gate decided about
it.
"""

from __future__ import annotations

from dataclasses import dataclass

from portal.domain.datasets import HELD, OPEN
from portal.domain.gate import QUARANTINE
from portal.pipeline.verdict import CheckedResource
from portal.runtime import Portal
from portal.tabular.store import Manifest


@dataclass(frozen=True, slots=True)
class Decision:
    """What the gate decided about a table: by which policy ("override": by a person),
    and why it was held if it was.
    """

    policy: str
    published: bool
    reason: str = ""
    detail: str = ""
    bad_rows: int = 0
    override_id: str | None = None
    columns: tuple[str, ...] = ()
    """Columns in which a person allowed personal data."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A resource whose bytes already lie in the stores, content-addressed, named by
    nobody yet.
    """

    checked: CheckedResource
    manifest: Manifest | None = None
    file_key: str | None = None
    decision: Decision | None = None
    quarantine_key: str | None = None

    @property
    def persons(self) -> str:
        """The verdict on personal data that nobody allowed: "error", "hold" or
        nothing.
        """
        allowed = self.decision.columns if self.decision else ()
        return self.checked.persons(allowed)

    @property
    def rows_state(self) -> str:
        """Whether its rows are for everybody."""
        return HELD if self.persons else OPEN

    @property
    def file_state(self) -> str:
        """Whether the file itself, with all that stands in it, is for everybody."""
        # The file says what its rows do not: bad rows that went into quarantine, and
        # cells that were left out or made coarser.
        says_more = self._has_quarantine or self.checked.treated
        refused = self.decision is not None and not self.decision.published
        return HELD if refused or says_more or self.persons else OPEN

    @property
    def _has_quarantine(self) -> bool:
        decision = self.decision
        if decision is None:
            return False
        return decision.policy == QUARANTINE and decision.bad_rows > 0


def prepare(
    portal: Portal, checked: CheckedResource, previous: Manifest | None
) -> Prepared:
    """Write rows or file into the stores, outside any transaction; what no row names
    later is swept.

    `previous` is the manifest that the resource has now, so that unchanged parts are
    kept.
    """
    if checked.tables and checked.schema is not None:
        manifest = portal.tables.write(
            checked.tables, checked.schema, previous=previous
        )
        return Prepared(checked, manifest=manifest)
    content = checked.record.content
    if content is None:
        return Prepared(checked)
    blob = portal.files.put_file(content.parts[0].path)
    return Prepared(checked, file_key=blob.key)
