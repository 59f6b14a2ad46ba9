"""Whole files: what their text says of persons, as findings; what cannot be read waits for a person."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from portal.errors import BadFile
from portal.quality.checks import MESSAGES, SEVERITIES
from portal.quality.messages import say
from portal.quality.personal import PersonalMention, scan_text, scan_value
from portal.quality.personal.files import of_looked, of_rows, together
from portal.quality.report import Finding
from portal.reading import ReadOptions, child
from portal.reading.documents import pieces
from schemas.record import ContentPart
from schemas.texttable import TextTable
from schemas.vocabularies import BESIDE_TABLE, PERSONAL_TEXT, UNREAD_FILE

HEAD = 64 * 1024
"""Bytes in which the title rows above a table stand."""
ROWS_ONLY = frozenset({"CSV", "TSV", "NDJSON", "Parquet"})
"""Formats in which nothing stands beside the rows but titles above them."""
GRAVITY = {"warn": 0, "hold": 1, "error": 2}


def check(parts: Iterable[ContentPart], options: ReadOptions) -> tuple[Finding, ...]:
    """What these files hold that is personal, and which of them could not be read; they are no tables."""
    return tuple(finding for part in parts for finding in _of(part, options))


def _of(part: ContentPart, options: ReadOptions) -> Iterator[Finding]:
    told = _in_child("portal.quality.personal.files:looked", part, options)
    if told is None:
        yield _finding(UNREAD_FILE, "", "hold", part)
        return
    seen = of_looked(told, part.name)
    if seen.unread:
        yield _finding(UNREAD_FILE, "", "hold", part)
    yield from (_finding(PERSONAL_TEXT, each.kind, each.verdict, part) for each in seen.mentions)


def check_beside(
    parts: Iterable[ContentPart], format_: str, table: TextTable, findings: Sequence[Finding], options: ReadOptions
) -> tuple[Finding, ...]:
    """What stands beside the table that was read of these files: titles, other sheets and members, other values.

    `findings` are those of the table: what they say of a kind is not said again.
    """
    known = {
        each.note: GRAVITY.get(each.verdict, 0) for each in sorted(findings, key=lambda f: GRAVITY.get(f.verdict, 0))
    }
    found: list[Finding] = []
    for part in parts:
        mentions = _beside(part, format_, table, options)
        if mentions is None:
            found.append(_finding(UNREAD_FILE, "", "hold", part, BESIDE_TABLE))
            continue
        for each in mentions:
            if GRAVITY[each.verdict] > known.get(each.kind, -1) or format_ in ROWS_ONLY:
                found.append(_finding(PERSONAL_TEXT, each.kind, each.verdict, part, BESIDE_TABLE))
    return tuple(found)


def _beside(
    part: ContentPart, format_: str, table: TextTable, options: ReadOptions
) -> tuple[PersonalMention, ...] | None:
    """What stands beside the table; None where the look did not come to its end."""
    if format_ in ROWS_ONLY:
        titles = sum(int(note.detail.get("rows", 0)) for note in table.notes if note.code == "title-rows")
        return together(scan_text(_first_lines(part.path, titles)), part.name) if titles else ()
    labels = [label.strip() for label in table.labels]
    told = _in_child("portal.quality.documents:outside", part, options, labels)
    return None if told is None else of_looked({**told, "unread": False}, part.name).mentions


def _first_lines(path: Path, lines: int) -> str:
    with path.open("rb") as file:
        text = file.read(HEAD).decode("utf-8", errors="replace")
    return "\n".join(text.splitlines()[: lines + 1])


def outside(path: str, name: str, labels: Sequence[str]) -> dict[str, Any]:
    """What all of a file holds but its table with these labels, in plain values: for a child process."""
    found: list[PersonalMention] = []
    for piece in pieces(Path(path), name):
        if [label.strip() for label in piece.labels] == list(labels):
            continue
        found += scan_text(piece.text) if piece.text else ()
        found += scan_value(piece.value) if piece.value is not None else ()
        found += of_rows(piece.labels, piece.rows) if piece.rows else ()
    mentions = together(found, name)
    told = [{"kind": m.kind, "level": m.level, "verdict": m.verdict, "count": m.count} for m in mentions]
    return {"mentions": told}


def _in_child(function: str, part: ContentPart, options: ReadOptions, *more: Any) -> dict[str, Any] | None:
    """What a child found; None where it did not come to its end: then nobody has looked at the file."""
    try:
        told: dict[str, Any] = child.run(
            function, str(part.path), part.name, *more, name=part.name, limits=options.limits
        )
    except BadFile:
        return None
    return told


def _finding(check: str, kind: str, verdict: str, part: ContentPart, field: str | None = None) -> Finding:
    message, hint = say(check, {"kind": kind}, MESSAGES)
    name = "" if scan_text(part.name) else part.name
    return Finding(check, SEVERITIES[check], message, hint, field=field, note=kind, part=name, verdict=verdict)
