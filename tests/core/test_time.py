"""Time along an account: versions, created_at and generated ids ascend together, always.

Whatever order transactions begin and end in, and whatever the clock does, history as recorded is
one line along each account, and what it said of a moment once it says for ever.
"""

import random
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import psycopg
import pytest

from pgledger import Entry, Ledger, Transfer, TransferRequest, ids
from support.clock import SetClock
from support.database import Connect
from support.properties import dice_of
from support.waiting import WaitUntilBlocked

Session = psycopg.Connection[Any]
Make = Callable[[Session, Sequence[tuple[str, str, int]]], list[Transfer]]

TWO_SECONDS_AGO = "clock_timestamp() - interval '2 seconds'"
# An account that is a minute ahead of the clock is a matter of test_clock_ahead.py.
A_MINUTE_AGO_OR_SO = "clock_timestamp() - interval '50 seconds'"
MICROSECOND = timedelta(microseconds=1)
PATIENCE = {"options": "-c statement_timeout=60s"}


def singles(conn: Session, requests: Sequence[tuple[str, str, int]]) -> list[Transfer]:
    return [Ledger(conn).create_transfer(*request) for request in requests]


def bulk(conn: Session, requests: Sequence[tuple[str, str, int]]) -> list[Transfer]:
    return Ledger(conn).create_transfers(requests)


def bulk_with_chosen_ids(conn: Session, requests: Sequence[tuple[str, str, int]]) -> list[Transfer]:
    # One chosen id makes a call take the way of those that may be repeats; the others stay ours.
    return Ledger(conn).create_transfers(
        [
            TransferRequest(*request, id=ids.generate("pglt") if place == 0 else None)
            for place, request in enumerate(requests)
        ]
    )


def rows(conn: Session, requests: Sequence[tuple[str, str, int]]) -> list[Transfer]:
    placeholders = ", ".join(["(%s, %s, %s)"] * len(requests))
    found = conn.execute(
        f"select * from pgledger_create_transfers({placeholders})".encode(),
        [value for request in requests for value in request],
    ).fetchall()
    return [Transfer(*row) for row in found]


ways = pytest.mark.parametrize(
    "make", [singles, bulk, bulk_with_chosen_ids, rows], ids=lambda make: make.__name__
)


def open_accounts(conn: Session, count: int) -> list[str]:
    accounts = [Ledger(conn).create_account(f"account {n}", "USD").id for n in range(count)]
    conn.commit()
    return accounts


def history(conn: Session, account_id: str) -> list[Entry]:
    conn.rollback()
    entries = list(Ledger(conn).iter_entries(account_id, newest_first=False))
    conn.rollback()
    return entries


def assert_in_order(conn: Session, account_ids: Sequence[str], chosen: Sequence[str] = ()) -> None:
    """Asserts that along each account everything ascends, and that the past can be asked for."""
    for account_id in account_ids:
        entries = history(conn, account_id)
        assert [entry.account_version for entry in entries] == list(range(1, len(entries) + 1))
        for earlier, later in pairwise(entries):
            assert earlier.created_at < later.created_at
            assert earlier.id < later.id
        generated = [entry.transfer_id for entry in entries if entry.transfer_id not in chosen]
        assert all(earlier < later for earlier, later in pairwise(generated))
        for entry in entries:
            milliseconds = entry.created_at.microsecond // 1000 * 1000
            whole = entry.created_at.replace(microsecond=milliseconds)
            assert ids.timestamp(entry.id) == whole
            if entry.transfer_id not in chosen:
                assert ids.timestamp(entry.transfer_id) == whole
        ledger = Ledger(conn)
        dice = dice_of("entries", len(entries))
        for entry in dice.sample(entries, min(len(entries), 25)):
            at = entry.created_at
            assert ledger.balance_at(account_id, at) == entry.account_current_balance
            before = ledger.balance_at(account_id, at - MICROSECOND)
            assert before == entry.account_previous_balance
        account = ledger.get_account(account_id)
        assert account.version == len(entries)
        if entries:
            assert account.updated_at == entries[-1].created_at
            assert entries[0].created_at > account.created_at
        conn.rollback()
    assert [check for check in Ledger(conn).verify() if not check.ok] == []
    conn.rollback()


