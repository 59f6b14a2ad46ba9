"""Malformed "checks": nothing raises, everything is told with its parameter."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portal.quality.checks import registry, schema_check
from portal.quality.checks.declared import RuleCheck
from portal.quality.checks.frame import Frame, Hit
from portal.quality.checks.registry import RULE_CHECKS
from portal.quality.table.check import check_table
from portal.reading import read_table

FIELDS = [
    {"name": "text", "type": "string"},
    {"name": "whole", "type": "integer"},
    {"name": "number", "type": "number", "decimalChar": ",", "groupChar": "."},
    {"name": "day", "type": "date", "format": "%d/%m/%Y"},
    {"name": "yes", "type": "boolean"},
]
ROWS = 'text,whole,number,day,yes\na,01,"1.000,5",31/12/2026,true\nb,9,x,,0\n'


def problems(*checks: Any) -> list[schema_check.Problem]:
    """The errors that the checks of a schema have."""
    found = schema_check.check({"fields": FIELDS, "checks": list(checks)})
    return [each for each in found if each.severity == "error"]


def report_of(folder: Path, *checks: Any) -> Any:
    path = folder / "t.csv"
    path.write_text(ROWS, encoding="utf-8")
    schema = {"fields": FIELDS, "checks": list(checks)}
    return check_table(read_table(path), schema)


def deep(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


MALFORMED: list[tuple[Any, str]] = [
    ("jump", "checks[0]"),
    (None, "checks[0]"),
    ({}, "checks[0].id"),
    ({"id": "nobody-knows-this"}, "checks[0].id"),
    ({"id": ["jump"]}, "checks[0].id"),
    ({"id": "jump", "field": "whole"}, "checks[0].percent"),
    ({"id": "jump", "field": "whole", "percent": "40"}, "checks[0].percent"),
    ({"id": "jump", "field": "whole", "percent": True}, "checks[0].percent"),
    ({"id": "jump", "field": "whole", "percent": math.nan}, "checks[0].percent"),
    ({"id": "jump", "field": "whole", "percent": 10**400}, "checks[0].percent"),
    ({"id": "jump", "field": "whole", "percent": -1}, "checks[0].percent"),
    ({"id": "jump", "field": "whole", "percent": 1, "key": []}, "checks[0].key"),
    ({"id": "jump", "field": "whole", "percent": 1, "key": "text"}, "checks[0].key"),
    ({"id": "jump", "field": "whole", "percent": 1, "x": 1}, "checks[0].x"),
    ({"id": "jump", "field": "wole", "percent": 1}, "checks[0].field"),
    ({"id": "jump", "field": "yes", "percent": 1}, "checks[0].field"),
    ({"id": "order", "fields": ["whole"]}, "checks[0].fields"),
    ({"id": "order", "fields": ["whole", "whole"]}, "checks[0].fields"),
    ({"id": "order", "fields": ["whole", "day"]}, "checks[0].fields"),
    ({"id": "order", "fields": deep(5000)}, "checks[0].fields"),
    ({"id": "order", "fields": ["whole", "number"], "strict": 1}, "checks[0].strict"),
    ({"id": "range", "field": "whole"}, "checks[0].minimum"),
    (
        {"id": "range", "field": "whole", "minimum": 2, "maximum": 1},
        "checks[0].minimum",
    ),
    (
        {"id": "range", "field": "whole", "minimum": 1, "severity": "fatal"},
        "checks[0].severity",
    ),
    ({"id": "count", "where": [], "equals": 1}, "checks[0].where"),
    ({"id": "count", "where": {"text": []}, "equals": 1}, "checks[0].where"),
    ({"id": "count", "where": {"whole": "một"}, "equals": 1}, "checks[0].where"),
    ({"id": "count", "where": {"whole": 1.5}, "equals": 1}, "checks[0].where"),
    ({"id": "count", "where": {"text": 1}, "equals": 1}, "checks[0].where"),
    ({"id": "count", "where": {"day": "2026-12-31"}, "equals": 1}, "checks[0].where"),
    ({"id": "count", "where": {"number": "NaN"}, "equals": 1}, "checks[0].where"),
    ({"id": "count", "where": {"yes": "maybe"}, "equals": 1}, "checks[0].where"),
    ({"id": "count", "where": {"yes": deep(5000)}, "equals": 1}, "checks[0].where"),
    ({"id": "count", "where": {}, "equals": 1.5}, "checks[0].equals"),
    (
        {"id": "required-when", "when": "yes", "equals": "x", "field": "text"},
        "checks[0].equals",
    ),
    ({"id": "row-formula", "field": "whole"}, "checks[0].formula"),
    (
        {"id": "row-formula", "field": "whole", "formula": "1 +"},
        "checks[0].formula",
    ),
    (
        {"id": "row-formula", "field": "whole", "formula": "1 < 2"},
        "checks[0].formula",
    ),
    (
        {"id": "row-formula", "field": "whole", "formula": "-" * 900 + "1"},
        "checks[0].formula",
    ),
    (
        {"id": "row-formula", "field": "whole", "formula": "(" * 400 + ")" * 400},
        "checks[0].formula",
    ),
    (
        {"id": "row-formula", "field": "whole", "formula": "nothing * 2"},
        "checks[0].formula",
    ),
    (
        {
            "id": "code-parts",
            "field": "text",
            "pattern": "(?P<a>",
            "formula": "a",
            "equals": 0,
        },
        "checks[0].pattern",
    ),
    (
        {
            "id": "code-parts",
            "field": "text",
            "pattern": "(?P<a>x)(?=y)",
            "formula": "a",
            "equals": 0,
        },
        "checks[0].pattern",
    ),
    (
        {
            "id": "code-parts",
            "field": "text",
            "pattern": "x{99999999999}",
            "formula": "a",
            "equals": 0,
        },
        "checks[0].pattern",
    ),
    (
        {"id": "units", "parameter": "text", "field": "text", "units": {}},
        "checks[0].units",
    ),
    (
        {"id": "limit", "parameter": "text", "field": "whole", "limits": {"a": "9"}},
        "checks[0].limits",
    ),
]


@pytest.mark.parametrize(("check", "place"), MALFORMED)
def test_what_is_malformed_is_refused_with_its_parameter(
    tmp_path: Path, check: Any, place: str
) -> None:
    told = problems(check)
    assert place in [each.field for each in told]
    assert all(each.vi and each.en and each.vi != each.en for each in told)
    json.dumps([each.to_dict() for each in told])
    report = report_of(tmp_path, check)
    assert not report.valid
    assert "check-malformed" in {finding.check for finding in report.findings}
    assert place.split(".")[0] in report.to_dict()["findings"][0]["message"]["en"]


@pytest.mark.parametrize("checks", ["jump", 1, {"id": "jump"}, True])
def test_checks_are_a_list(tmp_path: Path, checks: Any) -> None:
    schema = {"fields": FIELDS, "checks": checks}
    assert "checks" in [each.field for each in schema_check.check(schema)]
    path = tmp_path / "t.csv"
    path.write_text(ROWS, encoding="utf-8")
    assert not check_table(read_table(path), schema).valid


SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=8),
    st.sampled_from([each["name"] for each in FIELDS]),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=5) | st.just("whole"), inner, max_size=3)
    ),
    max_leaves=6,
)


@st.composite
def entries(draw: st.DrawFn) -> dict[str, Any]:
    """An entry of a check that exists: some parameters right, some of them not."""
    check = draw(st.sampled_from(RULE_CHECKS))
    right = draw(st.sampled_from(check.examples)).parameters
    names = st.sampled_from([*check.parameters.fields, "unknown"])
    changed = draw(st.dictionaries(names, VALUES, max_size=3))
    dropped = draw(st.sets(names, max_size=1))
    columns = st.sampled_from([each["name"] for each in FIELDS])
    renamed = {
        key: draw(columns) if isinstance(value, str) else value
        for key, value in right.items()
    }
    entry = {**renamed, **changed, "id": check.id}
    return {key: value for key, value in entry.items() if key not in dropped}


@settings(
    max_examples=300,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(entry=entries())
def test_nothing_raises_and_everything_is_told(
    tmp_path: Path, entry: dict[str, Any]
) -> None:
    told = problems(entry)
    report = report_of(tmp_path, entry)
    checks = {finding.check for finding in report.findings}
    assert "check-failed" not in checks
    assert ("check-malformed" in checks) == bool(told)


def broken_run(frame: Frame, asked: Any, references: Any) -> Iterator[Hit]:
    yield Hit(0, 2, "whole")
    frame.data.select(pl.col("nowhere"))


def test_what_a_check_raises_is_told_and_no_pass(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    small = registry.BY_ID["small-cell"]
    broken = RuleCheck(
        small.id,
        "info",
        small.message,
        small.holds,
        small.parameters,
        broken_run,
        small.examples,
    )
    monkeypatch.setitem(registry.BY_ID, small.id, broken)
    small_cell = {"id": "small-cell", "field": "whole", "minimum": 1}
    count = {"id": "count", "where": {"whole": 1}, "equals": 5}
    report = report_of(tmp_path, small_cell, count)
    failed = [each for each in report.findings if each.check == "check-failed"]
    assert not report.valid and len(failed) == 1
    request = caplog.records[-1].getMessage().split()[1].rstrip(":")
    assert request in failed[0].message.en and request in failed[0].message.vi
    assert "small-cell" in failed[0].message.en
    # The others go on.
    assert {"small-cell", "count"} <= {each.check for each in report.findings}


@pytest.mark.parametrize(
    ("where", "number"),
    [
        ({"whole": 1}, 1),
        ({"whole": "1"}, 1),
        ({"whole": "01"}, 1),
        ({"number": "1000,50"}, 1),
        ({"number": 1000.5}, 1),
        ({"day": "31/12/2026"}, 1),
        ({"day": ""}, 1),
        ({"yes": False}, 1),
        ({"yes": ["TRUE", "false"]}, 2),
        ({"text": ["a", ""]}, 1),
        ({"text": "A"}, 0),
    ],
)
def test_conditions_compare_typed_values(
    tmp_path: Path, where: dict[str, Any], number: int
) -> None:
    count = {"id": "count", "where": where, "equals": number}
    assert problems(count) == []
    checks = {each.check for each in report_of(tmp_path, count).findings}
    assert "count" not in checks
    other = {**count, "equals": number + 1}
    checks = {each.check for each in report_of(tmp_path, other).findings}
    assert "count" in checks
