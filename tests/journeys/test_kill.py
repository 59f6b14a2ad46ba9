"""kill -9 of a real worker in the middle of a harvest: the next one finishes, nothing is lost, nothing doubled."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import orjson
import pytest
from sqlalchemy import func, select

from portal.access.identity import ANONYMOUS, SYSTEM
from portal.actions import registry
from portal.bootstrap import build_portal
from portal.domain.datasets import Dataset, TableVersion
from portal.domain.events import OutboxRow
from portal.pipeline import index
from portal.runtime import Portal
from portal.settings import load

FILES = 60
ROWS = "".join(f"{number:05},Bệnh viện số {number}\n" for number in range(200))


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return {
        "PORTAL_DATA_DIR": str(tmp_path / "var"),
        "PORTAL_HARVEST_ROOTS": str(tmp_path),
        "PORTAL_HARVEST_LEASE": "2",
        "PORTAL_LOG_LEVEL": "WARNING",
    }


def start_worker(environment: dict[str, str]) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "portal.cli", "worker"]
    clean = {key: value for key, value in os.environ.items() if not key.startswith("PORTAL_")}
    return subprocess.Popen(command, env={**clean, **environment}, stdout=subprocess.DEVNULL)


def wait_for(portal: Portal, done: int, seconds: float = 60) -> int:
    """Wait until so many datasets are stored."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with portal.read() as uow:
            count = uow.session.scalar(select(func.count()).select_from(Dataset)) or 0
        if count >= done:
            return count
        time.sleep(0.02)
    raise AssertionError(f"not {done} datasets after {seconds} s")


def test_kill_nine_in_the_middle_of_a_harvest(tmp_path: Path, environment: dict[str, str]) -> None:
    folder = tmp_path / "drop"
    folder.mkdir()
    for number in range(FILES):
        (folder / f"benh-vien-{number:03}.csv").write_text(f"ma,ten\n{ROWS}", encoding="utf-8")
    portal = build_portal(load(environment), upgrade=True)
    try:
        config = {"each": True, "pattern": "*.csv", "settle_seconds": 0}
        described = {"url": str(folder), "source_type": "files", "name": "drop", "config": config}
        registry.call(portal, SYSTEM, "harvest_source_create", described)
        job_id = registry.call(portal, SYSTEM, "harvest_job_create", {"source_id": "drop"})["id"]
        for goal in (5, 20):
            worker = start_worker(environment)
            reached = wait_for(portal, goal)
            worker.send_signal(signal.SIGKILL)
            worker.wait()
            assert reached < FILES, "the worker was too fast to be killed in the middle"
        worker = start_worker(environment)
        try:
            wait_for(portal, FILES)
            job = finished(portal, job_id)
        finally:
            worker.terminate()
            assert worker.wait(timeout=60) == 0
        assert job["stats"]["added"] == FILES
        assert job["stats"]["errored"] == 0
        with portal.read() as uow:
            assert uow.session.scalar(select(func.count()).select_from(Dataset)) == FILES
            assert uow.session.scalar(select(func.count()).select_from(TableVersion)) == FILES
        assert index.compare(portal).none
        with portal.read() as uow:
            assert uow.session.scalars(select(OutboxRow).where(OutboxRow.topic == "index")).all() == []
        answer = registry.call(portal, ANONYMOUS, "package_search", {"q": "benh-vien-059", "rows": 1})
        assert orjson.loads(orjson.dumps(answer))["results"][0]["name"] == "benh-vien-059"
    finally:
        portal.close()


def finished(portal: Portal, job_id: str, seconds: float = 60) -> dict:
    """The job, once it is over."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        job = registry.call(portal, SYSTEM, "harvest_job_show", {"id": job_id})
        if job["status"] == "Finished":
            return job
        time.sleep(0.05)
    raise AssertionError(f"the job is {job['status']} after {seconds} s")
