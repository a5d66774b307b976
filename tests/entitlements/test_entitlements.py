"""Entitlements: what a tenant may use, what consuming does, and what the cache may still serve."""

import itertools
from calendar import monthrange
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from psycopg import IsolationLevel

from pgledger import Billing, Entitlement, Plan, Subscription, ids
from pgledger.errors import (
    FeatureNotFound,
    IdempotencyConflict,
    InvalidArgument,
    InvalidMetadata,
    InvalidQuantity,
    InvalidScope,
    NullArgument,
)
from support.clock import SetClock
from support.database import Connect
from support.exact import minus, plus, sum_of
from support.properties import scaled
from support.usage_model import HOUR, MICROSECOND, Aggregation, Counted, total
from support.waiting import WaitUntilBlocked

APP = "acme"
NOW = datetime(2026, 1, 31, 10, 30, tzinfo=UTC)
DAY = timedelta(days=1)
PATIENCE = {"options": "-c statement_timeout=60s"}

Session = psycopg.Connection[Any]
MoveClock = Callable[[datetime], None]

METERED: Mapping[str, Aggregation] = {
    "calls": "sum",
    "hits": "count",
    "peak": "max",
    "gauge": "latest",
    "users": "unique_count",
}


@pytest.fixture
def session(connect: Connect) -> Session:
    """An autocommit session in a database with a catalogue."""
    session = connect(autocommit=True, **PATIENCE)
    billing = Billing(session)
    for key, aggregation in METERED.items():
        billing.create_feature(
            APP,
            key,
            key,
            aggregation=aggregation,
            unique_key="user" if aggregation == "unique_count" else None,
        )
    billing.create_feature(APP, "seats", "Seats", type="seat")
    billing.create_feature(APP, "sso", "Single sign-on", type="boolean")
    billing.create_feature(APP, "else", "In no plan")
    return session


@pytest.fixture
def billing(session: Session, clock: MoveClock) -> Billing:
    return Billing(session)


@pytest.fixture
def clock(session: Session, set_clock: SetClock) -> MoveClock:
    """A clock that stands still at NOW until it is moved."""
    session.execute("create table test_clock (now timestamptz not null)")
    session.execute("insert into test_clock values (%s)", [NOW])
    session.execute("grant select on test_clock to public")
    set_clock(session, "select test_clock.now from public.test_clock")

    def move(now: datetime) -> None:
        session.execute("update test_clock set now = %s", [now])

    return move


_slugs = itertools.count()


def make_plan(
    billing: Billing,
    *features: Mapping[str, Any],
    interval: str = "month",
    add_on: bool = False,
    **options: Any,
) -> Plan:
    return billing.create_plan(
        APP,
        f"plan{next(_slugs)}",
        "Plan",
        "USD",
        features=list(features),
        pricing={"base": {"amount": "1", "interval": interval}},
        add_on=add_on,
        **options,
    )


def subscribe(billing: Billing, tenant_id: str, plan: Plan, **options: Any) -> Subscription:
    return billing.create_subscription(APP, tenant_id, plan.id, **options)


def calls(limit: int | str, **options: Any) -> dict[str, Any]:
    return {"key": "calls", "limit": limit, **options}


def answer(
    entitlement: Any,
) -> tuple[bool, Decimal, Decimal, Decimal, bool, str]:
    return (
        entitlement.allowed,
        entitlement.used,
        entitlement.limit,
        entitlement.remaining,
        entitlement.soft_limit,
        entitlement.reason,
    )


def check(billing: Billing, tenant_id: str, feature_key: str = "calls", quantity: Any = 1) -> Any:
    found = billing.check_entitlement(APP, tenant_id, feature_key, quantity=quantity)
    assert found.feature == feature_key
    return answer(found)


# What a plan gives


def test_a_metered_limit_is_inclusive(billing: Billing) -> None:
    subscribe(billing, "one", make_plan(billing, calls("10.5")))
    assert check(billing, "one") == (
        True,
        0,
        Decimal("10.5"),
        Decimal("10.5"),
        False,
        "within_limit",
    )
    assert check(billing, "one", quantity=Decimal("10.5"))[0]
    assert check(billing, "one", quantity=Decimal("10.500000000000000001")) == (
        False,
        0,
        Decimal("10.5"),
        Decimal("10.5"),
        False,
        "limit_exceeded",
    )
    billing.record_usage(APP, "one", "calls", quantity=Decimal("10.25"))
    assert check(billing, "one", quantity=Decimal("0.25"))[0]
    assert not check(billing, "one", quantity=Decimal("0.26"))[0]
    assert billing.remaining_entitlement(APP, "one", "calls") == Decimal("0.25")
    # Reports are never refused for a limit, so there can be less than nothing left.
    billing.record_usage(APP, "one", "calls", quantity=5)
    assert check(billing, "one", quantity=0) == (
        False,
        Decimal("15.25"),
        Decimal("10.5"),
        0,
        False,
        "limit_exceeded",
    )
    assert billing.remaining_entitlement(APP, "one", "calls") == 0


def test_zero_unlimited_and_soft_limits(billing: Billing) -> None:
    subscribe(billing, "none", make_plan(billing, calls(0)))
    assert check(billing, "none") == (False, 0, 0, 0, False, "limit_exceeded")
    assert check(billing, "none", quantity=0)[0]

    subscribe(billing, "all", make_plan(billing, calls(-1)))
    billing.record_usage(APP, "all", "calls", quantity=10**29)
    assert check(billing, "all", quantity=10**29) == (True, 10**29, -1, -1, False, "unlimited")
    assert billing.remaining_entitlement(APP, "all", "calls") == -1

    subscribe(billing, "soft", make_plan(billing, calls(10, soft_limit=True)))
    assert check(billing, "soft", quantity=10) == (True, 0, 10, 10, True, "within_limit")
    assert check(billing, "soft", quantity=11) == (True, 0, 10, 10, True, "soft_limit")
    billing.record_usage(APP, "soft", "calls", quantity=25)
    assert check(billing, "soft") == (True, 25, 10, 0, True, "soft_limit")
    assert billing.remaining_entitlement(APP, "soft", "calls") == 0


def test_a_boolean_is_on_or_off(billing: Billing) -> None:
    subscribe(billing, "on", make_plan(billing, {"key": "sso"}))
    subscribe(billing, "off", make_plan(billing, {"key": "sso", "limit": 0}))
    for quantity in (0, 1, 1000):
        assert check(billing, "on", "sso", quantity) == (True, 0, 1, 1, False, "enabled")
        assert check(billing, "off", "sso", quantity) == (False, 0, 0, 0, False, "disabled")
    assert billing.remaining_entitlement(APP, "on", "sso") == 1
    assert billing.remaining_entitlement(APP, "off", "sso") == 0


def test_seats_are_a_level_of_all_time(billing: Billing, clock: MoveClock) -> None:
    subscribe(billing, "one", make_plan(billing, {"key": "seats", "limit": 5}))
    billing.record_usage(APP, "one", "seats", quantity=3)
    assert check(billing, "one", "seats", 2) == (True, 3, 5, 2, False, "within_limit")
    assert check(billing, "one", "seats", 3) == (False, 3, 5, 2, False, "limit_exceeded")
    # A late report is no news, and no period begins anew.
    billing.record_usage(APP, "one", "seats", quantity=1, event_at=NOW - HOUR)
    clock(NOW + 400 * DAY)
    assert check(billing, "one", "seats", 2)[:2] == (True, 3)
    billing.record_usage(APP, "one", "seats", quantity=1)
    assert check(billing, "one", "seats", 4)[:2] == (True, 1)
    billing.record_usage(APP, "one", "seats", quantity=0)
    assert check(billing, "one", "seats", 5)[:2] == (True, 0)


