"""What an action is about, where several actions find it alike: `shown_…` reads it,
`held_…` locks it for a change.
"""

from __future__ import annotations

from portal.actions.registry import Params
from portal.db import datasets, holding, people
from portal.db.holding import HeldDataset, HeldGroup, held_resource
from portal.domain.datasets import Dataset
from portal.domain.people import Group
from portal.errors import Invalid
from portal.runtime import Context
from schemas.values import MISSING


def shown_of_resource(ctx: Context, params: Params) -> Dataset:
    """The dataset of the resource `resource_id`, or `id`, to be read."""
    return datasets.get_resource(ctx.uow.session, resource_key(params))[1]


def held_of_resource(ctx: Context, params: Params) -> HeldDataset:
    """As `shown_of_resource`, held against other writers."""
    return held_resource(ctx.uow, resource_key(params)).dataset


def resource_key(params: Params) -> str:
    """The id of the resource that is meant. Raises Invalid without one."""
    key = params.get("resource_id") or params.get("id")
    if not key:
        raise Invalid({"resource_id": [MISSING]})
    return str(key)


def shown_group(ctx: Context, params: Params, *, organization: bool) -> Group:
    """The organization or group of `id`, to be read; deleted ones exist only for those
    who may see them.
    """
    key = str(params.get("id") or "")
    return people.get_group(ctx.uow.session, key, organization=organization)


def held_group(ctx: Context, params: Params, *, organization: bool) -> HeldGroup:
    """As `shown_group`, held: whoever changes what is there changes what the one before
    left.
    """
    group = shown_group(ctx, params, organization=organization)
    return holding.held_group(ctx.uow, group.id)
