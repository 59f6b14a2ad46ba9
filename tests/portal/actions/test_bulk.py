"""Many datasets at once: looked at first, changed a few at a time, and what stops that
says how far it came.
"""

import threading
from collections.abc import Iterator

import pytest
from sqlalchemy import event

from portal.access.identity import SYSTEM
from portal.actions import registry
from portal.db import datasets
from portal.domain.datasets import Dataset
from portal.errors import NotFound, Unfinished
from portal.pipeline import index
from portal.runtime import Portal
from tests.portal.actions.people import Json, call, make_org
from tests.waiting import until


@pytest.fixture
def each_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """A step for each dataset."""
    monkeypatch.setattr(registry, "STEP_SECONDS", 0)


@pytest.fixture
def org(portal: Portal) -> Iterator[list[str]]:
    """An organization with four public datasets; their ids in order."""
    make_org(portal, "org")
    made = [
        call(portal, SYSTEM, "package_create", name=f"set-{n}", owner_org="org")
        for n in range(4)
    ]
    yield sorted(each["id"] for each in made)


def private(portal: Portal, ids: list[str]) -> list[bool]:
    shown: list[Json] = [call(portal, SYSTEM, "package_show", id=key) for key in ids]
    with portal.read() as uow:
        assert [uow.session.get_one(Dataset, key).private for key in ids] == [
            each["private"] for each in shown
        ]
    return [each["private"] for each in shown]


def test_others_write_between_two_steps(
    portal: Portal, org: list[str], each_alone: None
) -> None:
    """A second writer is through before the bulk is: nobody waits for thousands of
    datasets.
    """
    seen: list[list[bool]] = []

    def write() -> None:
        call(portal, SYSTEM, "package_patch", id=org[3], title="Giữa chừng")
        seen.append(private(portal, org))

    steps = iter(range(100))
    bulk = threading.current_thread()

    def after_commit(_connection: object) -> None:
        # The third commit of the bulk: all are looked at, and one or two are changed.
        if threading.current_thread() is bulk and next(steps) == len(org) + 3:
            threading.Thread(target=write).start()

    event.listen(portal.engine, "commit", after_commit)
    call(portal, SYSTEM, "bulk_update_private", org_id="org", datasets=org)
    event.remove(portal.engine, "commit", after_commit)
    until(lambda: seen)
    assert private(portal, org) == [True] * 4
    assert call(portal, SYSTEM, "package_show", id=org[3])["title"] == "Giữa chừng"
    assert index.compare(portal).none


def test_none_is_changed_when_one_may_not_be(
    portal: Portal, org: list[str], each_alone: None
) -> None:
    make_org(portal, "other")
    foreign = call(portal, SYSTEM, "package_create", name="foreign", owner_org="other")[
        "id"
    ]
    with pytest.raises(NotFound):
        call(
            portal,
            SYSTEM,
            "bulk_update_private",
            org_id="org",
            datasets=[*org, foreign],
        )
    assert private(portal, [*org, foreign]) == [False] * 5


def test_what_stops_it_says_what_is_done_and_again_does_the_rest(
    portal: Portal, org: list[str], each_alone: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A dataset that leaves the organization after the look stops the rest; those
    before it are changed and kept.
    """
    make_org(portal, "other")
    saved = datasets.save
    done: list[str] = []

    def save(uow: object, dataset: Dataset, *rest: object, **options: object) -> bool:
        done.append(dataset.id)
        if len(done) == 3:
            raise NotFound("Not found: it left.")
        return saved(uow, dataset, *rest, **options)  # type: ignore[arg-type]  # as it was called

    monkeypatch.setattr(datasets, "save", save)
    with pytest.raises(Unfinished) as stopped:
        call(portal, SYSTEM, "bulk_update_private", org_id="org", datasets=org)
    monkeypatch.setattr(datasets, "save", saved)
    assert (stopped.value.done, stopped.value.left) == (org[:2], org[2:])
    assert private(portal, org) == [True, True, False, False]
    assert index.compare(portal).none
    call(portal, SYSTEM, "bulk_update_private", org_id="org", datasets=org)
    assert private(portal, org) == [True] * 4


def test_a_purged_organization_leaves_its_deleted_datasets_without_owner(
    portal: Portal, org: list[str], each_alone: None
) -> None:
    call(portal, SYSTEM, "bulk_update_delete", org_id="org", datasets=org)
    call(portal, SYSTEM, "organization_purge", id="org")
    for key in org:
        shown = call(portal, SYSTEM, "package_show", id=key)
        assert (shown["owner_org"], shown["organization"], shown["state"]) == (
            None,
            None,
            "deleted",
        )
    with pytest.raises(NotFound):
        call(portal, SYSTEM, "organization_show", id="org")
    assert index.compare(portal).none
