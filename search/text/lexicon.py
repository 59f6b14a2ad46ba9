"""The lexicon: synonyms, abbreviations and words to spare, in files that stewards edit
while the portal runs.
"""

from __future__ import annotations

import logging
import re
import threading
import time
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from search.text.folding import exact, fold, words

Words: TypeAlias = tuple[str, ...]
SHIPPED = Path(__file__).with_name("words.txt")
LONGEST_ENTRY = 10
"""Words of one entry."""
MOST_LINES = 20_000
MOST_ALTERNATIVES = 24
"""Ways of saying the same that one entry may bring into a query."""
LOOK_SECONDS = 1.0
"""How often the files are looked at for changes."""
_QUOTED = re.compile(r'"[^"]*"')
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Unit:
    """What counts as one in a query: a word, or several that the lexicon knows as one;
    `spare`: it may be left out.
    """

    words: Words
    alternatives: tuple[Words, ...] = ()
    spare: bool = False


@dataclass(frozen=True, slots=True)
class Problem:
    """A line that could not be used, and how to mend it."""

    name: str
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.name}, line {self.line}: {self.text}"


@dataclass(frozen=True, slots=True)
class Lexicon:
    """What is said in several ways. Keys are folded words; each way of writing a key
    leads to its alternatives.

    `spelled` holds what counts only as it is written, with its diacritics.
    """

    others: Mapping[Words, Mapping[Words, tuple[Words, ...]]] = field(
        default_factory=dict
    )
    spelled: Mapping[Words, tuple[Words, ...]] = field(default_factory=dict)
    spares: Mapping[Words, frozenset[Words]] = field(default_factory=dict)

    def units(self, typed: Sequence[str]) -> Iterator[Unit]:
        """Split words (lower case, with the diacritics that were typed) into units, the
        longest known ones first.
        """
        at = 0
        while at < len(typed):
            unit = next(self._known(typed[at : at + LONGEST_ENTRY]), Unit((typed[at],)))
            yield unit
            at += len(unit.words)

    def _known(self, ahead: Sequence[str]) -> Iterator[Unit]:
        """The units that the words ahead may begin with, the longest first."""
        # The longest first: "ủy ban nhân dân" is one thing, not four words.
        for length in range(len(ahead), 0, -1):
            said = tuple(ahead[:length])
            key = tuple(map(fold, said))
            ways = self.others.get(key, {})
            alternatives = [
                other
                for way, others in ways.items()
                if _agrees(said, way)
                for other in others
            ]
            alternatives += self.spelled.get(said, ())
            spare = any(_agrees(said, way) for way in self.spares.get(key, ()))
            if alternatives or spare:
                distinct = tuple(
                    other for other in dict.fromkeys(alternatives) if other != key
                )
                yield Unit(said, distinct[:MOST_ALTERNATIVES], spare)


EMPTY = Lexicon()


def _agrees(said: Words, way: Words) -> bool:
    """Words typed without diacritics may mean any; those typed with some mean what they
    say.
    """
    return all(
        one == other or one == fold(other) for one, other in zip(said, way, strict=True)
    )


def parse(texts: Iterable[tuple[str, str]]) -> tuple[Lexicon, tuple[Problem, ...]]:
    """The lexicon of several (name, text), and the lines that could not be used. The
    other lines count.
    """
    others: dict[Words, dict[Words, list[Words]]] = {}
    spelled: dict[Words, list[Words]] = {}
    spares: dict[Words, set[Words]] = {}
    problems: list[Problem] = []
    for name, text in texts:
        for number, line in enumerate(text.splitlines(), 1):
            try:
                _read(line, number, others, spelled, spares)
            except ValueError as error:
                problems.append(Problem(name, number, str(error)))
    kept = {
        key: {way: tuple(dict.fromkeys(found)) for way, found in ways.items()}
        for key, ways in others.items()
    }
    spoken = {way: tuple(dict.fromkeys(found)) for way, found in spelled.items()}
    return Lexicon(
        kept, spoken, {key: frozenset(ways) for key, ways in spares.items()}
    ), tuple(problems)


