"""Workers: a row for each, by which everybody sees that it lives."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from portal.domain.base import Base


class Worker(Base):
    """A worker that runs, or ran and was killed: `seen` is its last sign of life, by
    the database's clock.
    """

    __tablename__ = "worker"

    name: Mapped[str] = mapped_column(String(80), primary_key=True)
    host: Mapped[str] = mapped_column(String(255))
    pid: Mapped[int]
    version: Mapped[str] = mapped_column(String(40))
    started: Mapped[datetime]
    seen: Mapped[datetime] = mapped_column(index=True)
