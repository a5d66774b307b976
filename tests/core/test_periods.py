"""Billing periods: boundaries count from the anchor in local time, and every time has one period.

They are compared with a model of a dozen lines on top of Python's own time zones.
"""

from bisect import bisect_right
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.periods import DAYS_A_UNIT, boundary, local
from support.properties import scaled

Session = psycopg.Connection[Any]

MICROSECOND = timedelta(microseconds=1)
# Clocks put forward at midnight, by half an hour, in the south, in winter; a day left out.
ZONES = (
    "UTC",
    "Europe/Berlin",
    "Europe/Dublin",
    "Europe/London",
    "America/New_York",
    "America/St_Johns",
    "America/Sao_Paulo",
    "America/Havana",
    "Asia/Kolkata",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "Pacific/Auckland",
    "Pacific/Chatham",
)
FIRST, LAST = datetime.fromisoformat("1971-01-02"), datetime.fromisoformat("2036-12-30")
VERY_FIRST, VERY_LAST = datetime.fromisoformat("1900-01-01"), datetime.fromisoformat("2200-01-01")
# Ten in the morning in UTC was the midnight that clocks in Samoa were put forward at.
LEFT_OUT = datetime(2011, 12, 30, 10, tzinfo=UTC)
UNITS = ("day", "week", "month", "year")


# What the database says


def boundaries(
    conn: Session, anchor: datetime, zone: str, unit: str, count: int, numbers: range
) -> list[datetime]:
    rows = conn.execute(
        "select pgledger.period_boundary(%s, %s, %s, %s, number)"
        " from unnest(%s::integer[]) with ordinality as wanted (number, place) order by place",
        [anchor, zone, unit, count, list(numbers)],
    ).fetchall()
    return [at for (at,) in rows]


def period(
    conn: Session, anchor: Any, zone: str, unit: str, count: int, at: Any
) -> tuple[int, datetime, datetime]:
    row = conn.execute(
        "select number, starts_at, ends_at"
        " from pgledger.period_at(%s::timestamptz, %s, %s, %s, %s::timestamptz)",
        [anchor, zone, unit, count, at],
    ).fetchone()
    assert row is not None
    return row


def periods(
    conn: Session, anchor: datetime, zone: str, unit: str, count: int, times: list[datetime]
) -> list[tuple[int, datetime, datetime]]:
    return conn.execute(
        "select period.number, period.starts_at, period.ends_at"
        " from unnest(%s::timestamptz[]) with ordinality as wanted (at, place)"
        " cross join pgledger.period_at(%s, %s, %s, %s, wanted.at) as period"
        " order by wanted.place",
        [times, anchor, zone, unit, count],
    ).fetchall()


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def days_of(conn: Session, anchor: str, zone: str, unit: str, count: int, numbers: range) -> str:
    """Boundaries as dates and times of the zone, to compare with what a person would write."""
    found = boundaries(conn, utc(anchor), zone, unit, count, numbers)
    return " | ".join(local(at, ZoneInfo(zone)).strftime("%Y-%m-%d %H:%M") for at in found)


anchors = st.datetimes(min_value=FIRST, max_value=LAST, timezones=st.just(UTC))
counts = st.one_of(st.just(1), st.integers(1, 24))


# A hundred years


