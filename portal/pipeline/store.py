"""Stage 3, store: a record, its row versions, reports, identity and consequences:
together or not at all.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

import orjson

from portal.db import datasets as db
from portal.db import datastore, holding, people, validation
from portal.db.holding import HeldDataset
from portal.db.uow import UnitOfWork
from portal.domain.base import new_id, now
from portal.domain.datasets import (
    FAILURE,
    HELD,
    OPEN,
    SUCCESS,
    Dataset,
    Resource,
    ValidationReport,
)
from portal.domain.gate import QUARANTINE, ValidationOverride
from portal.domain.harvest import (
    ADDED,
    DELETED,
    REFUSED,
    UNCHANGED,
    UPDATED,
    HarvestIdentity,
    HarvestSource,
)
from portal.pipeline.verdict import CheckedResource, Verdict, part_keys
from portal.runtime import Portal
from portal.tabular.store import Manifest
from schemas import mediatypes
from schemas.datasets import NAME_LONGEST, name_errors
from schemas.record import DatasetRecord
from schemas.vocabularies import MEDIA_TYPES


@dataclass(frozen=True, slots=True)
class Decision:
    """What the gate decided about a table: by which policy ("override": by a person),
    and why it was held if it was.
    """

    policy: str
    published: bool
    reason: str = ""
    detail: str = ""
    bad_rows: int = 0
    override_id: str | None = None
    columns: tuple[str, ...] = ()
    """Columns in which a person let personal data pass."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A resource whose bytes already lie in the stores, content-addressed, named by
    nobody yet.
    """

    checked: CheckedResource
    manifest: Manifest | None = None
    file_key: str | None = None
    decision: Decision | None = None
    quarantine_key: str | None = None

    @property
    def persons(self) -> str:
        """The verdict on personal data that nobody let pass: "error", "hold" or
        nothing.
        """
        return self.checked.persons(self.decision.columns if self.decision else ())

    @property
    def rows_state(self) -> str:
        """Whether its rows are for everybody."""
        return HELD if self.persons else OPEN

    @property
    def file_state(self) -> str:
        """Whether the file itself, with all that stands in it, is for everybody."""
        decided = self.decision
        whole = decided is None or (
            decided.published
            and not (decided.policy == QUARANTINE and decided.bad_rows)
        )
        return OPEN if whole and not self.persons and not self.checked.treated else HELD


@dataclass(frozen=True, slots=True)
class Item:
    """One item of a source on its way into the catalogue: what it says, what it became
    before, and its hash.
    """

    source: HarvestSource
    guid: str
    record: DatasetRecord
    content_hash: str
    fingerprint: str | None
    identity: HarvestIdentity | None


@dataclass(frozen=True, slots=True)
class Stored:
    """What became of an item."""

    outcome: str
    package_id: str | None
    report_id: str | None = None


def content_hash(record: DatasetRecord) -> str:
    """SHA-256 over everything a record says and the bytes of its files: equal means
    that nothing changed.
    """
    plain = asdict(record)
    for resource in plain["resources"]:
        if resource["content"]:
            resource["content"]["parts"] = [
                (part["name"], part["sha256"]) for part in resource["content"]["parts"]
            ]
    return hashlib.sha256(
        orjson.dumps(plain, option=orjson.OPT_SORT_KEYS, default=str)
    ).hexdigest()


def manifests_of(
    uow: UnitOfWork, identity: HarvestIdentity | None
) -> dict[str, Manifest]:
    """The manifests that an item's resources have now, by resource name."""
    dataset = uow.session.get(Dataset, identity.package_id) if identity else None
    found: dict[str, Manifest] = {}
    for resource in dataset.resources if dataset else ():
        version = db.current_version(uow.session, resource)
        if version:
            found[resource.name or ""] = Manifest.from_dict(version.manifest)
    return found


def prepare_one(
    portal: Portal, checked: CheckedResource, previous: Manifest | None
) -> Prepared:
    """Write rows or file into the stores, outside any transaction; what no row names
    later is swept.

    `previous` is the manifest that the resource has now, so that unchanged parts are
    kept.
    """
    if checked.tables and checked.schema is not None:
        return Prepared(
            checked,
            manifest=portal.tables.write(
                checked.tables, checked.schema, previous=previous
            ),
        )
    content = checked.record.content
    if content is None:
        return Prepared(checked)
    return Prepared(checked, file_key=portal.files.put_file(content.parts[0].path).key)


