"""Questions about accounts as an administrator asks them: all users whatever their
state, and all tokens of one.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from portal.domain.people import ApiToken, Group, Member, User

RESET = "password reset"
"""The name of a key that sets a password once."""


def list_all(session: Session) -> Sequence[User]:
    """Every user by name, disabled ones included."""
    return session.scalars(select(User).order_by(User.name)).all()


def count_other_sysadmins(session: Session, user_id: str) -> int:
    """How many active sysadmins there are beside a user."""
    others = select(func.count()).select_from(User)
    return (
        session.scalar(
            others.where(User.sysadmin, User.state == "active", User.id != user_id)
        )
        or 0
    )


def revoke_all(session: Session, user_id: str) -> int:
    """Remove every token of a user; return how many there were."""
    return getattr(
        session.execute(delete(ApiToken).where(ApiToken.user_id == user_id)),
        "rowcount",
        0,
    )


def reset_password(session: Session, user: User, password_hash: str) -> bool:
    """Keep the password that a key of a reset sets; False when the key was used
    meanwhile. Every token ends.
    """
    used = delete(ApiToken).where(ApiToken.user_id == user.id, ApiToken.name == RESET)
    if not getattr(session.execute(used), "rowcount", 0):
        return False
    user.password_hash = password_hash
    revoke_all(session, user.id)
    return True


def roles(session: Session, user_id: str) -> Sequence[tuple[str, str]]:
    """(name of an organization or group, role) of a user, by name."""
    query = (
        select(Group.name, Member.capacity)
        .join(Member, Member.group_id == Group.id)
        .where(
            Member.table_name == "user",
            Member.table_id == user_id,
            Member.state == "active",
        )
        .order_by(Group.name)
    )
    return [(row[0], row[1]) for row in session.execute(query)]
