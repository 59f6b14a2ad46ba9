"""The door to children that read strangers' files: a function runs in a process of its
own, within limits.
"""

from __future__ import annotations

import atexit
import logging
import os
import pickle
import signal
import socket
import threading
import time
from typing import Any

import orjson

from portal.errors import BadFile
from portal.reading import fork_server, framing
from portal.reading.forking import SECONDS_TO_OPEN, ForkServer
from portal.reading.options import Limits
from portal.reading.refusals import refuse, took_too_long
from portal.reading.turns import turn

SPARE = 2
"""Children that wait for the next file."""
PATIENCE = 4
"""A child may keep silent for so many times the processor seconds that it may use:
machines are shared.
"""
CRASHES = (signal.SIGSEGV, signal.SIGBUS, signal.SIGABRT)
"""How native code ends that was refused memory and did not look; where half of the
limit was in use, that was it.
"""
KB_PER_MB = 1024
log = logging.getLogger(__name__)


DEFAULTS = Limits()


def run(
    function: str, *arguments: Any, name: str = "", limits: Limits = DEFAULTS
) -> Any:
    """What `function` ("package.module:function") returns, found in a child process
    within the limits.

    The arguments can be anything that pickles; the answer must be what JSON can say
    (dicts, lists, texts, numbers). `name` is the file that is read, for the messages. A
    BadFile of the function is raised as it is. Raises BadFile("too-much-memory" |
    "reading-took-too-long" | "reader-died") when the child does not come to its end or
    raises anything else; OSError where this machine is at fault (a full disk);
    Unavailable when too many are at work.
    """
    with turn():
        child = start(function, *arguments, name=name, limits=limits)
        try:
            answer = child.receive()[0]["answer"]
        except BaseException:
            child.close()
            raise
        release(child)
        return answer


class Child:
    """One forked reader, and the line to it."""

    def __init__(self, line: socket.socket, status: socket.socket) -> None:
        self._line, self._status = line, status
        self._name, self._limits = "", DEFAULTS

    def begin(
        self,
        function: str,
        arguments: tuple[Any, ...],
        name: str,
        limits: Limits,
        *,
        talks: bool,
    ) -> None:
        """Let the child begin a function. Raises BadFile when it cannot, for it has
        ended.
        """
        self._name, self._limits = name, limits
        request = {
            "function": function,
            "talks": talks,
            "memory_mb": limits.memory_mb,
            "seconds": limits.seconds,
        }
        # Pickled this way only: what comes back from a child is never unpickled, as a
        # child may have been taken over by the file that it read.
        self.send(request, pickle.dumps(arguments))
        if self.receive()[0] != "begun":
            raise self._ended(late=False)

    def send(self, message: Any, payload: bytes = b"") -> None:
        """Say something to the child. Raises BadFile when it has ended."""
        try:
            framing.send(self._line, message, payload)
        except OSError as gone:
            raise self._ended(late=False) from gone

    def receive(self) -> tuple[Any, bytearray]:
        """The next message of the child. Raises BadFile as `run` does."""
        patience = PATIENCE * self._limits.seconds
        try:
            message, payload = framing.receive(self._line, time.monotonic() + patience)
        except framing.Silence as silence:
            raise self._ended(late=silence.late) from None
        except OSError as gone:
            raise self._ended(late=False) from gone
        if "refused" in message:
            raise BadFile(*message["refused"])
        if "exhausted" in message:
            raise self._too_much_memory()
        if "failed" in message:
            raise self._failed(message)
        return message, payload

    def close(self) -> None:
        """End the child, wherever it is; safe to call twice."""
        self._line.close()
        self._status.close()

    def _too_much_memory(self) -> BadFile:
        limit = self._limits.memory_mb
        return refuse("too-much-memory", name=self._name, limit=limit)

    def _failed(self, failure: dict[str, Any]) -> Exception:
        """What the function raised: a fault of this machine, or of the file."""
        kind, number = failure["failed"], failure["errno"]
        log.warning("reading %s failed: %s at %s", self._name, kind, failure["at"])
        if number in fork_server.OURS:
            return OSError(number, os.strerror(number))
        return refuse("reader-died", name=self._name, why=kind)

    def _ended(self, *, late: bool) -> BadFile:
        """Why a child is gone, as a refusal of its file."""
        if late:
            return took_too_long(self._name, self._limits.seconds, PATIENCE)
        end = self._exit_report()
        code = int(end.get("code", 0))
        last_words = str(end.get("said", ""))
        excerpt = last_words.strip()[-300:]
        log.warning("the reader of %s ended with %s: %s", self._name, code, excerpt)
        # SIGKILL follows SIGXCPU where a child does not go.
        if -code in (signal.SIGXCPU, signal.SIGKILL):
            return took_too_long(self._name, self._limits.seconds)
        half_of_limit = self._limits.memory_mb * KB_PER_MB // 2
        ran_full = -code in CRASHES and int(end.get("peak", 0)) > half_of_limit
        if ran_full or "memory" in last_words or "alloc" in last_words:
            return self._too_much_memory()
        return refuse("reader-died", name=self._name, why=_ending(code))

    def _exit_report(self) -> dict[str, Any]:
        """What the fork server says of the child's end; empty where it is gone, too."""
        self._status.settimeout(SECONDS_TO_OPEN)
        try:
            report = self._status.recv(2 * fork_server.TOLD)
        except OSError:
            return {}
        stated: dict[str, Any] = orjson.loads(report or b"{}")
        return stated


def _ending(code: int) -> str:
    """An exit code in words; a negative one is a signal."""
    if code >= 0:
        return f"exit code {code}"
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"


def start(
    function: str,
    *arguments: Any,
    name: str = "",
    limits: Limits = DEFAULTS,
    talks: bool = False,
) -> Child:
    """A child that has begun `function`; one that `talks` is given the line as its
    first argument.

    The caller holds a `turn`, and gives the child back with `release`, or closes it.
    """
    while (spare := _SPARE.take()) is not None:
        try:
            spare.begin(function, arguments, name, limits, talks=talks)
        except BadFile:
            spare.close()  # it ended while it waited
            continue
        return spare
    child = Child(*_SERVER.fork())
    child.begin(function, arguments, name, limits, talks=talks)
    return child


def release(child: Child) -> None:
    """Let a child whose function has come to its end wait for another request."""
    _SPARE.put(child)


class _Spare:
    """Children that wait for work: what a first table costs (threads, memory touched)
    is paid once.
    """

    def __init__(self) -> None:
        # A table may be collected, and its child released, at any moment.
        self._lock = threading.RLock()
        self._children: list[Child] = []
        self._owner = 0

    def take(self) -> Child | None:
        """One of them, None where there is none."""
        with self._lock:
            # A process that was forked has its parent's list, but not its children.
            is_ours = self._owner == os.getpid()
            return self._children.pop() if is_ours and self._children else None

    def put(self, child: Child) -> None:
        """Keep one more, or end it."""
        with self._lock:
            if self._owner != os.getpid():
                self._owner, self._children = os.getpid(), []
            if len(self._children) < SPARE:
                self._children.append(child)
                return
        child.close()

    def clear(self) -> None:
        """End all of them."""
        with self._lock:
            gone, self._children = self._children, []
        for child in gone:
            child.close()


_SPARE = _Spare()


_SERVER = ForkServer()


def adopt() -> None:
    """Make the fork server out of this process as it stands, if it has no threads: for
    commands that read one file.
    """
    _SERVER.adopt()


@atexit.register
def close() -> None:
    """End the fork server and the children that wait; the next child begins another."""
    _SPARE.clear()
    _SERVER.close()
