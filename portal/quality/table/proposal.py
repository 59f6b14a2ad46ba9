"""A Table Schema proposed for a table: codes stay texts, Vietnamese dates and decimals
are seen, titles are kept.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from portal.quality import personal
from portal.quality.checks.code_columns import is_code
from portal.quality.personal import fold
from schemas.texttable import TextTable

MISSING = ("", "NA", "N/A", "-", "...", "…", "không có", "KXĐ", "null")
MOST_ROWS = 500_000
MOST_CHOICES, FEWEST_ROWS = 12, 30
LONGEST_CODE = 20
Json = dict[str, Any]
YES_NO = (
    ("true", "false"),
    ("True", "False"),
    ("TRUE", "FALSE"),
    ("có", "không"),
    ("Có", "Không"),
    ("x", ""),
)
DATES = (
    (r"^\d{4}-\d{2}-\d{2}$", "date", "default"),
    (r"^\d{2}/\d{2}/\d{4}$", "date", "%d/%m/%Y"),
    (r"^\d{2}-\d{2}-\d{4}$", "date", "%d-%m-%Y"),
    (r"^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2}", "datetime", "default"),
    (r"^\d{2}/\d{2}/\d{4} \d{2}:\d{2}:\d{2}$", "datetime", "%d/%m/%Y %H:%M:%S"),
)
# The first that fits all cells is taken: plain integers would fit every pattern.
NUMBERS: tuple[tuple[str, Json], ...] = (
    (r"^-?(0|[1-9]\d*)$", {"type": "integer"}),
    (r"^-?(0|[1-9]\d*)(\.\d+)?$", {"type": "number"}),
    (r"^-?(0|[1-9]\d*)(,\d+)?$", {"type": "number", "decimalChar": ","}),
    (
        r"^-?[1-9]\d{0,2}(\.\d{3})*,\d+$|^-?\d{1,3}(\.\d{3})+(,\d+)?$|^-?\d+$",
        {"type": "number", "decimalChar": ",", "groupChar": "."},
    ),
    (
        r"^-?[1-9]\d{0,2}(,\d{3})*\.\d+$|^-?\d{1,3}(,\d{3})+(\.\d+)?$|^-?\d+$",
        {"type": "number", "groupChar": ","},
    ),
)
AMBIGUOUS = r"^-?[1-9]\d{0,2}[.,]\d{3}$"
"""A number that is a thousand to one reader and a fraction to another."""


@dataclass
class ColumnProfile:
    """What is known of one column: its distinct values, and how often each stands
    there.
    """

    label: str
    rows: int = 0
    blank: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    spaced: set[str] = field(default_factory=set)
    """Signs for "missing" with spaces around them, as they are written."""

    @property
    def filled(self) -> list[str]:
        """The distinct values that are there."""
        return list(self.counts)

    def all(self, pattern: str) -> bool:
        """Whether every value matches."""
        compiled = re.compile(pattern)
        return bool(self.counts) and all(compiled.search(text) for text in self.counts)


@dataclass(frozen=True, slots=True)
class Proposal:
    """A descriptor, and what a person ought to look at before it is used, in both
    languages.
    """

    schema: Json
    notes: tuple[Mapping[str, str], ...]


def propose(table: TextTable, *, ascii_names: bool = False) -> Proposal:
    """Propose the schema of a table; the table is valid against it, but for what only a
    person can know.

    With `ascii_names` fields are named in snake_case ASCII, and the header has to be
    renamed so.
    """
    seen = _look(table)
    notes: list[Mapping[str, str]] = []
    persons = {each.label.strip(): each for each in personal.scan(table)}
    fields = []
    for column in seen:
        described = _field(column, notes)
        found = persons.get(column.label)
        if found is not None:
            described |= {"pd": found.level, "treatment": "drop"}
            notes.append(
                _note(
                    column.label,
                    f"có vẻ là dữ liệu cá nhân ({found.kind}): phải bỏ khỏi bảng mở",
                    f"seems to be personal data ({found.kind}): to be dropped from an "
                    "open table",
                )
            )
        if ascii_names:
            described["name"] = snake(column.label)
        fields.append(described)
    key = next((i for i, column in enumerate(seen) if _unique(column)), None)
    spaced = sorted(set().union(*(column.spaced for column in seen)))
    schema: Json = {"fields": fields, "missingValues": [*MISSING, *spaced]}
    if key is not None:
        schema["primaryKey"] = [fields[key]["name"]]
        fields[key].setdefault("constraints", {})["required"] = True
    return Proposal(schema, tuple(notes))


def snake(label: str) -> str:
    """A label as a name: lower-case ASCII words joined by underscores."""
    name = fold(label).replace(" ", "_") or "cot"
    return name if name[0].isalpha() else f"c_{name}"


def _note(field: str, vi: str, en: str) -> Mapping[str, str]:
    return {"field": field, "vi": vi, "en": en}


def _look(table: TextTable) -> list[ColumnProfile]:
    """What the first MOST_ROWS rows show of each column."""
    seen = [ColumnProfile(label.strip()) for label in table.labels]
    rows = 0
    for batch in table.batches():
        for index, column in enumerate(seen):
            cells = batch.frame[str(index)]
            column.rows += len(cells)
            for text, times in cells.value_counts().iter_rows():
                # Frictionless compares such signs exactly: one with spaces around it
                # has to be listed as it is written.
                if text.strip() in MISSING or text in MISSING:
                    column.blank += times
                    column.spaced |= {text} - set(MISSING)
                else:
                    column.counts[text] = column.counts.get(text, 0) + times
        rows += batch.frame.height
        if rows >= MOST_ROWS:
            break
    return seen


def _unique(column: ColumnProfile) -> bool:
    """Whether a column of codes is filled in every row and never repeats."""
    return (
        # A column of measurements may be without repetition by chance.
        is_code(column.label)
        and column.rows > 0
        and not column.blank
        and len(column.counts) == column.rows
    )


def _field(column: ColumnProfile, notes: list[Mapping[str, str]]) -> Json:
    """The description of one column; adds to `notes` what a person has to confirm."""
    described: Json = {
        "name": column.label,
        **_type(column, notes),
        "title": column.label,
    }
    constraints: Json = {}
    if column.rows and not column.blank:
        constraints["required"] = True
    if described["type"] == "string":
        constraints |= _pattern(column) or _choices(column)
    return {
        **described,
        **({"constraints": constraints} if constraints else {}),
        "pd": "none",
        "treatment": "keep",
    }


def _type(column: ColumnProfile, notes: list[Mapping[str, str]]) -> Json:
    """The type of one column and how it is read; a text where nothing fits."""
    if not column.counts:
        notes.append(
            _note(
                column.label,
                "cột trống: chưa biết kiểu",
                "an empty column: its type is unknown",
            )
        )
        return {"type": "string"}
    # Before all numbers, as which codes would lose their leading zeros.
    if is_code(column.label) or (
        column.all(r"^\d+$") and any(re.match(r"^0\d", text) for text in column.counts)
    ):
        return {"type": "string"}
    # Before integers, which most years are too.
    for kind in (_boolean, _year, _date):
        found = kind(column)
        if found:
            return found
    return _number(column, notes) or {"type": "string"}


def _boolean(column: ColumnProfile) -> Json | None:
    """The words for yes and no that make up a column; None where it has others."""
    for true, false in YES_NO:
        if (
            set(column.counts) <= {true, false}
            and true in column.counts
            # An empty cell is missing before it can mean "no".
            and (false or not column.blank)
        ):
            plain = true.lower() == "true"
            return (
                {"type": "boolean"}
                if plain
                else {"type": "boolean", "trueValues": [true], "falseValues": [false]}
            )
    return None


def _year(column: ColumnProfile) -> Json | None:
    """A column called a year whose cells are years from 1900 to 2099."""
    named = re.search(r"\b(nam|year)\b", fold(column.label))
    return {"type": "year"} if named and column.all(r"^(19|20)\d{2}$") else None


def _date(column: ColumnProfile) -> Json | None:
    """The form of days or moments in which every cell is written."""
    for pattern, kind, written in DATES:
        if column.all(pattern) and _parses(column, kind, written):
            return (
                {"type": kind}
                if written == "default"
                else {"type": kind, "format": written}
            )
    return None


def _parses(column: ColumnProfile, kind: str, written: str) -> bool:
    """Whether every value is a real date: 31/02/2026 is not, and 12/31/2026 is written
    the other way round.
    """
    texts = pl.Series(column.filled)
    format_ = (
        {"date": "%Y-%m-%d", "datetime": None}[kind]
        if written == "default"
        else written
    )
    read: Callable[..., pl.Series] = (
        texts.str.to_date if kind == "date" else texts.str.to_datetime
    )
    if format_ is None:
        return True
    return read(format_, strict=False).null_count() == 0


def _number(column: ColumnProfile, notes: list[Mapping[str, str]]) -> Json | None:
    """How the numbers of a column are written; notes those that can be read in two
    ways.
    """
    for pattern, described in NUMBERS:
        if column.all(pattern):
            if any(re.search(AMBIGUOUS, text) for text in column.counts):
                written = (described.get("groupChar") and "hàng nghìn") or "thập phân"
                english = (described.get("groupChar") and "thousands") or "decimals"
                notes.append(
                    _note(
                        column.label,
                        f"số như “28.717” được hiểu là {written}: hãy xác nhận",
                        f"numbers like '28.717' are taken for {english}: please "
                        "confirm",
                    )
                )
            return dict(described)
    return None


def _pattern(column: ColumnProfile) -> Json:
    """The pattern of codes of one length."""
    if not column.counts or not column.all(r"^\d+$"):
        return {}
    lengths = {len(text) for text in column.counts}
    if len(lengths) == 1 and max(lengths) <= LONGEST_CODE:
        return {"pattern": f"^[0-9]{{{lengths.pop()}}}$"}
    return {}


def _choices(column: ColumnProfile) -> Json:
    """The closed list of a column in which few values stand often."""
    few = 1 < len(column.counts) <= MOST_CHOICES and column.rows >= FEWEST_ROWS
    return (
        {"enum": sorted(column.counts)}
        if few and len(column.counts) * 5 <= column.rows
        else {}
    )
