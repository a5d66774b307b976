"""``pgledger_changes``: each change once, in its place, and none before what it follows from."""

import random
import threading
import time
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import psycopg
import pytest

from pgledger import Ledger, TransferRequest
from pgledger.errors import (
    AccountNotFound,
    CursorNotFound,
    ImmutableRecord,
    InvalidArgument,
    InvalidPage,
    NullArgument,
    PgledgerError,
)
from pgledger.types import Change
from support.clock import SetClock
from support.database import Connect

NOW = datetime(2030, 3, 1, 12, tzinfo=UTC)


class Books(Ledger):
    """A ledger with a bank, a wallet that cannot be overdrawn, and a shop."""

    def __init__(self, conn: psycopg.Connection[Any]) -> None:
        super().__init__(conn)
        self.bank = self.create_account("bank", "USD").id
        self.wallet = self.create_account("wallet", "USD", min_balance=Decimal(0)).id
        self.shop = self.create_account("shop", "USD").id

    def hold(self, amount: int = 40, **options: Any) -> str:
        return self.create_hold(self.wallet, self.shop, Decimal(amount), **options).id


@pytest.fixture
def books(conn: psycopg.Connection[Any]) -> Books:
    return Books(conn)


def told(changes: Iterable[Change]) -> list[tuple[str, str, str]]:
    return [(change.entity, change.change, change.entity_id) for change in changes]


def newest_block(conn: psycopg.Connection[Any]) -> int:
    row = conn.execute("select coalesce(max(number), 0) from pgledger.blocks").fetchone()
    assert row is not None
    return int(row[0])


def test_all_kinds_are_told_once_and_in_order(conn, books):
    paid = books.create_transfer(books.bank, books.wallet, 100)
    kept, left, gone = books.hold(), books.hold(10), books.hold(5, expires_in=timedelta(hours=1))
    first = books.post_hold(kept, amount=15, final=False)
    last = books.post_hold(kept)
    books.void_hold(left)
    books.extend_hold(gone, datetime.now(UTC) + timedelta(days=1))
    back = books.reverse_transfer(paid.id, amount=1)
    books.freeze_account(books.shop, "in", reason="audit")
    assert told(books.changes()) == [
        *(("account", "opened", each) for each in sorted([books.bank, books.wallet, books.shop])),
        ("transfer", "posted", paid.id),
        *(("hold", "made", each) for each in (kept, left, gone)),
        ("transfer", "posted", first.id),
        ("transfer", "posted", last.id),
        ("hold", "posted", kept),
        ("hold", "voided", left),
        ("hold", "extended", gone),
        ("transfer", "reversed", back.id),
        ("account", "freeze", books.shop),
    ]


def test_details_tell_what_a_mirror_needs(conn, books):
    cursor = books.changes()[-1].cursor
    (made,) = books.create_transfers(
        [TransferRequest(books.bank, books.wallet, Decimal("1.50"), metadata={"order": 7})],
        group_id="g",
    )
    (change,) = books.changes(after=cursor)
    assert (change.version, change.recorded_at, change.app_id) == (0, made.created_at, "")
    # PostgreSQL leaves out zeros at the end of a second's parts.
    happened_at = datetime.fromisoformat(change.details["event_at"])
    assert {**change.details, "event_at": happened_at} == {
        "from_account_id": books.bank,
        "to_account_id": books.wallet,
        "amount": "1.50",
        "currency": "USD",
        "from_account_balance": "-1.50",
        "to_account_balance": "1.50",
        "from_account_version": 1,
        "to_account_version": 1,
        "event_at": made.created_at,
        "group_id": "g",
        "origin_id": None,
        "metadata": {"order": 7},
    }


def test_pages_join_wherever_they_are_cut(conn, books):
    for amount in range(1, 8):
        books.create_transfer(books.bank, books.wallet, amount)
        if amount % 3 == 0:
            books.changes(page_size=1)
    whole = books.changes()
    assert len(whole) == 10
    for size in (1, 2, 3, 9):
        found: list[Change] = []
        while page := books.changes(after=found[-1].cursor if found else None, page_size=size):
            assert len(page) <= size
            found += page
        assert found == whole


