"""Loading uploads: an uploaded table is validated and its rows are stored, after the request that brought it."""

from __future__ import annotations

import logging

from portal.db import datasets as db
from portal.db import outbox, validation
from portal.domain.base import now
from portal.domain.datasets import Resource, ValidationReport
from portal.domain.events import LOAD, OutboxRow
from portal.errors import Unavailable
from portal.pipeline import gate, store, validate
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
                load(portal, row.entity_id)
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


def load(portal: Portal, resource_id: str, run_id: str | None = None) -> None:
    """Validate an uploaded table and keep what the gate lets pass; `run_id` is the report that was begun for it."""
    with portal.read() as uow:
        found = db.find_resource(uow.session, resource_id)
        current = db.current_version(uow.session, found[0]) if found else None
        public = found is not None and found[1].is_open
    if found is None or found[0].file_key is None:
        return
    resource, limits = found[0], ReadOptions(max_bytes=portal.settings.max_resource_size * BYTES_PER_MB)
    known = references(portal)
    limit = portal.settings.validation_limit
    checked = validate.check(_record(portal, resource), known, limit, limits, public=public)
    if checked.report is None and run_id is None:
        return
    valid = checked.report is None or checked.report.valid
    rule = None if valid else gate.rule_for(portal, found[1], resource_id, resource.file_key or "")
    ready = gate.judge(portal, checked, rule, Manifest.from_dict(current.manifest) if current else None, known)
    with portal.work() as uow:
        again = db.find_resource(uow.session, resource_id)
        if again is None or again[0].file_key != resource.file_key:
            return  # a newer upload is on its way
        if again[1].is_open and not public:
            raise Unavailable("the dataset was opened in the meantime: its table is judged again, as an open one")
        run = uow.session.get(ValidationReport, run_id) if run_id else validation.open_run(uow.session, resource_id)
        store.attach(uow, again[1], again[0], ready, run)
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
