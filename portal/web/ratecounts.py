"""How often each sender was seen in a minute, counted in a mapped file that all web
processes of a machine share.
"""

from __future__ import annotations

import fcntl
import hashlib
import logging
import mmap
import os
import struct
import threading
from pathlib import Path

log = logging.getLogger(__name__)
SLOTS = 65_536
PROBES = 8
"""Places that one key may have; when all are taken in the same minute, the least used
one gives way.
"""
_SLOT = struct.Struct("<QII")
SIZE = SLOTS * _SLOT.size


class RateCounts:
    """A table of (key, minute, count). What is lost when the file is removed is the
    counts of one minute.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._file: int | None = None
        self._table: mmap.mmap | None = None

    def add(self, key: bytes, minute: int) -> int:
        """Count the key once more in this minute; return how often it was seen in
        it.
        """
        number = (
            # 0 is what an empty place holds; a key must never look like one.
            int.from_bytes(hashlib.blake2b(key, digest_size=8).digest(), "little") or 1
        )
        with self._lock:
            table = self._opened()
            if self._file is None:
                return _count(table, number, minute)
            # Threads hold the lock above, processes the lock of the file: both, so that
            # no count gets lost.
            fcntl.lockf(self._file, fcntl.LOCK_EX)
            try:
                return _count(table, number, minute)
            finally:
                fcntl.lockf(self._file, fcntl.LOCK_UN)

    def _opened(self) -> mmap.mmap:
        if self._table is None:
            self._table = self._map()
        return self._table

    def _map(self) -> mmap.mmap:
        """The shared table; one of this process alone where the disk gives none."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._file = os.open(
                self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600
            )
            _fill(self._file)
            return mmap.mmap(self._file, SIZE)
        except OSError as error:
            log.warning(
                "rates are counted for this process alone: %s", error.strerror or error
            )
            return mmap.mmap(-1, SIZE)


def _fill(file: int) -> None:
    """Make a new file as large as the table. Raises OSError where the disk has no
    room.
    """
    # Under the lock: another process that fills it as well would write nothing over
    # what was counted meanwhile.
    fcntl.lockf(file, fcntl.LOCK_EX)
    try:
        missing = SIZE - os.fstat(file).st_size
        # Written, not only stretched: memory that the disk has no room for would end
        # the process at its first use.
        if missing > 0 and os.pwrite(file, bytes(missing), SIZE - missing) < missing:
            raise OSError("no room")
    finally:
        fcntl.lockf(file, fcntl.LOCK_UN)


def _count(table: mmap.mmap, number: int, minute: int) -> int:
    """Count a key in the table of this minute; how often it was seen in it, this time
    included.
    """
    best, fewest = 0, 1 << 32
    # Never further: a request costs the same however many senders there are, and the
    # table never grows.
    for probe in range(PROBES):
        at = (number + probe) % SLOTS * _SLOT.size
        held, when, count = _SLOT.unpack_from(table, at)
        # A place of another minute counts as free. So nothing has to be cleared when a
        # minute begins.
        current = count if when == minute else 0
        if held == number:
            _SLOT.pack_into(table, at, number, minute, min(current + 1, 0xFFFFFFFF))
            return int(current) + 1
        if current < fewest:
            best, fewest = at, current
    # Who makes up senders can push others out only where 8 of them meet in one minute,
    # and the least seen goes first: whoever is near the limit stays.
    _SLOT.pack_into(table, best, number, minute, 1)
    return 1
