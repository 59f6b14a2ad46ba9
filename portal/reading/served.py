"""A table in a child process: opened there, and its batches sent as Arrow as they are
asked for.
"""

from __future__ import annotations

import io
import select
import socket
from typing import Any

import polars as pl
import pyarrow as pa

from portal.reading import framing
from portal.reading.fork_server import more_time
from portal.reading.opening import open_table
from portal.reading.options import ReadOptions
from schemas.record import Content
from schemas.texttable import RaggedRow, ReadNote, TextBatch, TextTable

AHEAD = 3
"""Batches that a child may have sent before the first of them was taken."""
SHARED = 1 << 20
"""Bytes beyond its own cells that a frame may bring along without being copied
first.
"""


def serve(
    line: socket.socket, content: Content, format_: str, options: ReadOptions
) -> None:
    """Open a table and say what it is; then send its batches as often as they are asked
    for, until "bye".
    """
    send_table(line, open_table(content, format=format_, options=options), options)


def send_table(line: socket.socket, table: TextTable, options: ReadOptions) -> None:
    """Say what an open table is, and send its batches each time that they are asked
    for.
    """
    framing.send(line, described(table))
    passes = 0
    while _begins(line):
        if passes:
            # The first pass has what opening left over.
            more_time(options.limits.seconds)
        passes += 1
        framing.send(line, "walking")
        _send_batches(line, table)
        framing.send(line, {"end": True})


def _begins(line: socket.socket) -> bool:
    """Wait until another pass is asked for, or none; what was said to one that is over
    is passed by.
    """
    said = ""
    while said not in ("begin", "bye"):
        said, _ = framing.receive(line)
    return bool(said == "begin")


def _send_batches(line: socket.socket, table: TextTable) -> None:
    """Send all batches, never more than AHEAD before one was taken, until the other
    side says "stop".
    """
    allowed = AHEAD
    for batch in table.batches():
        # What was said is taken at once, but waited for only when nothing may be sent.
        while not allowed or select.select([line], [], [], 0)[0]:
            message, _ = framing.receive(line)
            if message == "stop":
                return
            allowed += 1
        ragged = [[row.number, row.cells] for row in batch.ragged]
        framing.send(line, {"part": batch.part, "ragged": ragged}, packed(batch.frame))
        allowed -= 1


def described(table: TextTable) -> dict[str, Any]:
    """What a table says of itself before its rows, as JSON."""
    notes = [[note.code, note.detail, note.row] for note in table.notes]
    return {"labels": table.labels, "name": table.name, "notes": notes}


def notes_of(said: dict[str, Any]) -> tuple[ReadNote, ...]:
    """The notes of a table that was `described`."""
    return tuple(ReadNote(code, detail, row) for code, detail, row in said["notes"])


def packed(frame: pl.DataFrame) -> memoryview | bytes:
    """A frame as an Arrow stream."""
    table = frame.to_arrow(compat_level=pl.CompatLevel.newest())
    if table.get_total_buffer_size() > 2 * frame.estimated_size() + SHARED:
        # A slice of a whole sheet: Arrow would send the texts of the whole sheet with
        # it.
        out = io.BytesIO()
        frame.write_ipc_stream(
            out, compression="uncompressed", compat_level=pl.CompatLevel.newest()
        )
        return out.getbuffer()
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return memoryview(sink.getvalue())


def unpacked(payload: bytearray) -> pl.DataFrame:
    """The frame in an Arrow stream; its texts stay where they were received."""
    frame = pl.from_arrow(pa.ipc.open_stream(pa.py_buffer(payload)).read_all())
    assert isinstance(frame, pl.DataFrame)  # noqa: S101 - a stream holds a table
    return frame


def batch_of(said: dict[str, Any], payload: bytearray) -> TextBatch:
    """The batch that was sent."""
    from_child = tuple(
        RaggedRow(number, tuple(cells)) for number, cells in said["ragged"]
    )
    return TextBatch(unpacked(payload), from_child, said["part"])
