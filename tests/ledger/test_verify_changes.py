"""What pgledger_verify() says of the history of accounts, and of entries judged by it."""

from typing import Any

import psycopg
import pytest

from pgledger import Ledger
from support.guards import GUARDS
from support.slices import assert_slices_agree, at_once

Session = psycopg.Connection[Any]

NUMBERS = "changes of accounts run from 1 without a gap"
CHAIN = "each change of an account starts from what the one before left"
TIMES = "each change of an account was recorded later than what was there"
NEWEST = "accounts are as their newest change left them"
LIMITS = "balances stayed within their account's limits after every entry"
STATUS = "no entry passed an account that was frozen for it or closed"


@pytest.fixture
def books(conn: Session) -> Session:
    """A wallet of 90 with six changes, three of them between its entries."""
    ledger = Ledger(conn)
    bank, wallet = (ledger.create_account(name, "USD").id for name in ("bank", "wallet"))
    ledger.create_transfer(bank, wallet, 120)
    ledger.set_limits(wallet, 50, 200, reason="a deposit")
    ledger.create_transfer(wallet, bank, 10)
    ledger.freeze_account(wallet, "in")
    ledger.create_transfer(wallet, bank, 5)
    ledger.unfreeze_account(wallet)
    # Beyond this one from the beginning.
    ledger.set_limits(wallet, 50, 100, allow_existing=True)
    ledger.create_transfer(wallet, bank, 15)
    ledger.update_account(wallet, name="purse", metadata={"a": 1})
    ledger.freeze_account(wallet, "out")
    return conn


def violated(conn: Session) -> dict[str, str | None]:
    """Returns the rules that are broken, with an example each; in slices the same is found."""
    whole = at_once(conn)
    assert_slices_agree(conn, 1, whole=whole)
    return {name: example for name, (_, violations, example) in whole.items() if violations}


def tamper(conn: Session, statement: str) -> None:
    """Does what only a superuser can, and puts the triggers back."""
    tables = ("account_changes", "accounts", "transfers")
    for table in tables:
        conn.execute(f"alter table pgledger.{table} disable trigger all".encode())
    conn.execute(statement.encode())
    for guard in GUARDS:
        if guard.kind == "trigger" and guard.place in tables:
            conn.execute(
                f"alter table pgledger.{guard.place} enable always trigger {guard.name}".encode()
            )


def of_change(number: int, what: str) -> str:
    return f"update pgledger.account_changes set {what} where number = {number}"


def test_a_history_in_order_is_found_so(books):
    assert violated(books) == {}
    rows = dict(books.execute("select check_name, rows_checked from pgledger_verify()").fetchall())
    assert [rows[check] for check in (NUMBERS, CHAIN, TIMES, NEWEST)] == [6, 6, 6, 7]
    assert rows[STATUS] == rows[LIMITS] == 8


