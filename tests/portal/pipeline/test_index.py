"""The index follows the database: at once for who waits, and not at all for what a job
brings in between.
"""

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any

import orjson
import pytest
from sqlalchemy import update

from portal.access.identity import ANONYMOUS, SYSTEM, Actor
from portal.actions import registry
from portal.db import datasets, outbox
from portal.domain.base import now
from portal.domain.events import INDEX, OutboxRow
from portal.pipeline import index
from portal.pipeline.background import Background
from portal.runtime import Portal
from search.backend import ChangesRefused, IndexEntry, SearchBackend, SearchUnavailable

GUARDS = (
    "portal.pipeline.background",
    "search.tantivy_index.generations",
    "search.tantivy_index.journal",
)
Json = dict[str, Any]


@pytest.fixture(autouse=True)
def owner(portal: Portal) -> None:
    registry.call(
        portal, SYSTEM, "organization_create", {"name": "so-y-te", "title": "Sở Y tế"}
    )


@pytest.fixture
def background() -> Iterator[Background]:
    running = Background()
    yield running
    running.stop()


def nothing(*_: object) -> None:
    """A portal whose writes index nothing by themselves."""


def create(portal: Portal, name: str) -> Json:
    given = {"name": name, "title": name, "owner_org": "so-y-te"}
    made: Json = orjson.loads(
        orjson.dumps(registry.call(portal, SYSTEM, "package_create", given))
    )
    return made


def found(portal: Portal, q: str = "*:*") -> list[str]:
    result = registry.call(
        portal, SYSTEM, "package_search", {"q": q, "sort": "name asc"}
    )
    return [
        dataset["name"] for dataset in orjson.loads(orjson.dumps(result["results"]))
    ]


def waiting(portal: Portal) -> int:
    with portal.read() as uow:
        return outbox.count(uow.session, INDEX)


