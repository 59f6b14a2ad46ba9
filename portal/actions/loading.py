"""How the loading of a resource stands, and loading it again: under the names of
DataPusher and XLoader.
"""

from __future__ import annotations

from typing import Any

from portal.access.policy import Permission
from portal.actions.registry import Params, action
from portal.db import datasets, datastore, resources
from portal.db.holding import HeldDataset, held_resource
from portal.domain.base import stamp
from portal.domain.datasets import PUSHED, Dataset, Resource
from portal.domain.datastore import COMPLETE, FAILED, PENDING, RUNNING, TableLoad
from portal.domain.events import LINK, LOAD
from portal.errors import Invalid, NotFound
from portal.runtime import Context
from schemas.datasets import AnyParams
from schemas.search import flag
from schemas.values import MISSING

Json = dict[str, Any]
STATES = (PENDING, RUNNING, COMPLETE, FAILED)


def shown_of_load(ctx: Context, params: Params) -> Dataset:
    """The dataset of the resource that is loaded, to be read."""
    resource, dataset = datasets.get_resource(ctx.uow.session, _key(params))
    params["resource_id"] = resource.id
    return dataset


def held_of_load(ctx: Context, params: Params) -> HeldDataset:
    """The dataset of the resource that is to be loaded, held."""
    found = held_resource(ctx.uow, _key(params))
    params["resource_id"] = found.resource.id
    return found.dataset


def _key(params: Params) -> str:
    """The resource that is meant: `resource_id`, `id`, or a hook's
    metadata.resource_id.
    """
    metadata = params.get("metadata")
    key = params.get("resource_id") or params.get("id")
    key = key or (metadata.get("resource_id") if isinstance(metadata, dict) else None)
    if not key:
        raise Invalid({"resource_id": [MISSING]})
    return str(key)


@action(AnyParams, allow=Permission.DATASET_UPDATE, on=held_of_load)
def datapusher_submit(ctx: Context, dataset: HeldDataset, params: Params) -> bool:
    """Load the file or link of `resource_id` into rows again; the portal's own worker
    does it.
    """
    return _submit(ctx, dataset, params)


@action(AnyParams, allow=Permission.DATASET_UPDATE, on=held_of_load)
def xloader_submit(ctx: Context, dataset: HeldDataset, params: Params) -> bool:
    """As datapusher_submit; with `ignore_hash` also when the file did not change."""
    return _submit(ctx, dataset, params)


@action(AnyParams, allow=Permission.DATASET_UPDATE, on=shown_of_load, safe=True)
def datapusher_status(ctx: Context, dataset: Dataset, params: Params) -> Json:
    """Return how the loading of `resource_id` stands: status pending, running, complete
    or error.
    """
    return _status(ctx, params)


@action(AnyParams, allow=Permission.DATASET_UPDATE, on=shown_of_load, safe=True)
def xloader_status(ctx: Context, dataset: Dataset, params: Params) -> Json:
    """As datapusher_status, for XLoader."""
    return _status(ctx, params)


@action(AnyParams, allow=Permission.DATASET_UPDATE, on=held_of_load)
def datapusher_hook(ctx: Context, dataset: HeldDataset, params: Params) -> None:
    """Note what a loader outside the portal says of its work: `metadata` {resource_id},
    `status`, `error`.
    """
    _hook(ctx, params)


@action(AnyParams, allow=Permission.DATASET_UPDATE, on=held_of_load)
def xloader_hook(ctx: Context, dataset: HeldDataset, params: Params) -> None:
    """As datapusher_hook, for XLoader."""
    _hook(ctx, params)


def _submit(ctx: Context, dataset: HeldDataset, params: Params) -> bool:
    resource = ctx.uow.session.get_one(Resource, params["resource_id"])
    load = datastore.note_load(ctx.uow.session, params["resource_id"])
    if flag(params.get("ignore_hash")):
        load.content_hash = load.etag = load.modified = None
    if resource.url_type == PUSHED:
        resource.url_type = None  # the rows are the portal's own to load again
        resources.save(ctx.uow, dataset, resource, ctx.portal.settings.site_url)
    ctx.uow.later(LOAD if resource.file_key else LINK, resource.id)
    return True


def _status(ctx: Context, params: Params) -> Json:
    load: TableLoad | None = datastore.load_of(ctx.uow.session, params["resource_id"])
    if load is None:
        raise NotFound("Not found")
    return {
        "status": load.state,
        "job_id": load.resource_id,
        "job_url": None,
        "last_updated": stamp(load.updated),
        "key": "datapusher",
        "task_info": {
            "status": load.state,
            "error": load.error,
            "last_updated": stamp(load.updated),
            "logs": [],
        },
        "error": load.error,
    }


def _hook(ctx: Context, params: Params) -> None:
    state = str(params.get("status") or "")
    if state not in STATES:
        raise Invalid({"status": [f"Value must be one of {', '.join(STATES)}"]})
    error = params.get("error")
    datastore.note_load(
        ctx.uow.session,
        params["resource_id"],
        state,
        str(error)[:500] if error else None,
    )
