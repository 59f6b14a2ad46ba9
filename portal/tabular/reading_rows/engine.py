"""The query engine of one process: DuckDB in memory, hardened, with a cursor of its own
for each use.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from portal.tabular.reading_rows.deadlines import Deadlines
from portal.tabular.reading_rows.query import RowQueryError

Settings = dict[str, str | int | float | list[str]]
HARDENED: Settings = {
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "allow_community_extensions": False,
    "python_enable_replacements": False,
}
MOST_SPILLED = "8GB"
HOT = "hot"
"""The name under which a query sees an Arrow table that it is given."""


class Engine:
    """DuckDB, opened at the first use. Safe for threads; every process opens its
    own.
    """

    def __init__(
        self, memory_mb: int, threads: int, spill: Path, seconds: float = 0
    ) -> None:
        """`spill` is where a sort of more rows than memory holds puts them meanwhile.

        `seconds` is what a query may take whose answer is fetched whole; 0 is no limit.
        """
        self._settings: Settings = {
            **HARDENED,
            "memory_limit": f"{memory_mb}MB",
            "threads": threads,
            "temp_directory": str(spill),
            "max_temp_directory_size": MOST_SPILLED,
        }
        self.deadlines = Deadlines(seconds)
        self._lock = threading.Lock()
        self._database: duckdb.DuckDBPyConnection | None = None

    def cursor(self) -> duckdb.DuckDBPyConnection:
        """A connection of its own to the one database of the process."""
        with self._lock:
            if self._database is None:
                self._database = duckdb.connect(":memory:", config=self._settings)
                self._database.execute(
                    "SET parquet_metadata_cache = true; SET produce_arrow_string_view "
                    "= true"
                )
            return self._database.cursor()

    def rows(
        self, sql: str, parameters: list[Any], table: Any = None
    ) -> list[tuple[Any, ...]]:
        """The rows of a statement; `table` (Arrow) is what it calls `hot`.

        Raises RowQueryError for a value that is not of its column's type.
        """
        with self._limited(sql, parameters, table) as found:
            return list(found.fetchall())

    def frame(self, sql: str, parameters: list[Any], table: Any = None) -> pl.DataFrame:
        """As `rows`, as a frame."""
        with self._limited(sql, parameters, table) as found:
            frame = pl.from_arrow(found.to_arrow_table())
        assert isinstance(frame, pl.DataFrame)  # noqa: S101 - a table gives a frame
        return frame

    @contextmanager
    def _limited(self, sql: str, parameters: list[Any], table: Any) -> Iterator[Any]:
        """What a statement finds, all of which is fetched in time, or RowQueryError
        says so.
        """
        with (
            self.cursor() as cursor,
            values_of_their_type(),
            self.deadlines.over(cursor),
        ):
            if table is not None:
                cursor.register(HOT, table)
            yield cursor.sql(sql, params=parameters)

    @contextmanager
    def running(
        self, sql: str, parameters: list[Any], table: Any = None
    ) -> Iterator[Any]:
        """What a statement finds, read as it is asked for."""
        with self.cursor() as cursor, values_of_their_type():
            if table is not None:
                cursor.register(HOT, table)
            yield cursor.sql(sql, params=parameters)


@contextmanager
def values_of_their_type() -> Iterator[None]:
    """Turns what the engine says of a value that is not of its column's type into
    CKAN's error, without SQL.
    """
    try:
        yield
    except (duckdb.ConversionException, duckdb.OutOfRangeException):
        wrong = ["A value does not have the type of its column"]
        raise RowQueryError({"query": ["Invalid query"], "filters": wrong}) from None
