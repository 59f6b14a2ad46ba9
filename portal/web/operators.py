"""Operators: who may read what only those who run the portal should know."""

from __future__ import annotations

import hmac
from functools import lru_cache
from ipaddress import ip_address, ip_network

from flask import Request

from portal import outages
from portal.runtime import Portal
from portal.web.action_api import actor_of_request

THROUGH_PROXY = ("X-Forwarded-For", "Forwarded", "X-Real-IP")
"""Headers that a proxy adds: behind one on the same machine every stranger seems to come from loopback."""


def is_operator(portal: Portal, request: Request) -> bool:
    """Whether the request comes directly from an allowed network, with the token of metrics, or from a sysadmin."""
    if _from_allowed_network(portal.settings.metrics_allow, request):
        return True
    if _gives_token(portal.settings.metrics_token, request):
        return True
    try:
        return actor_of_request().sysadmin
    except Exception as error:
        # A token cannot be looked up while the database is away: whoever needs one is a stranger then.
        if outages.explain(error) is None:
            raise
        return False


def _gives_token(token: str, request: Request) -> bool:
    given = request.headers.get("Authorization", "").removeprefix("Bearer ").strip()
    return bool(token) and hmac.compare_digest(given.encode(), token.encode())


def _from_allowed_network(networks: tuple[str, ...], request: Request) -> bool:
    if any(name in request.headers for name in THROUGH_PROXY):
        return False
    return _is_within(request.remote_addr or "", networks)


@lru_cache(maxsize=256)
def _is_within(address: str, networks: tuple[str, ...]) -> bool:
    try:
        asked = ip_address(address)
    except ValueError:
        return False
    return any(asked in ip_network(each) for each in networks)
