"""The search log: questions counted in memory, written every few seconds, and what a
steward asks about them.
"""

from __future__ import annotations

import logging
import re
import threading
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import Engine, delete, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from portal.db.uow import UnitOfWork
from portal.domain.base import now
from portal.domain.searches import LONGEST, SearchCount
from portal.quality import personal
from search.text.folding import exact, words

FLUSH_SECONDS = 3.0
MOST_WAITING = 1000
"""Different questions that wait in memory; what comes on top is not counted."""
MOST_A_DAY = 5000
"""Different questions that are kept of one day."""
_NUMBERED = re.compile(r"(?:\d[\W_]*){9,}")
"""Nine digits in a row, however parted: citizen numbers, telephones, tax codes,
accounts. Two years have eight.
"""
_Key = tuple[date, str]
_Counts = tuple[int, int, int]
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Asked:
    """A question, summed over days."""

    query: str
    searches: int
    empty: int
    relaxed: int


def kept(q: str) -> str | None:
    """The question as it is counted; None for what is no free text, too long, or looks
    like personal data.
    """
    text = unicodedata.normalize("NFKC", q).strip()
    if (
        not text
        or len(text) > LONGEST
        or set(text) & set(":*@")
        or _NUMBERED.search(text)
    ):
        return None
    if personal.mentions_anything(text):
        return None
    said = " ".join(words(exact(text)))
    return said if said and len(said) <= LONGEST else None


class SearchLog:
    """Counts in memory and writes in a thread of its own: no search waits for it; a
    crash loses some seconds of it.
    """

    def __init__(self, engine: Engine, *, on: bool = True) -> None:
        self._engine, self._on = engine, on
        self._lock = threading.Lock()
        self._waiting: dict[_Key, _Counts] = {}
        self._closed = threading.Event()
        self._thread: threading.Thread | None = None

    def note(self, q: str, count: int, *, relaxed: bool) -> None:
        """Count one question and whether it found something."""
        self.count(self.question_of(q), count, relaxed=relaxed)

    def question_of(self, q: str) -> str | None:
        """How a question is counted; None where it is not."""
        return kept(q) if self._on else None

    def count(self, question: str | None, count: int, *, relaxed: bool) -> None:
        """As `note`, of what `question_of` has given."""
        if question is None:
            return
        key = (now().date(), question)
        with self._lock:
            if key not in self._waiting and len(self._waiting) >= MOST_WAITING:
                return
            asked, empty, eased = self._waiting.get(key, (0, 0, 0))
            self._waiting[key] = (
                asked + 1,
                empty + (count == 0),
                eased + (relaxed and count > 0),
            )
            if self._thread is None and not self._closed.is_set():
                self._thread = threading.Thread(
                    target=self._run, name="searches", daemon=True
                )
                self._thread.start()

    def flush(self) -> None:
        """Write what waits, in one transaction; where the database refuses, these
        seconds are lost.
        """
        with self._lock:
            taken, self._waiting = self._waiting, {}
        if not taken:
            return
        try:
            with UnitOfWork(self._engine) as uow:
                add(uow.session, taken)
                uow.commit()
        except SQLAlchemyError:
            log.exception("%d questions could not be counted", len(taken))

    def close(self) -> None:
        """Write what waits and count no more; safe to call twice."""
        self._closed.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        self.flush()

    def _run(self) -> None:
        while not self._closed.wait(FLUSH_SECONDS):
            self.flush()


def add(session: Session, counts: Mapping[_Key, _Counts]) -> None:
    """Add to the counts of days; always in the same order, so that two processes do not
    wait for each other.
    """
    insert = (
        postgresql.insert
        if session.get_bind().dialect.name == "postgresql"
        else sqlite.insert
    )
    room = {day: MOST_A_DAY - _different(session, day) for day, _ in counts}
    known = {
        day: _known(session, day, [query for at, query in counts if at == day])
        for day in room
    }
    for (day, query), (searches, empty, relaxed) in sorted(counts.items()):
        if query not in known[day]:
            if room[day] <= 0:
                continue
            room[day] -= 1
        row = insert(SearchCount).values(
            day=day, query=query, searches=searches, empty=empty, relaxed=relaxed
        )
        summed = {
            name: getattr(SearchCount, name) + row.excluded[name]
            for name in ("searches", "empty", "relaxed")
        }
        session.execute(
            row.on_conflict_do_update(index_elements=["day", "query"], set_=summed)
        )


def _different(session: Session, day: date) -> int:
    return (
        session.scalar(
            select(func.count()).select_from(SearchCount).where(SearchCount.day == day)
        )
        or 0
    )


def _known(session: Session, day: date, queries: Sequence[str]) -> set[str]:
    where = (SearchCount.day == day, SearchCount.query.in_(queries))
    return set(session.scalars(select(SearchCount.query).where(*where)))


def list_asked(
    session: Session, since: date, limit: int, *, only_empty: bool
) -> list[Asked]:
    """Questions since a day, the most asked first; `only_empty`: those that found
    nothing, the most missed first.
    """
    searches, empty, relaxed = (
        func.sum(column)
        for column in (SearchCount.searches, SearchCount.empty, SearchCount.relaxed)
    )
    query = select(SearchCount.query, searches, empty, relaxed).where(
        SearchCount.day >= since
    )
    query = query.group_by(SearchCount.query)
    if only_empty:
        query = query.having(empty > 0)
    first = empty if only_empty else searches
    rows = session.execute(query.order_by(first.desc(), SearchCount.query).limit(limit))
    return [
        Asked(said, int(asked), int(missed), int(eased))
        for said, asked, missed, eased in rows
    ]


def forget_before(session: Session, day: date) -> int:
    """Remove the counts of older days; return how many rows went."""
    gone = session.execute(delete(SearchCount).where(SearchCount.day < day))
    return int(getattr(gone, "rowcount", 0))
