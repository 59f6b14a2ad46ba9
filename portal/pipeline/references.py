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
    columns: dict[str, Columns | None] = {}

    def find(name: str) -> Columns | None:
        # Once for a whole job: it checks by one state of a reference table, whatever
        # comes meanwhile.
        if name not in columns:
            columns[name] = _stored_table(portal, name) or catalog.code_list(name)
        return columns[name]

    return find


def _stored_table(portal: Portal, name: str) -> Columns | None:
    """Columns of the newest public table with a schema, None where there is none."""
    with portal.read() as uow:
        version = db.find_reference_version(uow.session, name)
    if version is None:
        return None
    manifest = Manifest.from_dict(version.manifest)
    names = [column.name for column in manifest.fields]
    return portal.tables.values(manifest, names)
