"""Checks that a Table Schema asks for in its "checks": rules across the cells of a row,
and along time.
"""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import polars as pl

from portal.quality.frictionless.engine import Rules
from portal.quality.frictionless.keys import PART
from portal.quality.frictionless.prefilter import is_missing
from schemas.texttable import ROW


class Hit(NamedTuple):
    """One row that breaks a rule; row 0 means the whole table."""

    part: int
    row: int
    field: str = ""
    note: str = ""
    earlier: int = 0


class Frame:
    """The columns that the rules need, as written, and how to read them as values."""

    def __init__(self, data: pl.DataFrame, rules: Rules) -> None:
        self.data, self.rules = data, rules

    def text(self, name: str) -> pl.Expr:
        """The cell as written, null where it says that there is no value."""
        index = self.rules.index(name)
        if index is None:
            raise KeyError(name)
        return pl.when(~is_missing(self.rules.columns[index], name)).then(pl.col(name))

    def number(self, name: str) -> pl.Expr:
        """The cell as a float, null where it is none; declared separators are
        honoured.
        """
        text = self.text(name)
        rule = self.rules.columns[self.rules.index(name) or 0].rule
        if getattr(rule, "group_char", ""):
            text = text.str.replace_all(rule.group_char, "", literal=True)
        if getattr(rule, "decimal_char", ".") != ".":
            text = text.str.replace_all(rule.decimal_char, ".", literal=True)
        value = text.cast(pl.Float64, strict=False)
        return pl.when(value.is_finite()).then(value)

    def value(self, name: str) -> pl.Expr:
        """The cell as something that can be put in order: a number, or else its text
        (ISO dates order as texts).
        """
        index = self.rules.index(name)
        if index is not None and self.rules.columns[index].rule.type in (
            "integer",
            "number",
            "year",
        ):
            return self.number(name)
        return self.text(name)

    def where(self, conditions: Mapping[str, Any]) -> pl.Expr:
        """Rows whose cells are as given, or one of a list; "" asks for a missing
        value.
        """
        found = pl.lit(True)
        for name, wanted in conditions.items():
            cell = self.text(name)
            if isinstance(wanted, list):
                found &= cell.is_in(list(map(str, wanted))).fill_null(False)
            else:
                found &= (
                    cell.is_null()
                    if wanted in ("", None)
                    else (cell == str(wanted)).fill_null(False)
                )
        return found


Params = Mapping[str, Any]


def columns_of(check: Params) -> set[str]:
    """Every column that a check reads."""
    names = {
        *check.get("fields", ()),
        *check.get("key", ()),
        *check.get("by", ()),
        *check.get("where", {}),
    }
    names |= {
        check[part]
        for part in (
            "field",
            "order_by",
            "parameter",
            "when",
            "indicator",
            "value",
            "date",
            "part",
            "commune",
        )
        if part in check
    }
    if "formula" in check:
        names |= _names(check["formula"]) - set(
            re.compile(check.get("pattern", "")).groupindex
        )
    return names


def hits(found: pl.DataFrame, check: Params) -> Iterator[Hit]:
    """A hit for each row found, in the field that a check names; a column "note" says
    why.
    """
    yield from _hits(found, check["field"])


def _hits(found: pl.DataFrame, field: str, *, note: str = "") -> Iterator[Hit]:
    for row in found.iter_rows(named=True):
        yield Hit(
            row[PART],
            row[ROW],
            field,
            note or str(row.get("note") or ""),
            row.get("earlier") or 0,
        )


def _order(frame: Frame, check: Params) -> Iterator[Hit]:
    strict, rows = (
        bool(check.get("strict")),
        frame.data.filter(frame.where(check.get("where", {}))),
    )
    for low, high in zip(check["fields"], check["fields"][1:], strict=False):
        a, b = frame.value(low), frame.value(high)
        broken = rows.filter((a >= b) if strict else (a > b))
        yield from _hits(broken, high, note=f"{low} {'<' if strict else '≤'} {high}")


def _range(frame: Frame, check: Params) -> Iterator[Hit]:
    value, low, high = (
        frame.number(check["field"]),
        check.get("minimum"),
        check.get("maximum"),
    )
    outside = pl.lit(False)
    if low is not None:
        outside |= value < low
    if high is not None:
        outside |= value > high
    note = f"{'' if low is None else low}…{'' if high is None else high}"
    yield from _hits(
        frame.data.filter(frame.where(check.get("where", {})) & outside),
        check["field"],
        note=note,
    )


def _units(frame: Frame, check: Params) -> Iterator[Hit]:
    units: Mapping[str, str] = check["units"]
    parameter, unit = frame.text(check["parameter"]), frame.text(check["field"])
    wanted = parameter.replace_strict(
        list(units), list(units.values()), default=None, return_dtype=pl.String
    )
    note = pl.format("{}: {}", parameter, wanted).alias("note")
    yield from _hits(
        frame.data.filter(unit != wanted).with_columns(note), check["field"]
    )


