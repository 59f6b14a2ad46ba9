"""Deadline: until when a table is checked, asked wherever one batch of it alone could
take long.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar


class NotJudged(ValueError):
    """Cells could not be judged within a limit; the message says which."""


# A context variable, so that tables checked side by side do not share their time, and
# no function on the way has to hand it down.
_UNTIL: ContextVar[tuple[float, float] | None] = ContextVar("deadline", default=None)


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Bound what is done inside, as far as it asks `check`."""
    # Monotonic: setting the clock must neither end a check nor prolong it.
    token = _UNTIL.set((time.monotonic() + seconds, seconds))
    try:
        yield
    finally:
        _UNTIL.reset(token)


def check() -> None:
    """Raise NotJudged when the time is over that was set around whoever asks."""
    bound = _UNTIL.get()
    if bound is not None and time.monotonic() > bound[0]:
        raise NotJudged(
            f"checking the table takes too long: more than {bound[1]:g} seconds "
            "(PORTAL_VALIDATION_SECONDS); "
            "what was not looked at by then never was"
        )
