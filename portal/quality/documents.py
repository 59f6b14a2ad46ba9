"""Whole files: what their text says of persons, as findings; what cannot be read waits
for a person.
"""

from __future__ import annotations

import json
import tarfile
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from portal.errors import BadFile
from portal.quality.checks.catalogue import MESSAGES, SEVERITIES
from portal.quality.findings.messages import say
from portal.quality.findings.report import Finding
from portal.quality.personal import PersonalMention, scan_text, scan_value
from portal.quality.personal.files import of_rows, scan_from_plain, together
from portal.reading import ReadOptions, child
from portal.reading.documents import pieces
from schemas.record import ContentPart
from schemas.texttable import TextTable
from schemas.vocabularies import BESIDE_TABLE, PERSONAL_TEXT, UNREAD_FILE

HEAD = 64 * 1024
"""Bytes in which the title rows above a table stand."""
ROWS_ONLY = frozenset({"CSV", "TSV", "NDJSON", "Parquet"})
"""Formats in which nothing stands beside the rows but titles above them."""
PACKED = (b"\x1f\x8b", b"BZh", b"\xfd7zXZ\x00")
"""How packed files begin that hold one other."""
DEPTH = 3
"""So deep a list of records stands in a JSON document."""


def check(parts: Iterable[ContentPart], options: ReadOptions) -> tuple[Finding, ...]:
    """What these files hold that is personal, and which of them could not be read; they
    are no tables.
    """
    return tuple(finding for part in parts for finding in _of(part, options))


def _of(part: ContentPart, options: ReadOptions) -> Iterator[Finding]:
    """The findings of one file; one that could not be read whole is told as such."""
    told = _in_child("portal.quality.personal.files:scan_to_plain", part, options)
    if told is None:
        yield _finding(UNREAD_FILE, "", "hold", part)
        return
    seen = scan_from_plain(told, part.name)
    if seen.unread:
        yield _finding(UNREAD_FILE, "", "hold", part)
    yield from (
        _finding(PERSONAL_TEXT, each.kind, each.verdict, part) for each in seen.mentions
    )


def check_beside(
    parts: Iterable[ContentPart], format_: str, table: TextTable, options: ReadOptions
) -> tuple[Finding, ...]:
    """What stands beside the table that was read of these files: titles, other sheets
    and members, other values.

    It is told of apart from the table, also where both hold the same kind: who lets one
    pass has not seen the other.
    """
    found: list[Finding] = []
    for part in parts:
        mentions = _beside(part, format_, table, options)
        if mentions is None:
            found.append(_finding(UNREAD_FILE, "", "hold", part, BESIDE_TABLE))
            continue
        found += [
            _finding(PERSONAL_TEXT, each.kind, each.verdict, part, BESIDE_TABLE)
            for each in mentions
        ]
    return tuple(found)


def _beside(
    part: ContentPart, format_: str, table: TextTable, options: ReadOptions
) -> tuple[PersonalMention, ...] | None:
    """What stands beside the table; None where the look did not come to its end."""
    # Only titles can stand beside these rows, and a few lines are read without a child.
    if format_ in ROWS_ONLY and not _is_packed(part.path):
        titles = sum(
            int(note.detail.get("rows", 0))
            for note in table.notes
            if note.code == "title-rows"
        )
        return (
            together(scan_text(_first_lines(part.path, titles)), part.name)
            if titles
            else ()
        )
    labels = [label.strip() for label in table.labels]
    told = _in_child("portal.quality.documents:outside", part, options, labels)
    return (
        None
        if told is None
        else scan_from_plain({**told, "unread": False}, part.name).mentions
    )


def _is_packed(path: Path) -> bool:
    """Whether a file is an archive, whatever its format is said to be: other members
    may stand beside the table.
    """
    with path.open("rb") as file:
        head = file.read(8)
    return (
        head.startswith(PACKED) or zipfile.is_zipfile(path) or tarfile.is_tarfile(path)
    )


def _first_lines(path: Path, lines: int) -> str:
    """The first lines of a file as text."""
    with path.open("rb") as file:
        # Another encoding must not stop the look: numbers and most letters are read all
        # the same.
        text = file.read(HEAD).decode("utf-8", errors="replace")
    return "\n".join(text.splitlines()[: lines + 1])


