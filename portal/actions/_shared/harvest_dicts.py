"""Harvest sources, jobs and objects as ckanext-harvest shows them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from sqlalchemy.orm import Session

from portal.db import harvest as db
from portal.domain.base import stamp
from portal.domain.harvest import OUTCOMES, HarvestJob, HarvestObject, HarvestSource
from portal.quality.personal import public_texts

ERRORS_IN_SUMMARY = 20


def source_dict(session: Session, source: HarvestSource) -> dict[str, Any]:
    """One source."""
    return source_dicts(session, [source])[0]


def source_dicts(
    session: Session, sources: Sequence[HarvestSource]
) -> list[dict[str, Any]]:
    """The sources as ckanext-harvest shows them, in as many statements as one of them
    takes.
    """
    statuses = source_statuses(session, sources)
    return [{**_source(source), "status": statuses[source.id]} for source in sources]


def _source(source: HarvestSource) -> dict[str, Any]:
    """The source's own fields as ckanext-harvest shows them."""
    return {
        "id": source.id,
        "name": source.name,
        "title": source.title,
        "notes": source.description,
        "url": source.url,
        "type": "harvest",
        "source_type": source.source_type,
        "frequency": source.frequency,
        "config": source.config,
        "active": source.active,
        "state": "active" if source.active else "deleted",
        "owner_org": source.owner_org,
        "publisher_id": source.owner_org or "",
        "user_id": source.user_id or "",
        "created": stamp(source.created),
        "metadata_created": stamp(source.created),
        "next_run": stamp(source.next_run),
    }


def source_statuses(
    session: Session, sources: Sequence[HarvestSource]
) -> dict[str, dict[str, Any]]:
    """By source: its jobs, its last one, and how many datasets it has here."""
    ids = [source.id for source in sources]
    last, counts, present = (
        db.last_jobs(session, ids),
        db.count_jobs(session, ids),
        db.count_present(session, ids),
    )
    jobs = {job["source_id"]: job for job in job_dicts(session, list(last.values()))}
    return {
        source.id: {
            "job_count": counts[source.id],
            "last_job": jobs.get(source.id),
            "next_harvest": stamp(source.next_run) or "Not yet scheduled",
            "total_datasets": present[source.id],
        }
        for source in sources
    }


def job_dict(session: Session, job: HarvestJob) -> dict[str, Any]:
    """One job."""
    return job_dicts(session, [job])[0]


def job_dicts(session: Session, jobs: Sequence[HarvestJob]) -> list[dict[str, Any]]:
    """The jobs with their counts and their most frequent errors, in two statements
    however many they are.
    """
    ids = [job.id for job in jobs]
    counts, errors = db.stats(session, ids), db.object_errors(session, ids)
    return [
        {
            "id": job.id,
            "source_id": job.source_id,
            "status": job.status,
            "created": stamp(job.created),
            "gather_started": stamp(job.gather_started),
            "gather_finished": stamp(job.gather_finished),
            "finished": stamp(job.finished),
            "listing_complete": job.listing_complete,
            "stats": {
                outcome: counts[job.id].get(outcome, 0)
                for outcome in (*OUTCOMES, "waiting")
            },
            "gather_error_summary": [
                [error["message"], 1] for error in job.gather_errors
            ],
            "object_error_summary": _most_frequent(errors[job.id]),
            "notes": job.notes,
        }
        for job in jobs
    ]


def _most_frequent(errors: Counter[str]) -> list[list[Any]]:
    """[message, count] of the most frequent errors, at most ERRORS_IN_SUMMARY."""
    # By text where two are as frequent: the same job is told alike each time.
    ranked = sorted(errors.items(), key=lambda pair: (-pair[1], pair[0]))
    return [[message, count] for message, count in ranked[:ERRORS_IN_SUMMARY]]


def object_dict(item: HarvestObject) -> dict[str, Any]:
    """What became of one thing that a source listed."""
    return {
        "id": item.id,
        "guid": public_texts.without_persons(item.guid),
        "title": public_texts.without_persons(item.title),
        "state": item.state,
        "report_status": item.outcome,
        "package_id": item.package_id,
        "harvest_job_id": item.job_id,
        "harvest_source_id": item.source_id,
        "gathered": stamp(item.gathered),
        "import_finished": stamp(item.finished),
        "errors": [
            {key: public_texts.without_persons(said) for key, said in each.items()}
            for each in item.errors
        ],
        "report_id": item.report_id,
    }
