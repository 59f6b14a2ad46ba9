"""The Action API: /api/action/… and /api/3/action/…, with CKAN's envelopes to the letter."""

from __future__ import annotations

import hashlib
import re
import zlib
from dataclasses import replace
from typing import Any

import orjson
import zstandard
from flask import Blueprint, Response, current_app, g, request
from werkzeug.exceptions import HTTPException

from portal.access import accounts
from portal.access.identity import ANONYMOUS, Actor
from portal.actions import registry
from portal.runtime import Portal
from portal.web import errors
from portal.web.body import BadRequest, request_data

CONTENT_TYPE = "application/json;charset=utf-8"
_CALLBACK = re.compile(r"^[A-Za-z_$][\w$.]{0,100}$")
TELLS_CHANGES = ("package_update",)
"""Actions whose envelope names the datasets that they really changed, as CKAN's does."""
WORTH_PACKING = 2048
ZSTD_LEVEL = 3
api = Blueprint("api", __name__)


def the_portal() -> Portal:
    """The portal that this application serves."""
    running: Portal = current_app.extensions["portal"]
    return running


def actor_of_request() -> Actor:
    """Who asks: by the token of the configured header, X-CKAN-API-Key, or a Bearer token; else nobody."""
    portal = the_portal()
    raw = request.headers.get(portal.settings.token_header) or request.headers.get("X-CKAN-API-Key") or ""
    raw = raw.removeprefix("Bearer ").strip()
    if not raw:
        return ANONYMOUS
    with portal.read() as uow:
        found = accounts.identify(uow.session, raw)
    if found.stale:
        accounts.note_use(portal.work(), raw)
    # Roles in single datasets that were given before the portal stopped allowing them open nothing.
    return found.actor if portal.settings.dataset_collaborators else replace(found.actor, datasets={})


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
    if request.method == "OPTIONS":
        return Response(status=204)
    declared = registry.ACTIONS.get(name)
    if declared is None:
        return _bare(f"Bad request: Action name not known: {name}")
    if request.method in ("GET", "HEAD") and not declared.safe:
        return _bare("Bad request: JSON Error: Invalid request. Please use POST method for your request")
    callback = request.args.get("callback") if request.method == "GET" else None
    try:
        data = request_data(request, safe=declared.safe)
    except BadRequest as error:
        return _bare(f"Bad request: {error}")
    except HTTPException as error:
        return _failure(name, *errors.describe(error))
    data.pop("callback", None)
    actor = ANONYMOUS if callback else actor_of_request()
    try:
        outcome = registry.perform(the_portal(), actor, name, data)
    except Exception as error:
        return _failure(name, *errors.describe(error))
    return _success(name, outcome, callback, safe=declared.safe)


def _help(name: str) -> str:
    prefix = f"/{g.locale_prefix}" if g.get("locale_prefix") else ""
    return f"{the_portal().settings.site_url}{prefix}/api/3/action/help_show?name={name}"


def _success(name: str, outcome: registry.Outcome, callback: str | None, *, safe: bool) -> Response:
    envelope: dict[str, Any] = {"help": _help(name), "success": True, "result": outcome.result}
    if name in TELLS_CHANGES and outcome.changed:
        envelope["changed_entities"] = {"packages": list(outcome.changed)}
    body = orjson.dumps(envelope, default=str)
    if callback and _CALLBACK.match(callback):
        script = b"/**/" + callback.encode() + b"(" + body + b");"
        return Response(script, content_type="application/javascript;charset=utf-8")
    response = Response(body, content_type=CONTENT_TYPE)
    response.headers["Cache-Control"] = "public, max-age=0, must-revalidate" if not _named() else "private, no-cache"
    response.headers["Vary"] = f"Cookie, Accept-Encoding, {the_portal().settings.token_header}"
    if safe and request.method in ("GET", "HEAD"):
        response.set_etag(hashlib.blake2b(body, digest_size=16).hexdigest(), weak=True)
        response.make_conditional(request)
    return packed(response, body)


def _named() -> bool:
    return bool(request.headers.get(the_portal().settings.token_header) or request.headers.get("X-CKAN-API-Key"))


def packed(response: Response, body: bytes) -> Response:
    """The response, compressed (zstd, else gzip) when the client takes that and it is worth it."""
    if response.status_code != 200 or len(body) < WORTH_PACKING:
        return response
    if request.accept_encodings.quality("zstd"):
        response.set_data(zstandard.compress(body, ZSTD_LEVEL))
        response.headers["Content-Encoding"] = "zstd"
    elif request.accept_encodings.quality("gzip"):
        packer = zlib.compressobj(1, zlib.DEFLATED, 31)
        response.set_data(packer.compress(body) + packer.flush())
        response.headers["Content-Encoding"] = "gzip"
    return response


def _failure(name: str, status: int, error: dict[str, Any]) -> Response:
    return _json_response({"help": _help(name), "success": False, "error": error}, status)


def _bare(message: str) -> Response:
    return _json_response(message, 400)


def _json_response(body: Any, status: int = 200) -> Response:
    return Response(orjson.dumps(body, default=str), status=status, content_type=CONTENT_TYPE)