@pytest.mark.parametrize(
    ("statement", "check"),
    [
        # Numbers
        ("delete from pgledger.account_changes where number = 1", {NUMBERS, CHAIN}),
        (of_change(6, "number = 7"), {NUMBERS}),
        (of_change(1, "number = 7, account_key = 77"), {NUMBERS, CHAIN, TIMES, NEWEST}),
        # What each starts from
        (of_change(2, "from_status = 4"), {CHAIN}),
        (of_change(2, "from_name = 'other'"), {CHAIN}),
        (of_change(2, "from_metadata = '{}'"), {CHAIN}),
        (of_change(3, "from_min_balance = 49"), {CHAIN}),
        (of_change(3, "from_max_balance = null"), {CHAIN}),
        (of_change(5, "to_name = 'other'"), {CHAIN}),
        (of_change(5, "to_metadata = null"), {CHAIN}),
        (of_change(1, "from_status = 2"), {CHAIN, STATUS}),
        # Times and versions
        (of_change(2, "changed_at = changed_at - interval '1 hour'"), {TIMES}),
        (of_change(6, "changed_at = changed_at - interval '1 hour'"), {TIMES}),
        # Right after the change before, and yet before the entry that it counts.
        (
            of_change(
                2,
                "changed_at = interval '1 microsecond' + (select earlier.changed_at"
                " from pgledger.account_changes as earlier where earlier.number = 1)",
            ),
            {TIMES},
        ),
        (of_change(6, "version = 99"), {TIMES}),
        # That the limit of 100 was in force for an entry that left 120 follows from it.
        (of_change(6, "version = 0"), {TIMES, LIMITS}),
        # The account as it is
        ("update pgledger.accounts set name = 'bag' where name = 'purse'", {NEWEST}),
        ("update pgledger.accounts set metadata = null where name = 'purse'", {NEWEST}),
        ("update pgledger.accounts set min_balance = null where name = 'purse'", {NEWEST}),
        ("update pgledger.accounts set max_balance = 101 where name = 'purse'", {NEWEST}),
        ("update pgledger.accounts set status = 0 where name = 'purse'", {NEWEST}),
        # One that has never been changed.
        ("update pgledger.accounts set status = 3 where name = 'bank'", {NEWEST}),
        ("delete from pgledger.account_changes where number = 6", {NEWEST}),
        # Limits in force at a version
        (of_change(1, "to_min_balance = 111"), {CHAIN, LIMITS}),
        (of_change(1, "from_max_balance = 119"), {LIMITS}),
        (of_change(4, "to_min_balance = 91"), {CHAIN, LIMITS}),
        # The status in force at a version
        (of_change(2, "to_status = 1"), {CHAIN, STATUS}),
        (of_change(2, "to_status = 4"), {CHAIN, STATUS}),
    ],
)
def test_tampering_with_a_history_is_found(books, statement, check):
    tamper(books, statement)
    assert violated(books).keys() == check


def test_an_example_names_the_account_and_the_change(books):
    wallet = books.execute("select id from pgledger_accounts_v1 where name = 'purse'").fetchone()
    assert wallet is not None
    tamper(books, of_change(2, "from_name = 'other'"))
    assert violated(books) == {CHAIN: f"{wallet[0]} change 2"}


def test_entries_beyond_a_limit_are_right_only_where_they_bring_it_nearer(books):
    """The wallet came down from 105 to 90 under a ceiling of 100 that it was above."""
    ledger = Ledger(books)
    bank, purse = (
        row[0] for row in books.execute("select id from pgledger_accounts_v1 order by name")
    )
    ledger.unfreeze_account(purse)
    ledger.set_limits(purse, 50, 80, allow_existing=True)
    ledger.create_transfer(purse, bank, 1)
    assert violated(books) == {}
    # The same entry the other way, which no function would have made.
    tamper(
        books,
        """
        update pgledger.transfers
        set from_key = to_key, to_key = from_key, from_version = to_version,
          to_version = from_version, from_balance = to_balance - 2, to_balance = from_balance + 2
        where amount = 1;
        update pgledger.accounts
        set balance = balance + case when name = 'purse' then 2 else -2 end
        """,
    )
    assert violated(books).keys() == {LIMITS}


def test_changes_of_one_app_are_not_found_in_another(books):
    account = Ledger(books).create_account("wallet", "USD", app_id="shop").id
    Ledger(books).freeze_account(account, "in", app_id="shop")
    tamper(
        books,
        "update pgledger.account_changes set from_status = 1 where account_key ="
        f" (select key from pgledger.accounts where id = '{account}')",
    )
    found = {
        app_id: books.execute(
            "select check_name from pgledger_verify(%s) where violations > 0", [app_id]
        ).fetchall()
        for app_id in ("", "shop")
    }
    assert found == {"": [], "shop": [(CHAIN,)]}


def test_a_missing_trigger_is_found(books):
    books.execute(
        "alter table pgledger.account_changes disable trigger account_changes_never_change"
    )
    # The check of what keeps records unchanged, and that of all triggers.
    assert len(violated(books)) == 2