def _count(frame: Frame, check: Params) -> Iterator[Hit]:
    where = check.get("where", {})
    found = frame.data.filter(frame.where(where)).height
    if found != check["equals"]:
        said = ", ".join(f"{name}={value or '∅'}" for name, value in where.items())
        yield Hit(0, 0, "", f"{said}: {found} ≠ {check['equals']}")


def _person_code(frame: Frame, check: Params) -> Iterator[Hit]:
    yield from _hits(
        frame.data.filter(
            frame.text(check["field"]).str.contains(r"^\s*[0-9]{12}\s*$")
        ),
        check["field"],
    )


def _required_when(frame: Frame, check: Params) -> Iterator[Hit]:
    when = frame.text(check["when"])
    asked = (
        when.is_not_null()
        if "equals" not in check
        else (when == str(check["equals"])).fill_null(False)
    )
    note = check["when"] + (f" = {check['equals']}" if "equals" in check else "")
    yield from _hits(
        frame.data.filter(asked & frame.text(check["field"]).is_null()),
        check["field"],
        note=note,
    )


def _small_cell(frame: Frame, check: Params) -> Iterator[Hit]:
    value = frame.number(check["field"])
    yield from _hits(
        frame.data.filter(value < check["minimum"]),
        check["field"],
        note=f"< {check['minimum']}",
    )


def _series(frame: Frame, check: Params) -> tuple[pl.DataFrame, list[str]]:
    """Rows in order of time within each key, their number in "now" and the one before
    in "before".
    """
    keys = list(check.get("key", ())) or [PART]
    by = (
        [frame.value(check["order_by"])]
        if "order_by" in check
        else [pl.col(PART), pl.col(ROW)]
    )
    rows = frame.data.with_columns(frame.number(check["field"]).alias("now")).filter(
        pl.col("now").is_not_null()
    )
    rows = rows.sort([*keys, *by], maintain_order=True)
    return rows.with_columns(pl.col("now").shift(1).over(keys).alias("before")), keys


def _jump(frame: Frame, check: Params) -> Iterator[Hit]:
    rows, _ = _series(frame, check)
    change = (pl.col("now") - pl.col("before")) / pl.col("before").abs() * 100
    note = pl.format(
        "{} → {} ({}%)",
        _short("before"),
        _short("now"),
        change.round(0).cast(pl.Int64, strict=False),
    )
    found = rows.filter(
        (pl.col("before") != 0) & (change.abs() > check["percent"])
    ).with_columns(note.alias("note"))
    yield from _hits(found, check["field"])


def _unit_slip(frame: Frame, check: Params) -> Iterator[Hit]:
    rows, keys = _series(frame, check)
    factor = float(check.get("factor", 1000))
    ratio = pl.col("now") / pl.col("now").median().over(keys)
    slipped = ratio.is_between(factor / 4, factor * 4) | (1 / ratio).is_between(
        factor / 4, factor * 4
    )
    note = pl.format("{}, ×{}", _short("now"), pl.lit(f"{factor:g}")).alias("note")
    yield from _hits(rows.filter(slipped).with_columns(note), check["field"])


def _stuck(frame: Frame, check: Params) -> Iterator[Hit]:
    rows, keys = _series(frame, check)
    new = (
        (pl.col("now") != pl.col("before"))
        .fill_null(True)
        .cast(pl.Int64)
        .cum_sum()
        .over(keys)
        .alias("run")
    )
    runs = rows.with_columns(new).with_columns(
        pl.len().over([*keys, "run"]).alias("times")
    )
    first = runs.filter(pl.col("times") >= check["times"]).unique(
        [*keys, "run"], keep="first", maintain_order=True
    )
    note = pl.format("{} × {}", _short("now"), pl.col("times")).alias("note")
    yield from _hits(first.with_columns(note), check["field"])


def _non_decreasing(frame: Frame, check: Params) -> Iterator[Hit]:
    order = check["order_by"]
    year = frame.text(order).str.head(4).alias("_year")
    yearly = check.get("within") == "year"
    wider = Frame(frame.data.with_columns(year), frame.rules)
    keyed = {**check, "key": [*check["key"], *(["_year"] if yearly else [])]}
    rows, _ = _series(wider, keyed)
    note = pl.format("{} → {}", _short("before"), _short("now")).alias("note")
    yield from _hits(
        rows.filter(pl.col("now") < pl.col("before")).with_columns(note), check["field"]
    )


def _gap(frame: Frame, check: Params) -> Iterator[Hit]:
    keys, order = list(check["key"]), check["order_by"]
    # Offsets are cut off: within one station they are the same, and only differences
    # count.
    time = (
        frame.text(order)
        .str.head(19)
        .str.replace(" ", "T", literal=True)
        .str.to_datetime("%Y-%m-%dT%H:%M:%S", strict=False)
    )
    rows = (
        frame.data.with_columns(time.alias("now"))
        .filter(pl.col("now").is_not_null())
        .sort([*keys, "now"])
    )
    minutes = (
        (pl.col("now") - pl.col("now").shift(1).over(keys))
        .dt.total_minutes()
        .alias("minutes")
    )
    late = rows.with_columns(minutes).filter(pl.col("minutes") > check["minutes"])
    yield from _hits(
        late.with_columns(pl.format("{} min", "minutes").alias("note")), order
    )


