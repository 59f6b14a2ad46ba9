"""What is searched for: counts for each day and question, without anything about who
asked.
"""

from __future__ import annotations

from datetime import date

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from portal.domain.base import Base

LONGEST = 100
"""Letters of a question that is kept; longer ones are pasted texts."""


class SearchCount(Base):
    """How often a question was asked on a day (UTC), how often it found nothing, and
    how often only relaxed.
    """

    __tablename__ = "search_count"

    day: Mapped[date] = mapped_column(primary_key=True)
    query: Mapped[str] = mapped_column(String(LONGEST), primary_key=True)
    searches: Mapped[int]
    empty: Mapped[int]
    relaxed: Mapped[int]
