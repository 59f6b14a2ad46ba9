"""Loading uploads: an uploaded table is validated and its rows are stored, after the request that brought it."""

from __future__ import annotations

import logging

from portal.db import datasets as db
from portal.db import outbox
from portal.domain.base import now
from portal.domain.datasets import Resource
from portal.domain.events import LOAD, OutboxRow
from portal.pipeline import store, validate
from portal.pipeline.references import references
from portal.reading import ReadOptions
from portal.runtime import Portal
from portal.tabular.store import Manifest
from schemas.record import Content, ContentPart, ResourceRecord

BATCH = 10
BYTES_PER_MB = 1024 * 1024
log = logging.getLogger(__name__)


def drain(portal: Portal) -> int:
    """Load every uploaded table that waits; return how many outbox rows were settled.

    A table that is not valid keeps its last good version and gets a report. A failure of our own is
    postponed and tried again.
    """
    settled = 0
    while True:
        with portal.read() as uow:
            rows = outbox.waiting(uow.session, LOAD, now(), BATCH)
        for row in rows:
            try:
                _load(portal, row.entity_id)
            except Exception:
                log.exception("the upload of resource %s could not be loaded", row.entity_id)
                _settle(portal, row, failed=True)
            else:
                _settle(portal, row, failed=False)
                settled += 1
        if not rows:
            return settled


def _settle(portal: Portal, row: OutboxRow, *, failed: bool) -> None:
    with portal.work() as uow:
        if failed:
            outbox.postpone(uow.session, [row], now(), "the upload could not be loaded; see the log")
        else:
            outbox.settle(uow.session, [row])
        uow.commit()


def _load(portal: Portal, resource_id: str) -> None:
    with portal.read() as uow:
        found = db.find_resource(uow.session, resource_id)
        current = db.current_version(uow.session, found[0]) if found else None
        public = found is not None and not found[1].private
    if found is None or found[0].file_key is None:
        return
    resource = found[0]
    limits = ReadOptions(max_bytes=portal.settings.max_resource_size * BYTES_PER_MB)
    checked = validate.check(
        _record(portal, resource), references(portal), portal.settings.validation_limit, limits, public=public
    )
    if checked.report is None:
        return
    previous = Manifest.from_dict(current.manifest) if current else None
    ready = store.prepare_one(portal, checked, previous) if checked.report.valid else store.Prepared(checked)
    with portal.work() as uow:
        again = db.find_resource(uow.session, resource_id)
        if again is not None and again[0].file_key == resource.file_key:  # else a newer upload is on its way
            store.attach(uow, again[1], again[0], ready)
            db.save(uow, again[1], portal.settings.site_url)
            uow.commit()


def _record(portal: Portal, resource: Resource) -> ResourceRecord:
    key = resource.file_key or ""
    part = ContentPart(portal.files.path(key), resource.file_name or key, key, resource.size or 0)
    return ResourceRecord(
        name=resource.name or resource.file_name or "",
        format=resource.format,
        schema=resource.table_schema or None,
        schema_name=resource.schema_name,
        content=Content((part,)),
    )