def test_what_nobody_sold_is_not_allowed(billing: Billing) -> None:
    for tenant, feature in (("one", "calls"), ("one", "sso"), ("one", "seats"), ("two", "else")):
        assert check(billing, tenant, feature) == (False, 0, 0, 0, False, "no_subscription")
    subscription = subscribe(billing, "one", make_plan(billing, calls(5)))
    assert check(billing, "one")[5] == "within_limit"
    for feature in ("else", "sso", "seats"):
        assert check(billing, "one", feature) == (False, 0, 0, 0, False, "not_in_plan")
        assert billing.remaining_entitlement(APP, "one", feature) == 0
    billing.pause_subscription(APP, "one", subscription.id)
    for feature in ("calls", "else", "sso"):
        assert check(billing, "one", feature) == (False, 0, 0, 0, False, "paused")
    billing.resume_subscription(APP, "one", subscription.id)
    assert check(billing, "one")[5] == "within_limit"
    billing.cancel_subscription(APP, "one", subscription.id, at_period_end=False)
    assert check(billing, "one") == (False, 0, 0, 0, False, "no_subscription")
    # What is recorded without a subscription counts when there is one.
    billing.record_usage(APP, "one", "calls", quantity=3)
    subscribe(billing, "one", make_plan(billing, calls(5)))
    assert check(billing, "one")[:3] == (True, 3, 5)


def test_each_aggregation_limits_what_it_comes_to(billing: Billing) -> None:
    features = [{"key": key, "limit": 4} for key in METERED]
    subscribe(billing, "one", make_plan(billing, *features))
    for number, user in ((3, "a"), (1, "b"), (2, "a")):
        for key in METERED:
            billing.record_usage(APP, "one", key, quantity=number, metadata={"user": user})
    used = {"calls": 6, "hits": 3, "peak": 3, "gauge": 2, "users": 2}
    assert {key: check(billing, "one", key)[1] for key in METERED} == used
    assert {key: check(billing, "one", key)[0] for key in METERED} == {
        key: value + 1 <= 4 for key, value in used.items()
    }
    # A plan may count in another way than the feature does by itself.
    subscribe(billing, "two", make_plan(billing, calls(4, aggregation="count")))
    billing.record_usage(APP, "two", "calls", quantity=100)
    assert check(billing, "two")[:2] == (True, 1)


# Several subscriptions


def test_add_ons_add_up(billing: Billing) -> None:
    base = make_plan(billing, calls(10), {"key": "seats", "limit": 2}, {"key": "sso", "limit": 0})
    subscribe(billing, "one", base)
    more = make_plan(billing, calls(5), {"key": "seats", "limit": 3}, {"key": "sso"}, add_on=True)
    others = make_plan(billing, {"key": "hits", "limit": 1}, add_on=True)
    subscribe(billing, "one", others)
    assert check(billing, "one")[2] == 10
    assert check(billing, "one", "sso")[5] == "disabled"
    extra = [subscribe(billing, "one", more) for _ in range(2)]
    assert check(billing, "one", quantity=20) == (True, 0, 20, 20, False, "within_limit")
    assert check(billing, "one", "seats")[2] == 8
    assert check(billing, "one", "sso") == (True, 0, 1, 1, False, "enabled")
    assert check(billing, "one", "hits")[2] == 1
    assert check(billing, "one", "else")[5] == "not_in_plan"

    soft = subscribe(billing, "one", make_plan(billing, calls(1, soft_limit=True), add_on=True))
    assert check(billing, "one", quantity=22) == (True, 0, 21, 21, True, "soft_limit")
    endless = subscribe(billing, "one", make_plan(billing, calls(-1), add_on=True))
    assert check(billing, "one", quantity=22) == (True, 0, -1, -1, True, "unlimited")
    billing.cancel_subscription(APP, "one", endless.id, at_period_end=False)
    billing.pause_subscription(APP, "one", soft.id)
    assert check(billing, "one", quantity=22) == (False, 0, 20, 20, False, "limit_exceeded")
    billing.cancel_subscription(APP, "one", extra[0].id, at_period_end=False)
    assert check(billing, "one")[2] == 15


def test_an_unlimited_plan_stays_so_with_add_ons(billing: Billing) -> None:
    subscribe(billing, "one", make_plan(billing, calls(-1)))
    for limit in (0, 5, -1):
        subscribe(billing, "one", make_plan(billing, calls(limit), add_on=True))
        assert check(billing, "one")[2:4] == (-1, -1)


def test_an_add_on_gives_without_a_plan_or_beside_a_paused_one(
    billing: Billing, clock: MoveClock
) -> None:
    subscribe(billing, "one", make_plan(billing, calls(5), add_on=True))
    assert check(billing, "one")[2] == 5
    base = subscribe(billing, "one", make_plan(billing, calls(10), {"key": "sso"}))
    assert check(billing, "one")[2] == 15
    billing.pause_subscription(APP, "one", base.id)
    assert check(billing, "one")[2] == 5
    assert check(billing, "one", "sso")[5] in {"not_in_plan", "paused"}
    assert not check(billing, "one", "sso")[0]


def test_the_period_is_that_of_the_plan_and_not_of_an_add_on(
    billing: Billing, clock: MoveClock
) -> None:
    subscribe(billing, "one", make_plan(billing, calls(5, period="week"), add_on=True))
    clock(NOW + HOUR)
    subscribe(billing, "one", make_plan(billing, calls(10, period="day")))
    billing.record_usage(APP, "one", "calls", quantity=4)
    assert check(billing, "one")[:3] == (True, 4, 15)
    clock(NOW + HOUR + DAY)
    assert check(billing, "one")[:3] == (True, 0, 15)


# Periods, by the clock alone: nothing is advanced


def months(anchor: datetime, count: int) -> datetime:
    year, month = divmod(anchor.year * 12 + anchor.month - 1 + count, 12)
    return anchor.replace(
        year=year, month=month + 1, day=min(anchor.day, monthrange(year, month + 1)[1])
    )


def boundaries(anchor: datetime, unit: str, zone: str = "UTC") -> list[datetime]:
    """Returns the boundaries from an anchor on, counted in local time."""
    local = anchor.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    step: dict[str, Callable[[int], datetime]] = {
        "day": lambda number: local + number * DAY,
        "week": lambda number: local + number * 7 * DAY,
        "month": lambda number: months(local, number),
        "year": lambda number: months(local, 12 * number),
    }
    # Of a time that comes twice the second; of one that is left out as if it were not.
    return [
        max(
            step[unit](number).replace(tzinfo=ZoneInfo(zone), fold=fold).astimezone(UTC)
            for fold in (0, 1)
        )
        for number in range(6)
    ]


LEAP_DAY = datetime(2024, 2, 29, 23, 59, 59, 999_999, tzinfo=UTC)
BEFORE_SPRING = datetime(2026, 3, 27, 12, 30, tzinfo=UTC)
BEFORE_AUTUMN = datetime(2026, 10, 23, 0, 15, tzinfo=UTC)


