"""Questions about vocabularies and their tags."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import delete, func, or_, select
from sqlalchemy.orm import Session

from portal.domain.datasets import DatasetTag, Tag
from portal.domain.relations import Vocabulary
from portal.errors import NotFound


def find(session: Session, name_or_id: str) -> Vocabulary | None:
    """A vocabulary by id or name."""
    query = select(Vocabulary).where(
        or_(Vocabulary.id == name_or_id, Vocabulary.name == name_or_id)
    )
    return session.scalars(query).first()


def get(session: Session, name_or_id: str) -> Vocabulary:
    """As `find`; NotFound otherwise."""
    vocabulary = find(session, name_or_id)
    if vocabulary is None:
        raise NotFound(f'Not found: Could not find vocabulary "{name_or_id}"')
    return vocabulary


def held_vocabulary(session: Session, name_or_id: str) -> Vocabulary:
    """As `get`, locked with its tags: they are changed, and put on datasets, by one at
    a time.
    """
    found = get(session, name_or_id)
    vocabulary = session.get(
        Vocabulary, found.id, with_for_update=True, populate_existing=True
    )
    if vocabulary is None:
        raise NotFound(f'Not found: Could not find vocabulary "{name_or_id}"')
    session.scalars(
        select(Tag)
        .where(Tag.vocabulary_id == found.id)
        .order_by(Tag.id)
        .with_for_update()
    ).all()
    return vocabulary


def list_vocabularies(session: Session) -> Sequence[Vocabulary]:
    """All vocabularies, by name."""
    return session.scalars(select(Vocabulary).order_by(Vocabulary.name)).all()


def names(session: Session, ids: Iterable[str]) -> dict[str, str]:
    """Names of vocabularies by id, as they stay until this transaction ends: datasets
    tell of them.
    """
    wanted = sorted(set(ids))
    if not wanted:
        return {}
    steady = (
        select(Vocabulary)
        .where(Vocabulary.id.in_(wanted))
        .order_by(Vocabulary.id)
        .with_for_update(read=True)
    )
    return {
        each.id: each.name
        for each in session.scalars(steady.execution_options(populate_existing=True))
    }


def tags_of(session: Session, vocabulary_id: str) -> Sequence[Tag]:
    """The tags of a vocabulary, by name."""
    return session.scalars(
        select(Tag).where(Tag.vocabulary_id == vocabulary_id).order_by(Tag.name)
    ).all()


def find_tag(
    session: Session, name_or_id: str, vocabulary_id: str | None
) -> Tag | None:
    """A tag of a vocabulary, or a free one, by name or id."""
    same = (
        Tag.vocabulary_id.is_(None)
        if vocabulary_id is None
        else Tag.vocabulary_id == vocabulary_id
    )
    return session.scalars(
        select(Tag).where(or_(Tag.name == name_or_id, Tag.id == name_or_id), same)
    ).first()


def in_use(session: Session, tag_id: str) -> bool:
    """Whether any dataset carries a tag."""
    query = (
        select(func.count()).select_from(DatasetTag).where(DatasetTag.tag_id == tag_id)
    )
    return bool(session.scalar(query))


def packages_of(session: Session, vocabulary_id: str) -> Sequence[str]:
    """Ids of the datasets that carry a tag of a vocabulary."""
    carried = select(DatasetTag.package_id).join(Tag, Tag.id == DatasetTag.tag_id)
    return session.scalars(
        carried.where(Tag.vocabulary_id == vocabulary_id).distinct()
    ).all()


def delete_tag(session: Session, tag: Tag) -> Sequence[str]:
    """Take a tag from every dataset and remove it; return the ids of those datasets,
    which still tell of it.
    """
    # Before its places: no dataset gets it any more.
    session.get(Tag, tag.id, with_for_update=True)
    carried = DatasetTag.tag_id == tag.id
    ids = session.scalars(select(DatasetTag.package_id).where(carried)).all()
    session.execute(delete(DatasetTag).where(carried))
    session.execute(delete(Tag).where(Tag.id == tag.id))
    return ids
