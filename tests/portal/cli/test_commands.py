"""The root of the command line: its list agrees with the commands, and none is imported
before it is called.
"""

import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

from portal.cli.base import COMMANDS, portal

GUARDS = (
    "portal.bootstrap",
    "portal.cli.__main__",
    "portal.cli.base",
    "portal.cli.opening",
)
HEAVY = ("portal.bootstrap", "sqlalchemy", "frictionless", "polars")


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_the_list_says_of_a_command_what_it_says_of_itself(name: str) -> None:
    command = portal.get_command(click.Context(portal), name)
    assert command is not None and command.help is not None
    said = " ".join(command.help.split())
    assert said.startswith(COMMANDS[name].help.rstrip("."))


def test_every_command_is_listed() -> None:
    for name in COMMANDS:
        portal.get_command(click.Context(portal), name)
    assert sorted(portal.commands) == portal.list_commands(click.Context(portal))


def test_the_help_names_each_command() -> None:
    told = CliRunner().invoke(portal, ["--help"]).output
    assert all(f"\n  {name} " in told for name in COMMANDS)


def test_a_command_that_is_not_there_is_told() -> None:
    told = CliRunner().invoke(portal, ["validaet"])
    assert told.exit_code == 2 and "No such command 'validaet'" in told.output


@pytest.mark.parametrize(
    ("words", "spared"),
    [
        ("--help", HEAVY),
        ("validate --help", ("portal.bootstrap", "portal.db", "flask", "alembic")),
    ],
)
def test_a_command_imports_only_what_it_needs(
    words: str, spared: tuple[str, ...]
) -> None:
    program = (
        "import sys; from portal.cli import portal\n"
        f"portal({words.split()!r}, standalone_mode=False)\n"
        f"print('imported:', *[name for name in {spared!r} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1].strip() == "imported:"
