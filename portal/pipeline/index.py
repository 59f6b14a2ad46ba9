"""Stage 4, index: what changed in the database reaches the search index, at least once, in any order."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.access import policy
from portal.db import datasets, outbox
from portal.domain.base import now
from portal.domain.datasets import Dataset, ShownDataset
from portal.domain.events import INDEX, OutboxRow
from portal.runtime import Portal
from search.backend import ChangesRefused, IndexEntry, SearchUnavailable

BATCH = 500
GATHERING_SECONDS = 0.3
"""How long a server gathers writes before it hands them to the index, if nobody searches."""
log = logging.getLogger(__name__)


def drain(portal: Portal, *, eager: bool = False) -> int:
    """Index everything that waits, or what somebody waits for; return how many outbox rows were settled.

    No transaction is open while the index works, so nobody's write waits for it; two drains may do the
    same rows, and the index keeps the newer version of each. When it cannot be reached the rows are
    postponed, and nothing is lost.
    """
    settled = 0
    while True:
        with portal.read() as uow:
            rows = outbox.waiting(uow.session, INDEX, now(), BATCH, eager=eager)
            ids = {row.entity_id for row in rows}
            entries = list(_entries(uow.session, ids))
        if not rows:
            return settled
        gone = ids - {entry.id for entry in entries}
        try:
            portal.search.apply(entries, gone)
        except ChangesRefused as error:
            log.error("the index refuses %d changes, the others are in: %s", len(error.ids), error)
            _postpone(portal, [row for row in rows if row.entity_id in error.ids], str(error))
            rows = [row for row in rows if row.entity_id not in error.ids]
        except SearchUnavailable as error:
            log.warning("the index cannot be reached, %d changes wait: %s", len(rows), error)
            _postpone(portal, rows, str(error))
            return settled
        settled += _settle(portal, rows, gone)


def _settle(portal: Portal, rows: Sequence[OutboxRow], gone: set[str]) -> int:
    with portal.work() as uow:
        outbox.settle(uow.session, rows)
        # What was gone and came back in the meantime, or was there and went, may have reached the index in the wrong
        # order when another process drained it too: it is looked at once more.
        there = set(datasets.existing(uow.session, {row.entity_id for row in rows}))
        for dataset_id in {row.entity_id for row in rows if (row.entity_id in there) == (row.entity_id in gone)}:
            uow.later(INDEX, dataset_id)
        if any(row.attempts for row in rows):  # it answers again: nothing else need wait for its next try
            outbox.hasten(uow.session, INDEX, now())
        uow.commit()
    return len(rows)


def _postpone(portal: Portal, rows: Sequence[OutboxRow], error: str) -> None:
    with portal.work() as uow:
        outbox.postpone(uow.session, rows, now(), error)
        uow.commit()


def catch_up(portal: Portal) -> None:
    """Make sure that what was written through an action is found: called before a search."""
    if outbox.any_eager(portal.engine, INDEX):
        drain(portal, eager=True)


class Background:
    """Drains in a thread of its own soon after each write, so that the one who writes does not wait for the index.

    It lets a moment pass first: a commit costs an index more than a write costs the database, and many
    writes in a row become one. Whoever searches meanwhile has what was written drained first.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._wanted = threading.Event()
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def wake(self, portal: Portal) -> None:
        """Drain soon; many writes in a row become few commits of the index."""
        self._wanted.set()
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, args=(portal,), name="index", daemon=True)
                self._thread.start()

    def stop(self) -> None:
        """Let the drain under way end, and begin no other; what still waits is left to the worker."""
        self._stopped.set()
        self._wanted.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self, portal: Portal) -> None:
        while True:
            self._wanted.wait()
            if self._stopped.wait(GATHERING_SECONDS):
                return
            self._wanted.clear()
            try:
                drain(portal, eager=True)
            except Exception:
                log.exception("indexing failed; the worker and the next search try again")


def rebuild(portal: Portal) -> int:
    """Fill a new index from the database and swap it in; return how many datasets it holds.

    A rebuild that was killed is gone on with where it stopped.
    """
    with portal.read() as uow:
        return portal.search.rebuild(lambda after: entries_after(uow.session, after))


@dataclass(frozen=True, slots=True)
class Drift:
    """How index and database differ: ids that the index misses, holds too many of, or holds in an old version."""

    missing: tuple[str, ...]
    surplus: tuple[str, ...]
    stale: tuple[str, ...]
    compared: int

    @property
    def none(self) -> bool:
        """Whether both say the same."""
        return not (self.missing or self.surplus or self.stale)


def compare(portal: Portal) -> Drift:
    """Compare every dataset's revision with the index; what still waits in the outbox is drained first."""
    drain(portal)
    with portal.read() as uow:
        kept = dict(datasets.stamps(uow.session))
    held = dict(portal.search.stamps())
    return Drift(
        missing=tuple(sorted(kept.keys() - held.keys())),
        surplus=tuple(sorted(held.keys() - kept.keys())),
        stale=tuple(sorted(key for key in kept.keys() & held.keys() if kept[key] != held[key])),
        compared=len(kept),
    )


def repair(portal: Portal, drift: Drift) -> int:
    """Have every difference mended the way of all changes, through the outbox; return how many there were.

    What the index holds in a newer version than the database (after a backup was put back) is taken out first.
    """
    wrong = (*drift.missing, *drift.surplus, *drift.stale)
    portal.search.apply((), drift.stale)
    with portal.work() as uow:
        for dataset_id in wrong:
            uow.later(INDEX, dataset_id)
        uow.commit()
    drain(portal)
    return len(wrong)


_READ = select(*(getattr(Dataset, name) for name in ShownDataset._fields), Dataset.revision)
"""What an entry is made from; the rest of a dataset, its resources and tags, are in what is rendered already."""


def _entries(session: Session, ids: Iterable[str]) -> Iterator[IndexEntry]:
    return map(_entry, session.execute(_READ.where(Dataset.id.in_(list(ids)))))


def entries_after(session: Session, after: str) -> Iterator[IndexEntry]:
    query = _READ.where(Dataset.id > after).order_by(Dataset.id).execution_options(yield_per=BATCH)
    return map(_entry, session.execute(query))


def _entry(row: Sequence[Any]) -> IndexEntry:
    dataset, revision = ShownDataset(*row[:-1]), row[-1]
    return IndexEntry(
        id=dataset.id,
        package=orjson.loads(dataset.rendered),
        payload=dataset.rendered,
        labels=policy.labels_of(dataset),
        version=revision,
    )
