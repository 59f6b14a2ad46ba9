"""Full text over rows: what `q` asks for, as conditions and ranks in SQL; words are
folded as the rows are.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from i18n import Message
from portal.tabular.fold import words
from schemas import bounds

_TOKEN = re.compile(
    r"\s*(<->|<\d+>|[&|!()]|'(?:[^']|'')*'|[^\s&|!()<:]+|:\*|:[A-Da-d*]+)"
)
DEEPEST = 50
"""How deep the brackets of a `q` may nest."""


MOST_WORDS, LONGEST = 100, 5_000
"""Words, and characters, of all that one query asks for: each is looked for in each
row.
"""


class TextQueryError(ValueError):
    """A `q` that breaks the grammar; the message says where."""


def too_long(texts: Sequence[str]) -> list[str]:
    """What is wrong with the length of a query, in both languages; nothing for one
    within its limits.
    """
    if sum(map(len, texts)) > LONGEST:
        too_long = Message("At most {limit} characters can be searched for")
        return bounds.told(too_long.filled(limit=LONGEST))
    if sum(len(words(text)) for text in texts) > MOST_WORDS:
        too_many = Message("At most {limit} words can be searched for")
        return bounds.told(too_many.filled(limit=MOST_WORDS))
    return []


@dataclass(slots=True)
class TextQuery:
    """A compiled `q`: the condition, and the words that rank a row by how often they
    begin a word of it.

    `all_of` holds the words, each as `holds` takes it, where the condition asks for
    nothing but all of them.
    """

    where: str = ""
    parameters: list[Any] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    all_of: list[str] = field(default_factory=list)


def plain(text: str, subject: str) -> TextQuery:
    """Every word must be a word of the row, as in CKAN's `plain` search; one with a `*`
    behind it, begin one.
    """
    query = TextQuery()
    conditions = []
    for piece in text.split():
        said = words(piece)
        for place, word in enumerate(said, 1):
            begins = piece.endswith("*") and place == len(said)
            query.words.append(f" {word}")
            query.all_of.append(f" {word}" if begins else f" {word} ")
            conditions.append(
                _holds(subject, f" {word}", query.parameters, begins=begins)
            )
    query.where = " AND ".join(conditions)
    return query


def holds(texts: pl.Series, word: str) -> pl.Series:
    """Which folded texts hold a word: ` word ` with a blank behind it is a whole one, `
    word` may go on.
    """
    held = texts.str.contains(word, literal=True)
    return held | texts.str.ends_with(word[:-1]) if word.endswith(" ") else held


def _holds(subject: str, word: str, parameters: list[Any], *, begins: bool) -> str:
    """The condition that a row holds ` word`, or a word that begins so; what it is to
    be filled with is added.
    """
    if begins:
        parameters.append(word)
        return f"contains({subject}, ?)"
    parameters += [f"{word} ", word]
    return f"(contains({subject}, ?) OR suffix({subject}, ?))"


def boolean(text: str, subject: str) -> TextQuery:
    """PostgreSQL's to_tsquery: words, `prefix:*`, `&`, `|`, `!`, `<->` (side by side),
    brackets.

    Raises TextQueryError.
    """
    return _Parser(text, subject).parse()


class _Parser:
    """Reads one text query by descent: or, and, not, phrase, word."""

    def __init__(self, text: str, subject: str) -> None:
        self._tokens, self._at, self._depth = _tokens(text), 0, 0
        self._subject, self._query = subject, TextQuery()

    def parse(self) -> TextQuery:
        if self._tokens:
            self._query.where = self._or()
        if self._at != len(self._tokens):
            raise TextQueryError(f"syntax error at {self._tokens[self._at]!r}")
        return self._query

    def _peek(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def _many(self, sign: str, word: str, inner: Callable[[], str]) -> str:
        """SQL for parts that a sign joins, as one condition in brackets."""
        parts = [inner()]
        while self._peek() == sign:
            self._at += 1
            parts.append(inner())
        return parts[0] if len(parts) == 1 else "(" + f" {word} ".join(parts) + ")"

    def _or(self) -> str:
        return self._many("|", "OR", self._and)

    def _and(self) -> str:
        return self._many("&", "AND", self._not)

    def _not(self) -> str:
        """SQL for what follows "!", negated; else for a phrase."""
        if self._peek() != "!":
            return self._phrase()
        self._at += 1
        self._deeper()
        ranked = len(self._query.words)
        inner = self._not()
        del self._query.words[ranked:]  # what must be absent ranks nothing
        self._depth -= 1
        return f"(NOT {inner})"

    def _deeper(self) -> None:
        self._depth += 1
        if self._depth > DEEPEST:
            raise TextQueryError(f"nested more than {DEEPEST} deep")

    def _phrase(self) -> str:
        """SQL for a bracket, or for words that have to follow each other."""
        if self._peek() == "(":
            self._at += 1
            self._deeper()
            inner = self._or()
            if self._peek() != ")":
                raise TextQueryError("a bracket is not closed")
            self._at += 1
            self._depth -= 1
            return inner
        said, prefix = self._word()
        while self._peek() == "<->":
            self._at += 1
            more, prefix = self._word()
            said = [*said, *more]
        return self._condition(said, prefix)

    def _word(self) -> tuple[list[str], bool]:
        """The words of one token, and whether the last may go on (":*")."""
        token = self._peek()
        if not token or token in ("&", "|", ")", "<->", "!", "(") or token[0] in ":<":
            raise TextQueryError(
                f"a word is expected{f' before {token!r}' if token else ' at the end'}"
            )
        self._at += 1
        prefix = self._peek().startswith(":")
        if prefix:
            prefix = "*" in self._peek()
            self._at += 1
        return words(token), prefix

    def _condition(self, said: list[str], prefix: bool) -> str:
        """SQL for one phrase, which also counts for the rank."""
        if not said:
            return "TRUE"  # a sign alone is no word, and asks for nothing
        phrase = " " + " ".join(said)
        self._query.words.append(phrase)
        return _holds(self._subject, phrase, self._query.parameters, begins=prefix)


def _tokens(text: str) -> list[str]:
    """The tokens of a text query. Raises TextQueryError at what is none."""
    found, at = [], 0
    while text[at:].strip():
        match = _TOKEN.match(text, at)
        if match is None:
            raise TextQueryError(f"syntax error at character {at + 1}")
        found.append(match.group(1))
        at = match.end()
    return found
