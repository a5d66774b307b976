"""What ``ledger_advance`` takes, in which order, how much of it, and whom it does not wait for."""

from collections.abc import Callable
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from psycopg import IsolationLevel, errors

from pgledger.errors import InvalidState
from support.at_once import PATIENCE
from support.clock import SetClock
from support.database import Connect
from support.invoices import Customer, lines, make_feature, make_plan
from support.subscriptions import (
    Row,
    Session,
    Tenant,
    assert_consistent,
    call,
    create_plan,
    everything,
    utc,
)

NOW = utc("2025-01-15 12:00")
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)

MoveClock = Callable[[Any], None]


@pytest.fixture
def conn(connect: Connect, set_clock: SetClock) -> Session:
    """A session in autocommit, in a database whose clock stands at NOW."""
    conn = connect(autocommit=True, **PATIENCE)
    set_clock(conn, NOW)
    return conn


@pytest.fixture
def clock(conn: Session, set_clock: SetClock) -> MoveClock:
    return lambda now: set_clock(conn, utc(now) if isinstance(now, str) else now)


def advance(conn: Session, **options: Any) -> list[Row]:
    return call(conn, "ledger_advance", app_id="shop", **{"max_span": None, **options})


def advance_few(conn: Session, count: int, **options: Any) -> list[Row]:
    return advance(conn, max_subscriptions=count, **options)


def advanced(conn: Session, most: int = 200, **options: Any) -> list[list[Row]]:
    """Returns what each call did, until one has nothing to tell."""
    calls = [advance(conn, **options)]
    while calls[-1]:
        calls.append(advance(conn, **options))
        assert len(calls) <= most
    return calls[:-1]


def of(rows: list[Row], tenant_id: str) -> list[str]:
    return [row["change"] for row in rows if row["tenant_id"] == tenant_id]


def subscribe(conn: Session, plan: str, *tenants: str, **options: Any) -> list[str]:
    return [Tenant(conn, tenant).create(plan, **options)["id"] for tenant in tenants]


# Order


@pytest.mark.parametrize("invoices", ["none", "draft", "final"])
def test_what_has_been_due_the_longest_comes_first(
    conn: Session, clock: MoveClock, invoices: str
) -> None:
    plan = create_plan(conn)
    # Neither in the order of names nor of creation.
    starts = {"c": "2025-01-03", "a": "2025-01-05", "d": "2025-01-01", "b": "2025-01-04"}
    for tenant, start in starts.items():
        clock(start)
        subscribe(conn, plan, tenant)
    clock("2025-01-06")
    while advance(conn, invoices=invoices):
        pass
    clock("2025-02-10")
    for tenants in ({"d", "c"}, {"b", "a"}, set[str]()):
        rows = advance_few(conn, 2, invoices=invoices)
        moved = [row["tenant_id"] for row in rows if row["change"] == "period_started"]
        assert set(moved) == tenants


def test_of_those_due_since_the_same_moment_the_oldest_comes_first(
    conn: Session, clock: MoveClock
) -> None:
    plan = create_plan(conn)
    tenants = [f"t{7 * number % 20}" for number in range(20)]
    subscribe(conn, plan, *tenants)
    # Moves the rows in the table, so that they no longer lie in their order.
    conn.execute("update pgledger.subscriptions set metadata = '{}' where key % 3 = 1")
    for _ in range(2):
        taken: list[str] = []
        while rows := advance_few(conn, 3):
            taken += dict.fromkeys(row["tenant_id"] for row in rows)
        assert taken == tenants
        clock(NOW + 31 * DAY)


def test_of_those_overdue_since_the_same_moment_the_oldest_comes_first(
    conn: Session, clock: MoveClock
) -> None:
    line = [{"description": "work", "amount": "5"}]
    tenants = [f"t{7 * number % 20}" for number in range(20)]
    for name in tenants:
        tenant = Tenant(conn, name)
        invoice = tenant.one("ledger_create_invoice", currency="USD", lines=line)["id"]
        tenant.one("ledger_finalize_invoice", id=invoice)
    conn.execute("update pgledger.invoices set metadata = '{}' where key % 3 = 1")
    clock(NOW + 30 * DAY)
    taken = [row["tenant_id"] for rows in advanced(conn, max_subscriptions=3) for row in rows]
    assert taken == tenants


