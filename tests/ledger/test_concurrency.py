"""Many sessions at once: no deadlock, no lost or doubled effect, limits that hold, no half calls.

Sessions are threads with a connection each. What has to happen first is waited for by looking at
what the server says its sessions do.
"""

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import replace
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from psycopg import IsolationLevel, OperationalError
from psycopg.errors import (
    AdminShutdown,
    QueryCanceled,
    SerializationFailure,
)

from pgledger import Ledger, Transfer, TransferRequest, ids, run_transaction
from pgledger.errors import (
    AccountNotFound,
    IdempotencyConflict,
    InsufficientFunds,
    PositiveBalanceNotAllowed,
)
from pgledger.migrate import migrate
from support.crash import kill_server
from support.database import Connect
from support.server import NewServer
from support.waiting import WaitUntil, WaitUntilBlocked

# A session that waits for ever would hold the run; one that waits this long has been forgotten.
PATIENCE = {"options": "-c statement_timeout=60s"}
ATTEMPTS = 1000
LEVELS = (
    IsolationLevel.READ_COMMITTED,
    IsolationLevel.REPEATABLE_READ,
    IsolationLevel.SERIALIZABLE,
)
SNAPSHOT_LEVELS = LEVELS[1:]

Session = psycopg.Connection[Any]
Call = Callable[[Session], Any]

levels = pytest.mark.parametrize("level", LEVELS, ids=lambda level: level.name.lower())
snapshot_levels = pytest.mark.parametrize(
    "level", SNAPSHOT_LEVELS, ids=lambda level: level.name.lower()
)


@contextmanager
def side_by_side(count: int) -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(count) as pool:
        yield pool


def all_at_once(calls: Sequence[Callable[[], Any]]) -> list[Any]:
    """Runs each call in a thread of its own, all from the same moment, and returns their results.

    A call's psycopg error is its result.
    """
    barrier = threading.Barrier(len(calls))

    def run(call: Callable[[], Any]) -> Any:
        barrier.wait()
        return outcome_of(call)

    with side_by_side(len(calls)) as pool:
        return [future.result() for future in [pool.submit(run, call) for call in calls]]


def outcome_of(call: Callable[[], Any]) -> Any:
    try:
        return call()
    except psycopg.Error as error:
        return error


def outcome(future: Future[Any]) -> Any:
    return outcome_of(lambda: future.result(timeout=90))


def open_accounts(conn: Session, count: int, **options: Any) -> list[str]:
    """Opens accounts and commits; their ids ascend."""
    accounts = [
        Ledger(conn).create_account(f"account {number}", "USD", **options).id
        for number in range(count)
    ]
    conn.commit()
    return sorted(accounts)


def count(conn: Session, what: str = "pgledger_transfers_view") -> int:
    conn.rollback()
    row = conn.execute(f"select count(*) from {what}".encode()).fetchone()
    conn.rollback()
    assert row is not None
    return int(row[0])


def balances(conn: Session, account_ids: Sequence[str]) -> list[Decimal]:
    conn.rollback()
    found = [Ledger(conn).get_account(account_id).balance for account_id in account_ids]
    conn.rollback()
    return found


def assert_verified(conn: Session) -> None:
    conn.rollback()
    checks = Ledger(conn).verify()
    conn.rollback()
    assert [check for check in checks if not check.ok] == []


def new_transfer_id() -> str:
    return ids.generate("pglt")


def move(
    accounts: Sequence[str],
    amount: Decimal | int,
    *,
    id: str | None = None,  # noqa: A002 -- as in TransferRequest
) -> TransferRequest:
    source, target = accounts
    return TransferRequest(source, target, amount, id=id)


# How one and the same list of transfers is made, in one call.


def single(conn: Session, requests: Sequence[TransferRequest]) -> list[Transfer]:
    (request,) = requests
    return [
        Ledger(conn).create_transfer(
            request.from_account_id, request.to_account_id, request.amount, id=request.id
        )
    ]


def bulk(conn: Session, requests: Sequence[TransferRequest]) -> list[Transfer]:
    return Ledger(conn).create_transfers(requests)


def array(conn: Session, requests: Sequence[TransferRequest]) -> list[Transfer]:
    rows = conn.execute(
        "select * from pgledger_create_transfers_from_rows(array(select"
        " row(given.source, given.target, given.amount)::pgledger_transfer_request"
        " from unnest(%s::text[], %s::text[], %s::numeric[]) with ordinality"
        " as given (source, target, amount, place) order by given.place))",
        [
            [request.from_account_id for request in requests],
            [request.to_account_id for request in requests],
            [request.amount for request in requests],
        ],
    ).fetchall()
    return [Transfer(*row) for row in rows]


def bulk_with_ids(conn: Session, requests: Sequence[TransferRequest]) -> list[Transfer]:
    return bulk(conn, [replace(request, id=new_transfer_id()) for request in requests])


one_by_one = pytest.mark.parametrize(
    "make", [single, bulk, bulk_with_ids, array], ids=lambda make: make.__name__
)
repeatable = pytest.mark.parametrize("make", [single, bulk], ids=lambda make: make.__name__)


# Deadlocks: one call never deadlocks with another