def _read(
    line: str,
    number: int,
    others: dict[Words, dict[Words, list[Words]]],
    spelled: dict[Words, list[Words]],
    spares: dict[Words, set[Words]],
) -> None:
    """Add what one line says. Raises ValueError with how to mend the line."""
    # Editors on Windows put a byte order mark in front, which strip() leaves there.
    said = line.partition("#")[0].strip().removeprefix("\ufeff").strip()
    if not said:
        return
    if number > MOST_LINES:
        raise ValueError(
            f"a file has at most {MOST_LINES} lines; split it or leave something out"
        )
    if said.startswith("-"):
        entry = _entry(said[1:])
        spares.setdefault(tuple(map(fold, entry)), set()).add(entry)
    elif ">" in said:
        left, _, right = said.partition(">")
        if ">" in right or "=" in said:
            raise ValueError("one > stands on a line, and no = beside it: A > B, C")
        found = [_entry(part) for part in right.split(",")]
        if _QUOTED.fullmatch(left.strip()):
            spelled.setdefault(_entry(left), []).extend(_folded(found))
        else:
            _lead(others, _entry(left), found)
    elif "=" in said:
        ways = [_entry(part) for part in said.split("=")]
        for way in ways:
            _lead(others, way, [other for other in ways if other != way])
    else:
        raise ValueError(
            "write A = B (each finds the other), A > B (one way) or - A (a word to "
            "spare)"
        )


def _lead(
    others: dict[Words, dict[Words, list[Words]]], way: Words, found: list[Words]
) -> None:
    """Let one way of writing lead to others, which are kept folded."""
    others.setdefault(tuple(map(fold, way)), {}).setdefault(way, []).extend(
        _folded(found)
    )


def _folded(entries: Iterable[Words]) -> Iterator[Words]:
    return (tuple(map(fold, entry)) for entry in entries)


def _entry(text: str) -> Words:
    """The words of one side of a line, with their diacritics. Raises ValueError."""
    entry = tuple(words(exact(text)))
    if not entry:
        raise ValueError("a side is empty; every side needs a word")
    if len(entry) > LONGEST_ENTRY:
        raise ValueError(
            f"{text.strip()[:60]!r} has {len(entry)} words; at most {LONGEST_ENTRY} "
            "are taken"
        )
    return entry


class LexiconFiles:
    """The lexicon of some files, read again when one of them changes; a file that is
    not there is empty.
    """

    def __init__(self, paths: Sequence[Path]) -> None:
        self._paths = paths
        self._lock = threading.Lock()
        self._looked = 0.0
        self._stamps: tuple[tuple[int, int], ...] | None = None
        self._lexicon = EMPTY

    def current(self) -> Lexicon:
        """The lexicon as the files say it now; lines that cannot be used are logged and
        left out.
        """
        # Without the lock, as every search asks: the lexicon is replaced in one step,
        # so an old one is whole.
        if time.monotonic() - self._looked < LOOK_SECONDS and self._stamps is not None:
            return self._lexicon
        with self._lock:
            stamps = tuple(map(_stamp, self._paths))
            if stamps != self._stamps:
                self._lexicon, problems = read(self._paths)
                for problem in problems:
                    log.warning("%s", problem)
                self._stamps = stamps
            self._looked = time.monotonic()
            return self._lexicon

    def state(self) -> Hashable:
        """When the files were written that `current` speaks for; equal ones, equal
        words.
        """
        self.current()
        return self._stamps


def read(paths: Iterable[Path]) -> tuple[Lexicon, tuple[Problem, ...]]:
    """Read files; one that is not there is empty, one that is no UTF-8 text is a
    problem of its first line.
    """
    texts: list[tuple[str, str]] = []
    broken: list[Problem] = []
    for path in paths:
        try:
            texts.append((path.name, path.read_text(encoding="utf-8")))
        except FileNotFoundError:
            continue
        except (OSError, UnicodeDecodeError):
            broken.append(
                Problem(path.name, 1, "the file cannot be read; save it as UTF-8 text")
            )
    lexicon, problems = parse(texts)
    return lexicon, (*broken, *problems)


def _stamp(path: Path) -> tuple[int, int]:
    """When a file was written and its bytes; zeros for one that is not there."""
    try:
        found = path.stat()
    except OSError:
        return (0, 0)
    # The size too, since the clock of a file system may be coarse.
    return (found.st_mtime_ns, found.st_size)
