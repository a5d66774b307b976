"""Closed periods: nothing that happened in one is accepted, by any call that takes ``event_at``."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

import psycopg
import pytest
from psycopg import sql
from psycopg.types.range import Range

from pgledger import (
    HoldRequest,
    Ledger,
    NamedTransferRequest,
    PostingRequest,
    TransferRequest,
    errors,
    ids,
)
from support.database import Connect
from support.guards import GUARDS

Session = psycopg.Connection[Any]

UNTIL = datetime(2025, 1, 1, tzinfo=UTC)
BEFORE = UNTIL - timedelta(microseconds=1)
MICROSECOND = timedelta(microseconds=1)
ANY = Range[Decimal](None, None, "()")


class Books(NamedTuple):
    """A ledger, two accounts, a hold of the one for the other, and a transfer."""

    ledger: Ledger
    bank: str
    wallet: str
    hold: str
    transfer: str


def make_books(conn: Session, app_id: str = "") -> Books:
    ledger = Ledger(conn)
    bank = ledger.ensure_account("bank", "USD", app_id=app_id).id
    wallet = ledger.ensure_account("wallet", "USD", app_id=app_id).id
    transfer = ledger.create_transfer(bank, wallet, 100, app_id=app_id).id
    hold = ledger.create_hold(wallet, bank, 100, app_id=app_id).id
    return Books(ledger, bank, wallet, hold, transfer)


@pytest.fixture
def conn(connect: Connect) -> Session:
    return connect(autocommit=True)


@pytest.fixture
def books(conn: Session) -> Books:
    return make_books(conn)


Way = Callable[[Books, datetime | None], Any]


def sweep(books: Books, at: datetime | None) -> Any:
    return books.ledger.sweep(books.wallet, books.bank, max_amount=1, event_at=at)


def from_rows(books: Books, at: datetime | None) -> Any:
    return books.ledger.conn.execute(
        "select * from pgledger_create_transfers_from_rows("
        "array[row(%s, %s, 1)]::pgledger_transfer_request[], event_at => %s)",
        (books.bank, books.wallet, at),
    ).fetchall()


def request(books: Books, at: datetime | None, **given: Any) -> TransferRequest:
    return TransferRequest(books.bank, books.wallet, 1, event_at=at, **given)


def hold_request(books: Books, at: datetime | None, **given: Any) -> HoldRequest:
    return HoldRequest(books.bank, books.wallet, 1, event_at=at, **given)


def named(at: datetime | None, **given: Any) -> NamedTransferRequest:
    return NamedTransferRequest("bank", "wallet", 1, "USD", event_at=at, **given)


# Every call that takes event_at. Each makes what it makes anew.
WAYS: dict[str, Way] = {
    "single": lambda b, at: b.ledger.create_transfer(b.bank, b.wallet, 1, event_at=at),
    "single with an id": lambda b, at: b.ledger.create_transfer(
        b.bank, b.wallet, 1, event_at=at, id=ids.generate("pglt")
    ),
    "single with a key": lambda b, at: b.ledger.create_transfer(
        b.bank, b.wallet, 1, event_at=at, idempotency_key=ids.generate("key")
    ),
    "single with a condition": lambda b, at: b.ledger.create_transfer(
        b.bank, b.wallet, 1, event_at=at, require_from_balance=ANY
    ),
    "by name": lambda b, at: b.ledger.create_transfer_by_name(
        "bank", "wallet", 1, "USD", event_at=at
    ),
    "bulk": lambda b, at: b.ledger.create_transfers([request(b, None), request(b, at)]),
    "bulk with ids": lambda b, at: b.ledger.create_transfers(
        [request(b, at, id=ids.generate("pglt"))]
    ),
    "bulk with keys": lambda b, at: b.ledger.create_transfers(
        [request(b, at, idempotency_key=ids.generate("key"))]
    ),
    "bulk ids": lambda b, at: b.ledger.create_transfers_ids([request(b, at)]),
    "bulk count": lambda b, at: b.ledger.create_transfers_count([request(b, at)]),
    "bulk by name": lambda b, at: b.ledger.create_transfers_by_name([named(at)]),
    "bulk by name with keys": lambda b, at: b.ledger.create_transfers_by_name(
        [named(at, idempotency_key=ids.generate("key"))]
    ),
    "rows": from_rows,
    "sweep": sweep,
    "reversal": lambda b, at: b.ledger.reverse_transfer(b.transfer, amount=1, event_at=at),
    "reversal with a key": lambda b, at: b.ledger.reverse_transfer(
        b.transfer, amount=1, event_at=at, idempotency_key=ids.generate("key")
    ),
    "reversal over limits": lambda b, at: b.ledger.reverse_transfer_over_limits(
        b.transfer, "asked for", amount=1, event_at=at
    ),
    "hold": lambda b, at: b.ledger.create_hold(b.bank, b.wallet, 1, event_at=at),
    "hold with an id": lambda b, at: b.ledger.create_hold(
        b.bank, b.wallet, 1, event_at=at, id=ids.generate("pglh")
    ),
    "holds": lambda b, at: b.ledger.create_holds([hold_request(b, at)]),
    "holds with keys": lambda b, at: b.ledger.create_holds(
        [hold_request(b, at, idempotency_key=ids.generate("key"))]
    ),
    "posting": lambda b, at: b.ledger.post_hold(b.hold, amount=1, final=False, event_at=at),
    "posting with an id": lambda b, at: b.ledger.post_hold(
        b.hold, amount=1, final=False, event_at=at, id=ids.generate("pglt")
    ),
    "postings": lambda b, at: b.ledger.post_holds(
        [PostingRequest(b.hold, amount=1, final=False, event_at=at)]
    ),
    "postings with keys": lambda b, at: b.ledger.post_holds(
        [
            PostingRequest(
                b.hold, amount=1, final=False, event_at=at, idempotency_key=ids.generate("key")
            )
        ]
    ),
}


def violated(conn: Session) -> dict[str, str | None]:
    return dict(
        conn.execute(
            "select check_name, example from pgledger_verify() where violations > 0"
        ).fetchall()
    )


def size(conn: Session) -> tuple[int, ...]:
    row = conn.execute(
        "select (select count(*) from pgledger.transfers), (select count(*) from pgledger.holds),"
        " (select count(*) from pgledger.idempotency_keys)"
    ).fetchone()
    assert row is not None
    return tuple(row)


# What is refused


def test_what_happened_in_a_closed_period_is_refused_and_nothing_else(books, conn):
    ledger = books.ledger

    def refused(at: datetime) -> None:
        before = size(conn)
        for what, way in WAYS.items():
            with pytest.raises(errors.PeriodClosed, match="the books are closed until 202"):
                pytest.fail(f"{what}: {way(books, at)}")
        assert size(conn) == before

    def accepted(*times: datetime | None) -> None:
        for at in times:
            for way in WAYS.values():
                way(books, at)

    ledger.close_period("", UNTIL - timedelta(days=365))
    accepted(BEFORE)
    assert ledger.close_period("", UNTIL).closed_until == UNTIL
    refused(BEFORE)
    ledger.close_period("other", UNTIL + timedelta(days=1))
    accepted(UNTIL, None)
    ledger.reopen_period("", BEFORE, "a late paper")
    accepted(BEFORE)
    refused(BEFORE - MICROSECOND)
    ledger.reopen_period("", None, "all of it")
    accepted(BEFORE - MICROSECOND)
    assert violated(conn) == {}


def test_the_error_names_the_time_the_end_and_the_app(conn):
    books = make_books(conn, "shop")
    books.ledger.close_period("shop", UNTIL)
    with pytest.raises(errors.PeriodClosed) as refused:
        books.ledger.create_transfers(
            [
                request(books, None),
                request(books, UNTIL),
                request(books, BEFORE),
                request(books, BEFORE - MICROSECOND),
            ],
            app_id="shop",
        )
    assert str(refused.value).splitlines()[0] == (
        "request 3 of 4: event_at 2024-12-31 23:59:59.999999+00 lies in a closed period: "
        "the books in app 'shop' are closed until 2025-01-01 00:00:00+00"
    )


def test_outcomes_and_previews_refuse_the_request_alone(books):
    books.ledger.close_period("", UNTIL)
    requests = [request(books, at) for at in (None, BEFORE, UNTIL, BEFORE)]
    for outcomes in (
        books.ledger.preview_transfers(requests),
        books.ledger.create_transfers_outcomes(requests),
    ):
        assert [outcome.status for outcome in outcomes] == ["posted", "failed", "posted", "failed"]
        assert {outcome.error_name for outcome in outcomes} == {None, "PeriodClosed"}
    holds = [hold_request(books, at) for at in (BEFORE, None, UNTIL)]
    made = books.ledger.create_holds_outcomes(holds)
    assert [outcome.error_name for outcome in made] == ["PeriodClosed", None, None]


def test_arrays_that_do_not_begin_at_1_are_judged_in_their_order(books, conn):
    books.ledger.close_period("", UNTIL)
    with pytest.raises(errors.PeriodClosed, match="request 2 of 2: event_at 2024-12-31"):
        conn.execute(
            "select pgledger_create_transfers_bulk_ids("
            " ('[7:8]={' || %(bank)s || ',' || %(bank)s || '}')::text[],"
            " ('[0:1]={' || %(wallet)s || ',' || %(wallet)s || '}')::text[],"
            " '[-3:-2]={1,1}'::numeric[], '[5:6]={2025-01-01Z,2024-12-31Z}'::timestamptz[])",
            {"bank": books.bank, "wallet": books.wallet},
        )


def test_a_period_is_looked_at_after_status_and_scale_and_before_limits(books):
    ledger = books.ledger
    ledger.close_period("", UNTIL)
    ledger.set_currency("USD", 2)
    ledger.set_limits(books.bank, -20, None, allow_existing=True)
    many = ((1000, None), (1000, Range(None, Decimal(5))))
    for amount, condition in many:
        with pytest.raises(errors.PeriodClosed):
            ledger.create_transfer(
                books.bank, books.wallet, amount, event_at=BEFORE, require_to_balance=condition
            )
    with pytest.raises(errors.InvalidAmount):
        ledger.create_transfer(books.bank, books.wallet, Decimal("0.001"), event_at=BEFORE)
    ledger.freeze_account(books.bank, "out")
    with pytest.raises(errors.AccountFrozen):
        ledger.create_transfer(books.bank, books.wallet, 1, event_at=BEFORE)
    # A request's own values and the accounts come before.
    with pytest.raises(errors.AccountNotFound):
        ledger.create_transfer(books.bank, ids.generate("pgla"), 1, event_at=BEFORE)


# Repeats


def repeats(books: Books) -> dict[str, Callable[[], Any]]:
    """Calls that each can be repeated, with an id or a key of their own."""
    made = {what: ids.generate("pglt") for what in ("single", "bulk", "reversal", "posting")}
    hold = ids.generate("pglh")
    ledger = books.ledger
    return {
        "single": lambda: ledger.create_transfer(
            books.bank, books.wallet, 1, event_at=BEFORE, id=made["single"]
        ),
        "keyed": lambda: ledger.create_transfer(
            books.bank, books.wallet, 1, event_at=BEFORE, idempotency_key="keyed"
        ),
        "by name": lambda: ledger.create_transfer_by_name(
            "bank", "wallet", 1, "USD", event_at=BEFORE, idempotency_key="by name"
        ),
        "bulk": lambda: ledger.create_transfers([request(books, BEFORE, id=made["bulk"])])[0],
        "bulk keyed": lambda: ledger.create_transfers(
            [request(books, BEFORE, idempotency_key="bulk")]
        )[0],
        "outcomes": lambda: ledger.create_transfers_outcomes(
            [request(books, BEFORE, idempotency_key="outcomes")]
        )[0],
        "sweep": lambda: ledger.sweep(
            books.wallet, books.bank, max_amount=1, event_at=BEFORE, idempotency_key="sweep"
        ),
        "reversal": lambda: ledger.reverse_transfer(
            books.transfer, amount=1, event_at=BEFORE, id=made["reversal"]
        ),
        "reversal keyed": lambda: ledger.reverse_transfer(
            books.transfer, amount=1, event_at=BEFORE, idempotency_key="reversal"
        ),
        "hold": lambda: ledger.create_hold(books.bank, books.wallet, 1, event_at=BEFORE, id=hold),
        "holds": lambda: ledger.create_holds(
            [hold_request(books, BEFORE, idempotency_key="holds")]
        )[0],
        "hold outcomes": lambda: ledger.create_holds_outcomes(
            [hold_request(books, BEFORE, idempotency_key="hold outcomes")]
        )[0],
        "posting": lambda: ledger.post_hold(
            books.hold, amount=1, final=False, event_at=BEFORE, id=made["posting"]
        ),
        "postings": lambda: ledger.post_holds(
            [
                PostingRequest(
                    books.hold, amount=1, final=False, event_at=BEFORE, idempotency_key="post"
                )
            ]
        )[0],
    }


def test_repeats_get_their_first_answer_after_the_period_was_closed(books, conn):
    calls = repeats(books)
    first = {what: call().id for what, call in calls.items()}
    books.ledger.close_period("", UNTIL)
    before = size(conn)
    assert {what: call().id for what, call in calls.items()} == first
    assert size(conn) == before
    # Other values under the same key conflict, before the period is looked at.
    with pytest.raises(errors.IdempotencyConflict):
        books.ledger.create_transfer(
            books.bank, books.wallet, 2, event_at=BEFORE, idempotency_key="keyed"
        )


# Closing and reopening


def history(conn: Session, app_id: str = "") -> list[tuple[Any, ...]]:
    return conn.execute(
        "select number, change, from_until, to_until, in_force, reason from pgledger_periods_view"
        " where app_id = %s order by number",
        (app_id,),
    ).fetchall()


def test_each_change_is_a_row_of_the_history(books, conn):
    ledger, later = books.ledger, UNTIL + timedelta(days=31)
    first = ledger.close_period("", UNTIL, reason="2024 is audited")
    assert (first.closed_until, first.app_id, first.replayed) == (UNTIL, "", False)
    second = ledger.close_period("", later)
    third = ledger.reopen_period("", UNTIL, "January was wrong")
    assert history(conn) == [
        (1, "close", None, UNTIL, False, "2024 is audited"),
        (2, "close", UNTIL, later, False, None),
        (3, "reopen", later, UNTIL, True, "January was wrong"),
    ]
    made = conn.execute(
        "select changed_at, changed_by, changed_as from pgledger_periods_v1 order by number"
    ).fetchall()
    assert [row[0] for row in made] == [first.changed_at, second.changed_at, third.changed_at]
    assert first.changed_at < second.changed_at < third.changed_at
    assert {row[1:] for row in made} == {
        (conn.execute("select session_user").fetchone()[0], "none")
    }


def test_what_changes_nothing_writes_nothing(books, conn):
    ledger = books.ledger
    assert ledger.reopen_period("", None, "nothing is closed").changed_at is None
    first = ledger.close_period("", UNTIL)
    for again in (
        ledger.close_period("", UNTIL, reason="again"),
        ledger.close_period("", BEFORE),
        ledger.reopen_period("", UNTIL, "as it is"),
    ):
        assert (again.closed_until, again.changed_at) == (UNTIL, first.changed_at)
        assert again.replayed
    assert len(history(conn)) == 1


def test_only_what_is_past_is_closed_and_only_what_is_closed_is_reopened(books, conn, set_clock):
    ledger = books.ledger
    set_clock(conn, UNTIL + timedelta(minutes=1) - MICROSECOND)
    with pytest.raises(errors.InvalidArgument, match="not at least a minute past"):
        ledger.close_period("", UNTIL)
    set_clock(conn, UNTIL + timedelta(minutes=1))
    ledger.close_period("", UNTIL)
    with pytest.raises(errors.InvalidArgument, match="are closed until 2025-01-01"):
        ledger.reopen_period("", UNTIL + MICROSECOND, "later")
    ledger.reopen_period("", None, "all")
    with pytest.raises(errors.InvalidArgument, match="nothing is closed"):
        ledger.reopen_period("", BEFORE, "later")
    assert violated(conn).keys() == {AHEAD}


@pytest.mark.parametrize("level", ["repeatable read", "serializable"])
def test_a_change_needs_to_see_what_it_waited_for(books, conn, level):
    with conn.transaction():
        conn.execute(sql.SQL("set transaction isolation level {}").format(sql.SQL(level)))
        with (
            pytest.raises(errors.InvalidArgument, match="transaction_isolation"),
            conn.transaction(),
        ):
            books.ledger.close_period("", UNTIL)


def test_a_clock_that_steps_back_does_not_spoil_the_history(books, conn, set_clock):
    ledger = books.ledger
    ledger.close_period("", UNTIL)
    set_clock(conn, "clock_timestamp() - interval '3 hours'")
    ledger.reopen_period("", None, "once more")
    ledger.close_period("", UNTIL)
    ledger.create_transfer(books.bank, books.wallet, 1, event_at=UNTIL)
    assert violated(conn).keys() == {AHEAD}


def test_reopening_needs_a_grant_of_its_own(books, conn, connect):
    conn.execute("create role controller login; grant pgledger_poster to controller")
    session = connect(user="controller", autocommit=True)
    ledger = Ledger(session)
    ledger.close_period("", UNTIL)
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        ledger.reopen_period("", None, "mine")
    conn.execute("grant execute on function pgledger_reopen_period to controller")
    ledger.reopen_period("", None, "mine")
    assert (
        conn.execute("select changed_by from pgledger_periods_v1 order by number").fetchall()
        == [("controller",)] * 2
    )


# What it costs


def test_calls_without_event_at_look_at_nothing(books, conn):
    """Not even at the table: it is locked away meanwhile, and none of its functions is called."""
    ledger = books.ledger
    ledger.close_period("", UNTIL)
    conn.execute("set track_functions = 'all'")
    with conn.transaction():
        conn.execute("select pg_stat_reset()")
    for way in WAYS.values():
        way(books, None)
    called = "select coalesce(sum(calls), 0) from pg_stat_user_functions where funcname = %s"
    with conn.transaction():
        conn.execute("select pg_stat_force_next_flush()")
    with conn.transaction():
        assert conn.execute(called, ("closed_until",)).fetchone() == (0,)
    ledger.create_transfer(books.bank, books.wallet, 1, event_at=UNTIL)
    with conn.transaction():
        conn.execute("select pg_stat_force_next_flush()")
    with conn.transaction():
        assert conn.execute(called, ("closed_until",)).fetchone() == (1,)


# What verification finds

NUMBERS = "changes of closed periods run from 1 without a gap"
CHAIN = "each change of closed periods starts from what the one before left, and later"
TIMES = "books were closed until a past time, and reopened from an earlier one"
NEWEST = "books are closed as their newest change left them"
AHEAD = "accounts are not ahead of the clock, unless that was accepted"
KEPT = "nothing was recorded in a period after it was closed"


@pytest.fixture
def closed(books: Books, conn: Session) -> Session:
    """Books closed, reopened in part and closed again, with transfers between."""
    ledger, wallet, bank = books.ledger, books.wallet, books.bank
    ledger.create_transfer(bank, wallet, 1, event_at=BEFORE - timedelta(days=40))
    ledger.close_period("", UNTIL)
    ledger.create_transfer(bank, wallet, 1, event_at=UNTIL)
    ledger.reopen_period("", UNTIL - timedelta(days=31), "December")
    ledger.create_transfer(bank, wallet, 1, event_at=BEFORE)
    ledger.close_period("", UNTIL)
    ledger.create_transfer(bank, wallet, 1, event_at=UNTIL)
    ledger.close_period("shop", UNTIL)
    return conn


def tamper(conn: Session, statement: str) -> None:
    """Does what only a superuser can, and puts the triggers back."""
    tables = ("period_changes", "closed_periods", "transfers")
    for table in tables:
        conn.execute(f"alter table pgledger.{table} disable trigger all".encode())
    conn.execute(statement.encode())
    for guard in GUARDS:
        if guard.kind == "trigger" and guard.place in tables:
            conn.execute(
                f"alter table pgledger.{guard.place} enable always trigger {guard.name}".encode()
            )


def of_change(number: int, what: str) -> str:
    return f"update pgledger.period_changes set {what} where app_id = '' and number = {number}"


def of_newest(order: int, event_at: str) -> str:
    return (
        f"update pgledger.transfers set event_at = '{event_at}' where id = (select id"
        f" from pgledger.transfers where event_at is not null order by created_at desc"
        f" offset {order} limit 1)"
    )


def test_books_in_order_are_found_so(closed):
    assert violated(closed) == {}
    rows = dict(closed.execute("select check_name, rows_checked from pgledger_verify()").fetchall())
    assert [rows[check] for check in (NUMBERS, CHAIN, TIMES, NEWEST, KEPT)] == [4, 4, 4, 2, 4]
    rows = dict(
        closed.execute("select check_name, rows_checked from pgledger_verify('shop')").fetchall()
    )
    assert [rows[check] for check in (NUMBERS, CHAIN, TIMES, NEWEST, KEPT)] == [1, 1, 1, 1, 0]


CHANGED = [
    ("delete from pgledger.period_changes where app_id = '' and number = 1", {NUMBERS, CHAIN}),
    ("delete from pgledger.period_changes where app_id = '' and number = 3", {NEWEST}),
    ("delete from pgledger.period_changes where app_id = 'shop'", {NEWEST}),
    (of_change(3, "number = 4"), {NUMBERS}),
    (of_change(2, "from_until = '2024-12-30Z'"), {CHAIN}),
    (of_change(2, "to_until = '2024-12-30Z'"), {CHAIN}),
    (of_change(2, "changed_at = '2025-02-01Z'"), {CHAIN}),
    (of_change(2, "change = 'close'"), {TIMES}),
    (of_change(3, "to_until = changed_at, changed_at = 'infinity'"), {NEWEST}),
    (of_change(3, "to_until = changed_at"), {NEWEST, TIMES, KEPT}),
    (of_change(3, "to_until = from_until"), {NEWEST, TIMES}),
    ("update pgledger.closed_periods set closed_until = null where app_id = ''", {NEWEST}),
    ("delete from pgledger.closed_periods where app_id = ''", {NEWEST}),
    ("insert into pgledger.closed_periods values ('2020-01-01Z', 'else')", {NEWEST}),
    # After the newest close, and what the reopening did not open, after the first
    (of_newest(0, "2024-12-31 23:59:59Z"), {KEPT}),
    (of_newest(2, "2024-11-30Z"), {KEPT}),
]
IN_ORDER = [
    # Before the first close, while the books were open, and in what was opened later
    of_newest(3, "1999-01-01Z"),
    of_newest(1, "2024-12-01Z"),
    of_newest(2, "2024-12-31Z"),
    of_newest(0, "2025-01-01Z"),
]


def test_what_was_changed_in_the_history_is_found_and_nothing_else(closed):
    """What lies before a close, or in what a reopening opened, may have been in order."""
    found = {}
    for statement in (*(statement for statement, _ in CHANGED), *IN_ORDER):
        with closed.transaction(force_rollback=True):
            tamper(closed, statement)
            found[statement] = violated(closed).keys()
    assert found == dict(CHANGED) | {statement: set() for statement in IN_ORDER}


def test_accounts_ahead_of_the_clock_raise_no_alarm(books, conn, set_clock):
    """What was recorded before a close may have a later time than the close."""
    ledger = books.ledger
    set_clock(conn, "clock_timestamp() + interval '3 hours'")
    ledger.create_transfer(books.bank, books.wallet, 1, event_at=BEFORE)
    set_clock(conn, None)
    ledger.close_period("", UNTIL)
    # An account that stays behind; it is not judged while the others are ahead.
    other = ledger.create_account("other", "USD").id
    late = ledger.create_account("late", "USD").id
    ledger.create_transfer(other, late, 1, event_at=UNTIL)
    assert KEPT not in violated(conn)


def test_the_history_cannot_be_changed_by_its_owner(closed):
    for statement in (
        "update pgledger.period_changes set reason = 'x'",
        "delete from pgledger.period_changes",
        "truncate pgledger.period_changes",
    ):
        with pytest.raises(errors.ImmutableRecord):
            closed.execute(statement.encode())
