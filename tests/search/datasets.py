"""Small datasets to search for."""

from __future__ import annotations

from typing import Any

import orjson

from search.backend import (
    IndexEntry,
    SearchBackend,
    SearchRequest,
    SearchResult,
    Source,
)

PUBLIC = frozenset({"public"})


def entry(
    name: str, title: str = "", *, revision: int = 1, labels: frozenset[str] = PUBLIC, tags: tuple[str, ...] = (),
    org: str = "so-y-te", formats: tuple[str, ...] = (), **fields: Any,
) -> IndexEntry:  # fmt: skip
    """A dataset whose id is its name; `fields` go into the package as they are."""
    package: dict[str, Any] = {
        "id": name,
        "name": name,
        "title": title or name,
        "notes": "",
        "state": "active",
        "private": False,
        "type": "dataset",
        "owner_org": f"{org}-id",
        "organization": {"id": f"{org}-id", "name": org, "title": org},
        "metadata_created": "2025-01-01T00:00:00.000000",
        "metadata_modified": "2026-01-01T00:00:00.000000",
        "tags": [{"name": tag} for tag in tags],
        "groups": [],
        "resources": [{"format": given, "name": f"tệp {given}"} for given in formats],
        "extras": [],
    } | fields
    return IndexEntry(name, package, orjson.dumps(package), labels, revision)


def ask(index: SearchBackend, q: str = "*:*", **fields: Any) -> SearchResult:
    """Search with the defaults of a request."""
    return index.search(SearchRequest(q=q, **fields))


def found(index: SearchBackend, q: str = "*:*", **fields: Any) -> list[str]:
    """The identifiers found, in order."""
    return [hit.id for hit in ask(index, q, **fields).hits]


def listed(*entries: IndexEntry) -> Source:
    """What a rebuild reads: these entries by id, those after a given one."""
    ordered = sorted(entries, key=lambda each: each.id)
    return lambda after: [each for each in ordered if each.id > after]
