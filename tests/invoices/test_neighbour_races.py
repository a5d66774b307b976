"""Two subscriptions of one tenant that price the same feature, and two sessions at once.

What a life comes to does not depend on who was first: neither on the order in which two calls were
made, nor on whether one of them was made while the other's transaction was open.
"""

import contextlib
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import combinations, count, product
from typing import Any

import pytest

from pgledger import errors
from support.at_once import PATIENCE
from support.clock import SetClock
from support.database import Connect
from support.exact import sum_of
from support.invoices import Customer, carry_clock, make_feature, make_plan
from support.subscriptions import Session, assert_consistent, call, utc

START = "2025-04-01 00:00"
# Who changes something begins in one period and commits in the next one, in which others bill.
BEFORE, NEXT = "2025-04-30 23:00", "2025-04-30 23:10"
BILLED, AFTER = "2025-05-01 00:05", "2025-05-01 00:06"
LATER = ("2025-06-01 00:05", "2025-07-01 00:05")


@dataclass
class Life:
    """A tenant of an app of its own, with a plan and an add-on."""

    conn: Session
    app_id: str
    priority: int
    plans: dict[str, str] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)

    def customer(self, conn: Session) -> Customer:
        return Customer(conn, "t1", self.app_id)

    def begin(self) -> None:
        make_feature(self.conn, "calls", self.app_id)
        call(self.conn, "ledger_set_usage_skew", app_id=self.app_id, skew="365 days")
        plans: list[tuple[str, str, str | None, dict[str, Any]]] = [
            ("plan", "30", "0.10", {}),
            ("other-plan", "60", "0.30", {}),
            ("free", "0", None, {}),
            ("extra", "3", "0.50", {"add_on": True, "priority": self.priority}),
            ("other-extra", "6", "0.70", {"add_on": True, "priority": self.priority}),
            ("first", "0", "1.10", {"add_on": True, "priority": -9}),
        ]
        for slug, amount, price, options in plans:
            self.plans[slug] = make_plan(
                self.conn,
                slug,
                amount=amount,
                base={"proration": "second"},
                prices=[{"feature": "calls", "model": "per_unit", "unit_amount": price}]
                if price
                else [],
                app_id=self.app_id,
                **options,
            )
        customer = self.customer(self.conn)
        customer.at(START)
        for slug in ("plan", "extra"):
            self.ids[slug] = customer.tenant.create(self.plans[slug])["id"]
        customer.advance()
        for number, at in enumerate(
            ("2025-04-03 10:20", "2025-04-30 22:50", "2025-04-30 23:30", "2025-05-01 00:01")
        ):
            customer.use("calls", 10**number, at)

    def bill(self) -> dict[str, Decimal]:
        """Bills all that is left, and returns what everything has come to."""
        customer = self.customer(self.conn)
        for at in (BILLED, *LATER):
            customer.at(at)
            customer.advance()
        # What has ended or is paused has nothing due that would make its drafts final.
        for draft in sorted(customer.invoices("draft"), key=lambda row: row["period_start"]):
            customer.finalize(draft["id"])
        for subscription in customer.tenant.page():
            if subscription["status"] == "canceled":
                # What has ended bills what came late when it is asked to.
                april = utc("2025-04-15 00:00")
                invoice = customer.generate(subscription["id"], kind="interim", at=april)
                customer.finalize(invoice["id"])
        found: dict[str, list[Decimal]] = {}
        for invoice in customer.invoices():
            assert invoice["status"] != "draft"
            for line in invoice["line_items"] or []:
                found.setdefault(line["item"], []).append(Decimal(line["amount"]))
        return {item: sum_of(found[item]) for item in sorted(found)}


Move = Callable[[Life, Customer], object]
Sessions = tuple[Session, Session]


def on(which: str, function: str, **arguments: Any) -> Move:
    def move(life: Life, customer: Customer) -> object:
        given = {**arguments}
        if "plan_id" in given:
            given["plan_id"] = life.plans[given["plan_id"]]
        return customer.tenant.one(f"ledger_{function}", id=life.ids[which], **given)

    return move


def use(_: Life, customer: Customer) -> None:
    customer.use("calls", 10_000, "2025-04-30 23:45")


def interim(which: str) -> Move:
    def move(life: Life, customer: Customer) -> None:
        invoice = customer.generate(life.ids[which], kind="interim", at=utc("2025-04-15 00:00"))
        customer.finalize(invoice["id"])

    return move


