"""Questions about single resources, and saving one of them at a cost that its neighbours do not raise."""

from __future__ import annotations

from typing import Any, NamedTuple

import orjson
from sqlalchemy import bindparam, func, select
from sqlalchemy.orm import Session

from portal.db import datasets
from portal.db.quick import Quick
from portal.db.uow import UnitOfWork
from portal.domain.base import now, stamp
from portal.domain.datasets import Dataset, Resource, ShownDataset
from portal.domain.rendering import splice
from portal.errors import NotFound

_SHOWN = Quick(
    select(*(getattr(Dataset, name) for name in ShownDataset._fields))
    .join(Resource, Resource.package_id == Dataset.id)
    .where(Resource.id == bindparam("key"), Resource.state == "active")
    .limit(1)
)
"""Built once, as it is asked often."""
_TO_EDIT = (
    select(Dataset)
    .join(Resource, Resource.package_id == Dataset.id)
    .where(Resource.id == bindparam("key"))
    .with_for_update(of=Dataset)
    .execution_options(populate_existing=True)
)
"""Whoever edits one resource of a dataset waits for whoever edits another: both write one package dict."""


class Kept(NamedTuple):
    """A resource to be edited, and its dataset; both are this transaction's until it ends."""

    resource: Resource
    dataset: Dataset


def find_shown(uow: UnitOfWork, key: str) -> ShownDataset | None:
    """The dataset of a resource that is not deleted, as reads need it."""
    row = uow.first(_SHOWN, {"key": key})
    return ShownDataset(*row) if row else None


def find_to_edit(session: Session, key: str) -> Kept | None:
    """A resource and its dataset, whatever their states, as they are once no other writer is at the dataset.

    Every writer takes the dataset before any of its resources, so that no two wait for each other.
    """
    dataset = session.scalars(_TO_EDIT, {"key": key}).first()
    return Kept(session.get_one(Resource, key, populate_existing=True), dataset) if dataset else None


def find_live(session: Session, key: str) -> Kept | None:
    """As `find_to_edit`, but no deleted resource."""
    found = find_to_edit(session, key)
    return found if found is not None and found.resource.state == "active" else None


def get_live(session: Session, key: str) -> Kept:
    """As `find_live`; NotFound otherwise."""
    found = find_live(session, key)
    if found is None:
        raise NotFound("Not found: Resource was not found.")
    return found


def shown(rendered: bytes, key: str) -> dict[str, Any]:
    """The resource with this id in a rendered package dict."""
    return _find(orjson.loads(rendered), key)


def next_position(session: Session, package_id: str) -> int:
    """The position behind every resource that a dataset has, or had."""
    last = session.scalar(select(func.max(Resource.position)).where(Resource.package_id == package_id))
    return 0 if last is None else last + 1


def save(
    uow: UnitOfWork, dataset: Dataset, resource: Resource, site_url: str, *, edited: bool = False, quiet: bool = False
) -> dict[str, Any]:
    """Render one changed, new or deleted resource into its dataset, with all consequences; return its dict as kept.

    It comes to what `datasets.save` would, without a look at the other resources; the dataset was read to be
    edited. `edited` tells that the publisher edited the resource: if that says anything new, it gets a new
    modification time. `quiet` changes are not the publisher's own: they leave no activity, and no new time.
    """
    datasets.await_looks(uow, [resource])
    uow.session.flush()
    package = orjson.loads(dataset.rendered)
    before = _find(package, resource.id)
    if splice(package, resource, site_url):
        datasets.refuse_persons(dataset, _find(package, resource.id), before)
        dataset.touch(dataset.metadata_modified if quiet else now())
        package["metadata_modified"] = stamp(dataset.metadata_modified)
        if edited:
            resource.metadata_modified = now()
            _find(package, resource.id)["metadata_modified"] = stamp(resource.metadata_modified)
        dataset.rendered = orjson.dumps(package)
        datasets.note_change(uow, dataset, None if quiet else "changed")
    return _find(package, resource.id)


def _find(package: dict[str, Any], key: str) -> dict[str, Any]:
    return next((each for each in package["resources"] if each["id"] == key), {})
