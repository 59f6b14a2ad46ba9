"""Dependencies: pinned with hashes, complete, and under licences that somebody has
judged.
"""

import re
import tomllib

from tests.architecture import licenses
from tests.architecture.licenses import ROOT


def test_every_dependency_is_pinned_with_hashes() -> None:
    assert len(licenses.locked()) > 60
    assert not [one.name for one in licenses.locked() if not one.hashes]
    for lock in licenses.LOCKS:
        lines = (ROOT / lock).read_text(encoding="utf-8").splitlines()
        loose = [
            line for line in lines if re.match(r"[A-Za-z]", line) and "==" not in line
        ]
        assert not loose, f"{lock} names without a version: {loose}"


def test_the_locks_hold_what_the_project_asks_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    asked = project["project"]["dependencies"]
    tools = [
        each for each in project["dependency-groups"]["dev"] if isinstance(each, str)
    ]
    names = {one.name: one.shipped for one in licenses.locked()}
    for listed, shipped in ((asked, True), (tools, False)):
        for each in listed:
            name = re.split(r"[\[<>=~! ]", each, maxsplit=1)[0].lower()
            assert name in names, f"{name} is in no lock file: run make lock"
            assert names[name] or not shipped, (
                f"{name} runs, but is locked for tests alone: run make lock"
            )


def test_every_licence_was_judged() -> None:
    """Run `make licenses` for the whole list."""
    assert licenses.refusals() == []


def test_what_is_not_free_or_not_said_is_refused() -> None:
    for expression in (
        "",
        "Proprietary",
        "AGPL-3.0-only",
        "MIT AND GPL-3.0-only",
        "GPL-2.0-only OR AGPL-3.0-only",
    ):
        assert not licenses.allowed(expression)
    for expression in ("MIT", "GPL-3.0-only OR MIT", "MPL-2.0 AND (Apache-2.0 OR MIT)"):
        assert licenses.allowed(expression)
