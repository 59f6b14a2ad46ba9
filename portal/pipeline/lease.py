"""Lease: a worker's hold on a job, renewed by a heartbeat and checked inside every
transaction.
"""

from __future__ import annotations

import threading
from datetime import timedelta
from types import TracebackType

from sqlalchemy.exc import SQLAlchemyError

from portal.db import clock
from portal.db import harvest as db
from portal.db.harvest import LeaseLost
from portal.db.uow import UnitOfWork
from portal.runtime import Portal

BEATS_PER_LEASE = 3


class Lease:
    """A context manager that renews the lease in the background while the work goes on.

    `hold(uow)` belongs into every transaction of the work: it fails with LeaseLost, and
    so undoes the transaction, as soon as the job belongs to somebody else.
    """

    def __init__(self, portal: Portal, job_id: str, owner: str) -> None:
        self.job_id, self.owner = job_id, owner
        self._portal = portal
        self._length = timedelta(seconds=portal.settings.harvest_lease)
        self._stop = threading.Event()
        self._thread = threading.Thread(
            target=self._beat, name=f"lease-{job_id[:8]}", daemon=True
        )
        self.lost = False

    def hold(self, uow: UnitOfWork, *, advanced: bool = False) -> None:
        """Renew the lease inside a transaction, or raise LeaseLost; `advanced`: the job
        comes a step further in it.
        """
        until = clock.moment(uow.session) + self._length
        db.fence(uow.session, self.job_id, self.owner, until, advanced=advanced)

    def __enter__(self) -> Lease:
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

    def _beat(self) -> None:
        while not self._stop.wait(self._length.total_seconds() / BEATS_PER_LEASE):
            try:
                with self._portal.work() as uow:
                    self.hold(uow)
                    uow.commit()
            except LeaseLost:
                self.lost = True
                return
            except SQLAlchemyError:
                # The database did not answer in time; the next beat tries again, and
                # `hold` decides.
                continue
