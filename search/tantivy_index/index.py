"""The embedded index: tantivy in one folder, shared by the processes of one machine, or
in memory.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Hashable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple, Protocol, TypeAlias

import tantivy
from tantivy import Query

from schemas.cache import MemoryCache, Room
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
from search.planning.clauses import All, Clause, Plan
from search.planning.document import columns_format, flatten
from search.planning.plan import plan
from search.planning.unscored import unscored
from search.tantivy_index.compiler import (
    compile_clause,
    document,
    schema,
    with_tokenizer,
)
from search.tantivy_index.facets import Counted, count_facets
from search.tantivy_index.generations import Generations
from search.tantivy_index.journal import from_line, to_line
from search.tantivy_index.paging import by_column
from search.tantivy_index.tiers import hits_by_tier

WRITER_MEMORY = 15_000_000
"""Bytes of the writer of a small change: the least that tantivy takes."""
REBUILD_MEMORY = 128_000_000
"""Bytes of the writer of a rebuild: fewer, larger segments."""
REBUILD_THREADS = 2
COMMIT_EVERY = 20_000
"""Datasets after which a rebuild notes how far it came."""
Found: TypeAlias = tuple[Hit, ...]
HIT_BYTES, FACET_BYTES = 250, 150
"""About what a hit takes beside its payload, and what a counted value takes."""


class _Fresh(NamedTuple):
    """The index as it is now; an equal stamp means that it says the same."""

    held: tantivy.Index
    stamp: Hashable


class _Shelf(Protocol):
    """Where the tantivy index lies."""

    def fresh(self) -> _Fresh: ...
    def change(self, entries: list[IndexEntry], deleted: list[str]) -> None: ...
    def rebuild(self, entries: Source) -> int: ...
    def rebuilding(self) -> bool: ...
    def close(self) -> None: ...


class EmbeddedIndex:
    """SearchBackend over tantivy. `folder` None keeps it in memory, for this process
    only.
    """

    def __init__(
        self,
        folder: Path | None,
        *,
        patience: float = 30.0,
        cache: MemoryCache | None = None,
    ) -> None:
        """`patience`: seconds that a write waits for another writer before it raises
        SearchUnavailable. `cache` is the memory for pages and facets.
        """
        layout = columns_format()
        cache = cache or MemoryCache()
        self._pages: Room[Found] = cache.room("search_pages", _page_bytes)
        self._counts: Room[Counted] = cache.room("search_facets", _facets_bytes)
        self._shelf: _Shelf = (
            _Memory()
            if folder is None
            else _Folder(Generations(folder, layout, patience=patience))
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
        if newest or gone:
            with _clear_errors():
                self._shelf.change(list(newest.values()), gone)

    def search(self, request: SearchRequest) -> SearchResult:
        """Answer one request. Raises QueryError and SearchUnavailable."""
        asked = plan(request)
        with _clear_errors():
            index, stamp = self._shelf.fresh()
            searcher = index.searcher()
            finding = _finding(asked)
            # Counts are kept apart from pages: every page of a question shares them.
            count, facets = self._counts.get(
                (
                    stamp,
                    finding,
                    asked.facets,
                    request.facet_limit,
                    request.facet_mincount,
                ),
                lambda: count_facets(
                    searcher, compile_clause(finding), asked.facets, request
                ),
            )
            hits = self._pages.get(
                (stamp, asked, request.start, request.rows),
                lambda: _found(searcher, asked, finding, count, request),
            )
            return SearchResult(count, hits, asked.sort, facets)

    def state(self) -> Hashable:
        """The commit that answers now."""
        with _clear_errors():
            return self._shelf.fresh().stamp

    def rebuild(self, entries: Source) -> int:
        """Fill a new generation while the old one answers and takes writes, then swap.

        What is written after the call began is repeated on the new generation; one that
        was killed is gone on with from its last commit. Returns the number of datasets
        it holds.
        """
        return self._shelf.rebuild(entries)

    def health(self) -> Health:
        """Whether the index opens, how much it holds, and whether it is being
        rebuilt.
        """
        try:
            with _clear_errors():
                held = int(self._shelf.fresh().held.searcher().num_docs)
        except SearchUnavailable as error:
            return Health("embedded", "down", detail=str(error))
        return Health("embedded", "ok", held, self._shelf.rebuilding())

    def stamps(self) -> Iterator[tuple[str, int]]:
        """Every (id, version) held, in no order."""
        with _clear_errors():
            searcher = self._shelf.fresh().held.searcher()
            yield from _stamps(searcher)

    def close(self) -> None:
        """Wait for merges under way; nothing else stays open between calls but
        memory-mapped files.
        """
        self._shelf.close()


class _Memory:
    """The index in the memory of this process; a new object stamps every change."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._fresh = _Fresh(with_tokenizer(tantivy.Index(schema())), object())
        self._journal: list[tuple[list[IndexEntry], list[str]]] | None = None

    def fresh(self) -> _Fresh:
        return self._fresh

    def change(self, entries: list[IndexEntry], deleted: list[str]) -> None:
        with self._lock:
            if self._journal is not None:
                self._journal.append((entries, deleted))
            _write_whole(self._fresh.held, entries, deleted)
            self._fresh = _Fresh(self._fresh.held, object())

    def rebuilding(self) -> bool:
        return self._journal is not None

    def rebuild(self, entries: Source) -> int:
        with self._lock:
            if self._journal is not None:
                raise SearchUnavailable(
                    "The search index is being rebuilt already; wait for it."
                )
            self._journal = []
        try:
            made = with_tokenizer(tantivy.Index(schema()))
            _fill(made, entries(""))
            with self._lock:
                for changed, deleted in self._journal:
                    _write_whole(made, changed, deleted)
                self._fresh = _Fresh(made, object())
                return int(made.searcher().num_docs)
        finally:
            self._journal = None

    def close(self) -> None:
        pass


