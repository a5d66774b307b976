"""Billing calls of many sessions at once: each thing happens once, and none is half done."""

import random
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from typing import Any

import psycopg
import pytest
from psycopg import IsolationLevel

from pgledger import errors
from support.at_once import PATIENCE, Call, all_at_once
from support.clock import SetClock
from support.database import Connect
from support.subscriptions import (
    Row,
    Session,
    Tenant,
    advance,
    assert_consistent,
    call,
    create_plan,
    everything,
    new_subscription_id,
    utc,
)
from support.waiting import WaitUntil, WaitUntilBlocked

NOW = utc("2025-01-15 12:00")
DAY = timedelta(days=1)


@pytest.fixture
def conn(connect: Connect, set_clock: SetClock) -> Session:
    """A session in autocommit, in a database whose clock stands at NOW."""
    conn = connect(autocommit=True, **PATIENCE)
    set_clock(conn, NOW)
    return conn


def failures(results: Sequence[Any]) -> list[Any]:
    return [result for result in results if isinstance(result, psycopg.Error)]


# Subscriptions


def subscribe(conn: Session, plan: str, number: int) -> None:
    """Gives tenants t1, t2 and so on a subscription each."""
    conn.execute(
        "select count(*) from generate_series(1, %s) as number"
        " cross join lateral ledger_create_subscription('shop', 't' || number, %s)",
        [number, plan],
    )


@pytest.mark.parametrize("attempt", range(5))
def test_of_subscriptions_created_at_once_one_lives(conn, connect, attempt):
    plan = create_plan(conn)
    results = all_at_once(connect, [lambda session: Tenant(session).create(plan)] * 8)
    refused = failures(results)
    assert [type(error) for error in refused] == [errors.ActiveSubscriptionExists] * 7
    assert len(Tenant(conn).page()) == 1
    assert_consistent(conn)


def test_of_two_creations_the_second_waits_for_the_first(conn, connect, wait_until_blocked):
    plan = create_plan(conn)
    for ends_well in (False, True):
        first, second = connect(), connect(**PATIENCE)
        Tenant(first).create(plan)
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(Tenant(second).create, plan)
            wait_until_blocked(second.info.backend_pid, by=first.info.backend_pid)
            if ends_well:
                first.commit()
                with pytest.raises(errors.ActiveSubscriptionExists):
                    waiting.result(timeout=60)
            else:
                first.rollback()
                assert waiting.result(timeout=60)["status"] == "active"
        second.rollback()


@pytest.mark.parametrize(
    "level",
    [IsolationLevel.REPEATABLE_READ, IsolationLevel.SERIALIZABLE],
    ids=lambda level: level.name,
)
def test_snapshots_see_no_unique_violation(conn, connect, wait_until_blocked, level):
    plan = create_plan(conn)
    first, second = connect(), connect(**PATIENCE)
    second.isolation_level = level
    assert Tenant(second).active() == []
    Tenant(first).create(plan)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(Tenant(second).create, plan)
        wait_until_blocked(second.info.backend_pid, by=first.info.backend_pid)
        first.commit()
        with pytest.raises((psycopg.errors.SerializationFailure, errors.ActiveSubscriptionExists)):
            waiting.result(timeout=60)


@pytest.mark.parametrize("attempt", range(3))
def test_a_creation_that_is_sent_many_times_at_once_happens_once(conn, connect, attempt):
    plan = create_plan(conn)
    chosen = new_subscription_id()
    results = all_at_once(
        connect, [lambda session: Tenant(session).create(plan, id=chosen, quantity=2)] * 8
    )
    assert failures(results) == []
    assert all(result == results[0] for result in results)
    assert len(Tenant(conn).page()) == 1
    assert len(Tenant(conn).changes(chosen)) == 1


def resume(key: str, session: Session) -> Row:
    return Tenant(session).resume(key)


@pytest.mark.parametrize("attempt", range(3))
def test_of_subscriptions_resumed_at_once_one_lives(conn, connect, attempt):
    plan = create_plan(conn)
    paused = []
    for _ in range(6):
        paused.append(Tenant(conn).create(plan)["id"])
        Tenant(conn).pause(paused[-1])
    results = all_at_once(connect, [partial(resume, key) for key in paused])
    refused = failures(results)
    assert [type(error) for error in refused] == [errors.ActiveSubscriptionExists] * 5
    assert len(Tenant(conn).page(status="active")) == 1
    assert len(Tenant(conn).page(status="paused")) == 5
    assert_consistent(conn)


@pytest.mark.parametrize("attempt", range(3))
def test_an_overdue_cancellation_makes_room_for_one(conn, connect, set_clock, attempt):
    plan = create_plan(conn)
    tenant = Tenant(conn)
    paused = tenant.create(plan)["id"]
    tenant.pause(paused)
    ending = tenant.create(plan)["id"]
    tenant.cancel(ending)
    set_clock(conn, NOW + 40 * DAY)
    calls: list[Call] = [lambda session: Tenant(session).create(plan)] * 4
    calls += [lambda session: Tenant(session).resume(paused), advance, advance]
    results = all_at_once(connect, calls)
    assert Counter(type(error) for error in failures(results)) == {
        errors.ActiveSubscriptionExists: 4
    }
    assert len(tenant.page(status="active")) == 1
    assert [change for change, _ in tenant.story(ending)].count("canceled") == 1
    assert_consistent(conn)


