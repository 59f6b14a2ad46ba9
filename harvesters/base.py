"""SourceAdapter, RemoteItem and the two errors: what every kind of source looks like
from outside.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from schemas.record import DatasetRecord


class SourceError(Exception):
    """The source itself failed: the job is incomplete, and nothing may be deleted
    after it.

    `code` is a stable machine word ("timeout", "unauthorized", "not-json", "too-large",
    "blocked-address", …), `message` says what, where and how to mend it. Never holds a
    secret. `retry` tells whether the same call may succeed later.
    """

    def __init__(self, code: str, message: str, *, retry: bool = False) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.retry = retry


@dataclass(frozen=True, slots=True)
class RemoteItem:
    """One dataset that the source lists.

    `id` is stable within the source. `fingerprint` changes whenever the dataset does
    (equal means there is nothing to load); None when the source gives no such sign
    before loading. `payload` is JSON-serialisable: whatever `load` needs to go on in
    another process.
    """

    id: str
    title: str = ""
    fingerprint: str | None = None
    payload: Mapping[str, Any] = field(default_factory=dict)


class ItemError(Exception):
    """One dataset of the source is bad; the job goes on. `item_id` names it where it
    has a name.
    """

    def __init__(
        self, message: str, *, item_id: str = "", code: str = "bad-item"
    ) -> None:
        super().__init__(message)
        self.item_id = item_id
        self.code = code
        self.message = message


class SourceAdapter(Protocol):
    """How to read one kind of source. Adapters hold no session, no settings and no
    secret in repr.
    """

    # Bad entries are yielded, not raised: a generator that raised is at its end.
    def items(self) -> Iterator[RemoteItem | ItemError]:
        """List every dataset of the source, lazily, page by page.

        Ending without an exception means that the listing is complete. Raises
        SourceError when the source breaks off. A bad entry is yielded as ItemError.
        """
        ...

    def fetch(self, item: RemoteItem, folder: Path) -> DatasetRecord:
        """Return the whole dataset; files of its resources are written below `folder`.

        Raises ItemError for a bad dataset, SourceError when the source breaks.
        """
        ...

    def close(self) -> None:
        """Give back connections; safe to call twice."""
        ...
