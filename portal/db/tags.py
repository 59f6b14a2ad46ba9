"""Questions about tags; a tag exists for somebody who may read a dataset that carries it."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement, and_, exists, or_, select
from sqlalchemy.orm import Session

from portal.domain.datasets import Dataset, DatasetTag, Tag


def _used(where: ColumnElement[bool]) -> ColumnElement[bool]:
    carries = and_(DatasetTag.tag_id == Tag.id, DatasetTag.package_id == Dataset.id, Dataset.state == "active", where)
    return exists().where(carries)


def list_tags(
    session: Session, where: ColumnElement[bool], text: str | None, limit: int | None, offset: int
) -> Sequence[Tag]:
    """Free tags in use by name; `text` is part of the name."""
    query = select(Tag).where(Tag.vocabulary_id.is_(None), _used(where)).order_by(Tag.name)
    if text:
        query = query.where(Tag.name.icontains(text, autoescape=True))
    return session.scalars(query.limit(limit).offset(offset)).all()


def find_tag(session: Session, where: ColumnElement[bool], name_or_id: str) -> Tag | None:
    """A tag in use by name or id."""
    return session.scalars(
        select(Tag).where(or_(Tag.name == name_or_id, Tag.id == name_or_id), _used(where)).order_by(Tag.id)
    ).first()


def list_rendered(session: Session, where: ColumnElement[bool], tag_id: str, limit: int) -> Sequence[bytes]:
    """Rendered package dicts of the active datasets that carry a tag."""
    query = (
        select(Dataset.rendered)
        .join(DatasetTag, DatasetTag.package_id == Dataset.id)
        .where(DatasetTag.tag_id == tag_id, Dataset.state == "active", where)
    )
    return session.scalars(query.order_by(Dataset.name).limit(limit)).all()
