"""What docs/recipes.md builds, under several sessions: its own functions, taken out of the page."""

import re
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.errors import RaiseException

from pgledger import Ledger
from pgledger.errors import IdempotencyConflict, InsufficientFunds
from support.at_once import PATIENCE, all_at_once
from support.database import Connect
from support.waiting import WaitUntilBlocked

PAGE = Path(__file__).resolve().parents[2] / "docs" / "recipes.md"

Session = psycopg.Connection[Any]


def written(beginning: str) -> str:
    """Returns the statements of the page's block in which one begins so."""
    blocks = re.findall(r"^```sql\n(.*?)^```$", PAGE.read_text(), re.M | re.S)
    (block,) = [block for block in blocks if re.search(rf"^{re.escape(beginning)}", block, re.M)]
    return str(block)


def handlers() -> list[str]:
    """Returns what the page does when a webhook comes, comes again, and comes with other values."""
    first, again, changed = written("  'cards', 'customers.ana', 25.00").strip().split("\n\n")
    assert first == again
    return [first, again, changed]


class Shop(Ledger):
    """The accounts of the page, and what it builds on them."""

    def __init__(self, conn: Session) -> None:
        super().__init__(conn)
        self.conn = conn
        for name in ("cards", "bank", "fees"):
            self.ensure_account(name, "USD")
        for name in ("customers.ana", "shop", "sellers.kim", "sellers.lou", "market.kim.available"):
            self.ensure_account(name, "USD", min_balance=0)
        self.create_transfer_by_name("cards", "customers.ana", 100, "USD")

    def builds(self, *beginnings: str) -> None:
        for beginning in beginnings:
            self.conn.execute(written(beginning).encode())

    def balance(self, name: str, currency: str = "USD") -> Any:
        return self.find_account(name, currency).balance

    def faults(self) -> list[str]:
        return [check.check_name for check in self.verify() if not check.ok]


@pytest.fixture
def shop(connect: Connect) -> Shop:
    return Shop(connect(autocommit=True))


def asks(statement: str) -> Callable[[Session], Any]:
    """A call that returns the first value of a statement's first row."""

    def ask(session: Session) -> Any:
        row = session.execute(statement.encode()).fetchone()
        assert row is not None
        return row[0]

    return ask


PAY = "select pay_order('order-71')"


@pytest.mark.parametrize(("ends", "second"), [("commit", "paid before"), ("rollback", "paid")])
def test_an_order_is_paid_once_by_two_sessions(
    shop: Shop,
    connect: Connect,
    wait_until_blocked: WaitUntilBlocked,
    ends: str,
    second: str,
) -> None:
    shop.builds("create table orders", "create function pay_order")
    one, two = connect(), connect(autocommit=True, **PATIENCE)
    assert asks(PAY)(one) == "paid"
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(asks(PAY), two)
        wait_until_blocked(two.info.backend_pid, by=one.info.backend_pid)
        getattr(one, ends)()
        assert waiting.result(timeout=60) == second
    assert (shop.balance("customers.ana"), shop.balance("shop")) == (58, 42)
    row = shop.conn.execute(
        "select count(*) from orders join pgledger_transfers_view as payment"
        " on orders.payment_id = payment.id where paid_at is not null"
    ).fetchone()
    assert row == (1,)
    assert shop.faults() == []


def test_an_order_is_paid_once_by_sixteen_sessions(shop: Shop, connect: Connect) -> None:
    shop.builds("create table orders", "create function pay_order")
    answers = all_at_once(connect, [asks(PAY)] * 16)
    assert Counter(answers) == {"paid": 1, "paid before": 15}
    assert shop.balance("shop") == 42
    assert asks("select pay_order('order-72')")(shop.conn) == "unknown"


def test_an_order_stays_open_where_the_money_is_missing(shop: Shop) -> None:
    shop.builds("create table orders", "create function pay_order")
    shop.create_transfer_by_name("customers.ana", "cards", 60, "USD")
    with pytest.raises(InsufficientFunds):
        asks(PAY)(shop.conn)
    assert asks("select paid_at is null from orders")(shop.conn)
    shop.create_transfer_by_name("cards", "customers.ana", 2, "USD")
    assert asks(PAY)(shop.conn) == "paid"
    assert shop.balance("customers.ana") == 0


