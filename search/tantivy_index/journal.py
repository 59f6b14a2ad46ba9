"""The journal of a rebuild: each change written meanwhile is one line, to be repeated
on the new index.
"""

from __future__ import annotations

import base64

import orjson

from search.backend import IndexEntry


def to_line(entries: list[IndexEntry], deleted: list[str]) -> bytes:
    """One change as a line without blanks."""
    listed = [
        [
            entry.id,
            dict(entry.package),
            entry.payload.decode(),
            sorted(entry.labels),
            entry.version,
        ]
        for entry in entries
    ]
    return base64.b64encode(orjson.dumps([listed, deleted]))


def from_line(line: bytes) -> tuple[list[IndexEntry], list[str]]:
    """The change of a line; nothing for half of a line, as a killed writer leaves
    it.
    """
    try:
        listed, deleted = orjson.loads(base64.b64decode(line, validate=True))
    except ValueError:
        # Its writer was killed before the change was acknowledged: it will be written
        # again.
        return [], []
    entries = [
        IndexEntry(key, package, payload.encode(), frozenset(labels), version)
        for key, package, payload, labels, version in listed
    ]
    return entries, deleted
