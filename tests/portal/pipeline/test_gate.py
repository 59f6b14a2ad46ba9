"""The gate on the way of harvested tables: held content passes by decision, bad rows of
several files by policy.
"""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select

from portal import scheduler
from portal.access.identity import SYSTEM
from portal.db import validation
from portal.domain.base import now
from portal.domain.datasets import Dataset
from portal.errors import Invalid
from portal.pipeline import sweep, validation_runs
from portal.runtime import Portal
from tests.portal.actions.people import call
from tests.portal.pipeline.conftest import Json, Source

GUARDS = (
    "portal.actions.gate",
    "portal.db.validation",
    "portal.domain.gate",
    "portal.pipeline.validation_runs",
    "portal.pipeline.verdict",
)
SCHEMA = "D11/khach-du-lich"
HEADER = "ky,ma_khu,luot_khach,khach_quoc_te,cong_suat_phong\n"
GOOD, BAD = f"{HEADER}202601,A1,5,1,50\n", f"{HEADER}202601,A1,năm,1,50\n"


def dataset_of(portal: Portal) -> Json:
    return dict(
        call(portal, SYSTEM, "package_search", include_drafts=True)["results"][0]
    )


def test_refused_content_passes_by_a_decision_and_only_that_content(
    portal: Portal, tmp_path: Any, counts: Callable[[Json], Json]
) -> None:
    folder = tmp_path / "drop"
    folder.mkdir()
    source = Source(portal, folder, schema_name=SCHEMA)
    source.write("aa.csv", GOOD)
    assert counts(source.run()) == {"added": 1}
    shown = dataset_of(portal)
    source.write("aa.csv", BAD)
    assert counts(source.run()) == {"refused": 1}
    assert counts(source.run()) == {"refused": 1}
    decided = call(
        portal,
        SYSTEM,
        "package_validation_override",
        id=shown["id"],
        reason="Nguồn xác nhận thiếu số.",
    )
    assert decided["resource_id"] is None
    job = call(portal, SYSTEM, "harvest_job_list", source_id="folder")[0]
    assert scheduler.work_once(portal, scheduler.owner_name())
    assert counts(source.job(job["id"])) == {"updated": 1}
    rows = call(
        portal, SYSTEM, "datastore_search", resource_id=shown["resources"][0]["id"]
    )["records"]
    assert [(row["ma_khu"], row["luot_khach"]) for row in rows] == [("A1", None)]
    assert counts(source.run()) == {"not modified": 1}
    source.write("aa.csv", BAD + "202602,A1,hai,1,50\n")
    assert counts(source.run()) == {"refused": 1}


def test_personal_columns_pass_no_harvest_whatever_is_decided(
    portal: Portal, source: Source, counts: Callable[[Json], Json]
) -> None:
    source.write(
        "aa.csv", "ma,cccd\n" + "".join(f"{n:05},038201{n:06}\n" for n in range(20))
    )
    assert counts(source.run()) == {"refused": 1}
    key = _draft(portal)
    call(portal, SYSTEM, "package_validation_policy_update", id=key, policy="warn")
    with pytest.raises(Invalid, match="personal data"):
        call(
            portal,
            SYSTEM,
            "package_validation_override",
            id=key,
            reason="Cần công bố bảng này ngay.",
        )
    source.write(
        "aa.csv", "ma,cccd\n" + "".join(f"{n:05},038202{n:06}\n" for n in range(20))
    )
    assert counts(source.run()) == {"refused": 1}


def test_bad_rows_of_many_files_wait_while_the_others_are_published(
    portal: Portal, tmp_path: Any
) -> None:
    folder = tmp_path / "drop"
    folder.mkdir()
    resources = [
        {"name": "khach", "pattern": "*.csv", "schema_name": SCHEMA, "mode": "append"}
    ]
    source = Source(
        portal,
        folder,
        each=False,
        dataset={"name": "khach", "title": "Khách"},
        resources=resources,
    )
    for day in (1, 2):
        body = "".join(f"20260{day},A{number},9,1,50\n" for number in range(20))
        source.write(f"ngay-{day}.csv", f"{HEADER}{body}20260{day},B,sai,1,50\n")
    source.run()
    portal_policy = {"id": _draft(portal), "policy": "quarantine"}
    call(portal, SYSTEM, "package_validation_policy_update", **portal_policy)
    source.write(
        "ngay-2.csv",
        (folder / "ngay-2.csv").read_text(encoding="utf-8") + "202602,C,9,1,50\n",
    )
    source.run()
    resource = call(portal, SYSTEM, "package_show", id=portal_policy["id"])[
        "resources"
    ][0]
    found = call(portal, SYSTEM, "datastore_search", resource_id=resource["id"])
    assert found["total"] == 41
    kept = call(portal, SYSTEM, "resource_quarantine_show", resource_id=resource["id"])
    assert kept["rows"] == 2
    sweep.sweep(portal)
    with portal.read() as uow:
        key = validation.find_quarantine(uow.session, resource["id"])
    assert key is not None
    lines = portal.files.path(key.file_key).read_text(encoding="utf-8").splitlines()
    assert [line.split(",")[:2] for line in lines[1:]] == [
        ["22", "ngay-1.csv"],
        ["22", "ngay-2.csv"],
    ]
    call(portal, SYSTEM, "resource_validation_run", resource_id=resource["id"])
    assert validation_runs.drain(portal) == 1
    again = call(portal, SYSTEM, "resource_validation_show", resource_id=resource["id"])
    assert (again["status"], again["report"]["decision"]["reason"]) == (
        "success",
        "stored-rows",
    )
    assert again["finished"] <= now().isoformat()


def _draft(portal: Portal) -> str:
    with portal.read() as uow:
        return str(uow.session.scalars(select(Dataset.id)).one())
