"""Who asks: from what a request says of its sender to the actor that the database knows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from portal.access import accounts
from portal.access.identity import ANONYMOUS, Actor
from portal.runtime import Portal
from portal.settings import Settings

OLD_HEADER = "X-CKAN-API-Key"
"""Where clients of CKAN 2.9 put the token."""


def token_in(settings: Settings, header: Callable[[str], str | None]) -> str:
    """The token that a request gives, by the configured header or CKAN's older one; empty without one."""
    return header(settings.token_header) or header(OLD_HEADER) or ""


def actor_of(portal: Portal, token: str) -> Actor:
    """The user of a token, which may stand behind "Bearer"; nobody without one, or for one that is no good."""
    raw = token.removeprefix("Bearer ").strip()
    if not raw:
        return ANONYMOUS
    with portal.read() as uow:
        found = accounts.identify(uow.session, raw)
    if found.stale:
        accounts.note_use(portal.work(), raw)
    # Roles in single datasets that were given before the portal stopped allowing them open nothing.
    return found.actor if portal.settings.dataset_collaborators else replace(found.actor, datasets={})
