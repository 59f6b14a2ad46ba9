"""Whether a dataset is described well enough: the six mandatory fields, its licence,
its name, damaged text.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from typing import Any

from portal.quality.checks.catalogue import MESSAGES, SEVERITIES
from portal.quality.findings.collector import Collector
from portal.quality.findings.report import Report
from schemas.record import DatasetRecord
from schemas.vocabularies import LICENCE_BY_ID

NAME = re.compile(r"[a-z0-9_-]{2,100}")
# Vietnamese letters in UTF-8, as they look where they are read as Windows-1252.
MOJIBAKE = ("Ã¡", "Ã ", "Ãª", "Ã´", "áº", "á»", "Æ°", "Ä‘")


def check_record(record: DatasetRecord) -> Report:
    """The report on a record's metadata; errors only for what makes publication
    impossible.

    Mandatory by TT 24/2011/TT-BTTTT: title, creator, date, description, publisher,
    identifier.
    """
    started = time.perf_counter()
    collector = Collector(1000)

    def say(check: str, field: str = "", note: str = "") -> None:
        collector.add(
            check, field=field, note=note, severity=SEVERITIES[check], messages=MESSAGES
        )

    for field in _missing(record):
        say("metadata-missing", field)
    if not NAME.fullmatch(record.name):
        # A name that is refused may be of any length.
        say("metadata-name", "name", record.name[:100])
    if record.license_id and record.license_id not in LICENCE_BY_ID:
        say("licence-unknown", "license_id", record.license_id[:100])
    for field, text in _texts(record):
        # The replacement character stands where a letter was lost in decoding.
        if "\ufffd" in text or any(mark in text for mark in MOJIBAKE):
            say("metadata-damaged", field)
    if not record.resources:
        say("no-resources", "resources")
    return collector.report(0, time.perf_counter() - started)


def _missing(record: DatasetRecord) -> Iterator[str]:
    """Names of the fields that ought to be filled in; the identifier is the record's
    name.
    """
    extras = {**record.extras, **record.profile}
    filled: dict[str, Any] = {
        "title": record.title,
        "notes": record.notes,
        "author": record.author
        or record.maintainer
        or record.owner_org
        or extras.get("co_quan_chu_tri"),
        "date": next((extras[key] for key in DATES if extras.get(key)), None),
        "license_id": record.license_id,
    }
    return (field for field, value in filled.items() if not str(value or "").strip())


DATES = (
    "issued",
    "modified",
    "ngay_ban_hanh",
    "ngay_cap_nhat",
    "date",
    "metadata_modified",
)
"""Extras and profile fields that say when the dataset was made or last changed."""


def _texts(record: DatasetRecord) -> Iterator[tuple[str, str]]:
    """Every text that people read, with the name of its field."""
    yield from (
        ("title", record.title),
        ("notes", record.notes),
        ("author", record.author or ""),
    )
    yield from (("tags", tag) for tag in record.tags)
    for resource in record.resources:
        yield from (
            ("resources.name", resource.name),
            ("resources.description", resource.description),
        )
