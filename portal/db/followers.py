"""Questions about who follows what."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from portal.domain.people import User
from portal.domain.relations import Follower


def find(session: Session, user_id: str, kind: str, object_id: str) -> Follower | None:
    """The row that says that a user follows something."""
    return session.get(Follower, (user_id, kind, object_id))


def follow(session: Session, user_id: str, kind: str, object_id: str) -> Follower:
    """Follow something; following twice is the same row."""
    row = find(session, user_id, kind, object_id)
    if row is None:
        row = Follower(follower_id=user_id, object_type=kind, object_id=object_id)
        session.add(row)
        session.flush()
    return row


def count(session: Session, kind: str, object_id: str) -> int:
    """How many active users follow something."""
    query = (
        select(func.count())
        .select_from(Follower)
        .join(User, User.id == Follower.follower_id)
    )
    return (
        session.scalar(
            query.where(
                Follower.object_type == kind,
                Follower.object_id == object_id,
                User.state == "active",
            )
        )
        or 0
    )


def list_followers(session: Session, kind: str, object_id: str) -> Sequence[User]:
    """The users who follow something, by name."""
    query = select(User).join(Follower, Follower.follower_id == User.id)
    return session.scalars(
        query.where(
            Follower.object_type == kind,
            Follower.object_id == object_id,
            User.state == "active",
        ).order_by(User.name)
    ).all()


def list_followed(session: Session, user_id: str, kind: str) -> Sequence[str]:
    """Ids of what a user follows, the newest first."""
    query = select(Follower.object_id).where(
        Follower.follower_id == user_id, Follower.object_type == kind
    )
    return session.scalars(
        query.order_by(Follower.datetime.desc(), Follower.object_id)
    ).all()


def forget(session: Session, kind: str, object_id: str) -> None:
    """Nobody follows what is removed for good."""
    session.execute(
        delete(Follower).where(
            Follower.object_type == kind, Follower.object_id == object_id
        )
    )