@pytest.mark.parametrize(
    ("period", "interval", "started_at", "zone", "unit"),
    [
        ("day", "month", NOW, "UTC", "day"),
        ("week", "month", NOW, "UTC", "week"),
        ("month", "week", NOW, "UTC", "month"),
        ("year", "month", LEAP_DAY, "UTC", "year"),
        ("month", "month", LEAP_DAY, "UTC", "month"),
        ("billing", "month", NOW, "UTC", "month"),
        ("billing", "week", NOW, "UTC", "week"),
        ("billing", "day", BEFORE_SPRING, "Europe/Berlin", "day"),
        ("day", "month", BEFORE_AUTUMN, "Europe/Berlin", "day"),
        ("month", "year", datetime(2026, 1, 30, 23, 30, tzinfo=UTC), "Asia/Kolkata", "month"),
        ("week", "month", BEFORE_SPRING, "America/Sao_Paulo", "week"),
    ],
)
def test_usage_starts_anew_with_each_period(
    billing: Billing,
    clock: MoveClock,
    period: str,
    interval: str,
    started_at: datetime,
    zone: str,
    unit: str,
) -> None:
    clock(started_at)
    plan = make_plan(billing, calls(10, period=period), interval=interval)
    subscribe(billing, "one", plan, time_zone=zone)
    carried = 0
    for starts_at, ends_at in itertools.pairwise(boundaries(started_at, unit, zone)):
        clock(starts_at)
        assert check(billing, "one", quantity=10 - carried)[:2] == (True, carried), starts_at
        consumed = billing.consume_entitlement(APP, "one", "calls", quantity=6 - carried)
        assert (consumed.used, consumed.remaining) == (6, 4)
        clock(ends_at - MICROSECOND)
        assert not billing.consume_entitlement(APP, "one", "calls", quantity=5).allowed
        assert billing.consume_entitlement(APP, "one", "calls", quantity=4).remaining == 0
        # What lies beside the period does not count in it.
        billing.record_usage(APP, "one", "calls", quantity=100, event_at=starts_at - MICROSECOND)
        billing.record_usage(APP, "one", "calls", quantity=1, event_at=ends_at)
        assert check(billing, "one")[:2] == (False, 10)
        clock(ends_at)
        carried = 1
        assert check(billing, "one")[:2] == (True, 1)
    clock(ends_at + 1100 * DAY)
    assert check(billing, "one")[:2] == (True, 0)


def test_a_lifetime_has_one_period(billing: Billing, clock: MoveClock) -> None:
    billing.record_usage(APP, "one", "calls", quantity=1, event_at=NOW - 900 * DAY)
    subscribe(billing, "one", make_plan(billing, calls(10, period="lifetime")))
    for years in range(8):
        clock(NOW + years * 366 * DAY)
        consumed = billing.consume_entitlement(APP, "one", "calls")
        assert (consumed.allowed, consumed.used) == (True, years + 2)
    assert check(billing, "one", quantity=2)[:2] == (False, 9)


def test_the_first_period_may_be_shorter(billing: Billing, clock: MoveClock) -> None:
    anchor = datetime(2026, 2, 10, tzinfo=UTC)
    billing.record_usage(APP, "one", "calls", quantity=7, event_at=NOW - MICROSECOND)
    subscribe(billing, "one", make_plan(billing, calls(10)), anchor_at=anchor)
    # The period of the anchor began on Jan 10, but the subscription did only now.
    assert check(billing, "one")[:2] == (True, 0)
    billing.record_usage(APP, "one", "calls", quantity=3)
    clock(anchor - MICROSECOND)
    assert check(billing, "one")[1] == 3
    clock(anchor)
    assert check(billing, "one")[1] == 0
    clock(months(anchor, 1) - MICROSECOND)
    billing.record_usage(APP, "one", "calls", quantity=2)
    assert check(billing, "one")[1] == 2
    clock(months(anchor, 1))
    assert check(billing, "one")[1] == 0


@pytest.mark.parametrize("anchored", [True, False], ids=["anchored", "not-anchored"])
def test_a_trial_ends_by_the_clock(billing: Billing, clock: MoveClock, anchored: bool) -> None:
    plan = make_plan(billing, calls(10), trial_days=45, anchor_at_trial_end=anchored)
    subscription = subscribe(billing, "one", plan)
    trial_end = NOW + 45 * DAY
    assert (subscription.status, subscription.trial_end) == ("trialing", trial_end)
    billing.record_usage(APP, "one", "calls", quantity=4)
    # A trial that is the anchor is one period; otherwise periods go on from the start.
    ends_at = trial_end if anchored else months(NOW, 1)
    clock(ends_at - MICROSECOND)
    assert check(billing, "one")[:2] == (True, 4)
    clock(ends_at)
    assert check(billing, "one")[:2] == (True, 0)
    billing.record_usage(APP, "one", "calls", quantity=5)
    following = months(trial_end, 1) if anchored else months(NOW, 2)
    clock(following - MICROSECOND)
    assert check(billing, "one")[:2] == (True, 5)
    clock(following)
    assert check(billing, "one")[:2] == (True, 0)


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "America/New_York", "Pacific/Apia"])
def test_a_days_quota_in_a_trial_counts_the_days_that_lead_to_its_end(
    billing: Billing, clock: MoveClock, zone: str
) -> None:
    """The trial's end is the anchor, so its days begin at the time of day at which it ends."""
    start = datetime(2026, 3, 7, 10, 30, tzinfo=ZoneInfo(zone))
    clock(start.astimezone(UTC))
    # A trial over both changes of the clocks in this month.
    plan = make_plan(
        billing, calls(10, period="day"), interval="month", trial_days=24, anchor_at_trial_end=True
    )
    subscription = subscribe(billing, "one", plan, time_zone=zone)
    ends = [(start + number * DAY).astimezone(UTC) for number in range(27)]
    assert (subscription.trial_end, subscription.anchor_at) == (ends[24], ends[24])
    assert subscription.current_period_end == ends[24]
    for number, (begins, end) in enumerate(itertools.pairwise(ends)):
        clock(begins)
        assert check(billing, "one")[:2] == (True, 0), number
        billing.record_usage(APP, "one", "calls", quantity=number + 1)
        clock(end - MICROSECOND)
        assert check(billing, "one")[:2] == (number + 2 <= 10, number + 1), number


@pytest.mark.parametrize("trial_days", [0, 10])
def test_a_cancellation_takes_effect_by_the_clock(
    billing: Billing, clock: MoveClock, trial_days: int
) -> None:
    subscription = subscribe(billing, "one", make_plan(billing, calls(10)), trial_days=trial_days)
    canceled = billing.cancel_subscription(APP, "one", subscription.id)
    ends_at = NOW + 10 * DAY if trial_days else months(NOW, 1)
    assert canceled.cancel_at == ends_at
    clock(ends_at - MICROSECOND)
    assert check(billing, "one")[5] == "within_limit"
    assert billing.consume_entitlement(APP, "one", "calls").allowed
    clock(ends_at)
    assert check(billing, "one") == (False, 0, 0, 0, False, "no_subscription")
    consumed = billing.consume_entitlement(APP, "one", "calls")
    assert (consumed.allowed, consumed.reason, consumed.event_id) == (
        False,
        "no_subscription",
        None,
    )
    # Nothing has advanced it so far; when that is done, nothing is different.
    assert [move.change for move in billing.advance(APP, invoices="none")][-1] == "canceled"
    assert check(billing, "one") == (False, 0, 0, 0, False, "no_subscription")


def test_advancing_changes_no_answer(billing: Billing, clock: MoveClock) -> None:
    plans = {
        tenant: make_plan(billing, calls(10, period=tenant), trial_days=9)
        for tenant in ("day", "week", "month", "year", "billing", "lifetime")
    }
    for tenant, plan in plans.items():
        subscribe(billing, tenant, plan)
    for turn in range(1, 30):
        clock(NOW + turn * timedelta(days=3, hours=7))
        for tenant in plans:
            billing.consume_entitlement(APP, tenant, "calls")
        told = {tenant: check(billing, tenant) for tenant in plans}
        billing.advance(APP)
        assert {tenant: check(billing, tenant) for tenant in plans} == told


