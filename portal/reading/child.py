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
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import orjson

from portal.errors import BadFile, Unavailable
from portal.reading import fork_server, framing
from portal.reading.options import Limits
from portal.reading.refusals import refuse, took_too_long

SPARE = 2
"""Children that wait for the next file."""
AT_ONCE = 8
"""Children of one process that may be at work at a time; whoever comes later waits for
a turn.
"""
PATIENCE = 4
"""A child may keep silent for so many times the processor seconds that it may use:
machines are shared.
"""
SECONDS_TO_OPEN = 60.0
CRASHES = (signal.SIGSEGV, signal.SIGBUS, signal.SIGABRT)
"""How native code ends that was refused memory and did not look; where half of the
limit was in use, that was it.
"""
KB_PER_MB = 1024
HARMLESS = frozenset({"jemalloc_bg_thd", "polars-ooc-clea"})
"""Threads of libraries that hold nothing which a forked process would wait for."""
PASSED_ON = ("PATH", "LANG", "LC_ALL", "TMPDIR", "TZ")
"""All of the environment that the fork server is told: a reader needs no secrets."""
ENVIRONMENT = {
    "ARROW_DEFAULT_MEMORY_POOL": "system",
    "OPENBLAS_NUM_THREADS": "1",
    "MALLOC_ARENA_MAX": "2",
}
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
        asked = {
            "function": function,
            "talks": talks,
            "memory_mb": limits.memory_mb,
            "seconds": limits.seconds,
        }
        self.send(asked, pickle.dumps(arguments))
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
        try:
            said, payload = framing.receive(
                self._line, time.monotonic() + PATIENCE * self._limits.seconds
            )
        except framing.Silence as silence:
            raise self._ended(late=silence.late) from None
        except OSError as gone:
            raise self._ended(late=False) from gone
        if "refused" in said:
            raise BadFile(*said["refused"])
        if "exhausted" in said:
            raise refuse(
                "too-much-memory", name=self._name, limit=self._limits.memory_mb
            )
        if "failed" in said:
            raise self._failed(said)
        return said, payload

    def close(self) -> None:
        """End the child, wherever it is; safe to call twice."""
        self._line.close()
        self._status.close()

    def _failed(self, said: dict[str, Any]) -> Exception:
        log.warning(
            "reading %s failed: %s at %s", self._name, said["failed"], said["at"]
        )
        if said["errno"] in fork_server.OURS:
            return OSError(said["errno"], os.strerror(said["errno"]))
        return refuse("reader-died", name=self._name, why=said["failed"])

    def _ended(self, *, late: bool) -> BadFile:
        """Why a child is gone, as a refusal of its file."""
        if late:
            return took_too_long(self._name, self._limits.seconds, PATIENCE)
        self._status.settimeout(SECONDS_TO_OPEN)
        try:
            told = orjson.loads(self._status.recv(2 * fork_server.TOLD) or b"{}")
        except OSError:
            told = {}
        code, words = int(told.get("code", 0)), str(told.get("said", ""))
        log.warning(
            "the reader of %s ended with %s: %s", self._name, code, words.strip()[-300:]
        )
        if -code in (signal.SIGXCPU, signal.SIGKILL):
            return took_too_long(self._name, self._limits.seconds)
        crashed = (
            -code in CRASHES
            and int(told.get("peak", 0)) > self._limits.memory_mb * KB_PER_MB // 2
        )
        if crashed or "memory" in words or "alloc" in words:
            return refuse(
                "too-much-memory", name=self._name, limit=self._limits.memory_mb
            )
        return refuse("reader-died", name=self._name, why=_named(code))


def _named(code: int) -> str:
    try:
        return signal.Signals(-code).name if code < 0 else f"exit code {code}"
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
            ours = self._owner == os.getpid()
            return self._children.pop() if ours and self._children else None

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


_TURNS = threading.BoundedSemaphore(AT_ONCE)
SECONDS_FOR_A_TURN = 120.0


@contextmanager
def turn() -> Iterator[None]:
    """One of the AT_ONCE places at which a child may work. Raises Unavailable when none
    is free for long.
    """
    take_turn()
    try:
        yield
    finally:
        _TURNS.release()


def take_turn(seconds: float = SECONDS_FOR_A_TURN) -> None:
    """Take a place; whoever takes one gives it back with `give_turn`."""
    if not _TURNS.acquire(timeout=seconds):
        raise Unavailable(
            "Too many files are being read at once; try again in a moment."
        )


def give_turn() -> None:
    """Give a place back."""
    _TURNS.release()


class _Server:
    """The fork server of this process: begun at the first child, begun anew when it was
    ended from outside.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._owner = 0
        self._door: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def fork(self) -> tuple[socket.socket, socket.socket]:
        """The line to a new child, and the socket that tells its end."""
        (line, far_line), (status, far_status) = (
            socket.socketpair(),
            socket.socketpair(),
        )
        with far_line, far_status, self._lock:
            for again in (True, False):
                try:
                    socket.send_fds(
                        self._opened(),
                        [b"fork"],
                        [far_line.fileno(), far_status.fileno()],
                    )
                    return line, status
                except OSError:
                    self._forget()
                    if not again:
                        raise
        raise AssertionError

    def adopt(self) -> None:
        """Fork the server from this very process, which saves loading everything again;
        only where that is safe.
        """
        with self._lock:
            if self._door is None and _without_threads():
                door, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
                if not os.fork():
                    _serve_here(theirs, door)
                theirs.close()
                self._began(door)

    def close(self) -> None:
        """End the server; the next child begins another."""
        with self._lock:
            self._forget()

    def _opened(self) -> socket.socket:
        if self._door is None or self._owner != os.getpid():
            door, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            with theirs:
                command = [
                    sys.executable,
                    "-P",
                    "-m",
                    fork_server.__name__,
                    str(theirs.fileno()),
                ]
                self._process = subprocess.Popen(  # noqa: S603 - our own module, no shell
                    command,
                    pass_fds=[theirs.fileno()],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    env=_environment(),
                )
            self._began(door)
        assert self._door is not None  # noqa: S101 - it was opened just now
        return self._door

    def _began(self, door: socket.socket) -> None:
        door.settimeout(SECONDS_TO_OPEN)
        self._door, self._owner = door, os.getpid()
        if not door.recv(1):
            raise OSError("the fork server of the readers did not start")

    def _forget(self) -> None:
        if self._door is not None:
            self._door.close()
        if self._process is not None and self._owner == os.getpid():
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(2)
        self._door = self._process = None


def _environment() -> dict[str, str]:
    root = str(Path(__file__).parents[2])
    return {
        **ENVIRONMENT,
        "PYTHONPATH": root,
        **{key: os.environ[key] for key in PASSED_ON if key in os.environ},
    }


def _without_threads() -> bool:
    """Whether this process has no thread that could hold a lock which a fork would keep
    for ever.
    """
    names = [
        task.joinpath("comm").read_text(encoding="utf-8").strip()
        for task in Path("/proc/self/task").iterdir()
    ]
    return (
        threading.active_count() == 1
        and len([name for name in names if name not in HARMLESS]) == 1
    )


def _serve_here(door: socket.socket, other: socket.socket) -> None:
    """Be the fork server in a process that was just forked; never returns."""
    try:
        other.close()
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        os.environ.clear()
        null = os.open(os.devnull, os.O_RDWR)
        for standard in range(3):
            os.dup2(null, standard)
        fork_server.serve(door)
    finally:
        os._exit(0)


_SERVER = _Server()


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
