"""The root of the command line: which commands there are, and the module of each, read
when it is called.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any, NamedTuple

import click
import orjson


class CommandEntry(NamedTuple):
    """A command of the root: the module that adds it, and the sentence of the list of
    commands.
    """

    module: str
    help: str


COMMANDS = {
    "db": CommandEntry("serving", "The database."),
    "demo": CommandEntry(
        "serving",
        "Harvest the sample sources, validate, store, index, publish; then serve.",
    ),
    "doctor": CommandEntry(
        "doctor",
        "Find uploads, datasets, index entries, scores, downloads and runs that "
        "nobody holds.",
    ),
    "files": CommandEntry(
        "files", "Stored files: uploads, harvested files, and the parts of tables."
    ),
    "harvest": CommandEntry("harvest", "Sources and their jobs."),
    "index": CommandEntry("index", "The search index."),
    "org": CommandEntry("rights", "Organizations."),
    "schema": CommandEntry(
        "schema", "Table schemas: list, show, check, propose, compare."
    ),
    "serve": CommandEntry(
        "serving", "Serve the API and the pages; what ends is started again."
    ),
    "sweep": CommandEntry(
        "doctor",
        "Remove now what nobody needs any more, as the worker does every hour.",
    ),
    "token": CommandEntry("rights", "API tokens."),
    "user": CommandEntry("people", "Users."),
    "validate": CommandEntry(
        "validation",
        "Check a table or a Data Package: which rows are wrong, why, and how to mend "
        "them.",
    ),
    "worker": CommandEntry(
        "serving", "Take jobs from the queue until stopped: harvests, outbox, sweep."
    ),
}


class Commands(click.Group):
    """The commands of the root. Only the one that is called is imported: all of them
    together take seconds.
    """

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, in the order of the alphabet."""
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of a name; None where there is none."""
        if cmd_name in COMMANDS:
            # Importing adds the command to the group, by its decorator; the look-up
            # below then finds it.
            import_module(f"portal.cli.{COMMANDS[cmd_name].module}")
        return super().get_command(ctx, cmd_name)

    def format_commands(
        self, ctx: click.Context, formatter: click.HelpFormatter
    ) -> None:
        """The list of commands, without importing them."""
        # click would ask every command for its help, and so import them all.
        with formatter.section("Commands"):
            formatter.write_dl(
                [(name, COMMANDS[name].help) for name in sorted(COMMANDS)]
            )


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="thanhhoa-data-portal")
def portal() -> None:
    """The data portal of Thanh Hóa province. Settings: PORTAL_… variables, see
    docs/operate.md.
    """


def show(value: Any) -> None:
    """Print JSON for a machine."""
    click.echo(orjson.dumps(value, option=orjson.OPT_INDENT_2).decode())
