"""Questions about single resources, and saving one of them at a cost that its
neighbours do not raise.
"""

from __future__ import annotations

from typing import cast

import orjson
from sqlalchemy import bindparam, func, select
from sqlalchemy.orm import Session

from portal.db import datasets, looks
from portal.db.holding import HeldDataset
from portal.db.quick import Quick
from portal.db.uow import UnitOfWork
from portal.domain.base import now, stamp
from portal.domain.datasets import Dataset, Resource, ShownDataset
from portal.domain.rendering import splice
from schemas.package_dict import PackageDict, ResourceDict, read_package

_SHOWN = Quick(
    select(*(getattr(Dataset, name) for name in ShownDataset._fields))
    .join(Resource, Resource.package_id == Dataset.id)
    .where(Resource.id == bindparam("key"), Resource.state == "active")
    .limit(1)
)
"""Built once, as it is asked often."""


def find_shown(uow: UnitOfWork, key: str) -> ShownDataset | None:
    """The dataset of a resource that is not deleted, as reads need it."""
    row = uow.first(_SHOWN, {"key": key})
    return ShownDataset(*row) if row else None


def shown(rendered: bytes, key: str) -> ResourceDict:
    """The resource with this id in a rendered package dict."""
    return _find(read_package(rendered), key)


def list_by_schema(session: Session) -> list[tuple[str, str]]:
    """(id, name of its table schema) of every live resource that names one, in the
    order of their datasets.
    """
    query = select(Resource.id, Resource.schema_name).where(
        Resource.state == "active",
        Resource.schema_name.is_not(None),
        Resource.schema_name != "",
    )
    found = session.execute(query.order_by(Resource.package_id, Resource.position))
    return [(row[0], row[1] or "") for row in found]


def next_position(session: Session, package_id: str) -> int:
    """The position behind every resource that a dataset has, or had."""
    last = session.scalar(
        select(func.max(Resource.position)).where(Resource.package_id == package_id)
    )
    return 0 if last is None else last + 1


def save(
    uow: UnitOfWork,
    dataset: HeldDataset,
    resource: Resource,
    site_url: str,
    *,
    edited: bool = False,
    quiet: bool = False,
    looking: bool = False,
) -> ResourceDict:
    """Render one changed, new or deleted resource into its dataset, with all
    consequences; return its dict as kept.

    It comes to what `datasets.save` would, without a look at the other resources.
    `edited` tells that the publisher edited the resource: if that says anything new, it
    gets a new modification time. `quiet` changes are not the publisher's own: they
    leave no activity, and no new time. `looking` says that the caller looks next at
    what still waits of it.
    """
    uow.require_held(dataset.id)
    looks.await_looks(uow, [resource], ask=not looking)
    uow.session.flush()
    package = read_package(dataset.rendered)
    before = _find(package, resource.id)
    if splice(package, resource, site_url):
        datasets.refuse_persons(dataset, _find(package, resource.id), before)
        dataset.touch(dataset.metadata_modified if quiet else now())
        package["metadata_modified"] = stamp(dataset.metadata_modified)
        if edited:
            resource.metadata_modified = now()
            _find(package, resource.id)["metadata_modified"] = stamp(
                resource.metadata_modified
            )
        dataset.rendered = orjson.dumps(package)
        datasets.note_change(uow, dataset, None if quiet else "changed")
    return _find(package, resource.id)


def _find(package: PackageDict, key: str) -> ResourceDict:
    """The resource of a package dict; empty where it has none with this id."""
    found = (each for each in package["resources"] if each["id"] == key)
    return next(found, cast(ResourceDict, {}))
