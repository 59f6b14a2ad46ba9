"""Three Elasticsearch nodes, one of them killed (kill -9) amid a rebuild, amid the
drain of a backlog, amid searching.

Nothing is lost, no search fails, and when the node is back the index check names no
difference.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest

from portal.access.identity import SYSTEM
from portal.actions import registry
from portal.bootstrap import build_portal
from portal.db import datasets, outbox
from portal.db.holding import new_dataset
from portal.domain.base import new_id
from portal.domain.datasets import Dataset
from portal.domain.events import INDEX
from portal.pipeline import index
from portal.runtime import Portal
from portal.settings import load
from schemas.record import DatasetRecord
from search import open_backend
from search.backend import SearchBackend
from tests.search.datasets import ask, entry
from tests.servers.elastic_nodes import Nodes
from tests.servers.elasticsearch import own_nodes

pytestmark = [
    pytest.mark.elasticsearch,
    pytest.mark.timeout(900),
    pytest.mark.xdist_group("cluster"),
]

HELD = 600
MORE = 2_000
BACKLOG = 1_200


@pytest.fixture(scope="module")
def cluster() -> Iterator[Nodes]:
    with own_nodes(3, heap="320m") as nodes:
        yield nodes


@pytest.fixture
def whole(cluster: Nodes) -> Nodes:
    """The cluster with every node up and every copy of a shard in place."""
    cluster.start()
    with cluster.client() as client:
        client.options(request_timeout=150).cluster.health(
            wait_for_status="green", timeout="140s"
        )
    return cluster


def opened(nodes: Nodes, alias: str, **options: Any) -> SearchBackend:
    return open_backend(nodes.url, None, alias=alias, shards=2, timeout=30, **options)


@contextmanager
def all_the_while(question: Callable[[], int]) -> Iterator[list[int]]:
    """Asks in two threads; every question must be answered. Yields the counts that came
    back.
    """
    counts: list[int] = []
    failed: list[BaseException] = []
    over = threading.Event()

    def ask_on() -> None:
        try:
            while not over.is_set():
                counts.append(question())
                time.sleep(0.01)  # the nodes share their processors with what asks
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=ask_on) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        yield counts
    finally:
        over.set()
        for thread in threads:
            thread.join()
    assert not failed, failed
    assert counts


def elected(nodes: Nodes) -> int:
    """The number of the node that leads the cluster: its loss costs an election too."""
    with nodes.client() as client:
        state = client.cluster.state(metric="master_node,nodes").body
    return int(str(state["nodes"][state["master_node"]]["name"]).removeprefix("node-"))


def test_the_leader_is_killed_amid_a_rebuild_and_searching(whole: Nodes) -> None:
    leader = elected(whole)
    with (
        closing(opened(whole, "rebuilt")) as made,
        closing(opened(whole, "rebuilt")) as reader,
    ):
        made.apply([entry(f"d{n:05}", "Bệnh viện") for n in range(HELD)])

        def rows(after: str) -> Iterator[Any]:
            for n in range(HELD + MORE):
                if n == MORE // 2:
                    whole.kill(leader)
                yield entry(f"d{n:05}", "Bệnh viện")

        with all_the_while(
            lambda: ask(reader, "benh vien", rows=5, facet_fields=("tags",)).count
        ) as counts:
            assert made.rebuild(rows) == HELD + MORE
        assert set(counts) <= {HELD, HELD + MORE}, "a question was answered in part"
        assert reader.health().status in ("ok", "degraded")
        whole.start()
        assert dict(reader.stamps()) == {f"d{n:05}": 1 for n in range(HELD + MORE)}
        with whole.client() as client:
            assert len(client.indices.get_alias(index="rebuilt*").body) == 1


def test_a_node_is_killed_amid_the_drain_of_a_backlog(
    whole: Nodes, tmp_path: Path
) -> None:
    environment = {
        "PORTAL_DATA_DIR": str(tmp_path / "var"), "PORTAL_SEARCH_URL": whole.url, "PORTAL_SEARCH_SHARDS": "2",
        "PORTAL_SEARCH_REPLICAS": "1", "PORTAL_SEARCH_TIMEOUT": "30", "PORTAL_LOG_LEVEL": "ERROR",
    }  # fmt: skip
    portal = build_portal(load(environment), upgrade=True)
    try:
        backlog(portal)
        quiet = replace(portal, before_search=lambda *_: None)
        with all_the_while(lambda: searched(quiet)["count"]):
            drain = threading.Thread(target=index.drain, args=(portal,))
            drain.start()
            until = time.monotonic() + 100
            while waiting(portal) == BACKLOG and time.monotonic() < until:
                time.sleep(0.01)
            left = waiting(portal)
            whole.kill(2)
            drain.join()
        assert 0 < left < BACKLOG, "the node was not killed in the middle"
        assert not waiting(portal), "the drain gave up although two nodes were left"
        assert searched(portal)["count"] == BACKLOG
        assert index.compare(portal).none
        whole.start()
        assert index.compare(portal).none
    finally:
        portal.close()


def test_neighbours_are_found_by_sniffing(whole: Nodes) -> None:
    with closing(
        open_backend(whole.urls[0], None, alias="sniffed", sniff=True, timeout=30)
    ) as made:
        made.apply([entry("a")])
        assert ask(made).count == 1
        whole.kill(0)
        with all_the_while(lambda: ask(made).count) as counts:
            made.apply([entry("b")])
            until = time.monotonic() + 60
            while 2 not in counts and time.monotonic() < until:
                time.sleep(0.01)
        assert counts[-1] == 2


def backlog(portal: Portal) -> None:
    """Datasets that wait to be indexed."""
    made = registry.call(
        portal, SYSTEM, "organization_create", {"name": "so-y-te", "title": "Sở Y tế"}
    )
    owner = orjson.loads(orjson.dumps(made))["id"]
    with portal.work() as uow:
        for number in range(BACKLOG):
            dataset = new_dataset(uow, Dataset(id=new_id(), name="", owner_org=owner))
            datasets.describe(
                uow,
                dataset,
                DatasetRecord(name=f"d-{number}", title=f"Bệnh viện {number}"),
                (),
            )
            datasets.render(uow.session, dataset, portal.settings.site_url)
            uow.later(INDEX, dataset.id)
        uow.commit()


def searched(portal: Portal) -> Any:
    return registry.call(
        portal, SYSTEM, "package_search", {"q": "benh vien", "rows": 3}
    )


def waiting(portal: Portal) -> int:
    with portal.read() as uow:
        return outbox.count(uow.session, INDEX)
