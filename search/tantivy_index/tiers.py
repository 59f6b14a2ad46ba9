"""Hits tier by tier: what comes first is looked for alone, and a page that it fills
costs no look at the rest.
"""

from __future__ import annotations

from collections.abc import Iterator

import tantivy

from search.planning.clauses import All, Clause, Except, Flat, Plan, Tiered
from search.planning.unscored import unscored
from search.tantivy_index.compiler import compile_clause
from search.tantivy_index.paging import Scored, by_score


def hits_by_tier(
    searcher: tantivy.Searcher, asked: Plan, count: int, start: int, rows: int
) -> list[Scored]:
    """The hits of a plan that scores, from `start` on, `rows` at most; `count` is how
    many there are in all.
    """
    query = asked.query
    if not isinstance(query, Tiered) or not asked.order[0].descending:
        return by_score(
            searcher,
            compile_clause(All((query, *_filters(asked)))),
            asked.order,
            start,
            rows,
        )[1]
    found: list[Scored] = []
    for tier in _tiers(query):
        held, hits = by_score(
            searcher,
            compile_clause(All((*tier, *_filters(asked)))),
            asked.order,
            start,
            rows - len(found),
        )
        found += hits
        start, count = max(0, start - held), count - held
        if len(found) >= rows or count <= 0:
            break
    return found


def _tiers(query: Tiered) -> Iterator[tuple[Clause, ...]]:
    """What is of each tier and of none before it."""
    before: tuple[Clause, ...] = ()
    for tier in query.tiers:
        yield (tier, *before)
        before = (*before, Except(unscored(tier)))


def _filters(asked: Plan) -> Iterator[Clause]:
    return (Flat(clause, 0.0) for clause in asked.filters)
