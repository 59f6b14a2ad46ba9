"""Compound files, the containers of old Office documents: one stream of them, and where
in the file each byte lies.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
IN_HEADER = 109
"""Numbers of sectors of the allocation table that stand in the header itself."""
ENTRY = 128
_HEADER = struct.Struct("<24xHHHHH6xIII4xIIIII")


class Malformed(ValueError):
    """A compound file whose chains lead out of it, or in a circle."""


@dataclass(frozen=True, slots=True)
class Stream:
    """The bytes of a stream, which lie in pieces of one size anywhere in the file."""

    content: bytes
    starts: Sequence[int]
    size: int

    def place(self, offset: int) -> int:
        """Where in the file a byte of the stream lies."""
        return self.starts[offset // self.size] + offset % self.size


def find(file: bytes | memoryview, *names: str) -> Stream | None:
    """The first stream with one of these names; None where there is none. Raises
    Malformed.
    """
    if len(file) < _HEADER.size or bytes(file[: len(MAGIC)]) != MAGIC:
        return None
    container = _Container(file)
    entries = container.entries()
    for name in names:
        for entry in entries:
            if entry.name == name:
                return container.stream(entry, entries[0])
    return None


@dataclass(frozen=True, slots=True)
class _Entry:
    name: str
    start: int
    size: int


class _Container:
    """The tables of a compound file. No number in it is believed: chains end where the
    file ends.
    """

    def __init__(self, file: bytes | memoryview) -> None:
        self._file = file
        said = _HEADER.unpack_from(file)
        self._long_sizes = said[1] > 3
        # Two to the power of any number in a file would be any amount of memory.
        if not 7 <= said[3] <= 16 or not 4 <= said[4] <= said[3]:
            raise Malformed("no size of sectors")
        self._size, self._small = 1 << said[3], 1 << said[4]
        self._sectors = max(0, -(-len(file) // self._size) - 1)
        self._first_entry, self._cutoff, self._first_small, more = (
            said[7],
            said[8],
            said[9],
            said[11],
        )
        self._table = self._allocation(more)

    def entries(self) -> list[_Entry]:
        """The directory, the root first."""
        listed = self._joined(
            self._chain(self._table, self._first_entry, self._sectors)
        )
        entries = []
        for at in range(0, len(listed) - ENTRY + 1, ENTRY):
            name, start, low, high = struct.unpack_from("<64s52xIII", listed, at)
            text = name.decode("utf-16-le", "replace").partition("\0")[0]
            # In version 3 the upper half of a size is undefined.
            entries.append(_Entry(text, start, low + (high << 32) * self._long_sizes))
        if not entries:
            raise Malformed("no directory")
        return entries

    def stream(self, entry: _Entry, root: _Entry) -> Stream:
        """The bytes of one entry: short streams lie in pieces of the root's own
        stream.
        """
        if entry.size >= self._cutoff:
            sectors = self._chain(self._table, entry.start, self._sectors)
            return Stream(
                self._joined(sectors)[: entry.size],
                [self._offset(each) for each in sectors],
                self._size,
            )
        outer = [
            self._offset(each)
            for each in self._chain(self._table, root.start, self._sectors)
        ]
        table = _numbers(
            self._joined(self._chain(self._table, self._first_small, self._sectors))
        )
        a_sector = self._size // self._small
        pieces = self._chain(table, entry.start, len(outer) * a_sector)
        starts = [
            outer[each // a_sector] + each % a_sector * self._small for each in pieces
        ]
        content = b"".join(
            bytes(self._file[start : start + self._small]) for start in starts
        )
        return Stream(content[: entry.size], starts, self._small)

    def _allocation(self, more: int) -> NDArray[np.uint32]:
        """The allocation table: which sector follows which."""
        listed = list(struct.unpack_from(f"<{IN_HEADER}I", self._file, _HEADER.size))
        # Bounded by the file: the list of further sectors may run in a circle.
        for _ in range(self._sectors):
            if more >= self._sectors:
                break
            *numbers, more = struct.unpack(
                f"<{self._size // 4}I", self._sector(more).ljust(self._size, b"\0")
            )
            listed += numbers
        inside = [each for each in listed if each < self._sectors]
        if len(inside) > self._sectors:
            raise Malformed("a table larger than its file")
        return _numbers(self._joined(inside))

    @staticmethod
    def _chain(table: NDArray[np.uint32], first: int, most: int) -> list[int]:
        """The sectors of a chain from `first` on, each below `most`. Raises
        Malformed.
        """
        chain: list[int] = []
        each = first
        while each < most:
            if len(chain) >= most or each >= len(table):
                raise Malformed("a chain without end")
            chain.append(each)
            each = int(table[each])
        return chain

    def _joined(self, sectors: Sequence[int]) -> bytes:
        return b"".join(map(self._sector, sectors))

    def _offset(self, sector: int) -> int:
        return (sector + 1) * int(self._size)

    def _sector(self, sector: int) -> bytes:
        start = self._offset(sector)
        return bytes(self._file[start : start + self._size])


def _numbers(content: bytes) -> NDArray[np.uint32]:
    return np.frombuffer(content[: len(content) // 4 * 4], "<u4")
