"""The "checks" of a Table Schema, read before any table is: what can run, and what is
wrong with the rest.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from marshmallow import ValidationError

from portal.quality.checks.declared import RuleCheck
from portal.quality.checks.frame import condition, is_blank, order_kind
from portal.quality.checks.parameters import Parameter, shown
from portal.quality.checks.registry import BY_ID
from portal.quality.findings.report import Severity, Text
from portal.quality.frictionless.engine import Column

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Request:
    """One entry of "checks" that can run, its parameters read."""

    check: RuleCheck
    parameters: Json

    @property
    def severity(self) -> Severity:
        """The schema's own word, or else the check's."""
        severity: Severity = self.parameters.get("severity") or self.check.severity
        return severity

    @property
    def columns(self) -> frozenset[str]:
        """Every column that it reads."""
        named = self.check.parameters.columns(self.parameters)
        return frozenset(column for _, column in named)


@dataclass(frozen=True, slots=True)
class Malformed:
    """What is wrong with "checks" or one entry of it: where, and how to mend it."""

    place: str
    text: Text


def read(
    descriptor: Mapping[str, Any], columns: Mapping[str, Column]
) -> tuple[list[Request], list[Malformed]]:
    """The entries of "checks" that can run, and all that is wrong with the others.

    `columns` are those of the table at hand: conditions on them must be of their type.
    Columns that the schema declares and the table lacks are no fault of the schema.
    """
    entries = descriptor.get("checks")
    if entries is None:
        return [], []
    if not isinstance(entries, list | tuple):
        text = Text(
            '`checks` phải là một danh sách các mục {"id": …}',
            '`checks` must be a list of entries {"id": …}',
        )
        return [], [Malformed("checks", text)]
    declared = _names(descriptor)
    requests: list[Request] = []
    malformed: list[Malformed] = []
    for number, entry in enumerate(entries):
        place = f"checks[{number}]"
        try:
            request = _request(entry)
        except ValidationError as problem:
            malformed += _told(place, entry, problem)
            continue
        problems = [
            *_unknown_columns(request, declared),
            *_wrong_kinds(request, columns),
            *_wrong_values(request, columns),
        ]
        malformed += [
            _malformed(place, request.check.id, parameter, text)
            for parameter, text in problems
        ]
        if not problems:
            requests.append(request)
    return requests, malformed


def _names(descriptor: Mapping[str, Any]) -> list[str]:
    """Names of the declared fields; whatever else stands there is left out."""
    fields = descriptor.get("fields")
    listed = fields if isinstance(fields, list | tuple) else ()
    names = [each.get("name") for each in listed if isinstance(each, Mapping)]
    return [name for name in names if isinstance(name, str)]


def _request(entry: object) -> Request:
    """One entry, read. Raises ValidationError with texts by parameter."""
    if not isinstance(entry, Mapping):
        text = Text(
            f'{shown(entry)} phải là một đối tượng {{"id": …, tham số}}',
            f'{shown(entry)} must be an object {{"id": …, parameters}}',
        )
        raise ValidationError({"": [text]})
    check_id = entry.get("id")
    check = BY_ID.get(check_id) if isinstance(check_id, str) else None
    if check is None:
        raise ValidationError({"id": [_unknown_id(check_id)]})
    given = {key: value for key, value in entry.items() if key != "id"}
    return Request(check, check.parameters.read(given))


def _unknown_id(check_id: object) -> Text:
    """That there is no such check, with the one that may be meant or all there are."""
    # difflib takes time by the product of both lengths, and a stranger writes the text.
    near = difflib.get_close_matches(str(check_id)[:100], BY_ID, 1)
    listed = f"{near[0]}?" if near else ", ".join(sorted(BY_ID))
    return Text(
        f"không có quy tắc {shown(check_id)}; hãy dùng: {listed}",
        f"there is no check {shown(check_id)}; use: {listed}",
    )


def _unknown_columns(
    request: Request, declared: list[str]
) -> Iterator[tuple[str, Text]]:
    """Columns that the schema does not declare, by parameter."""
    named = request.check.parameters.columns(request.parameters)
    for parameter, column in named:
        if column not in declared:
            # Cut as in _unknown_id.
            near = difflib.get_close_matches(column[:100], declared, 1)
            vi = f"; có phải {shown(near[0])}?" if near else "; hãy nêu cột có khai báo"
            en = (
                f"; did you mean {shown(near[0])}?" if near else "; name a declared one"
            )
            yield (
                parameter,
                Text(
                    f"lược đồ không có cột {shown(column)}{vi}",
                    f"the schema has no column {shown(column)}{en}",
                ),
            )


def _wrong_kinds(
    request: Request, columns: Mapping[str, Column]
) -> Iterator[tuple[str, Text]]:
    """Columns of a type that a check can do nothing with."""
    kinds: dict[str, str] = {}
    for key, name in request.check.parameters.columns(request.parameters):
        parameter = request.check.parameters.fields[key]
        # A column that the table at hand lacks is told of when the check runs.
        if name not in columns or not isinstance(parameter, Parameter):
            continue
        kind = columns[name].rule.type
        if parameter.kinds and kind not in parameter.kinds:
            listed = ", ".join(parameter.kinds)
            vi = f"cột {shown(name)} kiểu {kind}; cần một trong: {listed}"
            en = f"the column {shown(name)} is a {kind}; it must be one of: {listed}"
            yield key, Text(vi, en)
        other = kinds.setdefault(key, order_kind(kind))
        if parameter.alike and order_kind(kind) != other:
            vi = f"cột {shown(name)} kiểu {kind} không so được với các cột kia"
            en = f"the column {shown(name)} is a {kind}, unlike the others"
            cure = Text("; hãy nêu các cột cùng kiểu", "; name columns of one type")
            yield key, Text(vi + cure.vi, en + cure.en)


def _wrong_values(
    request: Request, columns: Mapping[str, Column]
) -> Iterator[tuple[str, Text]]:
    """Values of conditions that no cell of their column can have."""
    named = request.check.parameters.cells(request.parameters)
    for parameter, name, value in named:
        column = columns.get(name)
        if column is None or is_blank(column, value):
            continue
        if condition(column, value) is None:
            kind = column.rule.type
            yield (
                parameter,
                Text(
                    f"{shown(value)} không phải giá trị kiểu {kind} của cột "
                    f"{shown(name)}; hãy viết như trong ô",
                    f"{shown(value)} is no {kind}, which the column {shown(name)} "
                    "holds; write it as its cells are written",
                ),
            )


def _told(place: str, entry: object, problem: ValidationError) -> Iterator[Malformed]:
    """Every refusal of one entry, each with its place."""
    check_id = str(entry.get("id")) if isinstance(entry, Mapping) else ""
    messages: dict[str, list[Text]] = dict(problem.messages_dict)
    for parameter, texts in messages.items():
        for text in texts:
            # marshmallow keeps what concerns the whole entry under "_schema".
            yield _malformed(
                place, check_id, "" if parameter == "_schema" else parameter, text
            )


def _malformed(place: str, check_id: str, parameter: str, text: Text) -> Malformed:
    """One refusal with its place, check and parameter, in both languages."""
    inner = f"{place}.{parameter}" if parameter else place
    who = f"“{check_id[:60]}”, " if check_id and parameter != "id" else ""
    vi = f"tham số `{parameter}`: " if parameter not in ("", "id") else ""
    en = f"parameter `{parameter}`: " if parameter not in ("", "id") else ""
    return Malformed(
        inner,
        Text(f"{place}: {who}{vi}{text.vi}", f"{place}: {who}{en}{text.en}"),
    )
