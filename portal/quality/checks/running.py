"""Runs the checks that a schema asks for; whatever goes wrong in one is told of that
one, and the others go on.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Iterable, Iterator
from typing import NamedTuple, TypeVar

import polars as pl

from portal.quality import deadline
from portal.quality.checks.declared import NotLoaded
from portal.quality.checks.frame import Frame, Hit
from portal.quality.checks.requests import Request
from portal.quality.frictionless.keys import References

log = logging.getLogger(__name__)
Found = TypeVar("Found")


class Failure(NamedTuple):
    """A check that broke off; the log has the error under `request`."""

    check: str
    request: str


class Unchecked(NamedTuple):
    """A check that has nothing to look at: a column or a list of the catalogue is not
    there.
    """

    check: str


def run(
    requests: Iterable[Request], frame: Frame, references: References
) -> Iterator[tuple[Request, Hit | Failure | Unchecked]]:
    """What every check finds, in the order in which they are asked for."""
    for request in requests:
        deadline.check()
        check = request.check
        # A file that lacks a column is told so by its header: it says nothing against
        # the table.
        if any(frame.rules.index(name) is None for name in request.columns):
            yield request, Unchecked(check.id)
            continue
        try:
            hits = check.run(frame, request.parameters, references)
            for hit in guarded(check.id, hits):
                yield request, hit
        except NotLoaded:
            yield request, Unchecked(check.id)


def guarded(check: str, found: Iterator[Found]) -> Iterator[Found | Failure]:
    """What is found, and a Failure in place of whatever is raised on the way but for
    what the caller has to know.
    """
    try:
        yield from found
    # The first ends the whole table, not one check; the second is no fault of the
    # check.
    except (deadline.NotJudged, NotLoaded):
        raise
    # A panic of polars is no Exception, and a fault of one check all the same.
    except (Exception, pl.exceptions.PanicException) as error:
        request = uuid.uuid4().hex
        log.error("request %s: check %s could not run", request, check, exc_info=error)
        yield Failure(check, request)
