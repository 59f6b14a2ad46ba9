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
from portal.domain.datastore import COMPLETE, FAILED, PERHAPS, RUNNING, TableLoad
from portal.domain.events import LINK, LOAD
from portal.errors import Unavailable
from portal.pipeline import gate, outbox_leases, stored, validate
from portal.pipeline.attach import attach
from portal.pipeline.gate import Rule
from portal.pipeline.prepared import Prepared
from portal.pipeline.reach import http_options
from portal.pipeline.references import references
from portal.quality.table.check import no_progress
from portal.reading import ReadOptions
from portal.runtime import Portal
from portal.tabular.store import Manifest
from schemas.record import Content, ContentPart, ResourceRecord
from schemas.vocabularies import TABULAR

MOST_LINKS = 100
"""So many links are looked at again by one tick: the next ones are due at the next."""


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
        settled += outbox_leases.work_off(
            portal,
            topic,
            lambda resource_id: load_resource(portal, resource_id),
            _report_given_up,
            stop,
        )
    return settled


def _report_given_up(uow: UnitOfWork, resource_id: str, error: str) -> None:
    """Tell in the state of the loading that it is tried no more."""
    if db.find_resource(uow.session, resource_id):
        note = datastore.note_load(
            uow.session, resource_id, FAILED, f"given up: {error}"
        )
        note.checked = now()


def recheck_links(portal: Portal) -> int:
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


def load_resource(portal: Portal, resource_id: str, run_id: str | None = None) -> None:
    """Load what a resource points to, and write down how that went; `run_id` is the
    report that was begun for it.

    What the gate allows is stored; rows that have no file or link of ours are only
    looked at again. A failure of our own raises.
    """
    with portal.read() as uow:
        pair = db.find_resource(uow.session, resource_id)
    if pair is None:
        return
    resource, dataset = pair
    if resource.file_key or _is_link(resource):
        _load(portal, resource, dataset, run_id)
    if _rows_wait(portal, resource_id):
        stored.recheck(portal, resource_id)


def _rows_wait(portal: Portal, resource_id: str) -> bool:
    """Whether rows of a resource, current or older, still wait to be looked at."""
    with portal.read() as uow:
        pair = db.find_resource(uow.session, resource_id)
        older = datastore.waiting_versions(uow.session, resource_id)
    if older:
        return True
    if pair is None:
        return False
    resource, _ = pair
    return bool(resource.version_id) and resource.rows_access == WAITING


def _is_link(resource: Resource) -> bool:
    return resource.url_type in (None, "") and resource.url.startswith(
        ("http://", "https://")
    )


def _load(
    portal: Portal, resource: Resource, dataset: Dataset, run_id: str | None
) -> None:
    """Load a file or a link, and note how that goes. An error of our own is raised
    again, so that its row is tried again.
    """
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
    path, name = portal.files.path(key), resource.file_name or key
    part = ContentPart(path, name, key, resource.size or 0)
    _check_and_store(portal, resource, dataset, part, run_id=run_id, progress=progress)


def _note(
    portal: Portal,
    resource_id: str,
    state: str,
    error: str | None = None,
    fetched: tuple[str, Download] | None = None,
) -> None:
    """Note in a transaction of its own how a loading stands; nothing for a resource
    that is gone.
    """
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
        load.content_hash = answer.sha256
        load.etag = answer.etag or None
        load.modified = answer.last_modified or None


def _link(portal: Portal, resource: Resource, dataset: Dataset) -> None:
    """Fetch a link that may have changed since it was loaded, and load it; an equal
    file is not loaded again.
    """
    earlier = _earlier_load(portal, resource)
    folder = portal.settings.data_dir / "work"
    folder.mkdir(parents=True, exist_ok=True)
    client = GuardedClient(http_options(portal.settings))
    try:
        with tempfile.TemporaryDirectory(prefix="link-", dir=folder) as work:
            path = Path(work) / "file"
            answer = client.download(resource.url, path, headers=_conditions(earlier))
            fetched = (resource.url, answer)
            # Servers without ETag send the same file each time.
            if earlier and earlier.content_hash == answer.sha256:
                _note(portal, resource.id, COMPLETE, fetched=fetched)
                return
            name = PurePosixPath(urlsplit(resource.url).path).name or "file"
            part = ContentPart(path, name, answer.sha256, answer.size)
            _check_and_store(portal, resource, dataset, part, fetched=fetched)
    except SourceError as error:
        if error.code != "not-modified":
            raise
        _note(portal, resource.id, COMPLETE)
    finally:
        client.close()


