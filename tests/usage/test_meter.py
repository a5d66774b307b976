"""Buffered ingestion: every event that was taken is counted exactly once, or handed back.

Whatever happens between the buffer and the database: no server, a server that dies, a commit whose
answer is lost, events that nobody can store.
"""

import asyncio
import datetime as dt
import gc
import logging
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import errors as pg_errors

from pgledger import (
    AsyncBilling,
    AsyncMeter,
    Billing,
    Meter,
    MeterClosed,
    MeterFull,
    MeterUndelivered,
    Rejection,
    UsageRecord,
    errors,
    ids,
)
from pgledger.meter.buffer import MeterBuffer
from pgledger.migrate import migrate
from support.database import Connect, NewDatabase
from support.pools import AsyncPool, Pool, lost
from support.server import NewServer

UTC = dt.UTC
HOUR = dt.timedelta(hours=1)
SOON = dt.timedelta(seconds=0.02)
LATER = dt.timedelta(minutes=10)
BRIEFLY = dt.timedelta(seconds=0.3)
DEADLINE_SECONDS = 60.0


def offer_calls(conn: psycopg.Connection[Any]) -> None:
    Billing(conn).create_feature("app", "calls", "Calls")
    conn.commit()


@pytest.fixture
def billing(conn: psycopg.Connection[Any]) -> Billing:
    """The store, with a metered feature ``calls`` in ``app``; in autocommit."""
    offer_calls(conn)
    conn.autocommit = True
    return Billing(conn)


@pytest.fixture
def pool(ledger_dsn: str) -> Pool:
    return Pool(ledger_dsn)


@pytest.fixture
def apool(ledger_dsn: str) -> AsyncPool:
    return AsyncPool(ledger_dsn)


@pytest.fixture
def nowhere(tmp_path: Path) -> str:
    """DSN of a server that is not there."""
    return f"host={tmp_path} connect_timeout=2"


@pytest.fixture(autouse=True)
def quick_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pgledger.meter.buffer.FIRST_PAUSE_SECONDS", 0.005)
    monkeypatch.setattr("pgledger.meter.buffer.LONGEST_PAUSE_SECONDS", 0.05)


@pytest.fixture(autouse=True)
def no_threads_are_left() -> Iterator[None]:
    yield
    deadline = time.monotonic() + DEADLINE_SECONDS
    while any(thread.name == "pgledger meter" for thread in threading.enumerate()):
        assert time.monotonic() < deadline, "a meter's thread goes on"
        time.sleep(0.01)


def wait_for(what: Callable[[], object]) -> None:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def blocks_somebody(session: psycopg.Connection[Any]) -> bool:
    """Says whether another session waits for this one.

    Until it does, a statement may be on its way to the server, where nothing can cancel it yet.
    """
    row = session.execute(
        "select exists (select from pg_locks"
        " where not granted and pg_backend_pid() = any (pg_blocking_pids(pid)))"
    ).fetchone()
    return row is not None and bool(row[0])


async def wait_for_async(what: Callable[[], object]) -> None:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not what():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.005)


def quantities(billing: Billing, tenant_id: str = "t") -> list[Decimal]:
    """Returns what was recorded, in the order in which it was."""
    events = billing.query_usage("app", tenant_id, page_size=10_000)
    return [event.quantity for event in sorted(events, key=lambda event: event.id)]


def total(billing: Billing, tenant_id: str = "t") -> Decimal:
    now = dt.datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    return billing.aggregate_usage("app", tenant_id, "calls", now - 2 * HOUR, now + 2 * HOUR)


# When events are sent


def test_a_full_batch_is_sent_at_once(billing: Billing, pool: Pool):
    with Meter(pool, "app", batch_size=3, flush_interval=LATER) as meter:
        meter.record("t", "calls", 1)
        meter.record("t", "calls", 2)
        time.sleep(0.1)
        assert (pool.loans, meter.buffered) == (0, 2)
        meter.record("t", "calls", 3)
        wait_for(lambda: meter.buffered == 0)
        assert quantities(billing) == [1, 2, 3]
    assert pool.loans == 1


def test_an_event_waits_no_longer_than_the_interval(billing: Billing, pool: Pool):
    with Meter(pool, "app", flush_interval=dt.timedelta(seconds=0.2)) as meter:
        started = time.monotonic()
        meter.record("t", "calls", 1)
        wait_for(lambda: meter.buffered == 0)
        assert time.monotonic() - started >= 0.2
        meter.record("t", "calls", 2)
        wait_for(lambda: meter.buffered == 0)
    assert quantities(billing) == [1, 2]


def test_flushing_sends_everything_now(billing: Billing, pool: Pool):
    with Meter(pool, "app", batch_size=2, flush_interval=LATER) as meter:
        assert meter.flush()
        assert pool.loans == 0
        for number in range(1, 6):
            meter.record("t", "calls", number)
        assert meter.flush()
        assert meter.buffered == 0
        assert quantities(billing) == [1, 2, 3, 4, 5]
        assert meter.flush(None)


def test_closing_sends_everything(billing: Billing, pool: Pool):
    meter = Meter(pool, "app", flush_interval=LATER)
    meter.record("t", "calls")
    assert meter.close() == []
    assert meter.close() == []
    assert quantities(billing) == [1]
    with pytest.raises(MeterClosed):
        meter.record("t", "calls")
    assert meter.flush()
    assert quantities(billing) == [1]