def test_a_backlog_is_cut_where_nothing_is_before_its_cause(conn, books):
    conn.execute(
        "select count(*) from pgledger_create_transfers_bulk_ids(array_fill(%s::text, '{9000}'),"
        " array_fill(%s::text, '{9000}'), array_fill(1::numeric, '{9000}'))",
        (books.bank, books.wallet),
    )
    hold = books.hold(30)
    books.post_hold(hold)
    found: list[Change] = []
    while page := books.changes(after=found[-1].cursor if found else None):
        found += page
    assert newest_block(conn) == 3
    assert len(found) == len({(c.entity, c.change, c.entity_id) for c in found}) == 9006
    assert told(found[-3:])[0] == ("hold", "made", hold)
    assert told(found[-3:])[2] == ("hold", "posted", hold)
    assert books.get_account(books.wallet).balance == sum_at(books, books.wallet, 3)
    assert sum_at(books, books.bank, 2) + sum_at(books, books.wallet, 2) == 0


def sum_at(books: Ledger, account: str, block: int) -> Decimal:
    return books.balance_at_block(account, block)


def test_what_commits_late_comes_after_what_was_read(conn, books, connect: Connect):
    """The first to post commits last: a cursor over created_at or ids would miss it."""
    early = connect()
    other = Ledger(early).create_account("other", "USD").id
    early.commit()
    cursor = books.changes()[-1].cursor
    conn.commit()
    late = Ledger(early).create_transfer(other, Ledger(early).create_account("a", "USD").id, 1)
    seen = books.create_transfer(books.bank, books.wallet, 1)
    conn.commit()
    assert late.created_at < seen.created_at
    page = books.changes(after=cursor)
    conn.commit()
    assert told(page) == [("transfer", "posted", seen.id)]
    early.commit()
    assert told(books.changes(after=page[-1].cursor))[1:] == [("transfer", "posted", late.id)]


def test_rolled_back_work_is_never_told(conn, books):
    cursor = books.changes()[-1].cursor
    with conn.transaction(force_rollback=True):
        books.create_transfer(books.bank, books.wallet, 1)
        (lost,) = books.changes(after=cursor)
    assert books.changes(after=cursor) == []
    kept = books.create_transfer(books.bank, books.wallet, 2)
    with pytest.raises(CursorNotFound, match="is not of this database"), conn.transaction():
        books.changes(after=lost.cursor)
    assert told(books.changes(after=cursor)) == [("transfer", "posted", kept.id)]


def test_one_makes_blocks_and_others_read_what_is_finished(conn, books, connect: Connect):
    conn.commit()
    second = Ledger(connect())
    made = books.changes()
    assert len(made) == 3
    assert second.changes() == []
    conn.commit()
    assert second.changes() == made


@pytest.mark.parametrize("level", ["repeatable read", "serializable"])
def test_who_keeps_a_snapshot_reads_what_is_finished(conn, books, connect: Connect, level):
    books.changes()
    conn.commit()
    other = connect()
    other.execute(f"set default_transaction_isolation = '{level}'")
    other.commit()
    books.create_transfer(books.bank, books.wallet, 1)
    conn.commit()
    assert len(Ledger(other).changes()) == 3
    other.rollback()
    other.execute("set transaction read only")
    assert len(Ledger(other).changes()) == 3
    assert len(books.changes()) == 4


def test_order_holds_when_the_clock_steps_back(conn, books, set_clock: SetClock):
    set_clock(conn, NOW)
    books.create_transfer(books.bank, books.wallet, 100)
    hold, voided = books.hold(), books.hold(1)
    expiring = books.hold(2, expires_at=NOW + timedelta(hours=1))
    conn.commit()
    set_clock(conn, NOW - timedelta(hours=1))
    books.post_hold(hold, amount=5, final=False)
    books.extend_hold(expiring, NOW + timedelta(hours=2))
    books.freeze_account(books.shop, "in")
    books.unfreeze_account(books.shop)
    books.post_hold(hold)
    books.void_hold(voided)
    conn.commit()
    set_clock(conn, NOW - timedelta(hours=2))
    moved = books.create_transfer(books.wallet, books.shop, 1)
    back = books.reverse_transfer(moved.id)
    found = told(books.changes())
    assert found[:3] == told(c for c in books.changes() if c.change == "opened")
    order = [(entity, change) for entity, change, each in found if each not in (books.bank,)]
    assert order.index(("hold", "made")) < order.index(("hold", "posted"))
    place = {key: number for number, key in enumerate(found)}
    assert place["hold", "made", voided] < place["hold", "voided", voided]
    assert place["hold", "made", expiring] < place["hold", "extended", expiring]
    assert place["transfer", "posted", moved.id] < place["transfer", "reversed", back.id]
    assert place["account", "freeze", books.shop] < place["account", "unfreeze", books.shop]
    assert place["account", "unfreeze", books.shop] < place["hold", "posted", hold]


