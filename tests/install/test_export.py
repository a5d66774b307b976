"""What ``pgledger export`` writes is read by other programs, which come to the same balances."""

import csv
import io
import json
import os
import re
import shutil
import signal
import stat
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal, localcontext
from pathlib import Path
from typing import Any

import psycopg
import pytest
from beancount import loader
from beancount.core import account as beancount_account
from beancount.core.amount import CURRENCY_RE
from beancount.core.data import Balance, Open, Transaction
from hypothesis import given
from hypothesis import strategies as st

from pgledger import Ledger
from pgledger.export import Export, export
from pgledger.export.names import account_name, commodity
from pgledger.migrate import MigrationError
from support.cli import Cli, environment, failed, watched
from support.waiting import WaitUntil

Balances = Mapping[str, Decimal]

NAMES = (
    ("assets.bank", "USD"),
    ("Assets.bank", "USD"),
    ("assets.bank", "USD"),
    ("income", "USD"),
    ("users.42", "USD"),
    ("Ünïcode 日本.ßx.ǆ", "USD"),
    ('a"b\\c;d, e:f  [g]  ; =*! | (x) date:2020-01-01', "USD"),
    ("..", "USD"),
    ("x" * 255, "USD"),
    ("🦄" * 255, "USD"),
    ("power", "kWh"),
    ("power", "kWh"),
    ("odd", "€"),
    ("odd", "€"),
    ("word", "TRUE"),
    ("word", "TRUE"),
    ("points", "X-KWH-58520857F198"),
    ("points", "X-KWH-58520857F198"),
)
METADATA = {
    "note": 'x"\\y\n, b:c [2020-01-01] ; date:2020-01-01\u2028\x85 %2C',
    "n": 1.5,
    "date": "2020-01-01",
}
EVENT = datetime(2020, 2, 29, 23, 59, 59, 999999, tzinfo=UTC)


class Books:
    """A ledger with hostile names, and times to divide it by."""

    def __init__(self, dsn: str) -> None:
        self.dsn = dsn
        with psycopg.connect(dsn, autocommit=True) as connection:
            ledger = Ledger(connection)
            ids = [ledger.create_account(*name).id for name in NAMES]
            self.ids = ids
            for number in range(20):
                source, target = ids[number % 10], ids[(number * 3 + 1) % 10]
                if source != target:
                    amount = Decimal("12.345") + number
                    ledger.create_transfer(source, target, amount, metadata=METADATA)
            ledger.create_transfer(ids[10], ids[11], Decimal("0.000000000000000001"))
            for place in (10, 12, 14, 16):
                ledger.create_transfer(ids[place], ids[place + 1], Decimal("5.000"))
            self.middle = self.now(connection)
            connection.execute(
                "select pgledger_create_transfers_bulk(%s, %s, %s, group_id => %s)",
                [[ids[0]], [ids[1]], [Decimal(7)], "order-7;,:x"],
            )
            past = ledger.create_transfer(ids[2], ids[4], 100, event_at=EVENT)
            ledger.reverse_transfer(past.id, amount=30)
            other = [ledger.create_account("o", "USD", app_id="other").id for _ in range(2)]
            ledger.create_transfer(other[0], other[1], 1, app_id="other")

    @staticmethod
    def now(connection: psycopg.Connection[Any]) -> datetime:
        row = connection.execute("select clock_timestamp()").fetchone()
        assert row is not None
        when: datetime = row[0]
        return when

    def written(self, **asked: Any) -> str:
        parts: list[str] = []
        export(self.dsn, Export(**asked), parts.append)
        return "".join(parts)

    def balances(
        self, *, axis: str = "recorded", before: datetime | None = None
    ) -> dict[str, Decimal]:
        """Returns what accounts have, by another way than the export's."""
        column = f"entries.{'created_at' if axis == 'recorded' else 'event_at'}"
        with psycopg.connect(self.dsn) as connection:
            rows = connection.execute(
                "select accounts.id, coalesce(sum(entries.amount), 0)"
                " from pgledger_accounts_v1 as accounts left join pgledger_entries_v1 as entries"
                f" on entries.account_id = accounts.id and ({column} < %s or %s::text is null)"
                " where accounts.app_id = '' group by accounts.id".encode(),
                [before, before],
            ).fetchall()
        return dict(rows)


