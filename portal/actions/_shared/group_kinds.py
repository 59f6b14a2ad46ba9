"""What organizations and groups have in common: one table, one behaviour, two names."""

from __future__ import annotations

from typing import Any

import orjson

from portal.access import accounts
from portal.access.identity import Actor
from portal.access.policy import Permission, authorise, readable
from portal.actions._shared.roles import give_role
from portal.actions.registry import Params, Steps, in_steps
from portal.db import activity, datasets, followers, group_datasets, people
from portal.db.holding import HeldGroup, find_dataset, held_group
from portal.db.people import GroupKey
from portal.domain.base import is_uuid, new_id, stamp
from portal.domain.events import RENDER
from portal.domain.people import FORMER_NAME, GROUP, IDENTIFIER, Group, User
from portal.domain.rendering import group_brief, organization_brief
from portal.errors import Invalid
from portal.runtime import Context
from schemas.lists import words
from schemas.people import identifiers_of

Json = dict[str, Any]
MOST_NAMES, MOST_DICTS = 1000, 25
SORTS = {
    "name": "name",
    "title": "title",
    "package_count": "package_count",
    "packages": "package_count",
}
PROFILE = ("identifier", "identifiers", "kind", "succeeds", "provider_agreement")
ALIASED = ("title", "name", "identifier")
"""What a body that was succeeded is still found by."""
LOCAL_KINDS = ("agency", "commune")
"""Kinds of organizations whose identifiers belong to the province."""


def shown_group(ctx: Context, params: Params, *, organization: bool) -> Group:
    """The organization or group of `id`, to be read; deleted ones exist only for those
    who may see them.
    """
    return people.get_group(
        ctx.uow.session, str(params.get("id") or ""), organization=organization
    )


def held_by_id(ctx: Context, params: Params, *, organization: bool) -> HeldGroup:
    """As `shown_group`, held: whoever changes what is there changes what the one before
    left.
    """
    return held_group(ctx.uow, shown_group(ctx, params, organization=organization).id)


def list_groups(ctx: Context, params: Params, *, organization: bool) -> list[Any]:
    """Names, or dicts with `all_fields`, in the order asked for."""
    keys = people.list_group_keys(
        ctx.uow.session, organization=organization, q=params["q"]
    )
    wanted = _names(params["organizations" if organization else "groups"])
    keys = [
        key for key in keys if wanted is None or key.name in wanted or key.id in wanted
    ]
    cap = MOST_DICTS if params["all_fields"] else MOST_NAMES
    start, limit = (
        max(0, params["offset"]),
        cap if params["limit"] is None else max(0, min(params["limit"], cap)),
    )
    page = _in_order(ctx, keys, *_sort(params), organization=organization)[
        start : start + limit
    ]
    return (
        _described(ctx, page, params, organization=organization)
        if params["all_fields"]
        else [k.name for k in page]
    )


def _in_order(
    ctx: Context, keys: list[GroupKey], field: str, down: bool, *, organization: bool
) -> list[GroupKey]:
    if field == "package_count":
        counts = people.count_in(
            ctx.uow.session, [key.id for key in keys], organization=organization
        )
        return sorted(keys, key=lambda key: counts[key.id], reverse=down)
    by_name = field == "name"
    return sorted(
        keys,
        key=lambda key: key.name if by_name else key.display_name.lower(),
        reverse=down,
    )


def _described(
    ctx: Context, page: list[GroupKey], params: Params, *, organization: bool
) -> list[Json]:
    ids = [key.id for key in page]
    groups = people.list_by_id(ctx.uow.session, ids)
    counts = people.count_in(ctx.uow.session, ids, organization=organization)
    rows = [
        describe(ctx, groups[key], counts[key], extras=params["include_extras"])
        for key in ids
    ]
    if params["include_users"]:
        rows = [{**row, "users": members(ctx, groups[row["id"]])} for row in rows]
    return rows


def _names(value: Any) -> set[str] | None:
    if value in (None, "", []):
        return None
    listed = words(value)
    return {str(name) for name in ([value] if listed is None else listed)}


def _sort(params: Params) -> tuple[str, bool]:
    parts = (
        (params["order_by"] or params["sort"] or "title asc")
        .replace(",", " , ")
        .split()
    )
    if "," in parts:
        raise Invalid("Too many sort criteria")
    field, direction = parts[0], parts[1].lower() if len(parts) > 1 else "asc"
    if field not in SORTS or direction not in ("asc", "desc"):
        raise Invalid(f"Cannot sort by field `{field}`")
    return SORTS[field], direction == "desc"


def show_group(ctx: Context, group: Group, params: Params) -> Json:
    """One organization or group with its people and, if asked for, its datasets."""
    counts = people.count_in(
        ctx.uow.session, [group.id], organization=group.is_organization
    )
    answer = describe(
        ctx, group, counts[group.id], extras=params.get("include_extras", True)
    )
    if params.get("include_users", True):
        answer["users"] = members(ctx, group)
    if params.get("include_followers", True):
        answer["num_followers"] = followers.count(ctx.uow.session, GROUP, group.id)
    if params.get("include_datasets"):
        answer["packages"] = [
            orjson.Fragment(body) for body in _packages(ctx, group, 1000)
        ]
    return answer


