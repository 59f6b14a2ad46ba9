"""Hits beyond the window that Elasticsearch pages through by number: the order is
total, so a step goes on after a hit.

No point in time is kept open on the server: it would expire under a slow reader and be
lost with a node. What a page ended with is remembered for a while instead, so that the
next page goes on after just that hit, whatever was written between them.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections import OrderedDict
from collections.abc import Iterator
from typing import Any as Anything

import orjson
from elasticsearch import Elasticsearch

Json = dict[str, Anything]
WINDOW = 10_000
"""Hits of one step, and those that the server itself pages through by number."""
REMEMBERED, REMEMBERED_SECONDS = 1_000, 300.0


class DeepPager:
    """Goes through the hits of a question to its end."""

    def __init__(
        self, client: Elasticsearch, alias: str, *, window: int = WINDOW
    ) -> None:
        self._client, self._alias, self.window = client, alias, window
        self._lock = threading.Lock()
        self._ends: OrderedDict[tuple[bytes, int], tuple[float, list[Anything]]] = (
            OrderedDict()
        )

    def page(self, body: Json, start: int, rows: int) -> list[Json]:
        """The hits from `start` on, `rows` at most."""
        asked = hashlib.sha256(orjson.dumps([body["query"], body["sort"]])).digest()
        after = self._remembered(asked, start)
        skipped = 0 if after else start
        hits = list(self.through(body, skipped + rows, skipped=skipped, after=after))[
            skipped:
        ]
        if hits:
            self._remember(asked, start + len(hits), hits[-1]["sort"])
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

    def _remembered(self, asked: bytes, place: int) -> list[Anything] | None:
        with self._lock:
            until, end = self._ends.get((asked, place), (0.0, None))
        return end if time.monotonic() < until else None

    def _remember(self, asked: bytes, place: int, end: list[Anything]) -> None:
        with self._lock:
            self._ends[asked, place] = time.monotonic() + REMEMBERED_SECONDS, end
            while len(self._ends) > REMEMBERED:
                self._ends.popitem(last=False)
