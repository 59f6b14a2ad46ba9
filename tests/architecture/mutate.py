"""Breaks modules on purpose, one small change at a time, and counts what their guards notice.

    python -m tests.architecture.mutate portal/access/policy.py
    python -m tests.architecture.mutate portal/db/outbox.py --sample 40 -- -m "not s3"

No file is changed: a child process reads the module with one change in it, and runs the
tests that guard it (`tests.architecture.guards`). What is after `--` is pytest's.
"""

import argparse
import ast
import copy
import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import os
import random
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import pytest

SAMPLE = 25
"""How many changes are tried in one module, unless told otherwise."""
SECONDS = 90
"""A run that takes longer hangs: the change was noticed."""
ROOT = Path(__file__).resolve().parents[2]
LIBRARIES = ("sqlalchemy", "flask", "marshmallow", "polars", "duckdb", "tantivy")
"""Imported once, before the children: they are never changed."""

COMPARED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
COMPUTED: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Add,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
}


class Mutant(NamedTuple):
    """One change of a tree: its line, what it says, and which place gets which node."""

    line: int
    change: str
    parent: ast.AST
    field: str
    index: int | None
    node: ast.AST

    def put(self) -> ast.AST:
        """Puts the node in its place and answers what stood there."""
        place = getattr(self.parent, self.field)
        if self.index is None:
            setattr(self.parent, self.field, self.node)
            return place  # type: ignore[no-any-return]
        before = place[self.index]
        place[self.index] = self.node
        return before  # type: ignore[no-any-return]


def variants(node: ast.AST) -> Iterator[ast.AST]:  # noqa: C901 - a table of cases
    """What may stand in the place of a node, each a fault that a person might write."""
    new = copy.copy(node)
    match new:
        case ast.Compare(ops=[only]) if type(only) in COMPARED:
            new.ops = [COMPARED[type(only)]()]
            yield new
        case ast.BoolOp():
            new.op = ast.And() if isinstance(new.op, ast.Or) else ast.Or()
            yield new
        case ast.BinOp() if type(new.op) in COMPUTED:
            new.op = COMPUTED[type(new.op)]()
            yield new
        case ast.UnaryOp(op=ast.Not()):
            yield new.operand
        case ast.UnaryOp(op=ast.Invert()):
            yield new.operand
        case ast.Constant(value=bool()):
            yield ast.Constant(not new.value)
        case ast.Constant(value=int()):
            yield ast.Constant(new.value + 1)
        case ast.If() | ast.IfExp() | ast.While():
            new.test = ast.UnaryOp(ast.Not(), new.test)
            yield new
        case ast.comprehension(ifs=[first, *_]):
            new.ifs = [ast.UnaryOp(ast.Not(), first), *new.ifs[1:]]
            yield new
        case ast.Return(value=ast.AST() as value) if not is_none(value):
            new.value = ast.Constant(None)
            yield new
        case ast.Expr(value=ast.Call() | ast.Yield()):
            yield ast.Pass()
        case ast.Raise():
            yield ast.Pass()


def is_none(value: ast.AST) -> bool:
    """Whether an expression is None already."""
    return isinstance(value, ast.Constant) and value.value is None


def without_types(tree: ast.AST) -> Iterator[tuple[ast.AST, str, int | None]]:
    """Every place of a tree where code stands: the parent, its field, the index there."""
    for parent in ast.walk(tree):
        for field, value in ast.iter_fields(parent):
            if field in ("annotation", "returns", "type_params"):
                continue
            if isinstance(value, ast.AST):
                yield parent, field, None
            elif isinstance(value, list):
                yield from ((parent, field, index) for index in range(len(value)))


def _annotations(tree: ast.AST) -> set[int]:
    """The nodes that stand within types: changing them changes nothing."""
    within = set()
    for node in ast.walk(tree):
        for field in ("annotation", "returns"):
            type_of = getattr(node, field, None)
            if isinstance(type_of, ast.AST):
                within |= {id(each) for each in ast.walk(type_of)}
        is_cast = isinstance(node, ast.Call) and ast.unparse(node.func) == "cast"
        if is_cast:
            within |= {id(each) for each in ast.walk(node.args[0])}
    return within


def mutants(tree: ast.Module) -> list[Mutant]:
    """Every change of one module, in the order of its lines."""
    types = _annotations(tree)
    all_mutants = []
    for parent, field, index in without_types(tree):
        place = getattr(parent, field)
        node = place if index is None else place[index]
        if not isinstance(node, ast.AST) or id(node) in types:
            continue
        for new in variants(node):
            change = f"{_brief(node)}  →  {_brief(new)}"
            line = getattr(node, "lineno", getattr(parent, "lineno", 0))
            all_mutants.append(Mutant(line, change, parent, field, index, new))
    return sorted(all_mutants, key=lambda mutant: (mutant.line, mutant.change))


