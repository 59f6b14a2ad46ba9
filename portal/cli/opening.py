"""An open portal, for the commands that need one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from portal.bootstrap import build_portal
from portal.runtime import Portal
from portal.settings import load


@contextmanager
def open_portal(**overrides: str) -> Iterator[Portal]:
    """The portal of the environment, closed at the end."""
    running = build_portal(load(None, **overrides))
    try:
        yield running
    finally:
        running.close()
