"""Usage by hour, day and month, where these begin in a time zone."""

import itertools
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Literal, cast
from zoneinfo import ZoneInfo

import pytest

from pgledger import Billing
from pgledger.errors import (
    FeatureNotFound,
    InvalidArgument,
    InvalidTime,
    NullArgument,
    PgledgerError,
    UsagePurged,
)
from support.clock import SetClock
from support.database import Connect
from support.subscriptions import Session, call, utc
from support.usage_model import Event, ingest

Unit = Literal["hour", "day", "month"]

APP = "acme"
NOW = utc("2026-11-20 12:00")


@pytest.fixture
def session(connect: Connect, set_clock: SetClock) -> Session:
    session = connect(autocommit=True)
    set_clock(session, NOW)
    billing = Billing(session)
    billing.create_feature(APP, "calls", "Calls")
    billing.create_feature(APP, "users", "Users", aggregation="unique_count", unique_key="user")
    return session


@pytest.fixture
def billing(session: Session) -> Billing:
    return Billing(session)


def use(session: Session, at: datetime, quantity: int = 1, key: str = "calls") -> None:
    event = Event("one", key, str(quantity), event_at=at.isoformat(), metadata='{"user": "a"}')
    assert ingest(session, [event])[0][1] == "inserted"


def parts(billing: Billing, starts: str, ends: str, unit: str, **options: Any) -> list[Any]:
    zone = ZoneInfo(options.get("time_zone") or "UTC")
    return [
        (part.starts_at.astimezone(zone).strftime("%m-%d %H:%M"), int(part.value))
        for part in billing.usage_by_time(
            APP, "one", "calls", utc(starts), utc(ends), unit=cast("Unit", unit), **options
        )
    ]


@pytest.mark.parametrize(
    ("zone", "day"),
    [
        ("Europe/Berlin", "2026-03-29"),  # 23 hours
        ("Europe/Berlin", "2026-10-25"),  # 25 hours
        ("Asia/Kolkata", "2026-05-01"),
        ("Australia/Lord_Howe", "2026-04-05"),  # 24.5 hours
        ("America/Sao_Paulo", "2018-11-04"),  # has no midnight
        ("UTC", "2026-05-01"),
    ],
)
@pytest.mark.parametrize("unit", ["hour", "day"])
def test_parts_follow_each_other_and_add_up_to_the_whole(
    session: Session, billing: Billing, zone: str, day: str, unit: Unit
) -> None:
    local = ZoneInfo(zone)
    noon = datetime.fromisoformat(f"{day} 12:00").replace(tzinfo=local).astimezone(UTC)
    starts_at, ends_at = noon - timedelta(hours=40, minutes=7), noon + timedelta(hours=33)
    at = starts_at
    while at < ends_at:
        use(session, at)
        at += timedelta(minutes=20)
    rows = billing.usage_by_time(APP, "one", "calls", starts_at, ends_at, unit=unit, time_zone=zone)
    assert rows[0].starts_at == starts_at
    assert rows[-1].ends_at == ends_at
    for before, after in itertools.pairwise(rows):
        assert before.ends_at == after.starts_at
        begin = after.starts_at.astimezone(local)
        previous = (after.starts_at - timedelta(microseconds=1)).astimezone(local)
        # Each part begins with another day or hour of the zone's clocks.
        if unit == "day":
            assert previous.date() == begin.date() - timedelta(days=1)
        else:
            assert (begin.minute, begin.second) == (0, 0)
    longest = timedelta(hours=25 if unit == "day" else 1.5)
    assert all(row.ends_at - row.starts_at <= longest for row in rows)
    for row in rows:
        assert row.value == billing.aggregate_usage(APP, "one", "calls", row.starts_at, row.ends_at)
    assert sum(row.value for row in rows) == billing.aggregate_usage(
        APP, "one", "calls", starts_at, ends_at
    )


