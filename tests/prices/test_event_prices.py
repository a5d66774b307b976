"""Prices of a percentage that ask something for each event: a fee, bounds, free events."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from itertools import pairwise
from typing import Any

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pgledger import errors
from support.clock import SetClock
from support.database import Connect
from support.exact import sum_of
from support.invoices import Customer, amounts, carry_clock, make_feature, make_plan
from support.properties import scaled
from support.subscriptions import Session, call

START = "2025-01-01 00:00"
CARDS = {"feature": "volume", "model": "percentage"}
FEE = {**CARDS, "percentage": "2.9", "event_fee": "0.30"}
BOUNDED = {**CARDS, "percentage": "2.99", "event_minimum": "1.75", "event_maximum": "12"}
FREE = {**CARDS, "percentage": "10", "event_fee": "1", "free_events": 2}


def D(text: str | int) -> Decimal:  # noqa: N802 -- short, because tables are made of it
    return Decimal(text)


@pytest.fixture
def conn(connect: Connect, set_clock: SetClock) -> Session:
    conn = connect(autocommit=True)
    carry_clock(conn, set_clock, START)
    make_feature(conn, "volume")
    make_feature(conn, "peak", aggregation="max")
    make_feature(conn, "team", type="seat")
    return conn


@pytest.fixture
def customer(conn: Session) -> Customer:
    return Customer(conn)


def priced(
    conn: Session, price: Mapping[str, Any], quantities: Sequence[str | int], **options: Any
) -> list[tuple[str, str, Decimal | None, Decimal]]:
    given_price = {name: value for name, value in price.items() if name != "feature"}
    rows = call(
        conn,
        "ledger_price_usage",
        price=given_price,
        quantity=sum_of(D(one) for one in quantities),
        event_quantities=[str(one) for one in quantities],
        **options,
    )
    assert [row["line"] for row in rows] == list(range(1, len(rows) + 1))
    for row in rows:
        if row["kind"] == "usage" and "exponent" not in options:
            if row["quantity"] is None:
                assert row["unit_amount"] is row["flat_amount"] is None
            else:
                unit, flat = row["unit_amount"], row["flat_amount"] or 0
                assert row["amount"] == row["quantity"] * unit + flat
    return [(row["kind"], row["description"], row["quantity"], row["amount"]) for row in rows]


def total(conn: Session, price: Mapping[str, Any], quantities: Sequence[str | int]) -> Decimal:
    return sum_of(line[-1] for line in priced(conn, price, quantities))


# What it comes to


def test_a_fee_for_each_event(conn: Session) -> None:
    assert priced(conn, FEE, [200] * 4) == [
        ("usage", "2.9 %", D(800), D("23.2")),
        ("usage", "for each event", D(4), D("1.2")),
    ]


def test_bounds_for_each_event(conn: Session) -> None:
    assert priced(conn, BOUNDED, [10, 80, 10000]) == [
        ("usage", "2.99 %", D(10090), D("301.691")),
        ("usage", "at least 1.75 for each event", None, D("1.451")),
        ("usage", "at most 12 for each event", None, D("-287")),
    ]
    assert total(conn, BOUNDED, [10, 80, 10000]) == D("16.142")
    rounded = priced(conn, BOUNDED, [10, 80, 10000], exponent=2)
    assert sum_of(line[-1] for line in rounded) == D("16.14")


@pytest.mark.parametrize(
    ("price", "quantities", "expected"),
    [
        (FEE, [], "0"),
        # An event of nothing is one.
        (FEE, [0], "0.30"),
        (BOUNDED, [0], "1.75"),
        (FREE, [100, 200], "0"),
        (FREE, [100, 200, 300, 400], "72"),
        ({**FREE, "free_events": 0}, [100], "11"),
        # The bounds are for the whole charge of an event, its fee included.
        ({**FEE, "event_minimum": "1"}, [10, 100], "4.20"),
        ({**FEE, "event_maximum": "3"}, [10, 100], "3.59"),
        ({**FEE, "event_minimum": "2", "event_maximum": "2"}, [1, 10000], "4"),
        ({**FEE, "flat_amount": "5"}, [100], "8.20"),
        ({**FEE, "flat_amount": "5"}, [], "5"),
        ({**FEE, "minimum": "10"}, [100], "10"),
        ({**FREE, "minimum": "10"}, [100], "10"),
        ({**CARDS, "percentage": 0, "event_fee": "0.000000000000000001"}, [5], "1E-18"),
    ],
)
def test_what_events_cost(
    conn: Session, price: dict[str, Any], quantities: list[int], expected: str
) -> None:
    assert total(conn, price, quantities) == D(expected)


EVENTS = st.lists(st.decimals(0, 5000, places=2), max_size=12)
AMOUNT = st.decimals(0, 50, places=3)


@settings(max_examples=scaled(200))
@given(
    quantities=EVENTS,
    rate=st.decimals(0, 100, places=2),
    fee=AMOUNT,
    low=AMOUNT | st.none(),
    more=AMOUNT | st.none(),
    free=st.integers(0, 5),
)
def test_events_cost_what_each_of_them_does(
    conn: Session,
    quantities: list[Decimal],
    rate: Decimal,
    fee: Decimal,
    low: Decimal | None,
    more: Decimal | None,
    free: int,
) -> None:
    high = None if more is None else (low or 0) + more
    price = {
        **CARDS,
        "percentage": str(rate),
        "event_fee": str(fee),
        "event_minimum": None if low is None else str(low),
        "event_maximum": None if high is None else str(high),
        "free_events": free,
    }
    expected = D(0)
    for quantity in quantities[free:]:
        charge = quantity * rate / 100 + fee
        charge = charge if low is None else max(charge, low)
        expected += charge if high is None else min(charge, high)
    assert total(conn, price, [str(one) for one in quantities]) == expected


# What is refused


@pytest.mark.parametrize(
    ("changed", "path"),
    [
        ({"event_fee": "-1"}, "event_fee"),
        ({"event_fee": "1e5"}, "event_fee"),
        ({"event_fee": {}}, "event_fee"),
        ({"event_minimum": "NaN"}, "event_minimum"),
        ({"event_minimum": "3", "event_maximum": "2"}, "event_maximum"),
        ({"event_maximum": True}, "event_maximum"),
        ({"free_events": "1.5"}, "free_events"),
        ({"free_events": -1}, "free_events"),
        ({"free_events": 1000000001}, "free_events"),
        ({"maximum": "100", "event_fee": "1"}, "maximum"),
        ({"maximum": "100", "free_events": 1}, "maximum"),
        ({"model": "per_unit", "percentage": None, "unit_amount": 1, "event_fee": 1}, "event_fee"),
        ({"model": "flat", "percentage": None, "flat_amount": 1, "free_events": 1}, "free_events"),
    ],
)
def test_what_no_price_asks_for_events(conn: Session, changed: dict[str, Any], path: str) -> None:
    price = {**CARDS, "percentage": "1", **changed}
    for function, arguments, root in (
        ("ledger_price_usage", {"price": price, "quantity": 0, "event_quantities": []}, "$.price"),
        (
            "ledger_create_plan",
            {
                "app_id": "shop",
                "slug": "p",
                "name": "P",
                "currency": "USD",
                "features": [{"key": "volume"}],
                "pricing": {"prices": [price]},
            },
            "$.pricing.prices[0]",
        ),
    ):
        with pytest.raises(psycopg.Error) as caught:
            call(conn, function, **arguments)
        assert caught.value.sqlstate == errors.InvalidPlan.sqlstate
        assert f"{root}.{path}:" in str(caught.value.diag.message_primary)


@pytest.mark.parametrize(
    "feature",
    [
        {"key": "volume", "aggregation": "count"},
        {"key": "volume", "aggregation": "latest"},
        {"key": "peak"},
        {"key": "team"},
        {"key": "volume", "limit": 5, "soft_limit": True},
        {"key": "volume", "limit": 0, "soft_limit": True},
    ],
)
def test_only_a_sum_without_an_allowance_is_priced_by_events(
    conn: Session, feature: dict[str, Any]
) -> None:
    for member in ("event_fee", "event_minimum", "event_maximum", "free_events"):
        price = {"feature": feature["key"], "model": "percentage", "percentage": 1, member: 1}
        with pytest.raises(psycopg.Error) as caught:
            make_plan(conn, "p", features=[feature], prices=[price])
        assert caught.value.sqlstate == errors.InvalidPlan.sqlstate
        assert f"$.pricing.prices[0].{member}:" in str(caught.value.diag.message_primary)


def test_what_is_left_out_is_no_price_for_events(conn: Session) -> None:
    price = {"feature": "peak", "model": "percentage", "percentage": 1, "event_fee": None}
    assert make_plan(conn, "p", prices=[price])


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({}, errors.InvalidArgument),
        ({"event_quantities": ["1", "2"]}, errors.InvalidArgument),
        ({"event_quantities": ["30"], "allowance": 1}, errors.InvalidArgument),
        ({"event_quantities": []}, errors.InvalidArgument),
        ({"event_quantities": {}}, errors.InvalidPlan),
        ({"event_quantities": ["31", "-1"]}, errors.InvalidPlan),
        ({"event_quantities": ["30", None]}, errors.InvalidPlan),
        ({"event_quantities": ["30", "1e1"]}, errors.InvalidPlan),
        ({"event_quantities": [["30"]]}, errors.InvalidPlan),
    ],
)
def test_events_that_price_nothing(conn: Session, options: dict[str, Any], error: Any) -> None:
    with pytest.raises(psycopg.Error) as caught:
        call(conn, "ledger_price_usage", price=dict(FEE), quantity=30, **options)
    assert caught.value.sqlstate == error.sqlstate
    with pytest.raises(psycopg.Error) as caught:
        call(
            conn,
            "ledger_price_usage",
            price={"model": "per_unit", "unit_amount": 1},
            quantity=30,
            event_quantities=["30"],
        )
    assert caught.value.sqlstate == errors.InvalidArgument.sqlstate


# Invoices

Used = Sequence[tuple[str, int]]
SOME: Used = (
    ("2025-01-03 10:20", 10),
    ("2025-01-09 00:00", 80),
    ("2025-01-17 07:59:59", 10000),
    ("2025-01-30 23:59", 200),
)


def usage(customer: Customer) -> Decimal:
    return sum_of(
        amount
        for invoice in customer.invoices()
        for kind in ("usage", "true_up", "cap", "late_usage")
        for amount in amounts(invoice, kind)
    )


def use_all(customer: Customer, used: Used) -> None:
    for at, quantity in used:
        customer.use("volume", quantity, at)


@pytest.mark.parametrize(
    ("price", "expected"),
    [
        (FEE, "299.61"),
        (BOUNDED, "22.12"),
        (FREE, "1022.00"),
        ({**FEE, "minimum": "500"}, "500.00"),
        ({**FEE, "flat_amount": "1"}, "300.61"),
    ],
)
def test_an_invoice_has_what_each_event_costs(
    customer: Customer, price: dict[str, Any], expected: str
) -> None:
    customer.tenant.create(make_plan(customer.conn, "pro", prices=[price]))
    customer.at("2025-02-01 00:00")
    use_all(customer, SOME)
    customer.advance()
    assert usage(customer) == D(expected)


def test_four_payments_of_200(customer: Customer) -> None:
    customer.tenant.create(make_plan(customer.conn, "pro", prices=[FEE]))
    customer.at("2025-02-01 00:00")
    use_all(customer, [(f"2025-01-0{day} 10:00", 200) for day in (1, 2, 3, 4)])
    customer.advance()
    (invoice,) = customer.invoices()
    assert amounts(invoice, "usage") == [D("24.40")]
    assert invoice["line_items"][0]["basis"]["price"]["event_fee"] == "0.30"


PRICES = pytest.mark.parametrize(
    "price",
    [FEE, BOUNDED, FREE, {**FREE, "event_maximum": "7"}],
    ids=["fee", "bounds", "free", "all"],
)


@PRICES
def test_late_usage_and_interim_invoices_come_to_the_same(
    customer: Customer, price: dict[str, Any]
) -> None:
    customer.tenant.create(make_plan(customer.conn, "pro", prices=[price]))
    customer.at("2025-02-01 00:00")
    use_all(customer, SOME)
    customer.advance()
    expected = usage(customer)

    late = Customer(customer.conn, "late")
    customer.at(START)
    subscription = late.tenant.create(customer.tenant.active()[0]["plan_id"])["id"]
    for at, invoiced in pairwise(("2025-01-01 00:00", "2025-01-10 00:00", "2025-01-18 00:00")):
        late.at(invoiced)
        use_all(late, [one for one in SOME if at <= one[0] < invoiced][1:])
        late.finalize(late.generate(subscription, kind="interim")["id"])
    late.at("2025-02-01 00:00")
    late.advance()
    reported = {event["event_at"] for event in late.tenant.rows("ledger_query_usage")}
    assert len(reported) < len(SOME)
    # What came first comes last: other events are free then.
    for at, quantity in reversed(SOME):
        if not any(event.isoformat().startswith(at.replace(" ", "T")) for event in reported):
            late.use("volume", quantity, at)
    assert len(late.tenant.rows("ledger_query_usage")) == len(SOME)
    late.at("2025-03-01 00:00")
    late.advance()
    assert usage(late) == expected


@PRICES
def test_the_same_price_in_two_plans_comes_to_the_same(
    customer: Customer, price: dict[str, Any]
) -> None:
    one, two = (make_plan(customer.conn, slug, prices=[price]) for slug in ("one", "two"))
    customer.tenant.create(one)
    moved = Customer(customer.conn, "moved")
    subscription = moved.tenant.create(one)["id"]
    customer.at("2025-01-17 00:00")
    moved.tenant.one("ledger_change_plan", id=subscription, plan_id=two)
    customer.at("2025-02-01 00:00")
    for each in (customer, moved):
        use_all(each, SOME)
    customer.advance()
    assert usage(moved) == usage(customer)
    assert len([line for line in moved.invoices()[0]["line_items"] if line["kind"] == "usage"]) == 2


def test_each_event_costs_what_the_plan_of_its_time_asks(customer: Customer) -> None:
    cheap = make_plan(customer.conn, "cheap", prices=[{**CARDS, "percentage": 1, "free_events": 1}])
    dear = make_plan(customer.conn, "dear", prices=[{**CARDS, "percentage": 10, "event_fee": 1}])
    few = make_plan(customer.conn, "few", prices=[{**CARDS, "percentage": 1, "free_events": 4}])
    subscription = customer.tenant.create(cheap)["id"]
    customer.at("2025-01-09 00:00")
    customer.tenant.one("ledger_change_plan", id=subscription, plan_id=dear)
    customer.at("2025-01-20 00:00")
    customer.tenant.one("ledger_change_plan", id=subscription, plan_id=few)
    customer.at("2025-02-01 00:00")
    use_all(customer, SOME)
    customer.use("volume", 500, "2025-01-31 00:00")
    customer.advance()
    (invoice,) = customer.invoices()
    # The first is free. 80 and 10,000 at 10 % and 1 each. The fourth is free again, the fifth not.
    assert amounts(invoice, "usage") == [D(0), D(1010), D(5)]


def test_events_that_are_looked_at_are_kept_until_they_are_billed(customer: Customer) -> None:
    plan = make_plan(customer.conn, "pro", prices=[BOUNDED])
    customer.tenant.create(plan)
    customer.at("2025-02-01 00:00")
    use_all(customer, SOME)
    customer.at("2025-02-10 00:00")
    (purged,) = call(
        customer.conn, "ledger_purge_usage", app_id="shop", before="2025-02-09 00:00+00"
    )
    assert list(purged.values()) == [0]
    customer.advance()
    assert usage(customer) == D("22.12")


@pytest.mark.parametrize("effective_at", ["2025-02-01 00:00+00", "2025-03-01 00:00+00"])
def test_usage_is_kept_for_a_price_that_the_plan_has_no_longer(
    customer: Customer, effective_at: str
) -> None:
    plan = make_plan(customer.conn, "pro", prices=[BOUNDED])
    subscription = customer.tenant.create(plan)["id"]
    customer.at("2025-02-01 00:00")
    use_all(customer, SOME)
    call(
        customer.conn, "ledger_update_plan", app_id="shop", id=plan, pricing={},
        effective_at=effective_at,
    )  # fmt: skip
    customer.tenant.one("ledger_cancel_subscription", id=subscription, at_period_end=False)
    customer.at("2025-02-10 00:00")
    (purged,) = call(
        customer.conn, "ledger_purge_usage", app_id="shop", before="2025-02-09 00:00+00"
    )
    assert list(purged.values()) == [0]
    customer.advance()
    assert usage(customer) == D("22.12")
