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
from portal.db.outbox import LeasedRow
from portal.domain.base import now
from portal.domain.datasets import WAITING, Resource
from portal.domain.rendering import resource_dict
from portal.errors import PortalError
from portal.pipeline import load, stored
from portal.runtime import Portal
from portal.tabular.store import Manifest
from schemas.package_dict import ResourceDict
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


def look(portal: Portal, claimed: Sequence[LeasedRow]) -> dict[str, ResourceDict]:
    """Load what is closed and small of these resources; return the dict of each that
    was looked at, by its id.

    The caller holds the claims. What is large, takes long or fails, whatever the
    reason, stays closed, and is handed to the worker as if nobody had tried it.
    """
    until = time.monotonic() + SECONDS
    done: list[LeasedRow] = []
    try:
        for claim in claimed[:MOST]:
            try:
                if _one(portal, claim.entity_id, until):
                    done.append(claim)
            # Not logged: the worker meets the same, and writes it down where people
            # look.
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
        pair = db.find_resource(uow.session, resource_id)
    if pair is None:
        return True
    resource, dataset = pair
    most = portal.settings.check_inline_mb * BYTES_PER_MB
    file_waits = bool(resource.file_key) and resource.file_access == WAITING
    if file_waits:
        if (resource.size or 0) > most:
            return False
        load.load_file(portal, resource, dataset, progress=in_time)
    # Read again: loading may have made a new version.
    with portal.read() as uow:
        pair = db.find_resource(uow.session, resource_id)
        current = db.current_version(uow.session, pair[0]) if pair else None
        waiting = datastore.waiting_versions(uow.session, resource_id)
        older = [version for version in waiting if version is not current]
    if pair is None:
        return True
    resource, _ = pair
    small = current is not None and _bytes(current.manifest) <= most
    if small and resource.rows_access == WAITING:
        # The request waits for the current rows alone; older versions are the worker's.
        stored.recheck(portal, resource_id, older=False)
        with portal.read() as uow:
            pair = db.find_resource(uow.session, resource_id) or pair
        resource, _ = pair
    # A file that is open already is in no hurry: its row is left to the worker.
    file_is_done = file_waits or not resource.file_key
    return file_is_done and not older and not _waits(resource)


def _waits(resource: Resource) -> bool:
    return bool(resource.version_id) and resource.rows_access == WAITING


def _bytes(manifest: dict[str, object]) -> int:
    return sum(part.bytes for part in Manifest.from_dict(manifest).parts)


def _settle(
    portal: Portal, done: Sequence[LeasedRow], left: Sequence[LeasedRow]
) -> None:
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


def _dicts(portal: Portal, resource_ids: Sequence[str]) -> dict[str, ResourceDict]:
    """The dicts of these resources as they are now, by id; those that are gone are left
    out.
    """
    site_url = portal.settings.site_url
    dicts = {}
    with portal.read() as uow:
        for resource_id in resource_ids:
            pair = db.find_resource(uow.session, resource_id)
            if pair is not None:
                dicts[pair[0].id] = resource_dict(pair[0], site_url)
    return dicts
