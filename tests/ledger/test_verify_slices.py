"""``pgledger_verify_slice`` and ``pgledger_verify_rest`` find what ``pgledger_verify`` does."""

from decimal import Decimal
from typing import Any

import psycopg
import pytest

from pgledger import Ledger
from pgledger.errors import InvalidPage, NullArgument
from support.slices import assert_slices_agree, at_once, in_slices

Session = psycopg.Connection[Any]


@pytest.fixture
def books(conn: Session) -> Session:
    """One hot account, ten that it deals with, some without entries, changes and reversals."""
    ledger = Ledger(conn)
    hot = ledger.create_account("hot", "USD").id
    others = [ledger.create_account(f"user {number}", "USD").id for number in range(10)]
    for number in range(5):
        ledger.create_account(f"idle {number}", "EUR", app_id="other")
    for number in range(40):
        ledger.create_transfer(hot, others[number * 7 % 10], 10 + number)
    ledger.set_limits(hot, -2000, 100, reason="why")
    for number in range(20):
        ledger.create_transfer(others[number % 10], hot, Decimal("0.5"))
    ledger.freeze_account(others[3], "both")
    return conn


def test_every_size_finds_the_same(books: Session) -> None:
    whole = at_once(books)
    assert_slices_agree(books, 1, 2, 3, 7, 20, 59, 60, 61, 1_000_000, whole=whole)


def test_slices_and_the_rest_are_the_whole(books: Session) -> None:
    whole = at_once(books)
    found, count = in_slices(books, 7)
    assert count > 10
    rest = {
        row[0]: row[1:]
        for row in books.execute(
            "select check_name, rows_checked, violations, example from pgledger_verify_rest()"
        )
    }
    assert [*found, *rest] == [*whole]
    assert {**found, **rest} == whole


def test_a_slice_has_as_many_rows_as_it_was_asked_for(books: Session) -> None:
    entries = accounts = 0
    after = None
    while True:
        rows = books.execute(
            "select check_name, rows_checked, next_after, entries_in_all"
            " from pgledger_verify_slice(%s, 5)",
            [after],
        ).fetchall()
        counts = {name: checked for name, checked, *_ in rows}
        assert counts["versions of entries run from 1 without a gap"] <= 10
        assert counts["transfers join two accounts of one app and currency"] <= 5
        assert counts["the status of each account is known"] <= 6
        assert {row[3] for row in rows} == {120}
        entries += counts["versions of entries run from 1 without a gap"]
        accounts += counts["the status of each account is known"]
        after = rows[0][2]
        if after is None:
            break
    assert (entries, accounts) == (120, 16)


def test_empty_books_are_one_slice(conn: Session) -> None:
    found, count = in_slices(conn, 1)
    assert count == 1
    assert set(found.values()) == {(0, 0, None)}
    assert_slices_agree(conn, 1)


@pytest.mark.parametrize(
    "after",
    ["", "x", "()", "(1,2)", "(1,1,1,1,,,,,x(", "(a,1,1,1,,,,,1)", "(1,1,-1,1,,,,,1)", "(" * 9999],
)
def test_what_no_slice_gave_is_refused(conn: Session, after: str) -> None:
    with pytest.raises(InvalidPage, match="no slice gave it"):
        conn.execute("select pgledger_verify_slice(%s)", [after])


@pytest.mark.parametrize("page_size", [0, -1, 1_000_001])
def test_sizes_out_of_range_are_refused(conn: Session, page_size: int) -> None:
    with pytest.raises(InvalidPage, match="between 1 and 1000000"):
        conn.execute("select pgledger_verify_slice(null, %s)", [page_size])
    conn.rollback()
    with pytest.raises(NullArgument):
        conn.execute("select pgledger_verify_slice(null, null)")


def test_settings_of_the_session_do_not_matter(books: Session) -> None:
    books.execute("set datestyle = 'German'")
    books.execute("set timezone = 'Asia/Kathmandu'")
    books.execute("set intervalstyle = 'sql_standard'")
    assert_slices_agree(books, 1, 4)


def test_an_auditor_may_ask_and_a_reader_may_not(books: Session) -> None:
    books.execute("grant pgledger_auditor to current_user")
    books.execute("set role pgledger_auditor")
    assert_slices_agree(books, 4)
    books.execute("set role pgledger_reader")
    for call in ("pgledger_verify_slice()", "pgledger_verify_rest()"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            books.execute(f"select {call}".encode())
        books.rollback()
        books.execute("set role pgledger_reader")