@pytest.fixture
def books(ledger_dsn: str) -> Books:
    return Books(ledger_dsn)


def read_beancount(text: str) -> tuple[Balances, Balances]:
    """Returns what beancount computes, and what the journal asserts, by ids of accounts."""
    entries, errors, _ = loader.load_string(text)
    assert errors == []
    # Opening balances come from an account that the books do not have.
    ids = {
        entry.account: str(entry.meta.get("id", entry.account))
        for entry in entries
        if isinstance(entry, Open)
    }
    total: dict[str, Decimal] = defaultdict(Decimal)
    asserted: dict[str, Decimal] = {}
    for entry in entries:
        if isinstance(entry, Transaction):
            for posting in entry.postings:
                assert posting.units is not None
                total[ids[posting.account]] += Decimal(posting.units.number or 0)
        elif isinstance(entry, Balance):
            assert entry.tolerance == 0
            asserted[ids[entry.account]] = Decimal(entry.amount.number or 0)
    return total, asserted


def read_hledger(text: str) -> tuple[Balances, Balances]:
    """Does what hledger does with these journals: adds up, and looks at assertions."""
    total: dict[str, Decimal] = defaultdict(Decimal)
    asserted: dict[str, Decimal] = {}
    for line in text.splitlines():
        found = re.fullmatch(
            r"    (\S(?:[^ ]| (?! ))*)  (-?[\d.]+) (\w+|\"[^\"]+\")(?: = (-?[\d.]+) \3)?", line
        )
        if found is not None:
            account = f"pgla_{found[1].rpartition(':')[2]}"
            total[account] += Decimal(found[2])
            if found[4] is not None:
                asserted[account] = Decimal(found[4])
                assert asserted[account] == total[account]
        else:
            assert re.fullmatch(
                r"|;.*|decimal-mark \.|commodity (?:[A-Za-z]+|\"[^\"]+\")  ; .*|account \S+"
                r"|    ; [\w-]+:.*|\d{4}-\d\d-\d\d \* .*",
                line,
            ), line
    # No package for Python brings hledger, so only where it is installed does it have its say.
    if (hledger := shutil.which("hledger")) is not None:
        subprocess.run(
            [hledger, "-f", "-", "check", "--strict"],
            input=text.encode(),
            env=os.environ | {"LC_ALL": "C.UTF-8"},
            check=True,
        )
    return total, asserted


def read_csv(text: str) -> tuple[Balances, Balances]:
    total: dict[str, Decimal] = defaultdict(Decimal)
    asserted: dict[str, Decimal] = {}
    for row in csv.DictReader(io.StringIO(text, newline="")):
        amount = Decimal(row["amount"])
        if row["record"] == "closing":
            asserted[row["to_account_id"]] = amount
            continue
        total[row["to_account_id"]] += amount
        if row["record"] == "transfer":
            total[row["from_account_id"]] -= amount
        else:
            assert row["record"] == "opening"
    return total, asserted


def read_json(text: str) -> tuple[Balances, Balances]:
    total: dict[str, Decimal] = defaultdict(Decimal)
    asserted: dict[str, Decimal] = {}
    for line in text.splitlines():
        row = json.loads(line)
        if row["record"] == "closing":
            asserted[row["account_id"]] = Decimal(row["balance"])
        elif row["record"] == "opening":
            total[row["account_id"]] += Decimal(row["balance"])
        else:
            total[row["to_account_id"]] += Decimal(row["amount"])
            total[row["from_account_id"]] -= Decimal(row["amount"])
    return total, asserted


READERS = {
    "csv": read_csv,
    "json": read_json,
    "beancount": read_beancount,
    "hledger": read_hledger,
}


