"""What only Elasticsearch needs: a killed rebuild, swaps in the middle of writes, pages
beyond its window.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from elasticsearch import Elasticsearch

from search.backend import ChangesRefused, SearchBackend
from search.elastic_index.client import Server
from search.elastic_index.index import ElasticIndex
from tests.search.datasets import ask, entry, found, listed
from tests.servers.elasticsearch import elasticsearch_url

GUARDS = (
    "search.elastic_index.aliases",
    "search.elastic_index.compiler",
    "search.elastic_index.deep_paging",
    "search.elastic_index.searching",
)
pytestmark = [pytest.mark.elasticsearch, pytest.mark.timeout(300)]


@pytest.fixture
def alias() -> Iterator[str]:
    name = f"test-{uuid.uuid4().hex[:12]}"
    yield name
    with Elasticsearch(elasticsearch_url()) as client:
        for index in indexes(name):
            client.indices.delete(index=index)


@pytest.fixture
def index(alias: str) -> Iterator[ElasticIndex]:
    with closing(
        ElasticIndex(Server([elasticsearch_url()]), alias=alias, window=50)
    ) as made:
        yield made


def indexes(alias: str) -> list[str]:
    """The names of everything on the server that begins with an alias."""
    with Elasticsearch(elasticsearch_url()) as client:
        return [str(name) for name in client.indices.get_alias(index=f"{alias}*").body]


@contextmanager
def asked_all_the_while(index: SearchBackend, least: int) -> Iterator[list[int]]:
    """Searches in a thread of its own; each must be answered, and with so many finds at
    least.
    """
    counts: list[int] = []
    over = threading.Event()

    def search() -> None:
        while not over.is_set():
            counts.append(ask(index, rows=5).count)

    failed: list[BaseException] = []

    def watched() -> None:
        try:
            search()
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=watched)
    thread.start()
    try:
        yield counts
    finally:
        over.set()
        thread.join()
    assert not failed, failed
    assert counts and min(counts) >= least


REBUILD = """
import os, signal, sys
import search.elastic_index.bulk
from search import open_backend
from tests.search.datasets import entry
search.elastic_index.bulk.BATCH_ENTRIES, search.elastic_index.bulk.NOTED_BATCHES = 10, 2
def rows(after):
    for n in range(100):
        if n == 75: os.kill(os.getpid(), signal.SIGKILL)
        yield entry(f"d{n:03}")
open_backend(sys.argv[1], None, alias=sys.argv[2]).rebuild(rows)
"""


def test_a_killed_rebuild_is_gone_on_with_and_searching_never_stops(
    alias: str, index: ElasticIndex
) -> None:
    index.apply([entry(f"d{n:03}") for n in range(60)])
    before = indexes(alias)
    root = str(Path(__file__).parents[3])
    with asked_all_the_while(index, least=60):
        command = [sys.executable, "-c", REBUILD, elasticsearch_url(), alias]
        killed = subprocess.run(
            command, env={**os.environ, "PYTHONPATH": root}, check=False, timeout=100
        )
        assert killed.returncode == -signal.SIGKILL
        assert len(indexes(alias)) == 2
        index.apply([entry("d005", "Sau", revision=9), entry("zzz")], deleted=["d006"])
        # Purged and made anew while the rebuild lies still.
        index.apply([entry("d006", "Lại")])
        asked: list[str] = []

        def rest(after: str) -> object:
            asked.append(after)
            return listed(*(entry(f"d{n:03}") for n in range(100) if n != 6))(after)

        assert index.rebuild(rest) == 101  # type: ignore[arg-type]  # entries
    assert asked and asked[0] >= "d019", "it began anew"
    held = dict(index.stamps())
    assert (held["d005"], held["zzz"], held["d006"], len(held)) == (9, 1, 1, 101)
    assert found(index, "lai") == ["d006"]
    assert len(indexes(alias)) == 1 and indexes(alias) != before


def test_a_swap_amid_a_write_loses_nothing_and_makes_no_index_anew(
    alias: str, index: ElasticIndex
) -> None:
    index.apply([entry("a")])
    over = threading.Event()
    failed: list[BaseException] = []
    written: list[str] = []

    def write() -> None:
        try:
            while not over.is_set():
                # As the portal does: the database first, then the index.
                written.append(f"w{len(written):04}")
                index.apply([entry(written[-1])], deleted=["a"])
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=write)
    thread.start()
    with closing(ElasticIndex(Server([elasticsearch_url()]), alias=alias)) as other:
        for _ in range(3):
            other.rebuild(
                lambda after: [entry(name) for name in list(written) if name > after]
            )
    over.set()
    thread.join()
    assert not failed, failed
    assert [key for key, _ in index.stamps()] == written
    assert len(indexes(alias)) == 1


def test_what_was_purged_and_is_made_anew_is_found_at_once(index: ElasticIndex) -> None:
    for number in range(3):
        index.apply([entry("a", f"Lần {number}", revision=5 - number)])
        assert found(index, f"lan {number}") == ["a"]
        index.apply([], deleted=["a"])


def test_an_index_of_another_portal_with_a_name_like_ours_is_left_alone(
    alias: str, index: ElasticIndex
) -> None:
    with closing(
        ElasticIndex(Server([elasticsearch_url()]), alias=f"{alias}-v2")
    ) as other:
        other.apply([entry("theirs")])
        index.apply([entry("ours")])
        assert index.rebuild(listed(entry("ours"))) == 1
        assert found(other) == ["theirs"]


def test_pages_beyond_the_window_meet_each_once_while_others_write(
    index: ElasticIndex,
) -> None:
    index.apply([entry(f"d{n:03}") for n in range(200)])
    pages = [
        found(index, sort="id asc", start=start, rows=20) for start in range(0, 60, 20)
    ]
    # What comes and goes before the page moves no page.
    for place, start in enumerate(range(60, 220, 20)):
        index.apply([entry(f"a{place}")], deleted=[f"d{place:03}"])
        pages.append(found(index, sort="id asc", start=start, rows=20))
    assert [key for page in pages for key in page] == [f"d{n:03}" for n in range(200)]
    assert found(index, sort="id desc", start=150, rows=3) == ["d049", "d048", "d047"]
    assert found(index, "*:*", start=10**6) == []


def test_a_refused_change_keeps_no_other_out(index: ElasticIndex) -> None:
    poison = entry("c", labels=frozenset({"x" * 40_000}))  # longer than any term may be
    index.apply([entry("a")])
    with pytest.raises(ChangesRefused, match="of c ") as caught:
        index.apply([entry("b"), poison, entry("d")], deleted=["a"])
    assert caught.value.ids == {"c"}
    assert sorted(found(index)) == ["b", "d"]
    with pytest.raises(ChangesRefused, match="of c "):
        index.rebuild(listed(entry("b"), poison))
    assert sorted(found(index)) == ["b", "d"]


def test_replicas_and_shards_are_as_they_are_set(alias: str) -> None:
    with closing(
        ElasticIndex(Server([elasticsearch_url()]), alias=alias, shards=3, replicas=0)
    ) as made:
        made.apply([entry(f"d{n}", "Bệnh viện") for n in range(30)])
        assert ask(made, "benh vien", rows=30).count == 30
        with Elasticsearch(elasticsearch_url()) as client:
            settings = client.indices.get_settings(index=alias).body
        (held,) = settings.values()
        assert (
            held["settings"]["index"]["number_of_shards"],
            held["settings"]["index"]["number_of_replicas"],
        ) == (
            "3",
            "0",
        )
