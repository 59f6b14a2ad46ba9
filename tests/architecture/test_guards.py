"""Every module has a test that is found by its name, and that test does use the module."""

from pathlib import Path

import pytest

from tests.architecture import guards

KNOWN = guards.to_guard()


def nearest(name: str) -> str:
    """The guards of the modules around one: where its own guard may best be named."""
    room = name.rpartition(".")[0]
    around = {
        str(test.relative_to(guards.ROOT))
        for other, tests in guards.guards().items()
        if other.rpartition(".")[0] == room
        for test in tests
    }
    return ", ".join(sorted(around)) or "none yet"


def test_every_module_has_a_guard() -> None:
    without = guards.unguarded()
    assert not without, "\n".join(
        f"no test guards {name}: write tests/…/test_{name.rpartition('.')[2]}.py, or "
        f"add it to GUARDS of the test that breaks with it (guards of its room: "
        f"{nearest(name)})"
        for name in without
    )


@pytest.mark.parametrize(
    "test", guards.test_files(), ids=lambda path: str(path.relative_to(guards.TESTS))
)
def test_what_a_test_says_to_guard_is_there_and_is_used(test: Path) -> None:
    names = guards.named(test)
    gone = [name for name in names if name not in KNOWN]
    assert not gone, (
        f"GUARDS names {gone}: moved or removed, name what took their place"
    )
    unused = [name for name in names if name not in guards.reached_from(test)]
    assert not unused, f"GUARDS names {unused}, but nothing here imports them"
    assert len(set(names)) == len(names), "GUARDS names a module twice"


def test_a_module_without_a_guard_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    tests = [guards.TESTS / "portal/db/test_outbox.py"]
    monkeypatch.setattr(guards, "test_files", lambda: tests)
    assert "portal.db.outbox" not in guards.unguarded()
    assert "portal.db.tags" in guards.unguarded()


def test_a_test_reaches_what_it_imports_and_nothing_else() -> None:
    reached = guards.reached_from(guards.TESTS / "search/language/test_dates.py")
    assert "search.language.dates" in reached
    assert "portal.web.app" not in reached
