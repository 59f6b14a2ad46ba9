"""What is kept beside the rows of a resource: other names of its table, and how its
loading stands.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from portal.domain.base import Base, now

PENDING, RUNNING, COMPLETE, FAILED = "pending", "running", "complete", "error"
"""States of a loading, in the words of DataPusher."""

PERHAPS = frozenset({"JSON", "ZIP", "GZ"})
"""Formats of links that may hold a table, or something else that is no error."""
LOADABLE = (
    frozenset({"CSV", "TSV", "XLSX", "XLS", "ODS", "NDJSON", "GeoJSON", "Parquet"})
    | PERHAPS
)
"""Formats of links that are loaded by themselves."""


class TableAlias(Base):
    """Another name under which the rows of a resource can be asked for."""

    __tablename__ = "table_alias"

    name: Mapped[str] = mapped_column(String(63), primary_key=True)
    resource_id: Mapped[str] = mapped_column(
        ForeignKey("resource.id", ondelete="CASCADE"), index=True
    )


class TableLoad(Base):
    """How the loading of a resource's file or link into rows stands; `etag` and
    `modified` are what the link said.
    """

    __tablename__ = "table_load"

    resource_id: Mapped[str] = mapped_column(
        ForeignKey("resource.id", ondelete="CASCADE"), primary_key=True
    )
    state: Mapped[str] = mapped_column(String(20), default=PENDING)
    updated: Mapped[datetime] = mapped_column(default=now)
    checked: Mapped[datetime | None] = mapped_column(index=True)
    url: Mapped[str] = mapped_column(Text, default="")
    etag: Mapped[str | None] = mapped_column(Text)
    modified: Mapped[str | None] = mapped_column(String(100))
    content_hash: Mapped[str | None] = mapped_column(String(64))
    error: Mapped[str | None] = mapped_column(Text)
