"""Crashes in the middle of billing: what was being done is there wholly, or not at all.

Sessions and whole servers are killed with SIGKILL: before a certain write, while a call waits for
its invoices' numbers, while its commit is on disk and its answer is not out, and at times that dice
choose. Afterwards all that is kept is as it was before the call or as the call leaves it, and
calling again brings it to where it is in a database that never crashed.
"""

import random
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from functools import partial
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from pgledger.embedded import EmbeddedServer
from pgledger.migrate import migrate
from support.crash import (
    ANSWERED,
    BLOCKED,
    COMMIT_SENT,
    COMMITS_CAN_WAIT,
    IN_COMMIT,
    Moment,
    after,
    before_write,
    count_writes,
    crash,
    writes,
)
from support.database import Janitor
from support.invoices import Customer, assert_adds_up, make_feature, make_plan, put_clock
from support.server import running_server
from support.subscriptions import Row, Session, assert_consistent, call, utc

START = utc("2025-01-01 00:00")
NOW = utc("2025-02-03 00:00")
MINUTE = timedelta(minutes=1)
TENANTS = 8
# Of twice as many subscriptions.
BATCH = 2

PAYMENT = "pay_01JTVST7XAES5BXHWZN4KR4VE0"
REDEMPTION = "red_01JTVST7XAES5BXHWZN4KR4VE0"

DURABLE = {"fsync": "on", "full_page_writes": "on", **COMMITS_CAN_WAIT}

WAYS = ("backend", "server")

Picture = dict[str, list[str]]
NewSession = Callable[[], Session]

# All that billing writes of invoices, with neither ids nor the numbers of rows that a sequence
# gives, which skips some in a crash. The clock stands, so that times are the same as well.
PICTURE = {
    "invoices": """
        select
          to_jsonb(invoices) - '{key,id}'::text[] || jsonb_build_object(
            'lines',
            (
              select jsonb_agg(to_jsonb(lines) - 'invoice_key' order by place)
              from pgledger.invoice_lines as lines
              where invoice_key = invoices.key
            ),
            'applications',
            (
              select jsonb_agg(to_jsonb(used) - 'invoice_key' order by redemption_key)
              from pgledger.coupon_applications as used
              where invoice_key = invoices.key
            ),
            'payments',
            (
              select jsonb_agg(to_jsonb(payments) - '{key,id,invoice_key}'::text[] order by key)
              from pgledger.invoice_payments as payments
              where invoice_key = invoices.key
            )
          )
        from pgledger.invoices
    """,
    "lines without an invoice": """
        select to_jsonb(lines) from pgledger.invoice_lines as lines
        where not exists (select from pgledger.invoices where key = invoice_key)
    """,
    "redemptions": "select to_jsonb(t) - 'key' from pgledger.coupon_redemptions as t",
    "coupons": "select to_jsonb(t) from pgledger.coupons as t",
    "subscriptions": "select to_jsonb(t) from pgledger.subscriptions as t",
    "changes": "select to_jsonb(t) from pgledger.subscription_changes as t",
    "apps": "select to_jsonb(t) from pgledger.apps as t",
}


def picture(conn: Session) -> Picture:
    return {
        name: [
            row[0]
            for row in conn.execute(
                f"select found::text from ({query}) as found (found) order by 1".encode()
            )
        ]
        for name, query in PICTURE.items()
    }


# What is billed


@dataclass(frozen=True, slots=True)
class Books:
    """What the database of each test is a clone of, and what becomes of it undisturbed.

    Attributes:
        draft: Id of an invoice that is to become final.
        pending: Id of one that waits for payment, and has used up a coupon.
        steps: The app as it is, and after each call of a worker that takes a few at a time.
        writes: How many rows one call writes that takes all.
        seconds: How long that call takes.
    """

    draft: str
    pending: str
    steps: list[Picture]
    writes: int
    seconds: float


