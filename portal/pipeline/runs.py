"""Validation runs: what somebody asked to be checked again is checked by a worker, whatever happens to it meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

from portal.db import datasets as db
from portal.db import resources
from portal.db.uow import UnitOfWork
from portal.domain.base import now
from portal.domain.datasets import ERROR, RUNNING, Resource, TableVersion, ValidationReport
from portal.domain.events import VALIDATE
from portal.errors import PortalError, Unavailable
from portal.pipeline import claims, gate, load, store, validate
from portal.pipeline.references import references
from portal.pipeline.store import Decision, Prepared
from portal.reading import ReadOptions
from portal.runtime import Portal
from portal.tabular.store import Manifest
from schemas import catalog
from schemas.record import Content, ContentPart, ResourceRecord
from schemas.tabletypes import missing_values

WRITTEN = ("decimalChar", "groupChar", "bareNumber", "trueValues", "falseValues", "format", "missingValues")
"""How a publisher writes values; rows that are stored are written in one way."""


def drain(portal: Portal, stop: threading.Event | None = None) -> int:
    """Do every run that waits; return how many were brought to an end."""

    def report(uow: UnitOfWork, run_id: str, error: str) -> None:
        _end(portal, uow, run_id, f"given up: {error}")

    return claims.work_off(portal, VALIDATE, lambda run_id: _do(portal, run_id), report, stop)


def _do(portal: Portal, run_id: str) -> None:
    """Bring one run to its end; its state is told at every step."""
    trouble = ""
    try:
        _run(portal, run_id)
    except Unavailable:
        raise
    except PortalError as problem:
        trouble = problem.message
    with portal.work() as uow:
        _end(portal, uow, run_id, trouble)
        uow.commit()


def _end(portal: Portal, uow: UnitOfWork, run_id: str, error: str) -> None:
    """A run without a verdict says why it has none."""
    run = uow.session.get(ValidationReport, run_id)
    if run is None or run.finished is not None:
        return
    run.status, run.finished = ERROR, now()
    run.error = error or "the resource was changed or deleted before it could be checked"
    found = resources.find_live(uow.session, run.resource_id or "")
    if found is not None:
        found.resource.validation_status, found.resource.validation_timestamp = ERROR, run.finished
        resources.save(uow, found.dataset, found.resource, portal.settings.site_url, quiet=True)


def _run(portal: Portal, run_id: str) -> None:
    with portal.work() as uow:
        run = uow.session.get(ValidationReport, run_id)
        if run is None or run.finished is not None:
            return
        found = resources.find_live(uow.session, run.resource_id or "")
        version = db.current_version(uow.session, found.resource) if found else None
        run.status = RUNNING
        if found is not None:
            found.resource.validation_status = RUNNING
            resources.save(uow, found.dataset, found.resource, portal.settings.site_url, quiet=True)
        uow.commit()
    if found is None:
        return
    if found.resource.url_type == "upload" and found.resource.file_key:
        load.load(portal, found.resource.id, run_id)
    elif version is not None:
        _check_rows(portal, found.resource, version, run_id, public=found.dataset.is_open)


def _check_rows(portal: Portal, resource: Resource, version: TableVersion, run_id: str, *, public: bool) -> None:
    """Check stored rows again. They stay as they are, but for rows with personal data that everybody could read."""
    known = references(portal)
    limits = ReadOptions.within(portal.settings)
    record = _record(portal, resource, Manifest.from_dict(version.manifest))
    checked = validate.check(record, known, portal.settings.validation_limit, limits, public=public)
    with portal.work() as uow:
        again = resources.find_live(uow.session, resource.id)
        if again is None or again.resource.version_id != version.id:
            return
        rule = gate.rule_for(portal, again.dataset, resource.id, version.fingerprint)
        decision = Decision(rule.policy.mode, published=not checked.personal, reason="stored-rows")
        run = uow.session.get(ValidationReport, run_id)
        store.attach(uow, again.dataset, again.resource, Prepared(checked, decision=decision), run)
        if checked.personal:
            again.resource.version_id = None
            uow.audit(None, "validation_withdraw", "Resource", resource.id, version=version.number)
        resources.save(uow, again.dataset, again.resource, portal.settings.site_url, quiet=not checked.personal)
        uow.commit()


def _record(portal: Portal, resource: Resource, manifest: Manifest) -> ResourceRecord:
    path = portal.tables.export(manifest, "csv")
    part = ContentPart(path, f"{resource.id}.csv", manifest.fingerprint, path.stat().st_size)
    schema = catalog.get(resource.schema_name).public if resource.schema_name else resource.table_schema
    name = resource.name or resource.file_name or ""
    return ResourceRecord(name=name, format="CSV", schema=_as_stored(schema) or None, content=Content((part,)))


def _as_stored(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The schema of rows that are written our way: ISO dates, a decimal point, nothing for a missing value."""
    if not schema:
        return {}
    fields = [{key: value for key, value in field.items() if not _is_writing(field, key)} for field in schema["fields"]]
    return {**schema, "fields": fields, "missingValues": ["", *missing_values(schema)]}


def _is_writing(field: Mapping[str, Any], key: str) -> bool:
    return key in WRITTEN and not (key == "format" and field.get("type") in ("string", "geopoint", "geojson"))
