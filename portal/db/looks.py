"""Looks: what has to be looked at before everybody meets it, and what closes it until
somebody does.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import update
from sqlalchemy.orm import Session

from portal.db import outbox
from portal.db.holding import HeldDataset
from portal.db.uow import UnitOfWork
from portal.domain.datasets import OPEN, WAITING, Resource, TableVersion
from portal.domain.events import LOAD
from portal.quality.personal import treatments
from schemas import catalog
from schemas.package_dict import PackageDict


def full_schema(resource: Resource) -> dict[str, Any]:
    """The resource's whole Table Schema, fields to be dropped included; empty without
    one.
    """
    if not resource.schema_name:
        return resource.table_schema or {}
    try:
        return catalog.get(resource.schema_name).descriptor
    except catalog.UnknownTable:
        return {}


def close_untreated(dataset: HeldDataset, before: PackageDict | None) -> None:
    """Close what a schema asks to treat where a dataset becomes open: until then it was
    kept as it came.

    `before` is the package dict that the dataset had, None for a new one.
    """
    was_open = (
        before is None or not before["private"] or before.get("access_kind") == "open"
    )
    if was_open or not dataset.is_open:
        return
    for resource in dataset.resources:
        if treatments.asks(full_schema(resource)):
            resource.file_access = resource.rows_access = WAITING


def await_looks(
    uow: UnitOfWork, resources: Iterable[Resource], *, ask: bool = True
) -> None:
    """Have every file and table of these looked at that is closed until somebody does.

    Who is about to look at them anyway does not `ask` for it.
    """
    for resource in resources:
        if resource.state != "active" or not resource.waits:
            continue
        if resource.version_id and resource.rows_access == WAITING:
            _close_versions(uow.session, resource)
        if ask and not outbox.waits(uow.session, LOAD, resource.id):
            uow.later(LOAD, resource.id)


def _close_versions(session: Session, resource: Resource) -> None:
    """Have every version that was open judged anew: older ones by what the current rows
    are judged by.
    """
    known = update(TableVersion).where(
        TableVersion.resource_id == resource.id, TableVersion.access == OPEN
    )
    session.execute(known.values(access=WAITING))
