"""The embedded index: tantivy in one folder, shared by the processes of one machine, or in memory."""

from __future__ import annotations

import base64
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import orjson
import tantivy
from tantivy import Query

from search.backend import Hit, IndexEntry, SearchRequest, SearchResult, SearchUnavailable
from search.clauses import compiled, document, prepared, schema
from search.document import columns_format, flatten
from search.forms import All, Clause, Facet, Flat, Plan
from search.generations import Generations
from search.pages import page
from search.plan import plan

WRITER_MEMORY = 15_000_000
"""Bytes of the writer of a small change: the least that tantivy takes."""
REBUILD_MEMORY = 128_000_000
"""Bytes of the writer of a rebuild: fewer, larger segments."""
MOST_FACETS = 50_000
"""Values of one facet, whatever facet.limit asks for."""


class _Shelf(Protocol):
    """Where the tantivy index lies."""

    def fresh(self) -> tantivy.Index: ...
    def change(self, entries: list[IndexEntry], deleted: list[str]) -> None: ...
    def rebuild(self, entries: Iterable[IndexEntry]) -> int: ...


class EmbeddedIndex:
    """SearchBackend over tantivy. `folder` None keeps it in memory, for this process only."""

    def __init__(self, folder: Path | None, *, patience: float = 30.0) -> None:
        """`patience`: seconds that a write waits for another writer before it raises SearchUnavailable."""
        layout = columns_format()
        self._shelf: _Shelf = _Memory() if folder is None else _Folder(Generations(folder, layout, patience=patience))

    def apply(self, entries: Iterable[IndexEntry], deleted: Iterable[str] = ()) -> None:
        """Add or replace entries, unless a newer version is held, and remove ids; found by all once this returns."""
        newest = {entry.id: entry for entry in sorted(entries, key=lambda entry: entry.version)}
        gone = [key for key in dict.fromkeys(deleted) if key not in newest]
        if newest or gone:
            with _clear_errors():
                self._shelf.change(list(newest.values()), gone)

    def search(self, request: SearchRequest) -> SearchResult:
        """Answer one request. Raises QueryError and SearchUnavailable."""
        asked = plan(request)
        with _clear_errors():
            return _answer(self._shelf.fresh().searcher(), asked, request)

    def rebuild(self, entries: Iterable[IndexEntry]) -> int:
        """Fill a new generation while the old one answers and takes writes, then swap.

        `entries` must be read after the call began (a generator over a fresh query): what is written
        from then on is repeated on the new generation. Returns the number of datasets it holds.
        """
        return self._shelf.rebuild(entries)

    def stamps(self) -> Iterator[tuple[str, int]]:
        """Every (id, version) held, in no order."""
        with _clear_errors():
            searcher = self._shelf.fresh().searcher()
            yield from _stamps(searcher)

    def close(self) -> None:
        """Nothing stays open between calls but memory-mapped files, which go with the object."""


class _Memory:
    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._index = prepared(tantivy.Index(schema()))
        self._journal: list[tuple[list[IndexEntry], list[str]]] | None = None

    def fresh(self) -> tantivy.Index:
        return self._index

    def change(self, entries: list[IndexEntry], deleted: list[str]) -> None:
        with self._lock:
            if self._journal is not None:
                self._journal.append((entries, deleted))
            _write(self._index, entries, deleted)

    def rebuild(self, entries: Iterable[IndexEntry]) -> int:
        with self._lock:
            if self._journal is not None:
                raise SearchUnavailable("The search index is being rebuilt already; wait for it.")
            self._journal = []
        try:
            made = prepared(tantivy.Index(schema()))
            _fill(made, entries)
            with self._lock:
                for changed, deleted in self._journal:
                    _write(made, changed, deleted)
                self._index = made
                return int(made.searcher().num_docs)
        finally:
            self._journal = None


class _Folder:
    """The index of the current generation, opened once and reloaded when another process has committed."""

    def __init__(self, generations: Generations) -> None:
        self._generations = generations
        self._lock = threading.Lock()
        self._opened: tuple[str, tantivy.Index] | None = None
        self._seen = b""

    def fresh(self) -> tantivy.Index:
        for last_try in (False, False, True):
            name = self._generations.current() or self._begin()
            try:
                return self._loaded(name)
            except (OSError, ValueError):
                # Between reading the pointer and opening, a rebuild may have swapped the generation away.
                if last_try:
                    raise
        raise AssertionError("the last try returns or raises")

    def _loaded(self, name: str) -> tantivy.Index:
        # tantivy replaces meta.json in one step at every commit: equal bytes mean that nothing changed.
        seen = (self._generations.path(name) / "meta.json").read_bytes()
        with self._lock:
            if self._opened is None or self._opened[0] != name:
                self._opened = (name, prepared(tantivy.Index.open(str(self._generations.path(name)))))
            elif seen != self._seen:
                self._opened[1].reload()
            self._seen = seen
            return self._opened[1]

    def _begin(self) -> str:
        """The first generation, empty."""
        with self._generations.writing():
            name = self._generations.current()
            if name is None:
                name = self._generations.create()
                tantivy.Index(schema(), str(self._generations.path(name)))
                self._generations.publish(name)
            return name

    def change(self, entries: list[IndexEntry], deleted: list[str]) -> None:
        self.fresh()
        with self._generations.writing():
            self._generations.note([_line(entries, deleted)])
            _write(self.fresh(), entries, deleted)

    def rebuild(self, entries: Iterable[IndexEntry]) -> int:
        with self._generations.rebuilding():
            self._generations.sweep()
            name = self._generations.create()
            made = prepared(tantivy.Index(schema(), str(self._generations.path(name))))
            _fill(made, entries)
            with self._generations.writing():
                for line in self._generations.noted():
                    _write(made, *_read_line(line))
                self._generations.publish(name)
            self._generations.sweep()
            return int(made.searcher().num_docs)


