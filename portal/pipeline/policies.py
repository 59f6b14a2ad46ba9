"""Policies: where a catalogue schema asks for other things of personal data, its tables
are judged anew.
"""

from __future__ import annotations

import json
import time
from collections.abc import Collection, Mapping

from portal.db import resources, site
from portal.db.holding import find_live_resource
from portal.db.uow import UnitOfWork
from portal.domain.datasets import WAITING
from portal.domain.site import TaskStatus
from portal.runtime import Portal
from schemas import catalog

PORTAL, TASK = "portal", "personal-data"
"""Under which it is noted by what the tables of a schema were judged."""
STEP_SECONDS = 0.1
"""How long one transaction closes tables: SQLite has one writer at a time, and the
others wait that long.
"""
TAGS = ("name", "type", "pd", "treatment", "consent_field", "when")


def follow(portal: Portal) -> int:
    """Close the tables of every schema whose tags have changed until they were judged
    by them; return how many.

    A new release brings new schemas; what a person declares for one resource closes it
    at once. Each transaction is short. What is noted is noted at the end, so that a
    worker that dies on the way is followed by one that does it all.
    """
    current = {table.name: _tags(table.descriptor) for table in catalog.tables()}
    with portal.read() as uow:
        noted = site.values(uow.session, PORTAL, TASK)
        changed = {
            name for name, tags in current.items() if noted.get(name, tags) != tags
        }
        pairs = resources.list_by_schema(uow.session) if changed else ()
    if noted == current:
        return 0
    closed = _close(
        portal, [key for key, schema_name in pairs if _name(schema_name) in changed]
    )
    # Schemas that are noted for the first time close nothing, and are noted with those
    # that have changed.
    news = {name: tags for name, tags in current.items() if noted.get(name) != tags}
    with portal.work() as uow:
        _note(uow, news)
        uow.commit()
    return closed


def _tags(descriptor: Mapping[str, object]) -> str:
    """The tags of a schema's fields for personal data, as a text that changes with
    them.
    """
    fields = descriptor.get("fields")
    tags = [
        {key: field.get(key) for key in TAGS}
        for field in (fields if isinstance(fields, list) else ())
        # Fields without a tag are left out: any other change of a schema closes
        # nothing.
        if str(field.get("pd") or "none") != "none"
    ]
    return json.dumps(tags, ensure_ascii=False, sort_keys=True)


def _name(schema_name: str) -> str:
    """The name of the schema that a resource calls by its name or code; empty for one
    that is not there any more.
    """
    try:
        return catalog.get(schema_name).name
    except catalog.UnknownTable:
        return ""


def _close(portal: Portal, resource_ids: Collection[str]) -> int:
    """Close resources in short transactions; return how many there still were."""
    left, closed = list(resource_ids), 0
    while left:
        began = time.monotonic()
        with portal.work() as uow:
            while left and time.monotonic() - began < STEP_SECONDS:
                closed += _close_one(portal, uow, left.pop(0))
            uow.commit()
            uow.give_way()
    return closed


def _close_one(portal: Portal, uow: UnitOfWork, resource_id: str) -> bool:
    """Close a resource until it was looked at; saving it asks for the look."""
    live = find_live_resource(uow, resource_id)
    if live is None:
        return False
    live.resource.file_access = live.resource.rows_access = WAITING
    site_url = portal.settings.site_url
    resources.save(uow, live.dataset, live.resource, site_url, quiet=True)
    return True


def _note(uow: UnitOfWork, news: Mapping[str, str]) -> None:
    """Note by which tags the tables of each schema are judged from now on."""
    for name, tags in news.items():
        task = site.find_task(uow.session, PORTAL, TASK, name)
        task = task or TaskStatus(
            entity_id=PORTAL, entity_type=PORTAL, task_type=TASK, key=name
        )
        task.value = tags
        uow.session.add(task)
