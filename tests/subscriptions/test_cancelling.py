"""Cancelling at a given time, and naming another end."""

from datetime import timedelta

import pytest

from pgledger import errors
from support.subscriptions import (
    NOW,
    Tenant,
    advance,
    assert_consistent,
    between,
    call,
    create_plan,
    everything,
    period_of,
    utc,
)

MICROSECOND = timedelta(microseconds=1)


@pytest.mark.parametrize(
    ("end", "periods"),
    [
        ("2025-01-20 00:00", 0),
        ("2025-02-15 12:00", 0),
        ("2025-02-15 12:00:00.000001", 1),
        ("2025-04-01 00:00", 2),
        ("2025-04-15 12:00", 2),
    ],
)
def test_a_subscription_ends_at_a_given_time(conn, tenant, plan, clock, end, periods):
    row = tenant.create(plan)
    row = tenant.cancel(row["id"], cancel_at=utc(end))
    assert (row["status"], row["cancel_at"], row["canceled_at"]) == ("active", utc(end), NOW)
    assert (row["cancel_at_period_end"], row["unused_time"]) == (False, "credit")
    assert tenant.active() == [row]
    clock(utc(end) - MICROSECOND)
    assert [moved["change"] for moved in advance(conn)] == ["period_started"] * periods
    clock("2026-01-01 00:00")
    assert [(moved["change"], moved["occurred_at"]) for moved in advance(conn)] == [
        ("canceled", utc(end))
    ]
    row = tenant.get(row["id"])
    assert (row["status"], row["ended_at"]) == ("canceled", utc(end))
    assert_consistent(conn)


def test_now_is_a_time(conn, tenant, plan, clock):
    row = tenant.create(plan)
    clock("2025-01-20 00:00")
    row = tenant.cancel(row["id"], cancel_at=utc("2025-01-20 00:00"), unused_time="refund")
    assert (row["status"], row["ended_at"]) == ("canceled", utc("2025-01-20 00:00"))
    assert row["unused_time"] == "refund"
    # The same call, later.
    clock("2025-01-21 00:00")
    assert tenant.cancel(row["id"], cancel_at=utc("2025-01-20 00:00")) == row


def test_another_end_takes_the_place_of_the_one_before(conn, tenant, plan, clock):
    row = tenant.create(plan)
    identifier = row["id"]
    row = tenant.cancel(identifier, cancel_at=utc("2025-03-01 00:00"))
    assert tenant.cancel(identifier, cancel_at=utc("2025-03-01 00:00")) == row
    assert tenant.cancel(identifier, at_period_end=False, cancel_at=row["cancel_at"]) == row
    clock("2025-01-16 00:00")
    row = tenant.cancel(identifier, cancel_at=utc("2025-03-01 00:00"), unused_time="refund")
    assert (row["version"], row["unused_time"]) == (3, "refund")
    row = tenant.cancel(identifier)
    assert (row["cancel_at"], row["cancel_at_period_end"], row["unused_time"]) == (
        utc("2025-02-15 12:00"),
        True,
        "none",
    )
    assert row["canceled_at"] == utc("2025-01-16 00:00")
    assert tenant.cancel(identifier) == row
    row = tenant.cancel(identifier, cancel_at=utc("2025-02-15 12:00"))
    assert (row["cancel_at_period_end"], row["version"]) == (False, 5)
    row = tenant.resume(identifier)
    assert (row["cancel_at"], row["canceled_at"], row["unused_time"]) == (None, None, "none")
    assert_consistent(conn)


def test_a_trial_and_a_pause_end_at_a_given_time(conn, tenant, clock):
    plan = create_plan(conn, trial_days=10)
    inside, after, paused = (Tenant(conn, name) for name in ("inside", "after", "paused"))
    rows = [
        inside.cancel(inside.create(plan)["id"], cancel_at=utc("2025-01-20 00:00")),
        after.cancel(after.create(plan)["id"], cancel_at=utc("2025-02-10 00:00")),
        paused.cancel(paused.create(plan)["id"], cancel_at=utc("2025-08-10 00:00")),
    ]
    paused.pause(rows[2]["id"])
    clock("2025-09-01 00:00")
    advance(conn)
    assert [change for change, _ in inside.story(rows[0]["id"])][2:] == ["canceled"]
    assert [change for change, _ in after.story(rows[1]["id"])][2:] == [
        "trial_ended",
        "period_started",
        "canceled",
    ]
    assert paused.story(rows[2]["id"])[-1] == ("canceled", utc("2025-08-10 00:00"))
    assert period_of(after.get(rows[1]["id"])) == between("2025-01-25 12:00", "2025-02-25 12:00")
    assert_consistent(conn)


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"cancel_at": NOW - MICROSECOND}, errors.InvalidTime, "it is in the past"),
        ({"cancel_at": "infinity"}, errors.InvalidTime, "cancel_at infinity"),
        ({"cancel_at": "10000-01-01"}, errors.InvalidTime, "after the year 9999"),
        (
            {"cancel_at": "2025-03-01", "unused_time": "none"},
            errors.InvalidArgument,
            "unused_time 'none' .* the rest is given back",
        ),
        ({"cancel_at": "2025-03-01", "unused_time": "keep"}, errors.InvalidArgument, "unused_time"),
        ({"cancel_at": "2025-03-01", "at_period_end": None}, errors.NullArgument, "at_period_end"),
    ],
)
def test_ends_that_cannot_be(conn, tenant, plan, options, error, words):
    row = tenant.create(plan)
    before = everything(conn)
    with pytest.raises(error, match=words):
        tenant.cancel(row["id"], **options)
    assert everything(conn) == before


def test_the_fee_is_due_up_to_then(conn, tenant, plan, clock):
    """Ten a month from Jan 1, Feb 15 named on Jan 10: 14 of the 28 days of February."""
    clock("2025-01-01 00:00")
    row = tenant.create(plan)
    call(conn, "ledger_advance", app_id="shop", max_span=None)
    clock("2025-01-10 00:00")
    tenant.cancel(row["id"], cancel_at=utc("2025-02-15 00:00"))
    for at in ("2025-02-01 00:00", "2025-02-15 00:00", "2025-04-01 00:00"):
        clock(at)
        call(conn, "ledger_advance", app_id="shop", max_span=None)
    totals = [invoice["total"] for invoice in tenant.rows("ledger_list_invoices")]
    assert sum(totals) == 15
