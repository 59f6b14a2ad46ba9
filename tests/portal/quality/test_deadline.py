"""Checking a table ends in time even where all of it is one batch, and the finding
names the limit.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from portal.quality import deadline
from portal.quality.deadline import NotJudged
from portal.quality.table.check import check_table
from portal.reading import read_table

COLUMNS = 30
SLOW = {"pattern": r"(?=(a|aa)+$)a*b"}
"""No linear engine knows look-ahead: a child judges the cells, and each column asks
another.
"""
SCHEMAS: dict[str, dict[str, Any]] = {
    "patterns": {"type": "string", "constraints": SLOW},
    "nested": {"type": "object", "constraints": {"jsonSchema": {"required": ["b"]}}},
    "types": {"type": "integer"},
}


@pytest.mark.parametrize("kind", SCHEMAS)
@pytest.mark.parametrize("ragged", [False, True])
def test_one_batch_is_given_up_before_it_is_done(
    tmp_path: Path, kind: str, ragged: bool
) -> None:
    names = [f"c{number}" for number in range(COLUMNS)]
    cells = ['"{""a"": 1}"' if kind == "nested" else "x"] * (COLUMNS - ragged)
    path = tmp_path / "a.csv"
    path.write_text(
        "\n".join([",".join(names), *[",".join(cells)] * 50]), encoding="utf-8"
    )
    schema = {"fields": [{"name": name, **SCHEMAS[kind]} for name in names]}
    done: list[int] = []
    report = check_table(read_table(path), schema, progress=done.append, seconds=0)
    assert not report.valid
    assert done == [], "the batch was walked to its end"
    (finding,) = [each for each in report.findings if each.check == "schema-error"]
    assert "more than 0 seconds (PORTAL_VALIDATION_SECONDS)" in (finding.note or "")


def test_a_deadline_holds_for_what_is_inside_of_it_only() -> None:
    deadline.check()
    with deadline.within(0):
        time.sleep(0.01)
        with pytest.raises(NotJudged):
            deadline.check()
        with deadline.within(60):
            deadline.check()
    deadline.check()