def test_a_meter_that_was_never_used_closes(pool: Pool):
    with Meter(pool, "app"):
        pass
    assert pool.loans == 0


def test_an_event_comes_back_complete_and_is_stored_so(billing: Billing, pool: Pool):
    before = dt.datetime.now(UTC)
    with Meter(pool, "app") as meter:
        metadata = {"path": ["/"], "n": 0.1}
        record = meter.record("t", "calls", Decimal("1.50"), metadata=metadata)
        metadata["path"].append("changed")  # type: ignore[attr-defined]
        event_at = dt.datetime(2025, 7, 1, tzinfo=dt.timezone(dt.timedelta(hours=2)))
        chosen = meter.record("u", "calls", event_at=event_at, idempotency_key="mine")
    assert record.event_at is not None
    assert before <= record.event_at <= dt.datetime.now(UTC)
    assert ids.is_valid(record.idempotency_key or "", "meter")
    (event,) = billing.query_usage("app", "t")
    assert event.quantity == Decimal("1.5")
    assert event.event_at == record.event_at
    assert event.idempotency_key == record.idempotency_key
    assert event.metadata == record.metadata == {"path": ["/"], "n": 0.1}
    (event,) = billing.query_usage("app", "u")
    assert (event.event_at, event.idempotency_key) == (event_at, "mine")
    assert chosen == UsageRecord("u", "calls", event_at=event_at, idempotency_key="mine")


def test_a_schema_can_be_named(billing: Billing, pool: Pool):
    pool.options = {"options": "-c search_path=pg_catalog"}
    with Meter(pool, "app", schema="public") as meter:
        meter.record("t", "calls")
    assert quantities(billing) == [1]


# What cannot be an event is refused at once


@pytest.mark.parametrize(
    ("arguments", "kind", "message"),
    [
        ({"tenant_id": None}, TypeError, "tenant_id must be a str, not NoneType"),
        ({"feature_key": 1}, TypeError, "feature_key must be a str, not int 1"),
        ({"quantity": 1.5}, TypeError, "quantity must be a Decimal or an int, not float"),
        ({"quantity": True}, TypeError, "quantity must be a Decimal or an int, not bool"),
        ({"quantity": None}, TypeError, "quantity must be a Decimal or an int, not NoneType"),
        ({"event_at": dt.datetime(2025, 7, 1)}, ValueError, "has no time zone"),  # noqa: DTZ001
        ({"event_at": "now"}, TypeError, "event_at must be a datetime"),
        ({"idempotency_key": 7}, TypeError, "idempotency_key must be a str, not int 7"),
        ({"metadata": []}, TypeError, "metadata must be a mapping"),
        ({"metadata": {"a": float("nan")}}, ValueError, "not JSON compliant"),
        ({"metadata": {"a": object()}}, TypeError, "not JSON serializable"),
    ],
)
def test_wrong_types_are_refused_at_once(pool: Pool, arguments, kind, message):
    with Meter(pool, "app") as meter:
        with pytest.raises(kind, match=message):
            meter.record(**({"tenant_id": "t", "feature_key": "calls"} | arguments))
        assert meter.buffered == 0


@pytest.mark.parametrize(
    ("arguments", "kind", "message"),
    [
        ({"batch_size": 0}, ValueError, "batch_size must be from 1 to 100000, not 0"),
        ({"batch_size": 100_001}, ValueError, "batch_size must be from 1 to 100000"),
        ({"batch_size": True}, TypeError, "batch_size must be an int"),
        ({"max_buffered": 1.5}, TypeError, "max_buffered must be an int"),
        ({"max_buffered": 99}, ValueError, "max_buffered must be at least batch_size, 100"),
        ({"flush_interval": 5}, TypeError, "flush_interval must be a timedelta, not int"),
        ({"flush_interval": None}, TypeError, "flush_interval must be a timedelta"),
        ({"flush_interval": -SOON}, ValueError, "flush_interval must not be negative"),
    ],
)
def test_wrong_options_are_refused(pool: Pool, arguments, kind, message):
    with pytest.raises(kind, match=message):
        Meter(pool, "app", **arguments)


def test_a_pool_and_an_app_are_needed(pool: Pool, conn):
    for wrong in ("dbname=books", None, conn):
        with pytest.raises(TypeError, match=r"pool must have a method connection\(\)"):
            Meter(wrong, "app")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="app_id must be a str, not NoneType"):
        Meter(pool, None)  # type: ignore[arg-type]


def test_timeouts_are_timedeltas(pool: Pool):
    with Meter(pool, "app") as meter:
        with pytest.raises(TypeError, match="timeout must be a timedelta, not int 5"):
            meter.flush(5)  # type: ignore[arg-type]
        with pytest.raises(TypeError, match="timeout must be a timedelta, not float"):
            meter.close(0.5)  # type: ignore[arg-type]


# When sending fails


@pytest.mark.parametrize(
    "error",
    [
        psycopg.OperationalError,
        psycopg.InterfaceError,
        pg_errors.SerializationFailure,
        pg_errors.DeadlockDetected,
        pg_errors.AdminShutdown,
        pg_errors.TooManyConnections,
        pg_errors.InsufficientPrivilege,
        pg_errors.QueryCanceled,
        TimeoutError,
        KeyError,
    ],
)
def test_events_stay_in_order_and_are_sent_again(billing: Billing, pool: Pool, error):
    pool.before = [lambda: error("no"), lambda: error("no"), None, lambda: error("no")]
    with Meter(pool, "app", batch_size=4, flush_interval=SOON) as meter:
        for number in range(1, 11):
            meter.record("t", "calls", number)
        assert meter.flush()
        assert meter.last_error is None
    assert quantities(billing) == list(range(1, 11))


