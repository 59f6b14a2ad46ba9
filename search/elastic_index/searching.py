"""Questions put to Elasticsearch: counts and hits apart, sent together, the cheap tiers
of hits before the others.

The server keeps counts in mind until something changes; and where hits need not be
counted, it does not look at those that cannot come onto the page.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any as Anything

import orjson
from elasticsearch import ApiError, Elasticsearch, NotFoundError

from search.backend import Hit, SearchRequest, SearchResult
from search.elastic_index.compiler import (
    compile_clause,
    facet_terms,
    quick_tiers,
    sort_keys,
)
from search.elastic_index.deep_paging import DeepPager
from search.planning.clauses import Facet, Plan
from search.planning.unscored import unscored

Json = dict[str, Anything]
_WHOLE: Json = {"allow_partial_search_results": False}
"""Half of the shards' answers would be wrong counts: rather an error, and another
try.
"""
# Each shard would count words for itself, and equal matches would score differently.
_SCORED_AS_ONE: Json = {"search_type": "dfs_query_then_fetch"}


class Searcher:
    """Searches one alias."""

    def __init__(
        self,
        client: Elasticsearch,
        alias: str,
        pager: DeepPager,
        *,
        several_shards: bool,
    ) -> None:
        self._client, self._alias, self._pager = client, alias, pager
        self._scoring: Json = _SCORED_AS_ONE if several_shards else {}

    def answer(self, asked: Plan, request: SearchRequest) -> SearchResult:
        """The answer to a plan. Raises what the client raises."""
        where = {"preference": _preference(request)}
        found: list[Json] = []
        if request.rows <= 0 or request.start + request.rows > self._pager.window:
            (counts,) = self._several([where, _count_body(asked, request)])
            if request.rows > 0:
                shown = (
                    _hits_body(asked, compile_clause(asked.query))
                    | where
                    | self._scoring
                )
                found = self._pager.page(shown, request.start, request.rows)
        else:
            counts, found = self._page(asked, request, where)
        return SearchResult(
            count=int(counts["hits"]["total"]["value"]),
            hits=tuple(map(_hit, found)),
            sort=asked.sort,
            facets={
                facet.name: _pairs(counts, place, facet)
                for place, facet in enumerate(asked.facets)
            },
        )

    def _page(
        self, asked: Plan, request: SearchRequest, where: Json
    ) -> tuple[Json, list[Json]]:
        """The counts and the hits of a page, in one request or two."""
        first = quick_tiers(asked)
        place = {"from": request.start, "size": request.rows, "track_total_hits": False}
        how = where | self._scoring
        sought = _hits_body(asked, first or compile_clause(asked.query)) | place
        counts, page = self._several([where, _count_body(asked, request), how, sought])
        left = int(counts["hits"]["total"]["value"]) - request.start
        # The quick tiers did not fill the page; the whole query ranks them first as
        # well.
        if first and len(page["hits"]["hits"]) < min(request.rows, left):
            (page,) = self._several(
                [how, _hits_body(asked, compile_clause(asked.query)) | place]
            )
        return counts, page["hits"]["hits"]

    def _several(self, sought: list[Json]) -> list[Json]:
        """The answers to questions (each: how, what) sent as one request; one that
        failed raises as it would alone.
        """
        parts = (
            part if place % 2 else _WHOLE | part for place, part in enumerate(sought)
        )
        # The client would spell them out ten times slower.
        lines: Anything = list(map(orjson.dumps, parts))
        sent = self._client.msearch(index=self._alias, searches=lines)
        for answer in sent.body["responses"]:
            if (status := int(answer["status"])) >= 400:
                kind = NotFoundError if status == 404 else ApiError
                raise kind(
                    str(answer["error"].get("type")),
                    replace(sent.meta, status=status),
                    answer,
                )
        found: list[Json] = sent.body["responses"]
        return found


def _count_body(asked: Plan, request: SearchRequest) -> Json:
    """The question how many there are, in all and of each value; without scores, so
    that the server can keep it.
    """
    groups = {
        str(place): facet_terms(facet, request)
        for place, facet in enumerate(asked.facets)
    }
    return {
        "query": _within(asked, compile_clause(unscored(asked.query))),
        "size": 0,
        "track_total_hits": True,
        "aggs": groups,
    }


def _hits_body(asked: Plan, query: Json) -> Json:
    """The question for hits."""
    order = sort_keys(asked.order)
    return {
        "query": _within(asked, query),
        "sort": order,
        "_source": ["payload"],
        # Sorted by a column nobody reads the score; sorted by score it is there anyway.
        "track_scores": False,
    }


def _within(asked: Plan, query: Json) -> Json:
    """A query within the filters of a plan, without the marks of deletions."""
    filters = [compile_clause(child) for child in asked.filters]
    return {
        "bool": {
            "must": [query],
            "filter": filters,
            "must_not": [{"term": {"gone": True}}],
        }
    }


def _preference(request: SearchRequest) -> str:
    """All pages of a question go to the same copies: replicas differ in what they still
    hold of deleted documents, and so in their scores.
    """
    return hashlib.sha256(f"{request.step} {request.q}".encode()).hexdigest()[:12]


def _hit(hit: Json) -> Hit:
    """A hit as the server tells it."""
    return Hit(
        str(hit["_id"]),
        str(hit["_source"].get("payload", "")).encode(),
        float(hit.get("_score") or 0.0),
    )


def _pairs(counts: Json, place: int, facet: Facet) -> tuple[tuple[str, int], ...]:
    """The values of a facet with their counts; its place names it in the answer."""
    buckets = counts.get("aggregations", {}).get(str(place), {}).get("buckets", [])
    return tuple(
        (str(bucket["key"]).removeprefix(facet.prefix), int(bucket["doc_count"]))
        for bucket in buckets
    )
