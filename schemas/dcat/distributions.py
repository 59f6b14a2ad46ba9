"""From the distributions of a dataset to its resources, in the order that they were
given.
"""

from __future__ import annotations

import re
from dataclasses import fields
from typing import Any

from rdflib.namespace import DCTERMS, FOAF, RDFS

from schemas.dcat.terms import DCAT, SCHEMA, SPDX, format_of, media_type_of
from schemas.dcat.view import View, plain
from schemas.record import ResourceRecord
from schemas.vocabularies import FORMATS, format_name

Json = dict[str, Any]
OPTIONAL = ("id", "mimetype", "size", "schema", "schema_name")
_UUID = re.compile(r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")
KNOWN = frozenset(each.name for each in fields(ResourceRecord)) - {"content", "extras"}
KINDS: dict[str, type | tuple[type, ...]] = {"size": int, "schema": dict}
"""What a stated value has to be, where it is no text."""


class Mistyped(ValueError):
    """An exact value that is stated as something which the field cannot be."""


def distributions(dataset: View, *, exact: bool) -> tuple[ResourceRecord, ...]:
    """The resources of a dataset: by their position where they have one, then by
    address.
    """
    found = dataset.views(DCAT.distribution)
    placed = sorted(
        found,
        key=lambda view: (_position(view), str(view.node) if view.address else ""),
    )
    return tuple(_resource(view, exact=exact) for view in placed)


def _position(view: View) -> int:
    text = view.first(SCHEMA.position)
    return int(text) if text.isdigit() and len(text) < 10 else 1_000_000_000


def _resource(view: View, *, exact: bool) -> ResourceRecord:
    stated, extras = view.stated()
    found = _described(view)
    if not exact:
        extras = _extras_of_others(view)
        found["id"] = found["id"] if _UUID.match(found["id"]) else None
        found["format"] = format_name(
            found["format"] or FORMATS.get(found["mimetype"] or "", ""), found["url"]
        )
    found |= {
        key: checked(key, value, KINDS.get(key, str))
        for key, value in stated.items()
        if key in KNOWN
    }
    shaped: Json = {key: _shaped(key, value) for key, value in found.items()}
    return ResourceRecord(**shaped, extras=extras)


def checked(field: str, value: Any, kind: type | tuple[type, ...]) -> Any:
    """The value of a field, which is of its kind or empty. Raises Mistyped: anybody can
    state anything.
    """
    if value not in (None, "") and not isinstance(value, kind):
        raise Mistyped(f"The exact value of {field} is of a wrong type.")
    return value


def _shaped(key: str, value: Any) -> Any:
    if key in OPTIONAL:
        return None if value == "" else value
    return value or ""


def _described(view: View) -> Json:
    url = view.first(DCAT.downloadURL) or view.first(DCAT.accessURL)
    own = view.address and url == view.address
    standard = next(
        (
            each
            for each in view.views(DCTERMS.conformsTo)
            if each.address.endswith("/schema.json")
        ),
        None,
    )
    return {
        "id": view.first(DCTERMS.identifier),
        "name": view.text(DCTERMS.title, RDFS.label),
        "description": view.text(DCTERMS.description),
        "url": "" if own else url,
        "format": _format(view),
        "mimetype": media_type_of(_label(view, DCAT.mediaType)) or None,
        "size": _size(view),
        "hash": _checksum(view),
        "schema_name": standard.first(DCTERMS.identifier) if standard else None,
    }


def _format(view: View) -> str:
    return format_of(_label(view, DCTERMS["format"]) or _label(view, DCAT.mediaType))


def _label(view: View, predicate: Any) -> str:
    """The address of a concept, or whatever it is called."""
    return next(
        (
            text
            for each in view.views(predicate)
            if (text := each.address or each.label)
        ),
        "",
    )


def _size(view: View) -> int | None:
    text = view.first(DCAT.byteSize).strip()
    try:
        size = int(float(text)) if text and len(text) < 24 else None
    except (ValueError, OverflowError):
        return None
    return size if size is not None and 0 <= size < 2**63 else None


def _checksum(view: View) -> str:
    for checksum in view.views(SPDX.checksum):
        if value := checksum.first(SPDX.checksumValue):
            return value.lower()
    return ""


def _extras_of_others(view: View) -> Json:
    rights = [
        each.address or each.label
        for each in view.views(DCTERMS.license, DCTERMS.rights)
    ]
    extras = {
        "access_url": view.first(DCAT.accessURL)
        if view.first(DCAT.downloadURL)
        else "",
        "rights": next((text for text in rights if text), ""),
        "issued": view.first(DCTERMS.issued),
        "modified": view.first(DCTERMS.modified),
        "uri": view.address,
        "documentation": "; ".join(
            text for text in map(plain, view.nodes(FOAF.page)) if text
        ),
    }
    return {key: value for key, value in extras.items() if value}
