"""Decisions are numbered without a gap, and each says when it was taken and whether it
is still in force.
"""

import datetime
import re
from pathlib import Path

import pytest

from tests.architecture.documents import ROOT

DECISIONS = sorted((ROOT / "docs" / "decisions").glob("*.md"))
HEAD = re.compile(
    r"# (?P<number>\d+)\. \S.*\n\n"
    r"Date: (?P<date>\d{4}-\d\d-\d\d)\. "
    r"State: (in force|in part replaced by \[\d+\]\(\S+\)|replaced by \[\d+\]\(\S+\))\."
)


def test_no_number_is_missing_or_given_twice() -> None:
    numbers = [int(path.name[:4]) for path in DECISIONS]
    assert numbers == list(range(1, len(numbers) + 1))


@pytest.mark.parametrize("path", DECISIONS, ids=lambda path: path.stem)
def test_a_decision_says_its_number_date_and_state(path: Path) -> None:
    head = HEAD.match(path.read_text(encoding="utf-8"))
    assert head, (
        "begin with '# 7. Title', an empty line, and 'Date: 2026-11-30. State: in "
        "force.'"
    )
    assert int(head["number"]) == int(path.name[:4])
    datetime.date.fromisoformat(head["date"])
