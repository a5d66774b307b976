"""What another plan does to a cancellation, a trial, the anchor, limits and the next invoice."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from pgledger import errors
from support.subscriptions import (
    NOW,
    Row,
    Session,
    Tenant,
    advance,
    assert_consistent,
    between,
    call,
    create_plan,
    period_of,
    utc,
)

DAY = timedelta(days=1)


@pytest.fixture
def yearly(conn: Session, clock: Any) -> str:
    return create_plan(conn, "yearly", "year")


def invoiced_now(tenant: Tenant, subscription: str) -> list[bool]:
    """Returns which changes are to be invoiced at once, in order."""
    return [row["invoice_now"] for row in tenant.changes(subscription)]


def due_for_invoices(conn: Session) -> list[Any]:
    return [row[0] for row in conn.execute("select invoice_due_at from pgledger.subscriptions")]


def invoice_nothing(conn: Session) -> None:
    """Lets everything be invoiced, so that what is due after it is due anew."""
    call(conn, "ledger_advance", app_id="shop", max_span=None)
    assert due_for_invoices(conn) == [None]


# Cancellations


def test_a_cancellation_at_the_periods_end_moves_with_the_period(conn, tenant, clock, plan, yearly):
    clock("2025-01-01 00:00")
    row = tenant.create(plan)
    clock("2025-01-10 00:00")
    row = tenant.cancel(row["id"])
    assert (row["cancel_at"], row["cancel_at_period_end"]) == (utc("2025-02-01 00:00"), True)
    clock("2025-01-15 00:00")
    row = tenant.change_plan(row["id"], yearly)
    assert (row["cancel_at"], row["cancel_at_period_end"]) == (utc("2026-01-15 00:00"), True)
    assert row["canceled_at"] == utc("2025-01-10 00:00")
    clock("2025-01-20 00:00")
    row = tenant.change_plan(row["id"], plan)
    assert row["cancel_at"] == utc("2025-02-20 00:00") == row["current_period_end"]
    clock("2025-03-01 00:00")
    assert [moved["change"] for moved in advance(conn)] == ["canceled"]
    assert tenant.get(row["id"])["ended_at"] == utc("2025-02-20 00:00")
    assert_consistent(conn)


def test_a_cancellation_at_a_fixed_time_stays(conn, tenant, clock, plan, yearly):
    row = tenant.create(plan)
    row = tenant.cancel(row["id"], cancel_at=utc("2025-02-15 12:00"))
    assert (row["cancel_at"], row["cancel_at_period_end"]) == (row["current_period_end"], False)
    clock("2025-01-20 00:00")
    row = tenant.change_plan(row["id"], yearly)
    assert row["cancel_at"] == utc("2025-02-15 12:00")
    assert period_of(row) == between("2025-01-20 00:00", "2026-01-20 00:00")
    clock("2025-06-01 00:00")
    assert [(moved["change"], moved["occurred_at"]) for moved in advance(conn)] == [
        ("canceled", utc("2025-02-15 12:00"))
    ]


def test_a_cancellation_with_the_trial_stays_with_it(conn, tenant, clock, yearly):
    rolling = create_plan(conn, "rolling", trial_days=45, anchor_at_trial_end=False)
    row = tenant.cancel(tenant.create(rolling)["id"])
    assert row["cancel_at"] == row["trial_end"]
    clock("2025-01-20 00:00")
    row = tenant.change_plan(row["id"], yearly)
    assert row["cancel_at"] == row["trial_end"] == NOW + 45 * DAY


# Invoices


@pytest.mark.parametrize(
    ("interval", "at_once"),
    [
        (("month", 1), False),
        (("day", 31), False),
        (("week", 4), False),
        (("month", 2), True),
        (("day", 32), True),
        (("week", 5), True),
        (("year", 1), True),
    ],
)
@pytest.mark.parametrize("invoice", [None, "now", "next"])
def test_when_a_change_is_invoiced(conn, tenant, clock, interval, at_once, invoice):
    wanted = at_once if invoice is None else invoice == "now"
    row = tenant.create(create_plan(conn, "one", *interval))
    other = create_plan(conn, "other", *interval)
    clock("2025-01-20 00:00")
    invoice_nothing(conn)

    tenant.update(row["id"], quantity=2, invoice=invoice)
    assert invoiced_now(tenant, row["id"])[-1] is wanted
    assert due_for_invoices(conn) == [utc("2025-01-20 00:00") if wanted else None]
    tenant.change_plan(row["id"], other, invoice=invoice)
    assert invoiced_now(tenant, row["id"])[-1] is wanted
    # Whatever is not the quantity has no invoice.
    tenant.update(row["id"], metadata={"a": 1}, invoice="now")
    assert invoiced_now(tenant, row["id"])[-1] is False


def test_what_charges_nothing_is_not_invoiced_at_once(conn, tenant, clock, plan, yearly):
    other = create_plan(conn, "other", "year")
    trial = Tenant(conn, "trial").create(yearly, trial_days=10)["id"]
    Tenant(conn, "trial").change_plan(trial, other, invoice="now")
    assert invoiced_now(Tenant(conn, "trial"), trial) == [False, False]
    # A period that begins now is invoiced anyway.
    row = tenant.create(plan)
    clock("2025-01-20 00:00")
    tenant.change_plan(row["id"], yearly, invoice="now")
    assert invoiced_now(tenant, row["id"]) == [False, False]
    tenant.pause(row["id"])
    tenant.change_plan(row["id"], other, invoice="now")
    assert invoiced_now(tenant, row["id"])[-1] is False


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"invoice": "later"}, errors.InvalidArgument, "invoice 'later'"),
        ({"invoice": ""}, errors.InvalidArgument, "invoice ''"),
        ({"trial": "Keep"}, errors.InvalidArgument, "trial 'Keep'"),
        ({"trial": None}, errors.NullArgument, "trial"),
        ({"keep_anchor": None}, errors.NullArgument, "keep_anchor"),
    ],
)
def test_options_that_there_are_not(conn, tenant, plan, yearly, options, error, words):
    row = tenant.create(plan)
    with pytest.raises(error, match=words):
        tenant.change_plan(row["id"], yearly, **options)
    # Refused even where nothing would change.
    with pytest.raises(error, match=words):
        tenant.change_plan(row["id"], plan, **options)
    if "invoice" in options:
        with pytest.raises(error, match=words):
            tenant.update(row["id"], quantity=3, **options)
    assert tenant.get(row["id"]) == row


# Anchors


@pytest.mark.parametrize(
    ("to", "kept", "whole"),
    [
        (("year", 1), ("2025-03-10 06:00", "2026-01-31 00:00"), "2025-01-31 00:00"),
        (("month", 2), ("2025-03-10 06:00", "2025-03-31 00:00"), "2025-01-31 00:00"),
        (("week", 1), ("2025-03-10 06:00", "2025-03-14 00:00"), "2025-03-07 00:00"),
        (("day", 1), ("2025-03-10 06:00", "2025-03-11 00:00"), "2025-03-10 00:00"),
    ],
)
def test_an_anchor_that_is_kept_makes_a_part_of_a_period(
    conn, tenant, clock, plan, to, kept, whole
):
    clock("2025-01-31 00:00")
    row = tenant.create(plan)
    clock("2025-03-10 06:00")
    row = tenant.change_plan(row["id"], create_plan(conn, "other", *to), keep_anchor=True)
    assert row["anchor_at"] == utc("2025-01-31 00:00")
    assert period_of(row) == between(*kept)
    found = conn.execute(
        "select whole_start from pgledger.subscription_changes order by version desc limit 1"
    ).fetchone()
    assert found == (utc(whole),)
    # What changes later in the period does not change what it is a part of.
    tenant.update(row["id"], quantity=2)
    assert_consistent(conn)
    clock(row["current_period_end"])
    assert [moved["change"] for moved in advance(conn)] == ["period_started"]
    row = tenant.get(row["id"])
    assert row["current_period_start"] == utc(kept[1])
    assert_consistent(conn)


def test_an_anchor_is_kept_that_is_still_ahead(conn, tenant, clock, plan, yearly):
    row = tenant.create(plan, anchor_at=utc("2025-02-01 00:00"))
    clock("2025-01-20 00:00")
    row = tenant.change_plan(row["id"], yearly, keep_anchor=True)
    assert period_of(row) == between("2025-01-20 00:00", "2025-02-01 00:00")
    clock("2025-02-01 00:00")
    advance(conn)
    assert period_of(tenant.get(row["id"])) == between("2025-02-01 00:00", "2026-02-01 00:00")


def test_a_part_costs_its_share(conn, tenant, clock, plan):
    """21 of the 365 days of a year of 1200, after 10 of the 31 days of December for 10."""
    (year,) = call(
        conn,
        "ledger_create_plan",
        app_id="shop",
        slug="year",
        name="Year",
        currency="USD",
        pricing={"base": {"amount": "1200", "interval": "year"}},
    )
    clock("2025-01-01 00:00")
    row = tenant.create(plan)
    clock("2025-12-11 00:00")
    call(conn, "ledger_advance", app_id="shop", max_span=None)
    tenant.change_plan(row["id"], year["id"], keep_anchor=True)
    call(conn, "ledger_advance", app_id="shop", max_span=None)
    totals = [invoice["total"] for invoice in tenant.rows("ledger_list_invoices", page_size=100)]
    assert sum(totals) == Decimal("110.00") + Decimal("3.23") + Decimal("69.04")


def test_another_interval_at_the_very_start_of_a_period_is_invoiced_at_once(
    conn, tenant, clock, plan, yearly
):
    row = tenant.create(plan)
    invoice_nothing(conn)
    tenant.change_plan(row["id"], yearly, invoice="next")
    assert invoiced_now(tenant, row["id"]) == [False, True]


# Trials


def test_a_trial_can_be_ended_with_the_change(conn, tenant, clock, yearly):
    anchored = create_plan(conn, "anchored", trial_days=20)
    rolling = create_plan(conn, "rolling", trial_days=20, anchor_at_trial_end=False)
    others = Tenant(conn, "rolling")
    first, second = tenant.create(anchored), others.create(rolling)
    same = create_plan(conn, "same", trial_days=90)
    at = utc("2025-01-20 00:00")
    clock(at)
    row = tenant.change_plan(first["id"], same, trial="end")
    assert (row["status"], row["trial_end"], row["anchor_at"]) == ("active", at, at)
    assert period_of(row) == between("2025-01-20 00:00", "2025-02-20 00:00")
    assert tenant.story(row["id"])[1:] == [
        ("plan_changed", at),
        ("trial_ended", at),
        ("period_started", at),
    ]
    # Periods that do not count from the trial's end go on.
    row = others.change_plan(second["id"], same, trial="end")
    assert (row["status"], row["trial_end"], row["anchor_at"]) == ("active", at, NOW)
    assert period_of(row) == between("2025-01-15 12:00", "2025-02-15 12:00")
    third = Tenant(conn, "third")
    third_id = third.create(anchored)["id"]
    row = third.change_plan(third_id, yearly, trial="end")
    assert period_of(row) == between("2025-01-20 00:00", "2026-01-20 00:00")
    assert (row["status"], row["billing_interval"]) == ("active", "year")
    assert_consistent(conn)


@pytest.mark.parametrize(
    ("days", "status", "trial_end"),
    [
        (30, "trialing", "2025-02-14 12:00"),
        (8, "trialing", "2025-01-23 12:00"),
        (7, "active", "2025-01-22 12:00"),
        (3, "active", "2025-01-22 12:00"),
        (0, "active", "2025-01-22 12:00"),
    ],
)
def test_a_trial_as_long_as_the_new_plans(conn, tenant, clock, days, status, trial_end):
    """Counted from the start of the subscription, whatever of it is over."""
    row = tenant.create(create_plan(conn, "fourteen", trial_days=14))
    clock("2025-01-22 12:00")
    row = tenant.change_plan(row["id"], create_plan(conn, "n", trial_days=days), trial="plan")
    assert (row["status"], row["trial_end"], row["anchor_at"]) == (
        status,
        utc(trial_end),
        utc(trial_end),
    )
    assert_consistent(conn)
    clock(max(utc(trial_end), utc("2025-01-22 12:00")))
    advance(conn)
    row = tenant.get(row["id"])
    assert (row["status"], row["current_period_start"]) == ("active", utc(trial_end))


@pytest.mark.parametrize("anchored", [True, False])
def test_a_young_subscription_can_get_the_new_plans_trial(conn, tenant, clock, plan, anchored):
    row = tenant.create(plan)
    clock("2025-01-20 00:00")
    other = create_plan(conn, "trial", trial_days=14, anchor_at_trial_end=anchored)
    row = tenant.change_plan(row["id"], other, trial="plan")
    end = NOW + 14 * DAY
    assert (row["status"], row["trial_end"]) == ("trialing", end)
    assert row["anchor_at"] == (end if anchored else NOW)
    assert row["current_period_end"] == (end if anchored else utc("2025-02-15 12:00"))
    # A pause in that trial ends in that trial.
    tenant.pause(row["id"])
    clock("2025-01-22 00:00")
    row = tenant.resume(row["id"])
    assert row["status"] == "trialing"
    assert row["current_period_start"] == (utc("2025-01-20 00:00") if anchored else NOW)
    clock("2025-03-01 00:00")
    advance(conn)
    assert_consistent(conn)
    # One that is older has had its days.
    older = Tenant(conn, "older")
    row = older.create(plan, started_at=utc("2025-02-01 00:00"))
    assert older.change_plan(row["id"], other, trial="plan")["status"] == "active"


# Limits


def quota_plan(conn: Session, slug: str, interval: str, period: str, limit: int = 100) -> str:
    (row,) = call(
        conn,
        "ledger_create_plan",
        app_id="shop",
        slug=slug,
        name=slug,
        currency="USD",
        features=[{"key": "calls", "limit": limit, "period": period}],
        pricing={"base": {"amount": "10", "interval": interval}},
    )
    return str(row["id"])


def consumed(tenant: Tenant, quantity: int = 1) -> bool:
    return bool(
        tenant.one("ledger_consume_entitlement", feature_key="calls", quantity=quantity)["allowed"]
    )


@pytest.mark.parametrize("period", ["billing", "day", "week", "month", "year"])
def test_hopping_between_intervals_begins_no_limit_anew(conn, tenant, clock, period):
    call(conn, "ledger_create_feature", app_id="shop", key="calls", name="Calls")
    month = quota_plan(conn, "month", "month", period)
    year = quota_plan(conn, "year", "year", period)
    row = tenant.create(month)
    used = 0
    for hop in range(6):
        clock(NOW + hop * timedelta(hours=3))
        used += 100 if consumed(tenant, 100) else 0
        plan: Row = tenant.change_plan(row["id"], year if hop % 2 == 0 else month)
        assert plan["current_period_start"] == NOW + hop * timedelta(hours=3)
    assert used == 100
    assert not consumed(tenant)


def test_a_limit_begins_anew_when_the_old_one_would_have(conn, tenant, clock):
    call(conn, "ledger_create_feature", app_id="shop", key="calls", name="Calls")
    month = quota_plan(conn, "month", "month", "billing")
    year = quota_plan(conn, "year", "year", "billing", 1200)
    row = tenant.create(month)
    assert consumed(tenant, 100)
    clock("2025-01-20 00:00")
    tenant.change_plan(row["id"], year)
    # The new plan's limit holds at once; what was used of the old one counts.
    assert consumed(tenant, 1100)
    assert not consumed(tenant)
    clock("2025-02-15 11:59:59.999999")
    assert not consumed(tenant)
    clock("2025-02-15 12:00")
    assert consumed(tenant, 1200)
    clock("2026-01-19 23:00")
    advance(conn)
    assert not consumed(tenant)
    clock("2026-01-20 00:00")
    advance(conn)
    assert consumed(tenant, 1200)


@pytest.mark.parametrize("keep_anchor", [True, False])
def test_months_of_a_limit_go_on_from_where_they_were_counted(conn, tenant, clock, keep_anchor):
    call(conn, "ledger_create_feature", app_id="shop", key="calls", name="Calls")
    month = quota_plan(conn, "month", "month", "month")
    year = quota_plan(conn, "year", "year", "month")
    row = tenant.create(month)
    clock("2025-02-20 00:00")
    assert consumed(tenant, 100)
    tenant.change_plan(row["id"], year, keep_anchor=keep_anchor)
    clock("2025-03-15 11:59")
    assert not consumed(tenant)
    clock("2025-03-15 12:00")
    assert consumed(tenant, 100)
    clock("2025-03-20 00:00")
    assert not consumed(tenant)
