"""Leases of outbox rows: one worker at a time works off a row; whatever goes wrong with
one row holds up no other.
"""

from __future__ import annotations

import errno
import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta

from portal.db import outbox
from portal.db.outbox import LeasedRow
from portal.db.uow import UnitOfWork
from portal.domain.base import now
from portal.errors import PortalError, Unavailable
from portal.pipeline.heartbeat import BEATS_PER_LEASE, Heartbeat
from portal.runtime import Portal
from search.backend import SearchUnavailable

DIED = "its worker ended each time that it was tried"
STOPS = (KeyboardInterrupt, SystemExit, GeneratorExit)
"""What ends a process and is no failure of a row; a panic of a native library is none
of them, and no `Exception`.
"""
NO_ROOM = frozenset(
    {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EMFILE, errno.ENFILE}
)
log = logging.getLogger(__name__)

Work = Callable[[str], object]
"""Does what a row asks for the thing of this id; whatever it raises is this row's
failure.
"""
Report = Callable[[UnitOfWork, str, str], object]
"""Tells people, in the transaction that gives a row up, that the thing of this id was
given up, and why.
"""


def claim(
    portal: Portal,
    topic: str,
    most: int = 1,
    *,
    eager: bool = False,
    lease: float | None = None,
) -> list[LeasedRow]:
    """Claim due rows of a topic, at most `most`, for one lease of so many seconds; none
    where nothing is due.
    """
    with portal.work() as uow:
        until = now() + _length(portal, lease)
        rows = outbox.claim(uow.session, topic, now(), until, most, eager=eager)
        # Without a row there is nothing to write: an idle worker takes no write lock.
        if rows:
            uow.commit()
    return rows


