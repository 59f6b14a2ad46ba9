"""Groups: list, show, create, update, patch, delete, purge, and their people."""

from __future__ import annotations

from typing import Any

import orjson

from portal.access.policy import Permission
from portal.actions._shared import group_dicts, group_writes, roles, targets
from portal.actions.registry import Check, Params, Steps, action
from portal.db.holding import HeldGroup
from portal.domain.people import Group
from portal.runtime import Context
from schemas.datasets import ById
from schemas.people import (
    MOST_PACKAGES,
    GroupList,
    GroupPackages,
    GroupParams,
    GroupShow,
    GroupsOfUser,
    MemberParams,
)


def shown_by_id(ctx: Context, params: Params) -> Group:
    """The group of `id`, to be read."""
    return targets.shown_group(ctx, params, organization=False)


def held_by_id(ctx: Context, params: Params) -> HeldGroup:
    """The group of `id`, held."""
    return targets.held_group(ctx, params, organization=False)


@action(GroupList, allow=Permission.ANYONE, safe=True)
def group_list(ctx: Context, target: object, params: Params) -> list[Any]:
    """Return the names of all groups, or their dicts with `all_fields`; `sort`, `limit`
    and `offset` page.
    """
    return group_dicts.list_groups(ctx, params, organization=False)


@action(GroupShow, allow=Permission.GROUP_READ, on=shown_by_id, safe=True)
def group_show(ctx: Context, group: Group, params: Params) -> dict[str, Any]:
    """Return the group `id` (its id or name) with its people and, if asked for, its
    datasets.
    """
    return group_dicts.show_group(ctx, group, params)


@action(GroupParams, allow=Permission.GROUP_CREATE)
def group_create(ctx: Context, target: object, params: Params) -> dict[str, Any]:
    """Create a group and return it; whoever creates it becomes its admin."""
    return group_writes.create(ctx, params, organization=False)


@action(
    GroupParams,
    allow=Permission.GROUP_UPDATE,
    on=held_by_id,
    check=Check.AUTHORISED,
    over=group_writes.over_name,
    needs=("id",),
)
def group_update(ctx: Context, group: HeldGroup, params: Params) -> dict[str, Any]:
    """Replace the description of the group `id` and return it."""
    return group_writes.update(ctx, group, params)


@action(
    GroupParams,
    allow=Permission.GROUP_UPDATE,
    on=held_by_id,
    check=Check.AUTHORISED,
    over=group_writes.over_all,
    needs=("id",),
)
def group_patch(ctx: Context, group: HeldGroup, params: Params) -> dict[str, Any]:
    """Change only the given fields of the group `id` and return it."""
    return group_writes.update(ctx, group, params)


@action(ById, allow=Permission.GROUP_UPDATE, on=held_by_id)
def group_delete(ctx: Context, group: HeldGroup, params: Params) -> None:
    """Delete the group `id`."""
    group_writes.delete(ctx, group)


@action(ById, allow=Permission.SYSADMIN, on=held_by_id)
def group_purge(ctx: Context, group: HeldGroup, params: Params) -> Steps[None]:
    """Remove the group `id` for good."""
    return group_writes.purge(ctx, group)


@action(MemberParams, allow=Permission.GROUP_UPDATE, on=held_by_id)
def group_member_create(
    ctx: Context, group: HeldGroup, params: Params
) -> dict[str, Any]:
    """Give the user `username` the role `role` in the group `id`.

    Whom no sysadmin adds becomes a member by accepting (membership_accept); until then
    `state` is "pending".
    """
    return roles.set_role(ctx, group, params)


@action(MemberParams, allow=Permission.GROUP_UPDATE, on=held_by_id)
def group_member_delete(ctx: Context, group: HeldGroup, params: Params) -> None:
    """Take away the role of the user `username` in the group `id`."""
    roles.drop_role(ctx, group, params)


@action(GroupsOfUser, allow=Permission.ANYONE, safe=True)
def group_list_authz(
    ctx: Context, target: object, params: Params
) -> list[dict[str, Any]]:
    """Return the groups that the caller may edit or, with `am_member`, those that the
    caller is a member of.
    """
    permission = "read" if params["am_member"] else "manage_group"
    return group_dicts.of_user(
        ctx,
        group_dicts.requested_user(ctx, params),
        organization=False,
        permission=permission,
    )


@action(
    GroupPackages,
    allow=Permission.GROUP_READ,
    on=shown_by_id,
    safe=True,
    check=Check.AUTHORISED,
)
def group_package_show(
    ctx: Context, group: Group, params: Params
) -> list[orjson.Fragment]:
    """Return the datasets of the group `id` that the caller may read."""
    limit = min(params["limit"], MOST_PACKAGES)
    return group_dicts.packages(ctx, group, limit)
