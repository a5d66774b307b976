"""Replicas, recovery and upgrades of the server, as docs/operations.md names them."""

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import errors as pg_errors

from pgledger import Ledger
from pgledger.embedded import EmbeddedServer, server_binaries
from pgledger.embedded.accounts import find_account, run_as
from pgledger.embedded.environment import server_environment
from pgledger.migrate import VerifyProgress, migrate, status, verify
from support.server import MAJOR, SETTINGS, NewServer

NEWEST = 18
PATIENCE_SECONDS = 60.0

Copy = Callable[..., EmbeddedServer]


class Shop:
    """Books in which money and the application's rows move together."""

    def __init__(self, server: EmbeddedServer) -> None:
        self.server = server
        migrate(server.dsn())
        with psycopg.connect(server.dsn()) as connection:
            ledger = Ledger(connection)
            self.cash = ledger.create_account("cash", "USD").id
            self.wallet = ledger.create_account("wallet", "USD", allow_negative_balance=False).id
            connection.execute("create table orders (transfer_id text primary key)")

    def sell(self, server: EmbeddedServer | None = None, times: int = 1) -> list[str]:
        """Makes orders of 1 each, one transaction each, and returns those that were confirmed."""
        confirmed = []
        with psycopg.connect((server or self.server).dsn()) as connection:
            for _ in range(times):
                transfer = Ledger(connection).create_transfer(self.cash, self.wallet, 1)
                connection.execute("insert into orders values (%s)", (transfer.id,))
                connection.commit()
                confirmed.append(transfer.id)
        return confirmed

    def orders(self, server: EmbeddedServer) -> set[str]:
        """Returns the orders of a server, after proving that its books are in order."""
        dsn = server.dsn()
        assert status(dsn).up_to_date
        assert [check for check in verify(dsn) if check.violations] == []
        with psycopg.connect(dsn) as connection:
            transfers = {row[0] for row in connection.execute("select transfer_id from orders")}
            moved = {row[0] for row in connection.execute("select id from pgledger_transfers_view")}
            balance = Ledger(connection).get_account(self.wallet).balance
        assert transfers == moved
        assert balance == Decimal(len(moved))
        return transfers


