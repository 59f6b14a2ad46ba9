"""Ticks come again whatever the wall clock does; jobs go side by side, those that may
kill one at a time.
"""

import threading
import time
from collections import Counter

from portal.threads import ClaimedJob, SideBySide, Ticks
from tests.waiting import until


def test_ticks_come_again_and_end_with_the_stop() -> None:
    stop, seen = threading.Event(), Counter[str]()
    ticks = Ticks(stop)
    ticks.every(0.01, lambda: seen.update(["often"]))
    ticks.every(3600, lambda: seen.update(["once"]), at_once=True)
    ticks.every(3600, lambda: seen.update(["not yet"]))
    until(lambda: seen["often"] >= 3 and seen["once"] == 1)
    stop.set()
    assert ticks.join(time.monotonic() + 60)
    assert seen["once"] == 1 and not seen["not yet"]


def test_a_task_runs_beside_itself_only_as_often_as_asked() -> None:
    stop, release, inside = threading.Event(), threading.Event(), threading.Semaphore(0)

    def task() -> None:
        inside.release()
        release.wait(60)

    ticks = Ticks(stop)
    ticks.every(0.01, task, times=2)
    assert inside.acquire(timeout=60) and inside.acquire(timeout=60)
    assert not inside.acquire(timeout=0.2), "a third"
    stop.set()
    assert not ticks.join(time.monotonic()), "two are under way"
    release.set()
    assert ticks.join(time.monotonic() + 60)


class Queue:
    """Jobs that wait, walked until they are released."""

    def __init__(self, *waiting: ClaimedJob) -> None:
        self.waiting, self.lock = list(waiting), threading.Lock()
        self.under_way: set[str] = set()
        self.release = threading.Event()

    def take(self, untried_only: bool) -> ClaimedJob | None:
        with self.lock:
            allowed = [
                each for each in self.waiting if not (each.suspect and untried_only)
            ]
            if not allowed:
                return None
            self.waiting.remove(allowed[0])
            return allowed[0]

    def walk(self, job_id: str) -> None:
        with self.lock:
            self.under_way.add(job_id)
        self.release.wait(60)


def run(
    queue: Queue, most: int
) -> tuple[SideBySide, threading.Event, threading.Thread]:
    stop = threading.Event()
    jobs = SideBySide(most, queue.take, queue.walk, 0.01, stop)
    thread = threading.Thread(target=jobs.run, daemon=True)
    thread.start()
    return jobs, stop, thread


def test_a_job_that_hangs_delays_no_other_until_all_places_are_taken() -> None:
    queue = Queue(
        ClaimedJob("hangs", False),
        ClaimedJob("b", False),
        ClaimedJob("c", False),
        ClaimedJob("d", False),
    )
    jobs, stop, thread = run(queue, 3)
    until(lambda: queue.under_way == {"hangs", "b", "c"})
    time.sleep(0.1)
    assert queue.waiting == [ClaimedJob("d", False)]
    queue.release.set()
    until(lambda: "d" in queue.under_way)
    stop.set()
    thread.join(60)
    assert jobs.join(time.monotonic() + 60)


def test_of_jobs_whose_worker_died_one_at_a_time_is_walked_and_others_beside_it() -> (
    None
):
    queue = Queue(
        ClaimedJob("deadly", True),
        ClaimedJob("suspect", True),
        ClaimedJob("innocent", False),
    )
    jobs, stop, thread = run(queue, 3)
    until(lambda: queue.under_way == {"deadly", "innocent"})
    time.sleep(0.1)
    assert queue.waiting == [ClaimedJob("suspect", True)]
    queue.release.set()
    until(lambda: "suspect" in queue.under_way)
    stop.set()
    thread.join(60)
    assert jobs.join(time.monotonic() + 60)
