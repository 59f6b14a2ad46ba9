"""The cache of a process: never more than its budget, whoever asks, and nothing but what
was put there under the same key.
"""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.cache import ENTRY_BYTES, LARGEST_SHARE, ROOMS, MemoryCache, Room

FEW_ROOMS = ROOMS[:3]
BUDGET = 100_000
LARGEST = BUDGET // LARGEST_SHARE

puts = st.lists(
    st.tuples(
        st.sampled_from(FEW_ROOMS),
        st.integers(0, 300),
        st.integers(0, 2 * LARGEST),
        st.booleans(),
    ),
    max_size=400,
)


def rooms_of(cache: MemoryCache) -> dict[str, Room[bytes]]:
    return {name: cache.room(name, len) for name in FEW_ROOMS}


def numbers(cache: MemoryCache, name: str) -> tuple[float, float]:
    figures = cache.figures()[name]
    return figures.hits, figures.misses


@given(puts)
def test_the_budget_holds_after_every_step_and_values_are_those_of_their_keys(
    steps: list[tuple[str, int, int, bool]],
) -> None:
    cache = MemoryCache(BUDGET)
    rooms = rooms_of(cache)
    newest: dict[tuple[str, int], bytes] = {}
    for name, key, length, putting in steps:
        if putting:
            value = b"%d" % key + b"x" * length
            newest[name, key] = value
            rooms[name].put(key, value)
        else:
            kept = rooms[name].find(key)
            assert kept in (None, newest.get((name, key)))
        assert cache.size <= BUDGET
        assert cache.size == sum(each.size for each in cache.figures().values())


def test_the_least_recently_used_goes_first_whichever_room_it_is_of() -> None:
    cache = MemoryCache(ENTRY_BYTES * 3 * LARGEST_SHARE)
    rooms = rooms_of(cache)
    first, second, _ = FEW_ROOMS
    most = LARGEST_SHARE
    for number in range(most):
        rooms[first].put(number, b"x" * (2 * ENTRY_BYTES))
    assert rooms[first].find(0) is not None
    rooms[second].put("new", b"x" * (2 * ENTRY_BYTES - 100))
    # Number 0 was used since, so number 1 is the oldest.
    assert rooms[first].find(1) is None
    assert rooms[first].find(0) is not None
    assert rooms[second].find("new") is not None


def test_rooms_do_not_see_each_others_keys() -> None:
    rooms = rooms_of(MemoryCache())
    first, second, _ = FEW_ROOMS
    rooms[first].put("key", b"first")
    assert rooms[second].find("key") is None


def test_a_value_that_is_too_large_is_made_but_not_kept() -> None:
    cache = MemoryCache(BUDGET)
    room = rooms_of(cache)[FEW_ROOMS[0]]
    large = b"x" * LARGEST
    assert room.get("key", lambda: large) == large
    assert room.find("key") is None
    assert cache.size == 0


def test_a_long_key_counts_too() -> None:
    cache = MemoryCache(BUDGET)
    room = rooms_of(cache)[FEW_ROOMS[0]]
    room.put(("q", ("x" * LARGEST,)), b"")
    assert cache.size == 0


def test_a_budget_of_nothing_keeps_nothing() -> None:
    cache = MemoryCache(0)
    room = rooms_of(cache)[FEW_ROOMS[0]]
    made: list[int] = []
    for number in (1, 2):
        room.get("key", lambda number=number: made.append(number) or b"")
    assert made == [1, 2]
    assert cache.size == 0


def test_a_replaced_value_gives_its_bytes_back() -> None:
    cache = MemoryCache()
    room = rooms_of(cache)[FEW_ROOMS[0]]
    room.put("key", b"x" * 1000)
    room.put("key", b"y")
    assert room.find("key") == b"y"
    room.put("other", b"x" * 1000)
    before = cache.size
    room.put("other", b"x" * 1000)
    assert cache.size == before


def test_a_room_must_be_a_declared_one() -> None:
    with pytest.raises(ValueError, match="not in tuple"):
        MemoryCache().room("cellar", len)


def test_hits_misses_and_bytes_are_counted_and_can_move() -> None:
    cache = MemoryCache()
    name = FEW_ROOMS[0]
    room = rooms_of(cache)[name]
    room.get("key", lambda: b"value")
    room.find("key")
    assert numbers(cache, name) == (1, 1)
    shared = [0.0] * (3 * len(ROOMS))
    cache.count_in(shared)
    room.find("key")
    assert numbers(cache, name) == (2, 1)
    assert shared[:2] == [2, 1]
    assert shared[2] == cache.size > 0


def test_many_threads_at_once_keep_the_budget_and_get_their_own_values() -> None:
    cache = MemoryCache(BUDGET)
    rooms = rooms_of(cache)
    start = threading.Barrier(8)
    over: list[int] = []

    def work(seed: int) -> int:
        start.wait()
        wrong = 0
        for step in range(2000):
            name = FEW_ROOMS[(seed + step) % len(FEW_ROOMS)]
            key = (seed * 7 + step * 13) % 200
            value = b"%d" % key + b"." * (key % 50)
            wrong += rooms[name].get(key, lambda value=value: value) != value
            if cache.size > BUDGET:
                over.append(cache.size)
        return wrong

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(work, range(8))) == 0
    assert cache.size <= BUDGET
    assert over == []
    assert cache.size == sum(each.size for each in cache.figures().values())