# How much a call does for one


@pytest.mark.parametrize("invoices", ["none", "draft", "final"])
def test_one_that_is_years_behind_holds_up_nobody(
    conn: Session, clock: MoveClock, invoices: str
) -> None:
    daily = make_plan(conn, "daily", base={"amount": "1", "interval": "day"})
    subscribe(conn, daily, "old", started_at=NOW - 1000 * DAY)
    subscribe(conn, create_plan(conn), "t1", "t2", "t3")
    clock(NOW + HOUR)
    calls = advanced(conn, invoices=invoices, max_subscriptions=1)
    if invoices == "none":
        expected = [100] * 9
    else:
        # It has its turn, then the others have theirs, and from then on it is alone.
        assert [row["tenant_id"] for rows in calls[1:4] for row in rows] == ["t1", "t2", "t3"]
        expected = [100, 0, 0, 0, *[100] * 8]
    steps = [of(rows, "old").count("period_started") for rows in calls]
    assert steps[: len(expected)] == expected
    assert sum(steps) == 900
    assert all(len(rows) <= 210 for rows in calls)
    (row,) = Tenant(conn, "old").page()
    assert (row["current_period_start"], row["version"]) == (NOW, 1001)
    assert_consistent(conn)


def bills(conn: Session, tenant: str = "old") -> list[tuple[Any, ...]]:
    with_lines = Tenant(conn, tenant).rows("ledger_list_invoices", page_size=10000)
    return sorted(
        (row["kind"], row["period_start"], row["period_end"], row["total"]) for row in with_lines
    )


@pytest.mark.parametrize("invoices", ["draft", "final"])
def test_its_bills_are_those_of_the_days_themselves(
    conn: Session, clock: MoveClock, invoices: str
) -> None:
    """150 days at once, begun in the past or left alone, and the same day by day."""
    make_feature(conn, "calls")
    calls = {"feature": "calls", "model": "per_unit", "unit_amount": "0.1"}
    for billed in ("advance", "arrears"):
        make_plan(
            conn, billed, base={"amount": "1", "interval": "day", "billed": billed}, prices=[calls]
        )
    tenants = {
        f"{way} {billed}": row
        for way in ("begun", "left", "daily")
        for billed in ("advance", "arrears")
        for row in call(conn, "ledger_get_plan_by_slug", app_id="shop", slug=billed)
    }
    start = NOW - 150 * DAY
    clock(start)
    for name, plan in tenants.items():
        if not name.startswith("begun"):
            subscribe(conn, plan["id"], name.replace(" ", "-"))
    for day in range(150):
        clock(start + day * DAY)
        if day % 20 == 7:
            for name in tenants:
                customer = Customer(conn, name.replace(" ", "-"))
                customer.use("calls", day)
        for name in ("daily-advance", "daily-arrears"):
            # What nobody else looks at stays behind.
            conn.execute(
                "update pgledger.subscriptions set advance_at = case when tenant_id = %s"
                " then least(due_at, invoice_due_at) else 'infinity' end",
                [name],
            )
            advance(conn, invoices=invoices)
    clock(NOW)
    for name, plan in tenants.items():
        if name.startswith("begun"):
            subscribe(conn, plan["id"], name.replace(" ", "-"), started_at=start)
    conn.execute("update pgledger.subscriptions set advance_at = least(due_at, invoice_due_at)")
    advanced(conn, invoices=invoices)
    for billed in ("advance", "arrears"):
        daily = bills(conn, f"daily-{billed}")
        assert len(daily) > 145
        assert bills(conn, f"left-{billed}") == daily
        assert bills(conn, f"begun-{billed}") == daily
    assert_consistent(conn)


