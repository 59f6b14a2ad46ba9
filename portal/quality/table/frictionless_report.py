"""Frictionless' own report on a file or package, written by Frictionless; it is spared
rows that are surely valid.

It reads files in the process that it runs in: a child (`portal.reading.child`), where
they are a stranger's.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import polars as pl
from frictionless import (
    Dialect,
    FrictionlessException,
    Package,
    Resource,
    Schema,
    errors,
)
from frictionless import Report as Judged
from frictionless.formats.csv import CsvControl
from frictionless.resources import TableResource
from frictionless.table.row import Row, create_cell_handlers

from portal.errors import BadFile
from portal.quality.findings.report import Finding
from portal.quality.frictionless import engine
from portal.quality.table.check import check_table
from portal.reading.encoding import to_utf8
from portal.reading.opening import open_table
from portal.reading.options import ReadOptions
from schemas.record import Content, ContentPart
from schemas.texttable import ROW, TextTable

LARGE = 4 * 1024 * 1024
"""Bytes of a file from which it pays to look for its bad rows first."""
LIMIT = 1000
"""Errors after which Frictionless stops reading a table, unless told otherwise."""


def judge(
    folder: Path,
    path: str,
    schema: Mapping[str, Any] | None = None,
    limit: int = LIMIT,
    *,
    large: int = LARGE,
) -> dict[str, Any]:
    """What `frictionless.validate(path, schema=…).to_dict()` says of a file in
    `folder`, its timings aside.

    Without a schema Frictionless infers one, types included; nothing of our own checks
    is in it. From `large` bytes on, only the rows that may be wrong reach Frictionless;
    every verdict on them stays its own.
    """
    try:
        options: dict[str, Any] = (
            {"schema": Schema.from_descriptor(_declared(schema))}
            if schema is not None
            else {}
        )
        source = Resource(path, basepath=str(folder), **options)
    except FrictionlessException as problem:
        return _dict(Judged.from_validation(errors=problem.reasons or [problem.error]))
    _spare(source, limit, large)
    return _dict(source.validate(limit_errors=limit))


def _declared(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Only what Table Schema defines, foreign keys included."""
    # engine.plain leaves them out, as our own keys judge them there.
    keys = {"foreignKeys": schema["foreignKeys"]} if schema.get("foreignKeys") else {}
    return {**engine.plain(schema), **keys}


def judge_package(
    folder: Path, path: str, limit: int = LIMIT, *, large: int = LARGE
) -> dict[str, Any]:
    """What `frictionless.validate(path).to_dict()` says of a datapackage.json in
    `folder`, its timings aside.
    """
    try:
        package = Package(path, basepath=str(folder))
    except FrictionlessException as problem:
        return _dict(Judged.from_validation(errors=problem.reasons or [problem.error]))
    if not list(package.metadata_validate(package.to_descriptor())):
        for resource in package.resources:
            _spare(resource, limit, large)
    return _dict(package.validate(limit_errors=limit))


def _dict(report: Any) -> dict[str, Any]:
    shown: dict[str, Any] = report.to_dict()
    return shown


def _spare(resource: Any, limit: int, large: int) -> None:
    """Open a large CSV file for Frictionless with only its bad rows; leave alone
    whatever is not sure to agree.
    """
    file = _plain_file(resource, large)
    if file is None:
        return
    try:
        resource.to_descriptor(validate=True)
        resource.open()
    except FrictionlessException:
        resource.close()
        return
    try:
        rows = _bad_rows(resource, file, limit)
    except (BadFile, engine.SchemaProblem):
        rows = None
    if rows is None:
        resource.close()
        return
    # Frictionless has no door for rows of one's own; its stream of rows is the one
    # thing that validate() walks.
    resource._TableResource__row_stream = rows


def _plain_file(resource: Any, large: int) -> Path | None:
    """The file of a resource that is one large, local, unpacked CSV; None for any
    other.
    """
    if (
        not isinstance(resource, TableResource)
        or resource.format != "csv"
        or resource.compression
    ):
        return None
    if (
        resource.remote
        or resource.memory
        or resource.multipart
        or resource.extrapaths
        or not resource.path
    ):
        return None
    file = Path(resource.basepath or "", resource.path)
    return file if file.is_file() and file.stat().st_size >= large else None


