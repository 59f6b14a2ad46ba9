"""The laws of the house that no linter knows."""

import ast
import inspect
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any

import pytest
from marshmallow import INCLUDE, fields

from portal import bootstrap
from portal.access.policy import RULES, Permission
from portal.actions.registry import ACTIONS, Check
from portal.db import holding
from schemas.values import Integer, Seconds
from tests.architecture import documents
from tests.architecture.documents import ROOT, modules, sentence
from tests.portal.db.writers import ACTIONS as WRITERS

assert bootstrap  # importing the composition root declares every action


@pytest.mark.parametrize(
    "path", modules(), ids=lambda path: str(path.relative_to(ROOT))
)
def test_a_module_says_in_one_sentence_what_it_is_for(path: Path) -> None:
    assert re.fullmatch(r"\S.{10,150}[.]", sentence(path)), (
        "the docstring's first sentence is its entry in the map"
    )


@pytest.mark.parametrize(
    "path", modules(), ids=lambda path: str(path.relative_to(ROOT))
)
def test_no_module_passes_six_hundred_lines(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 600


def test_nine_modules_of_ten_have_at_most_320_lines() -> None:
    lines = [len(path.read_text(encoding="utf-8").splitlines()) for path in modules()]
    assert sum(count <= 320 for count in lines) >= 0.9 * len(lines)


def test_no_room_is_called_a_lumber_room() -> None:
    assert not {path.stem for path in modules()} & {
        "utils",
        "helpers",
        "common",
        "manager",
        "misc",
    }


def test_only_the_unit_of_work_commits() -> None:
    """Sessions are committed in one place; everybody else asks the unit of work."""
    for path in modules():
        if path.name == "uow.py":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute) and node.attr == "commit":
                owner = ast.unparse(node.value)
                assert "session" not in owner, (
                    f"{path.relative_to(ROOT)}:{node.lineno} commits past the unit of "
                    "work"
                )


def test_every_permission_has_a_rule() -> None:
    assert set(RULES) == set(Permission)


@pytest.mark.parametrize("name", sorted(ACTIONS))
def test_an_action_is_declared_whole(name: str) -> None:
    declared = ACTIONS[name]
    assert declared.allow in RULES
    assert len(declared.help.strip()) >= 20, "help_show answers with the docstring"


def _reached(function: Any, seen: set[Any]) -> None:
    """Every function and class of the portal that a function names, and what those name
    in turn.
    """
    if function in seen or not getattr(function, "__module__", "").startswith(
        "portal."
    ):
        return
    seen.add(function)
    codes = [
        each.__code__
        for each in vars(function).values()
        if isinstance(each, FunctionType)
    ]
    codes += [function.__code__] if isinstance(function, FunctionType) else []
    for code in codes:
        codes += [each for each in code.co_consts if isinstance(each, CodeType)]
        places = [vars(sys.modules[function.__module__])]
        places += [
            vars(each)
            for name in code.co_names
            if isinstance(each := places[0].get(name), ModuleType)
        ]
        for place in places:
            for name in code.co_names:
                if isinstance(place.get(name), FunctionType | type):
                    _reached(place[name], seen)


DOORS = {
    holding.held_dataset,
    holding.held_datasets,
    holding.find_dataset,
    holding.find_resource,
    holding.new_dataset,
}


def test_every_action_that_changes_datasets_is_tried_beside_others() -> None:
    """An action that holds datasets, or has them rendered afterwards, stands in the
    table of the races.
    """
    changing = set()
    for name, declared in ACTIONS.items():
        reached: set[Any] = set()
        for function in (declared.run, declared.on):
            _reached(function, reached)
        renders = any(
            "RENDER" in each.__code__.co_names
            for each in reached
            if isinstance(each, FunctionType)
        )
        if not declared.safe and (DOORS & reached or renders):
            changing.add(name)
    assert len(changing) > 40
    assert changing == set(WRITERS)


def test_only_the_door_makes_held_datasets() -> None:
    """`HeldDataset(…)` says that a lock was taken: only the module that takes it may
    say so.
    """
    for path in modules():
        if path.name == "holding.py":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            named = ast.unparse(node) if isinstance(node, ast.Call) else ""
            made = re.match(
                r"(\w+\.)*(HeldDataset|HeldGroup)\(|(\w+\.)*cast\(['\"]?(\w+\.)*Held(Dataset|Group)",
                named,
            )
            assert not made, (
                f"{path.relative_to(ROOT)}:{node.lineno} makes what only the door can "
                "make"
            )


