"""Organizations and groups are made, changed, deleted and purged: one table, one
behaviour, two names.
"""

from __future__ import annotations

from typing import Any

import orjson

from portal.actions._shared.group_dicts import describe, show_group
from portal.actions._shared.roles import give_role
from portal.actions.registry import Params, Steps, in_steps
from portal.db import activity, datasets, followers, group_datasets, people
from portal.db.holding import HeldGroup, find_dataset, held_group
from portal.domain.base import is_uuid, new_id
from portal.domain.events import RENDER
from portal.domain.people import FORMER_NAME, GROUP, IDENTIFIER, Group
from portal.domain.rendering import group_brief, organization_brief
from portal.errors import Invalid
from portal.runtime import Context
from schemas.people import identifiers_of

Json = dict[str, Any]
PROFILE = ("identifier", "identifiers", "kind", "succeeds", "provider_agreement")
ALIASED = ("title", "name", "identifier")
"""What a body that was succeeded is still found by."""
LOCAL_KINDS = ("agency", "commune")
"""Kinds of organizations whose identifiers belong to the province."""


def create(ctx: Context, params: Params, *, organization: bool) -> Json:
    """Make one; whoever makes it is its admin."""
    type_ = "organization" if organization else "group"
    group = Group(
        id=_new_id(ctx, params.get("id")),
        name=params["name"],
        type=type_,
        is_organization=organization,
    )
    _describe_anew(ctx, group, params)
    session, user_id = ctx.uow.session, ctx.actor.user_id
    session.add(group)
    session.flush()
    if user_id:
        people.set_member(session, group.id, "user", user_id, "admin")
    _set_users(ctx, group, params)
    _note(ctx, group, "new")
    return show_group(ctx, group, {})


def _new_id(ctx: Context, wanted: str | None) -> str:
    """The id that a sysadmin wants, or a new one; raises Invalid."""
    if not wanted:
        return new_id()
    if not ctx.actor.sysadmin:
        raise Invalid({"id": ["The input field id was not expected."]})
    if not is_uuid(wanted):
        raise Invalid({"id": ["Invalid id provided"]})
    return wanted


def _note(ctx: Context, group: Group, what: str) -> None:
    body = orjson.dumps(describe(group, 0))
    activity.note(ctx.uow, group.type, group.id, what, body)


def over_name(ctx: Context, group: HeldGroup, given: Params) -> Params:
    """What an update takes over: the name. Raises Invalid for another type."""
    if given.get("type") and given["type"] != group.type:
        raise Invalid({"type": ["Type cannot be updated"]})
    return {**given, "name": given.get("name") or group.name}


def over_all(ctx: Context, group: HeldGroup, given: Params) -> Params:
    """What a patch takes over: the whole description."""
    current = describe(group, 0)
    return over_name(ctx, group, {**current, **given, "id": group.id})


def update(ctx: Context, group: HeldGroup, params: Params) -> Json:
    """Replace a description; `users` missing keeps the people, an empty list clears
    them.
    """
    before = _told_by_datasets(group)
    _describe_anew(ctx, group, params)
    _set_users(ctx, group, params)
    ctx.uow.session.flush()
    # An organization may have thousands of datasets: they are rendered only if they
    # would say something else.
    if _told_by_datasets(group) != before:
        _render_datasets(ctx, group)
    _note(ctx, group, "changed")
    return show_group(ctx, group, {})


def _told_by_datasets(group: Group) -> Json:
    """What datasets tell of their organization or of a group that they are in."""
    brief = organization_brief if group.is_organization else group_brief
    return {**brief(group), "state": group.state}


def _render_datasets(ctx: Context, group: Group) -> None:
    """Have the datasets of an organization or group tell what it is now, a few at a
    time once this is committed.
    """
    dataset_ids = group_datasets.list_dataset_ids(ctx.uow.session, group)
    ctx.uow.later_for_each(RENDER, dataset_ids)


def delete(ctx: Context, group: HeldGroup) -> None:
    """Delete (softly) an organization without datasets, or a group."""
    _refuse_with_datasets(ctx, group)
    if group.state == "deleted":
        return
    group.state = "deleted"
    activity.note(ctx.uow, group.type, group.id, "deleted")
    _render_datasets(ctx, group)