def chosen_ids(transfers: Sequence[Transfer], make: Make) -> list[str]:
    return [transfer.id for transfer in transfers[:1]] if make is bulk_with_chosen_ids else []


# Overlapping transactions


@ways
def test_who_begins_first_and_comes_second_is_recorded_second(
    make: Make, conn: Session, connect: Connect
) -> None:
    first, second = open_accounts(conn, 2)
    early, late = connect(), connect()
    began = early.execute("select now()").fetchone()
    assert began is not None
    requests = [(first, second, 1), (first, second, 2)]
    (*_, by_late) = made_by_late = make(late, requests)
    late.commit()
    (by_early, *_) = made_by_early = make(early, requests)
    early.commit()
    assert began[0] < by_late.created_at < by_early.created_at
    assert [by_late.from_account_version, by_early.from_account_version] == [2, 3]
    assert [by_late.to_account_version, by_early.to_account_version] == [2, 3]
    if make is not bulk_with_chosen_ids:
        assert by_late.id < by_early.id
    chosen = [*chosen_ids(made_by_late, make), *chosen_ids(made_by_early, make)]
    assert_in_order(conn, [first, second], chosen)


@ways
def test_a_balance_once_told_of_a_moment_is_told_for_ever(
    make: Make, conn: Session, connect: Connect
) -> None:
    first, second = open_accounts(conn, 2)
    early, late = connect(), connect()
    early.execute("select now()")
    told = {}
    made: list[Transfer] = []
    for amount in (5, 7):
        transfers = make(late, [(first, second, amount)])
        late.commit()
        made += transfers
        at = transfers[-1].created_at
        told[at] = Ledger(conn).balance_at(second, at)
        conn.rollback()
    made += make(early, [(first, second, 100)])
    early.commit()
    assert {at: Ledger(conn).balance_at(second, at) for at in told} == told
    assert list(told.values()) == [5, 12]
    chosen = [transfer.id for transfer in made if make is bulk_with_chosen_ids]
    assert_in_order(conn, [first, second], chosen)


@ways
def test_who_waits_for_an_account_reads_the_clock_after_waiting(
    make: Make, conn: Session, connect: Connect, wait_until_blocked: WaitUntilBlocked
) -> None:
    first, second, third = open_accounts(conn, 3)
    holder, waiting = connect(), connect(**PATIENCE)
    held = make(holder, [(first, second, 1)])
    with ThreadPoolExecutor(1) as pool:
        # Only the second of its accounts is taken.
        future = pool.submit(make, waiting, [(third, second, 1), (third, first, 1)])
        try:
            wait_until_blocked(waiting.info.backend_pid, by=holder.info.backend_pid)
            held += singles(holder, [(second, first, 1)])
            released = conn.execute("select clock_timestamp()").fetchone()
        finally:
            holder.commit()
        made = future.result(timeout=90)
    waiting.commit()
    assert released is not None
    assert held[0].created_at < held[1].created_at < released[0] < made[0].created_at
    assert made[0].created_at < made[1].created_at
    chosen = [*chosen_ids(held, make), *chosen_ids(made, make)]
    assert_in_order(conn, [first, second, third], chosen)


@ways
def test_an_abandoned_transaction_leaves_no_mark_on_time(
    make: Make, conn: Session, connect: Connect
) -> None:
    first, second = open_accounts(conn, 2)
    quitter = connect()
    given_up = make(quitter, [(first, second, 1)])
    quitter.rollback()
    made = make(conn, [(first, second, 2)])
    conn.commit()
    assert made[0].from_account_version == given_up[0].from_account_version == 1
    assert made[0].created_at > given_up[0].created_at
    assert_in_order(conn, [first, second], chosen_ids(made, make))


@ways
def test_time_goes_on_within_a_transaction(make: Make, conn: Session) -> None:
    first, second = open_accounts(conn, 2)
    began = conn.execute("select now()").fetchone()
    assert began is not None
    made = make(conn, [(first, second, 1)]) + make(conn, [(second, first, 1)])
    conn.commit()
    assert began[0] < made[0].created_at < made[1].created_at
    chosen = [transfer.id for transfer in made if make is bulk_with_chosen_ids]
    assert_in_order(conn, [first, second], chosen)


