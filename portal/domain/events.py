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


class OutboxRow(Base):
    """Something still to be done after a commit: a topic and the id that it concerns.

    `eager` ones were asked for by somebody who waits for them; the others by a job that brings many.
    """

    __tablename__ = "outbox"
    __table_args__ = (Index("ix_outbox_due", "topic", "eager", "due", "id"),)

    id: Mapped[int] = mapped_column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True)
    topic: Mapped[str] = mapped_column(String(20))
    entity_id: Mapped[str] = mapped_column(String(36))
    created: Mapped[datetime] = mapped_column(default=now)
    due: Mapped[datetime] = mapped_column(default=now)
    attempts: Mapped[int] = mapped_column(default=0)
    eager: Mapped[bool] = mapped_column(default=False, server_default=false())
    error: Mapped[str | None] = mapped_column(Text)


class AuditEntry(Base):
    """Who did what to which object, and when; never holds a value that its reader may not see."""

    __tablename__ = "audit"
    __table_args__ = (Index("ix_audit_object", "object_id", "at"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    at: Mapped[datetime] = mapped_column(default=now)
    actor_id: Mapped[str | None] = mapped_column(String(36))
    action: Mapped[str] = mapped_column(String(80))
    object_type: Mapped[str] = mapped_column(String(30))
    object_id: Mapped[str | None] = mapped_column(String(36))
    detail: Mapped[dict[str, Any]] = mapped_column(default=dict)
