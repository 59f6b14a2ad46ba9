"""Questions about tables of rows: which is meant by a name, its versions, new versions,
what is loading.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

from sqlalchemy import ColumnElement, bindparam, delete, func, or_, select
from sqlalchemy.orm import Session

from portal.db import datasets
from portal.db.uow import UnitOfWork
from portal.domain.base import new_id, now
from portal.domain.datasets import WAITING, Dataset, Resource, ShownTable, TableVersion
from portal.domain.datastore import PENDING, TableAlias, TableLoad
from portal.domain.events import FINGERPRINT_LETTERS, FORGET, LINK, PUBLISH, OutboxRow
from portal.tabular.manifest import Manifest

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
        Resource.rows_access,
        func.coalesce(Dataset.profile["access_kind"].as_string(), "open"),
    )
    .join(Dataset, Dataset.id == Resource.package_id)
    .where(Resource.id == bindparam("key"), Resource.state == "active")
    .limit(1)
)
"""Built once: row queries are asked often, and need no objects."""


def resolve(session: Session, name: str) -> str:
    """The id of the resource that an alias names; anything else is an id already."""
    alias = session.get(TableAlias, name) if len(name) <= 63 else None
    return alias.resource_id if alias else name


def find_shown(uow: UnitOfWork, key: str) -> ShownTable | None:
    """The table that a resource's id, or another name of the table, names."""
    row = uow.connection.execute(_SHOWN, {"key": key}).first()
    if row is None:
        named = resolve(uow.session, key)
        row = (
            uow.connection.execute(_SHOWN, {"key": named}).first()
            if named != key
            else None
        )
    return ShownTable(*row) if row else None


def list_readable(
    session: Session, readable: ColumnElement[bool]
) -> list[tuple[str, str]]:
    """(name, resource id) of every table that somebody may read, by each of its names;
    `readable` filters by rights.
    """
    those = (readable, Resource.state == "active", Resource.version_id.is_not(None))
    ids = (
        select(Resource.id, Resource.id)
        .join(Dataset, Dataset.id == Resource.package_id)
        .where(*those)
    )
    others = select(TableAlias.name, TableAlias.resource_id).join(
        Resource, Resource.id == TableAlias.resource_id
    )
    others = others.join(Dataset, Dataset.id == Resource.package_id).where(*those)
    return sorted(
        (row[0], row[1]) for query in (ids, others) for row in session.execute(query)
    )


def aliases(session: Session, resource_id: str) -> Sequence[str]:
    """The other names of a resource's table, in order."""
    return session.scalars(
        select(TableAlias.name)
        .where(TableAlias.resource_id == resource_id)
        .order_by(TableAlias.name)
    ).all()


def set_aliases(session: Session, resource_id: str, names: Iterable[str]) -> list[str]:
    """Give a table these other names and no more; return those that another table has,
    and then change nothing.
    """
    wanted = sorted(set(names))
    held = select(TableAlias.name).where(
        TableAlias.name.in_(wanted), TableAlias.resource_id != resource_id
    )
    resources = select(Resource.id).where(Resource.id.in_(wanted))
    taken = [*session.scalars(held), *session.scalars(resources)]
    if not taken:
        session.execute(delete(TableAlias).where(TableAlias.resource_id == resource_id))
        session.add_all(
            TableAlias(name=name, resource_id=resource_id) for name in wanted
        )
        session.flush()
    return taken


def lock(session: Session, resource_id: str) -> Resource:
    """The resource, newly read, for this transaction alone: writers of one table go one
    after the other.
    """
    query = select(Resource).where(Resource.id == resource_id).with_for_update()
    return session.scalars(query.execution_options(populate_existing=True)).one()


def manifest_of(session: Session, resource: Resource) -> Manifest | None:
    """The rows that the resource has now."""
    version = datasets.current_version(session, resource)
    return Manifest.from_dict(version.manifest) if version else None


def new_version(
    uow: UnitOfWork, resource: Resource, manifest: Manifest, access: str
) -> bool:
    """Make a manifest the resource's newest version; False when it says nothing new.

    `access` is the verdict on its rows: OPEN, or HELD for all but editors.
    """
    current = datasets.current_version(uow.session, resource)
    if current is not None and current.fingerprint == manifest.fingerprint:
        current.access = resource.rows_access = access
        current.report_id = resource.validation_report_id or current.report_id
        return False
    version = TableVersion(
        id=new_id(),
        resource_id=resource.id,
        number=datasets.newest_number(uow.session, resource.id) + 1,
        fingerprint=manifest.fingerprint,
        rows=manifest.rows,
        manifest=manifest.to_dict(),
        report_id=resource.validation_report_id,
        access=access,
    )
    uow.session.add(version)
    resource.version_id, resource.last_modified = version.id, now()
    resource.rows_access = access
    uow.later(PUBLISH, resource.id)
    return True


def drop_table(session: Session, resource: Resource) -> None:
    """Take a resource's table away: its rows answer no more, its names are free.
    Versions go with the retention.
    """
    version = datasets.current_version(session, resource)
    if version is not None:
        forget_copies(session, [version.fingerprint])
    resource.version_id = None
    session.execute(delete(TableAlias).where(TableAlias.resource_id == resource.id))


