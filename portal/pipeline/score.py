"""Quality scores, computed by the worker after a change and as time goes by; no read
ever waits for them.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import orjson

from portal.db import datasets as db
from portal.db import outbox, scores, validation
from portal.db.outbox import Claim
from portal.db.uow import UnitOfWork
from portal.domain.base import now, stamp
from portal.domain.datasets import Dataset, Resource, ValidationReport
from portal.domain.events import QUALITY
from portal.pipeline import claims
from portal.quality.dataset import freshness, mqa, openness
from portal.quality.dataset.facts import Facts, ResourceFacts
from portal.quality.dataset.freshness import Freshness
from portal.runtime import Portal

BATCH = 100
AGE = timedelta(days=1)
"""A score this old is computed again: freshness changes with time alone."""
MOST_RENEWED = 20_000
"""Scores that are asked for again at once."""


def drain(portal: Portal) -> int:
    """Score every dataset that changed; return how many outbox rows were settled."""
    settled = 0
    while True:
        claimed = claims.take(portal, QUALITY, BATCH)
        if not claimed:
            return settled
        with claims.held(portal, claimed):
            settled += _work(portal, claimed)


def _work(portal: Portal, claimed: Sequence[Claim]) -> int:
    """Score in one transaction; what fails together is tried apart, until the guilty
    dataset is found.
    """
    if len(claimed) == 1 and claimed[0].attempts > portal.settings.outbox_tries:
        claims.give_up(portal, claimed[0], claimed[0].error or claims.DIED)
        return 0
    try:
        _score(portal, claimed)
    except claims.STOPS:
        raise
    except BaseException as problem:
        if len(claimed) == 1:
            claims.failed(portal, claimed[0], problem)
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


def _score(portal: Portal, claimed: Sequence[Claim]) -> None:
    """Score datasets as they are now and settle their rows; nothing is locked while the
    scores are worked out.
    """
    found = []
    with portal.read() as uow:
        for key in dict.fromkeys(each.entity_id for each in claimed):
            dataset = uow.session.get(Dataset, key)
            live = dataset is not None and dataset.state == "active"
            found.append(
                (
                    key,
                    dataset,
                    describe(portal, uow, dataset, now()) if live and dataset else None,
                )
            )
    with portal.work() as uow:
        there = set(db.existing(uow.session, [key for key, _, _ in found]))
        for key, dataset, score in found:
            if dataset is None or score is None or key not in there:
                scores.forget(uow.session, key)
            else:
                scores.keep(uow.session, dataset, *score)
        outbox.settle(uow.session, claimed)
        uow.commit()


def describe(
    portal: Portal, uow: UnitOfWork, dataset: Dataset, moment: datetime
) -> tuple[int, int, bool | None, dict[str, Any]]:
    """MQA points, openness checks passed, freshness, and all of it JSON-ready."""
    package = orjson.loads(dataset.rendered)
    kept = freshness.judge(package.get("frequency"), _updated(dataset), moment)
    shown = {each["id"]: each for each in package["resources"]}
    resources = tuple(
        _facts(portal, uow, each, shown.get(each.id, {})) for each in dataset.resources
    )
    facts = Facts(package, resources, kept.fresh)
    points = mqa.judge(facts)
    judged = openness.judge(facts)
    total, passed = (
        sum(each.points for each in points),
        sum(each.outcome == "pass" for each in judged),
    )
    body = {
        "mqa": _mqa(points, total),
        "openness": _openness(judged, passed),
        "freshness": _freshness(kept),
    }
    return total, passed, kept.fresh, body


def _updated(dataset: Dataset) -> datetime:
    moments = [each.last_modified or each.created for each in dataset.resources]
    return max(moments, default=dataset.metadata_modified)


def _facts(
    portal: Portal, uow: UnitOfWork, resource: Resource, shown: dict[str, Any]
) -> ResourceFacts:
    version = db.current_version(uow.session, resource)
    stored: bool | None = None
    if version is not None:
        stored = True
    elif resource.file_key:
        stored = portal.files.exists(resource.file_key)
    return ResourceFacts(
        shown, stored, _whole(uow, resource), db.holds_persons(uow.session, resource)
    )


def _whole(uow: UnitOfWork, resource: Resource) -> bool | None:
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
    kept_aside = validation.find_quarantine(uow.session, resource.id)
    published = (report.body.get("decision") or {}).get(
        "published", report.status == "success"
    )
    return bool(published) and kept_aside is None and rows in (None, version.rows)


def _mqa(points: tuple[mqa.Points, ...], total: int) -> dict[str, Any]:
    dimensions = []
    for dimension in mqa.DIMENSIONS:
        own = [each for each in points if each.dimension is dimension]
        dimensions.append(
            {
                "id": dimension.id,
                "title": {"vi": dimension.vi, "en": dimension.en},
                "points": sum(each.points for each in own),
                "of": sum(each.metric.of for each in own),
                "metrics": [
                    {
                        "id": each.metric.id,
                        "title": {"vi": each.metric.vi, "en": each.metric.en},
                        "points": each.points,
                        "of": each.metric.of,
                    }
                    for each in own
                ],
            }
        )
    return {
        "points": total,
        "of": mqa.MOST,
        "rating": mqa.rating(total),
        "dimensions": dimensions,
    }


def _openness(judged: tuple[openness.JudgedCheck, ...], passed: int) -> dict[str, Any]:
    checks = [
        {
            "id": each.check.id,
            "outcome": each.outcome,
            "title": {"vi": each.check.vi, "en": each.check.en},
            "hint": {"vi": "", "en": ""}
            if each.outcome == "pass"
            else {"vi": each.check.mend_vi, "en": each.check.mend_en},
        }
        for each in judged
    ]
    return {"passed": passed, "of": len(judged), "checks": checks}


def _freshness(kept: Freshness) -> dict[str, Any]:
    return {
        "frequency": kept.frequency,
        "updated": stamp(kept.updated),
        "due": stamp(kept.due),
        "fresh": kept.fresh,
    }
