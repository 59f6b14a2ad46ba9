"""The sweep: removes what a crash left behind, what nothing names any more, and versions and activities too old."""

from __future__ import annotations

import shutil
import time
from datetime import timedelta

from portal.db import activity, datastore, searches
from portal.db import datasets as db
from portal.domain.base import now
from portal.runtime import Portal
from portal.tabular.store import Manifest

GRACE = timedelta(days=1)
"""So old must a leftover be: work under way has names in no row yet."""


def sweep(portal: Portal, grace: timedelta = GRACE) -> int:
    """Remove orphaned parts, files and work folders older than `grace`, and activities past their days; count them."""
    removed = _old_versions(portal)
    with portal.read() as uow:
        manifests = [Manifest.from_dict(body) for body in db.list_manifests(uow.session)]
        named = set(db.list_file_keys(uow.session))
    for key in portal.tables.orphans(manifests, named, older_than=grace.total_seconds()):
        portal.files.delete(key)
        removed += 1
    removed += portal.files.sweep_unfinished(grace.total_seconds())
    return removed + _work_folders(portal, grace) + _old_activities(portal) + _old_searches(portal)


def _old_versions(portal: Portal) -> int:
    """Forget versions beyond their number and their days; the current one of a table stays."""
    with portal.work() as uow:
        before = now() - timedelta(days=portal.settings.versions_days)
        removed = datastore.forget_versions(
            uow.session, datastore.superseded(uow.session, portal.settings.versions_keep, before)
        )
        uow.commit()
    return removed


def _old_activities(portal: Portal) -> int:
    if not portal.settings.activity_days:
        return 0
    with portal.work() as uow:
        removed = activity.forget_before(uow.session, now() - timedelta(days=portal.settings.activity_days))
        uow.commit()
    return removed


def _old_searches(portal: Portal) -> int:
    with portal.work() as uow:
        first = now().date() - timedelta(days=portal.settings.search_log_days)
        removed = searches.forget_before(uow.session, first)
        uow.commit()
    return removed


def _work_folders(portal: Portal, grace: timedelta) -> int:
    limit = time.time() - grace.total_seconds()
    data = portal.settings.data_dir
    found = [*(data / "work").glob("*"), *(data / "tables").glob("part-*"), *(data / "tables").glob("download-*")]
    old = [folder for folder in found if folder.stat().st_mtime < limit]
    for folder in old:
        shutil.rmtree(folder, ignore_errors=True)
    return len(old)
