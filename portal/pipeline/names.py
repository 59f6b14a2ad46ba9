"""Old and new names of communes and agencies become lines of the lexicon, in a file
that every search reads.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from pathlib import Path

from portal.db import people
from portal.domain.rendering import former_names
from portal.pipeline.references import references
from portal.runtime import Portal
from schemas.administrative import AdministrativeUnits
from search.text.former_names import agency_lines, place_lines
from search.text.lexicon import MOST_LINES

UNITS = "noi-vu/don-vi-hanh-chinh"
FILE = "names.txt"
_HEAD = (
    "# Tên cũ, tên mới: cổng tự viết tệp này; sửa sẽ mất. Written by the portal; what "
    "is changed here is lost.\n"
)
log = logging.getLogger(__name__)


def write(portal: Portal) -> int:
    """Write the file anew where something was renamed; return how many lines it holds.

    Communes come from the newest public table of the catalogue that follows D01,
    agencies from what organizations say that they succeeded.
    """
    lines = [*_agencies(portal), *_places(portal)]
    if len(lines) >= MOST_LINES:
        log.warning(
            "%d names do not fit into the lexicon; the last %d are left out",
            len(lines),
            len(lines) - MOST_LINES,
        )
    # One line is the head's.
    lines = lines[: MOST_LINES - 1]
    text = _HEAD + "".join(f"{line}\n" for line in lines)
    path = portal.settings.data_dir / FILE
    # A file that is written anew has a new age, and every process would read the
    # lexicon again.
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        _put(path, text)
    return len(lines)


def _put(path: Path, text: str) -> None:
    """Replace the file in one step: no search reads half of it."""
    # A name of its own: two workers may write at the same moment.
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    draft.write_text(text, encoding="utf-8")
    draft.replace(path)


def _agencies(portal: Portal) -> Iterator[str]:
    """Lines of what organizations were called before."""
    with portal.read() as uow:
        bodies = people.list_groups(uow.session, organization=True, q=None)
        yield from agency_lines(
            [(body.title or body.name, former_names(body)) for body in bodies]
        )


def _places(portal: Portal) -> Iterator[str]:
    """Lines of the communes before and after they were merged; none where the table has
    other columns.
    """
    columns = references(portal)(UNITS) or {}
    rows = [
        dict(zip(columns, map(_said, row), strict=True))
        for row in zip(*columns.values(), strict=True)
    ]
    try:
        yield from place_lines(AdministrativeUnits(rows))
    except (KeyError, ValueError):
        log.warning(
            "the table of administrative units cannot be read as %s; its names are "
            "left out",
            UNITS,
        )


def _said(cell: str | None) -> str:
    """A cell of the table; a day that is kept as a time is a day."""
    return (cell or "").removesuffix(" 00:00:00")