def test_bills_of_what_other_calls_have_moved_come_in_parts_too(
    conn: Session, clock: MoveClock
) -> None:
    daily = make_plan(conn, "daily", base={"amount": "1", "interval": "day"})
    (old,) = subscribe(conn, daily, "old", started_at=NOW - 450 * DAY)
    # Written down at once, because it is asked for.
    assert Tenant(conn, "old").update(old, metadata={"a": 1})["current_period_start"] == NOW
    subscribe(conn, create_plan(conn), "t1")
    calls = advanced(conn)
    assert of(calls[0], "t1") == ["invoice_finalized"]
    counts = [of(rows, "old").count("invoice_finalized") for rows in calls]
    assert max(counts) <= 101
    assert sum(counts) == 451
    assert (
        sum(
            row["total"] for row in Tenant(conn, "old").rows("ledger_list_invoices", page_size=1000)
        )
        == 451
    )
    assert_consistent(conn)


def test_many_periods_that_cost_nothing_come_to_an_end(conn: Session, clock: MoveClock) -> None:
    """There is nothing to report, but callers who wait for a call without rows go on."""
    free = make_plan(conn, "free", base={"interval": "day"})
    (old,) = subscribe(conn, free, "old", started_at=NOW - 450 * DAY)
    Tenant(conn, "old").update(old, metadata={"a": 1})
    subscribe(conn, create_plan(conn), "t1")
    calls = advanced(conn, most=10)
    assert [row["change"] for row in calls[0]] == ["invoice_finalized"]
    assert {row["change"] for rows in calls[1:] for row in rows} == {"nothing_due"}
    assert len(calls) > 2
    assert Tenant(conn, "old").rows("ledger_list_invoices") == []


def test_with_a_statement_timeout_others_are_invoiced(
    conn: Session, connect: Connect, clock: MoveClock
) -> None:
    daily = make_plan(conn, "daily", base={"amount": "1", "interval": "day"})
    hurried = connect(autocommit=True, options="-c statement_timeout=5s")
    (old,) = subscribe(hurried, daily, "old", started_at=NOW - 10000 * DAY)
    subscribe(conn, create_plan(conn), "t1", "t2")
    rows = advance(hurried)
    assert of(rows, "t1") == of(rows, "t2") == ["invoice_finalized"]
    assert 0 < len(of(rows, "old")) <= 210
    assert Tenant(conn, "old").changes(old)[-1]["version"] < 300


def test_changes_of_one_moment_are_not_parted(conn: Session, clock: MoveClock) -> None:
    """A trial that ends where the subscription is cancelled begins nothing, also in parts."""
    plan = make_plan(
        conn,
        "daily",
        base={"amount": "1", "interval": "day"},
        trial_days=100,
        anchor_at_trial_end=False,
    )
    (old,) = subscribe(conn, plan, "old")
    Tenant(conn, "old").cancel(old)
    clock(NOW + 200 * DAY)
    calls = advanced(conn)
    changes = Tenant(conn, "old").changes(old)
    assert [row["change"] for row in changes[-2:]] == ["trial_ended", "canceled"]
    assert len(changes) > 100
    assert [row for rows in calls for row in rows if row["invoice_id"]] == []


# Whom it does not wait for


def test_a_tenant_whose_coupons_are_held_is_skipped(
    conn: Session, connect: Connect, clock: MoveClock
) -> None:
    call(conn, "ledger_create_coupon", app_id="shop", code="TEN", percentage=10)
    plan = create_plan(conn)
    subscribe(conn, plan, "t1", "t2", "t3")
    for name in ("t1", "t2"):
        Customer(conn, name).redeem("TEN")
    holder = connect()
    holder.execute(
        "select from pgledger.coupon_redemptions where tenant_id = 't1' for no key update"
    )
    worker = connect(autocommit=True, options="-c lock_timeout=1ms -c statement_timeout=20s")
    calls = advanced(worker, max_subscriptions=1)
    assert [row["tenant_id"] for rows in calls for row in rows] == ["t2", "t3"]

    # A change is written down meanwhile, and invoiced later.
    clock(NOW + 40 * DAY)
    calls = advanced(worker)
    assert {row["change"] for rows in calls for row in rows if row["tenant_id"] == "t1"} == {
        "period_started"
    }
    holder.rollback()
    rows = [row for rows in advanced(worker) for row in rows]
    assert [(row["tenant_id"], row["change"]) for row in rows] == [
        ("t1", "invoice_finalized"),
        ("t1", "invoice_finalized"),
    ]
    assert [row["total"] for row in Customer(conn, "t1").invoices()] == [9, 10]
    assert_consistent(conn)


