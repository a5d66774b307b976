"""Taxes of credits: what is given back is taxed by the rates that it was billed with."""

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from psycopg.rows import dict_row

from support.clock import SetClock
from support.database import Connect
from support.exact import sum_of
from support.invoices import (
    CHARGES,
    Customer,
    amounts,
    assert_adds_up,
    carry_clock,
    make_feature,
    make_plan,
)
from support.properties import scaled
from support.subscriptions import Row, Session, call, utc

START = "2025-01-01 00:00"
Rates = list[Row]
# Line by line: amount and share of the taxes; of a tax, its description and amount.
Bill = list[tuple[str, str]]


def D(text: str | int) -> Decimal:  # noqa: N802 -- short, because tables are made of it
    return Decimal(text)


def rate(percentage: int | str, name: str = "VAT", *applies_to: str) -> Row:
    limited = {"applies_to": list(applies_to)} if applies_to else {}
    return {"name": name, "percentage": str(percentage), **limited}


def price(feature: str, **terms: Any) -> Row:
    return {"feature": feature, "model": "per_unit", "unit_amount": "1", **terms}


@pytest.fixture
def conn(connect: Connect, set_clock: SetClock) -> Session:
    conn = connect(autocommit=True)
    carry_clock(conn, set_clock, START)
    make_feature(conn, "calls")
    make_feature(conn, "level", aggregation="latest")
    # Usage of a whole period is recorded at once.
    call(conn, "ledger_set_usage_skew", app_id="shop", skew="365 days")
    return conn


@pytest.fixture
def customer(conn: Session) -> Customer:
    return Customer(conn)


def bill(invoice: Row) -> Bill:
    return [
        (line["amount"], line["tax"])
        if line["kind"] in CHARGES
        else (line["description"], line["amount"])
        for line in invoice["line_items"]
    ]


def notes(invoice: Row) -> list[Any]:
    """Returns of each line that credits something what it was billed by."""
    return [
        [
            (part["amount"], part["tax_rates"][0]["percentage"] if part["tax_rates"] else None)
            for part in line["basis"]["billed_with"]
        ]
        for line in invoice["line_items"]
        if line["basis"] and "billed_with" in line["basis"]
    ]


def set_rates(customer: Customer, subscription: str, *rates: Row) -> None:
    customer.tenant.update(subscription, tax_rates=list(rates))


def cancel(customer: Customer, subscription: str, unused_time: str = "credit") -> None:
    customer.tenant.cancel(subscription, at_period_end=False, unused_time=unused_time)


def last(customer: Customer) -> Row:
    return customer.invoices()[-1]


def interim(customer: Customer, subscription: str, **options: Any) -> Row:
    """Draws up an interim invoice, after a preview that says the same, and makes it final."""
    shown = customer.preview(subscription, kind="interim", **options)
    draft = customer.generate(subscription, kind="interim", **options)
    assert bill(shown) == bill(draft)
    final = customer.finalize(draft["id"])
    assert bill(final) == bill(draft)
    assert_adds_up(final)
    return final


# Base fees


