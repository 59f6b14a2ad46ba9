"""A job from queue to search hit: outcomes, second runs, refusals, deletions,
crashes.
"""

from pathlib import Path
from types import ModuleType
from typing import Any

import orjson
import pytest
from sqlalchemy import func, select

from portal import scheduler
from portal.access.identity import ANONYMOUS, SYSTEM
from portal.actions import registry
from portal.db import harvest as db
from portal.db.harvest import LeaseLost
from portal.domain.base import now
from portal.domain.datasets import Dataset, TableVersion
from portal.domain.harvest import HarvestIdentity, HarvestObject, HarvestSource
from portal.pipeline import gate, harvest_job, index, store, validate
from portal.pipeline.job_lease import JobLease
from portal.pipeline.store import Item
from portal.reading import ReadOptions
from portal.runtime import Portal
from schemas.record import DatasetRecord
from tests.portal.pipeline.conftest import Source
from tests.servers.ckan import ckan

GUARDS = (
    "portal.pipeline.deletions",
    "portal.pipeline.harvest",
    "portal.pipeline.harvest_object",
    "portal.pipeline.job_lease",
    "portal.pipeline.store",
    "portal.pipeline.validate",
)
GOOD = "ma,ten\n00001,Bệnh viện tỉnh\n00002,Trạm y tế\n"


def found(portal: Portal, q: str) -> list[str]:
    answer = registry.call(portal, ANONYMOUS, "package_search", {"q": q})
    return [orjson.loads(orjson.dumps(hit))["name"] for hit in answer["results"]]


def test_a_file_becomes_a_search_hit_with_rows(
    portal: Portal, source: Source, counts
) -> None:
    source.write("benh-vien.csv", GOOD)
    assert counts(source.run()) == {"added": 1}
    index.drain(portal)
    assert found(portal, "benh vien") == ["benh-vien"]
    package = orjson.loads(
        orjson.dumps(
            registry.call(portal, ANONYMOUS, "package_show", {"id": "benh-vien"})
        )
    )
    rows = registry.call(
        portal,
        ANONYMOUS,
        "datastore_search",
        {"resource_id": package["resources"][0]["id"]},
    )
    records = orjson.loads(orjson.dumps(rows))["records"]
    assert [record["ma"] for record in records] == ["00001", "00002"]
    assert package["resources"][0]["datastore_active"] is True


def test_a_second_run_changes_nothing(portal: Portal, source: Source, counts) -> None:
    source.write("aa.csv", GOOD)
    source.run()
    with portal.read() as uow:
        before = uow.session.execute(select(Dataset.rendered, Dataset.revision)).all()
    assert counts(source.run()) == {"not modified": 1}
    with portal.read() as uow:
        assert (
            uow.session.execute(select(Dataset.rendered, Dataset.revision)).all()
            == before
        )
        assert uow.session.scalar(select(func.count()).select_from(TableVersion)) == 1


def test_a_change_makes_a_new_version_and_keeps_every_identity(
    portal: Portal, source: Source, counts
) -> None:
    source.write("aa.csv", GOOD)
    source.run()
    before = orjson.loads(
        orjson.dumps(registry.call(portal, SYSTEM, "package_show", {"id": "aa"}))
    )
    source.write("aa.csv", GOOD + "00003,Phòng khám\n")
    assert counts(source.run()) == {"updated": 1}
    after = orjson.loads(
        orjson.dumps(registry.call(portal, SYSTEM, "package_show", {"id": "aa"}))
    )
    assert (after["id"], after["resources"][0]["id"]) == (
        before["id"],
        before["resources"][0]["id"],
    )
    with portal.read() as uow:
        assert sorted(uow.session.scalars(select(TableVersion.number))) == [1, 2]


def test_a_bad_item_never_stops_the_rest_and_its_last_version_stays(
    portal: Portal, source: Source, counts
) -> None:
    source.write("aa.csv", GOOD)
    source.write("bb.csv", GOOD)
    source.run()
    source.write("aa.csv", "<html><body>Lỗi máy chủ</body></html>")
    source.write("bb.csv", GOOD + "00003,Phòng khám\n")
    job = source.run()
    assert counts(job) == {"refused": 1, "updated": 1}
    package = orjson.loads(
        orjson.dumps(registry.call(portal, ANONYMOUS, "package_show", {"id": "aa"}))
    )
    rows = registry.call(
        portal,
        ANONYMOUS,
        "datastore_search",
        {"resource_id": package["resources"][0]["id"]},
    )
    assert rows["total"] == 2
    report = registry.call(portal, SYSTEM, "harvest_job_report", {"id": job["id"]})
    assert [item["title"] or item["guid"] for item in report["object_errors"].values()]
    assert counts(source.run()) == {"refused": 1, "not modified": 1}


