"""Writing rows: the typed load of a CSV, appends and upserts of 1,000 rows, reads
beside them; and SQLite.

Everything goes through the actions and the loader of a portal in a temporary folder;
CKAN's figures were measured through its API on two shared cores: compare ratios.
"""

from __future__ import annotations

import argparse
import csv
import sqlite3
import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl

from portal.access.identity import ANONYMOUS, SYSTEM
from portal.actions import registry
from portal.bootstrap import build_portal
from portal.pipeline import load
from portal.pipeline.background import Background
from portal.runtime import Portal
from portal.settings import load as settings
from schemas.record import Upload

TYPES = {
    "ma": "string", "ten": "string", "dia_chi": "string", "ma_tinh": "integer", "ma_xa": "string", "loai": "string",
    "so_luong": "integer", "gia": "number", "lat": "number", "co": "boolean", "ngay": "date", "thoi_diem": "datetime",
}  # fmt: skip
SCHEMA = {
    "fields": [{"name": name, "type": kind} for name, kind in TYPES.items()],
    "primaryKey": ["ma"],
}


def frame(start: int, count: int) -> pl.DataFrame:
    """Rows with keys from `start` on."""
    n = pl.int_range(start, start + count, eager=True).alias("n")
    day = pl.format("2026-{}-{}", (pl.col("n") % 12 + 1).cast(pl.String).str.zfill(2),
                    (pl.col("n") % 28 + 1).cast(pl.String).str.zfill(2))  # fmt: skip
    return pl.DataFrame([n]).select(
        pl.col("n").cast(pl.String).str.zfill(8).alias("ma"),
        pl.format("Cơ sở số {} Thanh Hóa", pl.col("n")).alias("ten"),
        pl.format("Số {}, đường Lê Lợi", pl.col("n") * 7919 % 300).alias("dia_chi"),
        (pl.col("n") * 31 % 34 + 1).alias("ma_tinh"),
        (pl.col("n") * 104729 % 3000 + 14000).cast(pl.String).alias("ma_xa"),
        (pl.lit("A") + (pl.col("n") % 4).cast(pl.String)).alias("loai"),
        (pl.col("n") * 7919 % 100_000).alias("so_luong"),
        (pl.col("n") * 104729 % 100_000 / 100).alias("gia"),
        (19.3 + pl.col("n") * 31 % 100_000 / 100_000).round(5).alias("lat"),
        (pl.col("n") % 2 == 0).cast(pl.String).alias("co"),
        day.alias("ngay"),
        pl.format(
            "{}T{}:15:00+07:00", day, (pl.col("n") % 24).cast(pl.String).str.zfill(2)
        ).alias("thoi_diem"),
    )


def timed(what: Callable[[], Any]) -> float:
    """Seconds."""
    start = time.perf_counter()
    what()
    return time.perf_counter() - start


def call(portal: Portal, action: str, **params: Any) -> Any:
    """Run an action as the portal itself."""
    return registry.call(portal, SYSTEM, action, params)


def upsert(
    portal: Portal, key: str, records: list[dict[str, Any]], method: str
) -> float:
    """Seconds of one datastore_upsert."""
    given = {"resource_id": key, "records": records, "method": method, "force": True}
    return timed(lambda: call(portal, "datastore_upsert", **given))


def sqlite_figures(path: Path, folder: Path, count: int) -> None:
    """The same work by SQLite, which keeps no versions and no types."""
    base = sqlite3.connect(folder / "beside.db")
    columns = ", ".join(f"{name} TEXT" for name in TYPES)
    marks = ", ".join("?" * len(TYPES))

    def fill() -> None:
        base.execute(f"CREATE TABLE t ({columns}, PRIMARY KEY (ma))")
        with path.open(encoding="utf-8", newline="") as file:
            base.executemany(f"INSERT INTO t VALUES ({marks})", csv.reader(file))
        base.commit()

    def put(start: int) -> None:
        base.executemany(
            f"INSERT OR REPLACE INTO t VALUES ({marks})", frame(start, 1000).rows()
        )
        base.commit()

    print(
        f"  SQLite: load {timed(fill):.1f} s, append "
        f"{timed(lambda: put(count * 2)) * 1000:.0f} ms, "
          f"upsert {timed(lambda: put(1000)) * 1000:.0f} ms")  # fmt: skip