def outside(path: str, name: str, labels: Sequence[str]) -> dict[str, Any]:
    """What all of a file holds but its table with these labels, in plain values: for a
    child process.
    """
    found: list[PersonalMention] = []
    for piece in pieces(Path(path), name):
        # The table itself was looked at when it was checked.
        if [label.strip() for label in piece.labels] == list(labels):
            continue
        lines = _records_of(piece.text, labels) if piece.text else False
        found += scan_text(piece.text) if piece.text and not lines else ()
        found += (
            scan_value(without_table(piece.value, labels))
            if piece.value is not None
            else ()
        )
        found += of_rows(piece.labels, piece.rows) if piece.rows else ()
    mentions = together(found, name)
    told = [
        {"kind": m.kind, "level": m.level, "verdict": m.verdict, "count": m.count}
        for m in mentions
    ]
    return {"mentions": told}


def _records_of(text: str, labels: Sequence[str]) -> bool:
    """Whether a text is the table itself, a record a line."""
    if not text.lstrip().startswith("{"):
        return False
    try:
        records = [json.loads(line) for line in text.splitlines() if line.strip()]
    except (ValueError, RecursionError):
        return False
    return _is_table(records, labels)


def without_table(value: Any, labels: Sequence[str], depth: int = DEPTH) -> Any:
    """A JSON value without the list of records that makes the table with these
    labels.
    """
    if isinstance(value, list):
        return _around(value) if _is_table(value, labels) else value
    if not isinstance(value, Mapping) or not depth:
        return value
    # CKAN's datastore dumps rows as lists under "records", with the names under
    # "fields".
    names = [
        field.get("id", field.get("name")) if isinstance(field, Mapping) else field
        for field in _fields(value)
    ]
    listed = [str(name).strip() for name in names] == list(labels)
    return {
        key: []
        if key == "records"
        and listed
        and isinstance(inner, list)
        and all(isinstance(row, list) for row in inner)
        else without_table(inner, labels, depth - 1)
        for key, inner in value.items()
    }


def _fields(value: Mapping[str, Any]) -> list[Any]:
    fields = value.get("fields")
    return fields if isinstance(fields, list) else []


def _is_table(records: list[Any], labels: Sequence[str]) -> bool:
    """Whether records have just these labels: their keys, the properties of features,
    or a first list of names.
    """
    if records and all(isinstance(each, list) for each in records):
        return [str(cell).strip() for cell in records[0]] == list(labels)
    if not records or not all(isinstance(each, Mapping) for each in records):
        return False
    keys = dict.fromkeys(str(key).strip() for each in records for key in _cells(each))
    return list(keys) == list(labels) or set(keys) == set(labels)


def _is_feature(record: Mapping[str, Any]) -> bool:
    return record.get("type") == "Feature" and "geometry" in record


def _cells(record: Mapping[str, Any]) -> Iterable[str]:
    """The labels that a record has as a row of a table."""
    if not _is_feature(record):
        return record
    properties = record.get("properties") or {}
    # Read as a table, a feature has its geometry as one more column; a property of that
    # name makes it "_geometry".
    return [*properties, "_geometry" if "geometry" in properties else "geometry"]


def _around(records: list[Any]) -> list[Any]:
    """What features hold beside their properties and their geometry; of other records
    nothing.
    """
    features = [
        each for each in records if isinstance(each, Mapping) and _is_feature(each)
    ]
    return [
        {
            key: each[key]
            for key in each
            if key not in ("type", "properties", "geometry")
        }
        for each in features
    ]


def _in_child(
    function: str, part: ContentPart, options: ReadOptions, *more: Any
) -> dict[str, Any] | None:
    """What a child found; None where it did not come to its end: then nobody has looked
    at the file.
    """
    try:
        told: dict[str, Any] = child.run(
            function,
            str(part.path),
            part.name,
            *more,
            name=part.name,
            limits=options.limits,
        )
    # Whatever ended the child (time, memory, a broken file): it means that nobody has
    # looked.
    except BadFile:
        return None
    return told


def _finding(
    check: str, kind: str, verdict: str, part: ContentPart, field: str | None = None
) -> Finding:
    """One finding on a file, in both languages."""
    message, hint = say(check, {"kind": kind}, MESSAGES)
    # The name of a file may itself be a person's.
    name = "" if scan_text(part.name) else part.name
    return Finding(
        check,
        SEVERITIES[check],
        message,
        hint,
        field=field,
        note=kind,
        part=name,
        verdict=verdict,
    )
