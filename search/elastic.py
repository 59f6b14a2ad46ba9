"""Elasticsearch: the same contract on a server or cluster, by one alias, without plugin, script or reindex.

`<alias>` names the index that is served, `<alias>-next` the one that a rebuild is filling. While that second alias
exists every write goes to both indexes; external versions make the order of arrival irrelevant, and a deletion leaves
a mark in the new index so that the rebuild cannot bring the dataset back. So nothing written during a rebuild is lost.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any as Anything
from urllib.parse import unquote, urlsplit

from elasticsearch import ApiError, ConflictError, Elasticsearch, NotFoundError, TransportError

from search.backend import (
    Health,
    Hit,
    IndexEntry,
    QueryError,
    SearchRequest,
    SearchResult,
    SearchUnavailable,
    Source,
)
from search.breaker import Breaker
from search.document import COLUMNS, Kind, columns_format, flatten
from search.elastic_clauses import compiled, counted, sorting
from search.forms import Plan
from search.plan import plan

Json = dict[str, Anything]

WINDOW = 10_000
"""Hits that Elasticsearch pages through by number; beyond it we walk from hit to hit."""
BATCH_ENTRIES, BATCH_BYTES = 500, 5_000_000
NOTED_BATCHES = 10
"""Batches after which a rebuild notes how far it came."""
HEALTH_SECONDS = 2.0
_LATER = (429, 502, 503, 504)
"""Statuses that a busy or failing node answers with; the same request may work elsewhere or a moment later."""
_GAVE_WAY = "Another rebuild of the search index has begun or finished; this one gave way."
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
        pause: float = 5.0,
        shards: int = 1,
    ) -> None:
        """`urls` may carry user:password; an `api_key` goes before them. `timeout` is in seconds, for each try.

        A server that fails three times in a row is left alone for `pause` seconds. `shards` counts for new indexes.
        """
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
            retry_on_status=_LATER,
            **given,
        )
        self._alias, self._next = alias, f"{alias}-next"
        self._layout = columns_format()
        self._retries, self._shards = retries, shards
        self._breaker = Breaker(pause)

    def apply(self, entries: Iterable[IndexEntry], deleted: Iterable[str] = ()) -> None:
        """Add or replace entries, unless a newer version is held, and remove ids; found by all once this returns."""
        newest = {entry.id: entry for entry in sorted(entries, key=lambda entry: entry.version)}
        gone = [key for key in dict.fromkeys(deleted) if key not in newest]
        if not (newest or gone):
            return
        with _clear_errors(self._breaker):
            served, filling = self._targets()
            self._bulk(served, newest.values(), gone, refresh=True)
            if filling:
                self._bulk(filling, newest.values(), (), marks=gone)

    def search(self, request: SearchRequest) -> SearchResult:
        """Answer one request. Raises QueryError and SearchUnavailable."""
        asked = plan(request)
        with _clear_errors(self._breaker):
            try:
                return self._answer(asked, request)
            except NotFoundError:
                self._targets()  # the very first question: there is no index yet
                return self._answer(asked, request)

    def rebuild(self, entries: Source) -> int:
        """Fill a new index while the old one answers and takes writes, then swap the alias in one step.

        Writes from then on reach both indexes, even after this process is killed; so the next rebuild goes on where
        this one stopped. Returns the number of datasets it holds.
        """
        with _clear_errors(self._breaker):
            name, upto = self._draft()
            try:
                self._bulk(self._next, entries(upto), (), reached=lambda last: self._note(name, last))
            except NotFoundError:
                raise SearchUnavailable(_GAVE_WAY) from None
            except (ApiError, TransportError, SearchUnavailable):
                raise
            except Exception:  # the entries broke off, not the server: what they were is not trusted
                self._sweep()
                raise
            self._client.indices.put_settings(index=name, settings={"index": {"refresh_interval": None}})
            self._client.indices.refresh(index=name)
            self._swap(name)
            self._forget_marks(name)
            return int(self._client.count(index=name, query=_there())["count"])

    def _draft(self) -> tuple[str, str]:
        """The index to fill, and the last identifier that it surely holds: an interrupted rebuild's, or a new one."""
        found: Json = self._client.indices.get_alias(index=f"{self._alias}-v*").body
        for name in (name for name, held in found.items() if self._next in held["aliases"]):
            meta = self._meta(name)
            if meta.get("layout") == self._layout:
                return name, str(meta.get("upto", ""))
        self._sweep()
        return self._create({self._next: {}}, resting=True), ""

    def _note(self, name: str, upto: str) -> None:
        self._client.indices.put_mapping(index=name, meta={"layout": self._layout, "upto": upto})

    def _meta(self, name: str) -> Json:
        mapping: Json = self._client.indices.get_mapping(index=name).body[name]["mappings"]
        meta: Json = mapping.get("_meta", {})
        return meta

    def health(self) -> Health:
        """What the cluster says of our indexes, asked once and briefly."""
        asking = self._client.options(request_timeout=HEALTH_SECONDS, max_retries=0)
        pattern = f"{self._alias}-v*"
        try:
            with _clear_errors():
                said: Json = asking.cluster.health(index=pattern).body
                aliases: Json = asking.indices.get_alias(index=pattern).body
                count = asking.count(index=self._alias, query=_there())["count"] if aliases else 0
        except (SearchUnavailable, QueryError) as error:
            return Health("elasticsearch", "down", detail=str(error))
        status = {"green": "ok", "yellow": "degraded"}.get(said["status"], "down")
        filling = any(self._next in held["aliases"] for held in aliases.values())
        return Health(
            "elasticsearch", status, int(count), filling, f"{said['number_of_nodes']} nodes, {said['status']}"
        )

    def stamps(self) -> Iterator[tuple[str, int]]:
        """Every (id, version) held, by id."""
        with _clear_errors(self._breaker):
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
        if self._meta(name).get("layout") != self._layout:
            raise SearchUnavailable(
                "The search index was written by another release; rebuild it (portal index rebuild)."
            )

    def _create(self, aliases: Json, name: str = "", *, resting: bool = False) -> str:
        """A new index; `resting`: nobody searches it yet, so that it need not be refreshed while it is filled."""
        settings = _SETTINGS | {"number_of_shards": self._shards} | ({"refresh_interval": "-1"} if resting else {})
        name = name or f"{self._alias}-v{time.time_ns()}-{secrets.token_hex(3)}"
        try:
            self._client.indices.create(index=name, aliases=aliases, mappings=mappings(self._layout), settings=settings)
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
            raise SearchUnavailable(_GAVE_WAY) from None
        for index in old:
            self._client.options(ignore_status=404).indices.delete(index=index)

    def _forget_marks(self, name: str) -> None:
        marked = [hit["_id"] for hit in self._walk({"query": {"term": {"gone": True}}, "sort": [{"id": "asc"}]})]
        self._bulk(name, (), marked, refresh=True)

    def _bulk(
        self, index: str, entries: Iterable[IndexEntry], deleted: Iterable[str], *, marks: Iterable[str] = (),
        refresh: bool = False, reached: Callable[[str], None] | None = None,
    ) -> None:  # fmt: skip
        """Send changes in batches. `reached` is told now and then which entry came last; the target is then an alias
        that must exist, so that a rebuild whose place was taken writes nothing more."""
        operations: list[Json] = []
        operations += [{"delete": {"_id": key}} for key in deleted]
        for key in marks:
            operations += [_put(key, _GONE), {"id": key, "gone": True, "entry_version": _GONE}]
        size, count, batches = 0, len(operations), 0
        for entry in entries:
            operations += [_put(entry.id, entry.version), flatten(entry)]
            size, count = size + 3 * len(entry.payload), count + 1
            if count >= BATCH_ENTRIES or size >= BATCH_BYTES:
                self._send(index, operations, refresh, by_alias=reached is not None)
                operations, size, count, batches = [], 0, 0, batches + 1
                if reached and batches % NOTED_BATCHES == 0:
                    reached(entry.id)
        if operations:
            self._send(index, operations, refresh, by_alias=reached is not None)

    def _send(self, index: str, operations: list[Json], refresh: bool, *, by_alias: bool = False) -> None:
        """One bulk request; changes that a busy or failing node put off are sent again, as often as any request is."""
        for attempt in range(self._retries + 1):
            body = self._client.bulk(
                index=index, operations=operations, refresh=refresh, require_alias=True if by_alias else None
            ).body
            if not body["errors"]:
                return
            outcomes = [outcome for item in body["items"] for outcome in item.values()]
            if attempt == self._retries or not any(outcome["status"] in _LATER for outcome in outcomes):
                return _check(outcomes, by_alias)
            time.sleep(0.5 * 2**attempt)
        return None

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
            search_type="dfs_query_then_fetch" if self._shards > 1 else None,
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