def test_a_commit_whose_answer_is_lost_counts_once(billing: Billing, pool: Pool):
    pool.after = [lost, lost, None, lost]
    with Meter(pool, "app", batch_size=4, flush_interval=SOON) as meter:
        for number in range(1, 21):
            meter.record("t", "calls", number)
        meter.record("t", "calls", 1000, idempotency_key="mine")
        assert meter.flush()
        assert meter.rejected == []
    assert quantities(billing) == [*range(1, 21), 1000]
    assert total(billing) == 1210


def test_a_lost_connection_within_the_call_is_survived(
    billing: Billing, pool: Pool, connect: Connect, conn
):
    pool.options = {"application_name": "metering"}
    blocker = connect()
    Billing(blocker).record_usage("app", "t", "calls", quantity=100, idempotency_key="k")
    with Meter(pool, "app", flush_interval=SOON) as meter:
        meter.record("t", "calls", 7, idempotency_key="k")
        terminate = (
            "select count(pg_terminate_backend(pid)) from pg_stat_activity"
            " where application_name = 'metering' and wait_event_type = 'Lock'"
        )
        wait_for(lambda: conn.execute(terminate).fetchone()[0])
        wait_for(lambda: meter.last_error is not None)
        assert meter.buffered == 1
        blocker.rollback()
    assert quantities(billing) == [7]


def test_a_store_that_is_not_there_yet_is_waited_for(database: NewDatabase, connect: Connect):
    dsn = database()
    with Meter(Pool(dsn), "app", flush_interval=SOON) as meter:
        meter.record("t", "calls", 7)
        wait_for(lambda: isinstance(meter.last_error, pg_errors.UndefinedFunction))
        migrate(dsn)
        conn = connect(dsn=dsn)
        offer_calls(conn)
        assert meter.flush()
        # The feature was made a moment after the store, and the event may have come in between.
        assert [rejection.record.quantity for rejection in meter.rejected] + quantities(
            Billing(conn)
        ) == [7]


def test_a_lent_connection_in_a_transaction_is_not_used(billing: Billing, ledger_dsn: str):
    class Careless(Pool):
        @contextmanager
        def connection(self) -> Iterator[psycopg.Connection[Any]]:
            with psycopg.connect(self.dsn) as conn:
                conn.execute("select 1")
                yield conn
                conn.rollback()

    meter = Meter(Careless(ledger_dsn), "app", flush_interval=SOON)
    record = meter.record("t", "calls")
    assert not meter.flush(BRIEFLY)
    assert "already in a transaction" in str(meter.last_error)
    assert meter.close(BRIEFLY) == [record]
    assert quantities(billing) == []


def test_a_batch_that_would_be_rolled_back_is_not_taken_for_delivered(
    billing: Billing, pool: Pool, monkeypatch: pytest.MonkeyPatch
):
    """A connection class of the caller's may swallow an error; the commit is then a rollback."""
    ingest, broken = Billing.ingest_usage, [True, True]

    def and_break(self: Billing, *arguments: Any) -> Any:
        answers = ingest(self, *arguments)
        if broken:
            broken.pop()
            with pytest.raises(pg_errors.DivisionByZero):
                self.conn.execute("select 1 / 0")
        return answers

    monkeypatch.setattr(Billing, "ingest_usage", and_break)
    with Meter(pool, "app", flush_interval=SOON) as meter:
        meter.record("t", "calls", 7)
        assert meter.flush()
    assert pool.loans == 3
    assert quantities(billing) == [7]


async def test_a_batch_of_a_task_that_would_be_rolled_back_is_not_taken_for_delivered(
    billing: Billing, apool: AsyncPool, monkeypatch: pytest.MonkeyPatch
):
    ingest, broken = AsyncBilling.ingest_usage, [True, True]

    async def and_break(self: AsyncBilling, *arguments: Any) -> Any:
        answers = await ingest(self, *arguments)
        if broken:
            broken.pop()
            with pytest.raises(pg_errors.DivisionByZero):
                await self.conn.execute("select 1 / 0")
        return answers

    monkeypatch.setattr(AsyncBilling, "ingest_usage", and_break)
    async with AsyncMeter(apool, "app", flush_interval=SOON) as meter:
        meter.record("t", "calls", 7)
        assert await meter.flush()
    assert apool.loans == 3
    assert quantities(billing) == [7]


async def test_a_batch_of_a_task_whose_transaction_was_ended_is_sent_again(
    billing: Billing, apool: AsyncPool, monkeypatch: pytest.MonkeyPatch
):
    """What a wrapper committed itself is counted once; what it rolled back is not lost."""
    ingest, endings = AsyncBilling.ingest_usage, ["rollback", "commit"]

    async def and_end(self: AsyncBilling, *arguments: Any) -> Any:
        answers = await ingest(self, *arguments)
        if endings:
            await self.conn.execute(endings.pop())
        return answers

    monkeypatch.setattr(AsyncBilling, "ingest_usage", and_end)
    async with AsyncMeter(apool, "app", flush_interval=SOON) as meter:
        meter.record("t", "calls", 7)
        assert await meter.flush()
    assert apool.loans == 3
    assert quantities(billing) == [7]