# Consuming


def test_consuming_records_what_it_allows(billing: Billing) -> None:
    subscribe(billing, "one", make_plan(billing, calls(3)))
    consumed = [billing.consume_entitlement(APP, "one", "calls") for _ in range(4)]
    assert [answer(one) for one in consumed] == [
        (True, 1, 3, 2, False, "within_limit"),
        (True, 2, 3, 1, False, "within_limit"),
        (True, 3, 3, 0, False, "within_limit"),
        (False, 3, 3, 0, False, "limit_exceeded"),
    ]
    events = billing.query_usage(APP, "one")
    assert [event.id for event in events] == [one.event_id for one in consumed[:3]]
    assert consumed[3].event_id is None
    assert all(ids.is_valid(event.id, "evt") for event in events)
    assert [(event.quantity, event.event_at) for event in events] == [(1, NOW)] * 3
    assert billing.consume_entitlement(APP, "one", "calls", quantity=0).allowed


def test_a_repeated_key_is_allowed_and_counts_once(billing: Billing) -> None:
    subscribe(billing, "one", make_plan(billing, calls(3), {"key": "hits", "limit": 1}))
    subscribe(billing, "two", make_plan(billing, calls(3)))

    def consume(tenant: str = "one", **options: Any) -> Any:
        return billing.consume_entitlement(APP, tenant, "calls", **options)

    first = consume(quantity=3, idempotency_key="k")
    assert answer(first) == (True, 3, 3, 0, False, "within_limit")
    for again in (consume(quantity=3, idempotency_key="k") for _ in range(2)):
        assert answer(again) == (True, 3, 3, 0, False, "duplicate")
        assert again.event_id == first.event_id
    assert consume("two", idempotency_key="k").reason == "within_limit"
    # A key that a report of the same has taken counts as well.
    receipt = billing.record_usage(APP, "two", "calls", idempotency_key="reported")
    reported = consume("two", idempotency_key="reported")
    assert (reported.reason, reported.event_id, reported.used) == ("duplicate", receipt.id, 2)
    # One that was refused is free.
    assert consume(idempotency_key="refused").reason == "limit_exceeded"
    hits = billing.consume_entitlement(APP, "one", "hits", idempotency_key="refused")
    assert (hits.reason, hits.used) == ("within_limit", 1)
    # And what was allowed stays allowed, whatever became of the subscription.
    (subscription,) = billing.list_subscriptions(APP, "one")
    billing.cancel_subscription(APP, "one", subscription.id, at_period_end=False)
    late = consume(quantity=3, idempotency_key="k")
    assert (late.allowed, late.reason, late.event_id) == (True, "duplicate", first.event_id)
    assert len(billing.query_usage(APP, "one")) == 2


def test_a_key_that_is_taken_by_something_else_is_a_conflict(billing: Billing) -> None:
    plan = make_plan(billing, calls(-1), {"key": "hits"}, {"key": "seats"})
    subscribe(billing, "one", plan)
    billing.consume_entitlement(APP, "one", "calls", quantity=2, idempotency_key="consumed")
    billing.record_usage(APP, "one", "hits", quantity=2, idempotency_key="reported")
    taken: list[tuple[str, str, Any]] = [
        ("consumed", "calls", 1),
        ("consumed", "calls", Decimal("2.000000000000000001")),
        ("reported", "hits", 3),
    ]
    for key, feature, quantity in taken:
        with pytest.raises(IdempotencyConflict):
            billing.consume_entitlement(APP, "one", feature, quantity=quantity, idempotency_key=key)
    again = billing.consume_entitlement(
        APP, "one", "calls", quantity=Decimal("2.00"), idempotency_key="consumed"
    )
    assert again.reason == "duplicate"
    assert len(billing.query_usage(APP, "one")) == 2
    # Under the key of one feature's usage another's may be consumed.
    for key, feature in (("consumed", "seats"), ("reported", "calls")):
        other = billing.consume_entitlement(APP, "one", feature, quantity=2, idempotency_key=key)
        assert other.reason == "unlimited"
    assert len(billing.query_usage(APP, "one")) == 4


def test_a_key_under_which_seats_were_taken_is_compared_by_how_many(billing: Billing) -> None:
    subscribe(billing, "one", make_plan(billing, {"key": "seats", "limit": 9}))

    def take(quantity: int, key: str) -> tuple[Decimal, str]:
        taken = billing.consume_entitlement(
            APP, "one", "seats", quantity=quantity, idempotency_key=key
        )
        return taken.used, taken.reason

    assert take(2, "a") == (2, "within_limit")
    assert take(3, "b") == (5, "within_limit")
    assert take(2, "a") == (5, "duplicate")
    assert take(3, "b") == (5, "duplicate")
    for quantity, key in ((3, "a"), (2, "b"), (5, "b")):
        with pytest.raises(IdempotencyConflict):
            take(quantity, key)
    # A report of a level is another request.
    with pytest.raises(IdempotencyConflict):
        billing.record_usage(APP, "one", "seats", quantity=3, idempotency_key="b")
    assert billing.check_entitlement(APP, "one", "seats").used == 5


def test_what_consuming_adds_depends_on_the_aggregation(billing: Billing) -> None:
    features = [{"key": key, "limit": 3} for key in METERED]
    subscribe(billing, "one", make_plan(billing, *features))

    def consume(key: str, quantity: Any = 1, user: str = "a") -> tuple[bool, Decimal]:
        consumed = billing.consume_entitlement(
            APP, "one", key, quantity=quantity, metadata={"user": user}
        )
        assert consumed.reason == ("within_limit" if consumed.allowed else "limit_exceeded")
        return consumed.allowed, consumed.used

    # Each event counts for one, whatever its quantity.
    assert [consume("hits", quantity) for quantity in (100, 0, 7, 1)] == [
        (True, 1),
        (True, 2),
        (True, 3),
        (False, 3),
    ]
    assert not consume("hits", 0)[0]
    # What matters is whether it is higher than the highest.
    assert [consume("peak", quantity) for quantity in (3, 2, 3, Decimal("3.1"))] == [
        (True, 3),
        (True, 3),
        (True, 3),
        (False, 3),
    ]
    # The latest takes the place of the one before.
    assert [consume("gauge", quantity) for quantity in (3, 1, 3, 4)] == [
        (True, 3),
        (True, 1),
        (True, 3),
        (False, 3),
    ]
    # Somebody who is known already is nobody new.
    assert [consume("users", 100, user) for user in "abacdabc"] == [
        (True, 1),
        (True, 2),
        (True, 2),
        (True, 3),
        (False, 3),
        (True, 3),
        (True, 3),
        (True, 3),
    ]


def test_consuming_beyond_soft_limits_and_without_limits(billing: Billing) -> None:
    subscribe(billing, "one", make_plan(billing, calls(2, soft_limit=True), {"key": "hits"}))
    consumed = [billing.consume_entitlement(APP, "one", "calls", quantity=2) for _ in range(2)]
    assert [answer(one) for one in consumed] == [
        (True, 2, 2, 0, True, "within_limit"),
        (True, 4, 2, 0, True, "soft_limit"),
    ]
    assert answer(billing.consume_entitlement(APP, "one", "hits", quantity=7)) == (
        True,
        1,
        -1,
        -1,
        False,
        "unlimited",
    )


