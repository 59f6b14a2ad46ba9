"""From parameters to a saved dataset: what create, update, patch and revise share, with
every rule on the way.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import orjson

from portal.access import policy
from portal.access.identity import Actor
from portal.access.policy import Permission
from portal.actions._shared import uploads
from portal.actions.registry import Params, positions
from portal.db import datasets as db
from portal.db import group_datasets, people, vocabularies
from portal.db.holding import HeldDataset, new_dataset, steady_groups
from portal.domain.base import is_uuid, moment_of, new_id
from portal.domain.datasets import Dataset, Resource
from portal.domain.people import Group
from portal.errors import IntegrityProblem, Invalid, NotAuthorized
from portal.quality.frictionless import jsonschemas
from portal.runtime import Context
from schemas.datasets import (
    load_package,
    package_record,
    shape_problem,
    vocabulary_tags,
)
from schemas.record import DatasetRecord, Upload
from schemas.vocabularies import PROFILE_NAMES

ENTERPRISE = "enterprise"


def write_dataset(
    ctx: Context,
    known: HeldDataset | None,
    params: Params,
    current: Mapping[str, Any],
) -> orjson.Fragment:
    """Check the whole description of a known or (None) new dataset, take it over and
    return the package dict; `current` is the package dict as it was, empty for a new
    one.

    Raises Invalid with everything that is wrong, NotAuthorized for a group that the
    actor may not touch.
    """
    params = _reconciled(params, current)
    record = checked_record(ctx, params, known)
    dataset = known or _new(ctx, record)
    before = dataset.metadata_modified if known else None
    if known:
        # CKAN takes another type without an error, and keeps the one that it has.
        record = replace(record, type=known.type)
    elif not ctx.actor.sysadmin:
        record = replace(record, state="active")
    dataset.owner_org = record.owner_org
    db.describe(ctx.uow, dataset, record, _group_ids(ctx, known, record))
    _take_uploads(ctx, dataset, params, record)
    refuse_tagged(ctx, dataset, dataset.resources)
    db.save(ctx.uow, dataset, ctx.portal.settings.site_url)
    uploads.await_loads(ctx, dataset.resources)
    given = moment_of(params.get("metadata_modified"))
    # A client that sends a whole dict back sends its old time with it: only another
    # time is meant.
    if ctx.actor.sysadmin and given is not None and given != before:
        db.set_modified(ctx.uow, dataset, given)
    return orjson.Fragment(dataset.rendered)


def _new(ctx: Context, record: DatasetRecord) -> HeldDataset:
    """The new dataset of a record, held, under the record's id or a new one."""
    dataset = Dataset(
        id=record.id or new_id(), creator_user_id=ctx.actor.user_id, name=record.name
    )
    return new_dataset(ctx.uow, dataset)


def _take_uploads(
    ctx: Context, dataset: Dataset, params: Params, record: DatasetRecord
) -> None:
    """Store the files that came inside resources."""
    for resource, given, described in zip(
        dataset.resources, params.get("resources") or (), record.resources, strict=False
    ):
        if isinstance(given.get("upload"), Upload):
            resource.describe(uploads.store(ctx, resource, given["upload"], described))


def _reconciled(params: Params, current: Mapping[str, Any]) -> Params:
    """Parameters in which a province's field says one thing.

    Each stands at the top level and among the extras. A client that knows one place
    changes it there and sends the other back as it was: what differs from now is what
    was meant.
    """
    given = params.get("extras")
    if not isinstance(given, list):
        return params
    extras = {
        str(extra.get("key")): extra for extra in given if isinstance(extra, Mapping)
    }
    extras_before = (
        {extra["key"]: extra["value"] for extra in current["extras"]} if current else {}
    )
    merged = dict(params)
    for name in PROFILE_NAMES & extras.keys():
        value = None if extras[name].get("deleted") else extras[name].get("value")
        meant_above = name in params and (
            params[name] != current.get(name) or value == extras_before.get(name)
        )
        merged[name] = params[name] if meant_above else value
    merged["extras"] = [
        e
        for e in given
        if not (isinstance(e, Mapping) and e.get("key") in PROFILE_NAMES)
    ]
    return merged


