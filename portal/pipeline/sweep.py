"""The sweep: removes what a crash left behind, what nothing names any more, and
versions and activities too old.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import timedelta

from portal.db import activity, datastore, searches
from portal.db import datasets as db
from portal.domain.base import now
from portal.domain.events import FORGET
from portal.pipeline import outbox_leases
from portal.runtime import Portal
from portal.tabular.derived import remove_older
from portal.tabular.store import Manifest

GRACE = timedelta(days=1)
"""So old must a leftover be: work under way has names in no row yet."""
log = logging.getLogger(__name__)


def sweep(portal: Portal, grace: timedelta = GRACE) -> int:
    """Remove orphaned files, copies and work folders older than `grace`, and activities
    past their days; count them.

    A step that fails is logged and holds up no other; the next sweep does it again.
    """
    seconds = grace.total_seconds()
    work = portal.settings.data_dir / "work"
    derived = portal.tables.derived
    # Versions first: what only they named are orphans for the steps behind.
    steps: tuple[Callable[[], int], ...] = (
        lambda: _old_versions(portal),
        lambda: _orphans(portal, seconds),
        lambda: portal.files.sweep_unfinished(seconds),
        # A function: the store asks for the names after it has listed its copies, so
        # that one that is made in between is named.
        lambda: derived.sweep(lambda: _fingerprints(portal)),
        lambda: derived.sweep_scratch(seconds),
        lambda: remove_older(work.glob("*"), time.time() - seconds),
        lambda: _old_activities(portal),
        lambda: _old_searches(portal),
    )
    return sum(map(_step, steps))


def _step(step: Callable[[], int]) -> int:
    """How many things a step removed; 0 where it failed, with its reason in the log."""
    try:
        return step()
    except Exception:
        log.exception("a step of the sweep failed; the next sweep does it again")
        return 0


def forget(portal: Portal) -> int:
    """Remove the copies of rows that were purged or withdrawn, on this machine, as soon
    as that is committed.
    """

    def work(fingerprint: str) -> None:
        with portal.read() as uow:
            shown = datastore.is_current(uow.session, fingerprint)
        if not shown:  # else the same rows are those of another table
            portal.tables.derived.forget(fingerprint)

    return outbox_leases.work_off(portal, FORGET, work)


def _orphans(portal: Portal, grace: float) -> int:
    """Remove blobs that nothing names. They are listed first and asked for then, so
    that what is named meanwhile stays; what is stored again meanwhile has a new age,
    which is looked at last.
    """
    old = list(portal.files.keys(grace))
    named: set[str] = set()
    with portal.read() as uow:
        for body in db.list_manifests(uow.session):
            named.update(Manifest.from_dict(body).keys)
        named.update(db.list_file_keys(uow.session))
    orphans = [key for key in old if key not in named]
    removed = portal.files.remove_old(orphans, grace)
    return removed + portal.files.sweep_copies(named, grace)


def _fingerprints(portal: Portal) -> set[str]:
    with portal.read() as uow:
        return set(datastore.list_fingerprints(uow.session))


def _old_versions(portal: Portal) -> int:
    """Forget versions beyond their number and their days; the current one of a table
    stays.
    """
    before = now() - timedelta(days=portal.settings.versions_days)
    most = portal.settings.versions_keep
    with portal.work() as uow:
        versions = datastore.superseded(uow.session, most, before)
        removed = datastore.forget_versions(uow.session, versions)
        uow.commit()
    return removed


def _old_activities(portal: Portal) -> int:
    """Forget activities past PORTAL_ACTIVITY_DAYS; 0 days keep them all."""
    days = portal.settings.activity_days
    if not days:
        return 0
    before = now() - timedelta(days=days)
    with portal.work() as uow:
        removed = activity.forget_before(uow.session, before)
        uow.commit()
    return removed


def _old_searches(portal: Portal) -> int:
    """Forget counts of questions past PORTAL_SEARCH_LOG_DAYS."""
    with portal.work() as uow:
        first = now().date() - timedelta(days=portal.settings.search_log_days)
        removed = searches.forget_before(uow.session, first)
        uow.commit()
    return removed
