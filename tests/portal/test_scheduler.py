"""Turns and jobs are taken once, however many workers there are; intervals and cron say when the next is due."""

import threading
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from portal import scheduler
from portal.access.identity import SYSTEM
from portal.actions import registry
from portal.db import harvest as db
from portal.domain.base import now
from portal.domain.harvest import HarvestJob, HarvestSource
from portal.runtime import Portal


@pytest.mark.parametrize(
    ("frequency", "expected"),
    [
        ("MANUAL", None),
        ("", None),
        ("HOURLY", datetime(2026, 11, 24, 13, 30)),
        ("DAILY", datetime(2026, 11, 25, 12, 30)),
        ("0 2 * * *", datetime(2026, 11, 24, 19, 0)),  # 02:00 in Việt Nam is 19:00 UTC of the day before
    ],
)
def test_when_a_source_is_due_next(frequency: str, expected: datetime | None) -> None:
    source = HarvestSource(frequency=frequency)
    assert scheduler.following(source, datetime(2026, 11, 24, 12, 30)) == expected


def test_three_schedulers_take_each_turn_once(portal: Portal, tmp_path: Path) -> None:
    for number in range(4):
        folder = tmp_path / f"drop-{number}"
        folder.mkdir()
        described = {"url": str(folder), "source_type": "files", "name": f"s{number}", "frequency": "DAILY"}
        registry.call(portal, SYSTEM, "harvest_source_create", {**described, "config": {"each": True}})
    queued: list[int] = []
    threads = [threading.Thread(target=lambda: queued.append(scheduler.enqueue_due(portal))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(queued) == 4
    with portal.read() as uow:
        assert uow.session.scalar(select(func.count()).select_from(HarvestJob)) == 4
        assert all(source.next_run > now() for source in db.list_sources(uow.session))
    assert scheduler.enqueue_due(portal) == 0


def test_a_job_is_claimed_once_and_a_source_is_never_walked_twice_at_a_time(portal: Portal) -> None:
    with portal.work() as uow:
        for number in range(3):
            uow.session.add(HarvestSource(id=f"s{number}", name=f"s{number}", url="/", source_type="files"))
        uow.session.flush()
        for number in range(6):
            uow.session.add(HarvestJob(id=f"j{number}", source_id=f"s{number % 3}"))
        uow.commit()
    claimed: list[str] = []

    def claim(owner: str) -> None:
        while True:
            with portal.work() as uow:
                taken = db.claim(uow.session, owner, now(), now() + timedelta(minutes=1))
                uow.commit()
            if taken is None:
                return
            claimed.append(taken.job.source_id)

    threads = [threading.Thread(target=claim, args=(f"worker-{number}",)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(claimed) == ["s0", "s1", "s2"]


def test_a_failing_task_is_survived(caplog: pytest.LogCaptureFixture) -> None:
    def broken() -> None:
        raise RuntimeError("as planned")

    assert scheduler.guarded(broken) is None
    assert "tried again at its next turn" in caplog.text


def test_the_worker_stops_when_told(portal: Portal) -> None:
    stop = threading.Event()
    worker = threading.Thread(target=scheduler.work, args=(portal, stop))
    worker.start()
    stop.set()
    worker.join(timeout=30)
    assert not worker.is_alive()
