"""What a check of a schema may be told: the kinds of parameters, each refusing what it
is not, in both languages.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import polars as pl
from marshmallow import Schema, ValidationError, fields

from portal.quality.checks import formula
from portal.quality.findings.report import Text

Json = dict[str, Any]
NUMERIC = ("integer", "number", "year", "string", "any")
"""Types of columns whose cells can be computed with; a text may hold a number."""
DAYS = ("date", "datetime", "string", "any")
"""Types of columns whose cells can name a day."""
LONGEST = 60
"""Signs of a wrong value that a message shows."""
REQUIRED = Text("thiếu tham số này; hãy thêm nó", "it is missing; add it")
NULL = Text("không được là null; hãy bỏ tham số", "it must not be null; leave it out")


def wrong(vi: str, en: str, parameter: str = "_schema") -> ValidationError:
    """A refusal in both languages."""
    # marshmallow puts only str and bytes into a list by itself, and joins lists.
    messages: list[Any] = [Text(vi, en)]
    return ValidationError(messages, parameter)


def shown(value: object) -> str:
    """A wrong value for a message: short, and never walked into."""
    if isinstance(value, str):
        cut = value if len(value) <= LONGEST else f"{value[:LONGEST]}…"
        return f"“{cut}”"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, int):
        # Python refuses to write out integers of some thousand digits.
        return str(value) if abs(value) < 10**LONGEST else "…"
    return "[…]" if isinstance(value, list | tuple) else "{…}"


class Parameter(fields.Field[Any]):
    """One parameter. `columns` and `cells` say what a value of it names in the table,
    `kinds` of which types those columns must be (any, where it is empty), `alike`
    whether all must be of one kind.
    """

    kinds: tuple[str, ...] = ()
    alike = False

    def make_error(self, key: str, **kwargs: Any) -> ValidationError:
        """Both refusals that marshmallow itself knows of."""
        text = REQUIRED if key == "required" else NULL
        return wrong(text.vi, text.en)

    def columns(self, value: Any) -> Iterable[str]:
        """The columns that a value names."""
        return ()

    def cells(self, value: Any, params: Json) -> Iterable[tuple[str, Any]]:
        """Columns, and what a value compares their cells with."""
        return ()


class Choice(Parameter):
    """One of a few words."""

    def __init__(self, *words: str, **options: Any) -> None:
        self.words = words
        super().__init__(**options)

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> str:
        """The word. Raises ValidationError for any other."""
        if not isinstance(value, str) or value not in self.words:
            listed = ", ".join(self.words)
            raise wrong(
                f"{shown(value)} không dùng được: chọn một trong {listed}",
                f"{shown(value)} is none of: {listed}",
            )
        return value


class Flag(Parameter):
    """true or false."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> bool:
        """The value. Raises ValidationError for what is neither."""
        if not isinstance(value, bool):
            raise wrong(
                f"{shown(value)} phải là true hoặc false",
                f"{shown(value)} must be true or false",
            )
        return value


class Number(Parameter):
    """A finite number, `whole` where it counts something, from `least` on."""

    def __init__(
        self,
        *,
        whole: bool = False,
        least: float | None = None,
        above: float | None = None,
        most: float = 1e15,
        **options: Any,
    ) -> None:
        self.whole, self.least, self.above, self.most = whole, least, above, most
        super().__init__(**options)

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Any:
        """The number, as an int where it counts. Raises ValidationError."""
        number = finite(value)
        if self.whole and number != int(number):
            raise wrong(
                f"{shown(value)} phải là số nguyên",
                f"{shown(value)} must be a whole number",
            )
        if self.least is not None and number < self.least:
            raise wrong(
                f"{shown(value)} phải từ {self.least:g} trở lên",
                f"{shown(value)} must be {self.least:g} or more",
            )
        if self.above is not None and number <= self.above:
            raise wrong(
                f"{shown(value)} phải lớn hơn {self.above:g}",
                f"{shown(value)} must be more than {self.above:g}",
            )
        if number > self.most:
            raise wrong(
                f"{shown(value)} không được quá {self.most:g}",
                f"{shown(value)} must be {self.most:g} or less",
            )
        return int(value) if self.whole else value


def finite(value: Any) -> float:
    """A number as a float. Raises ValidationError for anything else, NaN included."""
    # NaN stands for all that is no number, so that one refusal serves for everything.
    number = math.nan
    # bool is an int to Python, and true is no number in a schema.
    if isinstance(value, int | float) and not isinstance(value, bool):
        try:
            number = float(value)
        except OverflowError:
            number = math.inf
    if not math.isfinite(number):
        raise wrong(
            f"{shown(value)} phải là một số", f"{shown(value)} must be a number"
        )
    return number


