"""A coupon that waits for an invoice of a certain size: where the size begins to suffice."""

from decimal import Decimal

import pytest

from support.clock import SetClock
from support.database import Connect
from support.invoices import Customer, carry_clock
from support.subscriptions import Session, call


@pytest.fixture
def customer(connect: Connect, set_clock: SetClock) -> Customer:
    conn: Session = connect(autocommit=True)
    carry_clock(conn, set_clock, "2025-01-01")
    for code, terms in {
        "HUNDRED": {"percentage": 10, "currency": "USD", "minimum_subtotal": 100},
        "YEN": {"percentage": 10, "currency": "JPY", "minimum_subtotal": 1000},
    }.items():
        call(conn, "ledger_create_coupon", app_id="shop", code=code, duration="forever", **terms)
    return Customer(conn)


@pytest.mark.parametrize(
    ("code", "currency", "amounts", "discount"),
    [
        ("HUNDRED", "USD", ["99.99"], "0"),
        ("HUNDRED", "USD", ["100"], "10"),
        ("HUNDRED", "USD", ["100.00"], "10"),
        ("HUNDRED", "USD", ["100.01"], "10"),
        # The subtotal is that of the rounded lines, credits included.
        ("HUNDRED", "USD", ["99.995"], "10"),
        ("HUNDRED", "USD", ["99.994"], "0"),
        ("HUNDRED", "USD", ["60", "40"], "10"),
        ("HUNDRED", "USD", ["110", "-10"], "11"),
        ("HUNDRED", "USD", ["110", "-10.01"], "0"),
        ("YEN", "JPY", ["999"], "0"),
        ("YEN", "JPY", ["1000"], "100"),
        ("YEN", "JPY", ["999.5"], "100"),
        ("YEN", "USD", ["1000"], "0"),
    ],
)
def test_a_subtotal_of_exactly_the_minimum_suffices(
    customer: Customer, code: str, currency: str, amounts: list[str], discount: str
) -> None:
    customer.redeem(code)
    lines = [{"description": "work", "amount": amount} for amount in amounts]
    # Tax is on top, and does not count.
    vat = [{"name": "VAT", "percentage": "19"}]
    invoice = customer.tenant.one(
        "ledger_create_invoice", currency=currency, lines=lines, tax_rates=vat
    )
    invoice = customer.finalize(invoice["id"])
    assert invoice["discount"] == Decimal(discount)
