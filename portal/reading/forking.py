"""The fork server of this process, from the portal's side: it is begun at the first
child, and makes one after the other.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

from portal.reading import fork_server

SECONDS_TO_OPEN = 60.0
HARMLESS = frozenset({"jemalloc_bg_thd", "polars-ooc-clea"})
"""Threads of libraries that hold nothing which a forked process would wait for."""
PASSED_ON = ("PATH", "LANG", "LC_ALL", "TMPDIR", "TZ")
"""All of the environment that the fork server is told: a reader needs no secrets."""
ENVIRONMENT = {
    "ARROW_DEFAULT_MEMORY_POOL": "system",
    "OPENBLAS_NUM_THREADS": "1",
    "MALLOC_ARENA_MAX": "2",
}
"""Fewer pools: address space that nobody uses would count against a reader's limit."""


class ForkServer:
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
        line, far_line = socket.socketpair()
        status, far_status = socket.socketpair()
        far_ends = [far_line.fileno(), far_status.fileno()]
        with far_line, far_status, self._lock:
            # A server may have been ended from outside: another is begun, once.
            for again in (True, False):
                try:
                    socket.send_fds(self._opened(), [b"fork"], far_ends)
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
        """The door to the server, which is begun if this process has none."""
        # A forked process has its parent's door, but not its server.
        if self._door is None or self._owner != os.getpid():
            door, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            with theirs:
                command = [
                    sys.executable,
                    # So that no module of the working directory comes before ours.
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
        """Wait until the server behind a door says that it is ready, and keep the
        door.
        """
        door.settimeout(SECONDS_TO_OPEN)
        self._door, self._owner = door, os.getpid()
        if not door.recv(1):
            raise OSError("the fork server of the readers did not start")

    def _forget(self) -> None:
        """Close the door, by which the server ends, and wait two seconds for its
        end.
        """
        if self._door is not None:
            self._door.close()
        # Only the parent of a process can wait for it.
        if self._process is not None and self._owner == os.getpid():
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(2)
        self._door = self._process = None


def _environment() -> dict[str, str]:
    root = str(Path(__file__).parents[2])
    passed_on = {key: os.environ[key] for key in PASSED_ON if key in os.environ}
    return {**ENVIRONMENT, "PYTHONPATH": root, **passed_on}


def _without_threads() -> bool:
    """Whether this process has no thread that could hold a lock which a fork would keep
    for ever.
    """
    names = [
        task.joinpath("comm").read_text(encoding="utf-8").strip()
        for task in Path("/proc/self/task").iterdir()
    ]
    # Python knows its own threads only; those of native libraries the kernel lists.
    others = [name for name in names if name not in HARMLESS]
    return threading.active_count() == 1 and len(others) == 1


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
