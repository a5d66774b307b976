"""Many sessions that use, report and purge at once: limits hold, and each event counts once.

Sessions are threads with a connection each. What has to happen first is waited for by looking at
what the server says its sessions do.
"""

import itertools
import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Literal

import psycopg
import pytest
from psycopg import IsolationLevel, OperationalError
from psycopg.errors import InsufficientPrivilege, SerializationFailure

from pgledger import Billing, UsageEvent, run_transaction
from pgledger.embedded import EmbeddedServer
from pgledger.errors import IdempotencyConflict
from pgledger.migrate import migrate
from support.clock import SetClock
from support.database import Connect
from support.server import NewServer
from support.usage_model import (
    AGGREGATIONS,
    HOUR,
    Aggregation,
    Counted,
    Event,
    hour_of,
    ingest,
    total,
)
from support.waiting import WaitUntilBlocked

APP = "acme"
DAY = timedelta(days=1)
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
FAR_AHEAD = datetime(2999, 1, 1, tzinfo=UTC)
# A session that waits for ever would hold the run; one that waits this long has been forgotten.
PATIENCE = {"options": "-c statement_timeout=60s"}
ATTEMPTS = 10_000
LEVELS = (IsolationLevel.READ_COMMITTED, IsolationLevel.REPEATABLE_READ)

levels = pytest.mark.parametrize("level", LEVELS, ids=lambda level: level.name.lower())

Session = psycopg.Connection[Any]

FEATURES: Mapping[str, tuple[Literal["metered", "seat"], Aggregation | None]] = {
    "calls": ("metered", "sum"),
    "hits": ("metered", "count"),
    "users": ("metered", "unique_count"),
    "seats": ("seat", None),
}


def prepare(session: Session) -> Billing:
    billing = Billing(session)
    for key, (kind, aggregation) in FEATURES.items():
        billing.create_feature(
            APP,
            key,
            key,
            type=kind,
            aggregation=aggregation,
            unique_key="user" if aggregation == "unique_count" else None,
        )
    return billing


@pytest.fixture
def billing(connect: Connect) -> Billing:
    return prepare(connect(autocommit=True, **PATIENCE))


_slugs = itertools.count()


def subscribe(billing: Billing, tenant_id: str, **limits: Any) -> None:
    """Subscribes a tenant to a plan with these limits, each a number or more of the feature."""
    features = [
        {"key": key, **(limit if isinstance(limit, dict) else {"limit": limit})}
        for key, limit in limits.items()
    ]
    plan = billing.create_plan(APP, f"plan{next(_slugs)}", "Plan", "USD", features=features)
    billing.create_subscription(APP, tenant_id, plan.id)


def side_by_side(calls: Sequence[Callable[[], Any]]) -> list[Any]:
    """Runs each call in a thread of its own, all at once, and returns their results."""
    barrier = threading.Barrier(len(calls))

    def run(call: Callable[[], Any]) -> Any:
        barrier.wait()
        return call()

    with ThreadPoolExecutor(len(calls)) as pool:
        return [future.result() for future in [pool.submit(run, call) for call in calls]]


def joined(calls: Sequence[Callable[[], list[Any]]]) -> list[Any]:
    return list(itertools.chain.from_iterable(side_by_side(calls)))


def summed(calls: Sequence[Callable[[], Counter[Any]]]) -> Counter[Any]:
    told: Counter[Any] = Counter()
    for counted in side_by_side(calls):
        told.update(counted)
    return told


def statuses(answers: Sequence[Any]) -> list[str]:
    return [answer[1] for answer in answers]


def used(
    billing: Billing, tenant_id: str, feature_key: str, aggregation: Aggregation = "sum"
) -> Decimal:
    return billing.aggregate_usage(
        APP, tenant_id, feature_key, LONG_AGO, FAR_AHEAD, aggregation=aggregation
    )


def events_of(billing: Billing, tenant_id: str) -> list[UsageEvent]:
    return billing.query_usage(APP, tenant_id, page_size=10_000)


