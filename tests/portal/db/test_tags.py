"""Free tags: one for each name, however many make it at once. PostgreSQL only: SQLite
has one writer at a time.
"""

import time
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event

import pytest
from sqlalchemy import func, select

from portal.access.identity import SYSTEM
from portal.actions import registry
from portal.db import datasets
from portal.domain.datasets import Tag
from portal.runtime import Portal

GUARDS = ("portal.db.group_datasets",)
pytestmark = pytest.mark.postgresql


@pytest.fixture(autouse=True)
def on_a_server(portal: Portal) -> None:
    if portal.engine.dialect.name != "postgresql":
        pytest.skip("one writer at a time")


def count(portal: Portal, name: str) -> int:
    with portal.read() as uow:
        return (
            uow.session.scalar(
                select(func.count()).select_from(Tag).where(Tag.name == name)
            )
            or 0
        )


def test_who_makes_a_tag_second_gets_the_first_one(portal: Portal) -> None:
    made, begun = Event(), Event()

    def first() -> str:
        with portal.work() as uow:
            (tag,) = datasets.tags_named(uow.session, ["y tế"])
            uow.session.flush()
            made.set()
            begun.wait(10)
            time.sleep(0.3)
            assert not second.done(), "the second one did not wait"
            uow.commit()
            return tag.id

    def late() -> str:
        made.wait(10)
        begun.set()
        with portal.work() as uow:
            (tag,) = datasets.tags_named(uow.session, ["y tế"])
            uow.commit()
            return tag.id

    with ThreadPoolExecutor(2) as threads:
        second = threads.submit(late)
        one = threads.submit(first)
        assert one.result(30) == second.result(30)
    assert count(portal, "y tế") == 1


def test_many_datasets_with_the_same_new_tags_at_once(portal: Portal) -> None:
    registry.call(
        portal, SYSTEM, "organization_create", {"name": "so-y-te", "title": "Sở Y tế"}
    )
    together, names = Barrier(6), ["bệnh viện", "giá", "môi trường"]

    def create(number: int) -> None:
        ordered = [*names[number % 3 :], *names[: number % 3]]
        tags = [{"name": name} for name in ordered]
        together.wait(30)
        data = {"name": f"bo-{number}", "owner_org": "so-y-te", "tags": tags}
        registry.call(portal, SYSTEM, "package_create", data)

    with ThreadPoolExecutor(6) as threads:
        list(threads.map(create, range(6)))
    assert [count(portal, name) for name in names] == [1, 1, 1]