def fill_shop(conn: Session) -> None:
    """Brings an app to where everything that ``ledger_advance`` does is due at NOW."""
    make_feature(conn, "calls")
    tiers = [{"up_to": "20", "unit_amount": "0.333", "flat_amount": "1"}, {"unit_amount": "0.25"}]
    graduated = {"feature": "calls", "model": "graduated", "tiers": tiers}
    soft = {"key": "calls", "limit": "10", "soft_limit": True}
    pro = make_plan(conn, "pro", amount="49", prices=[graduated], features=[soft])
    trial = make_plan(conn, "trial", amount="30", trial_days=32, prices=[graduated])
    extra = make_plan(conn, "extra", amount="10", add_on=True)
    call(
        conn,
        "ledger_create_coupon",
        app_id="shop",
        code="FIFTH",
        percentage=20,
        duration="repeating",
        duration_invoices=3,
    )
    call(conn, "ledger_create_coupon", app_id="shop", code="25", amount=25, currency="USD")

    vat = [{"name": "VAT", "percentage": "19"}]
    for number in range(TENANTS):
        customer = Customer(conn, f"t{number}")
        # Each is due at a time of its own, so that all workers take them in the same order.
        customer.at(START + 2 * number * MINUTE)
        plan = trial if number % 4 == 1 else pro
        subscription = customer.tenant.create(plan, tax_rates=vat if number % 3 == 0 else [])["id"]
        customer.redeem("25" if number % 2 else "FIFTH")
        customer.at(START + (2 * number + 1) * MINUTE)
        customer.tenant.create(extra)
        if number == 2:
            customer.tenant.cancel(subscription)
    put_clock(conn, "2025-01-01 12:00")
    while advance(conn):
        pass
    put_clock(conn, "2025-01-20")
    for number in range(TENANTS):
        customer = Customer(conn, f"t{number}")
        customer.use("calls", 7 * number + 1)
        for invoice in customer.invoices("pending")[: number % 3]:
            amount = invoice["amount_due"] if number % 2 else Decimal(1)
            customer.tenant.one("ledger_record_payment", invoice_id=invoice["id"], amount=amount)
        if number == 6:
            customer.void(customer.invoices("pending")[0]["id"])


def fill_desk(conn: Session) -> tuple[str, str]:
    """Makes what is there for single calls, in an app of its own: a draft and a pending invoice."""
    make_feature(conn, "calls", app_id="desk")
    calls = {"feature": "calls", "model": "per_unit", "unit_amount": "0.1"}
    plan = make_plan(conn, "pro", app_id="desk", amount="49", prices=[calls])
    for code in ("TEN", "NEW"):
        call(
            conn,
            "ledger_create_coupon",
            app_id="desk",
            code=code,
            amount=10,
            currency="USD",
            max_redemptions=2 if code == "TEN" else 1,
        )
    put_clock(conn, START)

    def draft(customer: Customer) -> str:
        subscription = customer.tenant.create(plan)["id"]
        customer.redeem("TEN")
        customer.use("calls", 5)
        return str(customer.generate(subscription, kind="start")["id"])

    billed = Customer(conn, "billed", "desk")
    pending = billed.finalize(draft(billed))
    assert pending["amount_due"] == 39
    return draft(Customer(conn, "drafted", "desk")), pending["id"]


def next_batch(conn: Session) -> list[Row]:
    return call(conn, "ledger_advance", app_id="shop", max_subscriptions=BATCH, max_span=None)


def advance(conn: Session) -> list[Row]:
    return call(conn, "ledger_advance", app_id="shop", max_span=None)


def steps_of(conn: Session) -> list[Picture]:
    steps = [picture(conn)]
    while next_batch(conn):
        steps.append(picture(conn))
    return steps


def open_session(server: EmbeddedServer, dbname: str) -> Session:
    options = f"-c statement_timeout=60s -c test.now={NOW.isoformat()}"
    return psycopg.connect(server.dsn(dbname), autocommit=True, options=options)


@pytest.fixture(scope="module")
def server() -> Iterator[EmbeddedServer]:
    """A server of this file's own, for it is going to be killed."""
    with running_server(settings=DURABLE) as started:
        yield started


