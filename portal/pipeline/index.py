"""Stage 4, index: what changed in the database reaches the search index, at least once, in any order."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import orjson
from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.access import policy
from portal.db import datasets, outbox
from portal.domain.base import now
from portal.domain.datasets import Dataset
from portal.domain.events import INDEX
from portal.runtime import Portal
from search.backend import IndexEntry, SearchUnavailable

BATCH = 500
log = logging.getLogger(__name__)


def drain(portal: Portal) -> int:
    """Index everything that waits; return how many outbox rows were settled.

    When the index cannot be reached the rows are postponed, and nothing is lost.
    """
    settled = 0
    while True:
        with portal.work() as uow:
            rows = outbox.claim(uow.session, INDEX, now(), BATCH)
            if not rows:
                return settled
            ids = {row.entity_id for row in rows}
            entries = list(_entries(uow.session, ids))
            try:
                portal.search.apply(entries, ids - {entry.id for entry in entries})
            except SearchUnavailable as error:
                log.warning("the index cannot be reached, %d changes wait: %s", len(rows), error)
                outbox.postpone(uow.session, rows, now(), str(error))
                uow.commit()
                return settled
            outbox.settle(uow.session, rows)
            uow.commit()
            settled += len(rows)


def rebuild(portal: Portal) -> int:
    """Fill a new index from the database and swap it in; return how many datasets it holds."""
    with portal.read() as uow:
        return portal.search.rebuild(_all_entries(uow.session))


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


def _entries(session: Session, ids: Iterable[str]) -> Iterator[IndexEntry]:
    for dataset in session.scalars(select(Dataset).where(Dataset.id.in_(list(ids)))):
        yield _entry(dataset)


def _all_entries(session: Session) -> Iterator[IndexEntry]:
    query = select(Dataset).order_by(Dataset.id).execution_options(yield_per=BATCH)
    for dataset in session.scalars(query):
        yield _entry(dataset)


def _entry(dataset: Dataset) -> IndexEntry:
    return IndexEntry(
        id=dataset.id,
        package=orjson.loads(dataset.rendered),
        payload=dataset.rendered,
        labels=policy.labels_of(dataset),
        version=dataset.revision,
    )
