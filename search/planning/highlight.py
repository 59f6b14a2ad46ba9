"""Where a text says what was looked for: marked pieces of it, folded as the index
folds, for every engine alike.
"""

from __future__ import annotations

import html
import itertools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from search.backend import SearchRequest, Wanted
from search.language import tree
from search.language.parser import is_free, parse_q
from search.language.tree import Node, pattern_parts
from search.planning.document import LONGEST_WORD, folded_words, texts_of
from search.planning.freetext import (
    SHORTEST_BEGINNING,
    SHORTEST_MISSPELT,
    content_units,
    units_of,
)
from search.planning.table_columns import table_texts
from search.steps import Step
from search.text.folding import fold, nfc, sounds
from search.text.lexicon import EMPTY

FIELDS = ("title", "notes", "tags", "organization", "resources", "columns")
"""What can be highlighted; title and notes with their translations, `columns` are what
table schemas say.
"""
LONGEST_TEXT = 50_000
"""Characters of one text that are looked at."""
MOST_STARS = 2
"""Stars of a wildcard whose finds are marked: more of them could keep a regular
expression busy for long.
"""
_FORGIVING = (Step.SIMILAR_WORDS, Step.HALF_OF_THE_WORDS)
_STRAY = re.compile(r"[\u0300-\u036f]")
_JOINING = re.compile(r"[\s\-]*")


@dataclass(frozen=True, slots=True)
class Style:
    """How finds are shown: what stands before and after each, about how many characters
    of a long text are shown (0: all of it), and how many pieces at most.
    """

    before: str = "<mark>"
    after: str = "</mark>"
    length: int = 180
    most: int = 3


def wanted_of(request: SearchRequest, step: Step) -> Wanted:
    """What a request looks for at a step: its words, but not those to spare, and other
    ways of saying them.
    """
    asked = parse_q(nfc(request.q), request.dismax)
    units = content_units(
        units_of(
            asked, request.lexicon if is_free(request.q, request.dismax) else EMPTY
        )
    )
    if not units:
        return _joined(_of_tree(asked))
    words = [
        word for unit in units for said in unit.words for word in folded_words(said)
    ]
    near = [
        word for word in words if len(word) >= SHORTEST_MISSPELT and not word.isdigit()
    ]
    begun = (
        words[-1:] if len(words[-1:]) and len(words[-1]) >= SHORTEST_BEGINNING else []
    )
    forgiving = step in _FORGIVING
    return Wanted(
        words=frozenset(words),
        runs=frozenset(other for unit in units for other in unit.alternatives),
        near=frozenset(near if forgiving else ()),
        patterns=tuple(re.escape(word) + ".*" for word in begun) if forgiving else (),
    )


def _joined(parts: Iterable[Wanted]) -> Wanted:
    """All that several parts look for, in one."""
    listed = list(parts)
    return Wanted(
        words=frozenset[str]().union(*(part.words for part in listed)),
        runs=frozenset[tuple[str, ...]]().union(*(part.runs for part in listed)),
        patterns=tuple(pattern for part in listed for pattern in part.patterns),
    )


def _of_tree(node: Node) -> Iterator[Wanted]:
    """What the fields of text are asked for; what is refused, and whole values, are not
    marked.
    """
    match node:
        case tree.And(children) | tree.Or(children):
            for child in children:
                yield from _of_tree(child)
        case tree.Boost(child, _):
            yield from _of_tree(child)
        case tree.Phrase(None | "title" | "notes" | "text", text, 0):
            yield Wanted(runs=frozenset({tuple(folded_words(text))}))
        case tree.Term(None | "title" | "notes" | "text", text) | tree.Phrase(
            None | "title" | "notes" | "text", text, _
        ):
            yield Wanted(words=frozenset(folded_words(text)))
        case tree.Wildcard(None | "title" | "notes" | "text", pattern) if (
            pattern.count("*") <= MOST_STARS
        ):
            yield Wanted(patterns=(_regex(pattern),))
        case _:
            return


def _regex(pattern: str) -> str:
    """A wildcard as a regular expression of folded words."""
    wild = {"*": ".*", "?": "."}
    return "".join(
        wild.get(char) or re.escape(fold(escaped or char))
        for escaped, char in pattern_parts(pattern)
    )


def _said(package: Mapping[str, object], field: str) -> Iterator[str]:
    """The texts of a package dict that a field of highlights stands for."""
    match field:
        case "title" | "notes":
            yield from texts_of(package, field)
        case "tags":
            yield from texts_of(package, "tags", "name")
        case "organization":
            yield from texts_of(package, "organization", "title", "former_names")
        case "resources":
            yield from texts_of(package, "resources", "name", "description")
        case _:
            yield from table_texts(package)


def highlight(
    package: Mapping[str, object], wanted: Wanted, fields: Iterable[str], style: Style
) -> dict[str, list[str]]:
    """The pieces of each of the `FIELDS` asked for that hold finds; a field without any
    is left out.

    Only what the package dict itself shows is looked at.
    """
    found: dict[str, list[str]] = {}
    for field in fields:
        pieces = (
            piece
            for text in _said(package, field)
            for piece in snippets(text, wanted, style)
        )
        if listed := list(itertools.islice(dict.fromkeys(pieces), style.most)):
            found[field] = listed
    return found