class _Folder:
    """The index of the current generation, opened once and reloaded when another
    process has committed.
    """

    def __init__(self, generations: Generations) -> None:
        self._generations = generations
        self._lock = threading.Lock()
        self._opened: tuple[str, tantivy.Index] | None = None
        self._seen = b""
        self._stamp = ("", b"")
        self._merging: threading.Thread | None = None

    def fresh(self) -> _Fresh:
        for last_try in (False, False, True):
            name = self._generations.current() or self._begin()
            try:
                return self._loaded(name)
            except (OSError, ValueError):
                # Between reading the pointer and opening, a rebuild may have swapped
                # the generation away.
                if last_try:
                    raise
        raise AssertionError("the last try returns or raises")

    def _loaded(self, name: str) -> _Fresh:
        """The open index of a generation, reloaded where its commit has changed."""
        # tantivy replaces meta.json in one step at every commit: equal bytes mean that
        # nothing changed.
        seen = (self._generations.path(name) / "meta.json").read_bytes()
        with self._lock:
            # Short, for it stands in the key of every answer that is kept.
            self._stamp = (name, hashlib.blake2b(seen, digest_size=16).digest())
            if self._opened is None or self._opened[0] != name:
                self._opened = (
                    name,
                    with_tokenizer(
                        tantivy.Index.open(str(self._generations.path(name)))
                    ),
                )
            elif seen != self._seen:
                self._opened[1].reload()
            self._seen = seen
            return _Fresh(self._opened[1], self._stamp)

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
        with ExitStack() as held:
            # Only after `fresh`, which takes this lock for the first generation: a
            # second open file of one process waits for the first.
            held.enter_context(self._generations.writing())
            # Noted first: of a process that is killed in between, the change would be
            # found now and be gone after the swap.
            self._generations.note([to_line(entries, deleted)])
            writer = _write(self.fresh().held, entries, deleted)
            if writer is not None:
                # What was written is found already, and its writer goes on; who writes
                # next waits for the merge.
                self._merging = threading.Thread(
                    target=_merge, args=(writer, held.pop_all()), name="merge"
                )
                self._merging.start()

    def rebuilding(self) -> bool:
        return self._generations.is_rebuilding

    def rebuild(self, entries: Source) -> int:
        with self._generations.rebuilding() as draft:
            name = draft.name
            path = self._generations.path(name)
            resumed = (path / "meta.json").exists()
            made = with_tokenizer(
                tantivy.Index.open(str(path))
                if resumed
                else tantivy.Index(schema(), str(path))
            )
            _fill(
                made,
                entries(draft.upto),
                lambda upto: self._generations.reached(name, upto),
                again=resumed,
            )
            with self._generations.writing():
                # Under the writer's lock, so that nothing is noted between the last
                # line and the swap.
                for line in self._generations.noted():
                    _write_whole(made, *from_line(line))
                self._generations.publish(name)
            self._generations.sweep()
            return int(made.searcher().num_docs)

    def close(self) -> None:
        if self._merging is not None:
            self._merging.join()


def _page_bytes(hits: Found) -> int:
    return sum(HIT_BYTES + len(hit.payload) for hit in hits)


def _facets_bytes(counted: Counted) -> int:
    _, facets = counted
    return FACET_BYTES * sum(map(len, facets.values()))


def _merge(writer: tantivy.IndexWriter, held: ExitStack) -> None:
    """Let a writer finish its merges, then let go of the lock."""
    with held:
        writer.wait_merging_threads()


