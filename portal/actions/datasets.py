"""Datasets: show, list, create, update, patch, delete, purge."""

from __future__ import annotations

import orjson
from marshmallow import Schema, fields
from sqlalchemy import and_, false

from portal.access import policy
from portal.access.policy import Permission
from portal.actions._shared.dataset_writes import write_dataset
from portal.actions.registry import Check, Params, action
from portal.db import datasets as db
from portal.db import people
from portal.db.holding import HeldDataset, held_dataset
from portal.domain.datasets import Dataset, ShownDataset
from portal.domain.people import Group
from portal.errors import Invalid
from portal.runtime import Context
from schemas.datasets import ById, PackageParams, Paged
from schemas.values import MISSING

KEPT_BY_UPDATE = (
    "name",
    "title",
    "resources",
    "groups",
    "owner_org",
    "private",
    "state",
)
"""What package_update leaves as it is when the caller says nothing of it; everything
else is reset.
"""


class PackageShow(Schema):
    """Parameters of package_show."""

    id = fields.String(allow_none=True)
    name_or_id = fields.String(allow_none=True)


def shown_by_id(ctx: Context, params: Params) -> ShownDataset:
    """The dataset of `id` (or `name_or_id`), as reads need it."""
    key = params.get("id") or params.get("name_or_id")
    if not key:
        raise Invalid({"name_or_id": [MISSING]})
    return db.get_shown(ctx.uow, str(key))


def held_by_id(ctx: Context, params: Params) -> HeldDataset:
    """The dataset of `id`, held."""
    key = params.get("id")
    if not key:
        raise Invalid({"id": [MISSING]})
    return held_dataset(ctx.uow, str(key))


def held_by_id_or_name(ctx: Context, params: Params) -> HeldDataset:
    """The dataset of `id`, or of `name` as package_update takes it, held."""
    key = params.get("id") or params.get("name")
    if not key:
        raise Invalid({"id": MISSING})
    return held_dataset(ctx.uow, str(key))


def shown_owner(ctx: Context, params: Params) -> Group | None:
    """The organization that a new dataset shall belong to, None where it is missing or
    unknown.
    """
    owner = params.get("owner_org")
    if not owner:
        return None
    organization = people.find_group(ctx.uow.session, str(owner), organization=True)
    if organization is not None:
        # By its id the session knows it: the write asks the database no second time.
        params["owner_org"] = organization.id
    return organization


@action(PackageShow, allow=Permission.DATASET_READ, on=shown_by_id, safe=True)
def package_show(
    ctx: Context, dataset: ShownDataset, params: Params
) -> orjson.Fragment:
    """Return one dataset (`id`: its id or name) with its resources, tags, groups and
    organization.
    """
    return orjson.Fragment(dataset.rendered)


@action(Paged, allow=Permission.ANYONE, safe=True)
def package_list(ctx: Context, target: object, params: Params) -> list[str]:
    """Return the names of all public datasets, in order. `limit` and `offset` page
    through them.
    """
    public = and_(
        Dataset.state == "active", Dataset.private == false(), Dataset.type == "dataset"
    )
    return list(
        db.list_names(ctx.uow.session, public, params["limit"], params["offset"])
    )


@action(Paged, allow=Permission.ANYONE, safe=True)
def current_package_list_with_resources(
    ctx: Context, target: object, params: Params
) -> list[orjson.Fragment]:
    """Return whole datasets, the newest modified first. `limit`, and `offset` or
    `page`, page through them.
    """
    limit = min(
        params["limit"] or ctx.portal.settings.rows_max, ctx.portal.settings.rows_max
    )
    offset = (params["page"] - 1) * limit if params["page"] else params["offset"]
    readable = and_(Dataset.state == "active", policy.readable(ctx.actor))
    return [
        orjson.Fragment(body)
        for body in db.list_rendered(ctx.uow.session, readable, limit, offset)
    ]


@action(
    PackageParams,
    allow=Permission.DATASET_CREATE,
    on=shown_owner,
    # A taken name or a foreign tag is told in one answer with what the schema finds.
    check=Check.WITHIN,
    needs=("name", "owner_org"),
)
def package_create(
    ctx: Context, owner: Group | None, params: Params
) -> orjson.Fragment:
    """Create a dataset and return it. `name` and `owner_org` are required; see
    docs/api.md for every field.
    """
    return write_dataset(ctx, None, params, {})


@action(
    PackageParams,
    allow=Permission.DATASET_UPDATE,
    on=held_by_id_or_name,
    check=Check.WITHIN,  # as package_create
    needs=("id",),
)
def package_update(
    ctx: Context, dataset: HeldDataset, params: Params
) -> orjson.Fragment:
    """Replace a dataset and return it. Fields not given are reset, but for name, title,
    resources, groups, owner_org, private and state.
    """
    current = orjson.loads(dataset.rendered)
    unsaid = {key: current[key] for key in KEPT_BY_UPDATE if key not in params}
    return write_dataset(ctx, dataset, {**params, **unsaid}, current)


@action(
    PackageParams,
    allow=Permission.DATASET_UPDATE,
    on=held_by_id,
    check=Check.WITHIN,  # as package_create
    needs=("id",),
)
def package_patch(
    ctx: Context, dataset: HeldDataset, params: Params
) -> orjson.Fragment:
    """Change only the given fields of a dataset and return it. Lists are replaced as a
    whole.
    """
    current = orjson.loads(dataset.rendered)
    merged = {**current, **params, "id": dataset.id}
    # What was merged in from now must not stand against the text that replaces it.
    if "tag_string" in params and "tags" not in params:
        del merged["tags"]
    return write_dataset(ctx, dataset, merged, current)


@action(ById, allow=Permission.DATASET_UPDATE, on=held_by_id, check=Check.AUTHORISED)
def package_delete(ctx: Context, dataset: HeldDataset, params: Params) -> None:
    """Delete a dataset: it disappears for everyone but the people of its organization.
    Deleting twice is no error.
    """
    dataset.state = "deleted"
    db.save(ctx.uow, dataset, ctx.portal.settings.site_url)


@action(ById, allow=Permission.SYSADMIN, on=held_by_id, check=Check.AUTHORISED)
def dataset_purge(ctx: Context, dataset: HeldDataset, params: Params) -> None:
    """Remove a dataset for good, with its resources, row versions and reports."""
    db.purge(ctx.uow, dataset)
