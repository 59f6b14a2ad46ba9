"""Places in nested data, named as package_revise names them: `resources__0__name`,
globs, merges.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

import orjson

GLUE = "__"
SHORTEST_PREFIX = 5
"""Letters that an id must be given by at least."""
EXTEND = "extend"


class Unmatched(Exception):
    """A place does not exist; the text is its name."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """One glob: keep (+) or remove (-) what its parts name, level by level."""

    keep: bool
    parts: tuple[str, ...]

    @classmethod
    def of(cls, text: str) -> Pattern:
        """The pattern of a text. Raises ValueError for one without a sign."""
        if text[:1] not in ("+", "-") or len(text) < 2:
            raise ValueError(f'"{text}" must begin with + or -')
        return cls(text[0] == "+", tuple(text[1:].split(GLUE)))

    def names(self, key: str, value: Any) -> bool:
        """Whether the first part names this key or position, or the item there by its
        id.
        """
        part = self.parts[0]
        if fnmatchcase(key, part):
            return True
        held = str(value.get("id", "")) if isinstance(value, Mapping) else ""
        return (
            len(part) >= SHORTEST_PREFIX
            and bool(held)
            and fnmatchcase(held, f"{part}*")
        )


def filtered(data: Any, patterns: Sequence[Pattern]) -> Any:
    """What is left of nested data: at each level the first pattern that ends there
    decides; nothing said is kept.
    """
    if not patterns or not isinstance(data, (dict, list)):
        return data
    kept = []
    for key, value in _items(data):
        stays, shown = _decide(str(key), value, patterns)
        if stays:
            kept.append((key, shown))
    return dict(kept) if isinstance(data, dict) else [value for _, value in kept]


def _decide(key: str, value: Any, patterns: Sequence[Pattern]) -> tuple[bool, Any]:
    deeper: list[Pattern] = []
    for pattern in patterns:
        if not pattern.names(key, value):
            continue
        if len(pattern.parts) > 1:
            deeper.append(Pattern(pattern.keep, pattern.parts[1:]))
            continue
        if not deeper:
            return pattern.keep, value
        left = filtered(value, [*deeper, Pattern(pattern.keep, ("*",))])
        return pattern.keep or bool(left), left
    return True, filtered(value, deeper)


def _items(data: Any) -> Iterator[tuple[Any, Any]]:
    return iter(data.items()) if isinstance(data, dict) else enumerate(data)


def mismatches(data: Any, wanted: Mapping[str, Any], path: str = "") -> Iterator[str]:
    """The places in which data is not as wanted; lists are compared position by
    position.
    """
    for key, value in wanted.items():
        place = f"{path}{GLUE}{key}" if path else str(key)
        if not isinstance(data, Mapping) or key not in data:
            yield place
        else:
            yield from _differences(data[key], value, place)


def _differences(held: Any, wanted: Any, place: str) -> Iterator[str]:
    if isinstance(wanted, Mapping):
        yield from mismatches(held, wanted, place)
    elif isinstance(wanted, list):
        for number, value in enumerate(wanted):
            if not isinstance(held, list) or number >= len(held):
                yield f"{place}{GLUE}{number}"
            else:
                yield from _differences(held[number], value, f"{place}{GLUE}{number}")
    elif held != wanted:
        yield place


def merge(data: MutableMapping[str, Any], update: Mapping[str, Any]) -> None:
    """Merge an update in, deeply; lists are merged position by position, what is beyond
    their end is appended.
    """
    for key, value in update.items():
        data[key] = _merged(data.get(key), value)


def _merged(held: Any, value: Any) -> Any:
    if isinstance(held, dict) and isinstance(value, Mapping):
        merge(held, value)
        return held
    if isinstance(held, list) and isinstance(value, list):
        both = [
            _merged(held[number], each) if number < len(held) else each
            for number, each in enumerate(value)
        ]
        return both + held[len(value) :]
    return value


def by_prefix(params: Mapping[str, Any], prefix: str) -> list[tuple[str, Any]]:
    """(rest of the key, value) of the parameters with a prefix; what appends to a list
    comes first.
    """
    found = [
        (key.removeprefix(prefix), value)
        for key, value in params.items()
        if key.startswith(prefix)
    ]
    return sorted(
        found, key=lambda pair: (not pair[0].endswith(f"{GLUE}{EXTEND}"), pair[0])
    )


def find(data: Any, key: str) -> Any:
    """The value at a place. Raises Unmatched with the part of the name that leads
    nowhere.
    """
    return _walk(data, key.split(GLUE))


def assign(data: Any, key: str, value: Any) -> None:
    """Put a value at a place; `…__extend` appends a list (or its JSON text). Raises
    Unmatched.
    """
    *parents, last = key.split(GLUE)
    holder = _walk(data, parents)
    if isinstance(holder, list):
        if last == EXTEND:
            holder.extend(_listed(value, key))
        else:
            place = _position(holder, last, key)
            holder[place] = value
    elif isinstance(holder, dict):
        holder[last] = value
    else:
        raise Unmatched(key)


def _walk(data: Any, parts: Sequence[str]) -> Any:
    for number, part in enumerate(parts):
        path = GLUE.join(parts[: number + 1])
        if isinstance(data, list):
            data = data[_position(data, part, path)]
        elif isinstance(data, Mapping) and part in data:
            data = data[part]
        else:
            raise Unmatched(path)
    return data


def _position(listed: list[Any], part: str, path: str) -> int:
    """The position that a number (from the end if negative) or the first letters of an
    item's id name.
    """
    if part.removeprefix("-").isdigit():
        number = int(part)
        if -len(listed) <= number < len(listed):
            return number
    if len(part) >= SHORTEST_PREFIX:
        for number, item in enumerate(listed):
            if isinstance(item, Mapping) and str(item.get("id", "")).startswith(part):
                return number
    raise Unmatched(path)


def _listed(value: Any, key: str) -> list[Any]:
    if isinstance(value, str):
        try:
            value = orjson.loads(value)
        except orjson.JSONDecodeError:
            raise Unmatched(key) from None
    if not isinstance(value, list):
        raise Unmatched(key)
    return value
