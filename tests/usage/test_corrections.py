"""A wrong usage event is corrected or removed, with everything it was added up in."""

import json
import random
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

import pytest

from pgledger import Billing, UsageEvent
from pgledger.errors import (
    IdempotencyConflict,
    InvalidArgument,
    InvalidId,
    InvalidQuantity,
    NullArgument,
    PgledgerError,
    UsageNotFound,
    UsagePurged,
)
from support.clock import SetClock
from support.database import Connect
from support.invoices import Customer, carry_clock, lines, make_feature, make_plan
from support.subscriptions import Session, call
from support.usage_model import AGGREGATIONS, HOUR, Counted, Event, ingest, total
from support.waiting import WaitUntilBlocked

APP = "acme"
NOW = datetime(2026, 7, 15, 12, 20, 30, tzinfo=UTC)
PATIENCE = {"options": "-c statement_timeout=60s"}


@pytest.fixture
def session(connect: Connect, set_clock: SetClock) -> Session:
    session = connect(autocommit=True, **PATIENCE)
    billing = Billing(session)
    billing.create_feature(APP, "calls", "Calls")
    billing.create_feature(APP, "seats", "Seats", type="seat")
    billing.create_feature(APP, "users", "Users", aggregation="unique_count", unique_key="user")
    set_clock(session, NOW)
    return session


@pytest.fixture
def billing(session: Session) -> Billing:
    return Billing(session)


def record(session: Session, key: str, quantity: str, at: datetime, user: str = "a") -> None:
    event = Event(
        "one",
        "users",
        quantity,
        event_at=at.isoformat(),
        idempotency_key=key,
        metadata=json.dumps({"user": user}),
    )
    ((_, status, _, _, _),) = ingest(session, [event])
    assert status == "inserted"


def stored(billing: Billing, tenant: str = "one") -> dict[str | None, UsageEvent]:
    return {
        event.idempotency_key: event for event in billing.query_usage(APP, tenant, page_size=10_000)
    }


def counted(events: Sequence[UsageEvent]) -> list[Counted]:
    return [
        Counted(
            event.tenant_id,
            event.feature_key,
            event.quantity,
            event.event_at,
            place,
            event.idempotency_key,
            (event.metadata or {})["user"],
        )
        for place, event in enumerate(events)
    ]


def assert_totals(billing: Billing) -> None:
    """Asserts that every total is that of the events, whatever hours and days it is made of."""
    events = counted(billing.query_usage(APP, "one", page_size=10_000))
    edges = [NOW - timedelta(days=9), NOW - timedelta(hours=30), NOW - 2 * HOUR, NOW - HOUR / 3]
    edges += [NOW.replace(minute=0, second=0), NOW + HOUR]
    edges.sort()
    for number, starts_at in enumerate(edges):
        for ends_at in edges[number + 1 :]:
            between = [event for event in events if starts_at <= event.event_at < ends_at]
            for aggregation in AGGREGATIONS:
                assert billing.aggregate_usage(
                    APP, "one", "users", starts_at, ends_at, aggregation=aggregation
                ) == total(between, aggregation), (starts_at, ends_at, aggregation)


def test_every_total_follows_a_correction(session: Session, billing: Billing) -> None:
    dice = random.Random(41)
    times = [NOW - timedelta(minutes=dice.randrange(4000)) for _ in range(40)]
    times += [NOW - timedelta(minutes=7)] * 5
    for number, at in enumerate(times):
        record(session, f"k{number}", str(dice.randrange(9)), at, dice.choice("abcd"))
    for _ in range(60):
        events = list(stored(billing).values())
        event = dice.choice(events)
        if dice.random() < 0.5:
            removed = billing.remove_usage(APP, "one", event.id, event.event_at)
            assert removed == event
            assert event.id not in {other.id for other in stored(billing).values()}
        else:
            quantity = Decimal(dice.randrange(20))
            corrected = billing.correct_usage(APP, "one", event.id, event.event_at, quantity)
            assert corrected.quantity == quantity
            assert stored(billing)[event.idempotency_key] == corrected
        assert_totals(billing)
        if len(events) < 4:
            break
    for event in stored(billing).values():
        billing.remove_usage(APP, "one", event.id, event.event_at)
    assert_totals(billing)
    assert stored(billing) == {}
    # What is recorded where everything was removed counts as if nothing had been there.
    record(session, "new", "2", times[0], "z")
    assert_totals(billing)


