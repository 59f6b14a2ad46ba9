"""Patterns of strangers: Python's verdict in linear time, a child's for the rest, and
never a pass for the unjudged.
"""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.quality.checks import schema_check
from portal.quality.findings.report import Report
from portal.quality.frictionless import patterns
from portal.quality.table.check import check_table
from portal.reading import read_table

TEXTS = [
    "",
    "a",
    "aaa",
    "aa\n",
    "a\n\n",
    "12",
    "１２",
    "đường",
    "Đ",
    "ß",
    "a b",
    "a\u00a0b",
    "x_1",
    "²",
    "K",
    "\u212a",
]
TEXTS += ["ab\ncd", "-", "a-b", "\n", "$", "é", "e\u0301", "aB", "\x1c", "\u2028", "𝟙"]
LINEAR = [
    r"(a+)+",
    r"^(a|a)*$",
    r"\d+",
    r"[\d]{2}",
    r"\w+",
    r"\w+\s\w+",
    r"\W",
    r"[^\d]",
    r".",
    "a$",
    "a$|b",
    "a|b",
]
LINEAR += [
    r"[\w-]+",
    "a{2,3}",
    "[^a]",
    "a*?",
    r"(?:a|aa)+$",
    r"x*\Z",
    r"[\s\S]*",
    r"[\D]+",
    "(?i:A)b",
    r"\$",
    "[\n]",
    "",
]
LINEAR += [
    "(?i:k|đ)",
    "(?s:.)+",
    "[a-z]+|[0-9]+",
    "(?P<n>a)+",
    r"\x61\u0111?",
    "[^\\W_]?",
]
OTHERS = [r"(a)\1", r"(?=(a+)+$)a*", r"\bab\b", "(?<!a)b", r"a$\n", "a{0,2000}"]


@pytest.mark.parametrize("pattern", [*LINEAR, *OTHERS])
def test_every_pattern_has_the_verdict_of_python(pattern: str) -> None:
    whole = f"^{pattern}$"
    judge = patterns.compile(whole)
    judge.prepare(TEXTS)
    assert [judge.match(text) for text in TEXTS] == [
        re.compile(whole).match(text) is not None for text in TEXTS
    ]


def test_what_a_linear_engine_can_express_needs_no_child() -> None:
    assert [
        pattern for pattern in LINEAR if patterns.linear(f"^{pattern}$") is None
    ] == ["[^\\W_]?"]
    assert [
        pattern for pattern in OTHERS if patterns.linear(f"^{pattern}$") is not None
    ] == []


@settings(max_examples=300, deadline=None)
@given(
    st.text(alphabet="ab|*+?()[]^$.\\dws{1,}-đ", max_size=12),
    st.lists(st.text("ab1 đ\n-", max_size=6), max_size=8),
)
def test_random_patterns_have_the_verdict_of_python(
    pattern: str, texts: list[str]
) -> None:
    try:
        compiled = re.compile(f"^{pattern}$")
    except (re.error, FutureWarning):
        return
    engine = patterns.linear(f"^{pattern}$")
    if engine is not None:
        assert [engine.match(text) is not None for text in texts] == [
            compiled.match(t) is not None for t in texts
        ]


def checked(folder: Path, field: dict[str, Any], *cells: str) -> Report:
    path = folder / "a.csv"
    path.write_text(
        "a\n" + "".join(f'"{cell.replace(chr(34), chr(34) * 2)}"\n' for cell in cells),
        encoding="utf-8",
    )
    return check_table(
        read_table(path), {"fields": [{"name": "a", **field}]}, checks=False
    )


LONG = "a" * 60 + "!"
EXPONENTIAL = [
    {"type": "string", "constraints": {"pattern": "(a+)+"}},
    {"type": "string", "constraints": {"pattern": "^(a|a)*$"}},
    {"type": "string", "constraints": {"pattern": "(?=(a+)+$)a*"}},
    {"type": "string", "constraints": {"pattern": r"(a*)*\1!!"}},
    {"type": "string", "constraints": {"pattern": r"\b(ạ|ạ|a)+b"}},
]


@pytest.mark.parametrize("field", EXPONENTIAL, ids=str)
def test_a_pattern_that_would_never_end_ends_and_is_no_pass(
    tmp_path: Path, field: dict[str, Any]
) -> None:
    started = time.process_time()
    report = checked(tmp_path, field, LONG, LONG * 3)
    assert not report.valid
    assert time.process_time() - started < 10
    assert {code for code, _ in report.counts} <= {"constraint-error", "schema-error"}


