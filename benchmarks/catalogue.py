"""The catalogue through HTTP: reads and writes per second and their latencies, beside
CKAN 2.12's figures.

Starts a portal of its own in a temporary folder, fills it with synthetic Vietnamese
datasets, and asks it over loopback. CKAN's figures were measured on two shared cores
with Solr 9.10 and PostgreSQL 15: compare ratios.
"""

from __future__ import annotations

import argparse
import http.client
import os
import random
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import chain
from multiprocessing import Pool
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import orjson

from portal.access.identity import SYSTEM
from portal.actions import registry
from portal.bootstrap import build_portal
from portal.db import datasets as db
from portal.db.holding import new_dataset
from portal.domain.base import new_id
from portal.domain.datasets import Dataset
from portal.pipeline import index
from portal.settings import load
from schemas.record import DatasetRecord, ResourceRecord

WORDS = (  # noqa: SIM905 - easier to read and to add to than a list of sixty quoted words
    "bệnh viện trường học giá nông sản đường giao thông môi trường nước thải doanh "
    "nghiệp công nghệ số lao động "
    "du lịch điện năng ngân sách đất đai dân số thủy sản xây dựng hợp tác xã khu công "
    "nghiệp"
).split(" ")
PEER = {
    "package_show": "CKAN 10-16 ms, 129-206 req/s",
    "package_search": "CKAN 39 / 62 ms, 50 req/s (100,000 datasets)",
    "match all": "CKAN 42 / 63 ms",
    "list with resources": "CKAN 294 ms",
    "organization_list": "CKAN 60 ms",
    "package_create": "CKAN 41-77 ms, 13-24/s",
    "edit 1 of 500 resources": "CKAN 578 ms (of 200 resources)",
}


def fill(folder: Path, count: int) -> str:
    """Make organizations, a sysadmin and `count` datasets; return the sysadmin's
    token.
    """
    portal = build_portal(
        load({"PORTAL_DATA_DIR": str(folder), "PORTAL_LOG_LEVEL": "WARNING"}),
        upgrade=True,
    )
    orgs = [
        registry.call(
            portal,
            SYSTEM,
            "organization_create",
            {"name": f"org-{n:02}", "title": f"Cơ quan {n}"},
        )["id"]
        for n in range(40)
    ]
    registry.call(
        portal, SYSTEM, "user_create",
        {"name": "bench", "email": "bench@example.vn", "password": "bench-bench", "sysadmin": True},
    )  # fmt: skip
    token = registry.call(
        portal, SYSTEM, "api_token_create", {"user": "bench", "name": "bench"}
    )["token"]
    chance = random.Random(7)
    for start in range(0, count, 1000):
        with portal.work() as uow:
            for number in range(start, min(count, start + 1000)):
                record = made_up(chance, number)
                dataset = new_dataset(
                    uow, Dataset(id=new_id(), name="", owner_org=chance.choice(orgs))
                )
                db.describe(uow, dataset, record, ())
                db.render(uow.session, dataset, portal.settings.site_url)
            uow.commit()
    started = time.perf_counter()
    index.rebuild(portal)
    print(f"indexed {count} datasets in {time.perf_counter() - started:.1f} s")
    portal.close()
    return str(token)


def made_up(chance: random.Random, number: int) -> DatasetRecord:
    """A dataset of random words."""
    return DatasetRecord(
        name=f"dataset-{number:06}",
        title=" ".join(chance.choices(WORDS, k=8)),
        notes=" ".join(chance.choices(WORDS, k=60)),
        license_id=chance.choice(("cc-by", "odc-pddl", "dlm-vn")),
        tags=tuple({chance.choice(WORDS) for _ in range(4)} - {"số", "xã"}),
        resources=tuple(
            ResourceRecord(
                name=f"r{n}",
                url=f"https://example.vn/{number}/{n}.csv",
                format=chance.choice(("CSV", "JSON")),
            )
            for n in range(5)
        ),
    )


def timed(
    port: int, path: Callable[[], str], seconds: float, clients: int
) -> tuple[float, float, float]:
    """Ask for `seconds` with `clients` connections: requests per second, median and
    99th percentile in ms.

    Each client is a process with a bare socket, so that the server is measured and not
    a client library.
    """
    paths = [[path() for _ in range(500)] for _ in range(clients)]
    with Pool(clients) as pool:
        took = sorted(
            chain.from_iterable(
                pool.starmap(asked, [(port, each, seconds) for each in paths])
            )
        )
    return len(took) / seconds, statistics.median(took), took[int(len(took) * 0.99)]


def asked(port: int, paths: list[str], seconds: float) -> list[float]:
    """Ask for these paths in turn over one connection; return how many milliseconds
    each took.
    """
    took: list[float] = []
    requests = [
        f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode() for path in paths
    ]
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        stop = time.perf_counter() + seconds
        while time.perf_counter() < stop:
            started = time.perf_counter()
            connection.sendall(requests[len(took) % len(requests)])
            received(connection)
            took.append((time.perf_counter() - started) * 1000)
    return took