@pytest.mark.parametrize(
    ("billed_with", "rates", "taxes", "total"),
    [
        # 31.00 for January, cancelled after 10 of 31 days: 21.00 is given back, 19 % of it is 3.99.
        ([rate(19)], [rate(19)], [("VAT 19 %", "-3.99")], "-24.99"),
        (
            [rate(19)],
            [rate(21)],
            [("VAT 21 %", "0.00"), ("VAT 19 % of what is credited", "-3.99")],
            "-24.99",
        ),
        ([rate(19)], [], [("VAT 19 % of what is credited", "-3.99")], "-24.99"),
        ([], [rate(19)], [("VAT 19 %", "0.00")], "-21.00"),
        # 1.94 and 0.74 were billed, of which 2.68 x 10/31 = 0.86 stays: 1.82 goes back, 1.314 of
        # it to State and 0.501 to City. What calls cost was never billed.
        (
            [rate("6.25", "State"), rate("2.375", "City", "base"), rate(5, "Calls", "calls")],
            [rate(7, "State", "calls")],
            [
                ("State 7 %", "0.00"),
                ("State 6.25 % of what is credited", "-1.32"),
                ("City 2.375 % of what is credited", "-0.50"),
            ],
            "-22.82",
        ),
    ],
    ids=["same", "raised", "removed", "added", "some-lines"],
)
def test_a_cancellation_gives_back_the_tax_that_was_billed(
    customer: Customer, billed_with: Rates, rates: Rates, taxes: Bill, total: str
) -> None:
    plan = make_plan(customer.conn, "pro", amount="31")
    subscription = customer.tenant.create(plan, tax_rates=billed_with)["id"]
    customer.advance()
    set_rates(customer, subscription, *rates)
    customer.at("2025-01-11 00:00")
    cancel(customer, subscription, "refund")
    shown = customer.preview(subscription, at="2025-01-02 00:00+00")
    customer.advance()
    credit = last(customer)
    tax = str(sum_of(D(amount) for _, amount in taxes))
    assert bill(credit) == [("-21.00", f"{D(tax):.2f}"), *taxes]
    assert bill(shown) == bill(credit)
    # Nothing was paid: it lowers what is due for January, and nothing goes back.
    assert (credit["total"], credit["refund_due"], credit["unapplied"]) == (D(total), 0, 0)
    assert customer.invoices()[0]["credits_applied"] == -D(total)
    assert_adds_up(credit)
    assert credit["tax_rates"] == rates
    (note,) = credit["line_items"][0]["basis"]["billed_with"]
    assert (note["amount"], note["tax_rates"]) == ("-21.00", billed_with)
    assert str(sum_of(D(part) for part in note["taxes"])) == f"{D(tax):.2f}"


def test_the_tax_of_a_credit_says_what_it_is_computed_from(customer: Customer) -> None:
    plan = make_plan(customer.conn, "pro", amount="31")
    old, new = rate("19.0", "VAT", "base"), rate(21)
    subscription = customer.tenant.create(plan, tax_rates=[old])["id"]
    customer.advance()
    set_rates(customer, subscription, new)
    customer.at("2025-01-11 00:00")
    cancel(customer, subscription)
    customer.advance()
    *_, tax = last(customer)["line_items"]
    assert tax["basis"] == {
        "name": "VAT",
        "percentage": "19",
        "applies_to": ["base"],
        "base": "-21.00",
    }


def changed_in_the_middle(customer: Customer) -> str:
    """From 10 to 20 in the middle of 30 days, billed with 19 %, changed with 21 %, and over."""
    month = {"interval": "day", "interval_count": 30}
    small, large = (
        make_plan(customer.conn, f"plan-{amount}", amount=amount, base=month)
        for amount in ("10", "20")
    )
    subscription = str(customer.tenant.create(small, tax_rates=[rate(19)])["id"])
    customer.advance()
    customer.at("2025-01-16 00:00")
    set_rates(customer, subscription, rate(21))
    customer.tenant.change_plan(subscription, large)
    customer.at("2025-01-31 00:00")
    return subscription


# 21 % of 10.00 and of the 20.00 for the next period, less 19 % of 5.00.
CHANGED = [
    ("-5.00", "-0.95"),
    ("10.00", "2.10"),
    ("20.00", "4.20"),
    ("VAT 21 %", "6.30"),
    ("VAT 19 % of what is credited", "-0.95"),
]


def test_charges_beside_a_credit_are_taxed_by_the_invoice_s_own_rates(customer: Customer) -> None:
    changed_in_the_middle(customer)
    customer.advance()
    assert bill(last(customer)) == CHANGED
    assert (last(customer)["tax"], last(customer)["total"]) == (D("5.35"), D("30.35"))


