"""Rows that are stored, judged again: by the schema and the rules as they are now,
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
from portal.pipeline import gate, store, validate
from portal.pipeline.gate import Rule
from portal.pipeline.references import references
from portal.pipeline.store import Decision, Prepared
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


def judge(
    portal: Portal, resource_id: str, run_id: str | None = None, *, older: bool = True
) -> None:
    """Look again at the current rows of a resource, and (`older`) at older versions
    that nobody has looked at.

    Rows stay as they are; those with personal data, or not treated as their schema asks
    for, are closed to all but editors. `run_id` is the report that was begun for it.
    """
    with portal.read() as uow:
        found = db.find_resource(uow.session, resource_id)
        current = db.current_version(uow.session, found[0]) if found else None
        waiting = datastore.waiting_versions(uow.session, resource_id)
    if found is None:
        return
    for version in waiting if older else ():
        if current is None or version.id != current.id:
            _older(portal, found[0], found[1], version)
    if current is not None:
        _current(portal, found[0], found[1], current, run_id)


def _current(
    portal: Portal,
    resource: Resource,
    dataset: Dataset,
    version: TableVersion,
    run_id: str | None,
) -> None:
    checked, rule, obeyed = _checked(portal, resource, dataset, version)
    with portal.work() as uow:
        again = find_live_resource(uow, resource.id)
        if again is None:
            return
        if (
            again.resource.version_id != version.id
            or again.resource.basis != resource.basis
        ):
            # Whoever changed it may have relied on this very look, when it was not
            # begun yet.
            looks.await_looks(uow, [again.resource])
            uow.commit()
            return
        state = _state(uow, again.resource, version, checked, rule, obeyed=obeyed)
        reason = "stored-rows" if obeyed else "treatment-not-obeyed"
        decision = Decision(
            rule.policy.mode,
            published=state == OPEN,
            reason=reason,
            columns=rule.columns,
        )
        run = (
            uow.session.get(ValidationReport, run_id)
            if run_id
            else validation.open_run(uow.session, resource.id)
        )
        kept_file = again.resource.file_access
        store.attach(
            uow,
            again.dataset,
            again.resource,
            Prepared(checked, decision=decision),
            run,
        )
        # Of the rows nothing follows for the file.
        again.resource.file_access = kept_file
        again.resource.rows_access = uow.session.get_one(
            TableVersion, version.id
        ).access = state
        if state == HELD and again.dataset.is_open:
            uow.audit(
                None,
                "validation_withdraw",
                "Resource",
                resource.id,
                version=version.number,
            )
        resources.save(
            uow,
            again.dataset,
            again.resource,
            portal.settings.site_url,
            quiet=state == OPEN,
        )
        uow.commit()


def _older(
    portal: Portal, resource: Resource, dataset: Dataset, version: TableVersion
) -> None:
    checked, rule, obeyed = _checked(portal, resource, dataset, version)
    with portal.work() as uow:
        kept = uow.session.get(TableVersion, version.id)
        again = find_live_resource(uow, resource.id)
        if (
            again is not None
            and _read_alike(again.resource, resource)
            and again.dataset.is_open == dataset.is_open
            and kept is not None
        ):
            kept.access = _state(
                uow, again.resource, version, checked, rule, obeyed=obeyed
            )
            uow.commit()


def _checked(
    portal: Portal, resource: Resource, dataset: Dataset, version: TableVersion
) -> tuple[CheckedResource, Rule, bool]:
    """The verdict on stored rows, the rule, and whether an open dataset's rows are as
    their schema asks for.
    """
    limits = ReadOptions.within(portal.settings)
    record = _record(portal, resource, Manifest.from_dict(version.manifest))
    limit, known = portal.settings.validation_limit, references(portal)
    checked = validate.check(record, known, limit, limits, public=dataset.is_open)
    obeyed = not checked.treated or _was_treated(portal, version, checked.treated_by)
    if not obeyed:
        rows = portal.tables.texts(Manifest.from_dict(version.manifest))
        obeyed = treatments.is_obeyed(rows, record.schema or {})
    return (
        checked,
        gate.rule_for(portal, dataset, resource.id, version.fingerprint),
        obeyed,
    )


def _was_treated(portal: Portal, version: TableVersion, treated_by: str) -> bool:
    """Whether these rows were made as the schema asks for; making cells coarser once
    more could leave nothing.
    """
    with portal.read() as uow:
        report = (
            uow.session.get(ValidationReport, version.report_id)
            if version.report_id
            else None
        )
    # Rows written later only inherit the report.
    made = report is not None and report.version_id == version.id
    return made and report is not None and report.body.get("treated_by") == treated_by


def _read_alike(one: Resource, other: Resource) -> bool:
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
    tagged = db.undropped(uow.session, resource, version)
    return HELD if tagged or not obeyed or checked.persons(rule.columns) else OPEN


def _record(portal: Portal, resource: Resource, manifest: Manifest) -> ResourceRecord:
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
    return key in WRITTEN and not (
        key == "format" and field.get("type") in ("string", "geopoint", "geojson")
    )
