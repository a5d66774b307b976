"""Answers as recorded never change, for times before all transactions that were open when asked.

Eight writers move money between few accounts, sleep within their transactions, and roll back whole
ones and parts. Meanwhile somebody asks, again and again, for balances at times just before the
oldest transaction began. At the end each question is asked again. As a control, the same balances
are asked for at the moment of asking: of those answers some have to change, or the writers would
not have been in anybody's way.

``PGLEDGER_HYPOTHESIS=25`` asks 25 times as much: 10,000 answers.
"""

import random
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from psycopg.errors import DeadlockDetected

from pgledger import Ledger
from support.database import Connect
from support.properties import dice_of, scaled

Session = psycopg.Connection[Any]

WRITERS = 8
ACCOUNTS = 5
# With fewer, it may be that nothing moved meanwhile.
ANSWERS = max(400, scaled(400))

OLDEST = """
    select min(xact_start), clock_timestamp()
    from pg_stat_activity
    where datname = current_database()
"""


def write(conn: Session, accounts: list[str], dice: random.Random, stop: threading.Event) -> None:
    """Makes transactions of every kind until it is told to stop, and has kept one at least."""
    ledger = Ledger(conn)
    kept = 0
    while kept == 0 or not stop.is_set():
        try:
            conn.execute("select pg_sleep(%s)", [dice.random() / 200])
            for _ in range(dice.randint(1, 3)):
                source, target = dice.sample(accounts, 2)
                ago = timedelta(seconds=dice.choice((0, 3, 3000)))
                event_at = datetime.now().astimezone() - ago if dice.random() < 0.3 else None
                with conn.transaction(force_rollback=dice.random() < 0.2):
                    ledger.create_transfer(source, target, dice.randint(1, 9), event_at=event_at)
                conn.execute("select pg_sleep(%s)", [dice.random() / 100])
            if dice.random() < 0.3:
                conn.rollback()
            else:
                conn.commit()
                kept += 1
        except DeadlockDetected:
            conn.rollback()


@pytest.fixture
def accounts(conn: Session) -> list[str]:
    ledger = Ledger(conn)
    made = [ledger.create_account(f"account {n}", "USD").id for n in range(ACCOUNTS)]
    conn.commit()
    return made


def test_what_was_final_is_answered_the_same_again(connect: Connect, accounts: list[str]) -> None:
    stop = threading.Event()
    # Transfers that meet in the opposite order are found out sooner than by default.
    writers = [connect(options="-c deadlock_timeout=50ms") for _ in range(WRITERS)]
    reader = connect(autocommit=True)
    ledger = Ledger(reader)
    dice = dice_of("reader")
    final: dict[datetime, list[Decimal]] = {}
    control: dict[datetime, list[Decimal]] = {}

    def ask(at: datetime) -> list[Decimal]:
        return [line.balance for line in ledger.balances_at(accounts, at)]

    with ThreadPoolExecutor(WRITERS) as pool:
        running = [
            pool.submit(write, writer, accounts, dice_of("writer", number), stop)
            for number, writer in enumerate(writers)
        ]
        try:
            while len(final) * ACCOUNTS < ANSWERS:
                oldest, now = reader.execute(OLDEST).fetchone() or (None, None)
                assert oldest is not None
                assert now is not None
                at = oldest - timedelta(microseconds=dice.choice((1, 1, 1000, 30_000)))
                told = ask(at)
                assert final.setdefault(at, told) == told
                control[now] = ask(now)
                assert not any(writer.done() for writer in running)
        finally:
            stop.set()
        for writer in running:
            writer.result(timeout=60)

    assert {at: ask(at) for at in final} == final
    assert {at: ask(at) for at in control} != control
    # They were asked while money moved.
    assert len({tuple(balances) for balances in final.values()}) > len(final) / 10
    assert all(sum(balances) == 0 for balances in final.values())
