"""One key in many sessions: one effect, and the same answer for all."""

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from psycopg import IsolationLevel
from psycopg.errors import SerializationFailure

from pgledger import Ledger, TransferRequest
from pgledger.errors import IdempotencyConflict
from support.at_once import PATIENCE, all_at_once
from support.clock import SetClock
from support.database import Connect
from support.keyed import CALLS, KEY, MOVING, Books, Session
from support.waiting import DEADLINE_SECONDS, WaitUntilBlocked

NOW = datetime(2030, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)

calls = pytest.mark.parametrize("function", CALLS)


@pytest.fixture
def ledger(connect: Connect) -> Books:
    return Books(connect(autocommit=True))


@calls
def test_a_second_call_waits_for_the_first_and_gets_its_answer(
    ledger, connect, wait_until_blocked: WaitUntilBlocked, function
):
    mine, other = connect(**PATIENCE), connect(autocommit=True, **PATIENCE)
    first = CALLS[function](Ledger(mine), ledger, idempotency_key=KEY)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(lambda: CALLS[function](Ledger(other), ledger, idempotency_key=KEY))
        wait_until_blocked(other.info.backend_pid, by=mine.info.backend_pid)
        mine.commit()
    assert waiting.result() == replace(first, replayed=True)
    assert ledger.faults() == []


@calls
def test_a_second_call_takes_effect_if_the_first_is_rolled_back(
    ledger, connect, wait_until_blocked: WaitUntilBlocked, function
):
    mine, other = connect(**PATIENCE), connect(autocommit=True, **PATIENCE)
    CALLS[function](Ledger(mine), ledger, idempotency_key=KEY)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(lambda: CALLS[function](Ledger(other), ledger, idempotency_key=KEY))
        wait_until_blocked(other.info.backend_pid, by=mine.info.backend_pid)
        mine.rollback()
    assert waiting.result().replayed is False
    assert len(ledger.known_keys()) == 1
    assert ledger.faults() == []


@calls
def test_sixteen_calls_with_one_key_have_one_effect(ledger, connect, function):
    before = ledger.get_account(ledger.wallet).version
    answers = all_at_once(
        connect,
        [
            lambda session: CALLS[function](Ledger(session), ledger, idempotency_key=KEY)
            for _ in range(16)
        ],
    )
    assert Counter(answer.replayed for answer in answers) == {True: 15, False: 1}
    assert len({replace(answer, replayed=None) for answer in map(hashable, answers)}) == 1
    assert len(ledger.known_keys()) == 1
    assert ledger.get_account(ledger.wallet).version == before + (function in MOVING)
    assert ledger.faults() == []


def hashable(answer: Any) -> Any:
    return replace(answer, metadata=None)


def test_sixteen_transfers_of_one_key_on_other_accounts_are_one_and_conflicts(ledger, connect):
    shops = [ledger.create_account(f"shop {n}", "USD").id for n in range(16)]

    def pay(shop: str) -> Any:
        return lambda session: Ledger(session).create_transfer(
            ledger.bank, shop, 1, idempotency_key=KEY
        )

    answers = all_at_once(connect, [pay(shop) for shop in shops])
    refused = [answer for answer in answers if isinstance(answer, Exception)]
    assert len(refused) == 15
    for error in refused:
        assert isinstance(error, IdempotencyConflict)
        assert "to_account_id was " in (error.diag.message_detail or "")
    assert sum(ledger.get_account(shop).balance for shop in shops) == 1
    assert ledger.faults() == []


@calls
def test_what_committed_after_the_snapshot_is_a_serialization_failure(ledger, connect, function):
    other = connect()
    other.set_isolation_level(IsolationLevel.REPEATABLE_READ)
    other.execute("select 1")
    first = CALLS[function](ledger, ledger, idempotency_key=KEY)
    with pytest.raises(SerializationFailure):
        CALLS[function](Ledger(other), ledger, idempotency_key=KEY)
    other.rollback()
    assert CALLS[function](Ledger(other), ledger, idempotency_key=KEY) == replace(
        first, replayed=True
    )
    other.commit()
    assert ledger.faults() == []


@calls
def test_a_repeat_within_a_snapshot_gets_the_first_answer(ledger, connect, function):
    other = connect()
    other.set_isolation_level(IsolationLevel.REPEATABLE_READ)
    first = CALLS[function](Ledger(other), ledger, idempotency_key=KEY)
    assert CALLS[function](Ledger(other), ledger, idempotency_key=KEY) == replace(
        first, replayed=True
    )
    other.commit()
    assert ledger.faults() == []


def test_a_key_that_another_transaction_took_on_other_accounts(
    ledger, connect, wait_until_blocked: WaitUntilBlocked
):
    one, two = (ledger.create_account(name, "USD").id for name in ("one", "two"))
    for isolation, error in (
        (IsolationLevel.READ_COMMITTED, IdempotencyConflict),
        (IsolationLevel.REPEATABLE_READ, SerializationFailure),
    ):
        key = f"{KEY} {isolation}"
        mine, other = connect(**PATIENCE), connect(**PATIENCE)
        other.set_isolation_level(isolation)
        Ledger(mine).create_transfer(ledger.bank, ledger.shop, 5, idempotency_key=key)
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(Ledger(other).create_transfer, one, two, 5, idempotency_key=key)
            wait_until_blocked(other.info.backend_pid, by=mine.info.backend_pid)
            mine.commit()
        assert isinstance(waiting.exception(), error)
        other.rollback()
    assert ledger.get_account(one).version == 0
    assert ledger.faults() == []


