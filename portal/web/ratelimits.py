"""Rate limits: so many requests a minute for each token and each network, judged before
anything else is done.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any, NamedTuple

from i18n import Message
from portal.runtime import Portal
from portal.web import callers, envelope
from portal.web.ratecounts import RateCounts

Environ = dict[str, Any]
Application = Callable[[Environ, Any], Iterable[bytes]]
SECONDS = 60
NETWORK_OF_IPV6 = 64
"""Bits of an IPv6 address that name a customer; the rest is theirs to choose."""
_DOWNLOAD = re.compile(
    r"/datastore/(?:dump|diff)/|/dataset/[^/]+/resource/[^/]+/download(?:/|$)"
)
_FREE = re.compile(r"/(?:health(?:/.*)?|metrics|robots\.txt|pages\.css|api/docs/.+)")
"""What watches the portal, and the parts of a page."""
ACTIONS_BELOW = ("/api/3/action/", "/api/action/")
"""Where most requests go: they need no further look at their address."""
_ACTION = re.compile(r"/api(?:/3)?/action/([a-z0-9_]+)")
TOO_MANY = Message(
    "Too many requests: at most {limit} a minute. Try again in {seconds} seconds."
)


class Verdict(NamedTuple):
    """What a request may: `remaining` below 0 means that it is refused; `reset` is the
    end of the minute (Unix).
    """

    limit: int
    remaining: int
    reset: int


class RateLimits:
    """Counts each request for whom it comes from, and refuses what is too much."""

    def __init__(self, portal: Portal, application: Application) -> None:
        self._portal, self._application = portal, application
        self._counts = RateCounts(portal.settings.data_dir / "rates.bin")

    def __call__(self, environ: Environ, start_response: Any) -> Iterable[bytes]:
        """Serve the request, with headers that say what is left, or answer 429."""
        verdict = self._judged(environ)
        if verdict is None:
            return self._application(environ, start_response)
        told = [
            ("X-RateLimit-Limit", str(verdict.limit)),
            ("X-RateLimit-Remaining", str(max(0, verdict.remaining))),
            ("X-RateLimit-Reset", str(verdict.reset)),
        ]
        if verdict.remaining < 0:
            return self._refused(environ, start_response, verdict, told)

        def start(status: str, headers: list[tuple[str, str]], *more: Any) -> Any:
            return start_response(status, [*headers, *told], *more)

        return self._application(environ, start)

    def _judged(self, environ: Environ) -> Verdict | None:
        """The tightest verdict of those that concern the request; None where nothing is
        counted.
        """
        settings, path = self._portal.settings, environ.get("PATH_INFO", "")
        # Browsers ask it by themselves before a call; it reads nothing and should use
        # up nobody's share.
        if environ["REQUEST_METHOD"] == "OPTIONS":
            return None
        is_action = path.startswith(ACTIONS_BELOW)
        if not is_action and _FREE.fullmatch(path):
            return None
        sender = sender_of(environ, settings.trusted_proxies)
        token = callers.token_of(settings, environ)
        if not is_action and _DOWNLOAD.match(path):
            counted = [
                (f"downloads {network_of(sender)}", settings.rate_limit_downloads)
            ]
        elif token:
            # Who makes tokens up gets no further than the bound of the whole network.
            counted = [
                (f"token {token}", settings.rate_limit_token),
                (f"tokens {network_of(sender)}", settings.rate_limit_network),
            ]
        else:
            counted = [
                (f"anonymous {network_of(sender)}", settings.rate_limit_anonymous)
            ]
        exempt = is_within(sender, settings.rate_limit_exempt)
        verdicts = [
            self._counted(key, limit, exempt=exempt) for key, limit in counted if limit
        ]
        return (
            min(verdicts, key=lambda verdict: verdict.remaining) if verdicts else None
        )

    def _counted(self, key: str, limit: int, *, exempt: bool) -> Verdict:
        minute = int(time.time()) // SECONDS
        count = 0 if exempt else self._counts.add(key.encode(), minute)
        return Verdict(limit, limit - count, (minute + 1) * SECONDS)

    def _refused(
        self,
        environ: Environ,
        start_response: Any,
        verdict: Verdict,
        told: list[tuple[str, str]],
    ) -> Iterable[bytes]:
        """429 in the words of who asks: an envelope below /api, else plain text in both
        languages.
        """
        # The minute may be over by now; 0 or less is no time to wait.
        seconds = max(1, verdict.reset - int(time.time()))
        refusal = TOO_MANY.filled(limit=verdict.limit, seconds=seconds)
        path, locale = environ.get("PATH_INFO", ""), environ.get("portal.locale", "")
        action = _ACTION.fullmatch(path)
        if path.startswith("/api"):
            error = {
                "__type": "Too Many Requests",
                "message": f"{refusal.en} / {refusal.vi}",
            }
            body = envelope.failure(
                self._portal, locale, action.group(1) if action else "", error
            )
            kind = envelope.CONTENT_TYPE
        else:
            # Downloads and pages are opened by people, so both languages are given as
            # plain text.
            body, kind = (
                f"{refusal.vi}\n{refusal.en}\n".encode(),
                "text/plain; charset=utf-8",
            )
        headers = [
            ("Content-Type", kind),
            ("Content-Length", str(len(body))),
            ("Retry-After", str(seconds)),
            ("Cache-Control", "no-store"),
            ("X-Request-Id", envelope.request_id(environ.get("HTTP_X_REQUEST_ID", ""))),
            *told,
            *envelope.EVERY_ANSWER,
        ]
        start_response("429 Too Many Requests", headers)
        return [body]


def sender_of(environ: Environ, proxies: tuple[str, ...]) -> str:
    """The address that a request comes from: what a trusted proxy says of it, else
    where the connection comes from.
    """
    sender = str(environ.get("REMOTE_ADDR") or "")
    forwarded = environ.get("HTTP_X_FORWARDED_FOR", "")
    if not proxies or not forwarded:
        return sender
    # From the right: each proxy adds whom it saw at the end. The first that is none of
    # ours is the sender; what stands left of it the sender could have made up.
    for address in (
        sender,
        *(each.strip() for each in reversed(forwarded[-2000:].split(","))),
    ):
        if not is_within(address, proxies):
            return address if _parsed(address) is not None else sender
    return sender


# Parsing addresses costs more than counting does. The bound keeps made-up senders from
# filling the memory.
@lru_cache(maxsize=8192)
def network_of(address: str) -> str:
    """Whom an address stands for: itself, or the /64 of an IPv6 address."""
    parsed = _parsed(address)
    if parsed is None:
        return "unknown"
    if isinstance(parsed, IPv6Address):
        return str(
            ip_network(
                (int(parsed) >> NETWORK_OF_IPV6 << NETWORK_OF_IPV6, NETWORK_OF_IPV6)
            )
        )
    return str(parsed)


@lru_cache(maxsize=8192)
def is_within(address: str, networks: tuple[str, ...]) -> bool:
    """Whether an address is of one of these networks."""
    parsed = _parsed(address)
    return parsed is not None and any(parsed in ip_network(each) for each in networks)


def _parsed(address: str) -> IPv4Address | IPv6Address | None:
    """The address, as IPv4 where IPv6 only wraps it; None for what is none."""
    try:
        parsed = ip_address(address.strip("[]"))
    except ValueError:
        return None
    # A socket that listens on IPv6 shows IPv4 senders as ::ffff:a.b.c.d. They are the
    # same sender, and networks of IPv4 must match them.
    mapped = parsed.ipv4_mapped if isinstance(parsed, IPv6Address) else None
    return mapped or parsed
