"""Turns: how many children of one process may be at work at a time."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from portal.errors import Unavailable

AT_ONCE = 8
"""Children of one process that may be at work at a time; whoever comes later waits for
a turn.
"""
_TURNS = threading.BoundedSemaphore(AT_ONCE)
SECONDS_FOR_A_TURN = 120.0


@contextmanager
def turn() -> Iterator[None]:
    """One of the AT_ONCE places at which a child may work. Raises Unavailable when none
    is free for long.
    """
    take_turn()
    try:
        yield
    finally:
        _TURNS.release()


def take_turn(seconds: float = SECONDS_FOR_A_TURN) -> None:
    """Take a place; whoever takes one gives it back with `give_turn`."""
    if not _TURNS.acquire(timeout=seconds):
        raise Unavailable(
            "Too many files are being read at once; try again in a moment."
        )


def give_turn() -> None:
    """Give a place back."""
    _TURNS.release()