@settings(max_examples=scaled(60))
@given(
    anchor=anchors,
    zone=st.sampled_from(ZONES),
    unit=st.sampled_from(UNITS),
    count=counts,
    ahead=st.booleans(),
)
def test_a_hundred_years_of_boundaries(conn, anchor, zone, unit, count, ahead):
    there = ZoneInfo(zone)
    number = 36525 // (DAYS_A_UNIT[unit] * count)
    numbers = range(number + 1) if ahead else range(-number // 2, number // 2)
    found = boundaries(conn, anchor, zone, unit, count, numbers)
    assert found == [boundary(anchor, there, unit, count, number) for number in numbers]
    for earlier, following in pairwise(found):
        # Samoa left out 30 December 2011, and a day that is not there has no length.
        is_left_out = zone == "Pacific/Apia" and LEFT_OUT <= earlier < LEFT_OUT + timedelta(days=1)
        assert earlier < following or (is_left_out and earlier == following)


@settings(max_examples=scaled(60))
@given(
    anchor=anchors,
    zone=st.sampled_from(ZONES),
    unit=st.sampled_from(UNITS),
    count=counts,
    days=st.integers(-18000, 36500),
)
def test_the_period_at_its_boundaries_and_beside_them(conn, anchor, zone, unit, count, days):
    there = ZoneInfo(zone)
    middle = days // (DAYS_A_UNIT[unit] * count)
    reach = 3 if unit == "year" else 20
    numbers = range(middle - reach, middle + reach)
    known = [boundary(anchor, there, unit, count, number) for number in numbers]
    times = [
        known[place] + step
        for place in range(1, len(known) - 1)
        for step in (-MICROSECOND, timedelta(0), MICROSECOND)
    ]
    for at, (number, starts_at, ends_at) in zip(
        times, periods(conn, anchor, zone, unit, count, times), strict=True
    ):
        place = bisect_right(known, at) - 1
        assert (number, starts_at, ends_at) == (numbers[place], known[place], known[place + 1]), at


@settings(max_examples=scaled(60))
@given(
    anchor=anchors,
    zone=st.sampled_from(ZONES),
    unit=st.sampled_from(UNITS),
    count=counts,
    times=st.lists(
        st.datetimes(VERY_FIRST, VERY_LAST, timezones=st.just(UTC)),
        min_size=20,
        max_size=20,
    ),
)
def test_any_time_lies_in_its_period(conn, anchor, zone, unit, count, times):
    for at, (number, starts_at, ends_at) in zip(
        times, periods(conn, anchor, zone, unit, count, times), strict=True
    ):
        assert starts_at <= at < ends_at
        assert [starts_at, ends_at] == boundaries(
            conn, anchor, zone, unit, count, range(number, number + 2)
        )


def test_clocks_that_change_in_every_zone(conn):
    """Anchors and times within days of a change of the clock, in a few zones at a time."""
    conn.execute("set timezone = 'UTC'")
    names = conn.execute(
        "select (array_agg(name order by random()))[:%s] from pg_timezone_names"
        " where name like '%%/%%' and name !~ '^(posix|right)/'",
        [scaled(12)],
    ).fetchone()
    wrong = conn.execute(
        """
        with offsets as (
          select
            zone.name, at,
            (at at time zone zone.name) - lag(at at time zone zone.name)
              over (partition by zone.name order by at) <> interval '12 hours' as is_change
          from unnest(%s::text[]) as zone (name)
          cross join generate_series(
            '1880-01-01 UTC'::timestamptz, '2040-01-01 UTC', interval '12 hours'
          ) as at
        ),
        cases as materialized (
          select
            offsets.name, unit, count,
            offsets.at + (random() * 345600 - 172800) * interval '1 second' as at,
            offsets.at + (random() * 345600 - 172800) * interval '1 second'
              - (random() * 3)::integer * (random() * 40)::integer * interval '1 day' as anchor_at
          from offsets
          cross join unnest(
            array['day', 'day', 'week', 'month', 'month', 'year'], array[1, 3, 1, 1, 5, 1]
          ) as lengths (unit, count)
          where offsets.is_change
        )
        select cases.name, cases.unit, cases.count, cases.anchor_at::text, cases.at::text
        from cases
        cross join pgledger.period_at(
          cases.anchor_at, cases.name, cases.unit, cases.count, cases.at
        ) as period
        where (
          period.starts_at <= cases.at
          and cases.at < period.ends_at
          and period.starts_at = pgledger.period_boundary(
            cases.anchor_at, cases.name, cases.unit, cases.count, period.number
          )
          and period.ends_at = pgledger.period_boundary(
            cases.anchor_at, cases.name, cases.unit, cases.count, period.number + 1
          )
        ) is not true
        """,
        names,
    ).fetchall()
    assert wrong == []


# By hand


def test_a_short_month_clamps_one_boundary_and_none_after_it(conn):
    assert days_of(conn, "2024-01-31 00:00+00:00", "UTC", "month", 1, range(5)) == (
        "2024-01-31 00:00 | 2024-02-29 00:00 | 2024-03-31 00:00 | 2024-04-30 00:00"
        " | 2024-05-31 00:00"
    )
    assert days_of(conn, "2025-01-31 10:00+00:00", "UTC", "month", 1, range(-3, 3)) == (
        "2024-10-31 10:00 | 2024-11-30 10:00 | 2024-12-31 10:00 | 2025-01-31 10:00"
        " | 2025-02-28 10:00 | 2025-03-31 10:00"
    )
    assert days_of(conn, "2024-02-29 00:00+00:00", "UTC", "year", 1, range(-1, 5)) == (
        "2023-02-28 00:00 | 2024-02-29 00:00 | 2025-02-28 00:00 | 2026-02-28 00:00"
        " | 2027-02-28 00:00 | 2028-02-29 00:00"
    )
    assert days_of(conn, "2024-08-31 00:00+00:00", "UTC", "month", 6, range(4)) == (
        "2024-08-31 00:00 | 2025-02-28 00:00 | 2025-08-31 00:00 | 2026-02-28 00:00"
    )


def test_the_day_is_that_of_the_time_zone(conn):
    """In Berlin it is the 31st already, though not in UTC."""
    found = boundaries(conn, utc("2025-01-30 23:30+00:00"), "Europe/Berlin", "month", 1, range(4))
    assert found == [
        utc("2025-01-30 23:30+00:00"),
        utc("2025-02-27 23:30+00:00"),
        utc("2025-03-30 22:30+00:00"),
        utc("2025-04-29 22:30+00:00"),
    ]


def test_a_left_out_hour_is_as_late_as_if_it_were_there(conn):
    """On 30 March 2025 no clock in Berlin shows 02:30; the days after it are not moved."""
    assert days_of(conn, "2025-03-28 02:30+01:00", "Europe/Berlin", "day", 1, range(4)) == (
        "2025-03-28 02:30 | 2025-03-29 02:30 | 2025-03-30 03:30 | 2025-03-31 02:30"
    )


def test_of_an_hour_that_comes_twice_the_second_is_meant(conn):
    """On 26 October 2025 clocks in Berlin show 02:30 at 00:30 and at 01:30 UTC."""
    found = boundaries(conn, utc("2025-10-25 02:30+02:00"), "Europe/Berlin", "day", 1, range(3))
    assert found == [
        utc("2025-10-25 00:30+00:00"),
        utc("2025-10-26 01:30+00:00"),
        utc("2025-10-27 01:30+00:00"),
    ]


@pytest.mark.parametrize("first", [True, False], ids=["first", "second"])
def test_an_anchor_in_an_hour_that_comes_twice_stays_where_it_is(conn, first):
    anchor = utc("2025-10-26 00:30+00:00" if first else "2025-10-26 01:30+00:00")
    found = boundaries(conn, anchor, "Europe/Berlin", "day", 1, range(-1, 2))
    assert found == [utc("2025-10-25 00:30+00:00"), anchor, utc("2025-10-27 01:30+00:00")]
    for minutes in range(0, 180, 7):
        at = utc("2025-10-25 23:30+00:00") + timedelta(minutes=minutes)
        number, starts_at, ends_at = period(conn, anchor, "Europe/Berlin", "day", 1, at)
        assert starts_at <= at < ends_at
        assert number == (0 if at >= anchor else -1)


def test_a_month_that_begins_again(conn):
    """On 1 November 2009 clocks in Newfoundland went from 00:01 back to 23:01 of 31 October.

    Thirty seconds past midnight it was November for the first time, and 23:30 of 31 October was
    still to come a second time.
    """
    at = utc("2009-11-01 00:00:30-02:30")
    assert period(conn, "2011-08-31 23:30-02:30", "America/St_Johns", "month", 1, at) == (
        -23,
        utc("2009-09-30 23:30-02:30"),
        utc("2009-10-31 23:30-03:30"),
    )


@pytest.mark.parametrize(
    ("zone", "anchor", "skipped", "gone"),
    [
        ("Pacific/Apia", "2011-12-28 05:00-10:00", "2011-12-30 05:00-10:00", 2),
        ("Pacific/Kwajalein", "1993-08-19 05:00-12:00", "1993-08-21 05:00-12:00", 2),
    ],
)
def test_a_day_that_was_left_out_is_nobodys_period(conn, zone, anchor, skipped, gone):
    found = boundaries(conn, utc(anchor), zone, "day", 1, range(6))
    assert found[gone] == found[gone + 1] == utc(skipped)
    assert [after - before for before, after in pairwise(found)] == [
        timedelta(0) if number == gone else timedelta(days=1) for number in range(5)
    ]
    before = period(conn, utc(anchor), zone, "day", 1, utc(skipped) - MICROSECOND)
    after = period(conn, utc(anchor), zone, "day", 1, utc(skipped))
    assert before == (gone - 1, found[gone - 1], found[gone])
    assert after == (gone + 1, found[gone + 1], found[gone + 2])


def test_boundaries_at_the_ends_of_time(conn):
    first, last = "0001-01-01 00:00+00", "9999-12-31 23:59:59.999999+00"
    for unit in UNITS:
        for zone in ("UTC", "America/New_York", "Pacific/Auckland"):
            for anchor in (first, last, "2024-02-29 12:00+00"):
                for at in (first, last):
                    row = conn.execute(
                        """
                        select
                          period.starts_at <= %(at)s::timestamptz,
                          period.ends_at > %(at)s::timestamptz,
                          period.starts_at = pgledger.period_boundary(
                            %(anchor)s, %(zone)s, %(unit)s, 7, period.number
                          ),
                          period.ends_at = pgledger.period_boundary(
                            %(anchor)s, %(zone)s, %(unit)s, 7, period.number + 1
                          )
                        from pgledger.period_at(
                          %(anchor)s, %(zone)s, %(unit)s, 7, %(at)s::timestamptz
                        ) as period
                        """,
                        {"anchor": anchor, "zone": zone, "unit": unit, "at": at},
                    ).fetchone()
                    assert row == (True, True, True, True), (unit, zone, anchor, at)


def test_a_year_is_twelve_months_and_a_week_seven_days(conn):
    for anchor, zone in (("2024-02-29 01:30+00:00", "Europe/Berlin"), ("2025-03-30 02:30", "UTC")):
        at = utc(anchor + ("" if "+" in anchor else "+00:00"))
        for (longer, one), (shorter, many) in (
            (("year", 1), ("month", 12)),
            (("year", 3), ("month", 36)),
            (("week", 1), ("day", 7)),
            (("week", 2), ("day", 14)),
        ):
            numbers = range(-50, 50)
            assert boundaries(conn, at, zone, longer, one, numbers) == boundaries(
                conn, at, zone, shorter, many, numbers
            )


def test_the_time_zone_of_the_session_makes_no_difference(connect):
    answers = []
    for name in ("UTC", "America/New_York", "Pacific/Apia"):
        session = connect(options=f"-c timezone={name} -c intervalstyle=iso_8601 -c datestyle=sql")
        rows = session.execute(
            """
            select
              extract(epoch from pgledger.period_boundary(
                timestamptz '2025-01-31 23:30+00', 'Europe/Berlin', unit, 1, wanted.number
              )),
              period.number
            from unnest(array['day', 'week', 'month', 'year']) as unit
            cross join generate_series(-40, 40) as wanted (number)
            cross join pgledger.period_at(
              timestamptz '2025-01-31 23:30+00', 'Europe/Berlin', unit, 1,
              timestamptz '2025-01-31 22:59+00' + wanted.number * interval '173 hours'
            ) as period
            order by unit, wanted.number
            """
        ).fetchall()
        answers.append(rows)
    assert answers[0] == answers[1] == answers[2]


def test_what_is_null_has_no_period(conn):
    for place in range(5):
        arguments: list[Any] = ["2025-01-31 00:00+00", "UTC", "month", 1, "2025-02-01 00:00+00"]
        arguments[place] = None
        assert conn.execute(
            "select number, starts_at, ends_at from pgledger.period_at(%s, %s, %s, %s, %s)",
            arguments,
        ).fetchone() == (None, None, None)