INSIDE = [
    {"properties": {"a": {"pattern": "^(a+)+$"}}},
    {
        "properties": {
            "a": {
                "anyOf": [
                    {"not": {"pattern": "(?=(a+)+$)"}},
                    {"pattern": r"(a*)*\1!!!"},
                ]
            }
        }
    },
    {
        "patternProperties": {"(x+x+)+y": {"type": "string"}},
        "additionalProperties": {"pattern": "^(a|a)*$"},
    },
    {"$defs": {"d": {"$ref": "#/$defs/d"}}, "properties": {"a": {"$ref": "#/$defs/d"}}},
]


@pytest.mark.parametrize("schema", INSIDE, ids=str)
def test_patterns_inside_of_a_json_schema_end_too(
    tmp_path: Path, schema: dict[str, Any]
) -> None:
    field = {"type": "object", "constraints": {"jsonSchema": schema}}
    report = checked(tmp_path, field, f'{{"a": "{LONG}", "{"x" * 60}": "b"}}')
    assert not report.valid


def test_a_finding_names_field_and_pattern_that_could_not_be_judged(
    tmp_path: Path,
) -> None:
    report = checked(tmp_path, EXPONENTIAL[3], "a" * 40)
    (finding,) = report.findings
    assert finding.check == "schema-error"
    assert r"(a*)*\1!!" in (finding.note or "")
    assert "takes too long" in (finding.note or "")


LEAVING = [
    {"$ref": "http://127.0.0.1:1/ref.json"},
    {"$ref": "file:///etc/passwd"},
    {"$ref": "other.json#/a"},
    {"$dynamicRef": "https://example.org/x"},
    {"$id": "http://127.0.0.1:1/", "properties": {"a": {"$ref": "ref.json"}}},
    {"$id": "urn:x:", "allOf": [{"not": {"items": {"$ref": "ftp://127.0.0.1/x"}}}]},
    {"$schema": "http://127.0.0.1:1/schema"},
    {"$defs": {"a": {"$schema": "http://127.0.0.1:1/schema", "type": "string"}}},
    {"$ref": "#/$defs/nothing"},
    {"$ref": "#anchor"},
    {"$defs": {"properties": {"$ref": "http://127.0.0.1:1/ref.json"}}},
    {"properties": {"enum": {"$ref": "//127.0.0.1:1/ref.json"}}},
]


@pytest.mark.parametrize("schema", LEAVING, ids=str)
def test_a_reference_that_leaves_the_document_is_an_error_of_the_schema(
    tmp_path: Path, schema: dict[str, Any]
) -> None:
    field = {"type": "object", "constraints": {"jsonSchema": schema}}
    problems = schema_check.check({"fields": [{"name": "a", **field}]})
    assert any(
        problem.severity == "error" and "jsonSchema" in problem.en
        for problem in problems
    )
    report = checked(tmp_path, field, '{"a": 1}')
    assert {code for code, _ in report.counts} == {"schema-error"}


STAYING = [
    {"$defs": {"n": {"type": "integer"}}, "properties": {"a": {"$ref": "#/$defs/n"}}},
    {
        "$id": "http://example.org/s",
        "$defs": {"n": {"$id": "n", "type": "integer"}},
        "properties": {"a": {"$ref": "n"}},
    },
    {
        "$defs": {"n": {"$anchor": "num", "type": "integer"}},
        "properties": {"a": {"$ref": "#num"}},
    },
    {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "properties": {"a": {"type": "integer"}},
    },
    {"properties": {"$ref": {"type": "string"}, "a": {"type": "integer"}}},
    {
        "properties": {"a": {"type": "integer"}},
        "examples": [{"$ref": "http://127.0.0.1:1/x"}],
    },
]


@pytest.mark.parametrize("schema", STAYING, ids=str)
def test_references_inside_of_the_document_go_on_working(
    tmp_path: Path, schema: dict[str, Any]
) -> None:
    field = {"type": "object", "constraints": {"jsonSchema": schema}}
    assert not [
        problem
        for problem in schema_check.check({"fields": [{"name": "a", **field}]})
        if problem.severity == "error"
    ]
    assert checked(tmp_path, field, '{"a": 1}').valid
    report = checked(tmp_path, field, '{"a": "x"}')
    assert {code for code, _ in report.counts} == {"constraint-error"}