def forget_copies(session: Session, fingerprints: Iterable[str]) -> None:
    """Have the downloads and hot copies of rows removed once this work is committed,
    wherever no table shows them.
    """
    for start in {fingerprint[:FINGERPRINT_LETTERS] for fingerprint in fingerprints}:
        session.add(OutboxRow(topic=FORGET, entity_id=start))


def is_current(session: Session, fingerprint: str) -> bool:
    """Whether a live table shows the rows whose fingerprint begins so."""
    query = (
        select(TableVersion.id)
        .join(Resource, Resource.version_id == TableVersion.id)
        .where(
            TableVersion.fingerprint.startswith(fingerprint, autoescape=True),
            Resource.state == "active",
        )
    )
    return session.scalar(query.limit(1)) is not None


def list_fingerprints(session: Session) -> Sequence[str]:
    """The fingerprints of all versions of all tables."""
    return session.scalars(select(TableVersion.fingerprint).distinct()).all()


def find_version(session: Session, resource_id: str, asked: str) -> TableVersion | None:
    """A version by its number, or the one that was current at a moment (a day means its
    end; UTC).

    Raises ValueError for a text that is neither.
    """
    if asked.isascii() and asked.isdigit():
        return datasets.find_version(session, resource_id, min(int(asked), 2**31 - 1))
    try:
        moment = _moment(asked)
    except OverflowError:
        raise ValueError(
            "the first and the last day of the calendar name no version"
        ) from None
    return datasets.find_version(session, resource_id, moment)


def _moment(asked: str) -> datetime:
    moment = datetime.fromisoformat(asked)
    if _DAY.fullmatch(asked):
        moment += timedelta(days=1)
    return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment


def waiting_versions(session: Session, resource_id: str) -> Sequence[TableVersion]:
    """The versions of a resource's rows that nobody looked at yet, newest first."""
    query = select(TableVersion).where(
        TableVersion.resource_id == resource_id, TableVersion.access == WAITING
    )
    return session.scalars(query.order_by(TableVersion.number.desc())).all()


def list_versions(
    session: Session, resource_id: str, limit: int, offset: int
) -> Sequence[TableVersion]:
    """The versions of a resource's rows, newest first."""
    query = select(TableVersion).where(TableVersion.resource_id == resource_id)
    return session.scalars(
        query.order_by(TableVersion.number.desc()).limit(limit).offset(offset)
    ).all()


def superseded(session: Session, keep: int, before: datetime) -> Sequence[str]:
    """Ids of versions that are neither current, nor among the newest `keep` of their
    table, nor younger than that.

    All versions of a table that was dropped are superseded once they are old enough.
    """
    ranked = select(
        TableVersion.id,
        TableVersion.created,
        TableVersion.resource_id,
        func.row_number()
        .over(
            partition_by=TableVersion.resource_id, order_by=TableVersion.number.desc()
        )
        .label("place"),
    ).subquery()
    gone = or_(Resource.version_id.is_(None), Resource.state != "active")
    return session.scalars(
        select(ranked.c.id)
        .join(Resource, Resource.id == ranked.c.resource_id)
        .where(
            or_(Resource.version_id.is_(None), ranked.c.id != Resource.version_id),
            ranked.c.created < before,
            or_(ranked.c.place > keep, gone),
        )
    ).all()


def forget_versions(session: Session, ids: Sequence[str]) -> int:
    """Remove versions; their parts are swept when no other version names them."""
    for start in range(0, len(ids), 500):
        session.execute(
            delete(TableVersion).where(TableVersion.id.in_(ids[start : start + 500]))
        )
    return len(ids)


def load_of(session: Session, resource_id: str) -> TableLoad | None:
    """How the loading of a resource stands."""
    return session.get(TableLoad, resource_id)


def loaded_links(session: Session, package_id: str) -> dict[str, str | None]:
    """The link that each resource of a dataset was loaded from, by resource; asked for
    in one question.
    """
    query = select(TableLoad.resource_id, TableLoad.url).join(
        Resource, Resource.id == TableLoad.resource_id
    )
    return {
        row[0]: row[1]
        for row in session.execute(query.where(Resource.package_id == package_id))
    }


def note_load(
    session: Session, resource_id: str, state: str = PENDING, error: str | None = None
) -> TableLoad:
    """Write down how the loading of a resource stands."""
    load = session.get(TableLoad, resource_id)
    if load is None:
        load = TableLoad(resource_id=resource_id)
        session.add(load)
    load.state, load.error, load.updated = state, error, now()
    session.flush()
    return load


def await_link(uow: UnitOfWork, resource: Resource) -> None:
    """Ask for the loading of a link that is new, or whose address changed."""
    load = note_load(uow.session, resource.id)
    load.url, load.etag, load.modified, load.content_hash = (
        resource.url,
        None,
        None,
        None,
    )
    uow.later(LINK, resource.id)


def stale_links(session: Session, older_than: timedelta, limit: int) -> Sequence[str]:
    """Ids of linked resources that were loaded from their links and not looked at for
    so long.
    """
    return session.scalars(
        select(TableLoad.resource_id)
        .join(Resource, Resource.id == TableLoad.resource_id)
        .join(Dataset, Dataset.id == Resource.package_id)
        .where(
            TableLoad.checked < now() - older_than,
            Resource.state == "active",
            Dataset.state == "active",
            or_(Resource.url_type.is_(None), Resource.url_type == ""),
        )
        .order_by(TableLoad.checked)
        .limit(limit)
    ).all()
