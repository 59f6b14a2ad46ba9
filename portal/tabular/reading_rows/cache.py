"""Answers kept in memory: a version never changes, so what was found in it once is true
for ever.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Any

MOST_BYTES = 48 * 1024 * 1024
LARGEST = 2 * 1024 * 1024


class AnswerCache:
    """The answers asked for last, up to a number of bytes. Safe for threads."""

    def __init__(self, most_bytes: int = MOST_BYTES, largest: int = LARGEST) -> None:
        self._most, self._largest = most_bytes, largest
        self._kept: OrderedDict[bytes, tuple[Any, int]] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def find(self, key: bytes) -> Any:
        """What was kept under this key, or None."""
        with self._lock:
            found = self._kept.get(key)
            if found is None:
                return None
            self._kept.move_to_end(key)
            return found[0]

    def keep(self, key: bytes, answer: Any, size: int) -> None:
        """Keep an answer unless it is too large; the ones asked for longest ago make
        room.
        """
        if size > self._largest:
            return
        with self._lock:
            replaced = self._kept.pop(key, None)
            self._bytes += size - (replaced[1] if replaced else 0)
            self._kept[key] = (answer, size)
            while self._bytes > self._most:
                _, (_, gone) = self._kept.popitem(last=False)
                self._bytes -= gone
