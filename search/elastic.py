"""Elasticsearch: the same contract on a server or cluster, by one alias, without plugin, script or reindex.

`<alias>` names the index that is served, `<alias>-next` the one that a rebuild is filling. While that second alias
exists every write goes to both indexes; external versions make the order of arrival irrelevant, and a deletion leaves
a mark in the new index so that the rebuild cannot bring the dataset back. So nothing written during a rebuild is lost.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any as Anything
from urllib.parse import unquote, urlsplit

from elasticsearch import ApiError, ConflictError, Elasticsearch, NotFoundError, TransportError

from search.backend import Hit, IndexEntry, QueryError, SearchRequest, SearchResult, SearchUnavailable
from search.document import COLUMNS, Kind, columns_format, flatten
from search.elastic_clauses import compiled, counted, sorting
from search.forms import Plan
from search.plan import plan

Json = dict[str, Anything]

WINDOW = 10_000
"""Hits that Elasticsearch pages through by number; beyond it we walk from hit to hit."""
BATCH_ENTRIES, BATCH_BYTES = 500, 5_000_000
_GONE = 2**62
_KEYWORD: Json = {"type": "keyword"}
_TYPES: dict[Kind, Json] = {
    Kind.EXACT: _KEYWORD,
    Kind.WORDS: {"type": "text", "analyzer": "whitespace"},
    Kind.NUMBER: {"type": "long"},
    Kind.STORED: {"type": "keyword", "index": False, "doc_values": False},
}


class ElasticIndex:
    """SearchBackend over Elasticsearch 8.x or 9.x."""

    def __init__(
        self,
        urls: Sequence[str],
        *,
        alias: str = "portal-datasets",
        api_key: str | None = None,
        ca_certs: str | None = None,
        timeout: float = 10.0,
        retries: int = 3,
    ) -> None:
        """`urls` may carry user:password; an `api_key` goes before them. `timeout` is in seconds, for each try."""
        user = next((urlsplit(url) for url in urls if urlsplit(url).username), None)
        login = (unquote(user.username or ""), unquote(user.password or "")) if user and not api_key else None
        given: Json = {"ca_certs": ca_certs} if ca_certs else {}
        self._client = Elasticsearch(
            [_host(url) for url in urls],
            basic_auth=login,
            api_key=api_key,
            request_timeout=timeout,
            max_retries=retries,
            retry_on_timeout=True,
            retry_on_status=(429, 502, 503, 504),
            **given,
        )
        self._alias, self._next = alias, f"{alias}-next"
        self._layout = columns_format()

    def apply(self, entries: Iterable[IndexEntry], deleted: Iterable[str] = ()) -> None:
        """Add or replace entries, unless a newer version is held, and remove ids; found by all once this returns."""
        newest = {entry.id: entry for entry in sorted(entries, key=lambda entry: entry.version)}
        gone = [key for key in dict.fromkeys(deleted) if key not in newest]
        if not (newest or gone):
            return
        with _clear_errors():
            served, filling = self._targets()
            self._bulk(served, newest.values(), gone, refresh=True)
            if filling:
                self._bulk(filling, newest.values(), (), marks=gone)

    def search(self, request: SearchRequest) -> SearchResult:
        """Answer one request. Raises QueryError and SearchUnavailable."""
        asked = plan(request)
        with _clear_errors():
            try:
                return self._answer(asked, request)
            except NotFoundError:
                self._targets()  # the very first question: there is no index yet
                return self._answer(asked, request)

    def rebuild(self, entries: Iterable[IndexEntry]) -> int:
        """Fill a new index while the old one answers and takes writes, then swap the alias in one step.

        `entries` must be read after the call began (a generator over a fresh query): writes from then on reach both
        indexes. Returns the number of datasets it holds.
        """
        with _clear_errors():
            self._sweep()
            name = self._create({self._next: {}})
            self._bulk(name, entries, ())
            self._client.indices.refresh(index=name)
            self._swap(name)
            self._forget_marks(name)
            return int(self._client.count(index=name, query=_there())["count"])

    def stamps(self) -> Iterator[tuple[str, int]]:
        """Every (id, version) held, by id."""
        with _clear_errors():
            self._targets()
            body: Json = {"query": _there(), "sort": [{"id": "asc"}], "_source": ["entry_version"]}
            for hit in self._walk(body):
                yield str(hit["_id"]), int(hit["_source"]["entry_version"])

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _targets(self) -> tuple[str, str | None]:
        """The index that is served (made when there is none) and the one being filled, if any."""
        found: Json = self._client.indices.get_alias(index=f"{self._alias}-v*").body
        by_alias = {alias: name for name, held in found.items() for alias in held["aliases"]}
        if self._alias in by_alias:
            self._check_layout(by_alias[self._alias])
            return by_alias[self._alias], by_alias.get(self._next)
        # A fixed name: of two processes that start at once, the second finds what the first has made.
        return self._create({self._alias: {}}, f"{self._alias}-v0"), by_alias.get(self._next)

    def _check_layout(self, name: str) -> None:
        mapping = self._client.indices.get_mapping(index=name).body[name]["mappings"]
        if mapping.get("_meta", {}).get("layout") != self._layout:
            raise SearchUnavailable(
                "The search index was written by another release; rebuild it (portal index rebuild)."
            )

    def _create(self, aliases: Json, name: str = "") -> str:
        name = name or f"{self._alias}-v{time.time_ns()}-{secrets.token_hex(3)}"
        try:
            self._client.indices.create(
                index=name, aliases=aliases, mappings=mappings(self._layout), settings=_SETTINGS
            )
        except ApiError as error:
            if error.error != "resource_already_exists_exception":
                raise
        return name

    def _sweep(self) -> None:
        """Remove what an interrupted rebuild left behind."""
        found: Json = self._client.indices.get_alias(index=f"{self._alias}-v*").body
        for name, held in found.items():
            if self._alias not in held["aliases"]:
                self._client.options(ignore_status=404).indices.delete(index=name)

    def _swap(self, name: str) -> None:
        found: Json = self._client.indices.get_alias(index=f"{self._alias}-v*").body
        old = [index for index, held in found.items() if self._alias in held["aliases"]]
        # must_exist: if another rebuild has swept this one away, nothing is swapped.
        actions: list[Json] = [{"remove": {"index": name, "alias": self._next, "must_exist": True}}]
        actions += [{"remove": {"index": index, "alias": self._alias}} for index in old]
        try:
            self._client.indices.update_aliases(actions=[*actions, {"add": {"index": name, "alias": self._alias}}])
        except NotFoundError:
            raise SearchUnavailable("Another rebuild of the search index has begun; this one gave way.") from None
        for index in old:
            self._client.options(ignore_status=404).indices.delete(index=index)

    def _forget_marks(self, name: str) -> None:
        marked = [hit["_id"] for hit in self._walk({"query": {"term": {"gone": True}}, "sort": [{"id": "asc"}]})]
        self._bulk(name, (), marked, refresh=True)

    def _bulk(
        self, index: str, entries: Iterable[IndexEntry], deleted: Iterable[str], *, marks: Iterable[str] = (),
        refresh: bool = False,
    ) -> None:  # fmt: skip
        operations: list[Json] = []
        operations += [{"delete": {"_id": key}} for key in deleted]
        for key in marks:
            operations += [_put(key, _GONE), {"id": key, "gone": True, "entry_version": _GONE}]
        size, count = 0, len(operations)
        for entry in entries:
            operations += [_put(entry.id, entry.version), flatten(entry)]
            size, count = size + 3 * len(entry.payload), count + 1
            if count >= BATCH_ENTRIES or size >= BATCH_BYTES:
                self._send(index, operations, refresh)
                operations, size, count = [], 0, 0
        if operations:
            self._send(index, operations, refresh)

    def _send(self, index: str, operations: list[Json], refresh: bool) -> None:
        answer: Json = self._client.bulk(index=index, operations=operations, refresh=refresh).body
        if not answer["errors"]:
            return
        outcomes = [outcome for item in answer["items"] for outcome in item.values()]
        # 409: a newer version is held already, which is what was promised. 404: what was to go is gone.
        refused = [outcome for outcome in outcomes if outcome["status"] >= 400 and outcome["status"] not in (404, 409)]
        if refused or any(outcome["status"] == 404 and "error" in outcome for outcome in outcomes):
            kind = (refused or outcomes)[0].get("error", {}).get("type", "unknown")
            raise SearchUnavailable(f"Elasticsearch refused {len(refused) or 1} of {len(outcomes)} changes ({kind}).")

    def _answer(self, asked: Plan, request: SearchRequest) -> SearchResult:
        query = {"bool": {"must": [compiled(asked.query)], "filter": [compiled(child) for child in asked.filters]}}
        query["bool"]["must_not"] = [{"term": {"gone": True}}]
        body: Json = {"query": query, "sort": sorting(asked.order), "_source": ["payload"], "track_scores": False}
        paged = request.start + request.rows <= WINDOW
        answer: Json = self._client.search(
            index=self._alias,
            **body,
            from_=request.start if paged else 0,
            size=request.rows if paged else 0,
            track_total_hits=True,
            aggs={str(place): counted(facet, request) for place, facet in enumerate(asked.facets)},
        ).body
        found = answer["hits"]["hits"] if paged else self._far(body, request)
        counts = answer.get("aggregations", {})
        return SearchResult(
            count=answer["hits"]["total"]["value"],
            hits=tuple(_hit(hit) for hit in found),
            sort=asked.sort,
            facets={facet.name: _pairs(counts, place, facet.prefix) for place, facet in enumerate(asked.facets)},
        )

    def _far(self, body: Json, request: SearchRequest) -> Iterator[Json]:
        """Hits beyond the window: the order is total, so each step goes on after the last hit of the one before."""
        for place, hit in enumerate(self._walk(body, request.start + request.rows, skipped=request.start)):
            if place >= request.start:
                yield hit

    def _walk(self, body: Json, most: int = 2**62, *, skipped: int = 0) -> Iterator[Json]:
        after: Json = {}
        walked = 0
        while walked < most:
            size = min(WINDOW, most - walked) if walked >= skipped else min(WINDOW, skipped - walked)
            source = body.get("_source", True) if walked >= skipped else False
            hits = self._client.search(index=self._alias, **(body | after | {"_source": source}), size=size).body
            found: list[Json] = hits["hits"]["hits"]
            yield from found
            walked += len(found)
            if len(found) < size:
                return
            after = {"search_after": found[-1]["sort"]}


_SETTINGS: Json = {
    "number_of_shards": 1,
    "auto_expand_replicas": "0-1",
    # A deletion is forgotten at once: a dataset that comes back with a lower version is taken again.
    "gc_deletes": "0s",
}


def mappings(layout: str) -> Json:
    """Every column, and nothing else: what is not listed is refused, so extras cannot swell the mapping."""
    columns = {name: _TYPES[kind] for name, kind in COLUMNS.items()} | {"gone": {"type": "boolean"}}
    return {
        "dynamic": "strict",
        "_meta": {"layout": layout},
        # Words are only searched, never read back.
        "_source": {"excludes": [name for name, kind in COLUMNS.items() if kind is Kind.WORDS]},
        "properties": columns,
    }


def _put(key: str, version: int) -> Json:
    return {"index": {"_id": key, "version": version, "version_type": "external_gte"}}


def _there() -> Json:
    return {"bool": {"must_not": [{"term": {"gone": True}}]}}


def _hit(hit: Json) -> Hit:
    return Hit(str(hit["_id"]), str(hit["_source"].get("payload", "")).encode(), float(hit.get("_score") or 0.0))


def _pairs(counts: Json, place: int, prefix: str) -> tuple[tuple[str, int], ...]:
    buckets = counts.get(str(place), {}).get("buckets", [])
    return tuple((str(bucket["key"]).removeprefix(prefix), int(bucket["doc_count"])) for bucket in buckets)


def _host(url: str) -> str:
    """The URL without its login, with its port."""
    parts = urlsplit(url.strip())
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("A search URL is written http(s)://[user:password@]host[:port]; several stand between commas.")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}:{parts.port or 9200}{parts.path.rstrip('/')}"


@contextmanager
def _clear_errors() -> Iterator[None]:
    """What the client raises becomes SearchUnavailable or QueryError, with no address and no word of the server."""
    try:
        yield
    except ConflictError as error:
        raise SearchUnavailable("Elasticsearch reported a conflict; try again.") from error
    except ApiError as error:
        if error.status_code in (401, 403):
            raise SearchUnavailable("Elasticsearch refused the login; check the user, password or API key.") from error
        if error.status_code == 400:
            raise QueryError("The query is too large or too complex for the search index.") from error
        raise SearchUnavailable(f"Elasticsearch answered with status {error.status_code}.") from error
    except TransportError as error:
        raise SearchUnavailable("Elasticsearch cannot be reached.") from error
