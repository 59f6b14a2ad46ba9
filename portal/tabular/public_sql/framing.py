"""Messages between the portal and the processes that run public SQL: a length, then
JSON.
"""

from __future__ import annotations

import select
import socket
import struct
import time
from typing import Any

import orjson

LARGEST = 512 * 1024 * 1024
_LENGTH = struct.Struct("!I")


class Silence(OSError):
    """The other side said nothing in time, or is gone."""


def send(line: socket.socket, message: Any) -> None:
    """Send one message; bytes go as they are."""
    body = message if isinstance(message, bytes) else orjson.dumps(message)
    line.sendall(_LENGTH.pack(len(body)) + body)


def receive(line: socket.socket, until: float | None = None) -> bytes:
    """The next message. Raises Silence when it is not there `until` (a monotonic
    time).
    """
    (length,) = _LENGTH.unpack(_exactly(line, _LENGTH.size, until))
    if length > LARGEST:
        raise Silence("too much")
    return _exactly(line, length, until)


def _exactly(line: socket.socket, size: int, until: float | None) -> bytes:
    """So many bytes; raises Silence when they are not there in time."""
    got = bytearray()
    while len(got) < size:
        wait = None if until is None else max(0.0, until - time.monotonic())
        if not select.select([line], [], [], wait)[0]:
            raise Silence("no answer in time")
        piece = line.recv(min(size - len(got), 1 << 20))
        if not piece:
            raise Silence("the other side is gone")
        got += piece
    return bytes(got)
