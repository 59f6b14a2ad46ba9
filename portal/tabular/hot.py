"""Hot copies: a version's rows unpacked and mapped into memory, where rows are found without unpacking."""

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

ID = "_id"
FEW_ROWS = 20_000
FEW_BYTES = 4 * 1024 * 1024
"""A table up to this size (packed) is simply kept in memory; a larger one is unpacked into a file."""
OPEN_AT_ONCE = 64
TOUCHED_EVERY = 60.0
Batches = Callable[[], Iterator[pa.RecordBatch]]
log = logging.getLogger(__name__)


class HotTable:
    """All rows of one version in the order of their numbers, as Arrow columns."""

    def __init__(self, table: pa.Table) -> None:
        frame = pl.from_arrow(table, rechunk=False)
        assert isinstance(frame, pl.DataFrame)  # noqa: S101 - a table gives a frame
        self._take(table, frame, frame[ID].to_numpy())

    def _take(self, table: pa.Table, frame: pl.DataFrame, ids: np.ndarray) -> None:
        self.arrow, self.frame, self._ids = table, frame, ids
        self._dense = bool(ids.size) and int(ids[0]) == 1 and int(ids[-1]) == ids.size

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
        """The rows at these places, in this order."""
        return self.frame.select(names)[positions]


class HotTables:
    """The hot copies of one folder: made in the background, opened once, the least used removed when room runs out."""

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
                self._note_use(path)
                self._keep(fingerprint, known[0])
            return known[0]
        if not path.is_file():
            return None
        self._note_use(path)
        return self._keep(fingerprint, HotTable(pa.ipc.open_file(pa.memory_map(str(path))).read_all()))

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
                self._thread = threading.Thread(target=self._work, daemon=True, name="hot-tables")
                self._thread.start()
        self._queue.put((fingerprint, batches))

    def make(self, fingerprint: str, batches: Batches) -> None:
        """Make a copy now, unless there is one or another process is at it."""
        target = self.path(fingerprint)
        if not self._most or target.is_file():
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="hot-", dir=self._folder) as work:
            made = Path(work) / "table.arrow"
            _write(made, batches)
            if made.stat().st_size > self._most:
                return
            made.replace(target)
        self._trim(target)

    def path(self, fingerprint: str) -> Path:
        """Where a copy lies."""
        return self._folder / fingerprint[:2] / f"{fingerprint}.arrow"

    def _keep(self, fingerprint: str, table: HotTable) -> HotTable:
        with self._lock:
            self._open[fingerprint] = (table, time.monotonic())
            while len(self._open) > OPEN_AT_ONCE:
                self._open.popitem(last=False)
        return table

    def _note_use(self, path: Path) -> None:
        with suppress(OSError):
            os.utime(path)

    def _work(self) -> None:
        while True:
            fingerprint, batches = self._queue.get()
            try:
                self.make(fingerprint, batches)
            except Exception as error:  # a copy is a convenience: rows are answered without it
                log.warning("no hot copy of %s: %s", fingerprint[:12], type(error).__name__)
            finally:
                with self._lock:
                    self._asked.discard(fingerprint)

    def _trim(self, fresh: Path) -> None:
        """Remove the copies that were not used for longest; whoever has one open goes on reading it."""
        copies = [(path.stat(), path) for path in self._folder.glob("??/*.arrow")]
        room = self._most - sum(about.st_size for about, _ in copies)
        for about, path in sorted(copies, key=lambda copy: copy[0].st_mtime):
            if room >= 0:
                return
            if path != fresh:
                path.unlink(missing_ok=True)
                room += about.st_size


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
