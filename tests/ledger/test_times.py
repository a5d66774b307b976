"""Balances, statements, trial balances and movements at any time, on both axes.

Random histories are compared with a plain Python model, which reads a list of transfers from its
beginning. Their clock moves in steps of hours and days, so that times differ by more than a few
milliseconds, and often not at all.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pgledger import Ledger, Transfer, TransferRequest, errors
from support import times
from support.clock import SetClock
from support.database import Connect
from support.properties import scaled

Session = psycopg.Connection[Any]

START = datetime(2025, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
AGES = (timedelta(hours=-20), timedelta(0), timedelta(minutes=1), timedelta(days=1), timedelta(9))
NAMES = ("users.1.usd", "users.2.usd", "users", "users-old", "world")

steps = st.lists(
    st.tuples(
        # How long after the one before, between which accounts, and how long ago it happened.
        st.sampled_from((timedelta(0), timedelta(hours=5), timedelta(days=2))),
        st.permutations(range(len(NAMES))),
        st.integers(1, 3),
        st.lists(st.sampled_from((None, None, *AGES)), min_size=3, max_size=3),
    ),
    max_size=8,
)
Steps = list[tuple[timedelta, list[int], int, list[timedelta | None]]]


class Books:
    """An app with five accounts, and the transfers made in it."""

    def __init__(self, conn: Session, app_id: str) -> None:
        self.ledger = Ledger(conn)
        self.app_id = app_id
        self.ids = {
            name: self.ledger.create_account(name, "USD", app_id=app_id).id for name in NAMES
        }
        self.transfers: list[Transfer] = []

    def follow(self, steps: Steps, set_clock: Callable[[datetime], None]) -> None:
        now = START
        for pause, order, count, ages in steps:
            now += pause
            set_clock(now)
            requests = [
                TransferRequest(
                    self.ids[NAMES[order[place]]],
                    self.ids[NAMES[order[place + 1]]],
                    Decimal(place + 1) / 4,
                    event_at=None if age is None else now - age,
                )
                for place, age in zip(range(count), ages, strict=False)
            ]
            self.transfers += self.ledger.create_transfers(requests, app_id=self.app_id)

    def moments(self) -> list[datetime]:
        known = {START}
        for transfer in self.transfers:
            known |= {transfer.created_at, transfer.event_at}
        around = {at + step for at in known for step in (-MICROSECOND, timedelta(0), MICROSECOND)}
        return sorted({*around, START - timedelta(days=40), START + timedelta(days=400)})


@pytest.fixture
def new_books(connect: Connect, set_clock: SetClock) -> Callable[[Steps], Books]:
    conn = connect(autocommit=True)
    made: list[None] = []

    def build(steps: Steps) -> Books:
        made.append(None)
        set_clock(conn, START)
        books = Books(conn, f"app-{len(made)}")
        books.follow(steps, lambda now: set_clock(conn, now))
        return books

    return build


@given(steps=steps)
@settings(max_examples=scaled(15))
def test_balances_are_those_of_the_model(new_books: Callable[[Steps], Books], steps: Steps) -> None:
    books = new_books(steps)
    order = [*books.ids.values(), books.ids["world"]]
    for at in books.moments():
        for axis in times.AXES:
            expected = [times.balance_at(books.transfers, own, at, axis) for own in order]
            told = books.ledger.balances_at(order, at, axis=axis, app_id=books.app_id)
            assert [line.account_id for line in told] == order
            assert [line.balance for line in told] == expected
            one = books.ledger.balance_at(order[0], at, axis=axis, app_id=books.app_id)
            assert one == expected[0]


@given(steps=steps, data=st.data())
@settings(max_examples=scaled(15))
def test_statements_are_those_of_the_model(
    new_books: Callable[[Steps], Books], steps: Steps, data: st.DataObject
) -> None:
    books = new_books(steps)
    moments = st.one_of(st.none(), st.sampled_from(books.moments()))
    for account_id in books.ids.values():
        ends = [data.draw(moments), data.draw(moments)]
        if None not in ends:
            ends.sort()
            if ends[0] == ends[1]:
                continue
        for axis in times.AXES:
            lines = books.ledger.statement(
                account_id, from_time=ends[0], until=ends[1], axis=axis, app_id=books.app_id
            )
            assert [
                (
                    *(line.kind, line.at, line.amount, line.balance),
                    *(line.counterparty_id, line.transfer_id),
                )
                for line in lines
            ] == times.statement(books.transfers, account_id, ends[0], ends[1], axis)
            by_id = {transfer.id: transfer for transfer in books.transfers}
            for line in lines[1:-1]:
                transfer = by_id[line.transfer_id or ""]
                assert line.created_at == transfer.created_at
                assert line.event_at == transfer.event_at


@given(steps=steps, data=st.data())
@settings(max_examples=scaled(15))
def test_trial_balances_and_movements_are_those_of_the_model(
    new_books: Callable[[Steps], Books], steps: Steps, data: st.DataObject
) -> None:
    books = new_books(steps)
    names = {account_id: name for name, account_id in books.ids.items()}
    for axis in times.AXES:
        at, later = sorted(data.draw(st.sampled_from(books.moments())) for _ in range(2))
        prefix = data.draw(st.sampled_from((None, "users", "users.1", "us", "world")))
        below = [
            own
            for own, name in names.items()
            if prefix is None or name == prefix or name.startswith(f"{prefix}.")
        ]
        rows = books.ledger.trial_balance(at=at, app_id=books.app_id, prefix=prefix, axis=axis)
        told = {row.account_id: row.balance for row in rows}
        assert told == {
            own: balance
            for own in below
            for balance in [times.balance_at(books.transfers, own, at, axis)]
            if at >= START or balance
        }
        assert [row.account_name for row in rows] == sorted(names[own] for own in told)
        if prefix is None:
            assert sum(row.above_zero for row in rows) == sum(row.below_zero for row in rows)
        levels = books.ledger.balances(
            prefix=prefix, depth=1, at=at, axis=axis, app_id=books.app_id
        )
        assert sum(level.balance for level in levels) == sum(told.values())
        assert sum(level.account_count for level in levels) == len(told)
        assert all(level.held_out is level.held_in is None for level in levels)
        if at < later:
            moved = books.ledger.movements(
                from_time=at, until=later, prefix=prefix, axis=axis, app_id=books.app_id
            )
            assert {
                (row.period_start, row.account_id, row.counterparty_id): (
                    *(row.incoming, row.outgoing, row.transfer_count),
                )
                for row in moved
            } == times.movements(books.transfers, below, at, later, axis)


# What ends are, and what is refused


@pytest.fixture
def books(new_books: Callable[[Steps], Books]) -> Books:
    """Five transfers; two happened before they were recorded, one happens tomorrow."""
    day = timedelta(days=1)
    order = [0, 4, 2, 3, 1]
    return new_books(
        [
            (day, order, 1, [None, None, None]),
            (day, order, 1, [day, None, None]),
            (day, order, 1, [timedelta(hours=-20), None, None]),
            (timedelta(0), order, 1, [10 * day, None, None]),
            (day, order, 1, [None, None, None]),
        ]
    )


def test_a_late_transfer_changes_the_past_by_event_and_not_as_recorded(books):
    ledger, own, app = books.ledger, books.ids["world"], {"app_id": books.app_id}
    at = START + timedelta(hours=12)
    assert ledger.balance_at(own, at, **app) == 0
    # Ten days before it was recorded, one of them had happened.
    assert ledger.balance_at(own, at, axis="event", **app) == Decimal("0.25")
    end = START + timedelta(days=300)
    assert ledger.balance_at(own, end, **app) == ledger.balance_at(own, end, axis="event", **app)


def test_a_statement_without_ends_is_all_there_is(books):
    own, app = books.ids["world"], {"app_id": books.app_id}
    for axis in times.AXES:
        lines = books.ledger.statement(own, axis=axis, **app)
        assert [line.kind for line in lines] == ["opening", *["entry"] * 5, "closing"]
        assert (lines[0].at, lines[0].balance, lines[-1].at) == (None, 0, None)
        assert lines[-1].balance == lines[-1].amount == lines[-2].balance
        endless = books.ledger.conn.execute(
            "select kind, at, amount, balance from pgledger_statement("
            "%s, '-infinity', 'infinity', %s, %s)",
            [own, axis, books.app_id],
        ).fetchall()
        assert endless == [(line.kind, line.at, line.amount, line.balance) for line in lines]
    assert [line.kind for line in books.ledger.statement(books.ids["users"], **app)] == [
        "opening",
        "closing",
    ]


def test_a_statement_ends_before_its_end(books):
    own, app = books.ids["world"], {"app_id": books.app_id}
    second, third = (transfer.created_at for transfer in books.transfers[1:3])
    lines = books.ledger.statement(own, from_time=second, until=third, **app)
    assert [line.transfer_id for line in lines[1:-1]] == [books.transfers[1].id]
    assert (lines[0].at, lines[-1].at) == (second, third)


@pytest.mark.parametrize("at", ["-infinity", "0001-01-01 00:00:00+00", "infinity"])
def test_odd_times_are_answered(books, at):
    conn, own, app = books.ledger.conn, books.ids["world"], books.app_id
    balance = Decimal("1.25") if at == "infinity" else 0
    for axis in times.AXES:
        rows = conn.execute(
            "select pgledger_balance_at(%(own)s, %(at)s, %(axis)s, %(app)s)"
            " union all select sum(balance) from pgledger_trial_balance(%(at)s, %(app)s, 'world',"
            " %(axis)s)"
            " union all select balance from pgledger_statement(%(own)s, null, %(at)s, %(axis)s,"
            " %(app)s) where kind = 'closing' and %(at)s <> '-infinity'"
            " union all select sum(incoming) from pgledger_movements(null, %(at)s, 'world',"
            " 'year', %(axis)s, app_id => %(app)s) where %(at)s <> '-infinity'",
            {"own": own, "at": at, "axis": axis, "app": app},
        ).fetchall()
        assert {row[0] or 0 for row in rows} == {balance}


@pytest.mark.parametrize("at", ["4713-11-24 00:00:00+00 BC", "10000-01-01 00:00:00+00"])
def test_years_that_answers_cannot_have(books, at):
    """Where a statement or a period begins or ends is in the answer, and Python cannot read it."""
    conn, own, app = books.ledger.conn, books.ids["world"], books.app_id
    for axis in times.AXES:
        ((balance,),) = conn.execute(
            "select pgledger_balance_at(%s, %s, %s, %s)", [own, at, axis, app]
        ).fetchall()
        assert balance == (0 if "BC" in at else Decimal("1.25"))
    for call in (
        "pgledger_statement(%(own)s, null, %(at)s, app_id => %(app)s)",
        "pgledger_statement(%(own)s, %(at)s, null, app_id => %(app)s)",
        "pgledger_movements(null, %(at)s, app_id => %(app)s)",
        "pgledger_movements(%(at)s, null, app_id => %(app)s)",
    ):
        with pytest.raises(errors.InvalidTime, match="the year"), conn.transaction():
            conn.execute(f"select from {call}".encode(), {"own": own, "at": at, "app": app})


def test_periods_begin_in_the_time_zone(books):
    told = books.ledger.movements(
        prefix="world", by="month", time_zone="Pacific/Auckland", axis="event", app_id=books.app_id
    )
    assert [row.period_start for row in told] == [
        datetime(2024, 11, 30, 11, tzinfo=UTC),
        datetime(2024, 12, 31, 11, tzinfo=UTC),
    ]
    (whole,) = books.ledger.movements(prefix="world", by=None, app_id=books.app_id)
    assert (whole.period_start, whole.incoming, whole.transfer_count) == (None, Decimal("1.25"), 5)
    (whole,) = books.ledger.movements(from_time=START, prefix="world", by=None, app_id=books.app_id)
    assert whole.period_start == START


@pytest.mark.parametrize(
    ("call", "error"),
    [
        ("pgledger_balance_at('{own}', null, app_id => 'app-1')", errors.NullArgument),
        ("pgledger_balance_at('{own}', now(), null, 'app-1')", errors.NullArgument),
        ("pgledger_balance_at('{own}', now(), 'created', 'app-1')", errors.InvalidArgument),
        ("pgledger_balance_at('{own}', now(), app_id => '')", errors.AccountNotFound),
        ("pgledger_balances_at('{{}}', null)", errors.NullArgument),
        ("pgledger_balances_at(null, now())", errors.InvalidBatch),
        ("pgledger_balances_at('{{{{a}},{{b}}}}', now())", errors.InvalidBatch),
        ("pgledger_balances_at('{{x}}', now())", errors.InvalidId),
        ("pgledger_balances_at('{{null}}', now())", errors.NullArgument),
        ("pgledger_balances_at('{{}}', now(), 'Event')", errors.InvalidArgument),
        ("pgledger_balances_at(array_fill('x'::text, array[100001]), now())", errors.BatchTooLarge),
        ("pgledger_balances_at('{{}}', now(), app_id => 'a b')", errors.InvalidScope),
        ("pgledger_statement('{own}', now(), now(), app_id => 'app-1')", errors.InvalidTime),
        ("pgledger_statement('{own}', axis => 'x', app_id => 'app-1')", errors.InvalidArgument),
        ("pgledger_statement('{own}')", errors.AccountNotFound),
        ("pgledger_trial_balance(axis => null)", errors.NullArgument),
        ("pgledger_trial_balance(prefix => '')", errors.InvalidName),
        ("pgledger_trial_balance(app_id => null)", errors.NullArgument),
        ("pgledger_movements(now(), '2020-01-01')", errors.InvalidTime),
        ("pgledger_movements(by => 'decade')", errors.InvalidArgument),
        ("pgledger_movements(time_zone => 'CET')", errors.InvalidArgument),
        ("pgledger_movements(axis => '')", errors.InvalidArgument),
        ("pgledger_balances(axis => 'x')", errors.InvalidArgument),
    ],
)
def test_what_makes_no_sense_is_refused(books, call, error):
    with pytest.raises(error):
        books.ledger.conn.execute(f"select {call.format(own=books.ids['world'])}".encode())


def test_a_batch_names_the_account_that_is_not_there(books):
    own, other = books.ids["world"], "pgla_7ZZZZZZZZZZZZZZZZZZZZZZZZZ"
    with pytest.raises(errors.AccountNotFound, match="request 2 of 3"):
        books.ledger.balances_at([own, other, own], START, app_id=books.app_id)