def test_a_refused_newcomer_is_a_draft_that_nobody_outside_sees(
    portal: Portal, source: Source, counts
) -> None:
    source.write("hong.csv", "<html></html>")
    assert counts(source.run()) == {"refused": 1}
    index.drain(portal)
    assert found(portal, "hong") == []
    with portal.read() as uow:
        assert uow.session.scalars(select(Dataset.state)).all() == ["draft"]
    source.write("hong.csv", GOOD)
    assert counts(source.run()) == {"added": 1}
    index.drain(portal)
    assert found(portal, "hong") == ["hong"]


def test_what_a_complete_listing_no_longer_names_is_deleted(
    portal: Portal, source: Source, counts
) -> None:
    source.write("aa.csv", GOOD)
    source.write("bb.csv", GOOD)
    source.run()
    (source.folder / "bb.csv").unlink()
    assert counts(source.run()) == {"not modified": 1, "deleted": 1}
    index.drain(portal)
    assert found(portal, "*:*") == ["aa"]
    source.write("bb.csv", GOOD)
    assert counts(source.run())["added"] == 1


def test_an_empty_listing_deletes_nothing(portal: Portal, source: Source) -> None:
    source.write("aa.csv", GOOD)
    source.run()
    (source.folder / "aa.csv").unlink()
    job = source.run()
    assert job["stats"]["deleted"] == 0
    assert found(portal, "*:*") == ["aa"]


def test_too_many_deletions_are_doubted(portal: Portal, source: Source) -> None:
    for number in range(30):
        source.write(f"d{number:02}.csv", GOOD)
    source.run()
    for number in range(15):
        (source.folder / f"d{number:02}.csv").unlink()
    job = source.run()
    assert job["stats"]["deleted"] == 0
    assert [note["code"] for note in job["notes"]] == ["deletions-withheld"]


def test_what_a_person_deleted_stays_deleted(portal: Portal, source: Source) -> None:
    source.write("aa.csv", GOOD)
    source.run()
    registry.call(portal, SYSTEM, "package_delete", {"id": "aa"})
    source.write("aa.csv", GOOD + "00003,Phòng khám\n")
    source.run()
    with portal.read() as uow:
        assert uow.session.scalars(select(Dataset.state)).all() == ["deleted"]


def test_a_worker_that_lost_its_lease_can_store_nothing(
    portal: Portal, source: Source
) -> None:
    source.write("aa.csv", GOOD)
    job_id = source.queue()
    with portal.work() as uow:
        db.claim(uow.session, "first", now(), now())
        uow.commit()
    with portal.work() as uow:
        assert db.claim(uow.session, "second", now(), now()) is not None
        uow.commit()
    with pytest.raises(LeaseLost):
        harvest_job.run_job(portal, job_id, "first")
    with portal.read() as uow:
        assert uow.session.scalars(select(Dataset)).all() == []


def test_an_aborted_job_stops_at_its_next_step(portal: Portal, source: Source) -> None:
    for number in range(5):
        source.write(f"d{number}.csv", GOOD)
    job_id = source.queue()
    with portal.work() as uow:
        db.claim(uow.session, "worker", now(), now())
        uow.commit()

    def abort(stage: str, done: int, total: int) -> None:
        if done == 2:
            registry.call(portal, SYSTEM, "harvest_job_abort", {"id": job_id})

    with pytest.raises(LeaseLost):
        harvest_job.run_job(portal, job_id, "worker", abort)
    job = source.job(job_id)
    assert job["status"] == "Aborted"
    assert job["stats"]["added"] == 2


@pytest.mark.parametrize(
    ("stage", "step"), [(gate, "prepare"), (store, "store"), (store, "content_hash")]
)
def test_a_crash_at_any_step_is_followed_by_a_run_that_finishes(
    portal: Portal,
    source: Source,
    counts,
    monkeypatch: pytest.MonkeyPatch,
    stage: ModuleType,
    step: str,
) -> None:
    """A crash is a BaseException here: nothing of ours catches it, as nothing catches
    kill -9.
    """
    source.write("aa.csv", GOOD)
    source.write("bb.csv", GOOD)
    job_id = source.queue()
    with portal.work() as uow:
        db.claim(uow.session, "first", now(), now())
        uow.commit()
    real, calls = getattr(stage, step), []

    def dying(*args, **kwargs):
        calls.append(step)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return real(*args, **kwargs)

    monkeypatch.setattr(stage, step, dying)
    with pytest.raises(KeyboardInterrupt):
        harvest_job.run_job(portal, job_id, "first")
    monkeypatch.undo()
    with portal.work() as uow:
        job = db.get_job(uow.session, job_id)
        job.lease_until = now()
        uow.commit()
    with portal.work() as uow:
        assert db.claim(uow.session, "second", now(), now()) is not None
        uow.commit()
    harvest_job.run_job(portal, job_id, "second")
    assert counts(source.job(job_id)) == {"added": 2}
    with portal.read() as uow:
        assert uow.session.scalar(select(func.count()).select_from(Dataset)) == 2
        assert uow.session.scalar(select(func.count()).select_from(TableVersion)) == 2


