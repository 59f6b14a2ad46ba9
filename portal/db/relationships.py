"""Questions about relationships of datasets."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Select,
    and_,
    bindparam,
    or_,
    select,
)
from sqlalchemy.orm import Session

from portal.domain.datasets import Dataset
from portal.domain.relations import Relationship

Related = tuple[Relationship, Dataset]
"""A relationship, and the dataset on its other side."""


def _asked(*where: ColumnElement[bool]) -> Select[Relationship, Dataset]:
    one: BindParameter[str] = bindparam("key")
    other = Dataset.id
    sides = or_(
        and_(Relationship.subject_id == one, other == Relationship.object_id),
        and_(Relationship.object_id == one, other == Relationship.subject_id),
    )
    query = select(Relationship, Dataset).join(Dataset, sides).where(*where)
    return query.order_by(Relationship.type, Dataset.name)


_RELATED = _asked()
_RELATED_IN_PUBLIC = _asked(Dataset.state == "active", Dataset.private.is_(False))
"""Built once: every save of a dataset asks it."""


def related(session: Session, package_id: str) -> Sequence[Related]:
    """The relationships of a dataset, either way, with the other side."""
    return [(row[0], row[1]) for row in session.execute(_RELATED, {"key": package_id})]


def list_related_ids(session: Session, package_id: str) -> Sequence[str]:
    """Ids of the datasets on the other sides."""
    sides = select(Relationship.subject_id, Relationship.object_id)
    mine = or_(
        Relationship.subject_id == package_id, Relationship.object_id == package_id
    )
    return sorted(
        {side for row in session.execute(sides.where(mine)) for side in row}
        - {package_id}
    )


def related_in_public(session: Session, package_id: str) -> Sequence[Related]:
    """As `related`, of public datasets only: what every reader of the dataset may
    know.
    """
    return [
        (row[0], row[1])
        for row in session.execute(_RELATED_IN_PUBLIC, {"key": package_id})
    ]


def related_where(
    session: Session, package_id: str, where: ColumnElement[bool]
) -> Sequence[Related]:
    """As `related`, where the other side is one of those that somebody asks for."""
    return [
        (row[0], row[1]) for row in session.execute(_asked(where), {"key": package_id})
    ]


def find(
    session: Session, subject_id: str, object_id: str, type_: str
) -> Relationship | None:
    """One relationship, by its forward type."""
    return session.scalars(
        select(Relationship).where(
            Relationship.subject_id == subject_id,
            Relationship.object_id == object_id,
            Relationship.type == type_,
        )
    ).first()