class RowsUnderWay:
    """The rows that threads of this process work on, so that they can be handed back
    when it has to end.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rows: dict[int, tuple[str, Sequence[LeasedRow]]] = {}

    def add(self, portal: Portal, rows: Sequence[LeasedRow]) -> int:
        """Note that work on these rows of a portal begins; returns what `remove`
        takes.
        """
        with self._lock:
            number = max(self._rows, default=0) + 1
            # With its database: where one process has two portals open, each hands back
            # its own rows.
            self._rows[number] = (str(portal.engine.url), rows)
            return number

    def remove(self, number: int) -> None:
        """Note that the work came to its end."""
        with self._lock:
            self._rows.pop(number, None)

    def of(self, portal: Portal) -> list[LeasedRow]:
        """All rows of a portal that are under way."""
        database = str(portal.engine.url)
        with self._lock:
            return [
                row
                for url, rows in self._rows.values()
                if url == database
                for row in rows
            ]


_UNDER_WAY = RowsUnderWay()


def hand_back(portal: Portal) -> int:
    """Give back what this process works on, because it ends before the work does;
    returns how many rows.
    """
    rows = _UNDER_WAY.of(portal)
    with portal.work() as uow:
        if rows:
            outbox.hand_back(uow.session, rows, now())
            uow.commit()
    return len(rows)


@contextmanager
def renewal(
    portal: Portal, rows: Sequence[LeasedRow], lease: float | None = None
) -> Iterator[None]:
    """Renew leases in the background while the work goes on, however long it takes."""
    length = _length(portal, lease)

    def renew() -> bool:
        with portal.work() as uow:
            outbox.renew(uow.session, rows, now() + length)
            uow.commit()
        return True

    seconds = length.total_seconds() / BEATS_PER_LEASE
    # Renewed and not long from the start: what a killed worker held is taken over soon.
    with Heartbeat(f"outbox-{rows[0].id}", seconds, renew):
        number = _UNDER_WAY.add(portal, rows)
        try:
            yield
        finally:
            _UNDER_WAY.remove(number)


def work_off(
    portal: Portal,
    topic: str,
    work: Work,
    report: Report | None = None,
    stop: threading.Event | None = None,
) -> int:
    """Work off every due row of a topic, one after the other; return how many are at
    their end, done or given up.

    What one row's work raises is postponed and counted for that row; after
    PORTAL_OUTBOX_TRIES it is given up and `report` is told. Once `stop` is set no other
    row is begun.
    """
    ended = 0
    while not (stop and stop.is_set()):
        rows = claim(portal, topic)
        if not rows:
            break
        ended += _try_row(portal, rows[0], work, report)
    return ended


def _try_row(portal: Portal, row: LeasedRow, work: Work, report: Report | None) -> bool:
    """Try one row; whether it is at its end."""
    if row.attempts > portal.settings.outbox_tries:
        # Its last try began and never ended: the row ends its worker each time.
        give_up(portal, row, row.error or DIED, report)
        return True
    try:
        with renewal(portal, [row]):
            work(row.entity_id)
    except STOPS:
        raise
    except BaseException as problem:
        # Not Exception alone: a panic of a native library is none, and it must not end
        # a worker that has other rows to do.
        return record_failure(portal, row, problem, report)
    settle(portal, [row])
    return True


def settle(portal: Portal, rows: Sequence[LeasedRow]) -> None:
    """Remove rows whose work is done."""
    with portal.work() as uow:
        outbox.settle(uow.session, rows)
        uow.commit()


def record_failure(
    portal: Portal,
    row: LeasedRow,
    problem: BaseException,
    report: Report | None = None,
) -> bool:
    """Postpone a row whose work failed, or give it up after its last try; whether it is
    given up.

    Where an engine is away or the disk is full the row is not to blame: it is tried
    until that is over.
    """
    if is_outage(problem):
        log.warning(
            "%s of %s waits: %s", row.topic, row.entity_id, public_reason(problem)
        )
        with portal.work() as uow:
            outbox.put_back(uow.session, [row], now(), public_reason(problem))
            uow.commit()
        return False
    log.error("%s of %s failed", row.topic, row.entity_id, exc_info=problem)
    if row.attempts >= portal.settings.outbox_tries:
        give_up(portal, row, public_reason(problem), report)
        return True
    with portal.work() as uow:
        outbox.postpone(uow.session, [row], now(), public_reason(problem))
        uow.commit()
    return False


def give_up(
    portal: Portal, row: LeasedRow, error: str, report: Report | None = None
) -> None:
    """Try a row no more, keep why, and tell people by `report`; a report that fails
    itself changes nothing.
    """
    tries = portal.settings.outbox_tries
    log.error(
        "%s of %s is given up after %d tries: %s",
        row.topic,
        row.entity_id,
        tries,
        error,
    )
    # Whatever the report does: a row that cannot even be given up would be tried for
    # ever.
    try:
        _give_up(portal, row, error, report)
    except Exception:
        log.exception(
            "nobody could be told that %s of %s is given up",
            row.topic,
            row.entity_id,
        )
        _give_up(portal, row, error, None)


def _give_up(portal: Portal, row: LeasedRow, error: str, report: Report | None) -> None:
    """Move a row to those given up and tell of it, in one transaction; `report` is left
    out where somebody else has the row.
    """
    with portal.work() as uow:
        if outbox.give_up(uow.session, row, error) and report is not None:
            report(uow, row.entity_id, error)
        uow.commit()


def is_outage(problem: BaseException) -> bool:
    """Whether an engine is away, or the machine is out of room: no row can be blamed
    for that.
    """
    if isinstance(problem, OSError):
        return problem.errno in NO_ROOM
    return isinstance(problem, (Unavailable, SearchUnavailable))


def public_reason(problem: BaseException) -> str:
    """What went wrong, without a value, a path or SQL; the log says more."""
    if isinstance(problem, (PortalError, SearchUnavailable)):
        return str(problem)
    if isinstance(problem, OSError) and problem.strerror:
        return problem.strerror
    return f"{type(problem).__name__}; the worker's log says more"


def _length(portal: Portal, lease: float | None) -> timedelta:
    return timedelta(seconds=lease or portal.settings.harvest_lease)
