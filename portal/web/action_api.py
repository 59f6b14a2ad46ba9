"""The Action API: /api/action/… and /api/3/action/…, with CKAN's envelopes to the
letter.
"""

from __future__ import annotations

import re
from typing import Any

import orjson
from flask import Blueprint, Response, current_app, g, request

from portal.access.identity import ANONYMOUS, Actor
from portal.actions import registry
from portal.runtime import Portal
from portal.web import callers, envelope, errors
from portal.web.body import BadRequest, request_data
from portal.web.envelope import CONTENT_TYPE
from portal.web.environ import ACTOR, TOKEN

_CALLBACK = re.compile(r"^[A-Za-z_$][\w$.]{0,100}$")
api = Blueprint("api", __name__)


def the_portal() -> Portal:
    """The portal that this application serves."""
    running: Portal = current_app.extensions["portal"]
    return running


def actor_of_request() -> Actor:
    """Who asks: by the token of the configured header, X-CKAN-API-Key, or a Bearer
    token; else nobody. The token is looked up once for each request.
    """
    identified: Actor | None = request.environ.get(ACTOR)
    if identified is not None:
        return identified
    portal = the_portal()
    token = callers.token_in(portal.settings, request.headers.get)
    actor = callers.actor_of(portal, token)
    request.environ[ACTOR], request.environ[TOKEN] = actor, token
    return actor


@api.route("/api")
@api.route("/api/<int:version>")
def version_of_api(version: int = 1) -> Response | tuple[Response, int]:
    """{"version": N} for the versions that there are."""
    if version not in (1, 2, 3):
        return _json_response({"message": "no such API version"}), 404
    return _json_response({"version": version})


@api.route("/api/action/<name>", methods=["GET", "POST", "OPTIONS"])
@api.route("/api/3/action/<name>", methods=["GET", "POST", "OPTIONS"])
def act(name: str) -> Response:
    """Run one action."""
    # What a browser asks before a call from another site; the headers that answer it
    # are added to every OPTIONS (`app.py`).
    if request.method == "OPTIONS":
        return Response(status=204)
    declared = registry.ACTIONS.get(name)
    if declared is None:
        return _bare(f"Bad request: Action name not known: {name}")
    if request.method in ("GET", "HEAD") and not declared.safe:
        return _bare(
            "Bad request: JSON Error: Invalid request. Please use POST method for "
            "your request"
        )
    # A script of any site can ask with a callback, so such an answer holds only what
    # everybody may read: the token is not looked at.
    callback = request.args.get("callback") if request.method == "GET" else None
    try:
        data = request_data(request, safe=declared.safe)
        # It is the form of the answer, and no parameter of the action, which would
        # refuse it.
        data.pop("callback", None)
        actor = ANONYMOUS if callback else actor_of_request()
        outcome = registry.perform(the_portal(), actor, name, data)
    except BadRequest as error:
        return _bare(f"Bad request: {error}")
    except Exception as error:
        return failure(name, error)
    return _success(name, outcome, callback, safe=declared.safe)


def _success(
    name: str, outcome: registry.Outcome, callback: str | None, *, safe: bool
) -> Response:
    """The answer of an action that went well: JSON, or a script that calls `callback`
    with it.
    """
    portal = the_portal()
    body = envelope.success(portal, g.get("locale_prefix", ""), name, outcome)
    # A callback that is no plain name is not echoed: whoever wrote it would choose what
    # the script runs. The plain JSON is answered then.
    if callback and _CALLBACK.match(callback):
        script = b"/**/" + callback.encode() + b"(" + body + b");"
        return Response(script, content_type="application/javascript;charset=utf-8")
    response = Response(body, content_type=CONTENT_TYPE)
    response.headers.extend(envelope.caching(portal, named=_named()))
    if safe and request.method in ("GET", "HEAD"):
        # Before packing: it makes the same tag for every encoding, and a 304 spares the
        # work of packing.
        response.set_etag(envelope.etag(body), weak=True)
        response.make_conditional(request)
    # The body is handed over, as a 304 has lost its own by now.
    return packed(response, body)


def _named() -> bool:
    return bool(callers.token_in(the_portal().settings, request.headers.get))


def packed(response: Response, body: bytes) -> Response:
    """The response, compressed (zstd, else gzip) when the client takes that and it is
    worth it.
    """
    # A 304 has no body; setting one would send it.
    if response.status_code != 200:
        return response
    smaller, encoding = envelope.pack(body, request.headers.get("Accept-Encoding", ""))
    if encoding:
        response.set_data(smaller)
        response.headers["Content-Encoding"] = encoding
    return response


def failure(name: str, error: Exception) -> Response:
    """The envelope of an error, wherever in a request it happened."""
    status, described = errors.describe(error, g.get("request_id", ""))
    body = envelope.failure(the_portal(), g.get("locale_prefix", ""), name, described)
    response = Response(body, status=status, content_type=CONTENT_TYPE)
    response.headers.extend(errors.retry_after(status))
    return response


def _bare(message: str) -> Response:
    return _json_response(message, 400)


def _json_response(body: Any, status: int = 200) -> Response:
    return Response(
        orjson.dumps(body, default=str), status=status, content_type=CONTENT_TYPE
    )
