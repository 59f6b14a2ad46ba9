"""Workers: signs of life, their ages, and who is forgotten."""

from datetime import timedelta

from portal.db import clock, workers
from portal.domain.base import now
from portal.domain.workers import Worker
from portal.pipeline.worker_sign import sign_of_life
from portal.runtime import Portal
from tests.waiting import until

GUARDS = (
    "portal.db.clock",
    "portal.domain.workers",
    "portal.pipeline.heartbeat",
    "portal.pipeline.worker_sign",
)


def beat(portal: Portal, name: str) -> None:
    with portal.work() as uow:
        workers.beat(uow.session, name, "host", 7, "1.0")
        uow.commit()


def set_back(portal: Portal, name: str, age: timedelta) -> None:
    with portal.work() as uow:
        uow.session.get_one(Worker, name).seen -= age
        uow.commit()


def test_a_worker_is_shown_with_the_age_of_its_last_sign(portal: Portal) -> None:
    beat(portal, "a")
    beat(portal, "b")
    set_back(portal, "a", timedelta(seconds=90))
    with portal.read() as uow:
        signs = workers.list_signs(uow.session)
    assert [sign.name for sign in signs] == ["b", "a"]
    assert (signs[0].host, signs[0].pid, signs[0].version) == ("host", 7, "1.0")
    assert signs[0].age < 60
    assert 90 <= signs[1].age < 150
    beat(portal, "a")
    with portal.read() as uow:
        assert all(sign.age < 60 for sign in workers.list_signs(uow.session))


def test_an_age_is_never_negative(portal: Portal) -> None:
    beat(portal, "a")
    set_back(portal, "a", -timedelta(hours=1))
    with portal.read() as uow:
        assert [sign.age for sign in workers.list_signs(uow.session)] == [0]


def test_who_leaves_or_is_silent_for_a_day_is_gone(portal: Portal) -> None:
    for name in ("a", "b", "c"):
        beat(portal, name)
    with portal.work() as uow:
        workers.leave(uow.session, "a")
        uow.commit()
    set_back(portal, "b", timedelta(days=2))
    beat(portal, "c")
    with portal.read() as uow:
        assert [sign.name for sign in workers.list_signs(uow.session)] == ["c"]


def test_the_clock_of_the_database_goes_on_within_a_transaction(portal: Portal) -> None:
    with portal.read() as uow:
        first, second = clock.moment(uow.session), clock.moment(uow.session)
    assert second > first or portal.engine.dialect.name == "sqlite"
    assert first.tzinfo is None
    assert abs(first - now()) < timedelta(minutes=1), "one machine runs both"


def test_a_heartbeat_writes_renews_and_leaves(portal: Portal) -> None:
    def seen() -> list[str]:
        with portal.read() as uow:
            return [str(sign.seen) for sign in workers.list_signs(uow.session)]

    with sign_of_life(portal, "a", seconds=0.05):
        first = seen()
        assert len(first) == 1
        until(lambda: seen() not in ([], first))
    assert seen() == []
