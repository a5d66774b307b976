"""Runs batches of transfers from many workers at SERIALIZABLE, where most attempts collide.

Every batch is a transaction of ``run_transaction`` that moves money between a few accounts and
writes a row of its own. All have to come through, each once. What it prints is how often they were
run again, and how long the longest took::

    python scripts/retry_storm.py --batches 19300

It runs a PostgreSQL of its own; ``--dsn`` names a database of yours instead, which gets accounts,
transfers and a table ``storm`` that belong to nobody else.
"""

import argparse
import contextlib
import random
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import psycopg
from psycopg import IsolationLevel

from pgledger import Ledger, run_transaction
from pgledger.embedded import EmbeddedServer
from pgledger.migrate import migrate

ACCOUNTS = 12
LARGEST_BATCH = 8


@dataclass
class Batch:
    """A batch, and what became of it."""

    number: int
    pairs: list[tuple[int, int]]
    attempts: int = 0
    seconds: float = 0.0


@dataclass
class Outcome:
    """What became of all batches."""

    batches: list[Batch] = field(default_factory=list[Batch])
    failures: list[BaseException] = field(default_factory=list[BaseException])

    @property
    def retries(self) -> int:
        return sum(batch.attempts - 1 for batch in self.batches)

    @property
    def longest(self) -> float:
        return max((batch.seconds for batch in self.batches), default=0.0)


def make_batches(number: int, seed: int) -> list[Batch]:
    """Returns batches of one to some transfers between two different accounts each."""
    dice = random.Random(seed)
    return [
        Batch(
            number,
            [
                tuple(dice.sample(range(ACCOUNTS), 2))  # type: ignore[misc]
                for _ in range(dice.randint(1, LARGEST_BATCH))
            ],
        )
        for number in range(number)
    ]


def attempt(batch: Batch, accounts: list[str]) -> Callable[[psycopg.Connection[Any]], None]:
    """Returns what a worker does in the transaction of a batch."""

    def run(conn: psycopg.Connection[Any]) -> None:
        batch.attempts += 1
        ledger = Ledger(conn)
        requests = [(accounts[left], accounts[right], 1) for left, right in batch.pairs]
        # What it has read must not have changed when it commits.
        ledger.get_account(requests[0][0])
        if len(requests) == 1:
            ledger.create_transfer(*requests[0])
        else:
            ledger.create_transfers(requests)
        conn.execute("insert into storm values (%s, %s)", (batch.number, len(requests)))

    return run


def storm(
    dsn: str, batches: list[Batch], *, workers: int, retry_for: timedelta | None = None
) -> Outcome:
    """Runs the batches, and returns what became of them."""
    with psycopg.connect(dsn) as conn:
        accounts = [
            Ledger(conn).create_account(f"storm {number}", "USD").id for number in range(ACCOUNTS)
        ]
        conn.execute("create table storm (number integer primary key, amount integer not null)")
    outcome = Outcome()
    waiting: Iterator[Batch] = iter(batches)
    lock = threading.Lock()
    options: dict[str, Any] = {} if retry_for is None else {"retry_for": retry_for}

    def work() -> None:
        with psycopg.connect(dsn) as conn:
            while True:
                with lock:
                    batch = next(waiting, None)
                if batch is None:
                    return
                started = time.monotonic()
                try:
                    run_transaction(
                        conn,
                        attempt(batch, accounts),
                        isolation_level=IsolationLevel.SERIALIZABLE,
                        **options,
                    )
                except Exception as error:  # noqa: BLE001 -- counted, and told by who asked
                    with lock:
                        outcome.failures.append(error)
                    continue
                batch.seconds = time.monotonic() - started
                with lock:
                    outcome.batches.append(batch)

    threads = [threading.Thread(target=work) for _ in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcome


def faults(dsn: str, batches: list[Batch], outcome: Outcome) -> list[str]:
    """Returns what is not as it must be after a storm that all came through."""
    found = [f"{type(error).__name__}: {error}" for error in outcome.failures]
    expected = sum(len(batch.pairs) for batch in batches)
    with psycopg.connect(dsn) as conn:
        row = conn.execute(
            "select (select count(*) from storm), (select sum(amount) from storm),"
            " (select count(*) from pgledger_transfers_view)"
        ).fetchone()
        if row != (len(batches), expected, expected):
            found.append(f"{row} instead of {(len(batches), expected, expected)}")
        found += [check.check_name for check in Ledger(conn).verify() if check.violations]
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--batches", type=int, default=1000)
    parser.add_argument("--workers", type=int, default=16)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--dsn", help="a database with pgledger; by default one of its own")
    arguments = parser.parse_args()
    with contextlib.ExitStack() as stack:
        dsn = arguments.dsn
        if dsn is None:
            dsn = stack.enter_context(EmbeddedServer.temporary()).dsn()
            migrate(dsn)
        batches = make_batches(arguments.batches, arguments.seed)
        started = time.monotonic()
        outcome = storm(dsn, batches, workers=arguments.workers)
        took = time.monotonic() - started
        wrong = faults(dsn, batches, outcome)
    most = max((batch.attempts for batch in batches), default=0)
    print(f"{len(outcome.batches):,} of {len(batches):,} batches came through in {took:,.0f} s")
    print(f"{outcome.retries:,} retries, at most {most} attempts of one batch")
    print(f"the longest batch took {outcome.longest:.1f} s from its first attempt to its commit")
    for fault in wrong:
        print(f"wrong: {fault}")
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
