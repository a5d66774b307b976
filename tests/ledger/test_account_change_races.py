"""Changes of accounts against transfers and against one another: who comes first, and what then.

What has to happen first is waited for by looking at what the server says its sessions do.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import psycopg
import pytest

from pgledger import Account, Ledger, Transfer, TransferRequest, errors, ids
from support.at_once import PATIENCE, all_at_once
from support.database import Connect
from support.waiting import WaitUntil, WaitUntilBlocked

Session = psycopg.Connection[Any]
Make = Callable[[Ledger, str, str], list[Transfer]]
Change = Callable[[Ledger, str, str], Account]

SESSIONS = 8
# What a session would make if nothing stopped it.
MOST = 5000


def single(ledger: Ledger, source: str, target: str) -> list[Transfer]:
    return [ledger.create_transfer(source, target, 1)]


def single_with_id(ledger: Ledger, source: str, target: str) -> list[Transfer]:
    return [ledger.create_transfer(source, target, 1, id=ids.generate("pglt"))]


def bulk(ledger: Ledger, source: str, target: str) -> list[Transfer]:
    return ledger.create_transfers([(source, target, 1)])


def bulk_with_ids(ledger: Ledger, source: str, target: str) -> list[Transfer]:
    return ledger.create_transfers([TransferRequest(source, target, 1, id=ids.generate("pglt"))])


WAYS: tuple[Make, ...] = (single, single_with_id, bulk, bulk_with_ids)
each_way = pytest.mark.parametrize("make", WAYS)


@pytest.fixture
def books(connect: Connect) -> tuple[Ledger, str, str]:
    """A ledger, an account without a balance, and one to move money to and from."""
    ledger = Ledger(connect(autocommit=True))
    # Whatever the order of their ids, which is the order of locks.
    bank, account = (ledger.create_account(name, "USD").id for name in ("bank", "account"))
    return ledger, account, bank


def assert_sound(ledger: Ledger) -> None:
    assert [check for check in ledger.verify() if not check.ok] == []


def freeze(ledger: Ledger, account: str, bank: str) -> Account:
    return ledger.freeze_account(account, "out")


def close(ledger: Ledger, account: str, bank: str) -> Account:
    return ledger.close_account(account, sweep_to=bank)


def limit(ledger: Ledger, account: str, bank: str) -> Account:
    return ledger.set_limits(account, 0, None, allow_existing=True)


REFUSED: dict[Change, type[psycopg.Error]] = {
    freeze: errors.AccountFrozen,
    close: errors.AccountClosed,
    limit: errors.InsufficientFunds,
}
each_change = pytest.mark.parametrize("change", REFUSED, ids=lambda change: change.__name__)


# Two sessions


@each_way
@each_change
def test_a_transfer_waits_for_a_change_and_is_judged_by_it(
    books, connect, wait_until_blocked: WaitUntilBlocked, make, change
):
    ledger, account, bank = books
    changing, moving = connect(**PATIENCE), connect(autocommit=True, **PATIENCE)
    change(Ledger(changing), account, bank)
    with ThreadPoolExecutor(1) as pool:
        moved = pool.submit(make, Ledger(moving), account, bank)
        wait_until_blocked(moving.info.backend_pid, by=changing.info.backend_pid)
        changing.commit()
        with pytest.raises(REFUSED[change]):
            moved.result(60)
    assert ledger.get_account(account).version == 0
    assert_sound(ledger)


@each_way
@each_change
def test_a_transfer_that_waits_for_a_change_which_is_taken_back_goes_through(
    books, connect, wait_until_blocked: WaitUntilBlocked, make, change
):
    ledger, account, bank = books
    changing, moving = connect(**PATIENCE), connect(autocommit=True, **PATIENCE)
    change(Ledger(changing), account, bank)
    with ThreadPoolExecutor(1) as pool:
        moved = pool.submit(make, Ledger(moving), account, bank)
        wait_until_blocked(moving.info.backend_pid, by=changing.info.backend_pid)
        changing.rollback()
        assert len(moved.result(60)) == 1
    assert ledger.get_account(account).balance == -1
    assert_sound(ledger)


@each_way
@each_change
def test_a_change_waits_for_a_transfer_and_sees_what_it_left(
    books, connect, wait_until_blocked: WaitUntilBlocked, make, change
):
    ledger, account, bank = books
    changing, moving = connect(autocommit=True, **PATIENCE), connect(**PATIENCE)
    make(Ledger(moving), account, bank)
    with ThreadPoolExecutor(1) as pool:
        changed = pool.submit(change, Ledger(changing), account, bank)
        wait_until_blocked(changing.info.backend_pid, by=moving.info.backend_pid)
        moving.commit()
        answer = changed.result(60)
    # Closing has swept what the transfer left.
    expected = (Decimal(0), 2) if change is close else (Decimal(-1), 1)
    assert (answer.balance, answer.version) == expected
    assert answer == ledger.get_account(account)
    (row,) = ledger_history(ledger, changing, account)
    assert row == (1, answer.version)
    assert_sound(ledger)


def ledger_history(ledger: Ledger, conn: Session, account: str) -> list[tuple[Any, ...]]:
    return conn.execute(
        "select number, account_version from pgledger_account_changes_v1 where account_id = %s"
        " order by number",
        [account],
    ).fetchall()


def test_an_account_is_not_closed_over_money_that_comes_meanwhile(
    books, connect, wait_until_blocked: WaitUntilBlocked
):
    ledger, account, bank = books
    closing, moving = connect(autocommit=True, **PATIENCE), connect(**PATIENCE)
    single(Ledger(moving), bank, account)
    with ThreadPoolExecutor(1) as pool:
        closed = pool.submit(Ledger(closing).close_account, account)
        wait_until_blocked(closing.info.backend_pid, by=moving.info.backend_pid)
        moving.commit()
        with pytest.raises(errors.AccountNotEmpty, match="its balance is 1"):
            closed.result(60)
    assert ledger.get_account(account).status == "open"


@pytest.mark.parametrize(
    ("directions", "status", "numbers"),
    [(("out", "in"), "frozen_both", [1, 2]), (("both", "out"), "frozen_both", [1])],
)
def test_of_two_freezes_the_second_adds_what_is_missing(
    books, connect, wait_until_blocked: WaitUntilBlocked, directions, status, numbers
):
    ledger, account, _ = books
    first, second = connect(**PATIENCE), connect(autocommit=True, **PATIENCE)
    Ledger(first).freeze_account(account, directions[0])
    with ThreadPoolExecutor(1) as pool:
        frozen = pool.submit(Ledger(second).freeze_account, account, directions[1])
        wait_until_blocked(second.info.backend_pid, by=first.info.backend_pid)
        first.commit()
        answer = frozen.result(60)
    assert answer.status == status == ledger.get_account(account).status
    assert answer.replayed is (numbers == [1])
    assert [number for number, _ in ledger_history(ledger, second, account)] == numbers


def test_a_repeated_creation_that_waits_for_a_change_is_compared_with_the_first(
    books, connect, wait_until_blocked: WaitUntilBlocked
):
    ledger, _, _ = books
    account_id = ids.generate("pgla")
    ledger.create_account("wallet", "USD", id=account_id)
    changing, repeating = connect(**PATIENCE), connect(autocommit=True, **PATIENCE)
    Ledger(changing).update_account(account_id, name="purse")
    with ThreadPoolExecutor(1) as pool:
        repeated = pool.submit(Ledger(repeating).create_account, "wallet", "USD", id=account_id)
        wait_until_blocked(repeating.info.backend_pid, by=changing.info.backend_pid)
        changing.commit()
        again = repeated.result(60)
    assert (again.name, again.replayed) == ("purse", True)


def test_a_change_does_not_disturb_rows_that_refer_to_the_account(books, connect):
    _, account, _ = books
    conn = connect(**PATIENCE)
    conn.execute("create table orders (account_id text references pgledger.accounts (id))")
    conn.commit()
    Ledger(conn).freeze_account(account, "both")
    other = connect(autocommit=True, options="-c lock_timeout=5s")
    other.execute("insert into orders values (%s)", [account])
    conn.commit()


# Many sessions


@pytest.mark.parametrize("change", [freeze, close], ids=lambda change: change.__name__)
def test_no_transfer_commits_after_the_account_was_frozen_or_closed(
    books, connect, wait_until: WaitUntil, change
):
    ledger, account, bank = books
    dbname = ledger_database(connect)

    def move_until_refused(number: int) -> Callable[[Session], list[Transfer]]:
        make = WAYS[number % len(WAYS)]

        def move(session: Session) -> list[Transfer]:
            made: list[Transfer] = []
            try:
                while len(made) < MOST:
                    made += make(Ledger(session), account, bank)
            except REFUSED[change]:
                return made
            raise AssertionError("nothing refused the transfers")

        return move

    def change_in_the_middle(session: Session) -> Account:
        wait_until(
            "select version > 200 from pgledger.accounts where id = %s", [account], dbname=dbname
        )
        return change(Ledger(session), account, bank)

    calls: list[Callable[[Session], Any]] = [
        *(move_until_refused(number) for number in range(SESSIONS)),
        change_in_the_middle,
    ]
    *moved, changed = all_at_once(connect, calls)
    made = [transfer for transfers in moved for transfer in transfers]
    swept = 1 if change is close else 0

    # As the change found it, so it stayed: none came after it, and none is missing.
    assert changed == ledger.get_account(account)
    assert changed.version == len(made) + swept > 200
    assert changed.balance == (0 if swept else -len(made))
    conn = connect(autocommit=True)
    ((changed_at,),) = conn.execute(
        "select changed_at from pgledger_account_changes_v1 where account_id = %s", [account]
    ).fetchall()
    assert max(transfer.created_at for transfer in made) < changed_at
    assert_sound(ledger)


def ledger_database(connect: Connect) -> str:
    return connect().info.dbname


def test_sessions_that_close_accounts_into_one_another_never_deadlock(books, connect):
    ledger, _, bank = books
    for _ in range(20):
        pair = [ledger.create_account("x", "USD").id for _ in range(2)]
        for target in pair:
            ledger.create_transfer(bank, target, 1)
        found = all_at_once(
            connect,
            [
                lambda session: Ledger(session).close_account(pair[0], sweep_to=pair[1]),  # noqa: B023
                lambda session: Ledger(session).close_account(pair[1], sweep_to=pair[0]),  # noqa: B023
            ],
        )
        closed = [one for one in found if isinstance(one, Account)]
        # The second would sweep into an account that is closed.
        assert len(closed) == 1
        assert [type(one) for one in found if one not in closed] == [errors.AccountClosed]
        assert sorted(ledger.get_account(one).balance for one in pair) == [0, 2]
    assert_sound(ledger)


def test_changes_of_many_sessions_are_numbered_without_a_gap(books, connect):
    ledger, account, _ = books

    def rename(number: int) -> Callable[[Session], Any]:
        def work(session: Session) -> None:
            for turn in range(10):
                Ledger(session).update_account(account, name=f"name {number} {turn}")

        return work

    assert all_at_once(connect, [rename(number) for number in range(SESSIONS)]) == [None] * SESSIONS
    numbers = [number for number, _ in ledger_history(ledger, connect(), account)]
    assert numbers == list(range(1, 10 * SESSIONS + 1))
    assert_sound(ledger)
