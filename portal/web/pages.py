"""A few honest pages: search, a dataset, an organization; Vietnamese or English, no
outside host.
"""

from __future__ import annotations

from functools import partial
from typing import Any
from urllib.parse import urlencode

import orjson
from flask import Blueprint, Response, g, render_template, request

from i18n import LANGUAGES, Message
from i18n.catalogue import translated
from portal.actions import registry
from portal.errors import NotFound, PortalError
from portal.web.action_api import actor_of_request, the_portal
from portal.web.dcat import asked_notation, dataset_graph
from schemas import schemaorg

pages = Blueprint("pages", __name__, template_folder="templates")
ROWS = 20
NARROWING = ("organization", "groups", "res_format", "access_kind")
FACETS = orjson.dumps(NARROWING).decode()
LINKED = ("http://", "https://", "ftp://", "/")
"""How the address of a resource begins that a page makes a link of; javascript: and its
like stay texts.
"""

FACET_NAMES = {
    "organization": Message("Publisher"),
    "groups": Message("Groups"),
    "res_format": Message("Formats"),
    "access_kind": Message("Access"),
}
PROBLEMS = {
    404: Message("There is no such page."),
    403: Message("You may not see this page."),
    500: Message("Something unexpected went wrong."),
    503: Message(
        "The portal cannot answer just now. Please try again in a few minutes."
    ),
    507: Message(
        "The portal's disk is full, so nothing was stored. Please try again later."
    ),
}
"""What a page says of a status beside what the error says."""


def language() -> str:
    """The language of a page: the address's prefix, what the browser asks for, or the
    portal's own.
    """
    asked = g.get("locale_prefix") or request.accept_languages.best_match(LANGUAGES)
    return asked if asked in LANGUAGES else the_portal().settings.locale


def _show(template: str, status: int = 200, **values: Any) -> tuple[str, int]:
    """A page from a template, in the language of the request, and its status."""
    lang = language()
    common = {
        "lang": lang,
        "_": partial(translated, context="", language=lang),
        "site": the_portal().settings.site_title,
        "linked": LINKED,
    }
    return render_template(template, **common, **values), status


def problem(status: int, message: str) -> tuple[str, int]:
    """A page that says what went wrong."""
    known = PROBLEMS.get(status)
    return _show(
        "problem.html",
        status,
        number=status,
        text=known.in_(language()) if known else "",
        message=message,
    )


def _call(name: str, **params: Any) -> Any:
    # Through JSON, as actions may hand out what is rendered already (orjson.Fragment).
    return orjson.loads(
        orjson.dumps(registry.call(the_portal(), actor_of_request(), name, params))
    )


@pages.route("/")
@pages.route("/dataset/")
def home() -> tuple[str, int]:
    """Search, with facets."""
    q = request.args.get("q", "")
    # A value that is no number is passed over: a person meets no error for a broken
    # link.
    start = max(0, request.args.get("start", 0, type=int))
    chosen = {
        name: value
        for name, value in request.args.items()
        if name in NARROWING and value
    }
    fq = " ".join(f'{name}:"{_escaped(value)}"' for name, value in chosen.items())
    asked: dict[str, Any] = {
        "q": q,
        "fq": fq,
        "rows": ROWS,
        "start": start,
        "facet.field": FACETS,
    }
    try:
        found = _call("package_search", **asked)
    except PortalError:
        # A person types what comes to mind: what is no query is searched for as plain
        # words.
        found = _call(
            "package_search",
            **{**asked, "q": "".join(c if c.isalnum() else " " for c in q)},
        )
    return _show(
        "search.html",
        q=q,
        found=found,
        chosen=chosen,
        start=start,
        rows=ROWS,
        address=partial(_address, q),
        facet_names=FACET_NAMES,
    )


def _address(q: str, chosen: dict[str, str], start: int = 0) -> str:
    """The page of a search, narrowed by what is chosen."""
    return "/?" + urlencode({"q": q, **chosen, **({"start": start} if start else {})})


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"')


@pages.route("/dataset/<name>")
@pages.route("/dataset/<name>/resource/<resource_id>")
def dataset(name: str, resource_id: str = "") -> Response:
    """One dataset, or one of its resources: a page, or a graph for those who ask for
    RDF.
    """
    # The page and the graph share one address, as linked data has it; who asks for
    # neither gets the page.
    notation = asked_notation()
    if notation is not None and not resource_id:
        return dataset_graph(name, notation)
    shown, settings = _call("package_show", id=name), the_portal().settings
    described = schemaorg.script(
        schemaorg.describe(shown, settings.site_url, settings.site_title)
    )
    quality = _quality(shown["id"])
    page, status = _show(
        "dataset.html",
        dataset=shown,
        resource_id=resource_id,
        described=described,
        quality=quality,
    )
    return Response(
        page, status, {"Vary": f"Accept, Accept-Language, {settings.token_header}"}
    )


def _quality(dataset_id: str) -> dict[str, Any] | None:
    """The dataset's quality, None before it was first computed."""
    try:
        return dict(_call("quality_show", id=dataset_id))
    except NotFound:
        return None


@pages.route("/organization/<name>")
def organization(name: str) -> tuple[str, int]:
    """One organization and its datasets."""
    shown = _call("organization_show", id=name, include_users=False)
    found = _call(
        "package_search", fq=f'organization:"{_escaped(shown["name"])}"', rows=100
    )
    scores = [
        each
        for each in _call("quality_summary", by="organization")
        if each["organization"] == shown["name"]
    ]
    return _show("organization.html", organization=shown, found=found, scores=scores)


@pages.route("/robots.txt")
def robots() -> Response:
    """What crawlers may read: everything public but the API."""
    return Response(
        "User-agent: *\nDisallow: /api/\n", content_type="text/plain; charset=utf-8"
    )
