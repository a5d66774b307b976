"""What comes late where usage was purged is billed all the same, once, and nothing else is."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from pgledger import errors
from support.clock import SetClock
from support.database import Connect
from support.invoices import Customer, carry_clock, lines, make_plan
from support.purging import (
    DAY,
    PER_CALL,
    PER_SEAT,
    billed,
    events_left,
    late,
    purge,
    set_up,
)
from support.subscriptions import Session, call, utc

START = "2025-01-01 00:00"


@pytest.fixture
def conn(connect: Connect, set_clock: SetClock) -> Session:
    conn = connect(autocommit=True)
    carry_clock(conn, set_clock, START)
    set_up(conn)
    return conn


@pytest.fixture
def customer(conn: Session) -> Customer:
    return Customer(conn)


def test_what_late_usage_is_found_by_stays_until_it_was_billed(
    customer: Customer, conn: Session
) -> None:
    """January is closed before the invoice that is to bill what came late in it."""
    customer.at("2025-01-01 10:20")
    customer.tenant.create(make_plan(conn, "pro", prices=[PER_CALL, PER_SEAT]))
    customer.use("calls", 100, "2025-01-05 10:00")
    customer.use("team", 1, "2025-01-05 10:00")
    customer.use("team", 2, "2025-01-25 10:20")
    customer.at("2025-02-01 10:20")
    customer.advance()
    before = billed(customer)
    customer.at("2025-02-10 00:00")
    customer.use("calls", 10, "2025-01-20 12:00")
    customer.use("team", 11, "2025-01-15 10:20")
    purge(conn, "2025-02-09")
    with pytest.raises(errors.UsagePurged):
        customer.use("calls", 1, "2025-01-31 23:00")
    customer.at("2025-03-01 10:20")
    customer.advance()
    february = customer.invoices()[-1]
    # Ten of 31 days at 10 seats more each.
    assert dict(zip(("calls", "team"), late(customer), strict=True)) == {
        "calls": 10,
        "team": Decimal("96.77"),
    }
    assert billed(customer) - before == Decimal("10") + Decimal("96.77") + Decimal(60)
    assert february["total"] == Decimal("166.77")
    # Nothing of it comes again, and by now nothing of January is needed any more.
    for month in ("04", "05", "06"):
        customer.at(f"2025-{month}-01 11:20")
        customer.advance()
        purge(conn, f"2025-{month}-01 10:20")
    assert len(late(customer)) == 2
    assert [row["total"] for row in customer.invoices()[2:]] == [60, 60, 60]
    assert events_left(conn) == 0


def live(customer: Customer, keep_days: int | None, months: int) -> list[Any]:
    """Lives from one pause and one late report to the next, a day at a time; returns its bills."""
    conn, app_id = customer.conn, customer.app_id
    prices = [PER_CALL, PER_SEAT]
    customer.at("2025-01-31 10:20")
    plans = [
        make_plan(conn, slug, amount=amount, prices=prices, app_id=app_id)
        for slug, amount in (("pro", "10"), ("max", "20"))
    ]
    subscription = customer.tenant.create(plans[0])["id"]
    now = utc("2025-01-31 10:20")
    for number in range(30 * months):
        now += DAY
        customer.at(now)
        customer.advance()
        if number % 5 == 0:
            customer.use("calls", number + 1, now - timedelta(minutes=5))
            customer.use("calls", number + 1, now - timedelta(minutes=number % 20))
        if number % 9 == 1:
            customer.use("team", number % 4, now)
        if number % 13 == 3:
            customer.use("calls", 3, now - 20 * DAY if number > 20 else now)
        if number % 31 == 7:
            customer.tenant.pause(subscription)
            customer.use("calls", 1000, now + timedelta(minutes=7))
        if number % 31 == 10:
            customer.tenant.resume(subscription)
        if number % 50 == 44:
            customer.tenant.change_plan(subscription, plans[number % 4 // 2])
        if keep_days is not None:
            purge(conn, (now - keep_days * DAY).isoformat(), app_id)
    return [
        (line["kind"], line["item"], line["period_start"], line["amount"])
        for row in customer.invoices()
        for line in row["line_items"] or []
    ]


@pytest.mark.parametrize(("keep_days", "months"), [(40, 6), (400, 14)])
def test_a_daily_purge_changes_no_bill(conn: Session, keep_days: int, months: int) -> None:
    set_up(conn, "other")
    purged = Customer(conn)
    kept = Customer(conn, app_id="other")
    assert live(purged, keep_days, months) == live(kept, None, months)
    assert events_left(conn) < events_left(conn, "other")
    if keep_days == 40:
        # Of what is older than these days a few hours are left.
        assert events_left(conn) < events_left(conn, "other") / 2


def test_a_late_event_in_a_period_that_was_purged_in_part_is_billed(
    customer: Customer, conn: Session
) -> None:
    """The period begins in the middle of an hour."""
    customer.at("2025-01-01 10:20")
    customer.tenant.create(make_plan(conn, "pro", prices=[PER_CALL]))
    for at in ("2025-01-01 10:10", "2025-01-01 10:30", "2025-01-05 00:00"):
        customer.use("calls", 10, at)
    customer.at("2025-02-01 10:20")
    customer.advance()
    customer.at("2025-02-10 00:00")
    purge(conn, "2025-01-15")
    customer.use("calls", 4, "2025-01-20 00:00")
    # Too late, and of a period that was billed.
    with pytest.raises(errors.UsagePurged):
        customer.use("calls", 5, "2025-01-14 23:59:59.999999")
    customer.at("2025-03-01 10:20")
    customer.advance()
    january, february = customer.invoices()
    assert (january["total"], february["total"]) == (20, 4)
    assert lines(february)[-1] == ("late_usage", "calls", Decimal(4), Decimal(4))


@pytest.mark.parametrize("purged", [False, True])
def test_hours_that_a_neighbour_splits_are_kept_for_a_longer_period(
    customer: Customer, conn: Session, *, purged: bool
) -> None:
    """The neighbour's own period ends before the line; that in which it was cancelled does not."""
    dear = {**PER_CALL, "unit_amount": "100"}
    extra = make_plan(conn, "extra", prices=[dear], add_on=True, priority=-1)
    customer.at("2025-03-12 00:00")
    added = customer.tenant.create(extra)["id"]
    customer.at("2025-04-01 00:00")
    customer.tenant.create(make_plan(conn, "pro", prices=[PER_CALL]))
    for quantity, at in ((7, "10 10:10"), (5, "10 10:40"), (3, "25 10:40")):
        customer.use("calls", quantity, f"2025-04-{at}")
    customer.at("2025-04-10 10:20")
    customer.tenant.cancel(added, at_period_end=False)
    for month in ("05", "06", "07"):
        customer.at(f"2025-{month}-01 00:00")
        customer.advance()
        if purged:
            customer.at(f"2025-{month}-02 00:00")
            purge(conn, "2025-04-15")
        if month == "06":
            customer.use("calls", 1, "2025-04-20 00:00")
    assert [row["total"] for row in customer.invoices()] == [700, 8, 0, 1]


