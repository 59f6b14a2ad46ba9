"""Stage 1, harvest: what a source lists becomes waiting objects; what it holds becomes records."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

import orjson

from harvesters import open_source
from harvesters.base import ItemError, RemoteItem, SourceAdapter, SourceError
from harvesters.http import HttpOptions
from portal.db import harvest as db
from portal.domain.base import new_id, now
from portal.domain.harvest import DONE, ERRORED, HarvestJob, HarvestObject, HarvestSource
from portal.pipeline.lease import Lease
from portal.runtime import Portal
from portal.settings import Settings
from schemas.record import DatasetRecord

BATCH = 100
LONGEST_TEXT = 2000
BYTES_PER_MB = 1024 * 1024


def http_options(settings: Settings) -> HttpOptions:
    """The limits of the guarded client, from the settings."""
    return HttpOptions(
        allow=settings.harvest_allow,
        total_timeout=float(settings.harvest_timeout),
        max_bytes=settings.max_resource_size * BYTES_PER_MB,
        ca_bundle=settings.harvest_ca_file or None,
    )


def open_adapter(settings: Settings, source: HarvestSource) -> SourceAdapter:
    """Open the adapter of a source. Raises SourceError when its configuration cannot be used."""
    try:
        config: Mapping[str, Any] = orjson.loads(source.config or "{}")
        return open_source(
            source.source_type,
            source.url,
            config,
            http=http_options(settings),
            secrets=settings.secrets.get,
            roots=tuple(Path(root) for root in settings.harvest_roots),
        )
    except ValueError as error:
        raise SourceError("bad-config", f"The configuration of source {source.name} cannot be used: {error}") from None


def gather(portal: Portal, job: HarvestJob, adapter: SourceAdapter, lease: Lease) -> SourceError | None:
    """List the source into waiting objects, a batch in each transaction; safe to run again after a crash.

    Returns the error that broke the listing off, or None when the listing is complete.
    """
    position = 0
    listing = adapter.items()
    while True:
        batch, error = _take(listing)
        objects = [_object(job, item, position + offset) for offset, item in enumerate(batch)]
        position += len(batch)
        with portal.work() as uow:
            lease.hold(uow)
            db.add_objects(uow.session, job, objects)
            uow.commit()
        if error is not None:
            return error
        if len(batch) < BATCH:
            return None


def _take(listing: Iterator[RemoteItem | ItemError]) -> tuple[list[RemoteItem | ItemError], SourceError | None]:
    batch: list[RemoteItem | ItemError] = []
    try:
        for item in islice(listing, BATCH):
            batch.append(item)
    except SourceError as error:
        return batch, error
    return batch, None


def _object(job: HarvestJob, item: RemoteItem | ItemError, position: int) -> HarvestObject:
    if isinstance(item, ItemError):
        return HarvestObject(
            id=new_id(),
            job_id=job.id,
            source_id=job.source_id,
            guid=item.item_id or f"?{position}",
            position=position,
            state=DONE,
            outcome=ERRORED,
            finished=now(),
            errors=[{"stage": "harvest", "code": item.code, "message": item.message[:LONGEST_TEXT]}],
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


def load(adapter: SourceAdapter, waiting: HarvestObject, folder: Path) -> DatasetRecord:
    """Fetch one waiting object whole. Raises ItemError or SourceError."""
    item = RemoteItem(waiting.guid, waiting.title, waiting.fingerprint, waiting.payload)
    return adapter.load(item, folder)
