"""A new role in an organization, a group or a dataset: it counts at once, or is offered
and waits to be accepted.
"""

from __future__ import annotations

from portal.db import people
from portal.domain.people import ACTIVE, PENDING, Group, Member
from portal.runtime import Context


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
