"""One table: what went wrong, and what HTTP and CKAN call it."""

from __future__ import annotations

import logging
from typing import Any

from werkzeug.exceptions import HTTPException

from portal import outages
from portal.errors import (
    IntegrityProblem,
    Invalid,
    NoSpace,
    NotAuthorized,
    NotFound,
    PortalError,
    SearchProblem,
    SearchQueryProblem,
    Unavailable,
    Unfinished,
)

log = logging.getLogger(__name__)

TABLE: tuple[tuple[type[PortalError], int, str], ...] = (
    (NotFound, 404, "Not Found Error"),
    (NotAuthorized, 403, "Authorization Error"),
    (Invalid, 409, "Validation Error"),
    (IntegrityProblem, 400, "Integrity Error"),
    (SearchQueryProblem, 400, "Search Query Error"),
    (SearchProblem, 409, "Search Error"),
    (NoSpace, 507, "Insufficient Storage"),
    (Unavailable, 503, "Service Unavailable"),
    (Unfinished, 503, "Unfinished Error"),
)
UNEXPECTED = 500
RETRY_SECONDS = {503: "10", 507: "60"}
"""When to come again, by status: an engine is back soon, a disk is emptied by a
person.
"""


def describe(error: Exception, request_id: str) -> tuple[int, dict[str, Any]]:
    """(status, CKAN's error dict) of an error; what is not expected is logged whole,
    and told by its request id.
    """
    # What an engine raises when it is away is one of many classes; only `outages` knows
    # them. What is known already needs no look.
    known = (
        error
        if isinstance(error, PortalError | HTTPException)
        else outages.explain(error) or error
    )
    for kind, status, name in TABLE:
        if isinstance(known, kind):
            _log_outage(known, request_id)
            return status, {"__type": name, **_details(known)}
    if isinstance(known, HTTPException) and known.code:
        return known.code, {"__type": known.name, "message": known.description}
    # The cause goes to the log alone: words of an engine hold SQL, paths and values.
    log.error("request %s failed", request_id, exc_info=error)
    message = (
        f"An unexpected error; the administrators can find it as request {request_id}."
    )
    return UNEXPECTED, {"__type": "Internal Server Error", "message": message}


def retry_after(status: int) -> list[tuple[str, str]]:
    """The header that says when to come again, for what goes by itself; nothing for
    other errors.
    """
    seconds = RETRY_SECONDS.get(status)
    return [("Retry-After", seconds)] if seconds else []


def _log_outage(error: PortalError, request_id: str) -> None:
    """One line for the operator: an outage has no stack worth reading, and comes with
    every request.
    """
    if isinstance(error, Unavailable):
        log.error("request %s: %s %s", request_id, error.message, error.reason)


def _details(error: PortalError) -> dict[str, Any]:
    """What CKAN's error dict says beside its type."""
    if isinstance(error, Invalid):
        return error.errors
    if isinstance(error, IntegrityProblem):
        return {"message": error.message, "data": error.data}
    if isinstance(error, Unfinished):
        return {"message": error.message, "done": error.done, "left": error.left}
    return {"message": error.message}
