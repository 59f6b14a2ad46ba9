"""Questions about harvest sources, jobs, objects and identities; claiming jobs by
lease.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    CursorResult,
    Update,
    and_,
    case,
    delete,
    exists,
    func,
    or_,
    select,
    update,
)
from sqlalchemy.orm import Session, aliased

from portal.domain.base import new_id, now
from portal.domain.events import INDEX, OutboxRow
from portal.domain.harvest import (
    ABORTED,
    DONE,
    ERRORED,
    FINISHED,
    NEW,
    RUNNING,
    WAITING,
    HarvestIdentity,
    HarvestJob,
    HarvestObject,
    HarvestSource,
)
from portal.errors import NotFound

MOST_CANDIDATES = 50
MOST_FORGOTTEN = 500


class Claimed(NamedTuple):
    """A job that was just claimed; `suspect`: whoever held it before fell silent, so
    that it may end processes.
    """

    job: HarvestJob
    suspect: bool


class LeaseLost(Exception):
    """Another worker holds the job now, or somebody aborted it: whoever gets this must
    stop at once.
    """


def find_source(session: Session, name_or_id: str) -> HarvestSource | None:
    """A source by id, name or url."""
    match = or_(
        HarvestSource.id == name_or_id,
        HarvestSource.name == name_or_id,
        HarvestSource.url == name_or_id,
    )
    return session.scalars(
        select(HarvestSource).where(match).order_by(HarvestSource.created)
    ).first()


def get_source(session: Session, name_or_id: str) -> HarvestSource:
    """As `find_source`; NotFound otherwise."""
    source = find_source(session, name_or_id)
    if source is None:
        raise NotFound("Not found: Harvest source was not found.")
    return source


def list_sources(
    session: Session, *, active: bool | None = None
) -> Sequence[HarvestSource]:
    """All sources by name."""
    query = select(HarvestSource).order_by(HarvestSource.name)
    return session.scalars(
        query if active is None else query.where(HarvestSource.active == active)
    ).all()


def get_job(session: Session, job_id: str) -> HarvestJob:
    """A job by id; NotFound otherwise."""
    job = session.get(HarvestJob, job_id)
    if job is None:
        raise NotFound("Not found: Harvest job was not found.")
    return job


def list_jobs(
    session: Session,
    source_ids: Sequence[str],
    *,
    status: str | None = None,
    limit: int = 100,
    offset: int = 0,
) -> Sequence[HarvestJob]:
    """Jobs of these sources, newest first."""
    query = select(HarvestJob).where(HarvestJob.source_id.in_(source_ids))
    query = query if status is None else query.where(HarvestJob.status == status)
    query = query.order_by(HarvestJob.created.desc(), HarvestJob.id)
    return session.scalars(query.limit(limit).offset(offset)).all()


def last_jobs(session: Session, source_ids: Sequence[str]) -> dict[str, HarvestJob]:
    """By source: its newest job; a source without one is not in it."""
    newest_first = HarvestJob.created.desc(), HarvestJob.id
    place = (
        func.row_number()
        .over(partition_by=HarvestJob.source_id, order_by=newest_first)
        .label("place")
    )
    placed = (
        select(HarvestJob.id, place)
        .where(HarvestJob.source_id.in_(source_ids))
        .subquery()
    )
    query = (
        select(HarvestJob)
        .join(placed, placed.c.id == HarvestJob.id)
        .where(placed.c.place == 1)
    )
    return {job.source_id: job for job in session.scalars(query)}


MOST_TELLING_JOBS = 1000


def list_telling_jobs(
    session: Session, source_ids: Sequence[str]
) -> Sequence[HarvestJob]:
    """The last thousand jobs of these sources, newest first."""
    query = select(HarvestJob).where(HarvestJob.source_id.in_(source_ids))
    return session.scalars(
        query.order_by(HarvestJob.created.desc(), HarvestJob.id).limit(
            MOST_TELLING_JOBS
        )
    ).all()


def list_object_ids(
    session: Session,
    source_ids: Sequence[str],
    *,
    job_id: str | None,
    current: bool,
    limit: int,
    offset: int,
) -> Sequence[str]:
    """Ids of objects of these sources, newest first; `current` leaves out those that a
    later object followed.
    """
    query = select(HarvestObject.id).where(HarvestObject.source_id.in_(source_ids))
    if job_id:
        query = query.where(HarvestObject.job_id == job_id)
    if current:
        later = aliased(HarvestObject)
        same = and_(
            later.source_id == HarvestObject.source_id, later.guid == HarvestObject.guid
        )
        query = query.where(
            ~exists().where(same, later.gathered > HarvestObject.gathered)
        )
    ordered = query.order_by(
        HarvestObject.gathered.desc(), HarvestObject.position, HarvestObject.id
    )
    return session.scalars(ordered.limit(limit).offset(offset)).all()


def open_job(session: Session, source_id: str) -> HarvestJob | None:
    """The source's job that is not over yet."""
    return session.scalars(
        select(HarvestJob)
        .where(HarvestJob.source_id == source_id, HarvestJob.status.in_((NEW, RUNNING)))
        .order_by(HarvestJob.created)
    ).first()


