"""Problems and sections: what a look at one part of the portal found, in words and in
figures.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from i18n import Message


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that an operator has to mend; `grave` tells that the portal is not
    ready because of it.
    """

    check: str
    message: Message
    grave: bool = True

    def said(self, language: str) -> str:
        """The problem in Vietnamese ("vi") or English."""
        return self.message.in_(language)


@dataclass(frozen=True, slots=True)
class Section:
    """One part of the portal: its figures, and what is wrong with it."""

    name: str
    figures: Mapping[str, Any] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
