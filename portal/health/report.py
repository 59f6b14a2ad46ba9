"""The report of health: every part looked at once, kept for a few seconds, so that
asking often costs nothing.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass

from i18n import Message
from portal import outages
from portal.health import disks, parts
from portal.health.drift import Drift
from portal.health.problems import Problem, Section
from portal.runtime import Portal

GOOD_SECONDS = 5.0
"""How long a report is good for."""


@dataclass(frozen=True, slots=True)
class Report:
    """All sections by name."""

    sections: Mapping[str, Section]

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Everything that is wrong, the grave before the others."""
        listed = [
            problem
            for section in self.sections.values()
            for problem in section.problems
        ]
        return tuple(sorted(listed, key=lambda problem: not problem.grave))

    @property
    def ready(self) -> bool:
        """Whether what is acknowledged now will be done."""
        return not any(problem.grave for problem in self.problems)


class Health:
    """What a process knows of the portal's health; `seconds` is how long a report is
    good for.
    """

    def __init__(
        self, portal: Portal, seconds: float = GOOD_SECONDS, drift: Drift | None = None
    ) -> None:
        self._portal, self._seconds = portal, seconds
        self._drift = drift or Drift()
        self._lock = threading.Lock()
        self._report: Report | None = None
        self._until = 0.0

    def report(self) -> Report:
        """The report, made anew when it is older than a few seconds; several askers
        wait for the same one.
        """
        # Held while it is made: those who ask meanwhile get this report instead of
        # making their own.
        with self._lock:
            if self._report is None or time.monotonic() >= self._until:
                self._report = self._look()
                self._until = time.monotonic() + self._seconds
            return self._report

    def _look(self) -> Report:
        """A new report. Disks and files are looked at whether or not the database
        answers.
        """
        database = parts.database(self._portal)
        sections = [database, disks.look(self._portal), parts.files(self._portal)]
        # Each look at a database that is away would wait for its own time-out.
        if database.figures["status"] == "ok":
            sections += self._in_database()
        return Report({section.name: section for section in sections})

    def _in_database(self) -> list[Section]:
        """What only the database can tell; an old one may lack tables, and one may go
        away meanwhile.
        """
        # Away between two questions is as bad as away before the first.
        looks = (parts.workers_alive, parts.queues, self._drift.look)
        try:
            return [look(self._portal) for look in looks]
        except Exception as error:
            outage = outages.explain(error)
            said = outage.reason if outage else type(error).__name__
            message = Message("The database could not be asked: {said}").filled(
                said=said
            )
            return [Section("asking", {}, (Problem("database", message),))]