def received(connection: socket.socket) -> None:
    """Read one whole answer, which must be a good one."""
    head = b""
    while b"\r\n\r\n" not in head:
        head += connection.recv(65536)
    head, _, body = head.partition(b"\r\n\r\n")
    assert b" 200 " in head[:20], head
    length = next(
        line
        for line in head.lower().split(b"\r\n")
        if line.startswith(b"content-length:")
    )
    left = int(length.split(b":")[1]) - len(body)
    while left > 0:
        left -= len(connection.recv(1 << 20))


def creates(port: int, token: str, count: int) -> tuple[float, float, float]:
    """Create datasets one after the other through HTTP."""
    took = []
    connection = http.client.HTTPConnection("127.0.0.1", port)
    for number in range(count):
        body = {
            "name": f"made-{number}",
            "owner_org": "org-00",
            "title": "Bộ dữ liệu mới",
            "tags": [{"name": "mới"}],
        }
        started = time.perf_counter()
        headers = {"Authorization": token, "Content-Type": "application/json"}
        connection.request(
            "POST", "/api/3/action/package_create", orjson.dumps(body), headers
        )
        answer = connection.getresponse()
        assert answer.status == 200, answer.read()
        answer.read()
        took.append((time.perf_counter() - started) * 1000)
    took.sort()
    return (
        1000 / statistics.mean(took),
        statistics.median(took),
        took[int(len(took) * 0.99)],
    )


def edits(
    port: int, token: str, count: int, resources: int = 500
) -> tuple[float, float, float]:
    """Patch one resource of a long dataset again and again through HTTP."""
    links = [
        {"name": f"r{n}", "url": f"https://example.vn/long/{n}.pdf", "format": "PDF"}
        for n in range(resources)
    ]
    connection = http.client.HTTPConnection("127.0.0.1", port)
    headers = {"Authorization": token, "Content-Type": "application/json"}

    def post(action: str, body: dict[str, object]) -> dict[str, Any]:
        connection.request(
            "POST", f"/api/3/action/{action}", orjson.dumps(body), headers
        )
        answer = connection.getresponse()
        text = answer.read()
        assert answer.status == 200, text
        result: dict[str, Any] = orjson.loads(text)["result"]
        return result

    made = post(
        "package_create", {"name": "long", "owner_org": "org-00", "resources": links}
    )
    edited = made["resources"][resources // 2]["id"]
    took = []
    for number in range(count):
        started = time.perf_counter()
        post("resource_patch", {"id": edited, "description": f"Lần sửa {number}"})
        took.append((time.perf_counter() - started) * 1000)
    took.sort()
    return (
        1000 / statistics.mean(took),
        statistics.median(took),
        took[int(len(took) * 0.99)],
    )


def main() -> None:
    """Run and print a table."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--count", type=int, default=20_000, help="datasets")
    options.add_argument(
        "--seconds", type=float, default=3.0, help="for each row of the table"
    )
    options.add_argument("--port", type=int, default=5999)
    given = options.parse_args()
    chance = random.Random(11)
    with tempfile.TemporaryDirectory() as folder:
        token = fill(Path(folder), given.count)
        environment = {
            **os.environ,
            "PORTAL_DATA_DIR": folder,
            "PORTAL_LOG_LEVEL": "WARNING",
        }
        command = [
            sys.executable,
            "-c",
            "from portal.cli import main; main()",
            "serve",
            "--port",
            str(given.port),
        ]
        server = subprocess.Popen([*command, "--workers", "2"], env=environment)
        try:
            wait(given.port)
            table(given.port, given.seconds, given.count, chance, token)
        finally:
            server.terminate()
            server.wait()


def wait(port: int) -> None:
    """Wait until the server answers."""
    for _ in range(300):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise SystemExit("the server does not answer")


def table(
    port: int, seconds: float, count: int, chance: random.Random, token: str
) -> None:
    """Measure and print every row."""
    action = "/api/3/action/"
    facets = quote('["organization","tags","res_format","license_id"]')

    def search() -> str:
        words = " ".join(chance.choices(WORDS, k=2))
        return f"{action}package_search?rows=20&facet.field={facets}&{urlencode({'q': words})}"

    paths: tuple[tuple[str, Callable[[], str]], ...] = (
        (
            "package_show",
            lambda: f"{action}package_show?id=dataset-{chance.randrange(count):06}",
        ),
        ("package_search", search),
        ("match all", lambda: f"{action}package_search?rows=20&facet.field={facets}"),
        (
            "list with resources",
            lambda: f"{action}current_package_list_with_resources?limit=100",
        ),
        ("organization_list", lambda: f"{action}organization_list?all_fields=true"),
    )
    print(f"{'':24}{'clients':>8}{'req/s':>9}{'p50 ms':>9}{'p99 ms':>9}  beside")
    for name, path in paths:
        for clients in (1, 4):
            rate, middle, slow = timed(port, path, seconds, clients)
            print(
                f"{name:24}{clients:8}{rate:9.0f}{middle:9.2f}{slow:9.2f}  "
                f"{PEER.get(name, '')}"
            )
    for name, write in (
        ("package_create", creates),
        ("edit 1 of 500 resources", edits),
    ):
        rate, middle, slow = write(port, token, 50)
        print(f"{name:24}{1:8}{rate:9.0f}{middle:9.2f}{slow:9.2f}  {PEER[name]}")


if __name__ == "__main__":
    main()
