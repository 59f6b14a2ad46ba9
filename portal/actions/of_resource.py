"""The dataset that an action on one resource is about: that of `resource_id`, or of `id`."""

from __future__ import annotations

from portal.actions.registry import Params
from portal.db import datasets, resources
from portal.domain.datasets import Dataset
from portal.errors import Invalid
from portal.runtime import Context
from schemas.datasets import MISSING


def dataset_of_resource(ctx: Context, params: Params) -> Dataset:
    """The dataset, to be read."""
    return datasets.get_resource(ctx.uow.session, _key(params))[1]


def dataset_to_edit(ctx: Context, params: Params) -> Dataset:
    """The dataset, held against other writers."""
    return resources.get_live(ctx.uow.session, _key(params)).dataset


def _key(params: Params) -> str:
    key = params.get("resource_id") or params.get("id")
    if not key:
        raise Invalid({"resource_id": [MISSING]})
    return str(key)