@pytest.fixture(scope="module")
def books(server: EmbeddedServer) -> Books:
    with psycopg.connect(server.dsn(), autocommit=True) as admin:
        admin.execute("create database books")
    migrate(server.dsn("books"))
    with closing(open_session(server, "books")) as conn:
        conn.execute(
            "create or replace function pgledger.clock() returns timestamptz"
            " language sql volatile return current_setting('test.now')::timestamptz"
        )
        fill_shop(conn)
        draft, pending = fill_desk(conn)
        count_writes(conn, "pgledger")

    with clone(server, "twin"), closing(open_session(server, "twin")) as conn:
        with conn.transaction(force_rollback=True):
            started_at = time.monotonic()
            advance(conn)
            seconds = time.monotonic() - started_at
            written = writes(conn)
        steps = steps_of(conn)
    return Books(draft, pending, steps, written, seconds)


def clone(server: EmbeddedServer, name: str) -> Janitor:
    return Janitor(
        host=server.host, port=server.port, user=server.user, dbname=name, template_dbname="books"
    )


@pytest.fixture
def new_session(server: EmbeddedServer, books: Books) -> Iterator[NewSession]:
    """Opens sessions to a database of the test's own, in which it is NOW."""
    with clone(server, "crashing"):
        yield partial(open_session, server, "crashing")


# What is looked at


def look(new_session: NewSession) -> Picture:
    """Returns what is there after a crash, having looked whether it fits together."""
    with closing(new_session()) as conn:
        assert_whole(conn)
        return picture(conn)


def assert_whole(conn: Session) -> None:
    assert_consistent(conn)
    with conn.cursor(row_factory=dict_row) as cursor:
        invoices = cursor.execute("select * from ledger_invoices").fetchall()
    for invoice in invoices:
        assert_adds_up(invoice)
        assert (invoice["number"] is None) == (invoice["status"] == "draft")
    for app in ("shop", "desk"):
        numbers = sorted(
            row["number"] for row in invoices if row["app_id"] == app and row["number"]
        )
        assert numbers == list(range(1, len(numbers) + 1))
        assert conn.execute(
            "select invoice_number from pgledger.apps where app_id = %s", [app]
        ).fetchone() == (len(numbers),)
    assert not unbilled(conn)
    assert not miscounted(conn)


def unbilled(conn: Session) -> list[Any]:
    """Returns what became of the shop's subscriptions, which nothing else moves, uninvoiced."""
    return conn.execute(
        """
        select subscription_key, change, occurred_at
        from pgledger.subscription_changes as changes
        where app_id = 'shop'
          and change in ('trial_ended', 'period_started', 'canceled')
          and not exists (
            select
            from pgledger.invoices
            where subscription_key = changes.subscription_key
              and occurred_at in (period_start, period_end)
          )
        """
    ).fetchall()


def miscounted(conn: Session) -> list[Any]:
    """Returns redemptions of which other than what stands on invoices has been used up."""
    return conn.execute(
        """
        select redemptions.id, uses_left, amount_left, used.count, used.discount
        from pgledger.coupon_redemptions as redemptions
        inner join pgledger.coupons on coupon_key = coupons.key
        cross join lateral (
          select count(*) as count, coalesce(sum(discount), 0) as discount
          from pgledger.coupon_applications
          where redemption_key = redemptions.key and returned_at is null
        ) as used
        where case duration
          when 'once' then
            amount_left <> amount - used.discount or uses_left <> (amount_left > 0)::integer
          else uses_left <> duration_invoices - used.count
        end
        or exists (
          select
          from pgledger.coupon_applications
          inner join pgledger.invoices on invoice_key = invoices.key
          where redemption_key = redemptions.key
            and (returned_at is not null) <> (status = 'voided')
        )
        """
    ).fetchall()


def finish(new_session: NewSession) -> Picture:
    with closing(new_session()) as conn:
        while advance(conn):
            pass
    return look(new_session)


# The call that does what the clock asks for


def test_the_books_have_all_that_can_be_in_flight(books: Books, new_session: NewSession) -> None:
    with closing(new_session()) as conn:
        done = [row["change"] for row in advance(conn)]
        assert advance(conn) == []
    assert set(done) == {
        "trial_ended",
        "period_started",
        "canceled",
        "invoice_finalized",
        "invoice_past_due",
    }
    assert len(books.steps) > TENANTS
    assert look(new_session) == books.steps[-1]


