"""Purging gives back nothing that was billed, and leaves nothing unbilled."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from psycopg.errors import SerializationFailure

from pgledger import errors
from support.clock import SetClock
from support.database import Connect
from support.invoices import Customer, amounts, carry_clock, make_plan
from support.purging import (
    PER_CALL,
    PER_SEAT,
    billed,
    events_left,
    late,
    purge,
    set_up,
)
from support.subscriptions import Row, Session, call, utc
from support.waiting import WaitUntilBlocked

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


# What was billed stays billed


@pytest.mark.parametrize("at_once", [1, 10_000])
def test_a_pause_within_an_hour_that_was_purged_gives_nothing_back(
    customer: Customer, conn: Session, at_once: int
) -> None:
    subscription = customer.tenant.create(make_plan(conn, "pro", prices=[PER_CALL]))["id"]
    customer.use("calls", 7, "2025-01-05 10:00")
    customer.use("calls", 93, "2025-01-10 10:20")
    customer.use("calls", 1, "2025-01-10 10:40")
    customer.at("2025-01-10 10:30")
    customer.tenant.pause(subscription)
    customer.at("2025-01-12 00:00")
    customer.tenant.resume(subscription)
    customer.at("2025-02-15 02:00")
    customer.advance()
    # The two of the hour in which it was paused are kept.
    assert purge(conn, "2025-02-15", at_once=at_once) == 1
    assert events_left(conn) == 2
    customer.at("2025-03-01 00:00")
    customer.advance()
    january, february = customer.invoices()
    assert (january["total"], february["total"]) == (100, 0)
    assert late(customer) == []


@pytest.mark.parametrize("before", ["2025-01-16", "2025-02-02"])
def test_an_interim_invoice_of_a_purged_period_gives_nothing_back(
    customer: Customer, conn: Session, before: str
) -> None:
    plan = make_plan(conn, "pro", prices=[PER_CALL, PER_SEAT])
    subscription = customer.tenant.create(plan)["id"]
    customer.use("calls", 5, "2025-01-05 10:15")
    customer.use("team", 3, "2025-01-10 12:00")
    customer.use("calls", 5, "2025-01-20 10:15")
    customer.at("2025-01-20 10:30")
    draft = customer.generate(subscription, kind="interim")
    customer.finalize(draft["id"])
    customer.at("2025-01-21 10:30")
    customer.tenant.cancel(subscription, at_period_end=False)
    customer.at("2025-02-03 00:00")
    customer.advance()
    total = billed(customer)
    purge(conn, before)
    if before > "2025-01-22":
        for function in (customer.generate, customer.preview):
            with pytest.raises(errors.UsagePurged):
                function(subscription, kind="interim", at=utc("2025-01-02 00:00"))
        return
    again = customer.generate(subscription, kind="interim", at=utc("2025-01-02 00:00"))
    assert again["total"] == 0
    assert set(amounts(again)) <= {Decimal(0)}
    # What comes late after the line is billed, exactly.
    customer.use("calls", 2, "2025-01-18 00:00")
    customer.tenant.one("ledger_refresh_invoice", id=again["id"])
    assert customer.finalize(again["id"])["total"] == 2
    assert billed(customer) == total + 2


def test_a_voided_invoice_of_a_period_that_was_purged_in_part_is_drawn_up_again(
    customer: Customer, conn: Session
) -> None:
    plan = make_plan(conn, "pro", prices=[PER_CALL, PER_SEAT])
    customer.at("2025-01-01 10:20")
    subscription = customer.tenant.create(plan)["id"]
    for at in ("2025-01-01 10:10", "2025-01-01 10:30", "2025-01-05 00:00"):
        customer.use("calls", 10, at)
    customer.use("team", 2, "2025-01-03 10:20")
    customer.at("2025-02-01 10:20")
    customer.advance()
    (first,) = customer.invoices()
    customer.void(first["id"])
    customer.at("2025-02-01 12:00")
    purge(conn, "2025-01-15")
    again = customer.generate(subscription, at=utc("2025-01-02 00:00"))
    assert again["total"] == first["total"] > 20


# Quotas


def test_of_a_quota_period_that_begins_within_a_purged_hour_the_whole_hour_counts(
    customer: Customer, conn: Session
) -> None:
    for at in ("2025-01-05 09:59", "2025-01-05 10:10", "2025-01-05 10:30", "2025-01-05 11:10"):
        customer.use("calls", 1, at)
    customer.at("2025-01-20 00:00")
    purge(conn, "2025-01-10")
    plan = make_plan(conn, "pro", prices=[PER_CALL], features=[{"key": "calls", "limit": 9}])
    customer.tenant.create(plan, started_at=utc("2025-01-05 10:20"))
    # Nobody knows any more which of the hour's came before.
    check = customer.tenant.one("ledger_check_entitlement", feature_key="calls")
    assert check["used"] == 3
    customer.at("2025-02-05 10:20")
    customer.advance()
    assert [row["total"] for row in customer.invoices()] == [3]


@pytest.mark.parametrize(
    ("prices", "purged", "used"), [([PER_CALL], 1, 2), ([], 3, 3)], ids=["priced", "free"]
)
def test_a_quota_period_counts_from_its_start_where_that_hour_is_kept(
    customer: Customer, conn: Session, prices: list[Row], purged: int, used: int
) -> None:
    """A limit for a year begins with the subscription. Only bills need the hour of that."""
    weekly = make_plan(
        conn,
        "weekly",
        base={"amount": "1", "interval": "week"},
        prices=prices,
        features=[{"key": "calls"}],
    )
    customer.at("2025-01-01 10:20")
    subscription = customer.tenant.create(weekly)["id"]
    for at in ("2025-01-01 10:10", "2025-01-01 10:30", "2025-01-01 12:00"):
        customer.use("calls", 1, at)
    customer.at("2025-03-01 00:00")
    customer.advance()
    assert purge(conn, "2025-02-20") == purged
    yearly = make_plan(
        conn,
        "yearly",
        base={"amount": "1", "interval": "week"},
        features=[{"key": "calls", "limit": 9, "period": "year"}],
    )
    customer.tenant.change_plan(subscription, yearly)
    check = customer.tenant.one("ledger_check_entitlement", feature_key="calls")
    assert check["used"] == used


# A late event against a purge


@pytest.mark.parametrize("minutes", [61, 90, 119])
def test_a_late_event_of_one_to_two_hours_meets_a_purge_in_progress(
    connect: Connect,
    set_clock: SetClock,
    wait_until_blocked: WaitUntilBlocked,
    minutes: int,
) -> None:
    purging, recording = connect(), connect()
    set_clock(purging, utc("2025-01-01 12:20"))
    set_up(purging)
    at = utc("2025-01-01 12:20") - timedelta(minutes=minutes)
    event = {"app_id": "shop", "tenant_id": "t1", "feature_key": "calls"}
    call(purging, "ledger_record_usage", **event, event_at=at, idempotency_key="k")
    call(purging, "ledger_record_usage", **event, event_at=utc("2025-01-01 12:10"))
    purging.commit()
    purged = purging.execute("select ledger_purge_usage('shop', '2025-01-01 11:20+00')").fetchone()
    is_gone = at < utc("2025-01-01 11:00")
    assert purged == (int(is_gone),)
    again = {**event, "event_at": at, "idempotency_key": "k"}
    if is_gone:
        with ThreadPoolExecutor(1) as pool:
            future = pool.submit(call, recording, "ledger_record_usage", **again)
            try:
                wait_until_blocked(recording.info.backend_pid, by=purging.info.backend_pid)
            finally:
                purging.commit()
            with pytest.raises(SerializationFailure):
                future.result(timeout=60)
        recording.rollback()
        with pytest.raises(errors.UsagePurged):
            call(recording, "ledger_record_usage", **again)
    else:
        assert call(recording, "ledger_record_usage", **again)[0]["status"] == "duplicate"
        purging.commit()
    recording.rollback()
    total = recording.execute(
        "select ledger_aggregate_usage('shop', 't1', 'calls', '2025-01-01+00', '2025-01-02+00')"
    ).fetchone()
    assert total == (2,)


# Rounding


@pytest.mark.parametrize(
    ("currency", "unit_amount", "quantity", "amount"),
    [
        ("USD", "0.005", 1, "0.01"),
        ("USD", "0.335", 3, "1.01"),
        ("USD", "2.675", 1, "2.68"),
        ("USD", "0.015", 9, "0.14"),
        ("USD", "0.00499", 1, "0.00"),
        ("JPY", "100.5", 1, "101"),
        ("KWD", "1.0005", 1, "1.001"),
    ],
)
def test_amounts_of_usage_are_rounded_half_away_from_zero(
    customer: Customer, conn: Session, currency: str, unit_amount: str, quantity: int, amount: str
) -> None:
    price = {**PER_CALL, "unit_amount": unit_amount}
    customer.tenant.create(make_plan(conn, "pro", prices=[price], currency=currency))
    customer.use("calls", quantity, "2025-01-02 00:00")
    customer.at("2025-02-01 00:00")
    customer.advance()
    (invoice,) = customer.invoices()
    assert [line["amount"] for line in rows_of(invoice)] == [amount]


def rows_of(invoice: Row) -> Sequence[dict[str, Any]]:
    return invoice["line_items"] or []
