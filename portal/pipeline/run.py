"""Walking one harvest job through the five stages; whoever finds it half done goes on
from there.
"""

from __future__ import annotations

import logging
import shutil
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from harvesters.base import ItemError, SourceAdapter, SourceError
from portal.db import clock
from portal.db import harvest as db
from portal.db.harvest import LeaseLost
from portal.db.uow import UnitOfWork
from portal.domain.base import new_id, now
from portal.domain.datasets import Dataset
from portal.domain.harvest import (
    DELETED,
    DONE,
    ERRORED,
    REFUSED,
    UNCHANGED,
    HarvestIdentity,
    HarvestJob,
    HarvestObject,
    HarvestSource,
)
from portal.errors import Invalid
from portal.pipeline import gate, harvest, index, jobs, publish, store, validate
from portal.pipeline.harvest import Stopped
from portal.pipeline.lease import Lease
from portal.pipeline.references import references
from portal.pipeline.store import Item, Stored
from portal.reading import ReadOptions
from portal.runtime import Portal
from schemas.record import DatasetRecord

FEWEST_DELETIONS = 10
"""So many deletions are always believed, however small the source."""
INDEX_SECONDS = 1.0
"""How long a stored item may wait for its place in the index while the trip goes on:
one commit serves many.
"""

Progress = Callable[[str, int, int], None]
"""Called with the stage, how many items are done, and how many there are."""

log = logging.getLogger(__name__)


def unseen(stage: str, done: int, total: int) -> None:
    """The progress of a job that nobody looks at."""


def run_job(
    portal: Portal,
    job_id: str,
    owner: str,
    progress: Progress = unseen,
    stop: threading.Event | None = None,
) -> None:
    """Do everything that a claimed job still needs. Raises LeaseLost when the job is
    taken away.

    Once `stop` is set the object under way is brought to its end, and the job is handed
    back.
    """
    with portal.read() as uow:
        job = db.get_job(uow.session, job_id)
        source = db.get_source(uow.session, job.source_id)
        given_up = (
            job.tries > portal.settings.harvest_tries
            and jobs.is_between_objects(uow, job)
        )
    try:
        with Lease(portal, job_id, owner) as lease:
            if given_up:
                job = jobs.give_up_stage(portal, lease, job)
            if not job.over:
                _walk(portal, source, job, lease, progress, stop or threading.Event())
    except Stopped:
        with portal.work() as uow:
            db.hand_back(uow.session, owner, clock.moment(uow.session), job_id)
            uow.commit()
        log.info("job %s is handed back to the next worker", job_id)


def _walk(
    portal: Portal,
    source: HarvestSource,
    job: HarvestJob,
    lease: Lease,
    progress: Progress,
    stop: threading.Event,
) -> None:
    try:
        adapter = harvest.open_adapter(portal, source)
    except SourceError as error:
        jobs.finish(portal, lease, error)
        return
    try:
        Trip(portal, source, job, adapter, lease, progress, stop).walk()
    finally:
        adapter.close()


