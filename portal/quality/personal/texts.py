"""Personal data in texts that are no tables: notes, titles, names of files, documents, nested values."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

from portal.quality.personal.detectors import DETECTORS, verdict_of
from portal.quality.personal.findings import Level, PersonalMention

LEVELS: dict[str, Level] = {detector.kind: detector.level for detector in DETECTORS}
_FREE = tuple((each.kind, re.compile(each.cell.strip("^$"))) for each in DETECTORS if not each.label)


def scan_text(text: str, where: str = "") -> tuple[PersonalMention, ...]:
    """What a text says that is personal, one mention a kind; `where` is told back as it is."""
    counts = {kind: len(pattern.findall(text)) for kind, pattern in _FREE}
    return _mentions(Counter(counts), where)


def scan_value(value: Any, where: str = "") -> tuple[PersonalMention, ...]:
    """What a nested value (as JSON has them) holds that is personal; the names of keys count as labels."""
    counts: Counter[str] = Counter()
    _walk(value, counts)
    return _mentions(counts, where)


def _walk(value: Any, counts: Counter[str]) -> None:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            _walk(str(key), counts)
            _walk(inner, counts)
    elif isinstance(value, list | tuple):
        for inner in value:
            _walk(inner, counts)
    elif value is not None and not isinstance(value, bool):
        counts.update({each.kind: each.count for each in scan_text(str(value))})


def _mentions(counts: Counter[str], where: str) -> tuple[PersonalMention, ...]:
    return tuple(
        PersonalMention(kind, LEVELS[kind], verdict_of(kind), count, where) for kind, count in counts.items() if count
    )
