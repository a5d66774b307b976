"""``ledger_advance`` refuses to run further than a span beyond what it has seen, unless told."""

from datetime import datetime, timedelta
from typing import Any

import psycopg
import pytest

from pgledger import Billing, errors
from support.clock import SetClock
from support.database import Connect
from support.invoices import carry_clock, make_plan, put_clock
from support.subscriptions import Tenant, utc

Session = psycopg.Connection[Any]

BEGIN = utc("2026-01-01 00:00")
DAY = timedelta(days=1)


def seen(conn: Session, app_id: str = "shop") -> datetime | None:
    row = conn.execute(
        "select newest_at from pgledger.advance_runs where app_id = %s", [app_id]
    ).fetchone()
    return None if row is None else row[0]


def finals(conn: Session) -> int:
    row = conn.execute("select count(*) from ledger_invoices where status <> 'draft'").fetchone()
    assert row is not None
    return row[0]


@pytest.fixture
def billing(connect: Connect, set_clock: SetClock) -> Billing:
    """A monthly subscription that began on January 1, and a clock of the session's own."""
    conn = connect(autocommit=True)
    carry_clock(conn, set_clock, BEGIN)
    Tenant(conn).create(make_plan(conn, "pro", amount="10"))
    return Billing(conn)


def test_a_clock_that_jumped_makes_no_invoice_final(billing: Billing) -> None:
    conn = billing.conn
    billing.advance("shop")
    before = finals(conn)
    put_clock(conn, BEGIN + timedelta(days=400))
    for _ in range(2):
        with pytest.raises(errors.AdvanceTooFar) as refused:
            billing.advance("shop")
    message = str(refused.value)
    for part in ("'shop'", "2026-01-01 00:00:00+00", "2027-02-05 00:00:00+00", "32 days"):
        assert part in message
    assert "max_span" in (refused.value.diag.message_hint or "")
    assert finals(conn) == before
    assert seen(conn) == BEGIN
    put_clock(conn, BEGIN + DAY)
    assert billing.advance("shop") == []


def test_before_the_first_run_the_newest_subscription_is_what_was_seen(billing: Billing) -> None:
    conn = billing.conn
    put_clock(conn, BEGIN + timedelta(days=400))
    with pytest.raises(errors.AdvanceTooFar, match="2026-01-01 00:00:00"):
        billing.advance("shop")
    assert finals(conn) == 0
    # Where customers still come, nothing has jumped: nobody had called it.
    Tenant(conn, "newcomer").create(plan_id(conn))
    assert billing.advance("shop")


def plan_id(conn: Session) -> str:
    row = conn.execute("select id from ledger_plans where app_id = 'shop'").fetchone()
    assert row is not None
    return row[0]


def test_a_monthly_run_needs_no_word(billing: Billing) -> None:
    for day in (0, 31, 59, 90, 120, 151):
        put_clock(billing.conn, BEGIN + day * DAY + timedelta(minutes=day))
        billing.advance("shop")
    assert finals(billing.conn) == 6


@pytest.mark.parametrize(
    ("span", "refused"),
    [
        (timedelta(days=32), True),
        (timedelta(days=100) - timedelta(microseconds=1), True),
        (timedelta(days=100), False),
        (timedelta(days=10_000), False),
        (None, False),
    ],
)
def test_a_standstill_is_told_once(billing: Billing, span: timedelta | None, refused: bool) -> None:
    conn = billing.conn
    billing.advance("shop")
    put_clock(conn, BEGIN + 100 * DAY)
    if refused:
        with pytest.raises(errors.AdvanceTooFar):
            billing.advance("shop", max_span=span)
        return
    assert billing.advance("shop", max_span=span)
    assert seen(conn) == BEGIN + 100 * DAY
    assert billing.advance("shop") == []
    put_clock(conn, BEGIN + 130 * DAY)
    billing.advance("shop")


def test_what_was_seen_never_goes_back_and_is_written_once_an_hour(billing: Billing) -> None:
    conn = billing.conn
    for after, expected in (
        (timedelta(0), timedelta(0)),
        (timedelta(minutes=59), timedelta(0)),
        (timedelta(minutes=61), timedelta(minutes=61)),
        (timedelta(minutes=30), timedelta(minutes=61)),
        (-DAY, timedelta(minutes=61)),
        (3 * DAY, 3 * DAY),
    ):
        put_clock(conn, BEGIN + after)
        billing.advance("shop", invoices="none")
        assert seen(conn) == BEGIN + expected


def test_each_app_has_been_seen_for_itself(billing: Billing) -> None:
    conn = billing.conn
    billing.advance("shop")
    put_clock(conn, BEGIN + 90 * DAY)
    # Nothing was ever seen of it, and there is nothing to move.
    assert billing.advance("bank") == []
    with pytest.raises(errors.AdvanceTooFar):
        billing.advance("shop")
    assert (seen(conn), seen(conn, "bank")) == (BEGIN, BEGIN + 90 * DAY)


def test_a_run_that_is_rolled_back_was_not_seen(billing: Billing) -> None:
    with billing.conn.transaction(force_rollback=True):
        billing.advance("shop")
        assert seen(billing.conn) == BEGIN
    assert seen(billing.conn) is None


@pytest.mark.parametrize("runs_before", [0, 1])
def test_runs_side_by_side_do_not_wait_for_one_another(
    billing: Billing, connect: Connect, runs_before: int
) -> None:
    conn = billing.conn
    for _ in range(runs_before):
        billing.advance("shop")
    later = BEGIN + timedelta(hours=5)
    workers = [connect(options="-c statement_timeout=20s -c lock_timeout=1ms") for _ in range(3)]
    for worker in workers:
        put_clock(worker, later)
        Billing(worker).advance("shop")
    for worker in workers:
        worker.commit()
    assert seen(conn) == later


@pytest.mark.parametrize("span", ["0", "-1 day"])
def test_a_span_that_is_none_is_refused(billing: Billing, span: str) -> None:
    with pytest.raises(errors.InvalidArgument, match="max_span"):
        billing.conn.execute("select * from ledger_advance('shop', max_span => %s)", [span])
