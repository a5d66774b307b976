"""What usage costs where plans, prices and subscriptions meet in a period.

Each life is billed in several rhythms: at the period's end alone, with interim invoices in between,
with usage that is reported only after the invoice, and as drafts. All of them come to the same sum.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

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
)
from support.subscriptions import Session, call, utc

START = "2025-04-01 00:00"
HALF = "2025-04-16 00:00"
END = "2025-05-01 00:00"
LATER = "2025-06-01 00:00"

RHYTHMS = ("end", "interim", "late", "late by interim", "drafts", "daily", "voided")

Price = Mapping[str, Any]


def D(text: str | int) -> Decimal:  # noqa: N802 -- short, because tables are made of it
    return Decimal(text)


def price(feature: str, model: str, **terms: Any) -> Price:
    return {"feature": feature, "model": model, **terms}


def per_unit(amount: str, feature: str = "calls", **terms: Any) -> Price:
    return price(feature, "per_unit", unit_amount=amount, **terms)


VOLUME = price(
    "calls", "volume", tiers=[{"up_to": "1000", "unit_amount": "0.10"}, {"unit_amount": "0.05"}]
)


@pytest.fixture
def conn(connect: Connect, set_clock: SetClock) -> Session:
    conn = connect(autocommit=True)
    carry_clock(conn, set_clock, START)
    for key, options in {
        "calls": {},
        "jobs": {"aggregation": "count"},
        "users": {"aggregation": "unique_count", "unique_key": "user"},
        "peak": {"aggregation": "max"},
        "level": {"aggregation": "latest"},
        "team": {"type": "seat"},
    }.items():
        make_feature(conn, key, **options)
    call(conn, "ledger_set_usage_skew", app_id="shop", skew="365 days")
    return conn


@pytest.fixture
def customer(conn: Session) -> Customer:
    return Customer(conn)


@dataclass
class Life:
    """What a customer does in a period from the first of April: changes, and usage by its time."""

    customer: Customer
    plan: str
    rhythm: str
    usage: list[tuple[str, str, int, dict[str, str] | None]] = field(default_factory=list)
    steps: list[tuple[str, Callable[[str], object]]] = field(default_factory=list)
    options: dict[str, Any] = field(default_factory=dict)
    id: str = ""

    def use(self, feature: str, quantity: int, at: str, **metadata: str) -> None:
        self.usage.append((at, feature, quantity, metadata or None))

    def change(self, at: str, plan: str) -> None:
        self.steps.append(
            (at, lambda key: self.customer.tenant.one("ledger_change_plan", id=key, plan_id=plan))
        )

    def do(self, at: str, function: str, **arguments: Any) -> None:
        self.steps.append((at, lambda key: self.customer.tenant.one(function, id=key, **arguments)))

    def report(self, usage: Sequence[tuple[str, str, int, dict[str, str] | None]]) -> None:
        for at, feature, quantity, metadata in usage:
            self.customer.tenant.one(
                "ledger_record_usage",
                feature_key=feature,
                quantity=quantity,
                event_at=utc(at),
                metadata=metadata,
            )

    def look(self) -> None:
        """Bills as the rhythm has it, in between."""
        if self.rhythm == "daily":
            self.customer.advance()
        elif self.rhythm == "drafts":
            self.customer.advance(invoices="draft")
        elif self.rhythm == "interim":
            self.interim()

    def interim(self, **options: Any) -> None:
        status = self.customer.tenant.get(self.id)["status"]
        if status in ("active", "paused") or options:
            invoice = self.customer.generate(self.id, kind="interim", **options)
            self.customer.finalize(invoice["id"])

    def live(self) -> None:
        self.customer.at(START)
        self.id = self.customer.tenant.create(self.plan, **self.options)["id"]
        is_late = self.rhythm.startswith("late")
        halves = (self.usage[::2], self.usage[1::2]) if is_late else (self.usage, [])
        times = sorted(
            {at for at, *_ in self.usage}
            | {at for at, _ in self.steps}
            | {f"2025-04-{day:02} 00:00" for day in range(1, 31)}
        )
        for at in times:
            self.customer.at(at)
            for when, step in self.steps:
                if when == at:
                    self.look()
                    step(self.id)
            self.report([event for event in halves[0] if event[0] == at])
            self.customer.at(utc(at) + timedelta(minutes=1))
            self.look()
        self.customer.at(END)
        if self.rhythm == "drafts":
            self.customer.advance(invoices="draft")
        self.customer.advance()
        if self.rhythm == "voided":
            self.void()
        if self.rhythm == "late by interim":
            for event in halves[1]:
                self.report([event])
                self.interim(at=utc(START))
        else:
            self.report(halves[1])
        self.customer.at(LATER)
        self.customer.advance()

    def void(self) -> None:
        (invoice,) = [
            row
            for row in self.customer.invoices()
            if row["kind"] == "period" and row["period_start"] == utc(START)
        ]
        if invoice["status"] != "paid":
            self.customer.void(invoice["id"])
            again = self.customer.generate(self.id, at=utc(START))
            self.customer.finalize(again["id"])

    def bill(self) -> dict[str, Decimal]:
        """Returns what April comes to by item and plan, whatever invoices it is on."""
        names: dict[str, list[Decimal]] = {}
        for invoice in self.customer.invoices():
            assert_adds_up(invoice)
            if invoice["status"] == "voided":
                continue
            assert invoice["status"] != "draft"
            for line in invoice["line_items"] or []:
                if datetime.fromisoformat(line["period_start"]) < utc(END):
                    names.setdefault(line["item"], []).append(D(line["amount"]))
        return {name: sum_of(found) for name, found in names.items()}


@pytest.fixture(params=RHYTHMS)
def rhythm(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def live(customer: Customer, rhythm: str) -> Callable[..., Life]:
    def start(*prices: Price, features: Sequence[Mapping[str, Any]] | None = None) -> Life:
        plan = make_plan(customer.conn, "one", prices=prices, features=features)
        return Life(customer, plan, rhythm)

    return start


Live = Callable[..., Life]


def billed(life: Life) -> dict[str, Decimal]:
    life.live()
    return life.bill()


# By share


def test_a_volume_price_goes_on_after_a_change(live: Live, conn: Session) -> None:
    life = live(VOLUME)
    life.use("calls", 900, "2025-04-03 10:20")
    life.change(HALF, make_plan(conn, "two", prices=[VOLUME]))
    life.use("calls", 200, "2025-04-20 10:40")
    assert billed(life) == {"calls": D(55)}


def test_a_volume_price_costs_its_share_after_another(live: Live, conn: Session) -> None:
    life = live(per_unit("0.01"))
    life.use("calls", 900, "2025-04-03 10:20")
    life.change(HALF, make_plan(conn, "two", prices=[VOLUME]))
    life.use("calls", 200, "2025-04-20 10:40")
    assert billed(life) == {"calls": D(19)}


def test_without_a_change_it_is_the_same(live: Live) -> None:
    life = live(VOLUME)
    life.use("calls", 900, "2025-04-03 10:20")
    life.use("calls", 200, "2025-04-20 10:40")
    assert billed(life) == {"calls": D(55)}


def test_packages_and_a_maximum_are_shared(live: Live, conn: Session) -> None:
    package = price("calls", "package", package_size="10", package_amount="100")
    most = per_unit("1", "jobs", maximum="6")
    life = live(package, most)
    life.use("calls", 60, "2025-04-03 10:20")
    life.change(HALF, make_plan(conn, "two", prices=[package, most]))
    life.use("calls", 61, "2025-04-20 10:40")
    for day in range(1, 10):
        life.use("jobs", 1, f"2025-04-{day:02} 01:00")
    assert billed(life) == {"calls": D(1300), "jobs": D(6)}


def test_what_a_price_asks_without_usage_is_asked_once(live: Live, conn: Session) -> None:
    flat = price("calls", "flat", flat_amount="7")
    tiered = price("jobs", "volume", tiers=[{"unit_amount": "1", "flat_amount": "3"}])
    most = per_unit("1", "users", minimum="5", maximum="6")
    life = live(flat, tiered, most)
    life.change(HALF, make_plan(conn, "two", prices=[flat, tiered, most]))
    assert billed(life) == {"calls": D(7), "jobs": D(3), "users": D(5)}


# Levels


def levels(conn: Session, amount: str) -> str:
    return make_plan(conn, "two", prices=[per_unit(amount, "peak"), per_unit(amount, "level")])


@pytest.mark.parametrize(("amount", "peak", "level"), [("30", "310", "77.5"), ("1", "20", "5")])
def test_a_level_is_shared_by_time(
    live: Live, conn: Session, amount: str, peak: str, level: str
) -> None:
    life = live(per_unit("1", "peak"), per_unit("1", "level"))
    for feature in ("peak", "level"):
        life.use(feature, 20, "2025-04-03 10:20")
        life.use(feature, 5, "2025-04-20 10:40")
    life.change(HALF, levels(conn, amount))
    assert billed(life) == {"peak": D(peak), "level": D(level)}


def test_a_level_in_a_pause_counts_for_nothing(live: Live) -> None:
    life = live(per_unit("1", "peak"), per_unit("1", "level"))
    for feature in ("peak", "level"):
        life.use(feature, 20, "2025-04-03 10:20")
        life.use(feature, 50, "2025-04-12 10:40")
    life.do("2025-04-11 00:00", "ledger_pause_subscription")
    life.do(HALF, "ledger_resume_subscription")
    assert billed(life) == {"peak": D(20), "level": D(20)}


# By difference


def test_a_price_by_difference_goes_on(live: Live, conn: Session) -> None:
    graduated = price(
        "calls",
        "graduated",
        tiers=[
            {"up_to": "10", "unit_amount": "10", "flat_amount": "2"},
            {"up_to": "20", "unit_amount": "5", "flat_amount": "3"},
            {"unit_amount": "5", "flat_amount": "3"},
        ],
    )
    users = per_unit("2", "users")
    life = live(graduated, users)
    life.use("calls", 11, "2025-04-03 10:20")
    life.use("calls", 10, "2025-04-20 10:40")
    for at, user in (("03", "ann"), ("04", "bob"), ("20", "ann"), ("21", "eve")):
        life.use("users", 1, f"2025-04-{at} 10:20", user=user)
    life.change(HALF, make_plan(conn, "two", prices=[graduated, users]))
    assert billed(life) == {"calls": D(163), "users": D(6)}


def test_usage_in_a_pause_is_free_and_counts(live: Live) -> None:
    life = live(per_unit("1"), {**VOLUME, "feature": "jobs"})
    for day in ("03", "12", "20"):
        life.use("calls", 10, f"2025-04-{day} 10:20")
        life.use("jobs", 10, f"2025-04-{day} 10:20")
    life.do("2025-04-11 00:00", "ledger_pause_subscription")
    life.do(HALF, "ledger_resume_subscription")
    assert billed(life) == {"calls": D(20), "jobs": D("0.20")}


# Minimums


@pytest.mark.parametrize(("before", "late", "total"), [(10, 10, 50), (10, 45, 55), (60, 5, 65)])
def test_late_usage_under_a_minimum_costs_nothing(
    customer: Customer, conn: Session, before: int, late: int, total: int
) -> None:
    plan = make_plan(conn, "one", prices=[per_unit("1", minimum="50")])
    subscription = customer.tenant.create(plan)["id"]
    customer.use("calls", before, "2025-04-03 10:20")
    customer.at(END)
    customer.advance()
    customer.use("calls", late, "2025-04-04 10:20")
    invoice = customer.generate(subscription, kind="interim", at=utc(START))
    first = customer.invoices()[0]["total"]
    assert first == max(before, 50)
    final = customer.finalize(invoice["id"])
    assert first + final["total"] == total
    customer.at(LATER)
    customer.advance()
    assert amounts(customer.invoices()[-1], "late_usage") == []


def test_a_minimum_is_the_first_plans(live: Live, conn: Session) -> None:
    life = live(per_unit("1", minimum="50"))
    life.use("calls", 10, "2025-04-03 10:20")
    life.use("calls", 30, "2025-04-20 10:40")
    life.use("calls", 2, "2025-04-05 10:20")
    life.use("calls", 5, "2025-04-21 10:40")
    life.change(HALF, make_plan(conn, "two", prices=[per_unit("1", minimum="50")]))
    assert billed(life) == {"calls": D(85)}


@pytest.mark.parametrize(
    ("terms", "total"),
    [
        (per_unit("1", "team", minimum="50"), 50),
        (price("team", "flat", flat_amount="50"), 50),
        (price("team", "graduated", tiers=[{"unit_amount": "1", "flat_amount": "50"}]), 50),
        (per_unit("1", "calls", minimum="50"), 50),
        (per_unit("1", "team"), 0),
    ],
)
@pytest.mark.parametrize("reported", [False, True])
def test_what_is_never_used_costs_its_minimum(
    live: Live, terms: Price, total: int, *, reported: bool
) -> None:
    life = live(terms)
    if reported:
        life.use(terms["feature"], 0, "2025-04-01 00:00")
    assert billed(life) == {terms["feature"]: D(total)}


# Seats


@pytest.mark.parametrize("before", ["trial", "other plan", "nothing"])
def test_seats_reported_late_for_a_time_before_the_price(
    customer: Customer, conn: Session, before: str
) -> None:
    seats = per_unit("10", "team")
    plan = make_plan(conn, "one", prices=[seats])
    if before == "trial":
        subscription = customer.tenant.create(plan, trial_days=15)["id"]
    elif before == "other plan":
        free = make_plan(conn, "free", features=[{"key": "team"}])
        subscription = customer.tenant.create(free)["id"]
        customer.at(HALF)
        customer.tenant.one("ledger_change_plan", id=subscription, plan_id=plan)
    else:
        customer.at(HALF)
        subscription = customer.tenant.create(plan)["id"]
    customer.use("team", 5, HALF if before == "trial" else "2025-04-20 00:00")
    customer.at("2025-05-16 00:00")
    customer.advance()
    expected = sum_of(amounts(row)[0] for row in customer.invoices())
    customer.use("team", 20, "2025-04-10 00:00")
    customer.at("2025-06-16 00:00")
    customer.advance()
    late = sum_of(amount for row in customer.invoices() for amount in amounts(row, "late_usage"))
    if before == "trial":
        assert (expected, late) == (50, 0)
    else:
        # Twenty seats, and not none, for the four days before the five were reported.
        first = customer.invoices()[0]
        days = (first["period_end"] - first["period_start"]).days
        assert late == (D(20 * 10 * 4) / days).quantize(D("0.01"))
    assert subscription


def test_a_late_report_of_seats_in_a_trial(customer: Customer, conn: Session) -> None:
    plan = make_plan(conn, "one", prices=[per_unit("10", "team")], trial_days=10)
    customer.tenant.create(plan)
    customer.use("team", 5, "2025-04-05 00:00")
    customer.at("2025-05-11 00:00")
    customer.advance()
    customer.use("team", 20, "2025-04-06 00:00")
    customer.at("2025-06-11 00:00")
    customer.advance()
    april = [line for row in customer.invoices() for line in lines(row)]
    assert sum_of(amount for *_, amount in april) == D(200 + 200)