def _distinct_coordinates(frame: Frame, check: Params) -> Iterator[Hit]:
    names = list(check["fields"])
    rows = frame.data.select(
        PART, ROW, *(frame.number(name).alias(name) for name in names)
    ).drop_nulls()
    again = rows.with_columns(pl.col(ROW).first().over(names).alias("earlier")).filter(
        pl.col("earlier") != pl.col(ROW)
    )
    yield from _hits(again, names[0])


def _row_formula(frame: Frame, check: Params) -> Iterator[Hit]:
    if "formulas" in check:
        yield from _indicator_formulas(frame, check)
        return
    wanted = formula(check["formula"], frame.number)
    yield from _differing(
        frame.data.with_columns(wanted.alias("wanted")),
        frame.number(check["field"]),
        check,
        check["field"],
    )


def _indicator_formulas(frame: Frame, check: Params) -> Iterator[Hit]:
    """Formulas between the values of several indicators of one unit and period, each in
    a row of its own.
    """
    by, long = (
        list(check["by"]),
        frame.data.with_columns(frame.number(check["value"]).alias("now")),
    )
    for indicator, text in check["formulas"].items():
        rows = long.filter(pl.col(check["indicator"]) == indicator)
        for name in sorted(_names(text)):
            part = long.filter(pl.col(check["indicator"]) == name).select(
                *by, pl.col("now").alias(name)
            )
            rows = rows.join(part.unique(by, keep="first"), on=by, how="inner")
        wanted = formula(text, pl.col)
        yield from _differing(
            rows.with_columns(wanted.alias("wanted")),
            pl.col("now"),
            check,
            check["value"],
        )


def _differing(
    rows: pl.DataFrame, value: pl.Expr, check: Params, field: str
) -> Iterator[Hit]:
    off = (value - pl.col("wanted")).abs()
    # Binary fractions may miss an exact tolerance by a hair.
    broken = rows.filter(
        pl.col("wanted").is_finite() & (off > float(check.get("tolerance", 0)) + 1e-9)
    )
    note = pl.format(
        "{} ≠ {}",
        value.round(3).cast(pl.String),
        pl.col("wanted").round(3).cast(pl.String),
    )
    yield from _hits(broken.with_columns(note.alias("note")), field)


_OPERATORS: dict[type[ast.operator], Callable[[Any, Any], pl.Expr]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}

_COMPARISONS: dict[type[ast.cmpop], Callable[[Any, Any], pl.Expr]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
}


def formula(text: str, column: Callable[[str], pl.Expr]) -> pl.Expr:
    """A formula (+ - * /, parentheses, numbers, column names; < <= > >= ==) as an
    expression. Raises ValueError.
    """

    def build(node: ast.expr) -> pl.Expr:
        match node:
            case ast.BinOp(left, op, right) if type(op) in _OPERATORS:
                return _OPERATORS[type(op)](build(left), build(right))
            case ast.UnaryOp(ast.USub(), inner):
                return -build(inner)
            case ast.Constant(int() | float() as number):
                return pl.lit(float(number))
            case ast.Name(name):
                return column(name)
            case ast.Compare(left, ops, others) if all(
                type(op) in _COMPARISONS for op in ops
            ):
                sides = [build(left), *map(build, others)]
                pairs = zip(ops, sides, sides[1:], strict=False)
                return pl.all_horizontal(
                    _COMPARISONS[type(op)](a, b) for op, a, b in pairs
                )
        raise ValueError(f"not a formula: {text}")

    return build(ast.parse(text, mode="eval").body)


def _names(text: str) -> set[str]:
    return {
        node.id
        for node in ast.walk(ast.parse(text, mode="eval"))
        if isinstance(node, ast.Name)
    }


def _short(name: str) -> pl.Expr:
    return pl.col(name).round(6).cast(pl.String)


RULES: Mapping[str, Callable[[Frame, Params], Iterator[Hit]]] = {
    "order": _order,
    "range": _range,
    "units": _units,
    "count": _count,
    "person-code": _person_code,
    "required-when": _required_when,
    "small-cell": _small_cell,
    "row-formula": _row_formula,
    "jump": _jump,
    "unit-slip": _unit_slip,
    "stuck": _stuck,
    "gap": _gap,
    "non-decreasing": _non_decreasing,
    "distinct-coordinates": _distinct_coordinates,
}
"""By the `id` that a schema's check names; ids that are not here are reported as
unchecked.
"""


def run(
    frame: Frame,
    checks: Sequence[Params],
    more: Mapping[str, Callable[[Frame, Params], Iterator[Hit]]],
) -> Iterator[tuple[Params, Hit]]:
    """The hits of every check that can run on these columns; `more` rules stand beside
    RULES.
    """
    for check in checks:
        rule = {**RULES, **more}.get(str(check.get("id")))
        if rule is None or any(
            frame.rules.index(name) is None for name in columns_of(check)
        ):
            yield {"id": "unchecked"}, Hit(0, 0, "", str(check.get("id")))
            continue
        for hit in rule(frame, check):
            yield check, hit