def test_consuming_seats_moves_their_level(billing: Billing, clock: MoveClock) -> None:
    subscribe(billing, "one", make_plan(billing, {"key": "seats", "limit": 5}))

    def consume(quantity: int = 1, **options: Any) -> Any:
        return billing.consume_entitlement(APP, "one", "seats", quantity=quantity, **options)

    assert answer(consume(2)) == (True, 2, 5, 3, False, "within_limit")
    assert answer(consume(3, idempotency_key="k")) == (True, 5, 5, 0, False, "within_limit")
    assert answer(consume()) == (False, 5, 5, 0, False, "limit_exceeded")
    assert answer(consume(3, idempotency_key="k")) == (True, 5, 5, 0, False, "duplicate")
    # Somebody leaves: the level is reported.
    billing.record_usage(APP, "one", "seats", quantity=3)
    assert answer(consume(2)) == (True, 5, 5, 0, False, "within_limit")
    assert [event.quantity for event in billing.query_usage(APP, "one")] == [2, 5, 3, 5]
    # A level that was reported by a clock ahead is the level.
    billing.record_usage(APP, "one", "seats", quantity=1, event_at=NOW + HOUR)
    assert answer(consume(2)) == (True, 3, 5, 2, False, "within_limit")
    assert answer(consume(2)) == (True, 5, 5, 0, False, "within_limit")
    clock(NOW + 2 * HOUR)
    assert check(billing, "one", "seats")[:2] == (False, 5)


def test_seats_can_be_consumed_though_their_level_was_reported_from_further_ahead(
    billing: Billing,
) -> None:
    subscribe(billing, "one", make_plan(billing, {"key": "seats", "limit": 5}))
    billing.record_usage(APP, "one", "seats", quantity=2, event_at=NOW + HOUR)
    billing.set_usage_skew(APP, timedelta(0))
    consumed = billing.consume_entitlement(APP, "one", "seats")
    assert (consumed.allowed, consumed.used) == (True, 3)
    assert check(billing, "one", "seats")[1] == 3


def test_what_cannot_be_consumed_is_refused(session: Session, billing: Billing) -> None:
    features = [calls(5), {"key": "sso"}, {"key": "users", "limit": 5}]
    subscribe(billing, "one", make_plan(billing, *features))
    cases: list[tuple[dict[str, Any], type[Exception]]] = [
        ({"quantity": -1}, InvalidQuantity),
        ({"quantity": Decimal("NaN")}, InvalidQuantity),
        ({"quantity": Decimal("Infinity")}, InvalidQuantity),
        ({"quantity": Decimal("1e-19")}, InvalidQuantity),
        ({"quantity": 10**30}, InvalidQuantity),
        ({"idempotency_key": ""}, InvalidArgument),
        ({"idempotency_key": "k" * 256}, InvalidArgument),
        ({"metadata": {"text": "x" * 65536}}, InvalidMetadata),
        ({"feature_key": "none"}, FeatureNotFound),
        ({"feature_key": "sso"}, InvalidArgument),
        ({"feature_key": "users"}, InvalidMetadata),
        ({"feature_key": "users", "metadata": {"user": ""}}, InvalidMetadata),
        ({"feature_key": None}, NullArgument),
        ({"tenant_id": ""}, InvalidScope),
        ({"tenant_id": None}, NullArgument),
        ({"app_id": "*"}, InvalidScope),
        ({"app_id": "other"}, FeatureNotFound),
    ]
    for wrong, error in cases:
        arguments = {"app_id": APP, "tenant_id": "one", "feature_key": "calls", **wrong}
        scope = [arguments.pop(name) for name in ("app_id", "tenant_id", "feature_key")]
        with pytest.raises(error):
            billing.consume_entitlement(*scope, **arguments)
    with pytest.raises(NullArgument):
        session.execute("select * from ledger_consume_entitlement('acme', 'one', 'calls', null)")
    assert billing.query_usage(APP, "one") == []
    users = billing.consume_entitlement(APP, "one", "users", metadata={"user": "a"})
    assert (users.allowed, users.used) == (True, 1)


def test_what_cannot_be_checked_is_refused(session: Session, billing: Billing) -> None:
    subscribe(billing, "one", make_plan(billing, calls(5)))
    for quantity in (-1, Decimal("NaN"), Decimal("1e-19"), 10**30):
        with pytest.raises(InvalidQuantity):
            billing.check_entitlement(APP, "one", "calls", quantity=quantity)
        with pytest.raises(InvalidQuantity):
            billing.get_cached_entitlement(APP, "one", "calls", quantity=quantity)
    for ttl in (timedelta(0), -MICROSECOND, DAY + MICROSECOND):
        with pytest.raises(InvalidArgument):
            billing.set_cached_entitlement(APP, "one", "calls", ttl=ttl)
    names = ["check", "remaining", "set_cached", "get_cached", "consume"]
    for name in names:
        call: Callable[..., Any] = getattr(billing, f"{name}_entitlement")
        for scope, error in [
            (("*", "one", "calls"), InvalidScope),
            (("", "one", "calls"), InvalidScope),
            ((APP, "", "calls"), InvalidScope),
            ((APP, "a b", "calls"), InvalidScope),
            ((None, "one", "calls"), NullArgument),
            ((APP, None, "calls"), NullArgument),
            ((APP, "one", None), NullArgument),
        ]:
            with pytest.raises(error):
                call(*scope)
        if name != "get_cached":
            with pytest.raises(FeatureNotFound):
                call(APP, "one", "none")
    assert billing.get_cached_entitlement(APP, "one", "none") is None
    for statement in (
        "ledger_check_entitlement('acme', 'one', 'calls', null)",
        "ledger_get_cached_entitlement('acme', 'one', 'calls', null)",
        "ledger_set_entitlement_ttl('acme', null)",
        "ledger_invalidate_tenant_entitlements('acme', null)",
        "ledger_invalidate_feature_entitlements('acme', null)",
    ):
        with pytest.raises(NullArgument):
            session.execute(f"select * from {statement}".encode())
    with pytest.raises(FeatureNotFound):
        billing.invalidate_feature_entitlements(APP, "none")


def test_answers_are_of_one_tenant_of_one_app(billing: Billing) -> None:
    subscribe(billing, "one", make_plan(billing, calls(5)))
    billing.create_feature("bank", "calls", "Calls")
    billing.record_usage("bank", "one", "calls", quantity=3)
    billing.record_usage(APP, "two", "calls", quantity=4)
    assert check(billing, "one")[:3] == (True, 0, 5)
    assert check(billing, "two")[5] == "no_subscription"
    assert billing.check_entitlement("bank", "one", "calls").reason == "no_subscription"
    consumed = billing.consume_entitlement("bank", "one", "calls")
    assert (consumed.allowed, consumed.event_id) == (False, None)
    assert len(billing.query_usage("bank", "one")) == 1


# The cache


def cached(billing: Billing, tenant_id: str, feature_key: str = "calls", quantity: Any = 1) -> Any:
    found = billing.get_cached_entitlement(APP, tenant_id, feature_key, quantity=quantity)
    return None if found is None else answer(found)


def remember(
    billing: Billing, tenant_id: str, feature_key: str = "calls", ttl: timedelta = DAY
) -> Entitlement:
    """Sets a cached entitlement and makes sure that it is served."""
    found = billing.set_cached_entitlement(APP, tenant_id, feature_key, ttl=ttl)
    assert found == billing.check_entitlement(APP, tenant_id, feature_key)
    assert billing.get_cached_entitlement(APP, tenant_id, feature_key) == found
    return found


