"""The indexes behind the alias: which one is served, which is being filled, and the
swap from one to the other.
"""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Iterable
from typing import Any as Anything

from elasticsearch import ApiError, Elasticsearch, NotFoundError

from search.backend import SearchUnavailable
from search.planning.document import COLUMNS, Kind, columns_format

Json = dict[str, Anything]

GAVE_WAY = (
    "Another rebuild of the search index has begun or finished; this one gave way."
)
COPIES_SECONDS = 10
"""How long a new index waits for its replicas: with one, the loss of a node loses
nothing that was acknowledged.
"""
REFRESH_SECONDS = 300
_KEYWORD: Json = {"type": "keyword"}
_TYPES: dict[Kind, Json] = {
    Kind.EXACT: _KEYWORD,
    Kind.WORDS: {"type": "text", "analyzer": "whitespace"},
    Kind.PRESENT: {
        "type": "text",
        "analyzer": "whitespace",
        "index_options": "docs",
        "norms": False,
    },
    Kind.NUMBER: {"type": "long"},
    Kind.STORED: {"type": "keyword", "index": False, "doc_values": False},
}


class Indices:
    """Indexes named `<alias>-v…`. New ones get `shards` and `replicas`; None: one
    replica on two nodes and more.
    """

    def __init__(
        self, client: Elasticsearch, alias: str, *, shards: int, replicas: int | None
    ) -> None:
        self._client = client
        self.served, self.filling = alias, f"{alias}-next"
        self._shards, self._replicas = shards, replicas
        self._layout = columns_format()
        self._checked = ""

    def ready(self) -> bool:
        """Make sure that an index of this layout is served; return whether another is
        being filled.
        """
        by_alias = {
            alias: name for name, aliases in self.held().items() for alias in aliases
        }
        if self.served in by_alias:
            self._check_layout(by_alias[self.served])
        # a fixed name: of two processes that start at once, the second finds what the
        # first has made
        else:
            self._create({self.served: {}}, f"{self.served}-v0")
        return self.filling in by_alias

    def held(self) -> dict[str, set[str]]:
        """Our indexes and their aliases. A pattern alone would also catch those of a
        portal named `<alias>-v2`.
        """
        found: Json = self._client.indices.get_alias(index=f"{self.served}-v*").body
        ours = re.compile(rf"{re.escape(self.served)}-v(0|\d{{15,}}-[0-9a-f]{{6}})")
        return {
            name: set(each["aliases"])
            for name, each in found.items()
            if ours.fullmatch(name)
        }

    def draft(self) -> tuple[str, str]:
        """The index to fill, and the last identifier that it surely holds: an
        interrupted rebuild's, or a new one.
        """
        for name in (
            name for name, aliases in self.held().items() if self.filling in aliases
        ):
            meta = self._meta(name)
            # What an older release began has other columns: it is begun anew.
            if meta.get("layout") == self._layout:
                return name, str(meta.get("upto", ""))
        self.sweep()
        return self._create({self.filling: {}}, resting=True), ""

    def note(self, name: str, upto: str) -> None:
        """Note how far an index is filled."""
        self._client.indices.put_mapping(
            index=name, meta={"layout": self._layout, "upto": upto}
        )

    def sweep(self) -> None:
        """Remove what an interrupted rebuild left behind."""
        self._remove(
            name for name, aliases in self.held().items() if self.served not in aliases
        )

    def publish(self, name: str) -> None:
        """Serve a filled index from now on and remove the old. Raises SearchUnavailable
        if another was faster.
        """
        self._client.indices.put_settings(
            index=name, settings={"index": {"refresh_interval": None}}
        )
        # An index at rest was never refreshed: without this its first searches would
        # find nothing.
        self._client.options(request_timeout=REFRESH_SECONDS).indices.refresh(
            index=name
        )
        old = [
            index
            for index, aliases in self.held().items()
            if self.served in aliases and index != name
        ]
        # must_exist: if another rebuild has swept this one away, nothing is swapped.
        actions: list[Json] = [
            {"remove": {"index": name, "alias": self.filling, "must_exist": True}}
        ]
        actions += [{"remove": {"index": index, "alias": self.served}} for index in old]
        try:
            self._client.indices.update_aliases(
                actions=[*actions, {"add": {"index": name, "alias": self.served}}]
            )
        except NotFoundError:
            # Of a swap whose answer was lost on its way, the second try finds that all
            # is done.
            if self.served not in self.held().get(name, ()):
                raise SearchUnavailable(GAVE_WAY) from None
        self._remove(index for index, aliases in self.held().items() if not aliases)

    def _remove(self, names: Iterable[str]) -> None:
        for name in names:
            self._client.options(ignore_status=404).indices.delete(index=name)

    def _check_layout(self, name: str) -> None:
        """Raise SearchUnavailable where the served index has other columns than
        ours.
        """
        # Asked by the alias: the index of this name may have been replaced a moment
        # ago.
        if (
            name != self._checked
            and self._meta(self.served).get("layout") != self._layout
        ):
            raise SearchUnavailable(
                "The search index was written by another release; rebuild it (portal "
                "index rebuild)."
            )
        self._checked = name

    def _meta(self, name: str) -> Json:
        body: Json = self._client.indices.get_mapping(index=name).body
        meta: Json = next(iter(body.values()))["mappings"].get("_meta", {})
        return meta

    def _create(self, aliases: Json, name: str = "", *, resting: bool = False) -> str:
        """A new index; `resting`: nobody searches it yet, so that it need not be
        refreshed while it is filled.
        """
        name = name or f"{self.served}-v{time.time_ns()}-{secrets.token_hex(3)}"
        settings = self._settings() | ({"refresh_interval": "-1"} if resting else {})
        try:
            self._client.indices.create(
                index=name,
                aliases=aliases,
                mappings=mappings(self._layout),
                settings=settings,
            )
        except ApiError as error:
            # Another process made it in this moment: either one will do.
            if error.error != "resource_already_exists_exception":
                raise
        asking = self._client.options(
            # 408 says that the replicas found no node in time: the index works without
            # them.
            request_timeout=COPIES_SECONDS + 5.0,
            ignore_status=408,
        )
        asking.cluster.health(
            index=name, wait_for_status="green", timeout=f"{COPIES_SECONDS}s"
        )
        return name

    def _settings(self) -> Json:
        """The settings of a new index."""
        one = (
            {"auto_expand_replicas": "0-1"}
            if self._replicas is None
            else {"number_of_replicas": self._replicas}
        )
        # gc_deletes: a deletion is forgotten at once; a dataset that comes back with a
        # lower version is taken again.
        return {"number_of_shards": self._shards, "gc_deletes": "0s"} | one


def mappings(layout: str) -> Json:
    """Every column, and nothing else: what is not listed is refused, so extras cannot
    swell the mapping.
    """
    columns = {name: _TYPES[kind] for name, kind in COLUMNS.items()} | {
        "gone": {"type": "boolean"}
    }
    return {
        "dynamic": "strict",
        "_meta": {"layout": layout},
        # Words are only searched, never read back.
        "_source": {
            "excludes": [
                name
                for name, kind in COLUMNS.items()
                if kind in (Kind.WORDS, Kind.PRESENT)
            ]
        },
        "properties": columns,
    }
