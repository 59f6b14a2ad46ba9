"""Stage 3, store: a record, its row versions, reports, identity and consequences,
together or not at all.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

import orjson

from portal.db import datasets as db
from portal.db import holding, people
from portal.db.holding import HeldDataset
from portal.db.uow import UnitOfWork
from portal.domain.base import new_id
from portal.domain.datasets import Dataset
from portal.domain.harvest import (
    ADDED,
    DELETED,
    REFUSED,
    UNCHANGED,
    UPDATED,
    HarvestIdentity,
    HarvestSource,
)
from portal.pipeline.attach import attach, write_report
from portal.pipeline.prepared import Prepared
from portal.pipeline.verdict import Verdict
from portal.runtime import Portal
from portal.tabular.store import Manifest
from schemas.datasets import NAME_LONGEST, name_errors
from schemas.record import DatasetRecord

MOST_NUMBERED = 10_000
"""So many datasets may want the same name."""


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
class Outcome:
    """What became of an item: `kind` is one of the outcomes of harvest objects."""

    kind: str
    package_id: str | None
    report_id: str | None = None


def content_hash(record: DatasetRecord) -> str:
    """SHA-256 over everything a record says and the bytes of its files: equal means
    that nothing changed.
    """
    body = asdict(record)
    for resource in body["resources"]:
        content = resource["content"]
        if content:
            # Names and hashes alone: a file lies in another folder each time.
            content["parts"] = [
                (part["name"], part["sha256"]) for part in content["parts"]
            ]
    text = orjson.dumps(body, option=orjson.OPT_SORT_KEYS, default=str)
    return hashlib.sha256(text).hexdigest()


def manifests_of(
    uow: UnitOfWork, identity: HarvestIdentity | None
) -> dict[str, Manifest]:
    """The manifests that an item's resources have now, by resource name."""
    dataset = uow.session.get(Dataset, identity.package_id) if identity else None
    manifests: dict[str, Manifest] = {}
    for resource in dataset.resources if dataset else ():
        version = db.current_version(uow.session, resource)
        if version:
            manifests[resource.name or ""] = Manifest.from_dict(version.manifest)
    return manifests


def store(
    portal: Portal,
    uow: UnitOfWork,
    item: Item,
    verdict: Verdict,
    prepared: Sequence[Prepared],
) -> Outcome:
    """Keep a valid item inside the caller's transaction and ask for its indexing and
    publication.
    """
    dataset, fresh = _dataset(uow, item)
    # What a person deleted here stays deleted, and what is a draft there is one here.
    harvested_before = item.identity is not None and item.identity.present
    deleted_here = dataset.state == "deleted" and harvested_before
    state = "deleted" if deleted_here else item.record.state
    revived = dataset.state != "active" and state == "active"
    changed = _describe(portal, uow, item, dataset, verdict, prepared, state=state)
    report = write_report(uow, dataset, None, verdict.valid, verdict.to_dict())
    identity = _identity(uow, item, dataset)
    identity.fingerprint = item.fingerprint
    identity.content_hash, identity.refused_hash = item.content_hash, None
    identity.present, identity.report_id = True, report.id
    kind = UPDATED if changed else UNCHANGED
    if fresh or revived:
        kind = ADDED
    _audit(uow, item, dataset, kind)
    return Outcome(kind, dataset.id, report.id)


def refuse(portal: Portal, uow: UnitOfWork, item: Item, verdict: Verdict) -> Outcome:
    """Keep the report of an item that is not valid. Its last good version stays as it
    is; a new one stays a draft.
    """
    dataset, fresh = _dataset(uow, item)
    closed_there = item.record.private or item.record.state != "active"
    if fresh:
        _describe(portal, uow, item, dataset, verdict, (), state="draft")
    elif dataset.is_public and closed_there:
        # The rest of the new description is refused; that it is not for everybody any
        # more is believed at once.
        dataset.private = True
        db.save(uow, dataset, portal.settings.site_url)
    report = write_report(uow, dataset, None, False, verdict.to_dict())
    identity = _identity(uow, item, dataset)
    identity.present, identity.report_id = True, report.id
    # The hash of what is published stays beside it: a source that goes back to that is
    # known to say nothing new.
    identity.refused_hash = item.content_hash
    _audit(uow, item, dataset, REFUSED)
    return Outcome(REFUSED, dataset.id, report.id)


