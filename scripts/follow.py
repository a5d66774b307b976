"""Follows changes while many write, and measures blocks and seals: ``follow.py``.

``follow.py stream`` lets 8 sessions write, with sleeps, rollbacks and savepoints, until so many
changes are committed, while 3 readers follow, one of which restarts again and again. It counts what
each missed, saw twice, and saw before what it follows from; all have to be 0, or it ends with 1.

``follow.py cost`` posts transfers among accounts at random, and prints what a block costs in bytes,
how long it takes to make blocks, to read them, to seal them, and to verify the seals. The fewer
accounts, the less there is to cover.

Run it alone: nothing else may run on the machine meanwhile.
"""

import argparse
import random
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import psycopg

from pgledger import Change, Ledger, PgledgerError
from pgledger.embedded import EmbeddedServer
from pgledger.migrate import migrate

ACCOUNTS: Final = 200

# Writers touch accounts in any order, so they deadlock all the time; by itself a server takes a
# second to see each.
SETTINGS: Final = {"deadlock_timeout": "10ms"}

PROGRESS_SECONDS: Final = 10.0

Step = tuple[str, str, str]


class Writer(threading.Thread):
    """Posts, holds, reverses and opens; keeps what it has committed."""

    def __init__(self, dsn: str, accounts: list[str], seed: int, goal: Callable[[], bool]) -> None:
        super().__init__()
        self.conn = psycopg.connect(dsn)
        self.accounts, self.reached = accounts, goal
        self.random = random.Random(seed)
        self.committed: list[Step] = []
        self.failure: BaseException | None = None

    def run(self) -> None:
        try:
            while not self.reached():
                self.transact()
        except Exception as error:  # noqa: BLE001 -- told at the end
            self.failure = error

    def transact(self) -> None:
        done: list[Step] = []
        # From here on the blocks below are savepoints.
        self.conn.execute("select")
        for _ in range(self.random.randint(1, 8)):
            try:
                with self.conn.transaction():
                    step = self.step()
                    if self.random.random() < 0.1:
                        raise psycopg.Rollback
                    done += step
            except (PgledgerError, psycopg.errors.DeadlockDetected):
                pass
        if self.random.random() < 0.1:
            time.sleep(self.random.random() * 0.01)
        if self.random.random() < 0.1:
            self.conn.rollback()
            return
        self.conn.commit()
        self.committed += done

    def known(self, *steps: tuple[str, str]) -> str | None:
        recent = [each for kind, what, each in self.committed[-200:] if (kind, what) in steps]
        return self.random.choice(recent) if recent else None

    def step(self) -> list[Step]:
        ledger = Ledger(self.conn)
        source, target = self.random.sample(self.accounts, 2)
        kind = self.random.random()
        if kind < 0.1 and (made := self.known(("transfer", "posted"))):
            return [("transfer", "reversed", ledger.reverse_transfer(made, amount=1).id)]
        if kind < 0.25:
            return [("hold", "made", ledger.create_hold(source, target, 3).id)]
        if kind < 0.4 and (hold := self.known(("hold", "made"))):
            if self.random.random() < 0.3:
                return [] if ledger.void_hold(hold).replayed else [("hold", "voided", hold)]
            return [
                ("transfer", "posted", ledger.post_hold(hold).id),
                ("hold", "posted", hold),
            ]
        if kind < 0.42:
            account = ledger.create_account("new", "USD").id
            ledger.update_account(account, name="renamed")
            return [("account", "opened", account), ("account", "update", account)]
        return [("transfer", "posted", ledger.create_transfer(source, target, 5).id)]


class Reader(threading.Thread):
    """Follows until told to stop, and drops its connection again and again if asked to."""

    def __init__(self, dsn: str, page_size: int, *, restarts: bool) -> None:
        super().__init__()
        self.dsn, self.page_size, self.restarts = dsn, page_size, restarts
        self.seen: list[Change] = []
        self.stopping = threading.Event()
        self.failure: BaseException | None = None

    def run(self) -> None:
        try:
            while not self.follow():
                pass
        except Exception as error:  # noqa: BLE001 -- told at the end
            self.failure = error

    def follow(self) -> bool:
        with psycopg.connect(self.dsn, autocommit=True) as conn:
            for number in range(1_000_000):
                stopping = self.stopping.is_set()
                page = Ledger(conn).changes(
                    after=self.seen[-1].cursor if self.seen else None, page_size=self.page_size
                )
                self.seen += page
                if stopping and not page:
                    return True
                if self.restarts and number % 50 == 49:
                    return False
                time.sleep(0.01 if page else 0.05)
        return False


def causes_missing(changes: list[Change]) -> int:
    """Counts changes that came before what they follow from."""
    seen: set[str] = set()
    versions: Counter[str] = Counter()
    wrong = 0
    for change in changes:
        details = change.details or {}
        begins = change.change in ("opened", "made") or change.entity == "transfer"
        wrong += begins == (change.entity_id in seen)
        for name in ("from_account_id", "to_account_id", "origin_id"):
            wrong += details.get(name) is not None and details[name] not in seen
        if change.entity == "transfer":
            for side in ("from", "to"):
                account = details[f"{side}_account_id"]
                versions[account] += 1
                wrong += details[f"{side}_account_version"] != versions[account]
        seen.add(change.entity_id)
    return wrong


