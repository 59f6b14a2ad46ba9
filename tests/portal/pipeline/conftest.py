"""A folder of CSV files as a source, and ways to run its jobs."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from portal import scheduler
from portal.access.identity import SYSTEM
from portal.actions import registry
from portal.runtime import Portal

Json = dict[str, Any]


class Source:
    """A `files` source over a folder: each CSV file is a dataset."""

    def __init__(self, portal: Portal, folder: Path, **config: Any) -> None:
        self.portal, self.folder = portal, folder
        config = {"each": True, "pattern": "*.csv", "settle_seconds": 0, **config}
        described = {
            "url": str(folder),
            "source_type": "files",
            "name": "folder",
            "config": config,
        }
        registry.call(portal, SYSTEM, "harvest_source_create", described)

    def write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text, encoding="utf-8")

    def queue(self) -> str:
        return str(
            registry.call(
                self.portal, SYSTEM, "harvest_job_create", {"source_id": "folder"}
            )["id"]
        )

    def run(self) -> Json:
        """Queue a job, work it off, and return it as harvest_job_show does."""
        job_id = self.queue()
        assert scheduler.work_once(self.portal, scheduler.owner_name())
        return self.job(job_id)

    def job(self, job_id: str) -> Json:
        return dict(
            registry.call(self.portal, SYSTEM, "harvest_job_show", {"id": job_id})
        )


@pytest.fixture
def source(portal: Portal, tmp_path: Path) -> Source:
    folder = tmp_path / "drop"
    folder.mkdir()
    return Source(portal, folder)


@pytest.fixture
def counts() -> Callable[[Json], Json]:
    """The counts of a job that are not 0."""
    return lambda job: {name: number for name, number in job["stats"].items() if number}


def leaving_loads(portal: Portal) -> Portal:
    """The portal as one whose requests load nothing: what they store waits for the
    worker.
    """
    return replace(portal, settings=replace(portal.settings, check_inline_mb=0))