@pytest.mark.slow
def test_eight_workers_move_each_of_a_thousand_subscriptions_once(conn, connect, set_clock):
    plan = create_plan(conn, trial_days=20)
    subscribe(conn, plan, 1000)
    set_clock(conn, utc("2025-03-10 00:00"))

    def work(session: Session) -> list[tuple[str, str, Any]]:
        moved = []
        while True:
            batch = advance(session, max_subscriptions=17)
            moved += [(row["subscription_id"], row["change"], row["occurred_at"]) for row in batch]
            if not batch:
                return moved

    results = all_at_once(connect, [work] * 8)
    assert failures(results) == []
    # A worker that found everything taken has gone home; what it left is somebody's who works.
    moved = [row for result in results for row in result]
    assert len(moved) == len(set(moved)) == 3000
    assert Counter((change, at) for _, change, at in moved) == {
        ("trial_ended", utc("2025-02-04 12:00")): 1000,
        ("period_started", utc("2025-02-04 12:00")): 1000,
        ("period_started", utc("2025-03-04 12:00")): 1000,
    }
    assert sum(1 for result in results if result) > 1
    rows = conn.execute(
        "select status, current_period_start, version, count(*) from ledger_subscriptions"
        " group by 1, 2, 3"
    ).fetchall()
    assert rows == [("active", utc("2025-03-04 12:00"), 4, 1000)]
    assert advance(conn) == []
    assert_consistent(conn)


MOVES: dict[str, Call] = {
    "cancel": lambda session: Tenant(session).cancel(known(session)),
    "cancel at once": lambda session: Tenant(session).cancel(known(session), at_period_end=False),
    "pause": lambda session: Tenant(session).pause(known(session)),
    "resume": lambda session: Tenant(session).resume(known(session)),
    "update": lambda session: Tenant(session).update(known(session), quantity=3),
}
moves = pytest.mark.parametrize("move", MOVES.values(), ids=MOVES)


def known(session: Session) -> str:
    (row,) = Tenant(session).page()
    return str(row["id"])


@moves
def test_advancing_leaves_out_what_somebody_else_is_changing(conn, connect, set_clock, move):
    row = Tenant(conn).create(create_plan(conn))
    set_clock(conn, NOW + 40 * DAY)
    other = connect()
    move(other)
    assert advance(conn) == []
    other.commit()
    assert advance(conn) == []
    story = Tenant(conn).story(row["id"])
    assert story[1] == ("period_started", utc("2025-02-15 12:00"))
    assert [change for change, _ in story].count("period_started") == 1
    assert_consistent(conn)


@moves
def test_a_change_waits_for_whoever_advances(conn, connect, set_clock, wait_until_blocked, move):
    row = Tenant(conn).create(create_plan(conn))
    set_clock(conn, NOW + 40 * DAY)
    advancing, other = connect(), connect(autocommit=True, **PATIENCE)
    assert len(advance(advancing)) == 1
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(move, other)
        wait_until_blocked(other.info.backend_pid, by=advancing.info.backend_pid)
        advancing.commit()
        assert waiting.result(timeout=60)["id"] == row["id"]
    story = [change for change, _ in Tenant(conn).story(row["id"])]
    assert story[:2] == ["created", "period_started"]
    assert story.count("period_started") == 1
    assert_consistent(conn)


def test_two_changes_at_once_happen_one_after_the_other(conn, connect):
    tenant = Tenant(conn)
    plans = [create_plan(conn, slug) for slug in ("a", "b", "c", "d")]
    row = tenant.create(plans[0])
    results = all_at_once(
        connect,
        [
            lambda session, plan=plan: Tenant(session).change_plan(row["id"], plan)
            for plan in plans[1:]
        ]
        + [
            lambda session, number=number: Tenant(session).update(row["id"], quantity=number)
            for number in range(2, 6)
        ],
    )
    assert failures(results) == []
    assert sorted(result["version"] for result in results) == list(range(2, 9))
    last = max(results, key=lambda result: result["version"])
    assert tenant.get(row["id"]) == last
    assert_consistent(conn)


@pytest.mark.parametrize("attempt", range(3))
def test_of_one_move_that_many_make_at_once_one_is_made(conn, connect, attempt):
    tenant = Tenant(conn)
    row = tenant.create(create_plan(conn))
    for version, name in enumerate(
        ("update", "pause", "resume", "cancel", "resume", "cancel at once"), start=2
    ):
        results = all_at_once(connect, [MOVES[name]] * 6)
        assert failures(results) == []
        assert results == [tenant.get(row["id"])] * 6
        assert results[0]["version"] == version
    assert_consistent(conn)


