"""Changes in the middle of a period: whatever happens when, each day and each event is billed once.

The model knows a subscription as a list of changes, and what each day and each event of it costs.
Prices are such that usage needs no rounding; base fees are rounded as docs/billing.md says.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.clock import SetClock
from support.database import Connect
from support.exact import minus, plus, rounded, sum_of, times
from support.invoices import (
    Customer,
    amounts,
    assert_adds_up,
    carry_clock,
    make_feature,
    make_plan,
)
from support.properties import scaled
from support.subscriptions import Row, Session, utc

START = utc("2025-01-31 10:00")
CENTS = 2
HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Plan:
    amount: Decimal
    billed: str
    unit: Decimal


PLANS = {
    "small": Plan(Decimal(10), "advance", Decimal(1)),
    "large": Plan(Decimal(20), "advance", Decimal("0.5")),
    "same": Plan(Decimal(10), "advance", Decimal(1)),
    "odd": Plan(Decimal("7.77"), "advance", Decimal(3)),
    "later": Plan(Decimal("9.99"), "arrears", Decimal(2)),
}


@pytest.fixture
def conn(connect: Connect, set_clock: SetClock) -> Session:
    conn = connect(autocommit=True)
    carry_clock(conn, set_clock, START)
    make_feature(conn, "calls")
    return conn


@pytest.fixture
def plans(conn: Session) -> dict[str, str]:
    return {
        slug: make_plan(
            conn,
            slug,
            base={"amount": str(plan.amount), "billed": plan.billed},
            prices=[{"feature": "calls", "model": "per_unit", "unit_amount": str(plan.unit)}],
        )
        for slug, plan in PLANS.items()
    }


def boundary(number: int) -> datetime:
    """Returns the boundary of months that count from the 31st of January 2025."""
    year, month = divmod(number, 12)
    day = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month]
    return START.replace(year=2025 + year, month=month + 1, day=day)


@dataclass
class State:
    at: datetime
    plan: str
    quantity: int
    status: str


@dataclass(frozen=True)
class Part:
    since: datetime
    until: datetime
    plan: str
    quantity: int


@dataclass
class Model:
    """What happened to one subscription, and what that costs."""

    states: list[State] = field(default_factory=list)
    usage: list[tuple[datetime, int]] = field(default_factory=list)
    unused: str = "none"

    def at(self, at: datetime) -> State:
        return next(state for state in reversed(self.states) if state.at <= at)

    def charged(self, starts_at: datetime, ends_at: datetime) -> list[Part]:
        """Returns the parts of a period for which it is charged, in order."""
        parts: list[Part] = []
        ends = [state.at for state in self.states[1:]] + [ends_at]
        for state, end in zip(self.states, ends, strict=True):
            since, until = max(state.at, starts_at), min(end, ends_at)
            if since >= until:
                continue
            charged = state
            if state.status == "canceled" and self.unused == "none" and starts_at < since:
                # The money is that of going on to the period's end as it was.
                before = self.at(since - timedelta(microseconds=1))
                charged = before if PLANS[before.plan].billed == "advance" else state
            if charged.status == "active":
                parts.append(Part(since, until, charged.plan, charged.quantity))
        return parts

    def base(self, number: int) -> Decimal:
        """Returns what the base fee of a period comes to: each day costs what its end costs.

        A day that is dearer in between is forgiven once.
        """
        starts_at, ends_at = boundary(number), boundary(number + 1)
        parts = self.charged(starts_at, ends_at)
        days = (ends_at - starts_at).days
        total = Decimal(0)
        forgiven = False
        for day in range(days):
            begin = starts_at + timedelta(days=day)
            prices = [
                Fraction(PLANS[part.plan].amount) * part.quantity
                for part in parts
                if part.since < begin + timedelta(days=1) and part.until > begin
            ]
            if not prices:
                continue
            price = prices[-1]
            if max(prices) > max(prices[0], prices[-1]):
                price = max(prices) if forgiven else price
                forgiven = True
            until = rounded(price * (day + 1) / days, CENTS)
            total = plus(total, minus(until, rounded(price * day / days, CENTS)))
        return total

    def usage_amount(self) -> Decimal:
        return sum_of(times(PLANS[self.at(at).plan].unit, quantity) for at, quantity in self.usage)


STEPS = st.lists(
    st.tuples(
        st.integers(min_value=0, max_value=24 * 20),
        st.one_of(
            st.tuples(st.just("plan"), st.sampled_from(sorted(PLANS))),
            st.tuples(st.just("quantity"), st.integers(min_value=1, max_value=3)),
            st.tuples(st.just("pause"), st.none()),
            st.tuples(st.just("resume"), st.none()),
            st.tuples(st.just("use"), st.integers(min_value=1, max_value=9)),
            st.tuples(st.just("late"), st.integers(min_value=1, max_value=24 * 60)),
            st.tuples(st.just("advance"), st.none()),
            st.tuples(st.just("interim"), st.none()),
            st.tuples(st.just("again"), st.none()),
        ),
    ),
    max_size=14,
)


class Life:
    """One subscription lived in the database and in the model at once."""

    def __init__(self, conn: Session, plans: dict[str, str], tenant_id: str) -> None:
        self.customer = Customer(conn, tenant_id)
        self.plans = plans
        self.now = START
        self.customer.at(START)
        self.id = self.customer.tenant.create(plans["small"])["id"]
        self.model = Model([State(START, "small", 1, "active")])

    def step(self, hours: int, action: str, value: object) -> None:
        self.wait(hours)
        last = self.model.states[-1]
        getattr(self, action)(last, value)

    def wait(self, hours: int) -> None:
        self.now += HOUR * hours
        self.customer.at(self.now)

    def change(self, last: State, **changed: object) -> None:
        state = State(self.now, last.plan, last.quantity, last.status)
        for name, value in changed.items():
            setattr(state, name, value)
        self.model.states.append(state)

    def plan(self, last: State, slug: str) -> None:
        self.customer.tenant.one("ledger_change_plan", id=self.id, plan_id=self.plans[slug])
        self.change(last, plan=slug)

    def quantity(self, last: State, quantity: int) -> None:
        self.customer.tenant.one("ledger_update_subscription", id=self.id, quantity=quantity)
        self.change(last, quantity=quantity)

    def pause(self, last: State, _: object) -> None:
        self.customer.tenant.one("ledger_pause_subscription", id=self.id)
        self.change(last, status="paused")

    def resume(self, last: State, _: object) -> None:
        self.customer.tenant.one("ledger_resume_subscription", id=self.id)
        self.change(last, status="active")

    def use(self, last: State, quantity: int) -> None:
        self.customer.use("calls", quantity)
        if last.status == "active":
            self.model.usage.append((self.now, quantity))

    def late(self, last: State, hours: int) -> None:
        at = max(self.now - HOUR * hours, START)
        self.customer.use("calls", 7, at)
        if self.model.at(at).status == "active":
            self.model.usage.append((at, 7))

    def advance(self, *_: object) -> None:
        self.customer.advance()

    def interim(self, last: State, _: object) -> None:
        if last.status == "active":
            invoice = self.customer.generate(self.id, kind="interim")
            self.customer.finalize(invoice["id"])

    def again(self, *_: object) -> None:
        """Voids the period's invoice drawn up last and draws it up again."""
        self.customer.advance()
        periods = [
            invoice
            for invoice in self.customer.invoices()
            if invoice["kind"] == "period" and invoice["status"] != "voided"
        ]
        if periods:
            self.customer.void(periods[-1]["id"]) if periods[-1]["status"] != "paid" else None
            invoice = self.customer.generate(self.id, at=periods[-1]["period_start"])
            if invoice["status"] == "draft":
                self.customer.finalize(invoice["id"])

    def end(self, unused: str | None) -> None:
        """Cancels, at once or at the period's end, and draws up what is left."""
        # What happens at the very moment of the end is after it.
        self.wait(1)
        last = self.model.states[-1]
        if last.status == "paused":
            self.resume(last, None)
            last = self.model.states[-1]
        if unused is None:
            row = self.customer.tenant.one("ledger_cancel_subscription", id=self.id)
            self.now = row["cancel_at"]
            self.customer.at(self.now)
        else:
            self.customer.tenant.one(
                "ledger_cancel_subscription", id=self.id, at_period_end=False, unused_time=unused
            )
            self.model.unused = unused
        self.change(last, status="canceled")
        self.customer.advance()

    def standing(self) -> list[Row]:
        invoices = self.customer.invoices()
        for invoice in invoices:
            assert_adds_up(invoice)
        return [row for row in invoices if row["status"] != "voided"]


