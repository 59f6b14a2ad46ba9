"""What is said about data is public as well: a citizen number in a text that everybody
reads is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from i18n import Message
from portal.quality.personal.kinds import CITIZEN
from portal.quality.personal.texts import scan_text
from schemas import bounds

LONG_NUMBER = re.compile(r"\d(?:\W{0,3}\d){8,}")
"""Where no such number stands there is none of a person; most texts need no closer
look.
"""
UUID = re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b")
"""Addresses of the portal hold ids, whose digits say nothing."""
OWN = frozenset(
    {
        "id",
        "email",
        "package_id",
        "owner_org",
        "creator_user_id",
        "revision_id",
        "hash",
        "created",
        "last_modified",
        "metadata_created",
        "metadata_modified",
        "size",
        "validation_timestamp",
        "password",
        "image_url",
        "check_state",
    }
)
"""Keys whose values are the portal's own, or no words."""
HIDDEN = "…"
"""What stands for a text with a citizen number."""
MESSAGE = Message(
    "A citizen number must not stand in a public text (Law 91/2025/QH15, Decree "
    "356/2025/NĐ-CP)"
)


def places_with_persons(
    said: Mapping[str, Any], known: Mapping[str, Any] | None = None
) -> list[str]:
    """The top-level keys of a description in whose texts a citizen number stands; texts
    of `known` were looked at.
    """
    numbered = [
        (key, text)
        for key, value in said.items()
        if key not in OWN
        for text in _texts(value)
        if LONG_NUMBER.search(UUID.sub("", text))
    ]
    # Nearly no description has such a number: only then is what was known walked too.
    seen = set(_texts(known)) if numbered and known else set()
    return sorted(
        {key for key, text in numbered if text not in seen and _names_one(text)}
    )


def errors(
    said: Mapping[str, Any], known: Mapping[str, Any] | None = None
) -> dict[str, list[str]]:
    """The same as messages by key, in both languages; empty where nothing is wrong."""
    return {key: bounds.told(MESSAGE) for key in places_with_persons(said, known)}


def without_persons(text: Any) -> Any:
    """A text that the portal was told by others, for those who have to mend it; HIDDEN
    where it names a person.
    """
    return (
        HIDDEN
        if isinstance(text, str) and LONG_NUMBER.search(text) and _names_one(text)
        else text
    )


def _names_one(text: str) -> bool:
    """Whether a text holds a citizen number, or anything else that nobody may release."""
    found = scan_text(UUID.sub("", text))
    return any(
        each.verdict == "error" or (each.kind == CITIZEN and each.verdict == "hold")
        for each in found
    )


def _texts(value: Any) -> Iterator[str]:
    """Every text in a value, names of keys included; numbers as they are written."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            if key not in OWN:
                yield str(key)
                yield from _texts(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _texts(inner)
    # A citizen number may come as a JSON number.
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield str(value)
