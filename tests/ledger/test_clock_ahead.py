"""Accounts that a wrong clock has put ahead: warned of, refused, accepted by the owner.

The wrong clock is put right in each test; it is a session's setting, so two sessions can disagree.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from psycopg import sql

from pgledger import Ledger, Transfer, TransferRequest, errors, ids
from support.clock import SetClock
from support.database import Connect
from support.invoices import carry_clock, put_clock
from support.properties import dice_of, scaled
from support.subscriptions import utc
from support.waiting import WaitUntilBlocked

Session = psycopg.Connection[Any]
Make = Callable[[Session, Sequence[tuple[str, str]]], list[Transfer]]

NOW = utc("2026-03-01 12:00")
DAY = timedelta(days=1)
MICROSECOND = timedelta(microseconds=1)
CHECK = "accounts are not ahead of the clock, unless that was accepted"


def single(conn: Session, pairs: Sequence[tuple[str, str]]) -> list[Transfer]:
    return [Ledger(conn).create_transfer(*pair, 1) for pair in pairs]


def single_with_id(conn: Session, pairs: Sequence[tuple[str, str]]) -> list[Transfer]:
    return [Ledger(conn).create_transfer(*pair, 1, id=ids.generate("pglt")) for pair in pairs]


def bulk(conn: Session, pairs: Sequence[tuple[str, str]]) -> list[Transfer]:
    return Ledger(conn).create_transfers([(*pair, 1) for pair in pairs])


def bulk_with_ids(conn: Session, pairs: Sequence[tuple[str, str]]) -> list[Transfer]:
    return Ledger(conn).create_transfers(
        [TransferRequest(*pair, 1, id=ids.generate("pglt")) for pair in pairs]
    )


def rows(conn: Session, pairs: Sequence[tuple[str, str]]) -> list[Transfer]:
    arguments = ", ".join(["(%s, %s, 1)"] * len(pairs))
    found = conn.execute(
        f"select * from pgledger_create_transfers({arguments})".encode(),
        [account for pair in pairs for account in pair],
    )
    return [Transfer(*row) for row in found.fetchall()]


each_way = pytest.mark.parametrize("make", [single, single_with_id, bulk, bulk_with_ids, rows])
each_batch = pytest.mark.parametrize("make", [bulk, bulk_with_ids, rows])


@dataclass
class Books:
    """Four accounts of the present, and what the server warned of."""

    conn: Session
    shop: str = ""
    buyer: str = ""
    other: str = ""
    fourth: str = ""
    warnings: list[str] = field(default_factory=list[str])

    def put_ahead(self, by: timedelta, *pairs: tuple[str, str], now: datetime = NOW) -> None:
        """Transfers under a clock that is ahead, and puts the clock right again."""
        put_clock(self.conn, now + by)
        for pair in pairs or ((self.shop, self.other),):
            Ledger(self.conn).create_transfer(*pair, 1)
        put_clock(self.conn, now)
        self.warnings.clear()

    def newest(self, account: str) -> datetime:
        return Ledger(self.conn).get_account(account).updated_at

    def accept(self, account: str, reason: str = "a clock was wrong for an hour") -> datetime:
        row = self.conn.execute("select pgledger_accept_time(%s, %s)", [account, reason]).fetchone()
        assert row is not None
        return row[0]

    def ahead(self) -> list[tuple[str, bool]]:
        """Returns the accounts that are ahead, and whether that was accepted."""
        return self.conn.execute(
            "select account_id, accepted_at is not null from pgledger_accounts_ahead()"
        ).fetchall()

    def problem(self) -> tuple[int, int, str | None]:
        row = self.conn.execute(
            "select rows_checked, violations, example from pgledger_verify() where check_name = %s",
            [CHECK],
        ).fetchone()
        assert row is not None
        return row

    def is_sound_but_for_times(self) -> bool:
        rows = self.conn.execute("select check_name from pgledger_verify() where violations > 0")
        return {name for (name,) in rows} <= {CHECK}


@pytest.fixture
def books(connect: Connect, set_clock: SetClock) -> Books:
    conn = connect(autocommit=True)
    carry_clock(conn, set_clock, NOW - DAY)
    made = Books(conn)
    ledger = Ledger(conn)
    for name in ("shop", "buyer", "other", "fourth"):
        setattr(made, name, ledger.create_account(name, "USD").id)
    conn.add_notice_handler(lambda notice: made.warnings.append(notice.message_primary or ""))
    put_clock(conn, NOW)
    return made


# Warned of


@each_way
@pytest.mark.parametrize(
    ("ahead", "warned"),
    [
        (timedelta(seconds=30), False),
        (timedelta(minutes=1) - MICROSECOND, False),
        (timedelta(minutes=1) + MICROSECOND, True),
        (timedelta(hours=7), True),
        (DAY, True),
    ],
)
def test_an_account_that_is_ahead_posts_later_than_that_with_a_warning(
    books: Books, make: Make, ahead: timedelta, warned: bool
) -> None:
    books.put_ahead(ahead)
    (made,) = make(books.conn, [(books.buyer, books.shop)])
    assert made.created_at == NOW + ahead + MICROSECOND
    assert len(books.warnings) == int(warned)
    for warning in books.warnings:
        assert books.shop in warning
        assert "2026-03-01 12:00:00+00" in warning
    assert books.is_sound_but_for_times()


@each_batch
def test_a_batch_warns_once_of_what_is_furthest_ahead(books: Books, make: Make) -> None:
    books.put_ahead(timedelta(hours=1), (books.shop, books.other))
    books.put_ahead(timedelta(hours=3), (books.buyer, books.fourth))
    make(books.conn, [(books.shop, books.other), (books.fourth, books.shop)] * 3)
    (warning,) = books.warnings
    assert books.fourth in warning


def test_from_when_calls_warn_is_the_owners_to_set(books: Books) -> None:
    books.put_ahead(timedelta(seconds=30))
    for setting, expected in (("10 seconds", 1), ("1 day", 0), ("0", 1)):
        books.conn.execute("select pgledger_set_clock_warning(%s)", [setting])
        books.warnings.clear()
        single(books.conn, [(books.buyer, books.shop)])
        assert len(books.warnings) == expected, setting
        assert books.problem()[1] == len(books.ahead()) == expected * 3
    for wrong in ("-1 second", "1 day 1 second"):
        with pytest.raises(errors.InvalidArgument):
            books.conn.execute("select pgledger_set_clock_warning(%s)", [wrong])
    with pytest.raises(errors.NullArgument):
        books.conn.execute("select pgledger_set_clock_warning(null)")


# Refused


@each_way
def test_more_than_a_day_ahead_is_refused_and_spreads_no_further(books: Books, make: Make) -> None:
    books.put_ahead(timedelta(days=400))
    before = books.newest(books.buyer)
    for pair in ((books.buyer, books.shop), (books.other, books.buyer)):
        with pytest.raises(errors.AccountAheadOfClock) as refused:
            make(books.conn, [pair])
        message = str(refused.value)
        assert (books.shop if books.shop in pair else books.other) in message
        assert "2027-04-05 12:00:00+00" in message
        assert "2026-03-01 12:00:00+00" in message
        assert "pgledger_accept_time" in (refused.value.diag.message_hint or "")
    assert books.newest(books.buyer) == before
    # Others go on.
    (made,) = make(books.conn, [(books.buyer, books.fourth)])
    assert made.created_at == NOW
    assert not books.warnings


@each_way
def test_a_day_is_the_last_that_is_not_refused(books: Books, make: Make) -> None:
    books.put_ahead(DAY + MICROSECOND)
    with pytest.raises(errors.AccountAheadOfClock):
        make(books.conn, [(books.buyer, books.shop)])
    put_clock(books.conn, NOW + MICROSECOND)
    assert make(books.conn, [(books.buyer, books.shop)])


@each_batch
def test_a_batch_names_the_lowest_request_at_fault(books: Books, make: Make) -> None:
    books.put_ahead(timedelta(days=2), (books.other, books.fourth))
    pairs = [(books.shop, books.buyer), (books.buyer, books.fourth), (books.other, books.shop)]
    with pytest.raises(errors.AccountAheadOfClock, match=rf"request 2 of 3.*{books.fourth}"):
        make(books.conn, pairs)


def test_only_new_requests_of_a_batch_are_looked_at(books: Books) -> None:
    """Its place is the one among all requests, repeats included."""
    known = TransferRequest(books.shop, books.other, 1, id=ids.generate("pglt"))
    ledger = Ledger(books.conn)
    put_clock(books.conn, NOW + timedelta(days=9))
    (first,) = ledger.create_transfers([known])
    put_clock(books.conn, NOW)
    (again,) = ledger.create_transfers([known])
    assert (again.replayed, again.created_at) == (True, first.created_at)
    assert ledger.create_transfer(books.shop, books.other, 1, id=known.id).replayed
    new = TransferRequest(books.buyer, books.shop, 1)
    with pytest.raises(errors.AccountAheadOfClock, match="request 3 of 3"):
        ledger.create_transfers([known, TransferRequest(books.buyer, books.fourth, 1), new])


@pytest.mark.parametrize("make", [single, bulk, rows])
def test_it_is_looked_at_after_accounts_and_before_limits(books: Books, make: Make) -> None:
    ledger = Ledger(books.conn)
    euros = ledger.create_account("euros", "EUR").id
    limited = ledger.create_account("limited", "USD", allow_negative_balance=False).id
    books.put_ahead(timedelta(days=2))
    with pytest.raises(errors.CurrencyMismatch):
        make(books.conn, [(books.shop, euros)])
    with pytest.raises(errors.AccountNotFound):
        make(books.conn, [(books.shop, "pgla_01JTVST7XAES5BXHWZN4KR4VEZ")])
    with pytest.raises(errors.AccountAheadOfClock):
        make(books.conn, [(limited, books.shop)])
    with pytest.raises(errors.InsufficientFunds):
        make(books.conn, [(limited, books.buyer)])


def test_an_account_opened_under_a_wrong_clock_is_ahead_too(books: Books) -> None:
    put_clock(books.conn, NOW + timedelta(days=400))
    opened = Ledger(books.conn).create_account("opened then", "USD").id
    put_clock(books.conn, NOW)
    with pytest.raises(errors.AccountAheadOfClock, match=opened):
        single(books.conn, [(books.buyer, opened)])


def test_a_clock_that_is_far_behind_is_told_by_every_call(books: Books) -> None:
    put_clock(books.conn, NOW - timedelta(days=400))
    with pytest.raises(errors.AccountAheadOfClock):
        single(books.conn, [(books.buyer, books.shop)])
    put_clock(books.conn, NOW)
    assert single(books.conn, [(books.buyer, books.shop)])


# Accepted


@each_way
def test_an_accepted_account_posts_and_who_meets_it_posts_elsewhere(
    books: Books, make: Make
) -> None:
    books.put_ahead(timedelta(days=400), (books.shop, books.other))
    then = books.newest(books.shop)
    assert books.accept(books.shop) == then
    made = make(books.conn, [(books.buyer, books.shop)]) + make(
        books.conn, [(books.buyer, books.fourth), (books.fourth, books.shop)]
    )
    assert [transfer.created_at - then for transfer in made] == [
        MICROSECOND * n for n in range(1, 4)
    ]
    assert not books.warnings
    # What the wrong clock reached besides stays refused until it is accepted itself.
    with pytest.raises(errors.AccountAheadOfClock, match=books.other):
        make(books.conn, [(books.other, books.fourth)])
    assert sorted(books.ahead()) == sorted(
        [(books.shop, True), (books.buyer, True), (books.fourth, True), (books.other, False)]
    )
    assert books.problem()[:2] == (4, 1)
    books.accept(books.other)
    make(books.conn, [(books.other, books.fourth)])
    assert books.problem() == (4, 0, None)
    assert books.is_sound_but_for_times()


def test_what_was_accepted_is_written_down_for_ever(books: Books) -> None:
    books.put_ahead(timedelta(days=400))
    books.accept(books.shop, "clock of db-2, one hour")
    books.accept(books.shop, "again")
    single(books.conn, [(books.buyer, books.shop)])
    found = books.conn.execute(
        "select accounts.name, origin.name, newest_at, accepted_at, accepted_by, accepted_as,"
        " reason"
        " from pgledger.accepted_times"
        " inner join pgledger.accounts on account_key = accounts.key"
        " left join pgledger.accounts as origin on origin_key = origin.key"
        " order by accounts.key"
    ).fetchall()
    who = (NOW, books.conn.info.user, "none")
    then = NOW + timedelta(days=400)
    carried = f"a transfer together with account {books.shop}"
    assert found == [
        ("shop", None, then, *who, "clock of db-2, one hour"),
        ("buyer", "shop", then, *who, carried),
    ]
    for change in (
        "update pgledger.accepted_times set reason = 'x'",
        "delete from pgledger.accepted_times",
        "truncate pgledger.accepted_times",
    ):
        with pytest.raises(errors.ImmutableRecord):
            books.conn.execute(change)


@each_way
def test_another_wrong_clock_is_refused_again(books: Books, make: Make) -> None:
    books.put_ahead(timedelta(days=400))
    books.accept(books.shop)
    put_clock(books.conn, NOW + timedelta(days=401) + MICROSECOND)
    single(books.conn, [(books.buyer, books.shop)])
    put_clock(books.conn, NOW)
    with pytest.raises(errors.AccountAheadOfClock):
        make(books.conn, [(books.fourth, books.shop)])
    books.accept(books.shop)
    assert make(books.conn, [(books.fourth, books.shop)])


def test_an_hour_can_be_accepted_too_and_then_nobody_is_warned(books: Books) -> None:
    books.put_ahead(timedelta(hours=1))
    books.accept(books.shop)
    single(books.conn, [(books.buyer, books.shop), (books.buyer, books.fourth)])
    assert books.warnings == []
    assert books.problem()[1] == 1


def test_once_the_clock_has_come_there_all_is_as_ever(books: Books) -> None:
    books.put_ahead(timedelta(days=400))
    put_clock(books.conn, NOW + timedelta(days=401))
    (made,) = single(books.conn, [(books.buyer, books.shop)])
    assert made.created_at == NOW + timedelta(days=401)
    assert (books.warnings, books.ahead(), books.problem()[1]) == ([], [], 0)


def test_a_refused_call_accepts_nothing_for_others(books: Books) -> None:
    limited = Ledger(books.conn).create_account("limited", "USD", allow_negative_balance=False).id
    books.put_ahead(timedelta(days=400))
    books.accept(books.shop)
    with pytest.raises(errors.InsufficientFunds):
        single(books.conn, [(limited, books.shop)])
    assert books.conn.execute("select count(*) from pgledger.accepted_times").fetchone() == (1,)


@pytest.mark.parametrize(
    ("account", "reason", "error"),
    [
        ("shop", None, errors.InvalidArgument),
        ("shop", "", errors.InvalidArgument),
        ("shop", "x" * 1001, errors.InvalidArgument),
        ("buyer", "not ahead", errors.InvalidArgument),
        ("nobody", "why", errors.InvalidId),
        (None, "why", errors.NullArgument),
    ],
)
def test_what_cannot_be_accepted(
    books: Books, account: str | None, reason: str | None, error: type[Exception]
) -> None:
    books.put_ahead(timedelta(days=400))
    account_id = None if account is None else getattr(books, account, account)
    with pytest.raises(error):
        books.conn.execute("select pgledger_accept_time(%s, %s)", [account_id, reason])
    with pytest.raises(errors.AccountNotFound):
        books.conn.execute("select pgledger_accept_time(%s, 'why', 'other')", [books.shop])


def test_only_the_owner_accepts_and_sets(books: Books) -> None:
    books.put_ahead(timedelta(days=400))
    with books.conn.transaction():
        for role in ("pgledger_poster", "pgledger_auditor"):
            books.conn.execute(sql.SQL("set local role {}").format(sql.Identifier(role)))
            for call in (f"accept_time('{books.shop}', 'why')", "set_clock_warning('1 hour')"):
                with (
                    pytest.raises(psycopg.errors.InsufficientPrivilege),
                    books.conn.transaction(),
                ):
                    books.conn.execute(f"select pgledger_{call}".encode())
        books.conn.execute("set local role pgledger_owner")
        books.accept(books.shop)
    row = books.conn.execute("select accepted_as from pgledger.accepted_times").fetchone()
    assert row == ("pgledger_owner",)


def test_a_view_for_monitoring_says_what_calls_get(books: Books) -> None:
    assert books.conn.execute("select count(*) from pgledger_accounts_ahead_view").fetchall() == [
        (0,)
    ]
    ledger = Ledger(books.conn)
    mates = {
        account: ledger.create_account("mate", "USD").id
        for account in (books.shop, books.buyer, books.other)
    }
    books.put_ahead(timedelta(hours=1), (books.shop, mates[books.shop]))
    books.put_ahead(DAY + MICROSECOND, (books.buyer, mates[books.buyer]))
    books.put_ahead(timedelta(days=40), (books.other, mates[books.other]))
    books.conn.execute("select pgledger_accept_time(%s, 'db-2')", (books.other,))
    rows = books.conn.execute(
        "select account_id, ahead_by, state, accepted_at is not null, reason"
        " from pgledger_accounts_ahead_v1 where account_id <> all(%s) order by ahead_by",
        [list(mates.values())],
    ).fetchall()
    assert rows == [
        (books.shop, timedelta(hours=1), "warned", False, None),
        (books.buyer, DAY + MICROSECOND, "refused", False, None),
        (books.other, timedelta(days=40), "accepted", True, "db-2"),
    ]
    books.conn.execute("set role pgledger_reader")
    assert books.conn.execute("select count(*) from pgledger_accounts_ahead_v1").fetchall() == [
        (6,)
    ]
    books.conn.execute("reset role")


def test_apps_are_told_of_their_own(books: Books) -> None:
    ledger = Ledger(books.conn)
    first, second = (ledger.create_account(name, "USD", app_id="bank").id for name in "ab")
    put_clock(books.conn, NOW + timedelta(days=3))
    ledger.create_transfer(first, second, 1, app_id="bank")
    put_clock(books.conn, NOW)
    assert len(ledger.accounts_ahead(app_id="bank")) == 2
    assert ledger.accounts_ahead(app_id="") == []
    assert len(ledger.accounts_ahead()) == 2


# Two sessions, whose clocks need not agree


def other_session(books: Books, connect: Connect, now: datetime) -> Session:
    conn = connect()
    put_clock(conn, now)
    conn.commit()
    return conn


@each_way
def test_who_waits_for_a_session_with_a_wrong_clock_is_refused_by_it(
    books: Books, connect: Connect, wait_until_blocked: WaitUntilBlocked, make: Make
) -> None:
    wrong = other_session(books, connect, NOW + timedelta(days=400))
    right = other_session(books, connect, NOW)
    single(wrong, [(books.shop, books.other)])
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(make, right, [(books.buyer, books.shop)])
        wait_until_blocked(right.info.backend_pid, by=wrong.info.backend_pid)
        wrong.commit()
        with pytest.raises(errors.AccountAheadOfClock):
            waiting.result(30)


@each_way
def test_who_waits_for_a_wrong_clock_that_rolls_back_is_not(
    books: Books, connect: Connect, wait_until_blocked: WaitUntilBlocked, make: Make
) -> None:
    wrong = other_session(books, connect, NOW + timedelta(days=400))
    right = other_session(books, connect, NOW)
    single(wrong, [(books.shop, books.other)])
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(make, right, [(books.buyer, books.shop)])
        wait_until_blocked(right.info.backend_pid, by=wrong.info.backend_pid)
        wrong.rollback()
        (made,) = waiting.result(30)
    assert made.created_at == NOW


@each_way
@pytest.mark.parametrize("ends", ["commit", "rollback"])
def test_who_waits_for_an_acceptance_posts_if_it_is_committed(
    books: Books, connect: Connect, wait_until_blocked: WaitUntilBlocked, make: Make, ends: str
) -> None:
    books.put_ahead(timedelta(days=400))
    owner = other_session(books, connect, NOW)
    poster = other_session(books, connect, NOW)
    owner.execute("select pgledger_accept_time(%s, 'why')", [books.shop])
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(make, poster, [(books.buyer, books.shop)])
        wait_until_blocked(poster.info.backend_pid, by=owner.info.backend_pid)
        getattr(owner, ends)()
        if ends == "commit":
            assert waiting.result(30)[0].created_at > NOW + timedelta(days=399)
        else:
            with pytest.raises(errors.AccountAheadOfClock):
                waiting.result(30)


def test_two_calls_that_pass_an_acceptance_on_to_the_same_account(
    books: Books, connect: Connect, wait_until_blocked: WaitUntilBlocked
) -> None:
    books.put_ahead(timedelta(days=400))
    for account in (books.shop, books.other):
        books.accept(account)
    first = other_session(books, connect, NOW)
    second = other_session(books, connect, NOW)
    single(first, [(books.buyer, books.shop)])
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(single, second, [(books.buyer, books.other)])
        wait_until_blocked(second.info.backend_pid, by=first.info.backend_pid)
        first.commit()
        assert len(waiting.result(30)) == 1
    second.commit()
    assert sorted(books.ahead()) == sorted(
        [(books.shop, True), (books.other, True), (books.buyer, True)]
    )
    assert books.problem()[1] == 0
    assert books.is_sound_but_for_times()


# Costs


@each_way
def test_whoever_is_not_ahead_reads_nothing_of_it(books: Books, make: Make) -> None:
    with books.conn.transaction():
        make(books.conn, [(books.buyer, books.shop)])
        read = books.conn.execute(
            "select coalesce(sum(seq_scan + coalesce(idx_scan, 0)), 0)"
            " from pg_stat_xact_all_tables where relname in ('accepted_times', 'clock_settings')"
        ).fetchone()
    assert read == (Decimal(0),)


# A clock that moves within a call

STEPS = [timedelta(microseconds=step) for step in (-2, -1, 0, 1, 2)] + [
    timedelta(seconds=step) for step in (-90, -30, 30, 90)
]


def test_a_clock_that_steps_between_any_two_statements_leaves_times_ascending(
    books: Books, set_clock: SetClock
) -> None:
    """Each reading is another step away from the one before, forwards or back."""
    dice = dice_of("steps")
    accounts = [books.shop, books.buyer, books.other, books.fourth]
    books.conn.execute("create sequence public.readings minvalue 0")
    books.conn.execute("grant usage on sequence public.readings to public")
    for _ in range(scaled(40)):
        readings = [NOW]
        for _ in range(24):
            readings.append(readings[-1] + dice.choice(STEPS))
        told = "{" + ",".join(reading.isoformat() for reading in readings) + "}"
        books.conn.execute("select setval('public.readings', 0, false)")
        set_clock(
            books.conn,
            f"('{told}'::timestamptz[])"
            f"[1 + least(nextval('public.readings'), {len(readings) - 1})::integer]",
        )
        for _ in range(6):
            pair = dice.sample(accounts, 2)
            (made,) = dice.choice([single, single, single_with_id, bulk])(
                books.conn, [(pair[0], pair[1])]
            )
            assert [books.newest(account) for account in pair] == [made.created_at] * 2
    assert books.is_sound_but_for_times()


@each_way
@pytest.mark.parametrize("held", ["lower", "higher"])
def test_who_waits_for_either_account_brings_both_to_one_time(
    books: Books,
    connect: Connect,
    wait_until_blocked: WaitUntilBlocked,
    make: Make,
    held: str,
) -> None:
    """The one that is held moves on ten seconds meanwhile."""
    lower, higher = sorted([books.shop, books.buyer])
    holder = other_session(books, connect, NOW + timedelta(seconds=10))
    waiter = other_session(books, connect, NOW)
    moved = single(holder, [(lower if held == "lower" else higher, books.other)])[0]
    for pair in ((lower, higher), (higher, lower)):
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(make, waiter, [pair])
            wait_until_blocked(waiter.info.backend_pid, by=holder.info.backend_pid)
            holder.commit()
            made = waiting.result(30)[0]
        waiter.commit()
        assert made.created_at == moved.created_at + MICROSECOND
        assert [books.newest(lower), books.newest(higher)] == [made.created_at] * 2
        moved = single(holder, [(lower if held == "lower" else higher, books.other)])[0]
    assert books.is_sound_but_for_times()
