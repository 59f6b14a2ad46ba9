"""Quality scores: what each dataset's quality is now, and how it has changed."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from portal.domain.base import Base, new_id, now


class QualityScore(Base):
    """The quality of one dataset now; `body` holds every check with its outcome, so
    that a publisher sees what to mend.

    `fresh` is None where no frequency is declared.
    """

    __tablename__ = "quality_score"
    __table_args__ = (Index("ix_quality_score_points", "points", "package_id"),)

    package_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    owner_org: Mapped[str | None] = mapped_column(String(36), index=True)
    sector: Mapped[str | None] = mapped_column(String(100), index=True)
    computed: Mapped[datetime] = mapped_column(default=now)
    points: Mapped[int]
    openness: Mapped[int]
    fresh: Mapped[bool | None]
    body: Mapped[dict[str, Any]]


class QualityHistory(Base):
    """What a dataset's quality was from a moment on: a row for each change."""

    __tablename__ = "quality_history"
    __table_args__ = (Index("ix_quality_history_package", "package_id", "at"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    package_id: Mapped[str] = mapped_column(String(36))
    at: Mapped[datetime] = mapped_column(default=now)
    points: Mapped[int]
    openness: Mapped[int]
    fresh: Mapped[bool | None]
    body: Mapped[dict[str, Any]]
