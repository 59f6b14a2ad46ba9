"""Four readers, one writer and retention at once: every answer is one whole version,
and nobody hears an error.
"""

import random
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import orjson

from portal.access.identity import ANONYMOUS, SYSTEM
from portal.db import datastore
from portal.errors import NotFound
from portal.pipeline import sweep
from portal.runtime import Portal
from portal.tabular.exports.export import Look
from portal.tabular.manifest import Manifest
from portal.tabular.store import RowQuery
from tests.portal.actions.people import call, make_org

GUARDS = ("portal.access.old_versions",)
ACCOUNTS, WRITES, KEPT, EVERY = 400, 16, 8, 4
"""Versions that are kept: a reader would have to be so many writes behind to miss its
own.
"""


def make(portal: Portal) -> str:
    """A table of accounts whose amounts come to nothing, whatever is moved between
    them.
    """
    make_org(portal, "org")
    call(portal, SYSTEM, "package_create", name="so-cai", owner_org="org")
    made = call(
        portal, SYSTEM, "datastore_create", resource={"package_id": "so-cai"}, primary_key=["tk"],
        fields=[{"id": "tk"}, {"id": "so", "type": "int"}],
        records=[{"tk": f"{n:05}", "so": n if n % 2 else -n - 1} for n in range(ACCOUNTS)],
    )  # fmt: skip
    return str(made["resource_id"])


def write(portal: Portal, key: str) -> None:
    """Move amounts, open accounts in pairs, close two; and let old versions go in
    between.
    """
    strict = replace(
        portal, settings=replace(portal.settings, versions_keep=KEPT, versions_days=0)
    )
    chance, balance, made = random.Random(4), {}, ACCOUNTS
    for turn in range(WRITES):
        one, two = (f"{n:05}" for n in chance.sample(range(100), 2))
        moved = [balance.setdefault(tk, held(portal, key, tk)) for tk in (one, two)]
        balance[one], balance[two] = moved[0] - turn, moved[1] + turn
        records = [{"tk": one, "so": balance[one]}, {"tk": two, "so": balance[two]}]
        records += [
            {"tk": f"{made:05}", "so": turn},
            {"tk": f"{made + 1:05}", "so": -turn},
        ]
        made += 2
        call(portal, SYSTEM, "datastore_upsert", resource_id=key, records=records)
        if turn % EVERY == EVERY - 1:
            gone = [f"{made - 1:05}", f"{made - 2:05}"]
            call(
                portal,
                SYSTEM,
                "datastore_records_delete",
                resource_id=key,
                filters={"tk": gone},
            )
            sweep.sweep(strict, timedelta(0))


def held(portal: Portal, key: str, account: str) -> int:
    """What an account holds now."""
    found = call(
        portal, SYSTEM, "datastore_search", resource_id=key, filters={"tk": account}
    )
    return int(found["records"][0]["so"])


def by_page(portal: Portal, key: str) -> list[int]:
    """All amounts by one page."""
    found = call(
        portal,
        ANONYMOUS,
        "datastore_search",
        resource_id=key,
        limit=32000,
        records_format="lists",
    )
    assert found["total"] == len(found["records"])
    return [row[2] for row in found["records"]]


def by_filter(portal: Portal, key: str) -> list[int]:
    """All amounts by a filter and a sort, which go another way through the engine."""
    asked: dict[str, Any] = {
        "filters": {"so": {"gte": -(10**6)}},
        "sort": "so desc",
        "limit": 32000,
    }
    found = call(portal, ANONYMOUS, "datastore_search", resource_id=key, **asked)
    assert found["total"] == len(found["records"])
    return [row["so"] for row in found["records"]]


def by_stream(portal: Portal, key: str) -> list[int]:
    """All amounts by an export that streams."""
    with portal.read() as uow:
        manifest = Manifest.from_dict(
            datastore.list_versions(uow.session, key, 1, 0)[0].manifest
        )
    pieces = portal.tables.stream(
        manifest, RowQuery(limit=-1, filters={"tk": {"gte": ""}}), "ndjson", Look()
    )
    return [orjson.loads(line)["so"] for line in b"".join(pieces).splitlines()]


def by_number(portal: Portal, key: str) -> list[int]:
    """All amounts of some version that was kept a moment ago."""
    listed = call(portal, ANONYMOUS, "datastore_versions", resource_id=key, limit=4)[
        "versions"
    ]
    try:
        found = call(
            portal,
            ANONYMOUS,
            "datastore_search",
            resource_id=key,
            version=listed[-1]["version"],
            limit=32000,
        )
    except NotFound:
        return []  # let go meanwhile, and said so
    assert found["total"] == len(found["records"]) == listed[-1]["rows"]
    return [row["so"] for row in found["records"]]


def test_four_readers_and_a_writer(portal: Portal) -> None:
    key = make(portal)
    done = threading.Event()
    troubles: list[BaseException] = []
    seen: dict[str, int] = {}

    def reader(ask: Callable[[Portal, str], list[int]]) -> None:
        try:
            while not done.wait(0.02):
                amounts = ask(portal, key)
                assert sum(amounts) == 0, (ask.__name__, len(amounts))
                assert len(amounts) % 2 == 0
                seen[ask.__name__] = seen.get(ask.__name__, 0) + 1
        except BaseException as error:
            troubles.append(error)

    readers = [
        threading.Thread(target=reader, args=(ask,))
        for ask in (by_page, by_filter, by_stream, by_number)
    ]
    for thread in readers:
        thread.start()
    try:
        write(portal, key)
    finally:
        done.set()
        for thread in readers:
            thread.join()
    assert not troubles, troubles
    assert len(seen) == len(readers)
    left = call(portal, ANONYMOUS, "datastore_versions", resource_id=key)["versions"]
    assert len(left) == KEPT, "retention was at work meanwhile"
    assert left[0]["version"] == 1 + WRITES + WRITES // EVERY
    assert left[0]["rows"] == ACCOUNTS + 2 * WRITES - 2 * (WRITES // EVERY)
