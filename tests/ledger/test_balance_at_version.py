"""``pgledger_balance_at_version``: what an account held right after an entry, without a time."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import psycopg
import pytest

from pgledger import Ledger, errors

Session = psycopg.Connection[Any]


@pytest.fixture
def books(conn: Session) -> tuple[Ledger, str, str]:
    """An account with five entries in both directions, and the other side."""
    ledger = Ledger(conn)
    shop = ledger.create_account("shop", "USD").id
    buyer = ledger.create_account("buyer", "USD").id
    for amount in ("1.10", "2.20", "3.30"):
        ledger.create_transfer(buyer, shop, Decimal(amount))
    ledger.create_transfers([(shop, buyer, Decimal("0.60")), (shop, buyer, Decimal(10))])
    return ledger, shop, buyer


def test_each_version_has_the_balance_of_its_entry(books):
    ledger, shop, buyer = books
    for account in (shop, buyer):
        entries = list(ledger.iter_entries(account, newest_first=False))
        assert [entry.account_version for entry in entries] == [1, 2, 3, 4, 5]
        for entry in entries:
            told = ledger.balance_at_version(account, entry.account_version)
            assert told == entry.account_current_balance
        assert ledger.balance_at_version(account, 0) == 0
    assert ledger.balance_at_version(shop, 4) == Decimal("6.00")


def test_a_version_is_exact_where_a_time_of_milliseconds_is_not(books, set_clock):
    ledger, shop, buyer = books
    now = ledger.get_account(shop).updated_at.replace(microsecond=0) + timedelta(seconds=1)
    ledger.conn.commit()
    set_clock(ledger.conn, now + timedelta(microseconds=123_456))
    made = ledger.create_transfer(buyer, shop, Decimal("0.25"))
    assert made.created_at.microsecond == 123_456
    cut_off = made.created_at.replace(microsecond=123_000)
    assert ledger.balance_at(shop, cut_off) == made.to_account_balance - made.amount
    assert ledger.balance_at_version(shop, made.to_account_version) == made.to_account_balance


@pytest.mark.parametrize("version", [-1, 6, 2**63 - 1])
def test_a_version_that_the_account_has_not_is_refused(books, version):
    ledger, shop, _ = books
    with pytest.raises(errors.InvalidArgument, match="has the versions 0 to 5"):
        ledger.balance_at_version(shop, version)


def test_null_and_accounts_of_another_app_are_refused(books):
    ledger, shop, _ = books
    with pytest.raises(errors.NullArgument), ledger.conn.transaction():
        ledger.conn.execute("select pgledger_balance_at_version(%s, null)", [shop])
    with pytest.raises(errors.AccountNotFound):
        ledger.balance_at_version(shop, 1, app_id="other")
