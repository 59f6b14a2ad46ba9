"""The process that children are forked from: no threads of its own, no open database,
no secrets in its environment.
"""

from __future__ import annotations

import contextlib
import errno
import gc
import importlib
import os
import pickle
import resource
import select
import signal
import socket
import sys
import traceback
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from portal.errors import BadFile
from portal.reading import framing
from schemas.units import BYTES_PER_MB

LOADED = ("portal.reading.served", "babel.messages.pofile")
"""What every reader and every refusal needs is loaded once, before the first child is
forked.
"""
OPEN_FILES = 1024
TOLD = 4096
"""Bytes that are kept of what a child wrote to its error stream."""
GROWN = 64 * BYTES_PER_MB
"""A child that has kept so many bytes of what it did answers no further request."""
SCRATCH_TIMES = 8
"""A child may write so many times its memory to disk: copies of a file in another
encoding, an archive's content.
"""
PAGE = resource.getpagesize()
OURS = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS, errno.ENFILE})
"""Errors of this machine, which say nothing of the file that was read."""


def serve(door: socket.socket) -> None:
    """Fork a child for everything that comes through the door, until whoever asks is
    gone.

    Two sockets come: one to talk with the child, one over which the end of the child is
    told. When the other side of the second is closed, the child is killed.
    """
    wake, bell = socket.socketpair()
    for end in (wake, bell):
        end.setblocking(False)
    # It does nothing, but without a handler of Python's nothing would be written to the
    # bell.
    signal.signal(signal.SIGCHLD, lambda number, frame: None)
    signal.set_wakeup_fd(bell.fileno())
    for module in LOADED:
        importlib.import_module(module)
    # Frozen objects are not touched by a child's collector, so that their pages stay
    # shared.
    gc.collect()
    gc.freeze()
    door.send(b"1")
    children: dict[int, _Forked] = {}
    while True:
        watched = [door, wake, *(child.status for child in children.values())]
        ready = select.select(watched, [], [])[0]
        if door in ready and not _begun(door, children):
            break
        if wake in ready:
            with contextlib.suppress(BlockingIOError):
                wake.recv(PAGE)
        for child in children.values():
            # Nobody ever writes to it: it is closed, and with it all interest in the
            # child.
            if child.status in ready:
                os.kill(child.pid, signal.SIGKILL)
        _reap(children)
    for child in children.values():
        os.kill(child.pid, signal.SIGKILL)


class _Forked:
    """A running child: its number, where its end is told, and a file of what it writes
    to its error stream.
    """

    def __init__(self, pid: int, status: socket.socket, said: int) -> None:
        self.pid, self.status, self.said = pid, status, said

    def end(self, code: int, peak: int) -> None:
        """Tell how the child ended: its exit code or the negative number of the signal,
        its last words, its memory.
        """
        size = os.fstat(self.said).st_size
        words = os.pread(self.said, TOLD, max(0, size - TOLD)).decode(
            "utf-8", "replace"
        )
        with contextlib.suppress(OSError):
            self.status.send(orjson.dumps({"code": code, "said": words, "peak": peak}))
        self.status.close()
        os.close(self.said)


def _begun(door: socket.socket, children: dict[int, _Forked]) -> bool:
    """Fork the child that is asked for; False when nobody can ask any more."""
    message, handles, _, _ = socket.recv_fds(door, PAGE, 2)
    if not message or len(handles) != 2:
        return False
    line, status = (socket.socket(fileno=handle) for handle in handles)
    said = os.memfd_create("said")
    pid = os.fork()
    if not pid:
        _be_a_child(
            line, said, [door, status, *(child.status for child in children.values())]
        )
    line.close()
    children[pid] = _Forked(pid, status, said)
    return True


def _reap(children: dict[int, _Forked]) -> None:
    """Tell the ends of all children that have ended."""
    # One signal may stand for several ends, so each child is asked.
    for pid in list(children):
        ended, status, used = os.wait4(pid, os.WNOHANG)
        if ended:
            children.pop(pid).end(os.waitstatus_to_exitcode(status), used.ru_maxrss)


def _be_a_child(line: socket.socket, said: int, others: list[socket.socket]) -> None:
    """Answer requests, one after the other and each within its limits, and end; never
    returns.
    """
    code = 1
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        # Held open here, they would hide the end of another child or of whoever asks.
        for other in others:
            other.close()
        os.dup2(said, 2)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        _bound(resource.RLIMIT_NOFILE, OPEN_FILES)
        # Each thread takes address space, which counts against the limit.
        os.environ["POLARS_MAX_THREADS"] = str(min(4, os.cpu_count() or 1))
        at_first = _memory()
        while _memory().resident - at_first.resident < GROWN:
            asked, packed = _request(line)
            framing.send(line, "begun")
            _limit(at_first.mapped, int(asked["memory_mb"]), int(asked["seconds"]))
            _answer(line, asked, packed)
        code = 0
    except OSError:
        code = 0  # whoever asked is gone
    finally:
        os._exit(code)


