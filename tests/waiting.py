"""Waiting in tests: until something is so, with patience for a busy machine."""

import time
from collections.abc import Callable


def until(
    happened: Callable[[], object], seconds: float = 60, pause: float = 0.05
) -> None:
    """Return as soon as something is so; AssertionError when it is not within some
    seconds.
    """
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline, f"it did not happen within {seconds} s"
        time.sleep(pause)
