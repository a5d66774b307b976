"""Closing a period against calls that give ``event_at``: who comes first, and what then.

What has to happen first is waited for by looking at what the server says its sessions do.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from pgledger import HoldRequest, Ledger, PostingRequest, TransferRequest, errors, ids
from support.at_once import PATIENCE, all_at_once
from support.database import Connect
from support.waiting import WaitUntil, WaitUntilBlocked

Session = psycopg.Connection[Any]
Books = tuple[Ledger, str, str, str]

UNTIL = datetime(2025, 1, 1, tzinfo=UTC)
BEFORE = UNTIL - timedelta(days=1)
SESSIONS = 6

Post = Callable[[Ledger, Books], Any]

WAYS: dict[str, Post] = {
    "single": lambda ledger, b: ledger.create_transfer(b[1], b[2], 1, event_at=BEFORE),
    "keyed": lambda ledger, b: ledger.create_transfer(
        b[1], b[2], 1, event_at=BEFORE, idempotency_key=ids.generate("key")
    ),
    "bulk": lambda ledger, b: ledger.create_transfers(
        [TransferRequest(b[1], b[2], 1, event_at=BEFORE)]
    ),
    "hold": lambda ledger, b: ledger.create_hold(b[1], b[2], 1, event_at=BEFORE),
    "holds": lambda ledger, b: ledger.create_holds([HoldRequest(b[1], b[2], 1, event_at=BEFORE)]),
    "posting": lambda ledger, b: ledger.post_hold(b[3], amount=1, final=False, event_at=BEFORE),
    "postings": lambda ledger, b: ledger.post_holds(
        [PostingRequest(b[3], amount=1, final=False, event_at=BEFORE)]
    ),
}
# Whether the app has a row yet that says until when it is closed.
each_way = pytest.mark.parametrize(
    ("post", "has_row"),
    [*((post, False) for post in WAYS.values()), (WAYS["single"], True)],
    ids=[*WAYS, "single, closed before"],
)
each_row = pytest.mark.parametrize("has_row", [False, True], ids=["first close", "closed before"])


@pytest.fixture
def books(connect: Connect) -> Books:
    ledger = Ledger(connect(autocommit=True))
    bank, wallet = (ledger.create_account(name, "USD").id for name in ("bank", "wallet"))
    return ledger, bank, wallet, ledger.create_hold(bank, wallet, 50).id


def prepare(books: Books, *, has_row: bool) -> None:
    if has_row:
        books[0].close_period("", BEFORE - timedelta(days=365))


def assert_sound(ledger: Ledger) -> None:
    assert [check for check in ledger.verify() if not check.ok] == []


@each_way
def test_a_close_waits_for_what_is_under_way(
    books, connect, wait_until_blocked: WaitUntilBlocked, post: Post, has_row
):
    prepare(books, has_row=has_row)
    posting, closing = connect(**PATIENCE), connect(autocommit=True, **PATIENCE)
    post(Ledger(posting), books)
    with ThreadPoolExecutor(1) as pool:
        closed = pool.submit(Ledger(closing).close_period, "", UNTIL)
        wait_until_blocked(closing.info.backend_pid, by=posting.info.backend_pid)
        posting.commit()
        assert closed.result(60).closed_until == UNTIL
    assert_sound(books[0])


@each_way
def test_what_comes_after_waits_for_the_close_and_is_judged_by_it(
    books, connect, wait_until_blocked: WaitUntilBlocked, post: Post, has_row
):
    prepare(books, has_row=has_row)
    closing, posting = connect(**PATIENCE), connect(autocommit=True, **PATIENCE)
    Ledger(closing).close_period("", UNTIL)
    with ThreadPoolExecutor(1) as pool:
        posted = pool.submit(post, Ledger(posting), books)
        wait_until_blocked(posting.info.backend_pid, by=closing.info.backend_pid)
        closing.commit()
        with pytest.raises(errors.PeriodClosed):
            posted.result(60)
    assert_sound(books[0])


@each_row
def test_a_close_that_is_taken_back_lets_go(
    books, connect, wait_until_blocked: WaitUntilBlocked, has_row
):
    prepare(books, has_row=has_row)
    closing, posting = connect(**PATIENCE), connect(autocommit=True, **PATIENCE)
    Ledger(closing).close_period("", UNTIL)
    with ThreadPoolExecutor(1) as pool:
        posted = pool.submit(WAYS["single"], Ledger(posting), books)
        wait_until_blocked(posting.info.backend_pid, by=closing.info.backend_pid)
        closing.rollback()
        assert posted.result(60).event_at == BEFORE
    assert_sound(books[0])


@each_row
@pytest.mark.parametrize(
    "level", [psycopg.IsolationLevel.REPEATABLE_READ, psycopg.IsolationLevel.SERIALIZABLE]
)
def test_a_snapshot_from_before_a_close_has_to_run_again(books, connect, level, has_row):
    prepare(books, has_row=has_row)
    posting = connect(**PATIENCE)
    posting.isolation_level = level
    posting.execute("select 1")
    books[0].close_period("", UNTIL)
    with pytest.raises(psycopg.errors.SerializationFailure):
        WAYS["single"](Ledger(posting), books)
    posting.rollback()
    with pytest.raises(errors.PeriodClosed):
        WAYS["single"](Ledger(posting), books)


@each_row
def test_older_snapshots_post_while_nothing_is_closed(books, connect, has_row):
    """And what they leave behind closes and verifies like the rest."""
    prepare(books, has_row=has_row)
    posting = connect(**PATIENCE)
    posting.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
    for _ in range(2):
        for post in WAYS.values():
            post(Ledger(posting), books)
        posting.commit()
    assert_sound(books[0])
    assert not books[0].close_period("", UNTIL).replayed
    assert_sound(books[0])


def test_calls_without_event_at_do_not_wait_for_a_close(books, connect):
    ledger, bank, wallet, hold = books
    closing = connect(**PATIENCE)
    Ledger(closing).close_period("", UNTIL)
    ledger.create_transfer(bank, wallet, 1)
    ledger.create_transfers([TransferRequest(bank, wallet, 1)])
    ledger.post_hold(hold, amount=1, final=False)
    # Nor do those of another app.
    other = [ledger.create_account(name, "USD", app_id="other").id for name in ("a", "b")]
    ledger.create_transfer(*other, 1, app_id="other", event_at=BEFORE)
    closing.commit()
    assert_sound(ledger)


def test_calls_that_give_event_at_do_not_wait_for_one_another(books, connect):
    ledger, bank, wallet, _ = books
    others = [ledger.create_account(name, "USD").id for name in ("a", "b")]
    first = connect(**PATIENCE)
    Ledger(first).create_transfer(bank, wallet, 1, event_at=BEFORE)
    ledger.create_transfer(*others, 1, event_at=BEFORE)
    first.commit()


def test_two_first_closes_are_one_after_the_other(
    books, connect, wait_until_blocked: WaitUntilBlocked
):
    first, second = connect(**PATIENCE), connect(autocommit=True, **PATIENCE)
    Ledger(first).close_period("", UNTIL)
    with ThreadPoolExecutor(1) as pool:
        closed = pool.submit(Ledger(second).close_period, "", BEFORE)
        wait_until_blocked(second.info.backend_pid, by=first.info.backend_pid)
        first.commit()
        # Closed further already.
        assert closed.result(60).closed_until == UNTIL
    assert_sound(books[0])


def test_a_close_gets_its_turn_among_many_calls_and_nothing_slips_in(books, connect):
    """Many sessions post without a pause; a close comes, and after it there is none before it."""
    ledger, bank, *_ = books
    accounts = [(bank, ledger.create_account(f"wallet {i}", "USD").id) for i in range(SESSIONS)]

    def post(pair: tuple[str, str]) -> Callable[[Session], int]:
        def run(session: Session) -> int:
            for count in range(5000):
                try:
                    Ledger(session).create_transfer(*pair, 1, event_at=BEFORE)
                except errors.PeriodClosed:
                    return count
            return -1

        return run

    def close(session: Session) -> Any:
        return Ledger(session).close_period("", UNTIL).changed_at

    *counts, closed_at = all_at_once(connect, [*(post(pair) for pair in accounts), close])
    assert min(counts) >= 0, counts
    late = ledger.conn.execute(
        "select count(*) from pgledger_transfers_v1 where created_at > %s", (closed_at,)
    ).fetchone()
    assert late == (0,)
    assert_sound(ledger)


def test_a_close_that_waits_makes_no_deadlock_of_two_calls_in_one_transaction(
    books, connect, wait_until_blocked: WaitUntilBlocked, wait_until: WaitUntil
):
    """The first holds the period and wants accounts of the second, which queues behind a close."""
    ledger, bank, wallet, _ = books
    third = ledger.create_account("third", "USD").id
    fourth = ledger.create_account("fourth", "USD").id
    first, closing, second = connect(**PATIENCE), connect(**PATIENCE), connect(**PATIENCE)
    Ledger(first).create_transfer(bank, wallet, 1, event_at=UNTIL)
    with ThreadPoolExecutor(3) as pool:
        closed = pool.submit(Ledger(closing).close_period, "", UNTIL)
        wait_until_blocked(closing.info.backend_pid, by=first.info.backend_pid)
        posted = pool.submit(Ledger(second).create_transfer, third, fourth, 1, event_at=UNTIL)
        wait_until_blocked(second.info.backend_pid, by=closing.info.backend_pid)
        more = pool.submit(Ledger(first).create_transfer, third, fourth, 1, event_at=UNTIL)
        # The server finds the circle, and lets the second call in before the close.
        posted.result(60)
        second.commit()
        more.result(60)
        first.commit()
        closed.result(60)
        closing.commit()
    assert_sound(ledger)