def test_expiries_are_told_once(conn, books, set_clock: SetClock):
    set_clock(conn, NOW)
    books.create_transfer(books.bank, books.wallet, 100)
    hold = books.hold(60, expires_at=NOW + timedelta(hours=1))
    cursor = books.changes()[-1].cursor
    conn.commit()
    set_clock(conn, NOW + timedelta(hours=2))
    # Who relies on the expiry writes it, on one side; the sweep writes the other.
    moved = books.create_transfer(books.wallet, books.bank, 90)
    assert books.expire_holds() == 1
    assert told(books.changes(after=cursor)) == [
        ("hold", "expired", hold),
        ("transfer", "posted", moved.id),
    ]


@pytest.mark.parametrize(
    ("after", "size", "error"),
    [
        ("", 1, InvalidArgument),
        ("0.1.0123456789abcdef", 1, InvalidArgument),
        ("1.1.0123456789ABCDEF", 1, InvalidArgument),
        ("1.1.0123456789abcdef", 1, CursorNotFound),
        ("999999999999999999.1.0123456789abcdef", 1, CursorNotFound),
        (None, 0, InvalidPage),
        (None, 10001, InvalidPage),
        (None, None, NullArgument),
    ],
)
def test_what_is_no_cursor_is_refused(conn, after, size, error):
    with pytest.raises(error):
        conn.execute("select pgledger_changes(%s::text, %s::integer)", (after, size))


def test_balances_at_a_block_are_final(conn, books, connect: Connect):
    books.create_transfer(books.bank, books.wallet, 10)
    books.changes()
    books.create_transfer(books.bank, books.wallet, 5)
    assert [books.balance_at_block(books.wallet, block) for block in (0, 1)] == [0, 10]
    with pytest.raises(InvalidArgument, match="there are the blocks 0 to 1"), conn.transaction():
        books.balance_at_block(books.wallet, 2)
    books.freeze_account(books.wallet, "out")
    books.changes()
    books.unfreeze_account(books.wallet)
    books.changes()
    assert [books.balance_at_block(books.wallet, n) for n in range(4)] == [0, 10, 15, 15]
    for block, error in ((-1, InvalidArgument), (None, NullArgument)):
        with pytest.raises(error), conn.transaction():
            conn.execute("select pgledger_balance_at_block(%s, %s)", (books.wallet, block))
    with pytest.raises(AccountNotFound):
        books.balance_at_block(books.wallet, 1, app_id="other")


@pytest.mark.parametrize("table", ["blocks", "block_accounts", "block_holds", "noted_changes"])
def test_what_blocks_hold_never_changes(conn, books, table):
    books.create_transfer(books.bank, books.wallet, 100)
    books.void_hold(books.hold())
    books.changes()
    for statement in (f"delete from pgledger.{table}", f"truncate pgledger.{table}"):
        with pytest.raises(ImmutableRecord), conn.transaction():
            conn.execute(statement)
    if table == "noted_changes":
        statement = "update pgledger.noted_changes set change = 'made'"
    else:
        statement = (
            f"update pgledger.{table} set block = 1"
            if table != "blocks"
            else ("update pgledger.blocks set changes = 1")
        )
    with pytest.raises(ImmutableRecord), conn.transaction():
        conn.execute(statement)


class Writer(threading.Thread):
    """Posts, holds, reverses and changes, with sleeps, rollbacks and savepoints."""

    def __init__(self, conn: psycopg.Connection[Any], accounts: list[str], seed: int) -> None:
        super().__init__()
        self.conn, self.accounts = conn, accounts
        self.random = random.Random(seed)
        self.committed: list[tuple[str, str, str]] = []
        self.transfers: list[str] = []
        self.holds: list[str] = []
        self.failure: BaseException | None = None

    def run(self) -> None:
        try:
            for _ in range(25):
                self.transact()
        except Exception as error:  # noqa: BLE001 -- the test raises it
            self.failure = error

    def transact(self) -> None:
        done: list[tuple[str, str, str]] = []
        # From here on the blocks below are savepoints.
        self.conn.execute("select")
        for _ in range(self.random.randint(1, 4)):
            try:
                with self.conn.transaction():
                    step = self.step()
                    if self.random.random() < 0.2:
                        raise psycopg.Rollback
                    done += step
            except (PgledgerError, psycopg.errors.DeadlockDetected):
                pass
            time.sleep(self.random.random() * 0.004)
        if self.random.random() < 0.25:
            self.conn.rollback()
        else:
            self.conn.commit()
            self.committed += done
            self.transfers += [each for kind, _, each in done if kind == "transfer"]
            self.holds += [each for kind, what, each in done if (kind, what) == ("hold", "made")]

    def step(self) -> list[tuple[str, str, str]]:
        ledger, choose = Ledger(self.conn), self.random.choice
        source, target = self.random.sample(self.accounts, 2)
        kind = self.random.random()
        if kind < 0.5:
            return [("transfer", "posted", ledger.create_transfer(source, target, 5).id)]
        if kind < 0.6 and self.transfers:
            done = ledger.reverse_transfer(choose(self.transfers), amount=1)
            return [("transfer", "reversed", done.id)]
        if kind < 0.75:
            return [("hold", "made", ledger.create_hold(source, target, 3).id)]
        if kind < 0.95 and self.holds:
            hold = choose(self.holds)
            if self.random.random() < 0.3:
                answer = ledger.void_hold(hold)
                return [] if answer.replayed else [("hold", "voided", hold)]
            posted = ledger.post_hold(hold)
            return [("transfer", "posted", posted.id), ("hold", "posted", hold)]
        account = ledger.create_account("new", "USD").id
        ledger.update_account(account, name="renamed")
        return [("account", "opened", account), ("account", "update", account)]


