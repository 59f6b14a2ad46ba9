"""One harvest object brought to its outcome: fetched, validated, stored or refused,
whatever happens to it.
"""

from __future__ import annotations

import logging
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from harvesters.base import ItemError, SourceAdapter, SourceError
from portal.db import harvest as db
from portal.db.harvest import LeaseLost
from portal.db.uow import UnitOfWork
from portal.domain.base import now
from portal.domain.datasets import Dataset
from portal.domain.harvest import (
    DONE,
    ERRORED,
    REFUSED,
    UNCHANGED,
    HarvestObject,
    HarvestSource,
)
from portal.errors import Invalid
from portal.pipeline import gate, harvest, store, validate
from portal.pipeline.gate import Rule
from portal.pipeline.job_lease import JobLease
from portal.pipeline.references import references
from portal.pipeline.store import Item, Outcome
from portal.pipeline.verdict import Verdict
from portal.reading import ReadOptions
from portal.runtime import Portal
from portal.tabular.store import Manifest
from schemas.record import DatasetRecord

UNEXPECTED = "An unexpected error; the portal's log names it by this object."
log = logging.getLogger(__name__)


class ObjectImport:
    """Brings the objects of one source into the catalogue, one at a time."""

    def __init__(
        self,
        portal: Portal,
        source: HarvestSource,
        adapter: SourceAdapter,
        lease: JobLease,
    ) -> None:
        self._portal, self._source = portal, source
        self._adapter, self._lease = adapter, lease

    def run(self, waiting: HarvestObject) -> None:
        """Bring one object to its outcome, whatever happens to it. Raises LeaseLost."""
        # Below the data folder, where the sweep finds what a killed worker leaves.
        work = self._portal.settings.data_dir / "work"
        work.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=f"{waiting.job_id[:8]}-", dir=work))
        try:
            if not self._settle_unchanged(waiting):
                record = harvest.fetch(self._adapter, waiting, folder)
                self._import(waiting, record)
        except (ItemError, SourceError) as error:
            self._settle_error(waiting, "harvest", error.code, error.message)
        except Invalid as problem:
            self._settle_error(waiting, "store", "personal-data", problem.message)
        except LeaseLost:
            raise
        except Exception:
            # One bad item never stops the rest; what it was is in the log, not in the
            # report that people read.
            log.exception("harvest object %s failed", waiting.id)
            self._settle_error(waiting, "store", "internal", UNEXPECTED)
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _settle_unchanged(self, waiting: HarvestObject) -> bool:
        """Whether the source's own sign says that there is nothing to fetch; then the
        object is settled.
        """
        if waiting.fingerprint is None:
            return False
        with self._portal.work() as uow:
            identity = db.find_identity(uow.session, self._source.id, waiting.guid)
            if identity is None or not identity.present:
                return False
            if identity.fingerprint != waiting.fingerprint:
                return False
            outcome = Outcome(UNCHANGED, identity.package_id, identity.report_id)
            self._close(uow, waiting, outcome)
        return True

    def _import(self, waiting: HarvestObject, record: DatasetRecord) -> None:
        """Validate and store one record; one that its source calls deleted is
        removed.
        """
        item, previous = self._item(waiting, record)
        if record.state == "deleted":
            with self._portal.work() as uow:
                current = self._reread(uow, item)
                self._close(uow, waiting, store.withdraw(self._portal, uow, current))
            return
        earlier = earlier_outcome(item)
        if earlier is not None:
            with self._portal.work() as uow:
                self._renew_fingerprint(uow, item)
                self._close(uow, waiting, earlier)
            return
        self._validate_and_store(waiting, item, previous)

    def _validate_and_store(
        self, waiting: HarvestObject, item: Item, previous: dict[str, Manifest]
    ) -> None:
        """Check a record, write its files and rows, then store or refuse it in one
        transaction.
        """
        lookup = references(self._portal)
        verdict = validate.validate(
            item.record,
            lookup,
            limit=self._portal.settings.validation_limit,
            options=ReadOptions.within(self._portal.settings),
        )
        rule = self._rule(item, verdict)
        # Files and rows are written before the transaction and named by it alone: no
        # lock is held meanwhile, and what a crash leaves is swept.
        prepared = gate.decide_record(self._portal, verdict, rule, previous, lookup)
        with self._portal.work() as uow:
            current = self._reread(uow, item)
            if prepared is None:
                outcome = store.refuse(self._portal, uow, current, verdict)
            else:
                outcome = store.store(self._portal, uow, current, verdict, prepared)
            self._close(uow, waiting, outcome)

    def _rule(self, item: Item, verdict: Verdict) -> Rule | None:
        """The gate's rule for an item; None where nothing is in question."""
        persons = any(checked.persons() for checked in verdict.resources)
        if verdict.valid and not persons:
            return None
        dataset = self._dataset(item)
        return gate.rule_for(self._portal, dataset, None, item.content_hash)

    def _dataset(self, item: Item) -> Dataset:
        """The dataset that the item became before; a new one is decided on as one of
        its source's organization.
        """
        earlier: Dataset | None = None
        if item.identity is not None:
            with self._portal.read() as uow:
                earlier = uow.session.get(Dataset, item.identity.package_id)
        return earlier or Dataset(id="", owner_org=self._source.owner_org)

    def _item(
        self, waiting: HarvestObject, record: DatasetRecord
    ) -> tuple[Item, dict[str, Manifest]]:
        """The item, and the manifests that its resources have now, by their names."""
        with self._portal.read() as uow:
            identity = db.find_identity(uow.session, self._source.id, waiting.guid)
            previous = store.manifests_of(uow, identity)
        item = Item(
            self._source,
            waiting.guid,
            record,
            store.content_hash(record),
            waiting.fingerprint,
            identity,
        )
        return item, previous

    def _renew_fingerprint(self, uow: UnitOfWork, item: Item) -> None:
        """A source may give a new sign to what it did not change: next time that sign
        saves the fetch.
        """
        identity = self._reread(uow, item).identity
        if identity is not None and identity.content_hash == item.content_hash:
            identity.fingerprint = item.fingerprint

    def _reread(self, uow: UnitOfWork, item: Item) -> Item:
        """The item with its identity read again inside this transaction."""
        identity = db.find_identity(uow.session, self._source.id, item.guid)
        return replace(item, identity=identity)

    def _close(self, uow: UnitOfWork, waiting: HarvestObject, outcome: Outcome) -> None:
        """Settle the object in the transaction that stored it, and commit only while
        the job is ours.
        """
        # The lease last, right before the commit: a worker that slept meanwhile finds
        # here that another has the job, and everything above is undone.
        self._lease.renew(uow, advanced=True)
        row = uow.session.get_one(HarvestObject, waiting.id)
        settle_object(
            row, outcome.kind, outcome.package_id, report_id=outcome.report_id
        )
        uow.commit()

    def _settle_error(
        self, waiting: HarvestObject, stage: str, code: str, message: str
    ) -> None:
        """Settle an object as errored, with where and why; the job goes on."""
        short = message[: harvest.LONGEST_TEXT]
        error = {"stage": stage, "code": code, "message": short}
        with self._portal.work() as uow:
            self._lease.renew(uow, advanced=True)
            row = uow.session.get_one(HarvestObject, waiting.id)
            settle_object(row, ERRORED, None, error=error)
            uow.commit()


def earlier_outcome(item: Item) -> Outcome | None:
    """The outcome of an item that says exactly what it said last time; None when it
    says something new.
    """
    identity = item.identity
    if identity is None or not identity.present:
        return None
    if identity.refused_hash == item.content_hash:
        return Outcome(REFUSED, identity.package_id, identity.report_id)
    if identity.refused_hash is None and identity.content_hash == item.content_hash:
        return Outcome(UNCHANGED, identity.package_id, identity.report_id)
    return None


def settle_object(
    row: HarvestObject,
    outcome: str,
    package_id: str | None,
    *,
    report_id: str | None = None,
    error: dict[str, Any] | None = None,
) -> None:
    """Write the outcome into an object; with `error` ({stage, code, message}) it is
    added to those of earlier tries.
    """
    row.state, row.finished = DONE, now()
    row.outcome, row.package_id, row.report_id = outcome, package_id, report_id
    if error is not None:
        row.errors = [*row.errors, error]
