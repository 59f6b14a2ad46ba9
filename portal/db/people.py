"""Questions about users, tokens, organizations, groups and membership."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Engine,
    Select,
    bindparam,
    delete,
    func,
    or_,
    select,
)
from sqlalchemy.orm import Session

from portal.db.holding import steady_groups
from portal.db.quick import Quick
from portal.domain.base import is_uuid
from portal.domain.datasets import Dataset
from portal.domain.people import (
    ACTIVE,
    IDENTIFIER,
    INVITED,
    ApiToken,
    Group,
    GroupAlias,
    Member,
    User,
)
from portal.errors import NotFound

MOST_AT_ONCE = 512
"""Names that one statement asks for."""


def hash_token(raw: str) -> str:
    """What is kept of a token: its SHA-256, which is enough for 256 random bits."""
    return hashlib.sha256(raw.encode()).hexdigest()


def find_user(session: Session, name_or_id: str) -> User | None:
    """A user by id or name, deleted ones included."""
    by_name = select(User).where(or_(User.id == name_or_id, User.name == name_or_id))
    return session.scalars(by_name).first()


def get_user(session: Session, name_or_id: str) -> User:
    """A user by id or name; NotFound otherwise, and for an account that its person has
    not opened yet.
    """
    user = find_user(session, name_or_id)
    if user is None or user.state == INVITED:
        raise NotFound("Not found: User not found")
    return user


def find_user_by_token(session: Session, raw: str) -> tuple[ApiToken, User] | None:
    """The token and its owner, whatever their state."""
    row = session.execute(
        select(ApiToken, User)
        .join(User, User.id == ApiToken.user_id)
        .where(ApiToken.token_hash == hash_token(raw))
    ).first()
    return (row[0], row[1]) if row else None


def roles_of(session: Session, user_id: str) -> tuple[dict[str, str], dict[str, str]]:
    """The user's roles: ({organization id: role}, {group id: role}), in active ones
    only.
    """
    rows = session.execute(
        select(Group.id, Group.is_organization, Member.capacity)
        .join(Member, Member.group_id == Group.id)
        .where(
            Member.table_name == "user",
            Member.table_id == user_id,
            Member.state == "active",
            Group.state == "active",
        )
    ).all()
    organizations = {row[0]: row[2] for row in rows if row[1]}
    return organizations, {row[0]: row[2] for row in rows if not row[1]}


_GROUP = select(Group).where(
    or_(Group.id == bindparam("key"), Group.name == bindparam("key")),
    Group.is_organization.in_(bindparam("kinds", expanding=True)),
)
"""Built once, as it is asked by every write."""


def find_group(
    session: Session, name_or_id: str, *, organization: bool | None = None
) -> Group | None:
    """An organization or group by id or name, deleted ones included; `organization`
    None takes either.

    An organization is found by its identifiers as well, and by the names of the bodies
    that it succeeded.
    """
    # No question, if it was read before.
    by_id = session.get(Group, name_or_id) if is_uuid(name_or_id) else None
    if by_id is not None and organization in (None, by_id.is_organization):
        return by_id
    kinds = [True, False] if organization is None else [organization]
    found = session.scalars(_GROUP, {"key": name_or_id, "kinds": kinds}).first()
    return (
        found
        if found is not None or organization is False
        else find_by_alias(session, name_or_id)
    )


def find_by_alias(session: Session, text: str) -> Group | None:
    """The active organization that has this identifier, or that succeeded a body of
    this name.
    """
    aliased = select(Group).join(GroupAlias, GroupAlias.group_id == Group.id)
    query = aliased.where(
        GroupAlias.text == text.strip().lower(), Group.state == "active"
    ).order_by(Group.name)
    return session.scalars(query).first()


def set_aliases(
    session: Session, group: Group, aliases: Iterable[tuple[str, str]]
) -> None:
    """Let an organization be found by exactly these (kind, text); case does not
    matter.
    """
    session.flush()
    session.execute(delete(GroupAlias).where(GroupAlias.group_id == group.id))
    wanted = sorted(
        {(kind, text.strip().lower()) for kind, text in aliases if text.strip()}
    )
    session.add_all(
        GroupAlias(group_id=group.id, kind=kind, text=text) for kind, text in wanted
    )


def holder_of_identifier(
    session: Session, identifier: str, own_id: str
) -> Group | None:
    """Another active organization that has this identifier."""
    query = select(Group).join(GroupAlias, GroupAlias.group_id == Group.id)
    same = query.where(
        GroupAlias.kind == IDENTIFIER, GroupAlias.text == identifier.lower()
    )
    return session.scalars(
        same.where(Group.id != own_id, Group.state == "active")
    ).first()


def groups_by_id(session: Session, ids: Iterable[str]) -> dict[str, Group]:
    """Organizations and groups by their ids, deleted ones included, in one question."""
    return {
        group.id: group
        for group in session.scalars(select(Group).where(Group.id.in_(list(ids))))
    }


def get_group(session: Session, name_or_id: str, *, organization: bool) -> Group:
    """As `find_group`; NotFound otherwise."""
    group = find_group(session, name_or_id, organization=organization)
    if group is None:
        raise NotFound(
            "Not found: Organization was not found."
            if organization
            else "Not found: Group was not found."
        )
    return group


_BY_ID = select(Group).where(Group.id.in_(bindparam("ids", expanding=True)))


def list_by_id(session: Session, ids: Iterable[str]) -> dict[str, Group]:
    """Organizations and groups by id."""
    wanted = sorted(set(ids))
    if not wanted:
        return {}
    return {group.id: group for group in session.scalars(_BY_ID, {"ids": wanted})}


def find_member(
    session: Session, group_id: str, table_name: str, table_id: str
) -> Member | None:
    """The membership row, deleted ones included."""
    return session.scalars(
        select(Member).where(
            Member.group_id == group_id,
            Member.table_name == table_name,
            Member.table_id == table_id,
        )
    ).first()


def set_member(
    session: Session,
    group_id: str,
    table_name: str,
    table_id: str,
    capacity: str,
    *,
    state: str = ACTIVE,
) -> Member:
    """Give a role, or change it; a new row, or one that does not count yet, gets the
    state.
    """
    steady_groups(session, [group_id])
    member = find_member(session, group_id, table_name, table_id)
    if member is None:
        member = Member(
            group_id=group_id, table_name=table_name, table_id=table_id, state=state
        )
        session.add(member)
    member.capacity = capacity
    member.state = member.state if member.state == ACTIVE else state
    session.flush()
    return member


_OWNED = (
    select(Dataset.owner_org, func.count())
    .where(
        Dataset.owner_org.in_(bindparam("ids", expanding=True)),
        Dataset.state == "active",
        Dataset.private.is_(False),
    )
    .group_by(Dataset.owner_org)
)


def count_datasets(session: Session, organization_ids: Iterable[str]) -> dict[str, int]:
    """How many public datasets each organization owns."""
    rows = session.execute(_OWNED, {"ids": list(organization_ids)})
    return {row[0]: row[1] for row in rows if row[0]}


def titles(
    engine: Engine, names: Sequence[str], *, organization: bool
) -> dict[str, str]:
    """What organizations or groups are called, by name."""
    found: dict[str, str] = {}
    for first in range(0, len(names), MOST_AT_ONCE):
        some = names[first : first + MOST_AT_ONCE]
        size = 1 << (len(some) - 1).bit_length()
        given = {_place(at): some[min(at, len(some) - 1)] for at in range(size)}
        rows = _titles(size).rows(engine, {**given, "organization": organization}, size)
        found |= {name: title or name for name, title in rows}
    return found


@lru_cache(maxsize=16)
def _titles(size: int) -> Quick:
    """The titles of so many names; every search with facets asks for some."""
    listed: list[BindParameter[str]] = [bindparam(_place(at)) for at in range(size)]
    return Quick(
        select(Group.name, Group.title).where(
            Group.name.in_(listed), Group.is_organization == bindparam("organization")
        )
    )


def _place(at: int) -> str:
    return f"name_{at}"


class GroupKey(NamedTuple):
    """What lists of organizations and groups are put in order by."""

    id: str
    name: str
    title: str

    @property
    def display_name(self) -> str:
        """Title, or the name where there is none."""
        return self.title or self.name


def list_group_keys(
    session: Session, *, organization: bool, q: str | None
) -> list[GroupKey]:
    """As `list_groups`, without all that is not needed to choose among them."""
    query = _groups(organization=organization, q=q).with_only_columns(
        Group.id, Group.name, Group.title
    )
    return [GroupKey(*row) for row in session.execute(query)]


def list_groups(
    session: Session, *, organization: bool, q: str | None
) -> Sequence[Group]:
    """Active organizations or groups; `q` is part of a name or title."""
    return session.scalars(_groups(organization=organization, q=q)).all()


def _groups(*, organization: bool, q: str | None) -> Select[Group]:
    query = (
        select(Group)
        .where(Group.is_organization == organization, Group.state == "active")
        .order_by(Group.name)
    )
    if q:
        aliased = select(GroupAlias.group_id).where(
            GroupAlias.text.contains(q.lower(), autoescape=True)
        )
        by_name = or_(
            Group.name.icontains(q, autoescape=True),
            Group.title.icontains(q, autoescape=True),
        )
        query = query.where(or_(by_name, Group.id.in_(aliased)))
    return query


def count_in(
    session: Session, ids: Iterable[str], *, organization: bool
) -> dict[str, int]:
    """How many public datasets each organization owns, or each group holds; 0 where
    there is none.
    """
    wanted = list(ids)
    if organization:
        return {**dict.fromkeys(wanted, 0), **count_datasets(session, wanted)}
    rows = session.execute(
        select(Member.group_id, func.count())
        .join(Dataset, Dataset.id == Member.table_id)
        .where(
            Member.group_id.in_(wanted),
            Member.table_name == "package",
            Member.state == "active",
            Dataset.state == "active",
            Dataset.private.is_(False),
        )
        .group_by(Member.group_id)
    ).all()
    return {**dict.fromkeys(wanted, 0), **{row[0]: row[1] for row in rows}}


def list_members(session: Session, group_id: str) -> Sequence[tuple[User, str]]:
    """The people of an organization or group and their roles, by name."""
    rows = session.execute(
        select(User, Member.capacity)
        .join(Member, Member.table_id == User.id)
        .where(
            Member.group_id == group_id,
            Member.table_name == "user",
            Member.state == "active",
        )
        .where(User.state == "active")
        .order_by(User.name)
    ).all()
    return [(row[0], row[1]) for row in rows]


def list_memberships(session: Session, group_id: str) -> Sequence[Member]:
    """Every active membership row of an organization or group."""
    query = select(Member).where(Member.group_id == group_id, Member.state == "active")
    return session.scalars(query.order_by(Member.table_name, Member.table_id)).all()


def drop_member(
    session: Session, group_id: str, table_name: str, table_id: str
) -> None:
    """Take a role away; without one nothing happens."""
    steady_groups(session, [group_id])
    member = find_member(session, group_id, table_name, table_id)
    if member is not None:
        member.state = "deleted"
        session.flush()


def purge_group(session: Session, group: Group) -> None:
    """Remove an organization or group that owns no dataset any more, and every
    membership in it.
    """
    session.execute(delete(Member).where(Member.group_id == group.id))
    session.execute(delete(GroupAlias).where(GroupAlias.group_id == group.id))
    session.delete(group)
    session.flush()


def list_users(
    session: Session, *, q: str | None = None, limit: int | None = None
) -> Sequence[User]:
    """Active users by name; `q` is part of a name or full name."""
    query = select(User).where(User.state == "active").order_by(User.name)
    if q:
        query = query.where(
            or_(
                User.name.icontains(q, autoescape=True),
                User.fullname.icontains(q, autoescape=True),
            )
        )
    return session.scalars(query.limit(limit)).all()


def find_user_by_email(session: Session, email: str) -> User | None:
    """The active user with this address, whatever its case."""
    return session.scalars(select(User).where(User.email_key == email.lower())).first()


def email_taken(session: Session, email: str, own_id: str | None = None) -> bool:
    """Whether another active user has this address, whatever its case."""
    holder = find_user_by_email(session, email)
    return holder is not None and holder.id != own_id


def list_tokens(session: Session, user_id: str) -> Sequence[ApiToken]:
    """A user's tokens, newest first."""
    query = (
        select(ApiToken)
        .where(ApiToken.user_id == user_id)
        .order_by(ApiToken.created_at.desc())
    )
    return session.scalars(query).all()


def list_created(
    session: Session, user_id: str, where: ColumnElement[bool]
) -> Sequence[bytes]:
    """Rendered package dicts that a user made."""
    query = select(Dataset.rendered).where(Dataset.creator_user_id == user_id, where)
    return session.scalars(
        query.order_by(Dataset.metadata_modified.desc()).limit(1000)
    ).all()


def count_created(session: Session, user_id: str, where: ColumnElement[bool]) -> int:
    """How many datasets a user made, of those that the asker may read."""
    query = (
        select(func.count())
        .select_from(Dataset)
        .where(Dataset.creator_user_id == user_id, where)
    )
    return session.scalar(query) or 0
