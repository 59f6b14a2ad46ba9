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
from harvesters.http import GuardedClient, parse_json, safe_url
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
    next_page: str = ""


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
        urls: set[str] = set()
        seen: set[str] = set()
        url, total = self._url, None
        while url:
            # Cut off in silence, a listing would look complete, and what is missing be
            # deleted.
            if url in urls or len(urls) >= self._config["max_pages"]:
                where = safe_url(self._url)
                raise SourceError(
                    "endless",
                    f"The pages of {where} do not end; nothing is deleted.",
                )
            urls.add(url)
            page = self._page(url)
            total = page.total if page.total is not None else total
            fresh = [
                entry
                for entry in page.entries
                if isinstance(entry, ItemError) or entry[0] not in seen
            ]
            # Servers that do not know their own page parameter give page one for ever.
            if page.entries and not fresh:
                raise SourceError(
                    "repeated-page",
                    f"{safe_url(self._url)} gives the same datasets again; nothing is "
                    "deleted.",
                )
            yield from self._new_items(fresh, seen)
            url = page.next_page
        # A catalogue that gives too few looks like one whose datasets are gone: an
        # error here keeps them from being deleted.
        if total is not None and len(seen) < total:
            raise SourceError(
                "incomplete",
                f"{safe_url(self._url)} counts {total} datasets and gave {len(seen)}; "
                "nothing is deleted.",
            )

    def _new_items(
        self, entries: list[tuple[str, DatasetRecord] | ItemError], seen: set[str]
    ) -> Iterator[RemoteItem | ItemError]:
        """The items of a page that no earlier page had; their ids are added to
        `seen`.
        """
        for number, entry in enumerate(entries):
            if isinstance(entry, ItemError):
                seen.add(entry.item_id or f"?{len(seen)}-{number}")
                yield entry
            elif entry[0] not in seen:
                seen.add(entry[0])
                yield _item(*entry)

    def _page(self, url: str) -> Page:
        """One answer of the catalogue, in whatever notation it comes."""
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
                "not-rdf", f"{safe_url(url)} cannot be read: {error}."
            ) from None
        return _graph_page(graph, url)

    def _notation(self, url: str, content_type: str, body: bytes) -> Notation | None:
        """How the answer is written; None for a data.json. Its first bytes count more
        than its media type.
        """
        chosen = self._config["format"]
        if chosen:
            return FORMATS.get(chosen)
        # Many servers call everything text/html or text/plain.
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
            f"{safe_url(url)} answers neither RDF nor a data.json; check the address.",
        )

    def fetch(self, item: RemoteItem, folder: Path) -> DatasetRecord:
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
        tags = dict.fromkeys([*record.tags, *config["default_tags"]])
        # Whose a dataset is here says the source's organization, and vocabularies are
        # this portal's own: neither is for another catalogue to say.
        return replace(
            record,
            id=record.id if config["keep_ids"] else None,
            owner_org=None,
            groups=record.groups if config["keep_groups"] else (),
            vocabulary_tags=(),
            tags=tuple(tags),
            extras={**config["default_extras"], **record.extras},
            resources=resources,
        )

    def _resource(
        self, resource: ResourceRecord, path: Path, wanted: set[str]
    ) -> ResourceRecord:
        """A resource with its file, which is fetched where its format is wanted."""
        if not self._config["keep_ids"]:
            resource = replace(resource, id=None)
        if format_name(resource.format, resource.url) not in wanted:
            return resource
        try:
            fetched = self._client.download(resource.url, path)
        except SourceError as error:
            raise ItemError(
                f"A file could not be fetched: {error.message}", code=error.code
            ) from None
        last_part = resource.url.split("?")[0].rsplit("/", 1)[-1]
        name = last_part or f"file.{resource.format.lower()}"
        part = ContentPart(path, name, fetched.sha256, fetched.size)
        return replace(resource, content=Content((part,)))

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
        # data.json names its context by an address, JSON-LD spells it out.
        context = document.get("@context")
        plain_context = context is None or isinstance(context, str)
        return plain_context and isinstance(document.get("dataset"), list)
    entries = document if isinstance(document, list) else []
    objects = [entry for entry in entries if isinstance(entry, Mapping)]
    return not any(map(_is_expanded, objects))


