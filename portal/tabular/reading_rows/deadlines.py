"""Deadlines: row queries that take longer than they may are interrupted, by one thread
that looks at the clock.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import duckdb

from i18n import Message
from portal.tabular.reading_rows.query import RowQueryError
from schemas import bounds

LOOKS_EVERY = 0.25


class Deadlines:
    """Interrupts what runs too long; with 0 seconds nothing ever is. Safe for
    threads.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._running: dict[int, tuple[duckdb.DuckDBPyConnection, float]] = {}
        self._lock = threading.Lock()
        self._watching: threading.Thread | None = None

    @contextmanager
    def over(self, cursor: duckdb.DuckDBPyConnection) -> Iterator[None]:
        """What the cursor does inside must be done in time. Raises RowQueryError when
        it is not.
        """
        if not self._seconds:
            yield
            return
        with self._lock:
            self._running[id(cursor)] = (cursor, time.monotonic() + self._seconds)
            self._watch()
        try:
            yield
        except duckdb.InterruptException:
            raise RowQueryError({"query": self._told()}) from None
        finally:
            with self._lock:
                self._running.pop(id(cursor), None)

    def _told(self) -> list[str]:
        """The refusal of a query that takes too long, in both languages."""
        limit = f"{self._seconds:g}"
        message = Message(
            "The query takes longer than {limit} seconds: ask for fewer rows, "
            "columns or words"
        )
        return bounds.told(message.filled(limit=limit))

    def _watch(self) -> None:
        """Have the one thread that looks; a process that was forked has none of its own
        yet.
        """
        if self._watching is None or not self._watching.is_alive():
            self._watching = threading.Thread(
                target=self._look, name="row-deadlines", daemon=True
            )
            self._watching.start()

    def _look(self) -> None:
        while True:
            time.sleep(LOOKS_EVERY)
            self._interrupt_late()

    def _interrupt_late(self) -> None:
        """Interrupt every running query that is past its deadline."""
        # What is interrupted here cannot have ended and become another query meanwhile.
        with self._lock:
            for cursor, until in self._running.values():
                if time.monotonic() > until:
                    cursor.interrupt()