def test_overlapping_sessions_of_all_kinds_keep_one_order(conn: Session, connect: Connect) -> None:
    sessions, calls = 4, 40
    accounts = open_accounts(conn, 3)
    chosen: list[str] = []

    def run(number: int) -> int:
        session = connections[number]
        dice = random.Random(number)
        made = 0
        for _ in range(calls):
            make = dice.choice([singles, bulk, bulk_with_chosen_ids, rows])
            size = 1 if make is singles else dice.randint(1, 8)
            source, target, other = dice.sample(accounts, 3)
            requests = [(source, target, 1), (target, other, 1), (other, source, 1)] * 3
            # Some are in a transaction that began long before its transfers.
            session.execute("select now()")
            transfers = make(session, requests[:size])
            chosen.extend(chosen_ids(transfers, make))
            made += len(transfers)
            session.commit()
        return made

    connections = [connect(**PATIENCE) for _ in range(sessions)]
    with ThreadPoolExecutor(sessions) as pool:
        made = sum(pool.map(run, range(sessions)))
    assert sum(len(history(conn, account_id)) for account_id in accounts) == 2 * made
    assert_in_order(conn, accounts, chosen)


# A clock that does not go as it should


@ways
def test_a_clock_that_steps_back_two_seconds_changes_no_order(
    make: Make, conn: Session, set_clock: SetClock
) -> None:
    first, second, third = open_accounts(conn, 3)
    requests = [(first, second, 1), (second, third, 1), (third, first, 1), (first, second, 2)]
    made = make(conn, requests)
    conn.commit()
    chosen = chosen_ids(made, make)
    before = made[-1]
    set_clock(conn, TWO_SECONDS_AGO)
    for _ in range(5):
        later = make(conn, requests)
        conn.commit()
        chosen += chosen_ids(later, make)
        assert later[0].created_at > before.created_at
        # As near to it as can be, because the clock is behind.
        assert later[0].created_at - before.created_at < timedelta(seconds=1)
        before = later[-1]
    set_clock(conn, None)
    chosen += chosen_ids(make(conn, requests), make)
    conn.commit()
    assert all(len(history(conn, account)) == 7 * n for account, n in ((first, 3), (third, 2)))
    assert_in_order(conn, [first, second, third], chosen)


@ways
def test_a_clock_that_is_behind_moves_on_by_microseconds(
    make: Make, conn: Session, set_clock: SetClock
) -> None:
    first, second = open_accounts(conn, 2)
    (last,) = singles(conn, [(first, second, 1)])
    conn.commit()
    set_clock(conn, "clock_timestamp() - interval '50 seconds'")
    made = make(conn, [(first, second, 1), (second, first, 1)])
    made += make(conn, [(first, second, 1)])
    conn.commit()
    times = [transfer.created_at - last.created_at for transfer in made]
    assert times == [MICROSECOND, 2 * MICROSECOND, 3 * MICROSECOND]
    chosen = [made[0].id, made[2].id] if make is bulk_with_chosen_ids else []
    assert_in_order(conn, [first, second], chosen)


@ways
def test_a_clock_that_stands_still_makes_no_two_equal_times_on_an_account(
    make: Make, conn: Session, set_clock: SetClock
) -> None:
    noon = datetime(2040, 1, 1, 12, tzinfo=UTC)
    set_clock(conn, noon)
    accounts = open_accounts(conn, 4)
    chosen: list[str] = []
    for _ in range(3):
        for first, second in (accounts[:2], accounts[2:]):
            chosen += chosen_ids(make(conn, [(first, second, 1), (second, first, 1)]), make)
            conn.commit()
    for account_id in accounts:
        times = [entry.created_at - noon for entry in history(conn, account_id)]
        assert times == [n * MICROSECOND for n in range(1, 7)]
    assert_in_order(conn, accounts, chosen)