def _write(
    index: tantivy.Index, entries: list[IndexEntry], deleted: list[str]
) -> tantivy.IndexWriter | None:
    """One commit, found by all; an entry older than what is held is left out. Returns a
    writer that may merge yet.
    """
    index.reload()
    # After the reload: other processes write too.
    held = _versions(index.searcher(), [entry.id for entry in entries])
    newer = [
        entry for entry in entries if held.get(entry.id, entry.version) <= entry.version
    ]
    if not (newer or deleted):
        return None
    writer = index.writer(WRITER_MEMORY, 1)
    try:
        for key in (*deleted, *(entry.id for entry in newer)):
            writer.delete_documents_by_term("id", key)
        for entry in newer:
            writer.add_document(document(flatten(entry)))
        writer.commit()
    except BaseException:
        writer.wait_merging_threads()
        raise
    index.reload()
    return writer


def _write_whole(
    index: tantivy.Index, entries: list[IndexEntry], deleted: list[str]
) -> None:
    """As `_write`, with the merges done."""
    writer = _write(index, entries, deleted)
    if writer is not None:
        writer.wait_merging_threads()
        index.reload()


def _fill(
    index: tantivy.Index,
    entries: Iterable[IndexEntry],
    reached: Callable[[str], None] | None = None,
    *,
    again: bool = False,
) -> None:
    """Fill an index with entries in the order of their ids; of one that comes twice the
    later stays.

    `reached` is told after each commit how far it came; `again`: some of what follows
    may be held already.
    """
    writer = index.writer(REBUILD_MEMORY, REBUILD_THREADS)
    last = ""
    try:
        for number, entry in enumerate(entries, 1):
            # Ids come in order, so one that comes twice is its own neighbour: no other
            # entry needs a deletion.
            if again or entry.id == last:
                writer.delete_documents_by_term("id", entry.id)
            last = entry.id
            writer.add_document(document(flatten(entry)))
            if reached and number % COMMIT_EVERY == 0:
                writer.commit()
                reached(last)
        writer.commit()
    finally:
        writer.wait_merging_threads()
    index.reload()


def _versions(searcher: tantivy.Searcher, keys: list[str]) -> dict[str, int]:
    """The versions held of these identifiers."""
    if not keys:
        return {}
    query = Query.term_set_query(schema(), "id", keys)
    hits = searcher.search(
        # The version is not stored with the document: sorting by it brings its value
        # along.
        query,
        len(keys),
        count=False,
        order_by_field="entry_version",
    ).hits
    return {
        str(searcher.doc(address).get_first("id")): int(version)
        for version, address in hits
    }


def _stamps(searcher: tantivy.Searcher) -> Iterator[tuple[str, int]]:
    """Every (id, version) of a searcher."""
    if searcher.num_docs:
        query = Query.all_query()
        for version, address in searcher.search(
            query, searcher.num_docs, order_by_field="entry_version"
        ).hits:
            yield str(searcher.doc(address).get_first("id")), int(version)


def _found(
    searcher: tantivy.Searcher,
    asked: Plan,
    finding: Clause,
    count: int,
    request: SearchRequest,
) -> Found:
    """The hits of a page."""
    start, rows = request.start, min(request.rows, count - request.start)
    if rows <= 0:
        return ()
    if asked.order[0].column == "score":
        hits = hits_by_tier(searcher, asked, count, start, rows)
    else:
        hits = [
            (0.0, address)
            for address in by_column(
                searcher, compile_clause(finding), asked.order, start, rows
            )
        ]
    return tuple(_hit(searcher, score, address) for score, address in hits)


def _finding(asked: Plan) -> Clause:
    return unscored(All((asked.query, *asked.filters)))


def _hit(searcher: tantivy.Searcher, score: float, address: tantivy.DocAddress) -> Hit:
    """A hit with the payload that was stored for it."""
    kept = searcher.doc(address)
    return Hit(
        str(kept.get_first("id")), bytes(kept.get_first("payload") or b""), score
    )


@contextmanager
def _clear_errors() -> Iterator[None]:
    """What tantivy and the disk say becomes SearchUnavailable, without paths."""
    try:
        yield
    except (ValueError, OSError) as error:
        if isinstance(error, (SearchUnavailable, QueryError)):
            raise
        # Of a pattern's automaton, which no longer pattern is needed for.
        if "exceeds size limit" in str(error):
            raise QueryError(
                "A pattern or a range's end in the query is too long."
            ) from error
        raise SearchUnavailable(
            "The search index cannot be read; rebuild it (portal index rebuild)."
        ) from error