def test_a_draft_comes_to_the_same_however_it_is_computed(customer: Customer) -> None:
    subscription = changed_in_the_middle(customer)
    customer.advance(invoices="draft")
    draft = last(customer)
    in_january = {"at": "2025-01-02 00:00+00"}
    assert bill(draft) == CHANGED
    assert bill(customer.preview(subscription, **in_january)) == CHANGED
    for _ in range(2):
        assert bill(customer.tenant.one("ledger_refresh_invoice", id=draft["id"])) == CHANGED
    # With the rates that were billed, as if they had never changed: 19 % of 25.00.
    back = customer.preview(subscription, tax_rates=[rate(19)], **in_january)
    assert bill(back)[3:] == [("VAT 19 %", "4.75")]
    assert notes(back) == [[("-5.00", "19")]]
    final = customer.finalize(draft["id"])
    assert bill(final) == CHANGED
    customer.void(final["id"])
    again = customer.finalize(customer.generate(subscription, **in_january)["id"])
    assert bill(again) == CHANGED


def test_a_credit_gives_back_the_tax_on_what_a_coupon_left(customer: Customer) -> None:
    call(customer.conn, "ledger_create_coupon", app_id="shop", code="HALF", percentage=50)
    plan = make_plan(customer.conn, "pro", amount="31")
    subscription = customer.tenant.create(plan, tax_rates=[rate(19)])["id"]
    customer.redeem("HALF")
    customer.advance()
    set_rates(customer, subscription, rate(21))
    customer.at("2025-01-11 00:00")
    cancel(customer, subscription)
    customer.advance()
    # 19 % of 10.50 is 1.995; 19 % of 15.50, which was billed, is 2.945.
    assert bill(last(customer))[0] == ("-10.50", "-2.00")


@pytest.mark.parametrize(
    ("currency", "credit"), [("JPY", ("-21", "-4")), ("KWD", ("-21.000", "-3.990"))]
)
def test_a_credit_s_tax_has_the_currency_s_decimals(
    customer: Customer, currency: str, credit: tuple[str, str]
) -> None:
    plan = make_plan(customer.conn, "pro", amount="31", currency=currency)
    subscription = customer.tenant.create(plan, tax_rates=[rate(19)])["id"]
    customer.advance()
    set_rates(customer, subscription, rate(21))
    customer.at("2025-01-11 00:00")
    cancel(customer, subscription)
    customer.advance()
    assert bill(last(customer))[0] == credit
    assert_adds_up(last(customer))


def test_each_invoice_of_a_period_gives_back_what_the_one_before_billed(
    customer: Customer,
) -> None:
    subscription = changed_in_the_middle(customer)
    # A start that is asked for later bills what the period has come to.
    customer.at("2025-01-16 01:00")
    start = customer.invoices()[0]
    customer.void(start["id"])
    again = customer.generate(subscription, kind="start", at="2025-01-02 00:00+00")
    assert bill(customer.finalize(again["id"])) == [
        ("5.00", "1.05"),
        ("10.00", "2.10"),
        ("VAT 21 %", "3.15"),
    ]
    set_rates(customer, subscription, rate(23))
    customer.at("2025-01-21 00:00")
    cancel(customer, subscription)
    customer.advance()
    # Nothing of 19 % stands any more. Of the second plan only what was used is charged.
    assert bill(last(customer)) == [
        ("-6.67", "-1.40"),
        ("VAT 23 %", "0.00"),
        ("VAT 21 % of what is credited", "-1.40"),
    ]


# Usage