def due_sources(session: Session, moment: datetime) -> Sequence[HarvestSource]:
    """Active sources whose next run has come."""
    due = and_(
        HarvestSource.active.is_(True),
        HarvestSource.next_run.is_not(None),
        HarvestSource.next_run <= moment,
    )
    return session.scalars(
        select(HarvestSource).where(due).order_by(HarvestSource.next_run)
    ).all()


def take_turn(
    session: Session, source: HarvestSource, following: datetime | None
) -> bool:
    """Move the source's next run on; False when another scheduler has just done so."""
    turn = update(HarvestSource).where(
        HarvestSource.id == source.id, HarvestSource.next_run == source.next_run
    )
    return _count(session, turn.values(next_run=following)) == 1


def claim(
    session: Session,
    owner: str,
    moment: datetime,
    until: datetime,
    *,
    untried_only: bool = False,
) -> Claimed | None:
    """Take one queued or orphaned job, at most one at a time for each source; None when
    there is nothing to do.

    A claim counts as a try until the job comes a step further (`fence`) or is handed
    back (`hand_back`): what is left are the deaths of its workers. `untried_only`
    leaves out the jobs that may have killed one.
    """
    query = select(HarvestJob.id, HarvestJob.source_id).where(_claimable(moment))
    if untried_only:
        query = query.where(
            or_(HarvestJob.status == NEW, HarvestJob.lease_owner.is_(None))
        )
    candidates = session.execute(
        query.order_by(HarvestJob.created).limit(MOST_CANDIDATES)
    ).all()
    for job_id, source_id in candidates:
        # The source is locked first and the job judged again after that: of two workers
        # that saw two
        # jobs of one source waiting, the second must see what the first has just taken.
        source = (
            select(HarvestSource.id)
            .where(HarvestSource.id == source_id)
            .with_for_update(skip_locked=True)
        )
        if session.scalar(source) is None:
            continue
        again = (
            select(HarvestJob)
            .where(HarvestJob.id == job_id, _claimable(moment))
            .with_for_update(skip_locked=True)
        )
        job = session.scalars(again).first()
        if job is not None:
            suspect = job.lease_owner is not None
            job.status, job.lease_owner, job.lease_until = RUNNING, owner, until
            job.gather_started = job.gather_started or moment
            job.tries += 1
            session.flush()
            return Claimed(job, suspect)
    return None


def _claimable(moment: datetime) -> ColumnElement[bool]:
    """Queued, or running with a lease that is over; and no other job of the same source
    under way.
    """
    other = aliased(HarvestJob)
    busy = exists().where(
        other.source_id == HarvestJob.source_id,
        other.id != HarvestJob.id,
        other.status == RUNNING,
        other.lease_until > moment,
    )
    fresh = and_(HarvestJob.status == NEW, HarvestJob.queued.is_(True))
    orphaned = and_(HarvestJob.status == RUNNING, HarvestJob.lease_until <= moment)
    return and_(or_(fresh, orphaned), ~busy)


def fence(
    session: Session,
    job_id: str,
    owner: str,
    until: datetime,
    *,
    advanced: bool = False,
) -> None:
    """Renew the lease inside the caller's transaction. Raises LeaseLost when the job is
    no longer the caller's.

    `advanced` says that the job comes a step further in this transaction, so that its
    tries begin anew.
    """
    values: dict[str, Any] = (
        {"lease_until": until, "tries": 0} if advanced else {"lease_until": until}
    )
    if (
        _count(session, _held_by(owner).where(HarvestJob.id == job_id).values(values))
        != 1
    ):
        raise LeaseLost(job_id)


def hand_back(
    session: Session, owner: str, moment: datetime, job_id: str | None = None
) -> int:
    """Give up the lease of one job, or amid an object of all that a worker holds; the
    next worker goes on at once.

    Neither a job nor an object that is under way is a try the worse for it. Returns how
    many jobs were handed back.
    """
    held = _held_by(owner)
    if job_id is None:
        _forget_begun(session, owner)
    else:
        held = held.where(HarvestJob.id == job_id)
    fewer = case((HarvestJob.tries > 0, HarvestJob.tries - 1), else_=0)
    return _count(
        session, held.values(lease_owner=None, lease_until=moment, tries=fewer)
    )