def assert_totals_are_those_of_the_events(billing: Billing, *tenant_ids: str) -> None:
    """Compares roll-ups, of whole days and of hours, with the events one by one."""
    for tenant_id in tenant_ids:
        by_feature: dict[str, list[Counted]] = {}
        for place, event in enumerate(events_of(billing, tenant_id)):
            by_feature.setdefault(event.feature_key, []).append(
                Counted(
                    tenant_id,
                    event.feature_key,
                    event.quantity,
                    event.event_at,
                    place,
                    event.idempotency_key,
                    (event.metadata or {}).get("user"),
                )
            )
        for key, events in by_feature.items():
            hours = sorted({hour_of(event.event_at) for event in events})
            ranges = [(LONG_AGO, FAR_AHEAD), (hours[0], hours[-1] + HOUR)]
            ranges += [(hour, hour + HOUR) for hour in hours[::12]]
            for starts_at, ends_at in ranges:
                between = [event for event in events if starts_at <= event.event_at < ends_at]
                for aggregation in AGGREGATIONS:
                    if aggregation != "unique_count" or key == "users":
                        assert billing.aggregate_usage(
                            APP, tenant_id, key, starts_at, ends_at, aggregation=aggregation
                        ) == total(between, aggregation), (key, starts_at, ends_at, aggregation)


# Limits


def consume_many(
    conn: Session, number: int, feature_key: str, level: IsolationLevel | None
) -> list[Any]:
    """Consumes one after another; at a level that can fail for others, until it does not."""

    def once(conn: Session) -> Any:
        return Billing(conn).consume_entitlement(APP, "one", feature_key)

    if level is None:
        return [once(conn) for _ in range(number)]
    return [
        run_transaction(conn, once, attempts=ATTEMPTS, isolation_level=level) for _ in range(number)
    ]


