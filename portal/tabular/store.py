"""TabularStore: tables of text become immutable Parquet versions, and versions answer
row queries.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import orjson
import polars as pl

from portal.files import Files
from portal.tabular.compare import Comparison, Difference, Side
from portal.tabular.derived import DerivedFiles
from portal.tabular.exports.export import Look, check, stream, write_download
from portal.tabular.fold import fold_rows
from portal.tabular.manifest import ID, Column, Manifest
from portal.tabular.public_sql.sandbox import SqlSandbox
from portal.tabular.reading_rows.answering import (
    RowPage,
    frames_in_order,
    from_hot,
    from_parts,
    select_statement,
)
from portal.tabular.reading_rows.cache import answer_bytes, version_bytes
from portal.tabular.reading_rows.engine import Engine
from portal.tabular.reading_rows.hot import FEW_BYTES, FEW_ROWS, HotTable, HotTables
from portal.tabular.reading_rows.query import (
    RowQuery,
    RowQueryError,
    quote_name,
)
from portal.tabular.reading_rows.rendering import simple_cells
from portal.tabular.reading_rows.statements import compile_query
from portal.tabular.versions.changing import TableChanges
from portal.tabular.versions.writing import write_tables
from schemas.cache import MemoryCache, Room
from schemas.texttable import ROW, TextBatch, TextTable
from schemas.units import BYTES_PER_MB

__all__ = ["Answer", "Manifest", "RowPage", "RowQuery", "RowQueryError", "TabularStore"]

ASKED = tuple(each.name for each in fields(RowQuery))
BLOCK = 40_960
"""Rows of a block that is read or written at once."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A page of rows, rendered for one form of records: `records` is JSON."""

    records: bytes
    fields: list[dict[str, Any]]
    total: int | None
    count: int
    last: int | None


class Fingerprinted(NamedTuple):
    """A manifest and its fingerprint."""

    manifest: Manifest
    fingerprint: str


