"""DCAT catalogues: RDF/XML, Turtle, JSON-LD or a data.json, page by page, and never an
error taken for the end.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import orjson
from marshmallow import fields, validate
from rdflib import Graph
from rdflib.namespace import RDF

from harvesters.base import ItemError, RemoteItem, SourceError
from harvesters.config import Config
from harvesters.http import GuardedClient, parse_json, shown
from schemas.dcat.notations import (
    BY_MEDIA_TYPE,
    BY_SUFFIX,
    Notation,
    UnreadableGraph,
    read_graph,
)
from schemas.dcat.read import NotADataset, dataset_nodes, identity, read_dataset
from schemas.dcat.terms import DCAT, HYDRA
from schemas.dcat.us import NotAnEntry, read_entry
from schemas.dcat.view import View
from schemas.record import Content, ContentPart, DatasetRecord, ResourceRecord
from schemas.vocabularies import format_name

ACCEPT = (
    "text/turtle, application/rdf+xml;q=0.9, application/ld+json;q=0.8, "
    "application/json;q=0.7, */*;q=0.1"
)
FORMATS = {
    "rdf": BY_SUFFIX["rdf"],
    "ttl": BY_SUFFIX["ttl"],
    "jsonld": BY_SUFFIX["jsonld"],
}
DATA_JSON = "data.json"
TURTLE_STARTS = (b"@prefix", b"@base", b"prefix", b"base", b"<http", b"#")
LONGEST_PAGE_MB = 50


class DcatConfig(Config):
    """How to read the catalogue, where its answers do not tell."""

    format = fields.String(
        load_default="",
        validate=validate.OneOf(["", *FORMATS, DATA_JSON]),
        metadata={"help": "rdf, ttl, jsonld or data.json; empty: as the answer says"},
    )
    max_pages = fields.Integer(
        load_default=10_000, validate=validate.Range(min=1, max=1_000_000)
    )
    max_page_mb = fields.Integer(
        load_default=16,
        validate=validate.Range(min=1, max=LONGEST_PAGE_MB),
        metadata={
            "help": "MB of one page; a graph needs some twenty times its size in memory"
        },
    )
    keep_ids = fields.Boolean(
        load_default=False,
        metadata={"help": "datasets keep the ids that they have there"},
    )
    keep_groups = fields.Boolean(
        load_default=False, metadata={"help": "groups of the same name here are joined"}
    )
    default_tags = fields.List(fields.String(), load_default=list)
    default_extras = fields.Dict(
        keys=fields.String(), values=fields.String(), load_default=dict
    )
    download_formats = fields.List(
        fields.String(),
        load_default=list,
        metadata={"help": "formats whose files are fetched and kept, e.g. CSV"},
    )


@dataclass(frozen=True, slots=True)
class Page:
    """What one answer held: its datasets, how many the whole catalogue counts, and
    where it goes on.
    """

    entries: list[tuple[str, DatasetRecord] | ItemError]
    total: int | None = None
    following: str = ""


class DcatAdapter:
    """SourceAdapter over a catalogue in any notation of DCAT."""

    def __init__(
        self, url: str, config: Mapping[str, Any], client: GuardedClient
    ) -> None:
        self._url, self._config, self._client = url.strip(), config, client

    def items(self) -> Iterator[RemoteItem | ItemError]:
        """Every dataset, page by page. Raises SourceError when pages turn in circles,
        fail, or give too few.
        """
        asked: set[str] = set()
        seen: set[str] = set()
        url, total = self._url, None
        while url:
            if url in asked or len(asked) >= self._config["max_pages"]:
                raise SourceError(
                    "endless",
                    f"The pages of {shown(self._url)} do not end; nothing is deleted.",
                )
            asked.add(url)
            page = self._page(url)
            total = page.total if page.total is not None else total
            fresh = [
                entry
                for entry in page.entries
                if isinstance(entry, ItemError) or entry[0] not in seen
            ]
            if page.entries and not fresh:
                raise SourceError(
                    "repeated-page",
                    f"{shown(self._url)} gives the same datasets again; nothing is "
                    "deleted.",
                )
            yield from self._told(fresh, seen)
            url = page.following
        if total is not None and len(seen) < total:
            raise SourceError(
                "incomplete",
                f"{shown(self._url)} counts {total} datasets and gave {len(seen)}; "
                "nothing is deleted.",
            )

    def _told(
        self, entries: list[tuple[str, DatasetRecord] | ItemError], seen: set[str]
    ) -> Iterator[RemoteItem | ItemError]:
        for number, entry in enumerate(entries):
            if isinstance(entry, ItemError):
                seen.add(entry.item_id or f"?{len(seen)}-{number}")
                yield entry
            elif entry[0] not in seen:
                seen.add(entry[0])
                yield _item(*entry)

    def _page(self, url: str) -> Page:
        headers: dict[str, str] = {}
        with self._client.stream(
            "GET", url, headers={"Accept": ACCEPT}, headers_seen=headers
        ) as chunks:
            body = b"".join(chunks)
        notation = self._notation(url, headers.get("content-type", ""), body)
        if notation is None:
            return _entries(url, parse_json(url, body))
        try:
            graph = read_graph(body, notation, url)
        except UnreadableGraph as error:
            raise SourceError(
                "not-rdf", f"{shown(url)} cannot be read: {error}."
            ) from None
        return _graph_page(graph, url)

    def _notation(self, url: str, content_type: str, body: bytes) -> Notation | None:
        """How the answer is written; None for a data.json. Its first bytes count more
        than its media type.
        """
        if chosen := self._config["format"]:
            return FORMATS.get(chosen)
        start = body[:400].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
        if start[:1] in (b"{", b"["):
            return None if _is_data_json(body) else BY_SUFFIX["jsonld"]
        if start.startswith((b"<?xml", b"<rdf", b"<!doctype rdf", b"<!--")):
            return BY_SUFFIX["rdf"]
        if start.startswith(TURTLE_STARTS):
            return BY_SUFFIX["ttl"]
        media_type = content_type.partition(";")[0].strip().lower()
        if media_type in BY_MEDIA_TYPE:
            return BY_MEDIA_TYPE[media_type]
        raise SourceError(
            "not-dcat",
            f"{shown(url)} answers neither RDF nor a data.json; check the address.",
        )

    def load(self, item: RemoteItem, folder: Path) -> DatasetRecord:
        """The dataset as its graph or entry says it; files of `download_formats` are
        fetched.
        """
        config = self._config
        record = _from_payload(item.payload)
        wanted = {format_name(name) for name in config["download_formats"]}
        resources = tuple(
            self._resource(resource, folder / f"{number}", wanted)
            for number, resource in enumerate(record.resources)
        )
        return replace(
            record,
            id=record.id if config["keep_ids"] else None,
            owner_org=None,
            groups=record.groups if config["keep_groups"] else (),
            vocabulary_tags=(),
            tags=tuple(dict.fromkeys([*record.tags, *config["default_tags"]])),
            extras={**config["default_extras"], **record.extras},
            resources=resources,
        )

    def _resource(
        self, resource: ResourceRecord, path: Path, wanted: set[str]
    ) -> ResourceRecord:
        kept = replace(resource, id=resource.id if self._config["keep_ids"] else None)
        if format_name(kept.format, kept.url) not in wanted:
            return kept
        try:
            fetched = self._client.download(kept.url, path)
        except SourceError as error:
            raise ItemError(
                f"A file could not be fetched: {error.message}", code=error.code
            ) from None
        name = (
            kept.url.split("?")[0].rsplit("/", 1)[-1] or f"file.{kept.format.lower()}"
        )
        return replace(
            kept,
            content=Content((ContentPart(path, name, fetched.sha256, fetched.size),)),
        )

    def close(self) -> None:
        """Give back connections."""
        self._client.close()


def _is_data_json(body: bytes) -> bool:
    """Whether JSON is a catalogue or a list of entries without RDF's own keys, as
    DCAT-US and ckanext-dcat write it.
    """
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        return True  # what is no JSON at all is told so
    if isinstance(document, Mapping):
        context = document.get("@context")
        return isinstance(document.get("dataset"), list) and (
            context is None or isinstance(context, str)
        )
    entries = (
        [entry for entry in document if isinstance(entry, Mapping)]
        if isinstance(document, list)
        else []
    )
    return not any(
        "@id" in entry or any("://" in key for key in entry) for entry in entries
    )


def _graph_page(graph: Graph, url: str) -> Page:
    entries: list[tuple[str, DatasetRecord] | ItemError] = []
    for node in dataset_nodes(graph):
        known = identity(graph, node)
        try:
            if not known:
                raise NotADataset(
                    "A dataset of the catalogue has neither an address nor an "
                    "identifier."
                )
            entries.append((known, read_dataset(graph, node)))
        except Exception as error:
            # One dataset that says something unforeseen must not stop the others.
            message = (
                str(error)
                if isinstance(error, ValueError)
                else f"The dataset cannot be read ({error!r})."
            )
            entries.append(ItemError(message[:500], item_id=known))
    views = [
        View(graph, node)
        for kind in (HYDRA.PartialCollectionView, HYDRA.PagedCollection)
        for node in sorted(graph.subjects(RDF.type, kind), key=str)
    ]
    totals = (
        text for view in views if (text := view.first(HYDRA.totalItems)).isdigit()
    )
    following = (
        text for view in views if (text := view.first(HYDRA.next, HYDRA.nextPage))
    )
    total = next(totals, None)
    if not entries and not views and (None, RDF.type, DCAT.Catalog) not in graph:
        raise SourceError(
            "not-dcat",
            f"{shown(url)} holds neither a catalogue nor datasets; check the address.",
        )
    return Page(
        entries, int(total) if total else None, _joined(url, next(following, ""))
    )


def _joined(url: str, following: str) -> str:
    try:
        return urljoin(url, following) if following else ""
    except ValueError:
        raise SourceError(
            "bad-address", f"{shown(url)} names a next page that is no address."
        ) from None


def _entries(url: str, document: Any) -> Page:
    listed = document.get("dataset") if isinstance(document, Mapping) else document
    if not isinstance(listed, list):
        raise SourceError(
            "not-dcat", f"{shown(url)} holds no list of datasets; check the address."
        )
    entries: list[tuple[str, DatasetRecord] | ItemError] = []
    for entry in listed:
        known = (
            str(entry.get("identifier") or entry.get("landingPage") or "")
            if isinstance(entry, Mapping)
            else ""
        )
        try:
            if not known:
                raise NotAnEntry("An entry of the catalogue has no identifier.")
            entries.append((known, read_entry(entry)))
        except Exception as error:
            message = (
                str(error)
                if isinstance(error, NotAnEntry)
                else f"The entry cannot be read ({error!r})."
            )
            entries.append(ItemError(message[:500], item_id=known))
    return Page(entries)


def _item(known: str, record: DatasetRecord) -> RemoteItem:
    payload: dict[str, Any] = orjson.loads(orjson.dumps(asdict(record)))
    fingerprint = hashlib.sha256(
        orjson.dumps(payload, option=orjson.OPT_SORT_KEYS)
    ).hexdigest()
    return RemoteItem(known, record.title or record.name, fingerprint, payload)


def _from_payload(payload: Mapping[str, Any]) -> DatasetRecord:
    resources = tuple(ResourceRecord(**resource) for resource in payload["resources"])
    pairs = tuple((pair[0], pair[1]) for pair in payload["vocabulary_tags"])
    lists = {name: tuple(payload[name]) for name in ("tags", "groups")}
    return DatasetRecord(
        **{**payload, **lists, "vocabulary_tags": pairs, "resources": resources}
    )
