"""Pages of the DCAT catalogue: 100 datasets rendered for the first time, put together
from kept parts, or not at all.

Fills a portal in a temporary folder with synthetic datasets (five resources each) and
asks the application without a socket. Times are of one core; the last column is what a
client that has the page already waits.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.catalogue import fill
from portal.bootstrap import build_portal
from portal.settings import load
from portal.web.app import create_app


def timed(call: Callable[[], object]) -> float:
    """Milliseconds."""
    started = time.perf_counter()
    call()
    return (time.perf_counter() - started) * 1000


def main() -> None:
    """Run and print a table."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--count", type=int, default=1000, help="datasets")
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        fill(Path(folder), given.count)
        portal = build_portal(
            load({"PORTAL_DATA_DIR": folder, "PORTAL_LOG_LEVEL": "WARNING"})
        )
        client = create_app(portal).test_client()
        print(
            f"{'page of 100':14}{'first ms':>10}{'again ms':>10}{'304 ms':>10}{'kB':>8}"
        )
        for number, suffix in enumerate(("ttl", "jsonld", "rdf"), 1):
            path = f"/catalog.{suffix}?page={number}"
            first = timed(lambda path=path: client.get(path))  # type: ignore[misc]
            again = statistics.median(
                timed(lambda path=path: client.get(path)) for _ in range(9)
            )  # type: ignore[misc]
            answer = client.get(path)
            known = {"If-None-Match": answer.headers["ETag"]}
            not_modified = statistics.median(
                timed(lambda path=path, known=known: client.get(path, headers=known))  # type: ignore[misc]
                for _ in range(9)
            )
            size = len(answer.get_data()) // 1024
            print(f"{suffix:14}{first:10.0f}{again:10.1f}{not_modified:10.1f}{size:8}")
        spent = timed(lambda: client.get("/data.json").get_data())
        print(f"{'data.json':14}{spent:10.0f}  for {given.count} datasets")
        portal.close()


if __name__ == "__main__":
    main()
