"""The parts that are looked at: database and revision, workers, queues, file store."""

from __future__ import annotations

from sqlalchemy import text

from i18n import Message
from portal import outages
from portal.db import clock, migrate, outbox, workers
from portal.db import figures as db
from portal.errors import Unavailable
from portal.health.problems import Problem, Section
from portal.runtime import Portal

HARVEST = "harvest"
"""The queue of harvest jobs, beside the topics of the outbox."""
NO_BLOB = "0" * 64
"""A key that no file has: asking for it shows whether the store answers."""


def database(portal: Portal) -> Section:
    """Whether the database answers, and is at the revision that the code needs."""
    try:
        with portal.read() as uow:
            uow.session.execute(text("SELECT 1"))
        revision = migrate.current(portal.engine)
    except Exception as error:
        # A fault of the program is no outage: it must be seen with its stack.
        outage = outages.explain(error)
        if outage is None:
            raise
        return Section("database", {"status": "unreachable"}, (_unreachable(outage),))
    needed = migrate.newest()
    figures = {"status": "ok", "revision": revision, "needed": needed}
    return Section(
        "database",
        figures,
        () if revision == needed else (_outdated(revision, needed),),
    )


def _unreachable(outage: Unavailable) -> Problem:
    """The database does not answer, in words."""
    return Problem(
        "database",
        Message("The database cannot be used: {outage} {reason}").filled(
            outage=outage.message, reason=outage.reason
        ),
    )


def _outdated(revision: str | None, needed: str) -> Problem:
    """The database is at another revision than the program needs."""
    return Problem(
        "database",
        Message(
            "The database is at revision {revision}, the program needs "
            "{needed}: run `portal db upgrade`, or the program of that "
            "revision."
        ).filled(revision=revision, needed=needed),
    )


def workers_alive(portal: Portal) -> Section:
    """Which workers gave a sign of life lately, and whether there are as many as there
    should be.
    """
    with portal.read() as uow:
        signs = workers.list_signs(uow.session)
    silent_after = portal.settings.health_worker_seconds
    wanted = portal.settings.health_workers
    alive = [sign for sign in signs if sign.age <= silent_after]
    listed = [
        {
            "name": sign.name,
            "version": sign.version,
            "last_seen_seconds": round(sign.age, 1),
            "alive": sign.age <= silent_after,
        }
        for sign in signs
    ]
    figures = {"alive": len(alive), "wanted": wanted, "list": listed}
    return Section(
        "workers",
        figures,
        () if len(alive) >= wanted else (_missing(len(alive), wanted, silent_after),),
    )


def _missing(alive: int, wanted: int, seconds: int) -> Problem:
    """Fewer workers live than there should be."""
    return Problem(
        "workers",
        Message(
            "{alive} of {wanted} workers gave a sign of life in the last "
            "{seconds} seconds: start `portal worker`."
        ).filled(alive=alive, wanted=wanted, seconds=seconds),
    )


def queues(portal: Portal) -> Section:
    """How long the oldest row of each topic, and the oldest harvest job, have waited;
    what was given up.
    """
    # By the database's clock, by which the rows were written.
    with portal.read() as uow:
        moment = clock.moment(uow.session)
        backlog = outbox.backlog(uow.session)
        oldest_job = db.oldest_new_job(uow.session)
        jobs = db.count_new_jobs(uow.session)
    figures = {
        topic: {
            "waiting": each.waiting,
            "oldest_seconds": round(each.age(moment), 1),
            "given_up": each.given_up,
        }
        for topic, each in sorted(backlog.items())
    }
    if oldest_job is not None:
        age = max(0.0, (moment - oldest_job).total_seconds())
        figures[HARVEST] = {
            "waiting": jobs,
            "oldest_seconds": round(age, 1),
            "given_up": 0,
        }
    most = portal.settings.health_queue_seconds
    # By the age of the oldest and not by the number: a large import may leave thousands
    # that are done in a minute.
    stuck = [
        _stuck(topic, each["oldest_seconds"])
        for topic, each in figures.items()
        if each["oldest_seconds"] > most
    ]
    lost = [
        _given_up(topic, int(each["given_up"]))
        for topic, each in figures.items()
        if each["given_up"]
    ]
    return Section("queues", figures, (*stuck, *lost))


def _stuck(topic: str, seconds: float) -> Problem:
    """The oldest item of a queue has waited for too long."""
    return Problem(
        "queues",
        Message(
            "The queue {topic} is stuck: its oldest item has waited "
            "{seconds:.0f} seconds. See the worker's log."
        ).filled(topic=topic, seconds=seconds),
    )


def _given_up(topic: str, number: int) -> Problem:
    """Items of a queue are tried no more; a warning, no reason to be not ready."""
    return Problem(
        "queues",
        Message(
            "{number} items of the queue {topic} were given up after many "
            "tries: `portal doctor` names them and tries them again."
        ).filled(number=number, topic=topic),
        # It needs a person, but a load balancer that took the portal out would help
        # nobody.
        grave=False,
    )


def files(portal: Portal) -> Section:
    """Whether the store of files answers; a folder on disk is looked at with the
    disks.
    """
    try:
        portal.files.exists(NO_BLOB)
    except Unavailable as error:
        return Section("files", {"status": "unreachable"}, (_no_files(error.message),))
    return Section("files", {"status": "ok"})


def _no_files(reason: str) -> Problem:
    """The store of files does not answer."""
    return Problem(
        "files",
        Message("The file store (PORTAL_FILES_URL) cannot be used: {reason}").filled(
            reason=reason
        ),
    )
