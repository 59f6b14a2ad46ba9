"""TabularStore: tables of text become immutable Parquet versions, and versions answer row queries."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from portal.files import Files
from portal.tabular.changing import TableChanges
from portal.tabular.compare import Difference, compare
from portal.tabular.export import write_download
from portal.tabular.manifest import Column, Manifest
from portal.tabular.query import ID, RowQuery, RowQueryError, Statement, compile_query, quoted
from portal.tabular.rendering import csv_text, fragment
from portal.tabular.writing import write_tables
from schemas.texttable import TextTable

__all__ = ["Manifest", "RowPage", "RowQuery", "RowQueryError", "TabularStore"]

Settings = dict[str, str | int | float | list[str]]
_HARDENED: Settings = {
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "allow_community_extensions": False,
    "python_enable_replacements": False,
    "temp_directory": "",
}


@dataclass(frozen=True, slots=True)
class RowPage:
    """One page of rows: `columns` in order, `rows` of stored values, `total` None when it was not asked for."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[Any, ...], ...]
    total: int | None
    ranked: bool = False

    @property
    def fields(self) -> list[dict[str, Any]]:
        """The columns as CKAN lists them."""
        listed = [column.described for column in self.columns]
        return [*listed, {"id": "rank", "type": "float4"}] if self.ranked else listed

    def records(self, form: str = "objects") -> Any:
        """The rows: a list of objects or lists for orjson (exact decimals are fragments), or csv or tsv text."""
        if form in ("csv", "tsv"):
            return csv_text(self.columns, self.rows, "," if form == "csv" else "\t")
        names = [column.name for column in self.columns] + (["rank"] if self.ranked else [])
        columns = [*self.columns, Column("rank", "number", "float4")]
        lists = [[fragment(value, column) for value, column in zip(row, columns, strict=False)] for row in self.rows]
        return lists if form == "lists" else [dict(zip(names, row, strict=True)) for row in lists]


