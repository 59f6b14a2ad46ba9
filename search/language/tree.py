"""The parsed form of a query: a plain tree of what was asked, and the way back to
text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TypeAlias

_SPECIAL = re.compile(r'([\s+\-!(){}\[\]^"~*?:\\&|/])')
_OPERATORS = frozenset({"AND", "OR", "NOT", "TO"})


@dataclass(frozen=True, slots=True)
class Everything:
    """`*:*`"""


@dataclass(frozen=True, slots=True)
class Term:
    """One word or value; `field` None asks the fields of free text."""

    field: str | None
    text: str


@dataclass(frozen=True, slots=True)
class Phrase:
    """Words in this order, at most `slop` moves apart."""

    field: str | None
    text: str
    slop: int = 0


@dataclass(frozen=True, slots=True)
class Wildcard:
    """`pattern` holds `*` and `?`; a backslash makes the next character an ordinary
    one.
    """

    field: str | None
    pattern: str


@dataclass(frozen=True, slots=True)
class Fuzzy:
    """A word that may differ in `distance` letters (0 to 2)."""

    field: str | None
    text: str
    distance: int = 2


@dataclass(frozen=True, slots=True)
class Range:
    """Values between `low` and `high`; None is an open end."""

    field: str | None
    low: str | None
    high: str | None
    include_low: bool = True
    include_high: bool = True


@dataclass(frozen=True, slots=True)
class Exists:
    """`field:*`: there is any value."""

    field: str


@dataclass(frozen=True, slots=True)
class Not:
    child: Node


@dataclass(frozen=True, slots=True)
class Boost:
    child: Node
    factor: float


@dataclass(frozen=True, slots=True)
class And:
    children: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Or:
    children: tuple[Node, ...]


Leaf: TypeAlias = Everything | Term | Phrase | Wildcard | Fuzzy | Range | Exists
Node: TypeAlias = Leaf | Not | Boost | And | Or


def unparse(node: Node) -> str:
    """Text that parses to the same tree."""
    match node:
        case And(children):
            return "(" + " AND ".join(unparse(child) for child in children) + ")"
        case Or(children):
            return "(" + " OR ".join(unparse(child) for child in children) + ")"
        case Not(child):
            return f"(NOT {unparse(child)})"
        case Boost(child, factor):
            return f"({unparse(child)})^{factor!r}"
        case _:
            return _leaf_text(node)


def _leaf_text(node: Leaf) -> str:
    """The text of a node without children."""
    match node:
        case Everything():
            return "*:*"
        case Exists(field):
            return f"{_word(field)}:*"
        case Term(field, text):
            return _prefix(field) + _word(text)
        case Phrase(field, text, slop):
            return f"{_prefix(field)}{_quoted(text)}" + (f"~{slop}" if slop else "")
        case Wildcard(field, pattern):
            return _prefix(field) + _pattern(pattern)
        case Fuzzy(field, text, distance):
            return f"{_prefix(field)}{_word(text)}~{distance}"
        case Range(field, low, high, include_low, include_high):
            ends = f"{_end(low)} TO {_end(high)}"
            opening = "[" if include_low else "{"
            closing = "]" if include_high else "}"
            return f"{_prefix(field)}{opening}{ends}{closing}"


def _prefix(field: str | None) -> str:
    return "" if field is None else f"{_word(field)}:"


def _word(text: str) -> str:
    escaped = _SPECIAL.sub(r"\\\1", text)
    # A word that reads like an operator is told from it by a backslash.
    return f"\\{escaped}" if escaped in _OPERATORS else escaped


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _end(text: str | None) -> str:
    # Always in quotation marks: a bare star or TO would be read as syntax.
    return "*" if text is None else _quoted(text)


def _pattern(pattern: str) -> str:
    return "".join(
        _part_of_pattern(escaped, char) for escaped, char in pattern_parts(pattern)
    )


def _part_of_pattern(escaped: str, char: str) -> str:
    if escaped:
        return f"\\{escaped}"
    return char if char in "*?" else _word(char)


def pattern_parts(pattern: str) -> list[tuple[str, str]]:
    """The pattern as (escaped character or "", plain or wild character or "") pairs, in
    order.
    """
    # A value may hold line breaks, which a plain dot would leave out.
    found = re.findall(r"\\(.)|(.)", pattern, re.DOTALL)
    return [(escaped, char) for escaped, char in found]