@pytest.mark.parametrize(
    ("feature_key", "sessions", "level"),
    [
        ("calls", 20, None),
        ("hits", 20, None),
        ("seats", 20, None),
        ("calls", 8, IsolationLevel.REPEATABLE_READ),
        ("seats", 8, IsolationLevel.REPEATABLE_READ),
        ("calls", 4, IsolationLevel.SERIALIZABLE),
    ],
    ids=lambda value: value.name.lower() if isinstance(value, IsolationLevel) else None,
)
def test_200_consumers_of_a_quota_of_100_get_exactly_100(
    billing: Billing,
    connect: Connect,
    feature_key: str,
    sessions: int,
    level: IsolationLevel | None,
) -> None:
    subscribe(billing, "one", **{feature_key: 100})
    conns = [connect(autocommit=level is None, **PATIENCE) for _ in range(sessions)]
    answers = joined(
        [
            lambda conn=conn: consume_many(conn, 200 // sessions, feature_key, level)  # type: ignore[misc]
            for conn in conns
        ]
    )
    assert len(answers) == 200
    assert Counter(answer.reason for answer in answers) == {
        "within_limit": 100,
        "limit_exceeded": 100,
    }
    # Each took a place of its own.
    assert sorted(answer.used for answer in answers if answer.allowed) == list(range(1, 101))
    assert len({answer.event_id for answer in answers if answer.allowed}) == 100
    assert billing.check_entitlement(APP, "one", feature_key).used == 100
    assert len(events_of(billing, "one")) == 100
    assert_totals_are_those_of_the_events(billing, "one")


def test_a_limit_holds_for_quantities_of_all_sizes(billing: Billing, connect: Connect) -> None:
    subscribe(billing, "one", calls="100.5")
    conns = [connect(autocommit=True, **PATIENCE) for _ in range(8)]
    sizes = [Decimal(size) for size in ("0.5", "1", "2.25", "7", "30")]

    def run(number: int) -> list[Decimal]:
        dice = random.Random(number)
        taken = []
        for _ in range(12):
            size = dice.choice(sizes)
            consumed = Billing(conns[number]).consume_entitlement(
                APP, "one", "calls", quantity=size
            )
            assert consumed.used <= consumed.limit
            taken += [size] if consumed.allowed else []
        return taken

    taken = joined([lambda n=n: run(n) for n in range(8)])  # type: ignore[misc]
    assert billing.check_entitlement(APP, "one", "calls").used == sum(taken) <= Decimal("100.5")
    # Nothing was refused that there was room for.
    remaining = billing.remaining_entitlement(APP, "one", "calls")
    assert remaining == Decimal("100.5") - sum(taken)
    assert billing.consume_entitlement(APP, "one", "calls", quantity=remaining).allowed


def test_a_limit_holds_in_each_period_while_the_clock_goes_on(
    billing: Billing, connect: Connect, set_clock: SetClock
) -> None:
    """The clock moves on each time that it is read: 5 minutes, so that most calls see several."""
    start = datetime(2026, 3, 1, tzinfo=UTC)
    set_clock(billing.conn, start)
    subscribe(billing, "one", calls={"limit": 20, "period": "day"}, hits={"limit": 100})
    billing.conn.execute("create sequence public.ticks")
    billing.conn.execute("grant usage on public.ticks to public")
    set_clock(
        billing.conn,
        f"timestamptz '{start}' + nextval('public.ticks') * interval '5 minutes'",
    )
    conns = [connect(autocommit=True, **PATIENCE) for _ in range(8)]

    def run(number: int) -> list[Any]:
        own = Billing(conns[number])
        return [own.consume_entitlement(APP, "one", "calls") for _ in range(40)]

    answers = joined([lambda n=n: run(n) for n in range(8)])  # type: ignore[misc]
    days = Counter((event.event_at - start) // DAY for event in events_of(billing, "one"))
    assert sum(days.values()) == sum(answer.allowed for answer in answers)
    assert max(days) >= 2
    assert all(count <= 20 for count in days.values()), days
    # There was more than enough demand in all but the last.
    assert all(days[day] == 20 for day in range(max(days))), days
    set_clock(billing.conn, None)
    assert_totals_are_those_of_the_events(billing, "one")


def test_a_limit_of_a_longer_period_holds_across_hours_and_days(
    billing: Billing, connect: Connect, set_clock: SetClock
) -> None:
    start = datetime(2026, 3, 1, tzinfo=UTC)
    set_clock(billing.conn, start)
    subscribe(billing, "one", calls=100)
    billing.conn.execute("create sequence public.ticks")
    billing.conn.execute("grant usage on public.ticks to public")
    set_clock(
        billing.conn,
        f"timestamptz '{start}' + nextval('public.ticks') * interval '11 minutes'",
    )
    conns = [connect(autocommit=True, **PATIENCE) for _ in range(8)]
    answers = joined(
        [lambda conn=conn: consume_many(conn, 25, "calls", None) for conn in conns]  # type: ignore[misc]
    )
    assert Counter(answer.allowed for answer in answers) == {True: 100, False: 100}
    assert len({event.event_at.date() for event in events_of(billing, "one")}) > 2
    assert used(billing, "one", "calls") == 100


def test_seats_are_counted_one_by_one_while_their_level_is_reported(
    billing: Billing, connect: Connect
) -> None:
    """Each consumer adds to the level that is the latest, whoever set it."""
    subscribe(billing, "one", seats=10)
    conns = [connect(autocommit=True, **PATIENCE) for _ in range(8)]

    def consume(number: int) -> None:
        for _ in range(30):
            Billing(conns[number]).consume_entitlement(
                APP, "one", "seats", metadata={"by": "consume"}
            )

    def report(number: int) -> None:
        dice = random.Random(number)
        for _ in range(20):
            level = dice.randrange(9)
            events = [Event("one", "seats", str(level)), Event("two", "seats", "1")]
            ingest(conns[number], dice.sample(events, 2))

    side_by_side(
        [lambda n=n: consume(n) for n in range(6)] + [lambda n=n: report(n) for n in (6, 7)]  # type: ignore[misc]
    )
    level = Decimal(0)
    consumed = 0
    for event in events_of(billing, "one"):
        if event.metadata is None:
            level = event.quantity
        else:
            assert event.quantity == level + 1 <= 10
            level += 1
            consumed += 1
    assert consumed > 0
    assert billing.check_entitlement(APP, "one", "seats").used == level


# Keys


@pytest.fixture
def in_the_background() -> Iterator[Callable[..., Future[Any]]]:
    with ThreadPoolExecutor(1) as pool:
        yield pool.submit


@pytest.mark.parametrize("ends", ["commit", "rollback"])
@levels
def test_a_key_is_consumed_or_reported_once_whoever_comes_first(
    billing: Billing,
    connect: Connect,
    wait_until_blocked: WaitUntilBlocked,
    in_the_background: Callable[..., Future[Any]],
    level: IsolationLevel,
    ends: str,
) -> None:
    def report(conn: Session, tenant: str, quantity: str = "1") -> Any:
        ((_, status, event_id, error, _),) = ingest(
            conn, [Event(tenant, "calls", quantity, idempotency_key="k")]
        )
        assert error in (None, "LG023")
        return ("conflict" if error else status), event_id

    def report_more(conn: Session, tenant: str) -> Any:
        return report(conn, tenant, "2")

    def consume(conn: Session, tenant: str) -> Any:
        try:
            consumed = Billing(conn).consume_entitlement(APP, tenant, "calls", idempotency_key="k")
        except IdempotencyConflict:
            conn.rollback()
            return "conflict", None
        assert consumed.allowed
        return consumed.reason.replace("within_limit", "inserted"), consumed.event_id

    # What is to come of the second where the first commits.
    pairs = [
        (consume, consume, "duplicate"),
        (consume, report, "duplicate"),
        (report, consume, "duplicate"),
        (report, report, "duplicate"),
        (report_more, consume, "conflict"),
        (report_more, report, "conflict"),
        (consume, report_more, "conflict"),
    ]
    holder, waiting = connect(**PATIENCE), connect(**PATIENCE)
    waiting.isolation_level = level
    for number, (first, second, expected) in enumerate(pairs):
        tenant = f"t{number}"
        # One is all there is: a repeated call must not be refused for what it has used itself.
        subscribe(billing, tenant, calls=1)
        # The meters and the tenant are there, so that it is the key that is waited for.
        ingest(billing.conn, [Event(tenant, "calls", "0")])
        # A snapshot from before, where there is one.
        waiting.execute("select count(*) from ledger_plans")
        status, event_id = first(holder, tenant)
        assert status == "inserted"
        future = in_the_background(second, waiting, tenant)
        try:
            wait_until_blocked(waiting.info.backend_pid, by=holder.info.backend_pid)
        finally:
            getattr(holder, ends)()
        names = (first.__name__, second.__name__)
        if ends == "rollback":
            assert future.result(timeout=60)[0] == "inserted", names
        elif level is IsolationLevel.READ_COMMITTED:
            found_id = event_id if expected == "duplicate" else None
            assert future.result(timeout=60) == (expected, found_id), names
        else:
            with pytest.raises(SerializationFailure):
                future.result(timeout=60)
            waiting.rollback()
            assert second(waiting, tenant)[0] == expected, names
        waiting.commit()
        counted = [event for event in events_of(billing, tenant) if event.idempotency_key == "k"]
        assert len(counted) == 1, names


def keyed_events(dice: random.Random, size: int, *, seats: bool = False) -> list[Event]:
    """Makes events of some tenants, features and hours, each with a key of its own."""
    now = datetime.now(UTC)
    return [
        Event(
            dice.choice(["one", "two", "three"]),
            dice.choice(["calls", "hits", "users", *(["seats"] if seats else [])]),
            str(dice.randrange(100)),
            # No two at one time: which of those is the latest is up to who came last.
            event_at=(now - dice.randrange(80) * HOUR + timedelta(microseconds=number)).isoformat(),
            idempotency_key=f"k{number}",
            metadata=f'{{"user": "u{dice.randrange(20)}"}}',
        )
        for number in range(size)
    ]


@levels
def test_the_same_events_from_eight_sessions_count_once(
    billing: Billing, connect: Connect, level: IsolationLevel
) -> None:
    sessions = 8 if level is IsolationLevel.READ_COMMITTED else 4
    events = keyed_events(random.Random(1), 400, seats=True)
    conns = [connect(**PATIENCE) for _ in range(sessions)]

    def run(number: int) -> Counter[tuple[str, Event]]:
        dice = random.Random(number)
        told: Counter[tuple[str, Event]] = Counter()
        mine = dice.sample(events, len(events))
        for start in range(0, len(mine), 50):
            batch = mine[start : start + 50]
            answers = run_transaction(
                conns[number],
                lambda conn: statuses(ingest(conn, batch)),  # noqa: B023
                attempts=ATTEMPTS,
                isolation_level=level,
            )
            told.update(zip(answers, batch, strict=True))
        return told

    told = summed([lambda n=n: run(n) for n in range(sessions)])  # type: ignore[misc]
    assert told == Counter(
        {("inserted", event): 1 for event in events}
        | {("duplicate", event): sessions - 1 for event in events}
    )
    tenants = ("one", "two", "three")
    assert sum(len(events_of(billing, tenant)) for tenant in tenants) == len(events)
    assert_totals_are_those_of_the_events(billing, *tenants)


# Deadlocks: one call never deadlocks with another


def test_overlapping_batches_in_opposite_order_never_deadlock(
    billing: Billing, connect: Connect
) -> None:
    conns = [connect(autocommit=True, **PATIENCE) for _ in range(2)]
    dice = random.Random(2)
    for turn in range(30):
        # Tenants and meters are new each time, so they are made by both as well.
        events = [
            Event(
                f"{event.tenant_id}{turn}",
                event.feature_key,
                event.quantity,
                event_at=event.event_at,
                idempotency_key=event.idempotency_key if dice.random() < 0.7 else None,
                metadata=event.metadata,
            )
            for event in keyed_events(dice, 60, seats=turn % 2 == 0)
        ]
        forth, back = side_by_side(
            [lambda: ingest(conns[0], events), lambda: ingest(conns[1], events[::-1])]  # noqa: B023
        )
        both = Counter(zip(statuses(forth), statuses(back)[::-1], strict=True))
        assert set(both) <= {
            ("inserted", "duplicate"),
            ("duplicate", "inserted"),
            ("inserted", "inserted"),
        }
        assert both["inserted", "inserted"] == sum(
            event.idempotency_key is None for event in events
        )
    assert_totals_are_those_of_the_events(billing, "one0", "two0", "three1")


def test_every_kind_of_call_beside_every_other_never_deadlocks(
    billing: Billing, connect: Connect
) -> None:
    """Each call is a transaction of its own, as most programs make them."""
    tenants = ("one", "two", "three")
    for tenant in tenants:
        subscribe(billing, tenant, calls=1000, seats=50, users=-1)

    def run(number: int) -> Counter[str]:
        conn = conns[number]
        own, dice = Billing(conn), random.Random(number)
        told: Counter[str] = Counter()
        for _ in range(50):
            tenant = dice.choice(tenants)
            key = f"k{dice.randrange(40)}"
            calls: list[Callable[[], Any]] = [
                lambda: ingest(conn, dice.sample(events, 30)),
                lambda: ingest(conn, dice.sample(events, 30)),
                lambda: own.consume_entitlement(APP, tenant, "calls", idempotency_key=key),  # noqa: B023
                lambda: own.consume_entitlement(APP, tenant, "seats", idempotency_key=key),  # noqa: B023
                lambda: own.consume_entitlement(APP, tenant, "users", metadata={"user": key}),  # noqa: B023
                lambda: own.purge_usage(APP, purge_before, max_events=20),
                lambda: own.set_cached_entitlement(APP, tenant, "calls"),  # noqa: B023
                lambda: own.get_cached_entitlement(APP, tenant, "calls"),  # noqa: B023
                lambda: own.invalidate_tenant_entitlements(APP, tenant),  # noqa: B023
                lambda: own.invalidate_feature_entitlements(APP, "calls"),
                lambda: own.advance(APP),
            ]
            try:
                dice.choice(calls)()
                told["done"] += 1
            except SerializationFailure:
                told["again"] += 1
            except IdempotencyConflict:
                told["taken"] += 1
        return told

    events = keyed_events(random.Random(3), 120, seats=True)
    purge_before = datetime.now(UTC) - 20 * HOUR
    conns = [connect(autocommit=True, **PATIENCE) for _ in range(8)]
    for conn in conns[::3]:
        conn.isolation_level = IsolationLevel.REPEATABLE_READ
    told = summed([lambda n=n: run(n) for n in range(8)])  # type: ignore[misc]
    assert sum(told.values()) == 8 * 50
    assert told["done"] > 200


def test_calls_that_make_meters_and_take_seats_never_deadlock(
    billing: Billing, connect: Connect, wait_until_blocked: WaitUntilBlocked
) -> None:
    """Who makes a meter does not wait for seats of somebody who waits for that meter."""
    ingest(billing.conn, [Event("one", "hits"), Event("two", "hits")])
    holder = connect(**PATIENCE)
    making, taking = (connect(autocommit=True, **PATIENCE) for _ in range(2))
    ingest(holder, [Event("two", "calls")])
    with ThreadPoolExecutor(2) as pool:
        made = pool.submit(
            ingest,
            making,
            [Event("one", "calls"), Event("two", "calls"), Event("two", "seats")],
        )
        try:
            # It has made the first of its meters and waits for the second.
            wait_until_blocked(making.info.backend_pid, by=holder.info.backend_pid)
            ingest(billing.conn, [Event("one", "seats")])
            taken = pool.submit(ingest, taking, [Event("one", "seats", "2"), Event("one", "calls")])
            wait_until_blocked(taking.info.backend_pid, by=making.info.backend_pid)
        finally:
            holder.commit()
        assert statuses(made.result(timeout=60)) == ["inserted"] * 3
        assert statuses(taken.result(timeout=60)) == ["inserted"] * 2
    assert used(billing, "one", "calls") == used(billing, "two", "calls") == 2
    assert used(billing, "one", "seats", "latest") == 2


def test_a_purge_and_a_transaction_of_late_events_never_deadlock(
    billing: Billing,
    connect: Connect,
    wait_until_blocked: WaitUntilBlocked,
    in_the_background: Callable[..., Future[Any]],
) -> None:
    at = (datetime.now(UTC) - 5 * HOUR).isoformat()
    old = [Event("one", "calls", event_at=at, idempotency_key=f"k{n}") for n in range(5)]
    ingest(billing.conn, old)
    late = connect(**PATIENCE)
    late.isolation_level = IsolationLevel.REPEATABLE_READ
    purging = connect(autocommit=True, **PATIENCE)
    assert statuses(ingest(late, [Event("one", "calls", event_at=at)])) == ["inserted"]
    future = in_the_background(Billing(purging).purge_usage, APP, datetime.now(UTC) - 2 * HOUR)
    try:
        wait_until_blocked(purging.info.backend_pid, by=late.info.backend_pid)
        assert statuses(ingest(late, old)) == ["duplicate"] * 5
    finally:
        late.commit()
    # It begins to look for events when nobody else holds the tenant.
    assert future.result(timeout=60) == 6
    assert used(billing, "one", "calls") == 6


# The cache


def test_whatever_is_served_is_what_a_check_says_at_that_moment(
    billing: Billing, connect: Connect
) -> None:
    """Sessions change things and remember answers; others look at both in one snapshot."""
    subscribe(billing, "one", calls=1000, seats=50)
    (subscription,) = billing.list_subscriptions(APP, "one")
    stop = threading.Event()

    def change(conn: Session, number: int) -> int:
        own, dice = Billing(conn), random.Random(number)
        for turn in range(60):
            changes: list[Callable[[], Any]] = [
                lambda: own.record_usage(APP, "one", "calls"),
                lambda: own.consume_entitlement(APP, "one", "calls"),
                lambda: own.invalidate_tenant_entitlements(APP, "one"),
                lambda: own.invalidate_feature_entitlements(APP, "calls"),
                lambda: own.update_plan(
                    APP,
                    subscription.plan_id,
                    features=[{"key": "calls", "limit": dice.randrange(100, 2000)}],
                ),
                lambda: own.pause_subscription(APP, "one", subscription.id),
                lambda: own.resume_subscription(APP, "one", subscription.id),
            ]
            with conn.transaction():
                dice.choice(changes)()
                if turn % 3 == 0:
                    own.set_cached_entitlement(APP, "one", "calls")
        return 0

    def remember(conn: Session, number: int) -> int:
        level = LEVELS[number % 2]
        while not stop.is_set():
            with suppress(SerializationFailure):
                run_transaction(
                    conn,
                    lambda conn: Billing(conn).set_cached_entitlement(APP, "one", "calls"),
                    isolation_level=level,
                )
        return 0

    def look(conn: Session, number: int) -> int:
        served = 0
        conn.isolation_level = IsolationLevel.REPEATABLE_READ
        while not stop.is_set():
            with conn.transaction():
                found = Billing(conn).get_cached_entitlement(APP, "one", "calls", quantity=number)
                if found is not None:
                    told = Billing(conn).check_entitlement(APP, "one", "calls", quantity=number)
                    assert found == told
                    served += 1
        return served

    changers = [connect(**PATIENCE) for _ in range(2)]
    others = [connect(**PATIENCE) for _ in range(4)]
    with ThreadPoolExecutor(6) as pool:
        looking = [pool.submit(look, conn, number) for number, conn in enumerate(others[:2])]
        setting = [pool.submit(remember, conn, number) for number, conn in enumerate(others[2:])]
        changing = [pool.submit(change, conn, number) for number, conn in enumerate(changers)]
        try:
            for future in changing:
                future.result(timeout=90)
        finally:
            stop.set()
        for future in setting:
            future.result(timeout=90)
        assert sum(future.result(timeout=90) for future in looking) > 0


# A session that dies


def test_a_killed_session_has_done_nothing_by_half(
    new_server: NewServer, wait_until_gone: Callable[[EmbeddedServer, Session], None]
) -> None:
    server = new_server(settings={"fsync": "on", "full_page_writes": "on"})
    migrate(server.dsn())
    dice = random.Random(4)
    events = keyed_events(dice, 300, seats=True)
    with psycopg.connect(server.dsn(), autocommit=True) as conn:
        prepare(conn)
        ingest(conn, events[:100])

    # Closed, and not left as contexts: that would commit what is open.
    with (
        closing(psycopg.connect(server.dsn())) as holder,
        closing(psycopg.connect(server.dsn())) as doomed,
    ):
        # The last key of the doomed batch is taken by a transaction that goes on.
        last = max(
            (event for event in events[100:] if event.feature_key != "seats"),
            key=lambda event: (event.tenant_id == "three", event.idempotency_key or ""),
        )
        ingest(holder, [last])
        with ThreadPoolExecutor(1) as pool:
            future = pool.submit(ingest, doomed, events)
            with psycopg.connect(server.dsn(), autocommit=True) as watch:
                deadline = time.monotonic() + 30
                while watch.execute(
                    "select cardinality(pg_blocking_pids(%s))", [doomed.info.backend_pid]
                ).fetchone() == (0,):
                    assert time.monotonic() < deadline
                    assert not future.done()
                os.kill(doomed.info.backend_pid, signal.SIGKILL)
            with pytest.raises(OperationalError):
                future.result(timeout=60)
        wait_until_gone(server, holder)

    with psycopg.connect(server.dsn(), autocommit=True) as conn:
        billing = Billing(conn)
        tenants = ("one", "two", "three")
        assert sum(len(events_of(billing, tenant)) for tenant in tenants) == 100
        assert_totals_are_those_of_the_events(billing, *tenants)
        assert Counter(statuses(ingest(conn, events))) == {"inserted": 200, "duplicate": 100}
        assert_totals_are_those_of_the_events(billing, *tenants)


@pytest.fixture
def wait_until_gone() -> Callable[[EmbeddedServer, Session], None]:
    """Waits until a server that lost a session has ended another, and takes connections again."""

    def wait(server: EmbeddedServer, other: Session) -> None:
        deadline = time.monotonic() + 60
        # Until the server has noticed what was done to it, it goes on taking connections.
        with suppress(OperationalError):
            while True:
                other.execute("select")
                assert time.monotonic() < deadline
        while True:
            try:
                psycopg.connect(server.dsn()).close()
            except OperationalError:
                assert time.monotonic() < deadline
                time.sleep(0.02)
            else:
                return

    return wait


# Who calls, and from where


def test_nothing_of_the_caller_takes_the_place_of_what_is_ours(
    billing: Billing, connect: Connect
) -> None:
    """Temporary tables and a schema before all others, with the names that our functions use."""
    subscribe(billing, "one", calls=10)
    own = connect(autocommit=True, **PATIENCE)
    own.execute("create schema mine")
    for name in (
        "tenants",
        "meters",
        "features",
        "plans",
        "subscriptions",
        "usage_events",
        "usage_rollups",
        "usage_values",
        "entitlement_cache",
        "ledger_usage_events",
    ):
        own.execute(f"create temporary table {name} (key integer, app_id text)".encode())
        own.execute(f"create table mine.{name} (key integer, app_id text)".encode())
    # Better matches than those of pg_catalog, if they were looked for here.
    for function in (
        "create function mine.clock() returns timestamptz return timestamptz 'epoch'",
        "create function mine.min_scale(numeric) returns integer return 99",
        "create function mine.date_bin(interval, timestamptz, timestamptz) returns int return 1",
        "create function mine.isfinite(timestamptz) returns boolean return false",
        "create function mine.char_length(text) returns integer return 0",
        "create function mine.same(text, text) returns boolean return false",
        "create operator mine.= (function = mine.same, leftarg = text, rightarg = text)",
    ):
        own.execute(function.encode())
    own.execute("set search_path = mine, pg_temp, public, pg_catalog")
    now = datetime.now(UTC)
    answers = own.execute(
        "select status from public.ledger_ingest_usage('acme', array['one', 'one'],"
        " array['calls', 'calls'], array[1, 2], array[%s, %s]::timestamptz[], array['a', 'b'])",
        [now - DAY, now],
    ).fetchall()
    assert answers == [("inserted",)] * 2
    billed = Billing(own, schema="public")
    assert (
        billed.consume_entitlement(APP, "one", "calls", idempotency_key="a").reason == "duplicate"
    )
    assert billed.consume_entitlement(APP, "one", "calls").used in {3, 4}
    assert billed.set_cached_entitlement(APP, "one", "calls") == billed.get_cached_entitlement(
        APP, "one", "calls"
    )
    assert billed.aggregate_usage(APP, "one", "calls", LONG_AGO, FAR_AHEAD) == 4
    assert [event.quantity for event in billed.query_usage(APP, "one")] == [1, 2, 1]
    assert billed.purge_usage(APP, now - 2 * HOUR) in {0, 1}
    assert used(billing, "one", "calls") == 4


def test_odd_settings_of_a_session_change_no_answer(billing: Billing, connect: Connect) -> None:
    subscribe(billing, "one", calls={"limit": 10, "period": "day"})
    odd = connect(autocommit=True, **PATIENCE)
    for setting in (
        "timezone = 'Asia/Kathmandu'",
        "datestyle = 'German, DMY'",
        "intervalstyle = 'sql_standard'",
        "extra_float_digits = -15",
        "bytea_output = 'escape'",
        "enable_hashjoin = off",
        "enable_seqscan = off",
        "plan_cache_mode = force_generic_plan",
        "transform_null_equals = on",
        "row_security = off",
        "default_transaction_isolation = 'serializable'",
        "max_parallel_workers_per_gather = 2",
        "standard_conforming_strings = off",
    ):
        odd.execute(f"set {setting}".encode())
    dice = random.Random(5)
    events = keyed_events(dice, 200)
    assert statuses(ingest(odd, events)) == ["inserted"] * 200
    assert statuses(ingest(odd, events)) == ["duplicate"] * 200
    assert_totals_are_those_of_the_events(Billing(odd), "one", "two", "three")
    assert_totals_are_those_of_the_events(billing, "one", "two", "three")
    for key in ("calls", "hits"):
        told = billing.check_entitlement(APP, "one", key)
        assert Billing(odd).set_cached_entitlement(APP, "one", key) == told
        assert billing.get_cached_entitlement(APP, "one", key) == told


def test_each_call_is_for_its_roles(billing: Billing, connect: Connect) -> None:
    subscribe(billing, "one", calls=10)
    ingest(billing.conn, [Event("one", "calls", idempotency_key="k")])
    session = connect(autocommit=True, **PATIENCE)
    own = Billing(session)
    now = datetime.now(UTC)
    reads: list[Callable[[], Any]] = [
        lambda: own.aggregate_usage(APP, "one", "calls", now - DAY, now),
        lambda: own.aggregate_usage_by_feature(APP, "one", ["calls"], now - DAY, now),
        lambda: own.query_usage(APP, "one"),
        lambda: own.check_entitlement(APP, "one", "calls"),
        lambda: own.remaining_entitlement(APP, "one", "calls"),
        lambda: own.get_cached_entitlement(APP, "one", "calls"),
        lambda: session.execute("select * from ledger_usage_events"),
        lambda: session.execute("select * from ledger_entitlement_cache"),
    ]
    writes: list[Callable[[], Any]] = [
        lambda: ingest(session, [Event("one", "calls")]),
        lambda: own.record_usage(APP, "one", "calls"),
        lambda: own.consume_entitlement(APP, "one", "calls"),
        lambda: own.consume_entitlement(APP, "one", "calls", idempotency_key="k"),
        lambda: own.purge_usage(APP, now - DAY),
        lambda: own.set_cached_entitlement(APP, "one", "calls"),
        lambda: own.invalidate_tenant_entitlements(APP, "one"),
        lambda: own.invalidate_feature_entitlements(APP, "calls"),
        lambda: own.set_usage_skew(APP, HOUR),
    ]
    private: list[Callable[[], Any]] = [
        lambda: session.execute("select * from pgledger.usage_events"),
        lambda: session.execute("delete from pgledger.usage_events"),
        lambda: session.execute("update ledger_usage_events set quantity = 0"),
        lambda: session.execute("delete from ledger_entitlement_cache"),
        lambda: session.execute("select nextval('pgledger.usage_calls_seq')"),
        lambda: session.execute("select pgledger.usage_between(1, null, 'sum', now(), now())"),
        lambda: session.execute("select * from pgledger.entitlement('acme', 'one', 'calls')"),
        lambda: session.execute(
            "select * from pgledger.consume_within_limit('acme', 'one', 'calls', 1, '', '{}')"
        ),
    ]
    allowed = {
        "pgledger_poster": (reads, writes),
        "pgledger_reader": (reads,),
        "pg_monitor": (),
    }
    for role, groups in allowed.items():
        session.execute(f"set role {role}".encode())
        for group in (reads, writes, private):
            for call in group:
                if group in groups:
                    call()
                else:
                    with pytest.raises(
                        (InsufficientPrivilege, psycopg.errors.ObjectNotInPrerequisiteState)
                    ):
                        call()
        session.execute("reset role")
    # As the poster: one batch, one event and one consumed; the fourth call was a repeated one.
    assert used(billing, "one", "calls") == 4