def _earlier_load(portal: Portal, resource: Resource) -> TableLoad | None:
    """What is known of the last load of this link; None where it had another
    address.
    """
    with portal.read() as uow:
        earlier = datastore.load_of(uow.session, resource.id)
    same_address = earlier is not None and earlier.url == resource.url
    return earlier if same_address else None


def _conditions(earlier: TableLoad | None) -> dict[str, str]:
    """The headers by which a server may answer that nothing has changed."""
    if earlier is None:
        return {}
    headers = {"If-None-Match": earlier.etag, "If-Modified-Since": earlier.modified}
    return {name: value for name, value in headers.items() if value}


def _check_and_store(
    portal: Portal,
    resource: Resource,
    dataset: Dataset,
    part: ContentPart,
    *,
    run_id: str | None = None,
    fetched: tuple[str, Download] | None = None,
    progress: Callable[[int], object] = no_progress,
) -> None:
    """Check a file, store of its rows what the gate allows, and write down what is
    wrong, if anything is.
    """
    with portal.read() as uow:
        current = db.current_version(uow.session, resource)
    # What is checked as for a closed dataset must not be stored in an open one.
    public = dataset.is_open
    lookup = references(portal)
    checked = validate.check(
        _record(resource, part),
        lookup,
        portal.settings.validation_limit,
        ReadOptions.within(portal.settings),
        public=public,
        progress=progress,
    )
    report = checked.report
    if report is not None and checked.whole is None and _may_hold_no_table(resource):
        trouble = f"the link holds no table: {report.findings[0].message.en}"
        _note(portal, resource.id, FAILED, trouble, fetched)
        return
    rule: Rule | None = None
    valid = report is None or report.valid
    if not valid or checked.persons():
        rule = gate.rule_for(portal, dataset, resource.id, part.sha256)
    previous = Manifest.from_dict(current.manifest) if current else None
    ready = gate.decide(portal, checked, rule, previous, lookup)
    _store(portal, resource, ready, run_id, fetched, public=public)


def _trouble(resource: Resource, ready: Prepared) -> str | None:
    """What is wrong, None when rows answer now."""
    checked = ready.checked
    if not checked.tables and resource.format not in TABULAR:
        return "the file holds no table"
    valid = checked.report is None or checked.report.valid
    if valid or ready.manifest is not None:
        return None
    return "the table is not valid; see resource_validation_show"


def _may_hold_no_table(resource: Resource) -> bool:
    """Whether a link may hold something else than a table without being wrong: nobody
    declared columns.
    """
    declared = resource.file_key or resource.schema_name or resource.table_schema
    return resource.format in PERHAPS and not declared


def _store(
    portal: Portal,
    resource: Resource,
    ready: Prepared,
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
            _ask_again(uow, again.resource)
            return
        if again.dataset.is_open and not public:
            # As an outage, so that no try is counted: nothing is wrong with the file.
            raise Unavailable(
                "the dataset was opened in the meantime: its table is checked again, "
                "as an open one"
            )
        if run_id:
            run = uow.session.get(ValidationReport, run_id)
        else:
            run = validation.open_run(uow.session, resource.id)
        link = not resource.file_key
        attach(uow, again.dataset, again.resource, ready, run, link=link)
        resources.save(
            uow, again.dataset, again.resource, portal.settings.site_url, looking=True
        )
        state = FAILED if trouble else COMPLETE
        _note_within(uow, resource.id, state, trouble, fetched)
        uow.commit()


def _ask_again(uow: UnitOfWork, resource: Resource) -> None:
    """Have a resource loaded that was changed while it was loaded."""
    # Whoever made the change may have relied on this very loading, when it was not
    # begun yet.
    topic = LOAD if resource.file_key else LINK
    if not outbox.waits(uow.session, topic, resource.id):
        uow.later(topic, resource.id)
        uow.commit()


def _record(resource: Resource, part: ContentPart) -> ResourceRecord:
    """What is checked of a resource: one file, and the schema that it is held to."""
    return ResourceRecord(
        name=resource.name or resource.file_name or "",
        format=resource.format,
        schema=resource.table_schema or None,
        schema_name=resource.schema_name,
        content=Content((part,)),
    )
