"""Row queries and exports through HTTP on 1M x 12 and 100k x 8, beside SQLite,
PostgreSQL and CKAN's figures.

Starts a portal of its own with synthetic tables and asks it over loopback; every query
differs from the one before, so that no answer comes from memory except where the row
says so. CKAN's figures are those of CKAN 2.12 measured through HTTP on two shared cores
(PostgreSQL 15, gunicorn with two workers): compare ratios, not milliseconds.
"""

from __future__ import annotations

import argparse
import csv
import http.client
import os
import random
import shutil
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import polars as pl

from portal.access.identity import SYSTEM
from portal.actions import registry
from portal.bootstrap import build_portal
from portal.domain.base import new_id
from portal.domain.datasets import Resource, TableVersion
from portal.settings import load
from schemas.texttable import ROW, TextBatch, TextTable

PLACES = (
    "Hà Nội",
    "Thanh Hóa",
    "Nghệ An",
    "Đà Nẵng",
    "Hải Phòng",
    "Cần Thơ",
    "Huế",
    "Hà Tĩnh",
)
KINDS = ("Công lập", "Tư thục", "Bán công", "Liên doanh", "Hợp tác xã", "Khác")
WORDS = (  # noqa: SIM905 - a list of sixty quoted words is harder to read
    "bệnh viện đa khoa trung tâm y tế trạm phường xã quận huyện tỉnh đường số khu "
    "công nghiệp trường học tiểu trung "
    "phổ thông đại thành phố nhà máy nước sạch điện lực giao thông vận tải nông thôn "
    "mới dịch vụ du lịch khách sạn"
).split()
COLUMNS = (
    ("ma", "string"), ("ma_tinh", "integer"), ("ten_tinh", "string"), ("loai", "string"), ("ngay", "date"),
    ("nam", "integer"), ("gia_tri", "number"), ("so_luong", "integer"), ("ty_le", "number"), ("hoat_dong", "boolean"),
    ("ten_co_so", "string"), ("ghi_chu", "string"),
)  # fmt: skip
PEER = {
    "first page": "CKAN 10.8 ms, 182 req/s (c=4)",
    "page at 90 %": "CKAN 333 ms, 5.6 req/s",
    "filter + total": "CKAN 125 ms, 8.3 req/s",
    "q + total": "CKAN 257 ms, 6.0 req/s",
    "sort by a number": "CKAN 256 ms, 3.7 req/s",
    "SQL group-by": "CKAN 199 ms, 5.1 req/s",
    "csv": "CKAN 52 MB/s",
    "json": "CKAN 11.4 MB/s",
}
BLOCK = 50_000


def block(start: int, rows: int, width: int) -> dict[str, list[str]]:
    """Some rows of made-up text cells."""
    chance = np.random.default_rng(start + 11)
    days = (
        (np.datetime64("2015-01-01") + chance.integers(0, 4000, rows))
        .astype("datetime64[D]")
        .astype(str)
    )
    words = np.array(WORDS)
    place = chance.integers(0, len(PLACES), rows)

    def texts(most: int) -> list[str]:
        chosen, counts = (
            chance.integers(0, len(WORDS), (rows, most)),
            chance.integers(2, most + 1, rows),
        )
        return [
            " ".join(words[row[:count]])
            for row, count in zip(chosen, counts, strict=True)
        ]

    cells = [
        [f"CS{number:08d}" for number in range(start, start + rows)],
        [str(n + 1) for n in place],
        [PLACES[n] for n in place],
        [KINDS[n] for n in chance.integers(0, len(KINDS), rows)],
        list(days),
        [day[:4] for day in days],
        [f"{x:.2f}" for x in chance.uniform(0, 1e7, rows)],
        [str(n) for n in chance.integers(0, 5000, rows)],
        [f"{x:.6f}" for x in chance.random(rows)],
        ["true" if x < 0.8 else "false" for x in chance.random(rows)],
        texts(8),
        [
            "" if x < 0.3 else text
            for x, text in zip(chance.random(rows), texts(12), strict=True)
        ],
    ]
    return {
        name: made for (name, _), made in list(zip(COLUMNS, cells, strict=True))[:width]
    }


