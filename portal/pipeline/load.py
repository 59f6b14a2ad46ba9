"""Loading: a table that was uploaded or linked is validated and its rows are stored, after the request."""

from __future__ import annotations

import logging
import tempfile
from datetime import timedelta
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

from harvesters.base import SourceError
from harvesters.http import Download, GuardedClient
from portal.db import datasets as db
from portal.db import datastore, outbox
from portal.domain.base import now
from portal.domain.datasets import Dataset, Resource
from portal.domain.datastore import COMPLETE, FAILED, RUNNING
from portal.domain.events import LOAD, OutboxRow
from portal.pipeline import store, validate
from portal.pipeline.harvest import http_options
from portal.pipeline.references import references
from portal.reading import ReadOptions
from portal.runtime import Portal
from portal.tabular.store import Manifest
from schemas.record import Content, ContentPart, ResourceRecord

BATCH = 10
MOST_LINKS = 100
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


def recheck(portal: Portal) -> int:
    """Ask for another look at linked tables that were not looked at for long; return how many."""
    hours = portal.settings.links_hours
    if not hours:
        return 0
    with portal.work() as uow:
        stale = datastore.stale_links(uow.session, timedelta(hours=hours), MOST_LINKS)
        for resource_id in stale:
            datastore.note_load(uow.session, resource_id).checked = now()  # taken once, however many workers tick
            uow.later(LOAD, resource_id)
        uow.commit()
    return len(stale)


def _load(portal: Portal, resource_id: str) -> None:
    """Load what a resource points to, and write down how that went. A failure of our own raises."""
    with portal.read() as uow:
        found = db.find_resource(uow.session, resource_id)
    if found is None:
        return
    _note(portal, resource_id, RUNNING)
    try:
        trouble = _file(portal, *found) if found[0].file_key else _link(portal, *found)
    except SourceError as error:
        trouble = str(error)
    except Exception:
        _note(portal, resource_id, FAILED, "an error of the portal; it is tried again")
        raise
    _note(portal, resource_id, FAILED if trouble else COMPLETE, trouble)


def _note(portal: Portal, resource_id: str, state: str, error: str | None = None) -> None:
    with portal.work() as uow:
        if db.find_resource(uow.session, resource_id):
            load = datastore.note_load(uow.session, resource_id, state, error)
            load.checked = now()
            uow.commit()


def _file(portal: Portal, resource: Resource, dataset: Dataset) -> str | None:
    key = resource.file_key or ""
    part = ContentPart(portal.files.path(key), resource.file_name or key, key, resource.size or 0)
    return _rows(portal, resource, dataset, part)


def _link(portal: Portal, resource: Resource, dataset: Dataset) -> str | None:
    """Fetch a link that may have changed since it was loaded, and load it; an equal file is not loaded again."""
    with portal.read() as uow:
        before = datastore.load_of(uow.session, resource.id)
    known = before if before is not None and before.url == resource.url else None
    headers = {"If-None-Match": known.etag or "", "If-Modified-Since": known.modified or ""} if known else {}
    folder = portal.settings.data_dir / "work"
    folder.mkdir(parents=True, exist_ok=True)
    client = GuardedClient(http_options(portal.settings))
    try:
        with tempfile.TemporaryDirectory(prefix="link-", dir=folder) as work:
            path = Path(work) / "file"
            fetched = client.download(resource.url, path, headers={k: v for k, v in headers.items() if v})
            if known and known.content_hash == fetched.sha256:
                _remember(portal, resource, fetched)
                return None
            name = PurePosixPath(urlsplit(resource.url).path).name or "file"
            trouble = _rows(portal, resource, dataset, ContentPart(path, name, fetched.sha256, fetched.size))
    except SourceError as error:
        if error.code == "not-modified":
            return None
        raise
    finally:
        client.close()
    _remember(portal, resource, fetched)
    return trouble


def _remember(portal: Portal, resource: Resource, fetched: Download) -> None:
    with portal.work() as uow:
        load = datastore.note_load(uow.session, resource.id, RUNNING)
        load.url, load.content_hash = resource.url, fetched.sha256
        load.etag, load.modified = fetched.etag or None, fetched.last_modified or None
        uow.commit()


def _rows(portal: Portal, resource: Resource, dataset: Dataset, part: ContentPart) -> str | None:
    """Check and store the rows of a file; return what is wrong with it, None when its rows answer now."""
    with portal.read() as uow:
        current = db.current_version(uow.session, resource)
    limits = ReadOptions(max_bytes=portal.settings.max_resource_size * BYTES_PER_MB)
    record = _record(resource, part)
    limit, public = portal.settings.validation_limit, not dataset.private
    checked = validate.check(record, references(portal), limit, limits, public=public)
    if checked.report is None:
        return "the file holds no table"
    previous = Manifest.from_dict(current.manifest) if current else None
    ready = store.prepare_one(portal, checked, previous) if checked.report.valid else store.Prepared(checked)
    with portal.work() as uow:
        again = db.find_resource(uow.session, resource.id)
        same = again is not None and (again[0].file_key, again[0].url) == (resource.file_key, resource.url)
        if again is not None and same:  # else a newer upload, or another link, is on its way
            store.attach(uow, again[1], datastore.lock(uow.session, resource.id), ready, link=not resource.file_key)
            db.save(uow, again[1], portal.settings.site_url)
            uow.commit()
    return None if checked.report.valid else "the table is not valid; see resource_validation_show"


def _record(resource: Resource, part: ContentPart) -> ResourceRecord:
    return ResourceRecord(
        name=resource.name or resource.file_name or "",
        format=resource.format,
        schema=resource.table_schema or None,
        schema_name=resource.schema_name,
        content=Content((part,)),
    )
