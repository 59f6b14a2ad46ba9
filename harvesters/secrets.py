"""Secrets of sources: configurations name them, and only the adapter that needs one looks it up."""

from __future__ import annotations

from collections.abc import Callable

from harvesters.base import SourceError

Secrets = Callable[[str], str | None]


def reveal(secrets: Secrets, name: str) -> str:
    """The secret of that name. Raises SourceError that names it, never its value."""
    value = secrets(name)
    if not value:
        raise SourceError("no-secret", f"The secret {name} is not set; set PORTAL_SECRET_{name}.")
    return value
