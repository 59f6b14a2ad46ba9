"""Health over HTTP: /health/live, /health/ready, and /health as it has always been."""

from __future__ import annotations

from functools import cache
from importlib.metadata import version
from typing import Any

import orjson
from flask import Blueprint, Response, current_app, request

from portal import outages
from portal.db import outbox
from portal.domain.events import INDEX, LINK, LOAD, PUBLISH, QUALITY, VALIDATE
from portal.health.problems import Section
from portal.health.report import Health, Report
from portal.web.action_api import the_portal
from portal.web.operators import is_operator
from portal.web.pages import language

health_pages = Blueprint("health", __name__)
TOPICS = (INDEX, LINK, LOAD, PUBLISH, QUALITY, VALIDATE)
NOTHING = Section("nothing")


@cache
def portal_version() -> str:
    """The version of the code."""
    return version("thanhhoa-data-portal")


def health_of_app() -> Health:
    """What this process knows of the portal's health."""
    known: Health = current_app.extensions["health"]
    return known


@health_pages.route("/health/live")
def live() -> Response:
    """200 while the process answers; nothing else is asked, so that an outage never
    ends healthy processes.
    """
    return _answer({"status": "alive", "version": portal_version()}, 200)


@health_pages.route("/health/ready")
def ready() -> Response:
    """200 when what is acknowledged will be done, else 503; operators hear the reasons
    in words, and all figures.
    """
    report = health_of_app().report()
    state: dict[str, Any] = {
        "status": "ready" if report.ready else "not ready",
        "problems": sorted({problem.check for problem in report.problems}),
        "version": portal_version(),
    }
    # Reasons name hosts, folders and workers, which is nothing for strangers.
    if is_operator(the_portal(), request):
        lang = language()
        state["reasons"] = [
            problem.said(lang) for problem in report.problems if problem.grave
        ]
        state["warnings"] = [
            problem.said(lang) for problem in report.problems if not problem.grave
        ]
        state |= {name: section.figures for name, section in report.sections.items()}
    return _answer(state, 200 if report.ready else 503)


@health_pages.route("/health")
def health() -> Response:
    """Database, search, what waits and for how long; "degraded" when the portal is not
    well, 503 when one is down.
    """
    report = health_of_app().report()
    found = the_portal().search.health()
    state = {
        "database": report.sections["database"].figures["status"],
        # The word that this address has always said: /health keeps what it answers.
        "search": "unreachable" if found.status == "down" else found.status,
        # Counted now: the figures of the report may be some seconds old.
        "outbox": _waiting(),
        "oldest_seconds": _oldest(report),
        "workers_alive": report.sections.get("workers", NOTHING).figures.get("alive"),
        "index": {
            "engine": found.engine,
            "rebuilding": found.rebuilding,
            **found.complaint,
        },
        "problems": sorted({problem.check for problem in report.problems}),
        "version": portal_version(),
    }
    down = state["database"] != "ok" or found.status == "down"
    good = not down and not report.problems
    return _answer(
        {"status": "ok" if good else "degraded", **state}, 503 if down else 200
    )


def _waiting() -> dict[str, int] | None:
    """How many rows of each topic wait at this moment, None while the database is
    away.
    """
    try:
        with the_portal().read() as uow:
            return {topic: outbox.count(uow.session, topic) for topic in TOPICS}
    except Exception as error:
        if outages.explain(error) is None:
            raise
        return None


def _oldest(report: Report) -> dict[str, float]:
    """Seconds that the oldest item of each queue has waited, of queues with any."""
    queues = report.sections.get("queues", NOTHING).figures
    return {
        topic: each["oldest_seconds"]
        for topic, each in queues.items()
        if each["waiting"]
    }


def _answer(body: dict[str, Any], status: int) -> Response:
    answer = Response(orjson.dumps(body), status, content_type="application/json")
    answer.headers["Cache-Control"] = "no-store"
    return answer
