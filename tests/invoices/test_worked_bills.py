"""Worked examples of docs/billing.md, line by line where other tests look at sums."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest

from pgledger import errors
from support.clock import SetClock
from support.database import Connect
from support.invoices import Customer, amounts, carry_clock, lines, make_feature, make_plan
from support.purging import purge
from support.subscriptions import call, utc

START = "2025-04-01 00:00"
HALF = "2025-04-16 00:00"
END = "2025-05-01 00:00"

Price = Mapping[str, Any]


def D(text: str | int) -> Decimal:  # noqa: N802 -- short, because tables are made of it
    return Decimal(text)


@pytest.fixture
def customer(connect: Connect, set_clock: SetClock) -> Customer:
    conn = connect(autocommit=True)
    carry_clock(conn, set_clock, START)
    make_feature(conn, "calls")
    make_feature(conn, "peak", aggregation="max")
    make_feature(conn, "level", aggregation="latest")
    make_feature(conn, "team", type="seat")
    call(conn, "ledger_set_usage_skew", app_id="shop", skew="365 days")
    return Customer(conn)


def begin(customer: Customer, plan: str, **options: object) -> str:
    return str(customer.tenant.create(plan, **options)["id"])


def per_unit(amount: str, feature: str = "calls", **terms: object) -> Price:
    return {"feature": feature, "model": "per_unit", "unit_amount": amount, **terms}


def tiered(model: str) -> Price:
    tiers = [{"up_to": "1000", "unit_amount": "0.10"}, {"unit_amount": "0.05"}]
    return {"feature": "calls", "model": model, "tiers": tiers}


CREDIT = {"at_period_end": False, "unused_time": "credit"}
REFUND = {"at_period_end": False, "unused_time": "refund"}


@pytest.mark.parametrize(
    ("at", "function", "arguments", "right"),
    [
        (HALF, "change_plan", {"plan_id": "twenty"}, ["-5", "10"]),
        (HALF, "update_subscription", {"quantity": 3}, ["-5", "15"]),
        (HALF, "pause_subscription", {}, ["-5"]),
        (HALF, "cancel_subscription", {"at_period_end": False}, []),
        (HALF, "cancel_subscription", CREDIT, ["-5"]),
        (HALF, "cancel_subscription", REFUND, ["-5"]),
        (HALF, "cancel_subscription", {}, []),
        (HALF, "cancel_subscription", {"cancel_at": utc(HALF)}, ["-5"]),
        ("2025-04-05 00:00", "cancel_subscription", {"cancel_at": utc(HALF)}, ["-5"]),
    ],
)
def test_what_happens_in_the_middle_of_a_month(
    customer: Customer, at: str, function: str, arguments: dict[str, object], right: list[str]
) -> None:
    ten = make_plan(customer.conn, "ten", amount="10")
    twenty = make_plan(customer.conn, "twenty", amount="20")
    if "plan_id" in arguments:
        arguments = {"plan_id": twenty}
    subscription = begin(customer, ten)
    customer.advance()
    customer.at(at)
    customer.tenant.one(f"ledger_{function}", id=subscription, **arguments)
    customer.at(END)
    customer.advance()
    assert [
        amount for invoice in customer.invoices()[1:] for amount in amounts(invoice, "proration")
    ] == [D(amount) for amount in right]


def test_a_dearer_year_line_by_line(customer: Customer) -> None:
    customer.at("2025-01-01 00:00")
    small = make_plan(customer.conn, "small", amount="120", base={"interval": "year"})
    large = make_plan(customer.conn, "large", amount="12000", base={"interval": "year"})
    subscription = begin(customer, small)
    customer.advance()
    customer.at("2025-02-01 00:00")
    customer.tenant.change_plan(subscription, large)
    customer.advance()
    assert amounts(customer.invoices()[-1]) == [D("-109.81"), D("10980.82")]


@pytest.mark.parametrize(("proration", "other", "used"), [("second", "day", 21), ("day", None, 22)])
@pytest.mark.parametrize("anchored", [False, True])
def test_a_trial_s_plan_says_how_its_period_is_prorated(
    customer: Customer, proration: str, other: str | None, used: int, *, anchored: bool
) -> None:
    """Ten days of trial, the plan changed in it, cancelled ten and a half days after it."""
    conn = customer.conn
    trial = make_plan(
        conn,
        "trial",
        amount="30",
        base={"proration": proration},
        trial_days=10,
        anchor_at_trial_end=anchored,
    )
    plan = make_plan(conn, "plan", amount="60", base={"proration": other or "second"})
    subscription = begin(customer, trial)
    customer.at("2025-04-05 00:00")
    customer.tenant.change_plan(subscription, plan)
    customer.at("2025-04-21 12:00")
    customer.tenant.cancel(subscription, **CREDIT)
    customer.advance()
    if anchored:
        # The period begins after the trial, with the other plan.
        used = 22 if other == "day" else 21
    assert sum(row["total"] for row in customer.invoices()) == used


@pytest.mark.parametrize(
    ("first", "second", "right"),
    [
        (tiered("graduated"), tiered("graduated"), ["90", "15"]),
        (tiered("volume"), tiered("volume"), ["45", "10"]),
        (per_unit("0.01"), tiered("volume"), ["9", "10"]),
    ],
    ids=["by difference", "by share", "after another"],
)
def test_usage_on_two_plans(
    customer: Customer, first: Price, second: Price, right: list[str]
) -> None:
    plans = [
        make_plan(customer.conn, slug, prices=[price])
        for slug, price in (("a", first), ("b", second))
    ]
    subscription = begin(customer, plans[0])
    customer.use("calls", 900, "2025-04-03 10:20")
    customer.use("calls", 200, "2025-04-20 10:20")
    customer.at(HALF)
    customer.tenant.change_plan(subscription, plans[1])
    customer.at(END)
    customer.advance()
    assert amounts(customer.invoices()[-1], "usage") == [D(amount) for amount in right]


def test_levels_on_two_plans(customer: Customer) -> None:
    plans = [
        make_plan(customer.conn, slug, prices=[per_unit(amount, "peak"), per_unit(amount, "level")])
        for slug, amount in (("a", "1"), ("b", "30"))
    ]
    subscription = begin(customer, plans[0])
    for feature in ("peak", "level"):
        customer.use(feature, 20, "2025-04-03 00:00")
        customer.use(feature, 5, "2025-04-20 00:00")
    customer.at(HALF)
    customer.tenant.change_plan(subscription, plans[1])
    customer.at(END)
    customer.advance()
    found = {
        item: [amount for _, name, _, amount in lines(customer.invoices()[-1]) if name == item]
        for item in ("peak", "level")
    }
    assert found == {"peak": [D(10), D(300)], "level": [D("2.5"), D(75)]}


def test_a_level_is_its_period_s_and_seats_go_on(customer: Customer) -> None:
    features = ("peak", "level", "team")
    plan = make_plan(customer.conn, "a", prices=[per_unit("1", key) for key in features])
    begin(customer, plan)
    for feature in features:
        customer.use(feature, 20, START)
    customer.at("2025-06-01 00:00")
    customer.advance()
    bills = [{line[1]: line[3] for line in lines(row)} for row in customer.invoices()]
    assert bills == [
        {"peak": D(20), "level": D(20), "team": D(20)},
        {"peak": D(0), "level": D(0), "team": D(20)},
    ]


def test_what_a_price_asks_without_usage_is_not_asked_by_a_later_plan(customer: Customer) -> None:
    asked = [{"feature": "calls", "model": "flat", "flat_amount": "7"}]
    asked.append(dict(per_unit("1", "peak", minimum="5")))
    named = [{"key": "calls"}, {"key": "peak"}]
    free = make_plan(customer.conn, "free", features=named)
    subscription = begin(customer, free)
    customer.at(HALF)
    customer.tenant.change_plan(subscription, make_plan(customer.conn, "paid", prices=asked))
    customer.at(END)
    customer.advance()
    customer.at("2025-06-01 00:00")
    customer.advance()
    assert [row["total"] for row in customer.invoices()] == [0, 12]


@pytest.mark.parametrize(
    "asked", [{"model": "flat", "flat_amount": "50"}, per_unit("1", minimum="50")]
)
def test_what_seats_ask_is_for_their_days(customer: Customer, asked: Price) -> None:
    free = make_plan(customer.conn, "free", features=[{"key": "team"}])
    subscription = begin(customer, free)
    customer.at(HALF)
    paid = make_plan(customer.conn, "paid", prices=[{**asked, "feature": "team"}])
    customer.tenant.change_plan(subscription, paid)
    customer.at(END)
    customer.advance()
    assert customer.invoices()[-1]["total"] == 25


def test_late_usage_is_billed_although_its_events_are_purged(customer: Customer) -> None:
    begin(customer, make_plan(customer.conn, "pro", prices=[per_unit("1")]))
    customer.at(END)
    customer.advance()
    customer.at("2025-05-10 00:00")
    customer.use("calls", 10, "2025-04-20 00:00")
    assert purge(customer.conn, "2025-05-09") == 1
    with pytest.raises(errors.UsagePurged):
        customer.use("calls", 5, "2025-04-30 00:00")
    customer.at("2025-06-01 00:00")
    customer.advance()
    assert amounts(customer.invoices()[-1], "late_usage") == [D(10)]


def test_corrected_and_removed_usage_is_given_back(customer: Customer) -> None:
    begin(customer, make_plan(customer.conn, "pro", prices=[per_unit("1")]))
    at = utc("2025-04-03 00:00")
    forty, sixty = (
        customer.tenant.one("ledger_record_usage", feature_key="calls", quantity=n, event_at=at)
        for n in (40, 60)
    )
    customer.at(END)
    customer.advance()
    customer.tenant.one("ledger_correct_usage", id=sixty["id"], event_at=at, quantity=55)
    customer.at("2025-06-01 00:00")
    customer.advance()
    customer.tenant.one("ledger_remove_usage", id=forty["id"], event_at=at)
    customer.at("2025-07-01 00:00")
    customer.advance()
    assert [row["total"] for row in customer.invoices()] == [100, -5, -40]


def test_there_is_one_interim_draft_at_a_time(customer: Customer) -> None:
    subscription = begin(customer, make_plan(customer.conn, "pro", prices=[per_unit("1")]))
    seen = []
    for day in (3, 4, 5):
        customer.at(f"2025-04-{day:02} 12:00")
        customer.use("calls", day, f"2025-04-{day:02} 11:00")
        seen.append(customer.generate(subscription, kind="interim")["id"])
        if day == 4:
            assert customer.finalize(seen[-1])["total"] == 7
    assert seen[0] == seen[1] != seen[2]
    assert customer.finalize(seen[2])["total"] == 5


def test_a_voided_period_is_not_billed_by_itself(customer: Customer) -> None:
    """Its usage is not; the next month's fee, which was on it, is."""
    subscription = begin(
        customer, make_plan(customer.conn, "pro", amount="10", prices=[per_unit("1")])
    )
    customer.use("calls", 3, "2025-04-03 00:00")
    customer.at(END)
    customer.advance()
    period = customer.invoices()[-1]
    assert period["total"] == 13
    customer.void(period["id"])
    customer.at("2025-06-01 00:00")
    customer.advance()
    assert lines(customer.invoices()[-1]) == [
        ("base_fee", "base", D(1), D(10)),
        ("base_fee", "base", D(1), D(10)),
        ("usage", "calls", D(0), D(0)),
    ]
    again = customer.generate(subscription, at=utc(START))
    assert lines(again) == [("usage", "calls", D(3), D(3))]


@pytest.mark.parametrize(
    ("codes", "right"), [(("HALF", "TEN"), ["-50", "-10"]), (("TEN", "HALF"), ["-10", "-45"])]
)
def test_coupons_are_taken_off_in_the_order_of_redemption(
    customer: Customer, codes: tuple[str, str], right: list[str]
) -> None:
    taken: dict[str, dict[str, Any]] = {
        "HALF": {"percentage": 50},
        "TEN": {"amount": 10, "currency": "USD"},
    }
    for code, terms in taken.items():
        call(customer.conn, "ledger_create_coupon", app_id="shop", code=code, **terms)
    for code in codes:
        customer.redeem(code)
    invoice = customer.tenant.one(
        "ledger_create_invoice", currency="USD", lines=[{"description": "Map", "amount": "100"}]
    )
    assert amounts(invoice, "discount") == [D(amount) for amount in right]
