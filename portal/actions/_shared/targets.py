"""The dataset that an action on one resource is about: `shown_…` reads it, `held_…`
locks it for a change.
"""

from __future__ import annotations

from portal.actions.registry import Params
from portal.db import datasets
from portal.db.holding import HeldDataset, held_resource
from portal.domain.datasets import Dataset
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
