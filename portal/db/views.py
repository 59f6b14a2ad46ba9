"""Questions about views of resources."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from portal.domain.datasets import Resource
from portal.domain.relations import ResourceView
from portal.errors import NotFound


def get(session: Session, view_id: str) -> ResourceView:
    """A view by its id; NotFound otherwise."""
    view = session.get(ResourceView, view_id)
    if view is None:
        raise NotFound("Not found: Resource view was not found.")
    return view


def list_views(session: Session, resource_id: str) -> Sequence[ResourceView]:
    """The views of a resource, in order."""
    query = select(ResourceView).where(ResourceView.resource_id == resource_id)
    return session.scalars(query.order_by(ResourceView.order, ResourceView.id)).all()


def next_place(session: Session, resource_id: str) -> int:
    """Where a new view goes: after the others."""
    query = select(func.max(ResourceView.order)).where(
        ResourceView.resource_id == resource_id
    )
    last = session.scalar(query)
    return 0 if last is None else last + 1


def package_of(session: Session, view: ResourceView) -> str:
    """The id of the dataset that a view belongs to."""
    return session.get_one(Resource, view.resource_id).package_id


def clear(session: Session, types: Sequence[str]) -> int:
    """Remove all views, or those of some types; return how many."""
    statement = delete(ResourceView)
    if types:
        statement = statement.where(ResourceView.view_type.in_(list(types)))
    return int(session.execute(statement).rowcount)  # type: ignore[attr-defined]  # a DELETE's result counts its rows
