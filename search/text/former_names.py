"""Old and new names of communes and agencies, as lines of the lexicon: who types one
finds the other too.

Communes come from the rows of D01 (`noi-vu/don-vi-hanh-chinh`), which say since when a
unit is and what became of it. Names of one syllable are left out, and every name is
looked for as a whole, with its kind in front ("xã Hải Bình"), so that no common
syllable is ever a synonym. A name that is in force means today's unit; its old meaning
is asked for with "cũ" behind it.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from schemas.administrative import AdministrativeUnits, Unit
from search.text.folding import exact, fold, words
from search.text.lexicon import LONGEST_ENTRY, MOST_ALTERNATIVES

FORMER = "cũ"
_SIGNS = re.compile(r'[=>,#"\s]+')


def place_lines(units: AdministrativeUnits) -> Iterator[str]:
    """Lines for every unit that came to an end, and for every commune that it became a
    part of.
    """
    today = {_named(unit): unit for unit in units.current()}
    ended = [
        unit
        for unit in units.every()
        if unit.end is not None and unit.level > 1 and _telling(unit.name)
    ]
    heirs: dict[str, list[str]] = defaultdict(list)
    former: dict[str, list[str]] = defaultdict(list)
    for unit in ended:
        for code in units.resolve(unit.code, unit.end):
            heir = _named(units.get(code))
            heirs[_named(unit)].append(heir)
            if unit.level == 3 and _named(unit) != heir:
                former[heir].append(_named(unit))
    for name, found in heirs.items():
        others = [other for other in found if other != name]
        # With "cũ" the old unit is meant even where the name is in force again.
        yield from _line(f"{name} {FORMER}", [name, *others])
        if name not in today:
            yield from _line(name, others)
    for name, found in former.items():
        yield from _line(name, found)
    yield from _bare_lines(ended, heirs, units)


def _bare_lines(
    ended: Sequence[Unit], heirs: Mapping[str, list[str]], units: AdministrativeUnits
) -> Iterator[str]:
    """Names without their kind, where only one unit ever had them. They count only as
    they are spelled here, since typed without diacritics "dong tien" is money as well
    as a commune.
    """
    bearers = Counter(fold(unit.name) for unit in units.every())
    for unit in ended:
        if (
            unit.level == 3
            and bearers[fold(unit.name)] == 1
            and fold(unit.name) != unit.name.lower()
        ):
            yield from _line(f'"{unit.name}"', heirs[_named(unit)])


def agency_lines(bodies: Iterable[tuple[str, Sequence[str]]]) -> Iterator[str]:
    """Lines for organizations: each title with the names of the bodies that it
    succeeded, both ways.
    """
    for title, names in bodies:
        others = [
            name for name in names if _telling(name) and fold(name) != fold(title)
        ]
        for name in others:
            yield from _line(_clean(name), [title])
        if _telling(title):
            yield from _line(_clean(title), others)


def _line(name: str, others: Iterable[str]) -> Iterator[str]:
    """A line that leads from a name to others; none where no name is usable."""
    wanted = [
        _clean(other)
        for other in dict.fromkeys(others)
        if _telling(other) and _short(other)
    ]
    # A longer entry would be refused when the lexicon is read.
    if wanted and _short(name):
        yield f"{name} > {', '.join(wanted[:MOST_ALTERNATIVES])}"


def _named(unit: Unit) -> str:
    return f"{unit.kind} {unit.name}".lower()


def _telling(name: str) -> bool:
    return len(words(exact(name))) > 1


def _short(name: str) -> bool:
    return len(words(exact(name))) <= LONGEST_ENTRY


def _clean(name: str) -> str:
    """A name without the signs that mean something in a lexicon."""
    return _SIGNS.sub(" ", name).strip(" -")