def name(value: Any) -> str:
    """A text that is not blank. Raises ValidationError."""
    if not isinstance(value, str) or not value.strip():
        raise wrong(
            f"{shown(value)} phải là một tên (chữ)", f"{shown(value)} must be a name"
        )
    return value


def several(value: Any, least: int = 1) -> list[Any]:
    """A list of `least` entries or more. Raises ValidationError."""
    if not isinstance(value, list | tuple):
        raise wrong(
            f"{shown(value)} phải là một danh sách", f"{shown(value)} must be a list"
        )
    if len(value) < least:
        raise wrong(
            f"danh sách phải có từ {least} mục trở lên",
            f"the list must have {least} or more entries",
        )
    return list(value)


class Name(Parameter):
    """A name that is no column's: of a list of the catalogue."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> str:
        return name(value)


class ColumnName(Parameter):
    """A column of the table, of one of the types `kinds`."""

    def __init__(self, *, kinds: tuple[str, ...] = (), **options: Any) -> None:
        self.kinds = kinds
        super().__init__(**options)

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> str:
        return name(value)

    def columns(self, value: Any) -> Iterable[str]:
        """The one that it names."""
        return (value,)


class ColumnNames(Parameter):
    """Columns of the table, each once: from `least` on, or `exactly` so many."""

    def __init__(
        self,
        *,
        least: int = 1,
        exactly: int = 0,
        kinds: tuple[str, ...] = (),
        alike: bool = False,
        **options: Any,
    ) -> None:
        self.least, self.exactly = exactly or least, exactly
        self.kinds, self.alike = kinds, alike
        super().__init__(**options)

    def _deserialize(
        self, value: Any, attr: Any, data: Any, **kwargs: Any
    ) -> list[str]:
        """The names as a list. Raises ValidationError."""
        listed = [name(each) for each in several(value, self.least)]
        if self.exactly and len(listed) != self.exactly:
            raise wrong(
                f"phải nêu đúng {self.exactly} cột",
                f"it must name exactly {self.exactly} columns",
            )
        repeated = [each for each in listed if listed.count(each) > 1]
        if repeated:
            raise wrong(
                f"cột {shown(repeated[0])} bị lặp; nêu mỗi cột một lần",
                f"the column {shown(repeated[0])} is repeated; name each once",
            )
        return listed

    def columns(self, value: Any) -> Iterable[str]:
        """All that it names."""
        return tuple(value)


def cell_value(value: Any) -> Any:
    """What a cell can be compared with: a text, a number, true or false. Raises
    ValidationError.
    """
    if isinstance(value, str | bool):
        return value
    if isinstance(value, int | float):
        finite(value)
        return value
    raise wrong(
        f"{shown(value)} phải là chữ, số, true hoặc false",
        f"{shown(value)} must be a text, a number, true or false",
    )


class CellValue(Parameter):
    """A value that the cells of the column named by the parameter `of` are compared
    with.
    """

    def __init__(self, of: str, **options: Any) -> None:
        self.of = of
        super().__init__(**options)

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Any:
        return cell_value(value)

    def cells(self, value: Any, params: Json) -> Iterable[tuple[str, Any]]:
        """The one column, and the value."""
        return ((params[self.of], value),)


class Conditions(Parameter):
    """Columns, and the value that each has, or a list of such values; "" and null ask
    for missing ones.
    """

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Json:
        """The conditions by column. Raises ValidationError."""
        if not isinstance(value, Mapping):
            raise wrong(
                f'{shown(value)} phải có dạng {{"cột": giá trị}}',
                f'{shown(value)} must be of the form {{"column": value}}',
            )
        return {name(column): _condition(each) for column, each in value.items()}

    def columns(self, value: Any) -> Iterable[str]:
        """Those with a condition."""
        return tuple(value)

    def cells(self, value: Any, params: Json) -> Iterable[tuple[str, Any]]:
        """Every value of every condition."""
        for column, given in value.items():
            for each in given if isinstance(given, list) else [given]:
                yield column, each


def _condition(value: Any) -> Any:
    """One condition as it is used: null, a value or a list of values."""
    if value is None:
        return value
    if isinstance(value, list | tuple):
        return [cell_value(each) for each in several(value)]
    return cell_value(value)


class PerValue(Parameter):
    """What holds for each value of the column that the parameter `of` names: a text or
    a number.
    """

    def __init__(self, of: str, *, numbers: bool = False, **options: Any) -> None:
        self.of, self.numbers = of, numbers
        super().__init__(**options)

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Json:
        read = finite if self.numbers else name
        return {name(key): read(each) for key, each in entries(value).items()}

    def cells(self, value: Any, params: Json) -> Iterable[tuple[str, Any]]:
        """Every value that something is said of."""
        return ((params[self.of], key) for key in value)


def entries(value: Any) -> Mapping[Any, Any]:
    """An object that is not empty. Raises ValidationError."""
    if not isinstance(value, Mapping) or not value:
        raise wrong(
            f'{shown(value)} phải có dạng {{"giá trị": …}}, không để trống',
            f'{shown(value)} must be of the form {{"value": …}} and not empty',
        )
    return value


class Pattern(Parameter):
    """A regular expression with named groups."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> str:
        """The pattern. Raises ValidationError where polars cannot use it."""
        pattern = name(value)
        if not group_names(pattern):
            raise wrong(
                f"{shown(value)} không có nhóm có tên: viết (?P<tên>…)",
                f"{shown(value)} has no named group: write (?P<name>…)",
            )
        # Cells are cut by polars' engine, which knows less than Python's.
        try:
            pl.Series([""]).str.extract_groups(pattern)
        except (pl.exceptions.PolarsError, pl.exceptions.PanicException):
            raise _no_pattern(value) from None
        return pattern


