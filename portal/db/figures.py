"""Figures for health and metrics: how many datasets there are, a sample of them, and
jobs that wait.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from portal.domain.datasets import Dataset
from portal.domain.harvest import NEW, HarvestJob


def count_datasets(session: Session) -> int:
    """How many datasets belong into the index: all, whatever their state."""
    return session.scalar(select(func.count()).select_from(Dataset)) or 0


def sample_datasets(
    session: Session, after: str, limit: int
) -> Sequence[tuple[str, bytes]]:
    """(id, rendered) of a few datasets whose ids come after a text; behind the last one
    follows the first.
    """
    query = select(Dataset.id, Dataset.rendered).order_by(Dataset.id)
    rows = list(session.execute(query.where(Dataset.id > after).limit(limit)))
    rows += (
        session.execute(query.where(Dataset.id <= after).limit(limit - len(rows)))
        if len(rows) < limit
        else []
    )
    return [(row[0], row[1]) for row in rows]


def oldest_new_job(session: Session) -> datetime | None:
    """When the oldest harvest job was asked for that no worker has begun."""
    return session.scalar(
        select(func.min(HarvestJob.created)).where(
            HarvestJob.status == NEW, HarvestJob.queued
        )
    )


def count_new_jobs(session: Session) -> int:
    """How many harvest jobs no worker has begun."""
    waiting = (
        select(func.count())
        .select_from(HarvestJob)
        .where(HarvestJob.status == NEW, HarvestJob.queued)
    )
    return session.scalar(waiting) or 0
