"""Rows that are written through the API: what is personal in them, and in what is said
of their columns.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import orjson
import polars as pl

from i18n import Message
from portal.db import looks
from portal.domain.base import new_id
from portal.domain.datasets import (
    HELD,
    OPEN,
    WAITING,
    Dataset,
    Resource,
    ValidationReport,
)
from portal.quality import personal
from portal.quality.personal import PersonalColumn, PersonalMention, treatments
from portal.runtime import Context
from portal.tabular.manifest import Column, Manifest
from portal.tabular.versions.records import RecordError
from schemas.texttable import ROW, TextBatch
from schemas.vocabularies import PERSONAL_DATA

PersonalData = PersonalColumn | PersonalMention
GRAVE = ("error", "hold")
A_FIELD = "a field"
"""What a field is called whose name may be a value itself."""


Records = Sequence[Mapping[str, Any]]


def judge(
    ctx: Context,
    dataset: Dataset,
    resource: Resource,
    before: Manifest | None,
    after: Manifest,
    records: Records,
) -> str:
    """The state of a table after a write. Raises RecordError for personal data that
    everybody would read.

    Records are looked at as they were sent, before their types change them, and the new
    and changed rows whole, with all of their columns: what a write leaves out may name
    the person beside whom its values stand.
    """
    if dataset.is_open:
        _refuse_tagged(resource, after)
    sent = _in_records(after, records) if records else ()
    persons: list[PersonalData] = [
        *sent,
        *_in_rows(ctx, before, after),
        *_in_columns(before, after),
    ]
    grave = [each for each in persons if each.verdict in GRAVE]
    if grave and dataset.is_open:
        raise RecordError({"records": [_refusal(grave[0])]})
    if not grave:
        return access_after(resource)
    _note(ctx, dataset, resource, grave)
    return HELD


def access_after(resource: Resource) -> str:
    """The state after a write that brought nothing personal: as before; what was closed
    is looked at anew.

    So are rows whose schema asks for consent or coarser cells: only a look at all of
    them says whether they have it.
    """
    as_before = resource.version_id is None or resource.rows_access == OPEN
    return (
        OPEN
        if as_before and not treatments.asks(looks.full_schema(resource))
        else WAITING
    )


def _in_records(after: Manifest, records: Records) -> Iterable[PersonalColumn]:
    """Personal data in the records as they were sent, column by column."""
    names = [column.name for column in after.fields]
    texts: dict[str, Any] = {
        str(index): [_text(record.get(name)) for record in records]
        for index, name in enumerate(names)
    }
    scan = personal.Scan(names)
    scan.batch(
        TextBatch(
            pl.DataFrame(
                {**texts, ROW: range(len(records))}, schema_overrides={ROW: pl.Int64}
            )
        )
    )
    return scan.result()


def _text(value: Any) -> str:
    """The value as text for a scan; nothing is an empty text."""
    if isinstance(value, (dict, list)):
        return orjson.dumps(value, default=str).decode()
    return "" if value is None else str(value)


def _in_rows(
    ctx: Context, before: Manifest | None, after: Manifest
) -> Iterable[PersonalColumn]:
    """Personal data in the parts that a write added."""
    known = {part.key for part in before.parts} if before else set()
    # A part never changes: what was there before was looked at when it was written.
    parts = tuple(part for part in after.parts if part.key not in known)
    rows = sum(part.rows for part in parts)
    if not rows:
        return ()
    return personal.scan(
        ctx.portal.tables.texts(
            replace(after, parts=parts, rows=rows, dead="", settled=0)
        )
    )


def _in_columns(before: Manifest | None, after: Manifest) -> Iterable[PersonalMention]:
    """Personal data in names and texts of columns that are new or changed."""
    known = set(map(_said, before.fields)) if before else set()
    new = [column for column in after.fields if _said(column) not in known]
    return [
        mention
        for column in new
        for mention in personal.scan_value(
            [column.name, column.title, column.info], A_FIELD
        )
    ]


def _said(column: Column) -> str:
    return repr((column.name, column.title, sorted(column.info.items())))


def _name(found: PersonalData) -> str:
    name = found.label if isinstance(found, PersonalColumn) else found.where
    return A_FIELD if personal.is_value(name) or name == A_FIELD else f'field "{name}"'


def _refusal(found: PersonalData) -> str:
    refusal = Message(
        "{place} holds personal data ({kind}): it cannot be in a public dataset (Law "
        "91/2025/QH15)"
    ).filled(place=_name(found), kind=found.kind)
    return f"{refusal.en} / {refusal.vi}"


def _refuse_tagged(resource: Resource, manifest: Manifest) -> None:
    """Raise RecordError for columns that the resource's schema tags as personal, as the
    gate does for files.
    """
    names = [column.name for column in manifest.fields]
    tagged = personal.fields_to_drop(names, looks.full_schema(resource))
    if tagged:
        listed = '", "'.join(tagged)
        text = (
            "tagged as personal data in the resource's schema: an open dataset cannot "
            "have them"
        )
        raise RecordError({"fields": [f'fields "{listed}" are {text}']})


def _note(
    ctx: Context, dataset: Dataset, resource: Resource, persons: Iterable[PersonalData]
) -> None:
    """Write down that a private table holds personal data, so that its dataset cannot
    become public with it.
    """
    report = ValidationReport(
        id=new_id(),
        package_id=dataset.id,
        resource_id=resource.id,
        status="success",
        body={
            "valid": True,
            "report": {
                "valid": True,
                "findings": [_finding(resource, each) for each in persons],
            },
        },
    )
    ctx.uow.session.add(report)
    ctx.uow.session.flush()
    resource.validation_report_id = report.id


def _finding(resource: Resource, found: PersonalData) -> Mapping[str, Any]:
    """The personal data as a warning of a report, without its value."""
    field = found.label if isinstance(found, PersonalColumn) else None
    message = Message("Personal data: the dataset cannot become public with it.")
    return {
        "check": PERSONAL_DATA,
        "note": found.kind,
        "severity": "warning",
        "resource": resource.name,
        "part": None,
        "row": None,
        "field": field,
        "cell": "",
        "message": message.both(),
        "hint": {"vi": "", "en": ""},
        "verdict": found.verdict,
    }