def eventually(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 10
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def test_a_search_finds_what_was_written_before_it(portal: Portal) -> None:
    quiet = replace(portal, after_write=nothing)
    create(quiet, "benh-vien")
    assert waiting(quiet) == 1
    assert found(quiet) == ["benh-vien"]
    assert waiting(quiet) == 0


def test_a_search_does_not_wait_for_what_a_job_brings(portal: Portal) -> None:
    quiet = replace(portal, after_write=nothing)
    dataset = create(quiet, "ao-ca")
    found(quiet)
    with quiet.work() as uow:
        uow.later(INDEX, dataset["id"])
        uow.commit()
    found(quiet)
    assert waiting(quiet) == 1
    assert index.drain(quiet) == 1
    assert waiting(quiet) == 0


def test_the_background_indexes_soon_after_each_write(
    portal: Portal, background: Background
) -> None:
    served = replace(portal, after_write=background.wake)
    for number in range(5):
        create(served, f"d-{number}")
    assert eventually(lambda: waiting(served) == 0)
    assert found(replace(served, before_search=nothing)) == [
        f"d-{number}" for number in range(5)
    ]


def test_the_background_goes_on_after_a_failure(
    portal: Portal, background: Background, monkeypatch: Any
) -> None:
    served = replace(portal, after_write=background.wake)
    failed, drain = threading.Event(), index.drain

    def broken(*args: Any, **kwargs: Any) -> int:
        failed.set()
        raise RuntimeError("the disk is full")

    monkeypatch.setattr(index, "drain", broken)
    create(served, "ao-ca")
    assert failed.wait(10)
    monkeypatch.setattr(index, "drain", drain)
    create(served, "be-ca")
    assert eventually(lambda: waiting(served) == 0)
    assert found(served) == ["ao-ca", "be-ca"]


def test_writers_at_once_leave_the_newest_version_in_the_index(
    portal: Portal, background: Background
) -> None:
    served = replace(portal, after_write=background.wake)
    dataset = create(served, "ao-ca")
    for number in range(20):
        registry.call(
            served,
            SYSTEM,
            "package_patch",
            {"id": dataset["id"], "title": f"lần {number}"},
        )
        if number % 5 == 0:
            index.drain(served)
    assert eventually(lambda: waiting(served) == 0)
    assert index.compare(served).none
    assert found(served, 'title:"lần 19"') == ["ao-ca"]


def test_what_comes_back_while_it_is_taken_out_is_indexed_again(
    portal: Portal, monkeypatch: Any
) -> None:
    quiet = replace(portal, after_write=nothing)
    dataset = create(quiet, "ao-ca")
    index.drain(quiet)
    real = datasets.existing
    monkeypatch.setattr(
        datasets, "existing", lambda session, ids: [*real(session, ids), "gone"]
    )
    with quiet.work() as uow:
        uow.later(INDEX, "gone")
        uow.later(INDEX, dataset["id"])
        uow.commit()
    monkeypatch.setattr(outbox, "claim", _once(outbox.claim))
    index.drain(quiet)
    assert waiting(quiet) == 1, "the row of what came back is kept for another round"


def _once(function: Any) -> Any:
    calls = iter([True])
    return lambda *args, **kwargs: (
        function(*args, **kwargs) if next(calls, False) else []
    )


def test_an_index_that_cannot_be_reached_loses_nothing(
    portal: Portal, monkeypatch: Any
) -> None:
    quiet = replace(portal, after_write=nothing)
    create(quiet, "ao-ca")

    def unreachable(*args: Any) -> None:
        raise SearchUnavailable("no node answers")

    monkeypatch.setattr(type(quiet.search), "apply", unreachable)
    assert index.drain(quiet) == 0
    with quiet.read() as uow:
        assert [row.attempts for row in outbox.list_rows(uow.session, [INDEX], 10)] == [
            0
        ], "no row is to blame"
    assert waiting(quiet) == 1
    assert index.drain(quiet) == 0, "it rests before it is tried again"


class Unwilling:
    """An index that is down, or refuses some datasets, as long as it is told to."""

    def __init__(self, index: SearchBackend) -> None:
        self._index = index
        self.down, self.refused = False, frozenset[str]()

    def apply(self, entries: Iterable[IndexEntry], deleted: Iterable[str] = ()) -> None:
        if self.down:
            raise SearchUnavailable("down")
        listed = list(entries)
        self._index.apply(
            [entry for entry in listed if entry.id not in self.refused], deleted
        )
        refused = {entry.id for entry in listed} & self.refused
        if refused:
            raise ChangesRefused("no", refused)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._index, name)


def test_when_the_index_answers_again_nothing_waits_for_its_next_try(
    portal: Portal,
) -> None:
    unwilling = Unwilling(portal.search)
    quiet = replace(
        portal, search=unwilling, after_write=nothing, before_search=nothing
    )
    create(quiet, "cu")
    unwilling.down = True
    assert index.drain(quiet) == 0
    create(quiet, "moi")
    assert index.drain(quiet) == 0
    unwilling.down = False
    create(quiet, "sau")
    assert index.drain(quiet) == 3, "what comes first hastens those that were put back"
    assert found(quiet) == ["cu", "moi", "sau"]


class Slow(Unwilling):
    """An index whose disk is slow: a change takes until it is told to go on."""

    def __init__(self, index: SearchBackend) -> None:
        super().__init__(index)
        self.begun, self.go_on = threading.Event(), threading.Event()

    def apply(self, entries: Iterable[IndexEntry], deleted: Iterable[str] = ()) -> None:
        self.begun.set()
        assert self.go_on.wait(60)
        super().apply(entries, deleted)


def test_nobody_waits_long_for_what_others_wrote(
    portal: Portal, background: Background
) -> None:
    slow = Slow(portal.search)
    quiet = replace(
        portal, search=slow, after_write=nothing, before_search=background.catch_up
    )
    create(quiet, "cham")
    for stranger in (ANONYMOUS, Actor("somebody-else")):
        answer = registry.call(quiet, stranger, "package_search", {"q": "*:*"})
        assert (answer["count"], slow.go_on.is_set()) == (0, False), (
            "answered from what the index holds"
        )
    assert slow.begun.wait(10), "the search made the index begin"
    threading.Timer(0.6, slow.go_on.set).start()
    assert found(quiet) == ["cham"], "who wrote it waits longer, and finds it"


