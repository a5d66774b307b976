"""Usage that several subscriptions of a tenant have a price for, and prices for a part of a period."""

from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from pgledger import errors
from support.clock import SetClock
from support.database import Connect
from support.exact import sum_of
from support.invoices import Customer, carry_clock, make_feature, make_plan
from support.subscriptions import Session, call, utc

START = "2025-04-01 00:00"
HALF = "2025-04-16 00:00"
END = "2025-05-01 00:00"

CALL = {"feature": "calls", "model": "per_unit", "unit_amount": "0.01"}
RHYTHMS = ("end", "interim", "late", "drafts", "daily")


def D(text: str | int) -> Decimal:  # noqa: N802 -- short, because tables are made of it
    return Decimal(text)


@pytest.fixture
def conn(connect: Connect, set_clock: SetClock) -> Session:
    conn = connect(autocommit=True)
    carry_clock(conn, set_clock, START)
    make_feature(conn, "calls")
    make_feature(conn, "team", type="seat")
    make_feature(conn, "peak", aggregation="max")
    call(conn, "ledger_set_usage_skew", app_id="shop", skew="365 days")
    return conn


@pytest.fixture
def customer(conn: Session) -> Customer:
    return Customer(conn)


def soft(limit: str, feature: str = "calls") -> Mapping[str, Any]:
    return {"key": feature, "limit": limit, "soft_limit": True}


def bills(customer: Customer, *items: str) -> dict[str, Decimal]:
    """Returns what each subscription has billed of the items, by its id."""
    found: dict[str, list[Decimal]] = {}
    for invoice in customer.invoices():
        if invoice["status"] in ("draft", "voided"):
            continue
        for line in invoice["line_items"] or []:
            if line["item"] in items:
                found.setdefault(invoice["subscription_id"], []).append(D(line["amount"]))
                assert (line["basis"] or {}).get("billed_by") in (None, invoice["subscription_id"])
    return {key: sum_of(amounts) for key, amounts in found.items()}


def live(
    customer: Customer,
    rhythm: str,
    usage: dict[str, int],
    feature: str = "calls",
    steps: Mapping[int, Callable[[], object]] | None = None,
) -> None:
    """Uses so much at these times, and bills April as the rhythm has it."""
    late = dict(list(usage.items())[1::2]) if rhythm == "late" else {}
    for day in range(1, 31):
        customer.at(f"2025-04-{day:02} 12:00")
        if steps and day in steps:
            steps[day]()
        for at, quantity in usage.items():
            if at not in late and at[:10] == f"2025-04-{day:02}":
                customer.use(feature, quantity, at)
        if rhythm == "interim" and day % 7 == 0:
            for row in customer.tenant.rows("ledger_list_subscriptions"):
                if row["status"] == "active":
                    invoice = customer.generate(row["id"], kind="interim")
                    customer.finalize(invoice["id"])
        elif rhythm == "drafts":
            customer.advance(invoices="draft")
        elif rhythm == "daily":
            customer.advance()
    customer.at("2025-05-02 00:00")
    customer.advance()
    # What has ended has nothing due that would make its drafts final.
    for draft in customer.invoices("draft"):
        customer.finalize(draft["id"])
    for at, quantity in late.items():
        customer.use(feature, quantity, at)
    customer.at("2025-06-02 00:00")
    customer.advance()


@pytest.mark.parametrize("rhythm", RHYTHMS)
def test_an_add_on_without_a_price_adds_to_the_allowance(
    customer: Customer, conn: Session, rhythm: str
) -> None:
    plan = make_plan(conn, "plan", prices=[CALL], features=[soft("1000")])
    extra = make_plan(conn, "extra", features=[soft("5000")], add_on=True)
    subscription = customer.tenant.create(plan)["id"]
    customer.tenant.create(extra)
    live(customer, rhythm, {"2025-04-03 10:20": 2500, "2025-04-20 10:40": 4000})
    assert bills(customer, "calls") == {subscription: D(5)}
    (entitlement,) = customer.tenant.rows("ledger_check_entitlement", feature_key="calls")
    assert entitlement["limit"] == 6000


