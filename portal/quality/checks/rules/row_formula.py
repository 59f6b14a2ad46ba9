"""A value that a formula gives: of other cells of its row, or of indicators."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import polars as pl
from marshmallow import validates_schema

from portal.quality.checks import formula
from portal.quality.checks.declared import Example, NotLoaded, RuleCheck
from portal.quality.checks.frame import NOTE, Frame, Hit, hits
from portal.quality.checks.indicators import indicator_column
from portal.quality.checks.parameters import (
    NUMERIC,
    ColumnName,
    ColumnNames,
    Formula,
    Formulas,
    Name,
    Number,
    Parameters,
    wrong,
)
from portal.quality.findings.messages import Message
from portal.quality.findings.report import Text
from portal.quality.frictionless.keys import References

NOW, RIGHT = "_now", "_right"
HAIR = 1e-9
"""Binary fractions may miss an exact tolerance by as much."""


class Asks(Parameters):
    """A column and its formula; or the columns of indicators and values, within what
    they belong together, and formulas by indicator, of the schema, of a list or both.
    """

    field = ColumnName(kinds=NUMERIC)
    formula = Formula()
    indicator = ColumnName()
    value = ColumnName(kinds=NUMERIC)
    by = ColumnNames()
    formulas = Formulas(of="indicator")
    list = Name()
    tolerance = Number(least=0)

    @validates_schema(skip_on_field_errors=True)
    def one_way(self, data: dict[str, Any], **kwargs: Any) -> None:
        """It is told of one row or of indicators, and all that needs."""
        # One parameter of the first way decides that it is meant, so that the refusal
        # names what is missing of that way and not of the other.
        of_row, of_indicators = {"field", "formula"}, {"indicator", "value", "by"}
        given = set(data) - {"severity", "tolerance"}
        needed = of_row if given & of_row else of_indicators
        for parameter in sorted(needed - given):
            raise wrong("thiếu tham số này", "it is missing; add it", parameter)
        rest = given - needed - (set() if needed is of_row else {"formulas", "list"})
        for parameter in sorted(rest):
            raise wrong(
                "không dùng cùng field và formula; hãy bỏ",
                "it does not go with field and formula; leave it out",
                parameter,
            )
        if needed is of_indicators and not given & {"formulas", "list"}:
            raise wrong(
                "cần formulas, list hoặc cả hai",
                "it needs formulas, list or both",
                "formulas",
            )


def run(frame: Frame, asked: dict[str, Any], references: References) -> Iterator[Hit]:
    """Values that differ from their formula by more than `tolerance`."""
    if "formula" not in asked:
        yield from _indicators(frame, asked, _formulas(asked, references))
        return
    right = formula.arithmetic(asked["formula"], frame.number)
    now = frame.number(asked["field"])
    rows = frame.data.with_columns(right.alias(RIGHT), now.alias(NOW))
    yield from _differing(rows, asked, asked["field"])


def _formulas(asked: dict[str, Any], references: References) -> dict[str, str]:
    """Formulas by indicator: those of the list come before those of the schema. Raises
    NotLoaded where there is neither.
    """
    own: dict[str, str] = asked.get("formulas", {})
    if "list" not in asked:
        return own
    try:
        listed = indicator_column(references, asked["list"], "cong_thuc")
    except NotLoaded:
        if not own:
            raise
        return own
    typed = {code: formula.plain(text) for code, text in listed.items()}
    return own | {
        code: text for code, text in typed.items() if formula.is_arithmetic(text)
    }


def _indicators(
    frame: Frame, asked: dict[str, Any], formulas: dict[str, str]
) -> Iterator[Hit]:
    """Formulas between indicators of one unit and period, each in a row of its own."""
    grouping = list(map(frame.key, asked["by"]))
    keys = [each.meta.output_name() for each in grouping]
    now = frame.number(asked["value"]).alias(NOW)
    every = frame.data.with_columns(now, *grouping)
    for indicator, text in formulas.items():
        rows = every.filter(frame.is_any_of(asked["indicator"], [indicator]))
        for name in sorted(formula.names(text)):
            others = every.filter(frame.is_any_of(asked["indicator"], [name]))
            values = others.select(*keys, pl.col(NOW).alias(_of(name)))
            # An indicator that is given twice would multiply the rows of the join.
            one_each = values.unique(keys, keep="first", maintain_order=True)
            # Where a value of the formula is missing, nothing can be said: such rows
            # drop out.
            rows = rows.join(one_each, on=keys, how="inner", nulls_equal=True)
        # Columns of values have names of their own, so that no indicator's code is
        # taken for a key.
        right = formula.arithmetic(text, lambda name: pl.col(_of(name)))
        rows = rows.with_columns(right.alias(RIGHT))
        yield from _differing(rows, asked, asked["value"])


def _of(indicator: str) -> str:
    return f"_value of {indicator}"


def _differing(rows: pl.DataFrame, asked: dict[str, Any], field: str) -> Iterator[Hit]:
    """Rows whose value is further from the formula's than the tolerance."""
    now, right = pl.col(NOW), pl.col(RIGHT)
    allowed = asked.get("tolerance", 0) + HAIR
    # A division by zero gives infinity or NaN, and to polars NaN is larger than any
    # number: every row would be wrong.
    broken = rows.filter(right.is_finite() & ((now - right).abs() > allowed))
    note = pl.format(
        "{} ≠ {}", now.round(3).cast(pl.String), right.round(3).cast(pl.String)
    )
    yield from hits(broken.with_columns(note.alias(NOTE)), field)


CHECK = RuleCheck(
    id="row-formula",
    severity="warning",
    message=Message(
        "Dòng {row}, “{field}”: không khớp công thức ({note}).",
        "Row {row}, '{field}': does not follow its formula ({note}).",
        "Tính lại giá trị hoặc các thành phần.",
        "Compute the value or its parts again.",
    ),
    holds=Text(
        "giá trị bằng công thức của dòng (`field`, `formula`); hoặc chỉ tiêu "
        "bằng công thức của các chỉ tiêu khác cùng đơn vị, cùng kỳ "
        "(`indicator`, `value`, `by`, `formulas`, `list`); công thức của "
        "`list` được dùng trước",
        "equals a formula of its row (`field`, `formula`); or an indicator "
        "equals a formula of others of the same unit and period (`indicator`, "
        "`value`, `by`, `formulas`, `list`); formulas of the `list` come first",
    ),
    parameters=Asks(),
    run=run,
    examples=(
        Example(
            fields={"a": "number", "b": "number"},
            parameters={"field": "b", "formula": "a / 2 * 100", "tolerance": 0.1},
            right="2,100\n,1\n",
            wrong="2,100\n2,100.2\n",
            rows=(3,),
        ),
        Example(
            fields={"ma": "string", "ky": "string", "v": "number"},
            parameters={
                "indicator": "ma",
                "value": "v",
                "by": ["ky"],
                "list": "chi-tieu",
            },
            references={
                "chi-tieu": {
                    "ma": ["T01", "T02", "T03", "T04"],
                    "ky_loai": ["thang", "thang", "thang", "nam"],
                    "cong_thuc": ["", "", "T02 / T01 × 100", "nhiều chữ"],
                    "rang_buoc": ["gia_tri ≥ 0", "", "0 <= gia_tri <= 100", "x < 1"],
                }
            },
            right="T01,1,10\nT02,1,5\nT03,1,50\nT03,2,7\n",
            wrong="T01,1,10\nT02,1,5\nT03,1,60\n",
            rows=(4,),
        ),
    ),
)
