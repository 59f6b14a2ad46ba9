"""SearchBackend: what an index promises, whichever engine keeps it."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

from schemas.package_dict import PackageDict
from search.steps import Step
from search.text.lexicon import EMPTY, Lexicon


class SearchUnavailable(Exception):
    """The index cannot be reached or opened now; the catalogue itself goes on."""


class ChangesRefused(SearchUnavailable):
    """The index takes some changes in no way, and has taken all others; `ids` are those
    of the refused ones.
    """

    def __init__(self, message: str, ids: Iterable[str]) -> None:
        super().__init__(message)
        self.ids = frozenset(ids)


class QueryError(ValueError):
    """The query cannot be understood.

    `kind` is "query" for a bad parameter or sort (CKAN's Search Query Error) and
    "search" for a refused or malformed q/fq (CKAN's Search Error).
    """

    def __init__(self, message: str, *, kind: str = "search") -> None:
        super().__init__(message)
        self.kind = kind


@dataclass(frozen=True, slots=True)
class IndexEntry:
    """One dataset to be indexed.

    `package` is the package dict; `payload` its rendered bytes, stored and given back
    by a hit. `labels` are the permission labels that may see it ("public", "member-<org
    id>", "creator-<user id>", "collaborator-<dataset id>"). `version` grows with every
    change: an older version never replaces a newer one.
    """

    id: str
    package: PackageDict
    payload: bytes
    labels: frozenset[str]
    version: int


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """A package_search, as CKAN clients say it.

    `labels` None sees everything. `sort` is CKAN's sort text ("score desc,
    metadata_modified desc") or None for the default. `fq` entries are AND-ed; each is
    Lucene grammar.

    Where free text finds fewer than `relax_below`, relaxed steps may be tried (0:
    never). `step` is the one to take, `above` are earlier ones whose finds come first,
    `lexicon` is what words mean; `begun` asks instead for titles that hold the words of
    q, the last of them perhaps unfinished. With `tell_wanted` the answer says what was
    looked for.
    """

    q: str = "*:*"
    fq: tuple[str, ...] = ()
    sort: str | None = None
    rows: int = 10
    start: int = 0
    facet_fields: tuple[str, ...] = ()
    facet_limit: int = 50
    facet_mincount: int = 1
    # Who does not say for whom he asks gets what everybody may see.
    labels: frozenset[str] | None = frozenset({"public"})
    include_private: bool = False
    include_drafts: bool = False
    include_deleted: bool = False
    dismax: bool | None = None
    relax_below: int = 0
    step: Step = Step.ALL_WORDS
    above: tuple[Step, ...] = ()
    lexicon: Lexicon = EMPTY
    begun: bool = False
    tell_wanted: bool = False


@dataclass(frozen=True, slots=True)
class Wanted:
    """What texts were searched for, folded: words, runs of words in order, regular
    expressions of words, and words of which one letter may be wrong.
    """

    words: frozenset[str] = frozenset()
    runs: frozenset[tuple[str, ...]] = frozenset()
    patterns: tuple[str, ...] = ()
    near: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Hit:
    id: str
    payload: bytes
    score: float = 0.0


@dataclass(frozen=True, slots=True)
class SearchResult:
    """`facets` maps field to (value, count) pairs, highest count first, ties by value;
    `sort` is the text used.

    `step` is what was forgiven to find this much; `wanted` is there where the request
    asked for it.
    """

    count: int
    hits: tuple[Hit, ...]
    sort: str
    facets: Mapping[str, tuple[tuple[str, int], ...]] = field(default_factory=dict)
    step: Step = Step.ALL_WORDS
    wanted: Wanted | None = None


Source: TypeAlias = Callable[[str], Iterable[IndexEntry]]
"""What a rebuild reads: entries in the order of their ids, those alone that come after
the id it is called with.
"""


@dataclass(frozen=True, slots=True)
class Health:
    """How an index is: `status` is "ok", "degraded" (it answers, but not as it should)
    or "down".
    """

    engine: str
    status: str
    datasets: int | None = None
    rebuilding: bool = False
    detail: str = ""

    @property
    def complaint(self) -> Mapping[str, str]:
        """What is wrong and how to mend it, to be shown where there is something; it
        names no address and no secret.
        """
        return {"detail": self.detail} if self.status != "ok" and self.detail else {}


class SearchBackend(Protocol):
    """What every index promises. Every method but `health` raises SearchUnavailable
    when it cannot be reached.
    """

    def apply(self, entries: Iterable[IndexEntry], deleted: Iterable[str] = ()) -> None:
        """Add or replace entries and remove ids; found by every reader once this
        returns.

        An entry that comes back after its deletion must carry a higher version than
        before.
        """
        ...

    def search(self, request: SearchRequest) -> SearchResult:
        """Answer one request. Raises QueryError for a query that cannot be
        understood.
        """
        ...

    def state(self) -> Hashable | None:
        """What the index knows now: while this is equal, it answers a request alike,
        but for dates counted from NOW. None where that cannot be told cheaply.
        """
        ...

    def rebuild(self, entries: Source) -> int:
        """Fill a new index and swap it in without a gap in service; return how many it
        holds.

        One that was interrupted, by kill -9 even, is gone on with where it stopped.
        """
        ...

    def stamps(self) -> Iterator[tuple[str, int]]:
        """Yield (id, version) of everything indexed, for a comparison with the
        database.
        """
        ...

    def health(self) -> Health:
        """How the index is now; never raises."""
        ...

    def close(self) -> None:
        """Give back connections and locks; safe to call twice."""
        ...
