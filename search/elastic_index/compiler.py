"""The clauses of a plan, its order and its facets, said in Elasticsearch's query
language.
"""

from __future__ import annotations

import re
from typing import Any as Anything

from search.backend import SearchRequest
from search.planning.clauses import (
    All,
    Any,
    AtLeast,
    Best,
    Between,
    Clause,
    Except,
    Facet,
    Flat,
    InOrder,
    Is,
    IsAny,
    Like,
    Near,
    Nothing,
    Plan,
    Preferring,
    SortKey,
    TextBetween,
    Tiered,
    Weighted,
)
from search.planning.document import COLUMNS, Kind
from search.planning.plan import TIE

Json = dict[str, Anything]
MOST_FACETS = 50_000
"""Values of one facet, whatever facet.limit asks for (the server's own limit is 65,536
buckets).
"""


def compile_clause(clause: Clause) -> Json:
    """The clause as a query."""
    match clause:
        case All(clauses):
            return _together(clauses)
        case Any(clauses):
            return {
                "bool": {
                    "should": [compile_clause(child) for child in clauses],
                    "minimum_should_match": 1,
                }
            }
        case AtLeast(clauses, least):
            return {
                "bool": {
                    "should": [compile_clause(child) for child in clauses],
                    "minimum_should_match": least,
                }
            }
        case Except(child):
            return {
                "bool": {
                    "must": [{"match_all": {}}],
                    "must_not": [compile_clause(child)],
                }
            }
        case Best(clauses):
            return {
                "dis_max": {
                    "queries": [compile_clause(child) for child in clauses],
                    "tie_breaker": TIE,
                }
            }
        case Weighted(child, factor):
            return {"bool": {"must": [compile_clause(child)], "boost": factor}}
        case Flat(child, score):
            return _flat(compile_clause(child), score)
        case Preferring(child, bonuses):
            return {
                "bool": {
                    "must": [compile_clause(child)],
                    "should": [compile_clause(bonus) for bonus in bonuses],
                }
            }
        case Tiered(tiers):
            return _highest(clause, len(tiers))
        case _:
            return _leaf(clause)


def quick_tiers(asked: Plan) -> Json | None:
    """The tiers that cost little and mostly fill a page, scored as they are within the
    whole; None where none are.
    """
    query = asked.query
    if (
        isinstance(query, Tiered)
        and query.quick
        and asked.order[0] == SortKey("score", True)
    ):
        return _highest(query, query.quick)
    return None


def sort_keys(order: tuple[SortKey, ...]) -> list[Json]:
    """The order of hits; what has no value comes last, both ways."""
    keys: list[Json] = []
    for key in order:
        direction = "desc" if key.descending else "asc"
        missing = {} if key.column == "score" else {"missing": "_last"}
        keys.append(
            {
                "_score" if key.column == "score" else key.column: {
                    "order": direction,
                    **missing,
                }
            }
        )
    return keys


def facet_terms(facet: Facet, request: SearchRequest) -> Json:
    """The values of a facet, most frequent first, ties by value. A count of 0 is never
    told: it would name values of datasets that the asker may not see.
    """
    size = max(1, min(request.facet_limit, MOST_FACETS))
    # The server takes no size of 0, so for none a count is asked that no value reaches.
    least = 2**31 - 1 if request.facet_limit <= 0 else max(1, request.facet_mincount)
    terms: Json = {
        "field": facet.column,
        "size": size,
        "min_doc_count": least,
        # Each shard names its own most frequent values: with few of them a value's
        # count would lack shards.
        "shard_size": size * 2 + 1_000,
    }
    if facet.prefix:
        terms["include"] = re.sub(r"([^0-9A-Za-z])", r"\\\1", facet.prefix) + ".*"
    return {"terms": terms | {"order": [{"_count": "desc"}, {"_key": "asc"}]}}


def _highest(query: Tiered, most: int) -> Json:
    """The first `most` tiers, each raised above all that follow."""
    last = len(query.tiers) - 1
    raised = [
        _raised(compile_clause(tier), query.step * (last - place))
        for place, tier in enumerate(query.tiers[:most])
    ]
    # Without a tie-breaker a hit has the score of its best tier alone, and `step` parts
    # the tiers.
    return {"dis_max": {"queries": raised, "tie_breaker": 0.0}}


def _raised(query: Json, by: float) -> Json:
    return {"bool": {"must": [query, {"match_all": {"boost": by}}]}} if by else query


def _together(clauses: tuple[Clause, ...]) -> Json:
    """All of the clauses; those that refuse are `must_not`."""
    refused = [
        compile_clause(child.clause) for child in clauses if isinstance(child, Except)
    ]
    wanted = [
        compile_clause(child) for child in clauses if not isinstance(child, Except)
    ]
    return {"bool": {"must": wanted or [{"match_all": {}}], "must_not": refused}}


def _leaf(clause: Clause) -> Json:
    """A clause without others in it; scores 1 where only a whole value counts."""
    match clause:
        case Is(column, value):
            term = {"term": {column: {"value": value}}}
            return term if COLUMNS[column] is Kind.WORDS else _flat(term)
        case IsAny(column, values):
            return _flat({"terms": {column: list(values)}})
        case InOrder(column, words, slop):
            return {"match_phrase": {column: {"query": " ".join(words), "slop": slop}}}
        case Like(column, "*"):
            return _flat({"exists": {"field": column}})
        case Like(column, pattern):
            return _flat({"wildcard": {column: {"value": pattern}}})
        case Near(column, word, distance):
            return _flat(
                {
                    "fuzzy": {
                        column: {
                            "value": word,
                            "fuzziness": distance,
                            # The default of 50 would find fewer words than the embedded
                            # index does.
                            "max_expansions": 1_000,
                        }
                    }
                }
            )
        case Between() | TextBetween():
            return _flat({"range": {clause.column: _bounds(clause)}})
        case Nothing():
            return {"match_none": {}}
        case _:
            return {"match_all": {}}


def _bounds(clause: Between | TextBetween) -> Json:
    """The ends of a range, with or without their borders."""
    bounds: Json = {}
    include_low = isinstance(clause, Between) or clause.include_low
    include_high = isinstance(clause, Between) or clause.include_high
    if clause.low is not None:
        bounds["gte" if include_low else "gt"] = clause.low
    if clause.high is not None:
        bounds["lte" if include_high else "lt"] = clause.high
    return bounds


def _flat(query: Json, score: float = 1.0) -> Json:
    return {"constant_score": {"filter": query, "boost": score}}
