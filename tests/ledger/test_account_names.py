"""Accounts by name: ``pgledger_find_account`` finds one, ``pgledger_ensure_account`` makes one."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest

from pgledger import Account, Ledger, errors, run_transaction
from support.at_once import PATIENCE, all_at_once
from support.database import Connect
from support.waiting import WaitUntilBlocked

Session = psycopg.Connection[Any]

ISOLATIONS = list(psycopg.IsolationLevel)


def rename(conn: Session, account_id: str, new_name: str) -> bool:
    """Renames an account, and returns whether its new name leads to it."""
    Ledger(conn).update_account(account_id, name=new_name)
    return (new_name, account_id) in names(conn)


def names(conn: Session) -> list[tuple[str, str]]:
    return conn.execute(
        "select name, account_id from pgledger.account_names order by name"
    ).fetchall()


def accounts_named(conn: Session, name: str) -> int:
    row = conn.execute("select count(*) from pgledger.accounts where name = %s", [name]).fetchone()
    assert row is not None
    return int(row[0])


def assert_verified(conn: Session) -> None:
    assert not conn.execute("select * from pgledger_verify() where violations > 0").fetchall()


# Finding


def test_an_account_is_found_by_all_that_names_it(conn):
    ledger = Ledger(conn)
    made = {
        scope: ledger.create_account("cash", scope[0], app_id=scope[1], tenant_id=scope[2]).id
        for scope in (("USD", "", ""), ("EUR", "", ""), ("USD", "app", ""), ("USD", "", "t"))
    }
    for (currency, app_id, tenant_id), account_id in made.items():
        found = ledger.find_account("cash", currency, app_id=app_id, tenant_id=tenant_id)
        assert found == ledger.get_account(account_id, app_id=app_id)
        assert found.replayed is None


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("'Cash', 'USD'", "account 'Cash' in USD does not exist"),
        ("'cash ', 'USD'", "account 'cash ' in USD does not exist"),
        ("'cash%', 'USD'", "account 'cash%' in USD does not exist"),
        ("'cash', 'EUR'", "account 'cash' in EUR does not exist"),
        (
            "'cash', 'USD', 'app', 't'",
            "account 'cash' in USD of tenant 't' does not exist in app 'app'",
        ),
        (f"'{'x' * 255}', 'USD'", f"account '{'x' * 61}...' in USD does not exist"),
    ],
)
def test_a_name_that_nothing_has_is_refused(conn, arguments, words):
    Ledger(conn).create_account("cash", "USD")
    with pytest.raises(errors.AccountNotFound) as refused:
        conn.execute(f"select * from pgledger_find_account({arguments})")
    assert refused.value.diag.message_primary == words
    assert "name, the currency, the tenant_id" in str(refused.value.diag.message_hint)


def test_a_name_that_several_have_is_refused(conn):
    ledger = Ledger(conn)
    made = [ledger.create_account("cash", "USD", app_id="app").id for _ in range(3)]
    ledger.create_account("cash", "EUR", app_id="app")
    with pytest.raises(errors.AccountAmbiguous) as refused:
        ledger.find_account("cash", "USD", app_id="app")
    assert str(refused.value).startswith(
        "account 'cash' in USD is not the only one of its name in app 'app': 3 have it, among them "
        f"{made[0]} and {made[2]}"
    )


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"name": None}, errors.InvalidName),
        ({"name": ""}, errors.InvalidName),
        ({"name": "x" * 256}, errors.InvalidName),
        ({"currency": None}, errors.InvalidCurrency),
        ({"currency": "U S"}, errors.InvalidCurrency),
        ({"app_id": None}, errors.NullArgument),
        ({"app_id": "a b"}, errors.InvalidScope),
        ({"tenant_id": None}, errors.NullArgument),
        ({"tenant_id": "a b"}, errors.InvalidScope),
        # In their order.
        ({"name": "", "currency": "", "app_id": "a b", "tenant_id": None}, errors.InvalidScope),
        ({"name": "", "currency": "", "tenant_id": None}, errors.NullArgument),
        ({"name": "", "currency": ""}, errors.InvalidName),
    ],
)
@pytest.mark.parametrize("function", ["pgledger_find_account", "pgledger_ensure_account"])
def test_what_cannot_name_an_account_is_refused(conn, function, wrong, error):
    given = {"name": "a", "currency": "USD"} | wrong
    arguments = ", ".join(f"{name} => %({name})s" for name in given)
    with pytest.raises(error):
        conn.execute(f"select * from {function}({arguments})", given)


# Getting or making


def test_the_first_call_makes_the_account_and_others_get_it(conn):
    ledger = Ledger(conn)
    asked: dict[str, Any] = {
        "allow_negative_balance": False,
        "metadata": {"a": 1},
        "app_id": "app",
        "tenant_id": "t",
        "max_balance": 100,
    }
    first = ledger.ensure_account("users.1", "USD", **asked)
    assert first.replayed is False
    assert (first.name, first.currency, first.app_id, first.tenant_id) == (
        "users.1",
        "USD",
        "app",
        "t",
    )
    assert (first.min_balance, first.max_balance, first.metadata) == (0, 100, {"a": 1})
    # The limit 0 is what the flag says.
    again = ledger.ensure_account(
        "users.1", "USD", **(asked | {"allow_negative_balance": True, "min_balance": 0})
    )
    assert again.replayed is True
    assert again.id == first.id
    assert names(conn) == [("users.1", first.id)]
    assert_verified(conn)


def test_one_statement_gets_one_account(conn):
    rows = conn.execute(
        "select (pgledger_ensure_account('cash', 'USD')).id from generate_series(1, 5)"
    ).fetchall()
    assert len(set(rows)) == 1
    # For every column of (…).* it is called once, which here does no harm.
    row = conn.execute("select (pgledger_ensure_account('bank', 'USD')).*").fetchone()
    assert row is not None
    assert accounts_named(conn, "bank") == 1


def test_scopes_do_not_share_accounts(conn):
    ledger = Ledger(conn)
    made = {
        ledger.ensure_account("cash", currency, app_id=app_id, tenant_id=tenant_id).id
        for currency in ("USD", "EUR")
        for app_id in ("", "a")
        for tenant_id in ("", "a")
    }
    assert len(made) == 8
    assert_verified(conn)


def test_a_balance_does_not_change_who_it_is(conn):
    ledger = Ledger(conn)
    a, b = (ledger.ensure_account(name, "USD").id for name in "ab")
    ledger.create_transfer(a, b, 5)
    again = ledger.ensure_account("b", "USD")
    assert (again.id, again.balance, again.version) == (b, 5, 1)


@pytest.mark.parametrize(
    ("other", "field"),
    [
        ({"min_balance": -5}, "min_balance was -10 and is now -5"),
        ({"min_balance": None}, "min_balance was -10 and is now null"),
        ({"max_balance": 10}, "max_balance was null and is now 10"),
        ({"allow_positive_balance": False}, "max_balance was null and is now 0"),
        ({"metadata": {"secret": 2}}, "metadata: not the same"),
        ({"metadata": None}, "metadata: not the same"),
    ],
)
def test_an_account_of_other_limits_or_metadata_is_a_conflict(conn, other, field):
    ledger = Ledger(conn)
    asked: dict[str, Any] = {"min_balance": -10, "metadata": {"secret": 1}}
    first = ledger.ensure_account("cash", "USD", **asked)
    with pytest.raises(errors.IdempotencyConflict) as refused, conn.transaction():
        ledger.ensure_account("cash", "USD", **(asked | other))
    assert first.id in str(refused.value)
    assert refused.value.diag.message_detail == f"Compared with the first request, {field}."
    assert ledger.ensure_account("cash", "USD", **asked).id == first.id


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ("allow_negative_balance => null", errors.NullArgument),
        ("allow_positive_balance => null", errors.NullArgument),
        ("min_balance => 1", errors.InvalidArgument),
        ("max_balance => -1", errors.InvalidArgument),
        ("min_balance => -1, allow_negative_balance => false", errors.InvalidArgument),
        ("metadata => '[]'", errors.InvalidMetadata),
    ],
)
def test_what_no_account_can_have_is_refused_before_it_is_looked_for(conn, arguments, error):
    with pytest.raises(error), conn.transaction():
        conn.execute(f"select * from pgledger_ensure_account('cash', 'USD', {arguments})")
    assert names(conn) == []


# Accounts that were opened otherwise


def test_the_only_account_of_a_name_is_adopted(conn):
    ledger = Ledger(conn)
    made = ledger.create_account("cash", "USD", allow_negative_balance=False)
    with pytest.raises(errors.IdempotencyConflict), conn.transaction():
        ledger.ensure_account("cash", "USD")
    assert names(conn) == []
    adopted = ledger.ensure_account("cash", "USD", allow_negative_balance=False)
    assert (adopted.id, adopted.replayed) == (made.id, True)
    assert names(conn) == [("cash", made.id)]
    # From now on it is the one, whoever else gets its name.
    ledger.create_account("cash", "USD")
    assert ledger.ensure_account("cash", "USD", allow_negative_balance=False).id == made.id
    with pytest.raises(errors.AccountAmbiguous):
        ledger.find_account("cash", "USD")


def test_of_several_accounts_of_a_name_none_is_adopted(conn):
    ledger = Ledger(conn)
    for _ in range(2):
        ledger.create_account("cash", "USD")
    with pytest.raises(errors.AccountAmbiguous) as refused, conn.transaction():
        ledger.ensure_account("cash", "USD")
    assert "2 have it" in str(refused.value)
    assert names(conn) == []


def test_what_an_account_has_become_does_not_matter(conn):
    """A repeat is compared with what was asked for when the account was opened."""
    ledger = Ledger(conn)
    asked: dict[str, Any] = {"allow_negative_balance": False, "metadata": {"a": 1}}
    first = ledger.ensure_account("cash", "USD", **asked)
    ledger.set_limits(first.id, min_balance=-5, max_balance=None)
    ledger.update_account(first.id, name="bank", metadata={"a": 2})
    ledger.freeze_account(first.id, "both")
    again = ledger.ensure_account("bank", "USD", **asked)
    assert (again.id, again.replayed, again.min_balance) == (first.id, True, -5)
    assert again.status == "frozen_both"
    with pytest.raises(errors.IdempotencyConflict):
        ledger.ensure_account("bank", "USD", min_balance=-5, metadata={"a": 2})


# Renaming


def test_a_renamed_account_is_found_by_its_new_name(conn):
    ledger = Ledger(conn)
    a = ledger.ensure_account("old", "USD")
    assert rename(conn, a.id, "new") is True
    assert names(conn) == [("new", a.id)]
    assert ledger.ensure_account("new", "USD").id == a.id
    assert ledger.ensure_account("old", "USD").id != a.id
    assert_verified(conn)


def test_a_name_that_leads_to_another_account_goes_on_doing_so(conn):
    ledger = Ledger(conn)
    a = ledger.ensure_account("a", "USD")
    b = ledger.ensure_account("b", "USD")
    assert rename(conn, a.id, "b") is False
    assert names(conn) == [("b", b.id)]
    assert ledger.ensure_account("b", "USD").id == b.id
    assert rename(conn, b.id, "c") is True
    assert names(conn) == [("c", b.id)]
    # Now a is the only one of that name, and adopted.
    assert ledger.ensure_account("b", "USD").id == a.id
    assert_verified(conn)


def test_accounts_opened_otherwise_get_no_name_by_being_renamed(conn):
    ledger = Ledger(conn)
    a = ledger.create_account("a", "USD")
    assert rename(conn, a.id, "b") is False
    # The same name again changes nothing.
    b = ledger.ensure_account("c", "USD")
    assert rename(conn, b.id, "c") is True
    assert names(conn) == [("c", b.id)]


# At once


@pytest.mark.parametrize("isolation", ISOLATIONS, ids=lambda level: level.name)
@pytest.mark.parametrize("is_there", [False, True], ids=["new", "adopted"])
def test_two_hundred_calls_of_one_name_make_one_account(
    conn, connect: Connect, isolation, is_there
):
    """32 sessions, 200 calls of each of three names, in transactions that are tried again."""
    conn.commit()
    if is_there:
        for number in range(3):
            Ledger(conn).create_account(f"users.{number}", "USD")
        conn.commit()

    def work(session: Session) -> list[Account]:
        session.autocommit = False
        session.isolation_level = isolation

        def ensure(name: str) -> Account:
            return run_transaction(
                session, lambda given: Ledger(given).ensure_account(name, "USD"), attempts=100
            )

        return [ensure(f"users.{number % 3}") for number in range(19)]

    answers = [one for found in all_at_once(connect, [work] * 32) for one in found]
    by_name = Counter((answer.name, answer.id) for answer in answers)
    assert len(by_name) == 3
    assert all(count >= 192 for count in by_name.values())
    made = [answer for answer in answers if not answer.replayed]
    assert len(made) == (0 if is_there else 3)
    for number in range(3):
        assert accounts_named(conn, f"users.{number}") == 1
    assert_verified(conn)


def outcome(connect: Connect, waiter: WaitUntilBlocked, first: Session, end: str) -> Any:
    """Asks for the name that ``first`` has taken, ends that, and returns what came of it."""
    second = connect(autocommit=True, **PATIENCE)
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(Ledger(second).ensure_account, "cash", "USD")
        waiter(second.info.backend_pid, by=first.info.backend_pid)
        getattr(first, end)()
        return asked.result()


def test_who_comes_second_gets_what_the_first_made(connect: Connect, wait_until_blocked):
    first = connect()
    made = Ledger(first).ensure_account("cash", "USD")
    got = outcome(connect, wait_until_blocked, first, "commit")
    assert (got.id, got.replayed) == (made.id, True)


def test_who_comes_second_makes_it_if_the_first_gave_up(connect: Connect, wait_until_blocked):
    first = connect()
    made = Ledger(first).ensure_account("cash", "USD")
    got = outcome(connect, wait_until_blocked, first, "rollback")
    assert got.id != made.id
    assert got.replayed is False


def test_a_savepoint_that_was_rolled_back_leaves_no_name(conn):
    ledger = Ledger(conn)
    with conn.transaction(force_rollback=True):
        first = ledger.ensure_account("cash", "USD")
    second = ledger.ensure_account("cash", "USD")
    assert second.id != first.id
    assert second.replayed is False
    assert_verified(conn)


@pytest.mark.parametrize("isolation", ISOLATIONS[2:], ids=lambda level: level.name)
def test_a_snapshot_that_does_not_show_the_name_is_a_reason_to_try_again(
    connect: Connect, isolation
):
    old = connect()
    old.isolation_level = isolation
    old.execute("select count(*) from pgledger.account_names")
    other = connect(autocommit=True)
    made = Ledger(other).ensure_account("cash", "USD")
    with pytest.raises(psycopg.errors.SerializationFailure):
        Ledger(old).ensure_account("cash", "USD")
    old.rollback()
    assert Ledger(old).ensure_account("cash", "USD").id == made.id


def test_a_rename_that_came_first_is_no_account_to_adopt(connect: Connect, wait_until_blocked):
    first = connect()
    account = Ledger(first).create_account("cash", "USD")
    first.commit()
    rename(first, account.id, "bank")
    got = outcome(connect, wait_until_blocked, first, "commit")
    assert got.id != account.id
    assert got.replayed is False
    assert names(first) == [("cash", got.id)]
    assert_verified(first)


def test_a_rename_that_is_given_up_leaves_the_account_to_adopt(
    connect: Connect, wait_until_blocked
):
    first = connect()
    account = Ledger(first).create_account("cash", "USD")
    first.commit()
    rename(first, account.id, "bank")
    got = outcome(connect, wait_until_blocked, first, "rollback")
    assert (got.id, got.replayed) == (account.id, True)


def test_a_rename_waits_for_who_adopts(connect: Connect, wait_until_blocked):
    first, second = connect(), connect(**PATIENCE)
    account = Ledger(first).create_account("cash", "USD")
    first.commit()
    assert Ledger(first).ensure_account("cash", "USD").id == account.id
    with ThreadPoolExecutor(1) as pool:
        renamed = pool.submit(rename, second, account.id, "bank")
        wait_until_blocked(second.info.backend_pid, by=first.info.backend_pid)
        first.commit()
        assert renamed.result() is True
    second.commit()
    assert names(first) == [("bank", account.id)]
    assert_verified(first)


def test_a_name_taken_while_a_rename_waits_is_kept(connect: Connect, wait_until_blocked):
    first, second = connect(), connect(**PATIENCE)
    account = Ledger(second).ensure_account("cash", "USD")
    second.commit()
    made = Ledger(first).ensure_account("bank", "USD")
    with ThreadPoolExecutor(1) as pool:
        renamed = pool.submit(rename, second, account.id, "bank")
        wait_until_blocked(second.info.backend_pid, by=first.info.backend_pid)
        first.commit()
        assert renamed.result() is False
    second.commit()
    assert names(first) == [("bank", made.id)]
    assert Ledger(first).ensure_account("bank", "USD").id == made.id
    assert_verified(first)


def test_accounts_that_exchange_their_names_never_wait_for_one_another(
    connect: Connect, wait_until_blocked: WaitUntilBlocked
):
    watcher = connect()
    sessions = [connect(autocommit=True, **PATIENCE) for _ in range(2)]
    ledger = Ledger(watcher)
    for number in range(10):
        pair = [ledger.ensure_account(f"{side} {number}", "USD") for side in ("left", "right")]
        watcher.commit()
        # Both begin at the same moment: when this lock goes.
        watcher.execute("select from pgledger.account_names for update")
        with ThreadPoolExecutor(2) as pool:
            renamed = [
                pool.submit(rename, session, account.id, other.name)
                for session, account, other in zip(sessions, pair, reversed(pair), strict=True)
            ]
            for session in sessions:
                wait_until_blocked(session.info.backend_pid)
            watcher.commit()
            for one in renamed:
                one.result()
        assert {ledger.get_account(one.id).name for one in pair} == {one.name for one in pair}
    assert_verified(watcher)


def test_who_finds_the_name_does_not_wait_for_its_account(connect: Connect):
    first = connect()
    ledger = Ledger(first)
    cash, bank = (ledger.ensure_account(name, "USD").id for name in ("cash", "bank"))
    first.commit()
    ledger.create_transfer(cash, bank, 1)
    second = connect(autocommit=True, **PATIENCE)
    assert Ledger(second).ensure_account("cash", "USD").id == cash
    assert Ledger(second).find_account("bank", "USD").balance == 0
