"""Working off outbox rows: at least once, in any order, by any number of workers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import Engine, bindparam, delete, func, select, update
from sqlalchemy.orm import Session

from portal.db.quick import Quick
from portal.domain.events import OutboxRow

LONGEST_WAIT = timedelta(seconds=60)


def waiting(session: Session, topic: str, moment: datetime, limit: int, *, eager: bool = False) -> Sequence[OutboxRow]:
    """Due rows of a topic, or those alone that somebody waits for. Two workers may work off the same ones."""
    query = select(OutboxRow).where(OutboxRow.topic == topic, OutboxRow.due <= moment).order_by(OutboxRow.id)
    if eager:
        query = query.where(OutboxRow.eager.is_(True))
    return session.scalars(query.limit(limit)).all()


_EAGER = Quick(
    select(OutboxRow.id).where(OutboxRow.topic == bindparam("topic"), OutboxRow.eager.is_(True)).limit(1)
)  # fmt: skip
"""Every search asks it."""


def any_eager(engine: Engine, topic: str) -> bool:
    """Whether there is something of a topic that somebody waits for, due now or put off."""
    return _EAGER.first(engine, {"topic": topic}) is not None


class Claim(NamedTuple):
    """A row that one worker works on: which, what it concerns, and how often it was tried, this time included."""

    id: int
    entity_id: str
    attempts: int


def claim(session: Session, topic: str, moment: datetime, until: datetime) -> Claim | None:
    """Take a due row of a topic away from other workers until a moment; whoever dies with it leaves it due then."""
    due = select(OutboxRow).where(OutboxRow.topic == topic, OutboxRow.due <= moment).order_by(OutboxRow.id).limit(20)
    for row in session.scalars(due).all():
        claimed = Claim(row.id, row.entity_id, row.attempts + 1)  # before the update changes the row in the session
        mine = (OutboxRow.id == row.id) & (OutboxRow.attempts == row.attempts)
        taken = session.execute(update(OutboxRow).where(mine).values(due=until, attempts=claimed.attempts))
        if getattr(taken, "rowcount", 0):
            return claimed
    return None


def renew(session: Session, claimed: Claim, until: datetime) -> None:
    """Keep a claimed row until a moment, unless it fell to another worker already."""
    mine = (OutboxRow.id == claimed.id) & (OutboxRow.attempts == claimed.attempts)
    session.execute(update(OutboxRow).where(mine).values(due=until))


def postpone_claim(session: Session, claimed: Claim, moment: datetime, error: str) -> None:
    """Give a claimed row back, to be tried again later as `postpone` says."""
    mine = (OutboxRow.id == claimed.id) & (OutboxRow.attempts == claimed.attempts)
    session.execute(update(OutboxRow).where(mine).values(due=moment + _wait(claimed.attempts - 1), error=error[:500]))


def settle_claim(session: Session, claimed: Claim) -> None:
    """Remove a claimed row whose work is done."""
    session.execute(delete(OutboxRow).where(OutboxRow.id == claimed.id))


def settle(session: Session, rows: Iterable[OutboxRow]) -> None:
    """Remove rows whose consequence is done."""
    session.execute(delete(OutboxRow).where(OutboxRow.id.in_([row.id for row in rows])))


def postpone(session: Session, rows: Iterable[OutboxRow], moment: datetime, error: str) -> None:
    """Try again later: each failure doubles the wait, up to a minute, so that a backlog goes soon after its reason."""
    for row in rows:
        session.execute(
            update(OutboxRow)
            .where(OutboxRow.id == row.id)
            .values(attempts=row.attempts + 1, due=moment + _wait(row.attempts), error=error[:500])
        )


def _wait(attempts: int) -> timedelta:
    return min(LONGEST_WAIT, timedelta(seconds=2 ** min(attempts, 10)))


def hasten(session: Session, topic: str, moment: datetime) -> None:
    """Make due what was postponed, but for rows of which ten tries failed: those have a reason of their own."""
    waits = (OutboxRow.topic == topic) & (OutboxRow.due > moment) & OutboxRow.attempts.between(1, 9)
    session.execute(update(OutboxRow).where(waits).values(due=moment))


def list_rows(session: Session, topics: Sequence[str] | None, limit: int) -> Sequence[OutboxRow]:
    """Rows that wait, of some topics or (None) of all, the oldest first."""
    query = select(OutboxRow).order_by(OutboxRow.id).limit(limit)
    return session.scalars(query if topics is None else query.where(OutboxRow.topic.in_(topics))).all()


def find(session: Session, key: int) -> OutboxRow | None:
    """One row that waits."""
    return session.get(OutboxRow, key)


def waits(session: Session, topic: str, entity_id: str) -> bool:
    """Whether a consequence for one thing is still to be done."""
    match = select(OutboxRow.id).where(OutboxRow.topic == topic, OutboxRow.entity_id == entity_id)
    return session.scalar(match.limit(1)) is not None


def count(session: Session, topic: str) -> int:
    """How many rows of a topic wait."""
    return session.scalar(select(func.count()).select_from(OutboxRow).where(OutboxRow.topic == topic)) or 0
