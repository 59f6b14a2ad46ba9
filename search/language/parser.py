"""CKAN's q and fq, written in Lucene's grammar, parsed into a plain tree by recursive
descent.

Words that stand side by side are all required; `NOT` binds tightest, then `AND`, then
`OR`, then standing side by side. So `organization:a OR organization:b
metadata_modified:[X TO *]` is the union of two organizations, changed since X, which is
what harvesters mean by it (Solr answers every dataset).
"""

from __future__ import annotations

import math
import re
from dataclasses import replace
from typing import NamedTuple

from search.backend import QueryError
from search.language.tree import (
    And,
    Boost,
    Everything,
    Exists,
    Fuzzy,
    Node,
    Not,
    Or,
    Phrase,
    Range,
    Term,
    Wildcard,
)

LONGEST = 20_000
"""Characters of a query; harvesters list many identifiers in one."""
DEEPEST = 40
"""Parentheses and negations within each other."""
MOST_CLAUSES = 2_048
LONGEST_PATTERN, MOST_SIGNS = 200, 20
"""Characters, and signs that stand for others, of one pattern; a range's end is no
longer than a pattern.
"""
HIGHEST_BOOST = 1e6
LONGEST_FIELD = 200
"""Characters of a field name in a query."""
_REFUSED_FIELDS = frozenset({"_query_", "_val_"})
_BLANK = " \t\r\n\f\v\u00a0\u3000"
_ENDS_WORD = frozenset(_BLANK + '()[]{}"^~')
_NUMBER = re.compile(r"\d{1,10}(?:\.\d{1,20})?(?:[eE][+-]?\d{1,3})?")
_OPERATORS = {"AND": "AND", "&&": "AND", "OR": "OR", "||": "OR", "NOT": "NOT"}
_FREE = re.compile(r'([+-]?)(?:"([^"]*)"|([^\s"]+))')


class _Word(NamedTuple):
    """A bare word: its text without escapes, its pattern with them, and whether it
    holds a live wildcard.
    """

    text: str
    pattern: str
    wild: bool


def parse(text: str) -> Node:
    """The tree of a Lucene query. Raises QueryError of kind "search", and nothing
    else.
    """
    refuse_magic(text)
    if len(text) > LONGEST:
        raise QueryError(
            f"The query is too long: {len(text)} characters, at most {LONGEST}."
        )
    return _Parser(text).whole()


def parse_q(text: str, dismax: bool | None = None) -> Node:
    """The tree of q: Lucene's grammar when it holds a colon, else free text; `dismax`
    decides when given.
    """
    return parse_free(text) if is_free(text, dismax) else parse(text)


def is_free(text: str, dismax: bool | None = None) -> bool:
    """Whether q is read as free text."""
    return ":" not in text if dismax is None else dismax


def parse_free(text: str) -> Node:
    """Words as people type them: `+`, `-`, "phrases" and a last `*` count, nothing else
    is special.
    """
    refuse_magic(text)
    if len(text) > LONGEST:
        raise QueryError(
            f"The query is too long: {len(text)} characters, at most {LONGEST}."
        )
    if text.strip() in ("", "*"):
        return Everything()
    # A quotation mark without its pair is skipped by the pattern, so free text never
    # fails.
    found = [_free_word(*parts) for parts in _FREE.findall(text)][:MOST_CLAUSES]
    if not found:
        return Term(None, text)
    return found[0] if len(found) == 1 else And(tuple(found))


def refuse_magic(text: str) -> None:
    """Refuse what would reach into a search server: local parameters and nested
    queries.
    """
    # Checked before parsing, and anywhere in the text: a quotation mark would not hide
    # it from a search server.
    if "{!" in text:
        raise QueryError(
            "Local parameters ({!…}) are not allowed in a query; quote the text or "
            "leave them out."
        )


def _free_word(sign: str, quoted: str, word: str) -> Node:
    """One word or phrase of free text with its sign, as a node."""
    if quoted:
        node: Node = Phrase(None, quoted)
    elif (
        1 < len(word) <= LONGEST_PATTERN and word.endswith("*") and "*" not in word[:-1]
    ):
        # Only the star at the end is live. In a pattern ? and \ would mean something.
        node = Wildcard(None, re.sub(r"([\\?])", r"\\\1", word))
    else:
        node = Term(None, word)
    # A word of nothing but dashes refuses nothing: people use it as punctuation.
    return Not(node) if sign == "-" and (quoted or word.strip("-")) else node