def test_a_cached_answer_is_that_of_a_check_whatever_the_quantity(billing: Billing) -> None:
    plan = make_plan(
        billing,
        calls(10),
        {"key": "hits", "limit": 10, "soft_limit": True},
        {"key": "peak"},
        {"key": "sso"},
        {"key": "gauge", "limit": 0},
        {"key": "seats", "limit": 5},
    )
    subscribe(billing, "one", plan)
    assert cached(billing, "one") is None
    for key in ("calls", "peak", "seats"):
        billing.record_usage(APP, "one", key, quantity=4)
    for tenant, key in itertools.product(
        ("one", "nobody"), ("calls", "hits", "peak", "sso", "gauge", "seats", "else")
    ):
        remember(billing, tenant, key)
        for quantity in (0, 1, 6, 7, Decimal("6.000000000000000001"), 10**29):
            told = check(billing, tenant, key, quantity)
            assert cached(billing, tenant, key, quantity) == told, (tenant, key, quantity)


def test_what_is_cached_can_be_read(session: Session, billing: Billing) -> None:
    subscribe(billing, "one", make_plan(billing, calls(10)))
    billing.record_usage(APP, "one", "calls", quantity=4)
    remember(billing, "one", ttl=timedelta(minutes=5))
    columns = (
        'app_id, tenant_id, feature_key, used, "limit", remaining, soft_limit, created_at,'
        " expires_at"
    )
    rows = session.execute(f"select {columns} from ledger_entitlement_cache".encode()).fetchall()
    assert rows == [(APP, "one", "calls", 4, 10, 6, False, NOW, NOW + timedelta(minutes=5))]


def test_keys_of_the_cache_are_not_joined(billing: Billing) -> None:
    billing.create_feature(APP, "c", "C")
    subscribe(billing, "a:b", make_plan(billing, {"key": "c", "limit": 1}))
    remember(billing, "a:b", "c")
    for tenant in ("a", "b", "a:", ":b", "a:b:c"):
        assert cached(billing, tenant, "c") is None
    assert billing.get_cached_entitlement(APP, "a", "b:c") is None
    assert billing.get_cached_entitlement("acme:a", "b", "c") is None


@dataclass(frozen=True)
class Cached:
    """A tenant whose entitlement to calls is cached: 4 of 10 are used."""

    billing: Billing
    clock: MoveClock
    tenant_id: str
    plan: Plan
    subscription: Subscription

    def move_plan(self, limit: int) -> None:
        other = make_plan(self.billing, calls(limit))
        self.billing.change_plan(APP, self.tenant_id, self.subscription.id, other.id)


CHANGES: dict[str, Callable[[Cached], Any]] = {
    "usage is reported": lambda it: it.billing.record_usage(APP, it.tenant_id, "calls"),
    "usage of nothing": lambda it: it.billing.record_usage(APP, it.tenant_id, "calls", quantity=0),
    "late usage of the period": lambda it: it.billing.record_usage(
        APP, it.tenant_id, "calls", event_at=NOW
    ),
    "usage that is ahead": lambda it: it.billing.record_usage(
        APP, it.tenant_id, "calls", event_at=NOW + HOUR
    ),
    "usage is consumed": lambda it: it.billing.consume_entitlement(APP, it.tenant_id, "calls"),
    "the plan's limit": lambda it: it.billing.update_plan(APP, it.plan.id, features=[calls(20)]),
    "the plan's features": lambda it: it.billing.update_plan(
        APP, it.plan.id, features=[{"key": "sso"}]
    ),
    "another plan": lambda it: it.move_plan(20),
    "another plan with the same limit": lambda it: it.move_plan(10),
    "cancelled at once": lambda it: it.billing.cancel_subscription(
        APP, it.tenant_id, it.subscription.id, at_period_end=False
    ),
    "cancelled at the period's end": lambda it: it.billing.cancel_subscription(
        APP, it.tenant_id, it.subscription.id
    ),
    "paused": lambda it: it.billing.pause_subscription(APP, it.tenant_id, it.subscription.id),
    "the subscription's quantity": lambda it: it.billing.update_subscription(
        APP, it.tenant_id, it.subscription.id, quantity=2
    ),
    "an add-on": lambda it: subscribe(
        it.billing, it.tenant_id, make_plan(it.billing, calls(5), add_on=True)
    ),
    "the tenant is invalidated": lambda it: it.billing.invalidate_tenant_entitlements(
        APP, it.tenant_id
    ),
    "the feature is invalidated": lambda it: it.billing.invalidate_feature_entitlements(
        APP, "calls"
    ),
    "the time to live is over": lambda it: it.clock(NOW + HOUR + DAY),
    "the clock is put back": lambda it: it.clock(NOW + HOUR - MICROSECOND),
}


def test_whatever_changes_stops_the_cached_answer(billing: Billing, clock: MoveClock) -> None:
    for name, change in CHANGES.items():
        clock(NOW)
        plan = make_plan(billing, calls(10))
        tenant = name.replace(" ", "-")
        subscription = subscribe(billing, tenant, plan)
        billing.record_usage(APP, tenant, "calls", quantity=4)
        clock(NOW + HOUR)
        assert remember(billing, tenant).remaining == 6
        change(Cached(billing, clock, tenant, plan, subscription))
        assert cached(billing, tenant) is None, name
        # It can be set anew, and then tells what has changed.
        remember(billing, tenant)


def test_what_does_not_concern_it_leaves_a_cached_answer_alone(
    billing: Billing, clock: MoveClock
) -> None:
    billing.create_feature("bank", "calls", "Calls")
    subscribe(billing, "one", make_plan(billing, calls(10)))
    subscribe(billing, "two", make_plan(billing, calls(10)))
    billing.record_usage(APP, "one", "calls", quantity=4, idempotency_key="k")
    remember(billing, "one")
    told = check(billing, "one")
    billing.record_usage(APP, "two", "calls")
    billing.record_usage(APP, "one", "hits")
    billing.record_usage("bank", "one", "calls")
    billing.record_usage(APP, "one", "calls", quantity=4, idempotency_key="k")
    billing.record_usage(APP, "one", "calls", event_at=NOW - HOUR)
    billing.consume_entitlement(APP, "one", "calls", quantity=7)
    billing.invalidate_tenant_entitlements(APP, "two")
    billing.invalidate_tenant_entitlements("bank", "one")
    billing.invalidate_feature_entitlements(APP, "hits")
    billing.invalidate_feature_entitlements("bank", "calls")
    billing.advance(APP)
    clock(NOW + DAY - MICROSECOND)
    assert cached(billing, "one") == told == check(billing, "one")


def test_a_cached_answer_ends_with_the_period_the_trial_and_the_subscription(
    billing: Billing, clock: MoveClock
) -> None:
    trial = make_plan(billing, calls(10), trial_days=3, anchor_at_trial_end=False)
    subscribe(billing, "trial", trial)
    subscribe(billing, "day", make_plan(billing, calls(10, period="day")))
    subscribe(billing, "billing", make_plan(billing, calls(10), interval="week"))
    canceled = subscribe(billing, "canceled", make_plan(billing, calls(10)))
    ends = {
        "trial": NOW + 3 * DAY,
        "day": NOW + 5 * DAY,
        "billing": NOW + 7 * DAY,
        "canceled": months(NOW, 1),
    }
    billing.cancel_subscription(APP, "canceled", canceled.id)
    # An add-on that ends is as much a part of the answer.
    subscribe(billing, "more", make_plan(billing, calls(10)))
    add_on = subscribe(billing, "more", make_plan(billing, calls(5), interval="day", add_on=True))
    ends["more"] = NOW + DAY
    billing.cancel_subscription(APP, "more", add_on.id)
    for tenant, ends_at in ends.items():
        clock(ends_at - HOUR)
        remember(billing, tenant)
        clock(ends_at - MICROSECOND)
        assert cached(billing, tenant) == check(billing, tenant)
        clock(ends_at)
        assert cached(billing, tenant) is None, tenant
        remember(billing, tenant)


