"""Setting: the name, default, reader and sentence of one setting."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

PREFIX = "PORTAL_"


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting: its environment variable is PORTAL_ + `name`; `parse` raises
    ValueError saying what it takes.
    """

    name: str
    default: str
    parse: Callable[[str], Any]
    help: str

    @property
    def variable(self) -> str:
        return PREFIX + self.name
