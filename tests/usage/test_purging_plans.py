"""A purge does little beside deleting, and what it keeps costs later calls nothing.

Log records, rows and calls are counted; nothing is timed.
"""

import json
from typing import Any

import pytest

from support.clock import SetClock
from support.database import Connect
from support.invoices import carry_clock, put_clock
from support.purging import events_left, set_up
from support.subscriptions import Session, Tenant, create_plan

TENANTS = 20
# Of each tenant.
EVENTS = 50
BEFORE = "2025-01-15 00:00+00"
PURGE = "select ledger_purge_usage('shop', %s, %s)"


@pytest.fixture
def conn(connect: Connect, set_clock: SetClock) -> Session:
    """Tenants whose usage is kept for a subscription; after them as many without one."""
    conn = connect(autocommit=True)
    carry_clock(conn, set_clock, "2025-01-01 00:00")
    set_up(conn)
    plan = create_plan(conn, features=[{"key": "calls", "limit": 10_000, "period": "month"}])
    for number in range(TENANTS):
        Tenant(conn, f"kept-{number}").create(plan)
    put_clock(conn, "2025-01-15 12:00")
    for name in ("kept", "gone"):
        conn.execute(
            """
            select count(*)
            from (
              select
                array_agg(%(name)s || '-' || n %% %(tenants)s order by n) as tenants,
                array_agg('calls'::text) as features,
                array_agg(1.0) as quantities,
                array_agg(timestamptz '2025-01-05 00:00Z' + n * interval '1 minute') as times
              from generate_series(1, %(tenants)s * %(events)s) as n
            ) as given
            cross join lateral ledger_ingest_usage('shop', tenants, features, quantities, times)
            """,
            {"name": name, "tenants": TENANTS, "events": EVENTS},
        )
    assert events_left(conn) == 2 * TENANTS * EVENTS
    conn.execute("vacuum analyze pgledger.usage_events")
    return conn


def calls_of(conn: Session, function: str) -> int:
    """How often the open transaction has called a private function."""
    row = conn.execute(
        "select coalesce(pg_stat_get_xact_function_calls(pg_proc.oid), 0) from pg_proc"
        " where pronamespace = 'pgledger'::regnamespace and proname = %s",
        [function],
    ).fetchone()
    assert row is not None
    return int(row[0])


def events_fetched(conn: Session) -> int:
    row = conn.execute(
        "select coalesce(idx_tup_fetch, 0) + seq_tup_read from pg_stat_xact_all_tables"
        " where relid = 'pgledger.usage_events'::regclass"
    ).fetchone()
    assert row is not None
    return int(row[0])


def purged(conn: Session, at_once: int) -> int:
    row = conn.execute(PURGE, [BEFORE, at_once]).fetchone()
    assert row is not None
    return int(row[0])


def test_a_purge_writes_one_log_record_an_event(conn: Session) -> None:
    row = conn.execute(
        f"explain (analyze, wal, format json) {PURGE}".encode(), [BEFORE, 10_000]
    ).fetchone()
    assert row is not None
    answer: Any = json.loads(row[0]) if isinstance(row[0], str) else row[0]
    assert events_left(conn) == TENANTS * EVENTS
    records = answer[0]["Plan"]["WAL Records"]
    assert TENANTS * EVENTS <= records < TENANTS * EVENTS * 1.3


def test_calls_of_one_series_look_at_each_tenant_once(conn: Session) -> None:
    conn.execute("set track_functions = 'all'")
    looks = []
    while True:
        conn.execute("select pg_stat_force_next_flush()")
        with conn.transaction():
            count = purged(conn, 100)
            looks.append(calls_of(conn, "purge_bounds"))
        if count == 0:
            break
    # The first call passes by all whose usage is kept, the last one looks at all once more.
    assert len(looks) == TENANTS * EVENTS // 100 + 1
    assert max(looks[1:-1]) <= 3
    assert looks[-1] <= TENANTS
    assert events_left(conn) == TENANTS * EVENTS


def test_a_purge_that_finds_nothing_does_not_read_what_it_keeps(conn: Session) -> None:
    assert purged(conn, 10_000) == TENANTS * EVENTS
    conn.execute("vacuum pgledger.usage_events")
    conn.execute("select pg_stat_force_next_flush()")
    with conn.transaction():
        assert purged(conn, 10_000) == 0
        # Whether there are any is asked twice of each tenant.
        assert events_fetched(conn) <= 3 * TENANTS
    assert events_left(conn) == TENANTS * EVENTS
