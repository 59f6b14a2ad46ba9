"""Two versions of a Table Schema compared: what changed, for whom it breaks, and why,
in both languages.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from i18n import Message
from schemas.tabletypes import missing_values

PUBLISHERS, READERS, NOBODY = "publishers", "readers", ""
"""Whom a change breaks: files that were valid are not any more; programs meet what they
did not know.
"""
OLD_BOUNDS = {"minimum": 1, "minLength": 1, "maximum": -1, "maxLength": -1}
Json = dict[str, Any]
MOST_COMPARED = 1000
"""Of values that can only be compared one by one, so many are."""


@dataclass(frozen=True, slots=True)
class Change:
    """One change of a field, or ("" as field) of the whole table; `breaks` says for
    whom.
    """

    field: str
    what: str
    breaks: str
    message: Message


def compare(old: Mapping[str, Any], new: Mapping[str, Any]) -> tuple[Change, ...]:
    """Every change between two descriptors, those of the table first."""
    return (*_table(old, new), *_fields(old, new))


def summary(changes: tuple[Change, ...]) -> Json:
    """JSON-ready: {breaking, bump, changes}; `bump` is the part of the version number
    that ought to rise.
    """
    breaking = any(change.breaks for change in changes)
    quiet = {"title", "description", "example"}
    bump = "minor" if any(change.what not in quiet for change in changes) else "patch"
    if breaking:
        bump = "major"
    listed = [
        {
            "field": change.field,
            "what": change.what,
            "breaks": change.breaks,
            **change.message.both(),
            "breaking": bool(change.breaks),
        }
        for change in changes
    ]
    return {
        "breaking": breaking,
        "bump": bump if changes else "none",
        "changes": listed,
    }


def _named(schema: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    return {str(field.get("name")): field for field in schema.get("fields", ())}


def _table(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Change]:
    before, after = _keys(old.get("primaryKey")), _keys(new.get("primaryKey"))
    if before != after:
        message = Message("primary key {before} became {after}").filled(
            before=_said(before), after=_said(after)
        )
        yield Change("", "primaryKey", PUBLISHERS if after else READERS, message)
    still = set(missing_values(new))
    gone = {text: None for text in missing_values(old) if text not in still}
    if gone:
        listed = ", ".join(f"“{text}”" for text in gone)
        message = Message("{listed} no longer stands for a missing value")
        yield Change("", "missingValues", PUBLISHERS, message.filled(listed=listed))
    yield from _foreign(old, new)
    names, new_names = _named(old), _named(new)
    shared = [name for name in names if name in new_names]
    if shared != [name for name in new_names if name in names] and _exact(new):
        yield Change(
            "",
            "order",
            PUBLISHERS,
            Message("the order of the columns changed"),
        )


def _foreign(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Change]:
    before, after = _references(old), _references(new)
    for fields, target in sorted(after - before):
        message = Message(
            "new foreign key to {target}: codes not in that table are refused"
        )
        yield Change(fields, "foreignKey", PUBLISHERS, message.filled(target=target))
    for fields, target in sorted(before - after):
        message = Message("foreign key to {target} was dropped")
        yield Change(fields, "foreignKey", NOBODY, message.filled(target=target))


def _references(schema: Mapping[str, Any]) -> set[tuple[str, str]]:
    found = set()
    for key in schema.get("foreignKeys", ()):
        reference = key.get("reference", {})
        names = ", ".join(_keys(reference.get("fields")))
        target = f"{reference.get('resource') or ''}({names})"
        found.add((", ".join(_keys(key.get("fields"))), target))
    return found


def _exact(schema: Mapping[str, Any]) -> bool:
    return str(schema.get("fieldsMatch") or "exact") in ("exact", "['exact']")


def _fields(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Change]:
    before, after = _named(old), _named(new)
    for name in before:
        if name not in after:
            message = Message("the column is gone: programs that read it fail")
            yield Change(name, "removed", READERS, message)
    for name, field in after.items():
        if name in before:
            yield from _field(name, before[name], field)
        else:
            yield _added(name, field, new)


def _added(name: str, field: Mapping[str, Any], schema: Mapping[str, Any]) -> Change:
    if field.get("constraints", {}).get("required"):
        message = Message("a new required column: older files lack it")
        return Change(name, "added", PUBLISHERS, message)
    if _exact(schema):
        message = Message("a new column: older files lack it (fieldsMatch is exact)")
        return Change(name, "added", PUBLISHERS, message)
    return Change(name, "added", NOBODY, Message("a new column, not required"))


def _field(
    name: str, old: Mapping[str, Any], new: Mapping[str, Any]
) -> Iterator[Change]:
    for key, default in (
        ("type", "any"),
        ("format", "default"),
        ("decimalChar", "."),
        ("groupChar", ""),
    ):
        before, after = old.get(key, default), new.get(key, default)
        if before != after:
            message = Message("{key} '{before}' became '{after}'").filled(
                key=key, before=before, after=after
            )
            yield Change(name, key, f"{PUBLISHERS}, {READERS}", message)
    yield from _constraints(
        name, old.get("constraints") or {}, new.get("constraints") or {}
    )
    before, after = str(old.get("pd") or "none"), str(new.get("pd") or "none")
    if (before, old.get("treatment")) != (after, new.get("treatment")):
        dropped = after != "none" and new.get("treatment") == "drop"
        message = Message("personal data: {before} became {after} ({treatment})")
        message = message.filled(
            before=before, after=after, treatment=new.get("treatment") or "keep"
        )
        yield Change(name, "pd", READERS if dropped else NOBODY, message)
    for key in ("title", "description", "example"):
        if old.get(key) != new.get(key):
            yield Change(
                name, key, NOBODY, Message("{key} was reworded").filled(key=key)
            )


def _constraints(
    name: str, old: Mapping[str, Any], new: Mapping[str, Any]
) -> Iterator[Change]:
    for key in sorted(old.keys() | new.keys()):
        before, after = old.get(key), new.get(key)
        if before == after:
            continue
        if key == "enum":
            yield from _enum(name, list(before or ()), list(after or ()))
        else:
            breaks = PUBLISHERS if _tighter(key, before, after) else NOBODY
            message = Message("{key}: {before} became {after}")
            message = message.filled(key=key, before=_said(before), after=_said(after))
            yield Change(name, key, breaks, message)


def _tighter(key: str, before: Any, after: Any) -> bool:
    """Whether a value that was fine before may be refused now."""
    if after is None or after is False:
        return False
    if before is None or key not in OLD_BOUNDS:
        return True
    try:
        return bool((float(after) - float(before)) * OLD_BOUNDS[key] > 0)
    except (TypeError, ValueError):
        return (str(after) > str(before)) == (OLD_BOUNDS[key] > 0)


def _enum(name: str, before: list[Any], after: list[Any]) -> Iterator[Change]:
    gone, new = _without(before, after), _without(after, before)
    if after and (gone or not before):
        what = _said(gone) if before else _said(after)
        message = Message("takes only {values} now")
        if before:
            message = Message("no longer takes {values}")
        message = message.filled(values=what)
        yield Change(name, "enum", PUBLISHERS, message)
    elif not after:
        yield Change(name, "enum", READERS, Message("takes any value now"))
    if before and new:
        message = Message("also takes {values}").filled(values=_said(new))
        yield Change(name, "enum", NOBODY, message)


def _without(values: list[Any], others: list[Any]) -> list[Any]:
    """The values that are not among the others; quick where they are no lists and
    objects, as in every schema.
    """
    try:
        known = set(others)
        return [value for value in values if value not in known]
    except TypeError:
        return [value for value in values if value not in others[:MOST_COMPARED]][
            :MOST_COMPARED
        ]


def _keys(given: Any) -> tuple[str, ...]:
    return (given,) if isinstance(given, str) else tuple(map(str, given or ()))


def _said(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return ", ".join(map(str, value)) or "-"
    return "-" if value is None else str(value)
