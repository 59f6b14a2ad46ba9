"""Stage 5, publish: downloads and hot copies of every new version are made once and lie
ready before anyone asks.
"""

from __future__ import annotations

import logging
import threading

from portal.db import datasets as db
from portal.domain.datasets import Resource
from portal.domain.events import PUBLISH
from portal.pipeline import outbox_leases
from portal.runtime import Portal
from portal.tabular.store import Manifest

FORMATS = ("csv", "json")
log = logging.getLogger(__name__)


def drain(portal: Portal, stop: threading.Event | None = None) -> int:
    """Render what waits; return how many outbox rows are at their end.

    Rendering may take long, so it happens outside any transaction: two workers may
    render the same download, and the second finds it done. What cannot be rendered,
    whatever the reason, is postponed for that table alone.
    """

    def work(resource_id: str) -> None:
        render(portal, resource_id)

    return outbox_leases.work_off(portal, PUBLISH, work, stop=stop)


def render(portal: Portal, resource_id: str) -> None:
    """Render the downloads of a resource's current rows, and its hot copy; nothing
    where it has none.
    """
    with portal.read() as uow:
        resource = uow.session.get(Resource, resource_id)
        version = db.current_version(uow.session, resource) if resource else None
    if version is None:
        return
    manifest = Manifest.from_dict(version.manifest)
    portal.tables.warm(manifest, words=False)  # the downloads are written from it
    for format_ in FORMATS:
        portal.tables.export(manifest, format_)
    portal.tables.warm(manifest)
