"""Compiling a row query to one SQL statement, checked against visible columns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from portal.tabular.manifest import ID, Column, Manifest
from portal.tabular.reading_rows.filters import Conditions
from portal.tabular.reading_rows.fulltext import (
    TextQuery,
    TextQueryError,
    boolean,
    plain,
    too_long,
)
from portal.tabular.reading_rows.query import (
    BY_NUMBER,
    RowQuery,
    RowQueryError,
    Statement,
    quote_name,
)

MOST_NAMED = 20
"""Of unknown names, so many are told."""


def compile_query(manifest: Manifest, query: RowQuery) -> Statement:
    """Check a query against the columns that its asker may see. Raises
    RowQueryError.
    """
    visible = {
        column.name: column
        for column in manifest.fields
        if column.name not in query.hidden
    }
    conditions = Conditions(visible)
    columns = _columns(visible, query)
    filters = conditions.filters(query.filters) if query.filters else ""
    filters = filters or "TRUE"
    filter_parameters = list(conditions.parameters)
    texts = _texts(conditions, query)
    ranked = bool(texts.ranks) and not query.fields and not query.distinct
    order = _order(
        conditions, query, columns, [name for name, _ in texts.ranks] if ranked else []
    )
    parts = [part for part in (filters, *texts.conditions) if part != "TRUE"]
    return Statement(
        columns=columns,
        where=" AND ".join(f"({part})" for part in parts) or "TRUE",
        order=order,
        ranks=tuple(texts.ranks) if ranked else (),
        parameters=[*filter_parameters, *texts.parameters],
        rank_parameters=texts.rank_parameters if ranked else [],
        filters=filters,
        filter_parameters=filter_parameters,
        words=tuple(texts.words),
    )


def _order(
    conditions: Conditions,
    query: RowQuery,
    columns: tuple[Column, ...],
    ranks: list[str],
) -> str:
    """A total order: what was asked for, then the row's number; distinct rows have no
    number of their own.
    """
    names = {column.name for column in columns}
    if query.distinct:
        said = conditions.order(query.sort, names) if query.sort else ""
        rest = [quote_name(name) for name in sorted(names)]
        return ", ".join([said, *rest] if said else rest)
    if query.sort and query.sort.strip():
        if query.sort.strip().lower() in BY_NUMBER:
            return quote_name(ID)
        said = conditions.order(query.sort, {ID, *conditions.visible, *ranks})
        return f"{said}, {quote_name(ID)}" if said else quote_name(ID)
    return ", ".join([*(f"{quote_name(name)} DESC" for name in ranks), quote_name(ID)])


def _columns(visible: Mapping[str, Column], query: RowQuery) -> tuple[Column, ...]:
    """The columns that are asked for, without repetition; all of them by default."""
    own = Column(ID, "integer", "int")
    if query.fields is None:
        return (*(() if query.distinct else (own,)), *visible.values())
    known = {ID: own, **visible}
    unknown = [name for name in query.fields if name not in known]
    if unknown:
        raise RowQueryError(
            {"fields": [f'invalid value "{name}"' for name in unknown[:MOST_NAMED]]}
        )
    return tuple(known[name] for name in dict.fromkeys(query.fields))


@dataclass(slots=True)
class _Texts:
    """What `q` and `full_text` come to."""

    conditions: list[str] = field(default_factory=list)
    parameters: list[Any] = field(default_factory=list)
    ranks: list[tuple[str, str]] = field(default_factory=list)
    rank_parameters: list[Any] = field(default_factory=list)
    words: list[str] = field(default_factory=list)

    def add(self, name: str, subject: str, query: TextQuery) -> None:
        """Take in one text query; nothing to search for is no condition."""
        if not query.where:
            return
        self.conditions.append(query.where)
        self.parameters += query.parameters
        scores = [
            f"(len({subject}) - len(replace({subject}, ?, '')))" for _ in query.words
        ]
        self.ranks.append((name, " + ".join([*scores, "0.0"])))
        self.rank_parameters += query.words


def _texts(conditions: Conditions, query: RowQuery) -> _Texts:
    """The conditions, ranks and headlines of the words that are asked for."""
    texts = _Texts()
    whole = not query.hidden
    all_of: list[str] = []
    asked = {"": query.q} if query.q else {}
    if isinstance(query.q, Mapping):
        asked = dict(query.q)
    unknown = [name for name in asked if name and name not in conditions.visible]
    if unknown:
        raise RowQueryError(
            {"q": [f'invalid value "{name}"' for name in unknown[:MOST_NAMED]]}
        )
    refuse_words([*asked.values(), query.full_text])
    for name, text in asked.items():
        if not isinstance(text, (str, int, float)):
            raise RowQueryError({"q": ["Expected a text, or a text for each column"]})
        subject = conditions.subject(str(name), whole)
        compiled = _text_query(str(text), subject, query.plain)
        texts.add(f"rank {name}" if name else "rank", subject, compiled)
        all_of = compiled.all_of
    if query.full_text:
        subject = conditions.subject("", whole)
        compiled = plain(query.full_text, subject)
        texts.add(
            "rank" if "rank" not in dict(texts.ranks) else "rank full_text",
            subject,
            compiled,
        )
        all_of = compiled.all_of
    if query.plain and whole and set(asked) <= {""} and len(texts.ranks) == 1:
        texts.words = all_of
    return texts


def refuse_words(texts: Iterable[Any]) -> None:
    """Refuse a `q` of more than its limits. Raises RowQueryError."""
    message = too_long([str(text) for text in texts if text])
    if message:
        raise RowQueryError({"q": message})


def _text_query(text: str, subject: str, is_plain: bool) -> TextQuery:
    """A text query as SQL. Raises RowQueryError for one that cannot be read."""
    try:
        return plain(text, subject) if is_plain else boolean(text, subject)
    except TextQueryError as error:
        raise RowQueryError({"query": ["Invalid query"], "q": [str(error)]}) from None
