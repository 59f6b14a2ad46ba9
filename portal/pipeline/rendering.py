"""Rendering anew: every dataset says what the portal's address and software make of its rows now."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import select

from portal.db import datasets
from portal.domain.datasets import Dataset
from portal.pipeline import index
from portal.runtime import Portal
from portal.settings import site

BATCH = 100


def follow_site(portal: Portal, before: str) -> int:
    """Render all datasets anew if the portal was served at another address before; return how many changed."""
    address = portal.settings.site_url
    site.keep(portal.settings.data_dir, address)
    if before == address:
        return 0
    changed = render_all(portal)
    index.drain(portal)
    return changed


def render_all(portal: Portal, told: Callable[[int, int], None] = lambda done, changed: None) -> int:
    """Render all datasets from their rows; return how many now say something else. `told` hears how far it is.

    Those get a new revision and are indexed again, but keep their modification times, and no activity is
    noted. Each batch is a transaction: a run that was killed has done what it has done, and the next does the rest.
    """
    after, done, changed = "", 0, 0
    while True:
        with portal.work() as uow:
            query = select(Dataset).where(Dataset.id > after).order_by(Dataset.id).limit(BATCH).with_for_update()
            batch = uow.session.scalars(query).all()
            for dataset in batch:
                changed += datasets.save(uow, dataset, portal.settings.site_url, quiet=True)
            uow.commit()
        if not batch:
            return changed
        after, done = batch[-1].id, done + len(batch)
        told(done, changed)
