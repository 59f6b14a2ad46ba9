"""Harvest sources, their jobs and objects, and the identity that outlives every job."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from portal.domain.base import Base, new_id, now

NEW, RUNNING, FINISHED, ABORTED = "New", "Running", "Finished", "Aborted"
WAITING, DONE = "WAITING", "DONE"
ADDED, UPDATED, DELETED, UNCHANGED, ERRORED, REFUSED = (
    "added",
    "updated",
    "deleted",
    "not modified",
    "errored",
    "refused",
)
OUTCOMES = (ADDED, UPDATED, DELETED, UNCHANGED, ERRORED, REFUSED)

INTERVALS: dict[str, timedelta] = {
    "ALWAYS": timedelta(minutes=1),
    "HOURLY": timedelta(hours=1),
    "DAILY": timedelta(days=1),
    "WEEKLY": timedelta(weeks=1),
    "BIWEEKLY": timedelta(weeks=2),
    "MONTHLY": timedelta(days=30),
}


class HarvestSource(Base):
    """Where datasets come from; `config` is the JSON text that its kind understands,
    secrets by name only.
    """

    __tablename__ = "harvest_source"

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(String(100), unique=True)
    title: Mapped[str] = mapped_column(Text, default="")
    description: Mapped[str] = mapped_column(Text, default="")
    url: Mapped[str] = mapped_column(Text)
    source_type: Mapped[str] = mapped_column(String(40))
    config: Mapped[str] = mapped_column(Text, default="")
    frequency: Mapped[str] = mapped_column(String(100), default="MANUAL")
    owner_org: Mapped[str | None] = mapped_column(ForeignKey("group.id"))
    user_id: Mapped[str | None] = mapped_column(String(36))
    active: Mapped[bool] = mapped_column(default=True)
    created: Mapped[datetime] = mapped_column(default=now)
    next_run: Mapped[datetime | None]


class HarvestJob(Base):
    """One trip to a source. A worker holds it by a lease that it renews; whoever finds
    the lease over goes on.
    """

    __tablename__ = "harvest_job"
    __table_args__ = (Index("ix_harvest_job_queue", "status", "lease_until"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    source_id: Mapped[str] = mapped_column(ForeignKey("harvest_source.id"), index=True)
    status: Mapped[str] = mapped_column(String(20), default=NEW)
    created: Mapped[datetime] = mapped_column(default=now)
    gather_started: Mapped[datetime | None]
    gather_finished: Mapped[datetime | None]
    finished: Mapped[datetime | None]
    queued: Mapped[bool] = mapped_column(default=True)
    listing_complete: Mapped[bool] = mapped_column(default=False)
    lease_owner: Mapped[str | None] = mapped_column(String(80))
    lease_until: Mapped[datetime | None]
    tries: Mapped[int] = mapped_column(default=0)
    gather_errors: Mapped[list[Any]] = mapped_column(default=list)
    notes: Mapped[list[Any]] = mapped_column(default=list)

    @property
    def over(self) -> bool:
        """Whether nothing more will happen to this job."""
        return self.status in (FINISHED, ABORTED)


class HarvestObject(Base):
    """One dataset of one trip, from listed to done; `payload` is what loading it
    needs.
    """

    __tablename__ = "harvest_object"
    __table_args__ = (
        UniqueConstraint("job_id", "guid"),
        Index("ix_harvest_object_state", "job_id", "state"),
    )

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    job_id: Mapped[str] = mapped_column(
        ForeignKey("harvest_job.id", ondelete="CASCADE")
    )
    source_id: Mapped[str] = mapped_column(String(36), index=True)
    guid: Mapped[str] = mapped_column(String(1000))
    title: Mapped[str] = mapped_column(Text, default="")
    position: Mapped[int] = mapped_column(default=0)
    fingerprint: Mapped[str | None] = mapped_column(String(64))
    payload: Mapped[dict[str, Any]] = mapped_column(default=dict)
    state: Mapped[str] = mapped_column(String(20), default=WAITING)
    outcome: Mapped[str | None] = mapped_column(String(20))
    package_id: Mapped[str | None] = mapped_column(String(36), index=True)
    report_id: Mapped[str | None] = mapped_column(String(36))
    tries: Mapped[int] = mapped_column(default=0)
    errors: Mapped[list[Any]] = mapped_column(default=list)
    gathered: Mapped[datetime] = mapped_column(default=now)
    finished: Mapped[datetime | None]


class HarvestIdentity(Base):
    """Which dataset a source's item became: survives the purge of jobs, so that nothing
    is doubled.
    """

    __tablename__ = "harvest_identity"
    __table_args__ = (UniqueConstraint("source_id", "guid"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    source_id: Mapped[str] = mapped_column(ForeignKey("harvest_source.id"), index=True)
    guid: Mapped[str] = mapped_column(String(1000))
    package_id: Mapped[str] = mapped_column(String(36), index=True)
    fingerprint: Mapped[str | None] = mapped_column(String(64))
    content_hash: Mapped[str | None] = mapped_column(String(64))
    refused_hash: Mapped[str | None] = mapped_column(String(64))
    report_id: Mapped[str | None] = mapped_column(String(36))
    present: Mapped[bool] = mapped_column(default=True)
