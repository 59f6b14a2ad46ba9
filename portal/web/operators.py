"""Operators: who may read what only those who run the portal should know."""

from __future__ import annotations

import hmac

from flask import Request

from portal import outages
from portal.runtime import Portal
from portal.web.action_api import actor_of_request
from portal.web.ratelimits import is_within, sender_of

THROUGH_PROXY = (
    "X-Forwarded-For",
    "Forwarded",
    "X-Real-IP",
    "X-Forwarded-Host",
    "X-Forwarded-Proto",
    "Via",
)
"""Headers that a proxy adds: behind one on the same machine every stranger seems to
come from loopback.
"""


def is_operator(portal: Portal, request: Request) -> bool:
    """Whether the request comes from an allowed network, with the token of metrics, or
    from a sysadmin.
    """
    if _from_allowed_network(portal, request):
        return True
    if _gives_token(portal.settings.metrics_token, request):
        return True
    try:
        return actor_of_request().sysadmin
    except Exception as error:
        # A token cannot be looked up while the database is away: whoever needs one is a
        # stranger then.
        if outages.explain(error) is None:
            raise
        return False


def _gives_token(token: str, request: Request) -> bool:
    """Whether the request gives the token of metrics, where one is set."""
    given = request.headers.get("Authorization", "").removeprefix("Bearer ").strip()
    # Compared in a time that tells nothing of how much was right; without a token set,
    # an empty one must not open anything.
    return bool(token) and hmac.compare_digest(given.encode(), token.encode())


def _from_allowed_network(portal: Portal, request: Request) -> bool:
    """Whether who asks is of an allowed network: who connects, or who a trusted proxy
    says that it speaks for.

    A proxy that is not trusted speaks for nobody, and neither does one that names only
    proxies.
    """
    allowed, proxies = portal.settings.metrics_allow, portal.settings.trusted_proxies
    connected = request.remote_addr or ""
    # No header of a proxy: whoever connects is who asks.
    if not any(name in request.headers for name in THROUGH_PROXY):
        return is_within(connected, allowed)
    sender = sender_of(request.environ, proxies)
    return (
        is_within(connected, proxies)
        and not is_within(sender, proxies)
        and is_within(sender, allowed)
    )
