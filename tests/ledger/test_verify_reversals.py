"""What pgledger_verify() finds of reversals that somebody tampered with."""

from decimal import Decimal
from typing import Any

import psycopg
import pytest

from pgledger import Ledger
from support.slices import assert_slices_agree

LEAD = "reversals go the other way between the accounts of their transfer, after it"
SUMS = "reversals of a transfer never exceed its amount"
ALLOWED = "only reversals were let past limits, each when it was made"
LIMITS = "balances stayed within their account's limits after every entry"
ASKED = "what came of idempotency keys is what was asked for"
POSTED = "what was posted of holds are the sums of their transfers"

TABLES = {
    "transfers": ("transfers_rows_never_change", "transfers_never_change"),
    "reversals_over_limits": (
        "reversals_over_limits_rows_never_change",
        "reversals_over_limits_never_change",
    ),
    "idempotency_keys": ("idempotency_keys_rows_never_change", "idempotency_keys_never_change"),
}


class Books(Ledger):
    """Two apps alike: a buyer pays a shop twice, is paid once, and gets refunds of both sorts."""

    def __init__(self, conn: psycopg.Connection[Any]) -> None:
        super().__init__(conn)
        self.conn = conn
        self.ids: dict[str, dict[str, str]] = {app: self.fill(app) for app in ("", "other")}

    def fill(self, app: str) -> dict[str, str]:
        accounts = {
            name: self.create_account(
                name, "USD", app_id=app, min_balance=Decimal(0) if name == "shop" else None
            ).id
            for name in ("bank", "buyer", "shop")
        }
        bank, buyer, shop = accounts.values()

        def pay(source: str, target: str, amount: int) -> str:
            return self.create_transfer(source, target, amount, app_id=app).id

        made = {"paid": pay(buyer, shop, 100)}
        made["refund"] = self.reverse_transfer(made["paid"], amount=30, app_id=app).id
        made["loose"] = pay(shop, buyer, 60)
        made["again"] = pay(buyer, shop, 50)
        made["other pair"] = pay(bank, buyer, 90)
        pay(shop, bank, 60)
        made["over"] = self.reverse_transfer_over_limits(
            made["again"], "chargeback", amount=40, app_id=app
        ).id
        made["later"] = pay(buyer, shop, 35)
        return made

    def tamper(self, statement: str) -> None:
        for table in TABLES:
            self.conn.execute(f"alter table pgledger.{table} disable trigger all".encode())
        values = {f"{name}_of_other": value for name, value in self.ids["other"].items()}
        values |= self.ids[""]
        values = {name.replace(" ", "_"): f"'{value}'" for name, value in values.items()}
        self.conn.execute(statement.format(**values).encode())
        for table, triggers in TABLES.items():
            for trigger in triggers:
                self.conn.execute(
                    f"alter table pgledger.{table} enable always trigger {trigger}".encode()
                )

    def violated(self, app_id: str | None = None) -> set[str]:
        if app_id is None:
            assert_slices_agree(self.conn, 2)
        return {check.check_name for check in self.verify(app_id=app_id) if not check.ok}


@pytest.fixture
def books(conn: psycopg.Connection[Any]) -> Books:
    books = Books(conn)
    assert books.violated() == set()
    return books


LEADS = {
    "to the same transfer": "origin_id = id where id = {refund}",
    "to a transfer of other accounts": "origin_id = {other_pair} where id = {refund}",
    "to a transfer of the same direction": "origin_id = {loose} where id = {over}",
    "to a later transfer": "origin_id = {later} where id = {refund}",
    "to a transfer of another app": "origin_id = {paid_of_other} where id = {refund}",
    "to no transfer": ("origin_id = 'pglt_01JTVST7XAES5BXHWZN4KR4VEZ' where id = {refund}"),
    "to what is no id": "origin_id = 'x' where id = {refund}",
    "in another group": "group_id = 'other' where id = {refund}",
    "to an account": "origin_id = 'pgla_01JTVST7XAES5BXHWZN4KR4VEZ' where id = {refund}",
}


@pytest.mark.parametrize("case", LEADS)
def test_a_reversal_that_leads_astray_is_found_by_its_own_check_alone(
    books: Books, case: str
) -> None:
    books.tamper(f"update pgledger.transfers set {LEADS[case]}")
    assert books.violated() == books.violated("") == {LEAD}
    assert books.violated("other") == set()