def test_an_item_that_kills_its_worker_again_and_again_is_given_up(
    portal: Portal, source: Source, counts
) -> None:
    source.write("aa.csv", GOOD)
    job_id = source.queue()
    with portal.work() as uow:
        taken = db.claim(uow.session, "worker", now(), now())
        assert taken is not None
        job = taken.job
        job.gather_finished = now()
        uow.session.add(
            HarvestObject(
                job_id=job.id,
                source_id=job.source_id,
                guid="aa.csv",
                tries=portal.settings.harvest_tries,
            )
        )
        uow.commit()
    harvest_job.run_job(portal, job_id, "worker")
    job = source.job(job_id)
    assert job["stats"]["errored"] == 1
    assert "given up" in job["object_error_summary"][0][0]


def test_the_heartbeat_notices_a_lost_lease(portal: Portal, source: Source) -> None:
    job_id = source.queue()
    lease = JobLease(portal, job_id, "nobody")
    with pytest.raises(LeaseLost), portal.work() as uow:
        lease.renew(uow)


def test_what_its_catalogue_closes_is_closed_here_even_when_the_rest_is_refused(
    portal: Portal, tmp_path: Path
) -> None:
    package: dict[str, Any] = {
        "id": "p1",
        "name": "p1",
        "title": "P",
        "private": False,
        "state": "active",
    }
    package["resources"] = [
        {"id": "r", "name": "r", "url": "https://example.vn/a.csv", "format": "CSV"}
    ]

    def states() -> tuple[str, bool]:
        with portal.read() as uow:
            dataset = uow.session.scalars(
                select(Dataset).where(Dataset.name == "p1")
            ).one()
            return dataset.state, dataset.private

    def shown() -> bool:
        index.drain(portal)
        return found(portal, "*:*") == ["p1"]

    packages = [package]
    with ckan(packages) as web:
        described = {
            "name": "other",
            "url": web.url,
            "source_type": "ckan",
            "config": {},
        }
        registry.call(portal, SYSTEM, "harvest_source_create", described)
        steps: list[tuple[dict[str, Any], tuple[str, bool], bool]] = [
            ({}, ("active", False), True),
            ({"private": True}, ("active", True), False),
            ({"private": "false"}, ("active", False), True),
            ({"state": "draft"}, ("draft", False), False),
            ({"state": "active"}, ("active", False), True),
            (
                {"private": True, "maintainer_email": "no address", "title": "x" * 5},
                ("active", True),
                False,
            ),
            ({"private": False, "maintainer_email": None}, ("active", False), True),
            ({"state": "deleted"}, ("deleted", False), False),
            ({"state": "active"}, ("active", False), True),
        ]
        for change, expected, public in steps:
            packages[0] = {**packages[0], **change}
            registry.call(portal, SYSTEM, "harvest_job_create", {"source_id": "other"})
            assert scheduler.work_once(portal, scheduler.owner_name())
            assert (states(), shown()) == (expected, public), change


def test_a_refused_item_that_is_closed_there_is_closed_here(
    portal: Portal, source: Source
) -> None:
    source.write("aa.csv", GOOD)
    source.run()
    with portal.work() as uow:
        identity = uow.session.scalars(select(HarvestIdentity)).one()
        harvested = uow.session.get_one(HarvestSource, identity.source_id)
        record = DatasetRecord(name="aa", private=True)
        item = Item(harvested, identity.guid, record, "hash", None, identity)
        store.refuse(
            portal,
            uow,
            item,
            validate.validate(record, {}.get, limit=10, options=ReadOptions()),
        )
        uow.commit()
    index.drain(portal)
    assert found(portal, "*:*") == []


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.0.0.2"])
def test_the_portals_own_database_gives_no_rows_to_a_source(
    portal: Portal, host: str
) -> None:
    own = portal.engine.url
    if own.get_backend_name() == "sqlite":
        pytest.skip("a file below the data folder is outside the folders of sources")
    config = {
        "dataset": {"name": "own"},
        "resources": [{"name": "r", "query": 'SELECT * FROM "user"'}],
    }
    url = f"postgresql://{own.username}@{host}:{own.port}/{own.database}"
    described = {"name": "own", "url": url, "source_type": "sql", "config": config}
    registry.call(portal, SYSTEM, "harvest_source_create", described)
    job_id = registry.call(portal, SYSTEM, "harvest_job_create", {"source_id": "own"})[
        "id"
    ]
    assert scheduler.work_once(portal, scheduler.owner_name())
    report = registry.call(portal, SYSTEM, "harvest_job_report", {"id": job_id})
    told = [error["message"] for error in report["gather_errors"]]
    assert ["own database" in text or "private or local" in text for text in told] == [
        True
    ]
    assert found(portal, "*:*") == []
