"""``pgledger_sweep`` moves what an account can spare to another, or nothing."""

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import psycopg
import pytest

from pgledger import Ledger, errors, ids
from support.at_once import PATIENCE, all_at_once
from support.database import Connect

Session = psycopg.Connection[Any]


class Till:
    """An account with a balance, and where it is swept to."""

    def __init__(self, conn: Session, balance: str = "0", **limits: Any) -> None:
        self.ledger = Ledger(conn)
        self.conn = conn
        self.till, self.safe, self.world = (
            self.ledger.create_account(name, "USD", **given).id
            for name, given in (("till", limits), ("safe", {}), ("world", {}))
        )
        amount = Decimal(balance)
        if amount > 0:
            self.ledger.create_transfer(self.world, self.till, amount)
        elif amount < 0:
            self.ledger.create_transfer(self.till, self.world, -amount)

    def sweep(self, **arguments: Any) -> str | None:
        moved = self.ledger.sweep(self.till, self.safe, **arguments)
        return None if moved is None else str(moved.amount)

    def balances(self) -> tuple[str, str]:
        till, safe = (self.ledger.get_account(one).balance for one in (self.till, self.safe))
        return str(till), str(safe)


@pytest.mark.parametrize(
    ("balance", "limits", "arguments", "moved"),
    [
        ("24.70", {}, {}, "24.70"),
        ("24.70", {}, {"max_amount": 10}, "10"),
        ("24.70", {}, {"max_amount": Decimal("24.70")}, "24.70"),
        ("24.70", {}, {"max_amount": 100}, "24.70"),
        ("24.70", {}, {"keep": 20}, "4.70"),
        ("24.70", {}, {"keep": 20, "max_amount": 3}, "3"),
        ("24.70", {}, {"keep": Decimal("24.70")}, None),
        ("24.70", {}, {"keep": 30}, None),
        ("0", {}, {}, None),
        ("-5", {}, {}, None),
        # An overdraft is used only as far as keep says so, and only where there is one.
        ("10", {"min_balance": -500}, {}, "10"),
        ("-5", {"min_balance": -500}, {}, None),
        ("10", {"min_balance": -500}, {"keep": -100}, "110"),
        ("10", {"min_balance": -500}, {"keep": -9999}, "510"),
        ("10", {"min_balance": 0}, {"keep": -100}, "10"),
        ("10", {}, {"keep": -100}, "110"),
        ("-5", {}, {"keep": -100, "max_amount": 20}, "20"),
    ],
)
def test_what_is_moved(conn, balance, limits, arguments, moved):
    books = Till(conn, balance, **limits)
    assert books.sweep(**arguments) == moved
    left, got = books.balances()
    assert Decimal(left) == Decimal(balance) - Decimal(moved or 0)
    assert Decimal(got) == Decimal(moved or 0)
    assert not conn.execute("select * from pgledger_verify() where violations > 0").fetchall()


def test_a_lower_limit_above_zero_stays(conn):
    books = Till(conn, "100")
    books.ledger.set_limits(books.till, min_balance=30, max_balance=None)
    assert books.sweep() == "70"
    assert books.sweep() is None
    assert books.sweep(keep=-100) is None


@pytest.mark.parametrize("number", ["keep => 20", "max_amount => 4"])
def test_zeros_that_a_number_ends_with_stay_out_of_the_books(conn, number):
    books = Till(conn, "24.70")
    # As long as a numeric's fraction can be.
    number = f"{number}.{'0' * 16383}"
    moved = conn.execute(
        f"select * from pgledger_sweep('{books.till}', '{books.safe}', {number})"
    ).fetchone()
    amount = "4" if "max" in number else "4.7"
    assert str(moved[3]) == amount
    assert books.balances() == (str(Decimal("24.70") - Decimal(amount)), amount)


def test_what_holds_keep_back_stays(conn):
    books = Till(conn, "100")
    conn.execute("update pgledger.accounts set held_out = 25 where id = %s", [books.till])
    assert books.sweep() == "75"
    assert books.sweep() is None
    assert books.sweep(keep=-10) == "10"