def test_a_level_is_that_of_what_is_left(session: Session, billing: Billing) -> None:
    for at, level in ((NOW - 50 * HOUR, "3"), (NOW - 2 * HOUR, "7"), (NOW - HOUR, "9")):
        ingest(session, [Event("one", "seats", level, event_at=at.isoformat())])

    def current() -> Decimal:
        return billing.aggregate_usage(APP, "one", "seats", NOW - timedelta(days=90), NOW + HOUR)

    first, second, third = billing.query_usage(APP, "one")
    billing.remove_usage(APP, "one", third.id, third.event_at)
    assert current() == 7
    billing.correct_usage(APP, "one", second.id, second.event_at, 8)
    assert current() == 8
    billing.remove_usage(APP, "one", second.id, second.event_at)
    assert current() == 3
    billing.remove_usage(APP, "one", first.id, first.event_at)
    assert current() == 0


def test_a_removed_event_does_not_come_back(session: Session, billing: Billing) -> None:
    record(session, "k", "4", NOW - HOUR)
    event = stored(billing)["k"]
    for _ in range(2):
        assert billing.remove_usage(APP, "one", event.id, event.event_at, reason="twice") == event
    ((_, status, event_id, _, _),) = ingest(
        session, [Event("one", "users", "4", idempotency_key="k", metadata='{"user": "a"}')]
    )
    assert (status, event_id) == ("duplicate", event.id)
    with pytest.raises(IdempotencyConflict):
        billing.record_usage(
            APP, "one", "users", quantity=5, idempotency_key="k", metadata={"user": "a"}
        )
    with pytest.raises(UsageNotFound):
        billing.correct_usage(APP, "one", event.id, event.event_at, 3)
    assert_totals(billing)
    assert session.execute(
        "select quantity, corrected_quantity, reason from ledger_usage_corrections"
    ).fetchall() == [(4, None, "twice")]


def test_a_corrected_event_is_a_duplicate_by_its_first_and_its_last_quantity(
    session: Session, billing: Billing
) -> None:
    record(session, "k", "4", NOW - HOUR)
    event = stored(billing)["k"]
    for quantity in (5, 6, 6):
        billing.correct_usage(APP, "one", event.id, event.event_at, quantity)
    answers = {
        quantity: ingest(
            session,
            [Event("one", "users", quantity, idempotency_key="k", metadata='{"user": "a"}')],
        )[0][1]
        for quantity in ("4", "5", "6", "6.0")
    }
    assert answers == {"4": "duplicate", "5": "rejected", "6": "duplicate", "6.0": "duplicate"}
    assert session.execute(
        "select version, quantity, corrected_quantity from ledger_usage_corrections order by 1"
    ).fetchall() == [(1, 4, 5), (2, 5, 6)]


