"""Personal data in a table: which columns seem to hold it and how many cells; never a value."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import polars as pl

from schemas.texttable import TextBatch, TextTable

Level = Literal["basic", "sensitive"]


class Detector(NamedTuple):
    """One kind of personal data: cells that match `cell`, in columns whose folded label matches `label`."""

    kind: str
    level: Level
    cell: str
    label: str = ""


NAME_LABEL = r"\b(ho ten|ho va ten|ho dem|chu ho|chu so huu|nguoi|full name|fullname)\b"
OWNER_LABEL = r"\b(ho ten|ho va ten|ho dem|chu ho|chu so huu|chu nha|full name|fullname)\b"
LATITUDE_LABEL, LONGITUDE_LABEL = r"\b(lat|latitude|vi do)\b", r"\b(lon|lng|long|longitude|kinh do)\b"
PHONE_LABEL = r"\b(dien thoai|sdt|so dt|di dong|zalo|lien he|lien lac|hotline|phone|mobile|tel)\b"
BIRTH_LABEL = r"\b(ngay sinh|nam sinh|ngay thang nam sinh|birth|dob)\b"
DETECTORS: tuple[Detector, ...] = (
    # A citizen number is province of birth 001-096, century and sex, year, six digits.
    Detector("citizen-id", "basic", r"^0(?:0[1-9]|[1-8][0-9]|9[0-6])[0-9]{9}$"),
    Detector("old-citizen-id", "basic", r"^[0-9]{9}$", r"\b(cmnd|cmt|cccd|so dinh danh|giay to)\b"),
    Detector("person-tax-code", "basic", r"^8[0-9]{9}$", r"\b(mst|thue|tax)\b"),
    Detector("mobile-phone", "basic", r"^(?:\+84|0)[ .-]?[35789](?:[ .-]?[0-9]){8}$"),
    # Without a plus it is also a plain number of eleven digits: only the label tells.
    Detector("mobile-phone", "basic", r"^84[ .-]?[35789](?:[ .-]?[0-9]){8}$", PHONE_LABEL),
    Detector("email", "basic", r"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+"),
    Detector("plate", "basic", r"^[1-9][0-9][A-Z][A-Z0-9]?[- ]?[0-9]{3}\.?[0-9]{1,2}$"),
    Detector("bank-account", "sensitive", r"^[0-9]{6,19}$", r"\b(tai khoan|stk|so tk|account)\b"),
    Detector("home-address", "basic", r"\S", r"\b(dia chi nha|noi o|thuong tru|tam tru|ho khau|home address)\b"),
)
_MARKED = rf"^(?:{'|'.join(each.cell[1:-1] for each in DETECTORS if not each.label and each.cell[0] == '^')})$"
"""Cells that one of the detectors without a label finds, but for those with an "@"."""


class Beside(NamedTuple):
    """Personal beside a person's name only: cells under `label`, where one under `name` (and one under `also`) is."""

    kind: str
    level: Level
    label: str
    name: str
    also: str = ""


BESIDE: tuple[Beside, ...] = (
    Beside("birth-date-with-name", "basic", BIRTH_LABEL, NAME_LABEL),
    # Where somebody lives: the place of an office or a station stands beside no owner.
    Beside("home-coordinates", "sensitive", LATITUDE_LABEL, OWNER_LABEL, LONGITUDE_LABEL),
    Beside("home-coordinates", "sensitive", LONGITUDE_LABEL, OWNER_LABEL, LATITUDE_LABEL),
)


_VALUE = re.compile(r"[0-9]{6,}|[0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]{1,2}/[0-9]{1,2}/[0-9]{4}|[0-9]{1,3}[.,][0-9]{3,}")


@dataclass(frozen=True, slots=True)
class PersonalColumn:
    """A column that seems to hold personal data: how many of its filled cells do."""

    label: str
    kind: str
    level: Level
    cells: int
    filled: int


def folded(label: str) -> str:
    """A label in lower case, without diacritics, its words parted by single spaces."""
    spread = unicodedata.normalize("NFD", label.replace("đ", "d").replace("Đ", "D"))
    plain = "".join(letter for letter in spread if not unicodedata.combining(letter))
    return " ".join(re.findall(r"[a-z0-9]+", plain.lower()))


