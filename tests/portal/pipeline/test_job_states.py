"""A job as a whole: how often it is tried, how it is handed back, and when it is
finished.
"""

import threading
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta

import orjson
import pytest

from portal import scheduler
from portal.access.identity import ANONYMOUS
from portal.actions import registry
from portal.db import harvest as db
from portal.db.harvest import Claimed
from portal.domain.base import now
from portal.domain.harvest import RUNNING, HarvestJob, HarvestObject, HarvestSource
from portal.pipeline import harvest, harvest_job, store
from portal.runtime import Portal
from search.backend import IndexEntry, SearchUnavailable
from tests.portal.pipeline.conftest import Source

GOOD = "ma,ten\n00001,Bệnh viện tỉnh\n00002,Trạm y tế\n"


def claim(portal: Portal, owner: str = "worker") -> Claimed:
    with portal.work() as uow:
        taken = db.claim(uow.session, owner, now(), now() + timedelta(minutes=1))
        assert taken is not None
        uow.commit()
    return taken


def die(portal: Portal, job_id: str) -> None:
    """A worker that takes the job, is killed with it, and whose lease runs out."""
    claim(portal)
    with pytest.raises(KeyboardInterrupt):
        harvest_job.run_job(portal, job_id, "worker")
    with portal.work() as uow:
        db.get_job(uow.session, job_id).lease_until = now()
        uow.commit()


def kill_in_listing(monkeypatch: pytest.MonkeyPatch, after: int) -> None:
    """Whoever lists a source is killed after so many items: a BaseException here, which
    nothing of ours catches.
    """
    real = harvest._until

    def deadly(stop, listing):
        for number, item in enumerate(real(stop, listing)):
            if number == after:
                raise KeyboardInterrupt
            yield item

    monkeypatch.setattr(harvest, "BATCH", 1)
    monkeypatch.setattr(harvest, "_until", deadly)


def test_a_job_whose_listing_kills_its_worker_is_given_up_and_what_was_listed_is_done(
    portal: Portal, source: Source, monkeypatch: pytest.MonkeyPatch, counts
) -> None:
    for name in ("aa.csv", "bb.csv", "cc.csv"):
        source.write(name, GOOD)
    job_id = source.queue()
    with monkeypatch.context() as patch:
        kill_in_listing(patch, after=2)
        for _ in range(portal.settings.harvest_tries):
            die(portal, job_id)
        assert source.job(job_id)["status"] == "Running"
        claim(portal)
        harvest_job.run_job(portal, job_id, "worker")
    job = source.job(job_id)
    assert job["status"] == "Finished"
    tries = portal.settings.harvest_tries
    assert (
        f"given up after {tries} tries: the worker ended each time"
        in job["gather_error_summary"][0][0]
    )
    assert counts(job) == {"added": 2}
    assert counts(source.run()) == {"added": 1, "not modified": 2}, (
        "the next job lists anew"
    )


def test_a_job_that_comes_a_step_further_each_time_is_never_given_up(
    portal: Portal, source: Source, monkeypatch: pytest.MonkeyPatch, counts
) -> None:
    files = portal.settings.harvest_tries + 2
    for number in range(files):
        source.write(f"f{number}.csv", GOOD)
    job_id = source.queue()
    real, begun = store.store, []

    def second_of_each_worker_kills(*args, **kwargs):
        begun.append(1)
        if len(begun) % 2 == 0:
            raise KeyboardInterrupt
        return real(*args, **kwargs)

    monkeypatch.setattr(store, "store", second_of_each_worker_kills)
    for _ in range(files - 1):
        die(portal, job_id)
    claim(portal)
    harvest_job.run_job(portal, job_id, "worker")
    assert counts(source.job(job_id)) == {"added": files}


