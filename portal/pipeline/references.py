"""Lookups for foreign keys: reference tables of the catalogue, found by the name of
their table schema.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from portal.db import datasets as db
from portal.runtime import Portal
from portal.tabular.store import Manifest
from schemas import catalog

Columns = Mapping[str, Sequence[str | None]]


def references(portal: Portal) -> Callable[[str], Columns | None]:
    """A lookup for one job: schema name → columns of the newest public table with that
    schema, read once.

    Where no table is held yet, the code list that ships with the schema answers; None
    where there is neither.
    """
    known: dict[str, Columns | None] = {}

    def find(name: str) -> Columns | None:
        if name not in known:
            known[name] = _held(portal, name) or catalog.code_list(name)
        return known[name]

    return find


def _held(portal: Portal, name: str) -> Columns | None:
    with portal.read() as uow:
        version = db.find_reference_version(uow.session, name)
    if version is None:
        return None
    manifest = Manifest.from_dict(version.manifest)
    return portal.tables.values(manifest, [column.name for column in manifest.fields])
