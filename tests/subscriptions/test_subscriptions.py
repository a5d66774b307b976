"""Subscriptions: what each call does, what the clock does alone, and that nobody else's is touched.

Times are in UTC unless a test is about another zone; the clock stands where a test puts it.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from pgledger import errors
from support.clock import SetClock
from support.periods import boundary, instant, local, period_at
from support.properties import scaled
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
    everything,
    new_subscription_id,
    period_of,
    utc,
)

DAY = timedelta(days=1)
MICROSECOND = timedelta(microseconds=1)


# Creating


def test_a_subscription_begins_now(conn, tenant, plan):
    row = tenant.create(plan)
    assert row == {
        "id": row["id"],
        "app_id": "shop",
        "tenant_id": "t1",
        "plan_id": plan,
        "plan_slug": "basic",
        "status": "active",
        "quantity": Decimal(1),
        "started_at": NOW,
        "anchor_at": NOW,
        "time_zone": "UTC",
        "billing_interval": "month",
        "interval_count": 1,
        "current_period_start": NOW,
        "current_period_end": utc("2025-02-15 12:00"),
        "trial_end": None,
        "cancel_at": None,
        "cancel_at_period_end": False,
        "canceled_at": None,
        "paused_at": None,
        "ended_at": None,
        "add_on": False,
        "unused_time": "none",
        "tax_rates": [],
        "version": 1,
        "metadata": None,
        "created_at": NOW,
        "updated_at": NOW,
    }
    assert row["id"].startswith("sub_")
    assert tenant.get(row["id"]) == row
    assert tenant.active() == [row]
    assert tenant.page() == [row]
    assert tenant.changes(row["id"]) == [
        {
            "subscription_id": row["id"],
            "app_id": "shop",
            "tenant_id": "t1",
            "version": 1,
            "change": "created",
            "occurred_at": NOW,
            "status": "active",
            "plan_id": plan,
            "quantity": Decimal(1),
            "period_start": NOW,
            "period_end": utc("2025-02-15 12:00"),
            "invoice_now": False,
            "created_at": NOW,
        }
    ]


def test_everything_that_can_be_given(tenant, plan):
    chosen = new_subscription_id()
    row = tenant.create(
        plan,
        started_at=utc("2025-01-10 00:00"),
        anchor_at=utc("2024-12-31 23:00"),
        time_zone="Europe/Berlin",
        trial_days=3,
        quantity=Decimal("2.5"),
        metadata={"seller": "eve"},
        id=chosen,
    )
    assert (row["id"], row["quantity"], row["metadata"]) == (
        chosen,
        Decimal("2.5"),
        {"seller": "eve"},
    )
    assert (row["started_at"], row["anchor_at"]) == between("2025-01-10 00:00", "2024-12-31 23:00")
    assert row["time_zone"] == "Europe/Berlin"
    assert row["trial_end"] == utc("2025-01-13 00:00")
    # New Year's Day in Berlin, and the first of February there.
    assert period_of(row) == between("2025-01-10 00:00", "2025-01-31 23:00")


@pytest.mark.parametrize(
    ("anchor", "end"),
    [
        ("2025-02-01 00:00", "2025-02-01 00:00"),
        ("2024-08-31 08:00", "2025-01-31 08:00"),
        ("2025-07-15 12:00", "2025-02-15 12:00"),
        ("2025-01-15 12:00:00.000001", "2025-01-15 12:00:00.000001"),
        ("2031-01-15 11:59", "2025-02-15 11:59"),
    ],
)
def test_an_anchor_of_its_own_makes_the_first_period_a_part(tenant, plan, clock, anchor, end):
    row = tenant.create(plan, anchor_at=utc(anchor))
    assert row["anchor_at"] == utc(anchor)
    assert period_of(row) == (NOW, utc(end))
    clock(end)
    assert [moved["change"] for moved in advance(tenant.conn)] == ["period_started"]
    row = tenant.get(row["id"])
    assert row["current_period_start"] == utc(end)
    assert row["current_period_end"] > utc(end) + 27 * DAY


def test_a_start_in_the_past_is_moved_on_to_now(conn, tenant, plan, clock):
    clock("2025-05-01 00:00")
    row = tenant.create(plan, started_at=utc("2025-01-31 10:00"), trial_days=40)
    assert (row["status"], row["trial_end"]) == ("active", utc("2025-03-12 10:00"))
    assert period_of(row) == between("2025-04-12 10:00", "2025-05-12 10:00")
    assert tenant.story(row["id"]) == [
        ("created", utc("2025-01-31 10:00")),
        ("trial_ended", utc("2025-03-12 10:00")),
        ("period_started", utc("2025-03-12 10:00")),
        ("period_started", utc("2025-04-12 10:00")),
    ]
    assert row["created_at"] == row["updated_at"] == utc("2025-05-01 00:00")
    assert advance(conn) == []
    assert_consistent(conn)


def test_a_start_may_be_10000_periods_ago(conn, tenant, clock):
    daily = create_plan(conn, "daily", "day")
    row = tenant.create(daily, started_at=NOW - 10000 * DAY)
    # It is created with the first hundred of its periods; others move it to where it is.
    assert period_of(row) == (NOW - 9900 * DAY, NOW - 9899 * DAY)
    assert row["version"] == 101
    row = tenant.update(row["id"], metadata={})
    assert period_of(row) == (NOW, NOW + DAY)
    assert row["version"] == 10002
    with pytest.raises(errors.InvalidTime, match="more than 10000 periods ago"):
        Tenant(conn, "t2").create(daily, started_at=NOW - 10001 * DAY)


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"started_at": "10000-01-01"}, errors.InvalidTime, "started_at .* after the year 9999"),
        ({"started_at": "infinity"}, errors.InvalidTime, "started_at infinity .* not finite"),
        ({"started_at": "0001-01-01 BC"}, errors.InvalidTime, "before the year 1"),
        ({"anchor_at": "-infinity"}, errors.InvalidTime, "anchor_at -infinity .* not finite"),
        ({"anchor_at": "10000-01-01"}, errors.InvalidTime, "after the year 9999"),
        ({"time_zone": None}, errors.NullArgument, "time_zone must not be null"),
        ({"time_zone": ""}, errors.InvalidArgument, "time_zone '' is not valid"),
        ({"time_zone": "europe/berlin"}, errors.InvalidArgument, "neither UTC nor the name"),
        ({"time_zone": "Europe/Atlantis"}, errors.InvalidArgument, "such as Europe/Berlin"),
        ({"time_zone": "CET"}, errors.InvalidArgument, "time_zone 'CET'"),
        ({"time_zone": "EST5EDT"}, errors.InvalidArgument, "time_zone"),
        ({"time_zone": "<Europe/Berlin>5"}, errors.InvalidArgument, "time_zone"),
        ({"time_zone": "+02:00"}, errors.InvalidArgument, "time_zone"),
        ({"time_zone": "utc"}, errors.InvalidArgument, "time_zone"),
        ({"time_zone": "posix/Europe/Berlin"}, errors.InvalidArgument, "time_zone"),
        ({"trial_days": -1}, errors.InvalidArgument, "trial_days -1 .* not between 0 and 3650"),
        ({"trial_days": 3651}, errors.InvalidArgument, "trial_days 3651"),
        ({"quantity": None}, errors.NullArgument, "quantity must not be null"),
        ({"quantity": 0}, errors.InvalidQuantity, "quantity 0 is not valid: it is zero"),
        ({"quantity": -1}, errors.InvalidQuantity, "it is negative"),
        ({"quantity": "NaN"}, errors.InvalidQuantity, "it is not a number"),
        ({"quantity": "Infinity"}, errors.InvalidQuantity, "it is not finite"),
        ({"quantity": "1e30"}, errors.InvalidQuantity, "it is not below 1e30"),
        ({"quantity": "1e-19"}, errors.InvalidQuantity, "19 decimal places"),
        ({"metadata": [1]}, errors.InvalidMetadata, "of type array"),
        ({"id": "sub_1"}, errors.InvalidId, "id 'sub_1'"),
        ({"plan_id": None}, errors.NullArgument, "plan_id must not be null"),
        ({"plan_id": "pro"}, errors.InvalidId, "plan_id 'pro'"),
        ({"app_id": None}, errors.NullArgument, "app_id"),
        ({"app_id": ""}, errors.InvalidScope, "app_id"),
        ({"app_id": "*"}, errors.InvalidScope, "app_id '\\*'"),
        ({"tenant_id": None}, errors.NullArgument, "tenant_id"),
        ({"tenant_id": ""}, errors.InvalidScope, "tenant_id"),
        ({"tenant_id": "a b"}, errors.InvalidScope, "tenant_id"),
    ],
)
def test_what_cannot_be_a_subscription(conn, plan, options, error, words):
    before = everything(conn)
    arguments = {"app_id": "shop", "tenant_id": "t1", "plan_id": plan, **options}
    with pytest.raises(error, match=words):
        call(conn, "ledger_create_subscription", **arguments)
    assert everything(conn) == before


@pytest.mark.parametrize("quantity", ["1e-18", "999999999999999999999999999999.5", "1.50"])
def test_quantities_are_kept_exactly(tenant, plan, quantity):
    row = tenant.create(plan, quantity=Decimal(quantity))
    assert row["quantity"] == Decimal(quantity)
    assert tenant.update(row["id"], quantity=Decimal("7.25"))["quantity"] == Decimal("7.25")


def test_plans_that_can_be_had(conn, tenant, plan):
    own = create_plan(conn, "own", tenant_id="t1")
    others = create_plan(conn, "others", tenant_id="t2")
    elsewhere = create_plan(conn, "elsewhere", app_id="forum")
    nowhere = "plan_" + new_subscription_id()[4:]
    archived = create_plan(conn, "archived")
    call(conn, "ledger_archive_plan", app_id="shop", id=archived)
    for plan_id in (others, elsewhere, nowhere):
        with pytest.raises(errors.PlanNotFound, match=plan_id):
            tenant.create(plan_id)
    with pytest.raises(errors.Archived, match=archived):
        tenant.create(archived)
    assert tenant.create(own)["plan_id"] == own


def test_a_plan_in_use_is_neither_deleted_nor_billed_otherwise(conn, tenant, plan):
    tenant.create(plan)
    with pytest.raises(errors.InUse):
        call(conn, "ledger_delete_plan", app_id="shop", id=plan)
    with pytest.raises(errors.InUse):
        call(
            conn,
            "ledger_update_plan",
            app_id="shop",
            id=plan,
            pricing={"base": {"amount": "10", "interval": "year"}},
        )


# One at a time


def test_a_tenant_has_one_live_subscription_and_any_number_of_add_ons(conn, tenant, plan):
    add_on = create_plan(conn, "more", add_on=True)
    first = tenant.create(plan)
    with pytest.raises(errors.ActiveSubscriptionExists, match=r"tenant 't1' .* in app 'shop'"):
        tenant.create(plan)
    extras = [tenant.create(add_on) for _ in range(3)]
    assert all(extra["add_on"] for extra in extras)
    assert tenant.active() == [first]
    assert len(tenant.page()) == 4
    assert Tenant(conn, "t2").create(plan)["status"] == "active"
    forum = create_plan(conn, app_id="forum")
    assert Tenant(conn, "t1", "forum").create(forum)["status"] == "active"


def test_a_trial_counts_as_live(tenant, plan):
    tenant.create(plan, trial_days=5)
    with pytest.raises(errors.ActiveSubscriptionExists):
        tenant.create(plan)


def test_one_that_is_paused_or_has_ended_leaves_room(conn, tenant, plan):
    first = tenant.create(plan)
    tenant.pause(first["id"])
    second = tenant.create(plan)
    with pytest.raises(errors.ActiveSubscriptionExists):
        tenant.resume(first["id"])
    assert tenant.get(first["id"])["status"] == "paused"
    tenant.cancel(second["id"], at_period_end=False)
    assert tenant.active() == []
    assert tenant.resume(first["id"])["status"] == "active"
    assert [row["id"] for row in tenant.active()] == [first["id"]]
    assert_consistent(conn)


@pytest.mark.parametrize("how", ["create", "resume"])
def test_a_cancellation_that_nobody_wrote_down_makes_room(conn, tenant, plan, clock, how):
    paused = tenant.create(plan)
    tenant.pause(paused["id"])
    ending = tenant.create(plan)
    tenant.cancel(ending["id"])
    clock("2025-02-15 12:00")
    assert tenant.get(ending["id"])["status"] == "active"
    assert tenant.active() == []
    row = tenant.create(plan) if how == "create" else tenant.resume(paused["id"])
    assert row["status"] == "active"
    assert tenant.active() == [row]
    assert tenant.story(ending["id"])[-1] == ("canceled", utc("2025-02-15 12:00"))
    assert tenant.get(ending["id"])["ended_at"] == utc("2025-02-15 12:00")
    assert_consistent(conn)


def test_a_cancellation_a_moment_ahead_makes_none(tenant, plan, clock):
    ending = tenant.create(plan)
    tenant.cancel(ending["id"])
    clock(utc("2025-02-15 12:00") - MICROSECOND)
    assert [row["id"] for row in tenant.active()] == [ending["id"]]
    with pytest.raises(errors.ActiveSubscriptionExists):
        tenant.create(plan)


# Repeats


def test_a_repeated_creation_returns_what_there_is(conn, tenant, plan, clock):
    request: dict[str, Any] = {
        "started_at": utc("2025-01-10 00:00"),
        "anchor_at": utc("2025-01-01 00:00"),
        "time_zone": "Europe/Berlin",
        "trial_days": 3,
        "quantity": Decimal(2),
        "metadata": {"a": 1},
        "id": new_subscription_id(),
    }
    first = tenant.create(plan, **request)
    before = everything(conn)
    assert tenant.create(plan, **request) == first
    assert tenant.create(plan, **{**request, "quantity": Decimal("2.00")}) == first
    # A default stands for what it was then.
    for name in ("started_at", "anchor_at", "trial_days"):
        assert tenant.create(plan, **{**request, name: None}) == first
    assert everything(conn) == before

    other = create_plan(conn, "other", "year")
    clock("2025-01-16 00:00")
    tenant.update(first["id"], quantity=5, metadata={"b": 2})
    tenant.change_plan(first["id"], other)
    last = tenant.cancel(first["id"], at_period_end=False)
    call(conn, "ledger_archive_plan", app_id="shop", id=plan)
    before = everything(conn)
    assert tenant.create(plan, **request) == last
    assert everything(conn) == before


@pytest.mark.parametrize(
    "different",
    [
        {"started_at": utc("2025-01-10 00:01")},
        {"anchor_at": utc("2025-01-02 00:00")},
        {"time_zone": "UTC"},
        {"trial_days": 4},
        {"trial_days": 0},
        {"quantity": Decimal(3)},
        {"metadata": {"a": 2}},
        {"metadata": None},
        {"plan_id": "another"},
        {"tenant_id": "t2"},
        {"app_id": "forum"},
    ],
    ids=lambda different: " ".join(different),
)
def test_an_id_is_taken_by_a_different_request(conn, tenant, plan, different):
    request: dict[str, Any] = {
        "app_id": "shop",
        "tenant_id": "t1",
        "plan_id": plan,
        "started_at": utc("2025-01-10 00:00"),
        "anchor_at": utc("2025-01-01 00:00"),
        "time_zone": "Europe/Berlin",
        "trial_days": 3,
        "quantity": Decimal(2),
        "metadata": {"a": 1},
        "id": new_subscription_id(),
    }
    call(conn, "ledger_create_subscription", **request)
    before = everything(conn)
    if "plan_id" in different:
        different = {"plan_id": create_plan(conn, "another")}
    with pytest.raises(errors.IdempotencyConflict, match=request["id"]):
        call(conn, "ledger_create_subscription", **{**request, **different})
    assert everything(conn) == before


def test_repeats_change_nothing(conn, tenant, plan, clock):
    """What is so already is returned as it is: no row is written, no version taken."""
    row = tenant.create(plan, metadata={"a": 1}, quantity=2)
    moves: list[Callable[[], Row]] = [
        lambda: tenant.resume(row["id"]),
        lambda: tenant.update(row["id"]),
        lambda: tenant.update(row["id"], quantity=Decimal("2.0"), metadata={"a": 1}),
        lambda: tenant.change_plan(row["id"], plan),
        lambda: tenant.cancel(row["id"]),
        lambda: tenant.cancel(row["id"]),
        lambda: tenant.pause(row["id"]),
        lambda: tenant.pause(row["id"]),
        lambda: tenant.cancel(row["id"]),
        lambda: tenant.change_plan(row["id"], plan),
        lambda: tenant.resume(row["id"]),
        lambda: tenant.resume(row["id"]),
        lambda: tenant.cancel(row["id"], at_period_end=False),
        lambda: tenant.cancel(row["id"], at_period_end=False),
        lambda: tenant.cancel(row["id"], at_period_end=True),
        lambda: tenant.update(row["id"], quantity=2, metadata={"a": 1}),
        lambda: tenant.change_plan(row["id"], plan),
    ]
    versions = []
    for number, move in enumerate(moves):
        clock(NOW + timedelta(minutes=number))
        before = everything(conn)
        answer = move()
        versions.append(answer["version"])
        assert (everything(conn) == before) == (versions[-2:] in ([1], [versions[-1]] * 2))
        assert answer == tenant.get(row["id"])
    assert versions == [1, 1, 1, 1, 2, 2, 3, 3, 3, 3, 4, 4, 5, 5, 5, 5, 5]


# Trials


@pytest.mark.parametrize("days", [1, 14, 31, 45, 365])
def test_a_trial_that_billing_is_anchored_at_the_end_of(conn, tenant, clock, days):
    plan = create_plan(conn, trial_days=days, anchor_at_trial_end=True)
    row = tenant.create(plan)
    end = NOW + days * DAY
    assert (row["status"], row["trial_end"], row["anchor_at"]) == ("trialing", end, end)
    assert period_of(row) == (NOW, end)
    clock(end - MICROSECOND)
    assert advance(conn) == []
    clock(end)
    assert [(moved["change"], moved["occurred_at"]) for moved in advance(conn)] == [
        ("trial_ended", end),
        ("period_started", end),
    ]
    row = tenant.get(row["id"])
    assert (row["status"], row["trial_end"]) == ("active", end)
    assert period_of(row) == (end, boundary(end, ZoneInfo("UTC"), "month", 1, 1))


def test_a_trial_that_billing_is_not_anchored_at_the_end_of(conn, tenant, clock):
    plan = create_plan(conn, trial_days=45, anchor_at_trial_end=False)
    row = tenant.create(plan)
    assert (row["status"], row["anchor_at"]) == ("trialing", NOW)
    assert row["trial_end"] == utc("2025-03-01 12:00")
    assert period_of(row) == between("2025-01-15 12:00", "2025-02-15 12:00")
    clock("2025-04-01 00:00")
    assert [(moved["change"], moved["occurred_at"]) for moved in advance(conn)] == [
        ("period_started", utc("2025-02-15 12:00")),
        ("trial_ended", utc("2025-03-01 12:00")),
        ("period_started", utc("2025-03-15 12:00")),
    ]
    assert [row["status"] for row in tenant.changes(row["id"])] == [
        "trialing",
        "trialing",
        "active",
        "active",
    ]


def test_the_request_decides_about_the_trial_before_the_plan_does(conn, clock):
    plan = create_plan(conn, trial_days=7)
    none = Tenant(conn, "none").create(plan, trial_days=0)
    assert (none["status"], none["trial_end"], none["anchor_at"]) == ("active", None, NOW)
    longer = Tenant(conn, "longer").create(plan, trial_days=3650)
    assert longer["trial_end"] == NOW + 3650 * DAY
    anchored = Tenant(conn, "anchored").create(plan, anchor_at=utc("2025-01-20 00:00"))
    assert anchored["trial_end"] == NOW + 7 * DAY
    assert period_of(anchored) == (NOW, utc("2025-01-20 00:00"))


def test_days_of_a_trial_are_those_of_the_time_zone(tenant, plan, clock):
    """Clocks in Berlin are put forward on 30 March: the trial ends at the same hour there."""
    clock("2025-03-25 12:00")
    row = tenant.create(plan, trial_days=7, time_zone="Europe/Berlin")
    assert row["trial_end"] == utc("2025-04-01 11:00")


# Cancelling


def test_cancelling_at_the_end_of_the_period(conn, tenant, plan, clock):
    row = tenant.create(plan)
    clock("2025-01-20 00:00")
    row = tenant.cancel(row["id"])
    assert (row["status"], row["canceled_at"], row["cancel_at"], row["ended_at"]) == (
        "active",
        utc("2025-01-20 00:00"),
        utc("2025-02-15 12:00"),
        None,
    )
    assert tenant.active() == [row]
    clock("2025-02-20 00:00")
    assert advance(conn) == [
        {
            "tenant_id": "t1",
            "subscription_id": row["id"],
            "change": "canceled",
            "occurred_at": utc("2025-02-15 12:00"),
        }
    ]
    row = tenant.get(row["id"])
    assert (row["status"], row["ended_at"]) == ("canceled", utc("2025-02-15 12:00"))
    # One that has ended starts no period.
    assert period_of(row) == between("2025-01-15 12:00", "2025-02-15 12:00")
    clock("2026-01-01 00:00")
    assert advance(conn) == []


def test_cancelling_at_once(conn, tenant, plan, clock):
    row = tenant.create(plan)
    tenant.cancel(row["id"])
    clock("2025-01-20 00:00")
    row = tenant.cancel(row["id"], at_period_end=False)
    at = utc("2025-01-20 00:00")
    assert row["status"] == "canceled"
    assert row["canceled_at"] == row["cancel_at"] == row["ended_at"] == at
    assert tenant.story(row["id"])[-1] == ("canceled", at)
    assert tenant.active() == []
    clock("2026-01-01 00:00")
    assert advance(conn) == []


@pytest.mark.parametrize("anchored", [True, False])
def test_cancelling_a_trial_ends_it_with_the_trial(conn, tenant, clock, anchored):
    plan = create_plan(conn, trial_days=45, anchor_at_trial_end=anchored)
    row = tenant.create(plan)
    row = tenant.cancel(row["id"])
    assert (row["status"], row["cancel_at"]) == ("trialing", row["trial_end"])
    clock("2025-06-01 00:00")
    story = [(moved["change"], moved["occurred_at"]) for moved in advance(conn)]
    end = utc("2025-03-01 12:00")
    assert story == [("period_started", utc("2025-02-15 12:00"))] * (not anchored) + [
        ("trial_ended", end),
        ("canceled", end),
    ]


def test_a_cancellation_is_withdrawn(conn, tenant, plan, clock):
    row = tenant.create(plan)
    tenant.cancel(row["id"])
    row = tenant.resume(row["id"])
    assert (row["status"], row["cancel_at"], row["canceled_at"]) == ("active", None, None)
    assert [change for change, _ in tenant.story(row["id"])] == [
        "created",
        "cancellation_scheduled",
        "cancellation_withdrawn",
    ]
    clock("2025-02-16 00:00")
    assert [moved["change"] for moved in advance(conn)] == ["period_started"]


def test_a_cancellation_that_has_come_is_not_withdrawn(tenant, plan, clock):
    row = tenant.create(plan)
    tenant.cancel(row["id"])
    clock("2025-02-15 12:00")
    with pytest.raises(errors.InvalidState, match="is canceled and cannot become active"):
        tenant.resume(row["id"])


# Pausing


def test_a_pause_moves_no_boundary(conn, tenant, plan, clock):
    row = tenant.create(plan, anchor_at=utc("2025-01-31 00:00"))
    clock("2025-02-10 00:00")
    advance(conn)
    row = tenant.pause(row["id"])
    assert (row["status"], row["paused_at"]) == ("paused", utc("2025-02-10 00:00"))
    assert period_of(row) == between("2025-01-31 00:00", "2025-02-28 00:00")
    assert tenant.active() == []
    clock("2025-05-05 00:00")
    assert advance(conn) == []
    row = tenant.resume(row["id"])
    assert (row["status"], row["paused_at"]) == ("active", None)
    assert period_of(row) == between("2025-04-30 00:00", "2025-05-31 00:00")
    assert [change for change, _ in tenant.story(row["id"])] == [
        "created",
        "period_started",
        "paused",
        "resumed",
    ]


def test_a_pause_within_the_first_period(tenant, plan, clock):
    row = tenant.create(plan, anchor_at=utc("2025-01-31 00:00"))
    tenant.pause(row["id"])
    clock("2025-01-20 00:00")
    assert period_of(tenant.resume(row["id"])) == between("2025-01-15 12:00", "2025-01-31 00:00")


@pytest.mark.parametrize(
    ("resumed", "status", "period"),
    [
        ("2025-01-20 00:00", "trialing", ("2025-01-15 12:00", "2025-01-25 12:00")),
        ("2025-01-25 12:00", "active", ("2025-01-25 12:00", "2025-02-25 12:00")),
        ("2025-03-01 00:00", "active", ("2025-02-25 12:00", "2025-03-25 12:00")),
    ],
)
def test_a_trial_goes_by_during_a_pause(conn, tenant, plan, clock, resumed, status, period):
    row = tenant.create(plan, trial_days=10)
    tenant.pause(row["id"])
    clock(resumed)
    assert advance(conn) == []
    row = tenant.resume(row["id"])
    assert (row["status"], row["trial_end"]) == (status, utc("2025-01-25 12:00"))
    assert period_of(row) == between(*period)
    assert_consistent(conn)


def test_what_is_cancelled_ends_during_a_pause(conn, tenant, plan, clock):
    row = tenant.create(plan)
    tenant.cancel(row["id"])
    row = tenant.pause(row["id"])
    assert row["cancel_at"] == utc("2025-02-15 12:00")
    clock("2025-03-01 00:00")
    assert [(moved["change"], moved["occurred_at"]) for moved in advance(conn)] == [
        ("canceled", utc("2025-02-15 12:00"))
    ]
    row = tenant.get(row["id"])
    assert (row["status"], row["paused_at"]) == ("canceled", None)
    with pytest.raises(errors.InvalidState):
        tenant.resume(row["id"])


def test_resuming_what_is_paused_and_cancelled_lets_it_go_on(conn, tenant, plan, clock):
    row = tenant.create(plan)
    tenant.cancel(row["id"])
    tenant.pause(row["id"])
    clock("2025-02-01 00:00")
    row = tenant.resume(row["id"])
    assert (row["status"], row["cancel_at"], row["canceled_at"]) == ("active", None, None)
    clock("2025-02-15 12:00")
    assert [moved["change"] for moved in advance(conn)] == ["period_started"]


@pytest.mark.parametrize(
    ("at", "cancel_at"),
    [("2025-01-20 00:00", "2025-01-25 12:00"), ("2025-02-01 00:00", None)],
)
def test_cancelling_what_is_paused(conn, tenant, plan, clock, at, cancel_at):
    """At the end of what had begun; a period that is over does not come back."""
    row = tenant.create(plan, anchor_at=utc("2025-01-25 12:00"))
    tenant.pause(row["id"])
    clock(at)
    row = tenant.cancel(row["id"])
    assert row["status"] == ("paused" if cancel_at else "canceled")
    assert row["cancel_at"] == utc(cancel_at or at)
    assert row["ended_at"] == (None if cancel_at else utc(at))
    assert_consistent(conn)


# Another plan


def test_a_plan_of_the_same_interval_leaves_the_periods(conn, tenant, plan, clock):
    other = create_plan(conn, "other")
    row = tenant.create(plan)
    clock("2025-02-20 00:00")
    row = tenant.change_plan(row["id"], other)
    assert (row["plan_id"], row["plan_slug"], row["anchor_at"]) == (other, "other", NOW)
    assert period_of(row) == between("2025-02-15 12:00", "2025-03-15 12:00")
    assert tenant.story(row["id"])[1:] == [
        ("period_started", utc("2025-02-15 12:00")),
        ("plan_changed", utc("2025-02-20 00:00")),
    ]
    assert [row["plan_id"] for row in tenant.changes(row["id"])] == [plan, plan, other]


@pytest.mark.parametrize(
    ("one", "same"),
    [
        (("month", 12), ("year", 1)),
        (("year", 2), ("month", 24)),
        (("week", 2), ("day", 14)),
        (("day", 7), ("week", 1)),
    ],
)
def test_an_interval_of_equal_length_is_the_same(conn, tenant, clock, one, same):
    row = tenant.create(create_plan(conn, "one", *one))
    clock("2025-01-16 00:00")
    changed = tenant.change_plan(row["id"], create_plan(conn, "same", *same))
    assert (changed["billing_interval"], changed["interval_count"]) == same
    assert changed["anchor_at"] == NOW
    assert period_of(changed) == period_of(row)
    clock(row["current_period_end"])
    assert len(advance(conn)) == 1


def test_a_plan_of_another_interval_counts_from_now(conn, tenant, plan, clock):
    yearly = create_plan(conn, "yearly", "year")
    row = tenant.create(plan, time_zone="Europe/Berlin")
    clock("2025-01-31 23:30")
    row = tenant.change_plan(row["id"], yearly)
    assert (row["billing_interval"], row["interval_count"]) == ("year", 1)
    assert (row["anchor_at"], row["time_zone"]) == (utc("2025-01-31 23:30"), "Europe/Berlin")
    assert period_of(row) == between("2025-01-31 23:30", "2026-01-31 23:30")
    back = tenant.change_plan(row["id"], plan)
    assert period_of(back) == between("2025-01-31 23:30", "2025-02-28 23:30")
    assert_consistent(conn)


def test_thirty_days_are_not_a_month(conn, tenant, plan):
    row = tenant.create(plan)
    changed = tenant.change_plan(row["id"], create_plan(conn, "thirty", "day", 30))
    assert period_of(changed) == (NOW, NOW + 30 * DAY)


def test_a_trial_goes_on_under_another_plan(conn, clock):
    plan = create_plan(conn, trial_days=20)
    rolling = create_plan(conn, "rolling", trial_days=20, anchor_at_trial_end=False)
    yearly = create_plan(conn, "yearly", "year", trial_days=90)
    end = NOW + 20 * DAY
    anchored, counted = Tenant(conn, "anchored"), Tenant(conn, "counted")
    first = anchored.create(plan)
    second = counted.create(rolling)
    changed_at = utc("2025-01-20 00:00")
    clock(changed_at)

    # Periods still count from the end of the trial, which is the period until then.
    row = anchored.change_plan(first["id"], yearly)
    assert (row["status"], row["trial_end"], row["anchor_at"]) == ("trialing", end, end)
    assert period_of(row) == (NOW, end)
    row = counted.change_plan(second["id"], yearly)
    assert (row["status"], row["trial_end"], row["anchor_at"]) == ("trialing", end, changed_at)
    assert period_of(row) == between("2025-01-20 00:00", "2026-01-20 00:00")

    clock(end)
    assert [moved["change"] for moved in advance(conn)].count("trial_ended") == 2
    assert period_of(anchored.get(first["id"])) == between("2025-02-04 12:00", "2026-02-04 12:00")
    assert period_of(counted.get(second["id"])) == between("2025-01-20 00:00", "2026-01-20 00:00")
    assert_consistent(conn)


def test_a_pause_and_a_cancellation_stay_under_another_plan(conn, tenant, plan, clock):
    yearly = create_plan(conn, "yearly", "year")
    row = tenant.create(plan)
    tenant.cancel(row["id"])
    tenant.pause(row["id"])
    clock("2025-01-20 00:00")
    row = tenant.change_plan(row["id"], yearly)
    assert (row["status"], row["cancel_at"]) == ("paused", utc("2026-01-20 00:00"))
    assert period_of(row) == between("2025-01-20 00:00", "2026-01-20 00:00")
    clock("2026-01-21 00:00")
    assert [moved["change"] for moved in advance(conn)] == ["canceled"]


def test_plans_that_it_cannot_be_moved_to(conn, tenant, plan):
    add_on = create_plan(conn, "more", add_on=True)
    euros = create_plan(conn, "euros", currency="EUR")
    others = create_plan(conn, "others", tenant_id="t2")
    elsewhere = create_plan(conn, "elsewhere", app_id="forum")
    archived = create_plan(conn, "archived")
    call(conn, "ledger_archive_plan", app_id="shop", id=archived)
    row = tenant.create(plan)
    extra = tenant.create(add_on)
    before = everything(conn)
    for subscription, plan_id, error, words in [
        (row, euros, errors.InvalidArgument, "its currency is EUR, and the .* is USD"),
        (row, add_on, errors.InvalidArgument, "it is an add-on"),
        (extra, plan, errors.InvalidArgument, "it is not an add-on"),
        (row, others, errors.PlanNotFound, others),
        (row, elsewhere, errors.PlanNotFound, elsewhere),
        (row, archived, errors.Archived, archived),
        (row, "pro", errors.InvalidId, "plan_id 'pro'"),
        (row, None, errors.NullArgument, "plan_id"),
    ]:
        with pytest.raises(error, match=words):
            tenant.change_plan(subscription["id"], plan_id)
    assert everything(conn) == before


# Moves that are not allowed


@pytest.mark.parametrize(
    ("move", "target"),
    [
        (lambda tenant, row: tenant.pause(row["id"]), "paused"),
        (lambda tenant, row: tenant.resume(row["id"]), "active"),
        (lambda tenant, row: tenant.update(row["id"], quantity=9), "updated"),
        (lambda tenant, row: tenant.update(row["id"], metadata={}), "updated"),
    ],
    ids=["pause", "resume", "quantity", "metadata"],
)
@pytest.mark.parametrize("how", ["at once", "by the clock", "not written down"])
def test_what_has_ended_is_final(conn, tenant, plan, clock, move, target, how):
    row = tenant.create(plan)
    tenant.cancel(row["id"], at_period_end=how != "at once")
    clock("2025-03-01 00:00")
    if how == "by the clock":
        advance(conn)
    before = everything(conn)
    words = f"subscription {row['id']} is canceled and cannot become {target}\n"
    with pytest.raises(errors.InvalidState, match=words):
        move(tenant, row)
    assert everything(conn) == before


def test_what_has_ended_takes_no_other_plan(conn, tenant, plan):
    other = create_plan(conn, "other")
    row = tenant.create(plan)
    tenant.cancel(row["id"], at_period_end=False)
    with pytest.raises(errors.InvalidState, match=f"cannot become one of plan {other}\n"):
        tenant.change_plan(row["id"], other)


def test_an_argument_that_must_not_be_null(tenant, plan):
    row = tenant.create(plan)
    with pytest.raises(errors.NullArgument, match="at_period_end"):
        tenant.cancel(row["id"], at_period_end=None)
    for method in (tenant.get, tenant.update, tenant.cancel, tenant.pause, tenant.resume):
        with pytest.raises(errors.NullArgument, match="id must not be null"):
            method(None)


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"quantity": 0}, errors.InvalidQuantity),
        ({"quantity": "NaN"}, errors.InvalidQuantity),
        ({"metadata": [1]}, errors.InvalidMetadata),
    ],
)
def test_what_it_cannot_be_updated_to(conn, tenant, plan, options, error):
    row = tenant.create(plan)
    before = everything(conn)
    with pytest.raises(error):
        tenant.update(row["id"], **options)
    assert everything(conn) == before


def test_an_update_changes_what_is_given(tenant, plan, clock):
    row = tenant.create(plan, metadata={"a": 1})
    clock("2025-01-16 00:00")
    row = tenant.update(row["id"], quantity=3)
    assert (row["quantity"], row["metadata"], row["version"]) == (Decimal(3), {"a": 1}, 2)
    row = tenant.update(row["id"], metadata={})
    assert (row["quantity"], row["metadata"], row["version"]) == (Decimal(3), {}, 3)
    assert row["updated_at"] == utc("2025-01-16 00:00")
    assert [row["quantity"] for row in tenant.changes(row["id"])] == [1, 3, 3]


# The clock


@pytest.mark.parametrize(
    "move",
    [
        lambda tenant, row, other: tenant.update(row["id"]),
        lambda tenant, row, other: tenant.update(row["id"], quantity=5),
        lambda tenant, row, other: tenant.change_plan(row["id"], other),
        lambda tenant, row, other: tenant.cancel(row["id"]),
        lambda tenant, row, other: tenant.cancel(row["id"], at_period_end=False),
        lambda tenant, row, other: tenant.pause(row["id"]),
        lambda tenant, row, other: tenant.resume(row["id"]),
    ],
    ids=["nothing", "update", "change_plan", "cancel", "at once", "pause", "resume"],
)
def test_a_call_first_writes_down_what_is_overdue(conn, tenant, plan, clock, move):
    other = create_plan(conn, "other")
    row = tenant.create(plan, trial_days=10)
    clock("2025-04-01 00:00")
    row = move(tenant, row, other)
    assert tenant.story(row["id"])[1:5] == [
        ("trial_ended", utc("2025-01-25 12:00")),
        ("period_started", utc("2025-01-25 12:00")),
        ("period_started", utc("2025-02-25 12:00")),
        ("period_started", utc("2025-03-25 12:00")),
    ]
    assert row["status"] != "trialing"
    assert period_of(row) == between("2025-03-25 12:00", "2025-04-25 12:00")
    assert advance(conn) == []
    assert_consistent(conn)


def test_reading_writes_nothing_down(conn, tenant, plan, clock):
    row = tenant.create(plan, trial_days=10)
    clock("2025-04-01 00:00")
    before = everything(conn)
    assert tenant.get(row["id"]) == row
    assert tenant.active() == [row]
    assert tenant.page() == [row]
    assert everything(conn) == before


def test_advancing_takes_no_more_than_it_was_asked_to(conn, plan, clock):
    tenants = [Tenant(conn, f"t{number}") for number in range(5)]
    rows = []
    for number, tenant in enumerate(tenants):
        clock(NOW + number * DAY)
        rows.append(tenant.create(plan))
    clock("2025-03-17 13:00")
    first = advance(conn, max_subscriptions=2)
    # Those that are due the longest; of each, all periods that have begun.
    assert [(moved["subscription_id"], moved["occurred_at"]) for moved in first] == [
        (rows[0]["id"], utc("2025-02-15 12:00")),
        (rows[0]["id"], utc("2025-03-15 12:00")),
        (rows[1]["id"], utc("2025-02-16 12:00")),
        (rows[1]["id"], utc("2025-03-16 12:00")),
    ]
    assert len(advance(conn, max_subscriptions=2)) == 3
    assert len(advance(conn, max_subscriptions=2)) == 1
    assert advance(conn, max_subscriptions=2) == []
    assert_consistent(conn)


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"max_subscriptions": 0}, errors.InvalidArgument),
        ({"max_subscriptions": 10001}, errors.InvalidArgument),
        ({"max_subscriptions": None}, errors.NullArgument),
        ({"app_id": None}, errors.NullArgument),
        ({"app_id": ""}, errors.InvalidScope),
        ({"app_id": "*"}, errors.InvalidScope),
    ],
)
def test_what_advancing_refuses(conn, options, error):
    with pytest.raises(error):
        advance(conn, **options)


def test_advancing_touches_its_own_app_alone(conn, plan, clock):
    shop = Tenant(conn).create(plan)
    forum = Tenant(conn, app_id="forum").create(create_plan(conn, app_id="forum"))
    clock("2025-02-15 12:00")
    assert [moved["subscription_id"] for moved in advance(conn, "forum")] == [forum["id"]]
    assert Tenant(conn).get(shop["id"]) == shop
    assert advance(conn, "nobody") == []


def test_a_day_that_was_left_out_starts_no_period(conn, clock):
    """Samoa had no 30 December 2011: a daily subscription goes from the 29th to the 31st."""
    clock("2011-12-29 00:00-10:00")
    daily = create_plan(conn, "daily", "day")
    Tenant(conn).create(daily, time_zone="Pacific/Apia")
    clock("2012-01-01 00:00+14:00")
    assert [moved["occurred_at"] for moved in advance(conn)] == [
        utc("2011-12-31 00:00+14:00"),
        utc("2012-01-01 00:00+14:00"),
    ]
    assert_consistent(conn)


# Pages


def test_pages(conn, tenant, plan):
    add_on = create_plan(conn, "more", add_on=True)
    rows = [tenant.create(add_on) for _ in range(5)]
    tenant.pause(rows[1]["id"])
    tenant.cancel(rows[2]["id"], at_period_end=False)
    listed = sorted(row["id"] for row in rows)
    assert [row["id"] for row in tenant.page()] == listed
    assert [row["id"] for row in tenant.page(page_size=2, page_offset=1)] == listed[1:3]
    assert tenant.page(page_offset=5) == []
    assert [row["id"] for row in tenant.page(status="paused")] == [rows[1]["id"]]
    assert [row["id"] for row in tenant.page(status="canceled")] == [rows[2]["id"]]
    assert len(tenant.page(status="active")) == 3
    assert tenant.page(status="trialing") == []
    refused: list[tuple[dict[str, Any], type[Exception]]] = [
        ({"status": "ended"}, errors.InvalidArgument),
        ({"page_size": 0}, errors.InvalidPage),
        ({"page_size": 10001}, errors.InvalidPage),
        ({"page_offset": -1}, errors.InvalidPage),
        ({"page_size": None}, errors.NullArgument),
    ]
    for options, error in refused:
        with pytest.raises(error):
            tenant.page(**options)


# Isolation


@pytest.mark.parametrize(
    ("app_id", "tenant_id"), [("shop", "t2"), ("forum", "t1"), ("shop", "T1"), ("Shop", "t1")]
)
def test_nobody_reaches_what_is_anothers(conn, tenant, plan, clock, app_id, tenant_id):
    add_on = create_plan(conn, "more", add_on=True)
    create_plan(conn, "forum", app_id="forum")
    row = tenant.create(plan, trial_days=3)
    paused = tenant.create(add_on)
    tenant.pause(paused["id"])
    clock("2025-03-01 00:00")
    before = everything(conn)
    stranger = Tenant(conn, tenant_id, app_id)
    for victim in (row["id"], paused["id"]):
        for attempt in (
            lambda victim=victim: stranger.get(victim),
            lambda victim=victim: stranger.update(victim),
            lambda victim=victim: stranger.update(victim, quantity=5, metadata={}),
            lambda victim=victim: stranger.change_plan(victim, add_on),
            lambda victim=victim: stranger.change_plan(victim, plan),
            lambda victim=victim: stranger.cancel(victim),
            lambda victim=victim: stranger.cancel(victim, at_period_end=False),
            lambda victim=victim: stranger.pause(victim),
            lambda victim=victim: stranger.resume(victim),
        ):
            with pytest.raises(errors.SubscriptionNotFound) as caught:
                attempt()
            nowhere = new_subscription_id()
            with pytest.raises(errors.SubscriptionNotFound) as unknown:
                stranger.get(nowhere)
            assert str(caught.value.diag.message_primary).replace(victim, nowhere) == str(
                unknown.value.diag.message_primary
            )
    assert stranger.page() == []
    assert stranger.active() == []
    with pytest.raises((errors.IdempotencyConflict, errors.PlanNotFound)):
        stranger.create(plan, id=row["id"])
    if app_id != "shop":
        assert advance(conn, app_id) == []
    assert everything(conn) == before


# Two years


def test_two_years_of_one_subscription(conn, tenant, clock):
    """Monthly from the last day of January in Berlin: six in the evening there all year round.

    Written down by hand, with the days on which clocks change: 30 March and 26 October 2025,
    29 March and 25 October 2026.
    """
    clock("2025-01-17 18:00+01:00")
    plan = create_plan(conn, trial_days=14)
    pro = create_plan(conn, "pro")
    row = tenant.create(plan, time_zone="Europe/Berlin")
    subscription = row["id"]
    due = [
        ("2025-01-31 18:00+01:00", ["trial_ended", "period_started"]),
        ("2025-02-28 18:00+01:00", ["period_started"]),
        ("2025-03-31 18:00+02:00", ["period_started"]),
        ("2025-04-30 18:00+02:00", ["period_started"]),
        ("2025-05-31 18:00+02:00", ["period_started"]),
        ("2025-06-30 18:00+02:00", ["period_started"]),
        ("2025-07-31 18:00+02:00", ["period_started"]),
        ("2025-08-31 18:00+02:00", ["period_started"]),
        ("2025-09-30 18:00+02:00", ["period_started"]),
        ("2025-10-31 18:00+01:00", ["period_started"]),
        ("2025-11-30 18:00+01:00", ["period_started"]),
        ("2025-12-31 18:00+01:00", ["period_started"]),
        ("2026-01-31 18:00+01:00", ["period_started"]),
        ("2026-02-28 18:00+01:00", ["period_started"]),
        # Paused from 10 March to 20 June 2026.
        ("2026-06-30 18:00+02:00", ["period_started"]),
        ("2026-07-31 18:00+02:00", ["period_started"]),
        ("2026-08-31 18:00+02:00", ["period_started"]),
        ("2026-09-30 18:00+02:00", ["period_started"]),
        ("2026-10-31 18:00+01:00", ["period_started"]),
        ("2026-11-30 18:00+01:00", ["period_started"]),
        ("2026-12-31 18:00+01:00", ["canceled"]),
    ]
    asked = {
        "2025-05-10 09:00+02:00": lambda: tenant.change_plan(subscription, pro),
        "2025-09-15 09:00+02:00": lambda: tenant.update(subscription, quantity=4),
        "2025-11-02 09:00+01:00": lambda: tenant.cancel(subscription),
        "2025-11-05 09:00+01:00": lambda: tenant.resume(subscription),
        "2026-03-10 09:00+01:00": lambda: tenant.pause(subscription),
        "2026-06-20 09:00+02:00": lambda: tenant.resume(subscription),
        "2026-12-24 09:00+01:00": lambda: tenant.cancel(subscription),
    }
    wanted = [("created", utc("2025-01-17 18:00+01:00"))]
    names = iter(
        (
            "plan_changed",
            "updated",
            "cancellation_scheduled",
            "cancellation_withdrawn",
            "paused",
            "resumed",
            "cancellation_scheduled",
        )
    )
    for at in sorted([*(utc(at) for at, _ in due), *map(utc, asked)]):
        # Nothing happens before its time.
        clock(at - MICROSECOND)
        assert advance(conn) == []
        clock(at)
        moved = [(row["change"], row["occurred_at"]) for row in advance(conn)]
        expected = [(change, at) for when, changes in due if utc(when) == at for change in changes]
        assert moved == expected, at
        wanted += expected
        for when, move in asked.items():
            if utc(when) == at:
                move()
                wanted.append((next(names), at))
    assert tenant.story(subscription) == wanted
    row = tenant.get(subscription)
    assert (row["status"], row["ended_at"]) == ("canceled", utc("2026-12-31 18:00+01:00"))
    assert (row["plan_id"], row["quantity"], row["version"]) == (pro, Decimal(4), 30)

    # Each period is followed by the next without a gap, but for the pause.
    changes = tenant.changes(subscription)
    starts = [row for row in changes if row["change"] == "period_started"]
    for before, after in pairwise(starts):
        gap = after["period_start"] - before["period_end"]
        assert gap == (
            timedelta(0)
            if after["period_start"] != utc("2026-06-30 18:00+02:00")
            else utc("2026-06-30 18:00+02:00") - utc("2026-03-31 18:00+02:00")
        )
    resumed = next(row for row in changes if row["change"] == "resumed")
    assert (resumed["period_start"], resumed["period_end"]) == between(
        "2026-05-31 18:00+02:00", "2026-06-30 18:00+02:00"
    )

    # Whoever never looked in between finds the same when looking at the end.
    late = Tenant(conn, "late").create(
        pro, started_at=utc("2025-01-17 18:00+01:00"), time_zone="Europe/Berlin", trial_days=14
    )
    begun = [at for change, at in Tenant(conn, "late").story(late["id"]) if change[0] == "p"]
    assert [at for at in begun if at < utc("2026-03-10 00:00")] == [
        utc(at) for at, _ in due if utc(at) < utc("2026-03-10 00:00")
    ]
    assert begun[-1] == utc("2026-12-31 18:00+01:00")
    assert_consistent(conn)


# Random lives beside a model


@dataclass
class Plan:
    id: str
    unit: str
    count: int
    trial_days: int
    anchor_at_trial_end: bool
    add_on: bool
    currency: str


@dataclass
class Subscription:
    """What is known of a subscription, and its changes in order."""

    plan: Plan
    status: str
    quantity: int
    started_at: datetime
    anchor_at: datetime
    zone: ZoneInfo
    unit: str
    count: int
    period: tuple[datetime, datetime]
    trial_end: datetime | None
    cancel_at: datetime | None = None
    with_period: bool = False
    paused_at: datetime | None = None
    ended_at: datetime | None = None
    story: list[tuple[str, datetime]] = field(default_factory=list)

    def period_at(self, at: datetime) -> tuple[datetime, datetime]:
        if self.trial_end is not None and self.anchor_at == self.trial_end and at < self.trial_end:
            return self.started_at, self.trial_end
        _, start, end = period_at(self.anchor_at, self.zone, self.unit, self.count, at)
        return max(start, self.started_at), end

    def settle(self, now: datetime) -> None:
        """Lets everything happen that is due, one thing after the other."""
        while True:
            ahead: list[tuple[datetime, int, str]] = []
            if self.status == "trialing" and self.trial_end is not None:
                ahead.append((self.trial_end, 1, "trial_ended"))
            if self.status != "canceled" and self.cancel_at is not None:
                # What is to end as it starts does not start.
                ahead.append((self.cancel_at, 2, "canceled"))
            if self.status == "scheduled":
                ahead.append((self.started_at, 3, "started"))
            if self.status in {"trialing", "active"}:
                ahead.append((self.period[1], 3, "period_started"))
            if not ahead or min(ahead)[0] > now:
                return
            at, _, change = min(ahead)
            if change == "trial_ended":
                self.status = "active"
            elif change == "canceled":
                self.end(at)
            elif change == "started":
                self.status = "trialing" if self.trial_end else "active"
            else:
                self.period = self.period_at(at)
            self.story.append((change, at))

    def end(self, at: datetime) -> None:
        self.status, self.ended_at, self.paused_at = "canceled", at, None

    def period_end(self, now: datetime) -> datetime:
        if self.trial_end is not None and self.trial_end > now:
            return self.trial_end
        return max(self.period[1], now)

    def cancel(
        self, now: datetime, at_period_end: bool, at: datetime | None
    ) -> type[Exception] | None:
        with_period = at_period_end and at is None and self.status != "scheduled"
        end = at or (self.period_end(now) if with_period else now)
        same = end > now and (self.cancel_at, self.with_period) == (end, with_period)
        if self.status == "canceled" or same:
            return None
        self.cancel_at, self.with_period = end, with_period
        if end > now:
            self.story.append(("cancellation_scheduled", now))
        else:
            self.end(now)
            self.story.append(("canceled", now))
        return None

    def set_trial_end(self, now: datetime, at: datetime | None) -> type[Exception] | None:
        end = at or now
        if end != self.trial_end and self.status == "scheduled" and end <= self.started_at:
            return errors.InvalidTime
        if at is not None and at == self.trial_end:
            return None
        if self.status == "canceled" or self.trial_end is None or self.trial_end <= now:
            return errors.InvalidState
        self.move_trial_end(now, end)
        self.story.append(("trial_changed", now))
        self.settle(now)
        return None

    def move_trial_end(self, now: datetime, end: datetime) -> None:
        if self.anchor_at == self.trial_end:
            self.anchor_at = end
            self.period = self.period[0], end
        self.trial_end = end
        if self.with_period:
            self.cancel_at = end
        if self.period[1] == now and (self.status == "paused" or self.period[0] == now):
            self.period = now, boundary(now, self.zone, self.unit, self.count, 1)

    def pause(self, now: datetime) -> type[Exception] | None:
        if self.status in {"scheduled", "canceled"}:
            return errors.InvalidState
        if self.status != "paused":
            self.status, self.paused_at = "paused", now
            self.story.append(("paused", now))
        return None

    def resume(self, now: datetime, others: list["Subscription"]) -> type[Exception] | None:
        if self.status == "canceled":
            return errors.InvalidState
        if self.status == "paused":
            if not self.plan.add_on and any(other.is_live for other in others):
                return errors.ActiveSubscriptionExists
            trial = self.trial_end is not None and self.trial_end > now
            self.status, self.paused_at = "trialing" if trial else "active", None
            self.period = self.period_at(now)
            self.story.append(("resumed", now))
        elif self.cancel_at is not None:
            self.story.append(("cancellation_withdrawn", now))
        self.cancel_at, self.with_period = None, False
        return None

    def change_plan(
        self, now: datetime, plan: Plan, trial: str, keep_anchor: bool
    ) -> type[Exception] | None:
        if plan is self.plan:
            return None
        if self.status == "canceled":
            return errors.InvalidState
        if (plan.currency, plan.add_on) != (self.plan.currency, self.plan.add_on):
            return errors.InvalidArgument
        same = (self.unit, self.count) == (plan.unit, plan.count)
        self.plan, self.unit, self.count = plan, plan.unit, plan.count
        was_trial = self.is_in_trial_period
        if trial != "keep":
            self.change_trial(now, plan, plan.trial_days if trial == "plan" else 0)
        if self.status == "scheduled":
            self.period = self.period_at(self.started_at)
        elif not same and not (
            self.trial_end is not None
            and now <= self.trial_end == self.anchor_at
            and (was_trial or self.is_in_trial_period)
        ):
            if not keep_anchor:
                self.anchor_at = now
            _, _, end = period_at(self.anchor_at, self.zone, plan.unit, plan.count, now)
            self.period = now, end
        if self.with_period:
            self.cancel_at = self.period_end(now)
        self.story.append(("plan_changed", now))
        self.settle(now)
        return None

    def change_trial(self, now: datetime, plan: Plan, days: int) -> None:
        end = instant(local(self.started_at, self.zone) + timedelta(days=days), self.zone)
        if self.status == "scheduled":
            if self.anchor_at in {self.started_at, self.trial_end}:
                anchored = days > 0 and plan.anchor_at_trial_end
                self.anchor_at = end if anchored else self.started_at
            self.trial_end = end if days else None
        elif self.trial_end is not None and self.trial_end > now:
            self.move_trial_end(now, max(end, now) if days else now)
        elif days and end > now:
            self.trial_end = end
            if self.status == "active":
                self.status = "trialing"
            if plan.anchor_at_trial_end:
                self.anchor_at, self.period = end, (now, end)

    def update(self, now: datetime, quantity: int) -> type[Exception] | None:
        if quantity == self.quantity:
            return None
        if self.status == "canceled":
            return errors.InvalidState
        self.quantity = quantity
        self.story.append(("updated", now))
        return None

    @property
    def is_in_trial_period(self) -> bool:
        return self.period[1] == self.trial_end == self.anchor_at

    @property
    def is_live(self) -> bool:
        return not self.plan.add_on and self.status in {"trialing", "active"}


PLANS = [
    ("monthly", "month", 1, 0, True, False, "USD"),
    ("trial", "month", 1, 10, True, False, "USD"),
    ("rolling", "month", 1, 45, False, False, "USD"),
    ("yearly", "year", 1, 14, True, False, "USD"),
    ("weekly", "week", 2, 0, True, False, "USD"),
    ("daily", "day", 1, 3, False, False, "USD"),
    ("quarterly", "month", 3, 0, True, False, "EUR"),
    ("extra", "month", 1, 5, True, True, "USD"),
    ("extras", "day", 30, 0, True, True, "USD"),
]
MODEL_ZONES = ("UTC", "Europe/Berlin", "America/New_York")

numbers = st.integers(0, 1_000_000)
steps = st.one_of(
    st.timedeltas(timedelta(0), timedelta(hours=30)),
    st.timedeltas(timedelta(0), timedelta(days=70)),
    st.integers(1, 40).map(lambda days: timedelta(days=days)),
)


class Lives(RuleBasedStateMachine):
    """A tenant, its subscriptions and a clock, and the model beside them."""

    def __init__(self, conn: Session, set_clock: SetClock, tenant: Tenant, plans: list[Plan]):
        super().__init__()
        self.conn, self.set_clock, self.tenant, self.plans = conn, set_clock, tenant, plans
        self.known: dict[str, Subscription] = {}
        self.put(NOW)

    def put(self, now: datetime) -> None:
        self.now = now
        self.set_clock(self.conn, now)

    @rule(step=steps)
    def time_goes_by(self, step: timedelta) -> None:
        self.put(self.now + step)

    @rule(number=numbers)
    def time_goes_by_to_what_is_due(self, number: int) -> None:
        """The moments that matter most."""
        ahead = [
            at
            for known in self.known.values()
            for at in (known.started_at, known.trial_end, known.cancel_at, known.period[1])
            if at is not None and at >= self.now
        ]
        if ahead:
            self.put(ahead[number % len(ahead)])

    @rule(
        number=numbers,
        zone=st.sampled_from(MODEL_ZONES),
        ago=st.one_of(st.none(), st.timedeltas(timedelta(days=-60), timedelta(days=100))),
        anchor=st.one_of(st.none(), st.timedeltas(timedelta(days=-400), timedelta(days=400))),
        trial_days=st.one_of(st.none(), st.integers(0, 50)),
        quantity=st.integers(1, 3),
    )
    def create(
        self,
        number: int,
        zone: str,
        ago: timedelta | None,
        anchor: timedelta | None,
        trial_days: int | None,
        quantity: int,
    ) -> None:
        plan = self.plans[number % len(self.plans)]
        if ago is not None and not plan.add_on:
            # What waits for another to end has tests of its own.
            ago = abs(ago)
        started_at = self.now - (ago or timedelta(0))
        days = plan.trial_days if trial_days is None else trial_days
        there = ZoneInfo(zone)
        trial_end = instant(local(started_at, there) + timedelta(days=days), there)
        anchor_at = started_at if days == 0 or not plan.anchor_at_trial_end else trial_end
        if anchor is not None:
            anchor_at = self.now + anchor
        new = Subscription(
            plan,
            "scheduled" if started_at > self.now else "trialing" if days else "active",
            quantity,
            started_at,
            anchor_at,
            there,
            plan.unit,
            plan.count,
            (started_at, started_at),
            trial_end if days else None,
        )
        new.period = new.period_at(started_at)
        new.story = [("created", min(started_at, self.now))]
        others = self.make_way()
        clash = not plan.add_on and any(other.is_live for other in others)
        try:
            row = self.tenant.create(
                plan.id,
                started_at=None if ago is None else started_at,
                anchor_at=None if anchor is None else anchor_at,
                time_zone=zone,
                trial_days=trial_days,
                quantity=quantity,
            )
        except errors.ActiveSubscriptionExists:
            assert clash
            self.known = self.undone
            return
        assert not clash
        new.settle(self.now)
        self.known[row["id"]] = new

    def make_way(self) -> list[Subscription]:
        """Ends what was to end by now, as whatever wants to live does first."""
        self.undone = {key: self.copy(known) for key, known in self.known.items()}
        for known in self.known.values():
            if known.is_live and known.cancel_at is not None and known.cancel_at <= self.now:
                known.settle(self.now)
        return list(self.known.values())

    @staticmethod
    def copy(known: Subscription) -> Subscription:
        return replace(known, story=list(known.story))

    def move(
        self,
        number: int,
        call: Callable[[str], Row],
        model: Callable[[Subscription], type[Exception] | None],
    ) -> None:
        if not self.known:
            return
        key = list(self.known)[number % len(self.known)]
        changed = self.copy(self.known[key])
        changed.settle(self.now)
        error = model(changed)
        if error is None:
            call(key)
            self.known[key] = changed
        else:
            # What was overdue is undone with the rest, and is still to be written down.
            with pytest.raises(error):
                call(key)

    @rule(number=numbers)
    def pause(self, number: int) -> None:
        self.move(number, self.tenant.pause, lambda known: known.pause(self.now))

    @rule(number=numbers)
    def resume(self, number: int) -> None:
        others = self.make_way()
        if not self.known:
            return
        key = list(self.known)[number % len(self.known)]
        known = self.known[key]
        known.settle(self.now)
        error = known.resume(self.now, [other for other in others if other is not known])
        if error is None:
            self.tenant.resume(key)
            return
        with pytest.raises(error):
            self.tenant.resume(key)
        self.known = self.undone

    @rule(number=numbers, at_period_end=st.booleans(), ahead=st.one_of(st.none(), steps))
    def cancel(self, number: int, at_period_end: bool, ahead: timedelta | None) -> None:
        at = None if ahead is None else self.now + ahead
        self.move(
            number,
            lambda key: self.tenant.cancel(key, at_period_end=at_period_end, cancel_at=at),
            lambda known: known.cancel(self.now, at_period_end, at),
        )

    @rule(number=numbers, ahead=st.one_of(st.none(), steps))
    def set_trial_end(self, number: int, ahead: timedelta | None) -> None:
        at = None if ahead is None else self.now + ahead
        self.move(
            number,
            lambda key: self.tenant.set_trial_end(key, at),
            lambda known: known.set_trial_end(self.now, at),
        )

    @rule(
        number=numbers,
        other=numbers,
        trial=st.sampled_from(("keep", "keep", "end", "plan")),
        keep_anchor=st.booleans(),
    )
    def change_plan(self, number: int, other: int, trial: str, keep_anchor: bool) -> None:
        plan = self.plans[other % len(self.plans)]
        self.move(
            number,
            lambda key: self.tenant.change_plan(key, plan.id, trial=trial, keep_anchor=keep_anchor),
            lambda known: known.change_plan(self.now, plan, trial, keep_anchor),
        )

    @rule(number=numbers, quantity=st.integers(1, 3))
    def update(self, number: int, quantity: int) -> None:
        self.move(
            number,
            lambda key: self.tenant.update(key, quantity=quantity),
            lambda known: known.update(self.now, quantity),
        )

    @rule()
    def advance(self) -> None:
        told: dict[str, list[tuple[str, datetime]]] = {}
        for row in advance(self.conn):
            if row["tenant_id"] == self.tenant.tenant_id:
                told.setdefault(row["subscription_id"], []).append(
                    (row["change"], row["occurred_at"])
                )
        for key, known in self.known.items():
            before = len(known.story)
            known.settle(self.now)
            assert told.pop(key, []) == known.story[before:]
        assert told == {}

    @invariant()
    def is_as_the_model_has_it(self) -> None:
        rows = {row["id"]: row for row in self.tenant.page()}
        assert rows.keys() == self.known.keys()
        for key, known in self.known.items():
            row = rows[key]
            assert row["plan_id"] == known.plan.id
            assert (row["billing_interval"], row["interval_count"]) == (known.unit, known.count)
            for name in ("status", "quantity", "started_at", "anchor_at", "trial_end"):
                assert row[name] == getattr(known, name), name
            for name in ("cancel_at", "paused_at", "ended_at"):
                wanted = getattr(known, name)
                assert row[name] == wanted, name
            assert period_of(row) == known.period
            assert row["cancel_at_period_end"] == (
                known.with_period and known.cancel_at is not None
            )
            assert row["version"] == len(known.story)
            assert self.tenant.story(key) == known.story
        live = [
            key
            for key, known in self.known.items()
            if known.is_live and (known.cancel_at is None or known.cancel_at > self.now)
        ]
        assert [row["id"] for row in self.tenant.active()] == live
        assert_consistent(self.conn)


def machine(conn: Session, set_clock: SetClock) -> Callable[[], Lives]:
    """Returns what begins such a life, with one plan of each kind."""
    plans = [
        Plan(
            create_plan(
                conn,
                slug,
                unit,
                count,
                trial_days=trial_days,
                anchor_at_trial_end=at_end,
                add_on=add_on,
                currency=currency,
            ),
            unit,
            count,
            trial_days,
            at_end,
            add_on,
            currency,
        )
        for slug, unit, count, trial_days, at_end, add_on, currency in PLANS
    ]

    def begin() -> Lives:
        # Those of the run before would be advanced again and again.
        conn.execute("truncate pgledger.subscriptions, pgledger.subscription_changes cascade")
        return Lives(conn, set_clock, Tenant(conn), plans)

    return begin


def test_a_trial_that_only_ends_where_periods_count_from_is_no_period(
    conn: Session, set_clock: SetClock
) -> None:
    """It ended as it began, at the anchor: a plan of another interval starts a period at once."""
    state = machine(conn, set_clock)()
    state.create(5, "UTC", None, None, None, 1)
    state.change_plan(0, 0, "end", keep_anchor=False)
    (row,) = state.tenant.page()
    assert period_of(row) == (NOW, NOW + timedelta(days=31))
    for step in (timedelta(days=1), timedelta(days=30)):
        state.time_goes_by(step)
        state.is_as_the_model_has_it()
        state.advance()
        state.is_as_the_model_has_it()


def test_a_trial_that_is_not_there_is_not_too_early(conn: Session, set_clock: SetClock) -> None:
    state = machine(conn, set_clock)()
    state.create(8, "UTC", timedelta(days=-1), None, None, 1)
    state.set_trial_end(0, None)
    state.is_as_the_model_has_it()


@pytest.mark.slow
def test_random_lives_go_as_the_model_has_them(conn: Session, set_clock: SetClock) -> None:
    run_state_machine_as_test(
        machine(conn, set_clock),  # type: ignore[arg-type]
        settings=settings(
            max_examples=scaled(25),
            stateful_step_count=40,
            phases=set(Phase) - {Phase.explain},
        ),
    )