def test_late_usage_that_goes_down_gives_back_the_tax_that_was_billed(customer: Customer) -> None:
    plan = make_plan(customer.conn, "pro", prices=[price("level")])
    subscription = customer.tenant.create(plan, tax_rates=[rate(19)])["id"]
    customer.use("level", 100, "2025-01-10 00:00")
    customer.at("2025-02-01 00:00")
    customer.advance()
    assert bill(last(customer)) == [("100.00", "19.00"), ("VAT 19 %", "19.00")]
    set_rates(customer, subscription, rate(21))
    customer.use("level", 60, "2025-01-20 00:00")
    customer.use("level", 10, "2025-02-10 00:00")
    customer.at("2025-03-01 00:00")
    customer.advance()
    assert bill(last(customer)) == [
        ("10.00", "2.10"),
        ("-40.00", "-7.60"),
        ("VAT 21 %", "2.10"),
        ("VAT 19 % of what is credited", "-7.60"),
    ]
    # What comes later still is compared to both, costs the same price, and is charged as of now.
    customer.use("level", 70, "2025-01-21 00:00")
    customer.at("2025-04-01 00:00")
    customer.advance()
    invoice = last(customer)
    assert bill(invoice) == [("0.00", "0.00"), ("10.00", "2.10"), ("VAT 21 %", "2.10")]
    assert notes(invoice) == []
    # All of January is taken back: the 10 that came last with 21 %, and what is left of the 100.
    customer.use("level", 0, "2025-01-22 00:00")
    customer.at("2025-05-01 00:00")
    customer.advance()
    assert bill(last(customer)) == [
        ("0.00", "0.00"),
        ("-70.00", "-13.50"),
        ("VAT 21 %", "-2.10"),
        ("VAT 19 % of what is credited", "-11.40"),
    ]
    assert notes(last(customer)) == [[("-10.00", "21"), ("-60.00", "19")]]


def test_late_usage_that_adds_is_taxed_by_the_invoice_s_own_rates(customer: Customer) -> None:
    plan = make_plan(customer.conn, "pro", prices=[price("calls")])
    subscription = customer.tenant.create(plan, tax_rates=[rate(19)])["id"]
    customer.use("calls", 100, "2025-01-10 00:00")
    customer.at("2025-02-01 00:00")
    customer.advance()
    set_rates(customer, subscription, rate(21))
    customer.use("calls", 50, "2025-01-20 00:00")
    customer.at("2025-03-01 00:00")
    customer.advance()
    assert bill(last(customer)) == [("0.00", "0.00"), ("50.00", "10.50"), ("VAT 21 %", "10.50")]


def test_what_was_billed_last_is_given_back_first(customer: Customer) -> None:
    plan = make_plan(customer.conn, "pro", prices=[price("level")])
    subscription = customer.tenant.create(plan, tax_rates=[rate(19)])["id"]
    for day, level, percentage in ((5, 10, 21), (10, 15, 23)):
        customer.at(f"2025-01-{day:02} 00:00")
        customer.use("level", level)
        customer.at(f"2025-01-{day:02} 01:00")
        interim(customer, subscription)
        set_rates(customer, subscription, rate(percentage))
    customer.use("level", 3)
    customer.at("2025-02-01 00:00")
    customer.advance()
    invoice = last(customer)
    # 21 % of the 5.00 that were added, 19 % of 7.00 of the 10.00 before.
    assert notes(invoice) == [[("-5.00", "21"), ("-7.00", "19")]]
    assert bill(invoice) == [
        ("-12.00", "-2.38"),
        ("VAT 23 %", "0.00"),
        ("VAT 21 % of what is credited", "-1.05"),
        ("VAT 19 % of what is credited", "-1.33"),
    ]
    assert_adds_up(invoice)


def test_rates_that_come_back_are_the_invoice_s_own(customer: Customer) -> None:
    plan = make_plan(customer.conn, "pro", prices=[price("level")])
    subscription = customer.tenant.create(plan, tax_rates=[rate(19)])["id"]
    for day, level, percentage in ((5, 10, 21), (10, 15, 19)):
        customer.at(f"2025-01-{day:02} 00:00")
        customer.use("level", level)
        customer.at(f"2025-01-{day:02} 01:00")
        interim(customer, subscription)
        set_rates(customer, subscription, rate(percentage))
    customer.use("level", 3)
    customer.at("2025-02-01 00:00")
    customer.advance()
    assert bill(last(customer)) == [
        ("-12.00", "-2.38"),
        ("VAT 19 %", "-1.33"),
        ("VAT 21 % of what is credited", "-1.05"),
    ]


def test_rates_in_another_spelling_are_the_same(customer: Customer) -> None:
    subscription = customer.tenant.create(
        make_plan(customer.conn, "pro", amount="31"), tax_rates=[rate(19)]
    )["id"]
    customer.advance()
    set_rates(customer, subscription, {"name": "VAT", "percentage": "19.0", "applies_to": None})
    customer.at("2025-01-11 00:00")
    cancel(customer, subscription)
    customer.advance()
    assert bill(last(customer)) == [("-21.00", "-3.99"), ("VAT 19 %", "-3.99")]


