"""Freshness: whether data was updated within its declared frequency, a day of grace
included.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

GRACE = timedelta(days=1)
PERIODS: dict[str, timedelta] = {
    "hourly": timedelta(hours=1),
    "daily": timedelta(days=1),
    "weekly": timedelta(days=7),
    "monthly": timedelta(days=31),
    "quarterly": timedelta(days=92),
    "half-yearly": timedelta(days=184),
    "yearly": timedelta(days=366),
    "school-year": timedelta(days=366),
}
"""The longest that each period lasts; "on-change" and "irregular" promise no date and
are always fulfilled.
"""


@dataclass(frozen=True, slots=True)
class Freshness:
    """What was promised and kept: `due` is when the next update is due, `fresh` is None
    without a promise.
    """

    frequency: str | None
    updated: datetime | None
    due: datetime | None
    fresh: bool | None


def judge(
    frequency: str | None, updated: datetime | None, moment: datetime
) -> Freshness:
    """Judge an update at a moment."""
    if not frequency:
        return Freshness(None, updated, None, None)
    period = PERIODS.get(frequency)
    # A frequency without a period, such as "irregular", sets no day on which an update
    # is due.
    if period is None:
        return Freshness(frequency, updated, None, True)
    # A promise was made and never kept.
    if updated is None:
        return Freshness(frequency, None, None, False)
    due = updated + period
    # `due` is shown without the days of grace: it is what was promised.
    return Freshness(frequency, updated, due, moment <= due + GRACE)
