"""The one door to datasets and groups that are to be changed: locked against other
writers, then read anew.

Whoever takes several takes datasets before organizations and groups, and each kind in
the order of ids: so no two writers wait for each other. SQLite has one writer at a
time, who holds everything from his first statement on.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, NewType

from sqlalchemy import bindparam, inspect, or_, select
from sqlalchemy.orm import Session

from portal.db.uow import UnitOfWork
from portal.domain.datasets import Dataset, Resource
from portal.domain.people import Group
from portal.errors import NotFound

HeldDataset = NewType("HeldDataset", Dataset)
"""A dataset that nobody else can change until this transaction ends, as it was once
that was certain.

Whoever renders a package dict writes down all that the dataset says, so it must have
been read under the lock. Only the functions below make one (a test sees to it): to save
a dataset one must have held it first.
"""


HeldGroup = NewType("HeldGroup", Group)
"""An organization or group that nobody else can change, or put datasets into, until
this transaction ends.
"""


class HeldResource(NamedTuple):
    """A resource to be changed, and its dataset; both are this transaction's until it
    ends.
    """

    resource: Resource
    dataset: HeldDataset


_BY_KEY = (
    select(Dataset)
    .where(or_(Dataset.id == bindparam("key"), Dataset.name == bindparam("key")))
    .limit(1)
    .with_for_update()
    .execution_options(populate_existing=True)
)
_BY_IDS = (
    select(Dataset)
    .where(Dataset.id.in_(bindparam("ids", expanding=True)))
    .order_by(Dataset.id)
    .execution_options(populate_existing=True)
)
_GROUPS = (
    select(Group)
    .where(Group.id.in_(bindparam("ids", expanding=True)))
    .order_by(Group.id)
    .with_for_update(read=True)
    .execution_options(populate_existing=True)
)
_OF_RESOURCE = (
    select(Dataset)
    .join(Resource, Resource.package_id == Dataset.id)
    .where(Resource.id == bindparam("key"))
    .with_for_update(of=Dataset)
    .execution_options(populate_existing=True)
)


def find_dataset(uow: UnitOfWork, name_or_id: str) -> HeldDataset | None:
    """The dataset of an id or name (case matters), whatever its state, once no other
    writer is at it.
    """
    row = uow.session.scalars(_BY_KEY, {"key": name_or_id}).first()
    return None if row is None else _held(uow, row)


def held_dataset(uow: UnitOfWork, name_or_id: str) -> HeldDataset:
    """As `find_dataset`; NotFound otherwise."""
    dataset = find_dataset(uow, name_or_id)
    if dataset is None:
        raise NotFound("Not found")
    return dataset


def held_datasets(
    uow: UnitOfWork, ids: Iterable[str], *, wait: bool = True
) -> list[HeldDataset]:
    """Those of these datasets that exist, in the order of ids; without `wait` only
    those that nobody holds.

    Whoever holds several takes them in this order, so that no two wait for each other.
    """
    wanted = sorted(set(ids))
    if not wanted:
        return []
    rows = uow.session.scalars(
        _BY_IDS.with_for_update(skip_locked=not wait), {"ids": wanted}
    )
    return [_held(uow, row) for row in rows.all()]


def held_beside(
    uow: UnitOfWork, dataset_id: str, own_id: str | None
) -> HeldDataset | None:
    """Another dataset, while `own_id` is held already (None: nothing is); None where it
    is gone or cannot be had.

    One that comes earlier in the order is taken only if nobody has it, for two could
    wait for each other.
    """
    in_order = own_id is None or own_id < dataset_id
    return next(iter(held_datasets(uow, [dataset_id], wait=in_order)), None)


def new_dataset(uow: UnitOfWork, dataset: Dataset) -> HeldDataset:
    """A dataset that this transaction makes: nobody else sees it before the end."""
    if inspect(dataset).persistent:
        raise RuntimeError("a dataset that is stored already must be held, not made")
    uow.note_held(dataset.id)
    return HeldDataset(dataset)


def find_resource(uow: UnitOfWork, resource_id: str) -> HeldResource | None:
    """A resource and its dataset, whatever their states, once no other writer is at the
    dataset.

    Every writer takes the dataset before any of its resources, so that no two wait for
    each other.
    """
    row = uow.session.scalars(_OF_RESOURCE, {"key": resource_id}).first()
    if row is None:
        return None
    dataset = _held(uow, row)
    return HeldResource(
        uow.session.get_one(Resource, resource_id, populate_existing=True), dataset
    )


def find_live_resource(uow: UnitOfWork, resource_id: str) -> HeldResource | None:
    """As `find_resource`, but no deleted resource."""
    found = find_resource(uow, resource_id)
    return found if found is not None and found.resource.state == "active" else None


def held_resource(uow: UnitOfWork, resource_id: str) -> HeldResource:
    """As `find_live_resource`; NotFound otherwise."""
    found = find_live_resource(uow, resource_id)
    if found is None:
        raise NotFound("Not found: Resource was not found.")
    return found


def held_group(uow: UnitOfWork, group_id: str) -> HeldGroup:
    """The organization or group of an id, whatever its state, once nobody else is at
    it. Raises NotFound.
    """
    row = uow.session.get(Group, group_id, with_for_update=True, populate_existing=True)
    if row is None:
        raise NotFound("Not found: Group was not found.")
    return HeldGroup(row)


def steady_groups(session: Session, ids: Iterable[str]) -> list[Group]:
    """Those of these organizations and groups that exist, as they stay until this
    transaction ends.

    A dataset tells of them: what it was told would be wrong for good if they changed
    before it is there to be seen.
    """
    wanted = sorted(set(ids))
    return list(session.scalars(_GROUPS, {"ids": wanted})) if wanted else []


def _held(uow: UnitOfWork, dataset: Dataset) -> HeldDataset:
    _forget_parts(uow.session, dataset)
    uow.note_held(dataset.id)
    return HeldDataset(dataset)


def _forget_parts(session: Session, dataset: Dataset) -> None:
    """Have what was read of a dataset before it was locked read again when it is asked
    for.
    """
    session.expire(dataset, ["all_resources", "tags"])
    for each in session.identity_map.values():
        if (
            isinstance(each, Resource)
            and inspect(each).dict.get("package_id") == dataset.id
        ):
            session.expire(each)
