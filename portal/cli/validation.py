"""portal validate: what is wrong in a file, and how to mend it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from portal.cli.base import portal, show
from portal.errors import BadFile
from portal.pipeline import validate
from portal.reading import ReadOptions
from schemas import catalog
from schemas.record import Content, ContentPart, DatasetRecord, ResourceRecord


@portal.command("validate")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--schema", "schema_name", required=True, help="Name or code of a table schema, e.g. D02.")
@click.option("--json", "as_json", is_flag=True, help="The whole report as JSON.")
@click.option("--limit", default=20, show_default=True, help="Findings to print for each check and column.")
@click.option("--lang", type=click.Choice(["vi", "en"]), default="vi", show_default=True)
def validate_file(file: Path, schema_name: str, as_json: bool, limit: int, lang: str) -> None:
    """Check FILE against a table schema: which rows are wrong, why, and how to mend them. Exit code 1 when wrong."""
    try:
        name = catalog.get(schema_name).name
    except KeyError as error:
        raise click.ClickException(str(error)) from None
    record = DatasetRecord(
        name="file", resources=(ResourceRecord(name=file.name, schema_name=name, content=_content(file)),)
    )
    try:
        verdict = validate.validate(record, lambda _name: None, limit=limit, options=ReadOptions())
    except BadFile as error:
        raise click.ClickException(error.vi if lang == "vi" else error.en) from None
    report = verdict.resources[0].report
    if report is None:
        raise click.ClickException(f"{file.name} holds no table.")
    if as_json:
        show(report.to_dict())
    else:
        _tell_report(report.to_dict(), lang)
    sys.exit(0 if report.valid else 1)


def _content(file: Path) -> Content:
    return Content((ContentPart.of(file),))


def _tell_report(report: dict[str, Any], lang: str) -> None:
    words = {"vi": ("HỢP LỆ", "KHÔNG HỢP LỆ", "dòng", "Cách sửa"), "en": ("VALID", "NOT VALID", "row", "How to mend")}
    good, bad, row, mend = words[lang]
    counts = f"{report['rows']} rows, {report['errors']} errors, {report['warnings']} warnings"
    click.echo(f"{good if report['valid'] else bad}: {counts}")
    for finding in report["findings"]:
        place = " ".join(filter(None, (f"{row} {finding['row']}" if finding["row"] else "", finding["field"] or "")))
        click.echo(f"[{finding['severity']}] {place}: {finding['message'][lang]}")
        if finding["hint"][lang]:
            click.echo(f"    {mend}: {finding['hint'][lang]}")
