"""Which test guards which module: run this module for the map and for what nobody guards.

A test file guards the module whose place it mirrors (`tests/portal/db/test_outbox.py`
guards `portal.db.outbox`), and those that it names in a line of its own:

    GUARDS = ("portal.db.clock", "portal.db.finding")

Whoever breaks a module runs its guards and sees one of them fail. With `--measured`
every guard is run, and what its run never executes counts as unguarded.
"""

import ast
import json
import os
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

from tests.architecture.documents import ROOT, modules
from tests.architecture.execution import TARGET, name_of

TESTS = ROOT / "tests"
PLUGIN = "tests.architecture.execution"


@cache
def parsed(path: Path) -> ast.Module:
    """The syntax tree of a file, read once."""
    return ast.parse(path.read_text(encoding="utf-8"))


def has_code(path: Path) -> bool:
    """Whether something in a module can break: a docstring alone cannot."""
    body = parsed(path).body
    return any(
        not (isinstance(each, ast.Expr) and isinstance(each.value, ast.Constant))
        for each in body
    )


def to_guard() -> dict[str, Path]:
    """The modules that need a guard, by their dotted names."""
    return {name_of(path): path for path in modules() if has_code(path)}


def test_files() -> list[Path]:
    """Every file of tests."""
    return sorted(TESTS.rglob("test_*.py"))


def mirrored(test: Path) -> str:
    """The module whose place a test file mirrors; there may be none of that name."""
    folder = test.parent.relative_to(TESTS).parts
    return ".".join((*folder, test.stem.removeprefix("test_")))


def named(test: Path) -> tuple[str, ...]:
    """What a test file says of itself in `GUARDS`."""
    for node in parsed(test).body:
        is_guards = isinstance(node, ast.Assign) and any(
            isinstance(target, ast.Name) and target.id == "GUARDS"
            for target in node.targets
        )
        if is_guards:
            return tuple(ast.literal_eval(node.value))
    return ()


def guards() -> dict[str, list[Path]]:
    """The test files that guard each module."""
    by_module: dict[str, list[Path]] = {name: [] for name in to_guard()}
    for test in test_files():
        for name in dict.fromkeys((mirrored(test), *named(test))):
            if name in by_module:
                by_module[name].append(test)
    return by_module


def unguarded() -> list[str]:
    """The modules that no test guards."""
    return [name for name, tests in guards().items() if not tests]


def module_paths() -> dict[str, Path]:
    """The file of every module, of tests too, by its dotted name."""
    paths = {name_of(path): path for path in modules()}
    for path in TESTS.rglob("*.py"):
        paths[name_of(path)] = path
    return paths


def uses(path: Path, names: frozenset[str]) -> set[str]:
    """The modules that a module imports, or whose names it spells (`-m demo.gateway`)."""
    used = set()
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            used |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            used |= {f"{node.module}.{alias.name}" for alias in node.names}
            used.add(node.module)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            used.add(node.value)
    # To import a module is to import the folders around it.
    for name in list(used & names):
        parts = name.split(".")
        used |= {".".join(parts[:depth]) for depth in range(1, len(parts))}
    return used & names


@cache
def import_graph() -> dict[str, set[str]]:
    """What each module of the packages and of the tests uses directly."""
    paths = module_paths()
    names = frozenset(paths)
    return {name: uses(path, names) for name, path in paths.items()}


def reached_from(test: Path) -> set[str]:
    """Every module that a test file uses, however far around.

    Fixtures of the `conftest.py` above it count as its own.
    """
    folders = [folder for folder in test.parents if folder.is_relative_to(TESTS)]
    conftests = [folder / "conftest.py" for folder in folders]
    start = [test, *(path for path in conftests if path.exists())]
    waiting = [name_of(path) for path in start]
    reached: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached.add(name)
            waiting.extend(import_graph()[name])
    return reached


def functions_in(path: Path) -> int:
    """How many functions and methods a module has."""
    tree = parsed(path)
    return sum(isinstance(each, ast.FunctionDef) for each in ast.walk(tree))


def executed(test: Path, arguments: list[str]) -> dict[str, list[str]]:
    """Runs one test file and answers which functions of which modules it executed."""
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "executed.json"
        subprocess.run(
            [sys.executable, "-m", "pytest", "-p", PLUGIN, str(test), *arguments],
            cwd=ROOT,
            env={**os.environ, TARGET: str(target)},
            check=False,
        )
        executed: dict[str, list[str]] = json.loads(target.read_text(encoding="utf-8"))
    return executed


def measured(arguments: list[str]) -> list[str]:
    """The modules of which no guard executes a single function."""
    ran: dict[Path, dict[str, list[str]]] = {}
    silent = []
    for name, tests in guards().items():
        if not functions_in(to_guard()[name]):
            continue
        for test in tests:
            if test not in ran:
                ran[test] = executed(test, arguments)
        if not any(ran[test].get(name) for test in tests):
            silent.append(name)
    return silent


def main(arguments: list[str]) -> int:
    """Prints the map; ends with 1 if a module is unguarded."""
    for name, tests in guards().items():
        listed = ", ".join(str(test.relative_to(TESTS)) for test in tests)
        sys.stdout.write(f"{name:52} {listed or '-'}\n")
    uncovered = unguarded()
    if "--measured" in arguments:
        rest = [each for each in arguments if each != "--measured"]
        uncovered += measured(rest)
    sys.stdout.write(f"uncovered modules: {', '.join(uncovered) or 'none'}\n")
    return 1 if uncovered else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
