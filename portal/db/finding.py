"""Questions behind short lists and resource_search."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import ColumnElement, false, func, select
from sqlalchemy.orm import Session

from portal.domain.datasets import Dataset, Resource


def list_formats(
    session: Session, where: ColumnElement[bool], text: str, limit: int
) -> Sequence[str]:
    """Formats of resources in active datasets that the asker may read, the most
    frequent first.
    """
    name = func.lower(Resource.format)
    query = (
        select(name)
        .join(Dataset, Dataset.id == Resource.package_id)
        .where(Resource.state == "active", Dataset.state == "active", where)
        .where(Resource.format != "", Resource.format.icontains(text, autoescape=True))
        .group_by(name)
        .order_by(func.count().desc(), name)
    )
    return session.scalars(query.limit(limit)).all()


def search_resources(
    session: Session,
    terms: Iterable[tuple[str, str]],
    order: str | None,
    *,
    limit: int,
    offset: int,
) -> tuple[int, Sequence[Resource]]:
    """Resources of public datasets in which every (field, text) holds; the fields must
    be columns.
    """
    query = (
        select(Resource)
        .join(Dataset, Dataset.id == Resource.package_id)
        .where(
            Resource.state == "active",
            Dataset.state == "active",
            Dataset.private == false(),
        )
    )
    for field, text in terms:
        query = query.where(getattr(Resource, field).icontains(text, autoescape=True))
    count = session.scalar(select(func.count()).select_from(query.subquery())) or 0
    ordered = query.order_by(
        *([getattr(Resource, order)] if order else []), Resource.id
    )
    return count, session.scalars(ordered.limit(limit).offset(offset)).all()
