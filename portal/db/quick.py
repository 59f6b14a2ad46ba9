"""Quick: a SELECT that is asked all day, compiled once and run without transaction or
mapping.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from sqlalchemy import Engine, Select


class _Compiled(NamedTuple):
    """The text of a statement, the values that stand in it, and the order of all values
    where the driver wants one.
    """

    text: str
    fixed: dict[str, Any]
    positions: list[str] | None


class Quick:
    """One SELECT with named parameters, which answers rows of plain values.

    A single statement sees one state of the database, so it needs no transaction; what
    SQLAlchemy does around one costs several times what the database needs to find a row
    by its key. Values come as the driver gives them: SQLite's booleans are 0 and 1.
    """

    def __init__(self, statement: Select[*tuple[Any, ...]]) -> None:
        self.statement = statement
        self._compiled: dict[str, _Compiled] = {}

    def first(self, engine: Engine, parameters: dict[str, Any]) -> Any:
        """The first row, or None."""
        return next(iter(self.rows(engine, parameters, 1)), None)

    def rows(self, engine: Engine, parameters: dict[str, Any], most: int) -> list[Any]:
        """The first rows."""
        compiled = self._compiled.get(engine.dialect.name) or self._compile(engine)
        given = {**compiled.fixed, **parameters}
        positions = compiled.positions
        connection = engine.raw_connection()
        try:
            cursor = connection.cursor()
            cursor.execute(
                compiled.text,
                given if positions is None else list(map(given.__getitem__, positions)),
            )
            rows = list(cursor.fetchmany(most))
            cursor.close()
        finally:
            connection.close()
        return rows

    def _compile(self, engine: Engine) -> _Compiled:
        compiled = self.statement.compile(engine)
        asked = {bound.key for bound in compiled.binds.values() if bound.required}
        every = compiled.construct_params(dict.fromkeys(asked)) or {}
        fixed = {name: value for name, value in every.items() if name not in asked}
        made = _Compiled(str(compiled), fixed, getattr(compiled, "positiontup", None))
        self._compiled[engine.dialect.name] = made
        return made
