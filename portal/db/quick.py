"""Quick: a SELECT that is asked all day, compiled once and run without transaction or mapping."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Engine, Select
from sqlalchemy.engine.interfaces import Compiled


class Quick:
    """One SELECT with named parameters, which answers rows of plain values.

    A single statement sees one state of the database, so it needs no transaction; what SQLAlchemy does
    around one costs several times what the database needs to find a row by its key. Values come as the
    driver gives them: SQLite's booleans are 0 and 1.
    """

    def __init__(self, statement: Select[*tuple[Any, ...]]) -> None:
        self.statement = statement
        self._compiled: dict[str, tuple[Compiled, str]] = {}

    def first(self, engine: Engine, parameters: dict[str, Any]) -> Any:
        """The first row, or None."""
        return next(iter(self.rows(engine, parameters, 1)), None)

    def rows(self, engine: Engine, parameters: dict[str, Any], most: int) -> list[Any]:
        """The first rows."""
        compiled, text = self._compiled.get(engine.dialect.name) or self._compile(engine)
        given = compiled.construct_params(parameters) or {}
        positions = getattr(compiled, "positiontup", None)
        connection = engine.raw_connection()
        try:
            cursor = connection.cursor()
            cursor.execute(text, [given[name] for name in positions] if positions is not None else given)
            rows = list(cursor.fetchmany(most))
            cursor.close()
        finally:
            connection.close()
        return rows

    def _compile(self, engine: Engine) -> tuple[Compiled, str]:
        compiled = self.statement.compile(engine)
        self._compiled[engine.dialect.name] = compiled, str(compiled)
        return self._compiled[engine.dialect.name]