async def test_a_lent_connection_of_a_task_in_a_transaction_is_not_used(
    billing: Billing, ledger_dsn: str
):
    class Careless(AsyncPool):
        @asynccontextmanager
        async def connection(self) -> AsyncIterator[psycopg.AsyncConnection[Any]]:
            async with await psycopg.AsyncConnection.connect(self.dsn) as conn:
                await conn.execute("select 1")
                yield conn
                await conn.rollback()

    meter = AsyncMeter(Careless(ledger_dsn), "app", flush_interval=SOON)
    record = meter.record("t", "calls")
    assert not await meter.flush(BRIEFLY)
    assert "already in a transaction" in str(meter.last_error)
    assert await meter.close(BRIEFLY) == [record]
    assert quantities(billing) == []


def test_flushing_gives_up_waiting_and_loses_nothing(billing: Billing, pool: Pool, nowhere: str):
    dsn, pool.dsn = pool.dsn, nowhere
    with Meter(pool, "app") as meter:
        meter.record("t", "calls", 3)
        assert not meter.flush(BRIEFLY)
        assert meter.buffered == 1
        pool.dsn = dsn
        assert meter.flush()
    assert quantities(billing) == [3]


def test_failures_are_logged(billing: Billing, pool: Pool, caplog):
    pool.before = [lost]
    with caplog.at_level(logging.WARNING, "pgledger.meter"), Meter(pool, "app") as meter:
        meter.record("t", "calls")
        meter.record("t", "nothing")
        meter.flush()
        meter.take_rejected()
    assert "2 usage events are to be sent again: server closed" in caplog.text
    assert "a usage event was rejected: feature 'nothing' does not exist" in caplog.text


def test_pauses_grow_and_end(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("pgledger.meter.buffer.FIRST_PAUSE_SECONDS", 0.1)
    monkeypatch.setattr("pgledger.meter.buffer.LONGEST_PAUSE_SECONDS", 10.0)
    monkeypatch.setattr("pgledger.meter.buffer.random.uniform", lambda low, high: high)
    clock = [1000.0]
    monkeypatch.setattr("pgledger.meter.buffer.time.monotonic", lambda: clock[0])
    buffer = MeterBuffer(batch_size=8, flush_interval=dt.timedelta(seconds=5), max_buffered=100)
    assert buffer.due_in() is None
    for number in range(10):
        wakes = buffer.add(UsageRecord("t", "calls", number))
        assert wakes == (number in {0, 7})
        assert buffer.due_in() == (0 if number >= 7 else 5)
    pauses, sizes = [], []
    for _ in range(9):
        batch = buffer.batch()
        sizes.append(len(batch))
        assert buffer.fail(batch, lost()) == []
        due = buffer.due_in()
        assert due is not None
        pauses.append(round(due, 6))
        clock[0] += due
        assert buffer.due_in() == 0
    assert pauses == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 10, 10]
    # A server that comes back is not met with everything at once.
    assert sizes == [8, 4, 2, 1, 1, 1, 1, 1, 1]
    sizes = []
    while batch := buffer.batch():
        sizes.append(len(batch))
        buffer.settle(len(batch))
    assert sizes == [1, 2, 4, 3]
    assert buffer.seal() == []


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_a_server_that_dies_under_it_counts_everything_once(new_server: NewServer, seed):
    server = new_server(settings={"autovacuum": "off"})
    dsn = server.dsn()
    migrate(dsn)
    with psycopg.connect(dsn) as conn:
        offer_calls(conn)
    pool = Pool(dsn)
    accepted = [0] * 8
    stop = threading.Event()

    with Meter(pool, "app", flush_interval=SOON) as meter:

        def use(index: int) -> None:
            while not stop.is_set():
                try:
                    meter.record(f"t{index % 3}", "calls", index + 1)
                except MeterFull:
                    time.sleep(0.01)
                else:
                    accepted[index] += index + 1
                time.sleep(0.01)

        threads = [threading.Thread(target=use, args=(index,)) for index in range(8)]
        for thread in threads:
            thread.start()
        try:
            for number in range(4):
                time.sleep(0.3 + 0.017 * (seed * 4 + number))
                server.kill()
                time.sleep(0.1)
                server.start()
                assert server.dsn() == dsn
        finally:
            stop.set()
            for thread in threads:
                thread.join()
        assert meter.flush(dt.timedelta(minutes=2))
        assert meter.rejected == []
    with psycopg.connect(dsn) as conn:
        billing = Billing(conn)
        counted = sum(total(billing, f"t{number}") for number in range(3))
        events = conn.execute("select sum(quantity) from ledger_usage_events").fetchone()
        assert events == (counted,)
        assert counted == sum(accepted)


# When there is no room


def test_a_full_buffer_refuses_and_drops_nothing(billing: Billing, pool: Pool, nowhere: str):
    dsn, pool.dsn = pool.dsn, nowhere
    with Meter(pool, "app", batch_size=5, max_buffered=10, flush_interval=SOON) as meter:
        for number in range(10):
            meter.record("t", "calls", number)
        wait_for(lambda: meter.last_error is not None)
        for _ in range(3):
            with pytest.raises(MeterFull, match=r"10 usage events wait .* Last error: "):
                meter.record("t", "calls", 1000)
        pool.dsn = dsn
        assert meter.flush()
        meter.record("t", "calls", 10)
    assert quantities(billing) == list(range(11))


