"""portal validate: what is wrong in a file, an address or a package, and how to mend
it.
"""

from __future__ import annotations

import csv
import io
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from harvesters.http import safe_url
from i18n import Message
from portal.cli import targets
from portal.cli.base import portal, show
from portal.pipeline import validate
from portal.pipeline.verdict import CheckedResource
from portal.quality.findings.report import Report
from portal.reading import ReadOptions, child
from portal.settings import Settings, load
from schemas.record import DatasetRecord

VALID, INVALID, UNREADABLE = range(3)
GRAVITY = ("error", "warning", "info")
PRINTED, LISTED = 20, 1000
COLUMNS = (
    "resource",
    "part",
    "row",
    "field",
    "check",
    "severity",
    "cell",
    "note",
    "message",
    "hint",
)
OWN_SCHEMAS = (
    "This is a Data Package, which brings a schema for each of its tables: leave "
    "--schema out, "
    "or name one of its files with --schema."
)
WORDS = {
    "good": Message("VALID"),
    "bad": Message("NOT VALID"),
    "row": Message("row"),
    "error": Message("ERROR"),
    "warning": Message("WARNING"),
    "info": Message("NOTE"),
    "cell": Message("the cell says '{cell}'"),
    "mend": Message("How to mend"),
    "counts": Message("{rows} rows, {errors} errors, {warnings} warnings"),
    "more": Message("… and {times} more"),
    "table": Message("{name} holds no table."),
    "structure": Message(
        "No schema: only the structure was checked, every column is "
        "text. Name a schema with --schema."
    ),
}
"""What is said around the findings."""


@portal.command("validate")
@click.argument("target", metavar="FILE|URL|PACKAGE")
@click.option(
    "--schema",
    "schema_name",
    help="Name or code of a table schema (D02), or a Table Schema in a .json file.",
)
@click.option(
    "--encoding",
    help=(
        "The encoding of the file, where it is neither UTF-8 nor Vietnamese (cp1252, "
        "big5)."
    ),
)
@click.option("--json", "as_json", is_flag=True, help="The whole report as JSON.")
@click.option("--csv", "as_csv", is_flag=True, help="The findings as CSV.")
@click.option(
    "--report",
    "shape",
    type=click.Choice(["frictionless"]),
    help="Frictionless' own report instead.",
)
@click.option(
    "--limit",
    type=click.IntRange(1),
    help=(
        f"Findings to list for each check and column: {PRINTED} for people, {LISTED} "
        "for programs."
    ),
)
@click.option(
    "--lang", type=click.Choice(["vi", "en"]), default="vi", show_default=True
)
def validate_file(
    target: str,
    schema_name: str | None,
    encoding: str | None,
    as_json: bool,
    as_csv: bool,
    shape: str | None,
    limit: int | None,
    lang: str,
) -> None:
    """Check a table or a Data Package: which rows are wrong, why, and how to mend them.

    Without --schema a plain file is checked for its structure only: its columns are
    taken as text, and no type is guessed. A package brings its own schemas, so that
    --schema is refused. Exit codes: 0 valid, 1 not valid, 2 cannot be read or wrong
    usage.
    """
    # People read the first few findings of a kind and mend that; a program wants them
    # all.
    machine = as_json or as_csv or shape is not None
    limit = limit or (LISTED if machine else PRINTED)
    # Before anything here begins a thread: a process with threads is not forked, and a
    # server of its own would load everything again.
    child.adopt()
    try:
        schema = targets.table_schema(schema_name)
        settings = load(None)
        with targets.local_copy(target, settings) as path:
            whole = targets.is_package(path)
            if whole and schema is not None:
                raise targets.Unusable(OWN_SCHEMAS)
            if shape:
                # In here, as the fetched files are gone when the block ends.
                _finish_peer(_peer(target, path, schema, limit, settings, whole=whole))
            with _record(
                target, path, schema, settings, encoding, whole=whole
            ) as record:
                reports = _reports(record, limit, targets.options(settings))
    except targets.Unusable as problem:
        click.echo(f"portal: {problem}", err=True)
        sys.exit(UNREADABLE)
    if as_json:
        show(_together(reports, whole=whole))
    elif as_csv:
        click.echo(_csv(reports, lang), nl=False)
    else:
        _tell(reports, lang, structure=schema is None and not whole)
    sys.exit(_code(reports))


@contextmanager
def _record(
    target: str,
    path: Path,
    schema: Any,
    settings: Settings,
    encoding: str | None,
    *,
    whole: bool,
) -> Iterator[DatasetRecord]:
    if not whole:
        yield targets.single(path, schema, encoding)
        return
    with targets.package(target, path, settings) as record:
        yield record


def _peer(
    target: str, path: Path, schema: Any, limit: int, settings: Settings, *, whole: bool
) -> dict[str, Any]:
    """The report of Frictionless itself, made in a child, with places as the caller
    knows them.
    """
    # Frictionless reads a stranger's file too, so it runs within the limits of a child.
    limits = targets.options(settings).limits
    folder, name, remote = path.absolute().parent, path.name, targets.is_address(target)
    if whole:
        came = targets.whole_package(target, path, settings) if remote else {}
        judged = child.run(
            "portal.quality.table.frictionless_report:judge_package",
            folder,
            name,
            limit,
            name=name,
            limits=limits,
        )
        return _placed(judged, came)
    judged = child.run(
        "portal.quality.table.frictionless_report:judge",
        folder,
        name,
        schema,
        limit,
        name=name,
        limits=limits,
    )
    return _placed(judged, {name: target} if remote else {})


