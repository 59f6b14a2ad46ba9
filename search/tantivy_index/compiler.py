"""The clauses of a plan, the columns and the documents, said in tantivy's terms."""

from __future__ import annotations

from functools import lru_cache

import tantivy
from tantivy import Occur, Query

from search.language.tree import pattern_parts
from search.planning.clauses import (
    All,
    Any,
    AtLeast,
    Best,
    Between,
    Clause,
    Except,
    Flat,
    InOrder,
    Is,
    IsAny,
    Like,
    Near,
    Nothing,
    Preferring,
    TextBetween,
    Tiered,
    Weighted,
)
from search.planning.document import COLUMNS, HELD, Document, Kind
from search.planning.plan import TIE

WORDS = "blanks"
_LAST = "\U0010ffff"
_DECIDING = 64
_STORED = tuple(name for name, kind in COLUMNS.items() if kind is Kind.STORED)


@lru_cache(maxsize=1)
def schema() -> tantivy.Schema:
    """The columns as a tantivy schema."""
    builder = tantivy.SchemaBuilder()
    for name, kind in COLUMNS.items():
        if kind is Kind.EXACT:
            builder.add_text_field(
                name,
                stored=name in HELD,
                fast=True,
                tokenizer_name="raw",
                index_option="basic",
            )
        elif kind is Kind.WORDS:
            builder.add_text_field(name, tokenizer_name=WORDS)
        elif kind is Kind.PRESENT:
            builder.add_text_field(name, tokenizer_name=WORDS, index_option="basic")
        elif kind is Kind.NUMBER:
            builder.add_integer_field(
                name, stored=name in HELD, indexed=True, fast=True
            )
        else:
            builder.add_bytes_field(name, stored=True)
    return builder.build()


def with_tokenizer(index: tantivy.Index) -> tantivy.Index:
    """The index with its one tokenizer (words come folded from Python) and reloading
    left to us.
    """
    blanks = tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.whitespace()).build()
    index.register_tokenizer(WORDS, blanks)
    # Reloaded by itself, an index could answer from another commit than the one its
    # answers are kept under.
    index.config_reader("manual")
    return index


def document(columns: Document) -> tantivy.Document:
    """One flat document for the writer."""
    stored = {name: str(columns[name]).encode() for name in _STORED if name in columns}
    return tantivy.Document.from_dict({**columns, **stored}, schema())


def compile_clause(clause: Clause) -> Query:
    """The clause as a tantivy query."""
    match clause:
        case All(clauses):
            return _together(clauses)
        case Any(clauses):
            return Query.boolean_query(
                [(Occur.Should, compile_clause(child)) for child in clauses]
            )
        case AtLeast(clauses, least):
            return Query.boolean_query(
                [(Occur.Should, compile_clause(child)) for child in clauses], least
            )
        case Except(child):
            return _together((clause,))
        case Best(clauses):
            return Query.disjunction_max_query(
                [compile_clause(child) for child in clauses], TIE
            )
        case Weighted(child, factor):
            return Query.boost_query(compile_clause(child), factor)
        case Flat(child, score):
            return Query.const_score_query(compile_clause(child), score)
        case Preferring(child, bonuses):
            wished = [(Occur.Should, compile_clause(bonus)) for bonus in bonuses]
            return Query.boolean_query([(Occur.Must, compile_clause(child)), *wished])
        case Tiered(tiers, step):
            places = range(len(tiers) - 1, -1, -1)
            return Query.disjunction_max_query(
                [
                    _raised(compile_clause(tier), step * place)
                    for tier, place in zip(tiers, places, strict=True)
                ],
                0.0,
            )
        case _:
            return _leaf(clause)


def _raised(query: Query, by: float) -> Query:
    """The query, each match of it scored `by` higher."""
    every = Query.const_score_query(Query.all_query(), by)
    return (
        Query.boolean_query([(Occur.Must, query), (Occur.Must, every)]) if by else query
    )


def _together(clauses: tuple[Clause, ...]) -> Query:
    """All of the clauses; those that refuse are tantivy's MustNot."""
    refused = [
        (Occur.MustNot, compile_clause(child.clause))
        for child in clauses
        if isinstance(child, Except)
    ]
    wanted = [
        (Occur.Must, compile_clause(child))
        for child in clauses
        if not isinstance(child, Except)
    ]
    # tantivy, like Lucene, finds nothing where every clause is a refusal.
    return Query.boolean_query(
        [*(wanted or [(Occur.Must, Query.all_query())]), *refused]
    )


