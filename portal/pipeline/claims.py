"""Claims: one worker at a time works off an outbox row; whatever goes wrong with one
row holds up no other.
"""

from __future__ import annotations

import errno
import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta

from sqlalchemy.exc import SQLAlchemyError

from portal.db import outbox
from portal.db.outbox import Claim
from portal.db.uow import UnitOfWork
from portal.domain.base import now
from portal.errors import PortalError, Unavailable
from portal.runtime import Portal
from search.backend import SearchUnavailable

BEATS_PER_LEASE = 3
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


def take(
    portal: Portal,
    topic: str,
    most: int = 1,
    *,
    eager: bool = False,
    lease: float | None = None,
) -> list[Claim]:
    """Claim due rows of a topic, at most `most`, for one lease; none where nothing is
    due.
    """
    with portal.work() as uow:
        until = now() + _lease(portal, lease)
        claimed = outbox.claim(uow.session, topic, now(), until, most, eager=eager)
        if claimed:
            uow.commit()
    return claimed


class UnderWay:
    """The claims that threads of this process work on, so that they can be handed back
    when it has to end.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._claims: dict[int, tuple[str, Sequence[Claim]]] = {}

    def add(self, portal: Portal, claimed: Sequence[Claim]) -> int:
        """Note that work on these claims of a portal begins; returns what `remove`
        takes.
        """
        with self._lock:
            number = max(self._claims, default=0) + 1
            self._claims[number] = (str(portal.engine.url), claimed)
            return number

    def remove(self, number: int) -> None:
        """Note that the work came to its end."""
        with self._lock:
            self._claims.pop(number, None)

    def of(self, portal: Portal) -> list[Claim]:
        """All claims of a portal that are under way."""
        with self._lock:
            return [
                claim
                for url, some in self._claims.values()
                if url == str(portal.engine.url)
                for claim in some
            ]


_UNDER_WAY = UnderWay()


def hand_back(portal: Portal) -> int:
    """Give back what this process works on, because it ends before the work does;
    returns how many rows.
    """
    claimed = _UNDER_WAY.of(portal)
    with portal.work() as uow:
        if claimed:
            outbox.hand_back(uow.session, claimed, now())
            uow.commit()
    return len(claimed)


@contextmanager
def held(
    portal: Portal, claimed: Sequence[Claim], lease: float | None = None
) -> Iterator[None]:
    """Renew claims in the background while the work goes on, however long it takes."""
    over = threading.Event()
    name = f"claim-{claimed[0].id}"
    beating = threading.Thread(
        target=_beat, args=(portal, claimed, over, lease), name=name, daemon=True
    )
    beating.start()
    number = _UNDER_WAY.add(portal, claimed)
    try:
        yield
    finally:
        _UNDER_WAY.remove(number)
        over.set()
        beating.join()


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
        claimed = take(portal, topic)
        if not claimed:
            break
        ended += _ended(portal, claimed[0], work, report)
    return ended


def _ended(portal: Portal, claimed: Claim, work: Work, report: Report | None) -> bool:
    """Try one row; whether it is at its end."""
    if claimed.attempts > portal.settings.outbox_tries:
        give_up(portal, claimed, claimed.error or DIED, report)
        return True
    try:
        with held(portal, [claimed]):
            work(claimed.entity_id)
    except STOPS:
        raise
    except BaseException as problem:
        return failed(portal, claimed, problem, report)
    settle(portal, [claimed])
    return True


def settle(portal: Portal, claimed: Sequence[Claim]) -> None:
    """Remove rows whose work is done."""
    with portal.work() as uow:
        outbox.settle(uow.session, claimed)
        uow.commit()


def failed(
    portal: Portal, claimed: Claim, problem: BaseException, report: Report | None = None
) -> bool:
    """Postpone a row whose work failed, or give it up after its last try; whether it is
    given up.

    Where an engine is away or the disk is full the row is not to blame: it is tried
    until that is over.
    """
    if is_outage(problem):
        log.warning(
            "%s of %s waits: %s", claimed.topic, claimed.entity_id, said(problem)
        )
        with portal.work() as uow:
            outbox.put_back(uow.session, [claimed], now(), said(problem))
            uow.commit()
        return False
    log.error("%s of %s failed", claimed.topic, claimed.entity_id, exc_info=problem)
    if claimed.attempts >= portal.settings.outbox_tries:
        give_up(portal, claimed, said(problem), report)
        return True
    with portal.work() as uow:
        outbox.postpone(uow.session, [claimed], now(), said(problem))
        uow.commit()
    return False


def give_up(
    portal: Portal, claimed: Claim, error: str, report: Report | None = None
) -> None:
    """Try a row no more, keep why, and tell people by `report`; a report that fails
    itself changes nothing.
    """
    tries = portal.settings.outbox_tries
    log.error(
        "%s of %s is given up after %d tries: %s",
        claimed.topic,
        claimed.entity_id,
        tries,
        error,
    )
    try:
        _give_up(portal, claimed, error, report)
    except Exception:
        log.exception(
            "nobody could be told that %s of %s is given up",
            claimed.topic,
            claimed.entity_id,
        )
        _give_up(portal, claimed, error, None)


def _give_up(portal: Portal, claimed: Claim, error: str, report: Report | None) -> None:
    with portal.work() as uow:
        if outbox.give_up(uow.session, claimed, error) and report is not None:
            report(uow, claimed.entity_id, error)
        uow.commit()


def is_outage(problem: BaseException) -> bool:
    """Whether an engine is away, or the machine is out of room: no row can be blamed
    for that.
    """
    if isinstance(problem, OSError):
        return problem.errno in NO_ROOM
    return isinstance(problem, (Unavailable, SearchUnavailable))


def said(problem: BaseException) -> str:
    """What went wrong, without a value, a path or SQL; the log says more."""
    if isinstance(problem, (PortalError, SearchUnavailable)):
        return str(problem)
    if isinstance(problem, OSError) and problem.strerror:
        return problem.strerror
    return f"{type(problem).__name__}; the worker's log says more"


def _lease(portal: Portal, lease: float | None) -> timedelta:
    return timedelta(seconds=lease or portal.settings.harvest_lease)


def _beat(
    portal: Portal, claimed: Sequence[Claim], over: threading.Event, lease: float | None
) -> None:
    length = _lease(portal, lease)
    while not over.wait(length.total_seconds() / BEATS_PER_LEASE):
        try:
            with portal.work() as uow:
                outbox.renew(uow.session, claimed, now() + length)
                uow.commit()
        except SQLAlchemyError:
            continue  # the database did not answer in time; the next beat tries again
