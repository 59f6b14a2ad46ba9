"""A request worked out for any engine: the same few clauses, the same weights, the same
order.

Both indexes translate these clauses one for one, so that they answer and rank alike.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import product, starmap
from typing import TypeAlias

from search.backend import QueryError, SearchRequest
from search.language import tree
from search.language.dates import interval
from search.language.parser import is_free, parse, parse_q
from search.language.tree import Node, pattern_parts
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
    Whole,
)
from search.planning.document import (
    BY_NAME,
    COLUMNS,
    LONGEST_TOKEN,
    Field,
    Kind,
    QueryKind,
    clip,
    folded_words,
    key_token,
    seen_token,
)
from search.planning.freetext import (
    FREE_WEIGHTS,
    all_of,
    free,
    free_query,
    in_order,
    prefix_query,
    steps_for,
)
from search.steps import Step
from search.text.folding import fold, nfc
from search.text.lexicon import EMPTY

OnField: TypeAlias = (
    tree.Term | tree.Phrase | tree.Wildcard | tree.Fuzzy | tree.Range | tree.Exists
)

DEFAULT_SORT = "score desc, metadata_modified desc"
TIE = 0.1


def plan(request: SearchRequest, now: datetime | None = None) -> Plan:
    """Work a request out. Raises QueryError."""
    # Read once: NOW means the same in every filter of a request.
    moment = now or datetime.now(UTC)
    query = prefix_query(nfc(request.q)) if request.begun else _query(request, moment)
    filters = [_clause(parse(nfc(text)), moment) for text in request.fq]
    order, sort = _order(request.sort, scored=_scored(query))
    return Plan(
        # Constant scores still add up in an `Any`. Flat, all matches score alike, as
        # the order takes for granted.
        query=query if _scored(query) else Flat(query),
        filters=(*filters, *_visible(request)),
        order=order,
        facets=tuple(_facet(name) for name in dict.fromkeys(request.facet_fields)),
        sort=sort,
    )


def _query(request: SearchRequest, now: datetime) -> Clause:
    """The clause of q, at the step that is asked for."""
    asked = parse_q(nfc(request.q), request.dismax)
    # Who writes Lucene's grammar means the words as they are written.
    lexicon = request.lexicon if is_free(request.q, request.dismax) else EMPTY
    return free_query(asked, request.step, request.above, lexicon, _clause(asked, now))


def relaxed_steps(request: SearchRequest) -> tuple[Step, ...]:
    """The relaxed steps that may be tried for this request, in order. Raises
    QueryError.

    Where hits are sorted by something else than their score, only those that still ask
    for every word that matters.
    """
    if not is_free(request.q, request.dismax):
        return ()
    steps = steps_for(parse_q(nfc(request.q), request.dismax), request.lexicon)
    by_score = (
        (request.sort or DEFAULT_SORT).strip().startswith(("score", "rank", "none"))
    )
    return (
        steps
        if by_score
        else tuple(
            step for step in steps if step in (Step.STOP_WORDS, Step.SIMILAR_WORDS)
        )
    )


def _visible(request: SearchRequest) -> Iterator[Clause]:
    """CKAN's defaults, and the labels that nothing in q or fq can widen."""
    capacities = ("public", "private") if request.include_private else ("public",)
    more = (("draft", request.include_drafts), ("deleted", request.include_deleted))
    states = ("active", *(state for state, wanted in more if wanted))
    # CKAN's rule: an fq that requires a state itself takes the default away. The labels
    # still hold.
    any_state = any(re.search(r"\+state\b", text) for text in request.fq)
    # One set of terms on one column is cheaper than three filters, and nearly every
    # search has it.
    if request.labels and not any_state:
        labels = sorted(request.labels)
        yield IsAny(
            "seen", tuple(starmap(seen_token, product(capacities, states, labels)))
        )
        return
    if not request.include_private:
        yield Is("capacity", "public")
    if not any_state:
        yield IsAny("state", states)
    if request.labels is not None:
        yield (
            IsAny("labels", tuple(sorted(request.labels)))
            if request.labels
            # An empty set of labels is somebody who may see nothing; None was who sees
            # all.
            else Nothing()
        )


