"""The memory of one process: recently used answers of every room within one budget of
bytes.
"""

from __future__ import annotations

import sys
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any, Generic, NamedTuple, TypeAlias, TypeVar

from schemas.units import BYTES_PER_MB

Value = TypeVar("Value")

ROOMS = (
    "search_answers",
    "search_pages",
    "search_facets",
    "search_walks",
    "row_answers",
    "row_versions",
    "row_fingerprints",
    "row_orders",
    "fragments",
)
"""Who shares the budget; a room's place here is its place among the figures."""
DEFAULT_BYTES = 128 * BYTES_PER_MB
ENTRY_BYTES = 400
"""What one entry costs beside its key and its value: tuples and a node of the list."""
LARGEST_SHARE = 64
"""No entry takes more than this part of the budget, or one answer could evict all."""
Places: TypeAlias = "list[float] | memoryview[float]"
"""Where figures are counted: memory of the process, or some that processes share."""


class Figures(NamedTuple):
    """What has happened to the entries of one room; `size` is in bytes."""

    hits: float
    misses: float
    size: float


WIDTH = len(Figures._fields)
HITS, MISSES, SIZE = range(WIDTH)


class _Entry(NamedTuple):
    value: Any
    size: int


class MemoryCache:
    """Entries of all rooms, the least recently used evicted first. Safe for threads.

    A room's keys must name everything that its values depend on (a version, a hash of
    the content, the state of the index): nothing here ever expires by itself.
    """

    def __init__(self, most_bytes: int = DEFAULT_BYTES) -> None:
        """`most_bytes` bounds all rooms together; 0 keeps nothing."""
        self._most = most_bytes
        self._largest = most_bytes // LARGEST_SHARE
        self._size = 0
        self._lock = threading.Lock()
        # One list for all rooms: memory goes to whichever room is asked most.
        self._entries: OrderedDict[tuple[int, Hashable], _Entry] = OrderedDict()
        self._figures: Places = [0.0] * (WIDTH * len(ROOMS))
        self._rooms: dict[int, Room[Any]] = {}

    def room(self, name: str, weigh: Callable[[Value], int]) -> Room[Value]:
        """The entries of one user; `weigh` says how many bytes a value takes.

        Raises ValueError for a name that is not one of ROOMS.
        """
        place = ROOMS.index(name)
        room = self._rooms.get(place)
        if room is None:
            room = self._rooms[place] = Room(self, place, weigh)
        return room

    @property
    def size(self) -> int:
        """Bytes that are taken now."""
        return self._size

    def figures(self) -> dict[str, Figures]:
        """What has happened since the start of the process, by room."""
        with self._lock:
            return {
                name: Figures(*self._figures[place * WIDTH : (place + 1) * WIDTH])
                for place, name in enumerate(ROOMS)
            }

    def count_in(self, figures: Places) -> None:
        """Count in these places from now on, such as memory that processes share.

        There are WIDTH places for each of ROOMS. What was counted so far moves there.
        """
        with self._lock:
            for place, number in enumerate(self._figures):
                figures[place] += number
                self._figures[place] = 0.0
            self._figures = figures

    def find(self, place: int, key: Hashable) -> Any:
        """The value of a room's key, or None; `Room` is the way to ask."""
        with self._lock:
            entry = self._entries.get((place, key))
            if entry is None:
                self._figures[place * WIDTH + MISSES] += 1
                return None
            self._entries.move_to_end((place, key))
            self._figures[place * WIDTH + HITS] += 1
            return entry.value

    def put(self, place: int, key: Hashable, value: Any, size: int) -> None:
        """Keep a room's value unless it is too large; `Room` is the way to ask."""
        if size > self._largest:
            return
        with self._lock:
            self._remove((place, key))
            # Room is made first, so that the budget holds at every moment.
            while self._size + size > self._most:
                oldest = next(iter(self._entries))
                self._remove(oldest)
            self._entries[place, key] = _Entry(value, size)
            self._add(place, size)

    def _remove(self, whole_key: tuple[int, Hashable]) -> None:
        entry = self._entries.pop(whole_key, None)
        if entry is not None:
            self._add(whole_key[0], -entry.size)

    def _add(self, place: int, size: int) -> None:
        self._size += size
        self._figures[place * WIDTH + SIZE] += size


class Room(Generic[Value]):
    """The entries of one user of the cache."""

    def __init__(
        self, cache: MemoryCache, place: int, weigh: Callable[[Value], int]
    ) -> None:
        self._cache = cache
        self._place = place
        self._weigh = weigh

    def find(self, key: Hashable) -> Value | None:
        """The value of this key, or None."""
        value: Value | None = self._cache.find(self._place, key)
        return value

    def put(self, key: Hashable, value: Value) -> None:
        """Keep a value, unless it is too large for the budget."""
        size = ENTRY_BYTES + _key_bytes(key) + self._weigh(value)
        self._cache.put(self._place, key, value, size)

    def get(self, key: Hashable, make: Callable[[], Value]) -> Value:
        """The value of this key, made where it is not kept.

        Two threads may make the same value at once. That harms nobody, while a lock
        around `make` would let one slow answer hold up all the others.
        """
        value = self.find(key)
        if value is None:
            value = make()
            self.put(key, value)
        return value


def _key_bytes(key: Hashable) -> int:
    """About how much a key takes. Texts and tuples of them count whole: a query may be
    long; what else stands in a key is counted by what it is written as.
    """
    if isinstance(key, (bytes, str)):
        return sys.getsizeof(key)
    if type(key) is tuple:
        return sys.getsizeof(key) + sum(map(_key_bytes, key))
    return 0 if isinstance(key, (int, float, bool)) or key is None else len(repr(key))
