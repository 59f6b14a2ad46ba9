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
class RunningChild:
    """One child under way: its process, since when, how often it ended at once in a
    row, and when it starts again (by the monotonic clock).
    """

    child: Child
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    failures: int = 0
    next_start: float = field(default=0.0)


def run(plan: Plan) -> int:
    """Keep the children of a plan alive until a signal ends them; the exit code, 1 when
    one was given up.
    """
    running = [RunningChild(child) for child in plan.children]
    with Signals(signal.SIGCHLD) as signals:
        end_signals = _supervise(running, signals)
        # Whoever sends two signals at once does not want to wait.
        patience = plan.stop_seconds if end_signals < 2 else 0
        _end_all(running, signals, patience)
    return 0 if end_signals else 1


def _supervise(running: list[RunningChild], signals: Signals) -> int:
    """Start what is due and note what ended, until it is over: how many signals said
    so, 0 when a child is given up.
    """
    while True:
        for each in running:
            if each.process is None and time.monotonic() >= each.next_start:
                _start(each)
        numbers = signals.wait(_seconds_to_next_start(running))
        end_signals = sum(number in ENDING for number in numbers)
        if end_signals:
            return end_signals
        # All of them after any signal: several ends may come as one SIGCHLD.
        for each in running:
            if _has_ended(each) and not _note_end(each):
                return 0


def _has_ended(each: RunningChild) -> bool:
    return each.process is not None and each.process.poll() is not None


def _seconds_to_next_start(running: list[RunningChild]) -> float:
    """Seconds until a child has to be started, or looked after."""
    moment = time.monotonic()
    waits = [each.next_start - moment for each in running if each.process is None]
    return min([LOOK_SECONDS, *waits])


def _start(each: RunningChild) -> None:
    """Start the process of a child, with the open files that it is handed."""
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


def _note_end(each: RunningChild) -> bool:
    """Note that a child ended and when it starts again; False when it ended at once too
    often.
    """
    assert each.process is not None  # noqa: S101 - only children under way end
    pid, reason = each.process.pid, _end_text(each.process.returncode)
    each.process = None
    at_once = time.monotonic() - each.started < AT_ONCE_SECONDS
    if at_once and each.failures == len(DELAYS):
        # A port or a setting that is wrong does not mend itself: whoever stands above
        # (systemd, Docker, a person) has to see it.
        log.error(
            "%s (process %d) %s at once, as the %d before it: it is given up, and "
            "everything ends. "
            "Its own last words, above, say why.",
            *(each.child.name, pid, reason, each.failures),
        )
        return False
    delay = DELAYS[each.failures] if at_once else 0.0
    each.failures = each.failures + 1 if at_once else 0
    each.next_start = time.monotonic() + delay
    log.warning(
        "%s (process %d) %s; it is started again in %.1f s",
        each.child.name,
        pid,
        reason,
        delay,
    )
    return True


def _end_text(code: int) -> str:
    """How a process ended, in words."""
    if code < 0:
        return f"was ended by {signal.Signals(-code).name}"
    return f"ended with exit code {code}"


def _end_all(running: list[RunningChild], signals: Signals, seconds: float) -> None:
    """Tell all to end; those that have not after some seconds, or at a second signal,
    are killed.
    """
    processes = [each.process for each in running if each.process is not None]
    # All are told before one is waited for: they end side by side.
    for process in processes:
        process.send_signal(signal.SIGTERM)
    deadline = time.monotonic() + seconds
    while any(process.poll() is None for process in processes):
        pause = min(LOOK_SECONDS, deadline - time.monotonic())
        impatient = any(number in ENDING for number in signals.wait(pause))
        if impatient or time.monotonic() >= deadline:
            break
    for process in processes:
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
    # Python opens everything close-on-exec; the listening socket has to stay.
    for fd in {fd for child in plan.children for fd in child.fds}:
        os.set_inheritable(fd, True)
    sys.stdout.flush()
    sys.stderr.flush()
    command = [*PYTHON, "portal.supervisor", plan.write()]
    # Exec and not fork: a child of a process with threads may find a lock held for ever
    # by a thread that it does not have (SQLite's, malloc's).
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
