"""Kept fragments: what was rendered of a dataset serves every page that names it,
within a bound of memory.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable

MOST_BYTES = 48 * 1024 * 1024


class Fragments:
    """The most recently used fragments of this process, by what they were made of."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most, self._size = most_bytes, 0
        self._kept: OrderedDict[bytes, bytes] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: bytes, render: Callable[[], bytes]) -> bytes:
        """The fragment of a key, rendered if it is not kept; two threads may do so at
        once, which harms nobody.
        """
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        made = render()
        with self._lock:
            if key not in self._kept:
                self._kept[key] = made
                self._size += len(made) + len(key)
            while self._size > self._most and self._kept:
                old, dropped = self._kept.popitem(last=False)
                self._size -= len(dropped) + len(old)
        return made
