"""The unit of work: one transaction, undone unless committed, with its outbox and audit
rows.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from datetime import timedelta
from types import TracebackType
from typing import Any

from sqlalchemy import Connection, Engine, insert
from sqlalchemy.orm import Session

from portal.db.outbox import LeasedRow
from portal.db.quick import Quick
from portal.domain.base import now
from portal.domain.events import AuditEntry, OutboxRow

GIVE_WAY_SECONDS = 0.05
"""SQLite's writers wait by looking again every now and then: a moment without a lock
must be long enough to be seen.
"""


class UnitOfWork:
    """One transaction as a context manager. Only `commit` keeps anything; leaving
    without it undoes everything.

    `actor_id` is the user at work, None for the portal itself; activities are written
    down under it. `eager` tells that somebody waits for the consequences. Those of the
    topics in `claims` whoever works here sees to after the commit: no worker takes them
    before so long.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        write: bool = True,
        actor_id: str | None = None,
        eager: bool = False,
        claims: Mapping[str, timedelta] | None = None,
    ) -> None:
        self.write = write
        self.actor_id = actor_id
        self.eager = eager
        self._engine = engine
        self._claims = claims or {}
        self._claimed: list[OutboxRow] = []
        self._topics: set[tuple[str, str]] = set()
        self._kept: set[tuple[str, str]] = set()
        self._held: set[str] = set()
        self._connection: Connection | None = None
        self._session: Session | None = None

    def __enter__(self) -> UnitOfWork:
        return self

    @property
    def connection(self) -> Connection:
        """The connection of this transaction, for hot reads that need no objects."""
        if self._connection is None:
            options = {} if self.write else {"portal_read_only": True}
            self._connection = self._engine.connect().execution_options(**options)
        return self._connection

    def first(self, query: Quick, parameters: dict[str, Any]) -> Any:
        """The first row that a quick query finds: in this transaction if it has begun,
        else without one.
        """
        if self._connection is None and not self.write:
            return query.first(self._engine, parameters)
        return self.connection.execute(query.statement, parameters).first()

    @property
    def session(self) -> Session:
        """The session of this transaction."""
        if self._session is None:
            self._session = Session(
                self.connection, expire_on_commit=False, autoflush=True
            )
        return self._session

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # Closing undoes what is not committed; unlike a rollback it leaves what was
        # read usable afterwards.
        if self._session is not None:
            self._session.close()
        if self._connection is not None:
            self._connection.close()
            self._connection = self._session = None

    def later(self, topic: str, entity_id: str) -> None:
        """Ask for a consequence (`events.INDEX`, `events.PUBLISH`) once this work is
        committed; once per entity.
        """
        if (topic, entity_id) not in self._topics:
            self._topics.add((topic, entity_id))
            row = OutboxRow(
                topic=topic, entity_id=entity_id, eager=self.eager, writer=self.actor_id
            )
            if topic in self._claims:
                row.attempts, row.due = 1, now() + self._claims[topic]
                self._claimed.append(row)
            self.session.add(row)

    def later_for_each(self, topic: str, entity_ids: Iterable[str]) -> None:
        """As `later` for many entities, in one statement."""
        asked = sorted({(topic, entity_id) for entity_id in entity_ids} - self._topics)
        self._topics.update(asked)
        rows = [
            {
                "topic": topic,
                "entity_id": entity_id,
                "eager": self.eager,
                "writer": self.actor_id,
            }
            for _, entity_id in asked
        ]
        if rows:
            self.session.execute(insert(OutboxRow), rows)

    def note_held(self, dataset_id: str) -> None:
        """Note that a dataset is locked, or new, in this transaction; only
        `portal.db.holding` says so.
        """
        if not self.write:
            raise RuntimeError(
                "a dataset cannot be held by a unit of work that only reads"
            )
        self._held.add(dataset_id)

    def require_held(self, dataset_id: str) -> None:
        """Raise RuntimeError unless a dataset is held in this very transaction."""
        if dataset_id not in self._held:
            raise RuntimeError(
                f"the dataset {dataset_id} is saved by a transaction that does not "
                "hold it"
            )

    def audit(
        self,
        actor_id: str | None,
        action: str,
        object_type: str,
        object_id: str | None,
        **detail: Any,
    ) -> None:
        """Write down who did what; kept or undone together with it."""
        self.session.add(
            AuditEntry(
                actor_id=actor_id,
                action=action,
                object_type=object_type,
                object_id=object_id,
                detail=detail,
            )
        )

    @property
    def has_consequences(self) -> bool:
        """Whether anything was asked for with `later` and committed."""
        return bool(self._kept)

    def claimed(self, topic: str) -> list[LeasedRow]:
        """The rows of a topic that this work has to see to, now that it is
        committed.
        """
        rows = [
            row
            for row in self._claimed
            if row.topic == topic and (topic, row.entity_id) in self._kept
        ]
        return [
            LeasedRow(row.id, topic, row.entity_id, row.attempts, None)
            for row in rows
            if row.id
        ]

    def asked_for(self, topic: str) -> list[str]:
        """The ids for which a consequence of this topic was asked."""
        return sorted(
            entity_id
            for asked, entity_id in self._kept | self._topics
            if asked == topic
        )

    def commit(self) -> None:
        """Keep everything done so far; what was held is free for others from now on."""
        self.session.commit()
        self.connection.commit()
        self._kept |= self._topics
        self._topics.clear()  # what is asked for from now on is asked for anew
        self._held.clear()

    def give_way(self) -> None:
        """Between two transactions: let somebody else write where only one can at a
        time.
        """
        if self._engine.dialect.name == "sqlite":
            time.sleep(GIVE_WAY_SECONDS)
