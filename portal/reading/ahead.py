"""Ahead: batches of a table read by a thread of its own while the caller works on those before."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator

from schemas.texttable import TextBatch

WAITING = 2
"""Batches that may wait to be taken; what bounds the memory."""
LARGE = 5_000
"""Rows of a batch that are worth a thread."""
_END = None
Item = TextBatch | BaseException | None


def ahead(batches: Iterator[TextBatch]) -> Iterator[TextBatch]:
    """The same batches in the same order; an error of reading is raised where it happened.

    A caller that stops early stops the thread with it.
    """
    for batch in batches:
        if batch.frame.height >= LARGE:
            yield from _threaded(batch, batches)
            return
        yield batch


def _threaded(first: TextBatch, batches: Iterator[TextBatch]) -> Iterator[TextBatch]:
    waiting: queue.Queue[Item] = queue.Queue(WAITING)
    stopped = threading.Event()
    thread = threading.Thread(target=_read, args=(batches, waiting, stopped), name="reading ahead", daemon=True)
    thread.start()
    try:
        yield first
        while (item := waiting.get()) is not _END:
            if isinstance(item, BaseException):
                raise item
            yield item
    finally:
        stopped.set()
        while thread.is_alive():
            _drain(waiting)
            thread.join(0.05)


def _read(batches: Iterator[TextBatch], waiting: queue.Queue[Item], stopped: threading.Event) -> None:
    try:
        for batch in batches:
            waiting.put(batch)
            if stopped.is_set():
                return
        waiting.put(_END)
    except BaseException as problem:  # whatever it is, the caller must see it
        waiting.put(problem)


def _drain(waiting: queue.Queue[Item]) -> None:
    while not waiting.empty():
        waiting.get_nowait()
