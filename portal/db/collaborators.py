"""Questions about collaborators: users with a role in one dataset."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from portal.domain.base import now
from portal.domain.relations import Collaborator


def roles_of(session: Session, user_id: str) -> dict[str, str]:
    """The datasets on which a user collaborates: {dataset id: role}."""
    query = select(Collaborator.package_id, Collaborator.capacity).where(
        Collaborator.user_id == user_id
    )
    query = query.where(Collaborator.state == "active")
    return {row[0]: row[1] for row in session.execute(query)}


def list_collaborators(
    session: Session, package_id: str, capacity: str | None = None
) -> Sequence[Collaborator]:
    """The collaborators of a dataset."""
    query = select(Collaborator).where(
        Collaborator.package_id == package_id, Collaborator.state == "active"
    )
    if capacity:
        query = query.where(Collaborator.capacity == capacity)
    return session.scalars(query.order_by(Collaborator.user_id)).all()


def list_for_user(
    session: Session, user_id: str, capacity: str | None = None
) -> Sequence[Collaborator]:
    """The datasets that a user collaborates on."""
    query = select(Collaborator).where(
        Collaborator.user_id == user_id, Collaborator.state == "active"
    )
    if capacity:
        query = query.where(Collaborator.capacity == capacity)
    return session.scalars(query.order_by(Collaborator.package_id)).all()


def set_collaborator(
    session: Session,
    package_id: str,
    user_id: str,
    capacity: str,
    *,
    state: str = "active",
) -> Collaborator:
    """Give a role in a dataset, or change it; one that does not count yet gets the
    state.
    """
    held = session.get(Collaborator, (package_id, user_id))
    if held is None:
        held = Collaborator(package_id=package_id, user_id=user_id, state=state)
        session.add(held)
    held.capacity, held.modified = capacity, now()
    held.state = held.state if held.state == "active" else state
    session.flush()
    return held


def drop_collaborator(session: Session, package_id: str, user_id: str) -> bool:
    """Take a role in a dataset away; tell whether there was one."""
    match = delete(Collaborator).where(
        Collaborator.package_id == package_id, Collaborator.user_id == user_id
    )
    return bool(session.execute(match).rowcount)  # type: ignore[attr-defined]  # a DELETE's result counts its rows
