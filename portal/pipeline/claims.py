"""Claims: one worker at a time works off an outbox row, and a row whose worker died falls to the next one."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from sqlalchemy.exc import SQLAlchemyError

from portal.db import outbox
from portal.db.outbox import Claim
from portal.domain.base import now
from portal.runtime import Portal

BEATS_PER_LEASE = 3


def take(portal: Portal, topic: str) -> Claim | None:
    """Claim the first due row of a topic for one lease; None where nothing is due."""
    with portal.work() as uow:
        claimed = outbox.claim(uow.session, topic, now(), now() + _lease(portal))
        uow.commit()
    return claimed


@contextmanager
def held(portal: Portal, claimed: Claim) -> Iterator[None]:
    """Renew a claim in the background while the work goes on, however long it takes."""
    over = threading.Event()
    beating = threading.Thread(target=_beat, args=(portal, claimed, over), name=f"claim-{claimed.id}", daemon=True)
    beating.start()
    try:
        yield
    finally:
        over.set()
        beating.join()


def settle(portal: Portal, claimed: Claim) -> None:
    """Remove a row whose work is done."""
    with portal.work() as uow:
        outbox.settle_claim(uow.session, claimed)
        uow.commit()


def postpone(portal: Portal, claimed: Claim, error: str) -> None:
    """Give a row back, to be tried again later."""
    with portal.work() as uow:
        outbox.postpone_claim(uow.session, claimed, now(), error)
        uow.commit()


def _lease(portal: Portal) -> timedelta:
    return timedelta(seconds=portal.settings.harvest_lease)


def _beat(portal: Portal, claimed: Claim, over: threading.Event) -> None:
    while not over.wait(_lease(portal).total_seconds() / BEATS_PER_LEASE):
        try:
            with portal.work() as uow:
                outbox.renew(uow.session, claimed, now() + _lease(portal))
                uow.commit()
        except SQLAlchemyError:
            continue  # the database did not answer in time; the next beat tries again
