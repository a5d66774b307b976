"""Which of a plan's prices a period uses: those that hold at its start, whenever it is billed."""

import itertools
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

import pytest

from support.clock import SetClock
from support.database import Connect
from support.invoices import Customer, amounts, carry_clock, make_feature, make_plan
from support.subscriptions import Row, Session, call, utc

START = "2025-01-01 00:00"
JANUARY, FEBRUARY, MARCH, APRIL = (f"2025-0{month}-01 00:00" for month in (1, 2, 3, 4))
MONTHS = ("2025-01-10 00:00", "2025-02-10 00:00", "2025-03-10 00:00")


def D(text: str | int) -> Decimal:  # noqa: N802 -- short, because tables are made of it
    return Decimal(text)


@pytest.fixture
def customer(connect: Connect, set_clock: SetClock) -> Customer:
    conn = connect(autocommit=True)
    carry_clock(conn, set_clock, START)
    make_feature(conn, "calls")
    make_feature(conn, "words")
    call(conn, "ledger_set_usage_skew", app_id="shop", skew="365 days")
    return Customer(conn)


def per_call(amount: int | str) -> dict[str, Any]:
    return {"feature": "calls", "model": "per_unit", "unit_amount": str(amount)}


def update(conn: Session, plan: str, effective_at: str | None = None, **options: Any) -> None:
    if effective_at is not None:
        options["effective_at"] = utc(effective_at)
    call(conn, "ledger_update_plan", app_id="shop", id=plan, **options)


def raise_price(
    customer: Customer, plan: str, amount: int | str, effective_at: str | None = None
) -> None:
    update(customer.conn, plan, effective_at, pricing={"prices": [per_call(amount)]})


def usage(customer: Customer) -> list[Decimal]:
    """Returns what usage came to on each invoice that has any."""
    rows = [amounts(invoice, "usage", "overage") for invoice in customer.invoices()]
    return [sum(row, D(0)) for row in rows if row]


def use_each_month(customer: Customer) -> None:
    for at in MONTHS:
        customer.use("calls", 10, at)


def finalize_drafts(customer: Customer) -> None:
    def order(row: Row) -> tuple[Any, int]:
        is_period = row["kind"] == "period"
        return row["period_end" if is_period else "period_start"], not is_period

    for invoice in sorted(customer.invoices("draft"), key=order):
        customer.finalize(invoice["id"])


@pytest.mark.parametrize(
    ("effective_at", "expected"),
    [
        (None, [10, 10, 20]),
        (FEBRUARY, [10, 20, 20]),
        ("2025-02-02 00:00", [10, 10, 20]),
        (JANUARY, [20, 20, 20]),
        (MARCH, [10, 10, 20]),
        ("2025-03-01 00:01", [10, 10, 10]),
    ],
)
@pytest.mark.parametrize("invoices", ["draft", "final"])
def test_a_price_is_raised_while_the_invoice_of_the_month_before_waits(
    customer: Customer, invoices: str, effective_at: str | None, expected: list[int]
) -> None:
    plan = make_plan(customer.conn, "pro", prices=[per_call(1)])
    customer.tenant.create(plan)
    use_each_month(customer)
    customer.at("2025-02-01 08:00")
    if invoices == "draft":
        customer.advance(invoices="draft")
    raise_price(customer, plan, 2, effective_at)
    customer.at(APRIL)
    customer.advance(invoices=invoices)
    finalize_drafts(customer)
    assert usage(customer) == expected


@pytest.mark.parametrize(
    ("effective_at", "expected"),
    [
        (None, [31, 31, 62]),
        (FEBRUARY, [31, 62, 62]),
        ("2025-02-02 00:00", [31, 31, 62]),
        (JANUARY, [62, 62, 62]),
        (MARCH, [31, 31, 62]),
        ("2025-03-01 00:01", [31, 31, 31]),
    ],
)
@pytest.mark.parametrize("billed", ["advance", "arrears"])
def test_base_fees_are_prices_too(
    customer: Customer, billed: str, effective_at: str | None, expected: list[int]
) -> None:
    def base(amount: int) -> dict[str, Any]:
        return {"base": {"amount": str(amount), "billed": billed}}

    plan = make_plan(customer.conn, "pro", amount="31", base={"billed": billed})
    customer.tenant.create(plan)
    customer.at("2025-02-01 08:00")
    customer.advance(invoices="draft")
    update(customer.conn, plan, effective_at, pricing=base(62))
    customer.at("2025-04-01 00:00")
    customer.advance(invoices="draft")
    finalize_drafts(customer)
    fees = [amount for row in customer.invoices() for amount in amounts(row, "base_fee")]
    # A fee that is paid in advance is billed for April, too.
    assert fees[:3] == expected
    assert len(fees) == (4 if billed == "advance" else 3)
    assert {row["status"] for row in customer.invoices()} <= {"pending", "past_due"}