def _order(sort: str | None, *, scored: bool) -> tuple[tuple[SortKey, ...], str]:
    """The sort keys, ended by the identifier so that the order is total, and the sort
    text.
    """
    text = (sort or "").strip()
    text = DEFAULT_SORT if text in ("", "rank", "none") else text
    keys = [_sort_key(part) for part in text.split(",")]
    # Where every score is equal, sorting by it says nothing, and the next key can use
    # its column at once.
    told = [key for key in keys if scored or key.column != "score"] + [
        SortKey("id", False)
    ]
    # A column that is named twice counts where it is named first; what follows the
    # unique identifier can decide nothing.
    unique = {key.column: key for key in reversed(told)}
    ordered = sorted(unique.values(), key=told.index)
    last = next(place for place, key in enumerate(ordered) if key.column == "id")
    return tuple(ordered[: last + 1]), text


def _sort_key(part: str) -> SortKey:
    """One part of a sort text as a key. Raises QueryError of kind "query"."""
    name, _, direction = " ".join(part.split()).partition(" ")
    field = BY_NAME.get(name)
    column = field.sort if field else ""
    if name == "score":
        column = "score"
    if not column or direction.lower() not in ("", "asc", "desc"):
        names = ", ".join(
            ["score", *(field.name for field in BY_NAME.values() if field.sort)]
        )
        raise QueryError(
            f"Cannot sort by {part.strip()[:80]!r}; write a field and asc or desc. "
            f"Fields: {names}.",
            kind="query",
        )
    return SortKey(column, direction.lower() == "desc")


def _facet(name: str) -> Facet:
    """Where the values of a field are counted. Raises QueryError where it has no whole
    values.
    """
    field = BY_NAME.get(name)
    if field is None:
        # All extras share one column, so that a new key needs no new column; the prefix
        # picks one key's values.
        return Facet(name, "extras", key_token(name, ""))
    column = (
        # Their queries read words, but what is counted are whole values, kept under the
        # field's own name.
        field.name if field.name in ("author", "maintainer", "title") else field.column
    )
    if COLUMNS[column] is not Kind.EXACT:
        raise QueryError(
            f"Cannot count values of the field {name!r}; it holds text, dates or "
            "numbers.",
            kind="query",
        )
    return Facet(name, column, "")


def _clause(node: Node, now: datetime) -> Clause:
    """A node of the question as a clause, at every depth."""
    match node:
        case tree.And(children):
            return all_of([_clause(child, now) for child in children])
        case tree.Or(children):
            return Any(tuple(_clause(child, now) for child in children))
        case tree.Not(child):
            return Except(_clause(child, now))
        case tree.Boost(child, factor):
            return Weighted(_clause(child, now), factor)
        case tree.Everything():
            return Whole()
        case _:
            return (
                _anywhere(node)
                if node.field is None
                else _on_field(node, node.field, now)
            )


def _anywhere(node: OnField) -> Clause:
    """What names no field is looked for in all fields of free text."""
    match node:
        case tree.Term(None, text):
            return free(folded_words(text), 0)
        case tree.Phrase(None, text, slop):
            return free(folded_words(text), slop)
        case tree.Wildcard(None, pattern):
            return Any(
                tuple(
                    Like(column, _folded_pattern(pattern)) for column, _ in FREE_WEIGHTS
                )
            )
        case tree.Fuzzy(None, text, distance):
            return all_of(Near("text_f", word, distance) for word in folded_words(text))
        case tree.Range(None):
            raise QueryError(
                "A range needs a field in front of it, as in "
                "metadata_modified:[2026-01-01 TO NOW]."
            )
        case _:
            return Nothing()


def _on_field(node: OnField, name: str, now: datetime) -> Clause:
    """What names a field, read as that field is queried; unknown names are extras."""
    field = BY_NAME.get(name)
    if field is None:
        in_words = name.startswith("extras_")
        key = key_token(name.removeprefix("extras_"), "")
        return (
            _in_words(node, "extras_f", key)
            if in_words
            else _whole_value(node, "extras", key)
        )
    if field.queried_as is QueryKind.WORDS:
        return _in_words(node, field.column, "")
    if field.queried_as is QueryKind.EXACT:
        return _whole_value(node, field.column, "")
    return _on_scale(node, field, now)


