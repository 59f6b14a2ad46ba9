"""Stage 4, index: what changed in the database reaches the search index, at least once,
in any order.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.access import policy
from portal.db import datasets, outbox
from portal.db.outbox import LeasedRow
from portal.domain.base import now
from portal.domain.datasets import Dataset, ShownDataset
from portal.domain.events import INDEX
from portal.errors import PortalError
from portal.pipeline import outbox_leases
from portal.runtime import Portal
from schemas.package_dict import read_package
from search.backend import ChangesRefused, IndexEntry, SearchUnavailable

BATCH = 500
LEASE = 10.0
"""Seconds after which another process takes over what a process that died was about to
index.
"""
LOOK_AGAIN_SECONDS = 0.5
log = logging.getLogger(__name__)


def drain(portal: Portal, *, eager: bool = False) -> int:
    """Index everything that waits, or what somebody waits for; return how many outbox
    rows were settled.

    No transaction is open while the index works, so nobody's write waits for it. When
    the index cannot be reached the rows are put back, and nothing is lost; a row that
    the index cannot take is postponed and at last given up.
    """
    settled = 0
    while True:
        claimed = outbox_leases.claim(portal, INDEX, BATCH, eager=eager, lease=LEASE)
        if not claimed:
            return settled
        try:
            with outbox_leases.renewal(portal, claimed, LEASE):
                settled += _work(portal, claimed)
        # All rows of the claim, without counting a try: the engine is away, and no row
        # is to blame.
        except SearchUnavailable as error:
            log.warning(
                "the index cannot be reached, %d changes wait: %s", len(claimed), error
            )
            with portal.work() as uow:
                outbox.put_back(uow.session, claimed, now(), str(error))
                uow.commit()
            return settled


def _work(portal: Portal, claimed: Sequence[LeasedRow]) -> int:
    """Index what these rows ask for; what fails together is tried apart, until the
    guilty row is found.
    """
    if len(claimed) == 1 and claimed[0].attempts > portal.settings.outbox_tries:
        outbox_leases.give_up(
            portal, claimed[0], claimed[0].error or outbox_leases.DIED
        )
        return 0
    try:
        gone, refused = _apply(portal, claimed)
    except (SearchUnavailable, *outbox_leases.STOPS):
        raise
    except BaseException as problem:
        if len(claimed) == 1:
            outbox_leases.record_failure(portal, claimed[0], problem)
            return 0
        log.warning(
            "%d changes cannot be indexed together and are tried apart: %s",
            len(claimed),
            outbox_leases.public_reason(problem),
        )
        # Halved until the guilty one is alone: the index takes the others together.
        half = len(claimed) // 2
        return _work(portal, claimed[:half]) + _work(portal, claimed[half:])
    for each in claimed:
        if each.entity_id in refused:
            outbox_leases.record_failure(portal, each, Refused(REFUSED))
    taken = [each for each in claimed if each.entity_id not in refused]
    _settle(portal, taken, gone)
    return len(taken)


class Refused(PortalError):
    """The index does not take a dataset as it is."""


REFUSED = "The index refuses the dataset as it is; the worker's log says why."


def _apply(
    portal: Portal, claimed: Sequence[LeasedRow]
) -> tuple[set[str], frozenset[str]]:
    """Bring the datasets of these rows to the index; return the ids that are gone, and
    those that it refuses.
    """
    ids = {each.entity_id for each in claimed}
    with portal.read() as uow:
        entries = list(_entries(uow.session, ids))
    gone = ids - {entry.id for entry in entries}
    try:
        portal.search.apply(entries, gone)
    except ChangesRefused as error:
        log.error(
            "the index refuses %d changes, the others are in: %s", len(error.ids), error
        )
        return gone, frozenset(error.ids)
    return gone, frozenset()


def _settle(portal: Portal, done: Sequence[LeasedRow], gone: set[str]) -> None:
    """Settle rows whose datasets are in the index, and ask once more for those that
    came or went meanwhile.
    """
    ids = {each.entity_id for each in done}
    with portal.work() as uow:
        outbox.settle(uow.session, done)
        # What was gone and came back in the meantime, or was there and went, may have
        # reached the index in the wrong order when another process drained it too: it
        # is looked at once more.
        existing = set(datasets.existing(uow.session, ids))
        changed = [key for key in ids if (key in existing) == (key in gone)]
        for dataset_id in sorted(changed):
            uow.later(INDEX, dataset_id)
        # It answers: nothing need wait for its next try.
        outbox.hasten(uow.session, INDEX, now())
        uow.commit()


def rebuild(portal: Portal) -> int:
    """Fill a new index from the database and swap it in; return how many datasets it
    holds.

    A rebuild that was killed is gone on with where it stopped.
    """
    with portal.read() as uow:
        return portal.search.rebuild(lambda after: entries_after(uow.session, after))


@dataclass(frozen=True, slots=True)
class Drift:
    """How index and database differ: ids that the index misses, holds too many of, or
    holds in an old version.
    """

    missing: tuple[str, ...]
    surplus: tuple[str, ...]
    stale: tuple[str, ...]
    compared: int

    @property
    def none(self) -> bool:
        """Whether both say the same."""
        return not (self.missing or self.surplus or self.stale)


def compare(portal: Portal) -> Drift:
    """Compare every dataset's revision with the index; what still waits in the outbox
    is drained first.

    Where there is a difference it is looked at once more after a moment, for others
    write meanwhile.
    """
    first = _compare(portal)
    if first.none:
        return first
    time.sleep(LOOK_AGAIN_SECONDS)
    again = _compare(portal)
    return Drift(
        missing=tuple(key for key in again.missing if key in first.missing),
        surplus=tuple(key for key in again.surplus if key in first.surplus),
        stale=tuple(key for key in again.stale if key in first.stale),
        compared=again.compared,
    )


def _compare(portal: Portal) -> Drift:
    """One look at both sides, by id and revision."""
    drain(portal)
    # First what waits, or every write of a moment ago would be a difference.
    with portal.read() as uow:
        database = dict(datasets.stamps(uow.session))
    indexed = dict(portal.search.stamps())
    common = database.keys() & indexed.keys()
    stale = [key for key in common if database[key] != indexed[key]]
    return Drift(
        missing=tuple(sorted(database.keys() - indexed.keys())),
        surplus=tuple(sorted(indexed.keys() - database.keys())),
        stale=tuple(sorted(stale)),
        compared=len(database),
    )


def repair(portal: Portal, drift: Drift) -> int:
    """Have every difference mended the way of all changes, through the outbox; return
    how many there were.

    What the index holds in a newer version than the database (after a backup was put
    back) is taken out first.
    """
    wrong = (*drift.missing, *drift.surplus, *drift.stale)
    # The index keeps the newer version of a document, so what is newer there than here
    # has to go before the older one can come.
    portal.search.apply((), drift.stale)
    with portal.work() as uow:
        for dataset_id in wrong:
            uow.later(INDEX, dataset_id)
        uow.commit()
    drain(portal)
    return len(wrong)


_READ = select(
    *(getattr(Dataset, name) for name in ShownDataset._fields), Dataset.revision
)
"""What an entry is made from; the rest of a dataset, its resources and tags, are in
what is rendered already.
"""


def _entries(session: Session, ids: Iterable[str]) -> Iterator[IndexEntry]:
    return map(_entry, session.execute(_READ.where(Dataset.id.in_(list(ids)))))


def entries_after(session: Session, after: str) -> Iterator[IndexEntry]:
    query = (
        _READ.where(Dataset.id > after)
        .order_by(Dataset.id)
        .execution_options(yield_per=BATCH)
    )
    return map(_entry, session.execute(query))


def _entry(row: Sequence[Any]) -> IndexEntry:
    """A dataset as the index takes it, from a row of _READ."""
    dataset, revision = ShownDataset(*row[:-1]), row[-1]
    return IndexEntry(
        id=dataset.id,
        package=read_package(dataset.rendered),
        payload=dataset.rendered,
        labels=policy.labels_of(dataset),
        version=revision,
    )
