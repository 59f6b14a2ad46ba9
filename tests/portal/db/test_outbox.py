"""The outbox: claimed, settled, postponed, given up; a consequence is never lost."""

from datetime import timedelta

from portal.db import outbox
from portal.db.outbox import LeasedRow
from portal.domain.base import now
from portal.domain.events import INDEX, LOAD, PUBLISH
from portal.runtime import Portal

GUARDS = (
    "portal.db.uow",
    "portal.domain.events",
)
LEASE = timedelta(seconds=60)


def ask(portal: Portal, topic: str, *ids: str) -> None:
    with portal.work() as uow:
        for each in ids:
            uow.later(topic, each)
        uow.commit()


def claim(
    portal: Portal, topic: str, most: int = 1, later: timedelta = timedelta()
) -> list[LeasedRow]:
    with portal.work() as uow:
        moment = now() + later
        claimed = outbox.claim(uow.session, topic, moment, moment + LEASE, most)
        uow.commit()
    return claimed


def settle(portal: Portal, claimed: list[LeasedRow]) -> None:
    with portal.work() as uow:
        outbox.settle(uow.session, claimed)
        uow.commit()


def waiting(portal: Portal, topic: str) -> int:
    with portal.read() as uow:
        return outbox.count(uow.session, topic)


def test_what_is_not_committed_has_no_consequence(portal: Portal) -> None:
    with portal.work() as uow:
        uow.later(INDEX, "d1")
    assert waiting(portal, INDEX) == 0


def test_one_row_for_each_entity_of_a_work(portal: Portal) -> None:
    ask(portal, INDEX, "d1", "d1", "d1", "d2")
    assert waiting(portal, INDEX) == 2


def test_a_number_is_never_given_twice(portal: Portal) -> None:
    """SQLite gives the number of a deleted newest row again unless the table forbids
    it: another's row would go.
    """
    ask(portal, INDEX, "d1")
    slow = claim(portal, INDEX)
    quick = claim(portal, INDEX, later=2 * LEASE)
    assert [each.id for each in quick] == [slow[0].id], (
        "the second takes over when the lease of the first is over"
    )
    settle(portal, quick)
    ask(portal, LOAD, "r1")
    settle(portal, slow)
    again = claim(portal, LOAD)
    assert [each.entity_id for each in again] == ["r1"]
    assert again[0].id > slow[0].id


def test_a_row_is_known_by_more_than_its_number(portal: Portal) -> None:
    """Who remembers a number from an earlier transaction touches no row of another kind
    that has it by now.
    """
    ask(portal, LOAD, "r1")
    held = claim(portal, LOAD)[0]
    for stranger in (held._replace(topic=INDEX), held._replace(entity_id="r2")):
        settle(portal, [stranger])
        with portal.work() as uow:
            outbox.postpone(uow.session, [stranger], now(), "no")
            outbox.put_back(uow.session, [stranger], now(), "no")
            assert not outbox.give_up(uow.session, stranger, "no")
            uow.commit()
    with portal.read() as uow:
        row = outbox.find(uow.session, held.id)
        assert row is not None and (row.entity_id, row.attempts, row.error) == (
            "r1",
            1,
            None,
        )


def test_a_failure_is_postponed_ever_longer_and_then_tried_again(
    portal: Portal,
) -> None:
    ask(portal, INDEX, "d1")
    later = timedelta()
    for attempt in range(3):
        claimed = claim(portal, INDEX, later=later)
        assert [each.attempts for each in claimed] == [attempt + 1]
        with portal.work() as uow:
            outbox.postpone(uow.session, claimed, now() + later, "no index")
            uow.commit()
        assert claim(portal, INDEX, later=later) == []
        later += timedelta(seconds=2**attempt + 1)
    last = claim(portal, INDEX, later=later)
    assert last[0].error == "no index"
    settle(portal, last)
    assert waiting(portal, INDEX) == 0


def test_who_dies_with_rows_leaves_them_to_be_tried_in_ever_smaller_numbers(
    portal: Portal,
) -> None:
    ask(portal, INDEX, *(f"d{number}" for number in range(30)))
    sizes = []
    for death in range(4):
        sizes.append(len(claim(portal, INDEX, 500, later=2 * death * LEASE)))
        while death and claim(portal, INDEX, 500, later=2 * death * LEASE):
            pass
    assert sizes == [30, 20, 1, 1]


def test_an_outage_counts_as_no_try(portal: Portal) -> None:
    ask(portal, INDEX, "d1")
    claimed = claim(portal, INDEX)
    with portal.work() as uow:
        outbox.put_back(uow.session, claimed, now(), "the index is away")
        uow.commit()
    assert claim(portal, INDEX) == [], "it rests a moment"
    with portal.work() as uow:
        outbox.hasten(uow.session, INDEX, now())
        uow.commit()
    assert [each.attempts for each in claim(portal, INDEX)] == [1]


def test_a_clock_that_was_ahead_delays_nothing(portal: Portal) -> None:
    ask(portal, LOAD, "r1", "r2")
    ahead = timedelta(hours=5)
    assert claim(portal, LOAD, later=ahead)[0].entity_id == "r1"
    assert claim(portal, LOAD)[0].entity_id == "r2", (
        "a row that was never tried is due whatever its moment says"
    )
    assert claim(portal, LOAD)[0].entity_id == "r1", "nothing waits for hours"


def test_what_is_given_up_is_kept_until_it_is_done_after_all(portal: Portal) -> None:
    ask(portal, PUBLISH, "r1")
    claimed = claim(portal, PUBLISH)[0]
    with portal.work() as uow:
        assert outbox.give_up(uow.session, claimed, "damaged")
        uow.commit()
    with portal.read() as uow:
        state = outbox.backlog(uow.session)[PUBLISH]
        assert (state.waiting, state.oldest, state.given_up, state.age(now())) == (
            0,
            None,
            1,
            0.0,
        )
        assert [
            (each.entity_id, each.error) for each in outbox.list_given_up(uow.session)
        ] == [("r1", "damaged")]
    with portal.work() as uow:
        outbox.retry(uow.session, outbox.list_given_up(uow.session))
        uow.commit()
    again = claim(portal, PUBLISH)
    assert [(each.entity_id, each.attempts) for each in again] == [("r1", 1)]
    settle(portal, again)
    with portal.read() as uow:
        assert outbox.backlog(uow.session) == {}


def test_a_success_of_its_own_clears_what_was_given_up_before(portal: Portal) -> None:
    ask(portal, PUBLISH, "r1")
    claimed = claim(portal, PUBLISH)[0]
    with portal.work() as uow:
        outbox.give_up(uow.session, claimed, "damaged")
        uow.commit()
    ask(portal, PUBLISH, "r1")
    settle(portal, claim(portal, PUBLISH))
    with portal.read() as uow:
        assert outbox.list_given_up(uow.session) == []


def test_the_backlog_says_how_long_the_oldest_row_waits(portal: Portal) -> None:
    ask(portal, INDEX, "d1")
    ask(portal, INDEX, "d2")
    with portal.read() as uow:
        state = outbox.backlog(uow.session)[INDEX]
    assert state.waiting == 2
    assert state.oldest is not None
    assert state.age(state.oldest + timedelta(seconds=90)) == 90.0