def test_closing_hands_back_what_cannot_be_delivered(billing: Billing, pool: Pool, nowhere: str):
    dsn, pool.dsn = pool.dsn, nowhere
    meter = Meter(pool, "app", batch_size=2)
    records = [meter.record("t", "calls", number) for number in range(5)]
    started = time.monotonic()
    assert meter.close(BRIEFLY) == records
    assert time.monotonic() - started < DEADLINE_SECONDS / 2
    assert meter.close() == records
    assert not meter.flush()
    with pytest.raises(MeterClosed):
        meter.record("t", "calls")
    # They keep their times and keys, so they can go anywhere and count once.
    pool.dsn = dsn
    billing.ingest_usage("app", records[:3])
    billing.ingest_usage("app", records)
    assert quantities(billing) == [0, 1, 2, 3, 4]


def test_closing_without_time_hands_back_everything(pool: Pool, nowhere: str):
    pool.dsn = nowhere
    meter = Meter(pool, "app")
    record = meter.record("t", "calls")
    assert meter.close(dt.timedelta(0)) == [record]


def test_what_is_handed_back_while_it_is_being_sent_counts_once(
    billing: Billing, pool: Pool, connect: Connect, conn
):
    pool.options = {"application_name": "metering"}
    blocker = connect()
    Billing(blocker).record_usage("app", "t", "calls", quantity=100, idempotency_key="k")
    meter = Meter(pool, "app", flush_interval=SOON)
    records = [
        meter.record("t", "calls", 7, idempotency_key="k"),
        meter.record("t", "calls", 8),
    ]
    waiting = (
        "select count(*) from pg_stat_activity"
        " where application_name = 'metering' and wait_event_type = 'Lock'"
    )
    wait_for(lambda: conn.execute(waiting).fetchone()[0])
    assert meter.close(BRIEFLY) == records
    blocker.rollback()
    # The attempt goes on in the thread, and is committed when nobody waits for it any more.
    wait_for(lambda: quantities(billing) == [7, 8])
    answers = billing.ingest_usage("app", records)
    assert [answer.status for answer in answers] == ["duplicate", "duplicate"]


def test_a_block_that_ends_with_events_left_says_so(
    monkeypatch: pytest.MonkeyPatch, pool: Pool, nowhere: str
):
    monkeypatch.setattr(Meter.close, "__defaults__", (BRIEFLY,))
    pool.dsn = nowhere
    meter = Meter(pool, "app")
    record = meter.record("t", "calls")
    with pytest.raises(MeterUndelivered, match="1 usage events could not be") as raised, meter:
        pass
    assert raised.value.records == [record]

    meter = Meter(pool, "app")
    record = meter.record("t", "calls")
    with pytest.raises(KeyError) as other, meter:
        raise KeyError("mine")
    assert other.value.__notes__ == ["1 usage events could not be delivered: close() returns them"]
    assert meter.close() == [record]


# What the database does not take


def test_rejected_events_are_handed_back_with_reasons(billing: Billing, pool: Pool):
    with Meter(pool, "app", batch_size=10) as meter:
        good = meter.record("t", "calls", 1)
        wrong = [
            meter.record("t", "nothing"),
            meter.record("t", "calls", -1),
            meter.record("", "calls"),
            meter.record("t", "calls", event_at=dt.datetime.now(UTC) + 2 * HOUR),
            meter.record("t", "calls", idempotency_key="x" * 256),
        ]
        wrong.append(meter.record("t", "calls", 5, idempotency_key=good.idempotency_key))
        meter.record("t", "calls", 2)
        assert meter.flush()
        rejected = meter.rejected
        assert [rejection.record for rejection in rejected] == wrong
        assert [rejection.error for rejection in rejected] == [
            kind.sqlstate
            for kind in (
                errors.FeatureNotFound,
                errors.InvalidQuantity,
                errors.InvalidScope,
                errors.UsageInFuture,
                errors.InvalidArgument,
                errors.IdempotencyConflict,
            )
        ]
        assert "'nothing' does not exist" in rejected[0].reason
        loans = pool.loans
        assert meter.flush()
        assert pool.loans == loans
        assert meter.take_rejected() == rejected
        assert meter.rejected == []
    assert quantities(billing) == [1, 2]


POISON: list[dict[str, Any]] = [
    {"tenant_id": "a\0b"},
    {"feature_key": "a\0b"},
    {"metadata": {"a": "\0"}},
    {"idempotency_key": "\ud800"},
    {"quantity": Decimal("1e200000")},
    {"quantity": Decimal("NaN")},
    {"metadata": {"a": "\ud800"}},
]


@pytest.mark.parametrize("poison", POISON, ids=lambda poison: next(iter(poison)))
@pytest.mark.parametrize("place", [0, 7, 19])
def test_an_event_that_cannot_even_be_sent_keeps_no_other_out(
    billing: Billing, pool: Pool, poison, place
):
    with Meter(pool, "app", batch_size=20, flush_interval=LATER) as meter:
        for number in range(20):
            wrong = poison if number == place else {}
            arguments: dict[str, Any] = {
                "tenant_id": "t",
                "feature_key": "calls",
                "quantity": number,
            }
            meter.record(**(arguments | wrong))
        wait_for(lambda: meter.buffered == 0)
        (rejection,) = meter.take_rejected()
        assert rejection.reason
        for name, value in poison.items():
            given = getattr(rejection.record, name)
            assert given == value or value.is_nan()
    assert quantities(billing) == [number for number in range(20) if number != place]


