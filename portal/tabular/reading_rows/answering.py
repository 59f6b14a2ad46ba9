"""Answering row queries: from a hot copy where there is one (numbers first, then those
rows), else from the parts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl

from portal.tabular.manifest import ID, Column
from portal.tabular.reading_rows.engine import HOT, Engine
from portal.tabular.reading_rows.hot import HotTable
from portal.tabular.reading_rows.query import RowQuery, Statement, quote_name
from portal.tabular.reading_rows.rendering import RANK, csv_text, json_columns
from portal.tabular.reading_rows.wordsearch import (
    Numbers,
    best_first,
    rows_with_words,
)

AT_ONCE = 10_240
"""Rows that are fetched at once where all are wanted."""
MOST_IN_ONE_SCAN = 2000
"""Up to this row, the numbers of a page and the total come from one scan."""
HIGHEST_ID = 2**62
"""Beyond every number of a row, and still one that the engine can compare."""


@dataclass(frozen=True, slots=True)
class RowPage:
    """One page of rows: `columns` in order, then `ranks`; `total` None when it was not
    asked for.
    """

    columns: tuple[Column, ...]
    frame: pl.DataFrame
    total: int | None
    ranks: tuple[str, ...] = ()

    @property
    def rows(self) -> tuple[tuple[Any, ...], ...]:
        """The stored values."""
        return tuple(self.frame.rows())

    @property
    def all_columns(self) -> tuple[Column, ...]:
        """The columns, ranks included."""
        ranks = (Column(name, "number", RANK) for name in self.ranks)
        return (*self.columns, *ranks)

    @property
    def fields(self) -> list[dict[str, Any]]:
        """The columns as CKAN lists them."""
        return [column.described for column in self.all_columns]

    def records(self, form: str = "objects") -> Any:
        """The rows: a list of objects or lists for orjson (exact decimals are
        fragments), or csv or tsv text.
        """
        if form in ("csv", "tsv"):
            delimiter = "," if form == "csv" else "\t"
            return csv_text(self.all_columns, self.frame, delimiter)
        rows = zip(*json_columns(self.frame, self.all_columns), strict=True)
        if form == "lists":
            return list(rows)
        names = [column.name for column in self.all_columns]
        return [dict(zip(names, row, strict=True)) for row in rows]


@dataclass(frozen=True, slots=True)
class _Source:
    """Where the rows of a query are read: the SQL behind FROM, how many rows there are,
    and the Arrow table that the SQL calls `hot`.
    """

    sql: str
    rows: int
    table: Any = None


def from_parts(
    engine: Engine, source: str, rows: int, query: RowQuery, statement: Statement
) -> RowPage:
    """A page by one statement over the parts, and a second one for the total."""
    return _by_statement(engine, _Source(source, rows), query, statement)


def from_hot(
    engine: Engine, hot: HotTable, query: RowQuery, statement: Statement
) -> RowPage:
    """A page by the numbers of its rows, which are then fetched from where they
    stand.
    """
    if query.distinct:
        # Rows that are equal are one, and have no number by which to fetch them.
        source = _Source(HOT, hot.frame.height, hot.arrow)
        return _by_statement(engine, source, query, statement)
    return _HotQuery(engine, hot, query, statement).page()


def frames_in_order(
    engine: Engine, hot: HotTable, query: RowQuery, statement: Statement
) -> Iterator[pl.DataFrame]:
    """All rows of a query in the order asked for: their numbers are found and sorted,
    then the rows are fetched.
    """
    names = [column.name for column in statement.columns]
    if statement.where == "TRUE" and statement.by_number:
        yield from _slice(hot, query, names).iter_slices(AT_ONCE)
        return
    sql = select_statement(
        statement, HOT, query, [quote_name(ID)], as_stored=statement.by_number
    )
    parameters = [*statement.rank_parameters, *statement.parameters]
    ids = engine.frame(sql, parameters, hot.arrow)[ID]
    for start in range(0, ids.len(), AT_ONCE):
        positions = hot.positions(ids[start : start + AT_ONCE])
        yield hot.rows(positions, names)


def select_statement(
    statement: Statement,
    source: str,
    query: RowQuery,
    selected: Iterable[str],
    *,
    as_stored: bool = False,
) -> str:
    """The SELECT of a query; `as_stored` spares the sort where rows lie in the order of
    their numbers.
    """
    ranks = [
        f"({expression})::FLOAT AS {quote_name(name)}"
        for name, expression in statement.ranks
    ]
    columns = ", ".join([*selected, *ranks])
    distinct = "DISTINCT " if query.distinct else ""
    order = "" if as_stored else f"ORDER BY {statement.order}"
    limit = f" LIMIT {int(query.limit)}" if query.limit >= 0 else ""
    return (
        # Names are quoted, and values are parameters.
        f"SELECT {distinct}{columns} FROM {source} "  # noqa: S608
        f"WHERE {statement.where} {order}{limit} OFFSET {int(query.offset)}"
    )


def _by_statement(
    engine: Engine, source: _Source, query: RowQuery, statement: Statement
) -> RowPage:
    """The page of a query, read and counted by SQL."""
    selected = [quote_name(column.name) for column in statement.columns]
    sql = select_statement(statement, source.sql, query, selected)
    parameters = [*statement.rank_parameters, *statement.parameters]
    frame = engine.frame(sql, parameters, source.table)
    total = _total(engine, source, query, statement)
    return _page(statement, frame, total)


def _total(
    engine: Engine, source: _Source, query: RowQuery, statement: Statement
) -> int | None:
    """How many rows a query finds on all pages together; None if nobody asks."""
    if not query.include_total:
        return None
    if statement.where == "TRUE" and not query.distinct:
        return source.rows
    counted = "1"
    if query.distinct:
        names = [quote_name(column.name) for column in statement.columns]
        counted = f"DISTINCT {', '.join(names)}"
    # Names are quoted, and values are parameters.
    rows = f"SELECT {counted} FROM {source.sql} WHERE {statement.where}"  # noqa: S608
    sql = f"SELECT count(*) FROM ({rows})"  # noqa: S608 - as above
    return int(engine.rows(sql, statement.parameters, source.table)[0][0])


def _page(statement: Statement, frame: pl.DataFrame, total: int | None) -> RowPage:
    ranks = tuple(name for name, _ in statement.ranks)
    return RowPage(statement.columns, frame, total, ranks)


def _slice(hot: HotTable, query: RowQuery, names: list[str]) -> pl.DataFrame:
    """The rows from the query's offset on, as many as it wants; nothing is copied."""
    limit = query.limit if query.limit >= 0 else None
    return hot.frame.select(names).slice(query.offset, limit)


