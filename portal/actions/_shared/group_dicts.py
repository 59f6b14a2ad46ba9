"""Organizations and groups as CKAN shows them: listed, one by one, and those of a
user.
"""

from __future__ import annotations

from typing import Any

import orjson

from portal.access import accounts
from portal.access.identity import Actor
from portal.access.policy import Permission, authorise, readable
from portal.actions.registry import Params
from portal.db import followers, group_datasets, people
from portal.db.people import GroupKey
from portal.domain.base import stamp
from portal.domain.people import GROUP, Group, User
from portal.errors import Invalid
from portal.runtime import Context

Json = dict[str, Any]
MOST_NAMES, MOST_DICTS = 1000, 25
MOST_PACKAGES = 1000
SORTS = {
    "name": "name",
    "title": "title",
    "package_count": "package_count",
    "packages": "package_count",
}
"""What a list may be sorted by, and the fields that are meant."""
ROLES_WITH = {
    "read": ("admin", "editor", "member"),
    "create_dataset": ("admin", "editor"),
    "update_dataset": ("admin", "editor"),
    "delete_dataset": ("admin", "editor"),
}
"""Roles that have a right; every other right is an admin's."""


def list_groups(ctx: Context, params: Params, *, organization: bool) -> list[Any]:
    """Names, or dicts with `all_fields`, in the order asked for."""
    session = ctx.uow.session
    keys = people.list_group_keys(session, organization=organization, q=params["q"])
    names = set(params["organizations" if organization else "groups"])
    if names:
        keys = [key for key in keys if key.name in names or key.id in names]
    keys = _in_order(ctx, keys, params, organization=organization)
    start = max(0, params["offset"])
    page = keys[start : start + _limit(params)]
    if params["all_fields"]:
        return _dicts(ctx, page, params, organization=organization)
    return [key.name for key in page]


def _limit(params: Params) -> int:
    """How many may be listed: fewer where each is a whole dict."""
    most = MOST_DICTS if params["all_fields"] else MOST_NAMES
    if params["limit"] is None:
        return most
    return int(max(0, min(params["limit"], most)))


def _in_order(
    ctx: Context, keys: list[GroupKey], params: Params, *, organization: bool
) -> list[GroupKey]:
    """The keys in the order asked for; datasets are counted only if need be."""
    field, descending = _sort(params)
    if field == "name":
        return sorted(keys, key=lambda key: key.name, reverse=descending)
    if field == "title":
        return sorted(
            keys, key=lambda key: key.display_name.lower(), reverse=descending
        )
    ids = [key.id for key in keys]
    counts = people.count_in(ctx.uow.session, ids, organization=organization)
    return sorted(keys, key=lambda key: counts[key.id], reverse=descending)


def _dicts(
    ctx: Context, page: list[GroupKey], params: Params, *, organization: bool
) -> list[Json]:
    """The dicts of a page, in as many statements as one of them takes."""
    session = ctx.uow.session
    ids = [key.id for key in page]
    groups = people.list_by_id(session, ids)
    counts = people.count_in(session, ids, organization=organization)
    extras = params["include_extras"]
    dicts = [describe(groups[key], counts[key], extras=extras) for key in ids]
    if params["include_users"]:
        for each in dicts:
            each["users"] = members(ctx, groups[each["id"]])
    return dicts


def _sort(params: Params) -> tuple[str, bool]:
    """The field that is sorted by, and whether downwards."""
    sort = params["order_by"] or params["sort"] or "title asc"
    parts = sort.replace(",", " , ").split()
    if "," in parts:
        raise Invalid("Too many sort criteria")
    field = parts[0]
    direction = parts[1].lower() if len(parts) > 1 else "asc"
    if field not in SORTS or direction not in ("asc", "desc"):
        raise Invalid(f"Cannot sort by field `{field}`")
    return SORTS[field], direction == "desc"


def show_group(ctx: Context, group: Group, params: Params) -> Json:
    """One organization or group with its people and, if asked for, its datasets."""
    session = ctx.uow.session
    organization = group.is_organization
    counts = people.count_in(session, [group.id], organization=organization)
    extras = params.get("include_extras", True)
    answer = describe(group, counts[group.id], extras=extras)
    if params.get("include_users", True):
        answer["users"] = members(ctx, group)
    if params.get("include_followers", True):
        answer["num_followers"] = followers.count(session, GROUP, group.id)
    if params.get("include_datasets"):
        answer["packages"] = packages(ctx, group, MOST_PACKAGES)
    return answer


def packages(ctx: Context, group: Group, limit: int) -> list[orjson.Fragment]:
    """The datasets of a group that the caller may read."""
    bodies = group_datasets.list_rendered_in(
        ctx.uow.session, group, readable(ctx.actor), limit
    )
    # Package dicts are kept as JSON: they go out as they are, unparsed.
    return [orjson.Fragment(body) for body in bodies]


def members(ctx: Context, group: Group) -> list[Json]:
    """The people of an organization or group with their roles."""
    rows = people.list_members(ctx.uow.session, group.id)
    return [_member(ctx.actor, user, capacity) for user, capacity in rows]


def _member(actor: Actor, user: User, capacity: str) -> Json:
    """A member in CKAN's shape, with the role as `capacity`."""
    member: Json = {
        "id": user.id,
        "name": user.name,
        "fullname": user.fullname,
        "display_name": user.fullname or user.name,
        "state": user.state,
    }
    # Nobody gets a list of sysadmins: they are targets.
    if actor.sysadmin or actor.user_id == user.id:
        member["sysadmin"] = user.sysadmin
    return {**member, "capacity": capacity}


def describe(group: Group, count: int, *, extras: bool = True) -> Json:
    """CKAN's dict of an organization or group with `count` datasets, the province's
    fields at its top level.
    """
    described = {
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
        # CKAN's clients read these keys everywhere; only single dicts count followers.
        "num_followers": 0,
        "package_count": count,
        "tags": [],
        "groups": [],
        **group.profile,
    }
    if extras:
        pairs = sorted(group.extras.items())
        described["extras"] = [{"key": key, "value": value} for key, value in pairs]
    return described


def requested_user(ctx: Context, params: Params) -> Actor:
    """The user of `id`, whom a sysadmin may ask for, and everybody for himself; without
    `id` the caller.
    """
    if not params["id"]:
        return ctx.actor
    user = people.get_user(ctx.uow.session, params["id"])
    authorise(ctx.actor, Permission.USER_UPDATE, user)
    return accounts.actor_of(ctx.uow.session, user)


def of_user(
    ctx: Context, who: Actor, *, organization: bool, permission: str
) -> list[Json]:
    """The organizations or groups in which a user has the right, with the role as
    `capacity`.
    """
    session = ctx.uow.session
    roles = who.organizations if organization else who.groups
    groups = people.list_groups(session, organization=organization, q=None)
    # A sysadmin has every right everywhere, without being a member.
    if who.sysadmin:
        roles = {group.id: "admin" for group in groups}
    with_right = ROLES_WITH.get(permission, ("admin",))
    chosen = [group for group in groups if roles.get(group.id) in with_right]
    ids = [group.id for group in chosen]
    counts = people.count_in(session, ids, organization=organization)
    return [
        {**describe(group, counts[group.id]), "capacity": roles[group.id]}
        for group in chosen
    ]