def test_a_whole_stream_of_poison_passes(billing: Billing, pool: Pool):
    with Meter(pool, "app", batch_size=16) as meter:
        for number in range(64):
            meter.record("t" if number % 3 else "\0", "calls", number)
        assert meter.flush()
        assert len(meter.take_rejected()) == 22
    assert quantities(billing) == [number for number in range(64) if number % 3]


def test_an_app_that_cannot_be_rejects_everything(billing: Billing, pool: Pool):
    with Meter(pool, "*") as meter:
        for _ in range(3):
            meter.record("t", "calls")
        assert meter.flush()
        assert {rejection.error for rejection in meter.take_rejected()} == {
            errors.InvalidScope.sqlstate
        }


def test_a_callback_gets_rejected_events(billing: Billing, pool: Pool):
    rejected: list[Rejection] = []
    with Meter(pool, "app", on_rejected=rejected.append) as meter:
        record = meter.record("t", "nothing")
        meter.record("t", "calls")
        poison = meter.record("\0", "calls")
        assert meter.flush()
        assert [rejection.record for rejection in rejected] == [record, poison]
        assert meter.rejected == []
    assert quantities(billing) == [1]


def test_a_callback_that_fails_loses_nothing(billing: Billing, pool: Pool, caplog):
    def fail(rejection: Rejection) -> None:
        raise KeyError("mine")

    with Meter(pool, "app", on_rejected=fail) as meter:
        record = meter.record("t", "nothing")
        meter.record("t", "calls")
        assert meter.flush()
        assert [rejection.record for rejection in meter.rejected] == [record]
    assert quantities(billing) == [1]
    assert "on_rejected failed" in caplog.text


def test_a_callback_may_record_and_may_not_wait(billing: Billing, pool: Pool):
    said: list[str] = []

    def again(rejection: Rejection) -> None:
        meter.record("t", "calls", 5)
        for call in (meter.flush, meter.close):
            try:
                call()
            except RuntimeError as error:
                said.append(str(error))

    with Meter(pool, "app", on_rejected=again) as meter:
        meter.record("t", "nothing")
        assert meter.flush()
    assert said == ["on_rejected cannot wait for what waits for it"] * 2
    assert quantities(billing) == [5]


def test_rejected_events_that_nobody_takes_fill_the_buffer(billing: Billing, pool: Pool):
    with Meter(pool, "app", batch_size=2, max_buffered=4) as meter:
        for _ in range(3):
            meter.record("t", "nothing")
        assert meter.flush()
        meter.record("t", "calls")
        with pytest.raises(MeterFull, match=r"3 rejected ones for take_rejected\(\)"):
            meter.record("t", "calls")
        assert len(meter.take_rejected()) == 3
        meter.record("t", "calls")
    assert quantities(billing) == [1, 1]


# Many at once


