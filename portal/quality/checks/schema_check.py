"""A Table Schema judged before any table is: what Frictionless refuses in it, and what
makes it a bad schema here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from portal.quality.checks import requests
from portal.quality.checks.code_columns import is_code
from portal.quality.frictionless.engine import Column, SchemaProblem, compile_rules
from portal.quality.frictionless.tableschema2 import categories

PD, TREATMENTS = (
    ("none", "basic", "sensitive"),
    ("keep", "drop", "generalise", "consent"),
)
V2 = ("fieldsMatch", "uniqueKeys")
V2_FIELD = ("categories", "missingValues")
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with a schema, or (a warning) unwise; `field` is empty where it
    is of the whole schema.
    """

    field: str
    severity: Literal["error", "warning"]
    vi: str
    en: str

    def to_dict(self) -> Json:
        """JSON-ready."""
        return asdict(self)


def version(descriptor: Mapping[str, Any]) -> str:
    """ "v2" for what only version 2 of Table Schema has, "v1" for everything else."""
    profile = str(descriptor.get("$schema") or "")
    fields = [
        each for each in descriptor.get("fields") or () if isinstance(each, Mapping)
    ]
    newer = any(key in descriptor for key in V2) or any(
        key in each for each in fields for key in V2_FIELD
    )
    return "v2" if "/profiles/2" in profile or newer else "v1"


def check(descriptor: object) -> tuple[Problem, ...]:
    """Everything wrong with a descriptor; no error among them means that tables can be
    judged by it.
    """
    if not isinstance(descriptor, Mapping):
        return (
            _error(
                "", "lược đồ phải là một đối tượng JSON", "a schema is a JSON object"
            ),
        )
    # Until these shapes are right, what follows could not walk through the descriptor.
    fields = descriptor.get("fields")
    if (
        not isinstance(fields, list)
        or not fields
        or not all(isinstance(each, Mapping) for each in fields)
    ):
        return (
            _error(
                "",
                "`fields` phải là danh sách các trường",
                "`fields` must be a list of fields",
            ),
        )
    if not all(
        _is_missing_values(each.get("missingValues", [""]))
        for each in (descriptor, *fields)
    ):
        return (
            _error(
                "",
                "`missingValues` phải là danh sách chữ",
                "`missingValues` must be a list of texts",
            ),
        )
    found = [
        *_names(fields),
        *_keys(descriptor, {str(each.get("name")) for each in fields}),
    ]
    for each in fields:
        found += _field(each)
    columns: dict[str, Column] = {}
    if not any(problem.severity == "error" for problem in found):
        columns, refusals = _frictionless(descriptor, fields)
        found += refusals
    _, malformed = requests.read(descriptor, columns)
    found += [_error(each.place, each.text.vi, each.text.en) for each in malformed]
    # "error" stands before "warning" in the alphabet; sorting keeps the order within
    # each.
    return tuple(sorted(found, key=lambda problem: problem.severity))


def _is_missing_values(given: object) -> bool:
    """Texts, or values with labels (version 2)."""
    if not isinstance(given, list):
        return False
    values = [
        each.get("value") if isinstance(each, Mapping) else each for each in given
    ]
    return all(isinstance(each, str) for each in values)


def _error(field: str, vi: str, en: str) -> Problem:
    return Problem(field, "error", vi, en)


def _warning(field: str, vi: str, en: str) -> Problem:
    return Problem(field, "warning", vi, en)


def _names(fields: list[Mapping[str, Any]]) -> Iterator[Problem]:
    """Fields without a name, and names that are given twice."""
    seen: set[str] = set()
    for number, each in enumerate(fields, 1):
        name = each.get("name")
        if not isinstance(name, str) or not name.strip():
            yield _error(
                f"#{number}",
                f"trường thứ {number} không có tên",
                f"field {number} has no name",
            )
        elif name in seen:
            yield _error(name, f"tên “{name}” bị lặp", f"the name '{name}' is repeated")
        else:
            seen.add(name)


def _keys(descriptor: Mapping[str, Any], names: set[str]) -> Iterator[Problem]:
    """What is wrong with the primary, unique and foreign keys."""
    primary = _listed(descriptor.get("primaryKey"))
    for name in primary:
        if name not in names:
            yield _error(
                name,
                f"khóa chính nêu “{name}” không có",
                f"the primary key names '{name}', which is no field",
            )
    if not primary:
        yield _warning(
            "",
            "không có khóa chính: không phát hiện được dòng trùng",
            "no primary key: doubles are not found",
        )
    yield from _more_keys(descriptor.get("uniqueKeys", []), names)
    foreign = descriptor.get("foreignKeys") or []
    if not isinstance(foreign, list):
        yield _error(
            "", "`foreignKeys` phải là danh sách", "`foreignKeys` must be a list"
        )
        return
    for key in foreign:
        own = _listed(key.get("fields")) if isinstance(key, Mapping) else []
        reference = key.get("reference") if isinstance(key, Mapping) else None
        there = (
            _listed(reference.get("fields")) if isinstance(reference, Mapping) else []
        )
        if not own or len(own) != len(there) or not set(own) <= names:
            text = ", ".join(own) or "?"
            yield _error(
                text,
                f"khóa ngoại ({text}) không khớp trường",
                f"the foreign key ({text}) does not fit its fields",
            )


