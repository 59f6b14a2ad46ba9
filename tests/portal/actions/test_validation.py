"""Many resources asked to be validated at once: a few at a time, and one that fails
stops no other.
"""

import threading
from typing import Any

import pytest
from sqlalchemy import event

from portal.access.identity import SYSTEM
from portal.actions import registry
from portal.db import validation as reports
from portal.domain.datasets import Resource, ValidationReport
from portal.pipeline import validation_runs
from portal.runtime import Portal
from tests.portal.actions.people import Json, call, make_org
from tests.waiting import until

GUARDS = ("portal.pipeline.dryrun",)


@pytest.fixture
def tables(portal: Portal) -> list[Json]:
    """Resources with a table each, four datasets of two, in the order of their
    datasets; a link is in each as well.
    """
    make_org(portal, "org")
    made: list[Json] = []
    for number in range(4):
        package = call(
            portal, SYSTEM, "package_create", name=f"set-{number}", owner_org="org"
        )
        call(
            portal,
            SYSTEM,
            "resource_create",
            package_id=package["id"],
            url="http://example.vn/a.pdf",
        )
        for name in ("a", "b"):
            resource = {"package_id": package["id"], "name": name}
            fields: dict[str, Any] = {
                "fields": [{"id": "ma", "type": "text"}],
                "records": [{"ma": "x"}],
            }
            key = call(portal, SYSTEM, "datastore_create", resource=resource, **fields)[
                "resource_id"
            ]
            made.append({"package_id": package["id"], "resource_id": key})
    return sorted(made, key=lambda each: str(each["package_id"]))


def waiting(portal: Portal) -> int:
    return int(call(portal, SYSTEM, "resource_validation_progress")["waiting"])


def test_others_write_between_two_of_a_batch(
    portal: Portal, tables: list[Json], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second writer is through before the batch is: nobody waits for thousands of
    datasets.
    """
    monkeypatch.setattr(registry, "STEP_SECONDS", 0)
    batch, commits, seen = threading.current_thread(), iter(range(100)), []

    def write() -> None:
        call(portal, SYSTEM, "package_patch", id="set-3", title="Giữa chừng")
        seen.append(waiting(portal))

    def after_commit(_connection: object) -> None:
        if threading.current_thread() is batch and next(commits) == 1:
            threading.Thread(target=write).start()

    event.listen(portal.engine, "commit", after_commit)
    answer = call(portal, SYSTEM, "resource_validation_run_batch")
    event.remove(portal.engine, "commit", after_commit)
    until(lambda: seen)
    assert (answer["count"], answer["datasets"], answer["more"]) == (8, 4, False)
    assert "failed" not in answer
    assert next(commits) >= 8  # a transaction for each
    assert waiting(portal) == 8
    assert call(portal, SYSTEM, "package_show", id="set-3")["title"] == "Giữa chừng"
    assert validation_runs.drain(portal) == 8


def test_one_that_fails_is_told_of_and_stops_no_other(
    portal: Portal, tables: list[Json], monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = tables[2]

    def new_run(
        session: Any, resource: Resource, actor_id: str | None
    ) -> ValidationReport:
        run = made(session, resource, actor_id)
        if resource.id == bad["resource_id"]:
            session.flush()
            raise ValueError("038095012345")
        return run

    made = reports.new_run
    monkeypatch.setattr(reports, "new_run", new_run)
    answer = call(portal, SYSTEM, "resource_validation_run_batch")
    assert (answer["count"], answer["datasets"]) == (7, 4)
    assert [(each["package_id"], each["resource_id"]) for each in answer["failed"]] == [
        tuple(bad.values())
    ]
    assert "038095012345" not in str(answer)
    assert waiting(portal) == 7
    assert validation_runs.drain(portal) == 7
    monkeypatch.undo()
    again = call(
        portal,
        SYSTEM,
        "resource_validation_run_batch",
        dataset_ids=[bad["package_id"]],
        limit=1,
    )
    assert (again["count"], again["datasets"], again["more"]) == (2, 1, False)


def test_a_limit_counts_whole_datasets(portal: Portal, tables: list[Json]) -> None:
    answer = call(portal, SYSTEM, "resource_validation_run_batch", limit=3)
    assert (answer["count"], answer["datasets"], answer["more"]) == (6, 3, True)
    call(portal, SYSTEM, "package_delete", id="set-0")
    named = call(
        portal,
        SYSTEM,
        "resource_validation_run_batch",
        dataset_ids=["set-0", "set-1", "gone"],
    )
    assert (named["count"], named["datasets"], named["more"]) == (2, 1, False)
