"""Files that are no tables: what their text says of persons, as findings; what cannot be read waits for a person."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from portal.errors import BadFile
from portal.quality.checks import MESSAGES, SEVERITIES
from portal.quality.messages import say
from portal.quality.personal import PersonalColumn, PersonalMention, scan, scan_text, strictest
from portal.quality.report import Finding
from portal.reading import ReadOptions, read_table
from schemas.record import Content, ContentPart
from schemas.vocabularies import PERSONAL_TEXT, UNREAD_FILE

BLOCK = 1024 * 1024
"""Characters of a text that are looked at together."""
OVERLAP = 200
"""Characters that two blocks share, so that a number on the border is met whole."""


class Unread(Exception):
    """The text of a file cannot be told."""


Found = PersonalMention | PersonalColumn


def check(parts: Iterable[ContentPart], options: ReadOptions) -> tuple[Finding, ...]:
    """What the texts of these files hold that is personal, and which of them could not be read."""
    return tuple(finding for part in parts for finding in _of(part, options))


def _of(part: ContentPart, options: ReadOptions) -> Iterator[Finding]:
    kinds: dict[str, list[Found]] = {}
    try:
        for block in _blocks(part.path):
            for found in scan_text(block, part.name):
                kinds.setdefault(found.kind, []).append(found)
        for column in _as_table(part, options):
            kinds.setdefault(column.kind, []).append(column)
    except Unread:
        yield _finding(UNREAD_FILE, "", "hold", part.name)
    for kind, mentions in kinds.items():
        yield _finding(PERSONAL_TEXT, kind, strictest(mentions) or "warn", part.name)


def _as_table(part: ContentPart, options: ReadOptions) -> tuple[PersonalColumn, ...]:
    """A text may be a table whatever it is called: then its labels and the cells of a row belong together."""
    try:
        return scan(read_table(Content((part,)), format="CSV", options=options))
    except BadFile:
        return ()


def _finding(check: str, kind: str, verdict: str, name: str) -> Finding:
    message, hint = say(check, {"kind": kind}, MESSAGES)
    return Finding(check, SEVERITIES[check], message, hint, note=kind, part=name, verdict=verdict)


def _blocks(path: Path) -> Iterator[str]:
    """The text of a file, block after block. Raises Unread where it is none."""
    try:
        with path.open(encoding="utf-8") as file:
            rest = ""
            while block := file.read(BLOCK):
                if "\x00" in block:
                    raise Unread
                yield rest + block
                rest = block[-OVERLAP:]
    except UnicodeDecodeError:
        raise Unread from None
