"""What answers and versions of tables take in the memory of a process.

A version never changes, so what was found in it once is true for ever: keys name the
version.
"""

from __future__ import annotations

from typing import Any, Protocol

from portal.tabular.manifest import Manifest

FIELD_BYTES = 200
"""About what the description of one column, or of one part of a version, takes."""


class Rendered(Protocol):
    """A page of rows as JSON, and the columns that it has."""

    @property
    def records(self) -> bytes: ...
    @property
    def fields(self) -> list[dict[str, Any]]: ...


class OfVersion(Protocol):
    """Whatever belongs to one version of a table."""

    @property
    def manifest(self) -> Manifest: ...


def answer_bytes(answer: Rendered) -> int:
    """Bytes that a page of rows takes."""
    return len(answer.records) + FIELD_BYTES * len(answer.fields)


def version_bytes(owner: OfVersion) -> int:
    """Bytes that a version's manifest takes."""
    manifest = owner.manifest
    return FIELD_BYTES * (1 + len(manifest.parts) + len(manifest.fields))
