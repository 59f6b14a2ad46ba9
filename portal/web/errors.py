"""One table: what went wrong, and what HTTP and CKAN call it."""

from __future__ import annotations

import logging
from typing import Any

from flask import g
from werkzeug.exceptions import HTTPException

from portal.errors import (
    IntegrityProblem,
    Invalid,
    NotAuthorized,
    NotFound,
    PortalError,
    SearchProblem,
    SearchQueryProblem,
    Unavailable,
)

log = logging.getLogger(__name__)

TABLE: tuple[tuple[type[PortalError], int, str], ...] = (
    (NotFound, 404, "Not Found Error"),
    (NotAuthorized, 403, "Authorization Error"),
    (Invalid, 409, "Validation Error"),
    (IntegrityProblem, 400, "Integrity Error"),
    (SearchQueryProblem, 400, "Search Query Error"),
    (SearchProblem, 409, "Search Error"),
    (Unavailable, 503, "Service Unavailable"),
)
UNEXPECTED = 500


def describe(error: Exception) -> tuple[int, dict[str, Any]]:
    """(status, CKAN's error dict) of an error; what is not expected is logged whole, and told by its request id."""
    for kind, status, name in TABLE:
        if isinstance(error, kind):
            return status, {"__type": name, **_details(error)}
    if isinstance(error, HTTPException) and error.code:
        return error.code, {"__type": error.name, "message": error.description}
    log.error("request %s failed", g.get("request_id"), exc_info=error)
    message = f"An unexpected error; the administrators can find it as request {g.get('request_id')}."
    return UNEXPECTED, {"__type": "Internal Server Error", "message": message}


def _details(error: PortalError) -> dict[str, Any]:
    if isinstance(error, Invalid):
        return error.errors
    if isinstance(error, IntegrityProblem):
        return {"message": error.message, "data": error.data}
    return {"message": error.message}