@pytest.mark.parametrize("rhythm", RHYTHMS)
@pytest.mark.parametrize(("priority", "winner"), [(0, 0), (1, 0), (-1, 1)])
def test_one_subscription_bills_usage(
    customer: Customer, conn: Session, rhythm: str, priority: int, winner: int
) -> None:
    plan = make_plan(conn, "plan", prices=[CALL])
    dear = {**CALL, "unit_amount": "0.02"}
    extra = make_plan(conn, "extra", prices=[dear], add_on=True, priority=priority)
    both = [customer.tenant.create(plan)["id"], customer.tenant.create(extra)["id"]]
    live(customer, rhythm, {"2025-04-03 10:20": 500, "2025-04-20 10:40": 500})
    assert bills(customer, "calls") == {both[winner]: D(10 + 10 * winner)}


@pytest.mark.parametrize("rhythm", RHYTHMS)
def test_an_add_on_bills_its_time(customer: Customer, conn: Session, rhythm: str) -> None:
    """Until it is cancelled. What it bills counts for the allowance of the plan, too."""
    plan = make_plan(conn, "plan", prices=[CALL], features=[soft("1000")])
    extra = make_plan(conn, "extra", prices=[CALL], add_on=True, priority=-1)
    main = customer.tenant.create(plan)["id"]
    added = customer.tenant.create(extra)["id"]
    live(
        customer,
        rhythm,
        {"2025-04-03 10:20": 900, "2025-04-20 10:40": 300},
        steps={11: lambda: customer.tenant.cancel(added, at_period_end=False)},
    )
    assert bills(customer, "calls") == {added: D(9), main: D(2)}


@pytest.mark.parametrize("rhythm", RHYTHMS)
@pytest.mark.parametrize(("feature", "amount"), [("team", 5), ("peak", 5)])
def test_seats_and_levels_have_one_biller_at_a_time(
    customer: Customer, conn: Session, rhythm: str, feature: str, amount: int
) -> None:
    price = {"feature": feature, "model": "per_unit", "unit_amount": "1"}
    plan = make_plan(conn, "plan", prices=[price])
    extra = make_plan(conn, "extra", prices=[price], add_on=True, priority=-1)
    main = customer.tenant.create(plan)["id"]
    customer.use(feature, 10, START)
    customer.at(HALF)
    added = customer.tenant.create(extra, anchor_at=utc(START))["id"]
    customer.use(feature, 10, HALF)
    live(customer, rhythm, {}, feature)
    found = {
        key: sum_of(
            D(line["amount"])
            for invoice in customer.invoices()
            if invoice["subscription_id"] == key and invoice["status"] != "voided"
            for line in invoice["line_items"] or []
            if datetime.fromisoformat(line["period_start"]) < utc(END)
        )
        for key in (main, added)
    }
    # A level is the subscription's own: each has the whole of its own active time.
    assert found == {main: D(amount if feature == "team" else 10), added: found[added]}
    assert found[added] == (D(amount) if feature == "team" else D(10))


@pytest.mark.parametrize("billed", [False, True])
def test_one_from_the_past_takes_over_what_was_not_billed(
    customer: Customer, conn: Session, *, billed: bool
) -> None:
    plan = make_plan(conn, "plan", prices=[CALL])
    dear = {**CALL, "unit_amount": "0.02"}
    extra = make_plan(conn, "extra", prices=[dear], add_on=True, priority=-1)
    main = customer.tenant.create(plan)["id"]
    for at in ("2025-04-20 10:20", "2025-05-10 10:40"):
        customer.at(at)
        customer.use("calls", 1000)
    customer.at("2025-05-20 00:00")
    if billed:
        customer.advance()
    added = customer.tenant.create(extra, started_at=utc(HALF))["id"]
    customer.advance()
    # Late usage of April stays with who has billed April.
    customer.use("calls", 100, "2025-04-21 10:20")
    for at in ("2025-06-02 00:00", "2025-07-02 00:00"):
        customer.at(at)
        customer.advance()
    total = bills(customer, "calls")
    if billed:
        assert total == {main: D(11), added: D(20)}
    else:
        assert total == {main: D(0), added: D(42)}