@pytest.mark.parametrize("make", [bulk, bulk_with_ids, array], ids=lambda make: make.__name__)
def test_batches_in_opposite_order_never_deadlock(
    make: Callable[..., list[Transfer]], conn: Session, connect: Connect
) -> None:
    rounds, size = 80, 60
    accounts = open_accounts(conn, 60)
    sessions = [connect(autocommit=True, **PATIENCE) for _ in range(2)]
    dice = random.Random(7)
    for _ in range(rounds):
        pairs = [tuple(dice.sample(accounts, 2)) for _ in range(size)]
        forth = [TransferRequest(source, target, 1) for source, target in pairs]
        back = [TransferRequest(target, source, 1) for source, target in reversed(pairs)]
        results = all_at_once(
            [lambda: make(sessions[0], forth), lambda: make(sessions[1], back)]  # noqa: B023
        )
        assert [len(result) for result in results] == [size, size]
    assert count(conn) == 2 * rounds * size
    assert balances(conn, accounts) == [0] * len(accounts)
    assert_verified(conn)


def test_single_transfers_in_opposite_directions_never_deadlock(
    conn: Session, connect: Connect
) -> None:
    rounds = 300
    first, second = open_accounts(conn, 2)

    def run(source: str, target: str) -> Callable[[], int]:
        session = connect(autocommit=True, **PATIENCE)

        def go() -> int:
            for _ in range(rounds):
                single(session, [TransferRequest(source, target, 1)])
            return rounds

        return go

    results = all_at_once([run(first, second), run(second, first)] * 2)
    assert results == [rounds] * 4
    assert count(conn) == 4 * rounds
    assert balances(conn, [first, second]) == [0, 0]
    assert_verified(conn)


def test_singles_and_batches_mixed_never_deadlock(conn: Session, connect: Connect) -> None:
    calls, size = 60, 10
    accounts = open_accounts(conn, 6)

    def run(number: int) -> Callable[[], int]:
        session = connect(autocommit=True, **PATIENCE)
        dice = random.Random(number)

        def go() -> int:
            made = 0
            for _ in range(calls):
                make = dice.choice([single, bulk, array])
                requests = [
                    move(
                        dice.sample(accounts, 2),
                        1,
                        id=new_transfer_id() if make is not array and dice.random() < 0.5 else None,
                    )
                    for _ in range(1 if make is single else size)
                ]
                made += len(make(session, requests))
            return made

        return go

    results = all_at_once([run(number) for number in range(4)])
    assert not [result for result in results if isinstance(result, Exception)]
    assert count(conn) == sum(results)
    assert sum(balances(conn, accounts)) == 0
    assert_verified(conn)


def test_chosen_ids_in_opposite_order_on_the_same_accounts_never_deadlock(
    conn: Session, connect: Connect
) -> None:
    rounds, size = 40, 20
    accounts = open_accounts(conn, 4)
    sessions = [connect(autocommit=True, **PATIENCE) for _ in range(2)]
    dice = random.Random(11)
    for _ in range(rounds):
        requests = [move(dice.sample(accounts, 2), 1, id=new_transfer_id()) for _ in range(size)]
        forth, back = all_at_once(
            [
                lambda: bulk(sessions[0], requests),  # noqa: B023
                lambda: bulk(sessions[1], requests[::-1]),  # noqa: B023
            ]
        )
        # Which of the two made them differs; what they answer does not.
        by_id = {transfer.id: transfer for transfer in forth}
        assert {transfer.id: transfer for transfer in back} == by_id
        assert [transfer.id for transfer in forth] == [request.id for request in requests]
    assert count(conn) == rounds * size
    assert_verified(conn)


@pytest.mark.parametrize("sizes", [(20, 20), (1, 20), (1, 1)], ids=str)
def test_chosen_ids_in_opposite_order_on_disjoint_accounts_never_deadlock(
    sizes: tuple[int, int], conn: Session, connect: Connect
) -> None:
    rounds = 40
    accounts = open_accounts(conn, 4)
    sessions = [connect(autocommit=True, **PATIENCE) for _ in range(2)]
    made = 0
    for _ in range(rounds):
        transfer_ids = [new_transfer_id() for _ in range(max(sizes))]
        forth = [move(accounts[:2], 1, id=chosen) for chosen in transfer_ids]
        back = [move(accounts[2:], 1, id=chosen) for chosen in transfer_ids[::-1]]
        # Where a side has one id only, it is one that the other comes to last.
        forth, back = forth[-sizes[0] :], back[-sizes[1] :] if sizes[1] > 1 else back[:1]
        results = all_at_once(
            [
                lambda: bulk(sessions[0], forth),  # noqa: B023
                lambda: (single if len(back) == 1 else bulk)(sessions[1], back),  # noqa: B023
            ]
        )
        conflicts = [result for result in results if isinstance(result, Exception)]
        assert [type(conflict) for conflict in conflicts] == [IdempotencyConflict]
        made += sum(len(result) for result in results if isinstance(result, list))
    assert count(conn) == made
    assert_verified(conn)


# Rows of an application that point at accounts


@pytest.fixture
def orders(conn: Session) -> Session:
    """A table of an application's whose rows refer to accounts."""
    conn.execute(
        "create table orders (id bigint generated always as identity primary key,"
        ' account_id text collate "C" not null references pgledger.accounts (id),'
        " note text not null default '')"
    )
    conn.commit()
    return conn


@one_by_one
def test_an_open_transfer_does_not_block_rows_that_refer_to_its_accounts(
    make: Callable[..., list[Transfer]], orders: Session, connect: Connect
) -> None:
    source, target = open_accounts(orders, 2)
    transferring = connect()
    # Whoever would have to wait is told so instead.
    inserting = connect(options="-c lock_timeout=1s")
    make(transferring, [TransferRequest(source, target, 1)])
    for account_id in (source, target):
        inserting.execute("insert into orders (account_id) values (%s)", [account_id])
    inserting.commit()
    transferring.commit()
    assert count(orders, "orders") == 2
    assert count(orders) == 1
    assert_verified(orders)


