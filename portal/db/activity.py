"""Questions about activities: what happened, as far as the asker may know, newest
first.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, delete, func, or_, select
from sqlalchemy.orm import Session

from portal.db.uow import UnitOfWork
from portal.domain.activity import DATASET, GROUP, USER, Activity, Dashboard
from portal.domain.datasets import Dataset
from portal.domain.people import Group, Member


@dataclass(frozen=True, slots=True)
class Page:
    """Which part of a list of activities is wanted; times are UTC, both exclusive."""

    limit: int
    offset: int = 0
    after: datetime | None = None
    before: datetime | None = None
    types: tuple[str, ...] = ()
    without: tuple[str, ...] = ()


def note(
    uow: UnitOfWork,
    kind: str,
    object_id: str,
    deed: str,
    shown: bytes = b"",
    *,
    public: bool = True,
) -> None:
    """Write down that the user at work did `deed` ("new", "changed", "deleted") to an
    object, as `shown` it is now.
    """
    noun = {DATASET: "package", USER: "user"}.get(kind, kind)
    uow.session.add(
        Activity(
            user_id=uow.actor_id,
            object_type=GROUP if kind in (GROUP, "organization") else kind,
            object_id=object_id,
            activity_type=f"{deed} {noun}",
            open=public,
            body=Activity.pack(shown) if shown else b"",
        )
    )


def list_activities(
    session: Session,
    where: ColumnElement[bool],
    visible: ColumnElement[bool],
    page: Page,
) -> Sequence[Activity]:
    """Activities that match `where` and, where they are about a dataset, `visible`;
    newest first.
    """
    query = (
        select(Activity)
        .outerjoin(Dataset, Dataset.id == Activity.object_id)
        .where(where, or_(Activity.object_type != DATASET, visible))
    )
    if page.after:
        query = query.where(Activity.timestamp > page.after)
    if page.before:
        query = query.where(Activity.timestamp < page.before)
    if page.types:
        query = query.where(Activity.activity_type.in_(page.types))
    if page.without:
        query = query.where(Activity.activity_type.not_in(page.without))
    ordered = query.order_by(Activity.timestamp.desc(), Activity.id)
    return session.scalars(ordered.limit(page.limit).offset(page.offset)).all()


def count_new(
    session: Session,
    where: ColumnElement[bool],
    visible: ColumnElement[bool],
    since: datetime,
    most: int,
) -> int:
    """How many of these activities came after a moment; counted up to `most`."""
    query = (
        select(Activity.id)
        .outerjoin(Dataset, Dataset.id == Activity.object_id)
        .where(
            where,
            or_(Activity.object_type != DATASET, visible),
            Activity.timestamp > since,
        )
    )
    return (
        session.scalar(select(func.count()).select_from(query.limit(most).subquery()))
        or 0
    )


def of_object(object_id: str) -> ColumnElement[bool]:
    """Activities about one thing."""
    return Activity.object_id == object_id


def of_group(group: Group) -> ColumnElement[bool]:
    """Activities about an organization or group and about its datasets."""
    return or_(
        Activity.object_id == group.id, Activity.object_id.in_(_members_of([group.id]))
    )


def of_user(user_id: str) -> ColumnElement[bool]:
    """What a user did, and what happened to him."""
    return or_(Activity.user_id == user_id, Activity.object_id == user_id)


def of_followed(
    user_id: str, users: Iterable[str], datasets: Iterable[str], groups: Iterable[str]
) -> ColumnElement[bool]:
    """The news of a user: his own, and of those that he follows."""
    followed = list(groups)
    return or_(
        Activity.user_id.in_([user_id, *users]),
        Activity.object_id.in_([user_id, *users, *datasets, *followed]),
        Activity.object_id.in_(_members_of(followed)),
    )


def _members_of(group_ids: list[str]):  # type: ignore[no-untyped-def]  # the type of a union of selects says nothing
    owned = select(Dataset.id).where(Dataset.owner_org.in_(group_ids))
    held = select(Member.table_id).where(
        Member.group_id.in_(group_ids),
        Member.table_name == "package",
        Member.state == "active",
    )
    return owned.union(held)


def previous(session: Session, activity: Activity) -> Activity | None:
    """The activity before this one about the same thing."""
    query = select(Activity).where(
        Activity.object_id == activity.object_id,
        Activity.timestamp < activity.timestamp,
    )
    return session.scalars(query.order_by(Activity.timestamp.desc()).limit(1)).first()


def forget(session: Session, object_id: str) -> None:
    """Remove what was noted about a thing that is removed for good."""
    session.execute(delete(Activity).where(Activity.object_id == object_id))


def forget_before(session: Session, moment: datetime) -> int:
    """Remove activities older than `moment`; return how many."""
    result = session.execute(delete(Activity).where(Activity.timestamp < moment))
    return int(result.rowcount)  # type: ignore[attr-defined]  # a DELETE's result counts its rows


def dashboard(session: Session, user_id: str) -> Dashboard | None:
    """When a user last looked."""
    return session.get(Dashboard, user_id)