def _packages(ctx: Context, group: Group, limit: int) -> list[bytes]:
    return list(
        group_datasets.list_rendered_in(
            ctx.uow.session, group, readable(ctx.actor), limit
        )
    )


def packages(ctx: Context, group: Group, limit: int) -> list[orjson.Fragment]:
    """The datasets of a group that the caller may read."""
    return [orjson.Fragment(body) for body in _packages(ctx, group, limit)]


def members(ctx: Context, group: Group) -> list[Json]:
    """The people of an organization or group with their roles."""
    rows = people.list_members(ctx.uow.session, group.id)
    return [
        {
            "id": user.id,
            "name": user.name,
            "fullname": user.fullname,
            "display_name": user.fullname or user.name,
            "state": user.state,
            **(
                {"sysadmin": user.sysadmin}
                if ctx.actor.sysadmin or ctx.actor.user_id == user.id
                else {}
            ),
            "capacity": capacity,
        }
        for user, capacity in rows
    ]


def describe(ctx: Context, group: Group, count: int, *, extras: bool = True) -> Json:
    """CKAN's dict of an organization or group, the province's fields at its top
    level.
    """
    return {
        "id": group.id,
        "name": group.name,
        "title": group.title,
        "display_name": group.display_name,
        "description": group.description,
        "image_url": group.image_url,
        "image_display_url": group.image_url,
        "type": group.type,
        "is_organization": group.is_organization,
        "approval_status": group.approval_status,
        "state": group.state,
        "created": stamp(group.created),
        "num_followers": 0,
        "package_count": count,
        "tags": [],
        "groups": [],
        **group.profile,
        **(
            {
                "extras": [
                    {"key": k, "value": v} for k, v in sorted(group.extras.items())
                ]
            }
            if extras
            else {}
        ),
    }


def create(ctx: Context, params: Params, *, organization: bool) -> Json:
    """Make one; whoever makes it is its admin."""
    noun = "organization" if organization else "group"
    key = params.get("id")
    if key and not (ctx.actor.sysadmin and is_uuid(key)):
        message = (
            "Invalid id provided"
            if ctx.actor.sysadmin
            else "The input field id was not expected."
        )
        raise Invalid({"id": [message]})
    group = Group(
        id=key or new_id(), name=params["name"], type=noun, is_organization=organization
    )
    _keep(ctx, group, params)
    ctx.uow.session.add(group)
    ctx.uow.session.flush()
    if ctx.actor.user_id:
        people.set_member(ctx.uow.session, group.id, "user", ctx.actor.user_id, "admin")
    _set_users(ctx, group, params)
    activity.note(ctx.uow, noun, group.id, "new", orjson.dumps(describe(ctx, group, 0)))
    return show_group(ctx, group, {})


def over_name(ctx: Context, group: HeldGroup, given: Params) -> Params:
    """What an update takes over: the name. Raises Invalid for another type."""
    if given.get("type") and given["type"] != group.type:
        raise Invalid({"type": ["Type cannot be updated"]})
    return {**given, "name": given.get("name") or group.name}


def over_all(ctx: Context, group: HeldGroup, given: Params) -> Params:
    """What a patch takes over: the whole description."""
    current = describe(ctx, group, 0)
    return over_name(ctx, group, {**current, **given, "id": group.id})


def update(ctx: Context, group: HeldGroup, params: Params) -> Json:
    """Replace a description; `users` missing keeps the people, an empty list clears
    them.
    """
    before = _told_by_datasets(group)
    _keep(ctx, group, params)
    _set_users(ctx, group, params)
    ctx.uow.session.flush()
    if _told_by_datasets(group) != before:
        _render_datasets(ctx, group)
    activity.note(
        ctx.uow, group.type, group.id, "changed", orjson.dumps(describe(ctx, group, 0))
    )
    return show_group(ctx, group, {})


def _told_by_datasets(group: Group) -> Json:
    """What datasets tell of their organization or of a group that they are in."""
    return {
        **(organization_brief(group) if group.is_organization else group_brief(group)),
        "state": group.state,
    }


def _render_datasets(ctx: Context, group: Group) -> None:
    """Have the datasets of an organization or group tell what it is now, a few at a
    time once this is committed.
    """
    ctx.uow.later_for_each(
        RENDER, group_datasets.list_dataset_ids(ctx.uow.session, group)
    )


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
    if (
        dataset is not None
        and dataset.owner_org == organization_id
        and dataset.state == "deleted"
    ):
        dataset.owner_org = None
        datasets.save(ctx.uow, dataset, ctx.portal.settings.site_url, quiet=True)


def _refuse_with_datasets(ctx: Context, group: Group) -> None:
    if group.is_organization and group_datasets.owns_datasets(ctx.uow.session, group):
        raise Invalid("Organization cannot be deleted while it still has datasets")


