"""The earlier project's names: its users' code runs unchanged; migrations keep them up to date."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import psycopg
import pytest

from pgledger.embedded import EmbeddedServer
from pgledger.migrate import MigrationError, migrate, status, verify
from support.cli import Cli, failed
from support.database import NewDatabase

Session = psycopg.Connection[Any]
USER = "compat_app"


@pytest.fixture(scope="module")
def template(server: EmbeddedServer) -> Iterator[str]:
    """A database with pgledger in ``ledger``, and the earlier names in ``public``."""
    name = "compat"
    with psycopg.connect(server.dsn(), autocommit=True) as conn:
        conn.execute(f"create database {name}".encode())
        migrate(server.dsn(name), schema="ledger", compat="public")
        yield name
        conn.execute(f"drop database {name}".encode())


@pytest.fixture
def installed(database: NewDatabase, template: str) -> Iterator[Session]:
    """A clone of it."""
    with psycopg.connect(database(template=template), autocommit=True) as conn:
        yield conn


def test_the_earlier_projects_users_code_runs(installed: Session) -> None:
    """Statements as its readers know them, by a role that may post and create in public."""
    conn = installed
    conn.execute(f"create role {USER} in role pgledger_poster".encode())
    conn.execute(f"grant create on schema public to {USER}".encode())
    try:
        conn.execute(f"set role {USER}".encode())
        run_users_code(conn)
    finally:
        conn.execute("reset role")
        conn.execute(f"drop owned by {USER}".encode())
        conn.execute(f"drop role {USER}".encode())


def run_users_code(conn: Session) -> None:
    ids = [
        row[0]
        for name in ("user1.USD", "liquidity.USD", "user1.EUR", "liquidity.EUR")
        for row in conn.execute(
            "select id from pgledger_create_account(%s, %s)", [name, name[-3:]]
        ).fetchall()
    ]
    one, other = ids[:2]
    row = conn.execute("select * from pgledger_create_transfer(%s, %s, 12.34)", [one, other])
    assert [column.name for column in row.description or ()] == [
        *("id", "from_account_id", "to_account_id", "amount", "created_at", "event_at"),
        "metadata",
    ]
    assert conn.execute(
        "select created_at = event_at, created_at > '2025-01-01' from"
        " pgledger_create_transfer(%s, %s, 56.78)",
        [one, other],
    ).fetchone() == (True, True)
    assert conn.execute(
        "select name, balance, version from pgledger_accounts_view where id = %s", [other]
    ).fetchall() == [("liquidity.USD", Decimal("69.12"), 2)]
    late = "select event_at = '2099-07-01T12:34:56Z' from pgledger_create_transfer(%s, %s, 1, {})"
    for last in ("'2099-07-01T12:34:56Z'", "event_at => '2099-07-01T12:34:56Z'"):
        call = late.format(last).encode()
        assert conn.execute(call, [one, other]).fetchone() == (True,)
    quoted = [f"'{id_}'" for id_ in ids]
    exchange = "({0}, {1}, '10.00'), ({3}, {2}, '9.26')".format(*quoted)
    rows = conn.execute(f"select * from pgledger_create_transfers({exchange})".encode()).fetchall()
    assert [float(row[3]) for row in rows] == [10.00, 9.26]
    rows = conn.execute(
        "select metadata, event_at from pgledger_create_transfers("
        f" event_at => '2025-07-21T12:45:54.123Z', metadata => '{{\"a\": 1}}',"
        f" transfer_requests => array[{exchange}]::transfer_request[])".encode()
    ).fetchall()
    assert [row[0] for row in rows] == [{"a": 1}, {"a": 1}]
    conn.execute(
        """
        create or replace function pgledger_create_transfer_by_names(
          from_account_name text, to_account_name text, amount numeric
        ) returns setof pgledger_transfers_view as $$
          select * from pgledger_create_transfer(
            (select id from pgledger_accounts_view where name = from_account_name),
            (select id from pgledger_accounts_view where name = to_account_name),
            amount)
        $$ language sql;
        create function declared(id_given text) returns numeric as $$
        declare
          account pgledger_accounts%rowtype;
          held public.pgledger_accounts;
          entry pgledger_entries%rowtype;
          transfer pgledger_transfers;
          requests transfer_request[] := '{}';
          request transfer_request;
        begin
          select * into account from pgledger_accounts where id = id_given;
          select * into held from public.pgledger_accounts where id = id_given;
          select * into entry from pgledger_entries where account_id = id_given
          order by account_version desc limit 1;
          select * into transfer from pgledger_transfers where id = entry.transfer_id;
          request := row(transfer.to_account_id, transfer.from_account_id, 1);
          requests := requests || request
            || (account.id, transfer.to_account_id, 2)::transfer_request;
          perform pgledger_create_transfers(requests);
          return entry.account_current_balance - held.balance;
        end $$ language plpgsql;
        """
    )
    assert conn.execute(
        "select amount from pgledger_create_transfer_by_names('user1.USD', 'liquidity.USD', 50)"
    ).fetchone() == (50,)
    assert conn.execute("select declared(%s)", [one]).fetchone() == (0,)
    with pytest.raises(psycopg.Error):
        conn.execute("update pgledger_accounts set balance = 0")


def test_migrations_keep_them_and_say_nothing(installed: Session) -> None:
    assert migrate(installed).made == ()
    installed.execute("update pgledger.earlier_names set sha256 = repeat('0', 64)")
    installed.execute("drop view public.pgledger_entries")
    (done,) = migrate(installed).made
    assert "earlier project's names in the schema public" in done
    assert installed.execute("select count(*) from pgledger_entries").fetchone() == (0,)
    found = status(installed)
    assert found.up_to_date
    assert found.faults == ()
    assert found.others_rights == ()
    assert not [check for check in verify(installed) if check.violations]


def test_they_can_be_taken_away(installed: Session, cli: Cli) -> None:
    dsn = installed.info.dsn
    installed.execute("create view mine as select id from pgledger_accounts")
    failed(cli("migrate", dsn, "--no-compat"), "cannot be dropped")
    installed.execute("drop view mine")
    assert cli("migrate", dsn, "--no-compat").returncode == 0
    assert installed.execute(
        "select count(*) from pg_class where relnamespace = 'public'::regnamespace"
    ).fetchone() == (0,)
    assert migrate(installed).made == ()
    done = cli("migrate", dsn, "--compat", "--compat-schema", "Earlier names")
    assert done.returncode == 0, done.stderr
    failed(cli("migrate", dsn, "--compat"), 'are in the schema "Earlier names" already')


def test_they_replace_nothing_of_others(ledger_dsn: str, cli: Cli) -> None:
    with psycopg.connect(ledger_dsn, autocommit=True) as conn:
        failed(cli("migrate", ledger_dsn, "--compat"), 'cannot be in the schema "public"')
        conn.execute("create schema old create table pgledger_accounts (id text)")
        with pytest.raises(MigrationError, match="has the table or view pgledger_accounts"):
            migrate(conn, compat="old")
