"""Stage 1, harvest: what a source lists becomes waiting objects; what it holds becomes
records.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

import orjson

from harvesters import open_source
from harvesters.base import ItemError, RemoteItem, SourceAdapter, SourceError
from harvesters.databases import DatabaseOptions, OwnDatabase
from harvesters.secrets import Secrets
from portal.db import harvest as db
from portal.db import people
from portal.domain.base import new_id, now
from portal.domain.harvest import (
    DONE,
    ERRORED,
    HarvestJob,
    HarvestObject,
    HarvestSource,
)
from portal.pipeline.job_lease import JobLease
from portal.pipeline.reach import http_options, secrets_of
from portal.runtime import Portal
from schemas.record import DatasetRecord
from schemas.units import BYTES_PER_MB

Listed = RemoteItem | ItemError
BATCH = 100
LONGEST_TEXT = 2000


def _own_database(portal: Portal) -> OwnDatabase | None:
    """Where the portal's own database answers, asked of a connection that stands; None
    where it is a file.
    """
    if portal.engine.dialect.name == "sqlite":
        return None
    with portal.engine.connect() as connection:
        driver: Any = connection.connection.driver_connection
        return OwnDatabase(driver.info.host, driver.info.hostaddr, driver.info.port)


def _organization(portal: Portal, source: HarvestSource) -> tuple[str, ...]:
    """The id and the name of the organization that a source belongs to."""
    if source.owner_org is None:
        return ()
    with portal.read() as uow:
        owner = people.find_group(uow.session, source.owner_org, organization=True)
        return (owner.id, owner.name) if owner else ()


def open_adapter(portal: Portal, source: HarvestSource) -> SourceAdapter:
    """Open the adapter of a source. Raises SourceError when its configuration cannot be
    used.
    """
    settings = portal.settings
    http = http_options(settings)
    roots = tuple(Path(root) for root in settings.harvest_roots)
    databases = DatabaseOptions(
        allow=settings.harvest_allow,
        roots=roots,
        own=_own_database(portal),
        ca_bundle=settings.harvest_ca_file or None,
        max_bytes=http.max_bytes,
        memory_bytes=settings.harvest_memory_mb * BYTES_PER_MB,
    )
    secrets = Secrets(secrets_of(settings), _organization(portal, source))
    try:
        config: Mapping[str, Any] = orjson.loads(source.config or "{}")
        return open_source(
            source.source_type,
            source.url,
            config,
            http=http,
            secrets=secrets,
            databases=databases,
            roots=roots,
        )
    except ValueError as error:
        raise SourceError(
            "bad-config",
            f"The configuration of source {source.name} cannot be used: {error}",
        ) from None


class Stopped(Exception):
    """The worker was told to end: what is not done yet is for the next one."""


def gather(
    portal: Portal,
    job: HarvestJob,
    adapter: SourceAdapter,
    lease: JobLease,
    stop: threading.Event | None = None,
) -> SourceError | None:
    """List the source into waiting objects, a batch in each transaction; safe to run
    again after a crash.

    Returns the error that broke the listing off, or None when the listing is complete.
    Raises Stopped once `stop` is set.
    """
    position = 0
    listing = _until(stop, adapter.items())
    while True:
        batch, error = _take(listing)
        objects = [
            _object(job, item, position + offset) for offset, item in enumerate(batch)
        ]
        position += len(batch)
        # A batch in each transaction: a source of 100,000 datasets holds no write lock
        # while it is listed, and a crash loses one batch.
        with portal.work() as uow:
            lease.renew(uow)
            db.add_objects(uow.session, job, objects)
            uow.commit()
        if error is not None:
            return error
        if len(batch) < BATCH:
            return None


def _until(stop: threading.Event | None, listing: Iterator[Listed]) -> Iterator[Listed]:
    """What is listed. Raises Stopped at the next item once `stop` is set."""
    for item in listing:
        if stop is not None and stop.is_set():
            raise Stopped
        yield item


def _take(listing: Iterator[Listed]) -> tuple[list[Listed], SourceError | None]:
    """The next items of a listing, at most BATCH, and the error that broke it off."""
    batch: list[Listed] = []
    try:
        for item in islice(listing, BATCH):
            batch.append(item)
    except SourceError as error:
        return batch, error
    return batch, None


def _object(job: HarvestJob, item: Listed, position: int) -> HarvestObject:
    """A waiting object for one item of a listing; one that is settled already for a bad
    entry.
    """
    if isinstance(item, ItemError):
        message = item.message[:LONGEST_TEXT]
        error = {"stage": "harvest", "code": item.code, "message": message}
        return HarvestObject(
            id=new_id(),
            job_id=job.id,
            source_id=job.source_id,
            # A bad entry without an id of its own still needs one, and deletions are
            # not believed where there is such a one.
            guid=item.item_id or f"?{position}",
            position=position,
            state=DONE,
            outcome=ERRORED,
            finished=now(),
            errors=[error],
        )
    return HarvestObject(
        id=new_id(),
        job_id=job.id,
        source_id=job.source_id,
        guid=item.id,
        title=item.title,
        position=position,
        fingerprint=item.fingerprint,
        payload=dict(item.payload),
    )


def fetch(
    adapter: SourceAdapter, waiting: HarvestObject, folder: Path
) -> DatasetRecord:
    """Fetch one waiting object whole. Raises ItemError or SourceError."""
    item = RemoteItem(waiting.guid, waiting.title, waiting.fingerprint, waiting.payload)
    return adapter.fetch(item, folder)
