"""Searching datasets: package_search."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from i18n import Message
from portal.access import policy
from portal.access.policy import Permission
from portal.actions._shared import search_answers
from portal.actions._shared.search_answers import TITLED, SearchAnswer, Titles
from portal.actions.registry import Check, Params, action
from portal.errors import Invalid, SearchProblem, SearchQueryProblem, Unavailable
from portal.runtime import Context
from schemas import bounds
from schemas.search import SearchParams, unknown_parameters
from schemas.vocabularies import LICENCE_BY_ID
from search.backend import (
    QueryError,
    SearchBackend,
    SearchRequest,
    SearchResult,
    SearchUnavailable,
)
from search.planning.highlight import FIELDS, Style, highlight
from search.steps import Step

LICENCE_TITLES = {id_: licence.title for id_, licence in LICENCE_BY_ID.items()}
LONGEST_MARK = 200
LONGEST_FILTERS, MOST_FILTERS = 100_000, 100
MOST_FACETS, LONGEST_SORT = 50, 1000
"""Bounds of one search, beside the index's own on each query."""
MOST_SHOWN = 10_000
"""Characters of a highlighted piece, and pieces of a field, whatever is asked for."""


def shown_index(ctx: Context, params: Params) -> SearchBackend:
    """The index that is searched. Raises SearchQueryProblem for parameters that no
    search takes: CKAN answers them with 400, not with 409.
    """
    unknown = unknown_parameters(params)
    if unknown:
        names = ", ".join(repr(name) for name in unknown)
        raise SearchQueryProblem(
            f"Search Query is invalid: Invalid search parameters: [{names}]"
        )
    return ctx.portal.search


@action(
    SearchParams,
    allow=Permission.ANYONE,
    on=shown_index,
    safe=True,
    check=Check.AUTHORISED,
)
def package_search(
    ctx: Context, index: SearchBackend, params: Params
) -> dict[str, Any]:
    """Search datasets. `q` and `fq` speak Lucene; `rows`, `start`, `sort` page;
    `facet.field` counts values.

    "benh vien" finds "bệnh viện"; a query with diacritics ranks exact spellings first.
    When free text finds nothing, it is asked again in relaxed steps, and `relaxed` in
    the answer names the one that found something. With `hl` the answer has
    `highlighting`: by id, what stands in the datasets' texts, HTML-escaped, with the
    finds marked.
    """
    ctx.portal.before_search(ctx.portal, ctx.actor)
    key = search_answers.key_of(ctx, params)
    found = search_answers.find(ctx, key)
    if found is None:
        request = _request(ctx, params)
        found = _searched(ctx, index, params, request)
        if not search_answers.depends_on_time(request):
            search_answers.put(ctx, key, found)
    ctx.portal.searches.count(
        found.question, found.answer["count"], relaxed=found.relaxed
    )
    # Who gets it may change it: what is kept stays as it is.
    return {**found.answer, "results": list(found.answer["results"])}


def _searched(
    ctx: Context, index: SearchBackend, params: Params, request: SearchRequest
) -> SearchAnswer:
    """The answer of the index, with titles and highlights; raises what CKAN does."""
    shown = _highlights(params) if request.tell_wanted else None
    try:
        result = index.search(request)
    except QueryError as error:
        # CKAN answers a bad sort or parameter with 400, and a bad query with 409.
        raise (SearchQueryProblem if error.kind == "query" else SearchProblem)(
            str(error)
        ) from None
    except SearchUnavailable:
        raise Unavailable(
            "The search index cannot be reached now; try again later."
        ) from None
    # Titles stand in the database, as an organization may be renamed after it was
    # indexed.
    titles = {
        field: search_answers.titles_of(ctx, field, [name for name, _ in pairs])
        for field, pairs in result.facets.items()
        if field in TITLED
    }
    answer = _answer(result, params["fl"], titles)
    if shown and result.wanted:
        packages = ((hit.id, orjson.loads(hit.payload)) for hit in result.hits)
        answer["highlighting"] = {
            key: highlight(package, result.wanted, *shown) for key, package in packages
        }
    # Counted is what people type, not how they narrow it down or turn pages.
    is_first = not request.fq and not request.start
    return SearchAnswer(
        answer,
        titles,
        ctx.portal.searches.question_of(request.q) if is_first else None,
        result.step is not Step.ALL_WORDS,
        search_answers.weigh(answer, parsed=bool(params["fl"])),
    )


