"""CKAN's util routes: autocompletion as its forms and its clients ask for it."""

from __future__ import annotations

from typing import Any

import orjson
from flask import Blueprint, Response, request

from portal.actions import registry
from portal.errors import Invalid
from portal.web.action_api import actor_of_request, the_portal
from portal.web.envelope import CONTENT_TYPE

util = Blueprint("util", __name__)
WRAPPED = {"dataset": "package_autocomplete", "tag": "tag_autocomplete"}
BARE = {
    "group": "group_autocomplete",
    "organization": "organization_autocomplete",
    "user": "user_autocomplete",
}


@util.route("/api/util/<noun>/autocomplete")
@util.route("/api/<int:version>/util/<noun>/autocomplete")
def autocomplete(noun: str, version: int = 1) -> Response:
    """A short list: `incomplete` for datasets and tags, `q` for groups, organizations
    and users.
    """
    if noun in BARE:
        return _answer(_call(BARE[noun], request.args.get("q", "")))
    if noun not in WRAPPED:
        return _answer({"message": "no such list"}, 404)
    found = _call(WRAPPED[noun], request.args.get("incomplete", ""))
    listed = [{"Name": each} for each in found] if noun == "tag" else found
    return _answer({"ResultSet": {"Result": listed}})


@util.route("/api/util/resource/format_autocomplete")
@util.route("/api/<int:version>/util/resource/format_autocomplete")
def formats(version: int = 1) -> Response:
    """Formats that contain `incomplete`."""
    found = _call("format_autocomplete", request.args.get("incomplete", ""))
    return _answer({"ResultSet": {"Result": [{"Format": each} for each in found]}})


@util.route("/api/i18n/<lang>")
def translations(lang: str) -> Response:
    """What CKAN's scripts ask for before they show texts; ours are rendered on the
    server, so there is nothing.
    """
    return _answer(
        {
            "": {
                "domain": "ckan",
                "lang": lang[:10],
                "plural-forms": "nplurals=1; plural=0;",
            }
        }
    )


def _call(name: str, text: str) -> Any:
    """What an autocompletion finds; nothing where nothing was typed."""
    limit = request.args.get("limit", 10, type=int)
    try:
        return registry.call(
            the_portal(), actor_of_request(), name, {"q": text, "limit": limit}
        )
    except Invalid:
        return []  # nothing typed yet is no mistake here


def _answer(body: Any, status: int = 200) -> Response:
    return Response(orjson.dumps(body), status=status, content_type=CONTENT_TYPE)