def change_subscription(conn: Session, subscription: str) -> None:
    Tenant(conn, "t2").update(subscription, quantity=2)


def use_coupons(conn: Session, _: str) -> None:
    invoice = Tenant(conn, "t2").one(
        "ledger_create_invoice", currency="USD", lines=[{"description": "work", "amount": "5"}]
    )
    Customer(conn, "t2").finalize(invoice["id"])


def pay(conn: Session, _: str) -> None:
    (invoice,) = Customer(conn, "t2").invoices("pending")
    Tenant(conn, "t2").one("ledger_mark_invoice_paid", id=invoice["id"])


@pytest.mark.parametrize("level", [IsolationLevel.REPEATABLE_READ, IsolationLevel.SERIALIZABLE])
@pytest.mark.parametrize("change", [change_subscription, use_coupons, pay])
def test_an_older_snapshot_fails_as_a_whole(
    conn: Session,
    connect: Connect,
    clock: MoveClock,
    level: IsolationLevel,
    change: Callable[[Session, str], None],
) -> None:
    """It is the transaction that has to be run again: no subscription has failed."""
    call(conn, "ledger_create_coupon", app_id="shop", code="TEN", percentage=10, duration="forever")
    _, subscription, _ = subscribe(conn, create_plan(conn), "t1", "t2", "t3")
    Customer(conn, "t2").redeem("TEN")
    advanced(conn)
    clock(NOW + 31 * DAY)
    worker = connect()
    worker.isolation_level = level
    worker.execute("select from pgledger.subscriptions")
    change(conn, subscription)
    before = everything(conn, "invoices")
    with pytest.raises(errors.SerializationFailure):
        advance(worker)
    worker.rollback()
    assert everything(conn, "invoices") == before
    rows = advance(worker)
    worker.commit()
    assert {row["change"] for row in rows} <= {
        "period_started",
        "invoice_finalized",
        "invoice_past_due",
    }
    assert advance(conn) == []


# Drafts that become final out of turn


def test_an_interim_invoice_goes_on_from_the_start_of_its_period(
    conn: Session, clock: MoveClock
) -> None:
    make_feature(conn, "calls")
    calls = {"feature": "calls", "model": "per_unit", "unit_amount": "2"}
    plan = make_plan(conn, "pro", amount="10", prices=[calls])
    (subscription,) = subscribe(conn, plan, "t1")
    customer = Customer(conn)
    start = customer.generate(subscription, kind="start")
    customer.use("calls", 3)
    clock(NOW + 10 * DAY)
    interim = customer.generate(subscription, kind="interim")
    with pytest.raises(InvalidState, match=f"before draft {start['id']}"):
        customer.finalize(interim["id"])
    assert [row["status"] for row in customer.invoices()] == ["draft", "draft"]

    # A draft that is deleted is in nobody's way. Usage is billed, and the base fee comes later.
    customer.tenant.one("ledger_delete_invoice", id=start["id"])
    assert customer.finalize(interim["id"])["total"] == 6
    customer.use("calls", 4)
    start = customer.generate(subscription, kind="start")
    assert customer.finalize(start["id"])["total"] == 10
    clock(NOW + 31 * DAY)
    advanced(conn)
    invoices = customer.invoices()
    assert [(row["kind"], row["total"]) for row in invoices] == [
        ("interim", 6),
        ("start", 10),
        ("period", 18),
    ]
    assert {line[0] for line in lines(invoices[-1])} == {"usage", "base_fee"}
    assert all(a["number"] + 1 == b["number"] for a, b in pairwise(invoices))
