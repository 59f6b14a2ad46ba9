"""Turns and jobs are taken once, however many workers there are; intervals and cron say
when the next is due.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from sqlalchemy import func, select

from portal import scheduler
from portal.access.identity import SYSTEM
from portal.actions import registry
from portal.db import harvest as db
from portal.db import workers
from portal.domain.base import now
from portal.domain.harvest import HarvestJob, HarvestSource
from portal.runtime import Portal
from tests.servers.web import Answer, Web
from tests.waiting import until


@pytest.mark.parametrize(
    ("frequency", "expected"),
    [
        ("MANUAL", None),
        ("", None),
        ("HOURLY", datetime(2026, 11, 24, 13, 30)),
        ("DAILY", datetime(2026, 11, 25, 12, 30)),
        # 02:00 in Việt Nam is 19:00 UTC of the day before.
        ("0 2 * * *", datetime(2026, 11, 24, 19, 0)),
    ],
)
def test_when_a_source_is_due_next(frequency: str, expected: datetime | None) -> None:
    source = HarvestSource(frequency=frequency)
    assert scheduler.next_run_time(source, datetime(2026, 11, 24, 12, 30)) == expected


def test_three_schedulers_take_each_turn_once(portal: Portal, tmp_path: Path) -> None:
    for number in range(4):
        folder = tmp_path / f"drop-{number}"
        folder.mkdir()
        described = {
            "url": str(folder),
            "source_type": "files",
            "name": f"s{number}",
            "frequency": "DAILY",
        }
        registry.call(
            portal,
            SYSTEM,
            "harvest_source_create",
            {**described, "config": {"each": True}},
        )
    queued: list[int] = []
    threads = [
        threading.Thread(target=lambda: queued.append(scheduler.enqueue_due(portal)))
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(queued) == 4
    with portal.read() as uow:
        assert uow.session.scalar(select(func.count()).select_from(HarvestJob)) == 4
        assert all(source.next_run > now() for source in db.list_sources(uow.session))
    assert scheduler.enqueue_due(portal) == 0


def test_a_job_is_claimed_once_and_a_source_is_never_walked_twice_at_a_time(
    portal: Portal,
) -> None:
    with portal.work() as uow:
        for number in range(3):
            uow.session.add(
                HarvestSource(
                    id=f"s{number}", name=f"s{number}", url="/", source_type="files"
                )
            )
        uow.session.flush()
        for number in range(6):
            uow.session.add(HarvestJob(id=f"j{number}", source_id=f"s{number % 3}"))
        uow.commit()
    claimed: list[str] = []

    def claim(owner: str) -> None:
        while True:
            with portal.work() as uow:
                taken = db.claim(
                    uow.session, owner, now(), now() + timedelta(minutes=1)
                )
                uow.commit()
            if taken is None:
                return
            claimed.append(taken.job.source_id)

    threads = [
        threading.Thread(target=claim, args=(f"worker-{number}",))
        for number in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(claimed) == ["s0", "s1", "s2"]


def test_a_failing_task_is_survived(caplog: pytest.LogCaptureFixture) -> None:
    def broken() -> None:
        raise RuntimeError("as planned")

    assert scheduler.run_guarded(broken) is None
    assert "tried again at its next turn" in caplog.text


def test_the_worker_stops_when_told(portal: Portal) -> None:
    stop = threading.Event()
    worker = threading.Thread(target=scheduler.work, args=(portal, stop))
    worker.start()
    stop.set()
    worker.join(timeout=30)
    assert not worker.is_alive()


@contextmanager
def hanging_source(portal: Portal, name: str) -> Iterator[threading.Event]:
    """A CKAN that takes every question and does not answer until it is released, as a
    source with a job that waits.
    """
    asked, release = threading.Event(), threading.Event()

    def hang(handler: BaseHTTPRequestHandler) -> None:
        asked.set()
        release.wait(60)
        handler.close_connection = True

    class Any(dict[str, Answer]):
        def get(self, path: str, default: Answer | None = None) -> Answer:  # type: ignore[override]
            return hang

    with Web(Any()) as web:
        described = {
            "url": web.url,
            "source_type": "ckan",
            "name": name,
            "frequency": "MANUAL",
        }
        registry.call(portal, SYSTEM, "harvest_source_create", described)
        registry.call(portal, SYSTEM, "harvest_job_create", {"source_id": name})
        try:
            yield asked
        finally:
            release.set()


@contextmanager
def working(portal: Portal) -> Iterator[tuple[threading.Event, list[bool]]]:
    """A worker in a thread; the list gets what it returns."""
    stop, ended = threading.Event(), list[bool]()
    thread = threading.Thread(
        target=lambda: ended.append(scheduler.work(portal, stop, ticks=False)),
        daemon=True,
    )
    thread.start()
    try:
        yield stop, ended
    finally:
        stop.set()
        thread.join(60)
        assert not thread.is_alive()


def status(portal: Portal, name: str) -> str:
    return str(
        registry.call(portal, SYSTEM, "harvest_job_list", {"source_id": name})[0][
            "status"
        ]
    )


def test_a_source_that_hangs_delays_no_other_and_is_handed_back_when_the_worker_ends(
    portal: Portal, tmp_path: Path
) -> None:
    hasty = replace(portal, settings=replace(portal.settings, worker_stop=0))
    with hanging_source(portal, "hangs") as asked:
        with working(hasty) as (_, ended):
            until(asked.is_set)
            folder = tmp_path / "drop"
            folder.mkdir()
            (folder / "aa.csv").write_text("ma\n1\n", encoding="utf-8")
            config = {"each": True, "pattern": "*.csv", "settle_seconds": 0}
            described = {
                "url": str(folder),
                "source_type": "files",
                "name": "behind",
                "config": config,
            }
            registry.call(portal, SYSTEM, "harvest_source_create", described)
            registry.call(portal, SYSTEM, "harvest_job_create", {"source_id": "behind"})
            until(lambda: status(portal, "behind") == "Finished")
            assert status(portal, "hangs") == "Running"
            with portal.read() as uow:
                assert len(workers.list_signs(uow.session)) == 1
        assert ended == [False], "something is left under way"
        with portal.read() as uow:
            assert workers.list_signs(uow.session) == []
        with portal.work() as uow:
            taken = db.claim(uow.session, "next", now(), now() + timedelta(minutes=1))
        assert taken is not None and (taken.suspect, taken.job.tries) == (False, 1)