def test_a_plan_is_not_archived_under_a_creation(conn, connect, wait_until_blocked):
    plan = create_plan(conn)
    first, second = connect(), connect(autocommit=True, **PATIENCE)
    Tenant(first).create(plan)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(call, second, "ledger_archive_plan", app_id="shop", id=plan)
        wait_until_blocked(second.info.backend_pid, by=first.info.backend_pid)
        first.commit()
        assert waiting.result(timeout=60)[0]["status"] == "archived"
    call(first, "ledger_get_plan", app_id="shop", id=plan)
    with pytest.raises(errors.Archived):
        Tenant(first, "t2").create(plan)


@pytest.mark.parametrize("what", ["archive", "delete", "update"])
def test_a_creation_sees_the_plan_as_it_has_become(conn, connect, wait_until_blocked, what):
    plan = create_plan(conn)
    first, second = connect(), connect(autocommit=True, **PATIENCE)
    options = {"pricing": {"base": {"amount": "1", "interval": "year"}}} if what == "update" else {}
    call(first, f"ledger_{what}_plan", app_id="shop", id=plan, **options)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(Tenant(second).create, plan)
        wait_until_blocked(second.info.backend_pid, by=first.info.backend_pid)
        first.commit()
        if what == "update":
            row = waiting.result(timeout=60)
            assert row["current_period_end"] == utc("2026-01-15 12:00")
        else:
            with pytest.raises(errors.Archived if what == "archive" else errors.PlanNotFound):
                waiting.result(timeout=60)


def test_a_session_that_is_stopped_while_it_advances_leaves_nothing_half_done(
    conn: Session,
    connect: Connect,
    set_clock: SetClock,
    wait_until: WaitUntil,
    wait_until_blocked: WaitUntilBlocked,
) -> None:
    plan = create_plan(conn)
    subscribe(conn, plan, 300)
    set_clock(conn, NOW + 80 * DAY)
    before = everything(conn)
    # Whoever writes a change waits for this lock: the stop comes in the middle of its work.
    blocker = connect()
    for stopped_after in (0, 1, 150, 299):
        blocker.execute(
            "insert into pgledger.subscription_changes"
            " select subscription_key, 2, 'blocked', occurred_at, created_at, app_id, tenant_id,"
            " status, plan_key, quantity, period_number, period_start, period_end, whole_start"
            " from pgledger.subscription_changes order by subscription_key limit 1 offset %s",
            [stopped_after],
        )
        worker = connect(autocommit=True)
        pid = worker.info.backend_pid
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(advance, worker)
            wait_until_blocked(pid, by=blocker.info.backend_pid)
            conn.execute("select pg_terminate_backend(%s)", [pid])
            with pytest.raises(psycopg.OperationalError):
                waiting.result(timeout=60)
        wait_until("select not exists (select from pg_stat_activity where pid = %s)", [pid])
        blocker.rollback()
        assert everything(conn) == before
    assert len(advance(conn)) == 600
    assert advance(conn) == []
    assert_consistent(conn)


@pytest.mark.slow
def test_everything_at_once_ends_well(conn, connect, set_clock):
    """Random calls of many sessions: no deadlock, no error but those that are promised."""
    plans = [
        create_plan(conn, f"plan {n}".replace(" ", "-"), ("month", "day")[n % 2]) for n in range(4)
    ]
    tenants = [f"t{number}" for number in range(4)]
    add_on = create_plan(conn, "more", add_on=True)
    allowed = {errors.ActiveSubscriptionExists, errors.InvalidState}

    def work(seed: int) -> Call:
        def run(session: Session) -> Counter[type]:
            dice = random.Random(seed)
            seen: Counter[type] = Counter()
            for _ in range(120):
                tenant = Tenant(session, dice.choice(tenants))
                mine = [row["id"] for row in tenant.page() if row["status"] != "canceled"]
                chosen = dice.choice(mine) if mine else None
                move = dice.randrange(9 if chosen else 2)
                try:
                    if move == 0:
                        advance(session, max_subscriptions=3)
                    elif move == 1:
                        tenant.create(dice.choice([*plans, add_on]))
                    elif move == 2:
                        tenant.cancel(chosen, at_period_end=dice.random() < 0.7)
                    elif move in {3, 4}:
                        tenant.pause(chosen)
                    elif move in {5, 6}:
                        tenant.resume(chosen)
                    elif move == 7:
                        tenant.update(chosen, quantity=dice.randrange(1, 5))
                    else:
                        with session.transaction():
                            tenant.change_plan(chosen, dice.choice(plans))
                except errors.InvalidArgument:
                    assert move == 8
                except psycopg.Error as error:
                    seen[type(error)] += 1
            return seen

        return run

    def put_the_clock_forward(session: Session) -> Counter[type]:
        for hours in range(40):
            set_clock(session, NOW + timedelta(hours=20 * hours))
        return Counter()

    results = all_at_once(connect, [work(seed) for seed in range(8)] + [put_the_clock_forward])
    assert failures(results) == []
    seen = Counter[type]()
    for result in results:
        seen += result
    assert set(seen) <= allowed, seen
    assert seen[errors.ActiveSubscriptionExists]
    assert_consistent(conn)
    twice = conn.execute(
        "select tenant_id from pgledger.subscriptions"
        " where not add_on and status in ('trialing', 'active') group by 1 having count(*) > 1"
    ).fetchall()
    assert twice == []
