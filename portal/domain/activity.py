"""Activity: what happened to a dataset, organization, group or user, with the dataset
as it was then.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import orjson
import zstandard
from sqlalchemy import ForeignKey, Index, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from portal.domain.base import Base, new_id, now

DATASET, GROUP, USER = "package", "group", "user"


class Activity(Base):
    """One thing that happened. `open` tells whether everybody could read its object at
    that time.

    `body` is what the object looked like, as packed JSON: rows stay small however often
    a dataset changes.
    """

    __tablename__ = "activity"
    __table_args__ = (
        Index("ix_activity_object", "object_id", "timestamp"),
        Index("ix_activity_user", "user_id", "timestamp"),
        Index("ix_activity_timestamp", "timestamp"),
    )

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    timestamp: Mapped[datetime] = mapped_column(default=now)
    user_id: Mapped[str | None] = mapped_column(String(36))
    object_type: Mapped[str] = mapped_column(String(20))
    object_id: Mapped[str] = mapped_column(String(36))
    activity_type: Mapped[str] = mapped_column(String(60))
    open: Mapped[bool] = mapped_column(default=True)
    body: Mapped[bytes] = mapped_column(LargeBinary, default=b"")

    @staticmethod
    def pack(shown: bytes) -> bytes:
        """JSON as it is kept."""
        return zstandard.compress(shown)

    @property
    def shown(self) -> dict[str, Any]:
        """What the object looked like; {} where nothing was kept."""
        return dict(orjson.loads(zstandard.decompress(self.body))) if self.body else {}


class Dashboard(Base):
    """When a user last looked at the news of what he follows."""

    __tablename__ = "dashboard"

    user_id: Mapped[str] = mapped_column(
        ForeignKey("user.id", ondelete="CASCADE"), primary_key=True
    )
    last_viewed: Mapped[datetime] = mapped_column(default=now)
