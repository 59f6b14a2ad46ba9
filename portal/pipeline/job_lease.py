"""Lease of a harvest job: one worker's right to it, renewed by a heartbeat and checked
inside every transaction.
"""

from __future__ import annotations

from datetime import timedelta
from types import TracebackType

from portal.db import clock
from portal.db import harvest as db
from portal.db.harvest import LeaseLost
from portal.db.uow import UnitOfWork
from portal.pipeline.heartbeat import BEATS_PER_LEASE, Heartbeat
from portal.runtime import Portal


class JobLease:
    """A context manager that renews the lease in the background while the work goes on.

    `renew(uow)` belongs into every transaction of the work: it fails with LeaseLost,
    and so undoes the transaction, as soon as the job belongs to somebody else.
    """

    def __init__(self, portal: Portal, job_id: str, owner: str) -> None:
        self.job_id, self.owner = job_id, owner
        self._portal = portal
        self._length = timedelta(seconds=portal.settings.harvest_lease)
        self._heartbeat = Heartbeat(
            f"lease-{job_id[:8]}",
            self._length.total_seconds() / BEATS_PER_LEASE,
            self._beat,
        )

    def renew(self, uow: UnitOfWork, *, advanced: bool = False) -> None:
        """Renew the lease inside a transaction, or raise LeaseLost; `advanced`: the job
        comes a step further in it.
        """
        # By the database's clock: machines need not agree on the time, and a clock that
        # is set back on one of them takes no job away from another.
        until = clock.moment(uow.session) + self._length
        db.fence(uow.session, self.job_id, self.owner, until, advanced=advanced)

    def __enter__(self) -> JobLease:
        self._heartbeat.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._heartbeat.__exit__(kind, error, trace)

    def _beat(self) -> bool:
        """Renew the lease once; False when somebody else has the job."""
        try:
            with self._portal.work() as uow:
                self.renew(uow)
                uow.commit()
        except LeaseLost:
            # Nothing is stopped here: the work's own next transaction raises the same.
            return False
        return True
