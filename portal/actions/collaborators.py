"""Collaborators: users with a role in one dataset, where the portal allows that."""

from __future__ import annotations

from typing import Any

from portal.access import policy
from portal.access.policy import Permission
from portal.actions._shared.roles import state_of_new
from portal.actions.registry import Params, action
from portal.db import collaborators as db
from portal.db import datasets, people
from portal.db.holding import HeldDataset, held_dataset
from portal.domain.base import stamp
from portal.domain.datasets import Dataset
from portal.domain.people import User
from portal.domain.relations import COLLABORATOR_CAPACITIES, Collaborator
from portal.errors import Invalid, NotFound
from portal.runtime import Context
from schemas.social import CollaboratorList, CollaboratorParams


def shown_by_id(ctx: Context, params: Params) -> Dataset:
    """The dataset of `id`, where collaborators are allowed at all."""
    _refuse_where_disabled(ctx)
    return datasets.get_dataset(ctx.uow.session, params["id"])


def held_by_id(ctx: Context, params: Params) -> HeldDataset:
    """As `shown_by_id`, held: whoever names its people must still be allowed to when
    they are named.
    """
    _refuse_where_disabled(ctx)
    return held_dataset(ctx.uow, params["id"])


def shown_user(ctx: Context, params: Params) -> User:
    """The user of `id`, where collaborators are allowed at all."""
    _refuse_where_disabled(ctx)
    return people.get_user(ctx.uow.session, params["id"])


@action(CollaboratorParams, allow=Permission.DATASET_SHARE, on=held_by_id)
def package_collaborator_create(
    ctx: Context, dataset: HeldDataset, params: Params
) -> dict[str, Any]:
    """Give the user `user_id` the role `capacity` (admin, editor or member) in the
    dataset `id`.

    It counts when the user accepts it (membership_accept), and at once if a sysadmin
    gives it.
    """
    capacity = params["capacity"]
    if capacity not in COLLABORATOR_CAPACITIES:
        raise Invalid(
            {"capacity": [f"Value must be one of {', '.join(COLLABORATOR_CAPACITIES)}"]}
        )
    user = _user(ctx, params["user_id"])
    return _describe(
        db.set_collaborator(
            ctx.uow.session,
            dataset.id,
            user.id,
            capacity,
            state=state_of_new(ctx, user.id),
        )
    )


@action(CollaboratorParams, allow=Permission.DATASET_SHARE, on=held_by_id)
def package_collaborator_delete(
    ctx: Context, dataset: HeldDataset, params: Params
) -> None:
    """Take away the role of the user `user_id` in the dataset `id`."""
    user = _user(ctx, params["user_id"])
    if not db.drop_collaborator(ctx.uow.session, dataset.id, user.id):
        raise NotFound(
            f"Not found: User {user.name} is not a collaborator on this dataset"
        )


@action(CollaboratorList, allow=Permission.DATASET_SHARE, on=shown_by_id, safe=True)
def package_collaborator_list(
    ctx: Context, dataset: Dataset, params: Params
) -> list[dict[str, Any]]:
    """Return the collaborators of the dataset `id`, or those with one `capacity`."""
    _check_capacity(params["capacity"])
    return [
        _describe(each)
        for each in db.list_collaborators(
            ctx.uow.session, dataset.id, params["capacity"]
        )
    ]


@action(CollaboratorList, allow=Permission.USER_UPDATE, on=shown_user, safe=True)
def package_collaborator_list_for_user(
    ctx: Context, user: User, params: Params
) -> list[dict[str, Any]]:
    """Return the datasets on which the user `id` collaborates, with the role in
    each.
    """
    _check_capacity(params["capacity"])
    found = db.list_for_user(ctx.uow.session, user.id, params["capacity"])
    readable = [each for each in found if _may_read(ctx, each.package_id)]
    return [
        {
            "package_id": each.package_id,
            "capacity": each.capacity,
            "modified": stamp(each.modified),
        }
        for each in readable
    ]


def _may_read(ctx: Context, package_id: str) -> bool:
    dataset = ctx.uow.session.get(Dataset, package_id)
    return dataset is not None and policy.may_read(ctx.actor, dataset)


def _refuse_where_disabled(ctx: Context) -> None:
    if not ctx.portal.settings.dataset_collaborators:
        raise Invalid("Dataset collaborators not enabled")


def _check_capacity(capacity: str | None) -> None:
    """Raise Invalid for a role that no collaborator can have."""
    if capacity and capacity not in COLLABORATOR_CAPACITIES:
        raise Invalid(
            {"capacity": [f"Value must be one of {', '.join(COLLABORATOR_CAPACITIES)}"]}
        )


def _user(ctx: Context, name_or_id: str) -> User:
    """The active user of that name or id; raises NotFound."""
    user = people.find_user(ctx.uow.session, name_or_id)
    if user is None or user.state != "active":
        raise NotFound("Not found: User not found")
    return user


def _describe(held: Collaborator) -> dict[str, Any]:
    """The collaborator in CKAN's shape; `state` only while it is an offer."""
    return {
        "package_id": held.package_id,
        "user_id": held.user_id,
        "capacity": held.capacity,
        "modified": stamp(held.modified),
        **({} if held.state == "active" else {"state": held.state}),
    }
