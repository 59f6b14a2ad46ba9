"""What a check is: one object, with all that is said of it, done by it and tried on
it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

import polars as pl

from portal.quality.checks.frame import Frame, Hit
from portal.quality.checks.parameters import Parameters
from portal.quality.findings.messages import Message
from portal.quality.findings.report import Severity, Text
from portal.quality.frictionless.engine import Rules
from portal.quality.frictionless.keys import References
from schemas.texttable import TextBatch, TextTable

Json = dict[str, Any]


class NotLoaded(LookupError):
    """A check needs a table of the catalogue that this installation has not loaded."""


@dataclass(frozen=True, slots=True)
class Example:
    """Rows in which a check finds nothing, and rows in which it tells just `rows`."""

    fields: Mapping[str, str | Json]
    """Names of the columns, each with its type or with all its properties."""
    right: str | None
    """CSV without its header; None where these columns alone decide."""
    wrong: str | None
    rows: tuple[int | None, ...] = ()
    """The rows that are told of `wrong`, the first below the header being 2; None is
    the whole table.
    """
    parameters: Json = field(default_factory=dict)
    references: Mapping[str, Mapping[str, list[Any]]] = field(default_factory=dict)


Run = Callable[[Frame, Json, References], Iterator[Hit]]


@dataclass(frozen=True, slots=True)
class RuleCheck:
    """A check that a Table Schema asks for in its "checks", with parameters."""

    id: str
    severity: Severity
    message: Message
    holds: Text
    """What is true of a table that passes."""
    parameters: Parameters
    run: Run
    """The rows that break it; parameters come as `parameters` reads them. Raises
    NotLoaded.
    """
    examples: tuple[Example, ...]


@dataclass(frozen=True, slots=True)
class View:
    """One table as the checks on rows see it."""

    table: TextTable
    schema: Mapping[str, Any]
    rules: Rules


class Batch(NamedTuple):
    """Some rows of a table. `flags` says which cells are not valid beyond doubt."""

    text: TextBatch
    part: int
    flags: pl.DataFrame

    @property
    def frame(self) -> pl.DataFrame:
        """The rows that are as wide as the header."""
        return self.text.frame


class RowFinding(NamedTuple):
    """What a check on rows tells; `check` is the id of another one where it speaks for
    that.
    """

    row: int | None = None
    part: int = 0
    field: str = ""
    title: str = ""
    note: str = ""
    verdict: str = ""
    detail: Mapping[str, Any] | None = None
    check: str = ""


class Watch(Protocol):
    """What looks at one table, batch after batch."""

    def batch(self, rows: Batch) -> Iterator[RowFinding]:
        """What some rows show at once."""

    def finish(self) -> Iterator[RowFinding]:
        """What only the whole table shows."""


@dataclass(frozen=True, slots=True)
class RowCheck:
    """A check on the rows of every table, which no schema has to ask for."""

    id: str
    severity: Severity
    message: Message
    watch: Callable[[View], Watch | None]
    """None where the table has nothing for it to look at."""
    examples: tuple[Example, ...]
