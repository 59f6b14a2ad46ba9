"""Processes of this machine, as the system sees them."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


def children(pid: int) -> list[int]:
    """The processes that one process has started and that still are there, the oldest
    first.
    """
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):  # the thread has just ended
            found += [int(word) for word in task.read_text().split()]
    return sorted(each for each in found if alive(each))


def below(pid: int) -> list[int]:
    """All processes below one."""
    return [each for child in children(pid) for each in (child, *below(child))]


def alive(pid: int) -> bool:
    """Whether a process runs; one that has ended and is not waited for yet does not."""
    try:
        return (
            Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
            not in "ZX"
        )
    except OSError:
        return False


def command(pid: int) -> list[str]:
    """The words that a process was started with; none when it has ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().split("\0")
    except OSError:
        return []


@contextmanager
def hearing_hangups() -> Iterator[None]:
    """Processes that are started meanwhile end with a hang-up, also where the tests run
    below nohup.
    """
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    try:
        yield
    finally:
        signal.signal(signal.SIGHUP, before)