@one_by_one
def test_open_rows_that_refer_to_accounts_do_not_block_transfers(
    make: Callable[..., list[Transfer]], orders: Session, connect: Connect
) -> None:
    source, target = open_accounts(orders, 2)
    inserting = connect()
    transferring = connect(options="-c lock_timeout=1s")
    for account_id in (source, target):
        inserting.execute("insert into orders (account_id) values (%s)", [account_id])
    make(transferring, [TransferRequest(source, target, 1)])
    transferring.commit()
    make(transferring, [TransferRequest(target, source, 3)])
    transferring.commit()
    inserting.commit()
    assert count(orders, "orders") == 2
    assert balances(orders, [source, target]) == [2, -2]
    assert_verified(orders)


def test_referring_rows_and_transfers_in_one_transaction_never_deadlock(
    orders: Session, connect: Connect
) -> None:
    rounds = 60
    accounts = open_accounts(orders, 4)

    def run(number: int) -> Callable[[], int]:
        session = connect(**PATIENCE)
        dice = random.Random(number)

        def go() -> int:
            for turn in range(rounds):
                source, target = dice.sample(accounts, 2)
                steps = [
                    lambda: session.execute(
                        "insert into orders (account_id) values (%s), (%s)",
                        [target, source],  # noqa: B023
                    ),
                    lambda: dice.choice([single, bulk])(
                        session,
                        [TransferRequest(source, target, 1)],  # noqa: B023
                    ),
                ]
                for step in steps if (turn + number) % 2 else reversed(steps):
                    step()
                session.commit()
            return rounds

        return go

    assert all_at_once([run(number) for number in range(6)]) == [rounds] * 6
    assert count(orders) == 6 * rounds
    assert count(orders, "orders") == 12 * rounds
    assert sum(balances(orders, accounts)) == 0
    assert_verified(orders)


# Isolation levels, on an account that everyone wants


@levels
def test_every_isolation_level_brings_all_through_on_a_hot_account(
    level: IsolationLevel, conn: Session, connect: Connect
) -> None:
    workers, rounds = 5, 12
    hot, *own = open_accounts(conn, workers + 1)
    gone_wrong: Counter[str | None] = Counter()

    def run(number: int) -> Callable[[], int]:
        session = connect(**PATIENCE)
        requests = [
            TransferRequest(own[number], hot, 2),
            TransferRequest(hot, own[number], 1),
        ]

        def attempt(session: Session) -> None:
            try:
                # Its snapshot is as old as it can be.
                session.execute("select count(*) from pgledger_transfers_view")
                if number % 2:
                    bulk(session, requests)
                else:
                    for request in requests:
                        single(session, [request])
            except psycopg.Error as error:
                gone_wrong[error.sqlstate] += 1
                raise

        def go() -> int:
            for _ in range(rounds):
                run_transaction(session, attempt, attempts=ATTEMPTS, isolation_level=level)
            return rounds

        return go

    # Several calls in one transaction lock the same two accounts in the same order.
    results = all_at_once([run(number) for number in range(workers)])
    assert results == [rounds] * workers
    expected = set() if level is IsolationLevel.READ_COMMITTED else {"40001"}
    assert set(gone_wrong) <= expected
    assert count(conn) == 2 * workers * rounds
    assert balances(conn, [hot]) == [workers * rounds]
    assert balances(conn, own) == [-rounds] * workers
    assert_verified(conn)


@snapshot_levels
@one_by_one
def test_an_old_snapshot_fails_with_40001_only_and_succeeds_when_tried_again(
    make: Callable[..., list[Transfer]], level: IsolationLevel, conn: Session, connect: Connect
) -> None:
    source, target = open_accounts(conn, 2)
    late = connect()
    late.isolation_level = level
    late.execute("select count(*) from pgledger_accounts_view")
    single(conn, [TransferRequest(source, target, 1)])
    conn.commit()
    with pytest.raises(SerializationFailure):
        make(late, [TransferRequest(target, source, 1)])
    late.rollback()
    run_transaction(late, lambda late: make(late, [TransferRequest(target, source, 1)]))
    assert balances(conn, [source, target]) == [0, 0]
    assert count(conn) == 2
    assert_verified(conn)


@levels
@one_by_one
def test_racing_for_the_last_units_exactly_as_many_succeed_as_there_are(
    make: Callable[..., list[Transfer]], level: IsolationLevel, conn: Session, connect: Connect
) -> None:
    units, racers = 5, 12
    (bank, *targets) = open_accounts(conn, 1 + racers)
    (purse,) = open_accounts(conn, 1, allow_negative_balance=False)
    single(conn, [TransferRequest(bank, purse, units)])
    conn.commit()

    def run(target: str) -> Callable[[], Any]:
        session = connect(**PATIENCE)
        request = TransferRequest(purse, target, 1)
        return lambda: run_transaction(
            session,
            lambda session: make(session, [request]),
            attempts=ATTEMPTS,
            isolation_level=level,
        )

    results = all_at_once([run(target) for target in targets])
    assert Counter(map(type, results)) == {list: units, InsufficientFunds: racers - units}
    assert balances(conn, [purse]) == [0]
    assert count(conn) == 1 + units
    assert_verified(conn)


