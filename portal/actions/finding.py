"""Short lists for people who type, and resource_search; nothing in them that the caller
may not read.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import orjson
from marshmallow import Schema, fields

from portal.access.policy import Permission, labels_for, readable
from portal.actions.registry import Params, action
from portal.db import finding as db
from portal.db import people
from portal.domain.rendering import resource_dict
from portal.errors import Invalid, Unavailable
from portal.runtime import Context
from schemas.package_dict import PackageDict
from schemas.people import Query
from schemas.values import MISSING, Integer, Text
from search.backend import QueryError, SearchRequest, SearchUnavailable
from search.text.spelling import correction

MOST = 100
NEAR = 20
"""Datasets whose titles are asked how a word is spelled."""
SEARCHABLE = ("name", "url", "format", "description", "hash", "id")
"""Fields of a resource that resource_search looks into."""


class ResourceSearch(Schema):
    """Parameters of resource_search: `query` is "field:text", or a list of them that
    must all hold.
    """

    query = fields.Raw(
        required=True, error_messages={"required": MISSING, "null": MISSING}
    )
    order_by = Text(load_default=None, allow_none=True)
    limit = Integer(load_default=MOST)
    offset = Integer(load_default=0)


@action(Query, allow=Permission.ANYONE, safe=True)
def package_autocomplete(
    ctx: Context, target: object, params: Params
) -> list[dict[str, str]]:
    """Return a few datasets whose title or name holds the words of `q`, the last
    perhaps unfinished.
    """
    text = _text(params)
    request = SearchRequest(
        q=text,
        rows=_limit(params),
        labels=labels_for(ctx.actor),
        include_private=True,
        begun=True,
    )
    ctx.portal.before_search(ctx.portal, ctx.actor)
    try:
        hits = ctx.portal.search.search(request).hits
    except SearchUnavailable:
        raise Unavailable(
            "The search index cannot be reached now; try again later."
        ) from None
    return [_matched(orjson.loads(hit.payload), text) for hit in hits]


@action(Query, allow=Permission.ANYONE, safe=True)
def search_suggest(ctx: Context, target: object, params: Params) -> dict[str, Any]:
    """Return what `q` may become: `datasets` whose titles begin so and, where there are
    none, `did_you_mean`.

    The words of `did_you_mean` stand in titles that the caller may read.
    """
    text = _text(params)
    begun = SearchRequest(
        q=text, rows=_limit(params), labels=labels_for(ctx.actor), begun=True
    )
    near = replace(begun, begun=False, dismax=True, relax_below=1, rows=NEAR)
    ctx.portal.before_search(ctx.portal, ctx.actor)
    try:
        packages = [
            orjson.loads(hit.payload) for hit in ctx.portal.search.search(begun).hits
        ]
        titles = (
            []
            if packages
            else [
                orjson.loads(hit.payload)["title"]
                for hit in ctx.portal.search.search(near).hits
            ]
        )
    # What is typed so far may be no valid query yet: that is no error here.
    except QueryError:
        return {"datasets": [], "did_you_mean": None}
    except SearchUnavailable:
        raise Unavailable(
            "The search index cannot be reached now; try again later."
        ) from None
    shown = [
        {"name": package["name"], "title": package["title"]} for package in packages
    ]
    return {"datasets": shown, "did_you_mean": correction(text, titles)}


def _matched(package: PackageDict, text: str) -> dict[str, str]:
    """The dataset in CKAN's shape: what is shown, and by which field it was found."""
    by_name = text.lower() in package["name"]
    shown = package["name"] if by_name else f"{package['title']} ({package['name']})"
    return {
        "name": package["name"],
        "title": package["title"],
        "match_field": "name" if by_name else "title",
        "match_displayed": shown,
    }


@action(Query, allow=Permission.ANYONE, safe=True)
def organization_autocomplete(
    ctx: Context, target: object, params: Params
) -> list[dict[str, str]]:
    """Return a few organizations whose name or title contains `q`."""
    return _groups(ctx, params, organization=True)


@action(Query, allow=Permission.ANYONE, safe=True)
def group_autocomplete(
    ctx: Context, target: object, params: Params
) -> list[dict[str, str]]:
    """Return a few groups whose name or title contains `q`."""
    return _groups(ctx, params, organization=False)


def _groups(
    ctx: Context, params: Params, *, organization: bool
) -> list[dict[str, str]]:
    """The organizations or groups that match, in CKAN's shape."""
    found = people.list_groups(
        ctx.uow.session, organization=organization, q=params["q"]
    )
    return [
        {"id": group.id, "name": group.name, "title": group.title}
        for group in found[: _limit(params)]
    ]


@action(Query, allow=Permission.ANYONE, safe=True)
def format_autocomplete(ctx: Context, target: object, params: Params) -> list[str]:
    """Return a few formats of resources that contain `q`, in lower case."""
    return list(
        db.list_formats(
            ctx.uow.session, readable(ctx.actor), _text(params), _limit(params)
        )
    )


def _text(params: Params) -> str:
    """What was typed, as `q` or as `query`; raises Invalid for nothing."""
    text = str(params["q"] or params["query"] or "").strip()
    if not text:
        raise Invalid({"q": [MISSING]})
    return text


def _limit(params: Params) -> int:
    limit: int = params["limit"]
    return max(0, min(limit, MOST))


@action(ResourceSearch, allow=Permission.ANYONE, safe=True)
def resource_search(ctx: Context, target: object, params: Params) -> dict[str, Any]:
    """Return the resources of public datasets that match every "field:text" of `query`:
    {count, results}.
    """
    terms = [_term(text) for text in _listed(params["query"])]
    order = params["order_by"]
    if order is not None and order not in SEARCHABLE:
        raise Invalid(
            {"order_by": f'Field "{order}" not recognised in resource_search.'}
        )
    count, found = db.search_resources(
        ctx.uow.session,
        terms,
        order,
        limit=max(0, min(params["limit"], 1000)),
        offset=max(0, params["offset"]),
    )
    site_url = ctx.portal.settings.site_url
    return {
        "count": count,
        "results": [resource_dict(resource, site_url) for resource in found],
    }


def _listed(query: Any) -> list[str]:
    """The terms of a query as a list; raises Invalid for anything but texts."""
    listed = query if isinstance(query, list) else [query]
    if not listed or not all(isinstance(text, str) for text in listed):
        raise Invalid({"query": "Must be <field>:<value> pair(s)"})
    return list(listed)


def _term(text: str) -> tuple[str, str]:
    """The field and the text of one term; raises Invalid for an unknown field."""
    field, colon, value = text.partition(":")
    if not colon or not value:
        raise Invalid({"query": "Must be <field>:<value> pair(s)"})
    if field not in SEARCHABLE:
        raise Invalid({"query": f'Field "{field}" not recognised in resource_search.'})
    return field, value
