"""Organizations: list, show, create, update, patch, delete, purge, and their people."""

from __future__ import annotations

from typing import Any

from portal.access.policy import Permission
from portal.actions._shared import group_dicts, group_writes, roles, targets
from portal.actions.registry import Check, Params, Steps, action
from portal.db.holding import HeldGroup
from portal.domain.people import Group
from portal.runtime import Context
from schemas.datasets import ById
from schemas.people import (
    GroupList,
    GroupParams,
    GroupShow,
    MemberParams,
    OrganizationsOfUser,
)


def shown_by_id(ctx: Context, params: Params) -> Group:
    """The organization of `id`, to be read."""
    return targets.shown_group(ctx, params, organization=True)


def held_by_id(ctx: Context, params: Params) -> HeldGroup:
    """The organization of `id`, held."""
    return targets.held_group(ctx, params, organization=True)


@action(GroupList, allow=Permission.ANYONE, safe=True)
def organization_list(ctx: Context, target: object, params: Params) -> list[Any]:
    """Return the names of all organizations, or their dicts with `all_fields`; `sort`,
    `limit` and `offset` page.
    """
    return group_dicts.list_groups(ctx, params, organization=True)


@action(GroupShow, allow=Permission.GROUP_READ, on=shown_by_id, safe=True)
def organization_show(ctx: Context, group: Group, params: Params) -> dict[str, Any]:
    """Return the organization `id` (its id or name) with its people and, if asked for,
    its datasets.
    """
    return group_dicts.show_group(ctx, group, params)


@action(GroupParams, allow=Permission.ORGANIZATION_CREATE)
def organization_create(ctx: Context, target: object, params: Params) -> dict[str, Any]:
    """Create an organization and return it; whoever creates it becomes its admin."""
    return group_writes.create(ctx, params, organization=True)


@action(
    GroupParams,
    allow=Permission.GROUP_UPDATE,
    on=held_by_id,
    check=Check.AUTHORISED,
    over=group_writes.over_name,
    needs=("id",),
)
def organization_update(
    ctx: Context, group: HeldGroup, params: Params
) -> dict[str, Any]:
    """Replace the description of the organization `id` and return it."""
    return group_writes.update(ctx, group, params)


@action(
    GroupParams,
    allow=Permission.GROUP_UPDATE,
    on=held_by_id,
    check=Check.AUTHORISED,
    over=group_writes.over_all,
    needs=("id",),
)
def organization_patch(
    ctx: Context, group: HeldGroup, params: Params
) -> dict[str, Any]:
    """Change only the given fields of the organization `id` and return it."""
    return group_writes.update(ctx, group, params)


@action(ById, allow=Permission.GROUP_UPDATE, on=held_by_id)
def organization_delete(ctx: Context, group: HeldGroup, params: Params) -> None:
    """Delete the organization `id`; one with datasets is refused."""
    group_writes.delete(ctx, group)


@action(ById, allow=Permission.SYSADMIN, on=held_by_id)
def organization_purge(ctx: Context, group: HeldGroup, params: Params) -> Steps[None]:
    """Remove the organization `id` for good."""
    return group_writes.purge(ctx, group)


@action(MemberParams, allow=Permission.GROUP_UPDATE, on=held_by_id)
def organization_member_create(
    ctx: Context, group: HeldGroup, params: Params
) -> dict[str, Any]:
    """Give the user `username` the role `role` in the organization `id`.

    Whom no sysadmin adds becomes a member by accepting (membership_accept); until then
    `state` is "pending".
    """
    return roles.set_role(ctx, group, params)


@action(MemberParams, allow=Permission.GROUP_UPDATE, on=held_by_id)
def organization_member_delete(ctx: Context, group: HeldGroup, params: Params) -> None:
    """Take away the role of the user `username` in the organization `id`."""
    roles.drop_role(ctx, group, params)


@action(OrganizationsOfUser, allow=Permission.ANYONE, safe=True)
def organization_list_for_user(
    ctx: Context, target: object, params: Params
) -> list[dict[str, Any]]:
    """Return the organizations in which the caller has the right `permission`, with the
    role as `capacity`.

    A sysadmin may ask for the user `id`.
    """
    who = group_dicts.requested_user(ctx, params)
    return group_dicts.of_user(
        ctx, who, organization=True, permission=params["permission"]
    )
