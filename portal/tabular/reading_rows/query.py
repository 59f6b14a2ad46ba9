"""Row queries in CKAN's terms, compiled to one SQL statement: values are parameters,
names are quoted in one place.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from i18n import Message
from portal.tabular.manifest import ID, Column, Manifest
from portal.tabular.reading_rows.fulltext import (
    TextQuery,
    TextQueryError,
    boolean,
    plain,
    too_long,
)
from schemas import bounds

COMPARISONS = {"eq": "=", "in": "=", "gt": ">", "gte": ">=", "lt": "<", "lte": "<="}
DEEPEST, MOST = 10, 100
"""Limits of a filter: how deep it nests, how many comparisons it makes (CKAN's own)."""
MOST_PARTS = 300
"""Objects and keys of a filter, be they compared or empty."""
MOST_SORTS = 64
MOST_NAMED = 20
"""Of unknown names, so many are told."""
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


def compile_query(manifest: Manifest, query: RowQuery) -> Statement:
    """Check a query against the columns that its asker may see. Raises
    RowQueryError.
    """
    visible = {
        column.name: column
        for column in manifest.fields
        if column.name not in query.hidden
    }
    compiler = _Compiler(visible)
    columns = _columns(visible, query)
    filters = compiler.filters(query.filters) if query.filters else ""
    filters = filters or "TRUE"
    filter_parameters = list(compiler.parameters)
    texts = _texts(compiler, query)
    ranked = bool(texts.ranks) and not query.fields and not query.distinct
    order = _order(
        compiler, query, columns, [name for name, _ in texts.ranks] if ranked else []
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
    compiler: _Compiler, query: RowQuery, columns: tuple[Column, ...], ranks: list[str]
) -> str:
    """A total order: what was asked for, then the row's number; distinct rows have no
    number of their own.
    """
    names = {column.name for column in columns}
    if query.distinct:
        said = compiler.order(query.sort, names) if query.sort else ""
        rest = [quote_name(name) for name in sorted(names)]
        return ", ".join([said, *rest] if said else rest)
    if query.sort and query.sort.strip():
        if query.sort.strip().lower() in BY_NUMBER:
            return quote_name(ID)
        said = compiler.order(query.sort, {ID, *compiler.visible, *ranks})
        return f"{said}, {quote_name(ID)}" if said else quote_name(ID)
    return ", ".join([*(f"{quote_name(name)} DESC" for name in ranks), quote_name(ID)])


def _columns(visible: Mapping[str, Column], query: RowQuery) -> tuple[Column, ...]:
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


def _texts(compiler: _Compiler, query: RowQuery) -> _Texts:
    texts = _Texts()
    whole = not query.hidden
    all_of: list[str] = []
    asked = {"": query.q} if query.q else {}
    if isinstance(query.q, Mapping):
        asked = dict(query.q)
    unknown = [name for name in asked if name and name not in compiler.visible]
    if unknown:
        raise RowQueryError(
            {"q": [f'invalid value "{name}"' for name in unknown[:MOST_NAMED]]}
        )
    refuse_words([*asked.values(), query.full_text])
    for name, text in asked.items():
        if not isinstance(text, (str, int, float)):
            raise RowQueryError({"q": ["Expected a text, or a text for each column"]})
        subject = compiler.subject(str(name), whole)
        compiled = _text_query(str(text), subject, query.plain)
        texts.add(f"rank {name}" if name else "rank", subject, compiled)
        all_of = compiled.all_of
    if query.full_text:
        subject = compiler.subject("", whole)
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
    try:
        return plain(text, subject) if is_plain else boolean(text, subject)
    except TextQueryError as error:
        raise RowQueryError({"query": ["Invalid query"], "q": [str(error)]}) from None


class _Compiler:
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
        if not isinstance(filters, list):
            raise RowQueryError({"filters": ["A list of objects is expected"]})
        self._count(len(filters))
        return (
            word.join(f"({self.filters(each, depth + 1)})" for each in filters)
            or "FALSE"
        )

    def _entry(self, key: str, value: Any, depth: int) -> str:
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
        if not isinstance(values, list):
            raise RowQueryError({"filters": [f"A list is expected for {column.name}"]})
        return (
            " OR ".join(self._compare(column, "=", value) for value in values)
            or "FALSE"
        )

    def _compare(self, column: Column, operator: str, value: Any) -> str:
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
        name, direction, nulls = _split_sort(text)
        if name not in names:
            raise RowQueryError({"sort": [f'invalid value "{name}"']})
        return f"{quote_name(name)} {direction} NULLS {nulls}"


def _split_sort(text: str) -> tuple[str, str, str]:
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
