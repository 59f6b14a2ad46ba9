"""Stored rows, checked again: by the schema and the rules as they are now,
whatever was found before.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from portal.db import datasets as db
from portal.db import datastore, looks, resources, validation
from portal.db.holding import find_live_resource
from portal.db.uow import UnitOfWork
from portal.domain.datasets import (
    HELD,
    OPEN,
    Dataset,
    Resource,
    TableVersion,
    ValidationReport,
)
from portal.pipeline import gate, validate
from portal.pipeline.attach import attach
from portal.pipeline.gate import Rule
from portal.pipeline.prepared import Decision, Prepared
from portal.pipeline.references import references
from portal.pipeline.verdict import CheckedResource
from portal.quality.personal import treatments
from portal.reading import ReadOptions
from portal.runtime import Portal
from portal.tabular.store import Manifest
from schemas import catalog
from schemas.record import Content, ContentPart, ResourceRecord
from schemas.tabletypes import missing_values

WRITTEN = (
    "decimalChar",
    "groupChar",
    "bareNumber",
    "trueValues",
    "falseValues",
    "format",
    "missingValues",
)
"""How a publisher writes values; rows that are stored are written in one way."""
FORMAT_IS_KIND = ("string", "geopoint", "geojson")
"""Types whose `format` says what a value is, not how it is written."""


def recheck(
    portal: Portal, resource_id: str, run_id: str | None = None, *, older: bool = True
) -> None:
    """Look again at the current rows of a resource, and (`older`) at older versions
    that nobody has looked at.

    Rows stay as they are; those with personal data, or not treated as their schema asks
    for, are closed to all but editors. `run_id` is the report that was begun for it.
    """
    with portal.read() as uow:
        pair = db.find_resource(uow.session, resource_id)
        current = db.current_version(uow.session, pair[0]) if pair else None
        waiting = datastore.waiting_versions(uow.session, resource_id)
    if pair is None:
        return
    resource, dataset = pair
    for version in waiting if older else ():
        if current is None or version.id != current.id:
            _recheck_older(portal, resource, dataset, version)
    if current is not None:
        _recheck_current(portal, resource, dataset, current, run_id)


def _recheck_current(
    portal: Portal,
    resource: Resource,
    dataset: Dataset,
    version: TableVersion,
    run_id: str | None,
) -> None:
    """Check the current rows, write the report, and open or close them by it."""
    # Outside any transaction: it may take minutes, and nobody's write waits for it.
    checked, rule, obeyed = _check(portal, resource, dataset, version)
    with portal.work() as uow:
        again = find_live_resource(uow, resource.id)
        if again is None:
            return
        same_rows = again.resource.version_id == version.id
        if not same_rows or again.resource.basis != resource.basis:
            # Whoever changed it may have relied on this very look, when it was not
            # begun yet.
            looks.await_looks(uow, [again.resource])
            uow.commit()
            return
        state = _state(uow, again.resource, version, checked, rule, obeyed=obeyed)
        decision = Decision(
            rule.policy.mode,
            published=state == OPEN,
            reason="stored-rows" if obeyed else "treatment-not-obeyed",
            columns=rule.columns,
        )
        if run_id:
            run = uow.session.get(ValidationReport, run_id)
        else:
            run = validation.open_run(uow.session, resource.id)
        file_access = again.resource.file_access
        ready = Prepared(checked, decision=decision)
        attach(uow, again.dataset, again.resource, ready, run)
        # Of the rows nothing follows for the file.
        again.resource.file_access = file_access
        again.resource.rows_access = state
        uow.session.get_one(TableVersion, version.id).access = state
        if state == HELD and again.dataset.is_open:
            _audit_withdrawal(uow, resource, version)
        site_url, quiet = portal.settings.site_url, state == OPEN
        resources.save(uow, again.dataset, again.resource, site_url, quiet=quiet)
        uow.commit()


def _audit_withdrawal(
    uow: UnitOfWork, resource: Resource, version: TableVersion
) -> None:
    """Note that rows which were open are closed now."""
    number = version.number
    uow.audit(None, "validation_withdraw", "Resource", resource.id, version=number)


def _recheck_older(
    portal: Portal, resource: Resource, dataset: Dataset, version: TableVersion
) -> None:
    """Check an older version and open or close it; no report is written, as it is not
    what the resource serves.
    """
    checked, rule, obeyed = _check(portal, resource, dataset, version)
    with portal.work() as uow:
        row = uow.session.get(TableVersion, version.id)
        again = find_live_resource(uow, resource.id)
        if again is None or row is None:
            return
        # Checked by another schema, or for other readers, than are in force by now: the
        # version goes on waiting.
        same_readers = again.dataset.is_open == dataset.is_open
        if same_readers and _has_same_schema(again.resource, resource):
            state = _state(uow, again.resource, version, checked, rule, obeyed=obeyed)
            row.access = state
            uow.commit()


def _check(
    portal: Portal, resource: Resource, dataset: Dataset, version: TableVersion
) -> tuple[CheckedResource, Rule, bool]:
    """The verdict on stored rows, the rule, and whether an open dataset's rows are as
    their schema asks for.
    """
    manifest = Manifest.from_dict(version.manifest)
    record = _record(portal, resource, manifest)
    checked = validate.check(
        record,
        references(portal),
        portal.settings.validation_limit,
        ReadOptions.within(portal.settings),
        public=dataset.is_open,
    )
    obeyed = not checked.treated or _was_treated(portal, version, checked.treated_by)
    if not obeyed:
        # Rows that were written later may be coarse enough by themselves.
        rows = portal.tables.texts(manifest)
        obeyed = treatments.is_obeyed(rows, record.schema or {})
    rule = gate.rule_for(portal, dataset, resource.id, version.fingerprint)
    return checked, rule, obeyed


def _was_treated(portal: Portal, version: TableVersion, treated_by: str) -> bool:
    """Whether these rows were made as the schema asks for; making cells coarser once
    more could leave nothing.
    """
    if not version.report_id:
        return False
    with portal.read() as uow:
        report = uow.session.get(ValidationReport, version.report_id)
    # Rows written later only inherit the report.
    if report is None or report.version_id != version.id:
        return False
    return bool(report.body.get("treated_by") == treated_by)


def _has_same_schema(one: Resource, other: Resource) -> bool:
    """Whether two states of a resource name the same schema."""
    return (one.schema_name, one.table_schema) == (
        other.schema_name,
        other.table_schema,
    )


def _state(
    uow: UnitOfWork,
    resource: Resource,
    version: TableVersion,
    checked: CheckedResource,
    rule: Rule,
    *,
    obeyed: bool,
) -> str:
    """HELD where rows hold what their dataset must not show, else OPEN."""
    tagged = db.undropped(uow.session, resource, version)
    return HELD if tagged or not obeyed or checked.persons(rule.columns) else OPEN


def _record(portal: Portal, resource: Resource, manifest: Manifest) -> ResourceRecord:
    """The stored rows as a resource with a file, to be checked like one."""
    # Through CSV, so that stored rows are judged by the very checks that judge files;
    # the export is kept, as it is a download too.
    path = portal.tables.export(manifest, "csv")
    part = ContentPart(
        path, f"{resource.id}.csv", manifest.fingerprint, path.stat().st_size
    )
    schema = (
        catalog.get(resource.schema_name).public
        if resource.schema_name
        else resource.table_schema
    )
    name = resource.name or resource.file_name or ""
    return ResourceRecord(
        name=name,
        format="CSV",
        schema=_as_stored(schema) or None,
        content=Content((part,)),
    )


def _as_stored(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The schema of rows that are written our way: ISO dates, a decimal point, nothing
    for a missing value.
    """
    if not schema:
        return {}
    fields = [
        {key: value for key, value in field.items() if not _is_writing(field, key)}
        for field in schema["fields"]
    ]
    return {**schema, "fields": fields, "missingValues": ["", *missing_values(schema)]}


def _is_writing(field: Mapping[str, Any], key: str) -> bool:
    """Whether a key of a field says how its values are written, not what they are."""
    # The format of a text ("email") or a place is part of what it is.
    says_what = key == "format" and field.get("type") in FORMAT_IS_KIND
    return key in WRITTEN and not says_what