def _brief(node: ast.AST) -> str:
    text = ast.unparse(node).splitlines()[0]
    return text if len(text) <= 70 else f"{text[:69]}…"


class Changed(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Gives the importing system one module of ours with a change in it."""

    def __init__(self, name: str, path: Path, tree: ast.Module) -> None:
        self.name = name
        self.path = path
        self.tree = tree

    def find_spec(
        self, fullname: str, path: object = None, target: object = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname != self.name:
            return None
        is_folder = self.path.name == "__init__.py"
        spec = importlib.util.spec_from_loader(fullname, self, is_package=is_folder)
        if spec is not None and is_folder:
            spec.submodule_search_locations = [str(self.path.parent)]
        if spec is not None:
            spec.origin, spec.has_location = str(self.path), True
        return spec

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType | None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        tree = ast.fix_missing_locations(copy.deepcopy(self.tree))
        exec(compile(tree, str(self.path), "exec"), vars(module))


def passes(
    name: str, path: Path, tree: ast.Module, arguments: list[str], output: int
) -> bool:
    """Whether the tests pass in a child process that reads the module as this tree."""
    pid = os.fork()
    if pid == 0:
        os.setsid()
        os.dup2(output, 1)
        os.dup2(output, 2)
        sys.meta_path.insert(0, Changed(name, path, tree))
        code = pytest.main(["-x", "-p", "no:cacheprovider", *arguments])
        os._exit(int(code))
    status = _wait(pid)
    return status == 0


def _wait(pid: int) -> int:
    """The exit code of a child; one that hangs is ended with all that it started."""
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.05)
    os.killpg(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return -signal.SIGKILL


def guards_of(name: str) -> list[str]:
    """The test files that guard a module, asked in a child: nothing of ours is imported."""
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        guards = importlib.import_module("tests.architecture.guards")
        tests = guards.guards().get(name, [])
        os.write(write, "\n".join(map(str, tests)).encode())
        os._exit(0)
    os.close(write)
    with os.fdopen(read, encoding="utf-8") as answer:
        tests = answer.read().split()
    os.waitpid(pid, 0)
    return tests


def run(
    path: Path, sample: int, tests: list[str], arguments: list[str], output: int
) -> tuple[int, int]:
    """Tries the changes of one module and prints the survivors: (killed, tried)."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
    tree = ast.parse(path.read_text(encoding="utf-8"))
    # A rule of the choice instead of chance: a second run tries the same changes.
    chosen = mutants(tree)
    if len(chosen) > sample:
        chosen = random.Random(name).sample(chosen, sample)
    whole = [*(tests or guards_of(name)), *arguments]
    if not passes(name, path, tree, whole, output):
        sys.stdout.write(f"{name}: its guards fail without any change\n")
        return 0, len(chosen)
    killed = 0
    for mutant in sorted(chosen, key=lambda mutant: mutant.line):
        before = mutant.put()
        survives = passes(name, path, tree, whole, output)
        mutant._replace(node=before).put()
        killed += not survives
        # Said at once: a run that is ended early has not been for nothing.
        verdict = "SURVIVES" if survives else "noticed "
        sys.stdout.write(f"  {verdict} line {mutant.line}: {mutant.change}\n")
        sys.stdout.flush()
    sys.stdout.write(f"{name}: {killed} of {len(chosen)} noticed\n")
    return killed, len(chosen)


def main(arguments: Sequence[str]) -> int:
    """Tries modules one after another; ends with 1 if less than nine in ten are noticed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("modules", nargs="+", type=Path)
    parser.add_argument("--sample", type=int, default=SAMPLE)
    parser.add_argument("--tests", nargs="*", default=[], help="instead of the guards")
    known = list(arguments)
    split = known.index("--") if "--" in known else len(known)
    options = parser.parse_args(known[:split])
    for library in LIBRARIES:
        importlib.import_module(library)
    output = os.open(os.devnull, os.O_WRONLY)
    counts = [
        run(
            path.resolve(),
            options.sample,
            options.tests,
            known[split + 1 :],
            output,
        )
        for path in options.modules
    ]
    killed, total = (sum(column) for column in zip(*counts, strict=True))
    sys.stdout.write(f"together: {killed} of {total} noticed\n")
    return 0 if killed >= 0.9 * total else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