def test_a_maximum_that_takes_back_less_is_taxed_like_what_it_was_for(customer: Customer) -> None:
    plan = make_plan(customer.conn, "pro", prices=[price("level", maximum="60")])
    subscription = customer.tenant.create(plan, tax_rates=[rate(19)])["id"]
    customer.use("level", 100)
    customer.at("2025-01-10 00:00")
    first = interim(customer, subscription)
    assert bill(first) == [("100.00", "19.00"), ("-40.00", "-7.60"), ("VAT 19 %", "11.40")]
    # Nothing is credited by 40 units less: the usage and the cut go back in equal parts.
    set_rates(customer, subscription, rate(0))
    customer.use("level", 60)
    customer.at("2025-01-11 00:00")
    second = interim(customer, subscription)
    assert bill(second) == [("-40.00", "0.00"), ("40.00", "0.00"), ("VAT 0 %", "0.00")]
    customer.use("level", 100)
    customer.at("2025-01-12 00:00")
    interim(customer, subscription)
    customer.use("level", 50)
    customer.at("2025-02-01 00:00")
    customer.advance()
    # 50 units less, of which 40 were cut: 10.00 are given back, with the tax that was on them.
    assert bill(last(customer)) == [
        ("-50.00", "-9.50"),
        ("40.00", "7.60"),
        ("VAT 0 %", "0.00"),
        ("VAT 19 % of what is credited", "-1.90"),
    ]


def test_a_minimum_that_charges_more_than_usage_gives_back_is_a_charge(
    customer: Customer,
) -> None:
    plan = make_plan(customer.conn, "pro", prices=[price("level", minimum="60")])
    subscription = customer.tenant.create(plan, tax_rates=[rate(19)])["id"]
    customer.use("level", 50)
    customer.at("2025-01-10 00:00")
    interim(customer, subscription)
    set_rates(customer, subscription, rate(21))
    customer.use("level", 30)
    customer.at("2025-02-01 00:00")
    customer.advance()
    assert bill(last(customer)) == [("-20.00", "-4.20"), ("30.00", "6.30"), ("VAT 21 %", "2.10")]
    assert notes(last(customer)) == []


def test_a_cut_that_gives_back_does_not_hide_the_price(customer: Customer) -> None:
    """Of a maximum that was reached, a part falls to another plan: a line without its own price."""
    terms = price("calls", maximum="60")
    one, two = (make_plan(customer.conn, slug, prices=[terms]) for slug in ("one", "two"))
    subscription = customer.tenant.create(one, tax_rates=[rate(19)])["id"]
    customer.use("calls", 80)
    customer.at("2025-01-10 00:00")
    interim(customer, subscription)
    set_rates(customer, subscription, rate(21))
    customer.tenant.one("ledger_change_plan", id=subscription, plan_id=two)
    customer.use("calls", 40)
    customer.at("2025-02-01 00:00")
    customer.advance()
    assert bill(last(customer)) == [
        ("0.00", "0.00"),
        ("-20.00", "-3.80"),
        ("40.00", "8.40"),
        ("-20.00", "-4.20"),
        ("VAT 21 %", "4.20"),
        ("VAT 19 % of what is credited", "-3.80"),
    ]
    customer.use("calls", 5, "2025-01-20 00:00")
    customer.at("2025-03-01 00:00")
    customer.advance()
    assert amounts(last(customer), "late_usage") == [D("-1.60"), D("1.60")]


