"""Holds under many sessions: each ends once, and no clock and no order makes two ends of one."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from psycopg import IsolationLevel
from psycopg.errors import SerializationFailure

from pgledger import Ledger, ids
from pgledger.errors import (
    AccountClosed,
    AccountFrozen,
    AccountNotEmpty,
    HoldAmountExceeded,
    HoldEnded,
    HoldExpired,
    InsufficientFunds,
    InvalidAmount,
    LimitAlreadyBroken,
    PositiveBalanceNotAllowed,
)
from support.at_once import PATIENCE, all_at_once
from support.clock import SetClock
from support.database import Connect
from support.waiting import WaitUntilBlocked

NOW = datetime(2030, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)

Session = psycopg.Connection[Any]


class Books(Ledger):
    """A ledger with a wallet of 100 and a shop; the wallet cannot be overdrawn."""

    def __init__(self, conn: Session) -> None:
        super().__init__(conn)
        self.conn = conn
        self.bank = self.create_account("bank", "USD").id
        self.wallet = self.create_account("wallet", "USD", min_balance=Decimal(0)).id
        self.shop = self.create_account("shop", "USD").id
        self.create_transfer(self.bank, self.wallet, 100)

    def hold(self, amount: int = 40, **options: Any) -> str:
        return self.create_hold(self.wallet, self.shop, amount, **options).id

    def faults(self) -> list[str]:
        return [check.check_name for check in self.verify() if not check.ok]


@pytest.fixture
def ledger(connect: Connect) -> Books:
    return Books(connect(autocommit=True))


def test_a_thousand_holds_end_once_each_among_32_sessions(
    ledger: Books, connect: Connect, set_clock: SetClock
) -> None:
    count, sessions = 1000, 32
    set_clock(ledger.conn, NOW)
    ledger.create_transfer(ledger.bank, ledger.wallet, 10 * count)
    shops = [ledger.create_account(f"shop {n}", "USD").id for n in range(7)]
    holds = [
        ledger.create_hold(
            ledger.wallet, shops[n % 7], 10, expires_at=NOW + (HOUR if n % 3 == 0 else 2 * HOUR)
        ).id
        for n in range(count)
    ]
    # A third is due; of the others every one is pending, and half of the sessions void.
    set_clock(ledger.conn, NOW + HOUR)

    def run(number: int) -> Any:
        def go(session: Session) -> Counter[str]:
            mine, counted = Ledger(session), Counter[str]()
            for place in range(count):
                hold = holds[(place * 7 + number * 31) % count]
                try:
                    match number % 3:
                        case 0:
                            mine.post_hold(hold, amount=4)
                            counted["posted"] += 1
                        case 1:
                            counted["voided"] += mine.void_hold(hold).replayed is False
                        case _:
                            mine.expire_holds(max_holds=5)
                            if place > 50:
                                break
                except HoldEnded:
                    counted["refused"] += 1
                except HoldExpired:
                    counted["late"] += 1
            return counted

        return go

    counted: Counter[str] = sum(
        all_at_once(connect, [run(number) for number in range(sessions)]), Counter()
    )
    while ledger.expire_holds():
        pass
    due = len(range(0, count, 3))
    states = Counter(
        dict(
            ledger.conn.execute(
                "select status, count(*) from pgledger_holds_view group by status"
            ).fetchall()
        )
    )
    assert states["expired"] == due
    assert states["posted"] == counted["posted"]
    assert states["voided"] == counted["voided"]
    assert counted["posted"] + counted["voided"] == count - due
    assert min(counted["posted"], counted["voided"]) > 0
    wallet = ledger.get_account(ledger.wallet)
    assert wallet.balance == 100 + 10 * count - 4 * counted["posted"]
    assert wallet.held_out == 0
    assert sum(ledger.get_account(shop).balance for shop in shops) == 4 * counted["posted"]
    assert ledger.conn.execute(
        "select count(*) from pgledger.accounts where held_out <> 0 or held_in <> 0"
    ).fetchone() == (0,)
    assert ledger.faults() == []


def test_sixteen_postings_with_one_id_have_one_effect(ledger: Books, connect: Connect) -> None:
    hold, own = ledger.hold(), ids.generate("pglt")
    answers = all_at_once(
        connect, [lambda session: Ledger(session).post_hold(hold, id=own) for _ in range(16)]
    )
    assert len({answer.created_at for answer in answers}) == 1
    assert Counter(answer.replayed for answer in answers) == {True: 15, False: 1}
    assert ledger.get_account(ledger.wallet).balance == 60
    assert ledger.faults() == []


def test_sixteen_holds_with_one_id_are_one(ledger: Books, connect: Connect) -> None:
    own = ids.generate("pglh")
    answers = all_at_once(
        connect,
        [
            lambda session: Ledger(session).create_hold(ledger.wallet, ledger.shop, 30, id=own)
            for _ in range(16)
        ],
    )
    assert Counter(answer.replayed for answer in answers) == {True: 15, False: 1}
    assert ledger.get_account(ledger.wallet).held_out == 30
    assert ledger.faults() == []


def test_holds_at_once_never_exceed_what_is_there(ledger: Books, connect: Connect) -> None:
    answers = all_at_once(
        connect,
        [
            lambda session: Ledger(session).create_hold(ledger.wallet, ledger.shop, 30)
            for _ in range(8)
        ],
    )
    assert Counter(isinstance(answer, InsufficientFunds) for answer in answers) == {
        False: 3,
        True: 5,
    }
    assert ledger.faults() == []


ACTS = {
    "post": lambda ledger, hold: ledger.post_hold(hold),
    "post in part": lambda ledger, hold: ledger.post_hold(hold, amount=30, final=False),
    "post a final part": lambda ledger, hold: ledger.post_hold(hold, amount=30),
    "post with id": lambda ledger, hold: ledger.post_hold(hold, id=ids.generate("pglt")),
    "void": lambda ledger, hold: ledger.void_hold(hold),
    "extend": lambda ledger, hold: ledger.extend_hold(hold, None),
}
# What the second of two calls comes to: an error, or what it moves.
SECOND = {
    "post": HoldEnded,
    "post a final part": HoldEnded,
    "post with id": HoldEnded,
    "void": HoldEnded,
}


@pytest.mark.parametrize("second", ACTS)
@pytest.mark.parametrize("first", ACTS)
def test_of_two_sessions_the_second_sees_what_the_first_did(
    ledger: Books,
    connect: Connect,
    wait_until_blocked: WaitUntilBlocked,
    first: str,
    second: str,
) -> None:
    hold = ledger.hold()
    one, two = connect(), connect(autocommit=True, **PATIENCE)
    ACTS[first](Ledger(one), hold)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(ACTS[second], Ledger(two), hold)
        wait_until_blocked(two.info.backend_pid, by=one.info.backend_pid)
        one.commit()
        found = waiting.exception(timeout=60)
    after = ledger.get_hold(hold)
    moved = 100 - ledger.get_account(ledger.wallet).balance
    if first in SECOND:
        if first == second == "void":
            assert found is None
        else:
            assert isinstance(found, HoldEnded)
        assert after.status == ("voided" if first == "void" else "posted")
        assert moved == {"post": 40, "post a final part": 30, "post with id": 40}.get(first, 0)
    elif first == "post in part" and second in {"post in part", "post a final part"}:
        assert isinstance(found, HoldAmountExceeded)
        assert "has 10 left of 40, less than 30" in str(found)
        assert (after.status, moved) == ("pending", 30)
    else:
        assert found is None
        whole = second in {"post", "post with id"}
        parts = 30 * ((first, second).count("post in part") + (second == "post a final part"))
        assert moved == (40 if whole else parts)
    assert after.posted_amount == moved
    assert ledger.faults() == []


@pytest.mark.parametrize(
    ("amount", "final", "moved", "status"),
    [
        (None, True, 30, "posted"),
        (None, False, 30, "posted"),
        (20, True, 20, "posted"),
        (20, False, 20, "pending"),
        (30, False, 30, "posted"),
    ],
)
def test_a_part_that_came_first_leaves_the_rest_to_the_second(
    ledger: Books,
    connect: Connect,
    wait_until_blocked: WaitUntilBlocked,
    amount: int | None,
    final: bool,
    moved: int,
    status: str,
) -> None:
    hold = ledger.hold()
    one, two = connect(), connect(autocommit=True, **PATIENCE)
    Ledger(one).post_hold(hold, amount=10, final=False)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(
            Ledger(two).post_hold, hold, amount=None if amount is None else amount, final=final
        )
        wait_until_blocked(two.info.backend_pid, by=one.info.backend_pid)
        one.commit()
        transfer = waiting.result(timeout=60)
    assert transfer.amount == moved
    assert transfer.from_account_balance == 100 - 10 - moved
    assert transfer.to_account_balance == 10 + moved
    after = ledger.get_hold(hold)
    assert (after.posted_amount, after.status) == (10 + moved, status)
    assert ledger.get_account(ledger.wallet).held_out == (30 - moved if status == "pending" else 0)
    assert ledger.faults() == []


# Capture against expiry, at the same microsecond


@pytest.mark.parametrize("before", [True, False], ids=["before", "at"])
def test_capture_and_a_release_wait_for_one_another_and_the_clock_decides(
    ledger: Books,
    connect: Connect,
    set_clock: SetClock,
    wait_until_blocked: WaitUntilBlocked,
    before: bool,
) -> None:
    set_clock(ledger.conn, NOW)
    hold = ledger.hold(expires_at=NOW + HOUR)
    due = NOW + HOUR
    set_clock(ledger.conn, due - timedelta(microseconds=1) if before else due)
    one, two = connect(), connect(autocommit=True, **PATIENCE)
    # The first has the wallet; what it waits for is no business of the second's clock.
    one.execute("select from pgledger.accounts where id = %s for no key update", [ledger.wallet])
    with ThreadPoolExecutor(1) as pool:
        capture = pool.submit(Ledger(two).post_hold, hold)
        wait_until_blocked(two.info.backend_pid, by=one.info.backend_pid)
        set_clock(ledger.conn, due)
        if before:
            # The capture was asked for in time, and has its locks only when it is too late.
            one.rollback()
            assert isinstance(capture.exception(timeout=60), HoldExpired)
        else:
            Ledger(one).create_transfer(ledger.wallet, ledger.bank, 70)
            one.commit()
            assert isinstance(capture.exception(timeout=60), HoldExpired)
            assert ledger.get_account(ledger.wallet).balance == 30
    assert ledger.get_hold(hold).status == "expired"
    assert ledger.get_account(ledger.shop).balance == 0
    assert ledger.faults() == []


def test_a_capture_that_came_first_stays_although_the_time_comes(
    ledger: Books, connect: Connect, set_clock: SetClock, wait_until_blocked: WaitUntilBlocked
) -> None:
    set_clock(ledger.conn, NOW)
    hold = ledger.hold(expires_at=NOW + HOUR)
    one, two = connect(), connect(autocommit=True, **PATIENCE)
    Ledger(one).post_hold(hold)
    set_clock(ledger.conn, NOW + HOUR)
    with ThreadPoolExecutor(1) as pool:
        # It would pass only if the hold were released.
        spending = pool.submit(Ledger(two).create_transfer, ledger.wallet, ledger.bank, 70)
        wait_until_blocked(two.info.backend_pid, by=one.info.backend_pid)
        assert ledger.expire_holds() == 0
        one.commit()
        assert isinstance(spending.exception(timeout=60), InsufficientFunds)
    assert ledger.get_hold(hold).status == "posted"
    assert ledger.faults() == []


def test_a_sweep_that_came_first_is_waited_for(
    ledger: Books, connect: Connect, set_clock: SetClock, wait_until_blocked: WaitUntilBlocked
) -> None:
    set_clock(ledger.conn, NOW)
    hold = ledger.hold(expires_at=NOW + HOUR)
    set_clock(ledger.conn, NOW + HOUR)
    one, two = connect(), connect(autocommit=True, **PATIENCE)
    assert Ledger(one).expire_holds() == 1
    with ThreadPoolExecutor(1) as pool:
        capture = pool.submit(Ledger(two).post_hold, hold)
        wait_until_blocked(two.info.backend_pid, by=one.info.backend_pid)
        # Not even a clock that steps back brings it to life.
        set_clock(ledger.conn, NOW)
        one.commit()
        assert isinstance(capture.exception(timeout=60), HoldExpired)
    set_clock(ledger.conn, NOW + HOUR)
    assert ledger.faults() == []


def test_a_sweep_waits_for_nobody_and_does_the_side_that_is_free(
    ledger: Books, connect: Connect, set_clock: SetClock
) -> None:
    set_clock(ledger.conn, NOW)
    hold = ledger.hold(expires_at=NOW + HOUR)
    set_clock(ledger.conn, NOW + HOUR)
    one = connect()
    one.execute("select from pgledger.accounts where id = %s for no key update", [ledger.wallet])
    assert ledger.expire_holds() == 1
    assert ledger.expire_holds() == 0
    row = "select status, out_released, in_released from pgledger.holds where id = %s"
    assert ledger.conn.execute(row, [hold]).fetchone() == (3, False, True)
    assert ledger.faults() == []
    one.rollback()
    assert ledger.expire_holds() == 1
    assert ledger.conn.execute(row, [hold]).fetchone() == (3, True, True)
    assert ledger.faults() == []


def test_both_sides_of_expired_holds_are_released_at_once_without_a_deadlock(
    ledger: Books, connect: Connect, set_clock: SetClock
) -> None:
    pairs = [
        (
            ledger.create_account(f"payer {n}", "USD", min_balance=Decimal(0)).id,
            ledger.create_account(f"payee {n}", "USD", max_balance=Decimal(1)).id,
        )
        for n in range(6)
    ]
    set_clock(ledger.conn, NOW)
    for payer, _ in pairs:
        ledger.create_transfer(ledger.bank, payer, 600)
    for number in range(20):
        for payer, _ in pairs:
            for _, payee in pairs[: 1 + number % 6]:
                if number < 1:
                    ledger.create_hold(payer, ledger.shop, 100, expires_at=NOW + HOUR)
                ledger.conn.execute(
                    "update pgledger.accounts set max_balance = null where id = %s", [payee]
                )
                ledger.create_hold(payer, payee, 1, expires_at=NOW + HOUR)
    set_clock(ledger.conn, NOW + HOUR)
    for _, payee in pairs:
        ledger.conn.execute("update pgledger.accounts set max_balance = 1 where id = %s", [payee])

    def spend(session: Session) -> list[Any]:
        return Ledger(session).create_transfers(
            [(payer, ledger.bank, Decimal(590)) for payer, _ in reversed(pairs)]
        )

    def receive(session: Session) -> list[Any]:
        return Ledger(session).create_transfers(
            [(ledger.bank, payee, Decimal(1)) for _, payee in pairs]
        )

    results = all_at_once(connect, [spend, receive])
    assert [len(result) for result in results] == [6, 6]
    ledger.expire_holds()
    assert ledger.faults() == []


def test_closing_locks_the_expired_holds_of_both_accounts_in_one_order(
    ledger: Books, connect: Connect, set_clock: SetClock, wait_until_blocked: WaitUntilBlocked
) -> None:
    set_clock(ledger.conn, NOW)
    payer = ledger.create_account("payer", "USD", min_balance=Decimal(0)).id
    payee = ledger.create_account("payee", "USD").id
    target = ledger.create_account("target", "USD", max_balance=Decimal(100)).id
    ledger.create_transfer(ledger.bank, payer, 100)
    first, second = sorted(ids.generate("pglh") for _ in range(2))
    ledger.create_hold(payer, target, 50, expires_at=NOW + HOUR, id=first)
    ledger.create_hold(ledger.wallet, payee, 50, expires_at=NOW + HOUR, id=second)
    ledger.set_limits(payee, None, Decimal(50))
    set_clock(ledger.conn, NOW + HOUR)
    one, two = connect(autocommit=True, **PATIENCE), connect(autocommit=True, **PATIENCE)
    gate = connect()
    gate.execute("select from pgledger.holds where id = %s for no key update", [first])
    with ThreadPoolExecutor(2) as pool:
        # It needs both holds released, and waits for the lower one.
        paid = pool.submit(Ledger(one).create_transfer, payer, payee, 50)
        wait_until_blocked(one.info.backend_pid)
        # The account's own hold is the higher one, and its target's the lower one.
        closed = pool.submit(Ledger(two).close_account, ledger.wallet, sweep_to=target)
        wait_until_blocked(two.info.backend_pid)
        gate.commit()
        assert paid.result().amount == 50
        assert closed.result().status == "closed"
    assert ledger.faults() == []


Way = Callable[[Session, Books], Any]


def hold_more_decimals(session: Session, books: Books) -> Any:
    return Ledger(session).create_hold(books.wallet, books.shop, Decimal("40.125"))


CHANGES: dict[str, Way] = {
    "limits": lambda session, books: Ledger(session).set_limits(books.wallet, Decimal(80), None),
    "room": lambda session, books: Ledger(session).set_limits(books.shop, None, Decimal(30)),
    "freeze": lambda session, books: Ledger(session).freeze_account(books.wallet, "out"),
    "close": lambda session, books: Ledger(session).close_account(books.shop),
    "scale": lambda session, books: Ledger(session).set_currency("USD", 2),
}


@pytest.mark.parametrize(
    ("change", "refused_change", "refused_hold"),
    [
        ("limits", LimitAlreadyBroken, InsufficientFunds),
        ("room", LimitAlreadyBroken, PositiveBalanceNotAllowed),
        # Who was first has the hold, and whoever freezes does not take it away.
        ("freeze", None, AccountFrozen),
        ("close", AccountNotEmpty, AccountClosed),
        ("scale", InvalidAmount, InvalidAmount),
    ],
)
@pytest.mark.parametrize("comes_first", ["hold", "change"])
@pytest.mark.parametrize("end", ["commit", "rollback"])
def test_a_hold_and_a_change_of_its_accounts_wait_for_one_another(
    ledger: Books,
    connect: Connect,
    wait_until_blocked: WaitUntilBlocked,
    change: str,
    refused_change: type[Exception] | None,
    refused_hold: type[Exception],
    comes_first: str,
    end: str,
) -> None:
    ways = {"hold": hold_more_decimals, "change": CHANGES[change]}
    first, second = ways.pop(comes_first), next(iter(ways.values()))
    refused = refused_change if comes_first == "hold" else refused_hold
    one, two = connect(), connect(autocommit=True, **PATIENCE)
    first(one, ledger)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(second, two, ledger)
        wait_until_blocked(two.info.backend_pid, by=one.info.backend_pid)
        getattr(one, end)()
        if refused is None or end == "rollback":
            assert waiting.result() is not None
        else:
            with pytest.raises(refused):
                waiting.result()
    assert ledger.faults() == []


@pytest.mark.parametrize("change", list(CHANGES))
@pytest.mark.parametrize("level", [IsolationLevel.REPEATABLE_READ, IsolationLevel.SERIALIZABLE])
def test_an_old_snapshot_holds_nothing_on_an_account_that_has_changed(
    ledger: Books, connect: Connect, change: str, level: IsolationLevel
) -> None:
    old = connect()
    old.isolation_level = level
    old.execute("select count(*) from pgledger_accounts_v1")
    CHANGES[change](ledger.conn, ledger)
    with pytest.raises(SerializationFailure):
        hold_more_decimals(old, ledger)
    old.rollback()
    assert ledger.get_account(ledger.shop).held_in == 0
    assert ledger.faults() == []


# Freezes, and snapshots


def test_a_freeze_against_a_capture_in_flight(
    ledger: Books, connect: Connect, wait_until_blocked: WaitUntilBlocked
) -> None:
    hold = ledger.hold()
    one, two = connect(), connect(autocommit=True, **PATIENCE)
    Ledger(one).freeze_account(ledger.wallet, "both")
    with ThreadPoolExecutor(2) as pool:
        capture = pool.submit(Ledger(two).post_hold, hold)
        wait_until_blocked(two.info.backend_pid, by=one.info.backend_pid)
        three = connect(autocommit=True, **PATIENCE)
        held = pool.submit(Ledger(three).create_hold, ledger.wallet, ledger.shop, 1)
        wait_until_blocked(three.info.backend_pid)
        one.commit()
        assert capture.result(timeout=60).amount == 40
        assert isinstance(held.exception(timeout=60), AccountFrozen)
    assert ledger.faults() == []


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize(
    "level",
    [IsolationLevel.REPEATABLE_READ, IsolationLevel.SERIALIZABLE],
    ids=lambda level: level.name.lower(),
)
def test_a_snapshot_that_is_too_old_ends_in_a_serialization_failure(
    ledger: Books, connect: Connect, level: IsolationLevel, act: str
) -> None:
    hold = ledger.hold()
    old = connect()
    old.isolation_level = level
    old.execute("select count(*) from pgledger_holds_view").fetchone()
    ledger.post_hold(hold, amount=10, final=False)
    with pytest.raises(SerializationFailure):
        ACTS[act](Ledger(old), hold)
    old.rollback()
    ACTS[act](Ledger(old), ledger.hold(35))
    old.commit()
    assert ledger.faults() == []


def test_a_snapshot_keeps_its_holds_and_follows_the_clock(
    ledger: Books, connect: Connect, set_clock: SetClock
) -> None:
    set_clock(ledger.conn, NOW)
    hold = ledger.hold(expires_at=NOW + HOUR)
    old = connect()
    old.isolation_level = IsolationLevel.REPEATABLE_READ
    reading = Ledger(old)
    assert reading.get_hold(hold).status == "pending"
    ledger.void_hold(hold)
    assert reading.get_hold(hold).status == "pending"
    assert reading.get_account(ledger.wallet).held_out == 40
    old.rollback()
    assert reading.get_hold(hold).status == "voided"
