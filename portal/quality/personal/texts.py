"""Personal data in texts that are no tables: notes, titles, names of files, documents,
nested values.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from portal.quality.personal import kinds, mentions, names, nested
from portal.quality.personal.findings import PersonalMention, Verdict, gravest
from portal.quality.personal.kinds import Evidence
from portal.quality.personal.mentions import Hit

_NAMES = {kinds.OFFICE_PHONE: kinds.PHONE, kinds.OFFICE_EMAIL: kinds.EMAIL}
PIECE = 4_000
NESTED = 12
"""Lists in lists that are parted into records."""
OVERLAP = 200
"""Signs that two pieces of one long line share, so that nothing stands cut between
them.
"""


def scan_text(text: str, where: str = "") -> tuple[PersonalMention, ...]:
    """What a text says that is personal, one mention a kind; `where` is told back as it
    is.

    A name stands beside what its own line says. Telephones and mail of nobody are only
    warned of, as texts name offices that way.
    """
    found: list[tuple[str, Verdict]] = []
    for line in _lines(text):
        found += _judged(mentions.hits(line), named=False)
    return _mentions(found, where)


def scan_value(value: Any, where: str = "") -> tuple[PersonalMention, ...]:
    """What a nested value (as JSON has them) holds that is personal; the names of keys
    count as labels.
    """
    if isinstance(value, str):
        return scan_text(value, where)
    found: list[tuple[str, Verdict]] = []
    for record in _records(value):
        found += _judged(nested.hits(record), named=True)
    return _mentions(found, where)


def _records(value: Any, depth: int = NESTED) -> Iterator[Any]:
    """The records in a value, each with its own persons: lists of objects are apart
    from what stands around them.
    """
    if isinstance(value, list | tuple):
        # What stands loose in a list belongs to no record of it, so it is one of its
        # own.
        loose = [
            inner
            for inner in value
            if not isinstance(inner, Mapping | list | tuple) or not depth
        ]
        for inner in value:
            if depth and isinstance(inner, Mapping | list | tuple):
                yield from _records(inner, depth - 1)
        yield loose
        return
    # Nested deeper, the rest is one record: parting has to end somewhere.
    if not isinstance(value, Mapping) or not depth:
        yield value
        return
    lists = {key for key, inner in value.items() if _is_list_of_records(inner)}
    for key in lists:
        yield from _records(value[key], depth - 1)
    yield {key: inner for key, inner in value.items() if key not in lists}


def _is_list_of_records(value: Any) -> bool:
    """Whether a value is a list of several values with an object among them."""
    return (
        isinstance(value, list)
        and len(value) > 1
        and any(isinstance(inner, Mapping) for inner in value)
    )


def _lines(text: str) -> Iterator[str]:
    """The lines of a text, long ones in pieces of PIECE signs that overlap."""
    for line in text.splitlines():
        if len(line) <= PIECE:
            yield line
            continue
        for start in range(0, len(line), PIECE - OVERLAP):
            yield line[start : start + PIECE]


def _judged(hits: list[Hit], *, named: bool) -> Iterator[tuple[str, Verdict]]:
    """The kinds of what one line or record mentions, each with its verdict."""
    beside = any(hit.kind == kinds.NAME for hit in hits)
    for hit in hits:
        # Texts name people all the time; a name counts only for what is said beside it.
        if hit.kind == kinds.NAME and not named:
            continue
        alone = kinds.verdict(hit.kind, hit.evidence, office=not named and not beside)
        verdict = gravest(
            [alone, kinds.verdict(hit.kind, Evidence.BESIDE) if beside else None]
        )
        if verdict is not None:
            yield _NAMES.get(hit.kind, hit.kind), verdict


def _mentions(
    found: list[tuple[str, Verdict]], where: str
) -> tuple[PersonalMention, ...]:
    """One mention a kind, with its gravest verdict and how often it was found."""
    counts = Counter(kind for kind, _ in found)
    graves = {
        kind: gravest(verdict for other, verdict in found if other == kind)
        for kind in counts
    }
    return tuple(
        PersonalMention(
            kind, kinds.KINDS[kind].level, graves[kind] or "warn", count, where
        )
        for kind, count in sorted(counts.items())
    )


def is_value(text: str) -> bool:
    """Whether the name of a column is no name but a value: personal data, a long
    number, a day, a coordinate.
    """
    bare = text.strip()
    return (
        bool(mentions.VALUE.fullmatch(bare))
        or bool(mentions.hits(bare))
        or names.is_name(bare)
    )


def mentions_anything(text: str) -> bool:
    """Whether a short text holds any number, address or plate of a person, be it only
    by its shape.
    """
    return any(hit.kind != kinds.NAME for hit in mentions.hits(text))
