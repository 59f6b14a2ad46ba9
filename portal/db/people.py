"""Questions about users, tokens, organizations, groups and membership."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from portal.domain.datasets import Dataset
from portal.domain.people import ApiToken, Group, Member, User
from portal.errors import NotFound


def hash_token(raw: str) -> str:
    """What is kept of a token: its SHA-256, which is enough for 256 random bits."""
    return hashlib.sha256(raw.encode()).hexdigest()


def find_user(session: Session, name_or_id: str) -> User | None:
    """A user by id or name, deleted ones included."""
    by_name = select(User).where(or_(User.id == name_or_id, User.name == name_or_id))
    return session.scalars(by_name).first()


def get_user(session: Session, name_or_id: str) -> User:
    """A user by id or name; NotFound otherwise."""
    user = find_user(session, name_or_id)
    if user is None:
        raise NotFound("Not found: User not found")
    return user


def find_user_by_token(session: Session, raw: str) -> tuple[ApiToken, User] | None:
    """The token and its owner, whatever their state."""
    row = session.execute(
        select(ApiToken, User).join(User, User.id == ApiToken.user_id).where(ApiToken.token_hash == hash_token(raw))
    ).first()
    return (row[0], row[1]) if row else None


def roles_of(session: Session, user_id: str) -> tuple[dict[str, str], dict[str, str]]:
    """The user's roles: ({organization id: role}, {group id: role}), in active ones only."""
    rows = session.execute(
        select(Group.id, Group.is_organization, Member.capacity)
        .join(Member, Member.group_id == Group.id)
        .where(
            Member.table_name == "user", Member.table_id == user_id, Member.state == "active", Group.state == "active"
        )
    ).all()
    organizations = {row[0]: row[2] for row in rows if row[1]}
    return organizations, {row[0]: row[2] for row in rows if not row[1]}


def find_group(session: Session, name_or_id: str, *, organization: bool | None = None) -> Group | None:
    """An organization or group by id or name, deleted ones included; `organization` None takes either."""
    query = select(Group).where(or_(Group.id == name_or_id, Group.name == name_or_id))
    if organization is not None:
        query = query.where(Group.is_organization == organization)
    return session.scalars(query).first()


def get_group(session: Session, name_or_id: str, *, organization: bool) -> Group:
    """As `find_group`; NotFound otherwise."""
    group = find_group(session, name_or_id, organization=organization)
    if group is None:
        raise NotFound("Not found: Organization was not found." if organization else "Not found: Group was not found.")
    return group


def list_by_id(session: Session, ids: Iterable[str]) -> dict[str, Group]:
    """Organizations and groups by id."""
    wanted = sorted(set(ids))
    if not wanted:
        return {}
    return {group.id: group for group in session.scalars(select(Group).where(Group.id.in_(wanted)))}


def groups_of(session: Session, package_id: str) -> Sequence[Group]:
    """The active groups that a dataset is in."""
    return session.scalars(
        select(Group)
        .join(Member, Member.group_id == Group.id)
        .where(
            Member.table_name == "package",
            Member.table_id == package_id,
            Member.state == "active",
            Group.state == "active",
            Group.is_organization.is_(False),
        )
    ).all()


def find_member(session: Session, group_id: str, table_name: str, table_id: str) -> Member | None:
    """The membership row, deleted ones included."""
    return session.scalars(
        select(Member).where(Member.group_id == group_id, Member.table_name == table_name, Member.table_id == table_id)
    ).first()


def set_member(session: Session, group_id: str, table_name: str, table_id: str, capacity: str) -> Member:
    """Give a role, or change it; the row is made where there is none."""
    member = find_member(session, group_id, table_name, table_id)
    if member is None:
        member = Member(group_id=group_id, table_name=table_name, table_id=table_id)
        session.add(member)
    member.capacity, member.state = capacity, "active"
    session.flush()
    return member


def set_groups(session: Session, package_id: str, group_ids: Iterable[str]) -> None:
    """Put a dataset into exactly these groups."""
    wanted = set(group_ids)
    rows = session.scalars(
        select(Member)
        .join(Group, Group.id == Member.group_id)
        .where(Member.table_name == "package", Member.table_id == package_id, Group.is_organization.is_(False))
    ).all()
    for row in rows:
        row.state = "active" if row.group_id in wanted else "deleted"
    for group_id in sorted(wanted - {row.group_id for row in rows}):
        session.add(Member(group_id=group_id, table_name="package", table_id=package_id, capacity="public"))
    session.flush()


def count_datasets(session: Session, organization_ids: Iterable[str]) -> dict[str, int]:
    """How many public datasets each organization owns."""
    rows = session.execute(
        select(Dataset.owner_org, func.count())
        .where(
            Dataset.owner_org.in_(list(organization_ids)),
            Dataset.state == "active",
            Dataset.private.is_(False),
        )
        .group_by(Dataset.owner_org)
    ).all()
    return {row[0]: row[1] for row in rows if row[0]}


def titles(session: Session, names: Iterable[str], *, organization: bool) -> dict[str, str]:
    """What organizations or groups are called, by name."""
    wanted = list(names)
    if not wanted:
        return {}
    query = select(Group.name, Group.title).where(Group.name.in_(wanted), Group.is_organization == organization)
    return {row[0]: row[1] or row[0] for row in session.execute(query)}
