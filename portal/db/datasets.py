"""Questions about datasets, resources, tags, row versions and reports."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import ColumnElement, bindparam, delete, func, or_, select
from sqlalchemy.orm import Session, object_session

from portal.db import (
    activity,
    followers,
    group_datasets,
    holding,
    looks,
    relationships,
    scores,
    tags,
    validation,
    vocabularies,
)
from portal.db.holding import HeldDataset
from portal.db.quick import Quick
from portal.db.uow import UnitOfWork
from portal.domain import activity as kinds
from portal.domain.base import now, stamp
from portal.domain.datasets import (
    OPEN,
    Dataset,
    DatasetTag,
    Resource,
    ShownDataset,
    TableVersion,
    Tag,
    ValidationReport,
)
from portal.domain.datastore import TableAlias, TableLoad
from portal.domain.events import (
    FINGERPRINT_LETTERS,
    FORGET,
    INDEX,
    QUALITY,
    RENDER,
    OutboxRow,
)
from portal.domain.rendering import Around, package_dict, unchanged
from portal.errors import Invalid, NotFound
from portal.quality import personal
from portal.quality.personal import public_texts
from schemas.package_dict import PackageDict, read_package
from schemas.record import DatasetRecord

NOTHING = b"{}"
"""What a dataset says that was never rendered."""


def find_dataset(session: Session, name_or_id: str) -> Dataset | None:
    """A dataset by id or name (case matters), whatever its state."""
    return session.scalars(
        select(Dataset)
        .where(or_(Dataset.id == name_or_id, Dataset.name == name_or_id))
        .limit(2)
    ).first()


_SHOWN = Quick(
    select(*(getattr(Dataset, name) for name in ShownDataset._fields))
    .where(or_(Dataset.id == bindparam("key"), Dataset.name == bindparam("key")))
    .limit(1)
)
"""Built once: the hottest read of all asks for nothing that it does not need."""


def get_shown(uow: UnitOfWork, name_or_id: str) -> ShownDataset:
    """A dataset to be shown, by id or name (case matters); NotFound otherwise."""
    row = uow.first(_SHOWN, {"key": name_or_id})
    if row is None:
        raise NotFound("Not found")
    return ShownDataset(*row)


def get_dataset(session: Session, name_or_id: str) -> Dataset:
    """As `find_dataset`; NotFound otherwise."""
    dataset = find_dataset(session, name_or_id)
    if dataset is None:
        raise NotFound("Not found")
    return dataset


def find_resource(
    session: Session, resource_id: str
) -> tuple[Resource, Dataset] | None:
    """A resource that is not deleted, with its dataset."""
    row = session.execute(
        select(Resource, Dataset)
        .join(Dataset, Dataset.id == Resource.package_id)
        .where(Resource.id == resource_id, Resource.state == "active")
    ).first()
    return (row[0], row[1]) if row else None


def get_resource(session: Session, resource_id: str) -> tuple[Resource, Dataset]:
    """As `find_resource`; NotFound otherwise."""
    found = find_resource(session, resource_id)
    if found is None:
        raise NotFound("Not found: Resource was not found.")
    return found


def list_names(
    session: Session,
    where: ColumnElement[bool],
    limit: int | None = None,
    offset: int = 0,
) -> Sequence[str]:
    """Names of datasets, in order."""
    return session.scalars(
        select(Dataset.name)
        .where(where)
        .order_by(Dataset.name)
        .limit(limit)
        .offset(offset)
    ).all()


def list_rendered(
    session: Session, where: ColumnElement[bool], limit: int, offset: int
) -> Sequence[bytes]:
    """Rendered package dicts, newest modified first."""
    return session.scalars(
        select(Dataset.rendered)
        .where(where)
        .order_by(Dataset.metadata_modified.desc(), Dataset.id.desc())
        .limit(limit)
        .offset(offset)
    ).all()


def list_after(
    session: Session, where: ColumnElement[bool], after: str, limit: int
) -> Sequence[tuple[str, bytes]]:
    """(id, rendered package dict) in the order of ids, from behind one id on: pages
    that nothing can shift.
    """
    query = (
        select(Dataset.id, Dataset.rendered)
        .where(where, Dataset.id > after)
        .order_by(Dataset.id)
        .limit(limit)
    )
    return [(row[0], row[1]) for row in session.execute(query)]


def state_of(session: Session, where: ColumnElement[bool]) -> tuple[int, ...]:
    """Numbers that change whenever one of these datasets is added, changed or
    removed.
    """
    counted = select(
        func.count(), func.max(Dataset.revision), func.sum(Dataset.revision)
    ).where(where)
    return tuple(int(number or 0) for number in session.execute(counted).one())


def tags_named(session: Session, names: Iterable[str]) -> list[Tag]:
    """Free tags by name, made where there are none; they cannot be deleted until this
    transaction ends.
    """
    wanted = sorted(set(names))
    if not wanted:
        return []
    free = select(Tag).where(Tag.name.in_(wanted), Tag.vocabulary_id.is_(None))
    known = {
        tag.name: tag
        for tag in session.scalars(free.with_for_update(read=True, key_share=True))
    }
    known |= tags.made(session, [name for name in wanted if name not in known])
    return [known[name] for name in wanted]


def tags_of_vocabularies(
    session: Session, pairs: Iterable[tuple[str, str]]
) -> list[Tag]:
    """Tags of vocabularies: (vocabulary id or name, tag name); pairs that do not exist
    are left out.
    """
    found: dict[str, Tag] = {}
    for vocabulary_name, name in pairs:
        vocabulary = vocabularies.find(session, vocabulary_name)
        tag = (
            vocabularies.find_tag(session, name, vocabulary.id) if vocabulary else None
        )
        steady = (
            session.get(Tag, tag.id, with_for_update={"read": True, "key_share": True})
            if tag
            else None
        )
        if steady is not None:
            found[steady.id] = steady
    return list(found.values())


def anew(session: Session, dataset: Dataset, site_url: str) -> PackageDict:
    """The whole package dict, rendered from nothing but rows as they are now."""
    session.flush()
    # Only what is there can have relationships.
    shown_before = dataset.rendered != NOTHING
    groups = group_datasets.steady_groups_of(session, dataset.id, dataset.owner_org)
    around = Around(
        organization=next(
            (group for group in groups if group.id == dataset.owner_org), None
        ),
        groups=tuple(group for group in groups if not group.is_organization),
        related=tuple(relationships.related_in_public(session, dataset.id))
        if shown_before
        else (),
        vocabularies=vocabularies.names(
            session, (tag.vocabulary_id for tag in dataset.tags if tag.vocabulary_id)
        ),
    )
    return package_dict(dataset, around, site_url)


def rendered_before(dataset: Dataset) -> PackageDict | None:
    """The package dict that a dataset has now; None where it was never rendered."""
    return None if dataset.rendered == NOTHING else read_package(dataset.rendered)


def render(
    session: Session, dataset: HeldDataset, site_url: str, *, quiet: bool = False
) -> bool:
    """Render the dataset again; tell whether it says anything new.

    A change gives it a new revision and modification time; `quiet` keeps the time (for
    changes that are not the publisher's own, such as a new title of its organization).
    """
    fresh = anew(session, dataset, site_url)
    before = rendered_before(dataset)
    if before and unchanged(before, orjson.loads(orjson.dumps(fresh))):
        return False
    own_keys = {key: value for key, value in fresh.items() if key not in AROUND}
    # What nobody outside could read was never looked at, so it counts as new.
    opened = before and not before["private"] and before["state"] != "deleted"
    refuse_persons(dataset, own_keys, before if before and opened else {})
    dataset.touch(dataset.metadata_modified if quiet else now())
    fresh["metadata_modified"] = stamp(dataset.metadata_modified)
    dataset.rendered = orjson.dumps(fresh)
    session.flush()
    return True


AROUND = (
    "organization",
    "groups",
    "relationships_as_subject",
    "relationships_as_object",
)
"""What a package dict says of others, who answer for it themselves."""


def refuse_persons(
    dataset: Dataset, said: Mapping[str, Any], known: Mapping[str, Any]
) -> None:
    """Raise Invalid when an open dataset says a citizen number in a text that it has
    not said before (`known`).
    """
    wrong = (
        public_texts.errors(said, known)
        if dataset.is_open and dataset.state != "deleted"
        else {}
    )
    if wrong:
        raise Invalid(wrong)


def describe(
    uow: UnitOfWork,
    dataset: HeldDataset,
    record: DatasetRecord,
    group_ids: Iterable[str],
) -> None:
    """Take over a record into a new or known dataset, with its tags and groups; `save`
    then renders it.

    The owner is the caller's to set.
    """
    new, groups = not object_session(dataset), list(group_ids)
    dataset.describe(record)
    dataset.tags = [
        *tags_named(uow.session, record.tags),
        *tags_of_vocabularies(uow.session, record.vocabulary_tags),
    ]
    uow.session.add(dataset)
    uow.session.flush()
    if groups or not new:
        group_datasets.set_groups(uow.session, dataset.id, groups)


def save(
    uow: UnitOfWork, dataset: HeldDataset, site_url: str, *, quiet: bool = False
) -> bool:
    """Render a dataset that may have changed and, if it did, have it indexed after the
    commit and noted as an activity.

    `quiet` is for changes that are not the publisher's own: they leave no activity.
    When a dataset appears to the public, disappears from it or changes its name, those
    that are related to it are rendered again afterwards.
    """
    uow.require_held(dataset.id)
    before = rendered_before(dataset)
    looks.close_untreated(dataset, before)
    looks.await_looks(uow, dataset.resources)
    if not render(uow.session, dataset, site_url, quiet=quiet):
        return False
    deed = "deleted" if dataset.state == "deleted" else "changed"
    if not before:
        deed = "new"
    note_change(uow, dataset, None if quiet else deed)
    if before and _told_elsewhere(before) != (dataset.is_public, dataset.name):
        uow.later_for_each(
            RENDER, relationships.list_related_ids(uow.session, dataset.id)
        )
    return True


def _told_elsewhere(package: PackageDict) -> tuple[bool, str]:
    """What the package dicts of related datasets say of this one: whether it is there
    for everybody, and its name.
    """
    return package["state"] == "active" and not package["private"], package["name"]


def note_change(uow: UnitOfWork, dataset: Dataset, deed: str | None) -> None:
    """Ask for the consequences of a change that is rendered; `deed` is what its
    activity says, None leaves none.
    """
    uow.later(INDEX, dataset.id)
    uow.later(QUALITY, dataset.id)
    if deed:
        activity.note(
            uow,
            kinds.DATASET,
            dataset.id,
            deed,
            dataset.rendered,
            public=dataset.is_public,
        )


def set_modified(uow: UnitOfWork, dataset: HeldDataset, moment: datetime) -> None:
    """Say when a dataset was modified, in place of the clock."""
    uow.require_held(dataset.id)
    dataset.touch(moment)
    package = read_package(dataset.rendered)
    package["metadata_modified"] = stamp(moment)
    dataset.rendered = orjson.dumps(package)
    uow.session.flush()
    uow.later(INDEX, dataset.id)


_HOLDER = select(Dataset.id, Dataset.state).where(Dataset.name == bindparam("name"))


def free_name(
    uow: UnitOfWork, name: str, site_url: str, own_id: str | None = None
) -> bool:
    """Whether a dataset may take this name; a deleted dataset gives its own up and is
    called by its id.
    """
    taken = uow.session.execute(_HOLDER, {"name": name}).first()
    if taken is None or taken.id == own_id:
        return True
    if taken.state != "deleted":
        return False
    holder = holding.held_beside(uow, taken.id, own_id)
    if holder is None or holder.name != name or holder.state != "deleted":
        return False
    holder.name = holder.id
    save(uow, holder, site_url, quiet=True)
    return True


def purge(uow: UnitOfWork, dataset: HeldDataset) -> None:
    """Remove a dataset and everything that hangs on it, for good, from the index as
    well.
    """
    uow.require_held(dataset.id)
    session = uow.session
    uow.later_for_each(RENDER, relationships.list_related_ids(session, dataset.id))
    uow.later(INDEX, dataset.id)
    ids = [resource.id for resource in dataset.all_resources]
    copies = session.scalars(
        select(TableVersion.fingerprint)
        .where(TableVersion.resource_id.in_(ids))
        .distinct()
    )
    session.add_all(
        OutboxRow(topic=FORGET, entity_id=each[:FINGERPRINT_LETTERS]) for each in copies
    )
    for kind in (TableVersion, TableAlias, TableLoad):
        session.execute(delete(kind).where(kind.resource_id.in_(ids)))
    session.execute(
        delete(ValidationReport).where(ValidationReport.package_id == dataset.id)
    )
    session.execute(delete(DatasetTag).where(DatasetTag.package_id == dataset.id))
    group_datasets.set_groups(session, dataset.id, ())
    activity.forget(session, dataset.id)
    validation.forget(session, dataset.id)
    scores.forget(session, dataset.id)
    followers.forget(session, "dataset", dataset.id)
    session.expire(dataset, ["tags"])
    session.delete(dataset)


def current_version(session: Session, resource: Resource) -> TableVersion | None:
    """The version that the resource's pointer names."""
    return (
        session.get(TableVersion, resource.version_id) if resource.version_id else None
    )


def newest_number(session: Session, resource_id: str) -> int:
    """The highest version number of a resource, 0 without any."""
    query = select(func.max(TableVersion.number)).where(
        TableVersion.resource_id == resource_id
    )
    return session.scalar(query) or 0


def existing(session: Session, ids: Iterable[str]) -> Sequence[str]:
    """Those of these ids that name a dataset, whatever its state."""
    wanted = list(ids)
    return (
        session.scalars(select(Dataset.id).where(Dataset.id.in_(wanted))).all()
        if wanted
        else []
    )


def stamps(session: Session) -> Iterator[tuple[str, int]]:
    """(id, revision) of every dataset that belongs into the index."""
    for row in session.execute(
        select(Dataset.id, Dataset.revision).execution_options(yield_per=1000)
    ):
        yield row[0], row[1]


def list_manifests(session: Session) -> Sequence[dict[str, Any]]:
    """The manifest of every version of every resource."""
    return session.scalars(select(TableVersion.manifest)).all()


def list_file_keys(session: Session) -> Sequence[str]:
    """The keys of all files that a resource names, deleted ones included, and of rows
    in quarantine.
    """
    named = session.scalars(
        select(Resource.file_key).where(Resource.file_key.is_not(None))
    )
    return [*(key for key in named if key), *validation.list_quarantine_keys(session)]


def holds_persons(session: Session, resource: Resource) -> bool:
    """Whether the resource's newest report, or its schema as it is now, names personal
    data that nobody may publish.
    """
    report = (
        session.get(ValidationReport, resource.validation_report_id)
        if resource.validation_report_id
        else None
    )
    return (report is not None and report.finds_persons) or bool(
        undropped(session, resource)
    )


def version_holds_persons(
    session: Session, resource: Resource, version: TableVersion
) -> bool:
    """Whether one version of a resource, which may be an old one, holds personal data
    that nobody may publish.
    """
    report = (
        session.get(ValidationReport, version.report_id) if version.report_id else None
    )
    return (report is not None and report.finds_persons) or bool(
        undropped(session, resource, version)
    )


def undropped(
    session: Session, resource: Resource, version: TableVersion | None = None
) -> tuple[str, ...]:
    """Columns of the resource's rows that its schema, as it is now, tags as personal
    data to be dropped.
    """
    version = version or current_version(session, resource)
    schema = looks.full_schema(resource)
    if version is None or not schema:
        return ()
    return personal.fields_to_drop(
        [str(column["name"]) for column in version.manifest["fields"]], schema
    )


def list_reports(
    session: Session, package_id: str, limit: int = 20
) -> Sequence[ValidationReport]:
    """The newest validation reports of a dataset."""
    query = select(ValidationReport).where(ValidationReport.package_id == package_id)
    return session.scalars(
        query.order_by(ValidationReport.created.desc()).limit(limit)
    ).all()


def find_reference_version(session: Session, schema_name: str) -> TableVersion | None:
    """The current version of the newest public table that follows a table schema."""
    return session.scalars(
        select(TableVersion)
        .join(Resource, Resource.version_id == TableVersion.id)
        .join(Dataset, Dataset.id == Resource.package_id)
        .where(
            Resource.schema_name == schema_name,
            Resource.state == "active",
            Resource.rows_access == OPEN,
            Dataset.state == "active",
            Dataset.private.is_(False),
        )
        .order_by(TableVersion.created.desc())
        .limit(1)
    ).first()


def find_version(
    session: Session, resource_id: str, wanted: int | datetime
) -> TableVersion | None:
    """The version of a resource's rows with that number, or the one that was the newest
    at a moment (UTC).
    """
    match = (
        TableVersion.number == wanted
        if isinstance(wanted, int)
        else TableVersion.created <= wanted
    )
    query = select(TableVersion).where(TableVersion.resource_id == resource_id, match)
    return session.scalars(query.order_by(TableVersion.number.desc()).limit(1)).first()
