"""The clock that all machines share: the database's, where the database is a server."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from portal.domain.base import now


def moment(session: Session) -> datetime:
    """The time now as the database has it, UTC without a zone; it goes on within a
    transaction.

    SQLite lives on one machine, whose clock is the only one.
    """
    if session.get_bind().dialect.name != "postgresql":
        return now()
    shared: datetime = session.scalars(
        select(func.timezone("UTC", func.clock_timestamp()))
    ).one()
    return shared