def test_it_is_a_transfer_like_any_other(conn):
    books = Till(conn, "5")
    moved = books.ledger.sweep(books.till, books.safe, metadata={"day": 7})
    assert moved is not None
    assert (moved.metadata, moved.replayed, moved.from_account_balance) == ({"day": 7}, False, 0)
    row = conn.execute(
        "select metadata, amount from pgledger_transfers_view where id = %s", [moved.id]
    ).fetchone()
    assert row == ({"day": 7}, 5)


def test_nothing_moved_is_no_row(conn):
    books = Till(conn)
    call = "select * from pgledger_sweep(%s, %s)"
    assert conn.execute(call, [books.till, books.safe]).fetchall() == []
    # Nothing is asked of the target either.
    books.ledger.freeze_account(books.safe, "both")
    assert conn.execute(call, [books.till, books.safe]).fetchall() == []


def test_a_repeat_returns_what_was_moved_first(conn):
    books = Till(conn, "5")
    chosen = ids.generate("pglt")
    assert books.sweep(id=chosen) == "5"
    books.ledger.create_transfer(books.world, books.till, 7)
    again = books.ledger.sweep(books.till, books.safe, id=chosen)
    assert again is not None
    assert (again.amount, again.replayed) == (5, True)
    assert books.balances() == ("7", "5")
    with pytest.raises(errors.IdempotencyConflict), conn.transaction():
        books.ledger.sweep(books.till, books.world, id=chosen)
    with pytest.raises(errors.IdempotencyConflict), conn.transaction():
        books.sweep(id=chosen, metadata={"a": 1})
    # What moved nothing is looked at again.
    other = ids.generate("pglt")
    assert books.sweep(id=other, keep=7) is None
    assert books.sweep(id=other) == "7"


def test_a_repeat_is_answered_after_a_freeze(conn):
    books = Till(conn, "5")
    chosen = ids.generate("pglt")
    books.sweep(id=chosen)
    books.ledger.freeze_account(books.till, "both")
    assert books.sweep(id=chosen) == "5"


@pytest.mark.parametrize(
    ("wrong", "error", "says"),
    [
        ({"from_account_id": None}, errors.NullArgument, "from_account_id"),
        ({"from_account_id": "till"}, errors.InvalidId, "from_account_id"),
        ({"to_account_id": "safe"}, errors.InvalidId, "to_account_id"),
        ({"to_account_id": "{till}"}, errors.SameAccount, "itself"),
        ({"max_amount": 0}, errors.InvalidAmount, "amount 0"),
        ({"max_amount": -1}, errors.InvalidAmount, "it is negative"),
        ({"max_amount": "NaN"}, errors.InvalidAmount, "not a number"),
        ({"keep": None}, errors.NullArgument, "keep"),
        ({"keep": "NaN"}, errors.InvalidArgument, "keep NaN"),
        ({"keep": "-1e30"}, errors.InvalidArgument, "it is not above -1e30"),
        ({"keep": "1e-19"}, errors.InvalidArgument, "19 decimal places"),
        ({"event_at": "infinity"}, errors.InvalidTime, "event_at"),
        ({"event_at": "9000-01-01"}, errors.EventAtInFuture, "9000"),
        ({"metadata": "[]"}, errors.InvalidMetadata, "object"),
        ({"id": "pglt_1"}, errors.InvalidId, "pglt_1"),
        ({"app_id": None}, errors.NullArgument, "app_id"),
        ({"app_id": "a b"}, errors.InvalidScope, "app_id"),
        ({"app_id": "app"}, errors.AccountNotFound, "in app"),
        ({"from_account_id": f"pgla_7{'Z' * 25}"}, errors.AccountNotFound, "does not exist"),
        ({"to_account_id": f"pgla_7{'Z' * 25}"}, errors.AccountNotFound, "does not exist"),
        ({"to_account_id": "{euros}"}, errors.CurrencyMismatch, "EUR"),
        # More than a transfer can move.
        ({"keep": "-9e29"}, errors.InvalidAmount, "it is not below 1e30"),
    ],
)
def test_what_is_wrong_is_refused(conn, wrong, error, says):
    books = Till(conn, "9e29")
    euros = books.ledger.create_account("euros", "EUR").id
    given = {"from_account_id": books.till, "to_account_id": books.safe} | {
        name: value.format(till=books.till, euros=euros) if isinstance(value, str) else value
        for name, value in wrong.items()
    }
    arguments = ", ".join(f"{name} => %({name})s" for name in given)
    with pytest.raises(error) as refused:
        conn.execute(f"select * from pgledger_sweep({arguments})", given)
    assert says in str(refused.value)


