"""Invoices under many sessions at once: each period is billed once, and no number is left out."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from pgledger import errors
from support.at_once import PATIENCE, Call, all_at_once
from support.clock import SetClock
from support.database import Connect
from support.invoices import Customer, make_feature, make_plan
from support.subscriptions import Row, Session, call, utc
from support.waiting import WaitUntilBlocked

START = utc("2025-01-01 00:00")


@pytest.fixture
def conn(connect: Connect, set_clock: SetClock) -> Session:
    conn = connect(autocommit=True, **PATIENCE)
    set_clock(conn, START)
    make_feature(conn, "calls")
    return conn


def subscribe(conn: Session, plan: str, count: int) -> None:
    conn.execute(
        "select count(*) from generate_series(1, %s) as number"
        " cross join lateral ledger_create_subscription('shop', 't' || number, %s)",
        [count, plan],
    )


def numbers(conn: Session) -> list[int]:
    return [
        row[0]
        for row in conn.execute(
            "select number from ledger_invoices where number is not null order by number"
        )
    ]


def test_sixteen_sessions_generate_one_invoice(connect: Connect, conn: Session) -> None:
    plan = make_plan(conn, "pro", amount="49")
    subscription = Customer(conn).tenant.create(plan)["id"]

    def generate(session: Session) -> Row:
        return Customer(session).generate(subscription)

    results = all_at_once(connect, [generate] * 16)
    assert {row["id"] for row in results} == {row["id"] for row in Customer(conn).invoices()}
    assert len(Customer(conn).invoices()) == 1


def test_sixteen_sessions_make_one_invoice_final(connect: Connect, conn: Session) -> None:
    plan = make_plan(conn, "pro", amount="49")
    customer = Customer(conn)
    draft = customer.generate(customer.tenant.create(plan)["id"], kind="start")
    results = all_at_once(connect, [lambda session: Customer(session).finalize(draft["id"])] * 16)
    assert {(row["number"], row["status"]) for row in results} == {(1, "pending")}
    assert conn.execute("select invoice_number from pgledger.apps").fetchone() == (1,)


def test_one_amount_is_taken_off_once(connect: Connect, conn: Session) -> None:
    """Two subscriptions' invoices want the same coupon at the same moment."""
    call(conn, "ledger_create_coupon", app_id="shop", code="12", amount=12, currency="USD")
    customer = Customer(conn)
    plan = make_plan(conn, "extra", amount="10", add_on=True)
    drafts = [
        customer.generate(customer.tenant.create(plan)["id"], kind="start")["id"] for _ in range(8)
    ]
    customer.redeem("12")

    def finalize(draft: str) -> Call:
        return lambda session: Customer(session).finalize(draft)

    results = all_at_once(connect, [finalize(draft) for draft in drafts])
    assert sorted(row["discount"] for row in results) == [0] * 6 + [2, 10]
    assert numbers(conn) == list(range(1, 9))


def paying(invoice: str) -> Call:
    return lambda session: Customer(session).tenant.one("ledger_mark_invoice_paid", id=invoice)


def voiding(invoice: str) -> Call:
    return lambda session: Customer(session).void(invoice)


@pytest.mark.parametrize("mark", ["past_due", "pending"])
def test_paid_or_voided_and_not_both(
    connect: Connect, conn: Session, set_clock: SetClock, mark: str
) -> None:
    customer = Customer(conn)
    plan = make_plan(conn, "extra", amount="10", add_on=True)
    for _ in range(10):
        customer.tenant.create(plan)
    customer.advance()
    if mark == "past_due":
        set_clock(conn, utc("2025-01-31 00:00"))
        customer.advance()
    seen = Counter[str]()
    for invoice in customer.invoices():
        pay, void = all_at_once(connect, [paying(invoice["id"]), voiding(invoice["id"])])
        now = customer.tenant.one("ledger_get_invoice", id=invoice["id"])
        seen[now["status"]] += 1
        winner, loser = (pay, void) if now["status"] == "paid" else (void, pay)
        assert winner["status"] == now["status"]
        assert isinstance(loser, errors.InvalidState)
        other = {"paid": "voided", "voided": "paid"}[now["status"]]
        assert now["status"] in str(loser)
        assert other in str(loser) or "payment" in str(loser)
    assert sum(seen.values()) == 10


def test_paying_waits_for_voiding_and_then_says_so(
    connect: Connect, conn: Session, wait_until_blocked: WaitUntilBlocked
) -> None:
    customer = Customer(conn)
    customer.tenant.create(make_plan(conn, "pro", amount="10"))
    customer.advance()
    (invoice,) = customer.invoices()
    payer = connect(autocommit=True, **PATIENCE)
    with ThreadPoolExecutor(1) as pool:
        with conn.transaction():
            customer.void(invoice["id"])
            paying = pool.submit(
                Customer(payer).tenant.one, "ledger_mark_invoice_paid", id=invoice["id"]
            )
            wait_until_blocked(payer.info.backend_pid, by=conn.info.backend_pid)
        with pytest.raises(errors.InvalidState, match="is voided and cannot become paid"):
            paying.result()


@pytest.mark.slow
def test_eight_workers_invoice_a_thousand_subscriptions_once(
    connect: Connect, conn: Session, set_clock: SetClock
) -> None:
    plan = make_plan(
        conn,
        "pro",
        amount="10",
        prices=[{"feature": "calls", "model": "per_unit", "unit_amount": "1"}],
    )
    subscribe(conn, plan, 1000)
    conn.execute(
        "select count(*) from ledger_ingest_usage('shop',"
        " array(select 't' || number from generate_series(1, 1000) as number),"
        " array_fill('calls'::text, array[1000]), array_fill(3::numeric, array[1000]))"
    )
    set_clock(conn, utc("2025-02-01 00:00"))

    def work(session: Session) -> int:
        count = 0
        while rows := call(
            session, "ledger_advance", app_id="shop", max_subscriptions=20, max_span=None
        ):
            count += len(rows)
        return count

    results = all_at_once(connect, [work] * 8)
    work(conn)
    assert [result for result in results if isinstance(result, psycopg.Error)] == []
    assert sum(1 for result in results if result > 0) > 1
    assert conn.execute(
        "select kind, count(*), count(distinct subscription_id), min(total), max(total)"
        " from ledger_invoices group by kind order by kind"
    ).fetchall() == [("period", 1000, 1000, 13, 13), ("start", 1000, 1000, 10, 10)]
    assert numbers(conn) == list(range(1, 2001))


def test_an_old_snapshot_is_a_serialization_failure(connect: Connect, conn: Session) -> None:
    subscription = Customer(conn).tenant.create(make_plan(conn, "pro", amount="49"))["id"]
    late = connect(**PATIENCE)
    late.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
    late.execute("select count(*) from ledger_invoices")
    Customer(conn).generate(subscription, kind="start")
    with pytest.raises(psycopg.errors.SerializationFailure):
        Customer(late).generate(subscription, kind="start")
