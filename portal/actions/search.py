"""Searching datasets: package_search."""

from __future__ import annotations

from typing import Any

import orjson

from i18n import Message
from portal.access import policy
from portal.access.policy import Permission
from portal.actions.registry import Params, action
from portal.db import people
from portal.errors import Invalid, SearchProblem, SearchQueryProblem, Unavailable
from portal.runtime import Context
from schemas import bounds
from schemas.datasets import AnyParams
from schemas.search import SearchParams, flag, natural, unknown_parameters, words
from schemas.vocabularies import LICENCE_BY_ID
from search.backend import QueryError, SearchRequest, SearchResult, SearchUnavailable
from search.planning.highlight import FIELDS, Style, highlight
from search.steps import Step

DEFAULT_ROWS, DEFAULT_FACET_LIMIT = 10, 50
UNLIMITED = 100_000
MARKS, LONGEST_MARK = ("<mark>", "</mark>"), 200
LONGEST_FILTERS, MOST_FILTERS = 100_000, 100
MOST_FACETS, LONGEST_SORT = 50, 1000
"""Bounds of one search, beside the index's own on each query."""
MOST_SHOWN = 10_000
"""Characters of a highlighted piece, and pieces of a field, whatever is asked for."""


@action(AnyParams, allow=Permission.ANYONE, safe=True, shape=SearchParams)
def package_search(ctx: Context, target: object, params: Params) -> dict[str, Any]:
    """Search datasets. `q` and `fq` speak Lucene; `rows`, `start`, `sort` page;
    `facet.field` counts values.

    "benh vien" finds "bệnh viện"; a query with diacritics ranks exact spellings first.
    When free text finds nothing, it is asked again in relaxed steps, and `relaxed` in
    the answer names the one that found something. With `hl` the answer has
    `highlighting`: by id, what stands in the datasets' texts, HTML-escaped, with the
    finds marked.
    """
    request = _request(ctx, params)
    shown = _highlights(params) if request.tell_wanted else None
    ctx.portal.before_search(ctx.portal, ctx.actor)
    try:
        result = ctx.portal.search.search(request)
    except QueryError as error:
        raise (SearchQueryProblem if error.kind == "query" else SearchProblem)(
            str(error)
        ) from None
    except SearchUnavailable:
        raise Unavailable(
            "The search index cannot be reached now; try again later."
        ) from None
    if not request.fq and not request.start:
        ctx.portal.searches.note(
            request.q, result.count, relaxed=result.step is not Step.ALL_WORDS
        )
    answer = _answer(ctx, result, words(params.get("fl")) or [])
    if shown and result.wanted:
        packages = ((hit.id, orjson.loads(hit.payload)) for hit in result.hits)
        answer["highlighting"] = {
            key: highlight(package, result.wanted, *shown) for key, package in packages
        }
    return answer


def _request(ctx: Context, params: Params) -> SearchRequest:
    strangers = unknown_parameters(params)
    if strangers:
        listed = ", ".join(repr(name) for name in strangers)
        raise SearchQueryProblem(
            f"Search Query is invalid: Invalid search parameters: [{listed}]"
        )
    numbers = _numbers(ctx, params)
    fields = _facet_fields(params)
    filters = tuple(
        text for text in (*_texts(params.get("fq")), *_fq_list(params)) if text
    )
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
        len(str(params.get("sort") or "")),
        LONGEST_SORT,
        Message("At most {limit} characters"),
    )
    return SearchRequest(
        q=_query(params.get("q")),
        fq=filters,
        sort=str(params.get("sort") or "") or None,
        rows=numbers["rows"],
        start=numbers["start"],
        facet_fields=tuple(fields) if flag(params.get("facet", True)) else (),
        facet_limit=numbers["facet.limit"],
        facet_mincount=numbers["facet.mincount"],
        labels=policy.labels_for(ctx.actor),
        include_private=flag(params.get("include_private")),
        include_drafts=flag(params.get("include_drafts")),
        include_deleted=flag(params.get("include_deleted")),
        dismax=None,
        relax_below=ctx.portal.settings.search_relax_below,
        tell_wanted=flag(params.get("hl")),
    )


