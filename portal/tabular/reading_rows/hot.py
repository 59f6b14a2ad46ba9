"""Hot copies: a version's rows unpacked and mapped into memory, where rows are found
without unpacking.
"""

from __future__ import annotations

import logging
import os
import queue
import tempfile
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa

from portal.tabular.manifest import ID
from portal.tabular.reading_rows import wordindex
from portal.tabular.reading_rows.wordindex import WordIndex

FOLD = "_fold"
FEW_ROWS = 20_000
FEW_BYTES = 4 * 1024 * 1024
"""A table up to this size (packed) is simply kept in memory; a larger one is unpacked
into a file.
"""
OPEN_AT_ONCE = 64
"""Copies that a process has open at a time."""
TOUCHED_EVERY = 60.0
"""Seconds between two notes that a copy is in use."""
Batches = Callable[[], Iterator[pa.RecordBatch]]
log = logging.getLogger(__name__)


class HotTable:
    """All rows of one version in the order of their numbers, as Arrow columns."""

    def __init__(
        self,
        arrow: pa.Table,
        frame: pl.DataFrame,
        ids: np.ndarray,
        words_path: Path | None = None,
    ) -> None:
        """`frame` and `ids` are views of the Arrow table. `words_path` is where the
        index of its words lies, or will lie soon.
        """
        self.arrow, self.frame, self._ids = arrow, frame, ids
        self._words_path = words_path
        self._word_index: WordIndex | None = None
        # Where no number is missing, a row's place follows from its number.
        self._is_dense = (
            bool(ids.size) and int(ids[0]) == 1 and int(ids[-1]) == ids.size
        )

    @classmethod
    def from_arrow(cls, arrow: pa.Table, words_path: Path | None = None) -> HotTable:
        """The hot copy that an Arrow table is."""
        frame = pl.from_arrow(arrow, rechunk=False)
        assert isinstance(frame, pl.DataFrame)  # noqa: S101 - a table gives a frame
        return cls(arrow, frame, frame[ID].to_numpy(), words_path)

    @property
    def word_index(self) -> WordIndex | None:
        """The index of the words in the folded texts, when there is one."""
        # It is made after the copy: who opened the copy first meets it later.
        path = self._words_path
        if self._word_index is None and path is not None and path.is_file():
            self._word_index = WordIndex(path)
        return self._word_index

    def positions(self, ids: Sequence[int] | pl.Series) -> np.ndarray:
        """Where the rows with these numbers stand."""
        wanted = np.asarray(ids, dtype=np.int64)
        return wanted - 1 if self._is_dense else np.searchsorted(self._ids, wanted)

    def after(self, number: int) -> HotTable:
        """The rows that follow a number; nothing is copied."""
        start = int(np.searchsorted(self._ids, number, side="right"))
        # Without the index of words: its places count from the first row of all.
        return HotTable(
            self.arrow.slice(start), self.frame.slice(start), self._ids[start:]
        )

    def rows(self, positions: np.ndarray, names: list[str]) -> pl.DataFrame:
        """The rows at these places, in this order; nothing is copied where they lie
        side by side.
        """
        columns = self.frame.select(names)
        if positions.size and (np.diff(positions) == 1).all():
            return columns.slice(int(positions[0]), positions.size)
        return columns[positions]