def test_a_paused_answer_ends_with_the_subscription(billing: Billing, clock: MoveClock) -> None:
    subscription = subscribe(billing, "one", make_plan(billing, calls(10)))
    ends_at = billing.cancel_subscription(APP, "one", subscription.id).cancel_at
    billing.pause_subscription(APP, "one", subscription.id)
    assert ends_at is not None
    clock(ends_at - HOUR)
    assert remember(billing, "one").reason == "paused"
    clock(ends_at)
    assert check(billing, "one")[5] == "no_subscription"
    assert cached(billing, "one") is None


def test_an_answer_for_nobody_ends_with_the_first_subscription(billing: Billing) -> None:
    for tenant, key in (("one", "calls"), ("two", "else")):
        assert remember(billing, tenant, key).reason == "no_subscription"
        subscribe(billing, tenant, make_plan(billing, calls(10)))
        assert cached(billing, tenant, key) is None
    assert remember(billing, "two", "else").reason == "not_in_plan"
    (subscription,) = billing.list_subscriptions(APP, "two")
    billing.pause_subscription(APP, "two", subscription.id)
    assert remember(billing, "two", "else").reason == "paused"
    billing.resume_subscription(APP, "two", subscription.id)
    assert cached(billing, "two", "else") is None


def test_a_cached_answer_for_a_feature_ends_with_the_feature(billing: Billing) -> None:
    feature = billing.create_feature(APP, "brief", "Brief")
    subscribe(billing, "one", make_plan(billing, calls(10)))
    assert remember(billing, "one", "brief").reason == "not_in_plan"
    billing.delete_feature(APP, feature.id)
    with pytest.raises(FeatureNotFound):
        billing.check_entitlement(APP, "one", "brief")
    assert cached(billing, "one", "brief") is None


def test_seats_stop_a_cached_answer_up_and_down(billing: Billing, clock: MoveClock) -> None:
    subscribe(billing, "one", make_plan(billing, {"key": "seats", "limit": 5}))
    for level in (3, 5, 3, 3):
        remember(billing, "one", "seats")
        billing.record_usage(APP, "one", "seats", quantity=level)
        assert cached(billing, "one", "seats") is None
    remember(billing, "one", "seats")
    billing.consume_entitlement(APP, "one", "seats")
    assert cached(billing, "one", "seats") is None


LEVELS = (IsolationLevel.READ_COMMITTED, IsolationLevel.REPEATABLE_READ)
levels = pytest.mark.parametrize("level", LEVELS, ids=lambda level: level.name.lower())

INVALIDATIONS: dict[str, Callable[[Billing, str], Any]] = {
    "tenant": lambda billing, tenant: billing.invalidate_tenant_entitlements(APP, tenant),
    "feature": lambda billing, tenant: billing.invalidate_feature_entitlements(APP, "calls"),
    "usage": lambda billing, tenant: billing.record_usage(APP, tenant, "calls"),
    "plan": lambda billing, tenant: billing.update_plan(
        APP,
        billing.list_subscriptions(APP, tenant)[0].plan_id,
        features=[calls(100 + next(_slugs))],
    ),
    "subscription": lambda billing, tenant: billing.update_subscription(
        APP, tenant, billing.list_subscriptions(APP, tenant)[0].id, quantity=2 + next(_slugs)
    ),
}


@levels
def test_what_was_worked_out_before_an_invalidation_is_not_served_after_it(
    billing: Billing, connect: Connect, level: IsolationLevel
) -> None:
    for name, invalidate in INVALIDATIONS.items():
        subscribe(billing, name, make_plan(billing, calls(10)))
        setting = connect(**PATIENCE)
        setting.isolation_level = level
        # Its snapshot is from before, and it commits after.
        Billing(setting).set_cached_entitlement(APP, name, "calls", ttl=DAY)
        invalidate(billing, name)
        setting.commit()
        assert cached(billing, name) is None, name
        # The same where nothing was remembered so far.
        setting.execute("select count(*) from ledger_plans")
        invalidate(billing, name)
        told = check(billing, name)
        with setting.transaction():
            found = Billing(setting).set_cached_entitlement(APP, name, "calls", ttl=DAY)
        setting.commit()
        if level is IsolationLevel.REPEATABLE_READ:
            assert cached(billing, name) is None, name
        else:
            assert answer(found) == told == cached(billing, name), name


def test_what_waits_to_be_remembered_while_it_is_invalidated_is_not_served(
    billing: Billing, connect: Connect, wait_until_blocked: WaitUntilBlocked
) -> None:
    for name, invalidate in INVALIDATIONS.items():
        subscribe(billing, name, make_plan(billing, calls(10)))
        remember(billing, name)
        holder, waiting = connect(**PATIENCE), connect(autocommit=True, **PATIENCE)
        Billing(holder).set_cached_entitlement(APP, name, "calls", ttl=DAY)
        with ThreadPoolExecutor(1) as pool:
            future = pool.submit(
                Billing(waiting).set_cached_entitlement, APP, name, "calls", ttl=DAY
            )
            try:
                wait_until_blocked(waiting.info.backend_pid, by=holder.info.backend_pid)
                invalidate(billing, name)
            finally:
                holder.rollback()
            future.result(timeout=60)
        assert cached(billing, name) is None, name


@levels
def test_a_transaction_sees_its_own_changes_and_not_what_it_cannot_see(
    billing: Billing, connect: Connect, level: IsolationLevel
) -> None:
    subscribe(billing, "one", make_plan(billing, calls(10)))
    remember(billing, "one")
    own = connect(**PATIENCE)
    own.isolation_level = level
    assert cached(Billing(own), "one") == (True, 0, 10, 10, False, "within_limit")
    Billing(own).consume_entitlement(APP, "one", "calls")
    assert cached(Billing(own), "one") is None
    assert cached(billing, "one") == (True, 0, 10, 10, False, "within_limit")
    Billing(own).set_cached_entitlement(APP, "one", "calls")
    own.rollback()
    assert cached(billing, "one") == (True, 0, 10, 10, False, "within_limit")


# Anything, in any order, against a plain model

PERIODS = ("day", "week", "month", "year", "billing", "lifetime")