def _keep(ctx: Context, group: Group, params: Params) -> None:
    clash = people.find_group(ctx.uow.session, params["name"])
    if clash is not None and clash.id != group.id:
        raise Invalid({"name": ["Group name already exists in database"]})
    group.name, group.title = params["name"], params["title"] or ""
    group.description, group.image_url = (
        params["description"] or "",
        params["image_url"] or "",
    )
    group.state = params["state"] or "active"
    group.extras = {
        str(e.get("key")): str(e.get("value", ""))
        for e in params["extras"] or ()
        if e.get("key")
    }
    _keep_profile(ctx, group, params)


def _keep_profile(ctx: Context, group: Group, params: Params) -> None:
    """The province's fields of an organization, and the aliases that follow from
    them.
    """
    identifiers = identifiers_of(params)
    code = ctx.portal.settings.province_code
    foreign = [text for text in identifiers if code not in text.split(".")]
    if foreign and params.get("kind") in LOCAL_KINDS:
        raise Invalid(
            {
                "identifier": [
                    f"{foreign[0]} is not an identifier of this province ({code})"
                ]
            }
        )
    for text in identifiers:
        if (
            holder := people.holder_of_identifier(ctx.uow.session, text, group.id)
        ) is not None:
            raise Invalid(
                {"identifier": [f"{text} is the identifier of {holder.display_name}"]}
            )
    known = {
        **params,
        "identifier": identifiers[0] if identifiers else None,
        "identifiers": identifiers,
    }
    group.profile = {name: known[name] for name in PROFILE if known.get(name)}
    former = [
        str(each[key])
        for each in params.get("succeeds") or ()
        for key in ALIASED
        if each.get(key)
    ]
    ctx.uow.session.add(group)
    aliases = [
        *((IDENTIFIER, text) for text in identifiers),
        *((FORMER_NAME, text) for text in former),
    ]
    people.set_aliases(ctx.uow.session, group, aliases)


def _set_users(ctx: Context, group: Group, params: Params) -> None:
    if params.get("users") is None:
        return
    wanted: dict[str, str] = {}
    for described in params["users"]:
        user = people.get_user(
            ctx.uow.session, str(described.get("name") or described.get("id") or "")
        )
        wanted[user.id] = str(described.get("capacity") or "member")
    for user, _ in people.list_members(ctx.uow.session, group.id):
        if user.id not in wanted:
            people.drop_member(ctx.uow.session, group.id, "user", user.id)
    for user_id, capacity in wanted.items():
        give_role(ctx, group, user_id, capacity)


def set_role(ctx: Context, group: HeldGroup, params: Params) -> Json:
    """Give a user a role, or offer it to one who is no member yet."""
    roles = (
        ("admin", "editor", "member") if group.is_organization else ("admin", "member")
    )
    if params["role"] not in roles:
        raise Invalid({"role": ["role does not exist."]})
    user = _user(ctx, params)
    member = give_role(ctx, group, user.id, params["role"])
    return {
        "id": member.id,
        "group_id": group.id,
        "table_id": user.id,
        "table_name": "user",
        "capacity": member.capacity,
        "state": member.state,
    }


def drop_role(ctx: Context, group: HeldGroup, params: Params) -> None:
    """Take a user's role away."""
    people.drop_member(ctx.uow.session, group.id, "user", _user(ctx, params).id)


def _user(ctx: Context, params: Params) -> User:
    user = people.find_user(ctx.uow.session, params["username"])
    if user is None or user.state != "active":
        raise Invalid({"username": ["User does not exist."]})
    return user


def requested_user(ctx: Context, params: Params) -> Actor:
    """The user of `id`, whom a sysadmin may ask for, and everybody for himself; without
    `id` the caller.
    """
    if not params.get("id"):
        return ctx.actor
    user = people.get_user(ctx.uow.session, str(params["id"]))
    authorise(ctx.actor, Permission.USER_UPDATE, user)
    return accounts.actor_of(ctx.uow.session, user)


def of_user(
    ctx: Context, who: Actor, *, organization: bool, permission: str
) -> list[Json]:
    """The organizations or groups in which a user has the right, with the role as
    `capacity`.
    """
    allowed = {
        "read": ("admin", "editor", "member"),
        "create_dataset": ("admin", "editor"),
        "update_dataset": ("admin", "editor"),
        "delete_dataset": ("admin", "editor"),
    }.get(permission, ("admin",))
    roles = who.organizations if organization else who.groups
    groups = people.list_groups(ctx.uow.session, organization=organization, q=None)
    if who.sysadmin:
        chosen = [(group, "admin") for group in groups]
    else:
        chosen = [
            (group, roles[group.id])
            for group in groups
            if roles.get(group.id) in allowed
        ]
    counts = people.count_in(
        ctx.uow.session, [group.id for group, _ in chosen], organization=organization
    )
    return [
        {**describe(ctx, group, counts[group.id]), "capacity": role}
        for group, role in chosen
    ]
