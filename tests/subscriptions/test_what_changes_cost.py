"""What a change, an end or a start costs, worked by hand: day by day, and all at once."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from support.clock import SetClock
from support.database import Connect
from support.invoices import Customer, carry_clock, make_plan
from support.subscriptions import Session, utc

Life = list[tuple[str, Callable[[Any], Any]]]


@pytest.fixture
def session(connect: Connect, set_clock: SetClock) -> Session:
    conn = connect(autocommit=True)
    carry_clock(conn, set_clock, "2025-01-01 00:00")
    return conn


@pytest.fixture
def plans(session: Session) -> dict[str, str]:
    return {
        "month": make_plan(session, "month", amount="10"),
        "year": make_plan(session, "year", amount="1200", base={"interval": "year"}),
        "cheap": make_plan(session, "cheap", amount="120", base={"interval": "year"}),
        "dear": make_plan(session, "dear", amount="12000", base={"interval": "year"}),
        "trial": make_plan(session, "trial", amount="31", trial_days=10),
    }


def billed(session: Session, life: Life, days: list[str], tenant: str, **created: Any) -> Decimal:
    """Lets a tenant live that life, with ledger_advance on those days, and sums its invoices."""
    customer = Customer(session, tenant)
    customer.at("2025-01-01 00:00")
    identifier = customer.tenant.create(**created)["id"]
    moves = dict(life)
    for at in sorted({*moves, *days}):
        customer.at(at)
        if at in moves:
            moves[at](lambda name, **given: customer.tenant.one(
                f"ledger_{name}", id=identifier, **given
            ))  # fmt: skip
        if at in days:
            customer.advance()
    total = sum((invoice["total"] for invoice in customer.invoices()), Decimal(0))
    assert not customer.invoices("draft")
    return total


EVERY = [
    *(
        f"2025-{month:02}-{day:02} 00:00"
        for month in range(1, 13)
        for day in (1, 5, 10, 15, 20, 25)
    ),
    "2026-01-01 00:00",
    "2026-02-01 00:00",
]
RHYTHMS = [EVERY, [*EVERY[::6], "2026-02-01 00:00"], ["2026-02-01 00:00"]]


@pytest.mark.parametrize("days", RHYTHMS, ids=["often", "monthly", "at last"])
def test_a_cancellation_that_moves_with_the_period(session, plans, days):
    """14 of 31 days of the month, and the year; it ends on its last day."""
    life: Life = [
        ("2025-01-10 00:00", lambda do: do("cancel_subscription")),
        ("2025-01-15 00:00", lambda do: do("change_plan", plan_id=plans["year"])),
    ]
    total = billed(session, life, days, "t1", plan_id=plans["month"])
    assert total == Decimal("4.52") + Decimal("1200.00")
    (row,) = Customer(session).tenant.page()
    assert (row["cancel_at"], row["ended_at"]) == (utc("2026-01-15 00:00"),) * 2


@pytest.mark.parametrize("days", RHYTHMS, ids=["often", "monthly", "at last"])
def test_from_a_year_back_to_a_month(session, plans, days):
    """Five days of the year, and one month."""
    life: Life = [
        ("2025-01-10 00:00", lambda do: do("cancel_subscription")),
        ("2025-01-15 00:00", lambda do: do("change_plan", plan_id=plans["year"])),
        ("2025-01-20 00:00", lambda do: do("change_plan", plan_id=plans["month"])),
    ]
    total = billed(session, life, days, "t1", plan_id=plans["month"])
    assert total == Decimal("4.52") + Decimal("16.44") + Decimal("10.00")


@pytest.mark.parametrize("days", RHYTHMS, ids=["often", "monthly", "at last"])
@pytest.mark.parametrize("unused_time", [None, "refund"])
def test_a_fixed_end(session, plans, days, unused_time):
    """Up to Feb 15: January, and 14 of 28 days; whenever it is named, and though a plan changes."""
    for number, named in enumerate(("2025-01-10 00:00", "2025-02-10 00:00")):
        life: Life = [
            (
                named,
                lambda do: do(
                    "cancel_subscription",
                    cancel_at=utc("2025-02-15 00:00"),
                    unused_time=unused_time,
                ),
            ),
        ]
        total = billed(session, life, days, f"t{number}", plan_id=plans["month"])
        assert total == Decimal("15.00")
    life = [
        *life,
        ("2025-02-12 00:00", lambda do: do("change_plan", plan_id=plans["year"])),
    ]
    total = billed(session, life, days, "t9", plan_id=plans["month"])
    # 11 of 28 days of the month, 3 of 365 of the year.
    assert total == Decimal("10.00") + Decimal("3.93") + Decimal("9.86")


@pytest.mark.parametrize("days", RHYTHMS, ids=["often", "monthly", "at last"])
def test_a_change_within_a_year_is_asked_for_at_once(session, plans, days):
    life: Life = [("2025-02-01 00:00", lambda do: do("change_plan", plan_id=plans["dear"]))]
    total = billed(session, life, days, "t1", plan_id=plans["cheap"])
    customer = Customer(session)
    found = {
        invoice["kind"]: invoice["total"]
        for invoice in customer.invoices()
        if invoice["period_start"] < utc("2026-01-01 00:00")
    }
    if days is EVERY:
        assert found == {
            "start": Decimal("120.00"),
            "change": Decimal("10871.01"),
            "period": Decimal("12000.00"),
        }
    assert total == Decimal("10991.01") + Decimal("12000.00")


def trial_ends_on(day: str) -> Callable[[Any], Any]:
    return lambda do: do("set_trial_end", trial_end=day + "Z")


@pytest.mark.parametrize("days", RHYTHMS, ids=["often", "monthly", "at last"])
def test_a_trial_that_was_moved(session, plans, days):
    """31 a month from where the trial ends, whether that came later or sooner."""
    for number, (end, months) in enumerate((("2025-12-01", 3), ("2025-01-06", 13))):
        life: Life = [("2025-01-05 00:00", trial_ends_on(end))]
        total = billed(session, life, days, f"t{number}", plan_id=plans["trial"])
        assert total == 31 * months


@pytest.mark.parametrize("days", RHYTHMS, ids=["often", "monthly", "at last"])
def test_a_start_that_was_to_come(session, plans, days):
    """From Nov 10: three periods up to Feb 10, at the plan it had when it began."""
    life: Life = [
        ("2025-05-01 00:00", lambda do: do("change_plan", plan_id=plans["year"])),
        ("2025-06-01 00:00", lambda do: do("change_plan", plan_id=plans["month"])),
        ("2025-07-01 00:00", lambda do: do("update_subscription", quantity=2)),
    ]
    total = billed(
        session, life, days, "t1", plan_id=plans["month"], started_at=utc("2025-11-10 00:00")
    )
    assert total == Decimal("60.00")
