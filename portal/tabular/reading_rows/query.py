"""Row queries in CKAN's terms, and the statements that they become."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from portal.tabular.manifest import ID, Column

BY_NUMBER = ("", "_id", "_id asc", '"_id"', '"_id" asc')
"""Sorts that are the order of rows anyway."""


class RowQueryError(ValueError):
    """A query that cannot be answered; `errors` maps parameters to messages, in CKAN's
    words.
    """

    def __init__(self, errors: Mapping[str, Any]) -> None:
        super().__init__(str(dict(errors)))
        self.errors = dict(errors)


@dataclass(frozen=True, slots=True)
class RowQuery:
    """A datastore_search. `fields` None means all; `hidden` columns do not exist for
    the asker; limit -1 is none.

    `q` is a text or a text by column; `plain` False reads it as PostgreSQL's to_tsquery
    does. `full_text` is a second `q`.
    """

    limit: int = 100
    offset: int = 0
    filters: Any = None
    q: Any = None
    full_text: str | None = None
    plain: bool = True
    sort: str | None = None
    fields: tuple[str, ...] | None = None
    distinct: bool = False
    include_total: bool = True
    hidden: frozenset[str] = frozenset()

    @property
    def by_number(self) -> bool:
        """Whether rows come in the order of their numbers, so that `_id` > the last one
        is the next page.
        """
        return (
            not self.distinct
            and not self.q
            and not self.full_text
            and (self.sort or "").lower() in BY_NUMBER
        )


@dataclass(slots=True)
class Statement:
    """A compiled query: what to select, under which condition, in which order.

    `ranks` are the names and expressions of what a text query found, `rank_parameters`
    belong to them in order. `words` is not empty only where `where` is `filters` and
    those words in the folded column.
    """

    columns: tuple[Column, ...]
    where: str
    order: str
    ranks: tuple[tuple[str, str], ...] = ()
    parameters: list[Any] = field(default_factory=list)
    rank_parameters: list[Any] = field(default_factory=list)
    filters: str = "TRUE"
    filter_parameters: list[Any] = field(default_factory=list)
    words: tuple[str, ...] = ()

    @property
    def by_number(self) -> bool:
        """Whether rows come in the order of their numbers."""
        return self.order == quote_name(ID)


def quote_name(name: str) -> str:
    """A column's name in SQL."""
    return '"' + name.replace('"', '""') + '"'
