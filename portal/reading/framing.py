"""Messages between a process and the children that read for it: two lengths, JSON, and
bytes that go as they are.
"""

from __future__ import annotations

import select
import socket
import struct
import time
from typing import Any

import orjson

LARGEST = 8 * 1024 * 1024 * 1024
"""Bytes that one message may claim to have; more is no message of ours."""
PIECE = 1 << 20
_LENGTHS = struct.Struct("!IQ")


class Silence(OSError):
    """The other side said nothing in time (`late`), or is gone."""

    def __init__(self, what: str, *, late: bool = False) -> None:
        super().__init__(what)
        self.late = late


def send(
    line: socket.socket, message: Any, payload: bytes | bytearray | memoryview = b""
) -> None:
    """Send one message: something that JSON can say, and bytes beside it."""
    said = orjson.dumps(message, option=orjson.OPT_NON_STR_KEYS)
    line.sendall(_LENGTHS.pack(len(said), len(payload)) + said)
    if len(payload):
        line.sendall(payload)


def receive(line: socket.socket, until: float | None = None) -> tuple[Any, bytearray]:
    """The next message and its bytes. Raises Silence when it is not there `until` (a
    monotonic time).
    """
    said, follows = _LENGTHS.unpack(_exactly(line, _LENGTHS.size, until))
    # Room is made before the bytes come: a false length would ask for any amount.
    if said + follows > LARGEST:
        raise Silence("more than a message can have")
    message = orjson.loads(_exactly(line, said, until))
    return message, _exactly(line, follows, until)


def _exactly(line: socket.socket, size: int, until: float | None) -> bytearray:
    """So many bytes of the line, or Silence."""
    received = bytearray(size)
    rest = memoryview(received)
    while rest:
        wait = None if until is None else max(0.0, until - time.monotonic())
        if not select.select([line], [], [], wait)[0]:
            raise Silence("no answer in time", late=True)
        count = line.recv_into(rest, min(len(rest), PIECE))
        if not count:
            raise Silence("the other side is gone")
        rest = rest[count:]
    return received
