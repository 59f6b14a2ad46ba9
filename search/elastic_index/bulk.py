"""Changes sent to Elasticsearch in bulk: batches of bounded size, two on their way at
once, put-off ones sent again.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any as Anything

import orjson
from elasticsearch import Elasticsearch, NotFoundError

from search.backend import ChangesRefused, IndexEntry, SearchUnavailable
from search.elastic_index.client import LATER
from search.planning.document import flatten

Json = dict[str, Anything]
Batch = list[tuple[str, bytes]]
"""Changes, each with the id that it concerns."""

BATCH_ENTRIES, BATCH_BYTES = 500, 5_000_000
AT_ONCE = 2
"""Batches of a rebuild on their way: the server works on one while the next is prepared
and sent.
"""
UNHURRIED_SECONDS = 60.0
"""How long a batch of a rebuild may take for one try: nobody waits for it, and a lost
primary takes a while.
"""
NOTED_BATCHES = 4
"""Batches after which a rebuild notes how far it came."""
FORGETTING_TRIES, FORGETTING_SECONDS = 20, 0.2
"""How long a dataset that comes back waits until its deletion is forgotten: a second in
practice.
"""
GONE = 2**62
"""Version of the mark that a deletion leaves in an index that is being filled: above
all others.
"""


class AliasGone(Exception):
    """The alias that was to be written to exists no longer: a rebuild has begun or
    ended meanwhile.
    """


class Bulk:
    """Writes to an alias, never to the name of an index: that would make a new one
    where a rebuild removed it.
    """

    def __init__(self, client: Elasticsearch, retries: int, timeout: float) -> None:
        self._client, self._retries = client, retries
        self._unhurried = client.options(
            request_timeout=max(timeout, UNHURRIED_SECONDS)
        )

    def write(
        self,
        alias: str,
        entries: Iterable[IndexEntry],
        deleted: Iterable[str],
        *,
        marking: bool,
    ) -> dict[str, str]:
        """Put entries in, unless a newer version is there, and take ids out or,
        `marking`, mark them as gone.

        A mark that stands where an entry is to come back gives way to it. Found by all
        once this returns. Returns the ids of changes that the server will never take,
        each with what it calls the reason.
        """
        listed = list(entries)
        refused: dict[str, str] = {}
        for batch in _batches(listed):
            outcomes = self._send(alias, batch, refresh=not marking)
            held = {
                key
                for (key, _), outcome in zip(batch, outcomes, strict=True)
                if outcome["status"] == 409
            }
            if held:
                self._revive(
                    alias,
                    [entry for entry in listed if entry.id in held],
                    refresh=not marking,
                )
            refused |= _refused(batch, outcomes)
        gone = [(key, _mark(key) if marking else _removal(key)) for key in deleted]
        for start in range(0, len(gone), BATCH_ENTRIES):
            batch = gone[start : start + BATCH_ENTRIES]
            refused |= _refused(batch, self._send(alias, batch, refresh=not marking))
        return refused

    def stream(
        self, alias: str, entries: Iterable[IndexEntry], reached: Callable[[str], None]
    ) -> None:
        """Put many entries in; `reached` is told now and then up to which one all are
        there.
        """
        under_way: deque[tuple[Future[None], str]] = deque()
        settled = 0
        with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="bulk") as pool:
            for batch in _batches(entries):
                if len(under_way) >= AT_ONCE:
                    # The oldest first: once it is in, everything before it is in too.
                    last = _outcome(under_way)
                    settled += 1
                    if settled % NOTED_BATCHES == 0:
                        reached(last)
                under_way.append(
                    (pool.submit(self._put_in, alias, batch), batch[-1][0])
                )
            while under_way:
                _outcome(under_way)

    def _put_in(self, alias: str, batch: Batch) -> None:
        raise_for(_refused(batch, self._send(alias, batch, hurried=False)))

    def _revive(
        self, alias: str, entries: Sequence[IndexEntry], *, refresh: bool
    ) -> None:
        """Put in again what was refused as too old, where no newer version is held but
        a mark or a fresh deletion.

        A deletion keeps its place for a moment, whatever `gc_deletes` says; a refresh
        makes the server forget it.
        """
        left = list(entries)
        for attempt in range(FORGETTING_TRIES):
            held = self._client.mget(
                index=alias, ids=[each.id for each in left], source_includes=["gone"]
            ).body["docs"]
            marked = {
                each["_id"] for each in held if each.get("_source", {}).get("gone")
            }
            left = [
                each
                for each in left
                if each.id in marked or not _is_held(held, each.id)
            ]
            if not left:
                return
            if marked:
                self._send(alias, [(key, _removal(key)) for key in marked])
            if attempt:
                time.sleep(FORGETTING_SECONDS)
            self._client.indices.refresh(index=alias)
            batch = [(each.id, _put(each)) for each in left]
            outcomes = self._send(alias, batch, refresh=refresh)
            refused = {
                key
                for (key, _), outcome in zip(batch, outcomes, strict=True)
                if outcome["status"] == 409
            }
            left = [each for each in left if each.id in refused]
            if not left:
                return
        raise SearchUnavailable(
            f"Elasticsearch still remembers the deletion of {len(left)} datasets; try "
            "again."
        )

    def _send(
        self, alias: str, batch: Batch, *, refresh: bool = False, hurried: bool = True
    ) -> list[Json]:
        """One bulk request; changes that a busy or failing node put off are sent again,
        as often as any request is.

        Returns what became of each. Raises AliasGone, and SearchUnavailable where some
        are put off to the end.
        """
        # Outcomes keep the places of their changes, as only some are sent again.
        outcomes: list[Json] = [{}] * len(batch)
        left = list(range(len(batch)))
        for attempt in range(self._retries + 1):
            if attempt:
                time.sleep(min(5.0, 0.5 * 2 ** (attempt - 1)))
            client = self._client if hurried else self._unhurried
            found = _sent(client, alias, [batch[each][1] for each in left], refresh)
            for place, outcome in zip(left, found, strict=True):
                outcomes[place] = outcome
            left = [place for place in left if outcomes[place]["status"] in LATER]
            if not left:
                return outcomes
        kind = _kind(outcomes[left[0]])
        raise SearchUnavailable(
            f"Elasticsearch put off {len(left)} of {len(batch)} changes again and "
            f"again ({kind})."
        )


def _sent(
    client: Elasticsearch, alias: str, changes: list[bytes], refresh: bool
) -> list[Json]:
    """The outcome of each change of one bulk request. Raises AliasGone."""
    # Bytes already: the client hands them on as they are.
    lines: Anything = [b"\n".join(changes)]
    try:
        body = client.bulk(
            index=alias,
            operations=lines,
            refresh=refresh,
            require_alias=True,
            filter_path=["errors", "items.*.status", "items.*.error.type"],
        ).body
    except NotFoundError:
        raise AliasGone from None
    outcomes: list[Json] = [
        outcome for item in body["items"] for outcome in item.values()
    ]
    # A deletion of what is not there is a 404 as well, but has no error.
    if any(outcome["status"] == 404 and "error" in outcome for outcome in outcomes):
        raise AliasGone
    return outcomes


def raise_for(refused: dict[str, str]) -> None:
    """Raise ChangesRefused where there is a reason."""
    if refused:
        first, kind = next(iter(refused.items()))
        raise ChangesRefused(
            f"Elasticsearch refused {len(refused)} changes, the first of {first} "
            f"({kind}).",
            refused,
        )


def _batches(entries: Iterable[IndexEntry]) -> Iterator[Batch]:
    """The entries as changes, in batches bounded by number and bytes."""
    batch: Batch = []
    size = 0
    for entry in entries:
        change = _put(entry)
        batch.append((entry.id, change))
        size += len(change)
        if len(batch) >= BATCH_ENTRIES or size >= BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _outcome(under_way: deque[tuple[Future[None], str]]) -> str:
    sent, last = under_way.popleft()
    sent.result()
    return last


def _put(entry: IndexEntry) -> bytes:
    return _head(entry.id, entry.version) + orjson.dumps(flatten(entry))


def _mark(key: str) -> bytes:
    return _head(key, GONE) + orjson.dumps(
        {"id": key, "gone": True, "entry_version": GONE}
    )


def _head(key: str, version: int) -> bytes:
    """The line of a bulk request that names a document and its version."""
    return (
        orjson.dumps(
            # "gte", so that the same change may be sent twice: a repeated one is no
            # conflict.
            {"index": {"_id": key, "version": version, "version_type": "external_gte"}}
        )
        + b"\n"
    )


def _removal(key: str) -> bytes:
    return orjson.dumps({"delete": {"_id": key}})


def _is_held(documents: Sequence[Json], key: str) -> bool:
    return any(each["_id"] == key and each.get("found") for each in documents)


def _refused(batch: Batch, outcomes: Sequence[Json]) -> dict[str, str]:
    """Which changes the server will never take, and what it calls the reason."""
    # 409: a newer version is held already, which is what was promised. 404: what was to
    # go is gone.
    pairs = zip(batch, outcomes, strict=True)
    wrong = {key: outcome for (key, _), outcome in pairs if outcome["status"] >= 400}
    return {
        key: _kind(outcome)
        for key, outcome in wrong.items()
        if outcome["status"] not in (404, 409)
    }


def _kind(outcome: Json) -> str:
    return str(outcome.get("error", {}).get("type", "unknown"))
