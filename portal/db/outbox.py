"""Working off outbox rows: at least once, in any order, by any number of workers; what
never succeeds is given up.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import (
    ColumnElement,
    Engine,
    and_,
    bindparam,
    delete,
    func,
    or_,
    select,
    tuple_,
    update,
)
from sqlalchemy.orm import Session

from portal.db.quick import Quick
from portal.domain.base import now
from portal.domain.events import GivenUp, OutboxRow

LONGEST_WAIT = timedelta(seconds=60)
OUTAGE_WAIT = timedelta(seconds=5)
"""How long a row rests when an engine was away, which is no fault of the row."""
TOGETHER = (500, 20)
"""How many rows are claimed at once, by their tries so far; what failed or died more
often is claimed alone.
"""


class LeasedRow(NamedTuple):
    """A row that one worker works on: which, what it concerns, and how often it was
    tried, this time included.

    `error` is what its last try ended with, None before the first and where the worker
    died with it.
    """

    id: int
    topic: str
    entity_id: str
    attempts: int
    error: str | None


def due(
    topic: str, moment: datetime, longest: timedelta = LONGEST_WAIT
) -> ColumnElement[bool]:
    """Rows of a topic that may be tried at a moment.

    Clocks differ and step back: a row that was never tried is due whatever it says, and
    so is one that says to wait for longer than anything waits.
    """
    fresh = and_(OutboxRow.attempts == 0, OutboxRow.error.is_(None))
    return and_(
        OutboxRow.topic == topic,
        or_(fresh, OutboxRow.due <= moment, OutboxRow.due > moment + 2 * longest),
    )


def claim(
    session: Session,
    topic: str,
    moment: datetime,
    until: datetime,
    most: int = 1,
    *,
    eager: bool = False,
) -> list[LeasedRow]:
    """Take due rows of a topic, at most `most`, away from other workers until a moment.

    Those that were tried least come first. A try counts when it begins, so that a row
    that ends its worker is given up as well; whoever dies leaves its rows due at
    `until`, to be claimed in ever smaller numbers.
    """
    query = select(OutboxRow).where(
        due(topic, moment, max(LONGEST_WAIT, until - moment))
    )
    if eager:
        query = query.where(OutboxRow.eager.is_(True))
    query = (
        query.order_by(OutboxRow.attempts, OutboxRow.id)
        .limit(most)
        .with_for_update(skip_locked=True)
    )
    rows = session.scalars(query).all()
    tried = rows[0].attempts if rows else 0
    together = TOGETHER[tried] if tried < len(TOGETHER) else 1
    alike = [row for row in rows if row.attempts == tried][:together]
    claimed = [
        LeasedRow(row.id, topic, row.entity_id, tried + 1, row.error) for row in alike
    ]
    session.execute(
        update(OutboxRow)
        .where(OutboxRow.id.in_([row.id for row in alike]))
        .values(due=until, attempts=tried + 1, error=None)
        .execution_options(synchronize_session=False)
    )
    return claimed


def _mine(claims: Sequence[LeasedRow]) -> ColumnElement[bool]:
    """The rows of these claims, as far as they have not fallen to another worker."""
    numbers = OutboxRow.id.in_([each.id for each in claims])
    whole = [(each.id, each.topic, each.entity_id, each.attempts) for each in claims]
    return and_(
        numbers,
        tuple_(
            OutboxRow.id, OutboxRow.topic, OutboxRow.entity_id, OutboxRow.attempts
        ).in_(whole),
    )


def renew(session: Session, claims: Sequence[LeasedRow], until: datetime) -> None:
    """Keep claimed rows until a moment, but for those that fell to another worker
    already.
    """
    session.execute(update(OutboxRow).where(_mine(claims)).values(due=until))


def settle(session: Session, claims: Sequence[LeasedRow]) -> None:
    """Remove rows whose consequence is done, whoever holds them by now, and what was
    given up of the same before.
    """
    # The number alone does not tell a row: it may have been settled by another worker
    # and given again.
    numbers = OutboxRow.id.in_([each.id for each in claims])
    whole = [(each.id, each.topic, each.entity_id) for each in claims]
    same = tuple_(OutboxRow.id, OutboxRow.topic, OutboxRow.entity_id).in_(whole)
    session.execute(delete(OutboxRow).where(numbers, same))
    for topic in {each.topic for each in claims}:
        done = [each.entity_id for each in claims if each.topic == topic]
        session.execute(
            delete(GivenUp).where(GivenUp.topic == topic, GivenUp.entity_id.in_(done))
        )


def postpone(
    session: Session, claims: Iterable[LeasedRow], moment: datetime, error: str
) -> None:
    """Try again later: each failure doubles the wait, up to a minute."""
    for each in claims:
        waits = min(LONGEST_WAIT, timedelta(seconds=2 ** min(each.attempts - 1, 10)))
        session.execute(
            update(OutboxRow)
            .where(_mine([each]))
            .values(due=moment + waits, error=error[:500])
        )


def put_back(
    session: Session, claims: Sequence[LeasedRow], moment: datetime, error: str
) -> None:
    """Try again soon, and count this try as none: an engine was away, the rows are not
    to blame.
    """
    values = {
        "due": moment + OUTAGE_WAIT,
        "attempts": OutboxRow.attempts - 1,
        "error": error[:500],
    }
    session.execute(update(OutboxRow).where(_mine(claims)).values(values))


def release(session: Session, claims: Sequence[LeasedRow], moment: datetime) -> None:
    """Give claimed rows back as if nobody had taken them: they were not tried."""
    values = {"due": moment, "attempts": OutboxRow.attempts - 1, "error": None}
    session.execute(update(OutboxRow).where(_mine(claims)).values(values))


def hand_back(session: Session, claims: Sequence[LeasedRow], moment: datetime) -> None:
    """Let the next worker go on with claimed rows at once, as if they had not been
    begun.
    """
    values = {"due": moment, "attempts": OutboxRow.attempts - 1, "error": None}
    session.execute(update(OutboxRow).where(_mine(claims)).values(values))


def hasten(session: Session, topic: str, moment: datetime) -> None:
    """Make due what was put back: the engine answers again."""
    resting = and_(
        OutboxRow.topic == topic, OutboxRow.error.is_not(None), OutboxRow.attempts == 0
    )
    session.execute(update(OutboxRow).where(resting).values(due=moment))


def give_up(session: Session, claimed: LeasedRow, error: str) -> bool:
    """Try a row no more, and keep why; False where it fell to another worker."""
    gone = session.execute(delete(OutboxRow).where(_mine([claimed])))
    if not getattr(gone, "rowcount", 0):
        return False
    about = GivenUp(
        topic=claimed.topic,
        entity_id=claimed.entity_id,
        at=now(),
        attempts=claimed.attempts,
        error=error[:500],
    )
    session.merge(about)
    session.flush()
    return True


def list_given_up(
    session: Session, topics: Sequence[str] | None = None, limit: int = 1000
) -> Sequence[GivenUp]:
    """What was given up, of some topics or (None) of all, the oldest first."""
    query = select(GivenUp).order_by(GivenUp.at).limit(limit)
    return session.scalars(
        query if topics is None else query.where(GivenUp.topic.in_(topics))
    ).all()


def retry(session: Session, given_up: Sequence[GivenUp]) -> None:
    """Have given-up consequences tried again, as if they were new."""
    for each in given_up:
        session.add(OutboxRow(topic=each.topic, entity_id=each.entity_id))
        session.delete(each)
    session.flush()


class Backlog(NamedTuple):
    """How a topic stands: rows that wait, when the oldest of them was asked for, and
    how many were given up.
    """

    waiting: int
    oldest: datetime | None
    given_up: int

    def age(self, moment: datetime) -> float:
        """Seconds for which the oldest row waits at a moment; 0 where none does."""
        return max(0.0, (moment - self.oldest).total_seconds()) if self.oldest else 0.0


def backlog(session: Session) -> dict[str, Backlog]:
    """How every topic stands of which something waits or was given up."""
    waiting = select(
        OutboxRow.topic, func.count(), func.min(OutboxRow.created)
    ).group_by(OutboxRow.topic)
    given_up = select(GivenUp.topic, func.count()).group_by(GivenUp.topic)
    lost = {row[0]: row[1] for row in session.execute(given_up)}
    found = {
        topic: Backlog(number, oldest, lost.get(topic, 0))
        for topic, number, oldest in session.execute(waiting)
    }
    return {
        **{topic: Backlog(0, None, number) for topic, number in lost.items()},
        **found,
    }


_EAGER = Quick(
    select(OutboxRow.id, OutboxRow.writer)
    .where(
        OutboxRow.topic == bindparam("topic"),
        OutboxRow.eager.is_(True),
        OutboxRow.error.is_(None),
    )
    .order_by(OutboxRow.id.desc())
)
"""Every search asks it."""
MOST_EAGER = 1000


def list_eager(engine: Engine, topic: str) -> list[tuple[int, str | None]]:
    """(number, writer) of rows that somebody waits for and that have not failed, the
    newest first, at most 1,000.
    """
    return [
        (row[0], row[1]) for row in _EAGER.rows(engine, {"topic": topic}, MOST_EAGER)
    ]


def list_rows(
    session: Session, topics: Sequence[str] | None, limit: int
) -> Sequence[OutboxRow]:
    """Rows that wait, of some topics or (None) of all, the oldest first."""
    query = select(OutboxRow).order_by(OutboxRow.id).limit(limit)
    return session.scalars(
        query if topics is None else query.where(OutboxRow.topic.in_(topics))
    ).all()


def find(session: Session, key: int) -> OutboxRow | None:
    """One row that waits."""
    return session.get(OutboxRow, key)


def waits(session: Session, topic: str, entity_id: str) -> bool:
    """Whether a consequence for one thing is still to be begun; one that is under way
    may have read too early.
    """
    match = select(OutboxRow.id).where(
        OutboxRow.topic == topic,
        OutboxRow.entity_id == entity_id,
        OutboxRow.attempts == 0,
    )
    return session.scalar(match.limit(1)) is not None


def count(session: Session, topic: str) -> int:
    """How many rows of a topic wait."""
    return (
        session.scalar(
            select(func.count()).select_from(OutboxRow).where(OutboxRow.topic == topic)
        )
        or 0
    )