CHANGES: dict[str, Move] = {
    "change plan": on("plan", "change_plan", plan_id="other-plan"),
    "free plan": on("plan", "change_plan", plan_id="free"),
    "cancel plan": on("plan", "cancel_subscription", at_period_end=False, unused_time="credit"),
    "pause plan": on("plan", "pause_subscription"),
    "change extra": on("extra", "change_plan", plan_id="other-extra"),
    "cancel extra": on("extra", "cancel_subscription", at_period_end=False, unused_time="credit"),
    "pause extra": on("extra", "pause_subscription"),
    "another": lambda life, customer: customer.tenant.create(life.plans["first"]),
    "use": use,
}
BILLS: dict[str, Move] = {
    "advance": lambda _, customer: customer.advance(),
    "advance to drafts": lambda _, customer: customer.advance(invoices="draft"),
    "interim of plan": interim("plan"),
    "interim of extra": interim("extra"),
}
MOVES = CHANGES | BILLS


@pytest.fixture
def conn(connect: Connect, set_clock: SetClock) -> Session:
    conn = connect(autocommit=True, **PATIENCE)
    carry_clock(conn, set_clock, START)
    return conn


@pytest.fixture
def begin(conn: Session) -> Callable[[int], Life]:
    numbers = count()

    def start(priority: int) -> Life:
        life = Life(conn, f"app-{next(numbers)}", priority)
        life.begin()
        return life

    return start


Step = tuple[str, str]


def make(life: Life, session: Session, step: Step) -> None:
    """Makes a move, which may find that the other one has left nothing to move."""
    name, at = step
    customer = life.customer(session)
    customer.at(at)
    with contextlib.suppress(errors.InvalidState), session.transaction():
        MOVES[name](life, customer)


def one_after_the_other(life: Life, sessions: Sessions, steps: Sequence[Step]) -> None:
    for step in steps:
        make(life, sessions[0], step)
        sessions[0].commit()


def one_inside_the_other(life: Life, sessions: Sessions, steps: Sequence[Step]) -> None:
    """Makes the second move while the first one's transaction is open."""
    outer, inner = sessions
    make(life, outer, steps[0])
    with ThreadPoolExecutor(1) as pool:
        moving = pool.submit(make, life, inner, steps[1])
        while not moving.done():
            row = life.conn.execute(
                "select %s = any (pg_blocking_pids(%s))",
                [outer.info.backend_pid, inner.info.backend_pid],
            ).fetchone()
            if row == (True,):
                break
            time.sleep(0.002)
        if moving.done():
            inner.commit()
        outer.commit()
        moving.result(timeout=60)
        inner.commit()


ORDERS = {"after": one_after_the_other, "inside": one_inside_the_other}


def differences(
    begin: Callable[[int], Life],
    connect: Connect,
    cases: Sequence[Sequence[tuple[str, Sequence[Step]]]],
) -> list[Any]:
    """Returns the cases whose orders of the same steps come to different money."""
    sessions = (connect(**PATIENCE), connect(**PATIENCE))
    found = []
    for orders, priority in product(cases, (1, -1)):
        bills = []
        for order, steps in orders:
            life = begin(priority)
            ORDERS[order](life, sessions, steps)
            bills.append(life.bill())
        if any(bill != bills[0] for bill in bills):
            found.append((priority, list(zip(orders, bills, strict=True))))
    return found


@pytest.mark.slow
@pytest.mark.parametrize("change", CHANGES)
def test_a_change_just_before_the_invoice(
    conn: Session, connect: Connect, begin: Callable[[int], Life], change: str
) -> None:
    """It begins in one period, and commits when others already bill that."""
    steps = [[(change, BEFORE), (bill, BILLED)] for bill in BILLS]
    cases = [[("after", pair), ("inside", pair)] for pair in steps]
    assert differences(begin, connect, cases) == []
    assert_consistent(conn)


@pytest.mark.slow
@pytest.mark.parametrize("change", CHANGES)
def test_a_change_just_after_the_invoice(
    conn: Session, connect: Connect, begin: Callable[[int], Life], change: str
) -> None:
    steps = [[(bill, BILLED), (change, AFTER)] for bill in BILLS]
    cases = [[("after", pair), ("inside", pair), ("inside", pair[::-1])] for pair in steps]
    assert differences(begin, connect, cases) == []
    assert_consistent(conn)


@pytest.mark.slow
def test_two_invoices_at_once(
    conn: Session, connect: Connect, begin: Callable[[int], Life]
) -> None:
    steps = [[(first, BILLED), (second, BILLED)] for first, second in combinations(BILLS, 2)]
    cases = [[(order, pair) for order in ORDERS for pair in (both, both[::-1])] for both in steps]
    assert differences(begin, connect, cases) == []
    assert_consistent(conn)


@pytest.mark.slow
@pytest.mark.parametrize("change", CHANGES)
def test_two_changes_at_once(
    conn: Session, connect: Connect, begin: Callable[[int], Life], change: str
) -> None:
    # Two changes of one subscription wait for each other.
    others = [other for other in CHANGES if other.split()[-1] != change.rsplit(maxsplit=1)[-1]]
    steps = [[(change, BEFORE), (other, NEXT)] for other in others]
    cases = [[("after", pair), ("inside", pair)] for pair in steps]
    assert differences(begin, connect, cases) == []
    assert_consistent(conn)