def stream(dsn: str, goal: int) -> int:
    """Runs writers and readers; returns how much was wrong."""
    with psycopg.connect(dsn) as conn:
        accounts = [Ledger(conn).create_account("free", "USD").id for _ in range(ACCOUNTS)]
    writers: list[Writer] = []

    def written() -> int:
        return sum(len(writer.committed) for writer in writers)

    def reached() -> bool:
        return written() >= goal

    writers += [Writer(dsn, accounts, seed, reached) for seed in range(8)]
    readers = [Reader(dsn, size, restarts=size == 100) for size in (37, 100, 1000)]
    begin = time.monotonic()
    for thread in (*readers, *writers):
        thread.start()
    for writer in writers:
        while writer.is_alive():
            writer.join(PROGRESS_SECONDS)
            print(f"{written():,} of {goal:,} changes", file=sys.stderr)
    for reader in readers:
        reader.stopping.set()
    for reader in readers:
        reader.join()
    # What another reader was just covering when they ended.
    for reader in readers:
        reader.follow()
    wanted = Counter(step for writer in writers for step in writer.committed)
    wanted += Counter(("account", "opened", each) for each in accounts)
    wrong = 0
    followed: list[Reader | Writer] = [*readers, *writers]
    for thread in followed:
        if thread.failure is not None:
            print(f"failed: {thread.failure!r}")
            wrong += 1
    seconds = time.monotonic() - begin
    print(f"{sum(wanted.values()):,} changes committed in {seconds:.0f} s by 8 writers")
    for reader in readers:
        seen: Counter[Step] = Counter(
            (str(change.entity), change.change, change.entity_id) for change in reader.seen
        )
        missed, twice = (wanted - seen).total(), (seen - wanted).total()
        early = causes_missing(reader.seen)
        blocks = len({change.block for change in reader.seen})
        print(f"reader: missed {missed}, twice {twice}, before the cause {early}, {blocks} blocks")
        wrong += missed + twice + early
    return wrong


def cost(dsn: str, count: int, accounts: int) -> int:
    """Prints what blocks and seals cost for so many transfers among many accounts."""
    with psycopg.connect(dsn, autocommit=True) as conn:
        fill(conn, count, accounts)

        def timed(label: str, statement: str) -> None:
            begin = time.monotonic()
            conn.execute(statement.encode())
            seconds = time.monotonic() - begin
            print(f"{label}: {seconds:.2f} s, {seconds / count * 1e6:.2f} us a transfer")

        timed("make blocks", "select count(*) from pgledger_changes(page_size => 1)")
        row = conn.execute(
            "select (select count(*) from pgledger.blocks),"
            " (select count(*) from pgledger.block_accounts),"
            " pg_total_relation_size('pgledger.block_accounts')"
        ).fetchone()
        assert row is not None
        blocks, ranges, size = row
        print(
            f"{blocks} blocks, {ranges:,} ranges of accounts: {size / ranges:.0f} bytes a range,"
            f" {size / count:.1f} bytes a transfer"
        )
        timed("make no block, nothing new", "select pgledger.make_blocks()")
        timed(
            "read all",
            "select count(details) from pgledger.blocks"
            " cross join pgledger.block_changes(blocks.number)",
        )
        timed("seal", "select pgledger_seal()")
        timed("verify the seals", "select count(*) from pgledger_verify_seals()")
    return 0


def fill(conn: psycopg.Connection[Any], count: int, accounts: int) -> None:
    """Makes accounts and, in batches of 10,000, so many transfers."""
    conn.execute(
        "create temp table made as select row_number() over () as place, account.id"
        " from generate_series(1, %s) as n,"
        " pgledger_create_account('account ' || n, 'USD') as account",
        [accounts],
    )
    conn.execute("create index on made (place)")
    conn.execute("analyze made")
    for _ in range(count // 10_000):
        conn.execute(
            "select pgledger_create_transfers_bulk_count(array_agg(f.id), array_agg(t.id),"
            " array_agg(1.25)) from (select 1 + floor(random() * %(accounts)s)::bigint as a,"
            " 1 + floor(random() * (%(accounts)s - 1))::bigint as b"
            " from generate_series(1, 10000)) as pair"
            " join made as f on f.place = a"
            " join made as t on t.place = case when b >= a then b + 1 else b end",
            {"accounts": accounts},
        )
    conn.execute("vacuum analyze")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    modes = parser.add_subparsers(dest="mode", required=True)
    modes.add_parser("stream").add_argument("--changes", type=int, default=100_000)
    costs = modes.add_parser("cost")
    costs.add_argument("--transfers", type=int, default=1_000_000)
    costs.add_argument("--accounts", type=int, default=10_000)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="follow") as place:
        # As root, the server runs under another account, which has to pass through.
        Path(place).chmod(0o711)
        with EmbeddedServer(Path(place) / "server", settings=SETTINGS) as server:
            dsn = server.dsn()
            migrate(dsn)
            if arguments.mode == "stream":
                return 1 if stream(dsn, arguments.changes) else 0
            return cost(dsn, arguments.transfers, arguments.accounts)


if __name__ == "__main__":
    sys.exit(main())