def _check(outcomes: list[Json], by_alias: bool) -> None:
    # 409: a newer version is held already, which is what was promised. 404: what was to go is gone.
    refused = [outcome for outcome in outcomes if outcome["status"] >= 400 and outcome["status"] not in (404, 409)]
    lost = [outcome for outcome in outcomes if outcome["status"] == 404 and "error" in outcome]
    if lost and by_alias:
        raise SearchUnavailable(_GAVE_WAY)
    if refused or lost:
        kind = (refused or lost)[0].get("error", {}).get("type", "unknown")
        raise SearchUnavailable(
            f"Elasticsearch refused {len(refused) or len(lost)} of {len(outcomes)} changes ({kind})."
        )


_SETTINGS: Json = {
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
def _clear_errors(breaker: Breaker | None = None) -> Iterator[None]:
    """What the client raises becomes SearchUnavailable or QueryError, with no address and no word of the server.

    The breaker is told who answered; while it is open nothing is tried.
    """
    if breaker:
        breaker.check()
    try:
        yield
        if breaker:
            breaker.worked()
    except ConflictError as error:
        raise SearchUnavailable("Elasticsearch reported a conflict; try again.") from error
    except ApiError as error:
        if error.status_code in (401, 403):
            raise SearchUnavailable("Elasticsearch refused the login; check the user, password or API key.") from error
        if error.status_code == 400:
            raise QueryError("The query is too large or too complex for the search index.") from error
        if breaker and error.status_code in _LATER:
            breaker.failed()
        raise SearchUnavailable(f"Elasticsearch answered with status {error.status_code}.") from error
    except TransportError as error:
        if breaker:
            breaker.failed()
        raise SearchUnavailable("Elasticsearch cannot be reached.") from error
