"""Subscriptions that start later: nothing until then, and at most one that is live."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from pgledger import errors
from support.database import Connect
from support.subscriptions import (
    NOW,
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

START = utc("2025-02-01 00:00")
MICROSECOND = timedelta(microseconds=1)


def moves(conn: Session, **options: Any) -> list[tuple[str, Any]]:
    return [
        (row["change"], row["occurred_at"])
        for row in call(conn, "ledger_advance", app_id="shop", max_span=None, **options)
    ]


@pytest.fixture
def limited(conn: Session, clock: Any) -> str:
    call(conn, "ledger_create_feature", app_id="shop", key="calls", name="Calls")
    return create_plan(conn, "limited", features=[{"key": "calls", "limit": 10}])


def test_it_is_scheduled_and_starts_by_the_clock(conn, tenant, plan, clock):
    row = tenant.create(plan, started_at=START, time_zone="Europe/Berlin")
    assert (row["status"], row["started_at"], row["anchor_at"]) == ("scheduled", START, START)
    assert period_of(row) == between("2025-02-01 00:00", "2025-03-01 00:00")
    assert tenant.active() == []
    assert tenant.page(status="scheduled") == [row]
    assert tenant.story(row["id"]) == [("created", NOW)]
    assert_consistent(conn)
    clock(START - MICROSECOND)
    assert moves(conn) == []
    clock(START)
    # By the clock it is there, whoever has written that down.
    assert [found["id"] for found in tenant.active()] == [row["id"]]
    assert [change for change, _ in moves(conn)] == ["started", "invoice_finalized"]
    row = tenant.get(row["id"])
    assert (row["status"], row["version"]) == ("active", 2)
    assert tenant.story(row["id"])[1] == ("started", START)
    assert tenant.active() == [row]
    assert moves(conn) == []
    assert_consistent(conn)


def test_a_trial_starts_with_it(conn, tenant, clock):
    plan = create_plan(conn, trial_days=10)
    row = tenant.create(plan, started_at=START)
    assert (row["status"], row["trial_end"]) == ("scheduled", utc("2025-02-11 00:00"))
    assert period_of(row) == between("2025-02-01 00:00", "2025-02-11 00:00")
    row = tenant.set_trial_end(row["id"], "2025-02-21 00:00")
    assert period_of(row) == between("2025-02-01 00:00", "2025-02-21 00:00")
    with pytest.raises(errors.InvalidTime, match="the subscription starts at 2025-02-01"):
        tenant.set_trial_end(row["id"], START)
    assert_consistent(conn)
    clock(START)
    advance(conn)
    assert tenant.get(row["id"])["status"] == "trialing"
    clock("2025-02-21 00:00")
    assert [moved["change"] for moved in advance(conn)] == ["trial_ended", "period_started"]
    assert_consistent(conn)


def test_whoever_looks_late_finds_the_same(conn, tenant, plan, clock):
    late, prompt = Tenant(conn, "late"), Tenant(conn, "prompt")
    rows = [one.create(plan, started_at=START) for one in (late, prompt)]
    clock(START)
    prompt.update(rows[1]["id"])
    clock("2025-04-10 00:00")
    moves(conn)
    assert late.story(rows[0]["id"]) == prompt.story(rows[1]["id"])
    totals = [
        sorted(invoice["total"] for invoice in one.rows("ledger_list_invoices"))
        for one in (late, prompt)
    ]
    assert totals == [[Decimal(10)] * 3] * 2
    assert_consistent(conn)


def test_it_gives_nothing_before(conn, tenant, limited, clock):
    tenant.create(limited, started_at=START)

    def reason(function: str = "ledger_check_entitlement") -> str:
        return str(tenant.one(function, feature_key="calls")["reason"])

    assert reason() == "no_subscription"
    # What is remembered is not remembered beyond the start.
    assert tenant.one("ledger_set_cached_entitlement", feature_key="calls", ttl="1 day")
    clock(START - MICROSECOND)
    assert reason() == "no_subscription"
    tenant.one("ledger_set_cached_entitlement", feature_key="calls", ttl="1 day")
    assert reason("ledger_get_cached_entitlement") == "no_subscription"
    clock(START)
    assert tenant.rows("ledger_get_cached_entitlement", feature_key="calls") == []
    assert reason() == "within_limit"
    assert tenant.one("ledger_consume_entitlement", feature_key="calls")["allowed"]


def test_it_has_no_invoice_before(conn, tenant, plan, clock):
    row = tenant.create(plan, started_at=START)
    for kind in ("period", "start", "interim"):
        for function in ("ledger_generate_invoice", "ledger_preview_invoice"):
            for at in (None, NOW, START):
                with pytest.raises(errors.InvalidArgument, match="has no period at that time"):
                    tenant.one(function, subscription_id=row["id"], kind=kind, at=at)
    tenant.cancel(row["id"])
    clock("2025-03-05 00:00")
    assert moves(conn) == []
    assert tenant.rows("ledger_list_invoices") == []


def test_it_can_be_changed_before(conn, tenant, plan, clock):
    row = tenant.create(plan, started_at=START)
    identifier = row["id"]
    year = create_plan(conn, "year", "year", trial_days=14)
    clock("2025-01-20 00:00")
    row = tenant.change_plan(identifier, year)
    assert (row["status"], row["trial_end"]) == ("scheduled", None)
    assert period_of(row) == between("2025-02-01 00:00", "2026-02-01 00:00")
    row = tenant.change_plan(identifier, plan)
    row = tenant.change_plan(identifier, year, trial="plan")
    assert (row["trial_end"], row["anchor_at"]) == (utc("2025-02-15 00:00"),) * 2
    assert period_of(row) == between("2025-02-01 00:00", "2025-02-15 00:00")
    row = tenant.change_plan(identifier, plan, trial="end")
    assert (row["trial_end"], row["anchor_at"]) == (None, START)
    row = tenant.update(identifier, quantity=3, metadata={"a": 1}, invoice="now")
    row = tenant.change_time_zone(identifier, "America/New_York")
    assert (row["anchor_at"], row["time_zone"]) == (START, "America/New_York")
    # Seven in the evening of the 31st there, where clocks change on March 9.
    assert period_of(row) == between("2025-02-01 00:00", "2025-03-01 00:00")
    assert all(not change["invoice_now"] for change in tenant.changes(identifier))
    assert_consistent(conn)
    clock(START)
    moves(conn)
    (invoice,) = tenant.rows("ledger_list_invoices")
    assert (invoice["total"], invoice["period_start"]) == (30, START)
    assert_consistent(conn)


def test_what_has_not_begun_is_not_paused(conn, tenant, plan):
    row = tenant.create(plan, started_at=START)
    before = everything(conn)
    with pytest.raises(errors.InvalidState, match="is scheduled and cannot become paused"):
        tenant.pause(row["id"])
    assert tenant.resume(row["id"]) == row
    assert everything(conn) == before


@pytest.mark.parametrize("options", [{}, {"at_period_end": False}, {"cancel_at": NOW}])
def test_it_is_cancelled_before(conn, tenant, plan, clock, options):
    row = tenant.create(plan, started_at=START)
    row = tenant.cancel(row["id"], **options)
    assert (row["status"], row["ended_at"], row["cancel_at"]) == ("canceled", NOW, NOW)
    clock(START)
    assert moves(conn) == []
    assert_consistent(conn)


@pytest.mark.parametrize("end", ["2025-01-25 00:00", "2025-02-01 00:00", "2025-02-10 00:00"])
def test_its_end_can_be_set_before(conn, tenant, plan, clock, end):
    row = tenant.create(plan, started_at=START)
    row = tenant.cancel(row["id"], cancel_at=utc(end))
    assert row["status"] == "scheduled"
    row = tenant.resume(row["id"])
    assert (row["status"], row["cancel_at"]) == ("scheduled", None)
    tenant.cancel(row["id"], cancel_at=utc(end))
    clock("2025-03-01 00:00")
    wanted = ["started"] if utc(end) > START else []
    assert [moved["change"] for moved in advance(conn)] == [*wanted, "canceled"]
    assert tenant.get(row["id"])["ended_at"] == utc(end)
    assert_consistent(conn)


# One at a time


def test_it_follows_the_one_that_ends_by_then(conn, tenant, plan, clock):
    row = tenant.create(plan)
    with pytest.raises(errors.ActiveSubscriptionExists) as caught:
        tenant.create(plan, started_at=START)
    assert "at this start or before it" in str(caught.value.diag.message_hint)
    tenant.cancel(row["id"], cancel_at=START + MICROSECOND)
    with pytest.raises(errors.ActiveSubscriptionExists):
        tenant.create(plan, started_at=START)
    tenant.cancel(row["id"], cancel_at=START)
    after = tenant.create(plan, started_at=START)
    # Another that starts then, or later, would find it there.
    for started_at in (START, START + timedelta(days=400)):
        with pytest.raises(errors.ActiveSubscriptionExists):
            tenant.create(plan, started_at=started_at)
    clock("2025-02-03 00:00")
    assert sorted(change for change, _ in moves(conn, invoices="none")) == ["canceled", "started"]
    assert [found["id"] for found in tenant.active()] == [after["id"]]
    assert_consistent(conn)


def test_add_ons_need_no_place(conn, tenant, plan, clock):
    add_on = create_plan(conn, "more", add_on=True)
    tenant.create(plan)
    extra = tenant.create(add_on, started_at=START)
    clock(START)
    advance(conn)
    assert tenant.get(extra["id"])["status"] == "active"
    assert len(tenant.active()) == 1


def test_a_start_waits_while_another_is_live(conn, tenant, plan, clock):
    waiting = tenant.create(plan, started_at=START)
    between_times = tenant.create(plan)
    prompt = Tenant(conn, "prompt")
    prompt.create(plan, started_at=START)
    clock(START)
    rows = call(conn, "ledger_advance", app_id="shop", max_span=None, invoices="none")
    told = {(row["tenant_id"], row["change"]): row["error"] for row in rows}
    # It keeps nobody else from starting.
    assert set(told) == {("t1", "failed"), ("prompt", "started")}
    assert "tenant 't1' has an active subscription already" in str(told["t1", "failed"])
    assert tenant.get(waiting["id"]) == waiting
    assert [found["id"] for found in tenant.active()] == [between_times["id"]]
    # It is tried again in an hour, not at once.
    assert advance(conn) == []
    with pytest.raises(errors.ActiveSubscriptionExists):
        tenant.create(plan)
    # It can be changed, and cancelled, meanwhile.
    assert tenant.update(waiting["id"], quantity=2)["status"] == "scheduled"
    tenant.cancel(between_times["id"], at_period_end=False)
    clock(START + timedelta(hours=1))
    assert ("started", START) in moves(conn, invoices="none")
    assert tenant.get(waiting["id"])["status"] == "active"
    assert_consistent(conn)


def test_what_waits_gives_nothing_yet(conn, tenant, plan, limited, clock):
    """Whoever looks before or after ledger_advance: limits of both do not add up."""
    tenant.create(limited, started_at=START)
    between_times = tenant.create(limited)
    clock(START)
    for _ in range(2):
        answer = tenant.one("ledger_check_entitlement", feature_key="calls")
        assert answer["limit"] == 10
        moves(conn, invoices="none")
    tenant.cancel(between_times["id"], at_period_end=False)
    assert tenant.one("ledger_check_entitlement", feature_key="calls")["limit"] == 10
    # Nothing of it was charged while it waited; it is, from its start on, once it has begun.
    assert [row["status"] for row in tenant.active()] == ["scheduled"]


def test_the_one_that_waits_is_cancelled(conn, tenant, plan, clock):
    waiting = tenant.create(plan, started_at=START)
    live = tenant.create(plan)
    clock("2025-02-20 00:00")
    row = tenant.cancel(waiting["id"])
    assert (row["status"], row["ended_at"]) == ("canceled", utc("2025-02-20 00:00"))
    assert [found["id"] for found in tenant.active()] == [live["id"]]
    moves(conn)
    assert {invoice["subscription_id"] for invoice in tenant.rows("ledger_list_invoices")} == {
        live["id"]
    }
    assert_consistent(conn)


def test_nothing_becomes_live_in_the_place_of_what_is_due(conn, tenant, plan, clock):
    paused = tenant.create(plan)
    tenant.pause(paused["id"])
    scheduled = tenant.create(plan, started_at=START)
    clock(START)
    for attempt in (lambda: tenant.create(plan), lambda: tenant.resume(paused["id"])):
        with pytest.raises(errors.ActiveSubscriptionExists):
            attempt()
    assert [found["id"] for found in tenant.active()] == [scheduled["id"]]
    # A repeated call finds what there is.
    assert tenant.create(plan, id=scheduled["id"], started_at=START)["id"] == scheduled["id"]


def test_two_that_start_at_once_do_not_both(conn: Session, connect: Connect, tenant, plan, clock):
    """A scheduled one, and a new one, each in a session of its own; whichever is first."""
    other = connect(autocommit=True)
    for number in range(6):
        one, same = Tenant(conn, f"race{number}"), Tenant(other, f"race{number}")
        clock(NOW)
        waiting = one.create(plan, started_at=START)
        clock(START)

        def create(same: Tenant = same) -> str:
            try:
                return str(same.create(plan)["id"])
            except errors.ActiveSubscriptionExists:
                return ""

        with ThreadPoolExecutor(2) as pool:
            created = pool.submit(create)
            moved = pool.submit(advance, conn)
            created.result()
            moved.exception()
        assert len(one.active()) == 1
        assert waiting["id"] in {row["id"] for row in one.page()}
    assert_consistent(conn)


def test_another_conflict_is_not_taken_for_a_second_subscription(conn, tenant, plan):
    """A sequence that lies behind its keys."""
    tenant.create(plan)
    conn.execute("alter table pgledger.subscriptions alter column key restart with 1")
    with pytest.raises(Exception, match="subscriptions_key_pk"):
        Tenant(conn, "t2").create(plan, id=new_subscription_id())