def test_a_priority_that_changes_leaves_what_was_billed(customer: Customer, conn: Session) -> None:
    plan = make_plan(conn, "plan", prices=[CALL])
    extra = make_plan(conn, "extra", prices=[{**CALL, "unit_amount": "0.02"}], add_on=True)
    main = customer.tenant.create(plan)["id"]
    added = customer.tenant.create(extra)["id"]
    customer.use("calls", 1000)
    customer.at("2025-05-10 00:00")
    customer.advance()
    (row,) = call(conn, "ledger_update_plan", app_id="shop", id=extra, priority=-5)
    assert (row["priority"], row["version"]) == (-5, 2)
    (row,) = call(conn, "ledger_update_plan", app_id="shop", id=extra, priority=-5)
    assert row["version"] == 2
    for at in ("2025-05-11 00:00", "2025-06-11 00:00"):
        customer.at(at)
        customer.use("calls", 1000)
    customer.use("calls", 100, "2025-04-02 00:00")
    customer.at("2025-07-02 00:00")
    customer.advance()
    assert bills(customer, "calls") == {main: D(21), added: D(20)}


def test_a_priority_is_given(conn: Session) -> None:
    with pytest.raises(errors.NullArgument, match="priority"):
        make_plan(conn, "plan", prices=[CALL], priority=None)


def test_a_plan_cannot_be_repeated_with_another_priority(conn: Session) -> None:
    plan = make_plan(conn, "plan", prices=[CALL], priority=3)
    with pytest.raises(errors.IdempotencyConflict):
        make_plan(conn, "plan", prices=[CALL], priority=4, id=plan)
    assert make_plan(conn, "plan", prices=[CALL], priority=3, id=plan) == plan


# A part of a period

MINIMUM = {"feature": "calls", "model": "per_unit", "unit_amount": "1", "minimum": "30"}
FLAT = {"feature": "calls", "model": "flat", "flat_amount": "30"}
TIERED = {
    "feature": "calls",
    "model": "graduated",
    "tiers": [{"unit_amount": "1", "flat_amount": "30"}],
}


@pytest.mark.parametrize("terms", [MINIMUM, FLAT, TIERED])
@pytest.mark.parametrize(
    ("prorated", "proration", "total"),
    [(False, "day", "30"), (None, "day", "30"), (True, "day", "11"), (True, "second", "10.5")],
)
@pytest.mark.parametrize("interim", [False, True])
def test_a_part_of_a_period_costs_its_part(
    customer: Customer,
    conn: Session,
    terms: Mapping[str, Any],
    prorated: bool | None,
    proration: str,
    total: str,
    *,
    interim: bool,
) -> None:
    plan = make_plan(
        conn, "plan", base={"proration": proration}, prices=[{**terms, "prorated": prorated}]
    )
    subscription = customer.tenant.create(plan)["id"]
    if interim:
        customer.at("2025-04-05 00:00")
        customer.finalize(customer.generate(subscription, kind="interim")["id"])
    customer.at("2025-04-11 12:00")
    customer.tenant.one("ledger_cancel_subscription", id=subscription, at_period_end=False)
    customer.advance()
    assert bills(customer, "calls") == {subscription: D(total)}


def test_a_pause_is_no_part_of_it_and_a_whole_period_is_whole(
    customer: Customer, conn: Session
) -> None:
    plan = make_plan(conn, "plan", prices=[{**MINIMUM, "prorated": True}])
    two = make_plan(conn, "two", prices=[{**MINIMUM, "prorated": True}])
    subscription = customer.tenant.create(plan)["id"]
    customer.at("2025-04-11 12:00")
    customer.tenant.one("ledger_pause_subscription", id=subscription)
    customer.at("2025-04-16 12:00")
    customer.tenant.one("ledger_resume_subscription", id=subscription)
    customer.at(END)
    customer.advance()
    # Eleven days and fifteen.
    assert bills(customer, "calls") == {subscription: D(26)}
    customer.at("2025-05-10 00:00")
    customer.tenant.change_plan(subscription, two)
    customer.at("2025-06-01 00:00")
    customer.advance()
    assert bills(customer, "calls") == {subscription: D(26 + 30)}


@pytest.mark.parametrize("prorated", ["true", 1, [], {}])
def test_prorated_is_true_or_false(conn: Session, prorated: object) -> None:
    with pytest.raises(errors.InvalidPlan, match=r"prices\[0\]\.prorated"):
        make_plan(conn, "plan", prices=[{**MINIMUM, "prorated": prorated}])
