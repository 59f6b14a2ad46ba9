"""Stage 2, validate: a record's metadata and the rows of its tables, against their
declared schemas.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from portal.errors import BadFile
from portal.pipeline.verdict import ERROR, CheckedResource, Verdict, is_personal
from portal.quality import documents, personal
from portal.quality.checks.catalogue import MESSAGES, SEVERITIES
from portal.quality.dataset import metadata
from portal.quality.findings import bad_rows
from portal.quality.findings.masking import mask_report
from portal.quality.findings.messages import say
from portal.quality.findings.report import Finding, Report, Text
from portal.quality.personal import treatments
from portal.quality.table.check import check_table, no_progress
from portal.reading import ReadOptions, read_table
from schemas import catalog
from schemas.record import Content, DatasetRecord, ResourceRecord
from schemas.texttable import TextTable
from schemas.vocabularies import PERSONAL_COLUMN, TABULAR, format_name

References = Callable[[str], Any]


def validate(
    record: DatasetRecord, references: References, *, limit: int, options: ReadOptions
) -> Verdict:
    """Check one record. Bad files and bad rows are findings, never exceptions."""
    public = not record.private or record.profile.get("access_kind") == "open"
    checked = tuple(
        check(resource, references, limit, options, public=public)
        for resource in record.resources
    )
    return Verdict(metadata.check_record(record), checked)


def check(
    resource: ResourceRecord,
    references: References,
    limit: int,
    options: ReadOptions,
    *,
    public: bool,
    progress: Callable[[int], object] = no_progress,
) -> CheckedResource:
    """Check one resource; without content, or where a file that is no table is in
    order, there is no report.

    What anybody could read (`public`) is refused when it holds personal data.
    """
    if resource.content is None:
        return CheckedResource(resource)
    if not _tabular(resource):
        return _document(resource, resource.content, options, public=public)
    try:
        read = read_table(resource.content, format=resource.format, options=options)
        whole = read
        # Before the check: what the schema leaves out of an open table is no finding.
        if public:
            whole = treatments.apply_treatments(read, _described(resource))
        tagged = _tagged_columns(resource, whole)
        schema = _schema(resource, whole, with_persons=bool(tagged) and not public)
        report = check_table(
            whole,
            schema,
            references=references,
            limit=limit,
            progress=progress,
            seconds=options.check_seconds,
        )
        samples = bad_rows.sample(whole, report, schema)
        parts = _parts(resource, resource.content, whole, options, public=public)
        beside = _beside(resource, resource.content, read, options)
    except BadFile as problem:
        refusal = _refusal(resource, problem)
        # A person may still open the file itself.
        more = documents.check(resource.content.parts, options)
        refusal = replace(refusal, findings=(*refusal.findings, *more))
        return CheckedResource(resource, refusal)
    # Masked at the end: findings that name a column are about cells of it as well.
    report = _with_findings(mask_report(_with_tagged(report, tagged)), beside)
    report = _for_public(report) if public else report
    report = _with_resource(report, resource)
    is_treated = whole is not read
    return CheckedResource(
        resource,
        report,
        parts,
        schema,
        whole,
        samples,
        treated_by=treatments.key(_described(resource)) if is_treated else "",
    )


def _document(
    resource: ResourceRecord, content: Content, options: ReadOptions, *, public: bool
) -> CheckedResource:
    """A file that is no table: its text is looked at, whatever it is called."""
    findings = documents.check(content.parts, options)
    if not findings:
        return CheckedResource(resource)
    counts = Counter((each.check, "") for each in findings)
    report = Report(valid=True, findings=findings, counts=counts)
    report = _with_resource(report, resource)
    return CheckedResource(resource, _for_public(report) if public else report)


def _with_resource(report: Report, resource: ResourceRecord) -> Report:
    """The report with the name of the resource in every finding."""
    findings = tuple(
        replace(finding, resource=resource.name) for finding in report.findings
    )
    return replace(report, findings=findings)


def _tagged_columns(resource: ResourceRecord, table: TextTable) -> tuple[str, ...]:
    """Columns of the table that its whole schema tags as personal data to be
    dropped.
    """
    return personal.fields_to_drop(table.labels, _described(resource))


def _described(resource: ResourceRecord) -> Mapping[str, Any]:
    """The whole schema of a resource, with the fields that an open table must not have;
    empty without one.
    """
    if resource.schema_name:
        return catalog.get(resource.schema_name).descriptor
    return resource.schema or {}


def _beside(
    resource: ResourceRecord, content: Content, table: TextTable, options: ReadOptions
) -> tuple[Finding, ...]:
    """What the files hold beside their table: whoever gets a file gets that too."""
    format_ = format_name(resource.format, content.parts[0].name)
    return documents.check_beside(content.parts, format_, table, options)


def _with_findings(report: Report, more: tuple[Finding, ...]) -> Report:
    """The report with more findings; its verdict stays."""
    if not more:
        return report
    counts = Counter((each.check, each.field or "") for each in more)
    return replace(
        report,
        findings=(*report.findings, *more),
        counts={**report.counts, **counts},
    )


def _with_tagged(report: Report, tagged: tuple[str, ...]) -> Report:
    """The report with a finding for each tagged column, where the schema that was
    checked did not know of it.
    """
    reported = {each.field for each in report.findings if each.check == PERSONAL_COLUMN}
    new = [name for name in tagged if name not in reported]
    added = tuple(map(_personal_column, new))
    counts = {**report.counts, **{(PERSONAL_COLUMN, name): 1 for name in new}}
    return replace(report, findings=(*added, *report.findings), counts=counts)


def _personal_column(name: str) -> Finding:
    message, hint = say(PERSONAL_COLUMN, {"field": name}, MESSAGES)
    severity = SEVERITIES[PERSONAL_COLUMN]
    return Finding(PERSONAL_COLUMN, severity, message, hint, field=name, verdict=ERROR)


def _for_public(report: Report) -> Report:
    """The report for the public: what may not be open, or not before a release, is an
    error of the table.

    Law 91/2025/QH15 knows no pseudonymised data, so that a table with persons in it
    cannot be open at all.
    """
    findings = tuple(
        replace(each, severity="error") if is_personal(each) else each
        for each in report.findings
    )
    has_persons = any(map(is_personal, report.findings))
    valid = report.valid and not has_persons
    return replace(report, findings=findings, valid=valid)


def _parts(
    resource: ResourceRecord,
    content: Content,
    whole: TextTable,
    options: ReadOptions,
    *,
    public: bool,
) -> tuple[TextTable, ...]:
    """A table for each file, so that a file which did not change keeps the part that it
    was stored in.
    """
    if len(content.parts) == 1:
        return (whole,)
    tables = []
    for part in content.parts:
        single = replace(content, parts=(part,))
        table = read_table(single, format=resource.format, options=options)
        if public:
            table = treatments.apply_treatments(table, _described(resource))
        tables.append(table)
    return tuple(tables)


def _tabular(resource: ResourceRecord) -> bool:
    """Whether a resource is to be read as a table."""
    # A schema says that it is one, whatever the file is called.
    if resource.schema or resource.schema_name:
        return True
    name = resource.content.parts[0].name if resource.content else ""
    return format_name(resource.format, name) in TABULAR


def _schema(
    resource: ResourceRecord, table: TextTable, *, with_persons: bool
) -> Mapping[str, Any]:
    """The declared schema; without one every column is a text: a code must never become
    a number by guessing.

    A table that is not for everybody may keep the columns (`with_persons`) that are
    dropped from an open one.
    """
    if resource.schema_name:
        named = catalog.get(resource.schema_name)
        return named.descriptor if with_persons else named.public
    return resource.schema or {
        "fields": [{"name": label, "type": "string"} for label in table.labels]
    }


def _refusal(resource: ResourceRecord, problem: BadFile) -> Report:
    """The report of a file that cannot be read: one finding, in both languages."""
    finding = Finding(
        check=problem.code,
        severity="error",
        message=Text(problem.vi, problem.en),
        hint=Text("", ""),
        resource=resource.name,
    )
    return Report(valid=False, findings=(finding,), counts={(problem.code, ""): 1})
