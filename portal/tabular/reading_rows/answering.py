"""Answering row queries: from a hot copy where there is one (numbers first, then those
rows), else from the parts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from portal.tabular.manifest import ID, Column
from portal.tabular.reading_rows.engine import HOT, Engine
from portal.tabular.reading_rows.fulltext import holds
from portal.tabular.reading_rows.hot import FOLD, HotTable
from portal.tabular.reading_rows.query import RowQuery, Statement, quote_name
from portal.tabular.reading_rows.rendering import RANK, csv_text, json_columns

_SCANNERS = ThreadPoolExecutor(max_workers=2, thread_name_prefix="words")
"""Look for words in the blocks of a column; its threads start at the first search."""
AT_ONCE = 10_240
"""Rows that are fetched at once where all are wanted."""
MOST_IN_ONE_SCAN = 2000
"""Up to this row, the numbers of a page and the total come from one scan."""


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
        return (*self.columns, *(Column(name, "number", RANK) for name in self.ranks))

    @property
    def fields(self) -> list[dict[str, Any]]:
        """The columns as CKAN lists them."""
        return [column.described for column in self.all_columns]

    def records(self, form: str = "objects") -> Any:
        """The rows: a list of objects or lists for orjson (exact decimals are
        fragments), or csv or tsv text.
        """
        if form in ("csv", "tsv"):
            return csv_text(
                self.all_columns, self.frame, "," if form == "csv" else "\t"
            )
        rows = zip(*json_columns(self.frame, self.all_columns), strict=True)
        if form == "lists":
            return list(rows)
        names = [column.name for column in self.all_columns]
        return [dict(zip(names, row, strict=True)) for row in rows]


def from_parts(
    engine: Engine, source: str, rows: int, query: RowQuery, statement: Statement
) -> RowPage:
    """A page by one statement over the parts, and a second one for the total."""
    sql = select_statement(
        statement,
        source,
        query,
        [quote_name(column.name) for column in statement.columns],
    )
    frame = engine.frame(sql, [*statement.rank_parameters, *statement.parameters])
    total = (
        _counted(engine, source, rows, query, statement)
        if query.include_total
        else None
    )
    return _page(statement, frame, total)


def frames_in_order(
    engine: Engine, hot: HotTable, query: RowQuery, statement: Statement
) -> Iterator[pl.DataFrame]:
    """All rows of a query in the order asked for: their numbers are found and sorted,
    then the rows are fetched.
    """
    names = [column.name for column in statement.columns]
    if statement.where == "TRUE" and statement.by_number:
        whole = hot.frame.select(names).slice(
            query.offset, query.limit if query.limit >= 0 else None
        )
        yield from whole.iter_slices(AT_ONCE)
        return
    parameters = [*statement.rank_parameters, *statement.parameters]
    sql = select_statement(
        statement, HOT, query, [quote_name(ID)], as_stored=statement.by_number
    )
    ids = engine.frame(sql, parameters, hot.arrow)[ID]
    for start in range(0, ids.len(), AT_ONCE):
        yield hot.rows(hot.at(ids[start : start + AT_ONCE]), names)


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
    distinct = "DISTINCT " if query.distinct else ""
    limit = f" LIMIT {int(query.limit)}" if query.limit >= 0 else ""
    return (
        # Names are quoted, and values are parameters.
        f"SELECT {distinct}{', '.join([*selected, *ranks])} "  # noqa: S608
        f"FROM {source} WHERE {statement.where} "
        f"{'' if as_stored else f'ORDER BY {statement.order}'}{limit} OFFSET "
        f"{int(query.offset)}"
    )


def _counted(
    engine: Engine,
    source: str,
    rows: int,
    query: RowQuery,
    statement: Statement,
    table: Any = None,
) -> int:
    if statement.where == "TRUE" and not query.distinct:
        return rows
    inner = "1"
    if query.distinct:
        inner = "DISTINCT " + ", ".join(
            quote_name(column.name) for column in statement.columns
        )
    sql = f"SELECT count(*) FROM (SELECT {inner} FROM {source} WHERE {statement.where})"  # noqa: S608 - names quoted, values parameters
    return int(engine.rows(sql, statement.parameters, table)[0][0])


def _page(statement: Statement, frame: pl.DataFrame, total: int | None) -> RowPage:
    return RowPage(
        statement.columns, frame, total, tuple(name for name, _ in statement.ranks)
    )


def from_hot(
    engine: Engine, hot: HotTable, query: RowQuery, statement: Statement
) -> RowPage:
    """A page by the numbers of its rows, which are then fetched from where they
    stand.
    """
    rows = hot.frame.height
    if query.distinct:
        sql = select_statement(
            statement,
            HOT,
            query,
            [quote_name(column.name) for column in statement.columns],
        )
        frame = engine.frame(sql, statement.parameters, hot.arrow)
        total = (
            _counted(engine, HOT, rows, query, statement, hot.arrow)
            if query.include_total
            else None
        )
        return _page(statement, frame, total)
    names = [column.name for column in statement.columns]
    if statement.where == "TRUE" and statement.by_number:
        frame = hot.frame.select(names).slice(
            query.offset, query.limit if query.limit >= 0 else None
        )
        return _page(statement, frame, rows if query.include_total else None)
    start = _start(query.filters)
    if start and not query.q and not query.full_text:
        return _after(engine, hot.after(start), query, statement, names)
    if statement.words and query.limit >= 0:
        return _by_words(engine, hot, query, statement, names)
    return _by_numbers(engine, hot, query, statement, names)


def _start(filters: Any) -> int:
    """The number after which the next page by keyset begins; 0 when this is none."""
    after = filters.get(ID) if isinstance(filters, Mapping) else None
    number = (
        after.get("gt") if isinstance(after, Mapping) and set(after) == {"gt"} else None
    )
    try:
        return (
            min(max(0, int(str(number))), 2**62)
            if isinstance(number, (int, str))
            else 0
        )
    except ValueError:
        return 0


def _after(
    engine: Engine,
    rest: HotTable,
    query: RowQuery,
    statement: Statement,
    names: list[str],
) -> RowPage:
    """A page of what follows some number: nothing before it is looked at."""
    if len(query.filters) > 1 or not statement.by_number or query.limit < 0:
        return _by_numbers(engine, rest, query, statement, names)
    frame = rest.frame.select(names).slice(query.offset, query.limit)
    return _page(statement, frame, rest.frame.height if query.include_total else None)


def _by_numbers(
    engine: Engine,
    hot: HotTable,
    query: RowQuery,
    statement: Statement,
    names: list[str],
) -> RowPage:
    end = query.offset + query.limit
    if (
        statement.by_number
        and query.include_total
        and query.limit > 0
        and end <= MOST_IN_ONE_SCAN
    ):
        # Names are quoted, and values are parameters.
        sql = (
            f"SELECT count(*), min({quote_name(ID)}, {end}) "  # noqa: S608
            f"FROM {HOT} WHERE {statement.where}"
        )
        total, ids = engine.rows(sql, statement.parameters, hot.arrow)[0]
        return _page(
            statement, hot.rows(hot.at((ids or [])[query.offset :]), names), int(total)
        )
    parameters = [*statement.rank_parameters, *statement.parameters]
    found = engine.frame(
        select_statement(statement, HOT, query, [quote_name(ID)]), parameters, hot.arrow
    )
    total = (
        _counted(engine, HOT, hot.frame.height, query, statement, hot.arrow)
        if query.include_total
        else None
    )
    frame = hot.rows(hot.at(found[ID]), names)
    return _page(statement, frame.hstack(found.drop(ID).get_columns()), total)


def _by_words(
    engine: Engine,
    hot: HotTable,
    query: RowQuery,
    statement: Statement,
    names: list[str],
) -> RowPage:
    """The rows that hold the words, best first, or those of them that filters let pass,
    in the order asked for.
    """
    positions, ranks = _found(hot, statement.words)
    if statement.filters == "TRUE" and not query.sort:
        best = _best(
            ranks if statement.ranks else np.zeros_like(ranks),
            positions,
            query.offset + query.limit,
        )
        chosen = best[query.offset :]
        return _worded(
            statement, hot, positions[chosen], ranks[chosen], names, positions.size
        )
    needed = [
        name
        for name in hot.frame.columns
        if quote_name(name) in statement.filters + statement.order
    ]
    some = hot.frame.select(list(dict.fromkeys([ID, *needed])))[positions].with_columns(
        pl.Series("__rank", ranks, dtype=pl.Float32),
        pl.Series("__at", positions, dtype=pl.Int64),
    )
    order = (
        f"{quote_name('__rank')} DESC, {quote_name(ID)}"
        if statement.ranks
        else quote_name(ID)
    )
    if query.sort:
        order = statement.order.replace(quote_name("rank"), quote_name("__rank"))
    sql = (
        f"SELECT __at, __rank, count(*) OVER () FROM {HOT} "  # noqa: S608 - as above
        f"WHERE {statement.filters} ORDER BY {order} "
        f"LIMIT {int(query.limit)} OFFSET {int(query.offset)}"
    )
    table = some.to_arrow()
    found = engine.rows(sql, statement.filter_parameters, table)
    total = found[0][2] if found else _filtered(engine, statement, table)
    at, score = [row[0] for row in found], [row[1] for row in found]
    return _worded(
        statement, hot, np.asarray(at, dtype=np.int64), np.asarray(score), names, total
    )


def _filtered(engine: Engine, statement: Statement, table: Any) -> int:
    sql = f"SELECT count(*) FROM {HOT} WHERE {statement.filters}"  # noqa: S608 - names quoted, values parameters
    return int(engine.rows(sql, statement.filter_parameters, table)[0][0])


def _worded(
    statement: Statement,
    hot: HotTable,
    positions: np.ndarray,
    ranks: np.ndarray,
    names: list[str],
    total: int,
) -> RowPage:
    frame = hot.rows(positions, names)
    if statement.ranks:
        frame = frame.with_columns(
            pl.Series(statement.ranks[0][0], ranks, dtype=pl.Float32)
        )
    return _page(statement, frame, total)


def _found(hot: HotTable, words: tuple[str, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Where the rows stand that hold all words, and their ranks: by the index of words,
    else by reading all texts.
    """
    if hot.words is not None:
        return hot.words.find(words, hot.frame[FOLD])
    positions, folds = _holding(hot.frame[FOLD], words)
    return positions, _ranked(folds, words)


