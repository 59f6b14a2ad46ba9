"""Tags: only those that stand on a dataset which the caller may read."""

from __future__ import annotations

from typing import Any

import orjson

from portal.access.policy import Permission, readable
from portal.actions.registry import Params, action
from portal.db import tags as db
from portal.db import vocabularies
from portal.domain.rendering import tag_dict
from portal.errors import Invalid, NotFound
from portal.runtime import Context
from schemas.people import Query, TagShow
from schemas.values import MISSING

MOST = 1000


@action(Query, allow=Permission.ANYONE, safe=True)
def tag_list(ctx: Context, target: object, params: Params) -> list[Any]:
    """Return the names of the tags in use, or their dicts with `all_fields`; `query` is
    part of a name.

    With `vocabulary_id` they are the tags of that vocabulary, in use or not.
    """
    text = params["query"] or params["q"]
    if params["vocabulary_id"]:
        vocabulary = vocabularies.get(ctx.uow.session, params["vocabulary_id"])
        held = vocabularies.tags_of(ctx.uow.session, vocabulary.id)
        found = [tag for tag in held if not text or text.lower() in tag.name.lower()]
    elif not params["all_fields"]:
        return list(db.list_names(ctx.uow.session, readable(ctx.actor), text, None))
    else:
        found = list(db.list_tags(ctx.uow.session, readable(ctx.actor), text))
    return (
        [tag_dict(tag) for tag in found]
        if params["all_fields"]
        else [tag.name for tag in found]
    )


@action(Query, allow=Permission.ANYONE, safe=True)
def tag_search(ctx: Context, target: object, params: Params) -> dict[str, Any]:
    """Return the tags whose names contain `query`, with their count; `limit` and
    `offset` page.
    """
    text = params["query"] or params["q"]
    if not text:
        raise Invalid({"query": [MISSING]})
    found = db.list_tags(ctx.uow.session, readable(ctx.actor), text)
    start, limit = max(0, params["offset"]), max(0, min(params["limit"], MOST))
    return {
        "count": len(found),
        "results": [tag_dict(tag) for tag in found[start : start + limit]],
    }


@action(Query, allow=Permission.ANYONE, safe=True)
def tag_autocomplete(ctx: Context, target: object, params: Params) -> list[str]:
    """Return a few tag names that contain `q`."""
    text = params["q"] or params["query"]
    if not text:
        raise Invalid({"q": [MISSING]})
    limit = max(0, min(params["limit"], MOST))
    return list(db.list_names(ctx.uow.session, readable(ctx.actor), text, limit))


@action(TagShow, allow=Permission.ANYONE, safe=True)
def tag_show(ctx: Context, target: object, params: Params) -> dict[str, Any]:
    """Return the tag `id` (its name or id) and, with `include_datasets`, the datasets
    that carry it.
    """
    if params["vocabulary_id"]:
        vocabulary = vocabularies.get(ctx.uow.session, params["vocabulary_id"])
        tag = vocabularies.find_tag(ctx.uow.session, params["id"], vocabulary.id)
    else:
        tag = db.find_tag(ctx.uow.session, readable(ctx.actor), params["id"])
    if tag is None:
        raise NotFound("Not found: Tag was not found.")
    answer: dict[str, Any] = {**tag_dict(tag)}
    if params["include_datasets"]:
        bodies = db.list_rendered(ctx.uow.session, readable(ctx.actor), tag.id, MOST)
        answer["packages"] = [orjson.Fragment(body) for body in bodies]
    return answer
