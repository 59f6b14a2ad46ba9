"""The API's description for machines (/api/3/openapi.json) and a page to try it out
(/api/docs).
"""

from __future__ import annotations

import hashlib
from importlib.resources import files

import orjson
from flask import Blueprint, Response, current_app, render_template, request

from i18n import Message
from portal.web.action_api import packed, the_portal
from portal.web.openapi import document
from portal.web.pages import language

reference = Blueprint("reference", __name__, template_folder="templates")
STATIC = {
    "api.js": "text/javascript; charset=utf-8",
    "api.css": "text/css; charset=utf-8",
}
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src data:; "
    "base-uri 'none'; form-action 'none'"
)
"""The page loads nothing but its own script and style, asks nobody but the portal, and
runs no text as code.
"""
WORDS = {
    "title": Message("Try the API"),
    "intro": Message(
        "Every action of the API, with a form to run it from here. The "
        "token stays on this page."
    ),
    "token": Message("Token (leave empty to read what is public)"),
    "filter": Message("Filter actions by name or description (key /)"),
    "actions": Message("actions"),
    "run": Message("Run"),
    "file": Message("File"),
    "more": Message("More parameters (JSON)"),
    "required": Message("required"),
    "answer": Message("Answer"),
    "failed": Message("The server could not be asked."),
    "badjson": Message("More parameters must be a JSON object."),
    "writes": Message("writes"),
    "reads": Message("reads"),
    "machine": Message("Description for machines (OpenAPI 3.1)"),
    "script": Message(
        "This page needs JavaScript; the description for machines does not."
    ),
}
"""What the page and its script say."""


@reference.route("/api/3/openapi.json")
@reference.route("/api/openapi.json")
def openapi() -> Response:
    """The description of every action; it changes only with the portal's version and
    settings.
    """
    # Two threads at the first request may both make it; they make the same, so no lock
    # is needed.
    held = current_app.extensions.get("openapi")
    if held is None:
        held = current_app.extensions["openapi"] = orjson.dumps(
            document(the_portal().settings)
        )
    return _conditional(held, "application/json;charset=utf-8")


@reference.route("/api/docs")
def docs() -> Response:
    """A page that lists every action and runs it; it needs no other host."""
    lang = language()
    body = render_template(
        "api.html",
        lang=lang,
        t={name: word.in_(lang) for name, word in WORDS.items()},
        site=the_portal().settings.site_title,
        header=the_portal().settings.token_header,
    )
    answer = Response(body, content_type="text/html; charset=utf-8")
    answer.headers["Content-Security-Policy"] = POLICY
    answer.headers["X-Frame-Options"] = "DENY"
    return answer


@reference.route("/pages.css")
def style_of_pages() -> Response:
    """The style of all other pages."""
    return _conditional(
        files("portal.web").joinpath("static", "pages.css").read_bytes(),
        STATIC["api.css"],
    )


@reference.route("/api/docs/<name>")
def part_of_docs(name: str) -> Response | tuple[Response, int]:
    """The script and the style of that page."""
    # Only names of the list: no address chooses a file.
    if name not in STATIC:
        return Response("Not found", content_type="text/plain; charset=utf-8"), 404
    return _conditional(
        files("portal.web").joinpath("static", name).read_bytes(), STATIC[name]
    )


def _conditional(body: bytes, kind: str) -> Response:
    """A shipped text with its tag, which a client that has it need not fetch again."""
    answer = Response(body, content_type=kind)
    answer.headers["Cache-Control"] = "public, max-age=0, must-revalidate"
    answer.headers["Vary"] = "Accept-Encoding"
    answer.set_etag(hashlib.blake2b(body, digest_size=16).hexdigest(), weak=True)
    answer.make_conditional(request)
    return packed(answer, body)
