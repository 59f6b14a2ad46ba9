"""What all illustrative tables share: the last day, the seed, and how sources write
numbers.
"""

from __future__ import annotations

from datetime import date, timedelta, timezone
from pathlib import Path
from random import Random

LAST_DAY = date(2026, 11, 22)
"""The last day of every illustrative series; fixed, so that a second run finds nothing
new.
"""
VIETNAM = timezone(timedelta(hours=7))
SEED = 38

Rows = list[dict[str, str]]


def random_for(*names: object) -> Random:
    """A generator of its own for every table: adding one table never changes
    another.
    """
    return Random("/".join(map(str, (SEED, *names))))  # noqa: S311  # sample data, not a secret


def vietnamese(number: float, digits: int = 0) -> str:
    """12345.6 as sources write it: dot for thousands, comma for decimals
    ("12.345,6").
    """
    return f"{number:,.{digits}f}".translate(str.maketrans(",.", ".,"))


def keep(path: Path, content: bytes) -> Path:
    """Write a file unless it already holds exactly that: an unchanged drop must look
    unchanged.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists() or path.read_bytes() != content:
        path.write_bytes(content)
    return path
