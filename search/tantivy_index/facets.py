"""Matches counted by tantivy, in all and by the most frequent values of columns, ties
in the order of values.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import tantivy
from tantivy import Query

from search.backend import SearchRequest
from search.planning.clauses import Facet
from search.tantivy_index.paging import EVERY, every, total

Counts: TypeAlias = tuple[tuple[str, int], ...]
Counted: TypeAlias = tuple[int, dict[str, Counts]]
MOST_FACETS = 50_000
"""Values of one facet, whatever facet.limit asks for."""


def count_facets(
    searcher: tantivy.Searcher,
    query: Query,
    facets: tuple[Facet, ...],
    request: SearchRequest,
) -> Counted:
    """The number of matches and the counts of every facet, from one walk over the
    matches; a facet that needs more values is asked for again.
    """
    limit = min(request.facet_limit, MOST_FACETS)
    if limit <= 0 or not facets:
        return total(searcher, query), {facet.name: () for facet in facets}
    # Some more than are shown, so that ties with the last are mostly known at once.
    size = limit + 50
    found: dict[str, Counts] = {}
    wanted = list(facets)
    count = 0
    while wanted:
        count, buckets = _buckets(searcher, query, wanted, size)
        # Values of equal count are ordered by name: all that tie with the last one must
        # be known.
        whole = [
            f
            for f in wanted
            if _known(buckets[f.name], size, limit) or size > MOST_FACETS
        ]
        found |= {
            facet.name: _first(buckets[facet.name], limit, request.facet_mincount)
            for facet in whole
        }
        wanted = [facet for facet in wanted if facet not in whole]
        size *= 4
    return count, {facet.name: found[facet.name] for facet in facets}


def _known(buckets: list[tuple[str, int]], size: int, limit: int) -> bool:
    return len(buckets) < size or buckets[-1][1] < buckets[limit - 1][1]


def _first(buckets: list[tuple[str, int]], limit: int, least: int) -> Counts:
    """The values that are shown: most frequent first, ties by value."""
    ordered = sorted(buckets, key=lambda bucket: (-bucket[1], bucket[0]))
    # A value without any match is never told: it may be of datasets that the asker may
    # not see.
    return tuple(bucket for bucket in ordered[:limit] if bucket[1] >= max(1, least))


def _buckets(
    searcher: tantivy.Searcher, query: Query, facets: list[Facet], size: int
) -> tuple[int, dict[str, list[tuple[str, int]]]]:
    """The number of matches and the first `size` values of every facet."""
    asked = {
        str(number): {"terms": _terms(facet, size)}
        for number, facet in enumerate(facets)
    }
    answer = searcher.aggregate(query, {"every": EVERY, **asked})
    return every(answer), {
        facet.name: [
            (str(bucket["key"]).removeprefix(facet.prefix), int(bucket["doc_count"]))
            for bucket in answer[str(number)]["buckets"]
        ]
        for number, facet in enumerate(facets)
    }


def _terms(facet: Facet, size: int) -> dict[str, Any]:
    """What tantivy is asked for a facet; its name may hold signs, so facets go by
    number.
    """
    terms: dict[str, Any] = {
        "field": facet.column,
        "size": size,
        # Each segment names its own most frequent values: with few of them a value's
        # count would lack segments.
        "segment_size": max(size, 2_000),
    }
    if facet.prefix:
        terms["include"] = (
            "".join(f"\\x{{{ord(char):x}}}" for char in facet.prefix) + "(?s:.*)"
        )
    return terms