class Trip:
    """One job under way: the engines, its source, the adapter and the lease that every
    step needs.
    """

    def __init__(
        self,
        portal: Portal,
        source: HarvestSource,
        job: HarvestJob,
        adapter: SourceAdapter,
        lease: Lease,
        progress: Progress,
        stop: threading.Event,
    ) -> None:
        self.portal, self.source, self.job = portal, source, job
        self.adapter, self.lease, self.progress, self.stop = (
            adapter,
            lease,
            progress,
            stop,
        )
        self._done = self._total = 0

    def walk(self) -> None:
        """Gather what is not gathered, do every object that waits, delete what
        vanished, finish.
        """
        if self.job.gather_finished is None:
            self.progress("harvest", 0, 0)
            broken_off = harvest.gather(
                self.portal, self.job, self.adapter, self.lease, self.stop
            )
            jobs.gathered(self.portal, self.lease, broken_off)
        drained = time.monotonic()
        while (waiting := self._next()) is not None:
            self._do(waiting)
            if time.monotonic() - drained > INDEX_SECONDS:
                index.drain(self.portal)
                drained = time.monotonic()
        self._delete()
        jobs.await_index(self.portal, self.lease, self.stop)
        jobs.finish(self.portal, self.lease, None)
        self.progress("publish", 0, 0)
        publish.drain(self.portal, self.stop)

    def _next(self) -> HarvestObject | None:
        """The next waiting object, with one more try noted; objects that were tried too
        often are given up.
        """
        while True:
            if self.stop.is_set():
                raise Stopped
            with self.portal.work() as uow:
                self.lease.hold(uow)
                waiting = db.next_object(uow.session, self.job.id)
                if waiting is None:
                    return None
                waiting.tries += 1
                if waiting.tries <= self.portal.settings.harvest_tries:
                    self._count(uow)
                    uow.commit()
                    self.progress("validate", self._done, self._total)
                    return waiting
                message = (
                    f"given up after {waiting.tries - 1} tries: its worker ended each "
                    "time"
                )
                _settle(
                    waiting,
                    ERRORED,
                    None,
                    error={"stage": "store", "code": "given-up", "message": message},
                )
                self.lease.hold(uow, advanced=True)
                uow.commit()

    def _count(self, uow: UnitOfWork) -> None:
        """How far the trip is; asked of the database once, for asking at each of
        100,000 objects would be most work.
        """
        if self._total:
            self._done += 1
            return
        counts = db.stats(uow.session, [self.job.id])[self.job.id]
        self._total = sum(counts.values())
        self._done = self._total - counts.get("waiting", 0)

    def _do(self, waiting: HarvestObject) -> None:
        """Bring one object to its outcome, whatever happens to it."""
        work = self.portal.settings.data_dir / "work"
        work.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=f"{self.job.id[:8]}-", dir=work))
        try:
            if not self._unchanged(waiting):
                self._keep(waiting, harvest.load(self.adapter, waiting, folder))
        except (ItemError, SourceError) as error:
            self._note(waiting, "harvest", error.code, error.message)
        except Invalid as problem:
            self._note(waiting, "store", "personal-data", problem.message)
        except LeaseLost:
            raise
        except Exception:
            # One bad item never stops the rest; what it was is in the log, not in the
            # report that people read.
            log.exception("harvest object %s failed", waiting.id)
            self._note(
                waiting,
                "store",
                "internal",
                "An unexpected error; the portal's log names it by this object.",
            )
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _unchanged(self, waiting: HarvestObject) -> bool:
        """Whether the source's own sign says that there is nothing to load; then the
        object is settled.
        """
        if waiting.fingerprint is None:
            return False
        with self.portal.work() as uow:
            identity = db.find_identity(uow.session, self.source.id, waiting.guid)
            if (
                identity is None
                or identity.fingerprint != waiting.fingerprint
                or not identity.present
            ):
                return False
            self._close(
                uow, waiting, Stored(UNCHANGED, identity.package_id, identity.report_id)
            )
        return True

    def _keep(self, waiting: HarvestObject, record: DatasetRecord) -> None:
        """Validate and store one record; one that its source calls deleted is
        removed.
        """
        item, previous = self._item(waiting, record)
        if record.state == "deleted":
            with self.portal.work() as uow:
                self._close(
                    uow,
                    waiting,
                    store.withdraw(self.portal, uow, self._attached(uow, item)),
                )
            return
        if (known := self._known(item)) is not None:
            with self.portal.work() as uow:
                self._refresh(uow, item)
                self._close(uow, waiting, known)
            return
        known_tables = references(self.portal)
        verdict = validate.validate(
            record,
            known_tables,
            limit=self.portal.settings.validation_limit,
            options=ReadOptions.within(self.portal.settings),
        )
        needs_rule = not verdict.valid or any(
            checked.persons() for checked in verdict.resources
        )
        rule = (
            gate.rule_for(self.portal, self._dataset(item), None, item.content_hash)
            if needs_rule
            else None
        )
        prepared = gate.harvested(self.portal, verdict, rule, previous, known_tables)
        with self.portal.work() as uow:
            item = self._attached(uow, item)
            stored = (
                store.refuse(self.portal, uow, item, verdict)
                if prepared is None
                else store.store(self.portal, uow, item, verdict, prepared)
            )
            self._close(uow, waiting, stored)

    def _dataset(self, item: Item) -> Dataset | None:
        """The dataset that the item became before; a new one is judged as one of its
        source's organization.
        """
        with self.portal.read() as uow:
            known = (
                uow.session.get(Dataset, item.identity.package_id)
                if item.identity
                else None
            )
            return known or Dataset(id="", owner_org=self.source.owner_org)

    def _item(
        self, waiting: HarvestObject, record: DatasetRecord
    ) -> tuple[Item, dict[str, Any]]:
        with self.portal.read() as uow:
            identity = db.find_identity(uow.session, self.source.id, waiting.guid)
            previous = store.manifests_of(uow, identity)
        content_hash = store.content_hash(record)
        return Item(
            self.source,
            waiting.guid,
            record,
            content_hash,
            waiting.fingerprint,
            identity,
        ), previous

    def _known(self, item: Item) -> Stored | None:
        """The outcome of an item that says exactly what it said last time."""
        identity = item.identity
        if identity is None or not identity.present:
            return None
        if identity.content_hash == item.content_hash and identity.refused_hash is None:
            return Stored(UNCHANGED, identity.package_id, identity.report_id)
        if identity.refused_hash == item.content_hash:
            return Stored(REFUSED, identity.package_id, identity.report_id)
        return None

    def _refresh(self, uow: UnitOfWork, item: Item) -> None:
        identity = self._attached(uow, item).identity
        if identity is not None and identity.content_hash == item.content_hash:
            identity.fingerprint = item.fingerprint

    def _attached(self, uow: UnitOfWork, item: Item) -> Item:
        """The item with its identity read again inside this transaction."""
        identity: HarvestIdentity | None = db.find_identity(
            uow.session, self.source.id, item.guid
        )
        return Item(
            self.source,
            item.guid,
            item.record,
            item.content_hash,
            item.fingerprint,
            identity,
        )

    def _close(self, uow: UnitOfWork, waiting: HarvestObject, stored: Stored) -> None:
        """Settle the object in the transaction that stored it, and commit only while
        the job is ours.
        """
        self.lease.hold(uow, advanced=True)
        row = uow.session.get_one(HarvestObject, waiting.id)
        _settle(row, stored.outcome, stored.package_id, report_id=stored.report_id)
        uow.commit()

    def _note(
        self, waiting: HarvestObject, stage: str, code: str, message: str
    ) -> None:
        with self.portal.work() as uow:
            self.lease.hold(uow, advanced=True)
            row = uow.session.get_one(HarvestObject, waiting.id)
            error = {
                "stage": stage,
                "code": code,
                "message": message[: harvest.LONGEST_TEXT],
            }
            _settle(row, ERRORED, None, error=error)
            uow.commit()

    def _delete(self) -> None:
        """Delete what a complete listing no longer names, unless so much vanished that
        the source must be ill.
        """
        with self.portal.read() as uow:
            job = db.get_job(uow.session, self.job.id)
            gone = db.vanished(uow.session, job)
            held = db.count_present(uow.session, [self.source.id])[self.source.id]
            listed = db.list_objects(uow.session, job.id)
        if not gone or not job.listing_complete:
            return
        reason = self._doubt(len(gone), held, [item.guid for item in listed])
        if reason:
            jobs.add_note(
                self.portal,
                self.lease,
                {"code": "deletions-withheld", "message": reason, "count": len(gone)},
            )
            return
        for identity in gone:
            if self.stop.is_set():
                raise Stopped
            self._delete_one(identity)

    def _doubt(self, gone: int, held: int, listed: list[str]) -> str:
        """Why deletions are not believed this time, empty when they are."""
        if not listed:
            return f"The source listed nothing at all; {gone} datasets are kept."
        if any(guid.startswith("?") for guid in listed):
            return (
                f"Some items of the listing had no identifier; {gone} datasets are "
                "kept."
            )
        percent = self.portal.settings.harvest_delete_percent
        if gone > max(FEWEST_DELETIONS, held * percent / 100):
            return (
                f"{gone} of {held} datasets vanished at once, more than {percent} %; "
                "they are kept."
            )
        return ""

    def _delete_one(self, identity: HarvestIdentity) -> None:
        with self.portal.work() as uow:
            self.lease.hold(uow, advanced=True)
            row = uow.session.get_one(HarvestIdentity, identity.id)
            stored = store.remove(self.portal, uow, row)
            uow.session.add(
                HarvestObject(
                    id=new_id(),
                    job_id=self.job.id,
                    source_id=self.source.id,
                    guid=identity.guid,
                    state=DONE,
                    outcome=DELETED,
                    package_id=stored.package_id,
                    finished=now(),
                )
            )
            uow.commit()


def _settle(
    row: HarvestObject,
    outcome: str,
    package_id: str | None,
    *,
    report_id: str | None = None,
    error: dict[str, Any] | None = None,
) -> None:
    row.state, row.outcome, row.package_id, row.report_id, row.finished = (
        DONE,
        outcome,
        package_id,
        report_id,
        now(),
    )
    if error is not None:
        row.errors = [*row.errors, error]
