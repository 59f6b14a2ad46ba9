"""Views of resources: list, show, create, update, delete, reorder, clear, and those
that suggest themselves.
"""

from __future__ import annotations

from typing import Any

from portal.access.policy import Permission
from portal.actions._shared.targets import shown_of_resource
from portal.actions.registry import Check, Params, action
from portal.db import datasets
from portal.db import views as db
from portal.domain.base import new_id
from portal.domain.datasets import Dataset, Resource
from portal.domain.relations import VIEW_TYPES, ResourceView
from portal.errors import Invalid
from portal.runtime import Context
from schemas.datasets import ById
from schemas.social import (
    ViewOrder,
    ViewParams,
    ViewsOfPackage,
    ViewsOfResource,
    ViewTypes,
)
from schemas.values import MISSING

Json = dict[str, Any]
OURS = frozenset(
    {"id", "resource_id", "package_id", "title", "description", "view_type"}
)
BY_FORMAT = {
    "PDF": "pdf_view",
    "PNG": "image_view",
    "JPEG": "image_view",
    "GeoJSON": "geojson_view",
    "TXT": "text_view",
    "JSON": "text_view",
    "XML": "text_view",
}
"""The view that shows a format, where it is no table."""


def shown_of_view(ctx: Context, params: Params) -> Dataset:
    """The dataset of the view `id`."""
    if not params.get("id"):
        raise Invalid({"id": [MISSING]})
    view = db.get(ctx.uow.session, str(params["id"]))
    return ctx.uow.session.get_one(Dataset, db.package_of(ctx.uow.session, view))


def shown_by_id(ctx: Context, params: Params) -> Dataset:
    """The dataset of `id`, or of the whole `package` that older clients send."""
    package = params.get("package")
    key = params.get("id") or (package.get("id") if isinstance(package, dict) else None)
    if not key:
        raise Invalid({"package": [MISSING]})
    return datasets.get_dataset(ctx.uow.session, str(key))


def shown_of_whole_resource(ctx: Context, params: Params) -> Dataset:
    """The dataset of `resource_id`, or of the whole `resource` that older clients
    send.
    """
    return shown_of_resource(ctx, {"resource_id": _resource_id(params)})


def _resource_id(params: Params) -> Any:
    resource = params.get("resource")
    whole_id = resource.get("id") if isinstance(resource, dict) else None
    return params.get("resource_id") or whole_id


@action(ById, allow=Permission.DATASET_READ, on=shown_of_resource, safe=True)
def resource_view_list(ctx: Context, dataset: Dataset, params: Params) -> list[Json]:
    """Return the views of the resource `id`, in order."""
    return [
        _describe(view, dataset)
        for view in db.list_views(ctx.uow.session, params["id"])
    ]


@action(ById, allow=Permission.DATASET_READ, on=shown_of_view, safe=True)
def resource_view_show(ctx: Context, dataset: Dataset, params: Params) -> Json:
    """Return the view `id`."""
    return _describe(db.get(ctx.uow.session, params["id"]), dataset)


@action(ViewParams, allow=Permission.DATASET_UPDATE, on=shown_of_resource)
def resource_view_create(ctx: Context, dataset: Dataset, params: Params) -> Json:
    """Add a view to the resource `resource_id`: `title`, `view_type`, and whatever its
    type needs.
    """
    wrong = {
        key: [MISSING]
        for key in ("resource_id", "view_type", "title")
        if not params.get(key)
    }
    if wrong:
        raise Invalid(wrong)
    return _describe(_add(ctx, params["resource_id"], params), dataset)


@action(ViewParams, allow=Permission.DATASET_UPDATE, on=shown_of_view)
def resource_view_update(ctx: Context, dataset: Dataset, params: Params) -> Json:
    """Replace the view `id`; its type and resource stay."""
    view = db.get(ctx.uow.session, params["id"])
    view.title, view.description = params["title"] or "", params["description"] or ""
    view.config = _config(params)
    return _describe(view, dataset)


@action(ById, allow=Permission.DATASET_UPDATE, on=shown_of_view)
def resource_view_delete(ctx: Context, dataset: Dataset, params: Params) -> None:
    """Remove the view `id`."""
    ctx.uow.session.delete(db.get(ctx.uow.session, params["id"]))


