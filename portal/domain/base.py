"""What every model shares: the declarative base, identifiers and the one clock."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import JSON, MetaData, String, event
from sqlalchemy.orm import DeclarativeBase

from i18n import Message
from portal.errors import Invalid
from schemas import bounds

NAMES = {
    "ix": "ix_%(column_0_label)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    """Base of all models; constraint names are fixed so that migrations run on every
    database.
    """

    metadata = MetaData(naming_convention=NAMES)
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy reads it from the class
        dict[str, Any]: JSON,
        list[Any]: JSON,
        dict[str, str]: JSON,
        list[str]: JSON,
    }


@event.listens_for(Base, "attribute_instrument", propagate=True)
def _bound_texts(model: type[Any], key: str, attribute: Any) -> None:
    """Every text column refuses what is longer than itself, on each database alike,
    before a statement does.
    """
    columns = getattr(attribute.property, "columns", ())
    lengths = [
        column.type.length
        for column in columns
        if isinstance(column.type, String) and column.type.length
    ]
    if not lengths:
        return
    longest = min(lengths)

    def refuse(target: Any, value: Any, old: Any, initiator: Any) -> None:
        if isinstance(value, str) and len(value) > longest:
            too_long = Message("Must be a maximum of {limit} characters long")
            raise Invalid({key: bounds.told(too_long.filled(limit=longest))})

    event.listen(attribute, "set", refuse)


def now() -> datetime:
    """The time now, as CKAN writes it: UTC without a zone, microseconds kept."""
    return datetime.now(UTC).replace(tzinfo=None)


def new_id() -> str:
    """A new identifier: a random UUID as text."""
    return str(uuid.uuid4())


def is_uuid(text: object) -> bool:
    """Whether `text` is a UUID in its canonical form."""
    try:
        return isinstance(text, str) and str(uuid.UUID(text)) == text.lower()
    except ValueError:
        return False


def moment_of(text: object) -> datetime | None:
    """The time that an ISO text names, as UTC without a zone (a text without a zone is
    UTC); None for anything else.
    """
    try:
        moment = datetime.fromisoformat(text) if isinstance(text, str) else None
        return (
            moment.astimezone(UTC).replace(tzinfo=None)
            if moment and moment.tzinfo
            else moment
        )
    except (ValueError, OverflowError):  # no time, or one beyond the calendar in UTC
        return None


def stamp(moment: datetime | None) -> str | None:
    """A time as CKAN writes it: ISO with microseconds, no zone."""
    return moment.isoformat(timespec="microseconds") if moment else None