WAITS_FOR_NUMBERS = Moment(
    "while it waits for numbers",
    holder="begin; select from pgledger.apps where app_id = 'shop' for update",
    come=BLOCKED,
)


@pytest.mark.parametrize("way", WAYS)
def test_killed_in_the_middle_an_advance_has_done_nothing(
    server: EmbeddedServer, books: Books, new_session: NewSession, way: str
) -> None:
    dice = random.Random(way)
    # Before the first nothing could be half done.
    numbers = [2, *sorted(dice.sample(range(3, books.writes), 3)), books.writes]
    for moment in (*map(before_write, numbers), WAITS_FOR_NUMBERS):
        future = crash(server, new_session, way, advance, moment)
        assert isinstance(future.exception(), psycopg.OperationalError)
        assert look(new_session) == books.steps[0], moment
    assert finish(new_session) == books.steps[-1]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("moment", [IN_COMMIT, ANSWERED], ids=lambda moment: moment.name)
def test_killed_after_its_commit_an_advance_has_done_all(
    server: EmbeddedServer, books: Books, new_session: NewSession, way: str, moment: Moment
) -> None:
    future = crash(server, new_session, way, advance, moment)
    assert (future.exception() is None) == (moment is ANSWERED)
    assert look(new_session) == books.steps[-1]
    assert finish(new_session) == books.steps[-1]


@pytest.mark.parametrize("way", WAYS)
def test_killed_as_its_commit_is_sent_an_advance_has_done_all_or_nothing(
    server: EmbeddedServer, books: Books, new_session: NewSession, way: str
) -> None:
    def work(conn: Session) -> None:
        with conn.transaction():
            advance(conn)

    future = crash(server, new_session, way, work, COMMIT_SENT)
    found = look(new_session)
    assert found == books.steps[-1] or (found == books.steps[0] and future.exception() is not None)
    assert finish(new_session) == books.steps[-1]


@pytest.mark.parametrize("way", WAYS)
def test_killed_at_any_time_a_worker_has_done_whole_calls(
    server: EmbeddedServer, books: Books, new_session: NewSession, way: str
) -> None:
    dice = random.Random(way)
    answers = 0

    def work(conn: Session) -> None:
        nonlocal answers
        while next_batch(conn):
            answers += 1

    done = 0
    for _ in range(5):
        answers = 0
        crash(server, new_session, way, work, after(dice.uniform(0.3, 1) * books.seconds))
        found = look(new_session)
        assert found in books.steps
        now = books.steps.index(found)
        # What was answered stands, and the call that was not can have been committed.
        assert now in (done + answers, done + answers + 1)
        done = now
    assert finish(new_session) == books.steps[-1]


# Single calls


def finalize(conn: Session, books: Books) -> Row:
    return Customer(conn, "drafted", "desk").finalize(books.draft)


def pay(conn: Session, books: Books) -> Row:
    return Customer(conn, "billed", "desk").tenant.one(
        "ledger_record_payment", invoice_id=books.pending, amount=50, id=PAYMENT
    )


def void(conn: Session, books: Books) -> Row:
    return Customer(conn, "billed", "desk").void(books.pending)


def redeem(conn: Session, books: Books) -> Row:
    return Customer(conn, "billed", "desk").redeem("NEW", id=REDEMPTION)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("function", [finalize, pay, void, redeem])
def test_a_single_call_is_done_wholly_or_not_at_all(
    server: EmbeddedServer,
    books: Books,
    new_session: NewSession,
    way: str,
    function: Callable[[Session, Books], Row],
) -> None:
    def work(conn: Session) -> Row:
        return function(conn, books)

    with closing(new_session()) as conn:
        undone = picture(conn)
        with conn.transaction(force_rollback=True):
            work(conn)
            done, last = picture(conn), writes(conn)
        assert undone != done
    for number in range(2, last + 1) if way == "backend" else [last]:
        crash(server, new_session, way, work, before_write(number))
        assert look(new_session) == undone
    crash(server, new_session, way, work, IN_COMMIT)
    assert look(new_session) == done
    with closing(new_session()) as conn:
        work(conn)
    assert look(new_session) == done