class TabularStore:
    """Versions in a blob store, queried in place. Safe for threads; every process opens its own."""

    def __init__(self, files: Files, folder: Path, *, memory_mb: int = 512, threads: int = 2) -> None:
        """`folder` keeps rendered downloads; `memory_mb` and `threads` bound one process's queries."""
        self._files, self._folder = files, folder
        self._settings: Settings = {"memory_limit": f"{memory_mb}MB", "threads": threads, **_HARDENED}
        self._lock = threading.Lock()
        self._database: duckdb.DuckDBPyConnection | None = None

    def write(
        self, tables: Iterable[TextTable], schema: Mapping[str, Any], *, previous: Manifest | None = None
    ) -> Manifest:
        """Store validated tables as one version, a part for each; equal rows give equal parts and are stored once.

        Raises CellProblem for a cell that its declared type cannot take.
        """
        return write_tables(self._files, self._folder, tables, schema)

    @property
    def changes(self) -> TableChanges:
        """What makes the next version out of one."""
        return TableChanges(self._files, self._folder)

    def compare(self, old: Manifest, new: Manifest, keys: Sequence[str], limit: int, offset: int) -> Difference:
        """What differs between two versions, whose rows are matched by `keys`."""
        with self._cursor() as cursor:
            return compare(cursor, (old, self._source(old)), (new, self._source(new)), keys, limit, offset)

    def search(self, manifest: Manifest, query: RowQuery) -> RowPage:
        """Answer a row query. Raises RowQueryError for one that cannot be answered."""
        statement = compile_query(manifest, query)
        selected = [quoted(column.name) for column in statement.columns]
        ranked = bool(statement.rank)
        rank = [f"{statement.rank} AS rank"] if ranked else []
        source = self._source(manifest)
        distinct = "DISTINCT " if query.distinct else ""
        sql = (
            f"SELECT {distinct}{', '.join([*selected, *rank])} FROM {source} WHERE {statement.where} "  # noqa: S608 - names quoted, values parameters
            f"ORDER BY {statement.order} LIMIT {int(query.limit)} OFFSET {int(query.offset)}"
        )
        parameters = [*(statement.rank_parameters if ranked else []), *statement.parameters]
        rows = self._run(sql, parameters)
        total = self._total(manifest, query, statement, source) if query.include_total else None
        return RowPage(statement.columns, tuple(rows), total, ranked)

    def _total(self, manifest: Manifest, query: RowQuery, statement: Statement, source: str) -> int:
        if statement.where == "TRUE" and not query.distinct:
            return manifest.rows
        selected = ", ".join(quoted(column.name) for column in statement.columns) if query.distinct else "1"
        distinct = "DISTINCT " if query.distinct else ""
        sql = f"SELECT count(*) FROM (SELECT {distinct}{selected} FROM {source} WHERE {statement.where})"  # noqa: S608 - as above
        return int(self._run(sql, statement.parameters)[0][0])

    def rows(self, manifest: Manifest, query: RowQuery, size: int = 5000) -> Iterator[list[tuple[Any, ...]]]:
        """Every row that a query finds, in blocks, without a cap and in bounded memory."""
        statement = compile_query(manifest, query)
        selected = ", ".join(quoted(column.name) for column in statement.columns)
        order = quoted(ID) if statement.rank and not query.sort else statement.order
        limit = f"LIMIT {int(query.limit)}" if query.limit >= 0 else ""
        sql = (
            f"SELECT {selected} FROM {self._source(manifest)} WHERE {statement.where} "  # noqa: S608 - names quoted, values parameters
            f"ORDER BY {order} {limit} OFFSET {int(query.offset)}"
        )
        with self._cursor() as cursor:
            cursor.execute(sql, statement.parameters)
            while block := cursor.fetchmany(size):
                yield block

    def columns(self, manifest: Manifest, query: RowQuery) -> tuple[Column, ...]:
        """The columns that `rows` gives for a query."""
        return compile_query(manifest, query).columns

    def values(self, manifest: Manifest, names: Iterable[str]) -> dict[str, list[str | None]]:
        """Whole columns as texts, for lookups by foreign keys."""
        wanted = [name for name in names if any(column.name == name for column in manifest.fields)]
        selected = ", ".join(f"{quoted(name)}::VARCHAR" for name in wanted)
        rows = self._run(f"SELECT {selected} FROM {self._source(manifest)} ORDER BY {quoted(ID)}", [])  # noqa: S608 - as above
        return {name: [row[index] for row in rows] for index, name in enumerate(wanted)}

    def export(self, manifest: Manifest, form: str) -> Path:
        """The whole version as a file (csv, tsv, json, ndjson, parquet), rendered once and kept beside it."""
        target = self._folder / manifest.fingerprint[:2] / f"{manifest.fingerprint}.{form}"
        if not target.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(prefix="download-", dir=self._folder) as work, self._cursor() as cursor:
                made = Path(work) / "download"
                write_download(cursor, self._source(manifest), manifest, form, made)
                made.replace(target)
        return target

    def orphans(self, manifests: Iterable[Manifest], named: Iterable[str], *, older_than: float) -> list[str]:
        """Keys of blobs that no manifest and no name holds, older than so many seconds."""
        live = {key for manifest in manifests for key in manifest.keys} | set(named)
        return [key for key in self._files.keys(older_than) if key not in live]

    def _source(self, manifest: Manifest) -> str:
        if not manifest.dead:
            return self._read(part.key for part in manifest.parts)
        settled = self._read(part.key for part in manifest.parts[: manifest.settled])
        alive = f"SELECT * FROM {settled} WHERE {ID} NOT IN (SELECT {ID} FROM {self._read([manifest.dead])})"  # noqa: S608 - paths ours
        fresh = [part.key for part in manifest.parts[manifest.settled :]]
        return f"({alive} UNION ALL SELECT * FROM {self._read(fresh)})" if fresh else f"({alive})"  # noqa: S608 - as above

    def _read(self, keys: Iterable[str]) -> str:
        paths = ", ".join("'" + str(self._files.path(key)).replace("'", "''") + "'" for key in keys)
        return f"read_parquet([{paths}])"

    def _run(self, sql: str, parameters: list[Any]) -> list[tuple[Any, ...]]:
        with self._cursor() as cursor:
            try:
                return list(cursor.execute(sql, parameters).fetchall())
            except (duckdb.ConversionException, duckdb.OutOfRangeException) as error:
                raise RowQueryError({"filters": ["A value does not have the type of its column"]}) from error

    def _cursor(self) -> duckdb.DuckDBPyConnection:
        with self._lock:
            if self._database is None:
                self._database = duckdb.connect(":memory:", config=self._settings)
            return self._database.cursor()