class _Memory(NamedTuple):
    """Bytes of address space, and of memory that is really there."""

    mapped: int
    resident: int


def _memory() -> _Memory:
    mapped, resident, *_ = Path("/proc/self/statm").read_text(encoding="ascii").split()
    return _Memory(int(mapped) * PAGE, int(resident) * PAGE)


def _request(line: socket.socket) -> tuple[dict[str, Any], bytearray]:
    """The next request; what was still said to a function that has ended is passed
    by.
    """
    while True:
        said, packed = framing.receive(line)
        if isinstance(said, dict):
            return said, packed


def _limit(mapped: int, memory_mb: int, seconds: int) -> None:
    """Bound memory beyond what was mapped at first, what is written to disk, and
    processor seconds from now on.
    """
    _bound(resource.RLIMIT_AS, mapped + memory_mb * BYTES_PER_MB)
    _bound(resource.RLIMIT_FSIZE, SCRATCH_TIMES * memory_mb * BYTES_PER_MB)
    more_time(seconds)


def more_time(seconds: int) -> None:
    """Let this process use so many processor seconds from now on; then it is ended."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    _bound(resource.RLIMIT_CPU, int(used.ru_utime + used.ru_stime) + seconds)


def _bound(what: int, most: int) -> None:
    """Set the soft limit; one that was given from outside is never passed."""
    _, hard = resource.getrlimit(what)
    resource.setrlimit(
        what, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard)
    )


def _answer(line: socket.socket, asked: dict[str, Any], packed: bytearray) -> None:
    """Run the function that was asked for, and tell what it returns or why it
    failed.
    """
    # The peak of an earlier request says nothing of this one.
    before = _most_mapped()
    try:
        arguments = pickle.loads(packed)  # noqa: S301 - it comes from the process that started this one
        module, _, name = str(asked["function"]).partition(":")
        function = getattr(importlib.import_module(module), name)
        if asked["talks"]:
            function(line, *arguments)
        else:
            framing.send(line, {"answer": function(*arguments)})
    except BadFile as problem:
        framing.send(line, {"refused": [problem.code, problem.vi, problem.en]})
    except BrokenPipeError:
        raise
    except BaseException as problem:  # also what native readers raise when they panic
        limit, hard = resource.getrlimit(resource.RLIMIT_AS)
        # To say what went wrong takes memory too.
        resource.setrlimit(resource.RLIMIT_AS, (hard, hard))
        exhausted = _exhausted(
            problem, max(before, limit - int(asked["memory_mb"]) * BYTES_PER_MB // 2)
        )
        framing.send(line, {"exhausted": "memory"} if exhausted else _failure(problem))


def _exhausted(problem: BaseException, much: int) -> bool:
    """Whether an error means that there was no more memory.

    Native readers say so in words of their own, or panic over what another of their
    threads did not get: then it counts that the address space has grown beyond `much`,
    half of what was given.
    """
    if isinstance(problem, Exception):
        return isinstance(problem, MemoryError)
    said = str(problem).lower()
    return (
        any(word in said for word in ("memory", "alloc", "spawn", "unavailable"))
        or _most_mapped() > much
    )


def _most_mapped() -> int:
    """Bytes of address space that this process had at its largest."""
    lines = (
        Path("/proc/self/status")
        .read_text(encoding="ascii", errors="replace")
        .splitlines()
    )
    told = [line.split()[1] for line in lines if line.startswith("VmPeak:")]
    return int(told[0]) * 1024 if told else 0


def _failure(problem: BaseException) -> dict[str, Any]:
    """What is told of an error that nobody foresaw: its kind and place; its text may
    hold a cell of the file.
    """
    frames = traceback.extract_tb(problem.__traceback__)[-4:]
    places = " < ".join(
        f"{frame.filename.rsplit('/', 1)[-1]}:{frame.lineno}"
        for frame in reversed(frames)
    )
    return {
        "failed": type(problem).__name__,
        "errno": getattr(problem, "errno", None),
        "at": places,
    }


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.stdin.close()
    serve(socket.socket(fileno=int(sys.argv[1])))
    os._exit(0)  # there is nothing to put in order