def beside(portal: Portal, key: str, spread: list[dict[str, Any]]) -> None:
    """Four readers and one writer for some seconds: errors and the longest waits."""
    waits: list[float] = []
    errors: list[Exception] = []
    stop = threading.Event()

    def read() -> None:
        params = {"resource_id": key, "limit": 100, "filters": {"ma_xa": "14007"}}
        while not stop.is_set():
            try:
                waits.append(
                    timed(
                        lambda: registry.call(
                            portal, ANONYMOUS, "datastore_search", params
                        )
                    )
                )
            except Exception as error:
                errors.append(error)

    readers = [threading.Thread(target=read) for _ in range(4)]
    for reader in readers:
        reader.start()
    writes = [upsert(portal, key, spread, "upsert") for _ in range(5)]
    stop.set()
    for reader in readers:
        reader.join()
    waits.sort()
    print(f"  4 readers beside 1 writer: {len(waits)} reads, {len(errors)} errors, "
          f"p50 {waits[len(waits) // 2] * 1000:.0f}, "
          f"p99 {waits[int(len(waits) * 0.99)] * 1000:.0f}, longest "
          f"{waits[-1] * 1000:.0f} ms; "
          f"a write {statistics.median(writes) * 1000:.0f} ms")  # fmt: skip


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    count = parser.parse_args().rows
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.csv"
        frame(1, count).write_csv(path)
        portal = build_portal(
            settings(
                {}, data_dir=folder, max_resource_size="1000", log_level="WARNING"
            ),
            upgrade=True,
        )
        # As in the server: nobody waits for the index.
        portal = replace(portal, after_write=Background().wake)
        call(portal, "organization_create", name="so")
        call(portal, "package_create", name="bang", owner_org="so")
        with path.open("rb") as file:
            upload = Upload(stream=file, name="rows.csv", media_type="text/csv")
            made: list[Any] = []
            up = timed(
                lambda: made.append(
                    call(
                        portal,
                        "resource_create",
                        package_id="bang",
                        upload=upload,
                        schema=SCHEMA,
                    )
                )
            )
        key = made[0]["id"]
        loaded = timed(lambda: load.drain(portal))
        total = registry.call(
            portal, ANONYMOUS, "datastore_search", {"resource_id": key, "limit": 0}
        )["total"]
        assert total == count, total
        print(
            f"{count} rows x {len(TYPES)}, {path.stat().st_size / 1e6:.0f} MB; CKAN: "
            "255-290 s through its API, "
              f"54 s by XLoader as texts")  # fmt: skip
        print(f"  upload {up:.2f} s, typed load with validation {loaded:.2f} s")
        new = [
            upsert(portal, key, frame(count + n * 1000 + 1, 1000).to_dicts(), "insert")
            for n in range(12)
        ]
        print(
            f"  append 1,000: median {statistics.median(new) * 1000:.0f}, longest "
            f"{max(new) * 1000:.0f} ms"
        )
        spread = pl.concat(
            [frame(n * (count // 1000) + 1, 1) for n in range(1000)]
        ).to_dicts()
        some = [{"ma": record["ma"], "gia": record["gia"]} for record in spread]
        whole = [upsert(portal, key, spread, "upsert") for _ in range(5)]
        partial = [upsert(portal, key, some, "upsert") for _ in range(5)]
        print(f"  upsert 1,000 by key: median {statistics.median(whole) * 1000:.0f}, "
              f"longest {max(whole) * 1000:.0f} ms; "
              f"two fields of them: {statistics.median(partial) * 1000:.0f} ms")  # fmt: skip
        beside(portal, key, spread)
        sqlite_figures(path, Path(folder), count)
        portal.close()


if __name__ == "__main__":
    main()
