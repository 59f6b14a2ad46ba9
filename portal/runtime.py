"""Portal (the engines, open) and Context (engines, unit of work, actor): what every use
case is handed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Engine

from portal.access.identity import Actor
from portal.db.outbox import LeasedRow
from portal.db.searches import SearchLog
from portal.db.uow import UnitOfWork
from portal.files import Files
from portal.settings import Settings
from portal.tabular.store import TabularStore
from schemas.cache import MemoryCache
from schemas.package_dict import ResourceDict
from search.backend import SearchBackend


@dataclass(frozen=True, slots=True)
class Portal:
    """The open engines of one process.

    `cache` is its memory for answers, which the engines share.
    `render_some` renders datasets that a commit made out of date, a bounded number of
    them at once; `after_write` sees to what a commit has put into the outbox, now or
    soon; `before_search` makes sure that who searches finds what they wrote before, and
    waits for what others wrote a moment only. `look` loads the small ones of the files
    that a commit has left closed, and returns the dicts of their resources by id.
    """

    settings: Settings
    engine: Engine
    search: SearchBackend
    files: Files
    tables: TabularStore
    searches: SearchLog
    cache: MemoryCache
    render_some: Callable[[Portal], object]
    after_write: Callable[[Portal], object]
    before_search: Callable[[Portal, Actor], object]
    look: Callable[[Portal, Sequence[LeasedRow]], Mapping[str, ResourceDict]]

    def read(self) -> UnitOfWork:
        """A unit of work that only reads."""
        return UnitOfWork(self.engine, write=False)

    def work(
        self,
        actor_id: str | None = None,
        *,
        eager: bool = False,
        claims: Mapping[str, timedelta] | None = None,
    ) -> UnitOfWork:
        """A unit of work that may write, for a user or (None) for the portal itself."""
        return UnitOfWork(self.engine, actor_id=actor_id, eager=eager, claims=claims)

    def close(self) -> None:
        """Give back every connection and lock; safe to call twice."""
        self.searches.close()
        self.search.close()
        self.tables.close()
        self.engine.dispose()


@dataclass(frozen=True, slots=True)
class Context:
    """What a use case may touch: engines, one transaction, and who asks."""

    portal: Portal
    uow: UnitOfWork
    actor: Actor