def agree(text: str, form: str, expected: Balances) -> None:
    """Asserts that a reader comes to these balances, and that the text asserts them."""
    total, asserted = READERS[form](text)
    assert asserted == expected
    assert {account: total[account] for account in expected} == expected


@pytest.mark.parametrize("form", READERS)
def test_every_balance_agrees(books: Books, form: str) -> None:
    expected = books.balances()
    assert len(expected) == len(NAMES)
    agree(books.written(format=form), form, expected)
    for axis in ("recorded", "event"):
        for at in (books.middle, EVENT, EVENT + timedelta(microseconds=1)):
            text = books.written(format=form, from_time=at, axis=axis)
            agree(text, form, expected)
            until = books.balances(axis=axis, before=at)
            agree(books.written(format=form, until=at, axis=axis), form, until)
    text = books.written(format=form, from_time=EVENT, until=books.middle, axis="event")
    agree(text, form, books.balances(axis="event", before=books.middle))


@pytest.mark.parametrize("form", READERS)
def test_some_accounts_agree_and_others_are_there_in_part(books: Books, form: str) -> None:
    expected = books.balances()
    banks = {books.ids[0], books.ids[2]}
    asked = {"format": form, "prefix": "assets"}
    agree(books.written(**asked), form, {one: expected[one] for one in banks})
    agree(
        books.written(**asked, account_ids=(books.ids[4],), from_time=books.middle),
        form,
        {one: expected[one] for one in banks | {books.ids[4]}},
    )
    agree(books.written(format=form, prefix="nobody"), form, {})


@pytest.mark.parametrize("form", READERS)
def test_empty_books(ledger_dsn: str, form: Any) -> None:
    parts: list[str] = []
    export(ledger_dsn, Export(form), parts.append)
    agree("".join(parts), form, {})


def test_json_and_csv_have_what_the_views_have(books: Books) -> None:
    with psycopg.connect(books.dsn) as connection:
        cursor = connection.execute(
            "select id, created_at, event_at, from_account_id, from_account_name, from_tenant_id,"
            " to_account_id, to_account_name, to_tenant_id, amount, currency, group_id, origin_id,"
            " metadata from pgledger_transfers_v1 where app_id = '' order by created_at"
        )
        names = [column.name for column in cursor.description or ()]
        expected = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    for form in ("json", "csv"):
        text = books.written(format=form)
        rows: Iterator[dict[str, Any]] = (
            iter(csv.DictReader(io.StringIO(text, newline="")))
            if form == "csv"
            else map(json.loads, text.splitlines())
        )
        found = [row for row in rows if row.pop("record") == "transfer"]
        for row in found:
            row["created_at"] = datetime.fromisoformat(row["created_at"])
            row["event_at"] = datetime.fromisoformat(row["event_at"])
            row["amount"] = Decimal(row["amount"])
            if form == "csv":
                row["metadata"] = json.loads(row["metadata"]) if row["metadata"] else None
                row["group_id"] = row["group_id"] or None
                row["origin_id"] = row["origin_id"] or None
        assert found == expected


def test_beancount_keeps_what_a_transfer_says(books: Books) -> None:
    entries, _, _ = loader.load_string(books.written(format="beancount"))
    kept = {entry.meta["id"]: entry.meta for entry in entries if isinstance(entry, Transaction)}
    with psycopg.connect(books.dsn) as connection:
        rows = connection.execute(
            "select id, group_id, origin_id, metadata from pgledger_transfers_v1 where app_id = ''"
        ).fetchall()
    assert len(rows) == len(kept)
    for transfer_id, group_id, origin_id, metadata in rows:
        meta = kept[transfer_id]
        assert (meta.get("group"), meta.get("origin")) == (group_id, origin_id)
        assert json.loads(meta.get("metadata", "null")) == metadata
    opened = [entry.meta for entry in entries if isinstance(entry, Open)]
    names = {meta.get("id"): meta.get("name") for meta in opened}
    assert [names[one] for one in books.ids] == [name for name, _ in NAMES]