class HotTables:
    """The hot copies of one folder: made in the background, opened once, the least used
    removed when room runs out.
    """

    def __init__(self, folder: Path, most_bytes: int) -> None:
        """`most_bytes` bounds the files; 0: only small tables are kept, in memory."""
        self._folder, self._most = folder, most_bytes
        self._lock = threading.Lock()
        self._open: OrderedDict[str, tuple[HotTable, float]] = OrderedDict()
        self._requested: set[str] = set()
        self._queue: queue.SimpleQueue[tuple[str, Batches]] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    def find(self, fingerprint: str) -> HotTable | None:
        """The hot copy, when there is one."""
        with self._lock:
            opened = self._open.get(fingerprint)
            if opened is not None:
                self._open.move_to_end(fingerprint)
        if opened is not None:
            table, noted = opened
            # The files' times tell every process what is used; a query a minute is
            # enough for that, and one for each query would be a write for each.
            if time.monotonic() - noted > TOUCHED_EVERY:
                self._note_use(fingerprint)
                self._remember(fingerprint, table)
            return table
        path = self.path(fingerprint)
        if not path.is_file():
            return None
        self._note_use(fingerprint)
        table = _open_copy(path, self._words_path(fingerprint))
        return self._remember(fingerprint, table)

    def keep_small(self, fingerprint: str, batches: Batches) -> HotTable:
        """Keep a small table in memory."""
        arrow = pa.Table.from_batches(batches())
        return self._remember(fingerprint, HotTable.from_arrow(arrow))

    def want(self, fingerprint: str, batches: Batches) -> None:
        """Have a copy made in the background, once."""
        with self._lock:
            if fingerprint in self._requested or not self._most:
                return
            self._requested.add(fingerprint)
            # Started late: a thread does not live on in a process that is forked.
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._work, daemon=True, name="hot-tables"
                )
                self._thread.start()
        self._queue.put((fingerprint, batches))

    def make(self, fingerprint: str, batches: Batches, *, words: bool = True) -> None:
        """Make a copy now, and with it the index of its words, unless they are
        there.
        """
        if not self._most:
            return
        path, words_path = self.path(fingerprint), self._words_path(fingerprint)
        if not path.is_file():
            self._make(fingerprint, path, lambda target: _write(target, batches))
        # A copy that was too large is not there, and then there is nothing to index.
        if words and path.is_file() and not words_path.is_file():
            texts = _open_copy(path).frame[FOLD].get_chunks()
            self._make(
                fingerprint, words_path, lambda target: wordindex.write(texts, target)
            )

    def _make(
        self, fingerprint: str, target: Path, write: Callable[[Path], None]
    ) -> None:
        """Write one copy and put it in its place, unless it is larger than all may
        be.
        """
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="hot-", dir=self._folder) as work:
            # Made aside and then renamed: nobody ever opens half a copy.
            complete = Path(work) / "made.arrow"
            write(complete)
            beside = sum(path.stat().st_size for path in self._files(fingerprint))
            # One table alone may not push out all others, and itself in the end.
            if complete.stat().st_size + beside > self._most:
                return
            complete.replace(target)
        self._trim(fingerprint)

    def path(self, fingerprint: str) -> Path:
        """Where a copy lies."""
        return self._folder / fingerprint[:2] / f"{fingerprint}.arrow"

    def _words_path(self, fingerprint: str) -> Path:
        return self._folder / fingerprint[:2] / f"{fingerprint}.words.arrow"

    def _files(self, fingerprint: str) -> list[Path]:
        paths = (self.path(fingerprint), self._words_path(fingerprint))
        return [path for path in paths if path.is_file()]

    def _remember(self, fingerprint: str, table: HotTable) -> HotTable:
        """Keep a table open as the newest; the oldest beyond OPEN_AT_ONCE are let
        go.
        """
        with self._lock:
            self._open[fingerprint] = (table, time.monotonic())
            while len(self._open) > OPEN_AT_ONCE:
                self._open.popitem(last=False)
        return table

    def _note_use(self, fingerprint: str) -> None:
        for path in self._files(fingerprint):
            with suppress(OSError):
                os.utime(path)

    def _work(self) -> None:
        """Make the copies that were asked for, one after the other, for ever."""
        while True:
            fingerprint, batches = self._queue.get()
            try:
                self.make(fingerprint, batches)
            # A copy is a convenience: rows are answered without it.
            except Exception as error:
                kind = type(error).__name__
                log.warning("no hot copy of %s: %s", fingerprint[:12], kind)
            finally:
                with self._lock:
                    self._requested.discard(fingerprint)

    def _trim(self, fresh: str) -> None:
        """Remove the copies that were not used for longest; whoever has one open goes
        on reading it.
        """
        copies = [(path.stat(), path) for path in self._folder.glob("??/*.arrow")]
        free = self._most - sum(about.st_size for about, _ in copies)
        copies.sort(key=lambda copy: copy[0].st_mtime)
        for about, path in copies:
            if free >= 0:
                return
            if not path.name.startswith(fresh):
                path.unlink(missing_ok=True)
                free += about.st_size


def _open_copy(path: Path, words_path: Path | None = None) -> HotTable:
    arrow = pa.ipc.open_file(pa.memory_map(str(path))).read_all()
    return HotTable.from_arrow(arrow, words_path)


def _write(path: Path, batches: Batches) -> None:
    """Write batches as one Arrow file. Raises ValueError for rows out of order."""
    last_id = 0
    writer = None
    for batch in batches():
        ids = batch.column(ID).to_numpy()
        # Rows are found by halving: out of order, some would never be found.
        if ids.size:
            if int(ids[0]) <= last_id or (np.diff(ids) <= 0).any():
                raise ValueError("rows are not in the order of their numbers")
            last_id = int(ids[-1])
        if writer is None:
            writer = pa.ipc.new_file(str(path), batch.schema)
        writer.write_batch(batch)
    if writer is None:
        raise ValueError("no rows")
    writer.close()
