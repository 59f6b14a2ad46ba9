"""Search at size: indexing, and questions put to the engine and through HTTP, beside
CKAN 2.12's figures.

Fills a portal of its own in a temporary folder with synthetic datasets (rows are
written in bulk through the portal's unit of work, not one by one through
package_create), rebuilds its index, and asks. Without --url the index is the embedded
one. CKAN's figures were measured with 100,000 datasets and Solr 9.10 on two shared
cores of another day: compare ratios, and only between runs of the same size.
"""

from __future__ import annotations

import argparse
import http.client
import itertools
import multiprocessing
import os
import random
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

import orjson
from elasticsearch import Elasticsearch
from sqlalchemy import func, insert, select

from benchmarks.made_up import MadeUp, organization_id
from portal.access.identity import SYSTEM
from portal.actions import registry
from portal.bootstrap import build_portal
from portal.domain.datasets import Dataset
from portal.pipeline import index
from portal.runtime import Portal
from portal.settings import load
from search import open_backend
from search.backend import SearchRequest

FACETS = ("organization", "tags", "res_format", "license_id")
ROWS = 20
REQUESTS_EACH = 25
"""Requests of one connection."""
ALIAS = "search-benchmark"
PEER = {
    "keyword + 4 facets": "39 / 62 ms, 25/s; c=4 50/s",
    "match all + 4 facets": "42 / 63 ms, 42/s",
    "rows=0": "11 / 28 ms",
    "the engine alone": "Solr 4.4 / 27 ms",
    "indexing": "2,057 docs/s, 422 MB, Solr 1.0 GB resident",
}
ENGINE_PEER = {"keyword + 4 facets": "Solr 4.4 / 27 ms"}


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table: what was asked, how often a second, and the median and the
    99th percentile in ms.
    """

    name: str
    rate: float
    median: float
    worst: float

    def __str__(self) -> str:
        return (
            f"  {self.name:32} {self.rate:8.1f}/s  p50 {self.median:7.2f}  p99 "
            f"{self.worst:7.2f} ms"
        )


def fill(portal: Portal, count: int, words: MadeUp) -> None:
    """Write the organizations and `count` datasets; a folder of an earlier run is gone
    on with.
    """
    with portal.read() as uow:
        held = uow.session.scalar(select(func.count()).select_from(Dataset)) or 0
    assert held <= count, f"the folder holds {held} datasets already"
    for name in () if held else words.organizations:
        organization = {
            "id": organization_id(name),
            "name": name,
            "title": f"Cơ quan {name[-2:]}",
        }
        registry.call(portal, SYSTEM, "organization_create", organization)
    for first in range(held, count, 2_000):
        with portal.work() as uow:
            rows = [
                _row(payload)
                for payload in words.payloads(first, min(count, first + 2_000))
            ]
            uow.session.execute(insert(Dataset), rows)
            uow.commit()


def _row(payload: bytes) -> dict[str, object]:
    package = orjson.loads(payload)
    copied = (
        "id",
        "name",
        "title",
        "notes",
        "license_id",
        "owner_org",
        "private",
        "state",
        "type",
    )
    return {name: package[name] for name in copied} | {
        "rendered": payload,
        "revision": 1,
    }


def questions(words: MadeUp, seed: int) -> dict[str, Callable[[], SearchRequest]]:
    """What is asked: each call gives the next request of its kind."""
    chance = random.Random(seed)
    public = {"rows": ROWS, "facet_fields": FACETS, "relax_below": 1}
    return {
        "keyword + 4 facets": lambda: SearchRequest(q=words.question(chance), **public),
        "keyword, no facets": lambda: SearchRequest(
            q=words.question(chance), rows=ROWS, relax_below=1
        ),
        "keyword + filter + 4 facets": lambda: SearchRequest(
            q=words.question(chance),
            fq=(f"organization:{chance.choice(words.organizations)}",),
            **public,
        ),
        "match all + 4 facets": lambda: SearchRequest(**public),
        "rows=0": lambda: SearchRequest(q=words.question(chance), rows=0),
        "typeahead": lambda: SearchRequest(
            q=words.beginning(chance), rows=10, begun=True
        ),
    }


def addresses(words: MadeUp, seed: int) -> dict[str, Callable[[], str]]:
    """The same through HTTP."""
    chance = random.Random(seed)
    facets = orjson.dumps(FACETS).decode()

    def action(name: str, **fields: object) -> str:
        return f"/api/3/action/{name}?" + urlencode(
            {key.replace("_", "."): text for key, text in fields.items()}
        )

    def search(**fields: object) -> str:
        return action("package_search", rows=ROWS, facet_field=facets, **fields)

    return {
        "keyword + 4 facets": lambda: search(q=words.question(chance)),
        "keyword, no facets": lambda: action(
            "package_search", rows=ROWS, q=words.question(chance)
        ),
        "keyword + filter + 4 facets": lambda: search(
            q=words.question(chance),
            fq=f"organization:{chance.choice(words.organizations)}",
        ),
        "keyword + 4 facets + highlights": lambda: search(
            q=words.question(chance), hl="true"
        ),
        "match all + 4 facets": search,
        "rows=0": lambda: action("package_search", rows=0, q=words.question(chance)),
        "search_suggest": lambda: action("search_suggest", q=words.beginning(chance)),
        "package_autocomplete": lambda: action(
            "package_autocomplete", q=words.beginning(chance)
        ),
        "status_show": lambda: action("status_show"),
    }


def timed(
    name: str, seconds: float, clients: int, opened: Callable[[], Callable[[], None]]
) -> Row:
    """Ask for `seconds` with `clients` threads, each with what `opened` gives it."""
    took: list[float] = []
    stop = time.perf_counter() + seconds

    def ask() -> None:
        once = opened()
        while time.perf_counter() < stop:
            started = time.perf_counter()
            once()
            took.append((time.perf_counter() - started) * 1000)

    threads = [threading.Thread(target=ask) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took.sort()
    return Row(
        name, len(took) / seconds, statistics.median(took), took[int(len(took) * 0.99)]
    )


def at_the_engine(url: str, folder: str, seconds: float) -> tuple[list[Row], int]:
    """Ask the index in this process: the rows, and the process's resident MB
    afterwards.
    """
    engine = open_backend(url, Path(folder), alias=ALIAS)
    rows = []
    for name, request in questions(MadeUp(), 11).items():
        engine.search(request())
        rows.append(
            timed(
                name,
                seconds,
                1,
                lambda request=request: lambda: engine.search(request()),
            )
        )  # type: ignore[misc]
    engine.close()
    return rows, resident(os.getpid())


def through_http(port: int, seconds: float) -> Iterator[Row]:
    """Ask the running server, with one client and with four."""
    for clients in (1, 4):
        for name, address in addresses(MadeUp(), 11).items():

            def opened(address: Callable[[], str] = address) -> Callable[[], None]:
                connection = http.client.HTTPConnection("127.0.0.1", port)
                numbers = itertools.count(1)

                def once() -> None:
                    # The kernel gives each connection to one of the workers: four that
                    # stay may all have the same one.
                    if next(numbers) % REQUESTS_EACH == 0:
                        connection.close()
                    connection.request("GET", address())
                    answer = connection.getresponse()
                    body = answer.read()
                    assert answer.status == 200, body[:300]

                once()
                return once

            yield timed(f"{name} (c={clients})", seconds, clients, opened)


def resident(process: int) -> int:
    """Resident MB of a process and its children."""
    status = Path(f"/proc/{process}/status").read_text()
    own = (
        int(
            next(
                line for line in status.splitlines() if line.startswith("VmRSS")
            ).split()[1]
        )
        // 1024
    )
    children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    return own + sum(resident(int(child)) for child in children)


def size_of(folder: Path) -> int:
    """MB of the files in a folder."""
    return (
        sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
        // 2**20
    )


def server_size(url: str) -> int:
    """MB of the index on an Elasticsearch, its primaries only."""
    with Elasticsearch(url) as client:
        client.indices.refresh(index=ALIAS)
        held: int = client.indices.stats(index=ALIAS).body["_all"]["primaries"][
            "store"
        ]["size_in_bytes"]
        return held // 2**20


def forget(url: str) -> None:
    """Remove what a run left on an Elasticsearch."""
    with Elasticsearch(url) as client:
        for name in list(client.indices.get(index=f"{ALIAS}-v*").body):
            client.indices.delete(index=name)


@contextmanager
def serving(environment: Mapping[str, str], workers: int) -> Iterator[tuple[int, int]]:
    """A real server process: its port and its process id."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    command = [
        sys.executable,
        "-c",
        "from portal.cli import main; main()",
        "serve",
        "--port",
        str(port),
    ]
    server = subprocess.Popen(
        [*command, "--workers", str(workers)], env={**os.environ, **environment}
    )
    try:
        for _ in itertools.repeat(None, 300):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.2)
        yield port, server.pid
    finally:
        server.terminate()
        server.wait(30)


