"""Loading within the request: what is small answers at once, so that a client may fetch
what it has just sent.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence

from sqlalchemy.exc import SQLAlchemyError

from portal.db import datasets as db
from portal.db import datastore, outbox
from portal.db.outbox import Claim
from portal.domain.base import now
from portal.domain.datasets import WAITING, Resource
from portal.domain.rendering import Json, resource_dict
from portal.errors import PortalError
from portal.pipeline import load, stored
from portal.runtime import Portal
from portal.tabular.store import Manifest
from schemas.units import BYTES_PER_MB

SECONDS = 10.0
"""So long the files of one request may be checked within it; what takes longer is left
to the worker.
"""
MOST = 20
"""So many files of one request are loaded within it."""
log = logging.getLogger(__name__)


class _TooLong(Exception):
    """The time of the request is over."""


def look(portal: Portal, claimed: Sequence[Claim]) -> dict[str, Json]:
    """Load what is closed and small of these resources; return the dict of each that
    was looked at, by its id.

    The caller holds the claims. What is large, takes long or fails, whatever the
    reason, stays closed, and is handed to the worker as if nobody had tried it.
    """
    until = time.monotonic() + SECONDS
    done: list[Claim] = []
    try:
        for claim in claimed[:MOST]:
            try:
                if _one(portal, claim.entity_id, until):
                    done.append(claim)
            except (_TooLong, PortalError, OSError):
                continue
            except Exception:
                log.exception(
                    "the file of resource %s could not be loaded within its request",
                    claim.entity_id,
                )
    finally:
        _settle(portal, done, [claim for claim in claimed if claim not in done])
    try:
        return _dicts(portal, [claim.entity_id for claim in claimed])
    except SQLAlchemyError:
        return {}  # the action's own answer, of before the loading, is true as well


def _one(portal: Portal, resource_id: str, until: float) -> bool:
    """Load the file of one resource and look at its rows; whether nothing of it is left
    to the worker.
    """

    def in_time(_rows: int) -> None:
        if time.monotonic() > until:
            raise _TooLong

    with portal.read() as uow:
        found = db.find_resource(uow.session, resource_id)
    if found is None:
        return True
    most = portal.settings.check_inline_mb * BYTES_PER_MB
    resource, dataset = found
    loads = bool(resource.file_key) and resource.file_access == WAITING
    if loads and (resource.size or 0) > most:
        return False
    if loads:
        load.load_file(portal, resource, dataset, progress=in_time)
    with portal.read() as uow:
        again = db.find_resource(uow.session, resource_id)
        current = db.current_version(uow.session, again[0]) if again else None
        older = [
            each
            for each in datastore.waiting_versions(uow.session, resource_id)
            if each is not current
        ]
    if again is None:
        return True
    if (
        current is not None
        and again[0].rows_access == WAITING
        and _bytes(current.manifest) <= most
    ):
        stored.judge(portal, resource_id, older=False)
        with portal.read() as uow:
            again = db.find_resource(uow.session, resource_id) or again
    return (loads or not resource.file_key) and not older and not _waits(again[0])


def _waits(resource: Resource) -> bool:
    return bool(resource.version_id) and resource.rows_access == WAITING


def _bytes(manifest: dict[str, object]) -> int:
    return sum(part.bytes for part in Manifest.from_dict(manifest).parts)


def _settle(portal: Portal, done: Sequence[Claim], left: Sequence[Claim]) -> None:
    """Settle what is done and hand back the rest; where the database is away, the
    claims run out by themselves.

    What the request has written is committed: it must not be told as failed for that.
    """
    try:
        with portal.work() as uow:
            outbox.settle(uow.session, done)
            outbox.release(uow.session, left, now())
            uow.commit()
    except SQLAlchemyError:
        log.exception(
            "the claims of a request could not be given back; a worker takes them "
            "over in a minute"
        )


def _dicts(portal: Portal, resource_ids: Sequence[str]) -> dict[str, Json]:
    with portal.read() as uow:
        found = [
            db.find_resource(uow.session, resource_id) for resource_id in resource_ids
        ]
        return {
            each[0].id: resource_dict(each[0], portal.settings.site_url)
            for each in found
            if each
        }