def test_a_credit_whose_charge_was_voided_is_evened_out(customer: Customer) -> None:
    plan = make_plan(customer.conn, "pro", prices=[price("level"), price("calls")])
    subscription = customer.tenant.create(plan, tax_rates=[rate(19)])["id"]
    in_january = {"at": "2025-01-20 00:00+00"}
    customer.use("level", 100, "2025-01-10 00:00")
    customer.at("2025-02-01 00:00")
    customer.advance()
    charge = last(customer)
    set_rates(customer, subscription, rate(0))
    customer.use("level", 60, "2025-01-20 00:00")
    customer.use("calls", 100, "2025-02-10 00:00")
    customer.at("2025-03-01 00:00")
    customer.advance()
    # It charges more than it credits, so its credit has lowered no other invoice.
    assert bill(last(customer))[:3] == [("0.00", "0.00"), ("100.00", "0.00"), ("-40.00", "-7.60")]
    customer.void(charge["id"])
    again = customer.finalize(customer.generate(subscription, **in_january)["id"])
    assert bill(again) == [("100.00", "0.00"), ("0.00", "0.00"), ("VAT 0 %", "0.00")]
    customer.use("level", 0, "2025-01-21 00:00")
    customer.at("2025-04-01 00:00")
    customer.advance()
    # Nothing of January is left, so neither is the tax that was given back for it.
    assert bill(last(customer))[-3:] == [
        ("-60.00", "7.60"),
        ("VAT 0 %", "0.00"),
        ("VAT 19 % of what is credited", "7.60"),
    ]


# Invoices of the application's own


def test_a_one_off_credit_is_taxed_by_the_rates_given(customer: Customer) -> None:
    draft = customer.tenant.one(
        "ledger_create_invoice",
        currency="USD",
        lines=[{"description": "Returned", "item": "base", "amount": "-100"}],
        tax_rates=[rate(19)],
    )
    expected = [("-100.00", "-19.00"), ("VAT 19 %", "-19.00")]
    assert bill(draft) == expected
    assert bill(customer.tenant.one("ledger_refresh_invoice", id=draft["id"])) == expected
    assert bill(customer.finalize(draft["id"])) == expected


# Whatever happens

DECIMALS = {"JPY": 0, "USD": 2, "KWD": 3}
HOUR = timedelta(hours=1)
RATES = st.one_of(
    st.sampled_from([[rate(19)], [rate(21)], [rate(21), rate("2.375", "City", "base")]]),
    st.lists(
        st.builds(
            lambda percentage, name, items: rate(percentage, name, *items),
            st.sampled_from(["0", "5", "8.25", "33.333", "100"]),
            st.sampled_from(["VAT", "City", "Levy"]),
            st.sampled_from([(), ("base",), ("calls", "level"), ("base", "level")]),
        ),
        max_size=3,
    ),
)
LEVELS = st.integers(min_value=0, max_value=40)
STEPS = st.lists(
    st.tuples(
        st.one_of(st.integers(min_value=0, max_value=48), st.integers(0, 24 * 20)),
        st.one_of(
            st.tuples(st.just("bill_level"), st.tuples(LEVELS, RATES)),
            st.tuples(st.just("bill_level"), st.tuples(LEVELS, RATES)),
            st.tuples(st.just("late_level"), st.tuples(LEVELS, st.integers(1, 24 * 60))),
            st.tuples(st.just("use_calls"), st.integers(min_value=1, max_value=9)),
            st.tuples(st.just("set_rates"), RATES),
            st.tuples(st.just("change_plan"), st.sampled_from(["small", "large", "later"])),
            st.tuples(st.just("set_quantity"), st.integers(min_value=1, max_value=3)),
            st.tuples(st.just("pause"), st.none()),
            st.tuples(st.just("resume"), st.none()),
            st.tuples(st.just("advance"), st.none()),
            st.tuples(st.just("draw_again"), st.none()),
            st.tuples(st.just("bill"), st.sampled_from(["interim", "start"])),
        ),
    ),
    min_size=4,
    max_size=16,
)