def test_deletions_that_kill_the_worker_are_given_up_with_a_note(
    portal: Portal, source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    source.write("aa.csv", GOOD)
    source.write("bb.csv", GOOD)
    source.run()
    (source.folder / "bb.csv").unlink()
    job_id = source.queue()

    def deadly(*args, **kwargs):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(store, "remove", deadly)
        for _ in range(portal.settings.harvest_tries + 1):
            die(portal, job_id)
        claim(portal)
        harvest_job.run_job(portal, job_id, "worker")
    assert source.job(job_id)["status"] == "Finished"
    with portal.read() as uow:
        notes = db.get_job(uow.session, job_id).notes
    assert [note["code"] for note in notes] == ["deletions-given-up"]


def test_a_stopped_job_is_handed_back_after_the_object_under_way(
    portal: Portal, source: Source, counts
) -> None:
    for number in range(4):
        source.write(f"f{number}.csv", GOOD)
    job_id, stop = source.queue(), threading.Event()

    def stop_amid_the_second(stage: str, done: int, total: int) -> None:
        if stage == "validate" and done == 1:
            stop.set()

    claim(portal)
    harvest_job.run_job(portal, job_id, "worker", stop_amid_the_second, stop)
    assert counts(source.job(job_id)) == {"added": 2, "waiting": 2}
    again = claim(portal, "next")
    assert (again.job.id, again.suspect, again.job.tries) == (job_id, False, 1), (
        "at once, and it killed nobody"
    )
    harvest_job.run_job(portal, job_id, "next")
    assert counts(source.job(job_id)) == {"added": 4}


def test_a_job_that_is_stopped_in_its_listing_is_listed_by_the_next_worker(
    portal: Portal, source: Source, counts
) -> None:
    source.write("aa.csv", GOOD)
    job_id, stop = source.queue(), threading.Event()
    stop.set()
    for _ in range(portal.settings.harvest_tries + 2):
        claim(portal)
        harvest_job.run_job(portal, job_id, "worker", stop=stop)
    assert (counts(source.job(job_id)), source.job(job_id)["status"]) == ({}, "Running")
    assert scheduler.work_once(portal, "next")
    assert counts(source.job(job_id)) == {"added": 1}


def test_what_is_handed_back_amid_an_object_is_no_try_of_it(
    portal: Portal, source: Source
) -> None:
    job_id = source.queue()
    taken = claim(portal)
    with portal.work() as uow:
        for number, tries in enumerate((2, 0)):
            guid = f"{number}.csv"
            uow.session.add(
                HarvestObject(
                    job_id=job_id, source_id=taken.job.source_id, guid=guid, tries=tries
                )
            )
        uow.commit()
    with portal.work() as uow:
        assert db.hand_back(uow.session, "somebody else", now()) == 0
        assert db.hand_back(uow.session, "worker", now()) == 1
        uow.commit()
    with portal.read() as uow:
        assert sorted(each.tries for each in db.list_objects(uow.session, job_id)) == [
            0,
            1,
        ]
        assert db.get_job(uow.session, job_id).tries == 0
    assert claim(portal, "next").job.id == job_id


def test_leases_and_turns_from_before_the_clock_was_set_back_are_brought_to_where_they_belong(
    portal: Portal,
) -> None:
    lease = timedelta(seconds=portal.settings.harvest_lease)
    with portal.work() as uow:
        for name, frequency, ahead in (
            ("far", "HOURLY", timedelta(days=3)),
            ("near", "DAILY", timedelta(hours=5)),
            ("cron", "0 2 * * *", timedelta(days=9)),
        ):
            described = {
                "name": name,
                "url": "/",
                "source_type": "files",
                "frequency": frequency,
            }
            uow.session.add(HarvestSource(id=name, next_run=now() + ahead, **described))
        uow.session.flush()
        for name, until in (("far", timedelta(days=3)), ("near", lease)):
            job = HarvestJob(
                id=name,
                source_id=name,
                status=RUNNING,
                lease_owner="w",
                lease_until=now() + until,
            )
            uow.session.add(job)
        uow.commit()
    assert scheduler.follow_clock(portal) == 3
    with portal.read() as uow:
        turns = {
            each.name: each.next_run - now()
            for each in db.list_sources(uow.session)
            if each.next_run
        }
        leases = {
            name: db.get_job(uow.session, name).lease_until for name in ("far", "near")
        }
    assert turns["far"] <= timedelta(hours=1) and timedelta(hours=4) < turns[
        "near"
    ] <= timedelta(hours=5)
    assert turns["cron"] <= timedelta(days=1)
    assert all(until and until - now() <= lease for until in leases.values())
    assert scheduler.follow_clock(portal) == 0


class Away:
    """A search server that takes nothing."""

    def __init__(self, real) -> None:
        self._real = real

    def apply(self, entries: Iterable[IndexEntry], gone: Iterable[str]) -> None:
        raise SearchUnavailable("down for maintenance")

    def __getattr__(self, name: str):
        return getattr(self._real, name)


def test_a_finished_job_is_found_at_once(portal: Portal, source: Source) -> None:
    source.write("benh-vien.csv", GOOD)
    job_id = source.queue()
    claim(portal)
    harvest_job.run_job(portal, job_id, "worker")
    with portal.read() as uow:
        assert db.count_unindexed(uow.session, job_id) == 0
    quiet = replace(portal, before_search=lambda *_: None)
    answer = orjson.loads(
        orjson.dumps(
            registry.call(quiet, ANONYMOUS, "package_search", {"q": "benh vien"})
        )
    )
    assert [hit["name"] for hit in answer["results"]] == ["benh-vien"]


def test_a_job_that_cannot_be_found_yet_is_finished_all_the_same_and_says_so(
    portal: Portal, source: Source
) -> None:
    source.write("aa.csv", GOOD)
    job_id = source.queue()
    claim(portal)
    hasty = replace(portal.settings, harvest_index_seconds=0)
    harvest_job.run_job(
        replace(portal, search=Away(portal.search), settings=hasty), job_id, "worker"
    )
    assert source.job(job_id)["status"] == "Finished"
    with portal.read() as uow:
        (note,) = db.get_job(uow.session, job_id).notes
    assert (note["code"], note["count"]) == ("not-indexed-yet", 1)
