"""Invoices of subscriptions: what stands on them, when they are drawn up, and what they count."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import psycopg
import pytest

from pgledger import errors
from support.clock import SetClock
from support.database import Connect
from support.exact import sum_of
from support.invoices import (
    Customer,
    amounts,
    assert_adds_up,
    carry_clock,
    lines,
    make_feature,
    make_plan,
    put_clock,
)
from support.subscriptions import Row, Session, call, everything, utc

START = "2025-01-01 00:00"
GRADUATED = {
    "feature": "calls",
    "model": "graduated",
    "tiers": [
        {"up_to": "10", "unit_amount": "10", "flat_amount": "2"},
        {"up_to": "20", "unit_amount": "5", "flat_amount": "3"},
        {"unit_amount": "5", "flat_amount": "3"},
    ],
}
PER_CALL = {"feature": "calls", "model": "per_unit", "unit_amount": "0.5"}


def D(text: str | int) -> Decimal:  # noqa: N802 -- short, because tables are made of it
    return Decimal(text)


@pytest.fixture
def conn(connect: Connect, set_clock: SetClock) -> Session:
    conn = connect(autocommit=True)
    carry_clock(conn, set_clock, START)
    make_feature(conn, "calls")
    make_feature(conn, "team", type="seat")
    # Usage of a whole period is recorded at once.
    call(conn, "ledger_set_usage_skew", app_id="shop", skew="365 days")
    call(conn, "ledger_set_payment_terms", app_id="shop", days=90)
    return conn


@pytest.fixture
def customer(conn: Session) -> Customer:
    return Customer(conn)


def summaries(rows: Sequence[Row]) -> list[tuple[str, str, Decimal]]:
    return [(row["kind"], row["status"], row["total"]) for row in rows]


# What is drawn up, and when


def test_a_year_in_advance_and_usage_in_arrears(customer: Customer) -> None:
    plan = make_plan(customer.conn, "pro", amount="49", prices=[GRADUATED])
    subscription = customer.tenant.create(plan)["id"]
    assert [row["change"] for row in customer.advance()] == ["invoice_finalized"]
    customer.use("calls", 21, "2025-01-20 00:00")
    customer.at("2025-02-01 00:00")
    assert [row["change"] for row in customer.advance()] == [
        "period_started",
        "invoice_finalized",
    ]
    first, second = customer.invoices()
    assert (first["kind"], first["number"], first["total"]) == ("start", 1, D(49))
    assert lines(first) == [("base_fee", "base", D(1), D(49))]
    assert (second["kind"], second["number"]) == ("period", 2)
    assert lines(second) == [
        ("base_fee", "base", D(1), D(49)),
        ("usage", "calls", D(21), D(163)),
    ]
    assert second["total"] == D(212)
    assert second["subscription_id"] == subscription
    assert (second["due_at"] - second["finalized_at"]).days == 90
    for invoice in (first, second):
        assert_adds_up(invoice)


def test_what_costs_nothing_is_not_invoiced(customer: Customer) -> None:
    customer.tenant.create(make_plan(customer.conn, "free", features=[{"key": "calls"}]))
    customer.at("2025-06-15 00:00")
    assert {row["change"] for row in customer.advance()} == {"period_started"}
    assert customer.invoices() == []


def test_subscriptions_without_invoices_do_not_stop_a_worker(customer: Customer) -> None:
    free = make_plan(customer.conn, "free", features=[{"key": "calls"}])
    for number in range(5):
        Customer(customer.conn, f"free{number}").tenant.create(free)
    customer.tenant.create(make_plan(customer.conn, "pro", amount="5"))
    rows = call(customer.conn, "ledger_advance", app_id="shop", max_subscriptions=1, max_span=None)
    assert [row["change"] for row in rows] == ["invoice_finalized"]


def test_arrears_are_billed_after_the_period(customer: Customer) -> None:
    plan = make_plan(customer.conn, "late", amount="30", base={"billed": "arrears"})
    customer.tenant.create(plan)
    customer.advance()
    assert customer.invoices() == []
    customer.at("2025-02-01 00:00")
    customer.advance()
    (invoice,) = customer.invoices()
    assert lines(invoice) == [("base_fee", "base", D(1), D(30))]


def test_a_trial_costs_nothing_and_what_follows_is_billed_at_its_end(customer: Customer) -> None:
    plan = make_plan(customer.conn, "pro", amount="31", prices=[PER_CALL], trial_days=10)
    customer.tenant.create(plan)
    customer.use("calls", 100, "2025-01-01 00:00")
    customer.at("2025-01-11 00:00")
    customer.advance()
    customer.use("calls", 4, "2025-01-11 00:00")
    customer.at("2025-02-11 00:00")
    customer.advance()
    assert [(row["kind"], lines(row)) for row in customer.invoices()] == [
        ("start", [("base_fee", "base", D(1), D(31))]),
        ("period", [("base_fee", "base", D(1), D(31)), ("usage", "calls", D(4), D(2))]),
    ]


def test_a_trial_that_ends_within_a_period_leaves_a_part_of_it(customer: Customer) -> None:
    plan = make_plan(
        customer.conn,
        "pro",
        amount="31",
        prices=[PER_CALL],
        trial_days=10,
        anchor_at_trial_end=False,
    )
    customer.tenant.create(plan)
    customer.use("calls", 100, "2025-01-01 00:00")
    customer.at("2025-02-01 00:00")
    customer.use("calls", 6, "2025-01-20 00:00")
    customer.advance()
    start, period = customer.invoices()
    assert lines(start) == [("proration", "base", D(1), D(21))]
    assert lines(period) == [
        ("base_fee", "base", D(1), D(31)),
        ("usage", "calls", D(6), D(3)),
    ]


def test_a_first_period_that_is_a_part_of_one_costs_its_share(customer: Customer) -> None:
    plan = make_plan(customer.conn, "pro", amount="31")
    customer.at("2025-01-15 00:00")
    customer.tenant.create(plan, anchor_at="2025-02-01 00:00+00")
    customer.advance()
    (invoice,) = customer.invoices()
    assert lines(invoice) == [("proration", "base", D(1), D(17))]


@pytest.mark.parametrize(("proration", "credit", "charge"), [("day", 5, 10), ("second", 5, 10)])
def test_from_10_to_20_in_the_middle(
    customer: Customer, proration: str, credit: int, charge: int
) -> None:
    base = {"proration": proration}
    small = make_plan(customer.conn, "small", amount="10", base=base)
    large = make_plan(customer.conn, "large", amount="20", base=base)
    customer.at("2025-04-01 00:00")
    subscription = customer.tenant.create(small)["id"]
    customer.advance()
    customer.at("2025-04-16 00:00")
    customer.tenant.one("ledger_change_plan", id=subscription, plan_id=large)
    customer.at("2025-05-01 00:00")
    customer.advance()
    _, invoice = customer.invoices()
    assert sorted(amounts(invoice, "proration")) == [D(-credit), D(charge)]
    assert amounts(invoice, "base_fee") == [D(20)]


def test_another_interval_ends_the_period_and_starts_a_year(customer: Customer) -> None:
    monthly = make_plan(customer.conn, "monthly", amount="30", prices=[PER_CALL])
    yearly = make_plan(customer.conn, "yearly", amount="300", base={"interval": "year"})
    customer.at("2025-04-01 00:00")
    subscription = customer.tenant.create(monthly)["id"]
    customer.advance()
    customer.use("calls", 8, "2025-04-05 00:00")
    customer.at("2025-04-11 00:00")
    customer.tenant.one("ledger_change_plan", id=subscription, plan_id=yearly)
    customer.advance()
    _, invoice = customer.invoices()
    assert lines(invoice) == [
        ("proration", "base", D(1), D(-20)),
        ("base_fee", "base", D(1), D(300)),
        ("usage", "calls", D(8), D(4)),
    ]


def test_a_pause_over_the_end_is_billed_at_the_end(customer: Customer) -> None:
    plan = make_plan(customer.conn, "pro", amount="31", prices=[PER_CALL])
    subscription = customer.tenant.create(plan)["id"]
    customer.use("calls", 10, "2025-01-01 00:00")
    customer.advance()
    customer.at("2025-01-11 00:00")
    customer.tenant.one("ledger_pause_subscription", id=subscription)
    customer.advance()
    assert len(customer.invoices()) == 1
    customer.at("2025-02-01 00:00")
    assert [row["change"] for row in customer.advance()] == ["invoice_finalized"]
    billed, paused = customer.invoices()
    assert lines(paused) == [
        ("proration", "base", D(1), D(-21)),
        ("usage", "calls", D(10), D(5)),
    ]
    assert (paused["total"], paused["status"], paused["unapplied"]) == (D(-16), "paid", 0)
    assert (billed["status"], billed["amount_due"]) == ("pending", D(15))
    customer.at("2025-05-16 00:00")
    customer.tenant.one("ledger_resume_subscription", id=subscription)
    customer.advance()
    resumed = customer.invoices()[-1]
    assert (resumed["kind"], lines(resumed)) == (
        "start",
        [("proration", "base", D(1), D(16))],
    )


@pytest.mark.parametrize(
    ("unused", "credit", "refund_due", "unapplied"),
    [("none", [], 0, 0), ("credit", [-21], 0, 21), ("refund", [-21], 21, 0)],
)
def test_cancelling_at_once_what_is_paid(
    customer: Customer, unused: str, credit: list[int], refund_due: int, unapplied: int
) -> None:
    subscription = customer.tenant.create(make_plan(customer.conn, "pro", amount="31"))["id"]
    customer.advance()
    (billed,) = customer.invoices()
    customer.tenant.one("ledger_mark_invoice_paid", id=billed["id"])
    customer.at("2025-01-11 00:00")
    customer.tenant.one(
        "ledger_cancel_subscription", id=subscription, at_period_end=False, unused_time=unused
    )
    customer.advance()
    last = customer.invoices()[1:]
    assert [lines(row) for row in last] == [
        [("proration", "base", D(1), D(amount))] for amount in credit
    ]
    for row in last:
        assert (row["refund_due"], row["unapplied"], row["status"]) == (
            refund_due,
            unapplied,
            "paid",
        )


def test_a_credit_gives_back_what_was_paid_and_not_the_discount(customer: Customer) -> None:
    call(customer.conn, "ledger_create_coupon", app_id="shop", code="HALF", percentage=50)
    subscription = customer.tenant.create(make_plan(customer.conn, "pro", amount="31"))["id"]
    customer.redeem("HALF")
    customer.advance()
    customer.at("2025-01-11 00:00")
    customer.tenant.one(
        "ledger_cancel_subscription", id=subscription, at_period_end=False, unused_time="credit"
    )
    customer.advance()
    first, last = customer.invoices()
    assert first["total"] == D("15.50")
    assert amounts(last) == [D("-10.50")]


def test_unused_time_is_for_cancelling_at_once(customer: Customer) -> None:
    subscription = customer.tenant.create(make_plan(customer.conn, "pro", amount="31"))["id"]
    with pytest.raises(errors.InvalidArgument, match="unused_time"):
        customer.tenant.one("ledger_cancel_subscription", id=subscription, unused_time="refund")
    with pytest.raises(errors.InvalidArgument, match="none of none, credit, refund"):
        customer.tenant.one(
            "ledger_cancel_subscription", id=subscription, at_period_end=False, unused_time="gift"
        )


# Usage


def test_an_allowance_comes_first(customer: Customer) -> None:
    plan = make_plan(
        customer.conn,
        "pro",
        prices=[PER_CALL],
        features=[{"key": "calls", "limit": "100", "soft_limit": True}],
    )
    customer.tenant.create(plan)
    for day, quantity in ((5, 60), (6, 60)):
        customer.use("calls", quantity, f"2025-01-{day:02} 00:00")
    customer.at("2025-02-01 00:00")
    customer.advance()
    (invoice,) = customer.invoices()
    assert lines(invoice) == [("overage", "calls", D(20), D(10))]


def test_tiers_and_allowance_go_on_after_a_change_of_plan(customer: Customer) -> None:
    features = [{"key": "calls", "limit": "5", "soft_limit": True}]
    one = make_plan(customer.conn, "one", prices=[GRADUATED], features=features)
    two = make_plan(customer.conn, "two", prices=[GRADUATED], features=features)
    subscription = customer.tenant.create(one)["id"]
    customer.use("calls", 11, "2025-01-01 00:00")
    customer.at("2025-01-11 00:00")
    customer.tenant.one("ledger_change_plan", id=subscription, plan_id=two)
    customer.use("calls", 10, "2025-01-11 00:00")
    customer.at("2025-02-01 00:00")
    customer.advance()
    (invoice,) = customer.invoices()
    # 6 units are 62, 16 units are 102 + 33: as if there had been one plan.
    assert lines(invoice) == [
        ("overage", "calls", D(6), D(62)),
        ("overage", "calls", D(10), D(73)),
    ]


def test_minimum_and_maximum_are_lines_of_their_own(customer: Customer) -> None:
    bounded = {**PER_CALL, "minimum": "10", "maximum": "20"}
    customer.tenant.create(make_plan(customer.conn, "pro", prices=[bounded]))
    customer.use("calls", 8, "2025-01-05 00:00")
    customer.at("2025-02-05 00:00")
    customer.use("calls", 100)
    customer.at("2025-03-01 00:00")
    customer.advance()
    january, february = customer.invoices()
    assert lines(january) == [
        ("usage", "calls", D(8), D(4)),
        ("true_up", "calls", None, D(6)),
    ]
    assert lines(february) == [
        ("usage", "calls", D(100), D(50)),
        ("cap", "calls", None, D(-30)),
    ]


def test_a_minimum_is_due_once_in_a_period(customer: Customer) -> None:
    bounded = {"feature": "calls", "model": "per_unit", "unit_amount": "1", "minimum": "5"}
    one = make_plan(customer.conn, "one", prices=[bounded])
    two = make_plan(customer.conn, "two", prices=[bounded])
    subscription = customer.tenant.create(one)["id"]
    customer.at("2025-01-05 00:00")
    customer.tenant.one("ledger_pause_subscription", id=subscription)
    customer.use("calls", 20)
    customer.at("2025-01-10 00:00")
    customer.tenant.one("ledger_resume_subscription", id=subscription)
    customer.use("calls", 7)
    customer.at("2025-01-20 00:00")
    customer.tenant.one("ledger_change_plan", id=subscription, plan_id=two)
    customer.use("calls", 3)
    customer.at("2025-02-01 00:00")
    customer.advance()
    (invoice,) = customer.invoices()
    assert lines(invoice) == [("usage", "calls", D(7), D(7)), ("usage", "calls", D(3), D(3))]


def test_a_volume_price_costs_its_share_of_all_usage_after_a_change(customer: Customer) -> None:
    volume = {
        "feature": "calls",
        "model": "volume",
        "tiers": [{"up_to": "9", "unit_amount": "7"}, {"unit_amount": "6"}],
    }
    free = make_plan(customer.conn, "free", prices=[{**PER_CALL, "unit_amount": "0"}])
    paid = make_plan(customer.conn, "paid", prices=[volume])
    subscription = customer.tenant.create(free)["id"]
    customer.use("calls", 9)
    customer.at("2025-01-20 00:00")
    customer.tenant.one("ledger_change_plan", id=subscription, plan_id=paid)
    customer.use("calls", 1)
    customer.at("2025-02-01 00:00")
    customer.advance()
    (invoice,) = customer.invoices()
    # Ten cost 60 by the volume price, and one of them was used on it.
    assert lines(invoice) == [("usage", "calls", D(9), D(0)), ("usage", "calls", D(1), D(6))]


def test_usage_before_a_change_to_a_price_is_not_purged(customer: Customer, conn: Session) -> None:
    """The period began with a plan without prices."""
    free = make_plan(conn, "free", features=[{"key": "calls"}])
    subscription = customer.tenant.create(free)["id"]
    customer.use("calls", 7, "2025-01-01 13:02")
    customer.at("2025-01-01 12:01")
    priced = make_plan(conn, "priced", prices=[PER_CALL])
    customer.tenant.one("ledger_change_plan", id=subscription, plan_id=priced)
    customer.at("2025-02-05 00:00")
    customer.advance(invoices="none")
    purge = "select ledger_purge_usage('shop', '2025-02-01 12:00+00')"
    assert conn.execute(purge).fetchone() == (0,)
    customer.advance()
    assert [lines(row) for row in customer.invoices()] == [[("usage", "calls", D(7), D("3.5"))]]
    assert conn.execute(purge).fetchone() == (1,)


def test_seats_cost_what_they_cost_for_their_days(customer: Customer) -> None:
    price = {"feature": "team", "model": "per_unit", "unit_amount": "30"}
    customer.at("2025-04-01 00:00")
    customer.tenant.create(make_plan(customer.conn, "pro", prices=[price]))
    for at, seats in (
        ("2025-04-01 00:00", 5),
        ("2025-04-16 09:00", 7),
        ("2025-04-16 17:00", 10),
    ):
        customer.at(at)
        customer.use("team", seats)
    customer.at("2025-06-01 00:00")
    customer.advance()
    april, may = customer.invoices()
    assert lines(april) == [("seats", "team", D("7.5"), D(225))]
    assert lines(may) == [("seats", "team", D(10), D(300))]


def test_late_usage_is_on_the_next_invoice(customer: Customer) -> None:
    customer.tenant.create(make_plan(customer.conn, "pro", prices=[GRADUATED]))
    customer.use("calls", 10, "2025-01-05 00:00")
    customer.at("2025-02-01 00:00")
    customer.advance()
    customer.use("calls", 1, "2025-01-06 00:00")
    customer.at("2025-03-01 00:00")
    customer.advance()
    customer.use("calls", 1, "2025-01-31 23:59:59.999999")
    customer.use("calls", 2, "2025-02-01 00:00")
    customer.at("2025-04-01 00:00")
    customer.advance()
    january, february, march = customer.invoices()
    assert lines(january) == [("usage", "calls", D(10), D(102))]
    assert lines(february) == [
        ("usage", "calls", D(0), D(2)),
        ("late_usage", "calls", D(1), D(8)),
    ]
    assert lines(march) == [
        ("usage", "calls", D(0), D(2)),
        ("late_usage", "calls", D(1), D(5)),
        ("late_usage", "calls", D(2), D(20)),
    ]


def test_late_usage_before_the_invoice_is_final_is_in_it(customer: Customer) -> None:
    subscription = customer.tenant.create(make_plan(customer.conn, "pro", prices=[PER_CALL]))["id"]
    customer.use("calls", 10, "2025-01-05 00:00")
    customer.at("2025-02-01 00:00")
    draft = customer.generate(subscription, at="2025-01-15 00:00+00")
    customer.use("calls", 10, "2025-01-06 00:00")
    assert customer.generate(subscription, at="2025-01-15 00:00+00") == draft
    assert amounts(customer.preview(subscription, at="2025-01-15 00:00+00")) == [D(10)]
    refreshed = customer.tenant.one("ledger_refresh_invoice", id=draft["id"])
    assert amounts(refreshed) == [D(10)]
    customer.use("calls", 2, "2025-01-06 00:00")
    final = customer.finalize(draft["id"])
    assert (amounts(final), final["status"]) == ([D(11)], "pending")
    assert customer.finalize(draft["id"]) == final


def test_interim_invoices_split_a_period(customer: Customer) -> None:
    subscription = customer.tenant.create(make_plan(customer.conn, "pro", prices=[GRADUATED]))["id"]
    customer.use("calls", 8, "2025-01-01 00:00")
    customer.at("2025-01-10 00:00")
    first = customer.generate(subscription, kind="interim")
    assert customer.generate(subscription, kind="interim")["id"] == first["id"]
    customer.finalize(first["id"])
    customer.use("calls", 5, "2025-01-11 00:00")
    customer.at("2025-01-20 00:00")
    customer.finalize(customer.generate(subscription, kind="interim")["id"])
    customer.use("calls", 8, "2025-01-21 00:00")
    customer.at("2025-02-01 00:00")
    customer.advance()
    assert [lines(row) for row in customer.invoices()] == [
        [("usage", "calls", D(8), D(82))],
        [("usage", "calls", D(5), D(38))],
        [("usage", "calls", D(8), D(43))],
    ]


def test_an_interim_invoice_that_ended_as_it_began_holds_up_no_other(customer: Customer) -> None:
    subscription = customer.tenant.create(make_plan(customer.conn, "pro", prices=[PER_CALL]))["id"]

    def interim() -> Row:
        return customer.finalize(customer.generate(subscription, kind="interim")["id"])

    first = interim()
    assert first["period_start"] == first["period_end"]
    assert interim()["id"] == first["id"]
    customer.use("calls", 8, "2025-01-02 00:00")
    customer.at("2025-01-10 00:00")
    second, third = interim(), interim()
    assert second["total"] == 4
    assert interim()["id"] == third["id"]
    customer.use("calls", 2, "2025-01-02 00:00")
    customer.at("2025-01-10 01:00")
    assert interim()["total"] == 1
    starts = [row["period_start"] for row in customer.invoices()]
    assert len(set(starts)) == len(starts) == 4


def test_a_changed_price_leaves_what_was_billed(customer: Customer) -> None:
    plan = make_plan(customer.conn, "pro", amount="31", prices=[PER_CALL])
    customer.tenant.create(plan)
    customer.use("calls", 10, "2025-01-05 00:00")
    customer.at("2025-02-01 00:00")
    customer.advance()
    dearer = {"base": {"amount": "310"}, "prices": [{**PER_CALL, "unit_amount": "5"}]}
    call(customer.conn, "ledger_update_plan", app_id="shop", id=plan, pricing=dearer)
    customer.use("calls", 10, "2025-01-06 00:00")
    customer.at("2025-03-01 00:00")
    customer.advance()
    march = customer.invoices()[-1]
    assert lines(march) == [
        ("base_fee", "base", D(1), D(310)),
        ("usage", "calls", D(0), D(0)),
        ("late_usage", "calls", D(10), D(5)),
    ]


# Coupons and usage that was billed before

LEVEL = {"feature": "level", "model": "per_unit", "unit_amount": "1"}


def half_off(customer: Customer, **options: Any) -> None:
    call(
        customer.conn,
        "ledger_create_coupon",
        app_id="shop",
        code="HALF",
        percentage=50,
        **options,
    )
    customer.redeem("HALF")


@pytest.mark.parametrize("percentage", [50, 100])
def test_a_coupon_takes_nothing_off_what_is_beyond_a_maximum(
    customer: Customer, conn: Session, percentage: int
) -> None:
    subscription = customer.tenant.create(
        make_plan(conn, "pro", prices=[{**LEVEL, "feature": "calls", "maximum": "60"}])
    )["id"]
    call(conn, "ledger_create_coupon", app_id="shop", code="C", percentage=percentage)
    customer.redeem("C")
    customer.use("calls", 100, "2025-01-10 00:00")
    invoice = customer.preview(subscription)
    assert amounts(invoice, "usage", "cap") == [D(100), D(-40)]
    assert (invoice["subtotal"], invoice["discount"]) == (D(60), D(60) * percentage / 100)
    assert_adds_up(invoice)


def test_a_maximum_that_is_reached_again_takes_off_what_is_new(customer: Customer) -> None:
    """The second invoice of a period charges 50 and takes 50 back: there is nothing to discount."""
    subscription = customer.tenant.create(
        make_plan(customer.conn, "pro", prices=[{**LEVEL, "feature": "calls", "maximum": "60"}])
    )["id"]
    half_off(customer, duration="forever")
    customer.use("calls", 100, "2025-01-10 00:00")
    customer.at("2025-01-11 00:00")
    first = customer.finalize(customer.generate(subscription, kind="interim")["id"])
    assert first["total"] == D(30)
    customer.use("calls", 50, "2025-01-20 00:00")
    customer.at("2025-02-01 00:00")
    customer.advance()
    invoice = customer.invoices()[-1]
    assert amounts(invoice, "usage", "cap") == [D(50), D(-50)]
    assert (invoice["discount"], invoice["total"]) == (D(0), D(0))


def test_late_usage_that_goes_down_gives_back_what_a_coupon_left(customer: Customer) -> None:
    make_feature(customer.conn, "level", aggregation="latest")
    customer.tenant.create(make_plan(customer.conn, "pro", prices=[LEVEL]))
    half_off(customer)
    customer.use("level", 100, "2025-01-10 00:00")
    customer.at("2025-02-01 00:00")
    customer.advance()
    assert customer.invoices()[-1]["total"] == D(50)
    for number, (level, credit) in enumerate([(60, -20), (0, -30)]):
        customer.use("level", level, f"2025-01-{20 + number} 00:00")
        customer.at(f"2025-0{3 + number}-01 00:00")
        customer.advance()
        assert amounts(customer.invoices()[-1], "late_usage") == [D(credit)]
    # What comes back is charged as of now: the coupon was for one invoice.
    customer.use("level", 10, "2025-01-25 00:00")
    customer.at("2025-05-01 00:00")
    customer.advance()
    assert amounts(customer.invoices()[-1], "late_usage") == [D(10)]


@pytest.mark.parametrize(
    ("terms", "given_back"),
    [({}, [D("-25.00")]), ({"maximum": "80"}, [D("-25.00"), D("10.00")])],
)
def test_a_period_gives_back_what_a_coupon_left_of_an_interim_invoice(
    customer: Customer, terms: dict[str, str], given_back: list[Decimal]
) -> None:
    """Billed 100, or 80 by its maximum, at half of it; at the end it comes to 50."""
    volume = {
        "feature": "calls",
        "model": "volume",
        "tiers": [{"up_to": "100", "unit_amount": "1"}, {"unit_amount": "0.25"}],
        **terms,
    }
    subscription = customer.tenant.create(make_plan(customer.conn, "pro", prices=[volume]))["id"]
    half_off(customer)
    customer.use("calls", 100, "2025-01-10 00:00")
    customer.at("2025-01-11 00:00")
    first = customer.finalize(customer.generate(subscription, kind="interim")["id"])
    paid = first["total"]
    customer.use("calls", 100, "2025-01-20 00:00")
    customer.at("2025-02-01 00:00")
    customer.advance()
    invoice = customer.invoices()[-1]
    assert amounts(invoice, "usage", "cap") == given_back
    assert paid + invoice["total"] == D(50) / 2
    assert_adds_up(invoice)
    # Nothing is late, and what was billed is known.
    customer.at("2025-03-01 00:00")
    customer.advance()
    assert amounts(customer.invoices()[-1], "late_usage") == []


# What fails


def test_one_that_fails_keeps_no_other_from_its_invoice(
    customer: Customer, conn: Session, set_clock: SetClock
) -> None:
    plan = make_plan(conn, "pro", amount="49", prices=[PER_CALL])
    customers = [Customer(conn, f"t{number}") for number in range(1, 6)]
    for each in customers:
        each.tenant.create(plan)
    customer.advance()
    conn.execute(
        """
        create function refuse() returns trigger language plpgsql as $$
        begin
          if new.tenant_id = 't3' then
            raise exception 'no invoices for %', new.tenant_id;
          end if;
          return new;
        end $$
        """
    )
    conn.execute(
        "create trigger refuse before insert on pgledger.invoices"
        " for each row execute function refuse()"
    )
    customer.at("2025-02-01 00:00")
    done = customer.advance(max_subscriptions=4)
    (failed,) = [row for row in done if row["change"] == "failed"]
    assert (failed["tenant_id"], failed["invoice_id"]) == ("t3", None)
    assert failed["error"] == "no invoices for t3"
    assert {row["error"] for row in done if row["change"] != "failed"} == {None}
    for each in customers:
        period = [row["kind"] for row in each.invoices()]
        moved = [row["change"] for row in done if row["tenant_id"] == each.tenant_id]
        if each.tenant_id == "t3":
            # It is where it was, and nothing of the failure is kept.
            assert (period, moved) == (["start"], ["failed"])
        else:
            assert (period, moved) == (["start", "period"], ["period_started", "invoice_finalized"])
    assert conn.execute(
        "select array_agg(number order by number) from ledger_invoices"
    ).fetchone() == (list(range(1, 10)),)

    assert customer.advance() == []
    conn.execute("drop trigger refuse on pgledger.invoices")
    assert customer.advance() == []
    customer.at("2025-02-01 01:00")
    assert [(row["tenant_id"], row["change"]) for row in customer.advance()] == [
        ("t3", "period_started"),
        ("t3", "invoice_finalized"),
    ]
    assert customers[2].invoices()[-1]["total"] == D(49)


def test_one_that_cannot_even_be_put_off_keeps_no_other_from_its_invoice(
    customer: Customer, conn: Session
) -> None:
    plan = make_plan(conn, "pro", amount="49")
    customers = [Customer(conn, f"t{number}") for number in range(1, 5)]
    for each in customers:
        each.tenant.create(plan)
    customer.advance()
    conn.execute(
        """
        create function refuse() returns trigger language plpgsql as $$
        begin
          if new.tenant_id = 't1' then
            raise exception 'never' using errcode = 'MY001';
          end if;
          return new;
        end $$
        """
    )
    conn.execute(
        "create trigger refuse before update on pgledger.subscriptions"
        " for each row execute function refuse()"
    )
    customer.at("2025-02-01 00:00")
    warnings: list[str | None] = []
    conn.add_notice_handler(lambda notice: warnings.append(notice.message_primary))
    done = customer.advance(max_subscriptions=2)
    assert {row["tenant_id"] for row in done} == {"t2", "t3", "t4"}
    assert [len(each.invoices()) for each in customers] == [1, 2, 2, 2]
    (subscription,) = customers[0].tenant.rows("ledger_list_subscriptions")
    expected = f"subscription {subscription['id']} of tenant t1 was not advanced: never"
    assert set(warnings) == {expected}
    assert subscription["current_period_start"] == utc("2025-01-01 00:00")


@pytest.mark.parametrize(
    ("error", "options"),
    [
        (errors.InvalidArgument, {"kind": "nonsense"}),
        (errors.InvalidArgument, {"at": utc("2024-01-01 00:00")}),
        (errors.InvalidInvoice, {"tax_rates": [{"name": 1}]}),
    ],
)
def test_a_preview_of_what_is_due_refuses_what_it_ought_to(
    customer: Customer, error: type[Exception], options: dict[str, Any]
) -> None:
    subscription = customer.tenant.create(make_plan(customer.conn, "pro", amount="49"))["id"]
    customer.at("2025-03-05 00:00")
    with pytest.raises(error):
        customer.preview(subscription, **options)
    assert customer.preview(subscription)["period_start"] == utc("2025-03-01 00:00")


def test_what_is_not_of_one_subscription_ends_the_call(customer: Customer, conn: Session) -> None:
    customer.tenant.create(make_plan(conn, "pro", amount="49"))
    conn.execute(
        """
        create function refuse() returns trigger language plpgsql as
        $$ begin raise exception 'full' using errcode = 'disk_full'; end $$
        """
    )
    conn.execute(
        "create trigger refuse before insert on pgledger.invoices"
        " for each row execute function refuse()"
    )
    with pytest.raises(psycopg.errors.DiskFull):
        customer.advance()
    conn.execute("drop trigger refuse on pgledger.invoices")
    assert [row["change"] for row in customer.advance()] == ["invoice_finalized"]


# Drafts, previews, numbers


def test_a_preview_is_the_same_and_writes_nothing(customer: Customer, conn: Session) -> None:
    subscription = customer.tenant.create(
        make_plan(conn, "pro", amount="49", prices=[GRADUATED]),
        tax_rates=[{"name": "VAT", "percentage": "19"}],
    )["id"]
    call(conn, "ledger_create_coupon", app_id="shop", code="TEN", amount=10, currency="USD")
    customer.redeem("TEN")
    customer.use("calls", 21, "2025-01-01 00:00")
    with conn.transaction():
        conn.execute("set transaction read only")
        preview = customer.preview(subscription)
    assert customer.invoices() == []
    draft = customer.generate(subscription)
    own = {"id", "version", "created_at", "updated_at", "line_items"}
    assert {name: preview[name] for name in preview.keys() - own} == {
        name: draft[name] for name in draft.keys() - own
    }
    assert lines(preview) == lines(draft)
    assert (draft["subtotal"], draft["discount"], draft["tax"]) == (D(261), D(10), D("47.69"))
    assert_adds_up(draft)
    assert customer.redeem_left() == [(1, D(10))]


@pytest.mark.parametrize("kind", ["period", "start"])
@pytest.mark.parametrize(
    ("trial_days", "now", "at"),
    [
        (0, "2025-03-05 00:00", None),
        (10, "2025-01-20 00:00", None),
        (10, "2025-04-01 00:00", "2025-03-05 00:00"),
    ],
)
def test_a_preview_looks_at_what_nobody_has_written_down(
    customer: Customer, conn: Session, kind: str, trial_days: int, now: str, at: str | None
) -> None:
    subscription = customer.tenant.create(
        make_plan(conn, "pro", amount="49", prices=[PER_CALL], trial_days=trial_days)
    )["id"]
    customer.use("calls", 21, "2025-01-12 00:00")
    customer.at(now)
    options = {"kind": kind, "at": utc(at) if at is not None else None}
    before = everything(conn, "invoices", "invoice_lines")
    preview = customer.preview(subscription, **options)
    assert everything(conn, "invoices", "invoice_lines") == before
    draft = customer.generate(subscription, **options)
    assert everything(conn, "invoices", "invoice_lines") != before
    own = {"id", "version", "created_at", "updated_at", "line_items"}
    assert {name: preview[name] for name in preview.keys() - own} == {
        name: draft[name] for name in draft.keys() - own
    }
    assert lines(preview) == lines(draft)


def test_a_period_that_goes_on_cannot_be_final(customer: Customer) -> None:
    subscription = customer.tenant.create(make_plan(customer.conn, "pro", amount="49"))["id"]
    draft = customer.generate(subscription)
    with pytest.raises(errors.InvalidState, match="before its period ends at 2025-02-01"):
        customer.finalize(draft["id"])
    customer.at("2025-02-01 00:00")
    assert [row["change"] for row in customer.advance()][-1] == "invoice_finalized"
    by_period = customer.tenant.one(
        "ledger_get_invoice_by_period", subscription_id=subscription, at="2025-01-31 23:00+00"
    )
    assert (by_period["id"], by_period["status"]) == (draft["id"], "pending")


def test_advance_can_leave_drafts_or_draw_up_nothing(customer: Customer) -> None:
    customer.tenant.create(make_plan(customer.conn, "pro", amount="49"))
    assert customer.advance(invoices="none") == []
    assert [row["change"] for row in customer.advance(invoices="draft")] == ["invoice_drafted"]
    (draft,) = customer.invoices("draft")
    assert draft["number"] is None
    assert customer.finalize(draft["id"])["number"] == 1


def test_numbers_have_no_gap_after_a_rollback(customer: Customer, conn: Session) -> None:
    for tenant in ("t1", "t2", "t3"):
        Customer(conn, tenant).tenant.create(make_plan(conn, f"plan-{tenant}", amount="5"))
    with conn.transaction(force_rollback=True):
        customer.advance()
        assert len(customer.invoices()) == 1
    customer.advance()
    numbers = conn.execute("select number from ledger_invoices order by number").fetchall()
    assert numbers == [(1,), (2,), (3,)]


def test_a_voided_invoice_can_be_drawn_up_again(customer: Customer, conn: Session) -> None:
    subscription = customer.tenant.create(make_plan(conn, "pro", amount="49"))["id"]
    call(conn, "ledger_create_coupon", app_id="shop", code="TEN", amount=10, currency="USD")
    customer.redeem("TEN")
    customer.advance()
    (first,) = customer.invoices()
    assert (first["total"], customer.redeem_left()) == (D(39), [(0, D(0))])
    customer.void(first["id"])
    assert customer.redeem_left() == [(1, D(10))]
    again = customer.generate(subscription, kind="start")
    assert customer.finalize(again["id"])["number"] == 2
    assert {row["number"]: (row["status"], row["total"]) for row in customer.invoices()} == {
        1: ("voided", D(39)),
        2: ("pending", D(39)),
    }


def test_what_is_overdue_is_marked(customer: Customer) -> None:
    customer.tenant.create(make_plan(customer.conn, "pro", amount="49", base={"interval": "year"}))
    call(customer.conn, "ledger_set_payment_terms", app_id="shop", days=10)
    customer.advance()
    customer.at("2025-01-10 23:59")
    assert customer.advance() == []
    customer.at("2025-01-11 00:00")
    (row,) = customer.advance()
    (invoice,) = customer.invoices()
    assert (row["change"], row["invoice_id"]) == ("invoice_past_due", invoice["id"])
    assert invoice["status"] == "past_due"


def test_usage_that_is_still_to_be_invoiced_is_not_purged(
    customer: Customer, conn: Session
) -> None:
    subscription = customer.tenant.create(make_plan(conn, "pro", prices=[PER_CALL]))["id"]
    customer.use("calls", 10, "2025-01-01 00:30")
    customer.tenant.one("ledger_cancel_subscription", id=subscription)
    customer.at("2025-02-02 00:00")
    purge = "select ledger_purge_usage('shop', '2025-02-01 12:00+00')"
    customer.advance(invoices="none")
    assert conn.execute(purge).fetchone() == (0,)
    customer.advance(invoices="draft")
    assert conn.execute(purge).fetchone() == (0,)
    (draft,) = customer.invoices()
    assert amounts(customer.finalize(draft["id"])) == [D(5)]
    assert conn.execute(purge).fetchone() == (1,)


@pytest.mark.parametrize(
    ("currency", "amount", "expected"),
    [("USD", "10.125", "10.13"), ("JPY", "100.5", "101"), ("KWD", "1.0005", "1.001")],
)
def test_amounts_are_rounded_half_away_from_zero(
    customer: Customer, currency: str, amount: str, expected: str
) -> None:
    customer.tenant.create(make_plan(customer.conn, "pro", amount=amount, currency=currency))
    customer.advance()
    (invoice,) = customer.invoices()
    assert invoice["line_items"][0]["amount"] == expected


# Coupons on invoices


def test_a_percentage_for_a_feature_and_an_amount_for_the_rest(
    customer: Customer, conn: Session
) -> None:
    call(conn, "ledger_create_coupon", app_id="shop", code="ALL", amount=10, currency="USD")
    call(
        conn,
        "ledger_create_coupon",
        app_id="shop",
        code="BASE",
        percentage=25,
        applies_to="{base}",
    )
    plan = make_plan(conn, "pro", amount="80", base={"billed": "arrears"}, prices=[PER_CALL])
    customer.tenant.create(plan, tax_rates=[{"name": "Sales tax", "percentage": "8.25"}])
    customer.redeem("ALL")
    customer.redeem("BASE")
    customer.use("calls", 40, "2025-01-01 00:00")
    customer.at("2025-02-01 00:00")
    customer.advance()
    (invoice,) = customer.invoices()
    assert amounts(invoice) == [D(80), D(20), D(-20), D(-10), D("5.78")]
    assert (invoice["total"], invoice["amount_due"]) == (D("75.78"), D("75.78"))
    assert_adds_up(invoice)


def test_durations_count_invoices(customer: Customer, conn: Session) -> None:
    for code, duration in (("ONCE", "once"), ("THREE", "repeating"), ("EVER", "forever")):
        call(
            conn,
            "ledger_create_coupon",
            app_id="shop",
            code=code,
            percentage=10,
            duration=duration,
            duration_invoices=3 if duration == "repeating" else None,
        )
        customer.redeem(code)
    customer.tenant.create(make_plan(conn, "pro", amount="100"))
    discounts = []
    for month in range(1, 6):
        customer.at(f"2025-{month:02}-01 00:00")
        customer.advance()
        discounts.append(customer.invoices()[-1]["discount"])
    assert discounts == [D("27.1"), D(19), D(19), D(10), D(10)]


def test_what_an_amount_leaves_lives_on(customer: Customer, conn: Session) -> None:
    call(conn, "ledger_create_coupon", app_id="shop", code="12", amount=12, currency="USD")
    customer.redeem("12")
    customer.tenant.create(make_plan(conn, "pro", amount="5"))
    for month in range(1, 5):
        customer.at(f"2025-{month:02}-01 00:00")
        customer.advance()
    assert [row["total"] for row in customer.invoices()] == [D(0), D(0), D(3), D(5)]
    assert customer.invoices()[0]["status"] == "paid"


def test_coupons_that_do_not_apply_are_kept(customer: Customer, conn: Session) -> None:
    for code, terms in {
        "EURO": {"amount": 5, "currency": "EUR"},
        "MUCH": {"percentage": 50, "minimum_subtotal": 100, "currency": "USD"},
        "CALLS": {"percentage": 50, "applies_to": "{calls}"},
    }.items():
        call(conn, "ledger_create_coupon", app_id="shop", code=code, **terms)
        customer.redeem(code)
    other = Customer(conn, "t2")
    other.tenant.create(make_plan(conn, "other", amount="500"))
    subscription = customer.tenant.create(make_plan(conn, "pro", amount="50"))["id"]
    customer.advance()
    assert [row["discount"] for row in customer.invoices() + other.invoices()] == [0, 0]
    assert [left for left, _ in customer.redeem_left()] == [1, 1, 1]
    customer.tenant.one("ledger_update_subscription", id=subscription, quantity=2)
    customer.at("2025-02-01 00:00")
    customer.advance()
    # 50 less and 100 more for January, 100 for February.
    assert customer.invoices()[-1]["discount"] == D(100)


def test_a_draft_uses_no_coupon_of_which_no_use_is_left(customer: Customer, conn: Session) -> None:
    call(conn, "ledger_create_coupon", app_id="shop", code="HALF", percentage=50)
    customer.redeem("HALF")
    line = [{"description": "work", "amount": "8"}]
    first, second = (
        customer.tenant.one("ledger_create_invoice", currency="USD", lines=line) for _ in range(2)
    )
    assert [first["discount"], second["discount"]] == [4, 4]
    assert customer.finalize(first["id"])["discount"] == 4
    assert [left for left, _ in customer.redeem_left()] == [0]
    # As if it had been drawn up before the other took the use.
    assert conn.execute(
        "select pgledger.use_coupons(key) from pgledger.invoices where id = %s", [second["id"]]
    ).fetchone() == (False,)
    assert [left for left, _ in customer.redeem_left()] == [0]
    assert customer.finalize(second["id"])["discount"] == 0


def test_a_coupon_can_be_for_one_subscription(customer: Customer, conn: Session) -> None:
    call(conn, "ledger_create_coupon", app_id="shop", code="HALF", percentage=50)
    main = customer.tenant.create(make_plan(conn, "main", amount="50"))["id"]
    extra = customer.tenant.create(make_plan(conn, "extra", amount="30", add_on=True))["id"]
    customer.redeem("HALF", subscription_id=extra)
    customer.advance()
    assert {row["subscription_id"]: row["total"] for row in customer.invoices()} == {
        main: D(50),
        extra: D(15),
    }


# Taxes


def test_taxes_can_be_for_some_lines(customer: Customer) -> None:
    plan = make_plan(
        customer.conn, "pro", amount="10", base={"billed": "arrears"}, prices=[PER_CALL]
    )
    subscription = customer.tenant.create(plan)["id"]
    customer.use("calls", 40, "2025-01-01 00:00")
    invoice = customer.generate(
        subscription,
        tax_rates=[
            {"name": "VAT", "percentage": "10"},
            {"name": "Calls", "percentage": "5", "applies_to": ["calls"]},
        ],
    )
    assert amounts(invoice, "tax") == [D(3), D(1)]
    assert [line["tax"] for line in invoice["line_items"]][:2] == ["1.00", "3.00"]


# Refusals


def test_a_period_must_be_there(customer: Customer) -> None:
    subscription = customer.tenant.create(make_plan(customer.conn, "pro", amount="10"))["id"]
    for function in (customer.generate, customer.preview):
        with pytest.raises(errors.InvalidArgument, match="has no period at that time"):
            function(subscription, at="2024-12-31 23:59+00")
        with pytest.raises(errors.InvalidArgument, match="none of period, start, change, interim"):
            function(subscription, kind="yearly")
        with pytest.raises(errors.InvalidInvoice, match=r"\$\.tax_rates\[0\]\.percentage"):
            function(subscription, tax_rates=[{"name": "VAT", "percentage": "NaN"}])
        with pytest.raises(errors.InvalidTime):
            function(subscription, at="infinity")


@pytest.mark.parametrize("stranger", [("shop", "t2"), ("shoq", "t1"), ("Shop", "t1")])
def test_invoices_of_others_are_not_found(
    customer: Customer, conn: Session, stranger: tuple[str, str]
) -> None:
    subscription = customer.tenant.create(make_plan(conn, "pro", amount="10"))["id"]
    customer.advance()
    (invoice,) = customer.invoices()
    app_id, tenant_id = stranger
    other = Customer(conn, tenant_id, app_id)
    calls: list[tuple[type[Exception], Any]] = [
        (errors.SubscriptionNotFound, lambda: other.generate(subscription)),
        (errors.SubscriptionNotFound, lambda: other.preview(subscription)),
        (errors.InvoiceNotFound, lambda: other.finalize(invoice["id"])),
        (errors.InvoiceNotFound, lambda: other.void(invoice["id"])),
        (
            errors.InvoiceNotFound,
            lambda: other.tenant.one("ledger_refresh_invoice", id=invoice["id"]),
        ),
    ]
    for error, attempt in calls:
        with pytest.raises(error):
            attempt()
    assert other.invoices() == []
    put_clock(conn, "2025-03-01 00:00")
    assert other.advance() == [] or app_id == "shop"


# What was found by trying to break it


def plans_of(conn: Session, *amounts: str) -> list[str]:
    """Makes plans of 30 days."""
    month = {"interval": "day", "interval_count": 30}
    return [make_plan(conn, f"plan-{amount}", amount=amount, base=month) for amount in amounts]


def total(customer: Customer) -> Decimal:
    return sum_of(row["total"] for row in customer.invoices() if row["status"] != "voided")


@pytest.mark.parametrize("duration", ["once", "forever"])
def test_changes_before_the_first_look_are_one_invoice(
    customer: Customer, conn: Session, duration: str
) -> None:
    call(
        conn,
        "ledger_create_coupon",
        app_id="shop",
        code="HALF",
        percentage=50,
        duration=duration,
    )
    customer.redeem("HALF")
    small, large = plans_of(conn, "30", "60")
    subscription = customer.tenant.create(small)["id"]
    customer.at("2025-01-02 00:00")
    customer.tenant.one("ledger_change_plan", id=subscription, plan_id=large)
    rows = customer.advance()
    assert [row["change"] for row in rows] == ["invoice_finalized"]
    (invoice,) = customer.invoices()
    # One day of the small plan and 29 of the large one.
    assert (invoice["number"], invoice["subtotal"], invoice["total"]) == (1, 59, D("29.50"))
    assert [left for left, _ in customer.redeem_left()] == [0 if duration == "once" else None]


def half_changed(customer: Customer, invoices: str = "draft") -> str:
    """A plan of 10 for 30 days that became one of 20 in the middle; the clock is at the end."""
    small, large = plans_of(customer.conn, "10", "20")
    subscription = str(customer.tenant.create(small)["id"])
    customer.advance(invoices=invoices)
    customer.at("2025-01-16 00:00")
    customer.tenant.one("ledger_change_plan", id=subscription, plan_id=large)
    customer.at("2025-01-31 00:00")
    return subscription


def test_a_start_voided_after_the_period_is_drawn_up_as_what_is_missing(
    customer: Customer,
) -> None:
    subscription = half_changed(customer, "final")
    customer.advance()
    start, period = customer.invoices()
    assert (start["total"], period["total"]) == (D(10), D(25))
    with pytest.raises(errors.InvalidState, match="goes on from it"):
        customer.void(start["id"])
    customer.void(period["id"])
    customer.void(start["id"])
    customer.finalize(customer.generate(subscription, kind="start")["id"])
    period_again = customer.generate(subscription, at="2025-01-20 00:00+00")
    customer.finalize(period_again["id"])
    assert total(customer) == D(35)


def test_a_start_of_a_period_that_is_billed_has_nothing_left(customer: Customer) -> None:
    subscription = half_changed(customer)
    customer.advance()
    (start, _) = customer.invoices()
    again = customer.preview(subscription, kind="start", at="2025-01-05 00:00+00")
    assert again["id"] == start["id"]


def test_drafts_become_final_in_their_order(customer: Customer) -> None:
    half_changed(customer)
    customer.advance(invoices="draft")
    period, start = sorted(customer.invoices(), key=lambda row: row["kind"])
    with pytest.raises(errors.InvalidState, match=f"before draft {start['id']}"):
        customer.finalize(period["id"])
    customer.finalize(start["id"])
    customer.finalize(period["id"])
    assert [row["total"] for row in customer.invoices()] == [15, 20]


def test_advance_makes_older_drafts_final_first(customer: Customer) -> None:
    half_changed(customer)
    customer.advance(invoices="draft")
    customer.at("2025-03-02 00:00")
    customer.advance()
    assert [(row["kind"], row["total"]) for row in customer.invoices()] == [
        ("start", 15),
        ("period", 20),
        ("period", 20),
    ]


def test_a_draft_never_counts_as_billed_for_good_and_can_be_deleted(customer: Customer) -> None:
    (plan,) = plans_of(customer.conn, "10")
    subscription = customer.tenant.create(plan)["id"]
    customer.advance(invoices="none")
    late = customer.generate(subscription, kind="interim")
    customer.at("2025-01-31 00:00")
    customer.advance()
    customer.tenant.one("ledger_delete_invoice", id=late["id"])
    assert [(row["kind"], row["total"]) for row in customer.invoices()] == [
        ("start", 10),
        ("period", 10),
    ]


def test_an_hour_that_comes_twice_is_not_paid_back_twice(customer: Customer) -> None:
    (plan,) = plans_of(customer.conn, "30")
    customer.at("2025-11-02 05:30")
    subscription = customer.tenant.create(plan, time_zone="America/New_York")["id"]
    customer.advance()
    (billed,) = customer.invoices()
    customer.tenant.one("ledger_mark_invoice_paid", id=billed["id"])
    customer.at("2025-11-02 06:10")
    customer.tenant.one(
        "ledger_cancel_subscription", id=subscription, at_period_end=False, unused_time="refund"
    )
    customer.advance()
    # The day in which it ends is charged, once.
    assert customer.invoices()[-1]["refund_due"] == D(29)


def test_late_usage_costs_what_was_billed(customer: Customer) -> None:
    one = {"feature": "calls", "model": "per_unit", "unit_amount": "1"}
    plan = make_plan(customer.conn, "pro", prices=[one])
    subscription = customer.tenant.create(plan)["id"]
    customer.use("calls", 10)
    customer.at("2025-01-10 00:00")
    customer.finalize(customer.generate(subscription, kind="interim")["id"])
    call(
        customer.conn,
        "ledger_update_plan",
        app_id="shop",
        id=plan,
        pricing={"prices": [{**one, "unit_amount": "2"}]},
    )
    customer.use("calls", 10)
    customer.at("2025-02-01 00:00")
    customer.advance()
    customer.use("calls", 1, "2025-01-20 00:00")
    customer.at("2025-03-01 00:00")
    customer.advance()
    assert amounts(customer.invoices()[-1], "late_usage") == [D(1)]


def test_seats_of_an_interim_that_is_voided_later_are_billed_again(customer: Customer) -> None:
    seats = {"feature": "team", "model": "per_unit", "unit_amount": "31"}
    customer.use("team", 10)
    customer.at("2025-01-01 01:00")
    subscription = customer.tenant.create(make_plan(customer.conn, "pro", prices=[seats]))["id"]
    customer.at("2025-01-21 01:00")
    interim = customer.finalize(customer.generate(subscription, kind="interim")["id"])
    assert interim["total"] == D(200)
    customer.at("2025-02-01 01:00")
    customer.advance()
    customer.void(interim["id"])
    customer.at("2025-03-01 01:00")
    customer.advance()
    assert total(customer) == D(620)


def test_late_usage_counts_where_a_period_was_purged_in_part(
    customer: Customer, conn: Session
) -> None:
    customer.tenant.create(make_plan(conn, "pro", prices=[PER_CALL]))
    customer.use("calls", 10, "2025-01-01 00:30")
    customer.at("2025-02-01 00:00")
    customer.advance()
    customer.at("2025-02-02 00:00")
    assert conn.execute("select ledger_purge_usage('shop', '2025-01-10')").fetchone() == (1,)
    customer.use("calls", 5, "2025-01-20 00:00")
    customer.at("2025-03-01 00:00")
    customer.advance()
    assert lines(customer.invoices()[-1])[-1] == ("late_usage", "calls", D(5), D("2.5"))


def test_a_purged_period_is_not_drawn_up_again(customer: Customer, conn: Session) -> None:
    subscription = customer.tenant.create(make_plan(conn, "pro", prices=[PER_CALL]))["id"]
    customer.use("calls", 10, "2025-01-01 00:30")
    customer.at("2025-02-02 00:00")
    customer.advance()
    (invoice,) = customer.invoices()
    customer.void(invoice["id"])
    assert conn.execute("select ledger_purge_usage('shop', '2025-02-01')").fetchone() == (1,)
    with pytest.raises(errors.UsagePurged, match="period_start 2025-01-01"):
        customer.generate(subscription, at="2025-01-02 00:00+00")


def test_a_clock_that_is_put_back_bills_nothing_twice(customer: Customer) -> None:
    (monthly,) = plans_of(customer.conn, "30")
    yearly = make_plan(
        customer.conn,
        "yearly",
        amount="365",
        base={"interval": "day", "interval_count": 365},
    )
    subscription = customer.tenant.create(monthly)["id"]
    customer.at("2025-01-31 00:00")
    customer.advance()
    customer.at("2025-01-30 23:59:57")
    row = customer.tenant.one("ledger_change_plan", id=subscription, plan_id=yearly)
    assert row["current_period_start"].isoformat() == "2025-01-31T00:00:00+00:00"
    customer.at("2025-01-31 01:00")
    customer.advance()
    yearly_fees = [
        amount
        for invoice in customer.invoices()
        for kind, _, _, amount in lines(invoice)
        if kind == "base_fee" and amount == 365
    ]
    assert len(yearly_fees) <= 1


def test_a_trial_cannot_be_charged_by_name(customer: Customer) -> None:
    plan = make_plan(customer.conn, "pro", amount="30", trial_days=10, anchor_at_trial_end=False)
    subscription = customer.tenant.create(plan)["id"]
    for function in (customer.generate, customer.preview):
        with pytest.raises(errors.InvalidArgument, match="was not active in the period"):
            function(subscription, kind="start")


def test_late_usage_after_the_last_invoice_can_be_billed(customer: Customer) -> None:
    subscription = customer.tenant.create(make_plan(customer.conn, "pro", prices=[PER_CALL]))["id"]
    customer.tenant.one("ledger_cancel_subscription", id=subscription)
    customer.at("2025-02-01 00:00")
    customer.advance()
    for quantity in (2, 4):
        customer.use("calls", quantity, "2025-01-05 00:00")
        invoice = customer.generate(subscription, kind="interim", at="2025-01-05 00:00+00")
        assert lines(customer.finalize(invoice["id"])) == [
            ("usage", "calls", D(quantity), D(quantity) / 2)
        ]


def test_a_thousand_coupons_are_taken_off_in_turn(customer: Customer, conn: Session) -> None:
    call(
        conn,
        "ledger_create_coupon",
        app_id="shop",
        code="CENT",
        amount="0.01",
        currency="USD",
    )
    conn.execute(
        "select count(*) from generate_series(1, 1000) as number"
        " cross join lateral ledger_redeem_coupon('shop', 't1', left('CENT', number + 3))"
    )
    customer.tenant.create(make_plan(conn, "pro", amount="9"))
    customer.advance()
    (invoice,) = customer.invoices()
    assert (invoice["discount"], invoice["total"]) == (9, 0)
    assert [left for left, _ in customer.redeem_left()].count(0) > 0
    assert_adds_up(invoice)
