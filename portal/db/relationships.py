"""Questions about relationships of datasets."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import Session

from portal.domain.datasets import Dataset
from portal.domain.relations import Relationship

Related = tuple[Relationship, Dataset]
"""A relationship, and the dataset on its other side."""


def related(session: Session, package_id: str, where: ColumnElement[bool] | None = None) -> Sequence[Related]:
    """The relationships of a dataset, either way, with the other side; `where` narrows the other side."""
    other = or_(
        and_(Relationship.subject_id == package_id, Dataset.id == Relationship.object_id),
        and_(Relationship.object_id == package_id, Dataset.id == Relationship.subject_id),
    )
    query = select(Relationship, Dataset).join(Dataset, other).order_by(Relationship.type, Dataset.name)
    rows = session.execute(query if where is None else query.where(where)).all()
    return [(row[0], row[1]) for row in rows]


def related_in_public(session: Session, package_id: str) -> Sequence[Related]:
    """As `related`, of public datasets only: what every reader of the dataset may know."""
    return related(session, package_id, and_(Dataset.state == "active", Dataset.private.is_(False)))


def find(session: Session, subject_id: str, object_id: str, type_: str) -> Relationship | None:
    """One relationship, by its forward type."""
    return session.scalars(
        select(Relationship).where(
            Relationship.subject_id == subject_id, Relationship.object_id == object_id, Relationship.type == type_
        )
    ).first()