class Scan:
    """Counts what looks personal, batch after batch.

    `skip` names positions whose cells cannot be personal by themselves, `known` those that are known to be,
    `narrow` those where only cells that break the schema can be. `also` names one more thing to look for.
    """

    def __init__(
        self,
        labels: Sequence[str],
        *,
        skip: frozenset[int] = frozenset(),
        known: frozenset[int] = frozenset(),
        narrow: frozenset[int] = frozenset(),
        also: str = "",
    ) -> None:
        self.labels = labels
        self._narrow = narrow
        self._marked = _MARKED[:-2] + (f"|{also})$" if also else ")$")
        names = [folded(label) for label in labels]
        self._free = [index for index in range(len(labels)) if index not in skip | known]
        self._plan = [
            (index, detector)
            for index, name in enumerate(names)
            if index not in skip | known
            for detector in DETECTORS
            if not detector.label or re.search(detector.label, name)
        ]
        self._beside = [
            (index, rule, found, others)
            for rule in BESIDE
            for index, name in enumerate(names)
            if index not in known and re.search(rule.label, name)
            if (found := _named(names, rule.name, index)) and ((others := _named(names, rule.also)) or not rule.also)
        ]
        self._cells = [0] * len(self._plan)
        self._filled = [0] * len(labels)
        self._placed = [0] * len(self._beside)

    def batch(self, batch: TextBatch, doubtful: pl.DataFrame | None = None) -> dict[int, pl.Series]:
        """Look at one batch (rows of a wrong width are not looked at); returns which cells may be something.

        `doubtful` says of each cell whether it may break the schema; None: any may.
        """
        frame = batch.frame
        if not frame.height:
            return {}
        marks = self._marks(frame, doubtful)
        self._count(frame, marks)
        seen = {index for index, _ in self._plan} | {index for index, *_ in self._beside}
        filled = [(pl.col(str(index)) != "").sum().alias(f"f{index}") for index in seen]
        beside = [_beside(index, *columns).alias(f"b{n}") for n, (index, _, *columns) in enumerate(self._beside)]
        sums = frame.lazy().select([*filled, *beside]).collect().row(0, named=True) if seen else {}
        self._filled = [count + sums.get(f"f{index}", 0) for index, count in enumerate(self._filled)]
        self._placed = [count + sums[f"b{n}"] for n, count in enumerate(self._placed)]
        return marks

    def _marks(self, frame: pl.DataFrame, doubtful: pl.DataFrame | None) -> dict[int, pl.Series]:
        """Which cells may be something at all: one look for all kinds that need no label."""
        wide = [index for index in self._free if doubtful is None or index not in self._narrow]
        looked = frame.lazy().select(self._mark(pl.col(str(index))).alias(str(index)) for index in wide).collect()
        marks = {index: looked[str(index)] for index in wide}
        if doubtful is not None:
            for index in self._narrow.intersection(self._free):
                some = doubtful[str(index)]
                marks[index] = some & frame.select(self._mark(pl.col(str(index)))).to_series() if some.any() else some
        return marks

    def _mark(self, cell: pl.Expr) -> pl.Expr:
        return cell.str.strip_chars().str.contains(self._marked) | cell.str.contains("@", literal=True)

    def _count(self, frame: pl.DataFrame, marks: dict[int, pl.Series]) -> None:
        some = {index: frame[str(index)].filter(mark) for index, mark in marks.items() if mark.any()}
        for number, (index, detector) in enumerate(self._plan):
            cells = frame[str(index)] if detector.label else some.get(index)
            if cells is not None:
                self._cells[number] += int(cells.str.strip_chars().str.contains(detector.cell).sum())

    def result(self) -> tuple[PersonalColumn, ...]:
        """The columns with at least one such cell, in the order of the table."""
        found = [
            (index, PersonalColumn(self.labels[index], detector.kind, detector.level, cells, self._filled[index]))
            for (index, detector), cells in zip(self._plan, self._cells, strict=True)
            if cells
        ]
        found += [
            (index, PersonalColumn(self.labels[index], rule.kind, rule.level, cells, self._filled[index]))
            for (index, rule, *_), cells in zip(self._beside, self._placed, strict=True)
            if cells
        ]
        return tuple(column for _, column in sorted(found, key=lambda entry: entry[0]))


def _named(names: Sequence[str], label: str, but: int = -1) -> tuple[int, ...]:
    return tuple(i for i, name in enumerate(names) if label and i != but and re.search(label, name))


def _beside(index: int, names: Sequence[int], others: Sequence[int]) -> pl.Expr:
    filled = pl.col(str(index)) != ""
    for columns in (names, others):
        if columns:
            filled &= pl.any_horizontal(pl.col(str(column)) != "" for column in columns)
    return filled.sum()


def is_value(text: str) -> bool:
    """Whether the name of a column is no name but a value: personal data, a long number, a day, a coordinate."""
    bare = text.strip()
    return bool(_VALUE.fullmatch(bare)) or any(not each.label and re.search(each.cell, bare) for each in DETECTORS)


def scan(table: TextTable) -> tuple[PersonalColumn, ...]:
    """Every column of a table that seems to hold personal data; reads the whole table."""
    whole = Scan(table.labels)
    for batch in table.batches():
        whole.batch(batch)
    return whole.result()


def undropped(labels: Sequence[str], schema: Mapping[str, Any]) -> tuple[str, ...]:
    """Fields tagged as personal data to be dropped that a table still has: it must not become open with them."""
    present = {label.strip() for label in labels}
    return tuple(
        str(field["name"])
        for field in schema.get("fields", ())
        if str(field.get("pd") or "none") != "none" and field.get("treatment") == "drop" and field["name"] in present
    )
