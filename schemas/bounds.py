"""Bounds of everything that a caller sends: nesting, signs that no store keeps, and how
a limit is told.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from i18n import Message

DEEPEST = 64
"""How deep a parameter nests at most: three times what the deepest Table Schema in a
dataset needs.
"""
_NUL = "\x00"
_CONTAINERS = (dict, list)


def told(message: Message) -> list[str]:
    """A message of a limit, in both languages, as the messages of a field."""
    return [message.en, message.vi]


def problems(data: Mapping[str, Any]) -> dict[str, list[str]]:
    """What no action can take, by parameter: nested too deep, a NUL character, half a
    pair of surrogates.
    """
    # Most requests hold a few texts and nothing else: they are looked at as one.
    is_flat = {str}.issuperset(map(type, data.values()))
    if is_flat and _wrong_text("".join([*data, *data.values()])) is None:
        return {}
    found: dict[str, list[str]] = {}
    for key, value in data.items():
        wrong = _wrong_text(key) or _wrong(value)
        if wrong:
            found[_shown(key)] = wrong
    return found


def parse(text: str | bytes) -> Any:
    """The JSON value of a caller's text. Raises ValueError for what is none, or nests
    too deep.
    """
    value = orjson.loads(text)
    if _wrong(value):
        raise ValueError("nested too deep, or with a NUL character")
    return value


def _wrong(value: Any) -> list[str] | None:
    """Level by level, so that no nesting is too deep for the search itself; texts of a
    level are looked at at once.
    """
    if type(value) is str:
        return _wrong_text(value)
    containers = [value] if type(value) in _CONTAINERS else []
    for _ in range(DEEPEST):
        if not containers:
            return None
        keys: set[Any] = set()
        values: list[Any] = []
        for each in containers:
            if type(each) is dict:
                keys.update(each)
                values += each.values()
            else:
                values += each
        texts = [each for each in values if type(each) is str]
        wrong = _wrong_text("".join(texts)) or _wrong_text("".join(map(str, keys)))
        if wrong:
            return wrong
        containers = [each for each in values if type(each) in _CONTAINERS]
    if not containers:
        return None
    too_deep = Message("Nested more than {limit} levels deep")
    return told(too_deep.filled(limit=DEEPEST))


def _wrong_text(text: Any) -> list[str] | None:
    if not isinstance(text, str) or (text.isascii() and _NUL not in text):
        return None
    if _NUL in text:
        return told(Message("Holds a NUL character"))
    try:
        text.encode()
    except UnicodeEncodeError:
        return told(Message("Holds half of a surrogate pair: not Unicode"))
    return None


def _shown(key: Any) -> str:
    return str(key).encode(errors="replace").decode().replace(_NUL, "?")[:100]
