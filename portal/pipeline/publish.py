"""Stage 5, publish: downloads and hot copies of every new version are made once and lie ready before anyone asks."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from portal.db import datasets as db
from portal.db import outbox
from portal.db.uow import UnitOfWork
from portal.domain.base import now
from portal.domain.datasets import Resource
from portal.domain.events import PUBLISH, OutboxRow
from portal.runtime import Portal
from portal.tabular.store import Manifest

BATCH = 20
FORMATS = ("csv", "json")
log = logging.getLogger(__name__)


def drain(portal: Portal) -> int:
    """Render what waits; return how many outbox rows were settled.

    Rendering may take long, so it happens outside any transaction: two workers may render the same
    download, and the second finds it done. A failure is postponed, never lost.
    """
    settled = 0
    while True:
        with portal.read() as uow:
            rows = outbox.waiting(uow.session, PUBLISH, now(), BATCH)
            work = [(row, _manifest(uow, row.entity_id)) for row in rows]
        if not work:
            return settled
        done = [row for row, manifest in work if manifest is None or _render(portal, manifest)]
        _settle(portal, done, [row for row, _ in work if row not in done])
        settled += len(done)


def _manifest(uow: UnitOfWork, resource_id: str) -> Manifest | None:
    resource = uow.session.get(Resource, resource_id)
    version = db.current_version(uow.session, resource) if resource else None
    return Manifest.from_dict(version.manifest) if version else None


def _render(portal: Portal, manifest: Manifest) -> bool:
    try:
        portal.tables.warm(manifest, words=False)  # the downloads are written from it
        for format_ in FORMATS:
            portal.tables.export(manifest, format_)
        portal.tables.warm(manifest)
    except OSError as error:
        log.warning("a download could not be rendered: %s", error.strerror)
        return False
    return True


def _settle(portal: Portal, done: Sequence[OutboxRow], failed: Sequence[OutboxRow]) -> None:
    with portal.work() as uow:
        outbox.settle(uow.session, done)
        outbox.postpone(uow.session, failed, now(), "the downloads could not be rendered")
        uow.commit()
