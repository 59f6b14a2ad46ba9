"""Validation runs: what somebody asked to be checked again is checked by a worker,
whatever happens to it meanwhile.
"""

from __future__ import annotations

import threading

from portal.db import resources
from portal.db.holding import find_live_resource
from portal.db.uow import UnitOfWork
from portal.domain.base import now
from portal.domain.datasets import ERROR, RUNNING, ValidationReport
from portal.domain.events import VALIDATE
from portal.errors import PortalError, Unavailable
from portal.pipeline import claims, load, stored
from portal.runtime import Portal


def drain(portal: Portal, stop: threading.Event | None = None) -> int:
    """Do every run that waits; return how many were brought to an end."""

    def report(uow: UnitOfWork, run_id: str, error: str) -> None:
        _end(portal, uow, run_id, f"given up: {error}")

    return claims.work_off(
        portal, VALIDATE, lambda run_id: _do(portal, run_id), report, stop
    )


def _do(portal: Portal, run_id: str) -> None:
    """Bring one run to its end; its state is told at every step."""
    trouble = ""
    try:
        _run(portal, run_id)
    except Unavailable:
        raise
    except PortalError as problem:
        trouble = problem.message
    with portal.work() as uow:
        _end(portal, uow, run_id, trouble)
        uow.commit()


def _end(portal: Portal, uow: UnitOfWork, run_id: str, error: str) -> None:
    """A run without a verdict says why it has none."""
    run = uow.session.get(ValidationReport, run_id)
    if run is None or run.finished is not None:
        return
    run.status, run.finished = ERROR, now()
    run.error = (
        error or "the resource was changed or deleted before it could be checked"
    )
    found = find_live_resource(uow, run.resource_id or "")
    if found is not None:
        found.resource.validation_status, found.resource.validation_timestamp = (
            ERROR,
            run.finished,
        )
        resources.save(
            uow, found.dataset, found.resource, portal.settings.site_url, quiet=True
        )


def _run(portal: Portal, run_id: str) -> None:
    with portal.work() as uow:
        run = uow.session.get(ValidationReport, run_id)
        if run is None or run.finished is not None:
            return
        found = find_live_resource(uow, run.resource_id or "")
        run.status = RUNNING
        if found is not None:
            found.resource.validation_status = RUNNING
            resources.save(
                uow, found.dataset, found.resource, portal.settings.site_url, quiet=True
            )
        uow.commit()
    if found is None:
        return
    if found.resource.file_key:
        load.load(portal, found.resource.id, run_id)
    elif found.resource.version_id is not None:
        stored.judge(portal, found.resource.id, run_id)
