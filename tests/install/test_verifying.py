"""``pgledger verify`` goes through slices: of one moment, with a bar, and harmless to stop."""

import json
import re
import signal
import subprocess
import sys

import psycopg
import pytest

from pgledger import Ledger
from pgledger.migrate import MigrationError, VerifyProgress, verify
from support.cli import Cli, environment, failed, watched
from support.waiting import WaitUntil


@pytest.fixture
def shop(ledger_dsn: str) -> str:
    """Books of 30 transfers."""
    with psycopg.connect(ledger_dsn) as connection:
        ledger = Ledger(connection)
        bank, *users = (ledger.create_account(f"a{number}", "USD").id for number in range(4))
        for number in range(30):
            ledger.create_transfer(bank, users[number % 3], number + 1)
    return ledger_dsn


def test_a_terminal_gets_a_bar_that_goes_away(shop: str) -> None:
    code, printed, seen = watched("verify", shop, "--slice-size", "5")
    assert code == 0
    frames = seen.split("\r\x1b[K")
    shown = [re.findall(r"^  \[[#.]{30}\] +(\d+)%  [\d,]+ transfers a second$", f) for f in frames]
    parts = [int(percent) for found in shown for percent in found]
    assert len(parts) > 5
    assert parts == sorted(parts)
    assert parts[-1] == 100
    assert frames[-1] == ""
    assert re.search(r"^30 transfers in [\d.]+ s: [\d,]+ a second\.$", printed, re.M)


def test_a_log_gets_no_bar(cli: Cli, shop: str) -> None:
    done = cli("verify", shop, "--slice-size", "5")
    assert (done.returncode, done.stderr) == (0, "")
    parsed = json.loads(cli("verify", shop, "--json").stdout)
    assert parsed["transfers"] == 30
    assert parsed["seconds"] > 0


@pytest.mark.parametrize("size", ["0", "-1", "1000001", "x", "1e3", ""])
def test_sizes_that_no_slice_has(cli: Cli, size: str) -> None:
    done = cli("verify", "dbname=x", f"--slice-size={size}")
    assert done.returncode == 2
    assert "is no number from 1 to 1000000" in done.stderr


def test_all_slices_are_of_one_moment(shop: str) -> None:
    seen: list[VerifyProgress] = []
    with psycopg.connect(shop, autocommit=True) as other:
        ledger = Ledger(other)
        (bank, user) = (
            row[0]
            for row in other.execute("select id from pgledger_accounts_v1 order by name limit 2")
        )

        def go_on(progress: VerifyProgress) -> None:
            seen.append(progress)
            ledger.create_transfer(user, bank, 1)
            ledger.create_account("late", "EUR")

        checks = verify(shop, slice_size=4, on_progress=go_on)
    assert [check for check in checks if check.violations] == []
    assert len(seen) > 5
    assert (seen[-1].entries, seen[-1].entries_in_all) == (60, 60)
    assert {check.rows_checked for check in checks if "account balances" in check.check_name} == {4}


def test_nothing_is_written_and_no_lock_is_taken_but_to_read(shop: str) -> None:
    with psycopg.connect(shop) as connection, psycopg.connect(shop, autocommit=True) as verifying:
        modes: set[str] = set()

        def look(_: VerifyProgress) -> None:
            rows = connection.execute(
                "select mode from pg_locks where pid = %s and locktype = 'relation'",
                [verifying.info.backend_pid],
            )
            modes.update(mode for (mode,) in rows)
            rows = connection.execute(
                "select backend_xid is null from pg_stat_activity where pid = %s",
                [verifying.info.backend_pid],
            )
            assert rows.fetchall() == [(True,)]
            # What the statistics are of, is a moment too.
            connection.rollback()

        verify(verifying, slice_size=10, on_progress=look)
        assert modes == {"AccessShareLock"}


def test_an_interrupt_is_clean(shop: str, wait_until: WaitUntil) -> None:
    with psycopg.connect(shop) as holder:
        holder.execute("lock table pgledger.transfers in access exclusive mode")
        process = subprocess.Popen(
            [sys.executable, "-m", "pgledger", "verify", shop],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment(),
        )
        mine = "application_name = 'pgledger' and datname = %s"
        name = [holder.info.dbname]
        blocked = f"select count(*) = 1 from pg_stat_activity where {mine}"
        wait_until(f"{blocked} and wait_event_type = 'Lock'", name, timeout=60)
        process.send_signal(signal.SIGINT)
        printed, said = process.communicate(timeout=60)
        assert (process.returncode, printed) == (130, "")
        assert said == "pgledger: interrupted; what was not finished is rolled back\n"
        wait_until(f"select count(*) = 0 from pg_stat_activity where {mine}", name)


def test_a_database_without_slices_is_verified_at_once(cli: Cli, shop: str) -> None:
    with psycopg.connect(shop) as connection:
        connection.execute("drop function pgledger_verify_slice, pgledger_verify_rest")
    checks = verify(shop)
    assert {check.check_name for check in checks if check.violations} == {
        "what belongs to the ledger is there and has its owner"
    }
    assert "transfers in" not in cli("verify", shop).stdout


def test_slices_that_run_as_their_caller_are_not_called(cli: Cli, shop: str) -> None:
    with psycopg.connect(shop) as connection:
        connection.execute("alter function pgledger_verify_slice security invoker")
    failed(cli("verify", shop), r"pgledger_verify_slice\(text, integer\).*would not run with")
    with pytest.raises(MigrationError):
        verify(shop)
