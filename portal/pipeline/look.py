"""A look within the request: what is small is judged at once, so that a client may fetch what it has just sent."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable

from portal.db import datasets as db
from portal.db import resources
from portal.db.holding import find_live_resource
from portal.domain.datasets import HELD, WAITING, Dataset, Resource
from portal.errors import PortalError
from portal.pipeline import gate, load, stored
from portal.pipeline.store import Decision, Prepared
from portal.runtime import Portal
from portal.tabular.store import Manifest

SECONDS = 10.0
"""So long a look may take within a request; what takes longer waits for the worker."""
MOST = 20
"""So many files of one request are looked at within it."""
BYTES_PER_MB = 1024 * 1024
log = logging.getLogger(__name__)


class _TooLong(Exception):
    """The time of the request is over."""


def look(portal: Portal, resource_ids: Iterable[str]) -> dict[str, str | None]:
    """Judge what is closed and small of these resources; return the state of each that was judged.

    Nothing is stored but the verdict: rows are the worker's to load, and it judges everything once more. What
    could not be judged, whatever the reason, stays closed and waits for it.
    """
    until = time.monotonic() + SECONDS
    states: dict[str, str | None] = {}
    for resource_id in list(resource_ids)[:MOST]:
        try:
            states[resource_id] = _one(portal, resource_id, until)
        except (_TooLong, PortalError, OSError):
            continue
        except Exception:
            log.exception("the file of resource %s could not be looked at within its request", resource_id)
    return {key: state for key, state in states.items() if state is not None}


def _one(portal: Portal, resource_id: str, until: float) -> str | None:
    with portal.read() as uow:
        found = db.find_resource(uow.session, resource_id)
        current = db.current_version(uow.session, found[0]) if found else None
    most = portal.settings.check_inline_mb * BYTES_PER_MB
    if found is None or not found[0].waits:
        return None
    state = None
    if found[0].file_key and found[0].file_access == WAITING and (found[0].size or 0) <= most:
        state = _file(portal, *found, until)
    if current is not None and found[0].rows_access == WAITING and _bytes(current.manifest) <= most:
        stored.judge(portal, resource_id, older=False)  # who asks for those can wait for the worker
    with portal.read() as uow:
        again = db.find_resource(uow.session, resource_id)
    return again[0].access if again else state


def _bytes(manifest: dict[str, object]) -> int:
    return sum(part.bytes for part in Manifest.from_dict(manifest).parts)


def _file(portal: Portal, resource: Resource, dataset: Dataset, until: float) -> str | None:
    def in_time(_rows: int) -> None:
        if time.monotonic() > until:
            raise _TooLong

    checked = load.checked_file(portal, resource, dataset, in_time)
    rule = gate.rule_for(portal, dataset, resource.id, resource.file_key or "")
    persons = checked.persons(gate.released(checked, rule))
    if checked.report is None or checked.report.valid:
        state = Prepared(checked, decision=Decision("valid", published=True, columns=rule.columns)).file_state
    else:
        state = HELD if persons else WAITING  # what is wrong in another way is for the policy to judge
    if state != WAITING:
        _keep(portal, resource, state, public=dataset.is_open)
    return state


def _keep(portal: Portal, resource: Resource, state: str, *, public: bool) -> None:
    with portal.work() as uow:
        again = find_live_resource(uow, resource.id)
        if again is None or again.resource.basis != resource.basis or again.resource.file_access != WAITING:
            return  # changed, or judged by a worker, in the meantime
        if again.dataset.is_open == public:
            again.resource.file_access = state
            resources.save(uow, again.dataset, again.resource, portal.settings.site_url, quiet=True)
            uow.commit()