@dataclass
class Model:
    """One tenant with a plan from START on and add-ons, in UTC."""

    period: str
    interval: str
    aggregation: str
    limit: Decimal
    is_soft: bool
    started_at: datetime
    now: datetime
    add_ons: list[tuple[Decimal, bool]] = field(default_factory=list)
    events: list[Counted] = field(default_factory=list)
    keys: dict[str, tuple[Decimal, datetime]] = field(default_factory=dict)

    def period_of_now(self) -> tuple[datetime, datetime]:
        unit = self.interval if self.period == "billing" else self.period
        if unit == "lifetime":
            return datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
        number = 0
        while self.boundary(unit, number + 1) <= self.now:
            number += 1
        return self.boundary(unit, number), self.boundary(unit, number + 1)

    def boundary(self, unit: str, number: int) -> datetime:
        if unit in {"day", "week"}:
            return self.started_at + number * (7 if unit == "week" else 1) * DAY
        return months(self.started_at, number * (12 if unit == "year" else 1))

    def events_of_now(self) -> list[Counted]:
        starts_at, ends_at = self.period_of_now()
        return [event for event in self.events if starts_at <= event.event_at < ends_at]

    def used(self) -> Decimal:
        return total(self.events_of_now(), self.aggregation)

    def addition(self, quantity: Decimal, value: str) -> Decimal:
        """Returns by how much an event of now would change what usage comes to."""
        match self.aggregation:
            case "count":
                return Decimal(1)
            case "max":
                return max(minus(quantity, self.used()), Decimal(0))
            case "latest":
                return minus(quantity, self.used())
            case "unique_count":
                return Decimal(value not in {event.value for event in self.events_of_now()})
            case _:
                return quantity

    def limits(self) -> tuple[Decimal, bool]:
        parts = [(self.limit, self.is_soft), *self.add_ons]
        if any(limit == -1 for limit, _ in parts):
            return Decimal(-1), any(soft for _, soft in parts)
        return sum_of(limit for limit, _ in parts), any(soft for _, soft in parts)

    def answer(self, quantity: Decimal) -> tuple[bool, Decimal, Decimal, Decimal, bool, str]:
        used, (limit, is_soft) = self.used(), self.limits()
        if limit == -1:
            return True, used, limit, Decimal(-1), is_soft, "unlimited"
        remaining = max(minus(limit, used), Decimal(0))
        if plus(used, quantity) <= limit:
            return True, used, limit, remaining, is_soft, "within_limit"
        if is_soft:
            return True, used, limit, remaining, is_soft, "soft_limit"
        return False, used, limit, remaining, is_soft, "limit_exceeded"

    def count(self, quantity: Decimal, at: datetime, key: str | None, value: str) -> bool:
        if key is not None and key in self.keys:
            return False
        if key is not None:
            self.keys[key] = (quantity, at)
        place = len(self.events)
        self.events.append(Counted("t", "calls", quantity, at, place, key, value))
        return True


quantities = st.sampled_from(["0", "1", "2", "0.5", "3.000000000000000001", "7"]).map(Decimal)
limits = st.sampled_from(["0", "3", "10", "10.5", "-1"]).map(Decimal)
maybe_keys = st.none() | st.sampled_from("abcd")
users = st.sampled_from("xyz")

steps = st.one_of(
    st.tuples(st.just("consume"), quantities, maybe_keys, users),
    st.tuples(st.just("consume"), quantities, maybe_keys, users),
    st.tuples(st.just("report"), quantities, maybe_keys, users, st.integers(-50, 60)),
    st.tuples(st.just("check"), quantities),
    st.tuples(st.just("remember"), st.sampled_from([30, 3600, 86400])),
    st.tuples(st.just("serve"), quantities),
    st.tuples(st.just("serve"), quantities),
    st.tuples(st.just("move"), st.sampled_from(["minutes", "hours", "days", "end", "before end"])),
    st.tuples(st.just("add"), limits, st.booleans()),
    st.tuples(st.just("limit"), limits, st.booleans()),
    st.tuples(st.just("invalidate")),
    st.tuples(st.just("advance")),
)


@settings(max_examples=scaled(50))
@given(
    period=st.sampled_from(PERIODS),
    interval=st.sampled_from(["day", "week", "month", "year"]),
    aggregation=st.sampled_from(list(METERED.values())),
    limit=limits,
    is_soft=st.integers(0, 3).map(lambda number: number == 0),
    started_at=st.sampled_from([NOW, datetime(2024, 2, 29, tzinfo=UTC), NOW.replace(hour=23)]),
    played=st.lists(steps, min_size=4, max_size=25),
)
def test_whatever_happens_entitlements_are_those_of_a_plain_model(
    period: str,
    interval: str,
    aggregation: str,
    limit: Decimal,
    is_soft: bool,
    started_at: datetime,
    played: Sequence[tuple[Any, ...]],
    billing: Billing,
    clock: MoveClock,
    tenants: Iterator[str],
) -> None:
    tenant = next(tenants)
    key = next(name for name, by in METERED.items() if by == aggregation)
    feature = {"key": key, "period": period}
    model = Model(period, interval, aggregation, limit, is_soft, started_at, started_at)
    clock(started_at)
    plan = make_plan(
        billing, {**feature, "limit": str(limit), "soft_limit": is_soft}, interval=interval
    )
    subscribe(billing, tenant, plan)

    for name, *values in played:
        match name:
            case "consume":
                quantity, idempotency_key, user = values
                expected = model.answer(model.addition(quantity, user))
                options = {"idempotency_key": idempotency_key, "metadata": {"user": user}}
                first = model.keys.get(idempotency_key)
                if first is not None and first[0] != quantity:
                    with pytest.raises(IdempotencyConflict):
                        billing.consume_entitlement(APP, tenant, key, quantity=quantity, **options)
                    continue
                consumed = billing.consume_entitlement(
                    APP, tenant, key, quantity=quantity, **options
                )
                if idempotency_key in model.keys:
                    assert (consumed.allowed, consumed.reason) == (True, "duplicate")
                elif expected[0]:
                    model.count(quantity, model.now, idempotency_key, user)
                    # What is used by now, and why nothing more had to be asked.
                    after = model.answer(Decimal(0))
                    assert answer(consumed)[1:5] == after[1:5]
                    assert consumed.allowed
                    assert consumed.event_id is not None
                else:
                    assert answer(consumed) == expected
                    assert consumed.event_id is None
                assert (consumed.used, consumed.limit) == (model.used(), model.limits()[0])
            case "report":
                quantity, idempotency_key, user, minutes = values
                at = model.now + timedelta(minutes=minutes)
                report = partial(
                    billing.record_usage,
                    APP,
                    tenant,
                    key,
                    quantity=quantity,
                    event_at=at,
                    idempotency_key=idempotency_key,
                    metadata={"user": user},
                )
                if model.keys.get(idempotency_key, (quantity, at)) != (quantity, at):
                    with pytest.raises(IdempotencyConflict):
                        report()
                    continue
                receipt = report()
                is_new = model.count(quantity, at, idempotency_key, user)
                assert receipt.status == ("inserted" if is_new else "duplicate")
            case "remember":
                found = billing.set_cached_entitlement(
                    APP, tenant, key, ttl=timedelta(seconds=values[0])
                )
                assert answer(found) == model.answer(Decimal(1))
                assert billing.get_cached_entitlement(APP, tenant, key) == found
            case "serve":
                served = cached(billing, tenant, key, values[0])
                assert served in (None, model.answer(values[0]))
            case "move":
                _, ends_at = model.period_of_now()
                if ends_at.year == 9999:
                    ends_at = model.now + 99 * DAY
                model.now = {
                    "minutes": model.now + timedelta(minutes=17),
                    "hours": model.now + timedelta(hours=11),
                    "days": model.now + 9 * DAY,
                    "end": ends_at,
                    "before end": max(ends_at - MICROSECOND, model.now),
                }[values[0]]
                clock(model.now)
            case "add":
                model.add_ons.append((values[0], values[1]))
                part = {**feature, "limit": str(values[0]), "soft_limit": values[1]}
                subscribe(billing, tenant, make_plan(billing, part, add_on=True))
            case "limit":
                model.limit, model.is_soft = values
                part = {**feature, "limit": str(values[0]), "soft_limit": values[1]}
                billing.update_plan(APP, plan.id, features=[part])
            case "invalidate":
                billing.invalidate_tenant_entitlements(APP, tenant)
                assert cached(billing, tenant, key) is None
            case "advance":
                billing.advance(APP)
        quantity = values[0] if name == "check" else Decimal(1)
        assert check(billing, tenant, key, quantity) == model.answer(quantity), name
        assert billing.remaining_entitlement(APP, tenant, key) == model.answer(Decimal(0))[3]


@pytest.fixture
def tenants() -> Iterator[str]:
    """Each example has a tenant of its own."""
    return (f"t{number}" for number in itertools.count())
