"""Verification of one set of books among several."""

from itertools import pairwise
from typing import Any

import psycopg
import pytest

from pgledger.errors import InvalidScope
from support.slices import assert_slices_agree, at_once

APPS = ("shop", "bank")


@pytest.fixture
def books(conn: psycopg.Connection[Any]) -> psycopg.Connection[Any]:
    """Two apps, each with two accounts, one of which has its name to itself, and two transfers."""
    for app in APPS:
        ids = [
            row[0]
            for name in "ab"
            for row in conn.execute(
                "select id from pgledger_create_account(%s, 'USD', app_id => %s)",
                [f"{app} {name}", app],
            )
        ]
        for amount in (1, 2):
            conn.execute(
                "select pgledger_create_transfer(%s, %s, %s::numeric, app_id => %s)",
                [*ids, amount, app],
            )
        conn.execute("select pgledger_ensure_account(%s, 'USD', app_id => %s)", [f"{app} a", app])
    return conn


def violated(conn: psycopg.Connection[Any], app_id: str | None) -> set[str]:
    """Returns the rules that are broken; in slices the same is found."""
    if app_id is None:
        whole = at_once(conn)
        assert_slices_agree(conn, 1, whole=whole)
        return {name for name, (_, violations, _) in whole.items() if violations}
    rows = conn.execute(
        "select check_name from pgledger_verify(app_id => %s) where violations > 0", [app_id]
    )
    return {name for (name,) in rows}


def tamper(conn: psycopg.Connection[Any], statement: str) -> None:
    """Does what only a superuser can, and puts the triggers back."""
    for table in ("accounts", "transfers"):
        conn.execute(f"alter table pgledger.{table} disable trigger all".encode())
    conn.execute(statement.encode())
    conn.execute(
        """
        alter table pgledger.accounts
        enable always trigger accounts_rows_are_never_deleted,
        enable always trigger accounts_are_never_deleted
        """
    )
    conn.execute(
        """
        alter table pgledger.transfers
        enable always trigger transfers_rows_never_change,
        enable always trigger transfers_never_change
        """
    )


@pytest.mark.parametrize(
    "statement",
    [
        "update pgledger.accounts set balance = balance + 1 where name = 'shop a'",
        "update pgledger.accounts set version = version + 1 where name = 'shop a'",
        "update pgledger.accounts set id = lower(id) where name = 'shop a'",
        "update pgledger.accounts set min_balance = 0 where name = 'shop a'",
        "update pgledger.transfers set amount = amount + 1 where app_id = 'shop'",
        "update pgledger.transfers set id = lower(id) where app_id = 'shop'",
        "delete from pgledger.transfers where app_id = 'shop' and from_version = 1",
        "update pgledger.account_names set name = 'shop b' where app_id = 'shop'",
    ],
)
def test_tampering_in_one_app_is_not_found_in_another(books, statement):
    tamper(books, statement)
    assert violated(books, "shop")
    assert violated(books, None) == violated(books, "shop")
    assert violated(books, "bank") == set()


def test_a_transfer_that_went_astray_is_found_in_both_apps(books):
    tamper(
        books,
        "update pgledger.transfers set app_id = 'bank' where app_id = 'shop' and from_version = 1",
    )
    assert violated(books, "shop")
    assert violated(books, "bank")


def test_books_in_order_are_found_so(books):
    for app_id in (None, *APPS, "nobody"):
        assert violated(books, app_id) == set()


def test_one_app_is_looked_at_by_all_checks_in_the_same_order(books):
    def counts(app_id: str | None) -> list[tuple[str, int]]:
        return books.execute(
            "select check_name, rows_checked from pgledger_verify(%s)", [app_id]
        ).fetchall()

    everything = counts(None)
    shop = counts("shop")
    assert [name for name, _ in shop] == [name for name, _ in everything]
    # Triggers, sequences and access are the same for all.
    assert shop[-7:] == everything[-7:]
    assert [2 * count for _, count in shop[:-7]] == [count for _, count in everything[:-7]]
    assert books.execute("select check_name, rows_checked from pgledger_verify()").fetchall() == (
        everything
    )


def test_triggers_are_checked_whatever_the_app(books):
    books.execute("alter table pgledger.transfers disable trigger transfers_never_change")
    # The check of what keeps records unchanged, and that of all triggers.
    assert len(violated(books, "bank")) == 2
    assert len(violated(books, "nobody")) == 2


@pytest.mark.parametrize("app_id", ["a b", "x" * 129])
def test_what_cannot_be_an_app_is_refused(books, app_id):
    with pytest.raises(InvalidScope):
        books.execute("select * from pgledger_verify(%s)", [app_id])


# Faults of which nothing else tells: each is found by its own check, and by no other.


@pytest.fixture
def trio(conn: psycopg.Connection[Any]) -> psycopg.Connection[Any]:
    """Three accounts: a pays b, b pays c, each half of what a balance can hold."""
    ids = [
        row[0]
        for name in "abc"
        for row in conn.execute("select id from pgledger_create_account(%s, 'USD')", [name])
    ]
    for source, target in pairwise(ids):
        conn.execute("select pgledger_create_transfer(%s, %s, 5e29)", [source, target])
    return conn


KEY = "(select key from pgledger.accounts where name = '{}')"
A, B, C = (KEY.format(name) for name in "abc")
SECOND = f"where from_key = {B}"