def _request(ctx: Context, params: Params) -> SearchRequest:
    """The search that the parameters ask for; raises Invalid beyond its bounds."""
    fields = params["facet_field"]
    filters = tuple(text for text in (*params["fq"], *params["fq_list"]) if text)
    too_many = Message("At most {limit} filters")
    _refuse_much("fq", len(filters), MOST_FILTERS, too_many)
    _refuse_much(
        "fq",
        sum(map(len, filters)),
        LONGEST_FILTERS,
        Message("At most {limit} characters"),
    )
    _refuse_much(
        "facet.field", len(fields), MOST_FACETS, Message("At most {limit} fields")
    )
    _refuse_much(
        "sort",
        len(params["sort"]),
        LONGEST_SORT,
        Message("At most {limit} characters"),
    )
    return SearchRequest(
        q=_query(params["q"]),
        fq=filters,
        sort=params["sort"] or None,
        rows=min(params["rows"], ctx.portal.settings.rows_max),
        start=params["start"],
        facet_fields=tuple(fields) if params["facet"] else (),
        facet_limit=params["facet_limit"],
        facet_mincount=params["facet_mincount"],
        labels=policy.labels_for(ctx.actor),
        include_private=bool(params["include_private"]),
        include_drafts=bool(params["include_drafts"]),
        include_deleted=bool(params["include_deleted"]),
        dismax=None,
        relax_below=ctx.portal.settings.search_relax_below,
        tell_wanted=bool(params["hl"]),
    )


def _refuse_much(name: str, count: int, most: int, refusal: Message) -> None:
    if count > most:
        raise Invalid({name: bounds.told(refusal.filled(limit=most))})


def _highlights(params: Params) -> tuple[list[str], Style]:
    """Which fields are highlighted, and how; the parameters are called as Solr calls
    them.
    """
    fields = params["hl_fl"]
    unknown = [name for name in fields if name not in FIELDS]
    if unknown:
        raise Invalid(
            {
                "hl.fl": [
                    f"Cannot highlight {unknown[0][:60]!r}. Fields: {', '.join(FIELDS)}"
                ]
            }
        )
    before, after = params["hl_simple_pre"], params["hl_simple_post"]
    if max(len(before), len(after)) > LONGEST_MARK:
        raise Invalid(
            {"hl.simple.pre": [f"A mark has at most {LONGEST_MARK} characters"]}
        )
    length = min(params["hl_fragsize"], MOST_SHOWN)
    pieces = min(params["hl_snippets"], MOST_SHOWN)
    return fields or list(FIELDS), Style(before, after, length, pieces)


def _query(q: str) -> str:
    """The query; quotes around nothing ask for everything, as nothing does."""
    text = q.strip()
    return "*:*" if text in ("", '""', "''") else text


def _answer(result: SearchResult, fl: list[str], titles: Titles) -> dict[str, Any]:
    """The answer in CKAN's shape; `fl` narrows each dataset to some of its fields."""
    # The index keeps package dicts as JSON: they go out as they are, unparsed.
    results: list[Any] = [orjson.Fragment(hit.payload) for hit in result.hits]
    if fl:
        loaded = (orjson.loads(hit.payload) for hit in result.hits)
        results = [
            {name: package[name] for name in fl if name in package}
            for package in loaded
        ]
    return {
        "count": result.count,
        "facets": {field: dict(pairs) for field, pairs in result.facets.items()},
        "results": results,
        "sort": result.sort,
        "search_facets": {
            field: _facet(field, pairs, _titles(field, titles))
            for field, pairs in result.facets.items()
        },
        **({} if result.step is Step.ALL_WORDS else {"relaxed": result.step.value}),
    }


def _facet(
    field: str, pairs: tuple[tuple[str, int], ...], titles: Mapping[str, str]
) -> dict[str, Any]:
    """One facet in CKAN's shape, sorted as CKAN does, backwards by display name."""
    items = [
        {"name": name, "display_name": titles.get(name, name), "count": count}
        for name, count in pairs
    ]
    return {
        "title": field,
        "items": sorted(
            items, key=lambda item: str(item["display_name"]), reverse=True
        ),
    }


def _titles(field: str, titles: Titles) -> Mapping[str, str]:
    """What people call the values of a facet, as far as they have another name."""
    return LICENCE_TITLES if field == "license_id" else titles.get(field, {})