class Life:
    """One subscription whose tax rates change."""

    def __init__(self, conn: Session, plans: dict[str, str], number: int, rates: Rates) -> None:
        self.customer = Customer(conn, f"t{number}")
        self.plans = plans
        self.now = utc(START)
        self.customer.at(self.now)
        created = self.customer.tenant.create(plans["small"], tax_rates=rates)
        self.id = str(created["id"])

    def step(self, hours: int, action: str, value: Any) -> None:
        self.now += HOUR * hours
        self.customer.at(self.now)
        getattr(self, action)(value)

    def set_rates(self, rates: Rates) -> None:
        set_rates(self.customer, self.id, *rates)

    def change_plan(self, slug: str) -> None:
        self.customer.tenant.change_plan(self.id, self.plans[slug])

    def set_quantity(self, quantity: int) -> None:
        self.customer.tenant.update(self.id, quantity=quantity)

    def pause(self, _: None) -> None:
        self.customer.tenant.pause(self.id)

    def resume(self, _: None) -> None:
        self.customer.tenant.resume(self.id)

    def use_calls(self, quantity: int) -> None:
        self.customer.use("calls", quantity)

    def late_level(self, value: tuple[int, int]) -> None:
        level, hours = value
        self.customer.use("level", level, max(self.now - HOUR * hours, utc(START)))

    def advance(self, _: None) -> None:
        self.customer.advance()

    def bill(self, kind: str) -> None:
        self.customer.advance()
        if self.customer.tenant.get(self.id)["status"] == "active":
            self.draw(kind=kind)

    def bill_level(self, value: tuple[int, Rates]) -> None:
        level, rates = value
        self.customer.use("level", level)
        self.step(1, "bill", "interim")
        self.set_rates(rates)

    def draw(self, **options: Any) -> None:
        """Draws up an invoice: a preview, the draft and the final one say the same."""
        shown = self.customer.preview(self.id, **options)
        draft = self.customer.generate(self.id, **options)
        if draft["status"] == "draft":
            again = self.customer.tenant.one("ledger_refresh_invoice", id=draft["id"])
            final = self.customer.finalize(draft["id"])
            assert bill(shown) == bill(draft) == bill(again) == bill(final)

    def draw_again(self, _: None) -> None:
        """Voids the period's invoice drawn up last and draws it up by the rates of now."""
        self.customer.advance()
        periods = [row for row in self.standing() if row["kind"] == "period"]
        if periods and periods[-1]["status"] != "paid":
            self.customer.void(periods[-1]["id"])
            self.draw(at=periods[-1]["period_start"])

    def end(self, unused_time: str) -> None:
        self.step(1, "advance", None)
        if self.customer.tenant.get(self.id)["status"] == "paused":
            self.resume(None)
        cancel(self.customer, self.id, unused_time)
        self.customer.advance()

    def standing(self) -> list[Row]:
        return [row for row in self.customer.invoices() if row["status"] != "voided"]


def charges(conn: Session, subscription: str) -> list[Row]:
    """Returns what stands, each invoice and each thing that it is for, in the order of invoices.

    What lines are for, as what charges the same is credited: period, plan, item, and of a base fee
    the quantity.
    """
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(
            """
            select
              invoices.key, invoices.tax_rates, line.item, count(*) as lines,
              sum(line.amount - line.discount) as amount, sum(line.tax) as tax,
              (
                line.for_period, line.plan_key, line.item,
                case when line.gross is not null then line.quantity end
              )::text as billed_for
            from pgledger.subscriptions
            inner join pgledger.invoices on invoices.subscription_key = subscriptions.key
            inner join pgledger.invoice_lines as line on line.invoice_key = invoices.key
            where subscriptions.id = %s
              and invoices.status <> 'voided'
              and line.subscription_key is not null
            group by invoices.key, line.item, billed_for
            order by invoices.key
            """,
            [subscription],
        ).fetchall()


@dataclass(slots=True)
class Billed:
    """What has been billed for one thing, by tax rates, in the order in which it goes back."""

    amounts: dict[str, Decimal] = field(default_factory=dict)
    tax: Fraction = Fraction(0)
    slack: int = 0

    def add(self, row: Row) -> Fraction:
        """Adds what an invoice charges or credits, and returns the tax on it."""
        own, amount = json.dumps(row["tax_rates"]), row["amount"]
        if amount >= 0:
            parts = {own: amount}
            if amount:
                self.amounts = {own: self.amounts.pop(own, D(0)), **self.amounts}
        else:
            parts = {}
            for rates, left in self.amounts.items():
                parts[rates] = max(amount, -left)
                amount -= parts[rates]
            assert amount == 0
        tax = Fraction(0)
        for rates, part in parts.items():
            self.amounts[rates] = self.amounts.get(rates, D(0)) + part
            for one in json.loads(rates) if part else []:
                # Each rate's share of a line is rounded, up or down.
                self.slack += row["lines"]
                if row["item"] in one.get("applies_to", [row["item"]]):
                    tax += Fraction(part) * Fraction(one["percentage"]) / 100
        self.tax += tax
        return tax