def test_events_that_have_a_price_each_are_kept_until_their_period_is_settled(
    customer: Customer, conn: Session
) -> None:
    price = {
        "feature": "calls",
        "model": "percentage",
        "percentage": "2.99",
        "event_minimum": "1.75",
        "event_maximum": "12",
    }
    customer.tenant.create(make_plan(conn, "pro", prices=[price]))
    for quantity, at in ((10, "03 10:00"), (80, "05 11:00"), (10_000, "07 12:00")):
        customer.use("calls", quantity, f"2025-01-{at}")
    customer.at("2025-02-01 00:00")
    customer.advance()
    customer.at("2025-02-10 00:00")
    customer.use("calls", 10, "2025-01-20 00:00")
    assert purge(conn, "2025-02-09") == 0
    customer.at("2025-03-01 00:00")
    customer.advance()
    assert [row["total"] for row in customer.invoices()] == [Decimal("16.14"), Decimal("1.75")]
    for month in ("04", "05"):
        customer.at(f"2025-{month}-01 01:20")
        customer.advance()
        purge(conn, f"2025-{month}-01 00:20")
    assert events_left(conn) == 0
    assert len(late(customer)) == 1


def test_a_purge_keeps_what_a_plan_priced_before_it_was_given_away(
    customer: Customer, conn: Session
) -> None:
    """The period that is still to be invoiced uses the prices of its start."""
    plan = make_plan(conn, "pro", prices=[PER_CALL])
    customer.tenant.create(plan)
    customer.use("calls", 10, "2025-01-10 12:30")
    customer.at("2025-01-20 00:00")
    call(conn, "ledger_update_plan", app_id="shop", id=plan, pricing={"base": {"amount": "0"}})
    customer.at("2025-02-05 00:00")
    customer.advance(invoices="none")
    assert purge(conn, "2025-02-01 12:00") == 0
    customer.advance()
    assert customer.invoices()[0]["total"] == 10
