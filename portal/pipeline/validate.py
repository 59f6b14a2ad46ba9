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
        whole = (
            treatments.apply_treatments(read, _described(resource)) if public else read
        )
        tagged = _tagged(resource, whole)
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
        refused = _refusal(resource, problem)
        # A person may still open the file itself.
        found = documents.check(resource.content.parts, options)
        return CheckedResource(
            resource, replace(refused, findings=(*refused.findings, *found))
        )
    report = _with(mask_report(_naming(report, tagged)), beside)
    report = _without_persons(report) if public else report
    named = tuple(
        replace(finding, resource=resource.name) for finding in report.findings
    )
    checked = CheckedResource(
        resource, replace(report, findings=named), parts, schema, whole, samples
    )
    return replace(
        checked,
        treated_by="" if whole is read else treatments.key(_described(resource)),
    )


def _document(
    resource: ResourceRecord, content: Content, options: ReadOptions, *, public: bool
) -> CheckedResource:
    """A file that is no table: its text is looked at, whatever it is called."""
    findings = documents.check(content.parts, options)
    if not findings:
        return CheckedResource(resource)
    named = tuple(replace(each, resource=resource.name) for each in findings)
    report = Report(
        valid=True, findings=named, counts=Counter((each.check, "") for each in named)
    )
    return CheckedResource(resource, _without_persons(report) if public else report)


def _tagged(resource: ResourceRecord, table: TextTable) -> tuple[str, ...]:
    """Columns of the table that its whole schema tags as personal data to be
    dropped.
    """
    return personal.fields_to_drop(table.labels, _described(resource))


def _described(resource: ResourceRecord) -> Mapping[str, Any]:
    """The whole schema of a resource, with the fields that an open table must not have;
    empty without one.
    """
    return (
        catalog.get(resource.schema_name).descriptor
        if resource.schema_name
        else resource.schema
    ) or {}


def _beside(
    resource: ResourceRecord, content: Content, table: TextTable, options: ReadOptions
) -> tuple[Finding, ...]:
    """What the files hold beside their table: whoever gets a file gets that too."""
    format_ = format_name(resource.format, content.parts[0].name)
    return documents.check_beside(content.parts, format_, table, options)


def _with(report: Report, more: tuple[Finding, ...]) -> Report:
    counts = Counter((each.check, each.field or "") for each in more)
    return (
        replace(
            report,
            findings=(*report.findings, *more),
            counts={**report.counts, **counts},
        )
        if more
        else report
    )


def _naming(report: Report, tagged: tuple[str, ...]) -> Report:
    """The report with a finding for each tagged column, where the schema that was
    checked did not know of it.
    """
    known = {each.field for each in report.findings if each.check == PERSONAL_COLUMN}
    new = [name for name in tagged if name not in known]
    found = [(*say(PERSONAL_COLUMN, {"field": name}, MESSAGES), name) for name in new]
    severity = SEVERITIES[PERSONAL_COLUMN]
    added = tuple(
        Finding(PERSONAL_COLUMN, severity, message, hint, field=name, verdict=ERROR)
        for message, hint, name in found
    )
    counts = {**report.counts, **{(PERSONAL_COLUMN, name): 1 for name in new}}
    return replace(report, findings=(*added, *report.findings), counts=counts)


def _without_persons(report: Report) -> Report:
    """The report for the public: what may not be open, or not before a release, is an
    error of the table.

    Law 91/2025/QH15 knows no pseudonymised data, so that a table with persons in it
    cannot be open at all.
    """
    findings = tuple(
        replace(each, severity="error") if is_personal(each) else each
        for each in report.findings
    )
    return replace(
        report,
        findings=findings,
        valid=report.valid and not any(map(is_personal, report.findings)),
    )


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
    single = (replace(content, parts=(part,)) for part in content.parts)
    read = [read_table(one, format=resource.format, options=options) for one in single]
    return (
        tuple(treatments.apply_treatments(each, _described(resource)) for each in read)
        if public
        else tuple(read)
    )


def _tabular(resource: ResourceRecord) -> bool:
    name = resource.content.parts[0].name if resource.content else ""
    return (
        bool(resource.schema or resource.schema_name)
        or format_name(resource.format, name) in TABULAR
    )


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
    finding = Finding(
        check=problem.code,
        severity="error",
        message=Text(problem.vi, problem.en),
        hint=Text("", ""),
        resource=resource.name,
    )
    return Report(valid=False, findings=(finding,), counts={(problem.code, ""): 1})
