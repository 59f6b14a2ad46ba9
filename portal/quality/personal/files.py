"""Personal data in whole files of any kind: their texts, tables and nested values, and
what nobody could look into.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from portal.quality.personal.findings import PersonalMention, gravest
from portal.quality.personal.scan import Scan
from portal.quality.personal.texts import scan_text, scan_value
from portal.reading.documents import pieces
from portal.reading.options import ReadOptions
from portal.reading.pieces import Piece
from schemas.texttable import ROW, TextBatch

DEFAULTS = ReadOptions()
HIDDEN = "…"
"""What stands for a name of a file that is itself personal data."""


@dataclass(frozen=True, slots=True)
class FileScan:
    """What a file holds that is personal, and whether a part of it could not be looked
    into.
    """

    mentions: tuple[PersonalMention, ...]
    unread: bool


def scan_file(path: Path, name: str, options: ReadOptions = DEFAULTS) -> FileScan:
    """Look at everything in a file, one mention a kind; never raises for what the file
    is.
    """
    found = list(scan_text(name))
    # The place is told back with each finding: it must not repeat what was found in it.
    where = HIDDEN if found else name
    unread = False
    for piece in pieces(path, name, options):
        unread = unread or piece.unread
        found += _of_piece(piece)
    return FileScan(together(found, where), unread)


def scan_to_plain(path: str, name: str) -> dict[str, Any]:
    """The same in plain values, for a child process: {"mentions": [{kind, level,
    verdict, count}], "unread": bool}.
    """
    told = scan_file(Path(path), name)
    mentions = [
        {
            "kind": each.kind,
            "level": each.level,
            "verdict": each.verdict,
            "count": each.count,
        }
        for each in told.mentions
    ]
    return {"mentions": mentions, "unread": told.unread}


def scan_from_plain(told: Mapping[str, Any], name: str) -> FileScan:
    """What `scan_to_plain` told, as it was found."""
    where = HIDDEN if scan_text(name) else name
    mentions = tuple(PersonalMention(**each, where=where) for each in told["mentions"])
    return FileScan(mentions, bool(told["unread"]))


def _of_piece(piece: Piece) -> list[PersonalMention]:
    """What one piece holds that is personal: in its text, its value and its rows."""
    found = list(scan_text(piece.text)) if piece.text else []
    if piece.value is not None:
        found += scan_value(piece.value)
    if piece.rows:
        found += of_rows(piece.labels, piece.rows)
    return found


def of_rows(
    labels: Iterable[str], rows: Iterable[Iterable[str]]
) -> list[PersonalMention]:
    """What rows under labels hold that is personal."""
    names = list(labels)
    columns = list(zip(*rows, strict=True))
    frame = pl.DataFrame(
        {str(index): list(cells) for index, cells in enumerate(columns)}, orient="col"
    )
    scan = Scan(names)
    scan.batch(
        # Polars numbers rows in UInt32, tables in Int64.
        TextBatch(frame.with_row_index(ROW).with_columns(pl.col(ROW).cast(pl.Int64)))
    )
    return [
        PersonalMention(each.kind, each.level, each.verdict, each.cells)
        for each in scan.result()
    ]


def together(
    found: Iterable[PersonalMention], where: str
) -> tuple[PersonalMention, ...]:
    """One mention a kind, with the gravest verdict."""
    by_kind: dict[str, list[PersonalMention]] = {}
    for each in found:
        by_kind.setdefault(each.kind, []).append(each)
    return tuple(
        PersonalMention(
            kind,
            same[0].level,
            gravest(e.verdict for e in same) or "warn",
            sum(e.count for e in same),
            where,
        )
        for kind, same in sorted(by_kind.items())
    )
