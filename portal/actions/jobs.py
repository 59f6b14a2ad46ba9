"""What the portal still has to do in the background, as CKAN's job actions tell of
it.
"""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields

from portal.access.policy import Permission
from portal.actions.registry import Params, action
from portal.db import outbox as db
from portal.domain.base import now, stamp
from portal.domain.events import OutboxRow
from portal.errors import NotFound
from portal.runtime import Context
from schemas.datasets import ById
from schemas.values import Integer

MOST = 1000


class JobList(Schema):
    """Parameters of job_list: `queues` are topics of the outbox."""

    queues = fields.Raw(load_default=None, allow_none=True)
    limit = Integer(load_default=MOST)


@action(JobList, allow=Permission.SYSADMIN, safe=True)
def job_list(ctx: Context, target: object, params: Params) -> list[dict[str, Any]]:
    """Return what is still to be done (index, load, publish), the oldest first;
    `queues` chooses topics.
    """
    wanted = params["queues"]
    listed = wanted if isinstance(wanted, list) else [wanted]
    topics = [str(each) for each in listed if each] or None
    rows = db.list_rows(ctx.uow.session, topics, max(0, min(params["limit"], MOST)))
    return [_describe(row) for row in rows]


@action(ById, allow=Permission.SYSADMIN, safe=True)
def job_show(ctx: Context, target: object, params: Params) -> dict[str, Any]:
    """Return one job of job_list by its `id`; one that is done exists no more."""
    key = params["id"]
    row = (
        # Ids are 64-bit: a longer number would be an error of the database.
        db.find(ctx.uow.session, int(key)) if key.isdigit() and len(key) < 19 else None
    )
    if row is None:
        raise NotFound("Not found")
    return _describe(row)


def _describe(row: OutboxRow) -> dict[str, Any]:
    """The row in the shape of CKAN's jobs; after a failure it is `scheduled`."""
    waits = row.attempts > 0 and row.due > now()
    return {
        "id": str(row.id),
        "title": f"{row.topic} {row.entity_id}",
        "queue": row.topic,
        "status": "scheduled" if waits else "queued",
        "created": stamp(row.created),
        "attempts": row.attempts,
        "due": stamp(row.due),
    }
