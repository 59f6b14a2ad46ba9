"""How the loading of a resource stands, and loading it again: under the names of
DataPusher and XLoader.
"""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields, validate

from portal.access.policy import Permission
from portal.actions.registry import Check, Params, action
from portal.db import datasets, datastore, resources
from portal.db.holding import HeldDataset, held_resource
from portal.domain.base import stamp
from portal.domain.datasets import PUSHED, Dataset, Resource
from portal.domain.datastore import COMPLETE, FAILED, PENDING, RUNNING, TableLoad
from portal.domain.events import LINK, LOAD
from portal.errors import Invalid, NotFound
from portal.runtime import Context
from schemas.values import MISSING, Flag, Text

Json = dict[str, Any]
STATES = (PENDING, RUNNING, COMPLETE, FAILED)
LONGEST_ERROR = 500
_NO_STATE = f"Value must be one of {', '.join(STATES)}"


class OfLoad(Schema):
    """Parameters of datapusher_status and xloader_status."""

    resource_id = Text(load_default=None, allow_none=True)
    id = Text(load_default=None, allow_none=True)
    metadata = fields.Raw(
        load_default=None,
        allow_none=True,
        metadata={"help": "a loader's own form: {resource_id: …}"},
    )


class Submission(OfLoad):
    """Parameters of datapusher_submit and xloader_submit."""

    ignore_hash = Flag(
        load_default=False,
        allow_none=True,
        metadata={"help": "also when the file did not change"},
    )


class LoadNote(OfLoad):
    """Parameters of datapusher_hook and xloader_hook."""

    status = Text(
        required=True,
        validate=validate.OneOf(STATES, error=_NO_STATE),
        error_messages={"required": _NO_STATE, "null": _NO_STATE},
    )
    error = fields.Raw(
        load_default=None, allow_none=True, metadata={"help": "what went wrong"}
    )


def shown_of_load(ctx: Context, params: Params) -> Dataset:
    """The dataset of the resource that is loaded, to be read."""
    return datasets.get_resource(ctx.uow.session, _resource_id(params))[1]


def held_of_load(ctx: Context, params: Params) -> HeldDataset:
    """The dataset of the resource that is to be loaded, held."""
    return held_resource(ctx.uow, _resource_id(params)).dataset


def _resource_id(params: Params) -> str:
    """The resource that is meant: `resource_id`, `id`, or a hook's
    metadata.resource_id.
    """
    metadata = params.get("metadata")
    key = params.get("resource_id") or params.get("id")
    key = key or (metadata.get("resource_id") if isinstance(metadata, dict) else None)
    if not key:
        raise Invalid({"resource_id": [MISSING]})
    return str(key)


@action(
    Submission,
    allow=Permission.DATASET_UPDATE,
    on=held_of_load,
    check=Check.AUTHORISED,
    needs=("resource_id",),
)
def datapusher_submit(ctx: Context, dataset: HeldDataset, params: Params) -> bool:
    """Load the file or link of `resource_id` into rows again; the portal's own worker
    does it.
    """
    return _submit(ctx, dataset, params)


@action(
    Submission,
    allow=Permission.DATASET_UPDATE,
    on=held_of_load,
    check=Check.AUTHORISED,
    needs=("resource_id",),
)
def xloader_submit(ctx: Context, dataset: HeldDataset, params: Params) -> bool:
    """As datapusher_submit; with `ignore_hash` also when the file did not change."""
    return _submit(ctx, dataset, params)


@action(
    OfLoad,
    allow=Permission.DATASET_UPDATE,
    on=shown_of_load,
    safe=True,
    check=Check.AUTHORISED,
    needs=("resource_id",),
)
def datapusher_status(ctx: Context, dataset: Dataset, params: Params) -> Json:
    """Return how the loading of `resource_id` stands: status pending, running, complete
    or error.
    """
    return _status(ctx, params)


@action(
    OfLoad,
    allow=Permission.DATASET_UPDATE,
    on=shown_of_load,
    safe=True,
    check=Check.AUTHORISED,
    needs=("resource_id",),
)
def xloader_status(ctx: Context, dataset: Dataset, params: Params) -> Json:
    """As datapusher_status, for XLoader."""
    return _status(ctx, params)


@action(
    LoadNote,
    allow=Permission.DATASET_UPDATE,
    on=held_of_load,
    check=Check.AUTHORISED,
    needs=("status",),
)
def datapusher_hook(ctx: Context, dataset: HeldDataset, params: Params) -> None:
    """Note what a loader outside the portal says of its work: `metadata` {resource_id},
    `status`, `error`.
    """
    _hook(ctx, params)


@action(
    LoadNote,
    allow=Permission.DATASET_UPDATE,
    on=held_of_load,
    check=Check.AUTHORISED,
    needs=("status",),
)
def xloader_hook(ctx: Context, dataset: HeldDataset, params: Params) -> None:
    """As datapusher_hook, for XLoader."""
    _hook(ctx, params)


def _submit(ctx: Context, dataset: HeldDataset, params: Params) -> bool:
    """Ask for the loading of a file or link; CKAN answers true."""
    resource = ctx.uow.session.get_one(Resource, _resource_id(params))
    load = datastore.note_load(ctx.uow.session, resource.id)
    if params["ignore_hash"]:
        # A file that is known is not loaded again: what is known of it is forgotten.
        load.content_hash = load.etag = load.modified = None
    if resource.url_type == PUSHED:
        resource.url_type = None  # the rows are the portal's own to load again
        resources.save(ctx.uow, dataset, resource, ctx.portal.settings.site_url)
    ctx.uow.later(LOAD if resource.file_key else LINK, resource.id)
    return True


def _status(ctx: Context, params: Params) -> Json:
    """How the loading stands, in the shape of DataPusher; raises NotFound."""
    load: TableLoad | None = datastore.load_of(ctx.uow.session, _resource_id(params))
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
    """Write down what a loader outside the portal says, errors cut to LONGEST_ERROR."""
    error = params["error"]
    datastore.note_load(
        ctx.uow.session,
        _resource_id(params),
        params["status"],
        str(error)[:LONGEST_ERROR] if error else None,
    )
