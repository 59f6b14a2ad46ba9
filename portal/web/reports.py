"""Reports as CSV: findings of a validation, rows in quarantine, quality scores; rights
as in the actions.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import orjson
from flask import Blueprint, Response, request, send_file
from werkzeug.exceptions import Forbidden, NotFound

from portal.access import policy
from portal.actions import registry
from portal.db import datasets as db
from portal.db import validation
from portal.domain.base import is_uuid
from portal.quality.findings import report_formats
from portal.web.action_api import actor_of_request, the_portal

reports = Blueprint("reports", __name__)
CSV = "text/csv; charset=utf-8"
SCORES = (
    "name",
    "title",
    "organization",
    "sector",
    "mqa_points",
    "rating",
    "openness_passed",
    "fresh",
    "failed",
    "computed",
)
HISTORY = ("at", "mqa_points", "openness_passed", "fresh", "failed")
PAGE = 1000


@reports.route("/dataset/<dataset>/resource/<resource_id>/validation.csv")
def findings(dataset: str, resource_id: str) -> Response:
    """What is wrong with a resource, a line for each finding, in one language
    (`lang`).
    """
    lang = "en" if request.args.get("lang", "vi") == "en" else "vi"
    shown = _call(
        "resource_validation_show",
        resource_id=resource_id,
        report_id=request.args.get("report_id"),
    )
    return _download(
        report_formats.table(shown["report"], lang), f"{resource_id}-validation.csv"
    )


@reports.route("/dataset/<dataset>/resource/<resource_id>/quarantine.csv")
def quarantine(dataset: str, resource_id: str) -> Response:
    """The bad rows of a resource that were kept aside, with what is wrong with each;
    for those who may edit it.
    """
    with the_portal().read() as uow:
        found = (
            db.find_resource(uow.session, resource_id) if is_uuid(resource_id) else None
        )
        kept = validation.find_quarantine(uow.session, resource_id)
        if found is None:
            raise NotFound
        if not policy.may_edit(actor_of_request(), found[1]):
            raise Forbidden
    if kept is None or not the_portal().files.exists(kept.file_key):
        raise NotFound
    answer: Response = send_file(
        the_portal().files.open(kept.file_key),
        mimetype="text/csv",
        as_attachment=True,
        download_name=f"{resource_id}-quarantine.csv",
        max_age=0,
    )
    answer.headers["Cache-Control"] = "private, no-store"
    return answer


@reports.route("/quality.csv")
def scores() -> Response:
    """The quality of every dataset that the caller may read, of an `organization` or
    `sector` if one is named.
    """
    asked = {
        key: request.args[key]
        for key in ("organization", "sector", "sort")
        if key in request.args
    }
    rows: list[Mapping[str, Any]] = []
    # In pages, as the action bounds how many rows one call gives.
    while True:
        page = _call("quality_list", limit=PAGE, offset=len(rows), **asked)
        rows += page["results"]
        # An empty page ends it too: what is removed between two pages would keep the
        # count from ever being reached.
        if not page["results"] or len(rows) >= page["count"]:
            return _download(_csv(SCORES, rows), "quality.csv")


@reports.route("/quality/<by>.csv")
def summary(by: str) -> Response:
    """Mean scores of every organization or sector."""
    if by not in ("organization", "sector"):
        raise NotFound
    columns = (
        by,
        "title",
        "datasets",
        "mqa_points",
        "openness_passed",
        "fresh",
        "late",
    )
    return _download(
        _csv(columns, _call("quality_summary", by=by)), f"quality-{by}.csv"
    )


@reports.route("/dataset/<dataset>/quality.csv")
def history(dataset: str) -> Response:
    """How the quality of a dataset has changed, newest first."""
    return _download(
        _csv(HISTORY, _call("quality_history", id=dataset, limit=PAGE)),
        f"{dataset}-quality.csv",
    )


def _call(name: str, **params: Any) -> Any:
    # Through JSON, as actions may hand out what is rendered already (orjson.Fragment).
    return orjson.loads(
        orjson.dumps(registry.call(the_portal(), actor_of_request(), name, params))
    )


def _csv(columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> str:
    """Rows as CSV with a header, in the order of the columns."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(columns)
    for row in rows:
        writer.writerow([_cell(row.get(name)) for name in columns])
    return out.getvalue()


def _cell(value: Any) -> str:
    if isinstance(value, list):
        return " ".join(map(str, value))
    return report_formats.plain(value)


def _download(text: str, name: str) -> Response:
    """CSV as an attachment, which no shared cache may keep."""
    # With a byte order mark: without one Excel takes the text for its local encoding
    # and garbles Vietnamese.
    answer = Response("\ufeff" + text, content_type=CSV)
    answer.headers.set("Content-Disposition", "attachment", filename=name)
    answer.headers["Cache-Control"] = "private, no-cache"
    return answer