def test_days_and_months_are_those_of_the_zone(session: Session, billing: Billing) -> None:
    for at in ("2026-05-31 21:59", "2026-05-31 22:00", "2026-06-30 22:00", "2026-07-01 01:00"):
        use(session, utc(at))
    berlin = {"time_zone": "Europe/Berlin"}
    months = ("2026-04-30 22:00", "2026-07-31 22:00", "month")
    assert parts(billing, *months, **berlin) == [
        ("05-01 00:00", 1),
        ("06-01 00:00", 1),
        ("07-01 00:00", 2),
    ]
    assert parts(billing, "2026-05-30 22:00", "2026-06-02 10:00", "day", **berlin) == [
        ("05-31 00:00", 1),
        ("06-01 00:00", 1),
        ("06-02 00:00", 0),
    ]
    assert parts(billing, "2026-05-01 00:00", "2026-08-01 00:00", "month") == [
        ("05-01 00:00", 2),
        ("06-01 00:00", 1),
        ("07-01 00:00", 1),
    ]


def test_the_zone_is_that_of_the_subscription(session: Session, billing: Billing) -> None:
    use(session, utc("2026-11-10 20:00"))
    rows = ("2026-11-10 00:00", "2026-11-11 00:00", "day")
    assert len(parts(billing, *rows)) == 1
    plan = billing.create_plan(APP, "pro", "Pro", "USD", features=[{"key": "calls"}])
    billing.create_subscription(APP, "one", plan.id, time_zone="Asia/Tokyo")
    assert parts(billing, *rows) == [("11-10 00:00", 0), ("11-10 15:00", 1)]
    assert len(parts(billing, *rows, time_zone="UTC")) == 1


def test_any_aggregation_may_be_asked_for(session: Session, billing: Billing) -> None:
    for quantity in (3, 5):
        use(session, utc("2026-11-10 20:00"), quantity, "users")
    values = [
        [
            part.value
            for part in billing.usage_by_time(
                APP,
                "one",
                "users",
                utc("2026-11-09 00:00"),
                utc("2026-11-11 00:00"),
                aggregation=aggregation,
            )
        ]
        for aggregation in (None, "sum", "count", "max", "latest")
    ]
    assert values == [[Decimal(0), Decimal(value)] for value in (1, 8, 2, 5, 5)]


def test_what_cannot_be_told_by_time_is_refused(session: Session, billing: Billing) -> None:
    sound = {
        "app_id": APP,
        "tenant_id": "one",
        "feature_key": "calls",
        "starts_at": utc("2026-11-01 00:00"),
        "ends_at": utc("2026-11-03 00:00"),
    }
    cases: list[tuple[dict[str, Any], type[PgledgerError]]] = [
        ({"feature_key": "none"}, FeatureNotFound),
        ({"feature_key": None}, NullArgument),
        ({"unit": "week"}, InvalidArgument),
        ({"unit": None}, NullArgument),
        ({"unit": "1 day'; select 1; --"}, InvalidArgument),
        ({"time_zone": "CEST"}, InvalidArgument),
        ({"time_zone": "Mars/Olympus"}, InvalidArgument),
        ({"aggregation": "unique_count"}, InvalidArgument),
        ({"aggregation": "avg"}, InvalidArgument),
        ({"ends_at": utc("2026-11-01 00:00")}, InvalidTime),
        ({"starts_at": utc("2025-09-01 00:00"), "unit": "hour"}, InvalidTime),
        ({"starts_at": utc("0001-01-01 00:00"), "ends_at": utc("9999-01-01 00:00")}, InvalidTime),
    ]
    for wrong, error in cases:
        with pytest.raises(error):
            call(session, "ledger_usage_by_time", **{**sound, **wrong})
    # A part that begins within an hour whose events are gone cannot be told from the next one.
    use(session, utc("2026-10-01 00:00"))
    assert billing.purge_usage(APP, utc("2026-11-02 00:00")) == 1
    with pytest.raises(UsagePurged):
        call(session, "ledger_usage_by_time", **sound, time_zone="Asia/Kolkata")
    assert len(call(session, "ledger_usage_by_time", **sound, time_zone="Asia/Tokyo")) == 3
