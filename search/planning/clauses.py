"""The few clauses that a request is worked out to, and the plan that they make: data
only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Is:
    """The column holds this whole value, word or number."""

    column: str
    value: str | int


@dataclass(frozen=True, slots=True)
class IsAny:
    column: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class InOrder:
    """The words stand in this order, at most `slop` moves apart (two words at
    least).
    """

    column: str
    words: tuple[str, ...]
    slop: int = 0


@dataclass(frozen=True, slots=True)
class Like:
    """`pattern` with live `*` and `?`; a backslash makes the next character
    ordinary.
    """

    column: str
    pattern: str


@dataclass(frozen=True, slots=True)
class Near:
    column: str
    word: str
    distance: int


@dataclass(frozen=True, slots=True)
class Between:
    """Whole numbers, both bounds included; None is an open end."""

    column: str
    low: int | None
    high: int | None


@dataclass(frozen=True, slots=True)
class TextBetween:
    """Texts by code point; None is an open end."""

    column: str
    low: str | None
    high: str | None
    include_low: bool
    include_high: bool


@dataclass(frozen=True, slots=True)
class Whole:
    """Everything."""


@dataclass(frozen=True, slots=True)
class Nothing:
    """Nothing at all."""


@dataclass(frozen=True, slots=True)
class All:
    clauses: tuple[Clause, ...]


@dataclass(frozen=True, slots=True)
class Any:
    clauses: tuple[Clause, ...]


@dataclass(frozen=True, slots=True)
class AtLeast:
    """So many of them; their scores add up."""

    clauses: tuple[Clause, ...]
    least: int


@dataclass(frozen=True, slots=True)
class Except:
    clause: Clause


@dataclass(frozen=True, slots=True)
class Best:
    """The best clause counts, the others by `TIE`."""

    clauses: tuple[Clause, ...]


@dataclass(frozen=True, slots=True)
class Weighted:
    clause: Clause
    factor: float


@dataclass(frozen=True, slots=True)
class Flat:
    """The same score for every match."""

    clause: Clause
    score: float = 1.0


@dataclass(frozen=True, slots=True)
class Preferring:
    """`clause` decides what is found; each bonus that matches adds its score."""

    clause: Clause
    bonuses: tuple[Clause, ...]


@dataclass(frozen=True, slots=True)
class Tiered:
    """What the first tier finds comes before all else, in the order of its own scores,
    then what the second finds, and so on. The last tier finds all that the others find.
    `step` is more than any of them can score. The first `quick` tiers hold no choices:
    they cost little, and mostly fill a page.
    """

    tiers: tuple[Clause, ...]
    step: float
    quick: int = 0


Leaf: TypeAlias = (
    Is | IsAny | InOrder | Like | Near | Between | TextBetween | Whole | Nothing
)
Clause: TypeAlias = (
    Leaf | All | Any | AtLeast | Except | Best | Weighted | Flat | Preferring | Tiered
)


@dataclass(frozen=True, slots=True)
class SortKey:
    """A column to sort by, or "score"."""

    column: str
    descending: bool


@dataclass(frozen=True, slots=True)
class Facet:
    """`column` counted; only values that begin with `prefix` (an extra's key), which is
    cut off again.
    """

    name: str
    column: str
    prefix: str


@dataclass(frozen=True, slots=True)
class Plan:
    """`query` scores, `filters` only keep; `order` is total: it ends with the
    identifier.
    """

    query: Clause
    filters: tuple[Clause, ...]
    order: tuple[SortKey, ...]
    facets: tuple[Facet, ...]
    sort: str
