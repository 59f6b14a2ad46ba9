"""DCAT: the catalogue and its datasets as RDF in every notation, as DCAT-US's data.json
and as plain JSON.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import urlencode

import orjson
from flask import Blueprint, Response, current_app, redirect, request
from rdflib import Literal, URIRef
from rdflib.namespace import RDF, XSD
from sqlalchemy import and_
from werkzeug.exceptions import BadRequest

from portal.access import policy
from portal.access.identity import ANONYMOUS
from portal.actions import registry
from portal.db import datasets as db
from portal.domain.datasets import Dataset
from portal.web.action_api import actor_of_request, packed, the_portal
from portal.web.paging import page_of_request
from schemas.cache import Room
from schemas.dcat import us
from schemas.dcat.documents import dataset_fragment, document, fragment
from schemas.dcat.notations import BY_MEDIA_TYPE, BY_SUFFIX, NOTATIONS, Notation
from schemas.dcat.pen import Pen
from schemas.dcat.terms import HYDRA, Site, is_moment
from schemas.dcat.write import add_catalog
from schemas.package_dict import read_package

dcat = Blueprint("dcat", __name__)
PAGE = 100
LAST_PAGE = 100_000
BATCH = 200
SUFFIXES = "any(ttl, rdf, xml, n3, jsonld)"
HTML = ("text/html", "application/xhtml+xml")
RDF_TYPES = tuple(notation.media_type for notation in NOTATIONS)
KEPT_BY_PAGES = ("q", "fq", "modified_since")


def site() -> Site:
    """The catalogue as its graphs name it."""
    settings = the_portal().settings
    return Site(
        settings.site_url,
        settings.site_title,
        settings.site_description,
        settings.locale,
    )


def asked_notation() -> Notation | None:
    """The notation that the request prefers to a page, None for browsers and those who
    take anything.
    """
    best = request.accept_mimetypes.best_match([*HTML, *BY_MEDIA_TYPE])
    return BY_MEDIA_TYPE.get(best or "")


@dcat.route(f"/dataset/<name>.<{SUFFIXES}:suffix>")
def dataset(name: str, suffix: str) -> Response:
    """One dataset; who may not read it gets what package_show answers."""
    return dataset_graph(name, BY_SUFFIX[suffix])


def dataset_graph(name: str, notation: Notation) -> Response:
    """One dataset in one notation, for whoever may read it."""
    rendered = orjson.dumps(
        registry.call(the_portal(), actor_of_request(), "package_show", {"id": name})
    )
    return graph_answer(notation, rendered, lambda: _dataset_body(rendered, notation))


def _dataset_body(rendered: bytes, notation: Notation) -> bytes:
    return document([_fragment(rendered, notation)], notation)


def _fragment(rendered: bytes, notation: Notation) -> bytes:
    """A dataset in one notation, kept from the last time that this very package dict
    was rendered.
    """
    here = site()
    # The bytes themselves are the key: a dataset that changed, or that its reader sees
    # otherwise, is another one, and nothing has to be dropped from the cache.
    key = hashlib.blake2b(
        f"{notation.family} {here.url} ".encode() + rendered, digest_size=16
    ).digest()
    fragments: Room[bytes] = current_app.extensions["fragments"]
    return fragments.get(
        key, lambda: dataset_fragment(read_package(rendered), here, notation)
    )


@dcat.route("/catalog")
def negotiated_catalog() -> Any:
    """The catalogue in the notation that is asked for; people are shown the search."""
    notation = asked_notation()
    if (
        notation is None
        and request.accept_mimetypes.best_match([*RDF_TYPES, *HTML]) in HTML
    ):
        return redirect("/dataset/", 303)
    return _catalog(notation or BY_SUFFIX["ttl"])


@dcat.route(f"/catalog.<{SUFFIXES}:suffix>")
def catalog(suffix: str) -> Response:
    """A page of the public catalogue: `page`, `q`, `fq`, `modified_since`."""
    return _catalog(BY_SUFFIX[suffix])


def _catalog(notation: Notation) -> Response:
    """A page of the catalogue in one notation."""
    page = page_of_request(LAST_PAGE)
    found = _search(page)
    results = [orjson.dumps(result) for result in found["results"]]
    total = int(found["count"])
    # All that the page is made of, unrendered: whoever has it already is told so before
    # a graph is built.
    state = (
        b"".join(results)
        + f"{total} {request.query_string!r} {notation.suffix}".encode()
    )
    return graph_answer(
        notation,
        state,
        lambda: _catalog_body(results, page, total, notation),
        public=True,
    )


def _catalog_body(
    results: Sequence[bytes], page: int, total: int, notation: Notation
) -> bytes:
    """The catalogue and the datasets of one page, put together from kept fragments."""
    pen = Pen(site())
    catalogue = add_catalog(pen, [orjson.loads(result) for result in results])
    _paging(pen, catalogue, page, total, notation)
    parts = [_fragment(result, notation) for result in results]
    return document([fragment(pen, notation), *parts], notation)


def _paging(
    pen: Pen, catalogue: URIRef, page: int, total: int, notation: Notation
) -> None:
    """Hydra in both of its wordings: the one that harvesters of CKAN read, and the one
    in force.
    """
    last = max(1, -(-total // PAGE))
    here = URIRef(_address(notation, page))
    pen.graph.add((catalogue, HYDRA.view, here))
    for kind in (HYDRA.PagedCollection, HYDRA.PartialCollectionView):
        pen.graph.add((here, RDF.type, kind))
    pen.graph.add((here, HYDRA.totalItems, Literal(total, datatype=XSD.integer)))
    pen.graph.add((here, HYDRA.itemsPerPage, Literal(PAGE, datatype=XSD.integer)))
    pages = {
        "first": 1,
        "last": last,
        "next": page + 1,
        # From beyond the end one step back leads to the last page.
        "previous": min(page - 1, last),
    }
    for relation, number in pages.items():
        if 1 <= number <= last:
            for term in (relation, f"{relation}Page"):
                pen.graph.add((here, HYDRA[term], URIRef(_address(notation, number))))


def _address(notation: Notation, page: int) -> str:
    """The address of a page of the catalogue, with the filters that were asked with."""
    kept = {
        name: request.args[name] for name in KEPT_BY_PAGES if request.args.get(name)
    }
    address = f"{the_portal().settings.site_url}/catalog.{notation.suffix}"
    return f"{address}?{urlencode({**kept, 'page': page})}"


def _search(page: int) -> Any:
    """A page of what everybody may read, in an order that changes keep: new datasets
    come last.
    """
    asked = {
        "q": request.args.get("q", ""),
        "rows": PAGE,
        "start": (page - 1) * PAGE,
        "facet": "false",
    }
    filters = [
        "+dataset_type:dataset",
        request.args.get("fq", ""),
        _since(request.args.get("modified_since", "")),
    ]
    asked |= {
        "fq_list": [text for text in filters if text],
        # Not by relevance or change: a harvester that reads page after page would miss
        # what moves to a page that it has read. The id decides between equal times.
        "sort": "metadata_created asc, id asc",
    }
    return registry.call(the_portal(), ANONYMOUS, "package_search", asked)


def _since(moment: str) -> str:
    """The filter of what changed since a moment; empty where none is given."""
    if not moment:
        return ""
    if not is_moment(moment) or len(moment) < len("2026-01-01"):
        raise BadRequest(
            "modified_since takes a date or a time of ISO 8601, such as 2026-01-31 or "
            "2026-01-31T08:00:00Z"
        )
    # Solr's ranges take whole times that end with Z only.
    whole = moment if len(moment) > len("2026-01-01") else f"{moment}T00:00:00"
    return f"metadata_modified:[{whole.removesuffix('Z')}Z TO *]"


@dcat.route("/data.json")
def data_json() -> Response:
    """The whole public catalogue in DCAT-US 1.1, streamed: it needs the memory of one
    batch of datasets.
    """
    portal = the_portal()
    url = portal.settings.site_url
    public = and_(
        policy.readable(ANONYMOUS), Dataset.state == "active", Dataset.type == "dataset"
    )
    with portal.read() as uow:
        # A tag without reading the catalogue: a client that asks every hour costs one
        # query.
        state = db.state_of(uow.session, public)
    # The closing brace is cut off; the tail writes it after the last dataset.
    head = orjson.dumps(us.HEAD)[:-1] + b',"dataset":['
    answer = Response(content_type="application/json; charset=utf-8")
    answer.headers["Cache-Control"] = "public, max-age=0, must-revalidate"
    answer.headers["Vary"] = "Accept-Encoding"
    answer.set_etag("-".join(map(str, state)), weak=True)
    answer.make_conditional(request)
    if answer.status_code == 200 and request.method != "HEAD":
        entries = _entries(portal, public, lambda package: us.write_entry(package, url))
        answer.response = _joined(head, entries, b"]}")
        # make_conditional has counted an empty body.
        answer.headers.pop("Content-Length", None)
        if request.accept_encodings.quality("gzip"):
            answer.response = _gzipped(_joined(head, entries, b"]}"))
            answer.headers["Content-Encoding"] = "gzip"
    return answer


def _gzipped(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """The pieces as one gzip stream; empty ones are held back."""
    packer = zlib.compressobj(1, zlib.DEFLATED, 31)
    for piece in pieces:
        if packed_piece := packer.compress(piece):
            yield packed_piece
    yield packer.flush()


def _entries(portal: Any, public: Any, render: Any) -> Iterator[bytes]:
    """Every dataset of `public`, rendered, in batches that follow one another by id."""
    after = ""
    while True:
        with portal.read() as uow:
            rows = db.list_after(uow.session, public, after, BATCH)
        # Outside the transaction: a slow reader of the stream must not keep a snapshot
        # of the database open.
        for _, rendered in rows:
            yield orjson.dumps(render(read_package(rendered)))
        if len(rows) < BATCH:
            return
        after = rows[-1][0]


def _joined(head: bytes, entries: Iterator[bytes], tail: bytes) -> Iterator[bytes]:
    """The pieces of a JSON document, with commas between its entries."""
    yield head
    glue = b"\n"
    for entry in entries:
        yield glue + entry
        glue = b",\n"
    yield tail


@dcat.route("/dcat.json")
def dcat_json() -> Response:
    """A page of the public catalogue as a plain list, in ckanext-dcat's JSON: `page`,
    `q`, `fq`, `modified_since`.
    """
    found = _search(page_of_request(LAST_PAGE))
    url = the_portal().settings.site_url
    body = orjson.dumps(
        [
            us.write_entry(orjson.loads(orjson.dumps(each)), url)
            for each in found["results"]
        ]
    )
    return conditional(
        Response(body, content_type="application/json; charset=utf-8"),
        body,
        public=True,
    )


def graph_answer(
    notation: Notation, state: bytes, render: Any, *, public: bool = False
) -> Response:
    """A graph, rendered only where the client does not have it already: what it is made
    of makes its ETag.
    """
    answer = Response(content_type=f"{notation.media_type}; charset=utf-8")
    digest = hashlib.blake2b(
        state + notation.suffix.encode() + the_portal().settings.site_title.encode()
    )
    _cacheable(answer, f"{digest.hexdigest()[:32]}", public=public)
    if answer.status_code != 200:
        return answer
    body: bytes = render()
    answer.set_data(body)
    return packed(answer, body)


def conditional(answer: Response, body: bytes, *, public: bool = False) -> Response:
    """An answer with the ETag of its body, which a client that has it need not fetch
    again.
    """
    _cacheable(answer, hashlib.blake2b(body, digest_size=16).hexdigest(), public=public)
    return packed(answer, body) if answer.status_code == 200 else answer


def _cacheable(answer: Response, tag: str, *, public: bool) -> None:
    """Give an answer its tag and say who may keep it; it becomes a 304 where the client
    has it.
    """
    # The catalogue is the same for everybody, also for somebody with a token.
    named = not public and not actor_of_request().anonymous
    answer.headers["Cache-Control"] = (
        "private, no-cache" if named else "public, max-age=0, must-revalidate"
    )
    answer.headers["Vary"] = (
        f"Accept, Accept-Encoding, {the_portal().settings.token_header}"
    )
    answer.set_etag(tag, weak=True)
    answer.make_conditional(request)
