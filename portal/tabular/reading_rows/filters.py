"""Filters and sorts of CKAN as SQL: values are parameters, names are quoted in one
place.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from i18n import Message
from portal.tabular.manifest import ID, Column
from portal.tabular.reading_rows.query import RowQueryError, quote_name
from schemas import bounds

COMPARISONS = {"eq": "=", "in": "=", "gt": ">", "gte": ">=", "lt": "<", "lte": "<="}
DEEPEST, MOST = 10, 100
"""Limits of a filter: how deep it nests, how many comparisons it makes (CKAN's own)."""
MOST_PARTS = 300
"""Objects and keys of a filter, be they compared or empty."""
MOST_SORTS = 64


class Conditions:
    def __init__(self, visible: Mapping[str, Column]) -> None:
        self.visible = visible
        self.parameters: list[Any] = []
        self._comparisons = 0
        self._parts = 0

    def filters(self, filters: Any, depth: int = 0) -> str:
        """CKAN 2.12's grammar: a dict is AND, a list of dicts is OR."""
        if depth > DEEPEST:
            refusal = Message("Filters nested too deeply (limit {limit})").filled(
                limit=DEEPEST
            )
            raise RowQueryError({"filters": bounds.told(refusal)})
        self._count(1 + len(filters) if isinstance(filters, (list, Mapping)) else 1)
        if isinstance(filters, list) and all(
            isinstance(each, Mapping) for each in filters
        ):
            return self._joined(" OR ", filters, depth)
        if not isinstance(filters, Mapping):
            raise RowQueryError({"filters": ["Not a json object"]})
        return (
            " AND ".join(
                f"({self._entry(str(key), value, depth)})"
                for key, value in filters.items()
            )
            or "TRUE"
        )

    def _count(self, parts: int) -> None:
        """Empty objects compare nothing, but are work all the same."""
        self._parts += parts
        if self._parts > MOST_PARTS:
            refusal = Message("Too many parts (limit {limit})").filled(limit=MOST_PARTS)
            raise RowQueryError({"filters": bounds.told(refusal)})

    def _joined(self, word: str, filters: Any, depth: int) -> str:
        """SQL for a list of filters joined by " OR " or " AND "; false for none."""
        if not isinstance(filters, list):
            raise RowQueryError({"filters": ["A list of objects is expected"]})
        self._count(len(filters))
        return (
            word.join(f"({self.filters(each, depth + 1)})" for each in filters)
            or "FALSE"
        )

    def _entry(self, key: str, value: Any, depth: int) -> str:
        """SQL for one key of a filter: an operator over filters, or a column."""
        if key in ("$or", "$and"):
            return self._joined(" OR " if key == "$or" else " AND ", value, depth)
        if key.startswith("$") and not key.startswith("$$"):
            raise RowQueryError({"filters": [f"Unknown operator: {key}"]})
        name = key[1:] if key.startswith("$$") else key
        column = self.visible.get(name) or (
            Column(ID, "integer", "int") if name == ID else None
        )
        if column is None:
            raise RowQueryError({"filters": [f"Unknown field: {name}"]})
        return self._column(column, value)

    def _column(self, column: Column, value: Any) -> str:
        """SQL for what one column is compared with: a value, a list, or comparisons."""
        if isinstance(value, list):
            self._count(len(value))
            scalars = [each for each in value if not isinstance(each, Mapping)]
            parts = [self._one_of(column, scalars)] if scalars or not value else []
            parts += [
                self._compared(column, each)
                for each in value
                if isinstance(each, Mapping)
            ]
            return " OR ".join(f"({part})" for part in parts)
        if isinstance(value, Mapping):
            return self._compared(column, value)
        return self._compare(column, "=", value)

    def _compared(self, column: Column, comparisons: Mapping[str, Any]) -> str:
        """SQL for comparisons of one column that all have to hold; true for none."""
        unknown = [key for key in comparisons if key not in COMPARISONS]
        if unknown:
            raise RowQueryError({"filters": [f"Unknown operator: {unknown[0]}"]})
        parts = [
            self._one_of(column, value)
            if key == "in"
            else self._compare(column, COMPARISONS[key], value)
            for key, value in comparisons.items()
        ]
        return " AND ".join(f"({part})" for part in parts) or "TRUE"

    def _one_of(self, column: Column, values: Any) -> str:
        """SQL for a column that equals one of these values; false for none."""
        if not isinstance(values, list):
            raise RowQueryError({"filters": [f"A list is expected for {column.name}"]})
        return (
            " OR ".join(self._compare(column, "=", value) for value in values)
            or "FALSE"
        )

    def _compare(self, column: Column, operator: str, value: Any) -> str:
        """SQL for one comparison; its value becomes a parameter."""
        self._comparisons += 1
        if self._comparisons > MOST:
            refusal = Message("Too many comparisons (limit {limit})").filled(limit=MOST)
            raise RowQueryError({"filters": bounds.told(refusal)})
        if value is None:
            return "FALSE"  # as in SQL, nothing equals null
        self.parameters.append(_as_text(value))
        return f"{quote_name(column.name)} {operator} {cast('?', column)}"

    def subject(self, name: str, whole: bool) -> str:
        """The folded text that is searched: the prepared column, or one made of what
        may be seen.
        """
        if not name and whole:
            return quote_name("_fold")
        cells = (
            [quote_name(name)] if name else [quote_name(each) for each in self.visible]
        )
        joined = (
            f"concat_ws(' ', '', {', '.join(f'{cell}::VARCHAR' for cell in cells)})"
        )
        return (
            f"regexp_replace(replace(strip_accents(lower({joined})), 'đ', 'd'), "
            "'[^\\pL\\pN]+', ' ', 'g')"
        )

    def order(self, sort: str, names: Collection[str]) -> str:
        """CKAN's sort, `a desc nulls last, b`, by any of `names`."""
        parts = [part.strip() for part in sort.split(",") if part.strip()]
        if len(parts) > MOST_SORTS:
            refusal = Message("Too many columns to sort by (limit {limit})").filled(
                limit=MOST_SORTS
            )
            raise RowQueryError({"sort": bounds.told(refusal)})
        return ", ".join(self._sort_key(part, names) for part in parts)

    def _sort_key(self, text: str, names: Collection[str]) -> str:
        """SQL for one key of an order. Raises RowQueryError for an unknown column."""
        name, direction, nulls = _split_sort(text)
        if name not in names:
            raise RowQueryError({"sort": [f'invalid value "{name}"']})
        return f"{quote_name(name)} {direction} NULLS {nulls}"


def _split_sort(text: str) -> tuple[str, str, str]:
    """The name, the direction and the place of nulls in one key of an order."""
    rest, nulls = text, ""
    lowered = rest.lower()
    for word in ("first", "last"):
        if lowered.endswith(f" nulls {word}"):
            rest, nulls = rest[: -len(f" nulls {word}")], word.upper()
    direction = "ASC"
    for word in ("asc", "desc"):
        if rest.lower().endswith(f" {word}"):
            rest, direction = rest[: -len(word) - 1], word.upper()
    name = rest.strip()
    name = (
        name[1:-1].replace('""', '"')
        if len(name) > 1 and name[0] == name[-1] == '"'
        else name
    )
    return name, direction, nulls or ("LAST" if direction == "ASC" else "FIRST")


def _as_text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def cast(text: str, column: Column) -> str:
    """SQL that reads a parameter's text as the column's type."""
    kinds = {
        "int": "BIGINT",
        "int4": "BIGINT",
        "int8": "BIGINT",
        "numeric": "DECIMAL(38, 10)",
        "float8": "DOUBLE",
        "bool": "BOOLEAN",
        "date": "DATE",
    }
    if column.ckan_type == "timestamp":
        return (
            f"regexp_replace({text}, '(Z|[+-][0-9]{{2}}:?[0-9]{{2}})$', '')::TIMESTAMP"
        )
    kind = kinds.get(column.ckan_type)
    return f"{text}::{kind}" if kind else f"{text}::VARCHAR"
