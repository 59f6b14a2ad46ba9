"""OwnChecks: runs our own checks over the batches of one table, beside Frictionless'
rules.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

from portal.quality import deadline, personal
from portal.quality.checks import rules as table_rules
from portal.quality.checks.catalogue import MESSAGES, SEVERITIES
from portal.quality.checks.series import Series, is_bare
from portal.quality.checks.standards import standards
from portal.quality.findings.collector import Collector
from portal.quality.frictionless.engine import Column, Rules
from portal.quality.frictionless.keys import PART, References
from portal.reading import totals
from schemas.texttable import ROW, TextBatch, TextTable

CODE_PATTERN = re.compile(r"^[(^]*(\[0-9\]|\\d|[0-9])")
DIGIT = re.compile(r"(?:\[0-9\]|\\d|[0-9])(?:\{([0-9]+)(?:,([0-9]+))?\})?")
DIGITS_ALONE = re.compile(rf"\^?(?:{DIGIT.pattern})+\$?")
FEW_DIGITS = re.compile("[0-9]+")
LONGEST = 255
"""No code is as long."""
LONGEST_LIST = 2000
"""Values of a closed list that are looked at; longer lists are looked at cell by
cell.
"""
NINE = 9
"""A number of a person has as many digits at least."""
HEAD = 500
SEPARATED = r"^-?[0-9]{1,3}([.,][0-9]{3})+$"
PLAIN_DIGITS = 4
PLAIN = rf"^-?[0-9]{{{PLAIN_DIGITS},}}$"
OTHER_DECIMALS = r"[.,]([0-9]{1,2}|[0-9]{4,})$"


class OwnChecks:
    """Collects what only our own checks look for; says the rest when the table ends."""

    def __init__(
        self,
        table: TextTable,
        schema: Mapping[str, Any],
        rules: Rules,
        collector: Collector,
        references: References,
    ) -> None:
        self._references = references
        self.table, self.rules, self.collector = table, rules, collector
        self._checks = tuple(schema.get("checks") or ())
        wanted = (
            set().union(*map(table_rules.columns_of, self._checks))
            if self._checks
            else set()
        )
        self._indexes = {
            i: c.name for i, c in enumerate(rules.columns) if c.name in wanted
        }
        self._frames: list[pl.DataFrame] = []
        self._scan = personal.Scan(
            table.labels, narrow=_narrow(rules), tagged=_known(rules)
        )
        self._named = _strictest(rules, table.labels)
        self._words = _worded(rules, len(table.labels))
        self._codes = [i for i, c in enumerate(rules.columns) if _is_code(c)]
        self._numbers = [
            i
            for i, c in enumerate(rules.columns)
            if c.rule.type in ("integer", "number")
        ]
        self._seen: dict[tuple[str, int], list[int]] = {}
        self._lengths: dict[int, Counter[int]] = {}
        self._failed: dict[int, dict[int, list[int]]] = {}
        self._hashes: list[pl.DataFrame] = []
        self._series = Series(table.labels) if is_bare(schema) else None
        self._personal(schema)
        for note in table.notes:
            if note.code in MESSAGES:
                self._say(note.code, row=note.row, detail=note.detail)

    def _say(self, check: str, **where: Any) -> None:
        self.collector.add(
            check, severity=SEVERITIES[check], messages=MESSAGES, order=8, **where
        )

    def _personal(self, schema: Mapping[str, Any]) -> None:
        """Columns that an open table must not have."""
        if schema.get("access_kind", "open") == "open":
            for name in personal.fields_to_drop(self.table.labels, schema):
                self._say("personal-column", field=name, verdict="error")

    def batch(self, batch: TextBatch, part: int, flags: pl.DataFrame) -> None:
        """Look at one batch; `flags` says which cells are not valid beyond doubt."""
        frame = batch.frame
        self._scan.batch(batch, flags)  # also where all rows have a wrong width
        if not frame.height:
            return
        if self._checks:
            columns = [
                pl.col(str(index)).alias(name) for index, name in self._indexes.items()
            ]
            self._frames.append(
                frame.select(ROW, pl.lit(part, pl.Int32).alias(PART), *columns)
            )
        if self._series:
            self._series.batch(frame, part)
        self._repeated_header(frame, part, flags)
        self._totals(frame, part, flags)
        self._remember(frame, part)
        for index in self._codes:
            deadline.check()
            self._code(frame, index, flags[str(index)])
        for index in self._numbers:
            if ("decimal", index) not in self._seen:
                self._separators(frame, index, flags[str(index)])

    def _repeated_header(
        self, frame: pl.DataFrame, part: int, flags: pl.DataFrame
    ) -> None:
        rest = frame if self._named is None else frame.filter(flags[str(self._named)])
        for index, label in enumerate(self.table.labels):
            if not rest.height:
                return
            rest = rest.filter(pl.col(str(index)).str.strip_chars() == label.strip())
        for row in rest[ROW].to_list():
            self._say("repeated-header", row=row, part=part)

    def _totals(self, frame: pl.DataFrame, part: int, flags: pl.DataFrame) -> None:
        found: set[int] = set()
        for index, free in self._words.items():
            # Where the word itself would be an error, only doubtful cells can hold it.
            some = None if free else flags[str(index)]
            if some is None or some.any():
                rows = frame if some is None else frame.filter(some)
                found.update(
                    rows.filter(pl.col(str(index)).str.contains(totals.PATTERN))[
                        ROW
                    ].to_list()
                )
        for row in sorted(found):
            self._say("total-row", row=row, part=part)

    def _remember(self, frame: pl.DataFrame, part: int) -> None:
        """Hashes of whole rows; where a key is declared, the key finds repeated rows
        already.
        """
        if self.rules.primary or self.rules.unique or not self.rules.columns:
            return
        cells = pl.struct(str(index) for index in range(len(self.table.labels)))
        self._hashes.append(
            frame.select(
                ROW, pl.lit(part, pl.Int32).alias(PART), cells.hash().alias("hash")
            )
        )

    def _code(self, frame: pl.DataFrame, index: int, doubtful: pl.Series) -> None:
        """Codes that fail their pattern: numbers with ".0", and how long those of
        digits alone are.
        """
        column = self.rules.columns[index]
        self._lengths.setdefault(index, Counter()).update(_lengths(frame[str(index)]))
        if not doubtful.any():
            return
        cells = frame[str(index)].filter(doubtful).to_list()
        for row, cell in zip(frame[ROW].filter(doubtful).to_list(), cells, strict=True):
            digits, dot, rest = cell.partition(".")
            if (
                rest not in ("", "0")
                or not FEW_DIGITS.fullmatch(digits)
                or column.accepts(cell)
            ):
                continue
            if rest:
                self._seen.setdefault(("code-float", index), [0, row])[0] += 1
            elif not dot:
                self._failed.setdefault(index, {}).setdefault(len(digits), [0, row])[
                    0
                ] += 1

    def _separators(self, frame: pl.DataFrame, index: int, doubtful: pl.Series) -> None:
        """Numbers like "28.717" are in doubt as long as no other number of the column
        shows its decimals.
        """
        cells = frame[str(index)]
        # A plain integer is beyond doubt and has no separator.
        rows = (
            frame.select(ROW, str(index))
            if self.rules.columns[index].rule.type == "number"
            else None
        )
        if rows is None and doubtful.any():
            rows = frame.select(ROW, str(index)).filter(doubtful)
        if rows is not None and _some(rows[str(index)], OTHER_DECIMALS):
            self._seen["decimal", index] = [1, 0]
            return
        if rows is not None:
            self._note(
                "ambiguous-number",
                index,
                rows.filter(pl.col(str(index)).str.contains(SEPARATED))[ROW],
            )
        if (
            ("plain", index) not in self._seen
            and _longest(cells) >= PLAIN_DIGITS
            and _some(cells, PLAIN)
        ):
            self._seen["plain", index] = [1, 0]

    def _note(self, check: str, index: int, rows: pl.Series) -> None:
        if len(rows):
            known = self._seen.setdefault((check, index), [0, int(rows[0])])
            known[0] += len(rows)

    def finish(self) -> None:
        """Say what only the whole table shows."""
        self._say_columns()
        self._say_duplicates()
        self._say_personal()
        for check, hit in self._series.hits() if self._series else ():
            self._say(check, row=hit.row, part=hit.part, field=hit.field, note=hit.note)
        if self._checks:
            texts = dict.fromkeys(self._indexes.values(), pl.String)
            none = pl.DataFrame(schema={ROW: pl.Int64, PART: pl.Int32, **texts})
            self._say_rules(
                table_rules.Frame(pl.concat([none, *self._frames]), self.rules)
            )

    def _say_columns(self) -> None:
        for (check, index), (times, row) in self._seen.items():
            ambiguous = ("plain", index) in self._seen and (
                "decimal",
                index,
            ) not in self._seen
            if check == "code-float" or (check == "ambiguous-number" and ambiguous):
                self._say_column(check, index, times, row)
        for index, failed in self._failed.items():
            usual = max(
                self._lengths[index],
                key=lambda length: (self._lengths[index][length], length),
            )
            short = [counted for length, counted in failed.items() if length < usual]
            if short:
                self._say_column(
                    "code-length",
                    index,
                    sum(c[0] for c in short),
                    min(c[1] for c in short),
                )

    def _say_column(self, check: str, index: int, times: int, row: int) -> None:
        column = self.rules.columns[index]
        self._say(
            check,
            row=row,
            field=column.name,
            title=column.title,
            detail={"times": times},
        )

    def _say_duplicates(self) -> None:
        if not self._hashes:
            return
        # 64 bits over the rows of one table: two different rows are taken for equal
        # about once in 10^7 tables.
        rows = pl.concat(self._hashes)
        if rows["hash"].n_unique() == rows.height:
            return
        again = rows.with_columns(
            pl.col(ROW).first().over("hash").alias("earlier"),
            pl.int_range(pl.len()).over("hash").alias("nth"),
        )
        for row, part, earlier in (
            again.filter(pl.col("nth") > 0).select(ROW, PART, "earlier").iter_rows()
        ):
            self._say("duplicate-row", row=row, part=part, detail={"earlier": earlier})

    def _say_personal(self) -> None:
        for column in self._scan.result():
            detail = {
                "cells": column.cells,
                "filled": column.filled,
                "kind": column.kind,
                "level": column.level,
            }
            detail["verdict"] = column.verdict
            where = {"field": column.label.strip(), "note": column.kind}
            self._say("personal-data", **where, verdict=column.verdict, detail=detail)

    def _say_rules(self, frame: table_rules.Frame) -> None:
        for check, hit in table_rules.run(
            frame, self._checks, standards(self._checks, self._references)
        ):
            column = next((c for c in self.rules.columns if c.name == hit.field), None)
            self.collector.add(
                check["id"],
                row=hit.row or None,
                part=hit.part,
                field=hit.field,
                title=column.title if column else "",
                note="" if column and column.personal else hit.note,
                order=7,
                severity=check.get("severity") or SEVERITIES[check["id"]],
                messages=MESSAGES,
                detail={"earlier": hit.earlier},
            )


def _narrow(rules: Rules) -> frozenset[int]:
    """Positions of columns where only cells that break the schema can be personal.

    Days, yes and no, codes of a few digits, and closed lists whose own values are
    nothing personal.
    """
    return frozenset(
        index for index, column in enumerate(rules.columns) if _is_narrow(column)
    )


def _is_narrow(column: Column) -> bool:
    rule = column.rule
    if column.enum is not None:
        return len(column.enum) <= LONGEST_LIST and not any(
            personal.is_value(str(value)) for value in column.enum
        )
    if rule.type in ("date", "datetime", "time", "boolean", "year", "yearmonth"):
        return str(rule.format or "default") == "default"
    return rule.type == "string" and _digits(
        str(rule.constraints.get("pattern", ""))
    ) in range(1, NINE)


def _digits(pattern: str) -> int:
    """How many digits a pattern of digits alone allows at most, 0 for any other
    pattern.
    """
    if not DIGITS_ALONE.fullmatch(pattern):
        return 0
    return sum(int(most or exactly or 1) for exactly, most in DIGIT.findall(pattern))


def _strictest(rules: Rules, labels: Sequence[str]) -> int | None:
    """Position of a column whose own label would be an error in it, None where there is
    none.
    """
    pairs = enumerate(zip(rules.columns, labels, strict=False))
    return next(
        (
            index
            for index, (column, label) in pairs
            if not column.accepts(label.strip())
        ),
        None,
    )


def _worded(rules: Rules, width: int) -> dict[int, bool]:
    """The columns that total rows are told by, and whether the words would be good
    values there.
    """
    columns = rules.columns
    first = range(min(width, totals.COLUMNS))
    return {
        index: index >= len(columns) or columns[index].accepts("Tổng cộng")
        for index in first
    }


def _lengths(cells: pl.Series) -> dict[int, int]:
    """How many cells have each length in bytes; what is longer than any code counts as
    one length.
    """
    counts = np.bincount(np.minimum(cells.str.len_bytes().to_numpy(), LONGEST))
    return {int(length): int(counts[length]) for length in np.flatnonzero(counts)}


def _longest(cells: pl.Series) -> int:
    return int(cells.str.len_bytes().to_numpy().max(initial=0))


def _some(cells: pl.Series, pattern: str) -> bool:
    """Whether any cell matches; most columns show it in their first cells."""
    return bool(
        cells.head(HEAD).str.contains(pattern).any()
        or cells.slice(HEAD).str.contains(pattern).any()
    )


def _known(rules: Rules) -> frozenset[int]:
    """Positions of columns that are known to be personal."""
    return frozenset(
        index for index, column in enumerate(rules.columns) if column.personal
    )


def _is_code(column: Column) -> bool:
    """Whether the column holds codes of digits: a text whose pattern starts with
    digits.
    """
    pattern = column.rule.constraints.get("pattern")
    return (
        column.rule.type == "string"
        and bool(pattern)
        and CODE_PATTERN.match(str(pattern)) is not None
    )