@levels
def test_racing_towards_an_upper_limit_never_passes_it(
    level: IsolationLevel, conn: Session, connect: Connect
) -> None:
    owed, racers = 7, 10
    (bank, *sources) = open_accounts(conn, 1 + racers)
    (debt,) = open_accounts(conn, 1, allow_positive_balance=False)
    single(conn, [TransferRequest(debt, bank, owed)])
    conn.commit()

    def run(source: str) -> Callable[[], Any]:
        session = connect(**PATIENCE)
        # Two units in a call: three calls fit, and a unit stays.
        requests = [TransferRequest(source, debt, 1)] * 2
        return lambda: run_transaction(
            session,
            lambda session: bulk(session, requests),
            attempts=ATTEMPTS,
            isolation_level=level,
        )

    results = all_at_once([run(source) for source in sources])
    assert Counter(map(type, results)) == {list: 3, PositiveBalanceNotAllowed: racers - 3}
    assert balances(conn, [debt]) == [-1]
    assert count(conn) == 1 + 6
    assert_verified(conn)


# One id in many sessions


def released_at_once(
    conn: Session, connect: Connect, wait_until: WaitUntil, account_id: str, calls: Sequence[Call]
) -> list[Any]:
    """Lets each call run until it waits for the account, then all go on, and returns outcomes."""
    sessions = [connect(**PATIENCE) for _ in calls]
    holder = connect()
    holder.execute("select from pgledger.accounts where id = %s for update", [account_id])
    with side_by_side(len(calls)) as pool:
        futures = [
            pool.submit(call, session) for call, session in zip(calls, sessions, strict=True)
        ]
        try:
            wait_until(
                "select count(*) = %s from pg_stat_activity"
                " where pid = any(%s) and wait_event_type = 'Lock'",
                [len(calls), [session.info.backend_pid for session in sessions]],
            )
        finally:
            holder.rollback()
        return [outcome(future) for future in futures]


def committed(make: Callable[..., Any], requests: Sequence[TransferRequest]) -> Call:
    def call(session: Session) -> Any:
        with session.transaction():
            return make(session, requests)

    return call


@pytest.mark.parametrize(
    "forms", [(single,), (bulk,), (single, bulk)], ids=["single", "bulk", "both"]
)
def test_sixteen_sessions_with_one_id_have_one_effect_and_sixteen_equal_answers(
    forms: tuple[Callable[..., Any], ...], conn: Session, connect: Connect, wait_until: WaitUntil
) -> None:
    source, target = open_accounts(conn, 2)
    requests = [TransferRequest(source, target, Decimal("12.34"), id=new_transfer_id())]
    calls = [committed(forms[n % len(forms)], requests) for n in range(16)]
    answers = released_at_once(conn, connect, wait_until, source, calls)
    assert answers == [answers[0]] * 16
    assert [transfer.id for transfer in answers[0]] == [requests[0].id]
    assert count(conn) == 1
    assert balances(conn, [source, target]) == [Decimal("-12.34"), Decimal("12.34")]
    assert_verified(conn)


@pytest.mark.parametrize("form", [single, bulk], ids=["single", "bulk"])
def test_repeats_that_wait_find_what_was_made_and_not_what_it_used_up(
    form: Callable[..., Any], conn: Session, connect: Connect, wait_until: WaitUntil
) -> None:
    """They came before it was there, and the account is empty and frozen when they go on."""
    (bank,) = open_accounts(conn, 1)
    purse = Ledger(conn).create_account("purse", "USD", min_balance=0).id
    single(conn, [TransferRequest(bank, purse, Decimal("7.500"))])
    conn.commit()
    rows = "select * from pgledger.accounts where id in (%s, %s) order by id"
    requests = [TransferRequest(purse, bank, Decimal("7.50"), id=new_transfer_id())]

    def first(session: Session) -> Any:
        with session.transaction():
            made = form(session, requests)
            Ledger(session).freeze_account(purse, "out", reason="it is looked into")
        return made

    repeat = committed(form, requests)
    answers = released_at_once(conn, connect, wait_until, min(purse, bank), [first] + [repeat] * 5)
    made = [answer for answer in answers if isinstance(answer, list)]
    assert len(made) == 6, answers
    assert {transfer.id for (transfer,) in made} == {requests[0].id}
    after = conn.execute(rows, [purse, bank]).fetchall()
    conn.commit()
    assert committed(form, requests)(conn)[0].id == requests[0].id
    # Who comes when it is there writes nothing; who waited has put back what stood there.
    assert conn.execute(rows, [purse, bank]).fetchall() == after
    assert balances(conn, [purse, bank]) == [0, 0]
    assert [Ledger(conn).get_account(each).version for each in (purse, bank)] == [2, 2]
    assert_verified(conn)


def test_sixteen_sessions_with_one_batch_have_one_effect_and_sixteen_equal_answers(
    conn: Session, connect: Connect, wait_until: WaitUntil
) -> None:
    accounts = open_accounts(conn, 3)
    requests = [
        TransferRequest(accounts[n % 3], accounts[(n + 1) % 3], n + 1, id=new_transfer_id())
        for n in range(5)
    ]
    calls = [committed(bulk, requests) for _ in range(16)]
    answers = released_at_once(conn, connect, wait_until, accounts[0], calls)
    assert answers == [answers[0]] * 16
    assert [transfer.id for transfer in answers[0]] == [request.id for request in requests]
    assert count(conn) == 5
    assert_verified(conn)


@snapshot_levels
@repeatable
def test_sixteen_retrying_sessions_with_one_id_have_one_effect_at_every_level(
    make: Callable[..., Any],
    level: IsolationLevel,
    conn: Session,
    connect: Connect,
    wait_until: WaitUntil,
) -> None:
    source, target = open_accounts(conn, 2)
    requests = [TransferRequest(source, target, 1, id=new_transfer_id())]

    def call(session: Session) -> Any:
        return run_transaction(
            session,
            lambda session: make(session, requests),
            attempts=ATTEMPTS,
            isolation_level=level,
        )

    answers = released_at_once(conn, connect, wait_until, target, [call] * 16)
    assert answers == [answers[0]] * 16
    assert count(conn) == 1
    assert_verified(conn)