class TabularStore:
    """Versions in a blob store, queried in place. Safe for threads; every process opens
    its own.
    """

    def __init__(
        self,
        files: Files,
        folder: Path,
        *,
        memory_mb: int = 512,
        threads: int = 2,
        hot_mb: int = 4096,
        seconds: float = 0,
        cache: MemoryCache | None = None,
    ) -> None:
        """`folder` keeps rendered downloads and hot copies (of those at most `hot_mb`).

        `memory_mb` and `threads` bound one process's queries, `seconds` each of them
        (0: no limit). `cache` is the memory of the process for answers.
        """
        self._files, self._folder = files, folder
        self._engine = Engine(memory_mb, threads, folder / "spill", seconds)
        self._hot = HotTables(folder, hot_mb * BYTES_PER_MB)
        cache = cache or MemoryCache()
        self._answers: Room[Answer] = cache.room("row_answers", answer_bytes)
        self.versions: Room[Any] = cache.room("row_versions", version_bytes)
        self._orders: Room[bool] = cache.room("row_orders", lambda _rising: 0)
        self._fingerprints: Room[Fingerprinted] = cache.room(
            "row_fingerprints", version_bytes
        )
        self._sandbox = SqlSandbox()
        self.derived = DerivedFiles(folder)

    def write(
        self,
        tables: Iterable[TextTable],
        schema: Mapping[str, Any],
        *,
        previous: Manifest | None = None,
    ) -> Manifest:
        """Store validated tables as one version, a part for each; equal rows give equal
        parts and are stored once.

        Raises CellProblem for a cell that its declared type cannot take.
        """
        return write_tables(self._files, self._folder, tables, schema)

    @property
    def changes(self) -> TableChanges:
        """What makes the next version out of one."""
        return TableChanges(self._files, self._folder)

    def compare(
        self, old: Manifest, new: Manifest, keys: Sequence[str], limit: int, offset: int
    ) -> Difference:
        """What differs between two versions, whose rows are matched by `keys`."""
        with self._engine.cursor() as cursor, self._engine.deadlines.over(cursor):
            return Comparison(cursor, self._side(old), self._side(new), keys).page(
                limit, offset
            )

    def differences(
        self,
        old: Manifest,
        new: Manifest,
        keys: Sequence[str],
        form: str,
        *,
        escaped: bool = False,
    ) -> Iterator[bytes]:
        """All that differs, as NDJSON or CSV, as it comes; `escaped` as Look has it."""
        with self._engine.cursor() as cursor:
            yield from Comparison(
                cursor, self._side(old), self._side(new), keys
            ).stream(form, escaped=escaped)

    def _side(self, manifest: Manifest) -> Side:
        names = [ID, *(column.name for column in manifest.fields)]
        selected = (
            f"SELECT {', '.join(map(quote_name, names))} FROM {self._source(manifest)}"  # noqa: S608 - names quoted
        )

        def rows(ids: list[int]) -> pl.DataFrame:
            hot = self._hot.find(self._fingerprint(manifest)) if manifest.rows else None
            if hot is not None:
                return hot.rows(hot.positions(ids), names)
            wanted = f"{ID} BETWEEN ? AND ? AND {ID} IN (SELECT unnest(?::BIGINT[]))"
            return self._engine.frame(
                f"{selected} WHERE {wanted}",
                [min(ids, default=0), max(ids, default=0), ids],
            )

        return Side(manifest, self._source(manifest), rows)

    def search(self, manifest: Manifest, query: RowQuery) -> RowPage:
        """Answer a row query. Raises RowQueryError for one that cannot be answered."""
        statement = compile_query(manifest, query)
        hot = self.hot(manifest)
        if hot is not None:
            return from_hot(self._engine, hot, query, statement)
        return from_parts(
            self._engine, self._source(manifest), manifest.rows, query, statement
        )

    def answer(self, manifest: Manifest, query: RowQuery, form: str) -> Answer:
        """As `search`, rendered; what was asked lately is answered from memory, for a
        version never changes.
        """
        asked = [getattr(query, name) for name in ASKED]
        key = orjson.dumps(
            [self._fingerprint(manifest), form, asked],
            default=sorted,
            option=orjson.OPT_SORT_KEYS,
        )
        return self._answers.get(
            key, lambda: _rendered(self.search(manifest, query), form)
        )

    def answer_names(
        self, names: list[tuple[str, str]], query: RowQuery, form: str
    ) -> Answer:
        """Answer a query over a list of (name, resource id): the table of all tables,
        as CKAN has it.
        """
        ids = list(range(1, len(names) + 1))
        about = {
            ID: ids,
            "name": [n for n, _ in names],
            "oid": ids,
            "alias_of": [r if r != n else None for n, r in names],
        }
        kinds = {
            ID: pl.Int64,
            "name": pl.String,
            "oid": pl.Int64,
            "alias_of": pl.String,
        }
        frame = pl.DataFrame(about, schema=kinds)
        fold = fold_rows([pl.col("name"), pl.col("alias_of")]).alias("_fold")
        columns = (
            Column("name", "string", "text"),
            Column("oid", "integer", "int8"),
            Column("alias_of", "string", "text"),
        )
        manifest = Manifest((), columns, frame.height)
        hot = HotTable.from_arrow(frame.with_columns(fold).to_arrow())
        page = from_hot(self._engine, hot, query, compile_query(manifest, query))
        return _rendered(page, form)

    def sql(
        self, sql: str, manifest_of: Callable[[str], Manifest], limit: int
    ) -> dict[str, Any]:
        """What one SELECT finds, run apart from everything. Raises RefusedSql, and what
        `manifest_of` raises.
        """

        def source(name: str) -> dict[str, Any]:
            manifest = manifest_of(name)
            paths = [str(self._files.path(key)) for key in manifest.keys]
            hot = (
                str(self._hot.path(self._fingerprint(manifest)))
                if self.hot(manifest)
                else ""
            )
            names = [column.name for column in manifest.fields]
            return {
                "sql": self._source(manifest),
                "paths": paths,
                "columns": names,
                "hot": hot,
            }

        found: dict[str, Any] = orjson.loads(self._sandbox.run(sql, limit, source))
        return {"sql": sql, **found}

    def close(self) -> None:
        """End the process of public SQL."""
        self._sandbox.close()

    def hot(self, manifest: Manifest) -> HotTable | None:
        """The version's hot copy; a small one is made at once, a large one in the
        background.
        """
        if not manifest.rows:
            return None
        found = self._hot.find(self._fingerprint(manifest))
        if (
            found is None
            and manifest.rows <= FEW_ROWS
            and sum(part.bytes for part in manifest.parts) <= FEW_BYTES
        ):
            return self._hot.keep_small(
                self._fingerprint(manifest), lambda: self.batches(manifest)
            )
        if found is None:
            self._hot.want(self._fingerprint(manifest), lambda: self.batches(manifest))
        return found

    def _fingerprint(self, manifest: Manifest) -> str:
        """The manifest's fingerprint, worked out once for each manifest that is kept in
        memory.
        """
        key = id(manifest)
        entry = self._fingerprints.find(key)
        # An entry holds its manifest, so that the number can be given to no other one
        # while it is kept; another thread may have evicted it since.
        if entry is None or entry.manifest is not manifest:
            entry = Fingerprinted(manifest, manifest.fingerprint)
            self._fingerprints.put(key, entry)
        return entry.fingerprint

    def warm(self, manifest: Manifest, *, words: bool = True) -> None:
        """Make the hot copy of a large version now, with the index of its words unless
        that is left for later.
        """
        if manifest.rows > FEW_ROWS:
            self._hot.make(
                manifest.fingerprint, lambda: self.batches(manifest), words=words
            )

    def batches(self, manifest: Manifest) -> Iterator[Any]:
        """All rows with their numbers and folded texts, as Arrow batches in the order
        of their numbers.
        """
        order = "" if self._in_order(manifest) else f" ORDER BY {quote_name(ID)}"
        # A path of the store's own.
        sql = f"SELECT * FROM {self._source(manifest)}{order}"  # noqa: S608
        with self._engine.running(sql, []) as found:
            yield from iter(found.to_arrow_reader(BLOCK))

    def rows(
        self, manifest: Manifest, query: RowQuery, size: int = 5000
    ) -> Iterator[list[tuple[Any, ...]]]:
        """Every row that a query finds, in blocks, without a cap and in bounded
        memory.
        """
        for frame in self.frames(manifest, query):
            rows = frame.rows()
            yield from (
                rows[start : start + size] for start in range(0, len(rows), size)
            )

    def frames(self, manifest: Manifest, query: RowQuery) -> Iterator[pl.DataFrame]:
        """Every row that a query finds, in frames of `columns`, without a cap and in
        bounded memory.
        """
        statement = compile_query(
            manifest, replace(query, fields=query.fields or self._all(manifest, query))
        )
        if not query.distinct:
            if not statement.by_number:
                self.warm(manifest, words=False)
            hot = self._hot.find(self._fingerprint(manifest))
            if hot is not None:
                yield from frames_in_order(self._engine, hot, query, statement)
                return
        columns = [quote_name(column.name) for column in statement.columns]
        as_stored = statement.by_number and self._in_order(manifest)
        sql = select_statement(
            statement, self._source(manifest), query, columns, as_stored=as_stored
        )
        with self._engine.running(sql, statement.parameters) as found:
            for batch in found.to_arrow_reader(BLOCK):
                yield _frame(batch)

    def _in_order(self, manifest: Manifest) -> bool:
        """Whether the rows lie in the order of their numbers, so that nobody needs to
        sort them; found out once.

        The engine keeps the order of one scan, not that of the anti-join by which a
        version with dead rows is read.
        """
        if manifest.dead:
            return False
        return self._orders.get(
            manifest.fingerprint, lambda: self._numbers_rise(manifest)
        )

    def _numbers_rise(self, manifest: Manifest) -> bool:
        rising, last = True, 0
        # A path of the store's own.
        sql = f"SELECT {quote_name(ID)} FROM {self._source(manifest)}"  # noqa: S608
        with self._engine.running(sql, []) as found:
            for batch in found.to_arrow_reader(BLOCK):
                ids = batch.column(0).to_numpy()
                in_batch = bool((ids[1:] > ids[:-1]).all())
                rising = rising and int(ids[0]) > last and in_batch
                last = int(ids[-1])
        return rising

    def _all(self, manifest: Manifest, query: RowQuery) -> tuple[str, ...]:
        return tuple(column.name for column in compile_query(manifest, query).columns)

    def columns(self, manifest: Manifest, query: RowQuery) -> tuple[Column, ...]:
        """The columns that `rows` gives for a query."""
        return compile_query(manifest, query).columns

    def values(
        self, manifest: Manifest, names: Iterable[str]
    ) -> dict[str, list[str | None]]:
        """Whole columns as texts, for lookups by foreign keys."""
        wanted = [
            name
            for name in names
            if any(column.name == name for column in manifest.fields)
        ]
        selected = ", ".join(f"{quote_name(name)}::VARCHAR" for name in wanted)
        rows = self._run(
            # As above.
            f"SELECT {selected} FROM {self._source(manifest)} ORDER BY "  # noqa: S608
            f"{quote_name(ID)}",
            [],
        )
        return {name: [row[index] for row in rows] for index, name in enumerate(wanted)}

    def texts(self, manifest: Manifest) -> TextTable:
        """The rows as a table of text, as if they were read from a file."""
        query = RowQuery(
            limit=-1, fields=tuple(column.name for column in manifest.fields)
        )

        def batches() -> Iterator[TextBatch]:
            first = 2  # the header would be row 1
            for frame in self.frames(manifest, query):
                pairs = zip(frame.schema.items(), manifest.fields, strict=True)
                cells = [
                    simple_cells(name, kind, c, exact=True)
                    .cast(pl.String)
                    .fill_null("")
                    for (name, kind), c in pairs
                ]
                numbered = pl.int_range(
                    first, first + frame.height, dtype=pl.Int64
                ).alias(ROW)
                yield TextBatch(
                    frame.select(
                        *(cell.alias(str(i)) for i, cell in enumerate(cells)), numbered
                    )
                )
                first += frame.height

        return TextTable(tuple(column.name for column in manifest.fields), batches)

    def export(
        self,
        manifest: Manifest,
        form: str,
        look: Look = Look(),  # noqa: B008 - frozen
        *,
        numbered: bool = False,
    ) -> Path:
        """The whole version as a file, rendered once and kept beside it; `numbered`
        with each row's `_id`.

        Raises RowQueryError where the rows cannot be had in that form.
        """
        looks = [name for name in ("bom", "records", "escaped") if getattr(look, name)]
        kind = ".".join([*(["numbered"] if numbered else []), *looks, form])
        target = (
            self._folder / manifest.fingerprint[:2] / f"{manifest.fingerprint}.{kind}"
        )
        if not target.is_file():
            query = RowQuery(
                limit=-1,
                fields=None
                if numbered
                else tuple(column.name for column in manifest.fields),
            )
            columns = self.columns(manifest, query)
            check(columns, form)
            target.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(
                prefix="download-", dir=self._folder
            ) as work:
                made = Path(work) / "download"
                write_download(columns, self.frames(manifest, query), form, look, made)
                made.replace(target)
        return target

    def stream(
        self, manifest: Manifest, query: RowQuery, form: str, look: Look
    ) -> Iterator[bytes]:
        """What a query finds in a form, as it comes. Raises RowQueryError at once where
        it cannot be answered.
        """
        columns = self.columns(manifest, query)
        check(columns, form)
        frames = self.frames(manifest, query)
        first = next(frames, None)
        again = chain([] if first is None else [first], frames)
        return stream(columns, again, form, look, self._folder)

    def _source(self, manifest: Manifest) -> str:
        if not manifest.dead:
            return self._read(part.key for part in manifest.parts)
        settled = self._read(part.key for part in manifest.parts[: manifest.settled])
        dead = self._read([manifest.dead])
        # The paths are the store's own.
        alive = (
            f"SELECT * FROM {settled} "  # noqa: S608
            f"WHERE {ID} NOT IN (SELECT {ID} FROM {dead})"
        )
        fresh = [part.key for part in manifest.parts[manifest.settled :]]
        return (
            # As above.
            f"({alive} UNION ALL SELECT * FROM {self._read(fresh)})"  # noqa: S608
            if fresh
            else f"({alive})"
        )

    def _read(self, keys: Iterable[str]) -> str:
        paths = ", ".join(
            "'" + str(self._files.path(key)).replace("'", "''") + "'" for key in keys
        )
        return f"read_parquet([{paths}])"

    def _run(self, sql: str, parameters: list[Any]) -> list[tuple[Any, ...]]:
        """All that the portal itself asks for, however long it takes."""
        with self._engine.running(sql, parameters) as found:
            return list(found.fetchall())


def _rendered(page: RowPage, form: str) -> Answer:
    ids = page.frame[ID] if ID in page.frame.columns else None
    last = int(ids[-1]) if ids is not None and len(ids) else None
    return Answer(
        orjson.dumps(page.records(form)),
        page.fields,
        page.total,
        page.frame.height,
        last,
    )


def _frame(batch: Any) -> pl.DataFrame:
    frame = pl.from_arrow(batch)
    assert isinstance(frame, pl.DataFrame)  # noqa: S101 - a batch gives a frame
    return frame