def test_what_cannot_be_corrected_is_refused(session: Session, billing: Billing) -> None:
    record(session, "k", "4", NOW - 3 * HOUR)
    event = stored(billing)["k"]
    sound: dict[str, Any] = {
        "app_id": APP,
        "tenant_id": "one",
        "id": event.id,
        "event_at": event.event_at,
        "quantity": 1,
    }
    other = f"evt_{event.id[4:-1]}{'0' if event.id[-1] != '0' else '1'}"
    cases: list[tuple[dict[str, Any], type[PgledgerError]]] = [
        ({"id": None}, NullArgument),
        ({"id": "evt_1"}, InvalidId),
        ({"id": other}, UsageNotFound),
        ({"event_at": None}, NullArgument),
        ({"event_at": event.event_at + timedelta(microseconds=1)}, UsageNotFound),
        ({"event_at": "infinity"}, UsageNotFound),
        ({"tenant_id": "two"}, UsageNotFound),
        ({"app_id": "bank"}, UsageNotFound),
        ({"quantity": -1}, InvalidQuantity),
        ({"quantity": None}, NullArgument),
        ({"reason": ""}, InvalidArgument),
    ]
    for wrong, error in cases:
        with pytest.raises(error):
            call(session, "ledger_correct_usage", **{**sound, **wrong})
        arguments = {**sound, **wrong}
        del arguments["quantity"]
        if "quantity" not in wrong:
            with pytest.raises(error):
                call(session, "ledger_remove_usage", **arguments)
    assert stored(billing)["k"] == event
    assert_totals(billing)
    record(session, "later", "1", NOW - HOUR / 2)
    assert billing.purge_usage(APP, NOW - 2 * HOUR) == 1
    with pytest.raises(UsagePurged):
        billing.correct_usage(APP, "one", event.id, event.event_at, 1)


def test_a_cached_entitlement_is_not_served_after_a_correction(
    session: Session, billing: Billing
) -> None:
    plan = billing.create_plan(APP, "pro", "Pro", "USD", features=[{"key": "calls", "limit": 10}])
    billing.create_subscription(APP, "one", plan.id)
    for key in ("a", "b"):
        billing.record_usage(APP, "one", "calls", quantity=3, idempotency_key=key)
    events = stored(billing)

    def cached() -> Decimal | None:
        found = billing.get_cached_entitlement(APP, "one", "calls")
        return None if found is None else found.used

    billing.set_cached_entitlement(APP, "one", "calls")
    assert cached() == 6
    billing.correct_usage(APP, "one", events["a"].id, events["a"].event_at, 4)
    assert cached() is None
    billing.set_cached_entitlement(APP, "one", "calls")
    assert cached() == 7
    # As many events as before, and another sum.
    billing.remove_usage(APP, "one", events["a"].id, events["a"].event_at)
    billing.record_usage(APP, "one", "calls", quantity=1, idempotency_key="c")
    assert cached() is None
    assert billing.check_entitlement(APP, "one", "calls").used == 4


# Two at once


def remove(conn: Session, event: UsageEvent) -> None:
    Billing(conn).remove_usage(APP, "one", event.id, event.event_at)


def test_a_removed_value_stays_where_another_event_is_just_adding_it(
    session: Session,
    billing: Billing,
    connect: Connect,
    wait_until_blocked: WaitUntilBlocked,
) -> None:
    """Both orders: the one who waits sees what the other one has left."""
    for number, first in enumerate(("remove", "record")):
        record(session, f"old{number}", "5", NOW - HOUR, f"u{number}")
        event = stored(billing)[f"old{number}"]
        one, two = connect(**PATIENCE), connect(**PATIENCE)
        actions: dict[str, Callable[[Session], object]] = {
            "remove": partial(remove, event=event),
            "record": partial(
                record, key=f"new{number}", quantity="3", at=NOW - HOUR, user=f"u{number}"
            ),
        }
        actions[first](one)
        second = "record" if first == "remove" else "remove"
        with ThreadPoolExecutor(1) as pool:
            future = pool.submit(actions[second], two)
            try:
                wait_until_blocked(two.info.backend_pid, by=one.info.backend_pid)
            finally:
                one.commit()
            future.result(timeout=60)
        two.commit()
        assert_totals(billing)


