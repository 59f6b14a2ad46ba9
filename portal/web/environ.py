"""What the layers of the application write down of a request in its WSGI environment,
for those outside to read.
"""

from __future__ import annotations

REQUEST_ID = "portal.request_id"
ACTION = "portal.action"
"""The name of a declared action; otherwise ROUTE holds the pattern of the address and
PART its blueprint.
"""
ROUTE = "portal.route"
PART = "portal.part"
ACTOR = "portal.actor"
"""Who asks, once that is known."""
TOKEN = "portal.token"  # noqa: S105 - a key, not a secret
"""The token with which the actor was found."""
