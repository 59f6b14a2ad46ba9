"""Express: plain GETs of reading actions, answered before Flask comes in, to the byte
as they are behind it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from http.client import responses
from typing import Any
from urllib.parse import parse_qsl

from werkzeug.http import parse_etags

from portal import outages
from portal.actions import registry
from portal.errors import PortalError
from portal.runtime import Portal
from portal.web import callers, envelope, errors
from portal.web.body import single
from portal.web.environ import ACTION, ACTOR, TOKEN

Environ = dict[str, Any]
Application = Callable[[Environ, Any], Iterable[bytes]]
Headers = list[tuple[str, str]]
_ACTION = re.compile(r"/api(?:/3)?/action/([a-z0-9_]+)")
_SPECIAL = frozenset(
    {
        "HTTP_RANGE",
        "HTTP_IF_RANGE",
        "HTTP_IF_MATCH",
        "HTTP_IF_MODIFIED_SINCE",
        "HTTP_TRANSFER_ENCODING",
    }
)
"""What only a whole HTTP framework should judge."""


class Express:
    """Serves what it can serve exactly, and leaves everything else to the application
    behind it.

    It exists because a framework's own work for each request costs several times what a
    prepared answer does. Parameters, rights and actions are the same; only routing,
    contexts and hooks are spared.
    """

    def __init__(self, portal: Portal, application: Application) -> None:
        self._portal = portal
        self._application = application

    def __call__(self, environ: Environ, start_response: Any) -> Iterable[bytes]:
        """Answer a request."""
        name = _plain(environ)
        if name is None:
            return self._application(environ, start_response)
        data = _parameters(environ)
        # A callback makes a script of the answer and an anonymous caller of whoever
        # asks.
        if "callback" in data:
            return self._application(environ, start_response)
        request_id = envelope.id_of(environ)
        environ[ACTION] = name
        try:
            status, headers, body = self._act(environ, name, data, request_id)
        except (
            Exception
        ):  # what nobody expected is told, and logged, in one place: behind
            return self._application(environ, start_response)
        headers += [("X-Request-Id", request_id), *envelope.EVERY_ANSWER]
        start_response(f"{status} {responses[status]}", headers)
        return [body]

    def _act(
        self, environ: Environ, name: str, data: dict[str, Any], request_id: str
    ) -> tuple[int, Headers, bytes]:
        """Status, headers and body of an action; raises what nobody expected."""
        locale = environ.get("portal.locale", "")
        token = callers.token_of(self._portal.settings, environ)
        try:
            actor = callers.actor_of(self._portal, token)
            environ[ACTOR], environ[TOKEN] = actor, token
            outcome = registry.perform(self._portal, actor, name, data)
        except Exception as error:
            # An outage is answered here: asked again behind, it would be waited for
            # twice.
            if not isinstance(error, PortalError) and outages.explain(error) is None:
                raise
            status, described = errors.describe(error, request_id)
            headers, body = _whole(
                envelope.failure(self._portal, locale, name, described)
            )
            kept = [("Cache-Control", envelope.OWN)] if token else []
            return status, [*headers, *kept, *errors.retry_after(status)], body
        body = envelope.success(self._portal, locale, name, outcome)
        tag = envelope.etag(body)
        headers = [
            *envelope.caching(self._portal, named=bool(token)),
            ("ETag", f'W/"{tag}"'),
        ]
        # The tag is that of the unpacked body, so a client that has it is told so
        # before anything is packed.
        if (known := environ.get("HTTP_IF_NONE_MATCH")) and parse_etags(
            known
        ).contains_weak(tag):
            return 304, headers, b""
        packed, encoding = envelope.pack(body, environ.get("HTTP_ACCEPT_ENCODING", ""))
        own, packed = _whole(packed)
        return (
            200,
            [*own, *headers, *([("Content-Encoding", encoding)] if encoding else [])],
            packed,
        )


def _plain(environ: Environ) -> str | None:
    """The reading action that a plain GET asks for, None for anything else."""
    if environ["REQUEST_METHOD"] != "GET" or environ.get("CONTENT_LENGTH") not in (
        None,
        "",
        "0",
    ):
        return None
    found = _ACTION.fullmatch(environ.get("PATH_INFO", ""))
    if (
        found is None
        or not _SPECIAL.isdisjoint(environ)
        or not environ["QUERY_STRING"].isascii()
    ):
        return None
    declared = registry.ACTIONS.get(found.group(1))
    return declared.name if declared is not None and declared.safe else None


def _parameters(environ: Environ) -> dict[str, Any]:
    """What the query string says, read as werkzeug reads it."""
    said: dict[str, list[str]] = {}
    for name, value in _fields(environ["QUERY_STRING"]):
        said.setdefault(name, []).append(value)
    return {name: single(values) for name, values in said.items()}


def _fields(query: str) -> list[tuple[str, str]]:
    """Names and values in their order; where nothing is escaped, as in most queries,
    they only have to be cut.
    """
    if "%" in query or "+" in query:
        # werkzeug's own handler of bytes that are no UTF-8: both lanes must hand over
        # the same text. It is registered when werkzeug is imported.
        return parse_qsl(query, keep_blank_values=True, errors="werkzeug.url_quote")
    pairs = []
    for part in query.split("&"):
        name, _, value = part.partition("=")
        if part:
            pairs.append((name, value))
    return pairs


def _whole(body: bytes) -> tuple[Headers, bytes]:
    """Headers that describe a whole body, and the body."""
    return [
        ("Content-Type", envelope.CONTENT_TYPE),
        ("Content-Length", str(len(body))),
    ], body