def _placed(report: dict[str, Any], came: Mapping[str, str]) -> dict[str, Any]:
    """The report with the addresses of tables in place of the files that they were
    fetched to.
    """
    for task in report["tasks"]:
        address = came.get(task["place"])
        task["place"] = safe_url(address) if address else task["place"]
    return report


def _finish_peer(report: dict[str, Any]) -> None:
    show(report)
    sys.exit(VALID if report["valid"] else INVALID)


def _reports(
    record: DatasetRecord, limit: int, options: ReadOptions
) -> list[tuple[str, CheckedResource]]:
    """Each resource by name, with what checking it gave."""
    find = targets.lookups(record, options)
    with _progress() as progress:
        return [
            (
                each.name,
                validate.check(
                    each, find, limit, options, public=True, progress=progress
                ),
            )
            for each in record.resources
        ]


@contextmanager
def _progress() -> Iterator[Callable[[int], None]]:
    """Rows so far and their rate, on the error stream of a terminal."""
    # Only on a terminal: a carriage return in a log is noise.
    seen, started, terminal = 0, time.perf_counter(), sys.stderr.isatty()

    def advance(rows: int) -> None:
        nonlocal seen
        seen += rows
        if terminal:
            rate = seen / max(time.perf_counter() - started, 0.001)
            click.echo(f"\r{seen:,} rows, {rate:,.0f}/s ", nl=False, err=True)

    try:
        yield advance
    finally:
        if terminal and seen:
            # Blanks over the line of progress, so that the report begins on an empty
            # one.
            click.echo(f"\r{' ' * 40}\r", nl=False, err=True)


def _code(reports: list[tuple[str, CheckedResource]]) -> int:
    """The exit code for all reports together."""
    # A file that could not be read is no invalid table: scripts tell the two by the
    # exit code. Neither is a package without any table.
    if any(_refused(checked) for _, checked in reports) or not any(
        checked.report for _, checked in reports
    ):
        return UNREADABLE
    return (
        VALID
        if all(checked.report is None or checked.report.valid for _, checked in reports)
        else INVALID
    )


def _refused(checked: CheckedResource) -> bool:
    return checked.report is not None and not checked.tables


def _together(
    reports: list[tuple[str, CheckedResource]], *, whole: bool
) -> dict[str, Any]:
    """One report for a file; for a package, a list of them by resource."""
    told = [
        {
            "resource": name,
            **(checked.report or Report(valid=True)).to_dict(),
            "table": checked.report is not None,
        }
        for name, checked in reports
    ]
    if not whole:
        return told[0]
    return {"valid": all(each["valid"] for each in told), "resources": told}


def _csv(reports: list[tuple[str, CheckedResource]], lang: str) -> str:
    """All findings as CSV, in one language."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for name, checked in reports:
        for finding in (checked.report or Report(valid=True)).to_dict()["findings"]:
            spoken = {
                "message": finding["message"][lang],
                "hint": finding["hint"][lang],
            }
            writer.writerow(
                {**finding, **spoken, "resource": finding["resource"] or name}
            )
    return text.getvalue()


def _tell(
    reports: list[tuple[str, CheckedResource]], lang: str, *, structure: bool
) -> None:
    """Print the reports for a person, in one language."""
    words = {name: word.template(lang) for name, word in WORDS.items()}
    for name, checked in reports:
        if len(reports) > 1:
            click.echo(f"\n{name}")
        if checked.report is None:
            click.echo(words["table"].format(name=name))
        else:
            _tell_report(checked.report.to_dict(), words, lang)
    if structure:
        click.echo(words["structure"])


def _tell_report(report: dict[str, Any], words: dict[str, str], lang: str) -> None:
    """Print one report: its verdict, then its findings by check and column, grave ones
    first.
    """
    verdict = words["good"] if report["valid"] else words["bad"]
    click.echo(f"{verdict}: {words['counts'].format(**report)}")
    groups: dict[tuple[str, str | None], list[dict[str, Any]]] = {}
    for finding in report["findings"]:
        groups.setdefault((finding["check"], finding["field"]), []).append(finding)
    counts = {
        (count["check"], count["field"]): count["count"] for count in report["counts"]
    }
    # Errors first. The sort is stable, so that within a severity the order of the
    # findings stays.
    for key in sorted(
        groups, key=lambda key: GRAVITY.index(groups[key][0]["severity"])
    ):
        _tell_group(groups[key], counts.get(key, 0), words, lang)


def _tell_group(
    found: list[dict[str, Any]], count: int, words: dict[str, str], lang: str
) -> None:
    """All findings of one check in one column: what is wrong where, and once how to
    mend it.
    """
    first = found[0]
    click.echo(
        f"\n[{words[first['severity']]}] {first['check']}"
        + (f" · {first['field']}" if first["field"] else "")
    )
    for finding in found:
        cell = (
            f" ({words['cell'].format(cell=finding['cell'])})"
            if finding["cell"]
            else ""
        )
        click.echo(f"  {finding['message'][lang]}{cell}")
    if count > len(found):
        click.echo(f"  {words['more'].format(times=count - len(found))}")
    # Each hint once, in order: a thousand rows with one fault are mended in one way.
    for hint in dict.fromkeys(
        finding["hint"][lang] for finding in found if finding["hint"][lang]
    ):
        click.echo(f"  {words['mend']}: {hint}")