@pytest.mark.parametrize(
    ("statements", "check"),
    [
        pytest.param(
            f"""
            update pgledger.transfers
            set created_at = (select created_at from pgledger.transfers where from_key = {A})
            {SECOND};
            update pgledger.accounts
            set updated_at = (select created_at from pgledger.transfers where from_key = {A})
            """,
            "each entry was recorded later than the one before",
            id="two entries of equal time",
        ),
        # Nothing moved between them, so that the books of both apps balance.
        pytest.param(
            f"""
            update pgledger.accounts set app_id = 'other' where name = 'c';
            update pgledger.transfers set amount = 0, from_balance = 5e29, to_balance = 0 {SECOND};
            update pgledger.accounts set balance = 5e29 where name = 'b';
            update pgledger.accounts set balance = 0 where name = 'c'
            """,
            "transfers join two accounts of one app and currency",
            id="the account that is reached in another app",
        ),
        pytest.param(
            f"""
            update pgledger.transfers
            set from_key = {A}, from_version = 2, from_balance = -1e30
            {SECOND};
            update pgledger.accounts
            set balance = -1e30, version = 2,
              updated_at = (select updated_at from pgledger.accounts where name = 'c')
            where name = 'a';
            update pgledger.accounts
            set balance = 5e29, version = 1,
              updated_at = (select created_at from pgledger.transfers where to_key = {B})
            where name = 'b'
            """,
            "balances stayed within their account's limits after every entry",
            id="a balance of -1e30",
        ),
        pytest.param(
            f"""
            update pgledger.transfers
            set from_key = {C}, to_key = {B}, from_version = 1, to_version = 2,
              from_balance = -5e29, to_balance = 1e30
            {SECOND};
            update pgledger.accounts set balance = 1e30 where name = 'b';
            update pgledger.accounts set balance = -5e29 where name = 'c'
            """,
            "balances stayed within their account's limits after every entry",
            id="a balance of 1e30",
        ),
        # b got 5e29 and gave it away again.
        pytest.param(
            "update pgledger.accounts set max_balance = 4e29 where name = 'b'",
            "balances stayed within their account's limits after every entry",
            id="a balance above a limit that was not there",
        ),
        pytest.param(
            "update pgledger.accounts set min_balance = -4e29 where name = 'a'",
            "balances stayed within their account's limits after every entry",
            id="a balance below a limit that was not there",
        ),
        *(
            pytest.param(
                f"update pgledger.accounts set {limits} where name = 'c'",
                "limits of accounts are in range, the lower one not above the upper",
                id=limits,
            )
            for limits in (
                "min_balance = -1e30",
                "min_balance = 'NaN'",
                "max_balance = 1e30",
                "max_balance = 'Infinity'",
                "max_balance = 6e29 + 1e-19",
                "min_balance = 7e29, max_balance = 6e29",
            )
        ),
        *(
            pytest.param(
                f"update pgledger.accounts set status = {status} where name = 'c'",
                "the status of each account is known",
                id=f"status {status}",
            )
            for status in (-1, 5)
        ),
        pytest.param(
            "update pgledger.accounts set amount_scale = 19 where name = 'c'",
            "accounts have the decimal places of their currency",
            id="decimal places of its own",
        ),
    ],
)
def test_a_fault_is_found_by_its_own_check_alone(trio, statements, check):
    assert violated(trio, None) == set()
    tamper(trio, statements)
    # That an amount is zero is a finding of its own, and so is a status that no call has set.
    others = {
        "amounts are above 0, below 1e30, of at most 18 decimal places",
        "accounts are as their newest change left them",
    }
    assert violated(trio, None) - others == {check}


@pytest.mark.parametrize(
    "statement",
    [
        "update pgledger.account_names set name = 'shop b' where app_id = 'shop'",
        "update pgledger.account_names set currency = 'EUR' where app_id = 'shop'",
        "update pgledger.account_names set tenant_id = 't' where app_id = 'shop'",
        "update pgledger.account_names set account_id = lower(account_id) where app_id = 'shop'",
        (
            "update pgledger.account_names set account_id = accounts.id from pgledger.accounts"
            " where account_names.app_id = 'shop' and accounts.name = 'shop b'"
        ),
        "update pgledger.accounts set name = 'other' where name = 'shop a'",
    ],
)
def test_a_name_that_leads_astray_is_found_by_its_own_check_alone(books, statement):
    check = "names lead to accounts of that app, tenant, currency and name"
    tamper(books, statement)
    assert violated(books, "shop") == {check}
    assert violated(books, "bank") == set()
    assert violated(books, None) == {check}


def test_a_name_of_another_app_is_found_in_both(books):
    tamper(
        books,
        "update pgledger.account_names set account_id = accounts.id"
        " from pgledger.accounts where account_names.app_id = 'shop' and accounts.name = 'bank a'",
    )
    assert len(violated(books, "shop")) == 1
    assert violated(books, "bank") == violated(books, "shop")


def test_a_limit_judges_only_the_legs_that_can_break_it(trio):
    """What reaches an account may leave it below a lower limit, and what leaves it above."""
    trio.execute("update pgledger.accounts set min_balance = 6e29 where name = 'c'")
    trio.execute("update pgledger.accounts set max_balance = -6e29 where name = 'a'")
    assert violated(trio, None) == set()


def test_numbers_on_accounts_at_their_edges_are_in_order(trio):
    trio.execute(
        """
        update pgledger.accounts
        set min_balance = -1e30 + 1e-18, max_balance = 1e30 - 1e-18
        where name = 'a'
        """
    )
    assert violated(trio, None) == set()