def _whole_value(node: Node, column: str, key: str) -> Clause:
    """A node on whole values; `key` is what an extra's values begin with ("" for a
    column).
    """
    match node:
        case tree.Term(_, text) | tree.Phrase(_, text, _):
            # Cut as the index cut it, or a long value would not find itself.
            return Is(column, clip(key + text))
        case tree.Wildcard(_, pattern):
            return Like(column, _literal(key) + pattern)
        case tree.Fuzzy(_, text, distance):
            return Near(column, clip(key + text), distance)
        case tree.Range(_, low, high, include_low, include_high):
            return _text_range(column, key, low, high, include_low, include_high)
        case _:
            return Like(column, _literal(key) + "*")


def _in_words(node: Node, column: str, key: str) -> Clause:
    """A node on words; `key` is what an extra's words begin with ("" for a column)."""
    match node:
        case tree.Term(_, text):
            return in_order(
                [(key + word)[:LONGEST_TOKEN] for word in folded_words(text)], column, 0
            )
        case tree.Phrase(_, text, slop):
            return in_order(
                [(key + word)[:LONGEST_TOKEN] for word in folded_words(text)],
                column,
                slop,
            )
        case tree.Wildcard(_, pattern):
            return Like(column, _literal(key) + _folded_pattern(pattern))
        case tree.Fuzzy(_, text, distance):
            return all_of(
                Near(column, key + word, distance) for word in folded_words(text)
            )
        case tree.Range(_, low, high, include_low, include_high):
            first, last = (None if end is None else fold(end) for end in (low, high))
            return _text_range(column, key, first, last, include_low, include_high)
        case _:
            return Like(column, _literal(key) + "*")


def _on_scale(node: Node, field: Field, now: datetime) -> Clause:
    """Dates and whole numbers: a value is the interval that it names, so a day finds
    all of its moments.
    """
    match node:
        case tree.Term(_, text) | tree.Phrase(_, text, _):
            return Between(field.column, *_span(text, field, now))
        case tree.Range(_, first, last, include_low, include_high):
            # Without its own border a range begins after the whole span (a day, a
            # month) that the border names.
            low = (
                None
                if first is None
                else _span(first, field, now)[not include_low] + (not include_low)
            )
            high = (
                None
                if last is None
                else _span(last, field, now)[include_high] - (not include_high)
            )
            return (
                Whole()
                if first is None and last is None
                else Between(field.column, low, high)
            )
        case tree.Exists():
            return Whole()
        case _:
            raise QueryError(
                f"{field.name} takes a value or a range, no wildcard and no fuzziness."
            )


def _span(text: str, field: Field, now: datetime) -> tuple[int, int]:
    """The first and last number that a text names. Raises QueryError."""
    if field.queried_as is QueryKind.MOMENT:
        return interval(text, now)
    # Not int() alone: it takes blanks, underscores and digits beyond 64 bits.
    if not re.fullmatch(r"-?[0-9]{1,15}", text):
        raise QueryError(
            f"{text[:60]!r} is no whole number; {field.name} takes one, or a range as "
            "in [3 TO *]."
        )
    return int(text), int(text)


def _text_range(
    column: str,
    key: str,
    low: str | None,
    high: str | None,
    include_low: bool,
    include_high: bool,
) -> Clause:
    """A range of texts, kept within one key where the column holds extras."""
    if not key:
        both_open = low is None and high is None
        return (
            Like(column, "*")
            if both_open
            else TextBetween(column, low, high, include_low, include_high)
        )
    # Within an extra: everything from "key=" up to, but without, what follows all
    # values of that key.
    top = key[:-1] + chr(ord(key[-1]) + 1)
    return TextBetween(
        column,
        key if low is None else key + low,
        top if high is None else key + high,
        low is None or include_low,
        high is not None and include_high,
    )


def _folded_pattern(pattern: str) -> str:
    return "".join(
        _folded_part(escaped, char) for escaped, char in pattern_parts(pattern)
    )


def _folded_part(escaped: str, char: str) -> str:
    if escaped:
        return f"\\{fold(escaped)}"
    return char if char in "*?" else fold(char)


def _literal(text: str) -> str:
    return re.sub(r"([\\*?])", r"\\\1", text)


def _scored(clause: Clause) -> bool:
    """Whether matches can differ in score."""
    match clause:
        case Is(column, _):
            return COLUMNS[column] is Kind.WORDS
        case InOrder() | Weighted() | Preferring() | Tiered():
            return True
        case All(clauses) | Any(clauses) | Best(clauses) | AtLeast(clauses, _):
            return any(map(_scored, clauses))
        case _:
            return False
