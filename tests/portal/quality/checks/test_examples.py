"""Every declared check is tried on its own examples."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from portal.quality.checks.declared import Example, RowCheck, RuleCheck
from portal.quality.checks.registry import ROW_CHECKS, RULE_CHECKS
from portal.quality.table.check import check_table
from portal.reading import read_table
from schemas.record import Content, ContentPart

EXAMPLES = [
    pytest.param(check, example, id=f"{check.id}-{number}")
    for check in (*RULE_CHECKS, *ROW_CHECKS)
    for number, example in enumerate(check.examples)
]


def rows_told(
    folder: Path, check: RuleCheck | RowCheck, example: Example, text: str
) -> list[int | None]:
    """The rows in which the check finds something."""
    path = folder / "table.csv"
    header = ",".join(example.fields)
    path.write_text(f"{header}\n{text}", encoding="utf-8")
    fields = [
        {"name": name, **({"type": kind} if isinstance(kind, str) else kind)}
        for name, kind in example.fields.items()
    ]
    schema: dict[str, Any] = {"fields": fields}
    if isinstance(check, RuleCheck):
        schema["checks"] = [{"id": check.id, **example.parameters}]
    content = Content((ContentPart.of(path),), dialect={"delimiter": ","})
    report = check_table(read_table(content), schema, references=example.references.get)
    broken = {"unchecked", "check-malformed", "check-failed", "schema-error"}
    assert not broken & {finding.check for finding in report.findings}, report.findings
    return [each.row for each in report.findings if each.check == check.id]


@pytest.mark.parametrize(("check", "example"), EXAMPLES)
def test_a_check_keeps_its_examples(
    tmp_path: Path, check: RuleCheck | RowCheck, example: Example
) -> None:
    if example.right is not None:
        assert rows_told(tmp_path, check, example, example.right) == []
    if example.wrong is not None:
        told = rows_told(tmp_path, check, example, example.wrong)
        assert told == list(example.rows)


def test_every_check_has_an_example_that_it_finds_something_in() -> None:
    for check in (*RULE_CHECKS, *ROW_CHECKS):
        assert any(example.right is not None for example in check.examples), check.id
        assert any(example.wrong and example.rows for example in check.examples)
