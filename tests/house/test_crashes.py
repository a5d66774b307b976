"""``scripts/crash_test.py`` kills servers under workers, and counts what became of their work."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import psycopg
import pytest

from pgledger import Ledger
from scripts.crashes.counting import Tally
from scripts.crashes.deeds import ACCOUNTS, Deed, Kind
from scripts.crashes.kinds import all_kinds

ROOT = Path(__file__).resolve().parents[2]

Session = psycopg.Connection[Any]


def crash_test(*options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(ROOT / "scripts/crash_test.py"), *options],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=550,
        check=False,
    )


@pytest.mark.slow
def test_after_each_way_to_kill_nothing_is_lost_and_the_control_loses() -> None:
    done = crash_test("--kills=3", "--control-kills=1", "--seed=5", "--seconds=0.3")
    assert done.returncode == 0, done.stdout + done.stderr
    kills, _, control = done.stdout.partition("control")
    assert "3 kills (1 of a backend, 1 of a postmaster, 1 of a server) under 8 workers" in kills
    for name in ("lost", "half", "phantom", "doubled", "checks of the books that failed"):
        assert re.search(rf"^  {name} 0$", kills, re.M), done.stdout
    acknowledged = re.search(r"acknowledged ([\d,]+)", kills)
    assert acknowledged is not None
    assert int(acknowledged[1].replace(",", "")) >= 8
    assert re.search(r"^  lost [1-9]", control, re.M)


def test_kinds_of_work_are_listed() -> None:
    done = crash_test("--list")
    assert done.returncode == 0
    assert {line.split()[0] for line in done.stdout.splitlines()} == set(all_kinds())
    assert {"batches", "holds", "invoices", "keys", "reversals", "transfers", "usage"} <= set(
        all_kinds()
    )


@pytest.mark.parametrize("option", ["--kills=0", "--workers=0", "--only=nothing"])
def test_what_cannot_be_tried_is_a_mistake(option: str) -> None:
    assert crash_test(option).returncode == 2


# What is counted, on a server that nobody kills.

NAMES = ("batches", "holds", "invoices", "keys", "reversals", "transfers", "usage")


@pytest.fixture
def kinds(conn: Session) -> dict[str, Kind]:
    conn.autocommit = True
    conn.execute("create table deeds (name text constraint deeds_name_pk primary key)")
    accounts = [Ledger(conn).create_account(f"a{n}", "USD").id for n in range(ACCOUNTS)]
    kinds = all_kinds()
    for kind in kinds.values():
        kind.prepare(conn, accounts)
    return kinds


def tally_of(conn: Session, kinds: dict[str, Kind], *deeds: Deed) -> dict[str, set[str]]:
    tally = Tally()
    tally.compare(conn, kinds, deeds)
    found = {name: getattr(tally, name) for name in ("lost", "half", "phantom", "doubled")}
    return {name: deeds for name, deeds in found.items() if deeds}


def test_deeds_that_are_done_twice_are_there_once(conn: Session, kinds: dict[str, Kind]) -> None:
    deeds = [Deed(f"{name}-1-2-{chance}", 2, chance) for name in NAMES for chance in range(8)]
    for _ in range(2):
        for deed in deeds:
            kinds[deed.name.partition("-")[0]].perform(conn, deed)
            assert deed.is_sent
            deed.knowledge = "acknowledged"
        assert tally_of(conn, kinds, *deeds) == {}
    tally = Tally()
    tally.verify(conn)
    assert tally.is_clean, tally.faults


def test_deeds_that_are_rolled_back_are_not_there(conn: Session, kinds: dict[str, Kind]) -> None:
    deeds = [Deed(f"{name}-1-2-3", 2, 1, is_doomed=True) for name in NAMES]
    for deed in deeds:
        kinds[deed.name.partition("-")[0]].perform(conn, deed)
        assert not deed.is_sent
    assert tally_of(conn, kinds, *deeds) == {}
    for deed in deeds:
        deed.knowledge = "acknowledged"
    assert tally_of(conn, kinds, *deeds) == {"lost": {deed.name for deed in deeds}}


def test_what_its_worker_knows_to_have_failed_is_a_phantom(
    conn: Session, kinds: dict[str, Kind]
) -> None:
    deeds = [Deed(f"{name}-1-2-3", 2, 1) for name in NAMES]
    for deed in deeds:
        kinds[deed.name.partition("-")[0]].perform(conn, deed)
    assert tally_of(conn, kinds, *deeds) == {"phantom": {deed.name for deed in deeds}}


def test_a_deed_without_its_row_and_a_row_without_its_deed_are_half(
    conn: Session, kinds: dict[str, Kind]
) -> None:
    deeds = [Deed(f"{name}-1-2-3", 2, 1, knowledge="acknowledged") for name in NAMES]
    for deed in deeds:
        kinds[deed.name.partition("-")[0]].make(conn, deed)
    deeds.append(Deed("keys-1-2-4", 2, 1, knowledge="unknown"))
    conn.execute("insert into deeds values ('keys-1-2-4')")
    assert tally_of(conn, kinds, *deeds) == {"half": {deed.name for deed in deeds}}


def test_what_is_there_once_more_is_doubled(conn: Session, kinds: dict[str, Kind]) -> None:
    deed = Deed("transfers-1-2-3", 2, 1, knowledge="acknowledged")
    kinds["transfers"].perform(conn, deed)
    first, second = kinds["transfers"].accounts[:2]
    Ledger(conn).create_transfer(first, second, 1, metadata={"deed": deed.name})
    assert tally_of(conn, kinds, deed) == {"doubled": {deed.name}}


def test_books_that_do_not_hold_are_faults(conn: Session, kinds: dict[str, Kind]) -> None:
    for name in NAMES:
        kinds[name].perform(conn, Deed(f"{name}-1-2-3", 2, 1))
    conn.execute("set session_replication_role = replica")
    for statement in (
        "update pgledger.accounts set balance = balance + 1 where name = 'a0'",
        "update pgledger.invoices set number = number + 1",
        "update pgledger.invoices set number = null",
        "update pgledger.invoices set amount_paid = amount_paid + 1",
        "update pgledger.invoice_lines set amount = amount + 1",
        "update pgledger.usage_rollups set quantity = quantity + 1",
    ):
        tally = Tally()
        with conn.transaction(force_rollback=True):
            assert conn.execute(statement.encode()).rowcount > 0
            tally.verify(conn)
        assert not tally.is_clean, statement
