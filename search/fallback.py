"""Two indexes at once: the second answers while the first cannot be reached."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from dataclasses import replace

from search.backend import (
    Health,
    IndexEntry,
    SearchBackend,
    SearchRequest,
    SearchResult,
    SearchUnavailable,
    Source,
)

log = logging.getLogger(__name__)


class FallbackIndex:
    """SearchBackend that writes to both and reads from the first, or from the second
    when the first is down.

    A change counts as written only when both took it; until then the caller repeats it,
    which does no harm.
    """

    def __init__(self, first: SearchBackend, second: SearchBackend) -> None:
        self._first, self._second = first, second

    def apply(self, entries: Iterable[IndexEntry], deleted: Iterable[str] = ()) -> None:
        """To the second first: it must know what the first, being down, will learn
        later.
        """
        # Both indexes read all of it, and an iterator ends with the first.
        listed, gone = list(entries), list(deleted)
        self._second.apply(listed, gone)
        self._first.apply(listed, gone)

    def search(self, request: SearchRequest) -> SearchResult:
        """From the first that answers."""
        try:
            # A QueryError goes to the caller: the second index plans the same question.
            return self._first.search(request)
        except SearchUnavailable as error:
            log.warning("the second index answers: %s", error)
            return self._second.search(request)

    def state(self) -> None:
        """Not known: which of the two answers is found out by asking."""

    def rebuild(self, entries: Source) -> int:
        """Both, one after the other."""
        self._second.rebuild(entries)
        return self._first.rebuild(entries)

    def stamps(self) -> Iterator[tuple[str, int]]:
        """What both hold: a dataset that one of them lacks or holds in an older version
        is said as that one has it.
        """
        first, second = dict(self._first.stamps()), dict(self._second.stamps())
        for key in first.keys() | second.keys():
            # The older version of the two: the comparison with the database then sends
            # the change again, to both.
            yield key, min(held.get(key, -1) for held in (first, second))

    def health(self) -> Health:
        """The first's; while it is down but the second answers, "degraded"."""
        health = self._first.health()
        if health.status == "down" and self._second.health().status != "down":
            return replace(
                health,
                status="degraded",
                detail=f"{health.detail} The embedded index answers meanwhile.",
            )
        return health

    def close(self) -> None:
        """Close both."""
        self._first.close()
        self._second.close()
