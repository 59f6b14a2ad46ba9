"""Counters of requests in memory that all web processes share: each counts in a file of
its own, a reader adds up.
"""

from __future__ import annotations

import fcntl
import logging
import mmap
import os
import threading
import uuid
import zlib
from bisect import bisect_left
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from schemas import cache

ROUTES = (
    "package_show",
    "package_search",
    "datastore_search",
    "read",
    "write",
    "downloads",
    "pages",
    "feeds",
    "dcat",
    "health",
    "other",
)
"""Classes of routes: the three actions that are asked most, other actions that read or
write, and what is no action.
"""
STATUSES = ("1xx", "2xx", "3xx", "4xx", "5xx")
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, float("inf"))
"""Upper bounds of durations, in seconds."""
SECONDS, BYTES = len(BUCKETS), len(BUCKETS) + 1
"""Where the sums stand behind the buckets."""
WIDTH = len(BUCKETS) + 2
FLOAT = 8
CACHES = len(ROUTES) * len(STATUSES) * WIDTH
"""Where the figures of the cache stand, behind those of requests."""
LENGTH = CACHES + len(cache.ROOMS) * cache.WIDTH
SIZE = LENGTH * FLOAT
_COLUMNS = (ROUTES, STATUSES, BUCKETS, cache.ROOMS, cache.Figures._fields)
LAYOUT = f"{zlib.crc32(repr(_COLUMNS).encode()):08x}"
"""Part of a file's name: what another release counted otherwise is not read."""
_PLACES = {
    (route, hundred + 1): (place * len(STATUSES) + hundred) * WIDTH
    for place, route in enumerate(ROUTES)
    for hundred in range(len(STATUSES))
}
_ELSEWHERE = _PLACES["other", 5]
log = logging.getLogger(__name__)


class Counters:
    """The counts of one process, in a file that other processes may read while it is
    written.

    The file is locked for as long as its process lives. Whoever starts takes over what
    dead processes have counted, so that sums never fall. Without room on the disk the
    process counts for itself alone.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        # The process id alone could come again while the file of its last holder is
        # still there; the random letters keep the two apart.
        self._path = folder / f"{LAYOUT}-{os.getpid()}-{uuid.uuid4().hex[:8]}"
        self._file = -1
        self._memory = self._map()
        self._values = memoryview(self._memory).cast("d")
        with suppress(OSError):
            self._take_over()

    def note(self, route: str, status: int, seconds: float, size: int) -> None:
        """Count one answer."""
        # A status beyond 599 has no place of its own; it must not end the request.
        start = _PLACES.get((route, status // 100), _ELSEWHERE)
        values = self._values
        # An addition reads and writes; two threads between the two would lose a count.
        with self._lock:
            values[start + bisect_left(BUCKETS, seconds)] += 1.0
            values[start + SECONDS] += seconds
            values[start + BYTES] += size

    @property
    def caches(self) -> memoryview[float]:
        """Where the cache of this process counts."""
        return self._values[CACHES:]

    def sums(self) -> list[float]:
        """The counts of all processes, in the order of routes, statuses and columns,
        and behind them those of the cache.
        """
        total = list(self._values)
        for path in self._others():
            with suppress(OSError):
                # Without a lock: its process holds that of the file for as long as it
                # lives. A count that comes in between is told by the next reading.
                _add(total, path.read_bytes())
        return total

    def close(self) -> None:
        """Give the file back to whoever starts next; counting ends."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _map(self) -> mmap.mmap:
        """The memory to count in: a locked file of SIZE bytes, or memory alone where
        the disk gives none.
        """
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
            # Held until the process ends; the system gives it up even after kill -9,
            # which is how others know that it died.
            fcntl.flock(self._file, fcntl.LOCK_EX)
            # Written, not only stretched: memory that the disk has no room for would
            # end the process at its first use.
            if os.write(self._file, bytes(SIZE)) < SIZE:
                raise OSError("no room for the counters")
            return mmap.mmap(self._file, SIZE)
        except OSError as error:
            log.warning(
                "requests are counted for this process alone: %s",
                error.strerror or error,
            )
            with suppress(OSError):
                self._path.unlink(missing_ok=True)
            self.close()
            # Memory without a file: metrics then tell of this process only, but
            # requests are served.
            return mmap.mmap(-1, SIZE)

    def _others(self) -> Iterator[Path]:
        return (path for path in self._folder.glob(f"{LAYOUT}-*") if path != self._path)

    def _take_over(self) -> None:
        """Add what dead processes have counted to what this one counts, and remove
        their files.
        """
        for path in self._others():
            file = os.open(path, os.O_RDONLY)
            try:
                self._add_if_dead(file, path)
            finally:
                os.close(file)

    def _add_if_dead(self, file: int, path: Path) -> None:
        """Only a dead process's file can be locked, and only once: another that starts
        now finds it removed.
        """
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        # Opened before another process took it over and removed it: its counts are
        # already added there.
        if os.fstat(file).st_nlink == 0:
            return
        # First added, then removed: a death between the two counts something twice, the
        # other order would lose it. Still under the lock, so that nobody else adds it.
        _add(self._values, os.read(file, SIZE), dead=True)
        path.unlink()


def _add(
    total: list[float] | memoryview[float], counted: bytes, *, dead: bool = False
) -> None:
    """Add what one process counted; a file that is just being made counts nothing
    yet.
    """
    if len(counted) != SIZE:
        return
    for place, value in enumerate(memoryview(counted).cast("d")):
        # What was done stays done, but the memory of a dead process is free again.
        if not (dead and _is_size_of_cache(place)):
            total[place] += value


def _is_size_of_cache(place: int) -> bool:
    return place >= CACHES and (place - CACHES) % cache.WIDTH == cache.SIZE
