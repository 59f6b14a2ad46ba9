"""Releases of harvested files go on for the same files, whatever else of their record
changes; what is new is held.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
from sqlalchemy import select

from portal import scheduler
from portal.access.identity import SYSTEM
from portal.domain.datasets import Dataset
from portal.errors import Invalid
from portal.pipeline import validation_runs
from portal.runtime import Portal
from tests.portal.actions.people import call
from tests.portal.pipeline.conftest import Json, Source

WHY = "Số lô của hợp tác xã, không phải số định danh."
Counts = Callable[[Json], Json]


def lots(first: int = 0) -> str:
    return "so_lo,tinh_trang\n" + "".join(
        f"0380950{first + number:05},tốt\n" for number in range(20)
    )


class Lots(Source):
    """A source whose one record is described by its configuration, so that everything
    but the files can change.
    """

    def __init__(self, portal: Portal, folder: Path, *patterns: str) -> None:
        folder.mkdir()
        self.described = {"name": "lo-hang", "title": "Lô hàng"}
        self.patterns, self.schema = patterns, ""
        super().__init__(portal, folder, **self.config())

    def config(self) -> Json:
        resources = [
            {
                "name": f"bang-{number}",
                "pattern": pattern,
                "mode": "append",
                "schema_name": self.schema or None,
            }
            for number, pattern in enumerate(self.patterns)
        ]
        return {"each": False, "dataset": self.described, "resources": resources}

    def describe(self, **more: Any) -> None:
        """Have the record say something else, of the same files."""
        self.described |= more
        config = orjson.dumps(
            {"pattern": "*.csv", "settle_seconds": 0, **self.config()}
        ).decode()
        call(self.portal, SYSTEM, "harvest_source_patch", id="folder", config=config)

    def next(self) -> Json:
        """Work off the job that a release has queued."""
        job = call(self.portal, SYSTEM, "harvest_job_list", source_id="folder")[0]
        assert scheduler.work_once(self.portal, scheduler.owner_name())
        return self.job(job["id"])


def key_of(portal: Portal) -> str:
    with portal.read() as uow:
        return str(uow.session.scalars(select(Dataset.id)).one())


def states(portal: Portal) -> list[str]:
    return [
        each["check_state"]
        for each in call(portal, SYSTEM, "package_show", id=key_of(portal))["resources"]
    ]


def release(portal: Portal, *columns: str) -> Json:
    return dict(
        call(
            portal,
            SYSTEM,
            "package_validation_override",
            id=key_of(portal),
            reason=WHY,
            columns=list(columns),
        )
    )


def test_a_release_goes_on_when_other_parts_of_the_record_change(
    portal: Portal, tmp_path: Path, counts: Counts
) -> None:
    source = Lots(portal, tmp_path / "drop", "a*.csv")
    source.write("a1.csv", lots())
    assert counts(source.run()) == {"refused": 1}
    decided = release(portal, "so_lo")
    # Before the release was used even once.
    source.describe(title="Lô hàng nông sản", notes="Cập nhật hằng ngày")
    assert counts(source.next()) == {"added": 1}
    assert states(portal) == ["open"]
    source.describe(title="Lô hàng của tỉnh", tags=["nông sản"])
    assert counts(source.run()) == {"updated": 1}
    shown = call(portal, SYSTEM, "package_show", id="lo-hang")
    assert (shown["title"], states(portal)) == ("Lô hàng của tỉnh", ["open"])
    resource = shown["resources"][0]["id"]
    report = call(portal, SYSTEM, "resource_validation_show", resource_id=resource)[
        "report"
    ]
    assert (report["decision"]["override_id"], report["decision"]["columns"]) == (
        decided["id"],
        ["so_lo"],
    )
    call(portal, SYSTEM, "resource_validation_run", resource_id=resource)
    assert validation_runs.drain(portal) == 1
    assert states(portal) == ["open"]
    listed = call(portal, SYSTEM, "package_validation_override_list", id="lo-hang")
    assert [each["id"] for each in listed] == [decided["id"]]


def test_what_is_new_in_a_file_or_beside_it_is_held(
    portal: Portal, tmp_path: Path, counts: Counts
) -> None:
    source = Lots(portal, tmp_path / "drop", "a*.csv", "b*.csv")
    source.write("a1.csv", lots())
    source.write("b1.csv", "ma,so\na,1\n")
    source.run()
    release(portal, "so_lo")
    assert counts(source.next()) == {"added": 1}
    # A day's file without any such number.
    source.write("a2.csv", "so_lo,tinh_trang\nA-1,tốt\n")
    assert counts(source.run()) == {"updated": 1}
    assert states(portal) == ["open", "open"]
    source.write("b1.csv", "ma,so\na,038095012345\n")
    assert counts(source.run()) == {"refused": 1}
    with pytest.raises(Invalid, match="so"):
        release(portal)
    release(portal, "so")  # the other column needs no second word
    assert counts(source.next()) == {"updated": 1}
    assert states(portal) == ["open", "open"]
    source.write("a3.csv", lots(100))
    assert counts(source.run()) == {"refused": 1}
    (source.folder / "a3.csv").unlink()
    source.write("a1.csv", lots(100))
    assert counts(source.run()) == {"refused": 1}


def test_a_release_of_persons_lets_no_other_error_pass(
    portal: Portal, tmp_path: Path, counts: Counts
) -> None:
    source = Lots(portal, tmp_path / "drop", "a*.csv")
    source.write("a1.csv", lots())
    source.run()
    release(portal, "so_lo")
    assert counts(source.next()) == {"added": 1}
    source.schema = "D11/khach-du-lich"
    source.describe()
    assert counts(source.run()) == {"refused": 1}


def test_a_released_file_that_is_no_table_stays_open_under_a_new_title(
    portal: Portal, tmp_path: Path, counts: Counts
) -> None:
    folder = tmp_path / "drop"
    folder.mkdir()
    (folder / "anh.bin").write_bytes(bytes(range(256)) * 4)
    source = Source(portal, folder, pattern="*.bin")
    source.run()
    assert states(portal) == ["held"]
    key = key_of(portal)
    call(portal, SYSTEM, "package_validation_override", id=key, reason=WHY)
    assert validation_runs.drain(portal) == 1
    assert states(portal) == ["open"]
    more = {
        "each": True,
        "pattern": "*.bin",
        "settle_seconds": 0,
        "tags": ["ảnh vệ tinh"],
    }
    call(
        portal,
        SYSTEM,
        "harvest_source_patch",
        id="folder",
        config=orjson.dumps(more).decode(),
    )
    assert counts(source.run()) == {"updated": 1}
    assert states(portal) == ["open"]
    (folder / "anh.bin").write_bytes(bytes(range(255)) * 4)
    source.run()
    assert states(portal) == ["held"]
