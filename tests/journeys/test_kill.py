"""kill -9 of a real worker amid a harvest or a load: the next one finishes, nothing is
lost, doubled or left over.
"""

import io
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import orjson
import pytest
from sqlalchemy import func, select

from portal.access.identity import ANONYMOUS, SYSTEM
from portal.actions import registry
from portal.bootstrap import build_portal
from portal.db import datasets
from portal.domain.datasets import Dataset, TableVersion
from portal.domain.events import OutboxRow
from portal.pipeline import index
from portal.pipeline import load as loading
from portal.pipeline import sweep as sweeping
from portal.runtime import Portal
from portal.settings import load
from portal.tabular.store import Manifest
from schemas.record import Upload

FILES = 60
BIG = 140_000
ROWS = "".join(f"{number:05},Bệnh viện số {number}\n" for number in range(200))


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return {
        "PORTAL_DATA_DIR": str(tmp_path / "var"),
        "PORTAL_HARVEST_ROOTS": str(tmp_path),
        "PORTAL_HARVEST_LEASE": "2",
        # A worker is to be killed, so it gets every upload.
        "PORTAL_CHECK_INLINE_MB": "0",
        "PORTAL_LOG_LEVEL": "WARNING",
    }


def start_worker(environment: dict[str, str]) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "portal.cli", "worker"]
    clean = {
        key: value for key, value in os.environ.items() if not key.startswith("PORTAL_")
    }
    return subprocess.Popen(
        command, env={**clean, **environment}, stdout=subprocess.DEVNULL
    )


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


def test_kill_nine_in_the_middle_of_a_harvest(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    folder = tmp_path / "drop"
    folder.mkdir()
    for number in range(FILES):
        (folder / f"benh-vien-{number:03}.csv").write_text(
            f"ma,ten\n{ROWS}", encoding="utf-8"
        )
    portal = build_portal(load(environment), upgrade=True)
    try:
        config = {"each": True, "pattern": "*.csv", "settle_seconds": 0}
        described = {
            "url": str(folder),
            "source_type": "files",
            "name": "drop",
            "config": config,
        }
        registry.call(portal, SYSTEM, "harvest_source_create", described)
        job_id = registry.call(
            portal, SYSTEM, "harvest_job_create", {"source_id": "drop"}
        )["id"]
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
            assert (
                uow.session.scalar(select(func.count()).select_from(Dataset)) == FILES
            )
            assert (
                uow.session.scalar(select(func.count()).select_from(TableVersion))
                == FILES
            )
        assert index.compare(portal).none
        with portal.read() as uow:
            assert (
                uow.session.scalars(
                    select(OutboxRow).where(OutboxRow.topic == "index")
                ).all()
                == []
            )
        answer = registry.call(
            portal, ANONYMOUS, "package_search", {"q": "benh-vien-059", "rows": 1}
        )
        assert (
            orjson.loads(orjson.dumps(answer))["results"][0]["name"] == "benh-vien-059"
        )
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


def test_kill_nine_in_the_middle_of_a_load(environment: dict[str, str]) -> None:
    portal = build_portal(load(environment), upgrade=True)
    try:
        registry.call(portal, SYSTEM, "organization_create", {"name": "so-y-te"})
        registry.call(
            portal, SYSTEM, "package_create", {"name": "thuoc", "owner_org": "so-y-te"}
        )
        key = registry.call(
            portal,
            SYSTEM,
            "resource_create",
            {"package_id": "thuoc", "upload": _table(2)},
        )["id"]
        loading.drain(portal)
        old = rows_of(portal, key)
        registry.call(
            portal, SYSTEM, "resource_update", {"id": key, "upload": _table(BIG)}
        )
        worker = start_worker({**environment, "PORTAL_WORKER_POLL": "1"})
        tables = Path(environment["PORTAL_DATA_DIR"]) / "tables"
        try:
            _until(lambda: any(tables.glob("part-*/part.parquet")))
        finally:
            worker.send_signal(signal.SIGKILL)
            worker.wait()
        assert rows_of(portal, key) == old == 2, "the old version is served"
        sweeping.sweep(portal, timedelta(0))
        assert not any(tables.glob("part-*")) and not any(
            (tables.parent / "work").glob("*")
        )
        assert set(portal.files.keys(0)) == _named(portal)
        # Once the dead worker's claim has run out.
        _until(lambda: loading.drain(portal) == 1)
        assert rows_of(portal, key) == BIG
        assert set(portal.files.keys(0)) == _named(portal)
    finally:
        portal.close()


def _table(rows: int) -> Upload:
    text = "ma,ten,so\n" + "".join(
        f"{number:07},Bệnh viện số {number},{number}\n" for number in range(rows)
    )
    return Upload(
        stream=io.BytesIO(text.encode()), name="thuoc.csv", media_type="text/csv"
    )


def rows_of(portal: Portal, key: str) -> int:
    return int(
        registry.call(
            portal, ANONYMOUS, "datastore_search", {"resource_id": key, "limit": 0}
        )["total"]
    )


def _named(portal: Portal) -> set[str]:
    """The keys of every blob that a version or a resource names."""
    with portal.read() as uow:
        manifests = [
            Manifest.from_dict(body) for body in datasets.list_manifests(uow.session)
        ]
        return {key for manifest in manifests for key in manifest.keys} | set(
            datasets.list_file_keys(uow.session)
        )


def _until(happened: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.005)
