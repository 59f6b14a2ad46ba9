"""The gate of publication: policies, bad rows kept aside, and a steward's decisions
against a verdict.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from portal.domain.base import Base, new_id, now

BLOCK, WARN, QUARANTINE = "block", "warn", "quarantine"
POLICIES = (BLOCK, WARN, QUARANTINE)
"""What becomes of a table that is not valid: it waits; it is published all the same;
its bad rows wait.
"""
OVERRIDE = "override"
ORGANIZATION, PACKAGE = "organization", "package"
BAD_PERCENT = 20
"""A table with a larger share of bad rows is held whole, where the policy does not say
another share.
"""


class ValidationPolicy(Base):
    """The policy of an organization or a dataset; without one the next larger thing
    decides.
    """

    __tablename__ = "validation_policy"

    object_type: Mapped[str] = mapped_column(String(20), primary_key=True)
    object_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    mode: Mapped[str] = mapped_column(String(20))
    max_bad_percent: Mapped[int] = mapped_column(default=BAD_PERCENT)
    changed: Mapped[datetime] = mapped_column(default=now)
    actor_id: Mapped[str | None] = mapped_column(String(36))


class QuarantineTable(Base):
    """The bad rows of one resource that were kept aside when its good rows were
    published.
    """

    __tablename__ = "quarantine"

    resource_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    package_id: Mapped[str] = mapped_column(String(36), index=True)
    report_id: Mapped[str] = mapped_column(String(36))
    created: Mapped[datetime] = mapped_column(default=now)
    rows: Mapped[int] = mapped_column(BigInteger)
    file_key: Mapped[str] = mapped_column(String(64), index=True)


class ValidationOverride(Base):
    """That somebody let content pass that is not valid, and why; `content` is the hash
    of exactly that content.

    One with an `origin_id` is no decision of its own: it is that decision, for what the
    content consisted of or what became of it (a file of a record, stored rows), which
    has a hash of its own.
    """

    __tablename__ = "validation_override"

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    package_id: Mapped[str] = mapped_column(String(36), index=True)
    resource_id: Mapped[str | None] = mapped_column(String(36), index=True)
    content: Mapped[str] = mapped_column(String(64), index=True)
    reason: Mapped[str] = mapped_column(Text)
    columns: Mapped[list[str]] = mapped_column(default=list)
    actor_id: Mapped[str | None] = mapped_column(String(36))
    created: Mapped[datetime] = mapped_column(default=now)
    origin_id: Mapped[str | None] = mapped_column(String(36))