def fill(folder: Path, rows: int, width: int, name: str) -> tuple[str, Path]:
    """Put a table into a portal; return its resource's id, and a CSV of the same
    rows.
    """
    portal = build_portal(
        load({"PORTAL_DATA_DIR": str(folder), "PORTAL_LOG_LEVEL": "WARNING"}),
        upgrade=True,
    )
    registry.call(
        portal, SYSTEM, "package_create", {"name": name, "owner_org": "bench"}
    )
    made = registry.call(
        portal, SYSTEM, "resource_create", {"package_id": name, "name": name}
    )
    frames = [
        pl.DataFrame(block(start, min(BLOCK, rows - start), width))
        for start in range(0, rows, BLOCK)
    ]
    path = folder / f"{name}.csv"
    pl.concat(frames).write_csv(path)

    def batches() -> Iterator[TextBatch]:
        first = 2
        for frame in frames:
            numbers = pl.int_range(
                first, first + frame.height, eager=True, dtype=pl.Int64
            ).alias(ROW)
            yield TextBatch(
                frame.rename(
                    {n: str(i) for i, n in enumerate(frame.columns)}
                ).with_columns(numbers)
            )
            first += frame.height

    labels = tuple(n for n, _ in COLUMNS[:width])
    schema = {"fields": [{"name": n, "type": kind} for n, kind in COLUMNS[:width]]}
    started = time.perf_counter()
    manifest = portal.tables.write([TextTable(labels, batches)], schema)
    written = time.perf_counter() - started
    portal.tables.warm(manifest)
    with portal.work() as uow:
        version = TableVersion(
            id=new_id(), resource_id=made["id"], number=1, fingerprint=manifest.fingerprint,
            rows=manifest.rows, manifest=manifest.to_dict(),
        )  # fmt: skip
        uow.session.add(version)
        resource = uow.session.get(Resource, made["id"])
        assert resource is not None
        resource.version_id = version.id
        uow.commit()
    hot = time.perf_counter() - started - written
    print(f"{name}: {rows:,} rows written in {written:.1f} s, hot copy in {hot:.1f} s")
    portal.close()
    return str(made["id"]), path


