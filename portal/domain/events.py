"""Consequences as rows: the outbox, and the audit trail of who did what."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Index, Integer, String, Text, false
from sqlalchemy.orm import Mapped, mapped_column

from portal.domain.base import Base, new_id, now

INDEX = "index"
PUBLISH = "publish"
LOAD = "load"
LINK = "link"
VALIDATE = "validate"
QUALITY = "quality"
RENDER = "render"
FORGET = "forget"
"""Of this topic the entity is the beginning of the fingerprint of rows whose copies are
to go.
"""
FINGERPRINT_LETTERS = 36


class OutboxRow(Base):
    """Something still to be done after a commit: a topic and the id that it concerns.

    `eager` ones were asked for by somebody who waits for them (`writer` is that user,
    None for the portal itself); the others by a job that brings many. `attempts` counts
    the tries that were begun.
    """

    __tablename__ = "outbox"
    # AUTOINCREMENT: SQLite gives the number of a deleted row to the next one otherwise,
    # and whoever still works on the
    # deleted one would settle the new one.
    __table_args__ = (
        Index("ix_outbox_order", "topic", "attempts", "id"),
        Index("ix_outbox_eager", "topic", "eager", "id"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(
        BigInteger().with_variant(Integer, "sqlite"), primary_key=True
    )
    topic: Mapped[str] = mapped_column(String(20))
    entity_id: Mapped[str] = mapped_column(String(36))
    created: Mapped[datetime] = mapped_column(default=now)
    due: Mapped[datetime] = mapped_column(default=now)
    attempts: Mapped[int] = mapped_column(default=0)
    eager: Mapped[bool] = mapped_column(default=False, server_default=false())
    writer: Mapped[str | None] = mapped_column(String(36))
    error: Mapped[str | None] = mapped_column(Text)


class GivenUp(Base):
    """A consequence that is tried no more, and why; it goes when the same one is done
    after all.
    """

    __tablename__ = "given_up"

    topic: Mapped[str] = mapped_column(String(20), primary_key=True)
    entity_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    at: Mapped[datetime] = mapped_column(default=now)
    attempts: Mapped[int]
    error: Mapped[str] = mapped_column(Text)


class AuditEntry(Base):
    """Who did what to which object, and when; never holds a value that its reader may
    not see.
    """

    __tablename__ = "audit"
    __table_args__ = (Index("ix_audit_object", "object_id", "at"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    at: Mapped[datetime] = mapped_column(default=now)
    actor_id: Mapped[str | None] = mapped_column(String(36))
    action: Mapped[str] = mapped_column(String(80))
    object_type: Mapped[str] = mapped_column(String(30))
    object_id: Mapped[str | None] = mapped_column(String(36))
    detail: Mapped[dict[str, Any]] = mapped_column(default=dict)
