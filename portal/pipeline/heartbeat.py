"""Heartbeat: a worker writes down every few seconds that it lives, so that a missing
one is seen.
"""

from __future__ import annotations

import importlib.metadata
import logging
import os
import socket
import threading
from types import TracebackType

from sqlalchemy.exc import SQLAlchemyError

from portal.db import workers
from portal.runtime import Portal

BEAT_SECONDS = 10
DISTRIBUTION = "thanhhoa-data-portal"
log = logging.getLogger(__name__)


class Heartbeat:
    """A context manager: the worker's row is written at once, renewed in the
    background, and removed at the end.
    """

    def __init__(
        self, portal: Portal, name: str, seconds: float = BEAT_SECONDS
    ) -> None:
        self._portal, self._name, self._seconds = portal, name, seconds
        self._version = importlib.metadata.version(DISTRIBUTION)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)

    def __enter__(self) -> Heartbeat:
        self._beat()
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        self._thread.join()
        try:
            with self._portal.work() as uow:
                workers.leave(uow.session, self._name)
                uow.commit()
        except SQLAlchemyError:
            log.warning(
                "worker %s ends without having said so: the database does not answer",
                self._name,
            )

    def _run(self) -> None:
        while not self._stop.wait(self._seconds):
            self._beat()

    def _beat(self) -> None:
        try:
            with self._portal.work() as uow:
                workers.beat(
                    uow.session,
                    self._name,
                    socket.gethostname(),
                    os.getpid(),
                    self._version,
                )
                uow.commit()
        except SQLAlchemyError as error:
            # Whoever looks sees the silence; the next beat tries again.
            log.warning(
                "worker %s could not give its sign of life: %s",
                self._name,
                type(error).__name__,
            )