def test_sixteen_sessions_opening_one_account_get_the_same_account(
    conn: Session, connect: Connect
) -> None:
    account_id = ids.generate("pgla")

    def run() -> Callable[[], Any]:
        session = connect(autocommit=True, **PATIENCE)
        return lambda: Ledger(session).create_account("till", "USD", id=account_id)

    answers = all_at_once([run() for _ in range(16)])
    assert answers == [answers[0]] * 16
    assert count(conn, "pgledger_accounts_view") == 1


@repeatable
def test_sixteen_sessions_asking_for_different_things_under_one_id_one_wins(
    make: Callable[..., Any], conn: Session, connect: Connect
) -> None:
    accounts = open_accounts(conn, 32)
    transfer_id = new_transfer_id()

    def run(number: int) -> Callable[[], Any]:
        session = connect(autocommit=True, **PATIENCE)
        request = move(accounts[2 * number : 2 * number + 2], 1, id=transfer_id)
        return lambda: make(session, [request])

    results = all_at_once([run(number) for number in range(16)])
    assert Counter(map(type, results)) == {list: 1, IdempotencyConflict: 15}
    assert count(conn) == 1
    assert sorted(balances(conn, accounts)) == [-1, *[0] * 30, 1]
    assert_verified(conn)


WAITERS = [
    pytest.param(first, second, id=f"{first.__name__}-{second.__name__}")
    for first in (single, bulk)
    for second in (single, bulk)
]


@pytest.mark.parametrize(("first", "second"), WAITERS)
@pytest.mark.parametrize("clock", ["running", "standing still"])
def test_an_id_taken_meanwhile_for_other_accounts_is_a_conflict(
    first: Callable[..., Any],
    second: Callable[..., Any],
    clock: str,
    conn: Session,
    connect: Connect,
    wait_until_blocked: WaitUntilBlocked,
    set_clock: Any,
) -> None:
    accounts = open_accounts(conn, 4)
    if clock == "standing still":
        # Two sessions may read the same microsecond off it, and nothing may depend on that.
        set_clock(conn, "timestamptz '2040-01-01 00:00:00+00'")
    transfer_id = new_transfer_id()
    winner, loser = connect(**PATIENCE), connect(**PATIENCE)
    (made,) = first(winner, [move(accounts[:2], 1, id=transfer_id)])
    with side_by_side(1) as pool:
        future = pool.submit(second, loser, [move(accounts[2:], 1, id=transfer_id)])
        try:
            wait_until_blocked(loser.info.backend_pid, by=winner.info.backend_pid)
        finally:
            winner.commit()
        assert type(outcome(future)) is IdempotencyConflict
    loser.rollback()
    assert Ledger(conn).get_transfer(transfer_id) == made
    assert count(conn) == 1
    assert balances(conn, accounts) == [-1, 1, 0, 0]
    assert_verified(conn)


@pytest.mark.parametrize(("first", "second"), WAITERS)
def test_an_id_given_up_meanwhile_is_free(
    first: Callable[..., Any],
    second: Callable[..., Any],
    conn: Session,
    connect: Connect,
    wait_until_blocked: WaitUntilBlocked,
) -> None:
    accounts = open_accounts(conn, 4)
    transfer_id = new_transfer_id()
    quitter, other = connect(**PATIENCE), connect(**PATIENCE)
    first(quitter, [move(accounts[:2], 1, id=transfer_id)])
    with side_by_side(1) as pool:
        future = pool.submit(second, other, [move(accounts[2:], 1, id=transfer_id)])
        try:
            wait_until_blocked(other.info.backend_pid, by=quitter.info.backend_pid)
        finally:
            quitter.rollback()
        (made,) = outcome(future)
    other.commit()
    assert made.id == transfer_id
    assert count(conn) == 1
    assert balances(conn, accounts) == [0, 0, -1, 1]
    assert_verified(conn)


@snapshot_levels
@pytest.mark.parametrize(("first", "second"), WAITERS)
def test_an_id_that_a_snapshot_does_not_show_is_a_reason_to_try_again(
    first: Callable[..., Any],
    second: Callable[..., Any],
    level: IsolationLevel,
    conn: Session,
    connect: Connect,
) -> None:
    accounts = open_accounts(conn, 4)
    transfer_id = new_transfer_id()
    late = connect(**PATIENCE)
    late.isolation_level = level
    late.execute("select count(*) from pgledger_accounts_view")
    first(conn, [move(accounts[:2], 1, id=transfer_id)])
    conn.commit()
    request = move(accounts[2:], 1, id=transfer_id)
    with pytest.raises(SerializationFailure):
        second(late, [request])
    late.rollback()
    with pytest.raises(IdempotencyConflict):
        run_transaction(late, lambda late: second(late, [request]))
    assert count(conn) == 1
    assert_verified(conn)


# Transfers inside the statement that writes a row of the application's

