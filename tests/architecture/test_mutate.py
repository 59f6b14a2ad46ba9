"""Changes on purpose are changes, and a test that looks at nothing lets them live."""

import ast
import os
import subprocess
import sys
from pathlib import Path

from tests.architecture.mutate import ROOT, mutants

CODE = """
def fee(days: int | None, late: bool = False) -> int:
    if days > 3 and not late:
        notify(days)
    return days + 2
"""


def test_each_change_is_one_fault() -> None:
    changes = {mutant.change for mutant in mutants(ast.parse(CODE))}
    assert {
        "days > 3  →  days >= 3",
        "days > 3 and (not late)  →  days > 3 or not late",
        "not late  →  late",
        "False  →  True",
        "2  →  3",
        "notify(days)  →  pass",
        "days + 2  →  days - 2",
        "return days + 2  →  return None",
    } <= changes
    assert not any("int" in change for change in changes if "def" not in change)


def test_a_change_is_put_in_place_and_taken_back() -> None:
    tree = ast.parse(CODE)
    whole = ast.unparse(tree)
    for mutant in mutants(tree):
        before = mutant.put()
        assert ast.unparse(tree) != whole
        mutant._replace(node=before).put()
        assert ast.unparse(tree) == whole


def test_a_test_that_asserts_nothing_notices_nothing(tmp_path: Path) -> None:
    blind = tmp_path / "test_blind.py"
    blind.write_text("def test_nothing(): pass\n", encoding="utf-8")
    command = [sys.executable, "-m", "tests.architecture.mutate"]
    run = subprocess.run(
        [*command, "schemas/units.py", "--sample", "1", "--tests", str(blind)],
        cwd=ROOT,
        env=os.environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "0 of 1 noticed" in run.stdout
    assert run.returncode == 1
