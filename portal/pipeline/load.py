"""Loading: a table that was uploaded or linked is validated and its rows are stored,
after the request.
"""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

from harvesters.base import SourceError
from harvesters.http import Download, GuardedClient
from portal.db import datasets as db
from portal.db import datastore, outbox, resources, validation
from portal.db.holding import find_live_resource
from portal.db.uow import UnitOfWork
from portal.domain.base import now
from portal.domain.datasets import WAITING, Dataset, Resource, ValidationReport
from portal.domain.datastore import COMPLETE, FAILED, PERHAPS, RUNNING
from portal.domain.events import LINK, LOAD
from portal.errors import Unavailable
from portal.pipeline import claims, gate, store, stored, validate
from portal.pipeline.reach import http_options
from portal.pipeline.references import references
from portal.quality.table.check import no_progress
from portal.reading import ReadOptions
from portal.runtime import Portal
from portal.tabular.store import Manifest
from schemas.record import Content, ContentPart, ResourceRecord
from schemas.vocabularies import TABULAR

MOST_LINKS = 100


def drain(portal: Portal, *topics: str, stop: threading.Event | None = None) -> int:
    """Load every table that waits: uploads (LOAD) and links (LINK), or one of the two;
    return how many are settled.

    Somebody waits for an upload, so links, whose servers may be slow or gone, never
    stand before it. Several drains may run at once: each table is claimed by one. A
    table that is not valid keeps its last good version and gets a report. A failure of
    our own is postponed and tried again, and at last given up. Once `stop` is set no
    other table is begun.
    """
    settled = 0
    for topic in topics or (LOAD, LINK):
        settled += claims.work_off(
            portal,
            topic,
            lambda resource_id: load(portal, resource_id),
            _given_up,
            stop,
        )
    return settled


def _given_up(uow: UnitOfWork, resource_id: str, error: str) -> None:
    """Tell in the state of the loading that it is tried no more."""
    if db.find_resource(uow.session, resource_id):
        note = datastore.note_load(
            uow.session, resource_id, FAILED, f"given up: {error}"
        )
        note.checked = now()


def recheck(portal: Portal) -> int:
    """Ask for another look at linked tables that were not looked at for long; return
    how many.
    """
    hours = portal.settings.links_hours
    if not hours:
        return 0
    with portal.work() as uow:
        stale = datastore.stale_links(uow.session, timedelta(hours=hours), MOST_LINKS)
        for resource_id in stale:
            # Taken once, however many workers tick.
            datastore.note_load(uow.session, resource_id).checked = now()
            uow.later(LINK, resource_id)
        uow.commit()
    return len(stale)


def load(portal: Portal, resource_id: str, run_id: str | None = None) -> None:
    """Load what a resource points to, and write down how that went; `run_id` is the
    report that was begun for it.

    What the gate lets pass is stored; rows that have no file or link of ours are only
    looked at again. A failure of our own raises.
    """
    with portal.read() as uow:
        found = db.find_resource(uow.session, resource_id)
    if found is None:
        return
    if found[0].file_key or _is_link(found[0]):
        _load(portal, *found, run_id)
    with portal.read() as uow:
        again = db.find_resource(uow.session, resource_id)
        behind = datastore.waiting_versions(uow.session, resource_id)
    if behind or (
        again is not None and again[0].version_id and again[0].rows_access == WAITING
    ):
        stored.judge(portal, resource_id)


def _is_link(resource: Resource) -> bool:
    return resource.url_type in (None, "") and resource.url.startswith(
        ("http://", "https://")
    )


def _load(
    portal: Portal, resource: Resource, dataset: Dataset, run_id: str | None
) -> None:
    resource_id = resource.id
    _note(portal, resource_id, RUNNING)
    try:
        if resource.file_key:
            load_file(portal, resource, dataset, run_id)
        else:
            _link(portal, resource, dataset)
    except SourceError as error:
        _note(portal, resource_id, FAILED, str(error))
    except Exception:
        _note(portal, resource_id, FAILED, "an error of the portal; it is tried again")
        raise


def load_file(
    portal: Portal,
    resource: Resource,
    dataset: Dataset,
    run_id: str | None = None,
    progress: Callable[[int], object] = no_progress,
) -> None:
    """Load the stored file of a resource; `progress` is told of the rows of every
    batch, and may stop the check.
    """
    key = resource.file_key or ""
    part = ContentPart(
        portal.files.path(key), resource.file_name or key, key, resource.size or 0
    )
    _rows(portal, resource, dataset, part, run_id=run_id, progress=progress)


def _note(
    portal: Portal,
    resource_id: str,
    state: str,
    error: str | None = None,
    fetched: tuple[str, Download] | None = None,
) -> None:
    with portal.work() as uow:
        if db.find_resource(uow.session, resource_id):
            _note_within(uow, resource_id, state, error, fetched)
            uow.commit()


def _note_within(
    uow: UnitOfWork,
    resource_id: str,
    state: str,
    error: str | None,
    fetched: tuple[str, Download] | None,
) -> None:
    """Write down how a loading stands, and of a link (address, answer) by what it is
    known again.
    """
    load = datastore.note_load(uow.session, resource_id, state, error)
    load.checked = now()
    if fetched is not None:
        load.url, answer = fetched
        load.content_hash, load.etag, load.modified = (
            answer.sha256,
            answer.etag or None,
            answer.last_modified or None,
        )