def billed_base(invoices: list[Row], number: int) -> Decimal:
    return sum_of(
        Decimal(line["amount"])
        for invoice in invoices
        for line in invoice["line_items"] or []
        if line["item"] == "base"
        and boundary(number) <= datetime.fromisoformat(line["period_start"]) < boundary(number + 1)
    )


@settings(max_examples=scaled(40))
@given(steps=STEPS, unused=st.sampled_from([None, "none", "credit", "refund"]))
def test_each_day_and_each_event_is_billed_once(
    conn: Session, plans: dict[str, str], steps: list[tuple[int, tuple[str, object]]], unused: str
) -> None:
    number = conn.execute("select count(*) from ledger_subscriptions").fetchone()
    assert number is not None
    life = Life(conn, plans, f"t{number[0]}")
    for hours, (action, value) in steps:
        life.step(hours, action, value)
    life.end(unused)

    invoices = life.standing()
    assert {invoice["status"] for invoice in invoices} <= {"pending", "past_due", "paid"}
    last = next(number for number in range(100) if life.now <= boundary(number + 1))
    for number in range(last + 1):
        assert billed_base(invoices, number) == life.model.base(number), number
    billed = sum_of(
        amount for invoice in invoices for amount in amounts(invoice, "usage", "late_usage")
    )
    assert billed == life.model.usage_amount()
    numbers = [invoice["number"] for invoice in life.customer.invoices()]
    assert len(numbers) == len(set(numbers))