@ways
def test_a_busy_account_does_not_push_others_into_the_future(
    make: Make, conn: Session, set_clock: SetClock
) -> None:
    """Only what shares an account with a time that is ahead is pushed along."""
    ahead, bridge, aside, apart = open_accounts(conn, 4)
    set_clock(conn, "clock_timestamp() + interval '50 seconds'")
    (far,) = singles(conn, [(ahead, bridge, 1)])
    conn.commit()
    set_clock(conn, None)
    near = make(conn, [(aside, apart, 1)])
    pushed = make(conn, [(bridge, aside, 1)])
    conn.commit()
    assert near[0].created_at < far.created_at < pushed[0].created_at
    assert pushed[0].created_at == far.created_at + MICROSECOND
    chosen = chosen_ids(near, make) + chosen_ids(pushed, make)
    assert_in_order(conn, [ahead, bridge, aside, apart], chosen)


def test_an_account_opened_after_a_step_back_still_takes_transfers_in_order(
    conn: Session, set_clock: SetClock
) -> None:
    (old,) = open_accounts(conn, 1)
    set_clock(conn, TWO_SECONDS_AGO)
    (young,) = open_accounts(conn, 1)
    ledger = Ledger(conn)
    made = singles(conn, [(old, young, 1)]) + bulk(conn, [(young, old, 1), (old, young, 1)])
    conn.commit()
    assert made[0].created_at > ledger.get_account(old).created_at
    assert ledger.get_account(young).created_at < ledger.get_account(old).created_at
    assert_in_order(conn, [old, young])


def test_a_clock_that_jumps_about_under_load_changes_no_order(
    conn: Session, connect: Connect, set_clock: SetClock
) -> None:
    sessions, jumps = 3, 24
    accounts = open_accounts(conn, 3)
    stop = threading.Event()
    chosen: list[str] = []

    def run(number: int) -> int:
        session = connections[number]
        dice = random.Random(number)
        made = 0
        while not stop.is_set():
            make = dice.choice([singles, bulk, bulk_with_chosen_ids, rows])
            first, second = dice.sample(accounts, 2)
            transfers = make(session, [(first, second, 1), (second, first, 2)])
            session.commit()
            chosen.extend(chosen_ids(transfers, make))
            made += len(transfers)
        return made

    # A connection with two calls in a transaction takes both accounts in the first of them.
    connections = [connect(**PATIENCE) for _ in range(sessions)]
    with ThreadPoolExecutor(sessions) as pool:
        futures = [pool.submit(run, number) for number in range(sessions)]
        try:
            for jump in range(jumps):
                set_clock(conn, [TWO_SECONDS_AGO, None, A_MINUTE_AGO_OR_SO][jump % 3])
                before = len(history(conn, accounts[0]))
                while len(history(conn, accounts[0])) < before + 4:
                    assert not any(future.done() for future in futures)
        finally:
            stop.set()
        made = sum(future.result(timeout=90) for future in futures)
    assert sum(len(history(conn, account_id)) for account_id in accounts) == 2 * made
    assert_in_order(conn, accounts, chosen)


def test_ids_of_a_batch_agree_with_its_times_where_their_first_characters_change(
    conn: Session, set_clock: SetClock
) -> None:
    # The first eight characters hold the time in steps of 1.024 s: the batch begins 500 us before
    # a step and takes 3 ms of the clock.
    step = timedelta(milliseconds=1024)
    step_at = datetime(1970, 1, 1, tzinfo=UTC) + step * 1_700_000_000
    set_clock(conn, step_at - 500 * MICROSECOND)
    ledger = Ledger(conn)
    source, target = (ledger.create_account(name, "USD").id for name in ("source", "target"))

    made = ledger.create_transfers([(source, target, 1)] * 3000)

    assert made[0].created_at < step_at <= made[-1].created_at
    assert len({transfer.id[5:13] for transfer in made}) == 2
    assert [transfer.id for transfer in made] == sorted({transfer.id for transfer in made})
    for transfer in made:
        whole = transfer.created_at.microsecond // 1000 * 1000
        assert ids.timestamp(transfer.id) == transfer.created_at.replace(microsecond=whole)
