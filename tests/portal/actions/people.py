"""Actors for tests of actions: organizations with an admin, an editor and a member, and
an outsider.
"""

from typing import Any

import orjson

from portal.access.identity import SYSTEM, Actor
from portal.actions import registry
from portal.runtime import Portal

Json = dict[str, Any]


def call(portal: Portal, actor: Actor, name: str, /, **params: Any) -> Any:
    """Run an action and return its result as a client reads it."""
    return orjson.loads(orjson.dumps(registry.call(portal, actor, name, params)))


def make_org(portal: Portal, name: str) -> Json:
    """An organization."""
    return dict(
        call(portal, SYSTEM, "organization_create", name=name, title=name.upper())
    )


def make_actor(
    portal: Portal, name: str, role: str | None = None, org: Json | None = None
) -> Actor:
    """A user with a role in an organization."""
    user = call(
        portal,
        SYSTEM,
        "user_create",
        name=name,
        email=f"{name}@example.vn",
        password="long enough",
    )
    if org is not None and role is not None:
        call(
            portal,
            SYSTEM,
            "organization_member_create",
            id=org["id"],
            username=name,
            role=role,
        )
    return Actor(
        user["id"], name, organizations={org["id"]: role} if org and role else {}
    )
