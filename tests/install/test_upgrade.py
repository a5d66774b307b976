"""A database that an older schema made and filled becomes a fresh one, with all its data."""

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from pgledger import errors
from pgledger.embedded import EmbeddedServer
from pgledger.migrate import migrate, status, verify
from support.database import NewDatabase
from support.migrating import Case, catalog, everything, kill_migrations, query
from support.properties import dice_of
from support.upgrades import (
    LATER,
    NOW,
    Old,
    Session,
    ask,
    carried_clock,
    install_kept,
    kept_schemas,
)
from support.waiting import WaitUntil

SQL = Path(__file__).resolve().parents[2] / "sql"
KILLS = int(os.environ.get("PGLEDGER_KILLS", "10")) // 2

TABLES = """
  select relname::text from pg_class
  where relnamespace = 'pgledger'::regnamespace and relkind = 'r' and relname <> 'schema_history'
  order by 1
"""


@pytest.fixture(params=kept_schemas())
def kept(request: pytest.FixtureRequest, database: NewDatabase) -> str:
    """DSN of a database that has a kept schema of its own, and nothing in it."""
    dsn = database("kept")
    with psycopg.connect(dsn, autocommit=True) as connection:
        install_kept(connection, request.param)
    return dsn


@pytest.fixture
def filled(kept: str) -> Iterator[tuple[Session, Old]]:
    """A session in such a database, filled, with the true clock."""
    with psycopg.connect(kept, autocommit=True) as connection:
        with carried_clock(connection, NOW):
            old = Old(connection)
        yield connection, old


def counts(dsn: str) -> dict[str, int]:
    return {
        table: query(dsn, f"select count(*) from pgledger.{table}")[0][0]
        for (table,) in query(dsn, TABLES)
    }


def as_was(row: Any, was: Any) -> Any:
    """Returns a row without what results have grown by since."""
    return {column: row.get(column) for column in was} if isinstance(was, dict) else row


def assert_clean(dsn: str) -> None:
    checks = verify(dsn)
    assert checks
    assert [check for check in checks if check.violations] == []


def assert_goes_on(connection: Session, old: Old) -> None:
    """Asserts that accounts keep to their limits, and that billing goes on."""
    accounts = old.accounts

    def move(source: str, target: str, amount: object, **others: object) -> object:
        given = {"from_account_id": accounts[source], "to_account_id": accounts[target]}
        ((row),) = ask(
            connection, ("pgledger_create_transfer", {**given, "amount": amount, **others})
        )
        return row

    def account(name: str) -> dict[str, object]:
        return ask(connection, ("pgledger_get_account", {"id": accounts[name]}))[0]

    for name, negative, positive in (
        ("11", True, True),
        ("10", True, False),
        ("01", False, True),
        ("00", False, False),
    ):
        shown = account(name)
        assert (shown["allow_negative_balance"], shown["allow_positive_balance"]) == (
            negative,
            positive,
        )
    refused: tuple[tuple[str, str, object, type[errors.PgledgerError]], ...] = (
        ("00", "11", 1, errors.InsufficientFunds),
        ("11", "00", 1, errors.PositiveBalanceNotAllowed),
        ("01", "11", 1000, errors.InsufficientFunds),
        ("11", "10", 1000, errors.PositiveBalanceNotAllowed),
        ("11", "points", 1, errors.CurrencyMismatch),
        ("11", "elsewhere", 1, errors.AccountNotFound),
    )
    before = account("11")
    for source, target, amount, error in refused:
        with pytest.raises(error):
            move(source, target, amount)
    assert account("11") == before
    # No currency has got a number of decimals that nobody has set.
    move("11", "idle", "0.000000000000000003")
    move("11", "ahead", 5)
    move("10", "11", 1)
    assert account("11")["version"] == before["version"] + 3  # type: ignore[operator]
    invoices = len(ask(connection, ("ledger_list_app_invoices", {"app_id": "shop"})))
    while ask(connection, ("ledger_advance", {"app_id": "shop", "max_span": None})):
        pass
    assert len(ask(connection, ("ledger_list_app_invoices", {"app_id": "shop"}))) > invoices


def test_upgraded_equals_fresh_and_answers_as_before(
    server: EmbeddedServer, kept: str, filled: tuple[Session, Old], database: NewDatabase
) -> None:
    connection, old = filled
    fresh = database()
    migrate(fresh)
    with carried_clock(connection, NOW):
        before, rows_before = old.answers(), counts(kept)
    assert all(rows_before[table] for table in ("accounts", "transfers", "invoices", "currencies"))
    assert all(before[view] for view in old.views)

    # Its versioned files are today's first ones, or it could not be migrated at all.
    done = migrate(kept)
    assert not done.installed
    assert catalog(server, kept) == catalog(server, fresh)
    assert status(kept).up_to_date
    assert status(kept).faults == ()
    assert_clean(kept)

    with carried_clock(connection, NOW):
        after, rows_after = old.answers(), counts(kept)
    assert {table: rows_after[table] for table in rows_before} == rows_before
    assert list(after) == list(before)
    for asked, rows in before.items():
        assert [as_was(*pair) for pair in zip(after[asked], rows, strict=True)] == rows, asked
    for request in old.conflicts:
        with pytest.raises(errors.IdempotencyConflict), carried_clock(connection, NOW):
            ask(connection, request)
    with carried_clock(connection, LATER):
        assert_goes_on(connection, old)
    assert_clean(kept)


def test_killed_upgrade_leaves_the_old_or_the_new(
    server: EmbeddedServer,
    kept: str,
    filled: tuple[Session, Old],
    database: NewDatabase,
    wait_until: WaitUntil,
) -> None:
    connection, _ = filled
    connection.close()
    new = database("new", template="kept")
    before, rows = everything(server, kept), counts(kept)
    start = time.monotonic()
    migrate(new)
    seconds = time.monotonic() - start
    case = Case("kept", before, everything(server, new), SQL)
    left = kill_migrations(
        server, database, wait_until, [case], dice_of("kept"), 1.2 * seconds, KILLS
    )
    assert set(left) <= {"old", "new"}
    for number in range(KILLS):
        found = counts(server.dsn(f"killed_{number}"))
        assert {table: found[table] for table in rows} == rows
        assert_clean(server.dsn(f"killed_{number}"))
