"""Quality scores, computed by the worker after a change and as time goes by; no read
ever waits for them.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, cast

from portal.db import datasets as db
from portal.db import outbox, scores, validation
from portal.db.outbox import LeasedRow
from portal.db.uow import UnitOfWork
from portal.domain.base import now, stamp
from portal.domain.datasets import Dataset, Resource, ValidationReport
from portal.domain.events import QUALITY
from portal.pipeline import outbox_leases
from portal.quality.dataset import freshness, mqa, openness
from portal.quality.dataset.facts import Facts, ResourceFacts
from portal.quality.dataset.freshness import Freshness
from portal.runtime import Portal
from schemas.package_dict import ResourceDict, read_package

BATCH = 100
Score = tuple[int, int, bool | None, dict[str, Any]]
"""MQA points, openness checks passed, freshness, and all of it JSON-ready."""
AGE = timedelta(days=1)
"""A score this old is computed again: freshness changes with time alone."""
MOST_RENEWED = 20_000
"""Scores that are asked for again at once."""


def drain(portal: Portal) -> int:
    """Score every dataset that changed; return how many outbox rows were settled."""
    settled = 0
    while True:
        claimed = outbox_leases.claim(portal, QUALITY, BATCH)
        if not claimed:
            return settled
        with outbox_leases.renewal(portal, claimed):
            settled += _work(portal, claimed)


def _work(portal: Portal, claimed: Sequence[LeasedRow]) -> int:
    """Score in one transaction; what fails together is tried apart, until the guilty
    dataset is found.
    """
    if len(claimed) == 1 and claimed[0].attempts > portal.settings.outbox_tries:
        outbox_leases.give_up(
            portal, claimed[0], claimed[0].error or outbox_leases.DIED
        )
        return 0
    try:
        _score(portal, claimed)
    except outbox_leases.STOPS:
        raise
    except BaseException as problem:
        # Halved until the guilty one is alone: the others are scored together.
        if len(claimed) == 1:
            outbox_leases.record_failure(portal, claimed[0], problem)
            return 0
        half = len(claimed) // 2
        return _work(portal, claimed[:half]) + _work(portal, claimed[half:])
    return len(claimed)


def renew(portal: Portal) -> int:
    """Have datasets scored again whose score is a day old, and those that have none;
    return how many.

    They go the way of all changes, so that one that cannot be scored holds up no other.
    """
    with portal.work() as uow:
        ids = scores.computed_before(uow.session, now() - AGE, MOST_RENEWED)
        for dataset_id in ids:
            uow.later(QUALITY, dataset_id)
        uow.commit()
    drain(portal)
    return len(ids)


def _score(portal: Portal, claimed: Sequence[LeasedRow]) -> None:
    """Score datasets as they are now and settle their rows; nothing is locked while the
    scores are worked out.
    """
    computed: dict[str, tuple[Dataset, Score] | None] = {}
    with portal.read() as uow:
        for key in [each.entity_id for each in claimed]:
            dataset = uow.session.get(Dataset, key)
            computed[key] = None
            if dataset is not None and dataset.state == "active":
                computed[key] = dataset, describe(portal, uow, dataset, now())
    with portal.work() as uow:
        # Asked again: a dataset may have been purged while its score was worked out.
        existing = set(db.existing(uow.session, list(computed)))
        for key, pair in computed.items():
            if pair is None or key not in existing:
                scores.forget(uow.session, key)
            else:
                dataset, score = pair
                scores.keep(uow.session, dataset, *score)
        outbox.settle(uow.session, claimed)
        uow.commit()


def describe(
    portal: Portal, uow: UnitOfWork, dataset: Dataset, moment: datetime
) -> Score:
    """The score of a dataset at a moment, from what callers get of it."""
    package = read_package(dataset.rendered)
    timeliness = freshness.judge(
        package.get("frequency"), _last_update(dataset), moment
    )
    dicts = {each["id"]: each for each in package["resources"]}
    unrendered = cast(ResourceDict, {})
    resources = tuple(
        _facts(portal, uow, each, dicts.get(each.id, unrendered))
        for each in dataset.resources
    )
    facts = Facts(package, resources, timeliness.fresh)
    points = mqa.judge(facts)
    checks = openness.judge(facts)
    total = sum(each.points for each in points)
    passed = sum(each.outcome == "pass" for each in checks)
    body = {
        "mqa": _mqa(points, total),
        "openness": _openness(checks, passed),
        "freshness": _freshness(timeliness),
    }
    return total, passed, timeliness.fresh, body


def _last_update(dataset: Dataset) -> datetime:
    moments = [each.last_modified or each.created for each in dataset.resources]
    return max(moments, default=dataset.metadata_modified)


def _facts(
    portal: Portal, uow: UnitOfWork, resource: Resource, shown: ResourceDict
) -> ResourceFacts:
    """What the metrics ask of a resource, whether its bytes are stored included."""
    version = db.current_version(uow.session, resource)
    # None for a link: whether its server still has the file is not asked here.
    stored: bool | None = None
    if version is not None:
        stored = True
    elif resource.file_key:
        stored = portal.files.exists(resource.file_key)
    whole = _is_whole(uow, resource)
    persons = db.holds_persons(uow.session, resource)
    return ResourceFacts(shown, stored, whole, persons)


def _is_whole(uow: UnitOfWork, resource: Resource) -> bool | None:
    """Whether the rows that are published are all that the newest file has; None where
    there is no table.
    """
    version = db.current_version(uow.session, resource)
    key = resource.validation_report_id
    report = uow.session.get(ValidationReport, key) if key else None
    if version is None:
        return None if report is None else False
    if report is None:
        return True
    rows = (report.body.get("report") or {}).get("rows")
    decision = report.body.get("decision") or {}
    # Reports of older releases hold no decision: valid was published, nothing else.
    published = decision.get("published", report.status == "success")
    quarantine = validation.find_quarantine(uow.session, resource.id)
    same_rows = rows in (None, version.rows)
    return bool(published) and quarantine is None and same_rows


def _mqa(points: tuple[mqa.Points, ...], total: int) -> dict[str, Any]:
    """Points by dimension and metric, JSON-ready."""
    dimensions = []
    for dimension in mqa.DIMENSIONS:
        own = [each for each in points if each.dimension is dimension]
        dimensions.append(
            {
                "id": dimension.id,
                "title": dimension.title.both(),
                "points": sum(each.points for each in own),
                "of": sum(each.metric.of for each in own),
                "metrics": [_metric(each) for each in own],
            }
        )
    return {
        "points": total,
        "of": mqa.MOST,
        "rating": mqa.rating(total),
        "dimensions": dimensions,
    }


def _metric(scored: mqa.Points) -> dict[str, Any]:
    """One metric and its points, JSON-ready."""
    metric = scored.metric
    return {
        "id": metric.id,
        "title": metric.title.both(),
        "points": scored.points,
        "of": metric.of,
    }


def _openness(checks: tuple[openness.JudgedCheck, ...], passed: int) -> dict[str, Any]:
    entries = [_openness_check(each) for each in checks]
    return {"passed": passed, "of": len(checks), "checks": entries}


def _openness_check(judged: openness.JudgedCheck) -> dict[str, Any]:
    """One check of openness; a passed one gives no hint."""
    check = judged.check
    hint = check.mend.both()
    if judged.outcome == "pass":
        hint = {"vi": "", "en": ""}
    return {
        "id": check.id,
        "outcome": judged.outcome,
        "title": check.title.both(),
        "hint": hint,
    }


def _freshness(timeliness: Freshness) -> dict[str, Any]:
    """When the dataset was updated and is due next, JSON-ready."""
    return {
        "frequency": timeliness.frequency,
        "updated": stamp(timeliness.updated),
        "due": stamp(timeliness.due),
        "fresh": timeliness.fresh,
    }