def test_reversals_of_more_than_there_was_are_found_by_their_own_check_alone(
    books: Books,
) -> None:
    # 30 of 100 went back by a reversal; 60 more are within, and 50 of which 60 go back are not.
    books.tamper("update pgledger.transfers set origin_id = {paid} where id = {loose}")
    assert books.violated() == set()
    books.tamper(
        "update pgledger.transfers set origin_id = {paid} where id = {over};"
        "delete from pgledger.reversals_over_limits where reversal_id = {over};"
        "insert into pgledger.reversals_over_limits"
        " select created_at, id, 'a', 'none', 'why' from pgledger.transfers where id = {over}"
    )
    assert books.violated() == books.violated("") == {SUMS}
    assert books.violated("other") == set()
    (check,) = [check for check in books.verify() if not check.ok]
    assert (check.violations, check.example) == (1, books.ids[""]["paid"])


@pytest.mark.parametrize(
    ("statement", "checks"),
    [
        # What went over a limit has nothing any more that allowed it.
        ("delete from pgledger.reversals_over_limits where reversal_id = {over}", {LIMITS}),
        (
            (
                "update pgledger.reversals_over_limits set reversal_id = {refund}"
                " where reversal_id = {over}"
            ),
            {LIMITS, ALLOWED},
        ),
        # A transfer that is no reversal was let past a limit.
        (
            "update pgledger.transfers set origin_id = null where id = {over}",
            {ALLOWED},
        ),
        (
            (
                "insert into pgledger.reversals_over_limits"
                " select created_at, id, 'a', 'none', 'why' from pgledger.transfers"
                " where id = {loose}"
            ),
            {ALLOWED},
        ),
        (
            (
                "update pgledger.reversals_over_limits set allowed_at = allowed_at + '1 us'"
                " where reversal_id = {over}"
            ),
            {ALLOWED},
        ),
    ],
)
def test_what_let_a_reversal_past_limits_is_checked(
    books: Books, statement: str, checks: set[str]
) -> None:
    books.tamper(statement)
    assert books.violated() == books.violated("") == checks
    assert books.violated("other") == set()


def test_what_allows_a_reversal_that_does_not_exist_is_found(books: Books) -> None:
    books.tamper(
        "insert into pgledger.reversals_over_limits values"
        " (now(), 'pglt_01JTVST7XAES5BXHWZN4KR4VEZ', 'a', 'none', 'why')"
    )
    assert books.violated() == {ALLOWED}
    # It belongs to no app.
    assert books.violated("") == books.violated("other") == set()


def test_a_limit_that_was_broken_without_leave_is_found_beside_one_with_it(books: Books) -> None:
    books.tamper("delete from pgledger.reversals_over_limits where reversal_id = {over_of_other}")
    assert books.violated("") == set()
    assert books.violated("other") == {LIMITS}
    (check,) = [check for check in books.verify() if not check.ok]
    assert (check.violations, check.example) == (1, books.ids["other"]["over"])


def test_a_reversal_turned_into_a_posting_is_found_among_holds(books: Books) -> None:
    books.tamper(
        "update pgledger.transfers set origin_id = 'pglh_01JTVST7XAES5BXHWZN4KR4VEZ'"
        " where id = {refund}"
    )
    assert books.violated() == {POSTED}


def test_reversals_are_counted(books: Books) -> None:
    counts = {check.check_name: check.rows_checked for check in books.verify(app_id="")}
    assert (counts[LEAD], counts[SUMS], counts[ALLOWED]) == (2, 2, 1)


@pytest.mark.parametrize("field", ["transfer_id", "amount", "reason"])
def test_a_key_that_says_something_else_than_its_reversal_is_found(
    books: Books, field: str
) -> None:
    paid = books.get_transfer(books.ids[""]["paid"])
    books.create_transfer(paid.from_account_id, paid.to_account_id, 20)
    books.reverse_transfer(paid.id, amount=1, idempotency_key="within")
    books.reverse_transfer_over_limits(paid.id, "why", amount=1, idempotency_key="over")
    assert books.violated() == set()
    values = {"transfer_id": "{again}", "amount": "'2'", "reason": "'other'"}
    value = {"amount": "to_jsonb(2)"}.get(field, f"to_jsonb({values[field]}::text)")
    books.tamper(
        f"update pgledger.idempotency_keys set request = request || jsonb_build_object('{field}',"
        f" {value}) where idempotency_key = 'over'"
    )
    assert books.violated() == books.violated("") == {ASKED}
    (check,) = [check for check in books.verify() if not check.ok]
    assert (check.violations, check.example) == (1, "over")
