"""Questions about offers: roles in organizations, groups and datasets that a user has
not accepted yet.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from portal.domain.datasets import Dataset
from portal.domain.people import ACTIVE, INVITED, PENDING, ApiToken, Group, Member, User
from portal.domain.relations import Collaborator


class Offer(NamedTuple):
    """A role that a user holds or is offered, and what it is a role in."""

    membership: Member | Collaborator
    object_id: str
    name: str
    title: str
    type: str


def list_offers(session: Session, user_id: str, states: Sequence[str]) -> list[Offer]:
    """The user's roles of these states in everything that is not deleted, by name."""
    groups = session.execute(
        select(Member, Group.id, Group.name, Group.title, Group.type)
        .join(Group, Group.id == Member.group_id)
        .where(Member.table_name == "user", Member.table_id == user_id)
        .where(Member.state.in_(states), Group.state == "active")
        .order_by(Group.name)
    ).all()
    datasets = session.execute(
        select(Collaborator, Dataset.id, Dataset.name, Dataset.title)
        .join(Dataset, Dataset.id == Collaborator.package_id)
        .where(
            Collaborator.user_id == user_id,
            Collaborator.state.in_(states),
            Dataset.state != "deleted",
        )
        .order_by(Dataset.name)
    ).all()
    return [
        *(Offer(*row) for row in groups),
        *(Offer(*row, "dataset") for row in datasets),
    ]


def open_account(session: Session, user: User, password_hash: str) -> bool:
    """Make an invited account its person's own; False when somebody else was faster.

    Every token made before ends, and the offers that came with the invitation are
    accepted by it.
    """
    opened = (
        update(User)
        .where(User.id == user.id, User.state == INVITED)
        .values(state=ACTIVE)
    )
    if not session.execute(opened).rowcount:  # type: ignore[attr-defined]  # an UPDATE's result counts its rows
        return False
    session.refresh(user)
    user.password_hash = password_hash
    session.execute(delete(ApiToken).where(ApiToken.user_id == user.id))
    offered = update(Member).where(
        Member.table_name == "user", Member.table_id == user.id, Member.state == PENDING
    )
    session.execute(offered.values(state=ACTIVE))
    return True


def drop_expired_invitations(session: Session, moment: datetime) -> None:
    """Forget accounts that nobody opened while their invitations were good."""
    good = select(ApiToken.user_id).where(ApiToken.expires_at > moment)
    gone = session.scalars(
        select(User.id).where(User.state == INVITED, User.id.not_in(good))
    ).all()
    if gone:
        session.execute(delete(ApiToken).where(ApiToken.user_id.in_(gone)))
        session.execute(
            delete(Member).where(Member.table_name == "user", Member.table_id.in_(gone))
        )
        session.execute(delete(User).where(User.id.in_(gone)))