def test_numbers_that_beancount_would_round_are_refused(books: Books) -> None:
    with psycopg.connect(books.dsn) as connection:
        Ledger(connection).create_transfer(
            books.ids[0], books.ids[1], Decimal("10000000000.000000000000000001")
        )
    with pytest.raises(MigrationError, match="more digits than the 28"):
        books.written(format="beancount")
    with localcontext(prec=60):
        for form in ("csv", "json", "hledger"):
            agree(books.written(format=form), form, books.balances())


def test_sums_that_beancount_would_round_are_refused(books: Books) -> None:
    """Each number has few digits, and their sum has more."""
    with psycopg.connect(books.dsn) as connection:
        ledger = Ledger(connection)
        for amount in ("50000000000", "0.000000000000000001", "-50000000000"):
            moved = Decimal(amount)
            source, target = books.ids[:2] if moved > 0 else books.ids[1::-1]
            ledger.create_transfer(source, target, abs(moved))
    with pytest.raises(MigrationError, match="18 decimal places, and what moved comes to"):
        books.written(format="beancount")
    with localcontext(prec=60):
        for form in ("csv", "json", "hledger"):
            agree(books.written(format=form), form, books.balances())


def test_years_that_journals_do_not_know_are_refused(books: Books) -> None:
    with psycopg.connect(books.dsn) as connection:
        ledger = Ledger(connection)
        transfer = ledger.create_transfer(books.ids[0], books.ids[1], 1)
        connection.execute("set session_replication_role = replica")
        connection.execute("alter table pgledger.transfers disable trigger all")
        connection.execute(
            "update pgledger.transfers set event_at = '0044-03-15 12:00:00+00 BC' where id = %s",
            [transfer.id],
        )
    for form in ("beancount", "hledger"):
        with pytest.raises(MigrationError, match=r"0044-03-15T12:00:00\.000000Z BC is not a date"):
            books.written(format=form, axis="event")
        books.written(format=form)
    for form in ("csv", "json"):
        assert "0044-03-15T12:00:00.000000Z BC" in books.written(format=form, axis="event")


@given(st.lists(st.text(min_size=1, max_size=32), min_size=2, max_size=2, unique=True))
def test_any_name_is_legal_and_none_merge(names: list[str]) -> None:
    ulids = ["01K8JHF8AXFD9R1B56BDE4774C", "01K8JHF8EJF62R2BDE372426D6"]
    assert len({account_name(f"pgla_{ulid}", names[0]) for ulid in ulids}) == 2
    for name in names:
        full = account_name(f"pgla_{ulids[0]}", name)
        assert beancount_account.is_valid(full)
        assert full.rpartition(":")[2] == ulids[0]
    assert len({commodity(name) for name in names}) == 2
    for name in names:
        assert re.fullmatch(CURRENCY_RE, commodity(name))
        assert len(commodity(name)) <= 24


def test_all_is_of_one_moment(books: Books) -> None:
    expected = books.balances()
    parts: list[str] = []
    with psycopg.connect(books.dsn, autocommit=True) as connection:
        ledger = Ledger(connection)

        def write(text: str) -> None:
            parts.append(text)
            if len(parts) in {1, 5, 20}:
                ledger.create_transfer(books.ids[0], books.ids[1], 1)

        export(books.dsn, Export("json"), write)
    agree("".join(parts), "json", expected)


# --- the command ----------------------------------------------------------------------------------


def test_the_command_writes_what_is_asked_for(cli: Cli, books: Books, tmp_path: Path) -> None:
    done = cli("export", books.dsn, "--format", "csv")
    assert (done.returncode, done.stderr) == (0, "")
    # Text mode makes one line end of two.
    assert done.stdout == books.written(format="csv").replace("\r\n", "\n")
    path = tmp_path / "shop.beancount"
    since = books.middle.isoformat()
    done = cli(
        *("export", books.dsn, "--format", "beancount", "--output", str(path)),
        *("--from", since, "--until", "2999-01-01", "--axis", "event", "--account", books.ids[4]),
    )
    assert (done.returncode, done.stdout) == (0, "")
    assert re.fullmatch(
        rf"Wrote \d+ transfers? and 1 balance to {re.escape(str(path))}\n", done.stderr
    )
    agree(path.read_text(), "beancount", {books.ids[4]: books.balances()[books.ids[4]]})