class Reader(threading.Thread):
    """Follows the changes until told to stop; one that restarts goes on after its cursor."""

    def __init__(self, connect: Connect, page_size: int, *, restarts: bool) -> None:
        super().__init__()
        self.connect, self.page_size, self.restarts = connect, page_size, restarts
        self.conn = connect(autocommit=True)
        self.seen: list[Change] = []
        self.stopping = threading.Event()
        self.failure: BaseException | None = None

    def run(self) -> None:
        try:
            while not self.stopping.is_set():
                self.read()
                if self.restarts and len(self.seen) % 7 == 0:
                    self.conn.close()
                    self.conn = self.connect(autocommit=True)
                time.sleep(0.002)
        except Exception as error:  # noqa: BLE001 -- the test raises it
            self.failure = error

    def read(self) -> list[Change]:
        page = Ledger(self.conn).changes(
            after=self.seen[-1].cursor if self.seen else None, page_size=self.page_size
        )
        self.seen += page
        return page


def test_eight_writers_and_three_readers(conn, books, connect: Connect):
    accounts = [books.create_account("free", "USD").id for _ in range(6)]
    conn.commit()
    writers = [Writer(connect(), accounts, seed) for seed in range(8)]
    readers = [Reader(connect, size, restarts=size == 5) for size in (3, 5, 1000)]
    for thread in (*readers, *writers):
        thread.start()
    for writer in writers:
        writer.join()
        assert writer.failure is None, writer.failure
    for reader in readers:
        reader.stopping.set()
    for reader in readers:
        reader.join()
        assert reader.failure is None, reader.failure
    for reader in readers:
        while reader.read():
            pass
    opened = [("account", "opened", each) for each in (books.bank, books.wallet, books.shop)]
    opened += [("account", "opened", each) for each in accounts]
    wanted = Counter([*opened, *(step for writer in writers for step in writer.committed)])
    assert len(wanted) > 200
    for reader in readers:
        assert Counter(told(reader.seen)) == wanted
        assert_causes_come_first(reader.seen)
        assert reader.seen == readers[0].seen
    assert len({change.block for change in readers[0].seen}) > 10
    assert uncovered(conn) == 0


def uncovered(conn: psycopg.Connection[Any]) -> int:
    """By the definition: whatever exists and is in no block, all rows compared."""
    row = conn.execute(
        """
        select
          (select count(*) from pgledger.transfers where not exists (
            select from pgledger.block_accounts
            where account_key = transfers.from_key and transfers.from_version between
              block_accounts.from_version + 1 and block_accounts.to_version))
          + (select count(*) from pgledger.transfers where not exists (
            select from pgledger.block_accounts
            where account_key = transfers.to_key and transfers.to_version between
              block_accounts.from_version + 1 and block_accounts.to_version))
          + (select count(*) from pgledger.holds
            where id not in (select hold_id from pgledger.block_holds))
          + (select count(*) from pgledger.noted_changes where block is null)
        """
    ).fetchone()
    assert row is not None
    return int(row[0])


def assert_causes_come_first(changes: Iterable[Change]) -> None:
    seen: set[str] = set()
    versions: Counter[str] = Counter()
    for change in changes:
        details = change.details or {}
        if change.change in ("opened", "made") or change.entity == "transfer":
            assert change.entity_id not in seen
        else:
            assert change.entity_id in seen, change
        for name in ("from_account_id", "to_account_id", "origin_id"):
            assert details.get(name) is None or details[name] in seen, change
        if change.entity == "transfer":
            for side in ("from", "to"):
                account = details[f"{side}_account_id"]
                versions[account] += 1
                assert details[f"{side}_account_version"] == versions[account]
        seen.add(change.entity_id)
