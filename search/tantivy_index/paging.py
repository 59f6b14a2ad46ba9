"""Pages of tantivy hits in a total order: tantivy sorts by one key, ties are broken
here, page after page alike.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import groupby
from typing import Any, TypeAlias

import tantivy
from tantivy import FieldType, Occur, Order, Query

from search.planning.clauses import SortKey
from search.planning.document import COLUMNS, HELD, Kind
from search.tantivy_index.compiler import schema

Scored: TypeAlias = tuple[float, tantivy.DocAddress]
EVERY: Mapping[str, Any] = {"terms": {"field": "entity_type", "size": 1}}
"""One value that every dataset has: counting it takes half the time of a search for one
hit.
"""
_SLACK = 100
_QUICK, _LOOKS = 120, 3
"""How far into a group of equal scores a page may reach to be looked for in this way,
and how many looks that takes.
"""


def total(searcher: tantivy.Searcher, query: Query) -> int:
    """How many documents match."""
    return every(searcher.aggregate(query, {"every": EVERY}))


def every(answer: Mapping[str, Any]) -> int:
    """How many documents matched, of an aggregation with `EVERY`."""
    return sum(int(bucket["doc_count"]) for bucket in answer["every"]["buckets"])


def by_score(
    searcher: tantivy.Searcher,
    query: Query,
    order: tuple[SortKey, ...],
    start: int,
    rows: int,
) -> tuple[int, list[Scored]]:
    """The number of all matches, and the hits from `start` on, `rows` at most, with
    their scores.

    `order` begins with the score and ends with a unique key, so that it is total and
    every hit is on exactly one page.
    """
    if not order[0].descending:
        return _worst_first(searcher, query, order, start, rows)
    limit = start + rows + _SLACK
    while True:
        found = searcher.search(query, min(limit, searcher.num_docs))
        hits: list[Scored] = found.hits
        count = int(found.count)  # type: ignore[attr-defined]  # missing in tantivy's own stub, not in tantivy
        # The last group of equal scores on the page must be complete before it can be
        # ordered.
        last = hits[min(start + rows, len(hits)) - 1][0] if hits else 0.0
        if len(hits) >= count or hits[-1][0] < last:
            return count, _ties_broken(searcher, hits, order[1:], start, rows)
        above = [hit for hit in hits if hit[0] > last]
        known = hits[len(above) :]
        wanted = start + rows - len(above)
        if wanted <= _QUICK and (
            tied := _first_of(searcher, query, order[1:], known, wanted)
        ):
            shown = tied[max(0, start - len(above)) :]
            return count, _ties_broken(searcher, above, order[1:], start, rows) + shown
        # Few rounds even where very many tie, and little too much where few do.
        limit *= 4


def _first_of(
    searcher: tantivy.Searcher,
    query: Query,
    order: tuple[SortKey, ...],
    known: list[Scored],
    wanted: int,
) -> list[Scored] | None:
    """The first matches that score as the `known` ones do, taken from all matches in
    the order of the other keys.

    A prefix or a wildcard gives tens of thousands the same score: to look at all of
    them would take seconds. None where that score is rare, or where it comes out
    otherwise when it is computed for a few (floats summed in another order).
    """
    score = known[0][0]
    if any(
        found != score
        for found in _scores(
            searcher, query, [address for _, address in known[:_QUICK]]
        ).values()
    ):
        return None
    size = max(_QUICK, 2 * wanted)
    tied: list[Scored] = []
    for place in range(_LOOKS):
        addresses = by_column(searcher, query, order, place * size, size)
        scores = _scores(searcher, query, addresses)
        tied += [(score, each) for each in addresses if scores[_place(each)] == score]
        if len(tied) >= wanted:
            return tied[:wanted]
    return None


def _scores(
    searcher: tantivy.Searcher, query: Query, addresses: list[tantivy.DocAddress]
) -> dict[tuple[int, int], float]:
    """What the query gives these matches."""
    keys = [str(searcher.doc(address).get_first("id")) for address in addresses]
    same = Query.const_score_query(Query.term_set_query(schema(), "id", keys), 0.0)
    both = Query.boolean_query([(Occur.Must, query), (Occur.Must, same)])
    found = searcher.search(both, max(1, len(keys)), count=False).hits
    return {_place(address): score for score, address in found}


def _place(address: tantivy.DocAddress) -> tuple[int, int]:
    return address.segment_ord, address.doc


def _worst_first(
    searcher: tantivy.Searcher,
    query: Query,
    order: tuple[SortKey, ...],
    start: int,
    rows: int,
) -> tuple[int, list[Scored]]:
    """As `by_score` for the lowest score first, which tantivy cannot sort by."""
    hits = searcher.search(query, searcher.num_docs).hits
    return len(hits), _ties_broken(searcher, hits[::-1], order[1:], start, rows)


def _ties_broken(
    searcher: tantivy.Searcher,
    hits: list[Scored],
    order: tuple[SortKey, ...],
    start: int,
    rows: int,
) -> list[Scored]:
    """Hits by score, from `start` on, equal scores in the order of the other keys."""
    ordered: list[Scored] = []
    place = 0
    for score, group in groupby(hits, key=lambda hit: hit[0]):
        members = [address for _, address in group]
        first, place = place, place + len(members)
        if place <= start:
            continue
        if first >= start + rows:
            break
        low, high = max(start - first, 0), min(start + rows - first, len(members))
        if len(members) > 1:
            members = _members_in_order(searcher, members, order, low, high - low)
        else:
            members = members[low:high]
        ordered += [(score, address) for address in members]
    return ordered


def _members_in_order(
    searcher: tantivy.Searcher,
    members: list[tantivy.DocAddress],
    order: tuple[SortKey, ...],
    start: int,
    rows: int,
) -> list[tantivy.DocAddress]:
    """Some of the hits of equal score, in the order of the other keys."""
    held = [(searcher.doc(address), address) for address in members]
    if not all(key.column in HELD for key in order):
        keys = [str(document.get_first("id")) for document, _ in held]
        return by_column(
            searcher, Query.term_set_query(schema(), "id", keys), order, start, rows
        )
    # Sorting is stable: the first key sorts last.
    for key in reversed(order):
        held.sort(key=_by(key.column), reverse=key.descending)
    return [address for _, address in held[start : start + rows]]


def _by(column: str) -> Callable[[tuple[tantivy.Document, tantivy.DocAddress]], Any]:
    return lambda held: held[0].get_first(column)


def by_column(
    searcher: tantivy.Searcher,
    query: Query,
    order: tuple[SortKey, ...],
    start: int,
    rows: int,
) -> list[tantivy.DocAddress]:
    """Addresses from `start` on. One neighbour on each side is looked at, to see
    whether a tie crosses the page.
    """
    if rows <= 0:
        return []
    key, rest = order[0], order[1:]
    # Equal scores here, or scores that are not wanted first: the next key decides.
    if key.column == "score":
        return by_column(searcher, query, rest, start, rows)
    found = _sorted(searcher, query, order, start, rows)
    return _ordered(searcher, query, order, found.hits, start, rows)


def _sorted(
    searcher: tantivy.Searcher,
    query: Query,
    order: tuple[SortKey, ...],
    start: int,
    rows: int,
) -> tantivy.SearchResult:
    """The page by the first key alone, with a neighbour on each side."""
    key, rest = order[0], order[1:]
    before = 1 if start and rest else 0
    return searcher.search(
        query,
        rows + before + (1 if rest else 0),
        count=False,
        order_by_field=key.column,
        order=Order.Desc if key.descending else Order.Asc,
        offset=start - before,
    )


def _ordered(
    searcher: tantivy.Searcher,
    query: Query,
    order: tuple[SortKey, ...],
    found: list[tuple[object, tantivy.DocAddress]],
    start: int,
    rows: int,
) -> list[tantivy.DocAddress]:
    """What `_sorted` found, with ties broken by the keys that follow."""
    if len(order) == 1:
        return [address for _, address in found]
    return _columns_ties(searcher, query, order, found, start, 1 if start else 0, rows)


def _columns_ties(
    searcher: tantivy.Searcher,
    query: Query,
    order: tuple[SortKey, ...],
    found: list[tuple[object, tantivy.DocAddress]],
    start: int,
    before: int,
    rows: int,
) -> list[tantivy.DocAddress]:
    """As `_ordered`, for more than one key; `before` hits lie before the page."""
    ordered: list[tantivy.DocAddress] = []
    place = -before
    for value, group in groupby(found, key=lambda hit: hit[0]):
        members = [address for _, address in group]
        first, place = place, place + len(members)
        low, high = max(first, 0), min(place, rows)
        if low >= high:
            continue
        if len(members) == 1:
            ordered += members
            continue
        tied = _where(query, order[0].column, value)
        # A tie that began before the page: what it holds there is skipped within the
        # tie.
        skipped = (
            start + low - _before(searcher, query, order[0], value) if first < 0 else 0
        )
        ordered += by_column(searcher, tied, order[1:], skipped, high - low)
    return ordered


def _where(query: Query, column: str, value: object) -> Query:
    """The matches that hold this value in a column; None: that hold none."""
    if value is None:
        return Query.boolean_query(
            [(Occur.Must, query), (Occur.MustNot, Query.exists_query(column))]
        )
    return Query.boolean_query(
        [(Occur.Must, query), (Occur.Must, Query.term_query(schema(), column, value))]
    )


def _before(
    searcher: tantivy.Searcher, query: Query, key: SortKey, value: object
) -> int:
    """How many matches come before all that hold `value`."""
    if COLUMNS[key.column] is Kind.NUMBER and isinstance(value, int):
        low, high = (value, None) if key.descending else (None, value)
        beyond = Query.range_query(
            schema(),
            key.column,
            FieldType.Integer,
            low,
            high,
            low is None,
            high is None,
        )
        both = Query.boolean_query([(Occur.Must, query), (Occur.Must, beyond)])
        return total(searcher, both)
    return _before_text(searcher, query, key, value)


def _before_text(
    searcher: tantivy.Searcher, query: Query, key: SortKey, value: object
) -> int:
    """The same for a text, which tantivy has no ranges for: a search for the first
    place by halving.
    """
    low, high = 0, total(searcher, query)
    direction = Order.Desc if key.descending else Order.Asc
    while low < high:
        middle = (low + high) // 2
        hits = searcher.search(
            query,
            1,
            count=False,
            order_by_field=key.column,
            order=direction,
            offset=middle,
        ).hits
        if _comes_before(hits[0][0], value, key.descending):
            low = middle + 1
        else:
            high = middle
    return low


def _comes_before(value: object, other: object, descending: bool) -> bool:
    if value is None or other is None:
        return value is not None and other is None
    return str(value) > str(other) if descending else str(value) < str(other)