def _keyset_start(filters: Any) -> int:
    """The number after which the next page by keyset begins; 0 when this is none."""
    condition = filters.get(ID) if isinstance(filters, Mapping) else None
    if not isinstance(condition, Mapping) or set(condition) != {"gt"}:
        return 0
    number = condition["gt"]
    if not isinstance(number, (int, str)):
        return 0
    try:
        return min(max(0, int(str(number))), HIGHEST_ID)
    except ValueError:
        return 0


@dataclass(frozen=True, slots=True)
class _HotQuery:
    """One query of rows that have numbers, over a hot copy."""

    engine: Engine
    hot: HotTable
    query: RowQuery
    statement: Statement

    @property
    def names(self) -> list[str]:
        """The columns that are fetched."""
        return [column.name for column in self.statement.columns]

    def page(self) -> RowPage:
        """The page, by the cheapest way that gives it."""
        query, statement = self.query, self.statement
        if statement.where == "TRUE" and statement.by_number:
            return self._by_place()
        is_text_query = query.q or query.full_text
        start = _keyset_start(query.filters)
        if start and not is_text_query:
            rest = replace(self, hot=self.hot.after(start))
            return rest._after_a_number()
        # The index gives ranks and total of all rows at once: of no use without limit.
        if statement.words and query.limit >= 0:
            return self._by_words()
        return self._by_numbers()

    def _by_place(self) -> RowPage:
        """A page of all rows as they lie: its place is where its rows stand."""
        frame = _slice(self.hot, self.query, self.names)
        total = self.hot.frame.height if self.query.include_total else None
        return _page(self.statement, frame, total)

    def _after_a_number(self) -> RowPage:
        """A page of what follows some number: nothing before it is looked at."""
        has_other_filters = len(self.query.filters) > 1
        is_by_number = self.statement.by_number and self.query.limit >= 0
        if has_other_filters or not is_by_number:
            return self._by_numbers()
        return self._by_place()

    def _by_numbers(self) -> RowPage:
        """The numbers of the page's rows by a statement, then these rows."""
        if self._fits_one_scan():
            return self._by_one_scan()
        query, statement = self.query, self.statement
        sql = select_statement(statement, HOT, query, [quote_name(ID)])
        parameters = [*statement.rank_parameters, *statement.parameters]
        numbered = self.engine.frame(sql, parameters, self.hot.arrow)
        source = _Source(HOT, self.hot.frame.height, self.hot.arrow)
        total = _total(self.engine, source, query, statement)
        rows = self.hot.rows(self.hot.positions(numbered[ID]), self.names)
        ranks = numbered.drop(ID).get_columns()
        return _page(statement, rows.hstack(ranks), total)

    def _fits_one_scan(self) -> bool:
        """Whether one scan can give both the page and the total."""
        query = self.query
        if not self.statement.by_number or not query.include_total:
            return False
        # The scan carries the numbers of all rows up to the page's end with it.
        return query.limit > 0 and query.offset + query.limit <= MOST_IN_ONE_SCAN

    def _by_one_scan(self) -> RowPage:
        """The total and the lowest numbers, which are those of the page, together."""
        end = self.query.offset + self.query.limit
        sql = (
            # Names are quoted, and values are parameters.
            f"SELECT count(*), min({quote_name(ID)}, {end}) "  # noqa: S608
            f"FROM {HOT} WHERE {self.statement.where}"
        )
        found = self.engine.rows(sql, self.statement.parameters, self.hot.arrow)
        total, lowest_ids = found[0]
        ids = (lowest_ids or [])[self.query.offset :]
        rows = self.hot.rows(self.hot.positions(ids), self.names)
        return _page(self.statement, rows, int(total))

    def _by_words(self) -> RowPage:
        """The rows that hold the words, best first, or those of them that filters let
        pass, in the order asked for.
        """
        positions, ranks = rows_with_words(self.hot, self.statement.words)
        if self.statement.filters != "TRUE" or self.query.sort:
            return self._filtered(positions, ranks)
        end = self.query.offset + self.query.limit
        # Without ranks (some fields only) rows come in the order of their numbers.
        scores = ranks if self.statement.ranks else np.zeros_like(ranks)
        chosen = best_first(scores, positions, end)[self.query.offset :]
        return self._ranked(positions[chosen], ranks[chosen], positions.size)

    def _filtered(self, positions: Numbers, ranks: Numbers) -> RowPage:
        """A page of those rows with the words that also pass the filters, sorted as
        asked.
        """
        statement, query = self.statement, self.query
        table = self._candidates(positions, ranks)
        sql = (
            f"SELECT __at, __rank, count(*) OVER () FROM {HOT} "  # noqa: S608 - quoted
            f"WHERE {statement.filters} ORDER BY {self._order()} "
            f"LIMIT {int(query.limit)} OFFSET {int(query.offset)}"
        )
        found = self.engine.rows(sql, statement.filter_parameters, table)
        # A page beyond the end has no row that could tell the total.
        total = found[0][2] if found else self._count(table)
        page_positions = np.asarray([row[0] for row in found], dtype=np.int64)
        page_ranks = np.asarray([row[1] for row in found])
        return self._ranked(page_positions, page_ranks, total)

    def _candidates(self, positions: Numbers, ranks: Numbers) -> Any:
        """The rows with the words as a table of their own: only the columns that are
        filtered or sorted by, their ranks and places.
        """
        sql = self.statement.filters + self.statement.order
        needed = [name for name in self.hot.frame.columns if quote_name(name) in sql]
        columns = list(dict.fromkeys([ID, *needed]))
        rows = self.hot.frame.select(columns)[positions]
        about = [
            pl.Series("__rank", ranks, dtype=pl.Float32),
            pl.Series("__at", positions, dtype=pl.Int64),
        ]
        return rows.with_columns(about).to_arrow()

    def _order(self) -> str:
        """The order of the rows of `_candidates`, whose rank is a column."""
        rank, number = quote_name("__rank"), quote_name(ID)
        if self.query.sort:
            return self.statement.order.replace(quote_name("rank"), rank)
        return f"{rank} DESC, {number}" if self.statement.ranks else number

    def _count(self, table: Any) -> int:
        """How many rows of `_candidates` pass the filters."""
        # Names are quoted, and values are parameters.
        sql = f"SELECT count(*) FROM {HOT} WHERE {self.statement.filters}"  # noqa: S608
        return int(self.engine.rows(sql, self.statement.filter_parameters, table)[0][0])

    def _ranked(self, positions: Numbers, ranks: Any, total: int) -> RowPage:
        """The rows at these places, with their ranks where the query shows them."""
        frame = self.hot.rows(positions, self.names)
        if self.statement.ranks:
            name, _ = self.statement.ranks[0]
            frame = frame.with_columns(pl.Series(name, ranks, dtype=pl.Float32))
        return _page(self.statement, frame, total)
