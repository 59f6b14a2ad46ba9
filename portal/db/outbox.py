"""Claiming and settling outbox rows: at least once, in any order, by any number of workers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from portal.domain.events import OutboxRow

LONGEST_WAIT = timedelta(minutes=10)


def claim(session: Session, topic: str, moment: datetime, limit: int) -> Sequence[OutboxRow]:
    """Take due rows of a topic; on PostgreSQL two workers never take the same ones."""
    query = select(OutboxRow).where(OutboxRow.topic == topic, OutboxRow.due <= moment).order_by(OutboxRow.id)
    return session.scalars(query.limit(limit).with_for_update(skip_locked=True)).all()


def waiting(session: Session, topic: str, moment: datetime, limit: int) -> Sequence[OutboxRow]:
    """Look at due rows of a topic without taking them."""
    query = select(OutboxRow).where(OutboxRow.topic == topic, OutboxRow.due <= moment).order_by(OutboxRow.id)
    return session.scalars(query.limit(limit)).all()


def settle(session: Session, rows: Iterable[OutboxRow]) -> None:
    """Remove rows whose consequence is done."""
    session.execute(delete(OutboxRow).where(OutboxRow.id.in_([row.id for row in rows])))


def postpone(session: Session, rows: Iterable[OutboxRow], moment: datetime, error: str) -> None:
    """Try again later: each failure doubles the wait, up to ten minutes."""
    for row in rows:
        wait = min(LONGEST_WAIT, timedelta(seconds=2 ** min(row.attempts, 10)))
        session.execute(
            update(OutboxRow)
            .where(OutboxRow.id == row.id)
            .values(attempts=row.attempts + 1, due=moment + wait, error=error[:500])
        )


def count(session: Session, topic: str) -> int:
    """How many rows of a topic wait."""
    return session.scalar(select(func.count()).select_from(OutboxRow).where(OutboxRow.topic == topic)) or 0