def assert_no_tax_is_made_up(rows: Sequence[Row], coin: Fraction) -> None:
    """Asserts that what goes back takes its tax along, no more than there was of it, and all."""
    left: dict[str, Billed] = defaultdict(Billed)
    tax: dict[str, Fraction] = defaultdict(Fraction)
    for row in rows:
        billed = left[row["billed_for"]]
        before = billed.slack
        expected = billed.add(row)
        assert abs(Fraction(row["tax"]) - expected) <= coin * (billed.slack - before)
        tax[row["billed_for"]] += Fraction(row["tax"])
        assert tax[row["billed_for"]] >= 0
        if not any(billed.amounts.values()):
            assert tax[row["billed_for"]] == 0


@pytest.fixture
def plans(conn: Session) -> dict[str, dict[str, str]]:
    tiers = [{"up_to": "10", "unit_amount": "1"}, {"unit_amount": "0.3"}]
    prices = [
        price("calls", model="volume", tiers=tiers),
        price("level", unit_amount="1.111", minimum="2", maximum="30"),
    ]
    del prices[0]["unit_amount"]
    return {
        currency: {
            slug: make_plan(
                conn,
                f"{slug}-{currency.lower()}",
                base={"amount": amount, "billed": billed},
                prices=prices,
                currency=currency,
            )
            for slug, amount, billed in (
                ("small", "10", "advance"),
                ("large", "77.77", "advance"),
                ("later", "9.99", "arrears"),
            )
        }
        for currency in DECIMALS
    }


@settings(max_examples=scaled(60))
@given(
    currency=st.sampled_from(sorted(DECIMALS)),
    rates=RATES,
    steps=STEPS,
    unused_time=st.sampled_from(["credit", "refund"]),
)
def test_credits_give_back_no_tax_that_was_not_billed(
    conn: Session,
    plans: dict[str, dict[str, str]],
    currency: str,
    rates: Rates,
    steps: list[tuple[int, tuple[str, Any]]],
    unused_time: str,
) -> None:
    number = conn.execute("select count(*) from ledger_subscriptions").fetchone()
    assert number is not None
    life = Life(conn, plans[currency], number[0], rates)
    for hours, (action, value) in steps:
        life.step(hours, action, value)
    life.end(unused_time)

    for invoice in life.standing():
        assert_adds_up(invoice)
    assert_no_tax_is_made_up(charges(conn, life.id), Fraction(1, 10 ** DECIMALS[currency]))


@settings(max_examples=scaled(40))
@given(
    currency=st.sampled_from(sorted(DECIMALS)),
    steps=st.lists(st.tuples(LEVELS, RATES), min_size=5, max_size=12),
)
def test_usage_that_goes_up_and_down_is_taxed_once(
    conn: Session,
    plans: dict[str, dict[str, str]],
    currency: str,
    steps: list[tuple[int, Rates]],
) -> None:
    number = conn.execute("select count(*) from ledger_subscriptions").fetchone()
    assert number is not None
    life = Life(conn, plans[currency], number[0], [rate(19)])
    for value in steps:
        life.step(5, "bill_level", value)
    # From here on the minimum counts, and each change is late.
    for level, rates in steps[:4]:
        life.step(24 * 31, "advance", None)
        life.customer.use("level", level, utc("2025-01-31 00:00"))
        life.set_rates(rates)
    life.end("credit")

    for invoice in life.standing():
        assert_adds_up(invoice)
    assert_no_tax_is_made_up(charges(conn, life.id), Fraction(1, 10 ** DECIMALS[currency]))
