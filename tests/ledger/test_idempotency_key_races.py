"""One key in many sessions: one effect, and the same answer for all."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from psycopg import IsolationLevel
from psycopg.errors import SerializationFailure

from pgledger import Ledger
from pgledger.errors import IdempotencyConflict
from support.at_once import PATIENCE, all_at_once
from support.database import Connect
from support.keyed import CALLS, KEY, MOVING, Books
from support.waiting import WaitUntilBlocked

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
