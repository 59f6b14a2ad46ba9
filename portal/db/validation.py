"""Questions about validation: reports and runs, policies, quarantined rows,
overrides.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from portal.domain.base import new_id, now
from portal.domain.datasets import CREATED, RUNNING, Dataset, Resource, ValidationReport
from portal.domain.gate import (
    BAD_PERCENT,
    ORGANIZATION,
    PACKAGE,
    QuarantineTable,
    ValidationOverride,
    ValidationPolicy,
)


class Policy(NamedTuple):
    """The policy in force for a dataset, and who set it: "package", "organization" or
    "portal".
    """

    mode: str
    max_bad_percent: int
    source: str


class Released(NamedTuple):
    """A decision that lets content pass, and the columns in which it lets personal data
    pass.
    """

    override_id: str
    columns: tuple[str, ...]


class TableKey(NamedTuple):
    """A resource with a stored file or table, and its dataset."""

    package_id: str
    resource_id: str


def policy_of(session: Session, dataset: Dataset, default: str) -> Policy:
    """The dataset's own policy, else its organization's, else the portal's."""
    own = session.get(ValidationPolicy, (PACKAGE, dataset.id))
    if own is not None:
        return Policy(own.mode, own.max_bad_percent, PACKAGE)
    return policy_of_organization(session, dataset.owner_org, default)


def policy_of_organization(
    session: Session, organization_id: str | None, default: str
) -> Policy:
    """An organization's policy, else the portal's."""
    found = (
        session.get(ValidationPolicy, (ORGANIZATION, organization_id))
        if organization_id
        else None
    )
    return (
        Policy(found.mode, found.max_bad_percent, ORGANIZATION)
        if found
        else Policy(default, BAD_PERCENT, "portal")
    )


def set_policy(
    session: Session,
    object_type: str,
    object_id: str,
    mode: str | None,
    percent: int,
    actor_id: str | None,
) -> None:
    """Set the policy of an organization or dataset, or (None) take it away."""
    known = session.get(ValidationPolicy, (object_type, object_id))
    if mode is None:
        if known is not None:
            session.delete(known)
        return
    policy = known or ValidationPolicy(object_type=object_type, object_id=object_id)
    policy.mode, policy.max_bad_percent, policy.changed, policy.actor_id = (
        mode,
        percent,
        now(),
        actor_id,
    )
    session.add(policy)


def newest_report(session: Session, resource_id: str) -> ValidationReport | None:
    """The newest report or run of a resource."""
    return next(iter(list_reports(session, resource_id, 1)), None)


def list_reports(
    session: Session, resource_id: str, limit: int, offset: int = 0
) -> Sequence[ValidationReport]:
    """Reports of a resource, newest first."""
    query = select(ValidationReport).where(ValidationReport.resource_id == resource_id)
    order = query.order_by(ValidationReport.created.desc(), ValidationReport.id)
    return session.scalars(order.limit(limit).offset(offset)).all()


def open_run(session: Session, resource_id: str) -> ValidationReport | None:
    """The run of a resource that is not done yet."""
    query = select(ValidationReport).where(
        ValidationReport.resource_id == resource_id,
        ValidationReport.status.in_((CREATED, RUNNING)),
    )
    return session.scalars(query.order_by(ValidationReport.created).limit(1)).first()


def new_run(
    session: Session, resource: Resource, actor_id: str | None
) -> ValidationReport:
    """A run that waits for a worker."""
    run = ValidationReport(
        id=new_id(),
        package_id=resource.package_id,
        resource_id=resource.id,
        status=CREATED,
        body={},
        finished=None,
        actor_id=actor_id,
        file_key=resource.file_key,
    )
    session.add(run)
    resource.validation_status = CREATED
    return run


def delete_reports(session: Session, resource_id: str) -> int:
    """Forget every finished report of a resource but those that name personal data;
    return how many there were.
    """
    found = session.scalars(
        select(ValidationReport).where(
            ValidationReport.resource_id == resource_id,
            ValidationReport.status.not_in((CREATED, RUNNING)),
        )
    ).all()
    for report in found:
        if not report.finds_persons:
            session.delete(report)
    return len(found)


def find_override(
    session: Session, package_id: str, resource_id: str | None, content: str
) -> ValidationOverride | None:
    """The newest decision to let exactly this content pass."""
    query = select(ValidationOverride).where(
        ValidationOverride.package_id == package_id,
        ValidationOverride.content == content,
    )
    where = ValidationOverride.resource_id
    query = query.where(where == resource_id if resource_id else where.is_(None))
    return session.scalars(
        query.order_by(ValidationOverride.created.desc()).limit(1)
    ).first()


