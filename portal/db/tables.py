"""Questions about tables: which resource is meant, which of its versions, and what tables there are."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from sqlalchemy import ColumnElement, bindparam, select
from sqlalchemy.orm import Session

from portal.db import datasets, datastore
from portal.db.uow import UnitOfWork
from portal.domain.datasets import Dataset, Resource, ShownTable, TableVersion
from portal.domain.datastore import TableAlias

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_SHOWN = (
    select(
        Dataset.id,
        Dataset.state,
        Dataset.private,
        Dataset.owner_org,
        Dataset.creator_user_id,
        Resource.id,
        Resource.version_id,
    )
    .join(Dataset, Dataset.id == Resource.package_id)
    .where(Resource.id == bindparam("key"), Resource.state == "active")
    .limit(1)
)
"""Built once: row queries are asked often, and need no objects."""


def find_shown(uow: UnitOfWork, key: str) -> ShownTable | None:
    """The table that a resource's id, or another name of the table, names."""
    row = uow.connection.execute(_SHOWN, {"key": key}).first()
    if row is None:
        named = datastore.resolve(uow.session, key)
        row = uow.connection.execute(_SHOWN, {"key": named}).first() if named != key else None
    return ShownTable(*row) if row else None


def list_readable(session: Session, readable: ColumnElement[bool]) -> list[tuple[str, str]]:
    """(name, resource id) of every table that somebody may read, by each of its names; `readable` filters by rights."""
    those = (readable, Resource.state == "active", Resource.version_id.is_not(None))
    ids = select(Resource.id, Resource.id).join(Dataset, Dataset.id == Resource.package_id).where(*those)
    others = select(TableAlias.name, TableAlias.resource_id).join(Resource, Resource.id == TableAlias.resource_id)
    others = others.join(Dataset, Dataset.id == Resource.package_id).where(*those)
    return sorted((row[0], row[1]) for query in (ids, others) for row in session.execute(query))


def find_version(session: Session, resource_id: str, asked: str) -> TableVersion | None:
    """A version by its number, or the one that was current at a moment (a day means its end; UTC).

    Raises ValueError for a text that is neither.
    """
    if asked.isascii() and asked.isdigit():
        return datasets.find_version(session, resource_id, min(int(asked), 2**31 - 1))
    moment = datetime.fromisoformat(asked)
    if _DAY.fullmatch(asked):
        moment += timedelta(days=1)
    moment = moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment
    return datasets.find_version(session, resource_id, moment)