def test_a_fee_that_is_billed_keeps_its_price(customer: Customer) -> None:
    plan = make_plan(customer.conn, "pro", amount="31")
    subscription = customer.tenant.create(plan)["id"]
    customer.advance()
    customer.at("2025-01-11 00:00")
    update(customer.conn, plan, JANUARY, pricing={"base": {"amount": "310"}})
    customer.at("2025-01-16 00:00")
    customer.tenant.one(
        "ledger_cancel_subscription", id=subscription, at_period_end=False, unused_time="refund"
    )
    customer.advance()
    assert [row["total"] for row in customer.invoices()] == [31, -16]


def test_when_a_fee_is_billed_is_the_periods(customer: Customer) -> None:
    plan = make_plan(customer.conn, "pro", amount="10", base={"billed": "arrears"})
    customer.tenant.create(plan)
    update(customer.conn, plan, FEBRUARY, pricing={"base": {"amount": "20"}})
    update(customer.conn, plan, MARCH, pricing={"base": {"amount": "30", "billed": "arrears"}})
    for at, expected in (
        (JANUARY, []),
        ("2025-01-31 23:59", []),
        (FEBRUARY, [10, 20]),
        (MARCH, [10, 20]),
        (APRIL, [10, 20, 30]),
    ):
        customer.at(at)
        customer.advance()
        fees = [amount for row in customer.invoices() for amount in amounts(row, "base_fee")]
        assert fees == expected, at


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
@pytest.mark.parametrize("rhythm", ["monthly", "at the end"])
def test_changes_in_any_order_bill_the_same(
    customer: Customer, order: Sequence[int], rhythm: str
) -> None:
    plan = make_plan(customer.conn, "pro", prices=[per_call(1)])
    customer.tenant.create(plan)
    use_each_month(customer)
    changes: list[Callable[[], None]] = [
        lambda: raise_price(customer, plan, 2, FEBRUARY),
        lambda: raise_price(customer, plan, 3, MARCH),
        lambda: raise_price(customer, plan, 9, "2025-02-15 00:00"),
    ]
    for number in order:
        changes[number]()
    for at in (FEBRUARY, MARCH) if rhythm == "monthly" else ():
        customer.at(at)
        customer.advance()
    customer.at(APRIL)
    customer.advance()
    assert usage(customer) == [10, 20, 30]


def test_what_a_final_invoice_has_billed_keeps_its_price(customer: Customer) -> None:
    plan = make_plan(customer.conn, "pro", prices=[per_call(1)])
    customer.tenant.create(plan)
    customer.use("calls", 10, "2025-01-10 00:00")
    customer.use("calls", 10, "2025-02-10 00:00")
    customer.at(FEBRUARY)
    customer.advance()
    customer.at("2025-02-15 00:00")
    raise_price(customer, plan, 2, JANUARY)
    # January is billed, and so is late usage of it; February is not.
    customer.use("calls", 5, "2025-01-11 00:00")
    customer.at(MARCH)
    customer.advance()
    assert usage(customer) == [10, 20]
    assert amounts(customer.invoices()[-1], "late_usage") == [5]


def test_an_invoice_that_is_drawn_up_again_has_the_price_of_its_period(customer: Customer) -> None:
    plan = make_plan(customer.conn, "pro", prices=[per_call(1)])
    subscription = customer.tenant.create(plan)["id"]
    customer.use("calls", 10, "2025-01-10 00:00")
    customer.at(FEBRUARY)
    customer.advance()
    customer.at("2025-02-15 00:00")
    raise_price(customer, plan, 2)
    (invoice,) = customer.invoices()
    customer.void(invoice["id"])
    again = customer.generate(subscription, at=utc("2025-01-15 00:00"))
    assert amounts(customer.finalize(again["id"]), "usage") == [10]


