"""Piece: a part of a file's content as somebody would read it: lines of text, or a
small table with its labels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Piece:
    """What stands in one place of a file: a text, rows under labels, or a nested value;
    `unread` where nobody can tell.

    `where` names the member, sheet or page.
    """

    where: str
    text: str = ""
    labels: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    value: Any = field(default=None)
    unread: bool = False


MOST_LABELS = 500


def of_rows(where: str, rows: Sequence[Sequence[str]]) -> Piece:
    """Rows whose first one names the columns; a single row, or a very wide one, is a
    text.
    """
    filled = [row for row in rows if any(cell.strip() for cell in row)]
    width = max(map(len, filled), default=0)
    if len(filled) < 2 or width > MOST_LABELS:
        return Piece(where, text="\n".join(" | ".join(row) for row in filled))
    full = [tuple(row) + ("",) * (width - len(row)) for row in filled]
    return Piece(where, labels=full[0], rows=tuple(full[1:]))