def _refuse_much(name: str, count: int, most: int, refusal: Message) -> None:
    if count > most:
        raise Invalid({name: bounds.told(refusal.filled(limit=most))})


def _highlights(params: Params) -> tuple[list[str], Style]:
    """Which fields are highlighted, and how; the parameters are called as Solr calls
    them.
    """
    fields = words(params.get("hl.fl"))
    if fields is None:  # Solr's own form: names between commas or blanks
        fields = str(params["hl.fl"]).replace(",", " ").split()
    strangers = [name for name in fields if name not in FIELDS]
    if strangers:
        raise Invalid(
            {
                "hl.fl": [
                    f"Cannot highlight {strangers[0][:60]!r}. Fields: "
                    f"{', '.join(FIELDS)}"
                ]
            }
        )
    given = (params.get(f"hl.simple.{end}") for end in ("pre", "post"))
    before, after = (
        usual if mark is None else str(mark)
        for mark, usual in zip(given, MARKS, strict=True)
    )
    if max(len(before), len(after)) > LONGEST_MARK:
        raise Invalid(
            {"hl.simple.pre": [f"A mark has at most {LONGEST_MARK} characters"]}
        )
    length, most = (
        _natural(params, name, usual)
        for name, usual in (("hl.fragsize", 180), ("hl.snippets", 3))
    )
    return fields or list(FIELDS), Style(
        before, after, min(length, MOST_SHOWN), min(most, MOST_SHOWN)
    )


def _natural(params: Params, name: str, usual: int) -> int:
    value = params.get(name)
    number = usual if value in (None, "") else natural(value)
    if number is None:
        raise Invalid({name: ["Must be a natural number"]})
    return number


def _query(q: Any) -> str:
    text = str(q or "").strip()
    return "*:*" if text in ("", '""', "''") else text


def _texts(value: Any) -> list[str]:
    """A text, or each of a list of them; what is neither is searched for as it is
    written.
    """
    if value is None:
        return []
    return [str(each) for each in value] if isinstance(value, list) else [str(value)]


def _fq_list(params: Params) -> list[str]:
    value = params.get("fq_list")
    return (
        [value]
        if isinstance(value, str) and not value.startswith("[")
        else words(value) or []
    )


def _numbers(ctx: Context, params: Params) -> dict[str, int]:
    defaults = {
        "rows": DEFAULT_ROWS,
        "start": 0,
        "facet.limit": DEFAULT_FACET_LIMIT,
        "facet.mincount": 1,
    }
    found: dict[str, int] = {}
    for name, default in defaults.items():
        unlimited = name == "facet.limit" and str(params.get(name)).strip() == "-1"
        found[name] = UNLIMITED if unlimited else _natural(params, name, default)
    found["rows"] = min(found["rows"], ctx.portal.settings.rows_max)
    return found


def _facet_fields(params: Params) -> list[str]:
    fields = words(params.get("facet.field"))
    if fields is None:
        raise Invalid({"facet.field": ["Could not parse as valid JSON", "Not a list"]})
    return fields


def _answer(ctx: Context, result: SearchResult, fl: list[str]) -> dict[str, Any]:
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
            field: _facet(ctx, field, pairs) for field, pairs in result.facets.items()
        },
        **({} if result.step is Step.ALL_WORDS else {"relaxed": result.step.value}),
    }


def _facet(
    ctx: Context, field: str, pairs: tuple[tuple[str, int], ...]
) -> dict[str, Any]:
    titles = _titles(ctx, field, [name for name, _ in pairs])
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


def _titles(ctx: Context, field: str, names: list[str]) -> dict[str, str]:
    """What people call the values of a facet."""
    if field in ("organization", "groups"):
        return people.titles(
            ctx.portal.engine, names, organization=field == "organization"
        )
    if field == "license_id":
        return {
            name: LICENCE_BY_ID[name].title for name in names if name in LICENCE_BY_ID
        }
    return {}