@calls
def test_an_answer_that_was_lost_after_the_commit_is_given_again(ledger, connect, function):
    """The backend ends between the commit and the caller's reading of it."""
    mine = connect()
    first = CALLS[function](Ledger(mine), ledger, idempotency_key=KEY)
    mine.commit()
    pid = mine.info.backend_pid
    ledger.conn.execute("select pg_terminate_backend(%s, 10000)", [pid])
    again = CALLS[function](Ledger(connect(autocommit=True)), ledger, idempotency_key=KEY)
    assert again == replace(first, replayed=True)
    assert ledger.faults() == []


@calls
def test_a_call_whose_backend_ended_before_the_commit_took_no_effect(ledger, connect, function):
    mine = connect()
    CALLS[function](Ledger(mine), ledger, idempotency_key=KEY)
    ledger.conn.execute("select pg_terminate_backend(%s, 10000)", [mine.info.backend_pid])
    assert ledger.known_keys() == []
    assert CALLS[function](ledger, ledger, idempotency_key=KEY).replayed is False
    assert ledger.faults() == []


# Calls that rely on a hold's expiry: by what they do, between the account that an amount leaves and
# the one that it reaches. An earlier transfer can be reversed to the same end.
RELYING: dict[str, Any] = {
    "transfer": lambda ledger, a, b, _, key: ledger.create_transfer(a, b, 20, idempotency_key=key),
    "hold": lambda ledger, a, b, _, key: ledger.create_hold(a, b, 20, idempotency_key=key),
    "sweep": lambda ledger, a, b, _, key: ledger.sweep(a, b, max_amount=20, idempotency_key=key),
    "reversal": lambda ledger, _a, _b, earlier, key: ledger.reverse_transfer(
        earlier, idempotency_key=key
    ),
    "batch": lambda ledger, a, b, _, key: ledger.create_transfers(
        [TransferRequest(a, b, 20, idempotency_key=key)]
    ),
}


@pytest.mark.parametrize("second", RELYING)
@pytest.mark.parametrize("first", RELYING)
def test_a_key_is_taken_before_what_has_expired_is_locked(
    ledger, connect, set_clock: SetClock, wait_until_blocked: WaitUntilBlocked, first, second
):
    """Two requests of one key have no account in common, but an expired hold between them."""
    set_clock(ledger.conn, NOW)
    payer = ledger.create_account("payer", "USD", min_balance=0).id
    payee = ledger.create_account("payee", "USD", max_balance=40).id
    ways = []
    for source, target in ((payer, ledger.shop), (ledger.bank, payee)):
        paid = ledger.create_transfer(target, source, 20).id
        ways.append((source, target, paid))
    ledger.create_transfer(ledger.bank, payee, 40)
    expired = ledger.create_hold(payer, payee, 20, expires_at=NOW + HOUR).id
    set_clock(ledger.conn, NOW + 2 * HOUR)
    one, two, holder = (connect(**PATIENCE) for _ in range(3))
    holder.execute("select from pgledger.holds where id = %s for no key update", [expired])
    with ThreadPoolExecutor(2) as pool:
        former = pool.submit(lambda: RELYING[first](Ledger(one), *ways[0], KEY))
        wait_until_blocked(one.info.backend_pid, by=holder.info.backend_pid)
        latter = pool.submit(lambda: RELYING[second](Ledger(two), *ways[1], KEY))
        wait_until_blocked(two.info.backend_pid, by=one.info.backend_pid)
        holder.rollback()
        former.result()
        one.commit()
        assert isinstance(latter.exception(), IdempotencyConflict)
    two.rollback()
    assert ledger.faults() == []


# Tells the time, but first waits at a certain time that its session asks.
WAITING_CLOCK = """
  greatest(
    clock_timestamp(),
    case
      when set_config(
        'test.asked', (coalesce(current_setting('test.asked', true), '0')::int + 1)::text, false
      ) = current_setting('test.waits_at', true)
        then (pg_advisory_xact_lock_shared(1)::text || 'epoch')::timestamptz
    end
  )
"""


@pytest.mark.parametrize("waits_at", range(1, 5))
@pytest.mark.parametrize(
    "function",
    ["pgledger_create_transfer", "pgledger_create_account", "pgledger_create_hold", "metadata"],
)
def test_a_key_may_be_purged_at_any_moment_of_its_repeat(
    ledger, connect, set_clock: SetClock, function, waits_at
):
    given: dict[str, Any] = {"metadata": {}} if function == "metadata" else {}
    call = CALLS[function.replace("metadata", "pgledger_create_transfer")]
    first = call(ledger, ledger, idempotency_key=KEY, **given)
    set_clock(ledger.conn, WAITING_CLOCK)
    mine, holder = connect(autocommit=True, **PATIENCE), connect(**PATIENCE)
    holder.execute("select pg_advisory_xact_lock(1)")
    mine.execute(f"set test.asked = 0; set test.waits_at = {waits_at}".encode())
    with ThreadPoolExecutor(1) as pool:
        again = pool.submit(call, Ledger(mine), ledger, idempotency_key=KEY, **given)
        deadline = time.monotonic() + DEADLINE_SECONDS
        while not again.done() and not is_blocked(ledger.conn, mine.info.backend_pid):
            assert time.monotonic() < deadline
        purged = ledger.conn.execute(
            "select pgledger_purge_idempotency_keys(now() + interval '1 day', allow_recent => true)"
        ).fetchone()
        holder.rollback()
    assert purged == (1,)
    # What was read before is answered from; what was not is a new request.
    assert again.result().replayed == (again.result().id == first.id)
    assert len(ledger.known_keys()) == (not again.result().replayed)
    assert ledger.faults() == []


def is_blocked(conn: Session, pid: int) -> bool:
    return conn.execute("select pg_blocking_pids(%s) <> '{}'", [pid]).fetchone() == (True,)
