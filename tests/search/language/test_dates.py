"""Dates and date math in queries."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.backend import QueryError
from search.language.dates import interval, micros, stored_micros

NOW = datetime(2026, 3, 31, 10, 20, 30, 456789, tzinfo=UTC)


def _iso(value: int) -> str:
    return (
        datetime.fromtimestamp(value // 1_000_000, UTC).strftime("%Y-%m-%dT%H:%M:%S")
        + f".{value % 1_000_000:06}"
    )


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("NOW", "2026-03-31T10:20:30.456789"),
        ("NOW-1DAY", "2026-03-30T10:20:30.456789"),
        ("NOW/DAY", "2026-03-31T00:00:00.000000"),
        ("NOW-1MONTH/MONTH", "2026-02-01T00:00:00.000000"),
        ("NOW-1MONTH", "2026-02-28T10:20:30.456789"),
        ("NOW+1YEAR-2HOURS/HOUR", "2027-03-31T08:00:00.000000"),
        ("2026-01-01T00:00:00Z", "2026-01-01T00:00:00.000000"),
        ("2026-01-01T00:00:00.123456", "2026-01-01T00:00:00.123456"),
        ("2026-01-01T07:00:00+07:00", "2026-01-01T00:00:00.000000"),
        ("2026-01-01T00:00:00Z+6MONTHS/YEAR", "2026-01-01T00:00:00.000000"),
        ("2026", "2026-01-01T00:00:00.000000"),
    ],
)
def test_first_moment(text: str, first: str) -> None:
    assert _iso(interval(text, NOW)[0]) == first


@pytest.mark.parametrize(
    ("text", "last"),
    [
        ("2026", "2026-12-31T23:59:59.999999"),
        ("2024-02", "2024-02-29T23:59:59.999999"),
        ("2026-01-31", "2026-01-31T23:59:59.999999"),
        ("2026-01-31T10", "2026-01-31T10:59:59.999999"),
        ("2026-01-31T10:00:00Z", "2026-01-31T10:00:00.000000"),
        ("NOW/DAY", "2026-03-31T00:00:00.000000"),
    ],
)
def test_last_moment(text: str, last: str) -> None:
    assert _iso(interval(text, NOW)[1]) == last


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "31/12/2026",
        "2026-13-01",
        "NOW-1FORTNIGHT",
        "NOW-",
        "NOW+99999YEARS",
        "9999",
    ],
)
def test_bad_dates_say_how_to_write_them(text: str) -> None:
    if text == "9999":
        with pytest.raises(QueryError):
            interval("9999-12-31T00:00:00Z+1DAY+1YEAR", NOW)
    else:
        with pytest.raises(QueryError, match="is no date"):
            interval(text, NOW)


@given(
    st.one_of(
        st.text(),
        st.from_regex(
            r"(NOW|\d{4}(-\d\d){0,2})([+-]\d{1,6}[A-Z]{3,8}|/DAY){0,3}", fullmatch=True
        ),
    )
)
def test_nothing_but_query_errors(text: str) -> None:
    try:
        first, last = interval(text, NOW)
    except QueryError:
        return
    assert first <= last


@given(st.datetimes().filter(lambda moment: moment.year >= 1900))
def test_stored_dates_are_found_by_their_own_text(moment: datetime) -> None:
    assert stored_micros(moment.isoformat()) == micros(moment)
    first, last = interval(moment.isoformat(), NOW)
    assert first <= micros(moment) <= last


def test_strange_stored_dates_count_as_none() -> None:
    assert stored_micros("") == stored_micros("hôm qua") == 0
