"""Shapes of a report: for a page in one language, as Frictionless writes it, as CSV,
without cells for strangers.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from typing import Any

from i18n import Message
from portal.quality.findings.bad_rows import HIDDEN
from portal.quality.findings.masking import without
from portal.quality.findings.messages import ERRORS
from portal.quality.findings.reading_texts import READING
from portal.quality.personal import is_value

Json = dict[str, Any]
REPAIRS = frozenset(check.id for check in READING)
"""Checks that say what reading found and repaired."""
HEADER = (
    "resource",
    "part",
    "row",
    "field",
    "check",
    "severity",
    "cell",
    "message",
    "hint",
)
DECISIONS: dict[str, Message] = {
    "personal-data": Message(
        "Held: the table has personal data that was not dropped; nobody may open it."
    ),
    "not-valid": Message("Held by policy: the last good version stays published."),
    "no-table": Message("Held: the file leaves no table that could be published."),
    "not-of-rows": Message(
        "Held: the errors are of the whole table and cannot be put aside by rows."
    ),
    "too-many-bad-rows": Message(
        "Held: {detail} % of the rows are bad, more than the policy allows."
    ),
    "cannot-be-stored": Message(
        "Held: the column '{detail}' has cells that cannot be stored as "
        "its declared type."
    ),
    "stored-rows": Message("Stored rows were checked again; what is published stays."),
}
PUBLISHED = {
    "valid": Message("Valid and published."),
    "block": Message("Published."),
    "warn": Message("Published with a warning; ill-typed cells are empty."),
    "quarantine": Message("The good rows are published; {bad_rows} bad rows wait."),
    "override": Message("Published by a steward's decision, with a reason."),
}


def decision_text(decision: Mapping[str, Any], lang: str) -> str:
    """What was decided about the table, in one sentence."""
    if not decision:
        return ""
    text = DECISIONS.get(str(decision.get("reason"))) or (
        PUBLISHED[str(decision["policy"])]
        if decision.get("published")
        else DECISIONS["not-valid"]
    )
    return text.filled(**decision).in_(lang)


def _report(body: Mapping[str, Any]) -> Json:
    """The report in the body of a run, its findings with every key of a finding."""
    report = dict(body.get("report") or {})
    # Notes about rows written through the API were stored without part and cell once.
    findings = [
        {"part": None, "cell": "", **each} for each in report.get("findings", [])
    ]
    return {**report, "findings": findings}


def page(body: Mapping[str, Any], lang: str) -> Json:
    """Everything that a page about the report shows, in one language."""
    report = _report(body)
    findings = report.get("findings", [])
    said = [
        {**each, "message": each["message"][lang], "hint": each["hint"][lang]}
        for each in findings
    ]
    listed: dict[tuple[str, str | None], Json] = {}
    for each in said:
        listed.setdefault((each["check"], each["field"]), each)
    counts = [
        {
            **count,
            "severity": first["severity"] if first else "error",
            "message": first["message"] if first else "",
            "hint": first["hint"] if first else "",
        }
        for count in report.get("counts", [])
        for first in [listed.get((count["check"], count["field"]))]
    ]
    counts.sort(
        key=lambda count: (
            ("error", "warning", "info").index(count["severity"]),
            -count["count"],
        )
    )
    return {
        "lang": lang,
        "valid": bool(body.get("valid")),
        "rows": report.get("rows", 0),
        "errors": report.get("errors", 0),
        "warnings": report.get("warnings", 0),
        "counts": counts,
        "findings": [each for each in said if each["check"] not in REPAIRS],
        "repaired": [each for each in said if each["check"] in REPAIRS],
        "samples": body.get("samples") or {},
        "decision": {
            **(body.get("decision") or {}),
            "text": decision_text(body.get("decision") or {}, lang),
        },
    }


def frictionless(body: Mapping[str, Any], name: str) -> Json:
    """A report as Frictionless writes it: its own codes only, one task."""
    report = _report(body)
    errors = [
        {
            "type": each["check"],
            "title": each["check"].replace("-", " ").title(),
            "message": each["message"]["en"],
            "note": each["note"],
            **({"rowNumber": each["row"]} if each["row"] else {}),
            **({"fieldName": each["field"]} if each["field"] else {}),
            **({"cell": each["cell"]} if each["cell"] else {}),
        }
        for each in report.get("findings", [])
        # Readers of Frictionless' format know no other codes.
        if each["check"] in ERRORS
    ]
    total = sum(
        count["count"] for count in report.get("counts", []) if count["check"] in ERRORS
    )
    seconds = report.get("seconds", 0)
    stats = {"errors": total, "warnings": 0, "seconds": seconds}
    task = {
        "name": name,
        "type": "table",
        "valid": not total,
        "place": name,
        "labels": (body.get("samples") or {}).get("labels", []),
        "stats": {**stats, "rows": report.get("rows", 0)},
        "warnings": [],
        "errors": errors,
    }
    return {
        "valid": not total,
        "stats": {"tasks": 1, **stats},
        "warnings": [],
        "errors": [],
        "tasks": [task],
    }


def table(body: Mapping[str, Any], lang: str) -> str:
    """The listed findings as CSV text, in one language; counts of what is not listed
    stand at the end.
    """
    report = _report(body)
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(HEADER)
    shown: dict[tuple[str, str | None], int] = {}
    for each in report.get("findings", []):
        shown[each["check"], each["field"]] = (
            shown.get((each["check"], each["field"]), 0) + 1
        )
        said = {**each, "message": each["message"][lang], "hint": each["hint"][lang]}
        writer.writerow([plain(said[name]) for name in HEADER])
    for count in report.get("counts", []):
        # Only the first findings of each kind are listed, so that the rest is told as a
        # number.
        more = count["count"] - shown.get((count["check"], count["field"]), 0)
        if more > 0:
            text = (
                f"và {more} lỗi nữa cùng loại"
                if lang == "vi"
                else f"and {more} more of this kind"
            )
            writer.writerow(
                ["", "", "", count["field"] or "", count["check"], "", "", text, ""]
            )
    return out.getvalue()


def plain(value: Any) -> str:
    """A cell that no spreadsheet takes for a formula."""
    text = "" if value is None else str(value)
    # Spreadsheets compute a cell that begins so, and a stranger may have written it.
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


def for_strangers(body: Mapping[str, Any]) -> Json:
    """The report without a single cell: what was refused is not published by its report
    either.

    A table without a header row has its first record for one: then no name of a column
    is told.
    """
    report = _report(body)
    listed, counted = report.get("findings", []), report.get("counts", [])
    labels = (body.get("samples") or {}).get("labels", [])
    names = {each["field"] for each in [*listed, *counted] if each["field"]} | set(
        labels
    )
    # One label that is a person's value tells that the header is a record: then all
    # labels are.
    hidden = names if any(map(is_value, names)) else set()
    findings = [_without_cell(each, hidden) for each in listed]
    counts = [
        {**each, "field": HIDDEN if each["field"] in hidden else each["field"]}
        for each in counted
    ]
    told = {
        key: value
        for key, value in (body.get("decision") or {}).items()
        # The names of released columns may be such labels too.
        if key != "columns"
    }
    decided = {key: HIDDEN if value in hidden else value for key, value in told.items()}
    kept = {"decision": decided} if "decision" in body else {}
    return {
        **body,
        **kept,
        "report": {**report, "findings": findings, "counts": counts},
        "samples": {},
    }


def _without_cell(finding: Mapping[str, Any], names: set[str]) -> Json:
    """The finding without cell and note, and without the texts that quote them."""
    field = HIDDEN if finding["field"] in names else finding["field"]
    cut = [
        finding["note"],
        finding["cell"],
        *([] if field == finding["field"] else [finding["field"]]),
    ]
    said = {
        key: {lang: without(text, *cut) for lang, text in finding[key].items()}
        for key in ("message", "hint")
    }
    return {**finding, **said, "field": field, "cell": "", "note": ""}
