"""What every process of the portal shares: signals as data, an end that follows the
parent's, a port taken once.
"""

from __future__ import annotations

import ctypes
import errno
import logging
import os
import select
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Any

from portal.errors import SettingsError

PARENT = "SUPERVISOR_PID"
"""The environment variable by which a supervisor tells its children who it is."""
ENDING = tuple(
    getattr(signal, name)
    for name in ("SIGINT", "SIGTERM", "SIGHUP")
    if hasattr(signal, name)
)
BACKLOG = 1024
PR_SET_PDEATHSIG = 1
LOOK_SECONDS = 1.0


class Signals:
    """A context manager in the main thread: signals that came are numbers to be waited
    for.

    Handlers do nothing: what is done about a signal is done by whoever waits, outside
    the handler, where locks may be taken. A hang-up that is ignored already (nohup)
    stays ignored.
    """

    def __init__(self, *more: int) -> None:
        self._numbers = [
            number
            for number in (*ENDING, *more)
            if signal.getsignal(number) is not signal.SIG_IGN
        ]
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Signals:
        # Python writes each signal's number to this socket by itself. An event that a
        # handler sets can lock for ever while the main thread waits for it.
        self._reader, self._writer = socket.socketpair()
        self._reader.setblocking(False)
        self._writer.setblocking(False)
        self._wakeup = signal.set_wakeup_fd(
            self._writer.fileno(), warn_on_full_buffer=False
        )
        for number in self._numbers:
            self._before[number] = signal.signal(number, _nothing)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(self._wakeup)
        self._reader.close()
        self._writer.close()

    def wait(self, seconds: float) -> list[int]:
        """The signals that came, as soon as there is one; none when so many seconds
        passed.
        """
        ready, _, _ = select.select([self._reader], [], [], max(0.0, seconds))
        return list(self._reader.recv(4096)) if ready else []

    def wake(self) -> None:
        """Let whoever waits in another thread look around, as a signal would."""
        self._writer.send(b"\0")


@contextmanager
def stop_event(seconds: float | None = None) -> Iterator[threading.Event]:
    """An event that the first signal sets; a second signal ends the process at once.

    With `seconds` the process ends that long after the first signal, whatever is still
    under way. A thread waits for the signals, so that none is missed while the main
    thread is in a long call.
    """
    stop, over = threading.Event(), threading.Event()
    with Signals() as signals:
        watcher = threading.Thread(
            target=_watch,
            args=(signals, stop, over, seconds),
            name="signals",
            daemon=True,
        )
        watcher.start()
        try:
            yield stop
        finally:
            over.set()
            signals.wake()
            watcher.join()


def _watch(
    signals: Signals,
    stop: threading.Event,
    over: threading.Event,
    seconds: float | None,
) -> None:
    """The thread behind `stop_event`: set `stop` at the first signal, end the process
    at the second or when time is up.
    """
    deadline = float("inf")
    while not over.is_set():
        for number in signals.wait(min(LOOK_SECONDS, deadline - time.monotonic())):
            if number in ENDING and stop.is_set():
                # Not sys.exit: it would wait for the very work that takes too long.
                os._exit(128 + number)
            if number in ENDING:
                stop.set()
                deadline = deadline if seconds is None else time.monotonic() + seconds
        if time.monotonic() >= deadline:
            os._exit(128 + signal.SIGTERM)


def _nothing(number: int, frame: FrameType | None) -> None:
    """The signal's number is in the pipe of `Signals` by now."""


def end_with_parent(number: int = signal.SIGKILL) -> None:
    """Let the system send this process a signal when the supervisor that started it
    ends, however it ends.

    Without a supervisor nothing is done. Its variable is taken out of the environment:
    what this process starts has another parent.
    """
    parent = int(os.environ.pop(PARENT, "0"))
    if not parent:
        return
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, number, 0, 0, 0)
    else:
        threading.Thread(
            target=_look_after, args=(parent, number), name="parent", daemon=True
        ).start()
    # Looked at after the system was told: a parent that ended between its start of us
    # and this line sends nothing any more.
    if os.getppid() != parent:
        os.kill(os.getpid(), number)


def _look_after(parent: int, number: int) -> None:
    """Where the system does not tell that a parent ended, look for it every second."""
    while os.getppid() == parent:
        time.sleep(LOOK_SECONDS)
    os.kill(os.getpid(), number)


def end_now(code: int = 0) -> None:
    """End this process although threads of it are still at work; what they hold was
    given back before.
    """
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def listen(host: str, port: int) -> socket.socket:
    """Take a port for this process and its children alone. Raises SettingsError, in one
    sentence, when that fails.

    No other server shares the port (SO_REUSEPORT is off): a second one on it is refused
    instead of answering every other request.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        # "::" means everywhere, so IPv4 too; where the system cannot, IPv6 alone.
        everywhere = family == socket.AF_INET6 and host == "::"
        both = everywhere and socket.has_dualstack_ipv6()
        return socket.create_server(
            address[:2], family=family, backlog=BACKLOG, dualstack_ipv6=both
        )
    except OSError as error:
        raise SettingsError(
            f"Port {port} at {host} cannot be served: {_reason(error)}."
        ) from None


def _reason(error: OSError) -> str:
    """Why a port cannot be served, with what to do about it."""
    if error.errno == errno.EADDRINUSE:
        return (
            "another program has it; end that one, or choose another port with --port"
        )
    if error.errno == errno.EACCES:
        return (
            "this user may not; ports below 1024 are for root, choose another with "
            "--port"
        )
    if error.errno == errno.EADDRNOTAVAIL:
        return "this machine has no such address; choose another with --host"
    return error.strerror or type(error).__name__


def address(host: str, port: int) -> str:
    """The address by which this machine itself reaches a server that listens at
    `host`.
    """
    reached = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - "everywhere" is read, not bound
    # An IPv6 address has colons of its own.
    if ":" in reached:
        reached = f"[{reached}]"
    return f"http://{reached}:{port}"