def checked_record(ctx: Context, data: Params, known: Dataset | None) -> DatasetRecord:
    """The record that the parameters describe, or Invalid with everything that is wrong
    with it.
    """
    if shape_problem(data):
        raise IntegrityProblem(
            "Only lists of dicts can be placed against subschema", data
        )
    loaded, errors = load_package(data)
    errors = {**errors, **_own_errors(ctx, data, loaded, known)}
    if errors:
        raise Invalid(positions(errors))
    return package_record(loaded)


def _own_errors(
    ctx: Context, data: Params, loaded: Params, known: Dataset | None
) -> dict[str, Any]:
    """What only the database can tell: a taken name, an unknown owner, a private
    dataset of nobody, foreign ids.
    """
    errors: dict[str, Any] = {}
    name = loaded.get("name")
    if name and not db.free_name(
        ctx.uow, name, ctx.portal.settings.site_url, known.id if known else None
    ):
        errors["name"] = ["That URL is already in use."]
    errors |= _id_errors(ctx, loaded, known)
    owner, message = _owner(ctx, loaded.get("owner_org"), known)
    if message:
        errors["owner_org"] = [message]
    loaded["owner_org"] = owner.id if owner else None
    if loaded.get("private") and not data.get("owner_org"):
        wrong = "Datasets with no organization can't be private."
        errors |= {
            "private": [wrong],
            "owner_org": [*errors.get("owner_org", ()), wrong],
        }
    errors |= _sharing_errors(loaded, owner)
    errors |= _personal_errors(ctx, loaded, known)
    errors |= _vocabulary_errors(ctx, loaded)
    return errors | _resource_errors(ctx, loaded, known)


def _sharing_errors(loaded: Params, owner: Group | None) -> dict[str, Any]:
    """An enterprise's data is restricted, and open only under an agreement that is in
    force.
    """
    if owner is None or owner.profile.get("kind") != ENTERPRISE:
        return {}
    if not loaded.get("access_kind"):
        loaded["access_kind"] = "restricted"
    if loaded["access_kind"] != "open" or owner.agrees_to_open():
        return {}
    return {
        "access_kind": [
            "An enterprise shares openly only under a provider agreement that is in "
            "force"
        ]
    }


def _personal_errors(
    ctx: Context, loaded: Params, known: Dataset | None
) -> dict[str, Any]:
    """What holds personal data cannot be made public, nor be called open."""
    if known is None:
        return {}
    # Only a turn to the open is refused: a dataset that is public already can still be
    # edited.
    turns = {
        "private": known.private and not loaded.get("private"),
        "access_kind": loaded.get("access_kind")
        == "open"
        != known.profile.get("access_kind"),
    }
    if not any(turns.values()):
        return {}
    held = [
        each.name or each.id
        for each in known.resources
        if db.holds_persons(ctx.uow.session, each)
    ]
    message = (
        "These resources hold personal data and cannot be made public: "
        f"{', '.join(held)}"
    )
    return {field: [message] for field, turned in turns.items() if turned and held}


def refuse_tagged(
    ctx: Context, dataset: Dataset, resources: Iterable[Resource]
) -> None:
    """Raise Invalid when the schema of one of these now tags columns as personal that
    everybody may read already.

    Also when it refers to something outside of itself, which nobody will fetch.
    """
    resources = list(resources)
    leaving = [
        problem
        for each in resources
        for problem in jsonschemas.outside_references(each.table_schema or {})
    ]
    if leaving:
        raise Invalid({"schema": leaving})
    tagged = (
        [(each, db.undropped(ctx.uow.session, each)) for each in resources]
        if dataset.is_open
        else []
    )
    wrong = [
        f"{each.name or each.id}: {', '.join(names)}" for each, names in tagged if names
    ]
    if wrong:
        text = "The published rows hold columns that the schema tags as personal data"
        raise Invalid(
            {"schema": [f"{text}; make the dataset private first: {'; '.join(wrong)}"]}
        )


