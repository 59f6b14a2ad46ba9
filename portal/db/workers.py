"""Questions about workers: who lives, and since when somebody is silent."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from portal.db import clock
from portal.domain.workers import Worker

FORGOTTEN_AFTER = timedelta(days=1)
"""A worker that was killed is shown for so long, so that an operator sees that there
was one.
"""


class Sign(NamedTuple):
    """The last sign of life of a worker: who it is, and how many seconds ago it gave
    it.
    """

    name: str
    host: str
    pid: int
    version: str
    started: datetime
    seen: datetime
    age: float


def beat(session: Session, name: str, host: str, pid: int, version: str) -> None:
    """Write down that a worker lives; forget those that have been silent for a day."""
    moment = clock.moment(session)
    worker = session.get(Worker, name)
    if worker is None:
        worker = Worker(name=name, host=host, pid=pid, version=version, started=moment)
        session.add(worker)
    worker.seen = moment
    session.execute(
        delete(Worker).where(
            Worker.seen < moment - FORGOTTEN_AFTER, Worker.name != name
        )
    )


def leave(session: Session, name: str) -> None:
    """Remove a worker that ends as it was told to."""
    session.execute(delete(Worker).where(Worker.name == name))


def list_signs(session: Session) -> Sequence[Sign]:
    """All workers, the one seen last first; an age is never negative, whatever the
    clock did.
    """
    moment = clock.moment(session)
    workers = session.scalars(select(Worker).order_by(Worker.seen.desc(), Worker.name))
    return [_sign(worker, moment) for worker in workers]


def _sign(worker: Worker, moment: datetime) -> Sign:
    age = max(0.0, (moment - worker.seen).total_seconds())
    return Sign(
        worker.name,
        worker.host,
        worker.pid,
        worker.version,
        worker.started,
        worker.seen,
        age,
    )
