"""What a block of UTF-8 bytes may hold, found by vector tests on the bytes: no text is
built from good blocks.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

SLICE = 256 * 1024
"""Bytes looked at in one go: what the caches of a processor hold."""
NEWLINE = ord("\n")

Letters = NDArray[np.uint8]


def is_utf8(block: bytes) -> bool:
    """Whether the whole block is UTF-8."""
    # Arrow checks many bytes at a time, and builds no text of them as decoding would.
    bounds = pa.py_buffer(np.array([0, len(block)], dtype=np.int64))
    one_text = pa.LargeStringArray.from_buffers(1, bounds, pa.py_buffer(block))
    try:
        one_text.validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True


def surely_nfc(block: bytes) -> bool:
    """True where a UTF-8 block is in NFC for sure: its letters are Latin, Vietnamese or
    common punctuation.

    The first bytes C2-CB (U+0080-02FF), E1 B8-BB (U+1E00-1EFF) and E2 80 82 and above
    begin no character that composes or decomposes; all others have to be asked one by
    one.
    """
    letters = np.frombuffer(block, dtype=np.uint8)
    starts = range(0, len(letters), SLICE)
    return all(_slice_is_nfc(letters, start) for start in starts)


def _slice_is_nfc(letters: Letters, start: int) -> bool:
    """Whether the SLICE bytes from `start` on are in NFC for sure."""
    part = letters[start : start + SLICE]
    highest = int(part.max())
    # ASCII and the letters of Western Europe need no second look.
    if highest < 0xCC:
        return True
    # Bytes wrap around below zero, so that one comparison says "from CC to E0".
    is_from_cc_to_e0 = (part - np.uint8(0xCC)) < 0x15
    if highest > 0xE2 or is_from_cc_to_e0.any():
        return False
    # One byte of the next slice: a character may stand across the border.
    second = letters[start + 1 : start + SLICE + 1]
    first = part[: len(second)]
    is_beyond_vietnamese = (first == 0xE1) & ((second - np.uint8(0xB8)) > 3)
    if is_beyond_vietnamese.any():
        return False
    if highest == 0xE1:
        return True
    seconds = np.flatnonzero(first == 0xE2) + (start + 1)
    return _are_common_marks(letters, seconds)


def _are_common_marks(letters: Letters, seconds: NDArray[np.intp]) -> bool:
    """Whether the characters after E2 are U+2002-203F or U+2080-20BF: dashes, quotation
    marks, currencies.
    """
    second, third = letters[seconds], letters[seconds + 1]
    is_punctuation = (second == 0x80) & (third > 0x81)
    is_currency = second == 0x82
    return bool((is_punctuation | is_currency).all())


def has_blank_line(block: bytes) -> bool:
    """Whether a line of the block is empty."""
    letters = np.frombuffer(block, dtype=np.uint8)
    if block.startswith(b"\n"):
        return True
    return any(bool((ends[1:] & ends[:-1]).any()) for ends in _ends(letters))


def _ends(letters: Letters) -> Iterator[NDArray[np.bool_]]:
    """Where lines end, slice after slice, each with the first byte of the next."""
    for start in range(0, len(letters), SLICE):
        yield letters[start : start + SLICE + 1] == NEWLINE


def count_lines(block: bytes) -> int:
    """How many lines end in the block."""
    letters = np.frombuffer(block, dtype=np.uint8)
    return sum(
        int(np.count_nonzero(letters[start : start + SLICE] == NEWLINE))
        for start in range(0, len(letters), SLICE)
    )


def positions(letters: Letters, wanted: int) -> NDArray[np.intp]:
    """Where a byte stands."""
    in_slices = [
        np.flatnonzero(letters[start : start + SLICE] == wanted) + start
        for start in range(0, len(letters), SLICE)
    ]
    if not in_slices:
        return np.zeros(0, dtype=np.intp)
    return np.concatenate(in_slices)
