"""Questions about datasets in organizations and groups: which there are, and putting
them in.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import ColumnElement, Select, and_, bindparam, or_, select
from sqlalchemy.orm import Session

from portal.db.holding import steady_groups
from portal.domain.datasets import Dataset
from portal.domain.people import Group, Member

_IN = select(Member.group_id).where(
    Member.table_name == "package",
    Member.table_id == bindparam("key"),
    Member.state == "active",
)
_GROUP = and_(
    Group.id.in_(_IN), Group.state == "active", Group.is_organization.is_(False)
)
_TOLD_BY = (
    select(Group)
    .where(or_(Group.id == bindparam("owner"), _GROUP))
    .order_by(Group.id)
    .with_for_update(read=True)
    .execution_options(populate_existing=True)
)
"""Built once: every save of a dataset asks it."""


def steady_groups_of(
    session: Session, package_id: str, owner_org: str | None
) -> Sequence[Group]:
    """A dataset's organization and the active groups that it is in, as they stay until
    this transaction ends.

    The dataset tells of them: what it tells would be wrong for good if they changed
    before it is there to be seen.
    """
    return session.scalars(_TOLD_BY, {"key": package_id, "owner": owner_org}).all()


def groups_of(session: Session, package_id: str) -> Sequence[Group]:
    """The active groups that a dataset is in."""
    return session.scalars(select(Group).where(_GROUP), {"key": package_id}).all()


_IN_GROUPS = (
    select(Member)
    .join(Group, Group.id == Member.group_id)
    .where(
        Member.table_name == "package",
        Member.table_id == bindparam("key"),
        Group.is_organization.is_(False),
    )
)


def set_groups(session: Session, package_id: str, group_ids: Iterable[str]) -> None:
    """Put a dataset into exactly these groups."""
    wanted = set(group_ids)
    rows = session.scalars(_IN_GROUPS, {"key": package_id}).all()
    if wanted != {row.group_id for row in rows if row.state == "active"}:
        # Before any row of membership.
        steady_groups(session, {*wanted, *(row.group_id for row in rows)})
    for row in rows:
        row.state = "active" if row.group_id in wanted else "deleted"
    for group_id in sorted(wanted - {row.group_id for row in rows}):
        session.add(
            Member(
                group_id=group_id,
                table_name="package",
                table_id=package_id,
                capacity="public",
            )
        )
    session.flush()


def _datasets_in(group: Group) -> Select[Dataset]:
    if group.is_organization:
        return select(Dataset).where(Dataset.owner_org == group.id)
    return (
        select(Dataset)
        .join(Member, Member.table_id == Dataset.id)
        .where(
            Member.group_id == group.id,
            Member.table_name == "package",
            Member.state == "active",
        )
    )


def list_dataset_ids(session: Session, group: Group) -> Sequence[str]:
    """Ids of every dataset of an organization or group, whatever its state, in
    order.
    """
    return session.scalars(
        _datasets_in(group).with_only_columns(Dataset.id).order_by(Dataset.id)
    ).all()


def owns_datasets(session: Session, organization: Group) -> bool:
    """Whether an organization owns any dataset that is not deleted."""
    owned = select(Dataset.id).where(
        Dataset.owner_org == organization.id, Dataset.state != "deleted"
    )
    return session.scalar(owned.limit(1)) is not None


def list_rendered_in(
    session: Session, group: Group, where: ColumnElement[bool], limit: int
) -> Sequence[bytes]:
    """Rendered package dicts of an organization's or group's active datasets, newest
    modified first.
    """
    query = (
        _datasets_in(group)
        .with_only_columns(Dataset.rendered)
        .where(where, Dataset.state == "active")
    )
    return session.scalars(
        query.order_by(Dataset.metadata_modified.desc()).limit(limit)
    ).all()
