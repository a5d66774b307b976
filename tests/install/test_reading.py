"""What ``pgledger statement`` and ``pgledger trial-balance`` print is what SQL answers."""

import csv
import io
import json
from datetime import UTC, datetime
from decimal import Decimal

import psycopg
import pytest

from pgledger import Ledger
from support.cli import Cli, failed

DAY = datetime(2025, 1, 3, tzinfo=UTC)


@pytest.fixture
def account_id(ledger_dsn: str) -> str:
    with psycopg.connect(ledger_dsn) as connection:
        ledger = Ledger(connection)
        bank = ledger.create_account("assets.bank", "USD").id
        user = ledger.create_account("users.42", "USD", tenant_id="acme").id
        points = [ledger.create_account(name, "points").id for name in ("given", "taken")]
        ledger.create_transfer(bank, user, Decimal("12.50"), metadata={"note": 'a, "b"'})
        ledger.create_transfer(user, bank, 2, event_at=DAY)
        largest = Decimal("9" * 29 + "." + "9" * 18)
        ledger.create_transfer(points[0], points[1], largest)
        return user


def test_a_statement_says_what_happened(cli: Cli, ledger_dsn: str, account_id: str) -> None:
    done = cli("statement", ledger_dsn, "--account", account_id)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].split() == ["at", "transfer", "counterparty", "amount", "balance", "currency"]
    assert [line.split()[-3:] for line in lines[2:4]] == [
        ["12.50", "12.50", "USD"],
        ["-2", "10.50", "USD"],
    ]
    assert "(opening)" in lines[1]
    assert "(closing)" in lines[4]
    assert all("assets.bank" in line for line in lines[2:4])


def test_a_statement_has_all_columns_as_csv_and_json(
    cli: Cli, ledger_dsn: str, account_id: str
) -> None:
    with psycopg.connect(ledger_dsn) as connection:
        expected = Ledger(connection).statement(account_id, axis="event")
    asked = ("statement", ledger_dsn, "--account", account_id, "--axis", "event")
    for form in ("csv", "json"):
        printed = cli(*asked, "--format", form).stdout
        rows = (
            list(csv.DictReader(io.StringIO(printed)))
            if form == "csv"
            else [json.loads(line) for line in printed.splitlines()]
        )
        assert [(row["kind"], Decimal(row["balance"])) for row in rows] == [
            (line.kind, line.balance) for line in expected
        ]
        metadata = rows[2]["metadata"]
        assert (json.loads(metadata) if form == "csv" else metadata) == {"note": 'a, "b"'}
        assert rows[1]["at"] == "2025-01-03T00:00:00.000000Z"


def test_a_span_is_part_of_a_statement(cli: Cli, ledger_dsn: str, account_id: str) -> None:
    done = cli(
        *("statement", ledger_dsn, "--account", account_id, "--axis", "event", "--format", "json"),
        *("--from", "2025-01-03", "--until", "2025-01-04"),
    )
    assert [json.loads(line)["balance"] for line in done.stdout.splitlines()] == ["0", "-2", "-2"]


def test_a_trial_balance_adds_up_to_nothing(cli: Cli, ledger_dsn: str, account_id: str) -> None:
    done = cli("trial-balance", ledger_dsn)
    assert done.returncode == 0, done.stderr
    lines = [line.split() for line in done.stdout.splitlines()]
    assert lines[0] == ["account", "tenant", "id", "balance", "currency"]
    assert ["users.42", "acme", account_id, "10.50", "USD"] in lines
    sums = {line[-1]: Decimal(line[-2]) for line in lines if line[0] == "sum"}
    assert sums == {"USD": 0, "points": 0}


def test_a_trial_balance_of_a_part_and_of_a_time(
    cli: Cli, ledger_dsn: str, account_id: str
) -> None:
    done = cli("trial-balance", ledger_dsn, "--prefix", "users", "--format", "csv")
    (row,) = csv.DictReader(io.StringIO(done.stdout))
    assert (row["account_id"], row["balance"]) == (account_id, "10.50")
    then = ("--at", "2025-01-04", "--axis", "event", "--format", "json")
    rows = [
        json.loads(line) for line in cli("trial-balance", ledger_dsn, *then).stdout.splitlines()
    ]
    assert {row["account_name"]: row["balance"] for row in rows} == {
        "assets.bank": "2",
        "users.42": "-2",
    }


def test_names_do_not_command_the_terminal(cli: Cli, ledger_dsn: str, account_id: str) -> None:
    with psycopg.connect(ledger_dsn) as connection:
        ledger = Ledger(connection)
        hostile = ledger.create_account("a\nb\x1b[31mred\u202e", "USD").id
        ledger.create_transfer(hostile, account_id, 1)
    for asked in (
        ("trial-balance", ledger_dsn),
        ("statement", ledger_dsn, "--account", account_id),
    ):
        done = cli(*asked)
        assert r"a\nb\x1b[31mred\u202e" in done.stdout
        assert all(one.isprintable() for line in done.stdout.split("\n") for one in line)


def test_books_without_accounts_have_a_head(cli: Cli, ledger_dsn: str) -> None:
    printed = cli("trial-balance", ledger_dsn, "--app-id", "none", "--format", "csv").stdout
    assert printed.startswith("account_id,account_name,tenant_id,currency,balance,")
    assert printed.count("\n") == 1
    assert len(cli("trial-balance", ledger_dsn, "--app-id", "none").stdout.splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "pattern"),
    [
        (("--account", "pgla_01M8JHF8AXFD9R1B56BDE4774C"), "pgla_01M8JHF8AXFD9R1B56BDE4774C"),
        (("--account", "nobody"), "nobody"),
    ],
)
def test_what_is_not_there_is_named(
    cli: Cli, ledger_dsn: str, arguments: tuple[str, ...], pattern: str
) -> None:
    failed(cli("statement", ledger_dsn, *arguments), pattern)


def test_a_span_that_is_empty_is_refused(cli: Cli, ledger_dsn: str, account_id: str) -> None:
    span = ("--from", "2025-01-03", "--until", "2025-01-03")
    failed(cli("statement", ledger_dsn, "--account", account_id, *span), "until")


def test_what_is_not_understood(cli: Cli) -> None:
    assert cli("statement", "dbname=x").returncode == 2
    assert cli("trial-balance", "dbname=x", "--at", "yesterday").returncode == 2


def test_who_may_not_read_is_told_what_to_ask_for(cli: Cli, ledger_dsn: str) -> None:
    with psycopg.connect(ledger_dsn, autocommit=True) as connection:
        connection.execute("create role balancing login")
        try:
            mine = psycopg.conninfo.make_conninfo(ledger_dsn, user="balancing")
            said = failed(cli("trial-balance", mine), "may not read the books")
            assert 'run: grant pgledger_reader to "balancing"\n' in said
            connection.execute("grant pgledger_reader to balancing")
            assert cli("trial-balance", mine).returncode == 0
        finally:
            connection.execute("drop role balancing")
