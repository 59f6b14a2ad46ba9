"""Drift: whether the index holds what the database holds, by counts and a sample, cheap
enough to be asked often.
"""

from __future__ import annotations

import threading
import time
import uuid
from typing import NamedTuple

from i18n import Message
from portal.db import figures as db
from portal.db import outbox
from portal.domain.events import INDEX
from portal.health.problems import Problem, Section
from portal.runtime import Portal
from search.backend import SearchRequest, SearchUnavailable

NAME = "index"
SAMPLE = 20
GOOD_SECONDS = 60.0
"""How long a count is good for."""
SECOND_LOOK = 1.0
"""Seconds after which a difference is looked at again: what is written between two
counts is none.
"""


class Counts(NamedTuple):
    """Datasets in the database and in the index, changes that still wait, and those of
    a sample that differ.
    """

    database: int
    indexed: int
    waiting: int
    different: int

    @property
    def differ(self) -> bool:
        """Whether the two differ by more than what waits."""
        return (
            abs(self.database - self.indexed) > self.waiting
            or self.different > self.waiting
        )


class Drift:
    """Counts that are made at most once a minute, whoever asks."""

    def __init__(self, seconds: float = GOOD_SECONDS) -> None:
        self._seconds = seconds
        self._lock = threading.Lock()
        self._section: Section | None = None
        self._until = 0.0

    def look(self, portal: Portal) -> Section:
        """How index and database stand to each other."""
        # Under the lock: several askers wait for one count instead of counting each.
        with self._lock:
            if self._section is None or time.monotonic() >= self._until:
                self._section = compare(portal)
                self._until = time.monotonic() + self._seconds
            return self._section


def compare(portal: Portal) -> Section:
    """Count and compare now; a difference is only told when it is still there at a
    second look.
    """
    health = portal.search.health()
    figures = {
        "engine": health.engine,
        "status": health.status,
        "rebuilding": health.rebuilding,
    }
    # Counting would wait for the engine's time-out, only to say the same.
    if health.status == "down":
        return Section(NAME, figures, (_unreachable(health.detail),))
    try:
        counts = _count(portal)
        if counts.differ:
            time.sleep(SECOND_LOOK)
            counts = _count(portal)
    except SearchUnavailable as error:
        return Section(NAME, figures, (_unreachable(str(error)),))
    figures |= {
        "database": counts.database,
        "index": counts.indexed,
        "sample_differs": counts.different,
    }
    return Section(NAME, figures, (_drifted(counts),) if counts.differ else ())


def _count(portal: Portal) -> Counts:
    """Counts and a sample as they are at this moment."""
    # A random beginning: each look takes other datasets, and in time all of them.
    with portal.read() as uow:
        waiting = outbox.count(uow.session, INDEX)
        total = db.count_datasets(uow.session)
        sample = dict(db.sample_datasets(uow.session, str(uuid.uuid4()), SAMPLE))
    # All that is kept, drafts and deleted ones too, as the database counts them;
    # `labels=None` asks for no rights. No rows: only the count is wanted.
    everything = SearchRequest(
        labels=None,
        include_private=True,
        include_drafts=True,
        include_deleted=True,
        rows=0,
    )
    held = portal.search.search(everything).count
    return Counts(total, held, waiting, _differing(portal, sample))


def _differing(portal: Portal, sample: dict[str, bytes]) -> int:
    """How many of these rendered datasets the index lacks, or holds otherwise."""
    if not sample:
        return 0
    named = " OR ".join(f'"{key}"' for key in sample)
    request = SearchRequest(
        fq=(f"id:({named})",),
        labels=None,
        include_private=True,
        include_drafts=True,
        include_deleted=True,
        rows=len(sample),
    )
    held = {hit.id: bytes(hit.payload) for hit in portal.search.search(request).hits}
    return sum(held.get(key) != bytes(body) for key, body in sample.items())


def _unreachable(detail: str) -> Problem:
    """The index does not answer, with its reason where it gives one."""
    message = Message("The search index cannot be reached.")
    if detail:
        message = Message("The search index cannot be reached. {detail}")
    return Problem(NAME, message.filled(detail=detail))


def _drifted(counts: Counts) -> Problem:
    """Index and database differ by more than what waits."""
    return Problem(
        NAME,
        Message(
            "The index holds {indexed} datasets, the database {database}, "
            "and {different} of a sample differ. Run `portal index check "
            "--repair`, or `portal index rebuild`."
        ).filled(
            indexed=counts.indexed, database=counts.database, different=counts.different
        ),
    )