PAY_IN_TARGET_LIST = """
    update orders
    set
      transfer_id = (select id from pgledger_create_transfer(%(buyer)s, %(shop)s, orders.amount)),
      status = 'paid'
    where orders.id = 1
"""
PAY_UNDER_THE_ROWS_ID = """
    update orders
    set
      status = 'paid',
      paid_at = (
        select created_at
        from pgledger_create_transfer(%(buyer)s, %(shop)s, orders.amount, id => orders.transfer_id)
      )
    where orders.id = 1
"""
PAY_IN_MERGE = """
    merge into orders using (values (1)) as paid (id) on orders.id = paid.id
    when matched then update set transfer_id = (
      select id from pgledger_create_transfer(%(buyer)s, %(shop)s, orders.amount)
    )
"""
LOCK_AND_PAY_AT_ONCE = """
    select made.id
    from orders, pgledger_create_transfer(%(buyer)s, %(shop)s, orders.amount) as made
    where orders.id = 1 and orders.status = 'open'
    for update of orders
"""
ONLY_IF_OPEN = " and orders.status = 'open'"
TOUCH = "update orders set note = 'touched' where id = 1"
CANCEL = "update orders set status = 'cancelled' where id = 1"
REPRICE = "update orders set amount = 12 where id = 1"


@pytest.fixture
def order(conn: Session) -> dict[str, str]:
    """Makes an open order of 10; returns the accounts that it is paid between."""
    buyer, shop = open_accounts(conn, 2)
    conn.execute(
        "create table orders (id integer primary key, amount numeric not null, status text,"
        " transfer_id text, paid_at timestamptz, note text)"
    )
    conn.execute("insert into orders values (1, 10, 'open', %s)", [new_transfer_id()])
    conn.commit()
    return {"buyer": buyer, "shop": shop}


def pay_in_one_statement(statement: str) -> Callable[[Session, dict[str, str]], int]:
    return lambda session, order: session.execute(statement.encode(), order).rowcount


def lock_and_pay(session: Session, order: dict[str, str]) -> int:
    row = session.execute(
        "select amount from orders where id = 1 and status = 'open' for update"
    ).fetchone()
    if row is None:
        return 0
    made = Ledger(session).create_transfer(order["buyer"], order["shop"], row[0])
    return session.execute(
        "update orders set status = 'paid', transfer_id = %s where id = 1", [made.id]
    ).rowcount


@pytest.mark.parametrize(
    ("meanwhile", "pay", "written", "moved"),
    [
        pytest.param(TOUCH, pay_in_one_statement(PAY_IN_TARGET_LIST), 1, 20, id="twice"),
        pytest.param(
            CANCEL,
            pay_in_one_statement(PAY_IN_TARGET_LIST + ONLY_IF_OPEN),
            0,
            10,
            id="for nothing",
        ),
        pytest.param(TOUCH, pay_in_one_statement(PAY_IN_MERGE), 1, 20, id="twice, by merge"),
        pytest.param(
            CANCEL,
            pay_in_one_statement(LOCK_AND_PAY_AT_ONCE),
            0,
            10,
            id="for nothing, locked in the same statement",
        ),
        pytest.param(TOUCH, lock_and_pay, 1, 10, id="once, under a lock"),
        pytest.param(REPRICE, lock_and_pay, 1, 12, id="the new amount, under a lock"),
        pytest.param(CANCEL, lock_and_pay, 0, 0, id="not at all, under a lock"),
        pytest.param(
            TOUCH, pay_in_one_statement(PAY_UNDER_THE_ROWS_ID), 1, 10, id="once, under the row's id"
        ),
        # The id makes it one payment; whether it may still be paid only a lock decides.
        pytest.param(
            CANCEL,
            pay_in_one_statement(PAY_UNDER_THE_ROWS_ID + ONLY_IF_OPEN),
            0,
            10,
            id="for nothing, under the row's id",
        ),
    ],
)
def test_what_is_paid_for_a_row_that_another_session_updates(
    meanwhile: str,
    pay: Callable[[Session, dict[str, str]], int],
    written: int,
    moved: int,
    conn: Session,
    order: dict[str, str],
    connect: Connect,
    wait_until_blocked: WaitUntilBlocked,
) -> None:
    other, payer = connect(), connect(**PATIENCE)
    other.execute(meanwhile.encode())
    with side_by_side(1) as pool:
        future = pool.submit(pay, payer, order)
        try:
            wait_until_blocked(payer.info.backend_pid, by=other.info.backend_pid)
        finally:
            other.commit()
        assert outcome(future) == written
    payer.commit()
    assert balances(conn, [order["buyer"], order["shop"]]) == [-moved, moved]
    assert_verified(conn)


def test_a_row_that_was_changed_under_its_id_is_a_conflict(
    conn: Session, order: dict[str, str], connect: Connect, wait_until_blocked: WaitUntilBlocked
) -> None:
    other, payer = connect(), connect(**PATIENCE)
    other.execute(REPRICE)
    with side_by_side(1) as pool:
        future = pool.submit(pay_in_one_statement(PAY_UNDER_THE_ROWS_ID), payer, order)
        try:
            wait_until_blocked(payer.info.backend_pid, by=other.info.backend_pid)
        finally:
            other.commit()
        assert type(outcome(future)) is IdempotencyConflict
    payer.rollback()
    assert balances(conn, [order["buyer"], order["shop"]]) == [0, 0]


@pytest.mark.parametrize(
    ("transfer_id", "moved"), [("null", 20), ("'pglt_01M7XB63KKFX9R5DBD44A07BE6'", 10)]
)
def test_what_is_paid_for_rows_that_are_there_already(
    conn: Session, order: dict[str, str], transfer_id: str, moved: int
) -> None:
    statement = (
        "insert into orders (id, amount, transfer_id) select 2, 10, made.id"
        f" from pgledger_create_transfer(%(buyer)s, %(shop)s, 10, id => {transfer_id}) as made"
        " on conflict do nothing"
    )
    written = [conn.execute(statement.encode(), order).rowcount for _ in range(2)]
    conn.commit()
    assert written == [1, 0]
    assert balances(conn, [order["buyer"], order["shop"]]) == [-moved, moved]


