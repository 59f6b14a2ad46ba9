"""Hits beyond the window that Elasticsearch pages through by number: the order is
total, so a step goes on after a hit.

No point in time is kept open on the server: it would expire under a slow reader and be
lost with a node. What a page ended with is remembered for a while instead, so that the
next page goes on after just that hit, whatever was written between them.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from typing import Any as Anything
from typing import NamedTuple

import orjson
from elasticsearch import Elasticsearch

from schemas.cache import MemoryCache, Room

Json = dict[str, Anything]
WINDOW = 10_000
"""Hits of one step, and those that the server itself pages through by number."""
END_SECONDS = 300.0
"""For how long a reader may look at a page and still go on from where it ended."""


class PageEnd(NamedTuple):
    """The sort values of a page's last hit, and until when (monotonic seconds) they
    serve.
    """

    until: float
    sort: list[Anything]


class DeepPager:
    """Goes through the hits of a question to its end."""

    def __init__(
        self,
        client: Elasticsearch,
        alias: str,
        *,
        window: int = WINDOW,
        cache: MemoryCache | None = None,
    ) -> None:
        self._client, self._alias, self.window = client, alias, window
        self._ends: Room[PageEnd] = (cache or MemoryCache()).room(
            "search_walks", _end_bytes
        )

    def page(self, body: Json, start: int, rows: int) -> list[Json]:
        """The hits from `start` on, `rows` at most."""
        # The alias is part of the question: several indexes may share one cache.
        question = orjson.dumps([self._alias, body["query"], body["sort"]])
        digest = hashlib.sha256(question).digest()
        after = self._end_before(digest, start)
        skipped = 0 if after else start
        hits = list(self.through(body, skipped + rows, skipped=skipped, after=after))[
            skipped:
        ]
        if hits:
            self._ends.put(
                (digest, start + len(hits)),
                PageEnd(time.monotonic() + END_SECONDS, hits[-1]["sort"]),
            )
        return hits

    def through(
        self,
        body: Json,
        most: int = 2**62,
        *,
        skipped: int = 0,
        after: list[Anything] | None = None,
    ) -> Iterator[Json]:
        """Every hit in order, `most` of them; the first `skipped` without what they
        hold.
        """
        walked = 0
        while walked < most:
            # A step ends where the skipped hits end: their sources are not sent, those
            # of the others are.
            size = min(self.window, (most if walked >= skipped else skipped) - walked)
            source = {} if walked >= skipped else {"_source": False}
            further = {"search_after": after} if after else {}
            hits: list[Json] = self._client.search(
                index=self._alias,
                **(body | source | further),
                size=size,
                track_total_hits=False,
                allow_partial_search_results=False,
            ).body["hits"]["hits"]
            yield from hits
            walked += len(hits)
            if len(hits) < size:
                return
            after = hits[-1]["sort"]

    def _end_before(self, digest: bytes, start: int) -> list[Anything] | None:
        """Where the page ended that was before `start`, unless that is long ago."""
        end = self._ends.find((digest, start))
        return end.sort if end is not None and time.monotonic() < end.until else None


def _end_bytes(end: PageEnd) -> int:
    return len(orjson.dumps(end.sort))