def store(
    portal: Portal,
    uow: UnitOfWork,
    item: Item,
    verdict: Verdict,
    prepared: Sequence[Prepared],
) -> Stored:
    """Keep a valid item inside the caller's transaction and ask for its indexing and
    publication.
    """
    dataset, fresh = _dataset(uow, item)
    deleted_here = (
        dataset.state == "deleted"
        and item.identity is not None
        and item.identity.present
    )
    # What a person deleted here stays deleted, and what is a draft there is one here.
    state = "deleted" if deleted_here else item.record.state
    revived = dataset.state != "active" and state == "active"
    changed = _describe(portal, uow, item, dataset, verdict, prepared, state=state)
    report = _report(uow, dataset, None, verdict.valid, verdict.to_dict())
    identity = _identity(uow, item, dataset)
    identity.fingerprint, identity.content_hash, identity.refused_hash = (
        item.fingerprint,
        item.content_hash,
        None,
    )
    identity.present, identity.report_id = True, report.id
    outcome = UPDATED if changed else UNCHANGED
    if fresh or revived:
        outcome = ADDED
    uow.audit(
        None, "harvest", "Dataset", dataset.id, source=item.source.name, outcome=outcome
    )
    return Stored(outcome, dataset.id, report.id)


def refuse(portal: Portal, uow: UnitOfWork, item: Item, verdict: Verdict) -> Stored:
    """Keep the report of an item that is not valid. Its last good version stays as it
    is; a new one stays a draft.
    """
    dataset, fresh = _dataset(uow, item)
    if fresh:
        _describe(portal, uow, item, dataset, verdict, (), state="draft")
    elif dataset.is_public and (item.record.private or item.record.state != "active"):
        # The rest of the new description is refused; that it is not for everybody any
        # more is believed at once.
        dataset.private = True
        db.save(uow, dataset, portal.settings.site_url)
    report = _report(uow, dataset, None, False, verdict.to_dict())
    identity = _identity(uow, item, dataset)
    identity.refused_hash, identity.report_id, identity.present = (
        item.content_hash,
        report.id,
        True,
    )
    uow.audit(
        None, "harvest", "Dataset", dataset.id, source=item.source.name, outcome=REFUSED
    )
    return Stored(REFUSED, dataset.id, report.id)


def remove(portal: Portal, uow: UnitOfWork, identity: HarvestIdentity) -> Stored:
    """Delete (softly) the dataset of an item that its source no longer lists."""
    identity.present, identity.fingerprint, identity.content_hash = False, None, None
    dataset = holding.find_dataset(uow, identity.package_id)
    if dataset is not None and dataset.state != "deleted":
        dataset.state = "deleted"
        db.save(uow, dataset, portal.settings.site_url)
        uow.audit(None, "harvest", "Dataset", dataset.id, outcome=DELETED)
    return Stored(DELETED, identity.package_id)


def withdraw(portal: Portal, uow: UnitOfWork, item: Item) -> Stored:
    """Follow a source that lists an item as deleted: ours goes too, and one that we
    never had is not made.
    """
    identity = item.identity
    if identity is None or not identity.present:
        return Stored(UNCHANGED, identity.package_id if identity else None)
    return remove(portal, uow, identity)


def _dataset(uow: UnitOfWork, item: Item) -> tuple[HeldDataset, bool]:
    """The item's dataset, held, and whether it is a new one."""
    known = (
        holding.find_dataset(uow, item.identity.package_id) if item.identity else None
    )
    if known is not None:
        return known, False
    wanted = item.record.id
    taken = wanted is None or uow.session.get(Dataset, wanted) is not None
    fresh = Dataset(
        id=new_id() if taken or wanted is None else wanted, name="", state="draft"
    )
    return holding.new_dataset(uow, fresh), True


def _describe(
    portal: Portal,
    uow: UnitOfWork,
    item: Item,
    dataset: HeldDataset,
    verdict: Verdict,
    prepared: Sequence[Prepared],
    *,
    state: str,
) -> bool:
    name = _free_name(portal, uow, item.record.name, dataset.id)
    record = replace(
        item.record,
        name=name,
        state=state,
        resources=tuple(c.record for c in verdict.resources),
    )
    owner = (
        people.find_group(uow.session, record.owner_org, organization=True)
        if record.owner_org
        else None
    )
    dataset.owner_org = owner.id if owner else item.source.owner_org
    found = (
        people.find_group(uow.session, group, organization=False)
        for group in record.groups
    )
    groups = [group.id for group in found if group is not None]
    db.describe(uow, dataset, record, groups)
    for resource, ready in zip(dataset.resources, prepared, strict=False):
        attach(uow, dataset, resource, ready)
    return db.save(uow, dataset, portal.settings.site_url)