def test_threads_record_at_once(billing: Billing, pool: Pool):
    together = threading.Barrier(8)
    failures: list[BaseException] = []
    with Meter(pool, "app", batch_size=50, flush_interval=SOON) as meter:

        def use(index: int) -> None:
            together.wait()
            try:
                for number in range(200):
                    meter.record(f"t{index}", "calls", number)
                    if number == 100:
                        assert meter.flush()
            except BaseException as error:  # noqa: BLE001 -- told by the main thread
                failures.append(error)

        threads = [threading.Thread(target=use, args=(index,)) for index in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert failures == []
    for index in range(8):
        assert quantities(billing, f"t{index}") == list(range(200))


def test_threads_that_close_at_once_get_the_same(pool: Pool, nowhere: str):
    pool.dsn = nowhere
    meter = Meter(pool, "app")
    record = meter.record("t", "calls")
    undelivered: list[list[UsageRecord]] = []
    threads = [
        threading.Thread(target=lambda: undelivered.append(meter.close(BRIEFLY))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert undelivered == [[record]] * 4


def test_many_meters_may_share_a_pool(billing: Billing, pool: Pool):
    meters = [Meter(pool, "app", batch_size=7) for _ in range(5)]
    for number in range(100):
        for meter in meters:
            meter.record("t", "calls", number)
    assert [meter.close() for meter in meters] == [[]] * 5
    assert total(billing) == 5 * sum(range(100))


# The end of the process, and its forks


PROGRAM = """
import os, sys, time
from contextlib import contextmanager
from datetime import timedelta
import psycopg
from pgledger import Meter, MeterClosed

class Pool:
    @contextmanager
    def connection(self):
        with psycopg.connect(sys.argv[1]) as conn:
            yield conn

meter = Meter(Pool(), "app", flush_interval=timedelta(minutes=10))
"""


def run(program: str, dsn: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "ignore", "-c", PROGRAM + textwrap.dedent(program), dsn],
        capture_output=True,
        text=True,
        timeout=DEADLINE_SECONDS,
        check=False,
    )


@pytest.mark.parametrize("end", ["", "sys.exit(0)"])
def test_what_is_left_at_the_end_of_the_program_is_sent(billing: Billing, ledger_dsn: str, end):
    done = run(f"meter.record('t', 'calls', 3)\n{end}", ledger_dsn)
    assert (done.returncode, done.stderr) == (0, "")
    assert quantities(billing) == [3]


def test_what_cannot_be_sent_at_the_end_is_logged(nowhere: str):
    done = run(
        """
        from pgledger.meter import meter_sync
        Meter.close.__defaults__ = (timedelta(seconds=0.2),)
        meter.record("t", "calls")
        """,
        nowhere,
    )
    assert done.returncode == 0
    assert "the program ended with 1 usage events undelivered" in done.stderr


def test_a_fork_neither_records_nor_sends_what_is_not_its_own(billing: Billing, ledger_dsn: str):
    done = run(
        """
        meter.record("t", "calls", 1)
        child = os.fork()
        if child == 0:
            try:
                meter.record("t", "calls", 100)
            except MeterClosed as error:
                print(error, flush=True)
            try:
                meter.flush()
            except MeterClosed as error:
                print(error, flush=True)
            print(meter.close(), flush=True)
            sys.exit(0)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
        meter.record("t", "calls", 2)
        """,
        ledger_dsn,
    )
    refused = "the meter was used before this process was forked: make another"
    assert done.stdout.splitlines() == [refused, refused, "[]", "0"], done.stderr
    assert quantities(billing) == [1, 2]


def test_a_meter_made_before_a_fork_works_in_each(billing: Billing, ledger_dsn: str):
    done = run(
        """
        child = os.fork()
        meter.record("t", "calls", 1 if child else 2)
        assert meter.close() == []
        if child:
            sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
        """,
        ledger_dsn,
    )
    assert done.returncode == 0, done.stderr
    assert sorted(quantities(billing)) == [1, 2]


@pytest.mark.slow
def test_a_program_that_is_killed_counts_nothing_twice(billing: Billing, ledger_dsn: str):
    program = """
    for number in range(10_000):
        meter.record("t", "calls", 1, idempotency_key=str(number))
        if number % 50 == 0:
            meter.flush()
            print(number, flush=True)
        time.sleep(0.0005)
    """
    for _ in range(2):
        process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM + textwrap.dedent(program), ledger_dsn],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        flushed = 0
        while flushed < 500:
            flushed = int(process.stdout.readline())
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
        assert total(billing) >= flushed
    # What the killed program had sent may still be going on.
    keys = "select count(distinct idempotency_key) from ledger_usage_events"
    wait_for(lambda: billing.conn.execute(keys).fetchone() == (total(billing),))


# The asynchronous meter


async def test_a_task_sends_what_is_recorded(billing: Billing, apool: AsyncPool):
    async with AsyncMeter(apool, "app", batch_size=3, flush_interval=LATER) as meter:
        for number in range(3):
            meter.record("t", "calls", number)
        await wait_for_async(lambda: meter.buffered == 0)
        record = meter.record("t", "calls", 3, metadata={"a": 1})
        assert await meter.flush()
        meter.record("t", "calls", 4)
    assert quantities(billing) == [0, 1, 2, 3, 4]
    assert record.metadata == {"a": 1}
    with pytest.raises(MeterClosed):
        meter.record("t", "calls")
    assert await meter.close() == []


async def test_an_event_of_a_task_waits_no_longer_than_the_interval(
    billing: Billing, apool: AsyncPool
):
    async with AsyncMeter(apool, "app", flush_interval=SOON) as meter:
        meter.record("t", "calls")
        await wait_for_async(lambda: meter.buffered == 0)
    assert quantities(billing) == [1]


async def test_tasks_events_stay_in_order_and_count_once(billing: Billing, apool: AsyncPool):
    apool.before = [lost, None, lost, lambda: pg_errors.SerializationFailure("no")]
    apool.after = [lost, None, lost]
    async with AsyncMeter(apool, "app", batch_size=4, flush_interval=SOON) as meter:
        for number in range(20):
            meter.record("t", "calls", number)
        assert await meter.flush()
        assert meter.rejected == []
    assert quantities(billing) == list(range(20))


async def test_tasks_get_their_rejected_events(billing: Billing, apool: AsyncPool):
    rejected: list[Rejection] = []
    async with AsyncMeter(apool, "app", on_rejected=rejected.append) as meter:
        wrong = [meter.record("t", "nothing"), meter.record("\0", "calls")]
        meter.record("t", "calls")
        assert await meter.flush()
        assert [rejection.record for rejection in rejected] == wrong
    assert quantities(billing) == [1]


async def test_tasks_get_back_what_cannot_be_delivered(
    monkeypatch: pytest.MonkeyPatch, nowhere: str
):
    meter = AsyncMeter(AsyncPool(nowhere), "app", batch_size=5, max_buffered=5)
    records = [meter.record("t", "calls", number) for number in range(5)]
    with pytest.raises(MeterFull):
        meter.record("t", "calls")
    assert not await meter.flush(BRIEFLY)
    assert await meter.close(BRIEFLY) == records
    assert await meter.close() == records

    monkeypatch.setattr(AsyncMeter.close, "__defaults__", (BRIEFLY,))
    meter = AsyncMeter(AsyncPool(nowhere), "app")
    record = meter.record("t", "calls")
    with pytest.raises(MeterUndelivered) as raised:
        async with meter:
            pass
    assert raised.value.records == [record]


async def test_a_cancelled_flush_leaves_everything_going(
    billing: Billing, apool: AsyncPool, connect: Connect
):
    blocker = connect()
    Billing(blocker).record_usage("app", "t", "calls", quantity=100, idempotency_key="k")
    async with AsyncMeter(apool, "app", flush_interval=LATER) as meter:
        meter.record("t", "calls", 7, idempotency_key="k")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await meter.flush()
        assert meter.buffered == 1
        blocker.rollback()
        await wait_for_async(lambda: meter.buffered == 0)
    assert quantities(billing) == [7]


async def test_a_cancelled_close_can_be_called_again(billing: Billing, nowhere: str, apool):
    dsn, apool.dsn = apool.dsn, nowhere
    meter = AsyncMeter(apool, "app")
    record = meter.record("t", "calls")
    closing = asyncio.create_task(meter.close(None))
    await wait_for_async(lambda: meter.last_error is not None)
    closing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await closing
    with pytest.raises(MeterClosed):
        meter.record("t", "calls")
    assert meter.buffered == 1
    apool.dsn = dsn
    assert await meter.close() == []
    (event,) = billing.query_usage("app", "t")
    assert event.idempotency_key == record.idempotency_key


async def test_closing_ends_an_attempt_that_hangs(
    billing: Billing, apool: AsyncPool, connect: Connect
):
    blocker = connect()
    Billing(blocker).record_usage("app", "t", "calls", quantity=100, idempotency_key="k")
    meter = AsyncMeter(apool, "app", flush_interval=SOON)
    records = [
        meter.record("t", "calls", 7, idempotency_key="k"),
        meter.record("t", "calls", 8),
    ]
    await wait_for_async(lambda: blocks_somebody(blocker))
    assert await meter.close(BRIEFLY) == records
    assert [task for task in asyncio.all_tasks() if task.get_name() == "pgledger meter"] == []
    blocker.rollback()
    answers = billing.ingest_usage("app", records)
    assert [answer.status for answer in answers] == ["inserted", "inserted"]
    assert quantities(billing) == [7, 8]


@pytest.mark.parametrize("during", ["waiting", "sending"])
async def test_a_worker_that_somebody_cancelled_is_replaced(
    billing: Billing, apool: AsyncPool, connect: Connect, during
):
    blocker = connect()
    Billing(blocker).record_usage("app", "t", "calls", quantity=100, idempotency_key="k")
    interval = LATER if during == "waiting" else SOON
    async with AsyncMeter(apool, "app", flush_interval=interval) as meter:
        meter.record("t", "calls", 7, idempotency_key="k")
        if during == "sending":
            await wait_for_async(lambda: blocks_somebody(blocker))
        else:
            await asyncio.sleep(0.05)
        (worker,) = (t for t in asyncio.all_tasks() if t.get_name() == "pgledger meter")
        worker.cancel()
        with pytest.raises(asyncio.CancelledError):
            await worker
        assert meter.buffered == 1
        blocker.rollback()
        meter.record("t", "calls", 8)
        assert await meter.flush()
    assert quantities(billing) == [7, 8]


async def test_a_task_that_is_cancelled_in_the_block_delivers_still(
    billing: Billing, apool: AsyncPool
):
    recorded = asyncio.Event()

    async def work() -> None:
        async with AsyncMeter(apool, "app", flush_interval=LATER) as meter:
            meter.record("t", "calls", 3)
            recorded.set()
            await asyncio.sleep(3600)

    task = asyncio.create_task(work())
    await recorded.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert quantities(billing) == [3]


async def test_many_tasks_record_at_once(billing: Billing, apool: AsyncPool):
    async with AsyncMeter(apool, "app", batch_size=30, flush_interval=SOON) as meter:

        async def use(index: int) -> None:
            for number in range(50):
                meter.record(f"t{index}", "calls", number)
                await asyncio.sleep(0)
            assert await meter.flush()

        await asyncio.gather(*(use(index) for index in range(8)))
    for index in range(8):
        assert quantities(billing, f"t{index}") == list(range(50))


def test_a_meter_belongs_to_one_event_loop(billing: Billing, apool: AsyncPool, nowhere: str):
    meter = AsyncMeter(apool, "app", flush_interval=LATER)
    with pytest.raises(RuntimeError, match="no running event loop"):
        meter.record("t", "calls")
    assert meter.buffered == 0

    async def record(number: int) -> UsageRecord:
        return meter.record("t", "calls", number)

    first = asyncio.run(record(1))
    with pytest.raises(RuntimeError, match="the meter belongs to another event loop"):
        asyncio.run(record(2))
    # What the loop before has left is handed back all the same.
    assert asyncio.run(meter.close()) == [first]


async def test_a_meter_dropped_with_events_warns(apool: AsyncPool):
    async def record() -> None:
        AsyncMeter(apool, "app", flush_interval=LATER).record("t", "calls")

    await record()
    (worker,) = (t for t in asyncio.all_tasks() if t.get_name() == "pgledger meter")
    worker.cancel()
    await asyncio.wait([worker])
    del worker
    with pytest.warns(ResourceWarning, match="a meter was dropped with 1 usage events"):
        gc.collect()


@pytest.mark.slow
async def test_a_server_that_dies_under_tasks_counts_everything_once(new_server: NewServer):
    server = new_server(settings={"autovacuum": "off"})
    dsn = server.dsn()
    migrate(dsn)
    with psycopg.connect(dsn) as conn:
        offer_calls(conn)
    accepted = 0
    async with AsyncMeter(AsyncPool(dsn), "app", flush_interval=SOON) as meter:
        for round_ in range(3):
            deadline = time.monotonic() + 0.4 + 0.07 * round_
            while time.monotonic() < deadline:
                meter.record("t", "calls")
                accepted += 1
                await asyncio.sleep(0.002)
            await asyncio.to_thread(server.kill)
            await asyncio.to_thread(server.start)
        assert await meter.flush(dt.timedelta(minutes=2))
    with psycopg.connect(dsn) as conn:
        assert total(Billing(conn)) == accepted