# Accounts that come into being while a call waits


@one_by_one
def test_an_account_opened_while_a_call_waits_is_found_and_locked_or_not_found(
    make: Callable[..., Any],
    conn: Session,
    connect: Connect,
    wait_until_blocked: WaitUntilBlocked,
) -> None:
    for newest_is_first in (True, False):
        held, other = open_accounts(conn, 2)
        ulid = "0" * 26 if newest_is_first else "7" + "Z" * 25
        opened = f"pgla_{ulid}"
        holder, waiting, opening = connect(), connect(**PATIENCE), connect()
        holder.execute("select from pgledger.accounts where id = %s for update", [held])
        with side_by_side(1) as pool:
            future = pool.submit(make, waiting, [TransferRequest(held, opened, 1)])
            try:
                wait_until_blocked(waiting.info.backend_pid, by=holder.info.backend_pid)
                Ledger(opening).create_account("opened meanwhile", "USD", id=opened)
                opening.commit()
                # Holds the new account, so whoever uses it without its lock is found out.
                single(opening, [TransferRequest(opened, other, 5)])
            finally:
                holder.rollback()
            wait_until_done_or_blocked(future, waiting, wait_until_blocked)
            opening.commit()
            result = outcome(future)
        waiting.commit()
        if isinstance(result, Exception):
            assert type(result) is AccountNotFound
            assert balances(conn, [held, opened, other]) == [0, -5, 5]
        else:
            assert balances(conn, [held, opened, other]) == [-1, -4, 5]
        assert_verified(conn)


@one_by_one
def test_calls_never_deadlock_over_an_account_opened_while_one_waits(
    make: Callable[..., Any],
    conn: Session,
    connect: Connect,
    wait_until_blocked: WaitUntilBlocked,
) -> None:
    (held,) = open_accounts(conn, 1)
    opened = f"pgla_{'0' * 26}"
    holder, first, second = connect(), connect(**PATIENCE), connect(**PATIENCE)
    holder.execute("select from pgledger.accounts where id = %s for update", [held])
    with side_by_side(2) as pool:
        try:
            early = pool.submit(committed(make, [TransferRequest(held, opened, 1)]), first)
            wait_until_blocked(first.info.backend_pid, by=holder.info.backend_pid)
            Ledger(conn).create_account("opened meanwhile", "USD", id=opened)
            conn.commit()
            late = pool.submit(committed(single, [TransferRequest(opened, held, 5)]), second)
            wait_until_blocked(second.info.backend_pid)
        finally:
            holder.rollback()
        results = [outcome(early), outcome(late)]
    assert type(results[0]) in {list, AccountNotFound}
    assert type(results[1]) is list
    expected = 5 if isinstance(results[0], Exception) else 4
    assert balances(conn, [held, opened]) == [expected, -expected]
    assert_verified(conn)


def wait_until_done_or_blocked(
    future: Future[Any], session: Session, wait_until_blocked: WaitUntilBlocked
) -> None:
    deadline = time.monotonic() + 15
    while not future.done() and time.monotonic() < deadline:
        with suppress(pytest.fail.Exception):
            wait_until_blocked(session.info.backend_pid, timeout=0)
            return


# Sessions that are cancelled or ended


# A terminated session may find its connection gone before it reads why: some versions of psycopg
# then know no more than the class above.
STOPS = {"cancel": (QueryCanceled,), "terminate": (AdminShutdown, OperationalError)}

stopped = pytest.mark.parametrize("stop", STOPS)


def stop_backend(conn: Session, stop: str, pid: int) -> None:
    conn.execute(f"select pg_{stop}_backend(%s)".encode(), [pid])
    conn.rollback()


@stopped
@one_by_one
def test_a_call_stopped_while_it_waits_for_an_account_leaves_nothing(
    make: Callable[..., Any],
    stop: str,
    conn: Session,
    connect: Connect,
    wait_until_blocked: WaitUntilBlocked,
) -> None:
    source, target = open_accounts(conn, 2)
    holder, waiting = connect(), connect(autocommit=True, **PATIENCE)
    single(holder, [TransferRequest(source, target, 1)])
    with side_by_side(1) as pool:
        future = pool.submit(make, waiting, [TransferRequest(target, source, 1)])
        try:
            wait_until_blocked(waiting.info.backend_pid, by=holder.info.backend_pid)
            stop_backend(conn, stop, waiting.info.backend_pid)
            assert type(outcome(future)) in STOPS[stop]
        finally:
            holder.commit()
    assert count(conn) == 1
    assert balances(conn, [source, target]) == [-1, 1]
    assert_verified(conn)


@stopped
@repeatable
def test_a_call_stopped_while_it_waits_for_an_id_leaves_nothing(
    make: Callable[..., Any],
    stop: str,
    conn: Session,
    connect: Connect,
    wait_until_blocked: WaitUntilBlocked,
) -> None:
    accounts = open_accounts(conn, 4)
    transfer_id = new_transfer_id()
    holder, waiting = connect(), connect(autocommit=True, **PATIENCE)
    single(holder, [move(accounts[:2], 1, id=transfer_id)])
    with side_by_side(1) as pool:
        future = pool.submit(make, waiting, [move(accounts[2:], 1, id=transfer_id)])
        try:
            wait_until_blocked(waiting.info.backend_pid, by=holder.info.backend_pid)
            stop_backend(conn, stop, waiting.info.backend_pid)
            assert type(outcome(future)) in STOPS[stop]
        finally:
            holder.rollback()
    assert count(conn) == 0
    again = connect(autocommit=True)
    assert len(make(again, [move(accounts[2:], 1, id=transfer_id)])) == 1
    assert_verified(conn)


