"""Resources: show, create, update, patch, delete, reorder; links and uploaded files."""

from __future__ import annotations

from typing import Any

from portal.access.policy import Permission
from portal.actions._shared import dataset_writes, uploads
from portal.actions.registry import Check, Params, action
from portal.db import datasets, datastore
from portal.db import resources as db
from portal.db.holding import HeldDataset, find_resource, held_dataset, held_resource
from portal.domain.base import new_id
from portal.domain.datasets import PUSHED, Dataset, Resource, ShownDataset
from portal.domain.rendering import resource_dict
from portal.errors import Invalid, NotFound
from portal.runtime import Context
from schemas.datasets import ById, Order, ResourceParams, resource_record
from schemas.package_dict import ResourceDict
from schemas.record import ResourceRecord, Upload
from schemas.search import flag
from schemas.values import MISSING


def held_by_package_id(ctx: Context, params: Params) -> HeldDataset:
    """The dataset that a new resource is for, held."""
    key = params.get("package_id")
    if not key:
        raise Invalid({"package_id": [MISSING]})
    return held_dataset(ctx.uow, str(key))


def shown_by_resource(ctx: Context, params: Params) -> ShownDataset:
    """The dataset of a live resource, as reads need it."""
    found = db.find_shown(ctx.uow, _id(params))
    if found is None:
        raise _unknown()
    return found


def held_by_resource(ctx: Context, params: Params) -> HeldDataset:
    """The dataset of a live resource, held; both are in the session from then on."""
    return held_resource(ctx.uow, _id(params)).dataset


def held_by_any_resource(ctx: Context, params: Params) -> HeldDataset:
    """The dataset of a resource, held; also of a deleted one, so that deleting twice is
    no error.
    """
    found = find_resource(ctx.uow, _id(params))
    if found is None:
        raise _unknown()
    return found.dataset


def _id(params: Params) -> str:
    if not params.get("id"):
        raise Invalid({"id": [MISSING]})
    return str(params["id"])


def _unknown() -> NotFound:
    return NotFound("Not found: Resource was not found.")


def held_to_reorder(ctx: Context, params: Params) -> HeldDataset:
    """The dataset of `id`, held."""
    if not params["id"]:
        raise Invalid({"id": [MISSING]})
    return held_dataset(ctx.uow, params["id"])


@action(
    ById,
    allow=Permission.DATASET_READ,
    on=shown_by_resource,
    safe=True,
    check=Check.AUTHORISED,
)
def resource_show(ctx: Context, dataset: ShownDataset, params: Params) -> ResourceDict:
    """Return the resource `id`."""
    return db.shown(dataset.rendered, params["id"])


@action(
    ResourceParams,
    allow=Permission.DATASET_UPDATE,
    on=held_by_package_id,
    check=Check.AUTHORISED,
    needs=("package_id",),
)
def resource_create(ctx: Context, dataset: HeldDataset, params: Params) -> ResourceDict:
    """Add a resource to the dataset `package_id` and return it: a link (`url`) or a
    file (`upload`, multipart).
    """
    record = resource_record(params)
    if record.id and ctx.uow.session.get(Resource, record.id):
        raise Invalid({"id": ["Resource id already exists."]})
    place = db.next_position(ctx.uow.session, dataset.id)
    resource = Resource(
        id=record.id or new_id(), package_id=dataset.id, position=place, state="active"
    )
    ctx.uow.session.add(resource)
    return _save(ctx, dataset, resource, record, params)


def _over_format(ctx: Context, dataset: HeldDataset, given: Params) -> Params:
    """What resource_update takes over when nothing is said of it."""
    resource = _loaded(ctx, given)
    return {"format": resource.format, "size": resource.size, **given}


def _over_resource(ctx: Context, dataset: HeldDataset, given: Params) -> Params:
    """The whole resource, changed as was sent."""
    current = resource_dict(_loaded(ctx, given), ctx.portal.settings.site_url)
    return {**current, **given}


