"""Who asks: from what a request says of its sender to the actor that the database
knows.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from typing import Any

from portal import outages
from portal.access import accounts
from portal.access.identity import ANONYMOUS, Actor
from portal.runtime import Portal
from portal.settings import Settings

log = logging.getLogger(__name__)
OLD_HEADER = "X-CKAN-API-Key"
"""Where clients of CKAN 2.9 put the token."""


def token_in(settings: Settings, header: Callable[[str], str | None]) -> str:
    """The token that a request gives, by the configured header or CKAN's older one;
    empty without one.
    """
    # CKAN 2.9 put the token into a header of its own; clients that still do are served,
    # but the configured header wins.
    return header(settings.token_header) or header(OLD_HEADER) or ""


def token_of(settings: Settings, environ: dict[str, Any]) -> str:
    """As `token_in`, from a WSGI environment."""
    return (
        environ.get(_in_environ(settings.token_header))
        or environ.get(_in_environ(OLD_HEADER))
        or ""
    )


# Asked twice for each request, always with the same two names.
@lru_cache(maxsize=16)
def _in_environ(header: str) -> str:
    return "HTTP_" + header.upper().replace("-", "_")


def bare(token: str) -> str:
    """A token without the word that may stand before it."""
    return token.removeprefix("Bearer ").strip()


def actor_of(portal: Portal, token: str) -> Actor:
    """The user of a token, which may stand behind "Bearer"; nobody without one, or for
    one that is no good.
    """
    raw = bare(token)
    if not raw:
        return ANONYMOUS
    with portal.read() as uow:
        found = accounts.identify(uow.session, raw)
    # Not at every call: a write for each read would make readers wait for writers.
    if found.stale:
        _note_use(portal, raw)
    # Roles in single datasets that were given before the portal stopped allowing them
    # open nothing.
    return (
        found.actor
        if portal.settings.dataset_collaborators
        else replace(found.actor, datasets={})
    )


def _note_use(portal: Portal, raw: str) -> None:
    """Write down that a token was used; a full or busy database is no reason to refuse
    what only reads.
    """
    try:
        accounts.note_use(portal.work(), raw)
    except Exception as error:
        outage = outages.explain(error)
        # Anything else is a fault of the program, and must be seen.
        if outage is None:
            raise
        log.warning("the last use of a token is not noted: %s", outage.reason)