def test_a_target_without_room_refuses(conn):
    books = Till(conn, "10")
    books.ledger.set_limits(books.safe, min_balance=None, max_balance=5)
    with pytest.raises(errors.PositiveBalanceNotAllowed), conn.transaction():
        books.sweep()
    assert books.sweep(max_amount=5) == "5"


@pytest.mark.parametrize(("account", "direction"), [("till", "out"), ("safe", "in")])
def test_a_frozen_account_refuses(conn, account, direction):
    books = Till(conn, "10")
    books.ledger.freeze_account(getattr(books, account), direction)
    with pytest.raises(errors.AccountFrozen):
        books.sweep()


def test_what_comes_in_meanwhile_is_swept_as_well(connect: Connect, wait_until_blocked):
    first = connect()
    books = Till(first, "10")
    first.commit()
    books.ledger.create_transfer(books.world, books.till, 5)
    second = connect(autocommit=True, **PATIENCE)
    with ThreadPoolExecutor(1) as pool:
        swept = pool.submit(Ledger(second).sweep, books.till, books.safe)
        wait_until_blocked(second.info.backend_pid, by=first.info.backend_pid)
        first.commit()
        moved = swept.result()
    assert moved is not None
    assert moved.amount == 15


def test_what_leaves_meanwhile_is_not_there_to_sweep(connect: Connect, wait_until_blocked):
    first = connect()
    books = Till(first, "10")
    first.commit()
    books.ledger.create_transfer(books.till, books.world, 10)
    second = connect(autocommit=True, **PATIENCE)
    with ThreadPoolExecutor(1) as pool:
        swept = pool.submit(Ledger(second).sweep, books.till, books.safe)
        wait_until_blocked(second.info.backend_pid, by=first.info.backend_pid)
        first.commit()
        assert swept.result() is None


@pytest.mark.parametrize("level", list(psycopg.IsolationLevel)[2:], ids=lambda level: level.name)
def test_an_old_snapshot_is_a_reason_to_try_again(connect: Connect, level):
    other = connect(autocommit=True)
    books = Till(other, "10")
    old = connect()
    old.isolation_level = level
    old.execute("select count(*) from pgledger.accounts")
    books.ledger.create_transfer(books.world, books.till, 5)
    with pytest.raises(psycopg.errors.SerializationFailure):
        Ledger(old).sweep(books.till, books.safe)


def test_sixteen_sweeps_of_one_account_move_its_balance_once(connect: Connect):
    conn = connect(autocommit=True)
    books = Till(conn, "10", allow_negative_balance=False)
    found = all_at_once(
        connect, [lambda session: Ledger(session).sweep(books.till, books.safe)] * 16
    )
    assert [answer.amount for answer in found if answer is not None] == [10]
    assert books.balances() == ("0", "10")


def test_sweeps_in_opposite_directions_never_deadlock(connect: Connect):
    conn = connect(autocommit=True)
    books = Till(conn, "100")

    def run(source: str, target: str) -> Any:
        def work(session: Session) -> int:
            for _ in range(40):
                Ledger(session).sweep(source, target, max_amount=3)
            return 0

        return work

    pairs = [(books.till, books.safe), (books.safe, books.till)]
    assert all_at_once(connect, [run(*pair) for pair in pairs * 4]) == [0] * 8
    assert sum(map(Decimal, books.balances())) == 100


def test_a_savepoint_undoes_it(conn):
    books = Till(conn, "10")
    with conn.transaction(force_rollback=True):
        assert books.sweep() == "10"
    assert books.balances() == ("10", "0")
    assert books.sweep() == "10"
