"""Sign of life: a worker writes down every few seconds that it lives, so that a missing
one is seen.
"""

from __future__ import annotations

import importlib.metadata
import logging
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import SQLAlchemyError

from portal.db import workers
from portal.pipeline.heartbeat import Heartbeat
from portal.runtime import Portal

SECONDS = 10.0
"""How long a worker is silent between two signs."""
DISTRIBUTION = "thanhhoa-data-portal"
log = logging.getLogger(__name__)


@contextmanager
def sign_of_life(portal: Portal, name: str, seconds: float = SECONDS) -> Iterator[None]:
    """Write the worker's row at once, renew it in the background, remove it at the
    end.
    """
    version = importlib.metadata.version(DISTRIBUTION)

    def sign() -> bool:
        _sign(portal, name, version)
        return True

    try:
        sign()
    except SQLAlchemyError as error:
        # A worker that starts while the database is away waits for it like any other.
        log.warning(
            "worker %s could not give its sign of life: %s", name, type(error).__name__
        )
    try:
        with Heartbeat(f"sign-{name}", seconds, sign):
            yield
    finally:
        _leave(portal, name)


def _sign(portal: Portal, name: str, version: str) -> None:
    with portal.work() as uow:
        workers.beat(uow.session, name, socket.gethostname(), os.getpid(), version)
        uow.commit()


def _leave(portal: Portal, name: str) -> None:
    """Remove the worker's row; a database that is away stops no end."""
    try:
        with portal.work() as uow:
            workers.leave(uow.session, name)
            uow.commit()
    except SQLAlchemyError:
        log.warning(
            "worker %s ends without having said so: the database does not answer", name
        )
