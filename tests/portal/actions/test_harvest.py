"""Harvest sources and jobs through their actions."""

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from portal import scheduler
from portal.access.identity import ANONYMOUS, SYSTEM, Actor
from portal.db import harvest as harvest_db
from portal.db.uow import UnitOfWork
from portal.domain.harvest import HarvestSource
from portal.errors import Invalid, NotAuthorized
from portal.runtime import Portal
from tests.portal.actions.people import Json, call, make_actor, make_org

GUARDS = (
    "portal.actions._shared.harvest_dicts",
    "portal.actions._shared.harvest_sources",
    "portal.db.harvest",
    "portal.domain.harvest",
    "schemas.harvest",
    "schemas.record",
)


@pytest.fixture
def org(portal: Portal) -> Json:
    return make_org(portal, "so-y-te")


@pytest.fixture
def admin(portal: Portal, org: Json) -> Actor:
    return make_actor(portal, "boss", "admin", org)


def described(tmp_path: Path, **changes: Any) -> Json:
    folder = tmp_path / "drop"
    folder.mkdir(exist_ok=True)
    config = {"each": True, "pattern": "*.csv", "settle_seconds": 0}
    return {
        "url": str(folder), "source_type": "files", "name": "drop", "title": "Drop", "owner_org": "so-y-te",
        "frequency": "MANUAL", "config": config, **changes,
    }  # fmt: skip


def make_source(uow: UnitOfWork, name: str, organization: str | None) -> HarvestSource:
    source = HarvestSource(
        name=name,
        url=f"https://{name}.example.vn",
        source_type="ckan",
        owner_org=organization,
    )
    uow.session.add(source)
    uow.session.flush()
    return source


def test_a_source_is_made_shown_and_changed(
    portal: Portal, admin: Actor, tmp_path: Path
) -> None:
    made = call(portal, admin, "harvest_source_create", **described(tmp_path))
    assert (made["frequency"], made["active"], made["next_run"]) == (
        "MANUAL",
        True,
        None,
    )
    assert made["status"] == {
        "job_count": 0, "last_job": None, "next_harvest": "Not yet scheduled", "total_datasets": 0
    }  # fmt: skip
    assert call(portal, admin, "harvest_source_show", id="drop")["id"] == made["id"]
    assert (
        call(portal, admin, "harvest_source_show_status", id="drop")["job_count"] == 0
    )
    patched = call(portal, admin, "harvest_source_patch", id="drop", frequency="DAILY")
    assert (patched["title"], patched["frequency"]) == ("Drop", "DAILY")
    assert patched["next_run"] is not None
    updated = call(
        portal,
        admin,
        "harvest_source_update",
        id="drop",
        **described(tmp_path, title="Other"),
    )
    assert (updated["title"], updated["next_run"]) == ("Other", None)
    assert [each["name"] for each in call(portal, admin, "harvest_source_list")] == [
        "drop"
    ]
    assert call(portal, admin, "harvest_source_delete", id="drop")["active"] is False
    assert call(portal, admin, "harvest_source_list", only_active=True) == []
    kinds = [kind["name"] for kind in call(portal, ANONYMOUS, "harvesters_info_show")]
    assert kinds == ["ckan", "dcat", "lgsp", "sql", "datapackage", "files"]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"source_type": "ftp"}, "source_type"),
        ({"frequency": "SOMETIMES"}, "frequency"),
        ({"config": "{not json"}, "config"),
        ({"config": {"each": True, "no_such_key": 1}}, "no_such_key"),
        ({"config": {}}, "dataset"),
        ({"url": ""}, "url"),
        ({"owner_org": "nobody"}, "owner_org"),
        ({"name": "Bad Name"}, "name"),
    ],
)
def test_what_cannot_be_a_source(
    portal: Portal, org: Json, tmp_path: Path, changes: Json, field: str
) -> None:
    with pytest.raises(Invalid) as problem:
        call(portal, SYSTEM, "harvest_source_create", **described(tmp_path, **changes))
    assert field in problem.value.errors


def test_only_the_organizations_admin_manages_and_its_people_see(
    portal: Portal, admin: Actor, tmp_path: Path
) -> None:
    call(portal, admin, "harvest_source_create", **described(tmp_path))
    outsider = make_actor(portal, "outsider")
    for action, params in (
        ("harvest_source_show", {"id": "drop"}),
        ("harvest_source_patch", {"id": "drop", "title": "x"}),
        ("harvest_source_clear", {"id": "drop"}),
        ("harvest_job_create", {"source_id": "drop"}),
    ):
        with pytest.raises(NotAuthorized):
            call(portal, outsider, action, **params)
    assert call(portal, outsider, "harvest_source_list") == []
    with pytest.raises(NotAuthorized):
        call(portal, ANONYMOUS, "harvest_source_list")


