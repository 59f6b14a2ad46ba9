"""Values inside values, as JSON has them: each is looked at under the names of the keys
that lead to it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from portal.quality.personal import kinds, mentions, names
from portal.quality.personal.kinds import Evidence
from portal.quality.personal.labels import roles as roles_of
from portal.quality.personal.mentions import Hit

DEPTH = 40
_ABOUT = {
    "birth": kinds.BIRTH,
    "sex": kinds.SEX,
    "birthplace": kinds.BIRTHPLACE,
    "origin": kinds.ORIGIN,
    "family": kinds.FAMILY,
    "health": kinds.HEALTH,
    "home": kinds.HOME,
    "address": kinds.HOME,
    "place": kinds.HOME_PLACE,
    "finance": kinds.FINANCE,
}
"""What is personal where a person's name stands in the same record."""
OF_OFFICES = {"address", "place"}
"""What an organization in the same record has as well."""


def parse_json(text: str) -> Any:
    """The list or object that a cell holds as JSON; None where it holds none."""
    if text.lstrip()[:1] not in ("{", "["):
        return None
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return None


def hits(value: Any, roles: frozenset[str] = frozenset()) -> list[Hit]:
    """What a nested value mentions, keys included; `roles` are the meanings of the
    label that it stands under.
    """
    found: list[Hit] = []
    told: set[str] = set()
    for key, text in _leaves(value, "", DEPTH):
        # A key that means nothing inherits what the label of the column means.
        meaning = roles_of(key) or roles
        found += mentions.hits(text, meaning)
        if (meaning & {"person", "officer"} and names.is_wordy(text)) or names.is_name(
            text
        ):
            found.append(Hit(kinds.NAME, Evidence.BESIDE))
        elif text.strip():
            told |= meaning
    if any(hit.kind == kinds.NAME for hit in found):
        about = set(_ABOUT) - (OF_OFFICES if "organization" in told else set())
        found += [Hit(_ABOUT[role], Evidence.BESIDE) for role in sorted(told & about)]
    return found


def _leaves(value: Any, key: str, depth: int) -> Iterator[tuple[str, str]]:
    """Each text and number with the words that lead to it; each key as a text of its
    own.
    """
    if depth <= 0:
        # Deeper values are read as one text, up to a bound, rather than passed by.
        yield key, str(value)[: mentions.LONGEST]
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            # A key with digits may itself be somebody's number.
            if any(map(str.isdigit, str(name))):
                yield "", str(name)
            # Bounded: else each leaf of a deep value would carry its whole path.
            yield from _leaves(inner, f"{key[-60:]} {name}".strip(), depth - 1)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _leaves(inner, key, depth - 1)
    elif value is not None and not isinstance(value, bool):
        yield key, str(value)