def group_names(pattern: str) -> frozenset[str]:
    """Names of the parts that a pattern cuts out. Raises ValidationError for what is no
    pattern.
    """
    try:
        return frozenset(re.compile(pattern).groupindex)
    except (re.error, OverflowError, RecursionError):
        raise _no_pattern(pattern) from None


def _no_pattern(value: object) -> ValidationError:
    """The refusal of what is no pattern."""
    return wrong(
        f"{shown(value)} không phải biểu thức chính quy dùng được",
        f"{shown(value)} is no regular expression that can be used",
    )


class Formula(Parameter):
    """A formula between columns; `parts` names the parameter whose groups it may use
    too.
    """

    def __init__(self, *, parts: str = "", **options: Any) -> None:
        self.parts = parts
        super().__init__(**options)

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> str:
        return formula_text(value)

    def columns(self, value: Any) -> Iterable[str]:
        """Every name in it."""
        return formula.names(value)


class Formulas(Parameter):
    """Formulas between the values of the column that the parameter `of` names, by
    such a value.
    """

    def __init__(self, of: str, **options: Any) -> None:
        self.of = of
        super().__init__(**options)

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Json:
        return {name(key): formula_text(each) for key, each in entries(value).items()}

    def cells(self, value: Any, params: Json) -> Iterable[tuple[str, Any]]:
        """Every value that has a formula."""
        return ((params[self.of], key) for key in value if self.of in params)


def formula_text(value: Any) -> str:
    """A formula that can be computed. Raises ValidationError."""
    text = formula.plain(name(value))
    try:
        formula.arithmetic(text, pl.col)
    except formula.NoFormula as problem:
        raise wrong(
            f"{shown(value)} không phải công thức: chỉ dùng + - * /, ngoặc, số và tên",
            f"{shown(value)} is no formula: {problem}",
        ) from None
    return text


class Parameters(Schema):
    """The parameters that every check takes."""

    severity = Choice("error", "warning", "info")

    def read(self, given: Mapping[str, Any]) -> Json:
        """The parameters as they are used. Raises ValidationError with `messages` by
        parameter, each a list of Text.
        """
        # marshmallow's own refusal of unknown keys is in one language, so that it never
        # sees them.
        known = {key: value for key, value in given.items() if key in self.fields}
        told: dict[str, Any] = self.validate(known)
        listed = ", ".join(self.fields)
        for key in given:
            if key not in self.fields:
                vi = f"không có tham số này; có: {listed}"
                en = f"there is no such parameter; it takes {listed}"
                told[str(key)] = [Text(vi, en)]
        if told:
            raise ValidationError(told)
        loaded: Json = self.load(known)
        return loaded

    def columns(self, params: Json) -> Iterator[tuple[str, str]]:
        """Parameters, and the columns that they name."""
        for key, value in params.items():
            field = self.fields[key]
            if not isinstance(field, Parameter):
                continue
            # A formula names columns and groups of a pattern alike; only the first must
            # exist.
            own = _groups_of(field, params)
            yield from ((key, each) for each in field.columns(value) if each not in own)

    def cells(self, params: Json) -> Iterator[tuple[str, str, Any]]:
        """Parameters, and the columns whose cells they compare with a value."""
        for key, value in params.items():
            field = self.fields[key]
            if isinstance(field, Parameter):
                for column, each in field.cells(value, params):
                    yield key, column, each


def _groups_of(field: Parameter, params: Json) -> frozenset[str]:
    """Names that a formula takes from a pattern, not from the table."""
    parts = getattr(field, "parts", "")
    return group_names(params[parts]) if parts in params else frozenset()


def takes(parameters: Parameters) -> str:
    """The parameters as documentation shows them; "?" marks what may be left out."""
    shown_fields: Sequence[tuple[str, Any]] = [
        (key, field) for key, field in parameters.fields.items() if key != "severity"
    ]
    return ", ".join(
        f'"{key}"' + ("" if field.required else "?") for key, field in shown_fields
    )
