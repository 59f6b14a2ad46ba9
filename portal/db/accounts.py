"""Questions about accounts as an administrator asks them: all users whatever their state, and all tokens of one."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from portal.domain.people import ApiToken, Group, Member, User


def list_all(session: Session) -> Sequence[User]:
    """Every user by name, disabled ones included."""
    return session.scalars(select(User).order_by(User.name)).all()


def count_other_sysadmins(session: Session, user_id: str) -> int:
    """How many active sysadmins there are beside a user."""
    others = select(func.count()).select_from(User)
    return session.scalar(others.where(User.sysadmin, User.state == "active", User.id != user_id)) or 0


def revoke_all(session: Session, user_id: str) -> int:
    """Remove every token of a user; return how many there were."""
    return getattr(session.execute(delete(ApiToken).where(ApiToken.user_id == user_id)), "rowcount", 0)


def roles(session: Session, user_id: str) -> Sequence[tuple[str, str]]:
    """(name of an organization or group, role) of a user, by name."""
    query = (
        select(Group.name, Member.capacity)
        .join(Member, Member.group_id == Group.id)
        .where(Member.table_name == "user", Member.table_id == user_id, Member.state == "active")
        .order_by(Group.name)
    )
    return [(row[0], row[1]) for row in session.execute(query)]
