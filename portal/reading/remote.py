"""read_table: a file of any kind, opened in a child process and walked through here,
batch after batch.
"""

from __future__ import annotations

import threading
import weakref
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from portal.errors import BadFile
from portal.reading import child, served, turns
from portal.reading.child import Child
from portal.reading.options import ReadOptions
from portal.reading.refusals import refuse
from schemas.record import Content, ContentPart
from schemas.texttable import TextBatch, TextTable

DEFAULTS = ReadOptions()
SERVE = "portal.reading.served:serve"
"""What a child runs."""
MOST_WAITING = 4
"""Tables whose child waits for another pass; beyond that the one that was unused for
longest is opened anew.
"""


def read_table(
    content: Content | Path, *, format: str = "", options: ReadOptions = DEFAULTS
) -> TextTable:
    """The table in `content`: CSV, TSV, XLSX, XLS, ODS, Parquet, JSON, NDJSON or
    GeoJSON, also inside .gz and .zip.

    `format` is what the source declares; without it the file's name decides, then its
    content. Several parts must have the same header and become one table, each batch
    naming its part. Row numbers count as Frictionless counts (the header of an ordinary
    file is row 1). No byte of the file is read in this process. Raises BadFile, here or
    while the batches are read, with a code of `portal.reading.refusals`; Unavailable
    when too many files are being read at once.
    """
    content = (
        Content((ContentPart(content, content.name, "", 0),))
        if isinstance(content, Path)
        else content
    )
    remote = _Remote(content, format, options)
    with turns.turn():
        said = remote.opened()
    return TextTable(
        tuple(said["labels"]), remote.batches, str(said["name"]), served.notes_of(said)
    )


class _Remote:
    """One table in a child; when the child is gone, or at work, another pass opens the
    table anew.
    """

    def __init__(self, content: Content, format_: str, options: ReadOptions) -> None:
        self._request = (content, format_, options)
        self._name = content.parts[0].name if content.parts else "?"
        self._limits = options.limits
        self._labels: list[str] | None = None

    def opened(self) -> dict[str, Any]:
        """Open the table in a child, which then waits for its first pass; what the
        table says of itself.
        """
        reader, said = self._begin()
        _WAITING.put(self, reader)
        return said

    def batches(self) -> Iterator[TextBatch]:
        """One pass over the table."""
        turns.take_turn()
        reader = None
        unfinished = True
        try:
            reader = self._walking()
            yield from self._pass(reader)
            unfinished = False
        except GeneratorExit:
            unfinished = reader is None or not _stopped(reader)
            raise
        finally:
            turns.give_turn()
            # A child in the middle of its batches has nothing to offer to anybody.
            if reader is not None and unfinished:
                reader.close()
            elif reader is not None:
                _WAITING.put(self, reader)

    def _walking(self) -> Child:
        """A child that has begun a pass: the one that waits, unless it was ended
        meanwhile.
        """
        reader = _WAITING.take(self)
        if reader is not None and _walks(reader):
            return reader
        reader, _ = self._begin()
        if not _walks(reader):
            raise refuse("reader-died", name=self._name, why="no answer")
        return reader

    def _begin(self) -> tuple[Child, dict[str, Any]]:
        """A new child with the table open, and what the table says of itself."""
        reader = child.start(
            SERVE, *self._request, name=self._name, limits=self._limits, talks=True
        )
        try:
            said, _ = reader.receive()
        except BaseException:
            reader.close()
            raise
        if self._labels is not None and said["labels"] != self._labels:
            reader.close()
            raise refuse(
                "damaged",
                name=self._name,
                claimed="",
                why="it changed while it was read",
            )
        self._labels = said["labels"]
        _WAITING.watch(self, reader)
        return reader, said

    @staticmethod
    def _pass(reader: Child) -> Iterator[TextBatch]:
        """The batches that a child sends after "begin"."""
        while True:
            said, payload = reader.receive()
            if "end" in said:
                return
            # Asked for before this batch is handed on: the child reads on meanwhile.
            reader.send("more")
            yield served.batch_of(said, payload)


def _walks(reader: Child) -> bool:
    """Ask for the batches; whether the child is there to send them. One that is not is
    closed.
    """
    try:
        reader.send("begin")
        return bool(reader.receive()[0] == "walking")
    except BadFile:
        reader.close()
        return False


def _stopped(reader: Child) -> bool:
    """Tell a child that its batches are no longer wanted; whether it is ready for
    another pass.
    """
    try:
        reader.send("stop")
        while "end" not in reader.receive()[0]:
            pass
    except BadFile:
        return False
    return True


def _dismiss(reader: Child) -> None:
    """Let a child that waits forget its table and be there for another."""
    try:
        reader.send("bye")
    except BadFile:
        reader.close()
    else:
        child.release(reader)


class _Waiting:
    """Children between two passes of their tables. Safe for threads."""

    def __init__(self) -> None:
        self._lock = threading.RLock()  # a table may be collected at any moment
        self._readers: OrderedDict[int, Child] = OrderedDict()

    def put(self, table: _Remote, reader: Child) -> None:
        """Let a child wait; the one that waited for longest may be ended for it."""
        # Not by reference: a table that nobody else holds has to be collected.
        key = id(table)
        with self._lock:
            gone = [self._readers.pop(key)] if key in self._readers else []
            self._readers[key] = reader
            if len(self._readers) > MOST_WAITING:
                gone.append(self._readers.popitem(last=False)[1])
        # Outside of the lock: a child may take a while to listen.
        for one in gone:
            _dismiss(one)

    def take(self, table: _Remote) -> Child | None:
        """The child of a table, if it still waits."""
        with self._lock:
            return self._readers.pop(id(table), None)

    def watch(self, table: _Remote, reader: Child) -> None:
        """End a child with the last reference to its table."""
        weakref.finalize(table, self._forget, id(table), reader)

    def _forget(self, key: int, reader: Child) -> None:
        """Dismiss the child of a table that is gone, if it still waits for that
        table.
        """
        with self._lock:
            waits = self._readers.get(key) is reader
            if waits:
                del self._readers[key]
        if waits:
            _dismiss(reader)


_WAITING = _Waiting()
