"""Every request seen from outside: counted, timed, and written to the access log as one
line of JSON.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from functools import lru_cache
from select import PIPE_BUF
from typing import Any

import orjson

from portal.access.identity import ANONYMOUS, Actor
from portal.actions import registry
from portal.db import people
from portal.errors import SettingsError
from portal.web import callers, envelope
from portal.web.counters import Counters
from portal.web.environ import ACTION, ACTOR, PART, REQUEST_ID, ROUTE, TOKEN

Environ = dict[str, Any]
Application = Callable[[Environ, Any], Iterable[bytes]]
BUSIEST = ("package_show", "package_search", "datastore_search")
PARTS = {
    "downloads": "downloads",
    "pages": "pages",
    "reports": "downloads",
    "feeds": "feeds",
    "dcat": "dcat",
    "descriptions": "dcat",
    "health": "health",
}
"""From blueprints to classes of routes."""
STDERR = 2
GATHERED_SECONDS = 0.1
"""So long lines of the access log wait for others; a process that is killed loses as
much.
"""
MOST_LINES = 10_000
"""Lines that wait while the log cannot be written; beyond that the oldest go."""
TOKEN_SIGNS = 12
"""How much of a token's hash is written: enough to tell tokens apart, and to find one
in the database.
"""


class AccessLog(logging.Handler):
    """Lines of JSON in a file, or on stderr; a line that cannot be written is left out,
    and no request fails for it.

    A request only hands its line over: a thread writes what has gathered, a tenth of a
    second later. It is a handler of `logging` so that `logging.shutdown`, with which
    every process ends, writes the rest.
    """

    def __init__(self, target: str) -> None:
        super().__init__()
        self._file = STDERR if target == "stderr" else _opened(target)
        self._lines: deque[bytes] = deque(maxlen=MOST_LINES)
        self._expected = False
        self._writing = threading.Lock()

    def write(self, line: dict[str, Any]) -> None:
        """Hand a line over."""
        self._lines.append(
            orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE | orjson.OPT_UTC_Z)
        )
        if not self._expected:
            # Set before the thread begins, cleared before it writes: a line that comes
            # while it writes makes the next thread begin, so that none is left lying.
            self._expected = True
            writer = threading.Timer(GATHERED_SECONDS, self.flush)
            writer.daemon = True
            writer.start()

    def flush(self) -> None:
        """Write all lines that were handed over, in pieces that no other process can
        write into.
        """
        with self._writing, suppress(OSError):
            self._expected = False
            piece = b""
            while self._lines:
                line = self._lines.popleft()
                # Up to PIPE_BUF bytes a write into a pipe is one piece; beyond that
                # lines of several processes would run into each other.
                if len(piece) + len(line) > PIPE_BUF:
                    os.write(self._file, piece)
                    piece = b""
                piece += line
            if piece:
                os.write(self._file, piece)


def _opened(target: str) -> int:
    """A file descriptor to append to. Raises SettingsError where the file cannot be
    written.
    """
    try:
        # O_APPEND: several processes write to the end of one file, and after
        # copytruncate of a rotation to its new end.
        return os.open(target, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o640)
    except OSError as error:
        raise SettingsError(
            f"PORTAL_ACCESS_LOG names {target}, which cannot be written: "
            f"{error.strerror}."
        ) from None


def open_log(target: str) -> AccessLog | None:
    """The access log of the setting PORTAL_ACCESS_LOG: off, stderr, or a file."""
    return None if target == "off" else AccessLog(target)


class Observed:
    """The outermost layer: gives a request its id, and notes what became of it once its
    answer is sent.
    """

    def __init__(
        self, application: Application, counters: Counters, access_log: AccessLog | None
    ) -> None:
        self._application = application
        self._counters = counters
        self._log = access_log

    def __call__(self, environ: Environ, start_response: Any) -> Iterable[bytes]:
        """Answer a request."""
        begun = time.perf_counter()
        environ[REQUEST_ID] = envelope.request_id(environ.get("HTTP_X_REQUEST_ID", ""))
        status = 500

        def start(line: str, headers: Any, *more: Any) -> Any:
            nonlocal status
            status = int(line[:3])
            return start_response(line, headers, *more)

        body = self._application(environ, start)
        if type(body) is list:  # the fast lane: all is there, nothing has to be watched
            self._note(environ, status, begun, sum(map(len, body)))
            return body
        # The answer is over when its last byte is sent; until then neither its size nor
        # its time is known.
        return _Watched(body, lambda size: self._note(environ, status, begun, size))

    def _note(self, environ: Environ, status: int, begun: float, size: int) -> None:
        """Count an answer, and write its line."""
        seconds = time.perf_counter() - begun
        self._counters.note(_class_of(environ), status, seconds, size)
        if self._log is not None:
            self._log.write(_line(environ, status, seconds, size))


class _Watched:
    """A body that is counted as it is sent, and noted once when it is closed, sent
    whole or not.
    """

    def __init__(self, body: Iterable[bytes], done: Callable[[int], None]) -> None:
        self._body, self._done = body, done
        self._size = 0
        self._noted = False

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._body:
            self._size += len(piece)
            yield piece

    def close(self) -> None:
        try:
            if hasattr(self._body, "close"):
                self._body.close()
        finally:
            if not self._noted:
                self._noted = True
                self._done(self._size)


def _class_of(environ: Environ) -> str:
    """The class of routes that a request is counted in."""
    action = environ.get(ACTION)
    if action is None:
        return PARTS.get(environ.get(PART, ""), "other")
    if action in BUSIEST:
        return str(action)
    return "read" if registry.ACTIONS[action].safe else "write"


def _line(environ: Environ, status: int, seconds: float, size: int) -> dict[str, Any]:
    """What is written of a request: no address, no value that was sent, no name of a
    person.
    """
    actor: Actor = environ.get(ACTOR, ANONYMOUS)
    action = environ.get(ACTION)
    return {
        "at": datetime.now(UTC),
        "request": environ[REQUEST_ID],
        "actor": _actor_class(actor),
        "token": None if actor.user_id is None else _sign_of(environ.get(TOKEN, "")),
        "method": environ["REQUEST_METHOD"],
        "route": f"/api/3/action/{action}" if action else environ.get(ROUTE),
        "status": status,
        "ms": round(seconds * 1000, 2),
        "bytes": size,
    }


@lru_cache(maxsize=1024)
def _sign_of(token: str) -> str:
    return people.hash_token(callers.bare(token))[:TOKEN_SIGNS]


def _actor_class(actor: Actor) -> str:
    if actor.user_id is None:
        return "anonymous"
    return "sysadmin" if actor.sysadmin else "user"
