"""Consequences that nobody holds: what ought to be under way, and has neither an outbox
row nor was given up.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, or_, select
from sqlalchemy.orm import Session

from portal.domain.datasets import (
    CREATED,
    RUNNING,
    WAITING,
    Dataset,
    Resource,
    TableVersion,
    ValidationReport,
)
from portal.domain.datastore import PENDING, TableLoad
from portal.domain.datastore import RUNNING as LOADING
from portal.domain.events import (
    LINK,
    LOAD,
    PUBLISH,
    QUALITY,
    RENDER,
    VALIDATE,
    GivenUp,
    OutboxRow,
)
from portal.domain.harvest import RUNNING as WALKING
from portal.domain.harvest import HarvestJob
from portal.domain.scores import QualityScore

LIVE = and_(Resource.state == "active", Dataset.state == "active")


def _nobody(entity: Any, *topics: str) -> ColumnElement[bool]:
    """Nothing waits for this thing, and it was not given up."""
    held = select(OutboxRow.id).where(
        OutboxRow.topic.in_(topics), OutboxRow.entity_id == entity
    )
    given_up = select(GivenUp.at).where(
        GivenUp.topic.in_(topics), GivenUp.entity_id == entity
    )
    return and_(~held.exists(), ~given_up.exists())


def _run_is_held() -> ColumnElement[bool]:
    """A validation run of the resource waits or is under way; it loads the file
    itself.
    """
    run = select(ValidationReport.id).join(
        OutboxRow, OutboxRow.entity_id == ValidationReport.id
    )
    return run.where(
        OutboxRow.topic == VALIDATE, ValidationReport.resource_id == Resource.id
    ).exists()


def _resources(*columns: Any) -> Select[Any]:
    return (
        select(*columns)
        .select_from(Resource)
        .join(Dataset, Dataset.id == Resource.package_id)
        .where(LIVE)
    )


def list_datasets(session: Session, after: str, limit: int) -> Sequence[Dataset]:
    """Some datasets by id, those behind `after`, that nobody is about to render;
    whatever their state.
    """
    query = (
        select(Dataset)
        .where(Dataset.id > after, _nobody(Dataset.id, RENDER))
        .order_by(Dataset.id)
    )
    return session.scalars(query.limit(limit)).all()


def needs_rendering(session: Session, dataset_id: str) -> bool:
    """Whether nobody is about to render a dataset."""
    query = select(Dataset.id).where(
        Dataset.id == dataset_id, _nobody(Dataset.id, RENDER)
    )
    return session.scalar(query) is not None


def list_loads(session: Session) -> list[tuple[str, str]]:
    """(resource id, topic) of live resources that say they are being loaded, or wait to
    be looked at.
    """
    loading = TableLoad.state.in_((PENDING, LOADING))
    unseen_file = and_(
        Resource.file_key.is_not(None),
        Resource.file_key != "",
        Resource.file_access == WAITING,
    )
    unseen_rows = and_(
        Resource.version_id.is_not(None), Resource.rows_access == WAITING
    )
    query = _resources(Resource.id, Resource.file_key, unseen_rows).outerjoin(
        TableLoad, TableLoad.resource_id == Resource.id
    )
    nobody = and_(_nobody(Resource.id, LOAD, LINK), ~_run_is_held())
    query = query.where(or_(loading, unseen_file, unseen_rows), nobody).order_by(
        Resource.id
    )
    return [
        (row[0], LOAD if row[1] or row[2] else LINK) for row in session.execute(query)
    ]


def list_runs(session: Session) -> Sequence[str]:
    """Ids of validation runs that are not done."""
    query = select(ValidationReport.id).where(
        ValidationReport.status.in_((CREATED, RUNNING))
    )
    query = query.where(
        ValidationReport.finished.is_(None), _nobody(ValidationReport.id, VALIDATE)
    )
    return session.scalars(query.order_by(ValidationReport.created)).all()


def list_scores(session: Session, before: datetime) -> Sequence[str]:
    """Ids of live datasets that have no score, or one from before a moment."""
    old = or_(QualityScore.computed.is_(None), QualityScore.computed < before)
    query = select(Dataset.id).outerjoin(
        QualityScore, QualityScore.package_id == Dataset.id
    )
    query = query.where(Dataset.state == "active", old, _nobody(Dataset.id, QUALITY))
    return session.scalars(query.order_by(Dataset.id)).all()


def list_tables(session: Session) -> list[tuple[str, str]]:
    """(resource id, fingerprint) of every live table whose downloads nobody is about to
    render.
    """
    query = _resources(Resource.id, TableVersion.fingerprint).join(
        TableVersion, TableVersion.id == Resource.version_id
    )
    query = query.where(_nobody(Resource.id, PUBLISH)).order_by(Resource.id)
    return [(row[0], row[1]) for row in session.execute(query)]


def list_jobs(session: Session, before: datetime) -> Sequence[str]:
    """Ids of harvest jobs that are under way, and whose worker's lease was over before
    a moment.
    """
    over = or_(HarvestJob.lease_until.is_(None), HarvestJob.lease_until < before)
    query = select(HarvestJob.id).where(HarvestJob.status == WALKING, over)
    return session.scalars(query.order_by(HarvestJob.created)).all()