def _leaf(clause: Clause) -> Query:
    """A clause without others in it; scores 1 where only a whole value counts."""
    columns = schema()
    match clause:
        case Is(column, value):
            found = Query.term_query(columns, column, value)
            return (
                found
                if COLUMNS[column] is Kind.WORDS
                else Query.const_score_query(found, 1.0)
            )
        case IsAny(column, values):
            # A set of terms is walked through the dictionary and a bitset: for one term
            # that is thrice its own cost.
            one = Query.term_query(columns, column, values[0])
            several = (
                Query.term_set_query(columns, column, list(values))
                if len(values) > 1
                else one
            )
            return Query.const_score_query(several, 1.0)
        case InOrder(column, words, slop):
            return Query.phrase_query(columns, column, list(words), slop)
        case Like(column, "*"):
            return Query.const_score_query(_any_value(column), 1.0)
        case Like(column, pattern):
            return Query.const_score_query(
                Query.regex_query(columns, column, _regex(pattern)), 1.0
            )
        case Near(column, word, distance):
            return Query.const_score_query(
                Query.fuzzy_term_query(columns, column, word, distance), 1.0
            )
        case Between(column, low, high):
            kind = tantivy.FieldType.Integer
            return Query.const_score_query(
                Query.range_query(columns, column, kind, low, high), 1.0
            )
        case TextBetween():
            return Query.const_score_query(_text_between(clause), 1.0)
        case Nothing():
            return Query.empty_query()
        case _:
            return Query.all_query()


def _any_value(column: str) -> Query:
    if COLUMNS[column] is Kind.EXACT:
        return Query.exists_query(column)
    return Query.regex_query(schema(), column, "(?s:.+)")


def _regex(pattern: str) -> str:
    """A pattern as a regular expression that no text can break out of."""
    wild = {"*": "(?s:.*)", "?": "(?s:.)"}
    return "".join(
        _quoted(escaped) if escaped else wild.get(char) or _quoted(char)
        for escaped, char in pattern_parts(pattern)
    )


def _quoted(char: str) -> str:
    # By its code: no list of signs has to follow what the engine takes as syntax.
    return char if char.isalnum() else _code(char)


def _text_between(clause: TextBetween) -> Query:
    """tantivy has no ranges of text: the range becomes one regular expression."""
    ways = between_pattern(
        clause.low, clause.high, clause.include_low, clause.include_high
    )
    return (
        Query.regex_query(schema(), clause.column, ways)
        if ways
        else Query.empty_query()
    )


def between_pattern(
    low: str | None, high: str | None, include_low: bool, include_high: bool
) -> str:
    """A regular expression of the texts between two others, by code point; "" where
    there are none.

    Only the first 64 characters of a bound decide.
    """
    low, high = (low or "")[:_DECIDING], None if high is None else high[:_DECIDING]
    if high is None:
        ways = _at_least(low, include_low)
    else:
        differ = (
            at
            for at, (one, other) in enumerate(zip(low, high, strict=False))
            if one != other
        )
        shared = next(differ, min(len(low), len(high)))
        ways = _between(low[shared:], high[shared:], include_low, include_high)
        ways = [_spelled(low[:shared]) + way for way in ways]
    return "|".join(f"({way})" for way in ways)


def _between(low: str, high: str, include_low: bool, include_high: bool) -> list[str]:
    """Alternatives between two texts that differ from their first character on."""
    if not high:
        return [""] if not low and include_low and include_high else []
    if not low:
        return [way for way in _at_most(high, include_high) if way or include_low]
    if low[0] > high[0]:
        return []
    within = _class(_next(low[0]), _previous(high[0]))
    return [
        *(_quoted(low[0]) + way for way in _at_least(low[1:], include_low)),
        *(f"{found}(?s:.*)" for found in [within] if found),
        *(_quoted(high[0]) + way for way in _at_most(high[1:], include_high)),
    ]


def _at_least(bound: str, including: bool) -> list[str]:
    """Alternatives for the texts from a bound on."""
    greater = [
        f"{_spelled(bound[:at])}{found}(?s:.*)"
        for at, char in enumerate(bound)
        if (found := _class(_next(char), _LAST))
    ]
    return [*greater, f"{_spelled(bound)}(?s:.{'*' if including else '+'})"]


def _at_most(bound: str, including: bool) -> list[str]:
    """Each beginning of the bound, alone or followed by a smaller character; "" is the
    empty text.
    """
    beginnings = [_spelled(bound[:at]) for at in range(len(bound) + including)]
    smaller = [
        f"{_spelled(bound[:at])}{found}(?s:.*)"
        for at, char in enumerate(bound)
        if (found := _class("\0", _previous(char)))
    ]
    return [*beginnings, *smaller]


def _class(first: str, last: str) -> str:
    return f"[{_code(first)}-{_code(last)}]" if first and last and first <= last else ""


def _next(char: str) -> str:
    """The character behind this one; "" behind the last."""
    after = ord(char) + 1
    if char == _LAST:
        return ""
    # Surrogates are no characters.
    return chr(0xE000 if 0xD800 <= after < 0xE000 else after)


def _previous(char: str) -> str:
    """The character before this one; "" before the first."""
    before = ord(char) - 1
    if before < 0:
        return ""
    # Surrogates are no characters.
    return chr(0xD7FF if 0xD800 <= before < 0xE000 else before)


def _spelled(text: str) -> str:
    return "".join(map(_quoted, text))


def _code(char: str) -> str:
    return f"\\x{{{ord(char):x}}}"
