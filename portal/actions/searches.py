"""What was searched for: search_log_list, for stewards who mend titles and synonyms."""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta
from typing import Any

from marshmallow import Schema, fields

from portal.access.policy import Permission
from portal.actions.registry import Params, action
from portal.db import searches as db
from portal.domain.base import now
from portal.runtime import Context
from schemas.values import Integer

MOST = 1000


class SearchLogList(Schema):
    """Parameters of search_log_list: today and the days before it."""

    days = Integer(load_default=7, low=1, high=3660)
    only_empty = fields.Boolean(load_default=False)
    limit = Integer(load_default=100, low=1, high=MOST)


@action(SearchLogList, allow=Permission.SYSADMIN, safe=True)
def search_log_list(
    ctx: Context, target: object, params: Params
) -> list[dict[str, Any]]:
    """Return what was searched for in the last `days`, the most asked first: {query,
    searches, empty, relaxed}.

    `only_empty` chooses what found nothing. Nothing is known about who asked.
    """
    since = now().date() - timedelta(days=params["days"] - 1)
    found = db.list_asked(
        ctx.uow.session, since, params["limit"], only_empty=params["only_empty"]
    )
    return [asdict(asked) for asked in found]
