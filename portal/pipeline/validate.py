"""Stage 2, validate: a record's metadata and the rows of its tables, against their declared schemas."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from portal.errors import BadFile
from portal.pipeline.verdict import CheckedResource, Verdict
from portal.quality import metadata, tables
from portal.quality.report import Finding, Report, Text
from portal.reading import ReadOptions, read_table
from schemas import catalog
from schemas.record import Content, DatasetRecord, ResourceRecord
from schemas.texttable import TextTable
from schemas.vocabularies import CITIZEN_ID, PERSONAL_COLUMN, PERSONAL_DATA, format_name

TABULAR = frozenset({"CSV", "TSV", "XLSX", "XLS", "ODS", "JSON", "NDJSON", "GeoJSON", "ZIP", "GZ"})

References = Callable[[str], Any]


def validate(record: DatasetRecord, references: References, *, limit: int, options: ReadOptions) -> Verdict:
    """Check one record. Bad files and bad rows are findings, never exceptions."""
    public = not record.private
    checked = tuple(check(resource, references, limit, options, public=public) for resource in record.resources)
    return Verdict(metadata.check_record(record), checked)


def check(
    resource: ResourceRecord,
    references: References,
    limit: int,
    options: ReadOptions,
    *,
    public: bool,
    progress: Callable[[int], object] = tables.nobody,
) -> CheckedResource:
    """Check one resource; without content, or with content that is no table, there is no report.

    A table that anybody could read (`public`) is refused when it holds personal data.
    """
    if resource.content is None or not _tabular(resource):
        return CheckedResource(resource)
    try:
        whole = read_table(resource.content, format=resource.format, options=options)
        schema = _schema(resource, whole)
        report = tables.check_table(whole, schema, references=references, limit=limit, progress=progress)
        parts = _parts(resource.content, resource.format, whole, options)
    except BadFile as problem:
        return CheckedResource(resource, _refusal(resource, problem))
    report = _without_persons(report) if public else report
    named = tuple(replace(finding, resource=resource.name) for finding in report.findings)
    return CheckedResource(resource, replace(report, findings=named), parts, schema)


def _without_persons(report: Report) -> Report:
    """The report for the public: citizen numbers, and columns that a schema tags as personal, are errors.

    Other signs (telephone numbers, addresses) stay warnings: offices have them too. Law 91/2025/QH15 knows no
    pseudonymised data, so that a table with them cannot be open at all.
    """
    findings = tuple(replace(each, severity="error") if _personal(each) else each for each in report.findings)
    return replace(report, findings=findings, valid=report.valid and not any(map(_personal, report.findings)))


def _personal(finding: Finding) -> bool:
    return finding.check == PERSONAL_COLUMN or (finding.check == PERSONAL_DATA and finding.note == CITIZEN_ID)


def _parts(content: Content, format_: str, whole: TextTable, options: ReadOptions) -> tuple[TextTable, ...]:
    """A table for each file, so that a file which did not change keeps the part that it was stored in."""
    if len(content.parts) == 1:
        return (whole,)
    single = (replace(content, parts=(part,)) for part in content.parts)
    return tuple(read_table(one, format=format_, options=options) for one in single)


def _tabular(resource: ResourceRecord) -> bool:
    name = resource.content.parts[0].name if resource.content else ""
    return bool(resource.schema or resource.schema_name) or format_name(resource.format, name) in TABULAR


def _schema(resource: ResourceRecord, table: TextTable) -> Mapping[str, Any]:
    """The declared schema; without one every column is a text: a code must never become a number by guessing."""
    if resource.schema_name:
        return catalog.get(resource.schema_name).public
    return resource.schema or {"fields": [{"name": label, "type": "string"} for label in table.labels]}


def _refusal(resource: ResourceRecord, problem: BadFile) -> Report:
    finding = Finding(
        check=problem.code,
        severity="error",
        message=Text(problem.vi, problem.en),
        hint=Text("", ""),
        resource=resource.name,
    )
    return Report(valid=False, findings=(finding,), counts={(problem.code, ""): 1})
