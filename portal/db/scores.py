"""Questions about quality scores: of a dataset, of many, by organization or sector, and
over time.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, case, delete, func, select
from sqlalchemy.orm import Session

from portal.domain.base import now
from portal.domain.datasets import Dataset
from portal.domain.events import QUALITY, OutboxRow
from portal.domain.scores import QualityHistory, QualityScore

ORDERS: dict[str, Any] = {
    "points": QualityScore.points,
    "openness": QualityScore.openness,
    "computed": QualityScore.computed,
    "name": Dataset.name,
}


def keep(
    session: Session,
    dataset: Dataset,
    points: int,
    openness: int,
    fresh: bool | None,
    body: dict[str, Any],
) -> bool:
    """Keep a dataset's score; one that says something new also becomes a row of its
    history. Tells whether it did.
    """
    known = session.get(QualityScore, dataset.id)
    changed = known is None or known.body != body
    score = known or QualityScore(package_id=dataset.id)
    score.owner_org, score.sector = (
        dataset.owner_org,
        str(dataset.profile.get("sector") or "") or None,
    )
    score.points, score.openness, score.fresh, score.body, score.computed = (
        points,
        openness,
        fresh,
        body,
        now(),
    )
    session.add(score)
    if changed:
        session.add(
            QualityHistory(
                package_id=dataset.id,
                points=points,
                openness=openness,
                fresh=fresh,
                body=body,
            )
        )
    return changed


def forget(session: Session, package_id: str) -> None:
    """Remove the score and its history."""
    session.execute(delete(QualityScore).where(QualityScore.package_id == package_id))
    session.execute(
        delete(QualityHistory).where(QualityHistory.package_id == package_id)
    )


def find(session: Session, package_id: str) -> QualityScore | None:
    """A dataset's score, None before it was first computed."""
    return session.get(QualityScore, package_id)


def history(session: Session, package_id: str, limit: int) -> Sequence[QualityHistory]:
    """What a dataset's score was, newest first."""
    query = select(QualityHistory).where(QualityHistory.package_id == package_id)
    return session.scalars(
        query.order_by(QualityHistory.at.desc(), QualityHistory.id).limit(limit)
    ).all()


def _where(
    readable: ColumnElement[bool], organization: str | None, sector: str | None
) -> ColumnElement[bool]:
    clause = (Dataset.state == "active") & readable
    if organization is not None:
        clause = clause & (QualityScore.owner_org == organization)
    return clause & (QualityScore.sector == sector) if sector is not None else clause


def page(
    session: Session,
    readable: ColumnElement[bool],
    *,
    organization: str | None,
    sector: str | None,
    order: str,
    descending: bool,
    limit: int,
    offset: int,
) -> tuple[int, Sequence[tuple[QualityScore, Dataset]]]:
    """How many scores there are, and a page of them with their datasets."""
    where = _where(readable, organization, sector)
    joined = (
        select(QualityScore, Dataset)
        .join(Dataset, Dataset.id == QualityScore.package_id)
        .where(where)
    )
    total = session.scalar(select(func.count()).select_from(joined.subquery())) or 0
    column = ORDERS[order].desc() if descending else ORDERS[order]
    rows = session.execute(
        joined.order_by(column, Dataset.id).limit(limit).offset(offset)
    ).all()
    return total, [(row[0], row[1]) for row in rows]


def summary(
    session: Session, readable: ColumnElement[bool], by: str
) -> Sequence[dict[str, Any]]:
    """Counts and means for each organization ("organization") or sector ("sector");
    None is those without one.
    """
    key = QualityScore.owner_org if by == "organization" else QualityScore.sector
    query = (
        select(
            key.label("key"),
            func.count().label("datasets"),
            func.avg(QualityScore.points).label("points"),
            func.avg(QualityScore.openness).label("openness"),
            func.sum(case((QualityScore.fresh.is_(True), 1), else_=0)).label("fresh"),
            func.sum(case((QualityScore.fresh.is_(False), 1), else_=0)).label("late"),
        )
        .join(Dataset, Dataset.id == QualityScore.package_id)
        .where(_where(readable, None, None))
        .group_by(key)
        .order_by(key)
    )
    return [dict(row._mapping) for row in session.execute(query)]


def computed_before(session: Session, moment: datetime, limit: int) -> Sequence[str]:
    """Ids of live datasets whose score is older than that, or that have none yet; not
    those that wait to be scored.
    """
    asked = (
        select(OutboxRow.id)
        .where(OutboxRow.topic == QUALITY, OutboxRow.entity_id == Dataset.id)
        .exists()
    )
    query = (
        select(Dataset.id)
        .outerjoin(QualityScore, QualityScore.package_id == Dataset.id)
        .where(
            Dataset.state == "active",
            QualityScore.computed.is_(None) | (QualityScore.computed < moment),
            ~asked,
        )
        .order_by(Dataset.id)
        .limit(limit)
    )
    return session.scalars(query).all()
