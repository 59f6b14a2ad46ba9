"""Atom feeds of new and changed datasets: all, of an organization, a group or a tag, or
of any search.
"""

from __future__ import annotations

import hashlib
import re
from typing import Any
from urllib.parse import quote, urlencode
from xml.etree import ElementTree as Xml

import orjson
from flask import Blueprint, Response, request

from i18n import Message
from portal.access.identity import ANONYMOUS
from portal.actions import registry
from portal.web.action_api import packed, the_portal
from portal.web.paging import page_of_request
from schemas.package_dict import PackageDict

feeds = Blueprint("feeds", __name__)
ATOM = "http://www.w3.org/2005/Atom"
ROWS = 20
LAST_PAGE = 500
"""Feeds are for what is new; whoever wants everything pages through package_search."""
NEWEST = "metadata_modified desc, id asc"
NO_FACETS = ("q", "fq", "page", "sort")
FACET = re.compile(r"^[A-Za-z]\w*$")
"""Names of fields; parameters that begin with an underscore are for whoever tracks
visitors, as in CKAN.
"""
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
"""Characters that XML 1.0 cannot hold."""


@feeds.route("/feeds/dataset.atom")
def all_datasets() -> Response:
    """The newest of all datasets."""
    return _feed(Message("New datasets").vi, {"q": "*:*"})


@feeds.route("/feeds/organization/<name>.atom")
def of_organization(name: str) -> Response:
    """The newest datasets of an organization."""
    shown = _call("organization_show", id=name, include_users=False)
    return _feed(
        shown["display_name"],
        {"q": "*:*", "fq": f'organization:"{_quoted(shown["name"])}"'},
    )


@feeds.route("/feeds/group/<name>.atom")
def of_group(name: str) -> Response:
    """The newest datasets of a group."""
    shown = _call("group_show", id=name, include_users=False)
    return _feed(
        shown["display_name"], {"q": "*:*", "fq": f'groups:"{_quoted(shown["name"])}"'}
    )


@feeds.route("/feeds/tag/<name>.atom")
def of_tag(name: str) -> Response:
    """The newest datasets that carry a tag."""
    return _feed(name, {"q": "*:*", "fq": f'tags:"{_quoted(name)}"'})


@feeds.route("/feeds/custom.atom")
def custom() -> Response:
    """The newest datasets that a search finds: `q`, `fq`, `sort`, and any facet as a
    parameter of its name.
    """
    q = request.args.get("q", "") or "*:*"
    chosen = [
        (name, value)
        for name, value in request.args.items(multi=True)
        if name not in NO_FACETS and value
    ]
    facets = [
        f'{name}:"{_quoted(value)}"' for name, value in chosen if FACET.match(name)
    ]
    search = {"q": q, "fq": " ".join([request.args.get("fq", ""), *facets]).strip()}
    return _feed(
        request.args.get("q", "") or Message("Search").vi,
        search,
        request.args.get("sort") or NEWEST,
    )


def _quoted(value: str) -> str:
    # Inside quotes the query language knows two signs; a name from an address must not
    # end the quotes and add words of its own.
    return value.replace("\\", "\\\\").replace('"', '\\"')


def _call(name: str, **params: Any) -> Any:
    """Feeds are for everybody: what only some may read is in none of them, whoever
    asks.
    """
    # Through JSON, as actions may hand out what is rendered already (orjson.Fragment).
    return orjson.loads(
        orjson.dumps(registry.call(the_portal(), ANONYMOUS, name, params))
    )


def _feed(title: str, search: dict[str, str], sort: str = NEWEST) -> Response:
    """A page of what a search finds, newest first unless `sort` says otherwise."""
    number = page_of_request(LAST_PAGE)
    found = _call(
        "package_search", **search, rows=ROWS, start=(number - 1) * ROWS, sort=sort
    )
    body = _render(title, found, number)
    answer = Response(body, content_type="application/atom+xml; charset=utf-8")
    answer.headers["Cache-Control"] = "public, max-age=0, must-revalidate"
    answer.headers["Vary"] = "Accept-Encoding"
    answer.set_etag(hashlib.blake2b(body, digest_size=16).hexdigest(), weak=True)
    answer.make_conditional(request)
    return packed(answer, body)


def _render(title: str, found: dict[str, Any], page: int) -> bytes:
    """The feed as XML, with links to its other pages."""
    settings = the_portal().settings
    feed = Xml.Element("feed", xmlns=ATOM)
    _text(feed, "title", f"{settings.site_title} - {title}")
    # Atom's id names the feed, and stays the same on all its pages.
    _text(feed, "id", _page_address(None))
    # Of this page, by hand: `sort` may order by something else.
    newest = max(
        (each["metadata_modified"] for each in found["results"]),
        default="1970-01-01T00:00:00.000000",
    )
    _text(feed, "updated", f"{newest}Z")
    _text(Xml.SubElement(feed, "author"), "name", settings.site_title)
    Xml.SubElement(feed, "link", rel="alternate", href=settings.site_url)
    last = max(1, min(LAST_PAGE, -(-found["count"] // ROWS)))
    pages = {
        "self": page,
        "first": 1,
        "last": last,
        "previous": page - 1,
        "next": page + 1,
    }
    for relation, number in pages.items():
        # A page beyond the last one has a self all the same: Atom asks for one.
        if 1 <= number <= last or relation == "self":
            Xml.SubElement(feed, "link", rel=relation, href=_page_address(number))
    for package in found["results"]:
        _entry(feed, package, settings.site_url)
    written: bytes = Xml.tostring(feed, encoding="utf-8", xml_declaration=True)
    return written


def _page_address(number: int | None) -> str:
    """The address of a page with the parameters that were asked with; without a number,
    of the whole feed.
    """
    kept = {name: value for name, value in request.args.items() if name != "page"}
    query = kept if number is None else {**kept, "page": str(number)}
    address = f"{the_portal().settings.site_url}{quote(request.path)}"
    return f"{address}?{urlencode(query)}" if query else address


def _entry(feed: Xml.Element, package: PackageDict, site_url: str) -> None:
    """One dataset, with its tags and its package dict."""
    entry = Xml.SubElement(feed, "entry")
    _text(entry, "title", package["title"] or package["name"])
    # By the id, not the name: a reader that meets another id shows a new entry, and
    # names change.
    _text(entry, "id", f"{site_url}/dataset/{package['id']}")
    _text(entry, "updated", f"{package['metadata_modified']}Z")
    _text(entry, "published", f"{package['metadata_created']}Z")
    _text(entry, "summary", package["notes"] or "")
    organization = package["organization"]
    publisher = (organization["title"] if organization else "") or package["author"]
    if publisher:
        _text(Xml.SubElement(entry, "author"), "name", publisher)
    Xml.SubElement(
        entry, "link", rel="alternate", href=f"{site_url}/dataset/{package['name']}"
    )
    shown = f"{site_url}/api/3/action/package_show?id={package['name']}"
    Xml.SubElement(entry, "link", rel="enclosure", type="application/json", href=shown)
    for tag in package["tags"]:
        Xml.SubElement(entry, "category", term=_FORBIDDEN.sub("", tag["name"]))


def _text(parent: Xml.Element, name: str, text: str) -> None:
    Xml.SubElement(parent, name).text = _FORBIDDEN.sub("", text)
