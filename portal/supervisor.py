"""Supervisor: starts processes by exec, starts again those that end, and ends all of
them when it is told to.

It runs as a program of its own (`replace_by` turns the process that planned it into
it), so that server processes never come from a process with threads, open databases or
locks.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
import time
from dataclasses import asdict, dataclass, field

from portal.processes import ENDING, PARENT, Signals

AT_ONCE_SECONDS = 10.0
"""A process that ends sooner than this after its start has ended at once."""
DELAYS = (0.0, 0.5, 1.0, 2.0, 4.0, 8.0, 8.0)
"""Seconds to wait before each further start of a process that ends at once; after the
last it is given up.
"""
LOOK_SECONDS = 1.0
PYTHON = (sys.executable, "-P", "-m")
"""How a module of ours is run; -P: what lies in the current folder is not imported."""
log = logging.getLogger("portal.supervisor")  # it runs as __main__


@dataclass(frozen=True, slots=True)
class Child:
    """A process to keep alive: its name in the log, its command, and the open files
    that it is handed.
    """

    name: str
    command: tuple[str, ...]
    fds: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """What to keep alive, how long an end may take in seconds, and how much is
    logged.
    """

    children: tuple[Child, ...]
    stop_seconds: float
    log_level: str = "INFO"

    def write(self) -> str:
        """The plan as one argument of a command."""
        return json.dumps(asdict(self))

    @classmethod
    def read(cls, text: str) -> Plan:
        """The plan that `write` wrote."""
        given = json.loads(text)
        children = tuple(
            Child(each["name"], tuple(each["command"]), tuple(each["fds"]))
            for each in given["children"]
        )
        return cls(children, given["stop_seconds"], given["log_level"])


def module(
    name: str,
    words: tuple[str, ...],
    fds: tuple[int, ...] = (),
    dying: int = signal.SIGTERM,
) -> Child:
    """A module of ours with its arguments; it gets the signal `dying` when the
    supervisor ends, however that comes.
    """
    return Child(name, (*PYTHON, "portal.supervised", str(int(dying)), *words), fds)


def web(number: int, fd: int) -> Child:
    """A web process on an open, listening socket; it ends hard, for old code must not
    answer beside new.
    """
    return module(
        f"web process {number}", ("portal.webprocess", str(fd)), (fd,), signal.SIGKILL
    )


def worker() -> Child:
    """A worker; it hands back what it holds."""
    return module("the worker", ("portal.cli", "worker"))


@dataclass(slots=True)
class Kept:
    """One child under way: its process, since when, how often it ended at once in a
    row, and when it starts again.
    """

    child: Child
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    failures: int = 0
    again: float = field(default=0.0)


def run(plan: Plan) -> int:
    """Keep the children of a plan alive until a signal ends them; the exit code, 1 when
    one was given up.
    """
    kept = [Kept(child) for child in plan.children]
    with Signals(signal.SIGCHLD) as signals:
        told = _keep(kept, signals)
        _end(kept, signals, plan.stop_seconds if told < 2 else 0)
    return 0 if told else 1


def _keep(kept: list[Kept], signals: Signals) -> int:
    """Start what is due and note what ended, until it is over: how many signals said
    so, 0 when a child is given up.
    """
    while True:
        for each in kept:
            if each.process is None and time.monotonic() >= each.again:
                _start(each)
        told = sum(number in ENDING for number in signals.wait(_next_start(kept)))
        if told:
            return told
        for each in kept:
            if (
                each.process is not None
                and each.process.poll() is not None
                and not _ended(each)
            ):
                return 0


def _next_start(kept: list[Kept]) -> float:
    """Seconds until a child has to be started, or looked after."""
    waits = [each.again - time.monotonic() for each in kept if each.process is None]
    return min([LOOK_SECONDS, *waits])


def _start(each: Kept) -> None:
    # A group of its own: Ctrl-C reaches the supervisor alone, which ends its children
    # in order.
    each.process = subprocess.Popen(  # noqa: S603 - our own programs, no shell
        each.child.command,
        stdin=subprocess.DEVNULL,
        pass_fds=each.child.fds,
        process_group=0,
        env={**os.environ, PARENT: str(os.getpid())},
    )
    each.started = time.monotonic()
    log.info("%s is started, process %d", each.child.name, each.process.pid)


def _ended(each: Kept) -> bool:
    """Note that a child ended and when it starts again; False when it ended at once too
    often.
    """
    assert each.process is not None  # noqa: S101 - only children under way end
    pid, reason = each.process.pid, _how(each.process.returncode)
    each.process = None
    at_once = time.monotonic() - each.started < AT_ONCE_SECONDS
    if at_once and each.failures == len(DELAYS):
        log.error(
            "%s (process %d) %s at once, as the %d before it: it is given up, and "
            "everything ends. "
            "Its own last words, above, say why.",
            *(each.child.name, pid, reason, each.failures),
        )
        return False
    delay = DELAYS[each.failures] if at_once else 0.0
    each.failures = each.failures + 1 if at_once else 0
    each.again = time.monotonic() + delay
    log.warning(
        "%s (process %d) %s; it is started again in %.1f s",
        each.child.name,
        pid,
        reason,
        delay,
    )
    return True


def _how(code: int) -> str:
    """How a process ended, in words."""
    return (
        f"was ended by {signal.Signals(-code).name}"
        if code < 0
        else f"ended with exit code {code}"
    )


def _end(kept: list[Kept], signals: Signals, seconds: float) -> None:
    """Tell all to end; those that have not after some seconds, or at a second signal,
    are killed.
    """
    running = [each.process for each in kept if each.process is not None]
    for process in running:
        process.send_signal(signal.SIGTERM)
    deadline = time.monotonic() + seconds
    while any(process.poll() is None for process in running):
        told = any(
            number in ENDING
            for number in signals.wait(min(LOOK_SECONDS, deadline - time.monotonic()))
        )
        if told or time.monotonic() >= deadline:
            break
    for process in running:
        _kill(process)


def _kill(process: subprocess.Popen[bytes]) -> None:
    """Kill a process that does not end, with what it started itself."""
    if process.poll() is None:
        log.warning("process %d does not end and is killed", process.pid)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def replace_by(plan: Plan) -> None:
    """Turn this process into the supervisor of a plan: same id, no thread, no open file
    but those of the plan.

    Never returns.
    """
    for fd in {fd for child in plan.children for fd in child.fds}:
        os.set_inheritable(fd, True)
    sys.stdout.flush()
    sys.stderr.flush()
    command = [*PYTHON, "portal.supervisor", plan.write()]
    os.execv(sys.executable, command)  # noqa: S606 - our own program, no shell


def main() -> None:
    """The program: `python -m portal.supervisor PLAN`."""
    plan = Plan.read(sys.argv[1])
    logging.basicConfig(
        level=plan.log_level, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    sys.exit(run(plan))


if __name__ == "__main__":
    main()