@action(
    ResourceParams,
    allow=Permission.DATASET_UPDATE,
    on=held_by_resource,
    check=Check.AUTHORISED,
    over=_over_format,
    needs=("id",),
)
def resource_update(ctx: Context, dataset: HeldDataset, params: Params) -> ResourceDict:
    """Replace a resource's description and return it; a new `upload` replaces its
    file.
    """
    record = resource_record(params)
    return _save(ctx, dataset, _loaded(ctx, params), record, params)


@action(
    ResourceParams,
    allow=Permission.DATASET_UPDATE,
    on=held_by_resource,
    check=Check.AUTHORISED,
    over=_over_resource,
    needs=("id",),
)
def resource_patch(ctx: Context, dataset: HeldDataset, params: Params) -> ResourceDict:
    """Change only the given fields of a resource and return it."""
    record = resource_record(params)
    return _save(ctx, dataset, _loaded(ctx, params), record, params)


@action(
    ById,
    allow=Permission.DATASET_UPDATE,
    on=held_by_any_resource,
    check=Check.AUTHORISED,
)
def resource_delete(ctx: Context, dataset: HeldDataset, params: Params) -> None:
    """Delete a resource. Deleting twice is no error."""
    resource = _loaded(ctx, params)
    if resource.state == "active":
        resource.state = "deleted"
        datastore.drop_table(ctx.uow.session, resource)
        db.save(ctx.uow, dataset, resource, ctx.portal.settings.site_url)


@action(Order, allow=Permission.DATASET_UPDATE, on=held_to_reorder)
def package_resource_reorder(
    ctx: Context, dataset: HeldDataset, params: Params
) -> dict[str, Any]:
    """Put the resources named by `order` first, the others after them in the order they
    had.
    """
    order = params["order"]
    unknown = [key for key in order if dataset.find_resource(key) is None]
    if unknown or len(set(order)) != len(order):
        raise Invalid(
            {"order": ["resource ids must be unique and belong to this dataset"]}
        )
    first = [_get(dataset, key) for key in order]
    arranged = first + [
        resource for resource in dataset.resources if resource not in first
    ]
    for position, resource in enumerate(arranged):
        resource.position = position
    dataset.all_resources.sort(
        key=lambda resource: (resource.state != "active", resource.position)
    )
    datasets.save(ctx.uow, dataset, ctx.portal.settings.site_url)
    return {"id": dataset.id, "order": [resource.id for resource in arranged]}


def _get(dataset: Dataset, resource_id: str) -> Resource:
    """The live resource of a dataset; raises NotFound."""
    resource = dataset.find_resource(resource_id)
    if resource is None:
        raise NotFound("Not found: Resource was not found.")
    return resource


def _loaded(ctx: Context, params: Params) -> Resource:
    """The resource that was read together with its dataset."""
    return ctx.uow.session.get_one(Resource, str(params["id"]))


def _save(
    ctx: Context,
    dataset: HeldDataset,
    resource: Resource,
    record: ResourceRecord,
    params: Params,
) -> ResourceDict:
    """Take over a record and a file that came with it, and return the resource dict."""
    upload = params.get("upload")
    if flag(params.get("clear_upload")) or (
        resource.url_type == "upload" and _relinked(record, resource)
    ):
        resource.url_type, resource.file_key, resource.file_name = None, None, None
    _note_pusher(resource, params)
    if isinstance(upload, Upload):
        record = uploads.store(ctx, resource, upload, record)
    resource.describe(record)
    dataset_writes.refuse_tagged(ctx, dataset, [resource])
    shown = db.save(
        ctx.uow, dataset, resource, ctx.portal.settings.site_url, edited=True
    )
    uploads.await_loads(ctx, [resource])
    return shown


def _note_pusher(resource: Resource, params: Params) -> None:
    """Take over a client's url_type where it says that a DataPusher writes a link's
    rows, or no longer does.
    """
    if "url_type" in params and resource.url_type in (None, "", PUSHED):
        resource.url_type = PUSHED if params["url_type"] == PUSHED else None


def _relinked(record: ResourceRecord, resource: Resource) -> bool:
    """Whether a client gave an uploaded resource a link of its own in place of the
    file's address.
    """
    return (
        # Clients send the download address of a file back as its url: that is no link.
        record.url.startswith(("http://", "https://"))
        and f"/resource/{resource.id}/download/" not in record.url
    )