def test_a_user_finds_the_own_writes(portal: Portal, background: Background) -> None:
    slow = Slow(portal.search)
    quiet = replace(
        portal, search=slow, after_write=nothing, before_search=background.catch_up
    )
    dataset = create(quiet, "ao-ca")
    slow.go_on.set()
    found(quiet)
    slow.go_on.clear()
    slow.begun.clear()
    with quiet.work("nguoi-viet", eager=True) as uow:
        uow.later(INDEX, dataset["id"])
        uow.commit()
    waiter = threading.Thread(
        target=background.catch_up, args=(quiet, Actor("nguoi-viet"))
    )
    waiter.start()
    assert slow.begun.wait(10)
    waiter.join(0.6)
    assert waiter.is_alive(), "longer than for what others wrote"
    slow.go_on.set()
    waiter.join(30)
    assert not waiter.is_alive() and waiting(quiet) == 0


class Poisoned(Unwilling):
    """An index that raises whatever it is told to when it meets one dataset."""

    def __init__(self, index: SearchBackend, error: BaseException) -> None:
        super().__init__(index)
        self.error, self.poison = error, ""

    def apply(self, entries: Iterable[IndexEntry], deleted: Iterable[str] = ()) -> None:
        listed = list(entries)
        if any(entry.id == self.poison for entry in listed):
            raise self.error
        super().apply(listed, deleted)


class Panic(BaseException):
    """What a panic in native code looks like from Python: no Exception."""


@pytest.mark.parametrize(
    "error",
    [RuntimeError("x"), OSError("disk"), Panic("unwrap")],
    ids=lambda each: type(each).__name__,
)
def test_one_dataset_that_cannot_be_indexed_holds_up_no_other(
    portal: Portal, error: BaseException
) -> None:
    poisoned = Poisoned(portal.search, error)
    quiet = replace(portal, search=poisoned, after_write=nothing, before_search=nothing)
    bad = create(quiet, "xau")["id"]
    for number in range(6):
        create(quiet, f"tot-{number}")
    poisoned.poison = bad
    assert index.drain(quiet) == 6
    assert len(found(quiet)) == 6
    for attempt in range(2, portal.settings.outbox_tries + 1):
        with quiet.work() as uow:
            uow.session.execute(
                update(OutboxRow).where(OutboxRow.topic == INDEX).values(due=now())
            )
            uow.commit()
        assert index.drain(quiet) == 0
        assert waiting(quiet) == (1 if attempt < portal.settings.outbox_tries else 0)
    with quiet.read() as uow:
        given_up = outbox.list_given_up(uow.session)
    assert [(each.topic, each.entity_id) for each in given_up] == [(INDEX, bad)]
    poisoned.poison = ""
    assert index.repair(quiet, index.compare(quiet)) == 1
    with quiet.read() as uow:
        assert outbox.list_given_up(uow.session) == []


def test_what_the_index_refuses_keeps_nothing_else_waiting(portal: Portal) -> None:
    unwilling = Unwilling(portal.search)
    quiet = replace(
        portal, search=unwilling, after_write=nothing, before_search=nothing
    )
    refused = create(quiet, "xau")["id"]
    create(quiet, "tot")
    unwilling.refused = frozenset({refused})
    assert index.drain(quiet) == 1
    assert (waiting(quiet), found(quiet)) == (1, ["tot"])
    drift = index.compare(quiet)
    assert drift.missing == (refused,)
    unwilling.refused = frozenset()
    assert index.repair(quiet, drift) == 1
    assert found(quiet) == ["tot", "xau"] and index.compare(quiet).none