def test_a_webhook_moves_money_once_however_often_it_comes(shop: Shop, connect: Connect) -> None:
    take = asks(handlers()[0].replace("to_account_balance, replayed", "replayed"))
    assert Counter(all_at_once(connect, [take] * 16)) == {False: 1, True: 15}
    assert shop.balance("customers.ana") == 125
    with pytest.raises(IdempotencyConflict):
        asks(handlers()[2])(shop.conn)
    assert shop.balance("customers.ana") == 125
    assert shop.faults() == []


@pytest.mark.parametrize("ends", ["commit", "rollback"])
def test_a_webhook_waits_for_its_twin(
    shop: Shop, connect: Connect, wait_until_blocked: WaitUntilBlocked, ends: str
) -> None:
    take = asks(handlers()[0].replace("to_account_balance, replayed", "replayed"))
    one, two = connect(), connect(autocommit=True, **PATIENCE)
    assert take(one) is False
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(take, two)
        wait_until_blocked(two.info.backend_pid, by=one.info.backend_pid)
        getattr(one, ends)()
        assert waiting.result(timeout=60) is (ends == "commit")
    assert shop.balance("customers.ana") == 125


def test_a_payout_that_is_sent_by_eight_is_paid_once(shop: Shop, connect: Connect) -> None:
    for name, amount in (("sellers.kim", 380), ("sellers.lou", 61), ("market.kim.available", 20)):
        shop.create_transfer_by_name("cards", name, amount, "USD")
    shop.builds("create table payouts")
    pay = asks("select count(*) filter (where not replayed) from pay_out('2026-11-30')")
    answers = all_at_once(connect, [pay] * 8)
    # Below 25 nobody is paid.
    assert Counter(answers) == {2: 1, 0: 7}
    assert shop.balance("bank") == 441
    assert shop.balance("market.kim.available") == 20
    assert shop.faults() == []


def test_a_payout_is_refused_whole_where_a_seller_has_spent(shop: Shop) -> None:
    for name in ("sellers.kim", "sellers.lou"):
        shop.create_transfer_by_name("cards", name, 50, "USD")
    shop.builds("create table payouts")
    shop.create_transfer_by_name("sellers.lou", "shop", 1, "USD")
    with pytest.raises(InsufficientFunds, match=r"request \d of 2"):
        shop.conn.execute("select * from pay_out('2026-11-30')")
    assert shop.balance("bank") == 0


def points(shop: Shop, lots: dict[str, int]) -> None:
    shop.set_currency("POINTS", 0)
    for name in ("issued", "rewards", "lapsed"):
        shop.ensure_account(name, "POINTS")
    for month, amount in lots.items():
        shop.ensure_account(f"points.ana.{month}", "POINTS", min_balance=0)
        shop.create_transfer_by_name("issued", f"points.ana.{month}", amount, "POINTS")
    shop.builds("create function spend_points")


def test_points_are_spent_once_and_the_oldest_first(shop: Shop, connect: Connect) -> None:
    points(shop, {"2027-01": 50, "2026-11": 100, "2026-12": 30})
    spend = asks("select spend_points('ana', 25)")
    answers = all_at_once(connect, [spend] * 8)
    # 180 are seven times 25, and 5.
    assert Counter(isinstance(answer, RaiseException) for answer in answers) == {
        False: 7,
        True: 1,
    }
    assert shop.balance("rewards", "POINTS") == 175
    left = [
        shop.balance(f"points.ana.{month}", "POINTS") for month in ("2026-11", "2026-12", "2027-01")
    ]
    assert left == [0, 0, 5]
    assert shop.faults() == []


def test_points_that_are_too_few_stay_all(shop: Shop) -> None:
    points(shop, {"2026-11": 10, "2026-12": 20})
    with pytest.raises(RaiseException, match="ana has 1 points too few"):
        asks("select spend_points('ana', 31)")(shop.conn)
    assert shop.balance("rewards", "POINTS") == 0
    assert asks("select spend_points('ana', 30)")(shop.conn) == 30