@action(
    ViewOrder,
    allow=Permission.DATASET_UPDATE,
    on=shown_of_resource,
    check=Check.AUTHORISED,
)
def resource_view_reorder(ctx: Context, dataset: Dataset, params: Params) -> Json:
    """Put the views named by `order` first, the others of the resource `id` after
    them.
    """
    views = {view.id: view for view in db.list_views(ctx.uow.session, params["id"])}
    named = params["order"]
    if not named or len(set(named)) != len(named) or not views.keys() >= set(named):
        raise Invalid(
            {"order": ["Must be a list of ids of views of this resource, each once"]}
        )
    arranged = [*named, *(key for key in views if key not in named)]
    for place, key in enumerate(arranged):
        views[key].order = place
    return {"id": params["id"], "order": arranged}


@action(ViewTypes, allow=Permission.SYSADMIN, check=Check.AUTHORISED)
def resource_view_clear(ctx: Context, target: object, params: Params) -> None:
    """Remove all views, or those of `view_types`."""
    db.clear(ctx.uow.session, params["view_types"])


@action(
    ViewsOfResource,
    allow=Permission.DATASET_UPDATE,
    on=shown_of_whole_resource,
    check=Check.AUTHORISED,
    needs=("resource_id",),
)
def resource_create_default_resource_views(
    ctx: Context, dataset: Dataset, params: Params
) -> list[Json]:
    """Give the resource `resource_id` the views that its format suggests, and return
    the new ones.
    """
    resource = dataset.find_resource(str(_resource_id(params)))
    return _defaults(ctx, dataset, [resource] if resource else [])


@action(
    ViewsOfPackage,
    allow=Permission.DATASET_UPDATE,
    on=shown_by_id,
    check=Check.AUTHORISED,
    needs=("id",),
)
def package_create_default_resource_views(
    ctx: Context, dataset: Dataset, params: Params
) -> list[Json]:
    """Give every resource of the dataset `id` the views that its format suggests, and
    return the new ones.
    """
    only_tables = params["create_datastore_views"]
    chosen = [
        each for each in dataset.resources if each.datastore_active or not only_tables
    ]
    return _defaults(ctx, dataset, chosen)


def _defaults(ctx: Context, dataset: Dataset, resources: list[Resource]) -> list[Json]:
    """The new views, as dicts, that the formats of the resources suggest."""
    made = []
    for resource in resources:
        type_ = (
            "datatables_view"
            if resource.datastore_active
            else BY_FORMAT.get(resource.format)
        )
        # Who asks twice gets no view twice.
        held = {view.view_type for view in db.list_views(ctx.uow.session, resource.id)}
        if type_ and type_ not in held:
            made.append(
                _describe(
                    _add(ctx, resource.id, {"title": "Data", "view_type": type_}),
                    dataset,
                )
            )
    return made


def _add(ctx: Context, resource_id: str, params: Params) -> ResourceView:
    """A new view, the last of its resource; raises Invalid for an unknown type."""
    if params["view_type"] not in VIEW_TYPES:
        raise Invalid(
            {"view_type": [f"No plugin found for view_type {params['view_type']}"]}
        )
    view = ResourceView(
        id=new_id(),
        resource_id=resource_id,
        title=params["title"] or "",
        description=params.get("description") or "",
        view_type=params["view_type"],
        order=db.next_place(ctx.uow.session, resource_id),
        config=_config(params),
    )
    ctx.uow.session.add(view)
    ctx.uow.session.flush()
    return view


def _config(params: Params) -> Json:
    # What the portal does not know belongs to the type of view, and is given back as it
    # came.
    return {key: value for key, value in params.items() if key not in OURS}


def _describe(view: ResourceView, dataset: Dataset) -> Json:
    """The view as CKAN shows it: what its type needs stands beside its own fields."""
    return {
        **view.config,
        "id": view.id,
        "resource_id": view.resource_id,
        "package_id": dataset.id,
        "title": view.title,
        "description": view.description,
        "view_type": view.view_type,
    }