def _bad_rows(resource: Any, file: Path, limit: int) -> Iterator[Any] | None:
    """The rows of an open resource that have an error; None where our reading might
    differ from Frictionless'.
    """
    dialect = _dialect(resource.dialect)
    if (
        # Foreign keys are judged against other tables of the package, which are not
        # read here.
        dialect is None
        or resource.encoding not in ("utf-8", "ascii")
        or resource.schema.foreign_keys
    ):
        return None
    text = to_utf8(file, file.name, ReadOptions())
    # Our reading would mend what Frictionless reports.
    if text.owner is not None or text.skip or text.encoding != "utf-8" or text.notes:
        return None
    content = Content(
        (ContentPart(file, file.name, "", 0),), encoding="utf-8", dialect=dialect
    )
    table = open_table(content, format="CSV")
    report = check_table(
        table, resource.schema.to_descriptor(), limit=limit, checks=False
    )
    if sum(report.counts.values()) >= limit:
        return None  # it stops on the way, and says how far it came
    found: dict[int, list[Finding]] = defaultdict(list)
    for finding in report.findings:
        if finding.row and finding.row > 1:
            found[finding.row].append(finding)
    rows = [
        _row(resource, number, cells, found[number])
        for number, cells in _cells(table, set(found))
    ]
    # Where Frictionless finds more or less in a row than we did, it reads the whole
    # file.
    if any(len(row.errors) != len(found[row.row_number]) for row in rows):
        return None
    return _stream(resource, rows, report.rows, file)


def _dialect(dialect: Any) -> dict[str, Any] | None:
    """The dialect that Frictionless found, in our terms; None if it is more than a
    delimiter.
    """
    control = dialect.get_control("csv") if dialect.has_control("csv") else CsvControl()
    plain = Dialect(
        controls=[
            CsvControl(
                delimiter=control.delimiter,
                skip_initial_space=control.skip_initial_space,
            )
        ]
    )
    if {**dialect.to_dict(), "csv": None} != {
        **plain.to_dict(),
        "csv": None,
    } or control.skip_initial_space:
        return None
    if control.to_dict() != {**CsvControl().to_dict(), **_given(control)}:
        return None
    return {
        "delimiter": control.delimiter,
        "skipInitialSpace": False,
        "headerRows": [1],
    }


def _given(control: Any) -> dict[str, Any]:
    """The parts of a control that our reader takes over, or that decide nothing where a
    file is read.
    """
    shown: dict[str, Any] = control.to_dict()
    return {
        key: value
        for key, value in shown.items()
        if key in ("delimiter", "lineTerminator")
    }


def _cells(table: TextTable, wanted: set[int]) -> Iterator[tuple[int, list[str]]]:
    """The cells of the wanted rows, in the order of the file."""
    if not wanted:
        return
    for batch in table.batches():
        rows = batch.frame.filter(pl.col(ROW).is_in(wanted))
        some = [(number, list(cells)) for *cells, number in rows.iter_rows()]
        some += [
            (row.number, list(row.cells))
            for row in batch.ragged
            if row.number in wanted
        ]
        # Rows of a wrong width come apart from the others of their batch.
        yield from sorted(some)


def _row(resource: Any, number: int, cells: list[str], findings: list[Finding]) -> Any:
    """A row as Frictionless makes it, with its verdict on each cell, and ours on keys
    in its words.

    A row reads its cells when they are asked for, and its errors stand in that order:
    keys are asked for first.
    """
    fields = resource.header.get_expected_fields()
    row = Row(cells, handlers=create_cell_handlers(fields), row_number=number)
    repeated = {
        finding.field: finding.note
        for finding in findings
        if finding.check == "unique-error"
    }
    for name in dict.fromkeys(
        field.name for field in fields if field.constraints.get("unique")
    ):
        row[name]
        if name in repeated:
            row.errors.append(
                errors.UniqueError.from_row(row, note=repeated[name], field_name=name)
            )
    primary = resource.schema.primary_key
    if set(primary) <= {field.name for field in fields}:
        [row[name] for name in primary]
    for finding in findings:
        if finding.check == "primary-key":
            row.errors.append(errors.PrimaryKeyError.from_row(row, note=finding.note))
    return row


def _stream(resource: Any, rows: list[Any], total: int, file: Path) -> Iterator[Any]:
    """The bad rows, and then the figures of the whole file."""
    yield from rows
    # validate() takes its figures from the resource once the rows are through; it has
    # not read this file, so that they are given here.
    with file.open("rb") as source:
        resource.stats.sha256 = hashlib.file_digest(source, "sha256").hexdigest()
        source.seek(0)
        resource.stats.md5 = hashlib.file_digest(
            source, lambda: hashlib.md5(usedforsecurity=False)
        ).hexdigest()
    resource.stats.bytes = file.stat().st_size
    resource.stats.rows = total
