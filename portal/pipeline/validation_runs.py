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
from portal.pipeline import load, outbox_leases, stored
from portal.runtime import Portal

CHANGED = "the resource was changed or deleted before it could be checked"


def drain(portal: Portal, stop: threading.Event | None = None) -> int:
    """Do every run that waits; return how many were brought to an end."""

    def report(uow: UnitOfWork, run_id: str, error: str) -> None:
        _end(portal, uow, run_id, f"given up: {error}")

    def work(run_id: str) -> None:
        _do(portal, run_id)

    return outbox_leases.work_off(portal, VALIDATE, work, report, stop)


def _do(portal: Portal, run_id: str) -> None:
    """Bring one run to its end; its state is told at every step."""
    trouble = ""
    try:
        _run(portal, run_id)
    except Unavailable:
        # No fault of the file: the row is put back, and the run goes on later.
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
    run.error = error or CHANGED
    live = find_live_resource(uow, run.resource_id or "")
    if live is not None:
        live.resource.validation_status = ERROR
        live.resource.validation_timestamp = run.finished
        site_url = portal.settings.site_url
        resources.save(uow, live.dataset, live.resource, site_url, quiet=True)


def _run(portal: Portal, run_id: str) -> None:
    """Note that a run has begun, then check its resource; nothing for a run that has
    ended.
    """
    with portal.work() as uow:
        run = uow.session.get(ValidationReport, run_id)
        if run is None or run.finished is not None:
            return
        live = find_live_resource(uow, run.resource_id or "")
        run.status = RUNNING
        if live is not None:
            live.resource.validation_status = RUNNING
            site_url = portal.settings.site_url
            resources.save(uow, live.dataset, live.resource, site_url, quiet=True)
        # Before the work begins: who asked sees that it runs, and the dataset is free
        # for others meanwhile.
        uow.commit()
    if live is None:
        return
    # The file where there is one: what was stored of it may lack rows that the file
    # has.
    if live.resource.file_key:
        load.load_resource(portal, live.resource.id, run_id)
    elif live.resource.version_id is not None:
        stored.recheck(portal, live.resource.id, run_id)