def _holding(folds: pl.Series, words: tuple[str, ...]) -> tuple[np.ndarray, pl.Series]:
    """Where the rows stand that hold all words, and their texts; several blocks are
    looked through at a time.
    """
    chunks = folds.get_chunks()
    starts = np.cumsum([0, *(chunk.len() for chunk in chunks)])[:-1]
    found = list(
        _SCANNERS.map(
            lambda each: _holding_here(each[0], int(each[1]), words),
            zip(chunks, starts, strict=True),
        )
    )
    return np.concatenate([positions for positions, _ in found]), pl.concat(
        [texts for _, texts in found]
    )


def _holding_here(
    folds: pl.Series, start: int, words: tuple[str, ...]
) -> tuple[np.ndarray, pl.Series]:
    positions = np.arange(start, start + folds.len(), dtype=np.int64)
    for word in sorted(set(words), key=len, reverse=True):
        held = holds(folds, word).fill_null(False)
        positions = positions[held.to_numpy()]
        folds = folds.filter(held)
    return positions, folds


def _ranked(folds: pl.Series, words: tuple[str, ...]) -> np.ndarray:
    """How many characters of each row are the words asked for: what the statement's
    rank says, too.
    """
    total = np.zeros(folds.len(), dtype=np.int64)
    for word in map(str.rstrip, words):
        total += folds.str.count_matches(word, literal=True).fill_null(
            0
        ).to_numpy().astype(np.int64) * len(word)
    return total


def _best(ranks: np.ndarray, positions: np.ndarray, count: int) -> np.ndarray:
    """Indexes of the first `count` by rank, then by place."""
    keys = (ranks.max(initial=0) - ranks) * np.int64(1 << 40) + positions
    if count < keys.size:
        first = np.argpartition(keys, count)[:count]
        return first[np.argsort(keys[first])]
    return np.argsort(keys)