class _Parser:
    """One pass over the text; every method reads one construct and leaves `at` behind
    it.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.depth = 0
        self.clauses = 0

    def whole(self) -> Node:
        self._blanks()
        if self.at == len(self.text):
            return Everything()
        node = self._together(None)
        if self.at < len(self.text):
            raise self._error(f"unexpected {self.text[self.at]!r}")
        return node

    def _together(self, field: str | None) -> Node:
        """Disjunctions side by side: all are required."""
        found = [self._either(field)]
        while self.at < len(self.text) and self.text[self.at] not in ")]}":
            found.append(self._either(field))
        return found[0] if len(found) == 1 else And(tuple(found))

    def _either(self, field: str | None) -> Node:
        """Conjunctions joined by OR."""
        found = [self._both(field)]
        while self._operator("OR"):
            found.append(self._both(field))
        return found[0] if len(found) == 1 else Or(tuple(found))

    def _both(self, field: str | None) -> Node:
        """Signed clauses joined by AND."""
        found = [self._signed(field)]
        while self._operator("AND"):
            found.append(self._signed(field))
        return found[0] if len(found) == 1 else And(tuple(found))

    def _signed(self, field: str | None) -> Node:
        """A clause after any number of NOT, -, ! or +."""
        # Signs can follow each other without parentheses, so each costs a level.
        # Without the bound a row of them would end in a RecursionError.
        self._deeper()
        if self._operator("NOT") or self._take("-") or self._take("!"):
            self._blanks()
            node: Node = Not(self._signed(field))
        # Words side by side are all required already, so + changes nothing.
        elif self._take("+"):
            self._blanks()
            node = self._signed(field)
        else:
            node = self._boosted(field)
        self.depth -= 1
        return node

    def _boosted(self, field: str | None) -> Node:
        """A primary with its weights (`^2`); several weights multiply."""
        node = self._primary(field)
        while self._take("^"):
            node = Boost(node, self._number("^", HIGHEST_BOOST))
        self._blanks()
        return node

    def _primary(self, field: str | None) -> Node:
        """A group, a phrase, a range, or a word with or without a field."""
        # Counted while reading: a tree that is too large is never built.
        self.clauses += 1
        if self.clauses > MOST_CLAUSES:
            raise QueryError(
                f"The query has too many clauses; at most {MOST_CLAUSES} are taken."
            )
        if self.at >= len(self.text):
            raise self._error(
                "the query ends where a word, a phrase or a group should follow"
            )
        char = self.text[self.at]
        if char == "(":
            return self._group(field)
        if char == '"':
            return self._phrase(field)
        if char in "[{":
            return self._range(field)
        return self._named(field)

    def _group(self, field: str | None) -> Node:
        """What stands in parentheses; a field in front of them holds for all of it."""
        self._deeper()
        self.at += 1
        self._blanks()
        node = self._together(field)
        if not self._take(")"):
            raise self._error("a parenthesis is not closed")
        self.depth -= 1
        return node

    def _phrase(self, field: str | None) -> Node:
        """What stands in quotation marks, and its slop (`~2`)."""
        text = self._quoted()
        return (
            Phrase(field, text, int(self._number("~", 1_000)))
            if self._take("~")
            else Phrase(field, text)
        )

    def _named(self, field: str | None) -> Node:
        """A word, or a field with what follows its colon."""
        if self._operator_ahead():
            raise self._error(f"{self._operator_ahead()} stands where a word should")
        # Here a colon ends the field's name. A value may hold colons, as times and
        # addresses do.
        word = self._word(stop_at_colon=True)
        if not self._take(":"):
            return self._ended(field, word)
        if word.wild:
            return self._everything(word)
        if word.text in _REFUSED_FIELDS or not word.text:
            raise QueryError(
                f"{word.text or 'An empty name'} is not allowed as a field in a query."
            )
        if len(word.text) > LONGEST_FIELD:
            raise QueryError(f"A field name has at most {LONGEST_FIELD} characters.")
        self._blanks()
        return self._value(word.text)

    def _everything(self, word: _Word) -> Node:
        if word.pattern == "*" and self._word(stop_at_colon=False).pattern == "*":
            return Everything()
        raise self._error("a field name cannot hold wildcards")

    def _value(self, field: str) -> Node:
        """What stands behind the colon of a field."""
        if self.at < len(self.text) and self.text[self.at] in '("[{':
            return self._primary(field)
        sign = self._take("-")
        word = self._word(stop_at_colon=False)
        if sign and not word.pattern:
            raise self._error("a value is missing after the colon")
        node = self._ended(field, word)
        # A minus after the colon belongs to a number or stands for "not this value", as
        # Solr reads it.
        if not sign:
            return node
        return _negative(node) if word.text[:1].isdigit() else Not(node)

    def _ended(self, field: str | None, word: _Word) -> Node:
        """The node of a word: fuzzy, a pattern, any value at all, or a plain term."""
        if not word.pattern:
            raise self._error("a word or value is missing")
        if self._take("~"):
            # Engines build automata for two letters at most, so a larger distance
            # counts as two. Old Lucene wrote a similarity below 1 here, which becomes
            # 0.
            distance = int(self._number("~", 1e9)) if self._digit() else 2
            return Fuzzy(field, word.text, min(distance, 2))
        if not word.wild:
            return Term(field, word.text)
        if word.pattern == "*":
            return Everything() if field is None else Exists(field)
        # Both engines compile a pattern to an automaton, which grows with its length
        # and its signs.
        signs = word.pattern.count("*") + word.pattern.count("?")
        if len(word.pattern) > LONGEST_PATTERN or signs > MOST_SIGNS:
            raise QueryError(
                f"A pattern has at most {LONGEST_PATTERN} characters and {MOST_SIGNS} "
                "of the signs * and ?."
            )
        return Wildcard(field, word.pattern)

    def _range(self, field: str | None) -> Node:
        """A range in brackets (with its border) or braces (without)."""
        include_low = self.text[self.at] == "["
        self.at += 1
        low = self._end()
        if self._word(stop_at_colon=False).text != "TO":
            raise self._error("a range is written [low TO high]")
        high = self._end()
        if not (self._take("]") or self._take("}")):
            raise self._error("a range is not closed")
        return Range(field, low, high, include_low, self.text[self.at - 1] == "]")

    def _end(self) -> str | None:
        """One end of a range; None is open."""
        self._blanks()
        quoted = self.at < len(self.text) and self.text[self.at] == '"'
        if quoted:
            # In quotation marks a star is a text, not an open end.
            found: str | None = self._quoted()
        else:
            word = self._word(stop_at_colon=False)
            if not word.pattern:
                raise self._error("a range is written [low TO high]")
            found = None if word.pattern == "*" else word.text
        self._blanks()
        if found is not None and len(found) > LONGEST_PATTERN:
            raise QueryError(
                f"The end of a range has at most {LONGEST_PATTERN} characters."
            )
        return found

    def _word(self, *, stop_at_colon: bool) -> _Word:
        """The word at this place, up to a sign that ends it; it may be empty."""
        text, pattern, wild = [], [], False
        while self.at < len(self.text):
            char = self.text[self.at]
            if char in _ENDS_WORD or (char == ":" and stop_at_colon):
                break
            self.at += 1
            if char == "\\":
                char = self._escaped()
                # The backslash stays where a pattern would read the sign as live.
                pattern.append(f"\\{char}" if char in "*?\\" else char)
            else:
                wild = wild or char in "*?"
                pattern.append(char)
            text.append(char)
        return _Word("".join(text), "".join(pattern), wild)

    def _quoted(self) -> str:
        """The text in quotation marks, without its escapes."""
        self.at += 1
        found: list[str] = []
        while self.at < len(self.text):
            char = self.text[self.at]
            self.at += 1
            if char == '"':
                return "".join(found)
            found.append(self._escaped() if char == "\\" else char)
        raise self._error("a quotation mark is not closed")

    def _escaped(self) -> str:
        """The character behind a backslash."""
        if self.at >= len(self.text):
            raise self._error("the query ends with a backslash")
        self.at += 1
        return self.text[self.at - 1]

    def _number(self, sign: str, highest: float) -> float:
        """The number behind `sign`, from 0 to `highest`."""
        found = _NUMBER.match(self.text, self.at)
        value = float(found.group()) if found else math.inf
        if not found or not 0 <= value <= highest:
            raise self._error(f"a number from 0 to {highest:g} must follow {sign}")
        self.at = found.end()
        return value

    def _digit(self) -> bool:
        return self.at < len(self.text) and self.text[self.at] in "0123456789"

    def _operator_ahead(self) -> str | None:
        """The operator that stands here as a word of its own, or None."""
        for sign, name in _OPERATORS.items():
            end = self.at + len(sign)
            follows = self.text[end : end + 1]
            # ORGANIZATION begins with OR: what follows tells a word from an operator.
            if self.text.startswith(sign, self.at) and (
                not follows or follows in _BLANK + '("+-!'
            ):
                return name
        return None

    def _operator(self, name: str) -> bool:
        """Whether this operator stands here; if so it is read."""
        if self._operator_ahead() != name:
            return False
        # The other spellings, && and ||, have two characters.
        self.at += len(name) if self.text.startswith(name, self.at) else 2
        self._blanks()
        return True

    def _take(self, sign: str) -> bool:
        """Whether this sign stands here; if so it is read."""
        if not self.text.startswith(sign, self.at):
            return False
        self.at += len(sign)
        return True

    def _blanks(self) -> None:
        while self.at < len(self.text) and self.text[self.at] in _BLANK:
            self.at += 1

    def _deeper(self) -> None:
        """Count a level; raises QueryError beyond `DEEPEST`."""
        self.depth += 1
        if self.depth > DEEPEST:
            raise QueryError(
                f"The query is nested too deeply; at most {DEEPEST} levels are taken."
            )

    def _error(self, problem: str) -> QueryError:
        return QueryError(
            f"The query cannot be understood at character {self.at + 1}: {problem}."
        )


def _negative(node: Node) -> Node:
    """The node with a minus in front of its text."""
    match node:
        case Term(_, text):
            return replace(node, text=f"-{text}")
        case Fuzzy(_, text, _):
            return replace(node, text=f"-{text}")
        case Wildcard(_, pattern):
            return replace(node, pattern=f"-{pattern}")
        case _:
            return node
