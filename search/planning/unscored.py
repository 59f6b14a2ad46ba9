"""What decides whether a dataset is found, without what only ranks it: enough for
counts and facets, and cheaper.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from search.planning.clauses import (
    All,
    Any,
    AtLeast,
    Best,
    Clause,
    Except,
    Flat,
    InOrder,
    Is,
    Preferring,
    Tiered,
    Weighted,
)
from search.planning.document import PARTS_OF_TEXT


def unscored(clause: Clause) -> Clause:
    """A clause that finds what `clause` finds, and says nothing about scores."""
    match clause:
        case Tiered(tiers):
            # The last tier finds all that the others find; they only rank.
            return unscored(tiers[-1])
        case Preferring(child, _) | Weighted(child, _) | Flat(child, _):
            return unscored(child)
        case Best(children) | Any(children):
            found = _distinct(map(unscored, children))
            return found[0] if len(found) == 1 else Any(found)
        case All(children):
            # Without their weights some clauses become equal.
            return All(tuple(dict.fromkeys(map(unscored, children))))
        case AtLeast(children, least):
            return AtLeast(tuple(map(unscored, children)), least)
        case Except(child):
            return Except(unscored(child))
        case _:
            return clause


def _distinct(ways: Iterable[Clause]) -> tuple[Clause, ...]:
    """Ways to be found, without those that another one holds: a word of a title is a
    word of the text.
    """
    listed = dict.fromkeys(ways)
    return tuple(way for way in listed if _in_text(way) not in listed)


def _in_text(way: Clause) -> Clause | None:
    """The clause that holds wherever this one about a part of the text does."""
    if isinstance(way, Is | InOrder) and way.column in PARTS_OF_TEXT:
        return replace(way, column="text_f")
    return None
