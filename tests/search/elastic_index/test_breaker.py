"""A server that does not answer is left alone; then one may try, and only one."""

import threading
from contextlib import closing

import pytest

from search import open_backend
from search.backend import SearchUnavailable
from search.elastic_index.breaker import FAILURES, Breaker
from tests.search.datasets import ask


def refused(breaker: Breaker) -> bool:
    try:
        breaker.check()
    except SearchUnavailable:
        return True
    return False


def test_it_opens_after_failures_in_a_row_alone() -> None:
    breaker = Breaker(pause=60)
    for _ in range(FAILURES - 1):
        breaker.failed()
    breaker.worked()
    for _ in range(FAILURES - 1):
        breaker.failed()
    assert not refused(breaker)
    breaker.failed()
    assert refused(breaker)


def test_one_alone_tries_when_the_pause_is_over() -> None:
    breaker = Breaker(pause=0.2)
    for _ in range(FAILURES):
        breaker.failed()
    threading.Event().wait(0.25)
    outcomes: list[bool] = []
    threads = [
        threading.Thread(target=lambda: outcomes.append(refused(breaker)))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes.count(False) == 1
    breaker.worked()
    assert not refused(breaker) and not refused(breaker)


def test_one_that_tries_in_vain_opens_it_again_and_one_that_falls_silent_does_not_hold_it() -> (
    None
):
    breaker = Breaker(pause=0.2)
    for _ in range(FAILURES):
        breaker.failed()
    threading.Event().wait(0.25)
    assert not refused(breaker)
    breaker.failed()
    assert refused(breaker)
    threading.Event().wait(0.25)
    assert not refused(breaker)  # and never says how it went
    threading.Event().wait(0.25)
    assert not refused(breaker)


def test_a_server_that_is_down_is_asked_three_times_and_then_left_alone() -> None:
    with closing(
        open_backend("http://127.0.0.1:9", None, retries=1, timeout=1, pause=60)
    ) as index:
        for _ in range(FAILURES):
            with pytest.raises(SearchUnavailable, match="cannot be reached"):
                ask(index)
        with pytest.raises(SearchUnavailable, match="a moment ago"):
            ask(index)
        assert index.health().status == "down"