def attach(
    uow: UnitOfWork,
    dataset: Dataset,
    resource: Resource,
    ready: Prepared,
    run: ValidationReport | None = None,
    *,
    link: bool = False,
) -> None:
    """Point a resource at the verdict, and at the rows or the file, that were prepared
    for it.

    An uploaded resource keeps its own file as what it serves, a `link` its address; a
    harvested one serves its rows. `run` is the report that was begun for it, where one
    was.
    """
    report: ValidationReport | None = None
    if ready.checked.report is not None:
        report = _report(
            uow, dataset, resource, ready.checked.report.valid, _body(ready), run
        )
        resource.validation_status, resource.validation_report_id = (
            report.status,
            report.id,
        )
        resource.validation_timestamp = report.finished
    if ready.manifest is not None:
        _new_version(uow, resource, ready, ready.manifest, link=link)
        if report is not None:
            report.version_id = resource.version_id
            _quarantine(uow, report, ready)
    elif ready.file_key is not None and ready.file_key != resource.file_key:
        _new_file(resource, ready, ready.file_key)
    _carry_on(uow, resource, ready)
    if resource.file_key:
        resource.file_access = ready.file_state
    elif ready.manifest is None and ready.persons:
        resource.rows_access = HELD  # a link is closed by what was loaded of it


def _carry_on(uow: UnitOfWork, resource: Resource, ready: Prepared) -> None:
    """Let the decision by which something was published count for what is stored of it,
    when that is judged anew.
    """
    decided, content = (
        ready.decision,
        ready.manifest.fingerprint if ready.manifest else ready.file_key,
    )
    if decided is None or not decided.override_id or not content:
        return
    origin = uow.session.get(ValidationOverride, decided.override_id)
    if origin is not None:
        uow.session.flush()
        validation.carry_on(uow.session, origin, resource.id, [content])
        # The next trip knows its files again, those that came since as well.
        if resource.url_type == "harvest":
            validation.carry_on(
                uow.session, origin, None, part_keys(ready.checked.record)
            )


def _quarantine(uow: UnitOfWork, report: ValidationReport, ready: Prepared) -> None:
    if ready.quarantine_key and ready.decision:
        validation.set_quarantine(
            uow.session, report, ready.decision.bad_rows, ready.quarantine_key
        )
    else:
        validation.clear_quarantine(uow.session, report.resource_id or "")


def _body(ready: Prepared) -> dict[str, object]:
    report = ready.checked.report
    return {
        "valid": report.valid if report else True,
        "report": report.to_dict() if report else {},
        "samples": dict(ready.checked.samples),
        "decision": asdict(ready.decision) if ready.decision else {},
        "persons": ready.persons,
        "treated_by": ready.checked.treated_by if ready.manifest is not None else "",
    }


def _new_version(
    uow: UnitOfWork,
    resource: Resource,
    ready: Prepared,
    manifest: Manifest,
    *,
    link: bool,
) -> None:
    if resource.url_type != "upload" and not link:
        resource.url_type, resource.file_name = "harvest", f"{_stem(resource)}.csv"
        resource.format, resource.mimetype, resource.hash = (
            "CSV",
            MEDIA_TYPES["CSV"],
            manifest.fingerprint,
        )
    datastore.new_version(uow, resource, manifest, ready.rows_state)


def _new_file(resource: Resource, ready: Prepared, key: str) -> None:
    content = ready.checked.record.content
    part = content.parts[0] if content else None
    resource.url_type, resource.file_key = "harvest", key
    resource.file_name = part.name if part else resource.id
    resource.size, resource.hash, resource.last_modified = (
        part.size if part else None,
        key,
        now(),
    )
    resource.mimetype = MEDIA_TYPES.get(resource.format) or mediatypes.guessed(
        resource.file_name
    )


def _stem(resource: Resource) -> str:
    name = "".join(
        c if c.isascii() and (c.isalnum() or c in "-_") else "-"
        for c in (resource.name or "").lower()
    )
    return name.strip("-") or resource.id


def _report(
    uow: UnitOfWork,
    dataset: Dataset,
    resource: Resource | None,
    valid: bool,
    body: dict[str, object],
    run: ValidationReport | None = None,
) -> ValidationReport:
    report = run or ValidationReport(
        id=new_id(),
        package_id=dataset.id,
        resource_id=resource.id if resource else None,
    )
    report.status, report.body, report.error = SUCCESS if valid else FAILURE, body, None
    report.finished, report.file_key = now(), resource.file_key if resource else None
    uow.session.add(report)
    return report


def _identity(uow: UnitOfWork, item: Item, dataset: Dataset) -> HarvestIdentity:
    identity = item.identity
    if identity is None:
        identity = HarvestIdentity(
            source_id=item.source.id, guid=item.guid, package_id=dataset.id
        )
        uow.session.add(identity)
    identity.package_id = dataset.id
    return identity


def _free_name(portal: Portal, uow: UnitOfWork, wanted: str, own_id: str) -> str:
    """The name as wanted where it may be, else with the first number that makes it
    free.
    """
    cleaned = "".join(
        c if c.isascii() and (c.isalnum() or c in "-_") else "-" for c in wanted.lower()
    )
    base = cleaned.strip("-")[: NAME_LONGEST - 5]
    base = base if not name_errors(base) else f"dataset-{base}".rstrip("-")
    names = (base if number == 1 else f"{base}-{number}" for number in range(1, 10_000))
    return next(
        name
        for name in names
        if db.free_name(uow, name, portal.settings.site_url, own_id)
    )
