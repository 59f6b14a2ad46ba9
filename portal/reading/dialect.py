"""How a CSV file separates its cells: what is declared (Frictionless Dialect keys),
else what its first lines show.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from portal.reading.refusals import refuse

DELIMITERS = (",", ";", "\t", "|")
SAMPLE_LINES = 100


@dataclass(frozen=True, slots=True)
class CsvDialect:
    """Everything that decides how rows and cells are told apart."""

    delimiter: str = ","
    quote: str = '"'
    escape: str | None = None
    double_quote: bool = True
    skip_initial_space: bool = False
    header: bool = True
    header_rows: tuple[int, ...] = ()
    header_join: str = " "
    comment_char: str = ""
    comment_rows: frozenset[int] = field(default_factory=frozenset)
    skip_blank_rows: bool = False
    guessed: bool = False

    @property
    def is_plain(self) -> bool:
        """Whether a fast parser reads it exactly as Python's csv module does."""
        return (
            self.quote == '"'
            and not (self.escape or self.skip_initial_space)
            # Arrow takes a single byte.
            and len(self.delimiter.encode()) == 1
        )

    def reader_options(self) -> dict[str, Any]:
        """Keyword arguments of csv.reader."""
        return {
            "delimiter": self.delimiter,
            "quotechar": self.quote or None,
            "quoting": csv.QUOTE_MINIMAL if self.quote else csv.QUOTE_NONE,
            "escapechar": self.escape,
            # Frictionless lets a double quote stand for one unless an escape character
            # is declared.
            "doublequote": self.double_quote if self.escape else True,
            "skipinitialspace": self.skip_initial_space,
        }

    def skips(self, number: int, cells: list[str]) -> bool:
        """Whether a row after the header is a comment, or blank where blank rows are
        skipped.
        """
        if number in self.comment_rows or (
            self.comment_char and cells and cells[0].startswith(self.comment_char)
        ):
            return True
        return self.skip_blank_rows and not any(cells)

    @property
    def filters(self) -> bool:
        """Whether `skips` can ever be true."""
        return bool(self.comment_char or self.comment_rows or self.skip_blank_rows)


def resolve(
    declared: Mapping[str, Any] | None, lines: list[str], name: str, kind: str
) -> CsvDialect:
    """The dialect of a file whose first lines are `lines`; what is not declared is
    found out.

    `kind` "TSV" means tabs. Raises BadFile("bad-dialect").
    """
    given_keys = dict(declared or {})
    keys = {**(given_keys.pop("csv", None) or {}), **given_keys}
    given = keys.get("delimiter") or ("\t" if kind == "TSV" else None)
    delimiter = str(given) if given else _sniff(lines)
    if len(delimiter) != 1:
        raise refuse("bad-dialect", name=name, why=f"delimiter {delimiter!r}")
    for key in ("quoteChar", "escapeChar"):
        if len(str(keys.get(key) or "")) > 1:
            raise refuse("bad-dialect", name=name, why=f"{key} {keys[key]!r}")
    rows = keys.get("headerRows") or ()
    return CsvDialect(
        delimiter=delimiter,
        quote=str(keys.get("quoteChar", '"') or ""),
        escape=keys.get("escapeChar") or None,
        double_quote=bool(keys.get("doubleQuote", True)),
        skip_initial_space=bool(
            keys.get("skipInitialSpace", _spaced(lines, delimiter))
        ),
        header=bool(keys.get("header", True)),
        header_rows=tuple(int(row) for row in rows),
        header_join=str(keys.get("headerJoin", " ")),
        comment_char=str(keys.get("commentChar") or ""),
        comment_rows=frozenset(int(row) for row in keys.get("commentRows") or ()),
        skip_blank_rows=bool(keys.get("skipBlankRows", False)),
        guessed=given is None,
    )


def _sniff(lines: list[str]) -> str:
    """The delimiter that splits most lines into the same number (≥ 2) of cells; ","
    where none does.
    """
    best, score = ",", (0.0, 0)
    for delimiter in DELIMITERS:
        widths = Counter(
            width for width in map(len, _records(lines, delimiter)) if width
        )
        if not widths:
            continue
        width, times = widths.most_common(1)[0]
        wide = (times / widths.total(), width) if width > 1 else (0.0, 0)
        if wide[0] >= 0.5 and (wide[0] * wide[1], wide[1]) > score:
            best, score = delimiter, (wide[0] * wide[1], wide[1])
    return best


def _records(lines: list[str], delimiter: str) -> list[list[str]]:
    """The rows of the first lines, parted by this delimiter."""
    try:
        return list(
            csv.reader(
                [line + "\n" for line in lines[:SAMPLE_LINES]], delimiter=delimiter
            )
        )
    except csv.Error:
        return []  # a line that is one giant cell by this delimiter is not parted by it


def _spaced(lines: list[str], delimiter: str) -> bool:
    """Whether a space follows every delimiter: then it belongs to the delimiter, as
    csv.Sniffer holds too.
    """
    if delimiter == "\t":
        return False
    # Inside of quotes a space behind a delimiter belongs to the cell.
    sample = "\n".join(line for line in lines[:SAMPLE_LINES] if '"' not in line)
    found = len(re.findall(re.escape(delimiter), sample))
    return found > 0 and found == len(re.findall(re.escape(delimiter) + " ", sample))