def measured(given: argparse.Namespace, folder: Path) -> None:
    """One run, printed as it goes."""
    environment = {
        "PORTAL_DATA_DIR": str(folder), "PORTAL_LOG_LEVEL": "WARNING", "PORTAL_SEARCH_URL": given.url,
        "PORTAL_SEARCH_INDEX": ALIAS,
    }  # fmt: skip
    print(
        f"{given.datasets:,} datasets, "
        f"{'Elasticsearch' if given.url else 'embedded'}, load "
        f"{os.getloadavg()[0]:.1f}"
    )
    portal = build_portal(load(environment), upgrade=True)
    started = time.perf_counter()
    fill(portal, given.datasets, MadeUp())
    print(f"database filled in {time.perf_counter() - started:.0f} s", flush=True)
    if given.rebuild:
        rebuilt(portal, given, folder)
    portal.close()
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as fresh:
        rows, memory = fresh.submit(
            at_the_engine, given.url, str(folder / "index"), given.seconds
        ).result()
    print(f"the engine alone, one caller, {memory} MB resident")
    for row in rows:
        print(
            f"{row}  {f'[{ENGINE_PEER[row.name]}]' if row.name in ENGINE_PEER else ''}"
        )
    with serving(environment, given.workers) as (port, process):
        print(f"through HTTP, {given.workers} workers")
        for row in through_http(port, given.seconds):
            peer = PEER.get(row.name.partition(" (")[0])
            print(f"{row}  {f'[CKAN {peer}]' if peer else ''}", flush=True)
        print(f"  {resident(process)} MB resident; load {os.getloadavg()[0]:.1f}")


