"""Attach: a resource is pointed at its verdict, and at the rows or the file, that were
prepared for it.
"""

from __future__ import annotations

from dataclasses import asdict

from portal.db import datastore, validation
from portal.db.uow import UnitOfWork
from portal.domain.base import new_id, now
from portal.domain.datasets import (
    FAILURE,
    HELD,
    SUCCESS,
    Dataset,
    Resource,
    ValidationReport,
)
from portal.domain.gate import ValidationOverride
from portal.pipeline.prepared import Prepared
from portal.pipeline.verdict import part_keys
from portal.tabular.store import Manifest
from schemas import mediatypes
from schemas.vocabularies import MEDIA_TYPES


def attach(
    uow: UnitOfWork,
    dataset: Dataset,
    resource: Resource,
    ready: Prepared,
    run: ValidationReport | None = None,
    *,
    link: bool = False,
) -> None:
    """Point a resource at the verdict, and at the rows or the file, that were prepared
    for it.

    An uploaded resource keeps its own file as what it serves, a `link` its address; a
    harvested one serves its rows. `run` is the report that was begun for it, where one
    was.
    """
    report = _resource_report(uow, dataset, resource, ready, run)
    if ready.manifest is not None:
        _new_version(uow, resource, ready, ready.manifest, link=link)
        if report is not None:
            # Which rows it judged: rows that are written later inherit the report, and
            # are told apart by this.
            report.version_id = resource.version_id
            _quarantine(uow, report, ready)
    # The same file again is no news: the moment of its last change stays.
    elif ready.file_key is not None and ready.file_key != resource.file_key:
        _new_file(resource, ready, ready.file_key)
    _carry_override(uow, resource, ready)
    if resource.file_key:
        resource.file_access = ready.file_state
    elif ready.manifest is None and ready.persons:
        resource.rows_access = HELD  # a link is closed by what was loaded of it


def write_report(
    uow: UnitOfWork,
    dataset: Dataset,
    resource: Resource | None,
    valid: bool,
    body: dict[str, object],
    run: ValidationReport | None = None,
) -> ValidationReport:
    """Write a report on a dataset (`resource` None) or one of its resources, into the
    run that was begun for it where there is one.
    """
    report = run or ValidationReport(
        id=new_id(),
        package_id=dataset.id,
        resource_id=resource.id if resource else None,
    )
    report.status = SUCCESS if valid else FAILURE
    report.body, report.error = body, None
    report.finished = now()
    report.file_key = resource.file_key if resource else None
    uow.session.add(report)
    return report


def _resource_report(
    uow: UnitOfWork,
    dataset: Dataset,
    resource: Resource,
    ready: Prepared,
    run: ValidationReport | None,
) -> ValidationReport | None:
    """Write a resource's report and note it there; None where nothing was checked."""
    checked = ready.checked
    if checked.report is None:
        return None
    body: dict[str, object] = {
        "valid": checked.report.valid,
        "report": checked.report.to_dict(),
        "samples": dict(checked.samples),
        "decision": asdict(ready.decision) if ready.decision else {},
        "persons": ready.persons,
        "treated_by": checked.treated_by if ready.manifest is not None else "",
    }
    report = write_report(uow, dataset, resource, checked.report.valid, body, run)
    resource.validation_status = report.status
    resource.validation_report_id = report.id
    resource.validation_timestamp = report.finished
    return report


def _carry_override(uow: UnitOfWork, resource: Resource, ready: Prepared) -> None:
    """Let the decision by which something was published count for what is stored of it,
    when that is checked again.
    """
    content = ready.manifest.fingerprint if ready.manifest else ready.file_key
    decision = ready.decision
    if decision is None or not decision.override_id or not content:
        return
    origin = uow.session.get(ValidationOverride, decision.override_id)
    if origin is None:
        return
    uow.session.flush()
    validation.carry_on(uow.session, origin, resource.id, [content])
    # The next job knows its files again, those that came since as well.
    if resource.url_type == "harvest":
        keys = part_keys(ready.checked.record)
        validation.carry_on(uow.session, origin, None, keys)


def _quarantine(uow: UnitOfWork, report: ValidationReport, ready: Prepared) -> None:
    """Name the bad rows that were kept aside of this version, or that there are none
    any more.
    """
    if ready.quarantine_key and ready.decision:
        validation.set_quarantine(
            uow.session, report, ready.decision.bad_rows, ready.quarantine_key
        )
    else:
        validation.clear_quarantine(uow.session, report.resource_id or "")


def _new_version(
    uow: UnitOfWork,
    resource: Resource,
    ready: Prepared,
    manifest: Manifest,
    *,
    link: bool,
) -> None:
    """Give a resource new rows; a harvested one becomes the CSV of them."""
    if resource.url_type != "upload" and not link:
        resource.url_type = "harvest"
        resource.file_name = f"{_stem(resource)}.csv"
        resource.format, resource.mimetype = "CSV", MEDIA_TYPES["CSV"]
        resource.hash = manifest.fingerprint
    datastore.new_version(uow, resource, manifest, ready.rows_state)


def _new_file(resource: Resource, ready: Prepared, key: str) -> None:
    """Let a harvested resource serve a file that is no table."""
    content = ready.checked.record.content
    part = content.parts[0] if content else None
    resource.url_type, resource.file_key, resource.hash = "harvest", key, key
    resource.file_name = part.name if part else resource.id
    resource.size = part.size if part else None
    resource.last_modified = now()
    guess = mediatypes.guessed(resource.file_name)
    resource.mimetype = MEDIA_TYPES.get(resource.format) or guess


def _stem(resource: Resource) -> str:
    """The name of a resource as a file name may have it; its id where nothing is
    left.
    """
    name = (resource.name or "").lower()
    allowed = (
        sign if sign.isascii() and (sign.isalnum() or sign in "-_") else "-"
        for sign in name
    )
    return "".join(allowed).strip("-") or resource.id