def list_overrides(session: Session, package_id: str) -> Sequence[ValidationOverride]:
    """Every decision of a dataset, newest first; each once, whatever it goes on for."""
    query = select(ValidationOverride).where(
        ValidationOverride.package_id == package_id,
        ValidationOverride.origin_id.is_(None),
    )
    return session.scalars(query.order_by(ValidationOverride.created.desc())).all()


def released_contents(session: Session, package_id: str) -> dict[str, Released]:
    """By its hash: everything of a dataset that was let pass, the newest decision about
    each.
    """
    query = select(ValidationOverride).where(
        ValidationOverride.package_id == package_id
    )
    rows = session.scalars(
        query.order_by(ValidationOverride.created, ValidationOverride.id)
    )
    return {
        row.content: Released(row.origin_id or row.id, tuple(row.columns))
        for row in rows
    }


def carry_on(
    session: Session,
    decided: ValidationOverride,
    resource_id: str | None,
    contents: Iterable[str],
) -> None:
    """Let a decision count for contents with these hashes as well, where none counts
    for them already.
    """
    where = ValidationOverride.resource_id
    query = select(ValidationOverride.content).where(
        ValidationOverride.package_id == decided.package_id,
        where == resource_id if resource_id else where.is_(None),
    )
    known = set(session.scalars(query))
    told = {
        key: getattr(decided, key)
        for key in ("package_id", "reason", "columns", "actor_id")
    }
    origin = decided.origin_id or decided.id
    for content in sorted(set(contents) - known):
        session.add(
            ValidationOverride(
                **told,
                id=new_id(),
                resource_id=resource_id,
                content=content,
                origin_id=origin,
            )
        )
    session.flush()


def set_quarantine(
    session: Session, report: ValidationReport, rows: int, file_key: str
) -> None:
    """Keep the bad rows of a resource in place of those kept before."""
    kept = session.get(QuarantineTable, report.resource_id) or QuarantineTable(
        resource_id=report.resource_id
    )
    kept.package_id, kept.report_id = report.package_id or "", report.id
    kept.created, kept.rows, kept.file_key = now(), rows, file_key
    session.add(kept)


def clear_quarantine(session: Session, resource_id: str) -> None:
    """Forget the bad rows of a resource: a whole table has taken their place."""
    session.execute(
        delete(QuarantineTable).where(QuarantineTable.resource_id == resource_id)
    )


def find_quarantine(session: Session, resource_id: str) -> QuarantineTable | None:
    """The bad rows of a resource, where some are kept aside."""
    return session.get(QuarantineTable, resource_id)


def list_quarantine_keys(session: Session) -> Sequence[str]:
    """The files of all bad rows."""
    return session.scalars(select(QuarantineTable.file_key)).all()


def list_tabular(session: Session, dataset_ids: Sequence[str] | None) -> list[TableKey]:
    """Live resources with a stored file or table, by dataset: of these (ids or names),
    or of all.
    """
    query = (
        select(Resource.package_id, Resource.id)
        .join(Dataset, Dataset.id == Resource.package_id)
        .where(
            Resource.state == "active",
            Dataset.state == "active",
            Resource.file_key.is_not(None) | Resource.version_id.is_not(None),
        )
    )
    if dataset_ids is not None:
        query = query.where(Dataset.id.in_(dataset_ids) | Dataset.name.in_(dataset_ids))
    return [
        TableKey(*row)
        for row in session.execute(query.order_by(Dataset.id, Resource.position))
    ]


def count_runs(session: Session, since: datetime) -> dict[str, int]:
    """How many runs wait or are under way, and how many were done since then, by what
    became of them.
    """
    still = ValidationReport.status.in_((CREATED, RUNNING))
    query = select(ValidationReport.status, func.count()).where(
        still | (ValidationReport.finished >= since)
    )
    return {
        row.status: row[1]
        for row in session.execute(query.group_by(ValidationReport.status))
    }


def oldest_run(session: Session) -> datetime | None:
    """Since when the run that waits longest has waited."""
    return session.scalar(
        select(func.min(ValidationReport.created)).where(
            ValidationReport.status == CREATED
        )
    )


def forget(session: Session, package_id: str) -> None:
    """Remove everything about a dataset that is purged."""
    for model in (QuarantineTable, ValidationOverride):
        session.execute(delete(model).where(model.package_id == package_id))
    session.execute(
        delete(ValidationPolicy).where(
            ValidationPolicy.object_type == PACKAGE,
            ValidationPolicy.object_id == package_id,
        )
    )