def test_a_purge_and_a_correction_of_its_tenant_wait_for_each_other(
    session: Session,
    billing: Billing,
    connect: Connect,
    wait_until_blocked: WaitUntilBlocked,
) -> None:
    """A purge locks the tenant and not its events: corrections lock the tenant before the event."""
    for key in ("a", "b"):
        record(session, key, "5", NOW - 5 * HOUR)
    event = stored(billing)["a"]
    one, two = connect(**PATIENCE), connect(**PATIENCE)
    Billing(one).correct_usage(APP, "one", event.id, event.event_at, 7)
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(Billing(two).purge_usage, APP, NOW - 2 * HOUR)
        try:
            wait_until_blocked(two.info.backend_pid, by=one.info.backend_pid)
        finally:
            one.commit()
        assert future.result(timeout=60) == 2
        refused = pool.submit(Billing(one).correct_usage, APP, "one", event.id, event.event_at, 8)
        try:
            wait_until_blocked(one.info.backend_pid, by=two.info.backend_pid)
        finally:
            two.commit()
        with pytest.raises(UsagePurged):
            refused.result(timeout=60)
    one.rollback()
    assert stored(billing) == {}


def test_corrections_reports_and_purges_at_once_leave_totals_exact(
    session: Session, billing: Billing, connect: Connect
) -> None:
    for number in range(60):
        record(session, f"k{number}", str(number), NOW - number * HOUR / 20, f"u{number % 5}")
    events = list(stored(billing).values())

    def correct(number: int) -> None:
        dice = random.Random(number)
        with connect(autocommit=True, **PATIENCE) as conn:
            for event in dice.sample(events, 40):
                try:
                    if dice.random() < 0.5:
                        Billing(conn).remove_usage(APP, "one", event.id, event.event_at)
                    else:
                        Billing(conn).correct_usage(
                            APP, "one", event.id, event.event_at, dice.randrange(99)
                        )
                except UsageNotFound:
                    assert event.quantity is not None

    def report(number: int) -> None:
        dice = random.Random(number)
        with connect(autocommit=True, **PATIENCE) as conn:
            for place in range(40):
                at = NOW - timedelta(minutes=dice.randrange(180))
                record(conn, f"{number}-{place}", "7", at, dice.choice(["u1", "u7"]))

    with ThreadPoolExecutor(4) as pool:
        futures = [pool.submit(correct, number) for number in (1, 2)]
        futures += [pool.submit(report, number) for number in (3, 4)]
        for future in futures:
            future.result(timeout=120)
    assert_totals(billing)


# What was billed


def test_a_correction_is_on_the_next_invoice_once(connect: Connect, set_clock: SetClock) -> None:
    conn = connect(autocommit=True)
    carry_clock(conn, set_clock, "2025-01-01 00:00")
    make_feature(conn, "calls")
    make_feature(conn, "team", type="seat")
    customer = Customer(conn)
    prices = [
        {"feature": "calls", "model": "per_unit", "unit_amount": "1"},
        {"feature": "team", "model": "per_unit", "unit_amount": "31"},
    ]
    customer.tenant.create(make_plan(conn, "pro", prices=prices))
    customer.at("2025-01-31 23:00")
    for quantity in (40, 60):
        customer.use("calls", quantity, "2025-01-10 10:20")
    customer.use("team", 3, "2025-01-11 00:00")
    customer.use("team", 1, "2025-01-21 00:00")

    def change(feature: str, old: int, new: int | None) -> None:
        (event,) = [
            row
            for row in customer.tenant.rows("ledger_query_usage")
            if (row["feature_key"], row["quantity"]) == (feature, old)
        ]
        arguments = {"id": event["id"], "event_at": event["event_at"]}
        if new is None:
            customer.tenant.one("ledger_remove_usage", **arguments)
        else:
            customer.tenant.one("ledger_correct_usage", quantity=new, **arguments)

    # Before an invoice is final it simply counts as it is by then.
    change("calls", 60, 70)
    customer.at("2025-02-01 00:00")
    customer.advance(invoices="draft")
    change("calls", 70, 65)
    (draft,) = customer.invoices()
    assert customer.finalize(draft["id"])["total"] == 105 + 30 + 11
    change("calls", 65, 60)
    change("team", 3, 2)
    customer.at("2025-03-01 00:00")
    customer.advance()
    change("calls", 40, None)
    customer.at("2025-04-01 00:00")
    customer.advance()
    customer.at("2025-05-01 00:00")
    customer.advance()
    late = [
        [line[1:] for line in lines(row) if line[0] == "late_usage" and line[3] != 0]
        for row in customer.invoices()
    ]
    assert [[(item, amount) for item, _, amount in row] for row in late] == [
        [],
        [("calls", Decimal(-5)), ("team", Decimal(-10))],
        [("calls", Decimal(-40))],
        [],
    ]


