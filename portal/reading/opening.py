"""A file of any kind, or several that belong together, opened in this process as one
table of text.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from i18n import Message
from portal.reading import signature, totals
from portal.reading.archive import unpack
from portal.reading.columnar import open_parquet
from portal.reading.csvtext import open_csv
from portal.reading.encoding import to_utf8
from portal.reading.jsontext import open_json
from portal.reading.options import ReadOptions
from portal.reading.refusals import refuse
from portal.reading.scratch import Scratch
from portal.reading.spreadsheet import open_sheet
from schemas.record import Content
from schemas.texttable import TextBatch, TextTable

DEFAULTS = ReadOptions()


def open_table(
    content: Content, *, format: str = "", options: ReadOptions = DEFAULTS
) -> TextTable:
    """What `portal.reading.read_table` promises, in the process that asks: a child,
    where the file is a stranger's.
    """
    opened = [
        _open(part.path, part.name, format, content, options, options.max_depth)
        for part in content.parts
    ]
    if not opened:
        raise refuse("empty", name="?")
    return opened[0] if len(opened) == 1 else _joined(opened)


def _open(
    path: Path,
    name: str,
    declared: str,
    content: Content,
    options: ReadOptions,
    depth: int,
) -> TextTable:
    """The table of one part: unpacked, decoded and parsed by its kind."""
    if not path.stat().st_size:
        raise refuse("empty", name=name)
    kind = signature.resolve(path, name, declared)
    if kind in signature.ARCHIVES:
        if not depth:
            raise refuse(
                "zip-bomb",
                name=name,
                what=Message("archives nest too deeply"),
            )
        owner, inner = unpack(path, name, kind, options)
        # What was declared is the archive, not what is in it.
        declared = "" if declared.upper() in signature.ARCHIVES else declared
        return _keeping(
            owner, _open(owner.path, inner, declared, content, options, depth - 1)
        )
    if kind in signature.SHEETS:
        return _as_asked(open_sheet(path, name, kind, options), options)
    if kind in signature.COLUMNAR:
        return _as_asked(open_parquet(path, name, options), options)
    decoded = to_utf8(path, name, options, content.encoding)
    if kind in ("CSV", "TSV"):
        return _as_asked(
            open_csv(decoded, name, kind, content.dialect, options), options
        )
    return open_json(decoded.path, name, kind, options, decoded.notes)


def _as_asked(table: TextTable, options: ReadOptions) -> TextTable:
    return totals.dropped(table) if options.drop_totals else table


def _keeping(owner: Scratch, table: TextTable) -> TextTable:
    """The same table, holding on to the scratch file that it is read from."""

    def batches(_: Scratch = owner) -> Iterator[TextBatch]:
        yield from table.batches()

    return replace(table, batches=batches)


def _joined(tables: list[TextTable]) -> TextTable:
    """Tables of one shape as one table, batch after batch."""
    first = tables[0]
    for table in tables[1:]:
        if table.labels != first.labels:
            raise refuse(
                "parts-differ",
                name=table.name,
                found=", ".join(table.labels)[:300],
                wanted=", ".join(first.labels)[:300],
            )

    def batches() -> Iterator[TextBatch]:
        for table in tables:
            for batch in table.batches():
                yield replace(batch, part=table.name)

    notes = tuple(
        replace(note, detail={**note.detail, "part": t.name})
        for t in tables
        for note in t.notes
    )
    return TextTable(first.labels, batches, first.name, notes)