def purge(ctx: Context, group: HeldGroup) -> Steps[None]:
    """Remove an organization or group for good; it is deleted before, so that no
    dataset comes into it meanwhile.
    """
    delete(ctx, group)
    yield
    if group.is_organization:
        ids = group_datasets.list_dataset_ids(ctx.uow.session, group)
        yield from in_steps(ids, lambda dataset_id: _disown(ctx, dataset_id, group.id))
    # Each step ended a transaction and its locks: the group is held anew.
    group = held_group(ctx.uow, group.id)
    _refuse_with_datasets(ctx, group)
    if not group.is_organization:
        _render_datasets(ctx, group)
    activity.forget(ctx.uow.session, group.id)
    followers.forget(ctx.uow.session, GROUP, group.id)
    people.purge_group(ctx.uow.session, group)


def _disown(ctx: Context, dataset_id: str, organization_id: str) -> None:
    """Take a deleted dataset away from an organization that is about to go."""
    dataset = find_dataset(ctx.uow, dataset_id)
    if dataset is None or dataset.owner_org != organization_id:
        return
    # A dataset that somebody has restored meanwhile keeps its owner.
    if dataset.state == "deleted":
        dataset.owner_org = None
        datasets.save(ctx.uow, dataset, ctx.portal.settings.site_url, quiet=True)


def _refuse_with_datasets(ctx: Context, group: Group) -> None:
    """Raise Invalid for an organization that owns datasets still."""
    if group.is_organization and group_datasets.owns_datasets(ctx.uow.session, group):
        raise Invalid("Organization cannot be deleted while it still has datasets")


def _describe_anew(ctx: Context, group: Group, params: Params) -> None:
    """Take over name, texts, extras and profile; raises Invalid for a taken name."""
    name_holder = people.find_group(ctx.uow.session, params["name"])
    if name_holder is not None and name_holder.id != group.id:
        raise Invalid({"name": ["Group name already exists in database"]})
    group.name = params["name"]
    group.title = params["title"] or ""
    group.description = params["description"] or ""
    group.image_url = params["image_url"] or ""
    group.state = params["state"] or "active"
    group.extras = {
        str(extra["key"]): str(extra.get("value", ""))
        for extra in params["extras"] or ()
        if extra.get("key")
    }
    _describe_profile(ctx, group, params)


def _describe_profile(ctx: Context, group: Group, params: Params) -> None:
    """The province's fields of an organization, and the aliases that follow from
    them.
    """
    identifiers = identifiers_of(params)
    _refuse_identifiers(ctx, group, identifiers, params.get("kind"))
    profile = {
        **params,
        "identifier": identifiers[0] if identifiers else None,
        "identifiers": identifiers,
    }
    group.profile = {name: profile[name] for name in PROFILE if profile.get(name)}
    former_names = [
        str(body[key])
        for body in params.get("succeeds") or ()
        for key in ALIASED
        if body.get(key)
    ]
    aliases = [(IDENTIFIER, identifier) for identifier in identifiers]
    aliases += [(FORMER_NAME, name) for name in former_names]
    ctx.uow.session.add(group)
    people.set_aliases(ctx.uow.session, group, aliases)


def _refuse_identifiers(
    ctx: Context, group: Group, identifiers: list[str], kind: str | None
) -> None:
    """Raise Invalid for an identifier of another province, or of another body here."""
    province = ctx.portal.settings.province_code
    foreign = [text for text in identifiers if province not in text.split(".")]
    if foreign and kind in LOCAL_KINDS:
        message = f"{foreign[0]} is not an identifier of this province ({province})"
        raise Invalid({"identifier": [message]})
    for text in identifiers:
        holder = people.holder_of_identifier(ctx.uow.session, text, group.id)
        if holder is not None:
            message = f"{text} is the identifier of {holder.display_name}"
            raise Invalid({"identifier": [message]})


def _set_users(ctx: Context, group: Group, params: Params) -> None:
    """Make the people of a group those that are named; nobody named leaves them."""
    if params.get("users") is None:
        return
    session = ctx.uow.session
    roles: dict[str, str] = {}
    for described in params["users"]:
        name_or_id = described.get("name") or described.get("id") or ""
        user = people.get_user(session, str(name_or_id))
        roles[user.id] = str(described.get("capacity") or "member")
    for member, _ in people.list_members(session, group.id):
        if member.id not in roles:
            people.drop_member(session, group.id, "user", member.id)
    for user_id, capacity in roles.items():
        give_role(ctx, group, user_id, capacity)