def _is_expanded(entry: Mapping[str, Any]) -> bool:
    """Whether an entry is expanded JSON-LD: a node with an id, or keys that are
    addresses.
    """
    return "@id" in entry or any("://" in key for key in entry)


def _graph_page(graph: Graph, url: str) -> Page:
    """The datasets of a graph, their number in all, and where it goes on."""
    entries: list[tuple[str, DatasetRecord] | ItemError] = []
    for node in dataset_nodes(graph):
        dataset_id = identity(graph, node)
        try:
            if not dataset_id:
                raise NotADataset(
                    "A dataset of the catalogue has neither an address nor an "
                    "identifier."
                )
            entries.append((dataset_id, read_dataset(graph, node)))
        except Exception as error:
            # One dataset that says something unforeseen must not stop the others.
            message = f"The dataset cannot be read ({error!r})."
            if isinstance(error, ValueError):
                message = str(error)
            entries.append(ItemError(message[:500], item_id=dataset_id))
    # Hydra's name of such a node changed; catalogues write the old one and the new one.
    views = [
        View(graph, node)
        for kind in (HYDRA.PartialCollectionView, HYDRA.PagedCollection)
        for node in sorted(graph.subjects(RDF.type, kind), key=str)
    ]
    totals = [view.first(HYDRA.totalItems) for view in views]
    total = next((int(text) for text in totals if text.isdigit()), None)
    next_pages = [view.first(HYDRA.next, HYDRA.nextPage) for view in views]
    next_page = next(filter(None, next_pages), "")
    if not entries and not views and (None, RDF.type, DCAT.Catalog) not in graph:
        where = safe_url(url)
        raise SourceError(
            "not-dcat",
            f"{where} holds neither a catalogue nor datasets; check the address.",
        )
    return Page(entries, total, _join_url(url, next_page))


def _join_url(url: str, next_page: str) -> str:
    """The address of the next page; empty for none. Raises SourceError."""
    try:
        return urljoin(url, next_page) if next_page else ""
    except ValueError:
        raise SourceError(
            "bad-address",
            f"{safe_url(url)} names a next page that is no address.",
        ) from None


def _entries(url: str, document: Any) -> Page:
    """The datasets of a data.json, which is always one page."""
    datasets = document.get("dataset") if isinstance(document, Mapping) else document
    if not isinstance(datasets, list):
        raise SourceError(
            "not-dcat",
            f"{safe_url(url)} holds no list of datasets; check the address.",
        )
    entries: list[tuple[str, DatasetRecord] | ItemError] = []
    for entry in datasets:
        dataset_id = ""
        if isinstance(entry, Mapping):
            dataset_id = str(entry.get("identifier") or entry.get("landingPage") or "")
        try:
            if not dataset_id:
                raise NotAnEntry("An entry of the catalogue has no identifier.")
            entries.append((dataset_id, read_entry(entry)))
        except Exception as error:
            # As for a graph: one bad entry must not stop the others.
            message = f"The entry cannot be read ({error!r})."
            if isinstance(error, NotAnEntry):
                message = str(error)
            entries.append(ItemError(message[:500], item_id=dataset_id))
    return Page(entries)


def _item(dataset_id: str, record: DatasetRecord) -> RemoteItem:
    """A dataset as an item whose payload is all of it."""
    # There and back through JSON: the payload is what a row of the database gives back.
    payload: dict[str, Any] = orjson.loads(orjson.dumps(asdict(record)))
    text = orjson.dumps(payload, option=orjson.OPT_SORT_KEYS)
    fingerprint = hashlib.sha256(text).hexdigest()
    return RemoteItem(dataset_id, record.title or record.name, fingerprint, payload)


def _from_payload(payload: Mapping[str, Any]) -> DatasetRecord:
    """The dataset that `_item` put into a payload."""
    # JSON knows lists only; records hold tuples.
    resources = tuple(ResourceRecord(**resource) for resource in payload["resources"])
    pairs = tuple((pair[0], pair[1]) for pair in payload["vocabulary_tags"])
    lists = {name: tuple(payload[name]) for name in ("tags", "groups")}
    return DatasetRecord(
        **{**payload, **lists, "vocabulary_tags": pairs, "resources": resources}
    )
