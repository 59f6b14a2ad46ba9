"""How fast an index is rebuilt from the database, and where the time goes: embedded and
(with --url) Elasticsearch.
"""

from __future__ import annotations

import argparse
import os
import resource
import tempfile
import time
import uuid
from collections import deque
from pathlib import Path

from benchmarks.catalogue import fill
from portal.bootstrap import build_portal
from portal.pipeline import index
from portal.runtime import Portal
from portal.settings import load
from search.planning.document import flatten


def measured(folder: Path, url: str) -> None:
    """Rebuild a filled portal's index twice, the second time with everything warm, and
    report the second.
    """
    environment = {
        "PORTAL_DATA_DIR": str(folder),
        "PORTAL_LOG_LEVEL": "WARNING",
        "PORTAL_SEARCH_URL": url,
    }
    portal = build_portal(
        load({**environment, "PORTAL_SEARCH_INDEX": f"indexing-{uuid.uuid4().hex[:8]}"})
    )
    try:
        index.rebuild(portal)
        before = resource.getrusage(resource.RUSAGE_SELF)
        started = time.perf_counter()
        held = index.rebuild(portal)
        seconds = time.perf_counter() - started
        after = resource.getrusage(resource.RUSAGE_SELF)
        own = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        engine = "Elasticsearch" if url else "embedded"
        print(
            f"{engine}: {held} datasets in {seconds:.1f} s, {held / seconds:,.0f}/s; "
            f"own CPU {own:.1f} s"
        )
    finally:
        if url:
            drop(url, portal.settings.search_index)
        portal.close()


def drop(url: str, alias: str) -> None:
    """Remove the indexes of a benchmark from a server."""
    from elasticsearch import Elasticsearch  # noqa: PLC0415 - only where a server is asked

    with Elasticsearch(url.split(",")) as client:
        for name in list(client.indices.get_alias(index=f"{alias}-v*").body):
            client.indices.delete(index=name)


def parts(folder: Path) -> None:
    """What reading the entries and flattening them takes of it."""
    portal = build_portal(
        load({"PORTAL_DATA_DIR": str(folder), "PORTAL_LOG_LEVEL": "WARNING"})
    )
    try:
        entries = _timed("read from the database", portal)
        started = time.perf_counter()
        deque((flatten(entry) for entry in entries), maxlen=0)
        print(f"  fold and flatten: {time.perf_counter() - started:.1f} s")
    finally:
        portal.close()


def _timed(title: str, portal: Portal) -> list[index.IndexEntry]:
    started = time.perf_counter()
    with portal.read() as uow:
        entries = list(index.entries_after(uow.session, ""))
    print(f"  {title}: {time.perf_counter() - started:.1f} s")
    return entries


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--url",
        default=os.environ.get("ELASTICSEARCH_URL", ""),
        help="an Elasticsearch to compare",
    )
    parser.add_argument("--datasets", type=int, default=20_000)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        fill(Path(name), chosen.datasets)
        parts(Path(name))
        measured(Path(name), "")
        if chosen.url:
            measured(Path(name), chosen.url)
