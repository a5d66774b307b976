"""Reversals of one transfer by several sessions: together they give back what there was."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from psycopg import IsolationLevel
from psycopg.errors import SerializationFailure

from pgledger import Ledger, ids
from pgledger.errors import (
    AccountFrozen,
    IdempotencyConflict,
    InsufficientFunds,
    ReversalExceeded,
    TransferReversed,
)
from support.at_once import PATIENCE, all_at_once
from support.database import Connect
from support.waiting import WaitUntilBlocked

Session = psycopg.Connection[Any]
Act = Callable[[Ledger, str], Any]


class Books(Ledger):
    """A buyer who has paid a shop 100; neither can be overdrawn."""

    def __init__(self, conn: Session) -> None:
        super().__init__(conn)
        self.conn = conn
        self.bank = self.create_account("bank", "USD").id
        self.buyer = self.create_account("buyer", "USD", min_balance=Decimal(0)).id
        self.shop = self.create_account("shop", "USD", min_balance=Decimal(0)).id
        self.create_transfer(self.bank, self.buyer, 1000)
        self.create_transfer(self.bank, self.shop, 1000)
        self.paid = self.create_transfer(self.buyer, self.shop, 100).id

    def back(self) -> Decimal:
        """What the buyer has got back, by the balances alone."""
        return self.get_account(self.buyer).balance - 900

    def faults(self) -> list[str]:
        return [check.check_name for check in self.verify() if not check.ok]


@pytest.fixture
def books(connect: Connect) -> Books:
    return Books(connect(autocommit=True))


ACTS: dict[str, Act] = {
    "whole": lambda ledger, paid: ledger.reverse_transfer(paid),
    "part": lambda ledger, paid: ledger.reverse_transfer(paid, amount=60),
    "small part": lambda ledger, paid: ledger.reverse_transfer(paid, amount=40),
    "whole with id": lambda ledger, paid: ledger.reverse_transfer(paid, id=ids.generate("pglt")),
    "whole over limits": lambda ledger, paid: ledger.reverse_transfer_over_limits(paid, "why"),
    "part over limits": (
        lambda ledger, paid: ledger.reverse_transfer_over_limits(paid, "why", amount=60)
    ),
}
MOVED = {
    "whole": 100,
    "part": 60,
    "small part": 40,
    "whole with id": 100,
    "whole over limits": 100,
    "part over limits": 60,
}


@pytest.mark.parametrize(
    ("first", "second", "ends"),
    [
        *((first, second, "commit") for first in ACTS for second in ACTS),
        *((act, act, "rollback") for act in ACTS),
    ],
)
def test_of_two_sessions_the_second_counts_what_the_first_did(
    books: Books,
    connect: Connect,
    wait_until_blocked: WaitUntilBlocked,
    first: str,
    second: str,
    ends: str,
) -> None:
    one, two = connect(), connect(autocommit=True, **PATIENCE)
    ACTS[first](Ledger(one), books.paid)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(ACTS[second], Ledger(two), books.paid)
        wait_until_blocked(two.info.backend_pid, by=one.info.backend_pid)
        getattr(one, ends)()
        found = waiting.exception(timeout=60)
    done = MOVED[first] if ends == "commit" else 0
    if done == 100:
        assert isinstance(found, TransferReversed)
    elif "part" in second and done + MOVED[second] > 100:
        assert isinstance(found, ReversalExceeded)
        left = 100 - done
        assert f"has {left} left of 100 to reverse, less than {MOVED[second]}" in str(found)
    else:
        assert found is None
        done = 100 if "whole" in second else done + MOVED[second]
    assert books.reversed_amount(books.paid) == books.back() == done
    assert books.faults() == []


def test_eight_sessions_of_parts_give_back_what_there_was_and_no_more(
    books: Books, connect: Connect
) -> None:
    def run(number: int) -> Callable[[Session], Counter[str]]:
        def go(session: Session) -> Counter[str]:
            mine, counted = Ledger(session), Counter[str]()
            for place in range(20):
                try:
                    if (number + place) % 4 == 0:
                        mine.reverse_transfer_over_limits(books.paid, "why", amount=3)
                    else:
                        mine.reverse_transfer(books.paid, amount=3)
                    counted["made"] += 1
                except ReversalExceeded:
                    counted["too much"] += 1
            return counted

        return go

    counted = Counter[str]()
    for one in all_at_once(connect, [run(number) for number in range(8)]):
        counted.update(one)
    # 33 parts of 3, and 1 that is less than a part.
    assert counted == {"made": 33, "too much": 127}
    assert books.reversed_amount(books.paid) == books.back() == 99
    assert books.reverse_transfer(books.paid).amount == 1
    assert books.faults() == []


def test_of_eight_whole_reversals_one_is_made(books: Books, connect: Connect) -> None:
    answers = all_at_once(
        connect, [lambda session: Ledger(session).reverse_transfer(books.paid) for _ in range(8)]
    )
    assert Counter(isinstance(answer, TransferReversed) for answer in answers) == {
        False: 1,
        True: 7,
    }
    assert books.back() == 100
    assert books.faults() == []


@pytest.mark.parametrize("amount", [None, 30])
def test_sixteen_with_one_id_have_one_effect(
    books: Books, connect: Connect, amount: int | None
) -> None:
    own = ids.generate("pglt")
    answers = all_at_once(
        connect,
        [
            lambda session: Ledger(session).reverse_transfer(books.paid, amount=amount, id=own)
            for _ in range(16)
        ],
    )
    assert Counter(answer.replayed for answer in answers) == {True: 15, False: 1}
    assert len({answer.created_at for answer in answers}) == 1
    assert books.back() == (amount or 100)
    assert books.faults() == []


@pytest.mark.parametrize("amount", [None, 30])
def test_sixteen_with_one_key_have_one_effect(
    books: Books, connect: Connect, amount: int | None
) -> None:
    answers = all_at_once(
        connect,
        [
            lambda session: Ledger(session).reverse_transfer(
                books.paid, amount=amount, idempotency_key="refund"
            )
            for _ in range(16)
        ],
    )
    assert Counter(answer.replayed for answer in answers) == {True: 15, False: 1}
    assert len({answer.id for answer in answers}) == 1
    assert books.back() == (amount or 100)
    assert books.faults() == []


def test_there_and_back_at_once_never_deadlock(books: Books, connect: Connect) -> None:
    refund = books.reverse_transfer(books.paid)

    def run(transfer: str, rounds: int) -> Callable[[Session], int]:
        def go(session: Session) -> int:
            for _ in range(rounds):
                Ledger(session).reverse_transfer(transfer, amount=2)
            return rounds

        return go

    books.create_transfer(books.buyer, books.shop, 100)
    other = books.create_transfer(books.buyer, books.shop, 100)
    calls = [run(refund.id, 20), run(other.id, 20), run(refund.id, 20), run(other.id, 20)]
    assert all_at_once(connect, calls) == [20] * 4
    assert books.reversed_amount(refund.id) == books.reversed_amount(other.id) == 80
    assert books.faults() == []


def test_a_reversal_waits_for_what_spends_the_money(
    books: Books, connect: Connect, wait_until_blocked: WaitUntilBlocked
) -> None:
    one, two = connect(), connect(autocommit=True, **PATIENCE)
    Ledger(one).create_transfer(books.shop, books.bank, 1050)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(Ledger(two).reverse_transfer, books.paid)
        wait_until_blocked(two.info.backend_pid, by=one.info.backend_pid)
        one.commit()
        assert isinstance(waiting.exception(timeout=60), InsufficientFunds)
    assert books.back() == 0
    assert books.faults() == []


def test_a_reversal_waits_for_a_freeze(
    books: Books, connect: Connect, wait_until_blocked: WaitUntilBlocked
) -> None:
    one, two = connect(), connect(autocommit=True, **PATIENCE)
    Ledger(one).freeze_account(books.shop, "out")
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(Ledger(two).reverse_transfer_over_limits, books.paid, "why")
        wait_until_blocked(two.info.backend_pid, by=one.info.backend_pid)
        one.commit()
        assert isinstance(waiting.exception(timeout=60), AccountFrozen)
    assert books.back() == 0
    assert books.faults() == []


def test_an_id_that_another_pair_of_accounts_takes_meanwhile_is_a_conflict(
    books: Books, connect: Connect, wait_until_blocked: WaitUntilBlocked
) -> None:
    own = ids.generate("pglt")
    source, target = (books.create_account(name, "USD").id for name in ("c", "d"))
    one, two = connect(), connect(autocommit=True, **PATIENCE)
    Ledger(one).create_transfer(source, target, 5, id=own)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(Ledger(two).reverse_transfer, books.paid, id=own)
        wait_until_blocked(two.info.backend_pid, by=one.info.backend_pid)
        one.commit()
        assert isinstance(waiting.exception(timeout=60), IdempotencyConflict)
    assert books.back() == 0
    assert books.faults() == []


@pytest.mark.parametrize("level", [IsolationLevel.REPEATABLE_READ, IsolationLevel.SERIALIZABLE])
@pytest.mark.parametrize("amount", [None, 60, 40])
def test_a_snapshot_from_before_a_reversal_cannot_reverse(
    books: Books, connect: Connect, level: IsolationLevel, amount: int | None
) -> None:
    late = connect()
    late.isolation_level = level
    assert Ledger(late).reversed_amount(books.paid) == 0
    books.reverse_transfer(books.paid, amount=60)
    with pytest.raises(SerializationFailure):
        Ledger(late).reverse_transfer(books.paid, amount=amount)
    late.rollback()
    if amount == 60:
        with pytest.raises(ReversalExceeded):
            Ledger(late).reverse_transfer(books.paid, amount=amount)
        late.rollback()
    else:
        assert Ledger(late).reverse_transfer(books.paid, amount=amount).amount == 40
        late.commit()
    assert books.reversed_amount(books.paid) == books.back() == (60 if amount == 60 else 100)
    assert books.faults() == []