def test_a_terminal_gets_a_bar(books: Books, tmp_path: Path) -> None:
    path = str(tmp_path / "x")
    code, printed, seen = watched("export", books.dsn, "--format", "json", "--output", path)
    assert (code, printed) == (0, "")
    assert re.search(r"\[#{30}\] \d+ transfers  [\d,]+ a second\r\x1b\[K", seen)


@pytest.mark.parametrize(
    ("arguments", "pattern"),
    [
        (("--account", "pgla_01K8JHF8AXFD9R1B56BDE4774C"), "there is no account pgla_01K8"),
        (("--account", "x"), "there is no account x"),
        (("--from", "2026-01-02", "--until", "2026-01-01"), "--from is after --until"),
        (("--output", "/nowhere/at/all"), "cannot write /nowhere/at/all"),
    ],
)
def test_what_cannot_be_is_refused(
    cli: Cli, ledger_dsn: str, arguments: tuple[str, ...], pattern: str
) -> None:
    failed(cli("export", ledger_dsn, "--format", "csv", *arguments), pattern)


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("--format", "xml"),
        ("--format", "csv", "--from", "yesterday"),
        ("--format", "csv", "--from", "2026-01-01T12:00:00"),
        ("--format", "csv", "--axis", "both"),
    ],
)
def test_what_is_not_understood(cli: Cli, arguments: tuple[str, ...]) -> None:
    assert cli("export", "dbname=x", *arguments).returncode == 2


def test_a_reader_may_export_and_others_are_told_what_is_missing(cli: Cli, ledger_dsn: str) -> None:
    with psycopg.connect(ledger_dsn, autocommit=True) as connection:
        connection.execute("create role exporting login")
        try:
            mine = psycopg.conninfo.make_conninfo(ledger_dsn, user="exporting")
            said = failed(cli("export", mine, "--format", "json"), "may not read the books")
            assert 'run: grant pgledger_reader to "exporting"\n' in said
            connection.execute("grant pgledger_reader to exporting")
            assert cli("export", mine, "--format", "json").returncode == 0
        finally:
            connection.execute("drop role exporting")


def test_a_file_is_replaced_whole_or_not_at_all(
    books: Books, tmp_path: Path, wait_until: WaitUntil
) -> None:
    path = tmp_path / "journal"
    path.write_text("before")
    path.chmod(0o640)
    link = tmp_path / "link"
    link.symlink_to(path)
    for number, code in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
        with psycopg.connect(books.dsn) as holder:
            holder.execute("lock table pgledger.transfers in access exclusive mode")
            process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "pgledger", "export", books.dsn),
                    *("--format", "hledger", "--output", str(link)),
                ],
                stdin=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                env=environment(),
            )
            wait_until(
                "select count(*) = 1 from pg_stat_activity where application_name = 'pgledger'"
                " and datname = %s and wait_event_type = 'Lock'",
                [holder.info.dbname],
                timeout=60,
            )
            assert len(list(tmp_path.iterdir())) == 3
            process.send_signal(number)
            process.communicate(timeout=60)
            assert process.returncode == code
        assert path.read_text() == "before"
        assert {each.name for each in tmp_path.iterdir()} == {"journal", "link"}
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pgledger", "export", books.dsn),
            *("--format", "hledger", "--output", str(link)),
        ],
        env=environment(),
        check=True,
        stderr=subprocess.DEVNULL,
    )
    assert done.returncode == 0
    assert link.is_symlink()
    agree(path.read_text(), "hledger", books.balances())
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
