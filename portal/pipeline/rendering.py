"""Rendering anew: datasets say what their rows, what is around them, and the portal's
address make of them now.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence

import orjson
from sqlalchemy import select

from portal.db import datasets, outbox, unheld
from portal.db.holding import HeldDataset, held_datasets
from portal.db.outbox import LeasedRow
from portal.db.uow import UnitOfWork
from portal.domain.base import now
from portal.domain.datasets import Dataset
from portal.domain.events import RENDER
from portal.domain.rendering import unchanged
from portal.pipeline import index, outbox_leases
from portal.runtime import Portal
from portal.settings import site

BATCH = 50
ALL_BATCH = 20
STEP_SECONDS = 0.1
"""How long one transaction renders: SQLite has one writer at a time, and the others
wait that long.
"""
SOME, SOME_SECONDS = 20, 0.3
"""How many datasets, and for how long, somebody who changed what they tell waits for at
least; the others follow.
"""
MORE_SECONDS = 0.5
"""How long a server renders what was left before it looks at the index again."""


def drain(
    portal: Portal, *, eager: bool = False, seconds: float = math.inf, least: int = 0
) -> int:
    """Render datasets that something else made out of date, or those that somebody
    waits for; return how many.

    Each transaction is short, and between two others may write. A dataset that somebody
    else holds is left for the next time, one that cannot be rendered is put off alone.
    After `seconds`, once `least` are done, the rest is left to others.
    """
    ends, done = time.monotonic() + seconds, 0
    while time.monotonic() < ends or done < least:
        claimed = outbox_leases.claim(portal, RENDER, BATCH, eager=eager)
        if not claimed:
            break
        work = _Work(portal, claimed, eager=eager)
        while work.left and (time.monotonic() < ends or done + work.done < least):
            work.step()
        work.give_back()
        done += work.done
        # All that was claimed is held by others; to claim it again at once would change
        # nothing.
        if not work.done:
            break
    return done


def render_some(portal: Portal) -> None:
    """Render what somebody waits for, as long as that takes a moment only."""
    drain(portal, eager=True, seconds=SOME_SECONDS, least=SOME)


def render_more(portal: Portal) -> bool:
    """Render what somebody waits for, for a while; whether there may be more."""
    return drain(portal, eager=True, seconds=MORE_SECONDS) > 0


class _Work:
    """Claimed rows that are worked off a few at a time: `left` waits, `done` is
    settled, put off or given up.
    """

    def __init__(
        self, portal: Portal, claimed: Sequence[LeasedRow], *, eager: bool
    ) -> None:
        self._portal, self._eager = portal, eager
        self.left, self.done = list(claimed), 0
        self._busy: list[LeasedRow] = []
        self._failed: list[tuple[LeasedRow, BaseException]] = []

    def step(self) -> None:
        """Render some datasets in one transaction."""
        began = time.monotonic()
        with self._portal.work(eager=self._eager) as uow:
            while self.left and time.monotonic() - began < STEP_SECONDS:
                self._one(uow, self.left.pop(0))
            uow.commit()
            uow.give_way()
        # In transactions of their own, after the commit of those that went well.
        for claimed, problem in self._failed:
            outbox_leases.record_failure(self._portal, claimed, problem)
        self._failed.clear()

    def _one(self, uow: UnitOfWork, claimed: LeasedRow) -> None:
        """Render the dataset of one row, or note that it is held or failed."""
        # Without waiting: who holds the dataset may take long, and the others behind it
        # would wait too.
        free = held_datasets(uow, [claimed.entity_id], wait=False)
        if not free and datasets.existing(uow.session, [claimed.entity_id]):
            self._busy.append(claimed)
            return
        self.done += 1
        try:
            # What is wrong with one dataset undoes nothing of the others.
            with uow.session.begin_nested():
                self._render(uow, free, claimed)
        except outbox_leases.STOPS:
            raise
        except BaseException as problem:
            self._failed.append((claimed, problem))

    def _render(
        self, uow: UnitOfWork, free: Sequence[HeldDataset], claimed: LeasedRow
    ) -> None:
        """Save what the row's dataset says now, and settle the row; nothing is saved
        where the dataset is gone.
        """
        if claimed.attempts > self._portal.settings.outbox_tries:
            raise RuntimeError(claimed.error or outbox_leases.DIED)
        for dataset in free:
            datasets.save(uow, dataset, self._portal.settings.site_url, quiet=True)
        outbox.settle(uow.session, [claimed])

    def give_back(self) -> None:
        """Leave to others what was not reached, or is held by others."""
        if self.left or self._busy:
            with self._portal.work() as uow:
                outbox.release(uow.session, [*self.left, *self._busy], now())
                uow.commit()


def follow_site(portal: Portal, before: str) -> int:
    """Render all datasets anew if the portal was served at another address before;
    return how many changed.
    """
    address = portal.settings.site_url
    site.write_address(portal.settings.data_dir, address)
    if before == address:
        return 0
    changed = render_all(portal)
    index.drain(portal)
    return changed


def list_outdated(portal: Portal) -> list[str]:
    """Ids of datasets that say something else than their rows do now, and that nobody
    is about to render.

    Looked at in small transactions beside everything else: what somebody changes
    meanwhile shows in one look and has its outbox row in the next, so what is found is
    looked at twice.
    """
    ids: list[str] = []
    after, site_url = "", portal.settings.site_url
    while True:
        with portal.read() as uow:
            batch = unheld.list_datasets(uow.session, after, ALL_BATCH)
            ids += [each.id for each in batch if _is_outdated(uow, each, site_url)]
            after = batch[-1].id if batch else ""
        if not batch:
            break
    return [dataset_id for dataset_id in ids if _still_outdated(portal, dataset_id)]


def _still_outdated(portal: Portal, dataset_id: str) -> bool:
    """Whether a dataset is out of date at a second look too, and nobody has asked for
    its rendering.
    """
    with portal.read() as uow:
        dataset = uow.session.get(Dataset, dataset_id)
        site_url = portal.settings.site_url
        outdated = dataset is not None and _is_outdated(uow, dataset, site_url)
    with portal.read() as uow:  # whoever changed it in between has asked for it by now
        return outdated and unheld.needs_rendering(uow.session, dataset_id)


def _is_outdated(uow: UnitOfWork, dataset: Dataset, site_url: str) -> bool:
    # Through JSON: what is stored has texts where a fresh dict may have dates.
    fresh = orjson.loads(orjson.dumps(datasets.anew(uow.session, dataset, site_url)))
    return not unchanged(orjson.loads(dataset.rendered), fresh)


def render_all(
    portal: Portal, progress: Callable[[int, int], None] = lambda done, changed: None
) -> int:
    """Render all datasets from their rows; return how many now say something else.
    `progress` is called with how many are done, and how many of them changed.

    Those get a new revision and are indexed again, but keep their modification times,
    and no activity is noted. Each batch is a transaction: a run that was killed has
    done what it has done, and the next does the rest.
    """
    after, done, changed = "", 0, 0
    while True:
        with portal.work() as uow:
            following = (
                select(Dataset.id)
                .where(Dataset.id > after)
                .order_by(Dataset.id)
                .limit(ALL_BATCH)
            )
            batch = uow.session.scalars(following).all()
            # In the order of ids, as everybody takes more than one dataset: two who
            # do so never wait for each other.
            for dataset in held_datasets(uow, batch):
                changed += datasets.save(
                    uow, dataset, portal.settings.site_url, quiet=True
                )
            uow.commit()
            uow.give_way()
        if not batch:
            return changed
        after, done = batch[-1], done + len(batch)
        progress(done, changed)
