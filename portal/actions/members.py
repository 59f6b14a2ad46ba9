"""Membership rows as CKAN's older actions see them: member_create, member_delete,
member_list, member_roles_list.
"""

from __future__ import annotations

from typing import Any

from portal.access import policy
from portal.access.policy import Permission
from portal.actions._shared.roles import give_role
from portal.actions.registry import Params, action
from portal.db import datasets, people
from portal.db.holding import HeldDataset, held_dataset
from portal.domain.datasets import Dataset
from portal.domain.people import Group
from portal.errors import Invalid, NotFound
from portal.runtime import Context
from schemas.people import GroupType, MemberList, ObjectMember

KINDS = ("user", "package")


def shown_group(ctx: Context, params: Params) -> Group:
    """The organization or group of `id`."""
    group = people.find_group(ctx.uow.session, str(params["id"]))
    if group is None:
        raise NotFound("Not found: Group was not found.")
    return group


@action(ObjectMember, allow=Permission.GROUP_UPDATE, on=shown_group)
def member_create(ctx: Context, group: Group, params: Params) -> dict[str, Any]:
    """Make the `object` (a user or package) a member of the group `id` with `capacity`.

    Whom no sysadmin adds becomes a member by accepting (membership_accept); until then
    `state` is "pending".
    """
    key, dataset = _object(ctx, params)
    capacity = params["capacity"] or "public"
    if dataset is None:
        member = give_role(ctx, group, key, capacity)
    else:
        member = people.set_member(
            ctx.uow.session, group.id, params["object_type"], key, capacity
        )
    if dataset is not None:
        datasets.save(ctx.uow, dataset, ctx.portal.settings.site_url)
    return {
        "id": member.id,
        "group_id": group.id,
        "table_id": key,
        "table_name": member.table_name,
        "capacity": member.capacity,
        "state": member.state,
    }


@action(ObjectMember, allow=Permission.GROUP_UPDATE, on=shown_group)
def member_delete(ctx: Context, group: Group, params: Params) -> None:
    """End the membership of the `object` in the group `id`."""
    key, dataset = _object(ctx, params)
    people.drop_member(ctx.uow.session, group.id, params["object_type"], key)
    if dataset is not None:
        datasets.save(ctx.uow, dataset, ctx.portal.settings.site_url)


def _object(ctx: Context, params: Params) -> tuple[str, HeldDataset | None]:
    """The id of the user or dataset that is meant, and the dataset, held."""
    if params["object_type"] == "user":
        return people.get_user(ctx.uow.session, params["object"]).id, None
    if params["object_type"] != "package":
        raise Invalid({"object_type": [f"Value must be one of {', '.join(KINDS)}"]})
    dataset = held_dataset(ctx.uow, params["object"])
    # The group's permission says nothing of the dataset: it must not be found out so.
    policy.authorise(ctx.actor, Permission.DATASET_READ, dataset)
    return dataset.id, dataset


@action(MemberList, allow=Permission.GROUP_READ, on=shown_group, safe=True)
def member_list(ctx: Context, group: Group, params: Params) -> list[list[str]]:
    """Return [id, type, role] of the members of the group `id`; only datasets that the
    caller may read.
    """
    rows = people.list_memberships(ctx.uow.session, group.id)
    wanted = [row for row in rows if params["object_type"] in (None, row.table_name)]
    wanted = [row for row in wanted if params["capacity"] in (None, row.capacity)]
    return [
        [row.table_id, row.table_name, _label(row.capacity)]
        for row in wanted
        if _visible(ctx, row.table_name, row.table_id)
    ]


def _label(capacity: str) -> str:
    # CKAN leaves this one word, which datasets have, in lower case.
    return capacity if capacity == "public" else capacity.capitalize()


def _visible(ctx: Context, kind: str, key: str) -> bool:
    """Whether the caller may know of it: of users always, of datasets he may read."""
    if kind != "package":
        return True
    dataset = ctx.uow.session.get(Dataset, key)
    return dataset is not None and policy.may_read(ctx.actor, dataset)


@action(GroupType, allow=Permission.ANYONE, safe=True)
def member_roles_list(
    ctx: Context, target: object, params: Params
) -> list[dict[str, str]]:
    """Return the roles that a member may have: three in an organization, two in a
    group.
    """
    roles = (
        ("admin", "editor", "member")
        if params["group_type"] != "group"
        else ("admin", "member")
    )
    return [{"text": role.capitalize(), "value": role} for role in roles]