def _vocabulary_errors(ctx: Context, loaded: Params) -> dict[str, Any]:
    """What is wrong with the tags that name a vocabulary, by field."""
    messages = []
    for key, name in vocabulary_tags(loaded):
        vocabulary = vocabularies.find(ctx.uow.session, key)
        if vocabulary is None:
            messages.append("Tag vocabulary was not found.")
        elif vocabularies.find_tag(ctx.uow.session, name, vocabulary.id) is None:
            messages.append(
                f"Tag {name} does not belong to vocabulary {vocabulary.name}"
            )
    return {"tags": messages} if messages else {}


def _id_errors(ctx: Context, loaded: Params, known: Dataset | None) -> dict[str, Any]:
    """What is wrong with the id that a new dataset is to get, by field."""
    given = loaded.get("id")
    if not given or known:
        return {}
    # CKAN tells an editor that it does not know the field, and a sysadmin what is wrong
    # with the id.
    if not ctx.actor.sysadmin:
        return {"id": ["The input field id was not expected."]}
    if not is_uuid(given):
        return {"id": ["Invalid id provided"]}
    return (
        {"id": ["Dataset id already exists"]}
        if db.find_dataset(ctx.uow.session, given)
        else {}
    )


def _owner(
    ctx: Context, owner_org: str | None, known: Dataset | None
) -> tuple[Group | None, str]:
    """The owning organization, or what is wrong with it."""
    if not owner_org:
        # A dataset that never had an organization can still be edited without one.
        allowed = ctx.portal.settings.create_unowned_dataset or (
            known is not None and known.owner_org is None
        )
        return None, "" if allowed else "An organization must be provided"
    owner = people.find_group(ctx.uow.session, owner_org, organization=True)
    if owner is not None and (known is None or known.owner_org != owner.id):
        # It is not deleted meanwhile.
        owner = next(iter(steady_groups(ctx.uow.session, [owner.id])), None)
    if owner is None or owner.state != "active":
        return None, "Organization does not exist"
    moved = known is not None and known.owner_org != owner.id
    if moved and not policy.RULES[Permission.DATASET_CREATE](ctx.actor, owner):
        return None, "You cannot add a dataset to this organization"
    return owner, ""


def _resource_errors(
    ctx: Context, loaded: Params, known: Dataset | None
) -> dict[str, Any]:
    """Which resources have the id of another dataset's resource, by position."""
    own = {resource.id for resource in known.all_resources} if known else set()
    messages: list[dict[str, Any]] = []
    for resource in loaded.get("resources") or ():
        foreign = (
            resource.get("id")
            and resource["id"] not in own
            and ctx.uow.session.get(Resource, resource["id"])
        )
        # Clients find a fault by its position, so a resource without one gets an empty
        # dict.
        messages.append({"id": ["Resource id already exists."]} if foreign else {})
    return {"resources": messages} if any(messages) else {}


def _group_ids(ctx: Context, known: Dataset | None, record: DatasetRecord) -> list[str]:
    """Ids of the groups that the record names. Raises NotAuthorized for one that the
    actor is not a member of.
    """
    session = ctx.uow.session
    here = (
        {group.id for group in group_datasets.groups_of(session, known.id)}
        if known
        else set()
    )
    found = [
        people.find_group(session, name, organization=False)
        for name in record.groups
        if name
    ]
    active = [group for group in found if group is not None and group.state == "active"]
    # Who edits a dataset sends its groups back, also those that he is no member of.
    if not all(group.id in here or _may_join(ctx.actor, group) for group in active):
        raise NotAuthorized("Access denied: not authorized to edit these groups")
    return [group.id for group in active]


def _may_join(actor: Actor, group: Group) -> bool:
    return actor.sysadmin or actor.role_in(group.id) is not None
