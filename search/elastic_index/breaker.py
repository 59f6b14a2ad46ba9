"""A circuit breaker: a server that does not answer is left alone for a while, so that
nobody waits for it in vain.
"""

from __future__ import annotations

import threading
import time

from search.backend import SearchUnavailable

FAILURES = 3
"""Failures in a row after which the server is left alone."""


class Breaker:
    """Counts failures in a row. While it is open every call is refused at once; after
    `pause` seconds one may try.

    The one that tries gets another pause for it: until its outcome is known all others
    are refused, and one that never says how it went holds nobody up for longer.
    """

    def __init__(self, pause: float) -> None:
        self._pause = pause
        self._lock = threading.Lock()
        self._failures = 0
        self._until = 0.0

    def check(self) -> None:
        """Raise SearchUnavailable while the server is left alone."""
        # Without the lock, as every call asks and nearly all find no failure. It is
        # asked again below.
        if self._failures < FAILURES:
            return
        with self._lock:
            if self._failures >= FAILURES:
                if time.monotonic() < self._until:
                    raise SearchUnavailable(
                        "Elasticsearch did not answer a moment ago; it is tried again "
                        "in a few seconds."
                    )
                self._until = time.monotonic() + self._pause

    def failed(self) -> None:
        """Note that the server did not answer."""
        with self._lock:
            self._failures += 1
            if self._failures >= FAILURES:
                self._until = time.monotonic() + self._pause

    def worked(self) -> None:
        """Note that it answered."""
        if self._failures:
            with self._lock:
                self._failures, self._until = 0, 0.0