def timed(
    port: int, path: Callable[[], str], seconds: float, clients: int
) -> tuple[float, float, float]:
    """Ask for `seconds` with `clients` connections: requests per second, median and
    99th percentile in ms.
    """
    took: list[float] = []
    stop = time.perf_counter() + seconds

    def ask() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port)
        while time.perf_counter() < stop:
            asked, started = path(), time.perf_counter()
            connection.request("GET", asked)
            answer = connection.getresponse()
            body = answer.read()
            assert answer.status == 200, (asked, body[:300])
            took.append((time.perf_counter() - started) * 1000)
        connection.close()

    threads = [threading.Thread(target=ask) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took.sort()
    return len(took) / seconds, statistics.median(took), took[int(len(took) * 0.99)]


def download(port: int, path: str, server: int) -> str:
    """Stream a download to its end: MB/s, time to the first byte, and the largest
    memory of the server's processes.
    """
    connection = http.client.HTTPConnection("127.0.0.1", port)
    started = time.perf_counter()
    connection.request("GET", path)
    answer = connection.getresponse()
    assert answer.status == 200, answer.read()
    first, size, peak = 0.0, 0, 0
    while piece := answer.read(1 << 20):
        first = first or time.perf_counter() - started
        size += len(piece)
        if size % (16 << 20) < len(piece):
            peak = max(peak, memory(server))
    took = time.perf_counter() - started
    speed = f"{size / 1e6:6.0f} MB in {took:5.2f} s = {size / 1e6 / took:4.0f} MB/s"
    return f"{speed}, first byte {first * 1000:4.0f} ms, {peak} MB"


def memory(server: int) -> int:
    """MB that the largest process of a server holds for itself (what is mapped from
    files is the system's cache).
    """
    largest = 0
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            lines = dict(
                line.split(":", 1)
                for line in status.read_text().splitlines()
                if ":" in line
            )
        except OSError:
            continue
        if (
            str(server) in (lines["PPid"].strip(), lines["Pid"].strip())
            and "RssAnon" in lines
        ):
            largest = max(largest, int(lines["RssAnon"].split()[0]) // 1024)
    return largest


def peers(path: Path, rows: int) -> None:
    """The same questions asked of SQLite, in process and without HTTP; of PostgreSQL
    where the tests can start one.
    """
    with path.open(encoding="utf-8") as file, tempfile.TemporaryDirectory() as folder:
        reader = csv.reader(file)
        names = next(reader)
        connection = sqlite3.connect(Path(folder) / "t.db")
        columns = ", ".join(
            f"{n} {'REAL' if n in ('gia_tri', 'so_luong', 'nam') else 'TEXT'}"
            for n in names
        )
        connection.execute(f"CREATE TABLE t (_id INTEGER PRIMARY KEY, {columns})")
        marks = ", ".join("?" * (len(names) + 1))
        connection.executemany(
            f"INSERT INTO t VALUES ({marks})",
            ([i, *row] for i, row in enumerate(reader, 1)),
        )
        connection.commit()
        asked = lambda sql: connection.execute(sql).fetchall()  # noqa: E731
        _peer("SQLite", asked, rows)
    _postgresql(path, names, rows)


def _postgresql(path: Path, names: list[str], rows: int) -> None:
    if not any(Path("/usr/lib/postgresql").glob("*/bin/initdb")):
        print("PostgreSQL: not on this machine")
        return
    import psycopg  # noqa: PLC0415 - only where there is a server

    from tests.servers.postgresql import fresh_database  # noqa: PLC0415

    with (
        fresh_database() as url,
        psycopg.connect(url.replace("+psycopg", "")) as connection,
    ):
        columns = ", ".join(
            f"{n} {'numeric' if n in ('gia_tri', 'so_luong', 'nam') else 'text'}"
            for n in names
        )
        connection.execute(f"CREATE TABLE t (_id serial PRIMARY KEY, {columns})")
        with connection.cursor().copy(
            f"COPY t ({', '.join(names)}) FROM STDIN (FORMAT csv, HEADER)"
        ) as copy:
            copy.write(path.read_bytes())
        connection.execute("ANALYZE t")
        _peer("PostgreSQL", lambda sql: connection.execute(sql).fetchall(), rows)


def _peer(name: str, asked: Callable[[str], Any], rows: int) -> None:
    questions = {
        "page at 90 %": [
            f"SELECT * FROM t ORDER BY _id LIMIT 100 OFFSET {rows * 9 // 10}"
        ],
        "filter + total": [
            f"SELECT {c} FROM t WHERE so_luong = 77 {o}"
            for c, o in (("*", "LIMIT 100"), ("count(*)", ""))
        ],
        "contains + total": [
            f"SELECT {c} FROM t WHERE ten_co_so LIKE '%bệnh viện%' {o}"
            for c, o in (("*", "LIMIT 100"), ("count(*)", ""))
        ],
        "sort by a number": ["SELECT * FROM t ORDER BY gia_tri DESC LIMIT 100"],
        "group-by": ["SELECT loai, nam, count(*), sum(gia_tri) FROM t GROUP BY 1, 2"],
    }
    for question, statements in questions.items():
        if "ten_co_so" in statements[0] and rows <= 100_000:
            continue
        took = []
        for _ in range(3):
            started = time.perf_counter()
            for sql in statements:
                asked(sql)
            took.append((time.perf_counter() - started) * 1000)
        print(f"{name:12}{question:22}{statistics.median(took):9.1f} ms")


def main() -> None:
    """Run and print tables."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rows", type=int, default=1_000_000)
    options.add_argument(
        "--seconds", type=float, default=3.0, help="for each row of the table"
    )
    options.add_argument("--port", type=int, default=5998)
    options.add_argument(
        "--no-peers", action="store_true", help="leave SQLite and PostgreSQL out"
    )
    given = options.parse_args()
    folder = Path(tempfile.mkdtemp())
    try:
        portal = build_portal(
            load({"PORTAL_DATA_DIR": str(folder), "PORTAL_LOG_LEVEL": "WARNING"}),
            upgrade=True,
        )
        registry.call(portal, SYSTEM, "organization_create", {"name": "bench"})
        portal.close()
        tables = [(*fill(folder, rows, width, name), rows) for name, rows, width in
                  (("lon", given.rows, 12), ("nho", given.rows // 10, 8))]  # fmt: skip
        serve(folder, given.port, given.seconds, tables)
        if not given.no_peers:
            peers(tables[0][1], given.rows)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def serve(
    folder: Path, port: int, seconds: float, tables: list[tuple[str, Path, int]]
) -> None:
    """Start a server over the folder, measure, and end it."""
    environment = {
        **os.environ,
        "PORTAL_DATA_DIR": str(folder),
        "PORTAL_LOG_LEVEL": "WARNING",
        "PORTAL_SQL_SEARCH": "on",
    }
    command = [
        sys.executable,
        "-c",
        "from portal.cli import main; main()",
        "serve",
        "--port",
        str(port),
    ]
    server = subprocess.Popen([*command, "--workers", "2"], env=environment)
    try:
        wait(port)
        for resource_id, _, rows in tables:
            queries(port, seconds, resource_id, rows, wide=rows == tables[0][2])
        exports(port, tables[0][0], server.pid)
    finally:
        server.terminate()
        server.wait()


def wait(port: int) -> None:
    """Wait until the server answers."""
    for _ in range(200):
        try:
            socket.create_connection(("127.0.0.1", port), 0.2).close()
            return
        except OSError:
            time.sleep(0.1)
    raise SystemExit("the server did not start")


def queries(
    port: int, seconds: float, resource_id: str, rows: int, *, wide: bool
) -> None:
    """Every kind of question, from one client and from four."""
    chance = random.Random(5)
    base = f"/api/3/action/datastore_search?resource_id={resource_id}&limit=100"
    sql = "/api/3/action/datastore_search_sql?sql="

    def group() -> str:
        where = f"so_luong >= {chance.randrange(500)}"
        return sql + quote(
            f'SELECT loai, nam, count(*), sum(gia_tri) FROM "{resource_id}" WHERE '
            f"{where} GROUP BY 1, 2"
        )

    asked: dict[str, Callable[[], str]] = {
        "first page (kept)": lambda: base,
        "page at 90 %": lambda: (
            f"{base}&offset={rows * 9 // 10 + chance.randrange(rows // 20)}"
        ),
        "next page by number": lambda: (
            f"{base}&filters=" + quote(f'{{"_id":{{"gt":{chance.randrange(rows)}}}}}')
        ),
        "filter + total": lambda: (
            f"{base}&filters=" + quote(f'{{"so_luong":{chance.randrange(5000)}}}')
        ),
        "sort by a number": lambda: (
            f"{base}&sort=gia_tri%20desc&offset={chance.randrange(2000)}"
        ),
        "SQL group-by": group,
    }
    if wide:
        asked["q + total"] = lambda: (
            f"{base}&q=" + quote(" ".join(chance.sample(WORDS, 2)))
        )
    print(f"\n{rows:,} rows x {12 if wide else 8}")
    print(f"{'':22}{'clients':>8}{'req/s':>9}{'p50 ms':>9}{'p99 ms':>9}  beside")
    for name, path in asked.items():
        timed(port, path, 0.5, 2)
        for clients in (1, 4):
            rate, middle, slow = timed(port, path, seconds, clients)
            print(
                f"{name:22}{clients:8}{rate:9.0f}{middle:9.2f}{slow:9.2f}  "
                f"{PEER.get(name.split(' (')[0], '')}"
            )


def exports(port: int, resource_id: str, server: int) -> None:
    """Filtered exports, which are made as they stream; then the whole version, which is
    made once.
    """
    base = f"/datastore/dump/{resource_id}?format="
    some = "&filters=" + quote('{"so_luong":{"gte":0}}')
    print(
        "\nExports (streamed by a filter that lets all rows pass; memory is what the "
        "process holds for itself)"
    )
    for form in ("csv", "ndjson", "json", "xml", "parquet", "xlsx"):
        print(
            f"{form:10}{download(port, base + form + some, server)}  "
            f"{PEER.get(form, '')}"
        )
    for again in ("made", "kept"):
        print(f"csv whole, {again:6}{download(port, base + 'csv', server)}")


if __name__ == "__main__":
    main()