def remove(portal: Portal, uow: UnitOfWork, identity: HarvestIdentity) -> Outcome:
    """Delete (softly) the dataset of an item that its source no longer lists."""
    # Without its signs the item is fetched and stored whole, should it come back.
    identity.present, identity.fingerprint, identity.content_hash = False, None, None
    dataset = holding.find_dataset(uow, identity.package_id)
    if dataset is not None and dataset.state != "deleted":
        dataset.state = "deleted"
        db.save(uow, dataset, portal.settings.site_url)
        uow.audit(None, "harvest", "Dataset", dataset.id, outcome=DELETED)
    return Outcome(DELETED, identity.package_id)


def withdraw(portal: Portal, uow: UnitOfWork, item: Item) -> Outcome:
    """Follow a source that lists an item as deleted: ours goes too, and one that we
    never had is not made.
    """
    identity = item.identity
    if identity is None or not identity.present:
        return Outcome(UNCHANGED, identity.package_id if identity else None)
    return remove(portal, uow, identity)


def _audit(uow: UnitOfWork, item: Item, dataset: Dataset, kind: str) -> None:
    source = item.source.name
    uow.audit(None, "harvest", "Dataset", dataset.id, source=source, outcome=kind)


def _dataset(uow: UnitOfWork, item: Item) -> tuple[HeldDataset, bool]:
    """The item's dataset, held, and whether it is a new one."""
    if item.identity is not None:
        earlier = holding.find_dataset(uow, item.identity.package_id)
        if earlier is not None:
            return earlier, False
    # Another CKAN's id goes on where it is free, so that its links lead here too.
    wanted = item.record.id
    is_free = wanted is not None and uow.session.get(Dataset, wanted) is None
    dataset_id = wanted if wanted is not None and is_free else new_id()
    fresh = Dataset(id=dataset_id, name="", state="draft")
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
    """Write the record into the dataset; whether anything changed."""
    record = replace(
        item.record,
        name=_free_name(portal, uow, item.record.name, dataset.id),
        state=state,
        resources=tuple(checked.record for checked in verdict.resources),
    )
    dataset.owner_org = _owner(uow, record) or item.source.owner_org
    db.describe(uow, dataset, record, _group_ids(uow, record))
    # Not strict: an item that is refused is described without anything prepared.
    for resource, ready in zip(dataset.resources, prepared, strict=False):
        attach(uow, dataset, resource, ready)
    return db.save(uow, dataset, portal.settings.site_url)


def _owner(uow: UnitOfWork, record: DatasetRecord) -> str | None:
    """The id of the organization that the record names; None where there is none such
    here.
    """
    if not record.owner_org:
        return None
    owner = people.find_group(uow.session, record.owner_org, organization=True)
    return owner.id if owner else None


def _group_ids(uow: UnitOfWork, record: DatasetRecord) -> list[str]:
    """Ids of the groups that the record names, of those that are here."""
    groups = (
        people.find_group(uow.session, name, organization=False)
        for name in record.groups
    )
    return [group.id for group in groups if group is not None]


def _identity(uow: UnitOfWork, item: Item, dataset: Dataset) -> HarvestIdentity:
    """The identity of the item, a new one where it had none, tied to this dataset."""
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
    allowed = (
        sign if sign.isascii() and (sign.isalnum() or sign in "-_") else "-"
        for sign in wanted.lower()
    )
    # Room for a hyphen and four digits stays behind it.
    base = "".join(allowed).strip("-")[: NAME_LONGEST - 5]
    if name_errors(base):
        base = f"dataset-{base}".rstrip("-")
    site_url = portal.settings.site_url
    for number in range(1, MOST_NUMBERED):
        name = base if number == 1 else f"{base}-{number}"
        if db.free_name(uow, name, site_url, own_id):
            return name
    raise RuntimeError(f"all names like {base} are taken")
