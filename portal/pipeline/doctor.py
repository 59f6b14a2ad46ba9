"""The doctor: finds what was acknowledged and that nobody is about to do, and hands it
to the workers again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from portal.db import clock, outbox, unheld
from portal.domain.base import now
from portal.domain.events import QUALITY, RENDER, VALIDATE
from portal.pipeline import index, publish, rendering
from portal.runtime import Portal

SCORES_AGE = timedelta(days=2)
"""Scores are renewed every day; one that is older is renewed by nobody."""
JOB_LEASES = 5
"""After so many leases a job whose worker is gone should have been taken over."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One kind of consequence that nobody holds, what it concerns, and whether it was
    mended.
    """

    kind: str
    says: str
    ids: tuple[str, ...]
    cure: str
    mended: bool = False


@dataclass(frozen=True, slots=True)
class Examination:
    """All findings, and how the outbox stands by topic."""

    findings: tuple[Finding, ...]
    backlog: dict[str, outbox.Backlog] = field(default_factory=dict)

    @property
    def healthy(self) -> bool:
        """Whether nothing is left to be mended."""
        return all(finding.mended for finding in self.findings)


def examine(portal: Portal, *, mend: bool = False, retry: bool = False) -> Examination:
    """Look for what nobody holds; with `mend` hand it to the workers, with `retry` what
    was given up as well.

    May be run beside everything else.
    """
    checks: tuple[Callable[[Portal, bool], Finding], ...] = (
        _renders,
        _index,
        _loads,
        _runs,
        _scores,
        _tables,
        _jobs,
    )
    findings = [check(portal, mend) for check in checks]
    findings.append(_given_up(portal, mend or retry))
    with portal.read() as uow:
        # After mending, so that what was handed on is seen to wait.
        backlog = outbox.backlog(uow.session)
    return Examination(tuple(finding for finding in findings if finding.ids), backlog)


def _renders(portal: Portal, mend: bool) -> Finding:
    """What is rendered anew is indexed and scored again as a consequence."""
    ids = tuple(rendering.list_outdated(portal))
    _ask(portal, RENDER, ids if mend else ())
    says = (
        "datasets that say something else than their owner, licence, tags or "
        "relations do now"
    )
    return Finding("render", says, ids, "--mend", mend)


def _index(portal: Portal, mend: bool) -> Finding:
    """What the index misses, holds too many of, or holds in an old version."""
    drift = index.compare(portal)
    if mend and not drift.none:
        index.repair(portal, drift)
    ids = (*drift.missing, *drift.surplus, *drift.stale)
    says = (
        "datasets that the search index misses, or holds in an old version or too "
        "many of"
    )
    return Finding("index", says, ids, "--mend, or portal index check --repair", mend)


def _loads(portal: Portal, mend: bool) -> Finding:
    """Resources that wait to be loaded, while no row tells a worker so."""
    with portal.read() as uow:
        loads = unheld.list_loads(uow.session)
    if mend:
        with portal.work() as uow:
            for resource_id, topic in loads:
                uow.later(topic, resource_id)
            uow.commit()
    ids = tuple(resource_id for resource_id, _ in loads)
    says = "resources that wait to be loaded or looked at, while nothing is queued"
    return Finding("load", says, ids, "--mend", mend)


def _runs(portal: Portal, mend: bool) -> Finding:
    """Validation runs that were begun, and that no row asks for."""
    with portal.read() as uow:
        ids = tuple(unheld.list_runs(uow.session))
    _ask(portal, VALIDATE, ids if mend else ())
    return Finding(
        "validate",
        "validation runs that are not done, while nothing is queued",
        ids,
        "--mend",
        mend,
    )


def _scores(portal: Portal, mend: bool) -> Finding:
    """Datasets whose score the daily renewal has passed over."""
    with portal.read() as uow:
        ids = tuple(unheld.list_scores(uow.session, now() - SCORES_AGE))
    _ask(portal, QUALITY, ids if mend else ())
    return Finding(
        "quality",
        "datasets without a quality score of these days",
        ids,
        "--mend; is a worker up?",
        mend,
    )


def _tables(portal: Portal, mend: bool) -> Finding:
    """Downloads lie on each machine apart: those of this one are looked at, and
    rendered here.
    """
    with portal.read() as uow:
        tables = unheld.list_tables(uow.session)
    ids = tuple(
        key
        for key, fingerprint in tables
        if not portal.tables.derived.has(fingerprint, publish.FORMATS)
    )
    failed = [key for key in ids if mend and not _try_render(portal, key)]
    says = (
        "tables whose downloads are not rendered on this machine; they are when "
        "somebody asks"
    )
    return Finding(
        "publish",
        says,
        # Of those that were to be mended only the ones that could not be are left to
        # tell.
        tuple(failed) if mend and failed else ids,
        "--mend",
        mend and not failed,
    )


def _try_render(portal: Portal, resource_id: str) -> bool:
    """Render the downloads of a table here; False, with the reason in the log, where
    that fails.
    """
    try:
        publish.render(portal, resource_id)
    except Exception:
        publish.log.exception(
            "the downloads of resource %s cannot be rendered", resource_id
        )
        return False
    return True


def _jobs(portal: Portal, mend: bool) -> Finding:
    """Harvest jobs with a lease that ran out long ago; any worker takes them over, so
    there is nothing to mend.
    """
    lease = timedelta(seconds=portal.settings.harvest_lease)
    with portal.read() as uow:
        # By the database's clock, as leases are written.
        before = clock.moment(uow.session) - JOB_LEASES * lease
        ids = tuple(unheld.list_jobs(uow.session, before))
    return Finding(
        "harvest",
        "harvest jobs whose worker is gone",
        ids,
        "start a worker: portal worker",
    )


def _given_up(portal: Portal, retry: bool) -> Finding:
    """Consequences that were given up, handed on again with `retry`."""
    with portal.work() as uow:
        given_up = outbox.list_given_up(uow.session)
        ids = tuple(f"{each.topic} {each.entity_id}: {each.error}" for each in given_up)
        if retry and given_up:
            outbox.retry(uow.session, given_up)
            uow.commit()
    says = "consequences that were given up"
    return Finding(
        "given-up",
        says,
        ids,
        "mend the reason (the worker's log says more), then --retry",
        retry,
    )


def _ask(portal: Portal, topic: str, ids: Sequence[str]) -> None:
    """Write an outbox row for each of these ids."""
    if not ids:
        return
    with portal.work() as uow:
        for each in ids:
            uow.later(topic, each)
        uow.commit()