class Worker:
    """A session that makes batches, each with an application's row, and notes what became of it."""

    SIZE = 60

    def __init__(
        self, number: int, dsn: str, accounts: list[str], *, comes_back: bool = True
    ) -> None:
        self.number = number
        self.dsn = dsn
        self.accounts = accounts
        self.dice = random.Random(number)
        self.ends: dict[str, str] = {}
        self.comes_back = comes_back
        self.pid = 0
        self.stopping = threading.Event()
        self.session = self.connect()

    def connect(self) -> Session:
        session: Session = psycopg.connect(self.dsn, options="-c statement_timeout=60s")
        self.pid = session.info.backend_pid
        return session

    def requests(self) -> list[TransferRequest]:
        return [
            move(
                self.dice.sample(self.accounts, 2),
                1,
                id=new_transfer_id() if number % 2 else None,
            )
            for number in range(self.SIZE)
        ]

    def run(self) -> None:
        turn = 0
        while not self.stopping.is_set():
            turn += 1
            group_id = f"{self.number}-{turn}"
            self.ends[group_id] = self.turn(group_id)
            if self.session.closed:
                if not self.comes_back:
                    return
                self.session = self.connect()
        self.session.close()

    def turn(self, group_id: str) -> str:
        try:
            with self.session.transaction():
                self.session.execute("insert into groups (id) values (%s)", [group_id])
                Ledger(self.session).create_transfers(self.requests(), group_id=group_id)
        except QueryCanceled:
            return "cancelled"
        except psycopg.OperationalError:
            assert self.session.closed
            return "lost"
        return "acknowledged"


def assert_whole_or_nothing(conn: Session, ends: dict[str, str]) -> None:
    """Asserts what is there of each batch, given what its caller was told."""
    conn.rollback()
    found = dict(
        conn.execute(
            "select group_id, count(*) from pgledger_transfers_view"
            " where group_id is not null group by group_id"
        ).fetchall()
    )
    rows = {row[0] for row in conn.execute("select id from groups").fetchall()}
    for group_id, end in ends.items():
        allowed = {"acknowledged": {Worker.SIZE}, "cancelled": {0}, "lost": {0, Worker.SIZE}}[end]
        assert found.get(group_id, 0) in allowed, (group_id, end)
        assert (group_id in rows) == (found.get(group_id, 0) == Worker.SIZE), (group_id, end)
    assert found.keys() <= ends.keys()
    assert count(conn) == Worker.SIZE * len(rows)
    assert_verified(conn)


def test_sessions_stopped_at_random_points_leave_no_half_call(
    conn: Session, ledger_dsn: str
) -> None:
    hits = 60
    conn.execute("create table groups (id text primary key)")
    accounts = open_accounts(conn, 30)
    workers = [Worker(number, ledger_dsn, accounts) for number in range(3)]
    dice = random.Random(5)
    with side_by_side(len(workers)) as pool:
        futures = [pool.submit(worker.run) for worker in workers]
        try:
            deadline = time.monotonic() + 120
            while True:
                ends = Counter(end for worker in workers for end in list(worker.ends.values()))
                if ends["cancelled"] >= hits and ends["lost"] >= hits:
                    break
                assert time.monotonic() < deadline, ends
                assert not any(future.done() for future in futures)
                stop = "cancel" if ends["cancelled"] < hits else "terminate"
                if dice.random() < 0.3 and ends["lost"] < hits:
                    stop = "terminate"
                pid = dice.choice(workers).pid
                # Each look takes a fraction of a call, so they spread over the whole of it.
                for _ in range(dice.randrange(40)):
                    conn.execute("select state from pg_stat_activity where pid = %s", [pid])
                stop_backend(conn, stop, pid)
        finally:
            for worker in workers:
                worker.stopping.set()
        for future in futures:
            future.result(timeout=90)
    told = {group_id: end for worker in workers for group_id, end in worker.ends.items()}
    assert "acknowledged" in told.values()
    assert_whole_or_nothing(conn, told)


# The whole server, killed


def test_a_killed_server_has_kept_every_acknowledged_transfer_and_nothing_half(
    new_server: NewServer,
) -> None:
    kills, acknowledged_before_a_kill = 3, 40
    server = new_server(settings={"fsync": "on", "full_page_writes": "on"})
    migrate(server.dsn())
    with psycopg.connect(server.dsn()) as conn:
        conn.execute("create table groups (id text primary key)")
        accounts = open_accounts(conn, 30)
    ends: dict[str, str] = {}
    for kill in range(kills):
        workers = [
            Worker(10 * kill + number, server.dsn(), accounts, comes_back=False)
            for number in range(3)
        ]
        with side_by_side(len(workers)) as pool:
            futures = [pool.submit(worker.run) for worker in workers]
            try:
                deadline = time.monotonic() + 120
                with psycopg.connect(server.dsn(), autocommit=True) as conn:
                    while count(conn, "groups") < acknowledged_before_a_kill * (kill + 1):
                        assert time.monotonic() < deadline
                        assert not any(future.done() for future in futures)
                kill_server(server)
            finally:
                for worker in workers:
                    worker.stopping.set()
            for future in futures:
                future.result(timeout=90)
        told = {group_id: end for worker in workers for group_id, end in worker.ends.items()}
        assert "lost" in told.values()
        ends.update(told)
        server.stop()
        server.start()
        with psycopg.connect(server.dsn()) as conn:
            assert_whole_or_nothing(conn, ends)
            # And it goes on.
            single(conn, [move(accounts[:2], 1)])
            conn.rollback()
