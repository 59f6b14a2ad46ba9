"""Unique fields, primary keys and foreign keys over whole tables: hashes first, exact
values on the few candidates.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import polars as pl

from portal.quality.frictionless.engine import Cell, Column, Rules
from portal.quality.frictionless.prefilter import is_missing
from schemas.texttable import ROW, TextBatch

PART = "_part"
NAN = "\0nan"
"""The key of a number that is not equal even to itself."""

References = Callable[[str], Mapping[str, Iterable[Any]] | None]
"""Name of a referenced table -> its columns (parallel lists of texts by field name),
None if it is not known.
"""


@dataclass(frozen=True, slots=True)
class BrokenKey:
    """One row that breaks a key; `more` rows after it break it too and are only
    counted.
    """

    code: str
    part: int
    row: int
    fields: tuple[Column, ...]
    note: str
    values: tuple[str, ...] = ()
    more: int = 0


@dataclass(slots=True)
class KeyColumn:
    """Texts that are equal exactly when the typed values of a column are; null for no
    value.
    """

    column: Column
    identities: dict[Any, str]
    shown: dict[str, str]
    _known: dict[Cell, str | None] = field(default_factory=dict)

    def key(self, cell: Cell) -> str | None:
        """The key of one cell."""
        if cell not in self._known:
            self._known[cell] = self._identity(self.column.read(cell)[0])
        return self._known[cell]

    def _identity(self, value: Any) -> str | None:
        """The key of a typed value; None where there is no value."""
        if value is None:
            return None
        # For these equal values have equal texts. All others go by Python's own
        # equality, as in Frictionless: 1.0 equals 1.00, a moment equals itself in
        # another zone. bool and datetime are named because they are subclasses of int
        # and date.
        if isinstance(value, str | int | dt.date) and not isinstance(
            value, bool | dt.datetime
        ):
            return str(value)
        if isinstance(value, Decimal | float) and value != value:
            return NAN
        try:
            key = self.identities.setdefault(value, f"#{len(self.identities)}")
        # a list or an object: Frictionless itself fails here; equal JSON is the same
        # value
        except TypeError:
            text = json.dumps(value, sort_keys=True, default=str)
            key = self.identities.setdefault(("json", text), f"#{len(self.identities)}")
        self.shown[key] = str(value)
        return key

    def series(self, frame: pl.DataFrame, name: str) -> pl.Series:
        """The keys of a whole column of a batch."""
        rule, cell = self.column.rule, pl.col(name)
        if rule.type == "string" and rule.format == "default":
            plain = pl.when(~is_missing(self.column, name)).then(cell)
            return frame.select(plain.alias(name)).to_series()
        # What polars cannot read as an integer goes to the column's own reader, once
        # for each different text.
        fast = (
            cell.cast(pl.Int64, strict=False).cast(pl.String)
            if rule.type == "integer"
            else pl.lit(None, pl.String)
        )
        fast = pl.when(~is_missing(self.column, name)).then(fast)
        both = frame.select(cell.alias("cell"), fast.alias("key"))
        rest = both.filter(pl.col("key").is_null())["cell"].unique().to_list()
        keys = [self.key(text) for text in rest]
        slow = pl.col("cell").replace_strict(
            rest, keys, default=None, return_dtype=pl.String
        )
        return both.select(pl.coalesce("key", slow).alias(name)).to_series()

    def show(self, key: str | None) -> str:
        """A key as Frictionless prints the typed value."""
        return "None" if key is None else self.shown.get(key, key)


class Keys:
    """Collects the key columns of every batch, then says which rows break a key."""

    def __init__(self, rules: Rules, own_name: str, limit: int) -> None:
        self.rules, self.limit = rules, limit
        self.foreign = [
            key
            for key in rules.foreign
            if all(rules.index(name) is not None for name in key["fields"])
        ]
        self._selves = {"", own_name}
        wanted = {
            *rules.unique,
            *rules.primary,
            *(index for key in rules.more_unique for index in key),
        }
        for key in self.foreign:
            # A key into the table itself needs the columns that it points to as well.
            own = key["reference"] if key["resource"] in self._selves else []
            wanted |= {
                index
                for name in (*key["fields"], *own)
                if (index := rules.index(name)) is not None
            }
        # Shared by all columns, as a foreign key compares keys of one with keys of
        # another.
        identities: dict[Any, str] = {}
        shown: dict[str, str] = {}
        self.columns = {
            index: KeyColumn(rules.columns[index], identities, shown)
            for index in sorted(wanted)
        }
        self._frames: list[pl.DataFrame] = []
        self._unordered = False
        self._again: dict[tuple[int, ...], pl.DataFrame] = {}

    def add(self, batch: TextBatch, part: int) -> None:
        """Take in the key columns of one batch."""
        if not self.columns:
            return
        frame = batch.frame
        keys = [
            column.series(frame, str(index)).alias(str(index))
            for index, column in self.columns.items()
        ]
        self._frames.append(
            frame.select(ROW).with_columns(pl.lit(part, pl.Int32).alias(PART), *keys)
        )
        if batch.ragged:
            # Rows of a wrong width are added behind their batch and put in their place
            # at the end.
            self._unordered = True
            cells = {
                str(i): pl.Series(
                    [c.key(_cell(row.cells, i)) for row in batch.ragged],
                    dtype=pl.String,
                )
                for i, c in self.columns.items()
            }
            numbers = pl.Series(
                ROW, [row.number for row in batch.ragged], dtype=pl.Int64
            )
            self._frames.append(
                pl.DataFrame({ROW: numbers}).with_columns(
                    pl.lit(part, pl.Int32).alias(PART), **cells
                )
            )

    def errors(self, references: References) -> Iterator[BrokenKey]:
        """Every broken key, in the order unique, primary, foreign; unknown references
        give "foreign-key-unchecked".
        """
        if not self._frames:
            return
        whole = pl.concat(self._frames)
        # The batches must not be held in memory beside their copy.
        self._frames.clear()
        if self._unordered:
            whole = whole.sort(PART, ROW)
        for index in self.rules.unique:
            yield from self._repeated(whole, (index,), "unique-error")
        for key in self.rules.more_unique:
            # As a unique constraint in SQL: a row with a missing value repeats no
            # other.
            filled = whole.filter(
                pl.all_horizontal(pl.col(str(index)).is_not_null() for index in key)
            )
            yield from self._told(
                _again(filled, [str(index) for index in key]), key, "unique-error"
            )
        if self.rules.primary:
            yield from self._primary(whole)
        for foreign in self.foreign:
            yield from self._foreign(whole, foreign, references)

    def _repeated(
        self, whole: pl.DataFrame, indexes: tuple[int, ...], code: str
    ) -> Iterator[BrokenKey]:
        """The rows that repeat these columns of an earlier row."""
        # A unique column that is the primary key too is searched once.
        if indexes not in self._again:
            self._again[indexes] = _again(whole, [str(index) for index in indexes])
        yield from self._told(self._again[indexes], indexes, code)

    def _told(
        self, rows: pl.DataFrame, indexes: Sequence[int], code: str
    ) -> Iterator[BrokenKey]:
        """The first rows of a frame of (part, row, earlier row, values …), as many as
        are to be listed.
        """
        columns = tuple(self.rules.columns[index] for index in indexes)
        listed = rows.head(self.limit)
        for number, (part, row, earlier, *values) in enumerate(listed.iter_rows(), 1):
            shown = tuple(
                self.columns[index].show(value)
                for index, value in zip(indexes, values, strict=True)
            )
            # The last row that is listed carries the count of those that are not.
            more = rows.height - listed.height if number == listed.height else 0
            yield BrokenKey(
                code,
                part,
                row,
                columns,
                f"the same as in the row at position {earlier}",
                shown,
                more,
            )

    def _primary(self, whole: pl.DataFrame) -> Iterator[BrokenKey]:
        """Rows whose whole key is empty, then those that repeat a key."""
        indexes = self.rules.primary
        columns = tuple(self.rules.columns[index] for index in indexes)
        empty = whole.filter(
            pl.all_horizontal(pl.col(str(index)).is_null() for index in indexes)
        )
        note = 'cells composing the primary keys are all "None"'
        for part, row in empty.select(PART, ROW).iter_rows():
            yield BrokenKey("primary-key", part, row, columns, note)
        yield from self._repeated(whole, indexes, "primary-key")

    def _foreign(
        self, whole: pl.DataFrame, key: Mapping[str, Any], references: References
    ) -> Iterator[BrokenKey]:
        """Rows whose key the referenced table lacks, or one notice that it is not
        known.
        """
        indexes = [
            index
            for name in key["fields"]
            if (index := self.rules.index(name)) is not None
        ]
        columns = tuple(self.rules.columns[index] for index in indexes)
        known = self._known(whole, key, indexes, references)
        if known is None:
            note = f'the lookup table "{key["resource"]}" is not known'
            yield BrokenKey("foreign-key-unchecked", 0, 0, columns, note)
            return
        names = [str(index) for index in indexes]
        # A key without any value points nowhere, and that is allowed.
        some = whole.select(PART, ROW, *names).filter(
            ~pl.all_horizontal(pl.col(name).is_null() for name in names)
        )
        # A join promises no order of its rows, and only the first are listed.
        lost = some.join(known.unique(), on=names, how="anti", nulls_equal=True).sort(
            PART, ROW
        )
        listed = lost.head(self.limit)
        for number, (part, row, *values) in enumerate(listed.iter_rows(), 1):
            more = lost.height - listed.height if number == listed.height else 0
            shown = tuple(
                self.columns[index].show(value)
                for index, value in zip(indexes, values, strict=True)
            )
            note = (
                f'for "{", ".join(key["fields"])}": values "{", ".join(shown)}" not '
                "found "
                f'in the lookup table "{key["resource"]}" as '
                f'"{", ".join(key["reference"])}"'
            )
            yield BrokenKey("foreign-key", part, row, columns, note, shown, more)

    def _known(
        self,
        whole: pl.DataFrame,
        key: Mapping[str, Any],
        indexes: Sequence[int],
        references: References,
    ) -> pl.DataFrame | None:
        """The referenced keys, in columns named like ours; None where the table or a
        field of it is not known.
        """
        names = [str(index) for index in indexes]
        if key["resource"] in self._selves:
            own = [self.rules.index(name) for name in key["reference"]]
            if any(index is None for index in own):
                return None
            return whole.select(
                pl.col(str(index)).alias(name)
                for index, name in zip(own, names, strict=True)
            )
        found = references(key["resource"])
        if found is None or any(name not in found for name in key["reference"]):
            return None
        columns = {
            name: pl.Series(
                [self.columns[index].key(_text(value)) for value in found[field]],
                dtype=pl.String,
            )
            for name, index, field in zip(names, indexes, key["reference"], strict=True)
        }
        return pl.DataFrame(columns)


def _again(whole: pl.DataFrame, names: Sequence[str]) -> pl.DataFrame:
    """(part, row, earlier row, values …) of the rows that repeat the values of a row
    before them.
    """
    key = pl.col(names[0]) if len(names) == 1 else pl.struct(names)
    some = whole.lazy().filter(
        ~pl.all_horizontal(pl.col(name).is_null() for name in names)
    )
    hashed = some.select(PART, ROW, *names, key.hash().alias("hash")).collect()
    order = [PART, ROW, "r", *names]
    # Most keys are sound, and counting hashes is far cheaper than the windows below.
    if hashed["hash"].n_unique() == hashed.height:
        return (
            hashed.clear().with_columns(pl.lit(None, pl.Int64).alias("r")).select(order)
        )
    # The hash only picks candidates; the window below compares the values themselves.
    return (
        hashed.filter(pl.col("hash").is_duplicated())
        .filter(
            ~pl.any_horizontal((pl.col(name) == NAN).fill_null(False) for name in names)
        )
        # Frictionless names the nearest row before, not the first one.
        .with_columns(pl.col(ROW).shift(1).over(names).alias("r"))
        .filter(pl.col("r").is_not_null())
        .select(order)
    )


def _text(value: Any) -> Cell:
    return None if value is None else str(value)


def _cell(cells: Sequence[str], index: int) -> Cell:
    return cells[index] if index < len(cells) else None