def await_true(server: EmbeddedServer, query: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    with psycopg.connect(server.dsn(), autocommit=True) as connection:
        while connection.execute(query.encode()).fetchone() != (True,):
            assert time.monotonic() < deadline, query
            time.sleep(0.02)


def await_replay(primary: EmbeddedServer, standby: EmbeddedServer) -> None:
    position = one(primary, "select pg_current_wal_lsn()::text")
    await_true(standby, f"select pg_last_wal_replay_lsn() >= '{position}'::pg_lsn")


def one(server: EmbeddedServer, query: str) -> Any:
    with psycopg.connect(server.dsn(), autocommit=True) as connection:
        row = connection.execute(query.encode()).fetchone()
    return row[0] if row else None


def do(server: EmbeddedServer, *statements: str) -> None:
    with psycopg.connect(server.dsn(), autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement.encode())


def give(path: Path, like: EmbeddedServer) -> None:
    """Makes files of the server's account out of files of ours."""
    owner = like.data_directory.stat()
    for each in [path, *path.rglob("*")]:
        os.chown(each, owner.st_uid, owner.st_gid, follow_symlinks=False)


@pytest.fixture
def copy() -> Iterator[Copy]:
    """``copy(primary, "name", *options)`` takes a base backup and starts a server on it."""
    with ExitStack() as stack:

        def take(
            primary: EmbeddedServer, name: str, *options: str, start: bool = True
        ) -> EmbeddedServer:
            directory = primary.directory.parent / name
            directory.mkdir(mode=0o755)
            data = directory / "pgdata"
            primary.run("pg_basebackup", "-D", str(data), "--checkpoint=fast", *options)
            give(data, primary)
            made = EmbeddedServer(directory, bin_dir=primary.bin_dir, settings=SETTINGS)
            return stack.enter_context(made) if start else made

        yield take


@pytest.fixture
def primary(new_server: NewServer) -> EmbeddedServer:
    return new_server(settings={"wal_level": "replica"})


def test_a_replica_answers_and_refuses_to_write(primary: EmbeddedServer, copy: Copy) -> None:
    shop = Shop(primary)
    standby = copy(primary, "standby", "-R")
    sold = shop.sell(times=20)
    await_replay(primary, standby)
    assert shop.orders(standby) == set(sold)
    slices: list[VerifyProgress] = []
    there = verify(standby.dsn(), slice_size=3, on_progress=slices.append)
    assert len(slices) > 10
    assert (slices[-1].entries, slices[-1].entries_in_all) == (40, 40)
    assert there == verify(primary.dsn(), slice_size=1000)
    with psycopg.connect(standby.dsn(), autocommit=True) as connection:
        ledger = Ledger(connection)
        assert ledger.balance_at(shop.wallet, ledger.get_transfer(sold[4]).created_at) == 5
        assert len(ledger.account_entries(shop.wallet, page_size=10)) == 10
        for write in (
            lambda: ledger.create_account("late", "USD"),
            lambda: ledger.create_transfer(shop.cash, shop.wallet, 1),
        ):
            with pytest.raises(pg_errors.ReadOnlySqlTransaction):
                write()


def test_what_reads_a_replica_for_long_may_be_cancelled(
    primary: EmbeddedServer, copy: Copy
) -> None:
    shop = Shop(primary)
    standby = copy(primary, "standby", "-R")
    do(standby, "alter system set max_standby_streaming_delay = 0", "select pg_reload_conf()")
    shop.sell(times=5)
    await_replay(primary, standby)
    with psycopg.connect(standby.dsn()) as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        Ledger(connection).get_account(shop.wallet)
        shop.sell(times=5)
        do(primary, "vacuum pgledger.accounts")
        # A vacuum's log is written with the next commit.
        shop.sell()
        await_replay(primary, standby)
        with pytest.raises(pg_errors.SerializationFailure, match="conflict with recovery"):
            connection.execute("select count(*) from pgledger_verify()")


def test_a_promoted_replica_goes_on_where_the_primary_ended(
    primary: EmbeddedServer, copy: Copy
) -> None:
    shop = Shop(primary)
    standby = copy(primary, "standby", "-R")
    before = shop.sell(times=20)
    await_replay(primary, standby)
    primary.kill()
    assert one(standby, "select pg_promote()")
    after = shop.sell(standby, times=20)
    assert shop.orders(standby) == {*before, *after}
    # Ids and versions ascend across the change of servers.
    assert sorted(before + after) == before + after
    assert not migrate(standby.dsn()).changed


def test_with_synchronous_replication_nothing_confirmed_is_lost(
    primary: EmbeddedServer, copy: Copy
) -> None:
    shop = Shop(primary)
    standby = copy(primary, "standby", "-R")
    do(
        primary,
        "alter system set synchronous_standby_names = '*'",
        "select pg_reload_conf()",
    )
    await_true(primary, "select bool_or(sync_state = 'sync') from pg_stat_replication")
    confirmed = shop.sell(times=50)
    primary.kill()
    assert one(standby, "select pg_promote()")
    do(standby, "alter system reset synchronous_standby_names", "select pg_reload_conf()")
    assert shop.orders(standby) == set(confirmed)


def test_with_asynchronous_replication_the_newest_are_lost_whole(
    primary: EmbeddedServer, copy: Copy
) -> None:
    shop = Shop(primary)
    standby = copy(primary, "standby", "-R")
    arrived = shop.sell(times=10)
    await_replay(primary, standby)
    # The connection between the two is gone, and nobody has noticed.
    do(standby, "alter system set primary_conninfo = 'host=/nowhere'", "select pg_reload_conf()")
    await_true(standby, "select not exists (select from pg_stat_wal_receiver)")
    lost = shop.sell(times=5)
    primary.kill()
    assert one(standby, "select pg_promote()")
    assert shop.orders(standby) == set(arrived)
    # Who asks again with the same id gets a new transfer and not the answer of the lost one.
    with psycopg.connect(standby.dsn()) as connection:
        again = Ledger(connection).create_transfer(shop.cash, shop.wallet, 1, id=lost[0])
        assert not again.replayed
        connection.execute("insert into orders values (%s)", (lost[0],))
    assert shop.orders(standby) == {*arrived, lost[0]}


@pytest.mark.parametrize("until", ["a point in time", "the end"])
def test_a_base_backup_and_its_log_bring_back_what_was_committed(
    new_server: NewServer, copy: Copy, tmp_path_factory: pytest.TempPathFactory, until: str
) -> None:
    primary = new_server(settings={"wal_level": "replica"})
    archive = primary.directory.parent / "archive"
    archive.mkdir(mode=0o755)
    give(archive, primary)
    shop = Shop(primary)
    do(
        primary,
        "alter system set archive_mode = on",
        f"alter system set archive_command = 'cp %p \"{archive}/%f\"'",
    )
    primary.stop()
    primary.start()

    first = shop.sell(times=10)
    restored = copy(primary, "restored", start=False)
    second = shop.sell(times=10)
    do(primary, "select pg_create_restore_point('before the accident')")
    third = shop.sell(times=10)
    last = one(primary, "select pg_walfile_name(pg_current_wal_lsn())")
    do(primary, "select pg_switch_wal()")
    await_true(primary, f"select last_archived_wal >= '{last}' from pg_stat_archiver")
    primary.kill()

    with (restored.data_directory / "postgresql.auto.conf").open("a") as settings:
        settings.write("archive_mode = off\n")
        settings.write(f'restore_command = \'cp "{archive}/%f" "%p"\'\n')
        if until != "the end":
            settings.write("recovery_target_name = 'before the accident'\n")
            settings.write("recovery_target_action = promote\n")
    signal = restored.data_directory / "recovery.signal"
    signal.touch()
    os.chown(signal, *(archive.stat().st_uid, archive.stat().st_gid))
    with restored:
        await_true(restored, "select not pg_is_in_recovery()")
        kept = [*first, *second] if until != "the end" else [*first, *second, *third]
        assert shop.orders(restored) == set(kept)
        after = shop.sell(restored, times=5)
        assert shop.orders(restored) == {*kept, *after}


@pytest.mark.parametrize("how", ["--copy", "--link"])
def test_pg_upgrade_keeps_the_ledger(new_server: NewServer, how: str) -> None:
    old = new_server()
    shop = Shop(old)
    sold = shop.sell(times=20)
    old.stop()
    new_directory = old.directory.parent / "new"
    new = EmbeddedServer(new_directory, bin_dir=server_binaries(NEWEST), settings=SETTINGS)
    new.start()
    new.stop()

    account = find_account(old.data_directory)
    work = old.directory.parent / "work"
    work.mkdir()
    give(work, old)

    def run(program: Path, *arguments: str) -> None:
        done: subprocess.CompletedProcess[str] = run_as(
            account,
            ["sh", "-c", 'cd "$0" && exec "$@"', str(work), str(program), *arguments],
            env=server_environment(),
        )
        assert done.returncode == 0, done.stdout

    if MAJOR < 18:
        # A cluster has had checksums by default since 18, and both must be the same.
        run(old.program("pg_checksums"), "--enable", "-D", str(old.data_directory))
    run(
        new.program("pg_upgrade"),
        *("--old-bindir", str(old.bin_dir), "--new-bindir", str(new.bin_dir)),
        *("--old-datadir", str(old.data_directory), "--new-datadir", str(new.data_directory)),
        *("--username", "postgres", "--socketdir", str(work), how),
    )
    with new:
        assert one(new, "show server_version_num")[:2] == str(NEWEST)
        assert shop.orders(new) == set(sold)
        assert not migrate(new.dsn()).changed
        after = shop.sell(new, times=20)
        assert shop.orders(new) == {*sold, *after}
    shutil.rmtree(work, ignore_errors=True)
