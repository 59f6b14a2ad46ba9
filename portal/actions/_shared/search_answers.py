"""Answers of package_search that are kept: the same question of the same people, while
the index and the titles are as they were.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any, NamedTuple

import orjson

from portal.access import policy
from portal.actions.registry import Params
from portal.db import people
from portal.runtime import Context
from search.backend import SearchRequest, SearchUnavailable

PARSED = 3
"""How many times its length as JSON a parsed dataset takes in memory, about."""
ROOM = "search_answers"
"""The room of the cache that keeps them."""
TITLED = ("organization", "groups")
"""Facets whose values people know under a title, which stands in the database."""
Titles = dict[str, dict[str, str]]


class SearchAnswer(NamedTuple):
    """What package_search answers, and what is noted of it.

    `titles` are those of organizations and groups that stand in the answer, by facet
    and name. `question` is how the search log counts it, None where it does not.
    """

    answer: dict[str, Any]
    titles: Titles
    question: str | None
    relaxed: bool
    size: int


def key_of(ctx: Context, params: Params) -> Hashable | None:
    """Everything that an answer depends on but titles and time; None where that is not
    known.

    The state of the index is read before the search: whatever is written meanwhile can
    only make an answer newer than its key says.
    """
    try:
        state = ctx.portal.search.state()
        question = orjson.dumps(params, option=orjson.OPT_SORT_KEYS)
    except (SearchUnavailable, TypeError):
        # The search itself says what is wrong with the index, or with a parameter.
        return None
    if state is None:
        return None
    # What is relaxed, how many rows there may be and where links lead stands in the
    # settings, which stay as they are for as long as a process lives.
    return state, policy.labels_for(ctx.actor), question


def find(ctx: Context, key: Hashable | None) -> SearchAnswer | None:
    """The answer that is kept, unless an organization or group is called otherwise
    now.
    """
    if key is None:
        return None
    answer = ctx.portal.cache.room(ROOM, _size).find(key)
    if answer is None or (answer.titles and not _has_right_titles(ctx, answer.titles)):
        return None
    return answer


def put(ctx: Context, key: Hashable | None, answer: SearchAnswer) -> None:
    """Keep an answer."""
    if key is not None:
        ctx.portal.cache.room(ROOM, _size).put(key, answer)


def depends_on_time(request: SearchRequest) -> bool:
    """Whether the answer may be another one in a moment: dates may be counted from NOW.

    A backslash can hide the word, and a title may hold it: such an answer is made anew,
    which is slower and never wrong.
    """
    texts = (request.q, *request.fq)
    return any("NOW" in text.upper() or "\\" in text for text in texts)


def titles_of(ctx: Context, field: str, names: list[str]) -> dict[str, str]:
    """What organizations or groups are called now, by name."""
    return people.titles(ctx.portal.engine, names, organization=field == "organization")


def weigh(answer: dict[str, Any], *, parsed: bool) -> int:
    """Bytes that an answer takes; `parsed` tells that its datasets are dicts."""
    return len(orjson.dumps(answer)) * (PARSED if parsed else 1)


def _size(answer: SearchAnswer) -> int:
    return answer.size


def _has_right_titles(ctx: Context, titles: Titles) -> bool:
    for field, by_name in titles.items():
        if titles_of(ctx, field, list(by_name)) != by_name:
            return False
    return True