def test_a_plan_that_is_entered_later_has_the_price_of_its_entry(customer: Customer) -> None:
    one = make_plan(customer.conn, "one", prices=[per_call(1)])
    two = make_plan(customer.conn, "two", prices=[per_call(10)])
    subscription = customer.tenant.create(one)["id"]
    customer.at("2025-01-10 00:00")
    raise_price(customer, one, 2)
    raise_price(customer, two, 20)
    customer.at("2025-01-15 00:00")
    customer.tenant.one("ledger_change_plan", id=subscription, plan_id=two)
    customer.at("2025-01-20 00:00")
    raise_price(customer, two, 30)
    customer.use("calls", 1, "2025-01-14 00:00")
    customer.use("calls", 1, "2025-01-25 00:00")
    customer.use("calls", 1, "2025-02-25 00:00")
    customer.at(MARCH)
    customer.advance()
    assert [amounts(invoice, "usage") for invoice in customer.invoices()] == [[1, 20], [30]]


def test_allowances_have_versions(customer: Customer) -> None:
    def free(limit: int) -> list[dict[str, Any]]:
        return [{"key": "calls", "limit": limit, "soft_limit": True}]

    plan = make_plan(customer.conn, "pro", prices=[per_call(1)], features=free(8))
    customer.tenant.create(plan)
    use_each_month(customer)
    customer.at("2025-02-01 08:00")
    customer.advance(invoices="draft")
    update(customer.conn, plan, features=free(5))
    update(customer.conn, plan, MARCH, features=free(0))
    customer.at(APRIL)
    customer.advance(invoices="draft")
    finalize_drafts(customer)
    assert usage(customer) == [2, 2, 10]


def test_what_a_plan_has_no_longer_is_still_billed_for_before(customer: Customer) -> None:
    prices = [per_call(1), {**per_call(0), "feature": "words", "minimum": "7"}]
    plan = make_plan(customer.conn, "pro", prices=prices)
    customer.tenant.create(plan)
    customer.use("calls", 10, "2025-01-10 00:00")
    customer.use("calls", 10, "2025-02-10 00:00")
    customer.at(FEBRUARY)
    update(customer.conn, plan, features=[], pricing={})
    (words,) = call(customer.conn, "ledger_get_feature_by_key", app_id="shop", key="words")
    call(customer.conn, "ledger_delete_feature", app_id="shop", id=words["id"])
    customer.at(MARCH)
    customer.advance()
    (invoice,) = customer.invoices()
    assert amounts(invoice, "usage", "true_up") == [10, 0, 7]


def test_how_usage_is_counted_is_the_periods(customer: Customer) -> None:
    features = [{"key": "calls", "aggregation": "max"}]
    plan = make_plan(customer.conn, "pro", prices=[per_call(1)], features=features)
    customer.tenant.create(plan)
    for at in MONTHS:
        customer.use("calls", 10, at)
        customer.use("calls", 3, at)
    customer.at("2025-02-01 08:00")
    update(customer.conn, plan, features=[{"key": "calls"}])
    customer.at(APRIL)
    customer.advance()
    assert usage(customer) == [10, 10, 13]


def test_priorities_have_versions(customer: Customer) -> None:
    plan = make_plan(customer.conn, "pro", prices=[per_call(1)], priority=1)
    extra = make_plan(customer.conn, "extra", prices=[per_call(10)], priority=2, add_on=True)
    subscription = customer.tenant.create(plan)["id"]
    customer.tenant.create(extra)
    use_each_month(customer)
    customer.at("2025-02-10 00:00")
    update(customer.conn, plan, priority=3)
    customer.at(APRIL)
    customer.advance()
    mine = [row for row in customer.invoices() if row["subscription_id"] == subscription]
    others = [row for row in customer.invoices() if row["subscription_id"] != subscription]
    assert [sum(amounts(row, "usage"), D(0)) for row in mine] == [10, 10]
    assert [sum(amounts(row, "usage"), D(0)) for row in others] == [100]
