"""Public SQL: a statement is read and run in a process of its own, over exactly the
tables that its asker may read.
"""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

import orjson

from portal.errors import Unavailable
from portal.tabular.public_sql import framing

SECONDS = 3.0
ENVIRONMENT = {"ARROW_DEFAULT_MEMORY_POOL": "system", "ARROW_IO_THREADS": "1"}
"""All that the process is told: Arrow's other pools reserve address space that the
queries are to have.
"""
SECONDS_TO_OPEN = 30.0
AT_ONCE = 4
"""Queries of one server process that run at a time; others wait their turn as long as a
query may take.
"""
Source = dict[str, Any]


class RefusedSql(ValueError):
    """A statement that may not run or cannot; `forbidden` when it asks for what nobody
    may.
    """

    def __init__(self, message: str, *, forbidden: bool = False) -> None:
        super().__init__(message)
        self.forbidden = forbidden
        self.errors = {"message": message, "query": [message]}


class SqlSandbox:
    """The way to the processes that run public SQL. Opened at the first query; safe for
    threads.
    """

    def __init__(self, seconds: float = SECONDS, at_once: int = AT_ONCE) -> None:
        self._seconds = seconds
        self._turns = threading.BoundedSemaphore(at_once)
        self._lock = threading.Lock()
        self._fork_server: subprocess.Popen[bytes] | None = None
        self._door: socket.socket | None = None

    def run(self, sql: str, limit: int, source_of: Callable[[str], Source]) -> bytes:
        """What a SELECT finds, as JSON. `source_of` gives the table behind a name, or
        raises what its asker is told.

        Raises RefusedSql, and Unavailable when too many queries are under way.
        """
        if not self._turns.acquire(timeout=self._seconds):
            raise Unavailable("Too many SQL queries at once; try again in a moment.")
        try:
            return self._ask(sql, limit, source_of)
        finally:
            self._turns.release()

    def close(self) -> None:
        """End the process; the next query starts another."""
        with self._lock:
            if self._door is not None:
                self._door.close()
            if self._fork_server is not None:
                with suppress(subprocess.TimeoutExpired):
                    self._fork_server.wait(2)
            self._fork_server = self._door = None

    def _ask(self, sql: str, limit: int, source_of: Callable[[str], Source]) -> bytes:
        """The answer of one child to a statement, as JSON."""
        with self._child() as line:
            until = time.monotonic() + self._seconds + 0.5
            try:
                framing.send(line, {"sql": sql, "limit": limit})
                read = _understood(framing.receive(line, until))
                framing.send(line, dict(_sources(read["tables"], source_of)))
                answer = framing.receive(line, until)
            except OSError:
                raise RefusedSql("The query took too long or too much memory") from None
        # Rows go on as bytes: they may be many, and only a refusal has to be read.
        if answer.startswith(b'{"refused"'):
            _understood(answer)
        return answer

    def _child(self) -> socket.socket:
        """A line to a new child, which waits for one statement."""
        ours, theirs = socket.socketpair()
        with theirs:
            for again in (True, False):
                try:
                    socket.send_fds(
                        self._opened(), [str(self._seconds).encode()], [theirs.fileno()]
                    )
                    return ours
                except OSError:
                    self.close()  # it was ended from outside: start another, once
                    if not again:
                        raise
        raise AssertionError

    def _opened(self) -> socket.socket:
        """The line to the fork server, which is started where none runs."""
        with self._lock:
            if self._door is None:
                self._door, theirs = socket.socketpair()
                with theirs:
                    theirs.set_inheritable(True)
                    command = [
                        sys.executable,
                        "-m",
                        "portal.tabular.public_sql.fork_server",
                        str(theirs.fileno()),
                    ]
                    self._fork_server = subprocess.Popen(  # noqa: S603 - our own module, no shell
                        command,
                        pass_fds=[theirs.fileno()],
                        stdin=subprocess.DEVNULL,
                        stdout=subprocess.DEVNULL,
                        env=ENVIRONMENT,
                    )
                self._door.settimeout(SECONDS_TO_OPEN)
                # It says so when it can begin: its start is not on its first asker's
                # time.
                self._door.recv(1)
            return self._door


def _understood(answer: bytes) -> dict[str, Any]:
    """A message as a dict; raises RefusedSql where it is a refusal."""
    read: dict[str, Any] = orjson.loads(answer)
    if "refused" in read:
        raise RefusedSql(str(read["refused"]), forbidden=bool(read.get("forbidden")))
    return read


def _sources(
    names: Iterable[str], source_of: Callable[[str], Source]
) -> Iterable[tuple[str, Source]]:
    """Every table that is named."""
    for name in names:
        yield name, source_of(name)