# What was rejected is no usage


@pytest.mark.parametrize(
    "wrong",
    [
        {"quantity": "-1"},
        {"quantity": "NaN"},
        {"event_at": "1969-12-31"},
        {"event_at": "2999-01-01"},
        {"idempotency_key": ""},
        {"metadata": "[1]"},
        {"metadata": "{}"},
    ],
    ids=str,
)
def test_a_rejected_event_is_no_usage(
    session: Session, billing: Billing, wrong: dict[str, str]
) -> None:
    sound = Event("new", "users", "1", metadata='{"user": "a"}')
    for event in ([replace(sound, **wrong)], [replace(sound, **wrong)] * 3):
        assert {answer[1] for answer in ingest(session, event)} == {"rejected"}
    with pytest.raises(PgledgerError):
        call(
            session,
            "ledger_record_usage",
            app_id=APP,
            tenant_id="new",
            feature_key="users",
            metadata={"user": "a"},
            quantity=-1,
        )
    for table in ("tenants", "meters", "usage_rollups", "usage_values"):
        row = session.execute(f"select count(*) from pgledger.{table}".encode()).fetchone()
        assert row == (0,), table
    feature = billing.get_feature_by_key(APP, "users")
    assert feature is not None
    assert billing.delete_feature(APP, feature.id).key == "users"


def test_what_is_sound_beside_what_is_rejected_opens_its_own_meter_only(
    session: Session, billing: Billing
) -> None:
    answers = ingest(
        session,
        [
            Event("new", "calls", "-1"),
            Event("new", "users", "1", metadata='{"user": "a"}'),
            Event("other", "users", "1", metadata='{"user": ""}'),
        ],
    )
    assert [answer[1] for answer in answers] == ["rejected", "inserted", "rejected"]
    assert session.execute("select tenant_id, feature_key from pgledger.meters").fetchall() == [
        ("new", "users")
    ]


def test_numbers_are_one_value_however_they_are_written(session: Session, billing: Billing) -> None:
    values = ["1", "1.0", "1.00", '"1"', "1e0", "[1.0]", "[1]", '{"a": [2.50]}', '{"a": [2.5]}']
    at = (NOW - timedelta(minutes=1)).isoformat()
    ingest(
        session,
        [
            Event("one", "users", event_at=at, metadata=f'{{"user": {value}}}')
            for value in [*values, '"1.0"', "0.10", "0.1"]
        ],
    )
    # Out of the totals, out of the events, and asked of one value.
    for starts_at in (NOW - timedelta(days=40), NOW - timedelta(minutes=5)):
        assert billing.aggregate_usage(APP, "one", "users", starts_at, NOW + HOUR) == 5
    plan = billing.create_plan(APP, "pro", "Pro", "USD", features=[{"key": "users", "limit": 5}])
    billing.create_subscription(APP, "one", plan.id, started_at=NOW - timedelta(minutes=5))
    for value, allowed in ((1.00, True), ([1.0], True), (3, False)):
        consumed = billing.consume_entitlement(APP, "one", "users", metadata={"user": value})
        assert consumed.allowed is allowed
