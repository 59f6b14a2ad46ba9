"""Datasets: show, list, create, update, patch, delete, purge."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import orjson
from marshmallow import INCLUDE, fields
from sqlalchemy import and_, false

from portal.access import policy
from portal.access.identity import Actor
from portal.access.policy import Permission
from portal.actions.registry import Params, action
from portal.db import datasets as db
from portal.db import people
from portal.domain.base import is_uuid, new_id
from portal.domain.datasets import Dataset, Resource
from portal.domain.events import INDEX
from portal.domain.people import Group
from portal.errors import IntegrityProblem, Invalid, NotAuthorized
from portal.runtime import Context
from schemas.datasets import MISSING, AnyParams, Paged, load_package, package_record, shape_problem
from schemas.record import DatasetRecord

KEPT_BY_UPDATE = ("name", "title", "resources", "groups", "owner_org", "private", "state")
"""What package_update leaves as it is when the caller says nothing of it; everything else is reset."""


class PackageShow(AnyParams):
    """Parameters of package_show."""

    id = fields.String(allow_none=True)
    name_or_id = fields.String(allow_none=True)


def by_name_or_id(ctx: Context, params: Params) -> Dataset:
    """The dataset of `id` (or `name_or_id`)."""
    key = params.get("id") or params.get("name_or_id")
    if not key:
        raise Invalid({"name_or_id": [MISSING]})
    return db.get_dataset(ctx.uow.session, str(key))


def by_id(ctx: Context, params: Params) -> Dataset:
    """The dataset of `id`."""
    key = params.get("id")
    if not key:
        raise Invalid({"id": [MISSING]})
    return db.get_dataset(ctx.uow.session, str(key))


def to_be_updated(ctx: Context, params: Params) -> Dataset:
    """The dataset of `id`, or of `name` as package_update takes it."""
    key = params.get("id") or params.get("name")
    if not key:
        raise Invalid({"id": MISSING})
    return db.get_dataset(ctx.uow.session, str(key))


def future_owner(ctx: Context, params: Params) -> Group | None:
    """The organization that a new dataset shall belong to, None where it is missing or unknown."""
    owner = params.get("owner_org")
    return people.find_group(ctx.uow.session, str(owner), organization=True) if owner else None


@action(PackageShow, allow=Permission.DATASET_READ, on=by_name_or_id, safe=True)
def package_show(ctx: Context, dataset: Dataset, params: Params) -> orjson.Fragment:
    """Return one dataset (`id`: its id or name) with its resources, tags, groups and organization."""
    return orjson.Fragment(dataset.rendered)


@action(Paged, allow=Permission.ANYONE, safe=True)
def package_list(ctx: Context, target: object, params: Params) -> list[str]:
    """Return the names of all public datasets, in order. `limit` and `offset` page through them."""
    public = and_(Dataset.state == "active", Dataset.private == false(), Dataset.type == "dataset")
    return list(db.list_names(ctx.uow.session, public, params["limit"], params["offset"]))


@action(Paged, allow=Permission.ANYONE, safe=True)
def current_package_list_with_resources(ctx: Context, target: object, params: Params) -> list[orjson.Fragment]:
    """Return whole datasets, the newest modified first. `limit`, and `offset` or `page`, page through them."""
    limit = min(params["limit"] or ctx.portal.settings.rows_max, ctx.portal.settings.rows_max)
    offset = (params["page"] - 1) * limit if params["page"] else params["offset"]
    readable = and_(Dataset.state == "active", policy.readable(ctx.actor))
    return [orjson.Fragment(body) for body in db.list_rendered(ctx.uow.session, readable, limit, offset)]


@action(AnyParams, allow=Permission.DATASET_CREATE, on=future_owner, unknown=INCLUDE)
def package_create(ctx: Context, owner: Group | None, params: Params) -> orjson.Fragment:
    """Create a dataset and return it. `name` and `owner_org` are required; see docs/api.md for every field."""
    record = _checked(ctx, params, None)
    if not ctx.actor.sysadmin:
        record = replace(record, state="active")
    dataset = Dataset(id=record.id or new_id(), creator_user_id=ctx.actor.user_id, name=record.name)
    return _keep(ctx, dataset, record)


@action(AnyParams, allow=Permission.DATASET_UPDATE, on=to_be_updated, unknown=INCLUDE)
def package_update(ctx: Context, dataset: Dataset, params: Params) -> orjson.Fragment:
    """Replace a dataset and return it. Fields not given are reset, but for name, title, resources, groups,
    owner_org, private and state."""
    current = orjson.loads(dataset.rendered)
    kept = {key: current[key] for key in KEPT_BY_UPDATE if key not in params}
    return _keep(ctx, dataset, _checked(ctx, {**params, **kept}, dataset))


@action(AnyParams, allow=Permission.DATASET_UPDATE, on=by_id, unknown=INCLUDE)
def package_patch(ctx: Context, dataset: Dataset, params: Params) -> orjson.Fragment:
    """Change only the given fields of a dataset and return it. Lists are replaced as a whole."""
    merged = {**orjson.loads(dataset.rendered), **params, "id": dataset.id}
    if "tag_string" in params and "tags" not in params:
        merged.pop("tags")
    return _keep(ctx, dataset, _checked(ctx, merged, dataset))


@action(AnyParams, allow=Permission.DATASET_UPDATE, on=by_id)
def package_delete(ctx: Context, dataset: Dataset, params: Params) -> None:
    """Delete a dataset: it disappears for everyone but the people of its organization. Deleting twice is no error."""
    dataset.state = "deleted"
    db.save(ctx.uow, dataset, ctx.portal.settings.site_url)


@action(AnyParams, allow=Permission.SYSADMIN, on=by_id)
def dataset_purge(ctx: Context, dataset: Dataset, params: Params) -> None:
    """Remove a dataset for good, with its resources, row versions and reports."""
    db.purge(ctx.uow.session, dataset)
    ctx.uow.later(INDEX, dataset.id)


def _checked(ctx: Context, data: Params, known: Dataset | None) -> DatasetRecord:
    """The record that the parameters describe, or Invalid with everything that is wrong with it."""
    if shape_problem(data):
        raise IntegrityProblem("Only lists of dicts can be placed against subschema", data)
    loaded, errors = load_package(data)
    errors = {**errors, **_own_errors(ctx, data, loaded, known)}
    if errors:
        raise Invalid(errors)
    return package_record(loaded)


def _own_errors(ctx: Context, data: Params, loaded: Params, known: Dataset | None) -> dict[str, Any]:
    """What only the database can tell: a taken name, an unknown owner, a private dataset of nobody, foreign ids."""
    errors: dict[str, Any] = {}
    name = loaded.get("name")
    if name and not db.free_name(ctx.uow.session, name, known.id if known else None):
        errors["name"] = ["That URL is already in use."]
    errors |= _id_errors(ctx, loaded, known)
    owner, message = _owner(ctx, loaded.get("owner_org"), known)
    if message:
        errors["owner_org"] = [message]
    loaded["owner_org"] = owner.id if owner else None
    if loaded.get("private") and not owner and not message:
        wrong = "Datasets with no organization can't be private."
        errors |= {"private": [wrong], "owner_org": [wrong]}
    if known and known.private and not loaded.get("private"):
        held = [each.name or each.id for each in known.resources if db.holds_persons(ctx.uow.session, each)]
        if held:
            errors["private"] = [f"These resources hold personal data and cannot be made public: {', '.join(held)}"]
    return errors | _resource_errors(ctx, loaded, known)


def _id_errors(ctx: Context, loaded: Params, known: Dataset | None) -> dict[str, Any]:
    given = loaded.get("id")
    if not given or known:
        return {}
    if not ctx.actor.sysadmin:
        return {"id": ["The input field id was not expected."]}
    if not is_uuid(given):
        return {"id": ["Invalid id provided"]}
    return {"id": ["Dataset id already exists"]} if db.find_dataset(ctx.uow.session, given) else {}


def _owner(ctx: Context, owner_org: str | None, known: Dataset | None) -> tuple[Group | None, str]:
    """The owning organization, or what is wrong with it."""
    if not owner_org:
        allowed = ctx.portal.settings.create_unowned_dataset or (known is not None and known.owner_org is None)
        return None, "" if allowed else "An organization must be provided"
    owner = people.find_group(ctx.uow.session, owner_org, organization=True)
    if owner is None or owner.state != "active":
        return None, "Organization does not exist"
    moved = known is not None and known.owner_org != owner.id
    if moved and not policy.RULES[Permission.DATASET_CREATE](ctx.actor, owner):
        return None, "You cannot add a dataset to this organization"
    return owner, ""


def _resource_errors(ctx: Context, loaded: Params, known: Dataset | None) -> dict[str, Any]:
    own = {resource.id for resource in known.all_resources} if known else set()
    messages: list[dict[str, Any]] = []
    for resource in loaded.get("resources") or ():
        foreign = resource.get("id") and resource["id"] not in own and ctx.uow.session.get(Resource, resource["id"])
        messages.append({"id": ["Resource id already exists."]} if foreign else {})
    return {"resources": messages} if any(messages) else {}


def _keep(ctx: Context, dataset: Dataset, record: DatasetRecord) -> orjson.Fragment:
    dataset.owner_org = record.owner_org
    groups = _group_ids(ctx, dataset, record)
    db.describe(ctx.uow, dataset, record, groups)
    db.save(ctx.uow, dataset, ctx.portal.settings.site_url)
    return orjson.Fragment(dataset.rendered)


def _group_ids(ctx: Context, dataset: Dataset, record: DatasetRecord) -> list[str]:
    """Ids of the groups that the record names. Raises NotAuthorized for one that the actor is not a member of."""
    session = ctx.uow.session
    here = {group.id for group in people.groups_of(session, dataset.id)} if dataset.rendered else set()
    found = [people.find_group(session, name, organization=False) for name in record.groups if name]
    known = [group for group in found if group is not None and group.state == "active"]
    if not all(group.id in here or _may_join(ctx.actor, group) for group in known):
        raise NotAuthorized("Access denied: not authorized to edit these groups")
    return [group.id for group in known]


def _may_join(actor: Actor, group: Group) -> bool:
    return actor.sysadmin or actor.role_in(group.id) is not None
