"""Points in time as CKAN's clients write them: ISO 8601 in any length, and Solr's date
math around NOW.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from search.backend import QueryError

_ISO = re.compile(
    r"(?P<year>\d{4})(?:-(?P<month>\d{1,2})(?:-(?P<day>\d{1,2})"
    r"(?:[T "
    r"](?P<hour>\d{1,2})(?::(?P<minute>\d{2})(?::(?P<second>\d{2})(?:\.(?P<fraction>\d{1,9}))?)?)?)?)?)?"
    # A numeric zone must end the text: in 2026-01-01+1000DAYS the sign begins date
    # math, and +1000 is no zone.
    r"(?P<zone>Z|[+-]\d{2}:?\d{2}(?=$))?"
)
_STEP = re.compile(r"([+-]\d{1,6}|/)([A-Z]+)")
_PARTS = ("year", "month", "day", "hour", "minute", "second")
_UNITS = {
    **{
        name: name.rstrip("S")
        for part in _PARTS
        for name in (part.upper(), f"{part.upper()}S")
    },
    "DATE": "DAY",
    "MILLI": "MILLI",
    "MILLIS": "MILLI",
    "MILLISECOND": "MILLI",
    "MILLISECONDS": "MILLI",
}
_SPANS = {
    "DAY": "days",
    "HOUR": "hours",
    "MINUTE": "minutes",
    "SECOND": "seconds",
    "MILLI": "milliseconds",
}
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def interval(text: str, now: datetime) -> tuple[int, int]:
    """The first and last microsecond since 1970 that the text names: "2026-01" is a
    month, a full time one instant.

    Raises QueryError of kind "search" for what is no date.
    """
    try:
        first, width = _base(text, now)
        steps = text[_base_length(text) :]
        first = _computed(first, steps, text)
        last = (
            _shift(first, 1, width) - timedelta(microseconds=1)
            if width and not steps
            else first
        )
        return micros(first), micros(last)
    except (OverflowError, ValueError) as error:
        # QueryError is a ValueError too: its own message is better than ours. The other
        # errors are of the calendar, such as 31 February.
        raise error if isinstance(error, QueryError) else _bad(text) from None


def micros(moment: datetime) -> int:
    """Microseconds since 1970; a naive moment is taken as UTC."""
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return (aware - EPOCH) // timedelta(microseconds=1)


def stored_micros(text: str) -> int:
    """A date of a package dict as microseconds since 1970; 0 for none or a strange
    one.
    """
    try:
        # Naive dates are taken as UTC by `micros`: CKAN writes them without a zone.
        return micros(datetime.fromisoformat(text)) if text else 0
    except (ValueError, OverflowError):
        return 0


def _base(text: str, now: datetime) -> tuple[datetime, str]:
    """The moment before any date math, and the unit that it leaves open ("" for
    none).
    """
    if text.startswith("NOW"):
        return now, ""
    found = _ISO.match(text)
    if not found:
        raise _bad(text)
    numbers = [int(found[part]) for part in _PARTS if found[part] is not None]
    width = "" if found["fraction"] else _PARTS[len(numbers) - 1].upper()
    # Up to nine digits may be written; datetime keeps six.
    fraction = int((found["fraction"] or "0")[:6].ljust(6, "0"))
    year, month, day, hour, minute, second = (
        *numbers,
        *(1, 1, 1, 0, 0, 0)[len(numbers) :],
    )
    local = datetime(year, month, day, hour, minute, second, fraction, tzinfo=UTC)
    return local - _offset(found["zone"]), "" if width == "SECOND" else width


def _base_length(text: str) -> int:
    """How many characters of the text `_base` reads; what follows is date math."""
    found = _ISO.match(text)
    if text.startswith("NOW"):
        return len("NOW")
    return found.end() if found else 0


def _offset(zone: str | None) -> timedelta:
    """How far a zone is ahead of UTC: "Z", "+07:00" or "+0700"."""
    if not zone or zone == "Z":
        return timedelta()
    minutes = int(zone[1:3]) * 60 + int(zone[-2:])
    return timedelta(minutes=minutes if zone[0] == "+" else -minutes)


def _computed(moment: datetime, steps: str, text: str) -> datetime:
    """The moment after steps of date math, from left to right: "+7DAYS", "/MONTH"."""
    at = 0
    while at < len(steps):
        found = _STEP.match(steps, at)
        unit = _UNITS.get(found[2]) if found else None
        if not found or not unit:
            raise _bad(text)
        moment = (
            _floor(moment, unit)
            if found[1] == "/"
            else _shift(moment, int(found[1]), unit)
        )
        at = found.end()
    return moment


def _shift(moment: datetime, count: int, unit: str) -> datetime:
    """The moment `count` units later. Raises OverflowError beyond the years 1-9999."""
    if unit in _SPANS:
        return moment + timedelta(**{_SPANS[unit]: count})
    # Months and years have no fixed length, so timedelta cannot add them.
    months = moment.year * 12 + moment.month - 1 + count * (12 if unit == "YEAR" else 1)
    year, month = divmod(months, 12)
    if not 1 <= year <= 9999:
        raise OverflowError
    return moment.replace(
        year=year,
        month=month + 1,
        # A month later than 31 January is the last day of February, as in Solr's date
        # math.
        day=min(moment.day, calendar.monthrange(year, month + 1)[1]),
    )


def _floor(moment: datetime, unit: str) -> datetime:
    """The beginning of the unit (year, month, day …) that the moment lies in."""
    start: dict[str, Callable[[], datetime]] = {
        "YEAR": lambda: moment.replace(
            month=1, day=1, hour=0, minute=0, second=0, microsecond=0
        ),
        "MONTH": lambda: moment.replace(
            day=1, hour=0, minute=0, second=0, microsecond=0
        ),
        "DAY": lambda: moment.replace(hour=0, minute=0, second=0, microsecond=0),
        "HOUR": lambda: moment.replace(minute=0, second=0, microsecond=0),
        "MINUTE": lambda: moment.replace(second=0, microsecond=0),
        "SECOND": lambda: moment.replace(microsecond=0),
        "MILLI": lambda: moment.replace(microsecond=moment.microsecond // 1000 * 1000),
    }
    return start[unit]()


def _bad(text: str) -> QueryError:
    """The error for a text that is no date; a long text is shown cut."""
    shown = text if len(text) <= 60 else text[:60] + "…"
    return QueryError(
        f"{shown!r} is no date; write 2026-01-31, 2026-01-31T12:00:00Z, NOW or "
        "NOW-7DAYS/DAY."
    )