def _more_keys(keys: object, names: set[str]) -> Iterator[Problem]:
    """What is wrong with the unique keys."""
    if not isinstance(keys, list):
        yield _error(
            "",
            "`uniqueKeys` phải là danh sách các khóa",
            "`uniqueKeys` must be a list of keys",
        )
        return
    for key in keys:
        if not _listed(key) or not set(_listed(key)) <= names:
            text = ", ".join(_listed(key)) or "?"
            yield _error(
                text,
                f"khóa duy nhất ({text}) nêu trường không có",
                f"the unique key ({text}) names what is no field",
            )


def _listed(given: object) -> list[str]:
    """Names as a list, whichever form the descriptor uses; [] for any other value."""
    if isinstance(given, str):
        return [given]
    return [str(each) for each in given] if isinstance(given, list) else []


def _field(field: Mapping[str, Any]) -> Iterator[Problem]:
    """What is wrong with one field, its constraints included."""
    name, kind = str(field.get("name")), str(field.get("type") or "any")
    if "type" not in field:
        yield _warning(name, "không khai báo kiểu", "no type is declared")
    if kind in ("integer", "number") and is_code(name):
        text = f"mã phải là string: kiểu {kind} làm mất số 0 ở đầu"
        yield _error(
            name, text, f"a code must be a string: as {kind} it loses leading zeros"
        )
    if not str(field.get("title") or "").strip():
        yield _warning(name, "không có tiêu đề", "no title")
    if str(field.get("pd") or "none") not in PD:
        yield _error(name, f"pd nhận {', '.join(PD)}", f"pd takes {', '.join(PD)}")
    if "treatment" in field and field["treatment"] not in TREATMENTS:
        listed = ", ".join(TREATMENTS)
        yield _error(name, f"treatment nhận {listed}", f"treatment takes {listed}")
    if "categories" in field and not categories(field):
        vi = "categories là danh sách giá trị, cho kiểu string hoặc integer"
        yield _error(
            name, vi, "categories is a list of values, for the types string and integer"
        )
    constraints = field.get("constraints", {})
    if not isinstance(constraints, Mapping):
        yield _error(
            name, "constraints phải là một đối tượng", "constraints is an object"
        )
    else:
        yield from _constraints(name, constraints)


def _constraints(name: str, constraints: Mapping[str, Any]) -> Iterator[Problem]:
    """Patterns that cannot be used, and bounds that exclude every value."""
    pattern = constraints.get("pattern")
    if isinstance(pattern, str):
        try:
            re.compile(pattern)
        except re.error as problem:
            yield _error(
                name,
                f"mẫu không hợp lệ: {problem}",
                f"the pattern is no regular expression: {problem}",
            )
        if _bare_bar(pattern):
            vi = (
                "mẫu có “|” ngoài ngoặc: Frictionless chỉ neo hai đầu, hãy viết ^(a|b)$"
            )
            yield _warning(
                name,
                vi,
                "a '|' outside parentheses: Frictionless anchors only both ends; "
                "write ^(a|b)$",
            )
    for low, high in (("minimum", "maximum"), ("minLength", "maxLength")):
        # Bounds of days are texts here, which their own type puts in order.
        least, most = constraints.get(low), constraints.get(high)
        if (
            isinstance(least, (int, float))
            and isinstance(most, (int, float))
            and least > most
        ):
            yield _error(name, f"{low} lớn hơn {high}", f"{low} is larger than {high}")


def _bare_bar(pattern: str) -> bool:
    """Whether a "|" stands outside all parentheses and character classes."""
    depth, in_class, escaped = 0, False, False
    for letter in pattern:
        if escaped or letter == "\\":
            escaped = not escaped
        elif in_class or letter == "[":
            in_class = letter != "]"
        elif letter == "|" and depth == 0:
            return True
        else:
            depth = max(0, depth + (letter == "(") - (letter == ")"))
    return False


def _frictionless(
    descriptor: Mapping[str, Any], fields: list[Mapping[str, Any]]
) -> tuple[dict[str, Column], list[Problem]]:
    """The columns that the fields make, or else what Frictionless refuses."""
    try:
        rules = compile_rules(descriptor, tuple(str(each["name"]) for each in fields))
    except SchemaProblem as problem:
        return {}, [
            _error(
                "", f"Frictionless từ chối: {note}", f"Frictionless refuses it: {note}"
            )
            for note in problem.notes
        ]
    return {column.name: column for column in rules.columns}, []