def _write(index: tantivy.Index, entries: list[IndexEntry], deleted: list[str]) -> None:
    """One commit; an entry older than what is held is left out."""
    index.reload()
    held = _versions(index.searcher(), [entry.id for entry in entries])
    newer = [entry for entry in entries if held.get(entry.id, entry.version) <= entry.version]
    if not (newer or deleted):
        return
    writer = index.writer(WRITER_MEMORY, 1)
    try:
        for key in (*deleted, *(entry.id for entry in newer)):
            writer.delete_documents_by_term("id", key)
        for entry in newer:
            writer.add_document(document(flatten(entry)))
        writer.commit()
    finally:
        writer.wait_merging_threads()
    index.reload()


def _fill(index: tantivy.Index, entries: Iterable[IndexEntry]) -> None:
    """A new index from nothing; of an identifier that comes twice the later stays."""
    writer = index.writer(REBUILD_MEMORY, 1)
    seen: set[str] = set()
    try:
        for entry in entries:
            if entry.id in seen:
                writer.delete_documents_by_term("id", entry.id)
            seen.add(entry.id)
            writer.add_document(document(flatten(entry)))
        writer.commit()
    finally:
        writer.wait_merging_threads()
    index.reload()


def _versions(searcher: tantivy.Searcher, keys: list[str]) -> dict[str, int]:
    """The versions held of these identifiers."""
    if not keys:
        return {}
    query = Query.term_set_query(schema(), "id", keys)
    hits = searcher.search(query, len(keys), count=False, order_by_field="entry_version").hits
    return {str(searcher.doc(address).get_first("id")): int(version) for version, address in hits}


def _stamps(searcher: tantivy.Searcher) -> Iterator[tuple[str, int]]:
    if searcher.num_docs:
        query = Query.all_query()
        for version, address in searcher.search(query, searcher.num_docs, order_by_field="entry_version").hits:
            yield str(searcher.doc(address).get_first("id")), int(version)


def _line(entries: list[IndexEntry], deleted: list[str]) -> bytes:
    """One change as a line without blanks."""
    listed = [
        [entry.id, dict(entry.package), entry.payload.decode(), sorted(entry.labels), entry.version]
        for entry in entries
    ]
    return base64.b64encode(orjson.dumps([listed, deleted]))


def _read_line(line: bytes) -> tuple[list[IndexEntry], list[str]]:
    try:
        listed, deleted = orjson.loads(base64.b64decode(line, validate=True))
    except ValueError:
        return [], []  # its writer was killed before the change was acknowledged: it will be written again
    entries = [
        IndexEntry(key, package, payload.encode(), frozenset(labels), version)
        for key, package, payload, labels, version in listed
    ]
    return entries, deleted


def _answer(searcher: tantivy.Searcher, asked: Plan, request: SearchRequest) -> SearchResult:
    wanted: Clause = All((asked.query, *(Flat(clause, 0.0) for clause in asked.filters)))
    query = compiled(wanted)
    count, hits = page(searcher, query, asked.order, request.start, request.rows)
    return SearchResult(
        count=count,
        hits=tuple(_hit(searcher, score, address) for score, address in hits),
        sort=asked.sort,
        facets={facet.name: _counts(searcher, query, facet, request) for facet in asked.facets},
    )


def _hit(searcher: tantivy.Searcher, score: float, address: tantivy.DocAddress) -> Hit:
    kept = searcher.doc(address)
    return Hit(str(kept.get_first("id")), bytes(kept.get_first("payload") or b""), score)


def _counts(
    searcher: tantivy.Searcher, query: Query, facet: Facet, request: SearchRequest
) -> tuple[tuple[str, int], ...]:
    limit = min(request.facet_limit, MOST_FACETS)
    size = limit + 50
    while limit > 0:
        buckets = _buckets(searcher, query, facet, size)
        # Values of equal count are ordered by name: all that tie with the last one must be known.
        if len(buckets) < size or buckets[-1][1] < buckets[limit - 1][1] or size > MOST_FACETS:
            least = max(1, request.facet_mincount)
            ordered = sorted(buckets, key=lambda bucket: (-bucket[1], bucket[0]))
            return tuple(bucket for bucket in ordered[:limit] if bucket[1] >= least)
        size *= 4
    return ()


def _buckets(searcher: tantivy.Searcher, query: Query, facet: Facet, size: int) -> list[tuple[str, int]]:
    terms: dict[str, Any] = {"field": facet.column, "size": size, "segment_size": max(size, 2_000)}
    if facet.prefix:
        terms["include"] = "".join(f"\\x{{{ord(char):x}}}" for char in facet.prefix) + "(?s:.*)"
    found = searcher.aggregate(query, {"facet": {"terms": terms}})["facet"]["buckets"]
    return [(str(bucket["key"]).removeprefix(facet.prefix), int(bucket["doc_count"])) for bucket in found]


@contextmanager
def _clear_errors() -> Iterator[None]:
    """What tantivy and the disk say becomes SearchUnavailable, without paths."""
    try:
        yield
    except (ValueError, OSError) as error:
        if isinstance(error, SearchUnavailable):
            raise
        raise SearchUnavailable("The search index cannot be read; rebuild it (portal index rebuild).") from error
