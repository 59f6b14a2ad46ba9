"""What a look for personal data says: the kind, how many cells, and whether it may
become open; never a value.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Level = Literal["basic", "sensitive"]
Verdict = Literal["error", "hold", "warn"]
"""error: held, and no release opens it. hold: held until a release. warn: open, with a
warning.
"""
GRAVEST_FIRST: tuple[Verdict, ...] = ("error", "hold", "warn")


@dataclass(frozen=True, slots=True)
class PersonalColumn:
    """A column with personal data of one kind: how many of its filled cells hold it,
    and what follows from that.
    """

    label: str
    kind: str
    level: Level
    cells: int
    filled: int
    verdict: Verdict = "hold"


@dataclass(frozen=True, slots=True)
class PersonalMention:
    """Personal data of one kind in a text that is no table: how often, and where (a
    name that the caller chose).
    """

    kind: str
    level: Level
    verdict: Verdict
    count: int
    where: str = ""


def gravest(verdicts: Iterable[Verdict | None]) -> Verdict | None:
    """The gravest of these verdicts; None where there is none."""
    given = set(verdicts)
    return next((verdict for verdict in GRAVEST_FIRST if verdict in given), None)


def strictest(found: Iterable[PersonalColumn | PersonalMention]) -> Verdict | None:
    """The gravest verdict among these findings; None where nothing was found."""
    return gravest(each.verdict for each in found)