@pytest.mark.parametrize("name", sorted(ACTIONS))
def test_every_number_of_an_action_has_bounds(name: str) -> None:
    for field in _numbers_in(ACTIONS[name].params.fields.values()):
        assert isinstance(field, (Integer, Seconds)), (
            f"{field.name}: schemas.values has numbers with bounds"
        )


CHECKED_WITHIN = {
    "package_create": "names, owners and tags are told of together with the fields",
    "package_update": "as package_create",
    "package_patch": "as package_create",
}
"""Actions that check their parameters themselves, and why."""
TAKES_ANY_KEY = {
    "harvest_source_create": "clients send a whole source back, with what it answered",
    "harvest_source_update": "as harvest_source_create",
    "harvest_source_patch": "as harvest_source_create",
    "package_revise": "the place that is matched or changed is the key",
    "resource_create": "a resource keeps keys that CKAN does not know",
    "resource_update": "as resource_create",
    "resource_patch": "as resource_create",
    "resource_view_create": "a view's configuration is made of its keys",
    "resource_view_update": "as resource_view_create",
}
"""Actions whose schemas let keys pass that they do not declare, and why."""


def test_parameters_are_declared_once_and_loaded_by_the_registry() -> None:
    """An action with a schema that only describes would check by hand, and the two
    would come to differ.
    """
    within = {name for name, each in ACTIONS.items() if each.check is Check.WITHIN}
    any_key = {name for name, each in ACTIONS.items() if each.unknown == INCLUDE}
    assert within == set(CHECKED_WITHIN)
    assert any_key == set(TAKES_ANY_KEY)


@pytest.mark.parametrize("name", sorted(ACTIONS))
def test_an_action_reads_no_parameter_that_it_does_not_declare(name: str) -> None:
    """Without a declared field an action takes nothing, and what its function reads of
    `params` stands in its schema.
    """
    declared = ACTIONS[name]
    if name in TAKES_ANY_KEY or name in CHECKED_WITHIN:
        return
    function = ast.parse(inspect.cleandoc(inspect.getsource(declared.run)))
    reads = {
        node.slice.value
        for node in ast.walk(function)
        if isinstance(node, ast.Subscript)
        and ast.unparse(node.value) == "params"
        and isinstance(node.slice, ast.Constant)
    }
    assert reads <= set(declared.params.fields)


def _numbers_in(listed: Iterable[fields.Field[Any]]) -> Iterator[fields.Field[Any]]:
    for field in listed:
        if isinstance(field, fields.Number):
            yield field
        elif isinstance(field, fields.List):
            yield from _numbers_in([field.inner])
        elif isinstance(field, fields.Nested):
            yield from _numbers_in(field.schema.fields.values())


def _kind(noun: re.Match[str]) -> str:
    return "{kind}_" if noun.group(1) else "_{kind}"


def test_every_action_is_called_in_a_test() -> None:
    texts = "".join(
        path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py")
    )
    # What is alike is tested by one text: f"{kind}_show", f"unfollow_{kind}".
    nouns = "(organization|group|user|dataset)"
    spelled = {
        name: re.escape(re.sub(f"^{nouns}_|_{nouns}$", _kind, name)) for name in ACTIONS
    }
    missing = sorted(
        name
        for name in ACTIONS
        if not re.search(rf"[\"'/.]({name}|{spelled[name]})(?!\w)", texts)
    )
    assert not missing, f"no test calls {missing}"


def test_the_map_the_actions_the_settings_and_the_checks_are_as_the_code_says() -> None:
    """Run `python -m tests.architecture.documents` when this fails."""
    assert (ROOT / "docs/map.md").read_text(
        encoding="utf-8"
    ) == documents.map_of_modules()
    api = (ROOT / "docs/api.md").read_text(encoding="utf-8")
    assert api == documents.with_actions(api)
    operate = (ROOT / "docs/operate.md").read_text(encoding="utf-8")
    assert operate == documents.with_settings(operate)
    validation = (ROOT / "docs/validation.md").read_text(encoding="utf-8")
    assert validation == documents.with_checks(validation)


def test_sources_are_reached_through_the_guarded_doors_only() -> None:
    doors = {
        "guard.py",
        "http.py",
        "databases.py",
        "reader_process.py",
        "sql_reader.py",
        "secrets.py",
    }
    outward = re.compile(
        r"^(?:import|from) "
        r"(?:socket|ssl|subprocess|httpx|httpcore|urllib\.request|sqlalchemy|psycopg)\b",
        re.M,
    )
    reaching = {
        path.name
        for path in (ROOT / "harvesters").glob("*.py")
        if outward.search(path.read_text("utf-8"))
    }
    assert reaching == doors
