"""Questions about tags; a tag exists for somebody who may read a dataset that carries
it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from sqlalchemy import ColumnElement, Select, and_, exists, func, or_, select
from sqlalchemy.orm import Session

from portal.domain.datasets import Dataset, DatasetTag, Tag

T = TypeVar("T", Tag, str)


NAMES = 0x746167
"""The space of advisory locks in which names of free tags are locked on PostgreSQL."""


def made(session: Session, names: Sequence[str]) -> dict[str, Tag]:
    """Free tags with these names, in order, which were missing just now: made, unless
    somebody else was faster.

    Two that make the same tag at once wait for each other, as two tags of one name
    would never be one again.
    """
    known: dict[str, Tag] = {}
    # SQLite has one writer at a time.
    if names and session.get_bind().dialect.name == "postgresql":
        for name in names:
            session.execute(
                select(func.pg_advisory_xact_lock(NAMES, func.hashtext(name)))
            )
        free = (
            select(Tag)
            .where(Tag.name.in_(names), Tag.vocabulary_id.is_(None))
            .order_by(Tag.id)
        )
        known = {
            tag.name: tag
            for tag in session.scalars(free.with_for_update(read=True, key_share=True))
        }
    new = {name: Tag(name=name) for name in names if name not in known}
    session.add_all(new.values())
    return known | new


def _used(where: ColumnElement[bool]) -> ColumnElement[bool]:
    carries = and_(
        DatasetTag.tag_id == Tag.id,
        DatasetTag.package_id == Dataset.id,
        Dataset.state == "active",
        where,
    )
    return exists().where(carries)


def list_tags(
    session: Session, where: ColumnElement[bool], text: str | None
) -> Sequence[Tag]:
    """Free tags in use by name; `text` is part of the name."""
    return session.scalars(_free(select(Tag), where, text)).all()


def list_names(
    session: Session, where: ColumnElement[bool], text: str | None, limit: int | None
) -> Sequence[str]:
    """The names alone: lists of thousands need no objects."""
    return session.scalars(_free(select(Tag.name), where, text).limit(limit)).all()


def _free(query: Select[T], where: ColumnElement[bool], text: str | None) -> Select[T]:
    query = query.where(Tag.vocabulary_id.is_(None), _used(where)).order_by(Tag.name)
    return query.where(Tag.name.icontains(text, autoescape=True)) if text else query


def find_tag(
    session: Session, where: ColumnElement[bool], name_or_id: str
) -> Tag | None:
    """A tag in use by name or id."""
    return session.scalars(
        select(Tag)
        .where(or_(Tag.name == name_or_id, Tag.id == name_or_id), _used(where))
        .order_by(Tag.id)
    ).first()


def list_rendered(
    session: Session, where: ColumnElement[bool], tag_id: str, limit: int
) -> Sequence[bytes]:
    """Rendered package dicts of the active datasets that carry a tag."""
    query = (
        select(Dataset.rendered)
        .join(DatasetTag, DatasetTag.package_id == Dataset.id)
        .where(DatasetTag.tag_id == tag_id, Dataset.state == "active", where)
    )
    return session.scalars(query.order_by(Dataset.name).limit(limit)).all()