def rebuilt(portal: Portal, given: argparse.Namespace, folder: Path) -> None:
    """Fill the index, and say how long that took and how large it is."""
    started, worked = time.perf_counter(), time.process_time()
    index.rebuild(portal)
    took, worked = time.perf_counter() - started, time.process_time() - worked
    size = server_size(given.url) if given.url else size_of(folder / "index")
    rate = given.datasets / took
    print(
        f"indexed in {took:.1f} s ({worked:.1f} s of processor): {rate:,.0f} docs/s, "
        f"{size} MB on disk,"
    )
    print(
        f"  {resident(os.getpid())} MB resident  [CKAN: {PEER['indexing']}]", flush=True
    )


def main() -> None:
    """Run once."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument(
        "--datasets", type=int, default=100_000, help="how many (1,000,000 at most)"
    )
    options.add_argument(
        "--seconds", type=float, default=3.0, help="for each line of the table"
    )
    options.add_argument(
        "--workers", type=int, default=2, help="processes of the server"
    )
    options.add_argument(
        "--no-rebuild",
        dest="rebuild",
        action="store_false",
        help="ask the index of an earlier run",
    )
    options.add_argument(
        "--url",
        default=os.environ.get("ELASTICSEARCH_URL", ""),
        help="an Elasticsearch to measure",
    )
    options.add_argument(
        "--keep",
        type=Path,
        help="a folder to leave the portal in, or of an earlier run",
    )
    given = options.parse_args()
    folder = given.keep or Path(tempfile.mkdtemp(prefix="search-benchmark-"))
    try:
        measured(given, folder)
    finally:
        if given.url:
            forget(given.url)
        if not given.keep:
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
