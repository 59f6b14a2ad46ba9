"""Threads of a worker: tasks at intervals by a clock that never steps back, and jobs
that go on side by side.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import NamedTuple


class Ticks:
    """Tasks that come again and again until `stop` is set, each in a thread of its own.

    Time is waited for by the monotonic clock: setting the wall clock neither stops nor
    hurries them. A task that takes longer than its interval is not begun beside itself.
    """

    def __init__(self, stop: threading.Event) -> None:
        self._stop = stop
        self._threads: list[threading.Thread] = []

    def every(
        self,
        seconds: float,
        task: Callable[[], object],
        *,
        times: int = 1,
        at_once: bool = False,
    ) -> None:
        """Begin a task that comes every so many seconds, in so many threads."""
        for _ in range(times):
            name = getattr(task, "__name__", "task")
            thread = threading.Thread(
                target=self._run, args=(seconds, task, at_once), name=name, daemon=True
            )
            self._threads.append(thread)
            thread.start()

    def _run(self, seconds: float, task: Callable[[], object], at_once: bool) -> None:
        """Run a task at each interval until `stop`; with `at_once` at the start too."""
        if at_once:
            task()
        while not self._stop.wait(seconds):
            task()

    def join(self, deadline: float) -> bool:
        """Wait for the tasks under way until a moment of the monotonic clock; whether
        all came to their end.
        """
        return join(self._threads, deadline)


class ClaimedJob(NamedTuple):
    """A job that was claimed from a queue; `suspect`: a process died that had claimed
    it before.
    """

    job_id: str
    suspect: bool


class SideBySide:
    """Jobs of a queue, so many at a time, each in a thread of its own; none is begun
    once `stop` is set.

    `take(untried_only)` claims a job, or None; `work(job_id)` brings it to its end. Of
    the jobs that may have ended a process one at a time is worked on: what ends a
    process would take the blame to all that runs beside it each time.
    """

    def __init__(
        self,
        most: int,
        take: Callable[[bool], ClaimedJob | None],
        work: Callable[[str], object],
        pause: float,
        stop: threading.Event,
    ) -> None:
        self._take, self._work = take, work
        self._pause, self._stop = pause, stop
        self._free = threading.Semaphore(most)
        self._suspect = threading.Lock()
        self._threads: list[threading.Thread] = []

    def run(self) -> None:
        """Take jobs until `stop` is set."""
        while not self._stop.is_set():
            # First a free thread, then a job: without a thread it would only hold its
            # lease.
            if not self._free.acquire(timeout=self._pause):
                continue
            job = self._take(self._suspect.locked())
            if job is None:
                self._free.release()
                self._stop.wait(self._pause)
            else:
                self._begin(job)

    def _begin(self, job: ClaimedJob) -> None:
        """Begin a thread for a job; of suspect ones it waits until no other is under
        way.
        """
        if job.suspect:
            self._suspect.acquire()
        thread = threading.Thread(
            target=self._run, args=(job,), name=f"job-{job.job_id[:8]}", daemon=True
        )
        # Those that ended are forgotten, or a worker of months would hold thousands.
        alive = [each for each in self._threads if each.is_alive()]
        self._threads = [*alive, thread]
        thread.start()

    def _run(self, job: ClaimedJob) -> None:
        """Bring a job to its end, and give its place to the next one, whatever came."""
        try:
            self._work(job.job_id)
        finally:
            if job.suspect:
                self._suspect.release()
            self._free.release()

    def join(self, deadline: float) -> bool:
        """Wait for the jobs under way until a moment of the monotonic clock; whether
        all came to their end.
        """
        return join(self._threads, deadline)


def join(threads: list[threading.Thread], deadline: float) -> bool:
    """Wait for threads until a moment of the monotonic clock; whether all came to their
    end.
    """
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    return not any(thread.is_alive() for thread in threads)
