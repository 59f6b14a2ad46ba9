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
TOUCHED_EVERY = 60.0
Batches = Callable[[], Iterator[pa.RecordBatch]]
log = logging.getLogger(__name__)


class HotTable:
    """All rows of one version in the order of their numbers, as Arrow columns."""

    def __init__(self, table: pa.Table, words_at: Path | None = None) -> None:
        """`words_at` is where the index of its words lies, or will lie soon."""
        self._words_at, self._words = words_at, None
        frame = pl.from_arrow(table, rechunk=False)
        assert isinstance(frame, pl.DataFrame)  # noqa: S101 - a table gives a frame
        self._take(table, frame, frame[ID].to_numpy())

    _words_at: Path | None = None
    _words: WordIndex | None = None

    def _take(self, table: pa.Table, frame: pl.DataFrame, ids: np.ndarray) -> None:
        self.arrow, self.frame, self._ids = table, frame, ids
        self._dense = bool(ids.size) and int(ids[0]) == 1 and int(ids[-1]) == ids.size

    @property
    def words(self) -> WordIndex | None:
        """The index of the words in the folded texts, when there is one."""
        if (
            self._words is None
            and self._words_at is not None
            and self._words_at.is_file()
        ):
            self._words = WordIndex(self._words_at)
        return self._words

    def at(self, ids: Sequence[int] | pl.Series) -> np.ndarray:
        """Where the rows with these numbers stand."""
        wanted = np.asarray(ids, dtype=np.int64)
        return wanted - 1 if self._dense else np.searchsorted(self._ids, wanted)

    def after(self, number: int) -> HotTable:
        """The rows that follow a number; nothing is copied."""
        start = int(np.searchsorted(self._ids, number, side="right"))
        rest = HotTable.__new__(HotTable)
        rest._take(self.arrow.slice(start), self.frame.slice(start), self._ids[start:])
        return rest

    def rows(self, positions: np.ndarray, names: list[str]) -> pl.DataFrame:
        """The rows at these places, in this order; nothing is copied where they lie
        side by side.
        """
        if positions.size and (np.diff(positions) == 1).all():
            return self.frame.select(names).slice(int(positions[0]), positions.size)
        return self.frame.select(names)[positions]


class HotTables:
    """The hot copies of one folder: made in the background, opened once, the least used
    removed when room runs out.
    """

    def __init__(self, folder: Path, most_bytes: int) -> None:
        """`most_bytes` bounds the files; 0: only small tables are kept, in memory."""
        self._folder, self._most = folder, most_bytes
        self._lock = threading.Lock()
        self._open: OrderedDict[str, tuple[HotTable, float]] = OrderedDict()
        self._asked: set[str] = set()
        self._queue: queue.SimpleQueue[tuple[str, Batches]] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    def find(self, fingerprint: str) -> HotTable | None:
        """The hot copy, when there is one."""
        with self._lock:
            known = self._open.get(fingerprint)
            if known is not None:
                self._open.move_to_end(fingerprint)
        path = self.path(fingerprint)
        if known is not None:
            if time.monotonic() - known[1] > TOUCHED_EVERY:
                self._note_use(fingerprint)
                self._keep(fingerprint, known[0])
            return known[0]
        if not path.is_file():
            return None
        self._note_use(fingerprint)
        return self._keep(fingerprint, _opened(path, self._words_path(fingerprint)))

    def keep_small(self, fingerprint: str, batches: Batches) -> HotTable:
        """Keep a small table in memory."""
        return self._keep(fingerprint, HotTable(pa.Table.from_batches(batches())))

    def want(self, fingerprint: str, batches: Batches) -> None:
        """Have a copy made in the background, once."""
        with self._lock:
            if fingerprint in self._asked or not self._most:
                return
            self._asked.add(fingerprint)
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
        if not self.path(fingerprint).is_file():
            self._make(
                fingerprint, self.path(fingerprint), lambda made: _write(made, batches)
            )
        if (
            words
            and self.path(fingerprint).is_file()
            and not self._words_path(fingerprint).is_file()
        ):
            folds = _opened(self.path(fingerprint)).frame[FOLD].get_chunks()
            self._make(
                fingerprint,
                self._words_path(fingerprint),
                lambda made: wordindex.write(folds, made),
            )

    def _make(
        self, fingerprint: str, target: Path, write: Callable[[Path], None]
    ) -> None:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="hot-", dir=self._folder) as work:
            made = Path(work) / "made.arrow"
            write(made)
            beside = sum(path.stat().st_size for path in self._files(fingerprint))
            if made.stat().st_size + beside > self._most:
                return
            made.replace(target)
        self._trim(fingerprint)

    def path(self, fingerprint: str) -> Path:
        """Where a copy lies."""
        return self._folder / fingerprint[:2] / f"{fingerprint}.arrow"

    def _words_path(self, fingerprint: str) -> Path:
        return self._folder / fingerprint[:2] / f"{fingerprint}.words.arrow"

    def _files(self, fingerprint: str) -> list[Path]:
        return [
            path
            for path in (self.path(fingerprint), self._words_path(fingerprint))
            if path.is_file()
        ]

    def _keep(self, fingerprint: str, table: HotTable) -> HotTable:
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
        while True:
            fingerprint, batches = self._queue.get()
            try:
                self.make(fingerprint, batches)
            except (
                Exception
            ) as error:  # a copy is a convenience: rows are answered without it
                log.warning(
                    "no hot copy of %s: %s", fingerprint[:12], type(error).__name__
                )
            finally:
                with self._lock:
                    self._asked.discard(fingerprint)

    def _trim(self, fresh: str) -> None:
        """Remove the copies that were not used for longest; whoever has one open goes
        on reading it.
        """
        copies = [(path.stat(), path) for path in self._folder.glob("??/*.arrow")]
        room = self._most - sum(about.st_size for about, _ in copies)
        for about, path in sorted(copies, key=lambda copy: copy[0].st_mtime):
            if room >= 0:
                return
            if not path.name.startswith(fresh):
                path.unlink(missing_ok=True)
                room += about.st_size


def _opened(path: Path, words_at: Path | None = None) -> HotTable:
    return HotTable(pa.ipc.open_file(pa.memory_map(str(path))).read_all(), words_at)


def _write(path: Path, batches: Batches) -> None:
    last = 0
    writer = None
    for batch in batches():
        ids = batch.column(ID).to_numpy()
        if ids.size and (int(ids[0]) <= last or (np.diff(ids) <= 0).any()):
            raise ValueError("rows are not in the order of their numbers")
        last = int(ids[-1]) if ids.size else last
        writer = writer or pa.ipc.new_file(str(path), batch.schema)
        writer.write_batch(batch)
    if writer is None:
        raise ValueError("no rows")
    writer.close()