def _forget_begun(session: Session, owner: str) -> None:
    """Take back the try of every object that a worker is at."""
    jobs = select(HarvestJob.id).where(
        HarvestJob.lease_owner == owner, HarvestJob.status == RUNNING
    )
    begun = and_(
        HarvestObject.job_id.in_(jobs),
        HarvestObject.state == WAITING,
        HarvestObject.tries > 0,
    )
    _count(
        session,
        update(HarvestObject).where(begun).values(tries=HarvestObject.tries - 1),
    )


def shorten_leases(session: Session, moment: datetime, length: timedelta) -> int:
    """Bring leases that end later than any can back to one length from now; return how
    many there were.

    They were written before the clock was set back. Who still works renews its lease
    long before it ends.
    """
    beyond = and_(
        HarvestJob.status == RUNNING, HarvestJob.lease_until > moment + 2 * length
    )
    if session.scalar(select(HarvestJob.id).where(beyond).limit(1)) is None:
        return 0
    return _count(
        session, update(HarvestJob).where(beyond).values(lease_until=moment + length)
    )


def _held_by(owner: str) -> Update:
    return update(HarvestJob).where(
        HarvestJob.lease_owner == owner, HarvestJob.status == RUNNING
    )


def _count(session: Session, statement: Update) -> int:
    result = session.execute(statement.execution_options(synchronize_session=False))
    return result.rowcount if isinstance(result, CursorResult) else 0


def add_objects(
    session: Session, job: HarvestJob, objects: Iterable[HarvestObject]
) -> int:
    """Add the objects that the job does not know yet; return how many were new."""
    fresh = {item.guid: item for item in objects}
    known = session.scalars(
        select(HarvestObject.guid).where(
            HarvestObject.job_id == job.id, HarvestObject.guid.in_(list(fresh))
        )
    ).all()
    for guid in known:
        fresh.pop(guid)
    session.add_all(fresh.values())
    session.flush()
    return len(fresh)


def next_object(session: Session, job_id: str) -> HarvestObject | None:
    """The first object of the job that still waits."""
    return session.scalars(
        select(HarvestObject)
        .where(HarvestObject.job_id == job_id, HarvestObject.state == WAITING)
        .order_by(HarvestObject.position, HarvestObject.id)
        .limit(1)
    ).first()


def list_objects(
    session: Session, job_id: str, *, outcome: str | None = None, limit: int = 1000
) -> Sequence[HarvestObject]:
    """Objects of a job in the order of the listing."""
    query = (
        select(HarvestObject)
        .where(HarvestObject.job_id == job_id)
        .order_by(HarvestObject.position)
    )
    return session.scalars(
        (
            query if outcome is None else query.where(HarvestObject.outcome == outcome)
        ).limit(limit)
    ).all()


def stats(session: Session, job_ids: Sequence[str]) -> dict[str, dict[str, int]]:
    """By job: how many of its objects came to which outcome; those that wait are under
    "waiting".
    """
    counts: dict[str, dict[str, int]] = {job_id: {} for job_id in job_ids}
    query = select(HarvestObject.job_id, HarvestObject.outcome, func.count())
    query = query.where(HarvestObject.job_id.in_(job_ids)).group_by(
        HarvestObject.job_id, HarvestObject.outcome
    )
    for job_id, outcome, count in session.execute(query):
        counts[job_id][outcome or "waiting"] = count
    return counts


def object_errors(session: Session, job_ids: Sequence[str]) -> dict[str, Counter[str]]:
    """By job: how many of its datasets failed with which message."""
    counts: dict[str, Counter[str]] = {job_id: Counter() for job_id in job_ids}
    query = select(HarvestObject.job_id, HarvestObject.errors)
    for job_id, errors in session.execute(
        query.where(HarvestObject.job_id.in_(job_ids), HarvestObject.outcome == ERRORED)
    ):
        counts[job_id].update(error["message"] for error in errors)
    return counts


def count_unindexed(session: Session, job_id: str) -> int:
    """How many datasets of a job wait for their place in the index."""
    of_job = select(HarvestObject.package_id).where(
        HarvestObject.job_id == job_id, HarvestObject.package_id.is_not(None)
    )
    waiting = select(func.count(OutboxRow.entity_id.distinct()))
    return (
        session.scalar(
            waiting.where(OutboxRow.topic == INDEX, OutboxRow.entity_id.in_(of_job))
        )
        or 0
    )


