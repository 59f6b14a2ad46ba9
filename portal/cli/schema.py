"""portal schema: the catalogue's table schemas, and what is wrong with one, proposed
for a file, or changed in it.
"""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from portal.cli.base import portal, show
from portal.cli.targets import options
from portal.errors import BadFile
from portal.quality.checks import schema_check
from portal.quality.table import proposal
from portal.reading import child, read_table
from portal.settings import load
from schemas import catalog
from schemas.compare import compare, summary
from schemas.record import Content, ContentPart

Json = dict[str, Any]
language = click.option(
    "--lang", type=click.Choice(["vi", "en"]), default="vi", show_default=True
)
as_json = click.option("--json", "machine", is_flag=True, help="JSON for a program.")


@portal.group()
def schema() -> None:
    """Table schemas: list, show, check, propose, compare. Exit codes: 0 fine, 1 wrong
    or breaking, 2 misused.
    """


@schema.command("list")
@click.option("--sector", default="", help="Only of this sector, e.g. y-te.")
@as_json
@language
def list_schemas(sector: str, machine: bool, lang: str) -> None:
    """List the table schemas of the catalogue."""
    tables = [table for table in catalog.tables() if sector in ("", table.sector)]
    if machine:
        show([{name: getattr(table, name) for name in LISTED} for table in tables])
        return
    for table in tables:
        title = table.title if lang == "vi" else table.title_en
        click.echo(
            f"{table.code:16} {table.access_kind:11} {table.frequency:12} {title}  "
            f"({table.name} {table.version})"
        )


LISTED = (
    "name",
    "code",
    "version",
    "title",
    "title_en",
    "sector",
    "access_kind",
    "frequency",
    "publisher",
)


@schema.command("show")
@click.argument("name")
@as_json
@language
def show_schema(name: str, machine: bool, lang: str) -> None:
    """Show the table schema NAME (a name, its tail, or a code such as D02)."""
    table = _named(name)
    if machine:
        show(table.descriptor)
        return
    title, text = (
        (table.title, table.description)
        if lang == "vi"
        else (table.title_en, table.description_en)
    )
    click.echo(
        f"{table.code} {title} ({table.name} {table.version}, {table.access_kind}, "
        f"{table.frequency})\n{text}\n"
    )
    for field in table.descriptor["fields"]:
        limits = field.get("constraints", {})
        rest = ", ".join(
            f"{key} {value}" for key, value in limits.items() if key != "required"
        )
        must = "*" if limits.get("required") else " "
        tag = "" if field["pd"] == "none" else f" [{field['pd']}: {field['treatment']}]"
        said = field["title"] if lang == "vi" else field["title_en"]
        click.echo(
            f" {must} {field['name']:26} {field['type']:9} "
            f"{said}{tag}{f'  ({rest})' if rest else ''}"
        )


@schema.command("check")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@as_json
@language
def check_schema(file: Path, machine: bool, lang: str) -> None:
    """Check the Table Schema in FILE (version 1 or 2). Exit code 1 when no table can be
    judged by it.
    """
    given = _read(file)
    problems = schema_check.check(given)
    valid = not any(problem.severity == "error" for problem in problems)
    version = schema_check.version(given) if isinstance(given, dict) else None
    if machine:
        show(
            {
                "valid": valid,
                "version": version,
                "problems": [problem.to_dict() for problem in problems],
            }
        )
    else:
        words = {
            "vi": ("Dùng được", "Không dùng được"),
            "en": ("Usable", "Not usable"),
        }[lang]
        click.echo(f"{words[0] if valid else words[1]} (Table Schema {version or '?'})")
        for problem in problems:
            place = f"{problem.field}: " if problem.field else ""
            click.echo(
                f"[{problem.severity}] "
                f"{place}{problem.vi if lang == 'vi' else problem.en}"
            )
    sys.exit(0 if valid else 1)


@schema.command("propose")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--ascii",
    "ascii_names",
    is_flag=True,
    help="Name fields in snake_case; titles keep the labels.",
)
@click.option(
    "--sheet",
    default="",
    help="Name of the worksheet; without it the first that has cells.",
)
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the schema here.",
)
@language
def propose_schema(
    file: Path, ascii_names: bool, sheet: str, out: Path | None, lang: str
) -> None:
    """Propose a Table Schema for the table in FILE: the schema as JSON, and what to
    look at on stderr.
    """
    # Before anything here begins a thread: a process with threads is not forked, and a
    # server of its own would load everything again.
    child.adopt()
    try:
        table = read_table(
            Content((ContentPart.of(file),)),
            format="",
            options=replace(options(load(None)), sheet=sheet),
        )
        made = proposal.propose(table, ascii_names=ascii_names)
    except BadFile as error:
        raise click.ClickException(error.vi if lang == "vi" else error.en) from None
    text = json.dumps(made.schema, ensure_ascii=False, indent=2)
    if out is None:
        click.echo(text)
    else:
        out.write_text(text + "\n", encoding="utf-8")
    for note in made.notes:
        # On stderr: stdout holds nothing but the schema, so that it can be sent into a
        # file.
        click.echo(f"{note['field']}: {note[lang]}", err=True)


@schema.command("compare")
@click.argument("old")
@click.argument("new")
@as_json
@language
def compare_schemas(old: str, new: str, machine: bool, lang: str) -> None:
    """Compare two schemas (files, or names of the catalogue), field by field. Exit code
    1 when NEW breaks something.
    """
    made = summary(compare(_given(old), _given(new)))
    if machine:
        show(made)
    else:
        words = {
            "vi": ("PHÁ VỠ", "Tương thích", "không phá vỡ"),
            "en": ("BREAKING", "Compatible", "breaks nothing"),
        }[lang]
        click.echo(f"{words[0] if made['breaking'] else words[1]} → {made['bump']}")
        for change in made["changes"]:
            mark = f"!! {change['breaks']}" if change["breaking"] else words[2]
            click.echo(f"{change['field'] or '*'}: {change[lang]} ({mark})")
    sys.exit(1 if made["breaking"] else 0)


def _named(name: str) -> catalog.TableSchema:
    """A schema of the catalogue, or a sentence that it is not known."""
    try:
        return catalog.get(name)
    except catalog.UnknownTable as error:
        raise click.ClickException(error.message) from None


def _given(text: str) -> Json:
    """A schema from a file that can be used, else from the catalogue."""
    path = Path(text)
    if not path.is_file():
        return _named(text).descriptor
    given = _read(path)
    # What is no schema cannot be compared field by field; its own faults come first.
    wrong = [
        problem.en
        for problem in schema_check.check(given)
        if problem.severity == "error"
    ]
    if wrong:
        raise click.ClickException(f"{path.name}: {'; '.join(wrong)}")
    return dict(given)


def _read(path: Path) -> Any:
    """The JSON of a file, whatever it holds. Raises UsageError where it is none."""
    try:
        # Editors of Windows put a byte order mark in front, which JSON does not allow.
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as error:
        raise click.UsageError(f"{path.name} is no JSON: {error}") from None