def snippets(text: str, wanted: Wanted, style: Style) -> list[str]:
    """Pieces of a text with finds in them, HTML-escaped, in the order of the text; none
    where nothing was found.
    """
    # `fold` gives one character for each of NFC, so places in the folded text are
    # places in the shown one.
    shown = nfc(text)[:LONGEST_TEXT]
    folded_text = fold(shown)
    if not _hopeful(folded_text, wanted):
        return []
    # One regular expression over the text is much faster than word by word, but knows
    # nothing of combining marks, letters that are wrong or runs.
    whole = _is_plain(wanted) and not _STRAY.search(folded_text)
    spans = _spans(shown, (whole_words if whole else finds)(folded_text, wanted))
    return [
        _marked(shown, piece, spans, style) for piece in _pieces(shown, spans, style)
    ]


def _is_plain(wanted: Wanted) -> bool:
    """Whether whole words are all that was looked for, as in most questions."""
    more = wanted.patterns or wanted.near or wanted.runs
    return (
        not more and bool(wanted.words) and max(map(len, wanted.words)) < LONGEST_WORD
    )


def whole_words(text: str, wanted: Wanted) -> list[tuple[int, int]]:
    """What `finds` says of a folded text without combining marks, where whole words are
    all that was looked for.
    """
    return [found.span() for found in _any_of(wanted.words).finditer(text)]


@lru_cache(maxsize=64)
def _any_of(words: frozenset[str]) -> re.Pattern[str]:
    either = "|".join(map(re.escape, words))
    return re.compile(rf"(?<![^\W_])(?:{either})(?![^\W_])")


def finds(text: str, wanted: Wanted) -> list[tuple[int, int]]:
    """Where that which was looked for stands in a folded text."""
    words = list(sounds(text))
    found = _found([folded[:LONGEST_WORD] for _, folded in words], wanted)
    return [words[place][0].span() for place in sorted(found)]


def _hopeful(text: str, wanted: Wanted) -> bool:
    """Whether anything can be found in a folded text at all: most texts of a page are
    done with here.
    """
    # None of these shows as a part of the text.
    if wanted.patterns or wanted.near or _STRAY.search(text):
        return True
    return any(word in text for word in wanted.words) or any(
        run[0] in text for run in wanted.runs if run
    )


def _found(words: Sequence[str], wanted: Wanted) -> set[int]:
    """The places of the words that were looked for."""
    patterns = (
        re.compile("|".join(f"(?:{pattern})" for pattern in wanted.patterns))
        if wanted.patterns
        else None
    )
    found = {
        place
        for place, word in enumerate(words)
        if word in wanted.words
        or (patterns and patterns.fullmatch(word))
        or any(_one_letter_apart(word, other) for other in wanted.near)
    }
    for run in wanted.runs:
        length = len(run)
        for place in (
            place for place, word in enumerate(words) if run and word == run[0]
        ):
            if tuple(words[place : place + length]) == run:
                found.update(range(place, place + length))
    return found


def _one_letter_apart(one: str, other: str) -> bool:
    """One letter more, less or other, or two neighbours that changed places."""
    if abs(len(one) - len(other)) > 1:
        return False
    same = next(
        (at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b),
        min(len(one), len(other)),
    )
    rest, left = one[same:], other[same:]
    return (
        rest[1:] == left
        or rest == left[1:]
        or rest[1:] == left[1:]
        or (rest[1::-1] + rest[2:] == left)
    )


def _spans(text: str, words: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Where marks begin and end: words with nothing but a blank or a hyphen between
    them share one.
    """
    spans: list[tuple[int, int]] = []
    for start, end in words:
        if spans and _JOINING.fullmatch(text, spans[-1][1], start):
            spans[-1] = (spans[-1][0], end)
        else:
            spans.append((start, end))
    return spans


def _pieces(
    text: str, spans: Sequence[tuple[int, int]], style: Style
) -> list[tuple[int, int]]:
    """The pieces of the text to show, those with most marks, in order; each begins and
    ends at a blank.
    """
    if not spans:
        return []
    if not style.length or len(text) <= style.length:
        return [(0, len(text))]
    pieces: list[tuple[int, int]] = []
    for start, end in spans:
        if pieces and end <= pieces[-1][1]:
            continue
        # A quarter of the piece stands before its first mark, so that it is read in its
        # context.
        first = max(pieces[-1][1] if pieces else 0, start - style.length // 4)
        pieces.append(
            (
                _at_blank(text, first, start),
                _before_blank(text, max(end, first + style.length), end),
            )
        )
    # Stable: of pieces with equally many marks the earlier stay.
    best = sorted(
        pieces,
        key=lambda piece: -sum(piece[0] <= start < piece[1] for start, _ in spans),
    )
    return sorted(best[: style.most])


def _at_blank(text: str, place: int, latest: int) -> int:
    """The first place from `place` on that begins a word, `latest` at most."""
    if place == 0 or text[place - 1].isspace():
        return place
    blank = next((at for at in range(place, latest) if text[at].isspace()), latest - 1)
    # Never beyond the mark itself, however long the word before it is.
    return min(blank + 1, latest)


def _before_blank(text: str, place: int, earliest: int) -> int:
    """The last place up to `place` that ends a word, `earliest` at least."""
    if place >= len(text):
        return len(text)
    return next(
        (at for at in range(place, earliest, -1) if text[at].isspace()), earliest
    )


def _marked(
    text: str, piece: tuple[int, int], spans: Iterable[tuple[int, int]], style: Style
) -> str:
    """A piece of the text with its marks, HTML-escaped outside of them."""
    first, last = piece
    parts = ["…" if first else ""]
    at = first
    for start, end in spans:
        if first <= start and end <= last:
            parts += [
                html.escape(text[at:start]),
                style.before,
                html.escape(text[start:end]),
                style.after,
            ]
            at = end
    return "".join(
        [*parts, html.escape(text[at:last]), "…" if last < len(text) else ""]
    )