def find_identity(
    session: Session, source_id: str, guid: str
) -> HarvestIdentity | None:
    """What the source's item became."""
    match = and_(HarvestIdentity.source_id == source_id, HarvestIdentity.guid == guid)
    return session.scalars(select(HarvestIdentity).where(match)).first()


def forget_fingerprints(session: Session, source_id: str) -> None:
    """Have everything of a source loaded once more, although the source itself says
    that nothing has changed.
    """
    known = update(HarvestIdentity).where(HarvestIdentity.source_id == source_id)
    session.execute(
        known.values(fingerprint=None).execution_options(synchronize_session=False)
    )


def find_refused(session: Session, package_id: str) -> HarvestIdentity | None:
    """The identity of a dataset whose newest content was refused."""
    query = select(HarvestIdentity).where(
        HarvestIdentity.package_id == package_id,
        HarvestIdentity.refused_hash.is_not(None),
    )
    return session.scalars(query.limit(1)).first()


def vanished(session: Session, job: HarvestJob) -> Sequence[HarvestIdentity]:
    """Items known from earlier trips that this trip's listing did not name."""
    seen = exists().where(
        HarvestObject.job_id == job.id, HarvestObject.guid == HarvestIdentity.guid
    )
    gone = and_(
        HarvestIdentity.source_id == job.source_id,
        HarvestIdentity.present.is_(True),
        ~seen,
    )
    return session.scalars(
        select(HarvestIdentity).where(gone).order_by(HarvestIdentity.guid)
    ).all()


def count_present(session: Session, source_ids: Sequence[str]) -> Counter[str]:
    """By source: how many of its items are held now."""
    query = select(HarvestIdentity.source_id, func.count()).where(
        HarvestIdentity.present.is_(True)
    )
    query = query.where(HarvestIdentity.source_id.in_(source_ids)).group_by(
        HarvestIdentity.source_id
    )
    return Counter({row[0]: row[1] for row in session.execute(query)})


def finish(job: HarvestJob, status: str = FINISHED) -> None:
    """Note that nothing more will happen to the job."""
    job.status, job.finished, job.lease_owner, job.lease_until = (
        status,
        now(),
        None,
        None,
    )


def abort(session: Session, job: HarvestJob) -> None:
    """Stop a job: what it has stored stays, what waits is not done; its worker loses
    the lease.
    """
    finish(job, ABORTED)
    session.execute(
        update(HarvestObject)
        .where(HarvestObject.job_id == job.id, HarvestObject.state == WAITING)
        .values(state=DONE, finished=now())
    )


def new_job(
    session: Session, source: HarvestSource, *, queued: bool = True
) -> HarvestJob:
    """Add a job for a source."""
    job = HarvestJob(id=new_id(), source_id=source.id, status=NEW, queued=queued)
    session.add(job)
    session.flush()
    return job


def count_jobs(session: Session, source_ids: Sequence[str]) -> Counter[str]:
    """By source: how many jobs it had."""
    query = select(HarvestJob.source_id, func.count()).where(
        HarvestJob.source_id.in_(source_ids)
    )
    return Counter(
        {
            row[0]: row[1]
            for row in session.execute(query.group_by(HarvestJob.source_id))
        }
    )


def list_present(session: Session, source_id: str) -> Sequence[str]:
    """The ids, in the source's own words, of everything held from it now."""
    present = and_(
        HarvestIdentity.source_id == source_id, HarvestIdentity.present.is_(True)
    )
    return session.scalars(select(HarvestIdentity.guid).where(present)).all()


def list_packages(session: Session, source_id: str) -> Sequence[str]:
    """Ids of the datasets that a source's items became, in order."""
    query = select(HarvestIdentity.package_id).where(
        HarvestIdentity.source_id == source_id
    )
    return session.scalars(query.distinct().order_by(HarvestIdentity.package_id)).all()


def forget_identity(session: Session, source_id: str, package_id: str) -> None:
    """Forget which items of a source one dataset comes from."""
    theirs = (HarvestIdentity.source_id == source_id) & (
        HarvestIdentity.package_id == package_id
    )
    session.execute(delete(HarvestIdentity).where(theirs))


def forget_objects(session: Session, source_id: str) -> bool:
    """Remove objects of a source's jobs, so many that it takes a moment; whether there
    were any.
    """
    some = (
        select(HarvestObject.id)
        .where(HarvestObject.source_id == source_id)
        .limit(MOST_FORGOTTEN)
    )
    ids = session.scalars(some).all()
    session.execute(delete(HarvestObject).where(HarvestObject.id.in_(ids)))
    return bool(ids)


def forget_jobs(session: Session, source_id: str) -> None:
    """Remove the jobs of a source, whose objects are gone."""
    session.execute(delete(HarvestJob).where(HarvestJob.source_id == source_id))
