"""Elasticsearch: the same contract on a server or cluster, by one alias, without
plugin, script or reindex.

`<alias>` names the index that is served, `<alias>-next` the one that a rebuild is
filling. While that second alias exists every write goes to both indexes; external
versions make the order of arrival irrelevant, and a deletion leaves a mark in the new
index so that the rebuild cannot bring the dataset back. So nothing written during a
rebuild is lost.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any as Anything

from elasticsearch import ApiError, NotFoundError, TransportError

from schemas.cache import MemoryCache
from search.backend import (
    Health,
    IndexEntry,
    QueryError,
    SearchRequest,
    SearchResult,
    SearchUnavailable,
    Source,
)
from search.elastic_index.aliases import GAVE_WAY, Indices
from search.elastic_index.bulk import AliasGone, Bulk, raise_for
from search.elastic_index.client import Server, clear_errors, connect, watcher
from search.elastic_index.deep_paging import WINDOW, DeepPager
from search.elastic_index.searching import Searcher
from search.planning.plan import plan

Json = dict[str, Anything]

HEALTH_SECONDS = 2.0
MOST_SWAPS = 5
"""How often a write begins anew because a rebuild ended in the middle of it."""


class ElasticIndex:
    """SearchBackend over Elasticsearch 8.x or 9.x."""

    def __init__(
        self,
        server: Server,
        *,
        alias: str = "portal-datasets",
        shards: int = 1,
        replicas: int | None = None,
        window: int = WINDOW,
        cache: MemoryCache | None = None,
    ) -> None:
        """`shards` and `replicas` count for new indexes; without a number there is one
        replica on two nodes and more.

        `window` is up to where hits are paged through by number, `cache` the memory for
        where pages ended. Raises ValueError for
        what cannot be used.
        """
        self._client, self._watcher = connect(server), watcher(server, HEALTH_SECONDS)
        self._alias = alias
        self._indices = Indices(self._client, alias, shards=shards, replicas=replicas)
        self._bulk = Bulk(self._client, server.retries, server.timeout)
        self._pager = DeepPager(self._client, alias, window=window, cache=cache)
        self._searcher = Searcher(
            self._client, alias, self._pager, several_shards=shards > 1
        )

    def apply(self, entries: Iterable[IndexEntry], deleted: Iterable[str] = ()) -> None:
        """Add or replace entries, unless a newer version is held, and remove ids; found
        by all once this returns.
        """
        newest = {
            entry.id: entry
            for entry in sorted(entries, key=lambda entry: entry.version)
        }
        gone = [key for key in dict.fromkeys(deleted) if key not in newest]
        if not (newest or gone):
            return
        with clear_errors():
            for _ in range(MOST_SWAPS):
                try:
                    return self._write(list(newest.values()), gone)
                except AliasGone:
                    # A rebuild ended meanwhile: the new index must have this change
                    # too.
                    continue
        raise SearchUnavailable(
            "The search index was rebuilt again and again meanwhile; try again."
        )

    def _write(self, entries: list[IndexEntry], gone: list[str]) -> None:
        """Write a change to the served index and to one that is being filled."""
        # A rebuild that begins after this look reads the database, where the change is
        # already.
        filling = self._indices.ready()
        refused = self._bulk.write(self._alias, entries, gone, marking=False)
        if filling:
            refused |= self._bulk.write(
                self._indices.filling, entries, gone, marking=True
            )
        # Only now: what one index refuses must not keep the rest from the other.
        raise_for(refused)

    def search(self, request: SearchRequest) -> SearchResult:
        """Answer one request. Raises QueryError and SearchUnavailable."""
        asked = plan(request)
        with clear_errors(asking=True):
            try:
                return self._searcher.answer(asked, request)
            except NotFoundError:
                self._indices.ready()  # the very first question: there is no index yet
                return self._searcher.answer(asked, request)

    def state(self) -> None:
        """Not known: other processes write as well, and asking the server would cost
        as much as a search.
        """

    def rebuild(self, entries: Source) -> int:
        """Fill a new index while the old one answers and takes writes, then swap the
        alias in one step.

        Writes from then on reach both indexes, even after this process is killed; so
        the next rebuild goes on where this one stopped. Returns the number of datasets
        it holds.
        """
        with clear_errors():
            name, upto = self._indices.draft()
            try:
                self._bulk.stream(
                    self._indices.filling,
                    entries(upto),
                    lambda last: self._indices.note(name, last),
                )
            except AliasGone:
                raise SearchUnavailable(GAVE_WAY) from None
            except (ApiError, TransportError, SearchUnavailable):
                raise
            except (
                Exception
            ):  # the entries broke off, not the server: what they were is not trusted
                self._indices.sweep()
                raise
            self._indices.publish(name)
            self._forget_marks()
            return int(self._client.count(index=self._alias, query=_there())["count"])

    def _forget_marks(self) -> None:
        """Take out the marks of deletions, once the index that they guarded is
        served.
        """
        marked = {
            "query": {"term": {"gone": True}},
            "sort": [{"id": "asc"}],
            "_source": False,
        }
        self._bulk.write(
            self._alias,
            (),
            [hit["_id"] for hit in self._pager.through(marked)],
            marking=False,
        )

    def health(self) -> Health:
        """What the cluster says of our indexes, asked once and briefly."""
        pattern = f"{self._alias}-v*"
        try:
            with clear_errors():
                said: Json = self._watcher.cluster.health(index=pattern).body
                aliases: Json = self._watcher.indices.get_alias(index=pattern).body
                count = (
                    self._watcher.count(index=self._alias, query=_there())["count"]
                    if aliases
                    else 0
                )
        except (SearchUnavailable, QueryError) as error:
            return Health("elasticsearch", "down", detail=str(error))
        status = {"green": "ok", "yellow": "degraded"}.get(said["status"], "down")
        filling = any(
            self._indices.filling in held["aliases"] for held in aliases.values()
        )
        return Health(
            "elasticsearch",
            status,
            int(count),
            filling,
            f"{said['number_of_nodes']} nodes, {said['status']}",
        )

    def stamps(self) -> Iterator[tuple[str, int]]:
        """Every (id, version) held, by id."""
        with clear_errors():
            self._indices.ready()
            body: Json = {
                "query": _there(),
                "sort": [{"id": "asc"}],
                "_source": ["entry_version"],
            }
            for hit in self._pager.through(body):
                yield str(hit["_id"]), int(hit["_source"]["entry_version"])

    def close(self) -> None:
        """Close the connections."""
        self._client.close()
        self._watcher.close()


def _there() -> Json:
    return {"bool": {"must_not": [{"term": {"gone": True}}]}}
