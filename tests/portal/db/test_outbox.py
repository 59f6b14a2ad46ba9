"""The outbox: claimed, settled, postponed; a consequence is never lost."""

from datetime import timedelta

from portal.db import outbox
from portal.domain.base import now
from portal.domain.events import INDEX
from portal.runtime import Portal


def test_what_is_not_committed_has_no_consequence(portal: Portal) -> None:
    with portal.work() as uow:
        uow.later(INDEX, "d1")
    with portal.read() as uow:
        assert outbox.count(uow.session, INDEX) == 0


def test_one_row_for_each_entity_of_a_work(portal: Portal) -> None:
    with portal.work() as uow:
        for _ in range(3):
            uow.later(INDEX, "d1")
        uow.later(INDEX, "d2")
        uow.commit()
    with portal.read() as uow:
        assert outbox.count(uow.session, INDEX) == 2


def test_a_failure_is_postponed_ever_longer_and_then_tried_again(portal: Portal) -> None:
    with portal.work() as uow:
        uow.later(INDEX, "d1")
        uow.commit()
    moment = now()
    for attempt in range(3):
        with portal.work() as uow:
            rows = outbox.waiting(uow.session, INDEX, moment, 10)
            assert [row.attempts for row in rows] == [attempt]
            outbox.postpone(uow.session, rows, moment, "no index")
            uow.commit()
        with portal.read() as uow:
            assert outbox.waiting(uow.session, INDEX, moment, 10) == []
        moment += timedelta(seconds=2**attempt)
    with portal.work() as uow:
        outbox.settle(uow.session, outbox.waiting(uow.session, INDEX, moment, 10))
        uow.commit()
    with portal.read() as uow:
        assert outbox.count(uow.session, INDEX) == 0
