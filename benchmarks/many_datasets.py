"""Changes of many datasets at once: how long they take, and how long everybody else
waits to write meanwhile.

Fills a portal on SQLite in a temporary folder with datasets of one organization. Then,
in turn: all of them made private in one transaction (the way it was until decision 9)
and by `bulk_update_private`; the organization renamed with every dataset rendered in
one transaction, and by `organization_patch`. A second thread makes a small write every
20 ms and keeps how long that took. Compare ratios of one run.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from sqlalchemy import Connection, event

from benchmarks.catalogue import made_up
from portal.access.identity import SYSTEM
from portal.actions import registry
from portal.bootstrap import build_portal
from portal.db import datasets, outbox
from portal.db.holding import held_datasets, new_dataset
from portal.domain.base import new_id
from portal.domain.datasets import Dataset
from portal.domain.events import RENDER
from portal.domain.people import Group
from portal.pipeline import rendering
from portal.runtime import Portal
from portal.settings import load


def fill(portal: Portal, count: int) -> tuple[str, list[str]]:
    """An organization and the ids of its datasets."""
    made = registry.call(
        portal, SYSTEM, "organization_create", {"name": "org", "title": "Sở"}
    )
    chance, ids = random.Random(7), [new_id() for _ in range(count)]
    with portal.work() as uow:
        for number, key in enumerate(ids):
            dataset = new_dataset(uow, Dataset(id=key, name="", owner_org=made["id"]))
            datasets.describe(uow, dataset, made_up(chance, number), ())
            datasets.render(uow.session, dataset, portal.settings.site_url)
        uow.commit()
    return str(made["id"]), ids


@contextmanager
def others(portal: Portal) -> Iterator[list[float]]:
    """Somebody else who writes a little all the time; how long each of his writes
    took.
    """
    waits: list[float] = []
    over = threading.Event()

    def write() -> None:
        while not over.wait(0.02):
            began = time.perf_counter()
            with portal.work() as uow:
                uow.audit(None, "benchmark", "Nothing", None)
                uow.commit()
            waits.append(time.perf_counter() - began)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        yield waits
    finally:
        over.set()
        writer.join()


@contextmanager
def held(portal: Portal) -> Iterator[list[float]]:
    """How long each writing transaction of this thread held SQLite's lock, from having
    it to the commit.
    """
    holds: list[float] = []
    began = [0.0]
    mine = threading.current_thread()

    def has_lock(
        _connection: object, _cursor: object, statement: str, *_rest: object
    ) -> None:
        if threading.current_thread() is mine and statement == "BEGIN IMMEDIATE":
            began[0] = time.perf_counter()

    def commits(connection: Connection) -> None:
        writes = not connection.get_execution_options().get("portal_read_only", False)
        if threading.current_thread() is mine and writes:
            holds.append(time.perf_counter() - began[0])

    event.listen(portal.engine, "after_cursor_execute", has_lock)
    event.listen(portal.engine, "commit", commits)
    try:
        yield holds
    finally:
        event.remove(portal.engine, "after_cursor_execute", has_lock)
        event.remove(portal.engine, "commit", commits)


def at_once(
    portal: Portal, ids: list[str], change: Callable[[Dataset], object]
) -> None:
    """The way it was: every dataset in one transaction."""
    with portal.work() as uow:
        for dataset in held_datasets(uow, ids):
            change(dataset)
            datasets.save(uow, dataset, portal.settings.site_url, quiet=True)
        uow.commit()


def rename_at_once(portal: Portal, organization: str, ids: list[str]) -> None:
    """The way it was: the new title and every dataset that tells it in one
    transaction.
    """
    with portal.work() as uow:
        uow.session.get_one(Group, organization).title = "Sở mới"
        for dataset in held_datasets(uow, ids):
            datasets.save(uow, dataset, portal.settings.site_url, quiet=True)
        uow.commit()


def rename(portal: Portal, organization: str) -> None:
    """The way it is, and how long until the last dataset tells the new title."""
    began = time.perf_counter()
    registry.call(
        portal, SYSTEM, "organization_patch", {"id": organization, "title": "Sở khác"}
    )
    print(f"{'':34}answered after {time.perf_counter() - began:.2f} s")
    rendering.drain(portal)
    with portal.read() as uow:
        assert not outbox.count(uow.session, RENDER)


def measure(portal: Portal, what: str, deed: Callable[[], object]) -> None:
    """Do something, and tell how long it took and how long others waited."""
    with others(portal) as waits, held(portal) as holds:
        began = time.perf_counter()
        deed()
        took = time.perf_counter() - began
    waits.sort()
    told = (
        f"{what:34}{took:8.2f} s   held {max(holds):6.2f} s at most, in {len(holds)} "
        "transactions"
    )
    print(
        f"{told}; others waited {waits[-1]:6.2f} s at most, "
        f"{waits[len(waits) // 2]:.2f} s in the middle"
    )


def main() -> None:
    """Measure all four in one run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=2600)
    count = parser.parse_args().count
    with tempfile.TemporaryDirectory() as folder:
        settings = load(
            {"PORTAL_DATA_DIR": str(Path(folder)), "PORTAL_LOG_LEVEL": "WARNING"}
        )
        portal = replace(
            build_portal(settings, upgrade=True), after_write=lambda _portal: None
        )
        organization, ids = fill(portal, count)
        measure(
            portal,
            "private, one transaction",
            lambda: at_once(portal, ids, lambda d: setattr(d, "private", True)),
        )
        at_once(portal, ids, lambda dataset: setattr(dataset, "private", False))
        asked = {"org_id": organization, "datasets": ids}
        measure(
            portal,
            "bulk_update_private",
            lambda: registry.call(portal, SYSTEM, "bulk_update_private", asked),
        )
        measure(
            portal,
            "new title, one transaction",
            lambda: rename_at_once(portal, organization, ids),
        )
        measure(
            portal,
            "organization_patch and RENDER",
            lambda: rename(portal, organization),
        )
        portal.close()


if __name__ == "__main__":
    main()
