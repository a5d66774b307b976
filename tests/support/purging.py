"""Customers whose usage is purged while they are billed."""

from datetime import timedelta
from decimal import Decimal

from support.invoices import Customer, amounts, make_feature
from support.subscriptions import Session, call, utc

DAY = timedelta(days=1)
PER_CALL = {"feature": "calls", "model": "per_unit", "unit_amount": "1"}
PER_SEAT = {"feature": "team", "model": "per_unit", "unit_amount": "30"}


def set_up(conn: Session, app_id: str = "shop") -> None:
    make_feature(conn, "calls", app_id)
    make_feature(conn, "team", app_id, type="seat")
    call(conn, "ledger_set_usage_skew", app_id=app_id, skew="365 days")


def purge(conn: Session, before: str, app_id: str = "shop", at_once: int = 10_000) -> int:
    purged = 0
    while True:
        row = conn.execute(
            "select ledger_purge_usage(%s, %s, %s)", [app_id, utc(before), at_once]
        ).fetchone()
        assert row is not None
        if row[0] == 0:
            return purged
        purged += row[0]


def events_left(conn: Session, app_id: str = "shop") -> int:
    row = conn.execute(
        "select count(*) from ledger_usage_events where app_id = %s", [app_id]
    ).fetchone()
    assert row is not None
    return int(row[0])


def late(customer: Customer) -> list[Decimal]:
    return [amount for row in customer.invoices() for amount in amounts(row, "late_usage")]


def billed(customer: Customer) -> Decimal:
    return sum((row["total"] for row in customer.invoices()), Decimal(0))
