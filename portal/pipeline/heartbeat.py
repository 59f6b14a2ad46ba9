"""Heartbeat: one small task that comes every few seconds in the background while other
work goes on, such as renewing a lease.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from types import TracebackType

from sqlalchemy.exc import SQLAlchemyError

BEATS_PER_LEASE = 3
"""How often a lease is renewed before it would run out: two beats may fail, and it is
held all the same.
"""
log = logging.getLogger(__name__)


class Heartbeat:
    """A context manager that calls `beat` every so many seconds in a thread of its own.

    `beat` tells whether another beat follows. A database that does not answer is no
    reason to end: the next beat tries again.
    """

    def __init__(self, name: str, seconds: float, beat: Callable[[], bool]) -> None:
        self._name, self._seconds, self._beat = name, seconds, beat
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def __enter__(self) -> Heartbeat:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        # Joined, so that no beat renews what the caller gives back right after this.
        self._thread.join()

    def _run(self) -> None:
        """Beat until the work is over or no beat follows."""
        follows = True
        while follows and not self._stop.wait(self._seconds):
            try:
                follows = self._beat()
            except SQLAlchemyError as error:
                log.warning(
                    "the heartbeat %s could not be written: %s",
                    self._name,
                    type(error).__name__,
                )
