"""A new role in an organization, a group or a dataset: it counts at once, or is offered
and waits to be accepted.
"""

from __future__ import annotations

from typing import Any

from portal.actions.registry import Params
from portal.db import people
from portal.db.holding import HeldGroup
from portal.domain.people import ACTIVE, PENDING, Group, Member, User
from portal.errors import Invalid
from portal.runtime import Context
from schemas.vocabularies import GROUP_ROLES, ORGANIZATION_ROLES


def give_role(ctx: Context, group: Group, user_id: str, capacity: str) -> Member:
    """Give a role to one who is a member already; offer it to anybody else, unless a
    sysadmin or oneself asks.
    """
    return people.set_member(
        ctx.uow.session,
        group.id,
        "user",
        user_id,
        capacity,
        state=state_of_new(ctx, user_id),
    )


def state_of_new(ctx: Context, user_id: str) -> str:
    """Whether a new role counts at once, or when the user accepts it."""
    return ACTIVE if ctx.actor.sysadmin or ctx.actor.user_id == user_id else PENDING


def set_role(ctx: Context, group: HeldGroup, params: Params) -> dict[str, Any]:
    """Give a user a role, or offer it to one who is no member yet."""
    roles = ORGANIZATION_ROLES if group.is_organization else GROUP_ROLES
    if params["role"] not in roles:
        raise Invalid({"role": ["role does not exist."]})
    user = _named_user(ctx, params)
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
    people.drop_member(ctx.uow.session, group.id, "user", _named_user(ctx, params).id)


def _named_user(ctx: Context, params: Params) -> User:
    """The active user `username`; raises Invalid."""
    user = people.find_user(ctx.uow.session, params["username"])
    if user is None or user.state != "active":
        raise Invalid({"username": ["User does not exist."]})
    return user