def _link(portal: Portal, resource: Resource, dataset: Dataset) -> None:
    """Fetch a link that may have changed since it was loaded, and load it; an equal
    file is not loaded again.
    """
    with portal.read() as uow:
        before = datastore.load_of(uow.session, resource.id)
    known = before if before is not None and before.url == resource.url else None
    headers = (
        {"If-None-Match": known.etag or "", "If-Modified-Since": known.modified or ""}
        if known
        else {}
    )
    folder = portal.settings.data_dir / "work"
    folder.mkdir(parents=True, exist_ok=True)
    client = GuardedClient(http_options(portal.settings))
    try:
        with tempfile.TemporaryDirectory(prefix="link-", dir=folder) as work:
            path = Path(work) / "file"
            fetched = client.download(
                resource.url, path, headers={k: v for k, v in headers.items() if v}
            )
            if known and known.content_hash == fetched.sha256:
                _note(portal, resource.id, COMPLETE, fetched=(resource.url, fetched))
                return
            name = PurePosixPath(urlsplit(resource.url).path).name or "file"
            part = ContentPart(path, name, fetched.sha256, fetched.size)
            _rows(portal, resource, dataset, part, fetched=(resource.url, fetched))
    except SourceError as error:
        if error.code != "not-modified":
            raise
        _note(portal, resource.id, COMPLETE)
    finally:
        client.close()


def _rows(
    portal: Portal,
    resource: Resource,
    dataset: Dataset,
    part: ContentPart,
    *,
    run_id: str | None = None,
    fetched: tuple[str, Download] | None = None,
    progress: Callable[[int], object] = no_progress,
) -> None:
    """Check a file, store of its rows what the gate lets pass, and write down what is
    wrong, if anything is.
    """
    with portal.read() as uow:
        current = db.current_version(uow.session, resource)
    limits, limit = (
        ReadOptions.within(portal.settings),
        portal.settings.validation_limit,
    )
    record, public = _record(resource, part), dataset.is_open
    checked = validate.check(
        record, references(portal), limit, limits, public=public, progress=progress
    )
    if checked.report is not None and checked.whole is None and _perhaps(resource):
        trouble = f"the link holds no table: {checked.report.findings[0].message.en}"
        _note(portal, resource.id, FAILED, trouble, fetched)
        return
    valid = checked.report is None or checked.report.valid
    rule = (
        None
        if valid and not checked.persons()
        else gate.rule_for(portal, dataset, resource.id, part.sha256)
    )
    ready = gate.judge(
        portal,
        checked,
        rule,
        Manifest.from_dict(current.manifest) if current else None,
        references(portal),
    )
    _keep(portal, resource, ready, run_id, fetched, public=dataset.is_open)


def _trouble(resource: Resource, ready: store.Prepared) -> str | None:
    """What is wrong, None when rows answer now."""
    if not ready.checked.tables and resource.format not in TABULAR:
        return "the file holds no table"
    valid = ready.checked.report is None or ready.checked.report.valid
    return (
        None
        if valid or ready.manifest is not None
        else "the table is not valid; see resource_validation_show"
    )


def _perhaps(resource: Resource) -> bool:
    """Whether a link may hold something else than a table without being wrong: nobody
    declared columns.
    """
    declared = resource.file_key or resource.schema_name or resource.table_schema
    return resource.format in PERHAPS and not declared


def _keep(
    portal: Portal,
    resource: Resource,
    ready: store.Prepared,
    run_id: str | None,
    fetched: tuple[str, Download] | None,
    *,
    public: bool,
) -> None:
    """Store what was prepared of a resource; one that has another file or link by now
    is loaded anew.
    """
    trouble = _trouble(resource, ready)
    with portal.work() as uow:
        again = find_live_resource(uow, resource.id)
        if again is None:
            return
        if again.resource.basis != resource.basis:
            # Whoever made the change may have relied on this very loading, when it was
            # not begun yet.
            topic = LOAD if again.resource.file_key else LINK
            if not outbox.waits(uow.session, topic, resource.id):
                uow.later(topic, resource.id)
                uow.commit()
            return
        if again.dataset.is_open and not public:
            raise Unavailable(
                "the dataset was opened in the meantime: its table is judged again, "
                "as an open one"
            )
        run = (
            uow.session.get(ValidationReport, run_id)
            if run_id
            else validation.open_run(uow.session, resource.id)
        )
        store.attach(
            uow, again.dataset, again.resource, ready, run, link=not resource.file_key
        )
        resources.save(
            uow, again.dataset, again.resource, portal.settings.site_url, looking=True
        )
        _note_within(
            uow, resource.id, FAILED if trouble else COMPLETE, trouble, fetched
        )
        uow.commit()


def _record(resource: Resource, part: ContentPart) -> ResourceRecord:
    return ResourceRecord(
        name=resource.name or resource.file_name or "",
        format=resource.format,
        schema=resource.table_schema or None,
        schema_name=resource.schema_name,
        content=Content((part,)),
    )