def test_a_job_from_new_to_finished_and_cleared(
    portal: Portal, admin: Actor, tmp_path: Path
) -> None:
    call(portal, admin, "harvest_source_create", **described(tmp_path))
    (tmp_path / "drop" / "aa.csv").write_text("ma\n00001\n", encoding="utf-8")
    (tmp_path / "drop" / "bb.csv").write_text("<html></html>", encoding="utf-8")
    job = call(portal, admin, "harvest_job_create", source_id="drop", run=False)
    assert (job["status"], scheduler.work_once(portal, "w")) == ("New", False)
    with pytest.raises(Invalid, match="already is an unrun job"):
        call(portal, admin, "harvest_job_create", source_id="drop")
    call(portal, admin, "harvest_send_job_to_gather_queue", id=job["id"])
    assert scheduler.work_once(portal, "w") is True
    done = call(portal, admin, "harvest_job_show", id=job["id"])
    assert (done["status"], done["stats"]["added"], done["stats"]["refused"]) == (
        "Finished",
        1,
        1,
    )
    assert [
        each["id"] for each in call(portal, admin, "harvest_job_list", source_id="drop")
    ] == [job["id"]]
    report = call(portal, admin, "harvest_job_report", id=job["id"])
    (item,) = report["object_errors"].values()
    assert item["report"]["resources"][0]["report"]["valid"] is False
    assert call(portal, admin, "harvest_object_show", id=item["id"])["guid"] == "bb.csv"
    objects = call(portal, admin, "harvest_object_list", source_id="drop")
    assert (len(objects), item["id"] in objects) == (2, True)
    assert (
        call(portal, admin, "harvest_object_list", job_id=job["id"], limit=1)
        == objects[:1]
    )
    assert call(portal, admin, "harvest_object_list", source_id="other") == []
    told = call(portal, admin, "harvest_log_list", source_id="drop")
    assert {each["level"] for each in told} <= {"INFO", "ERROR"}
    assert call(portal, admin, "harvest_log_list", level="ERROR") == [
        e for e in told if e["level"] == "ERROR"
    ]
    with pytest.raises(Invalid, match="Level must be one of"):
        call(portal, admin, "harvest_log_list", level="loud")
    with pytest.raises(NotAuthorized):
        call(portal, ANONYMOUS, "harvest_object_list")
    reports = call(portal, admin, "package_validation_list", id=item["package_id"])
    assert [each["status"] for each in reports] == ["failure"]
    assert call(portal, admin, "harvest_source_clear", id="drop")["datasets"] == 2
    assert call(portal, ANONYMOUS, "package_list") == []
    assert (
        call(portal, admin, "harvest_source_show_status", id="drop")["job_count"] == 0
    )


@pytest.mark.parametrize("count", [2, 12])
def test_lists_of_sources_and_jobs_ask_alike_however_long_they_are(
    portal: Portal, admin: Actor, count: int
) -> None:
    other = make_org(portal, "so-khac")["id"]
    with portal.work() as uow:
        for number in range(count):
            organization = other if number % 2 else None
            source = make_source(uow, f"nguon-{number}", organization)
            for _ in range(3):
                harvest_db.new_job(uow.session, source)
        uow.commit()
    asked: list[str] = []

    def note(
        _connection: object, _cursor: object, statement: str, *_rest: object
    ) -> None:
        asked.append(statement)

    event.listen(portal.engine, "before_cursor_execute", note)
    try:
        sources = call(portal, SYSTEM, "harvest_source_list")
        jobs = call(portal, SYSTEM, "harvest_job_list", limit=100)
    finally:
        event.remove(portal.engine, "before_cursor_execute", note)
    assert (len(sources), len(jobs)) == (count, 3 * count)
    assert all(
        each["status"]["job_count"] == 3 and each["status"]["last_job"]
        for each in sources
    )
    assert len(asked) < 20, "there is a question for each source or job"


def test_a_page_of_jobs_is_full_of_jobs_that_the_caller_may_see(
    portal: Portal, org: Json, admin: Actor
) -> None:
    with portal.work() as uow:
        own, foreign = (
            make_source(uow, "cua-minh", org["id"]),
            make_source(uow, "cua-nguoi", None),
        )
        jobs = [harvest_db.new_job(uow.session, own) for _ in range(3)]
        for _ in range(5):
            harvest_db.new_job(uow.session, foreign)
        wanted = {job.id for job in jobs}
        uow.commit()
    seen = call(portal, admin, "harvest_job_list", limit=3)
    assert {each["id"] for each in seen} == wanted
    assert [each["name"] for each in call(portal, admin, "harvest_source_list")] == [
        "cua-minh"
    ]


def test_a_source_that_cannot_be_reached_says_why(
    portal: Portal, admin: Actor, tmp_path: Path
) -> None:
    call(portal, admin, "harvest_source_create", **described(tmp_path, url="/etc"))
    call(portal, admin, "harvest_job_create", source_id="drop")
    scheduler.work_once(portal, "w")
    (job,) = call(portal, admin, "harvest_job_list", source_id="drop")
    assert (job["status"], job["stats"]["errored"]) == ("Finished", 0)
    assert "PORTAL_HARVEST_ROOTS" in job["gather_error_summary"][0][0]
