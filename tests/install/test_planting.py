"""Operators, aggregates and functions that strangers planted are never bound to what is ours.

PostgreSQL has no operator that compares a numeric with an integer: it casts. One that fits exactly
would win, if its schema were looked through while our objects are created.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest

from pgledger.embedded import EmbeddedServer
from pgledger.migrate import dump, migrate, status, verify
from support.database import NewDatabase
from support.dependencies import foreign_dependencies
from support.planting import (
    names_in_bodies,
    operators_in_bodies,
    plant_aggregates,
    plant_functions,
    plant_operators,
)

Plant = Callable[[str], None]
Install = Callable[[EmbeddedServer, str, Path], None]

VIEWS = """
    select format('select * from public.%I', relname)
    from pg_class
    where relkind = 'v' and relnamespace = 'public'::regnamespace and relname ~ '^(pg)?ledger_'
"""


def sprung(name: str) -> str:
    return f"begin raise exception 'the planted {name} ran as %', current_user; end"


@pytest.fixture
def plant(conn: psycopg.Connection[Any]) -> Plant:
    """Plants in a database's schema public all that our files could be led astray by."""
    words, operators = names_in_bodies(conn), operators_in_bodies(conn)
    conn.rollback()

    def run(dsn: str) -> None:
        with connected(dsn) as victim:
            assert plant_functions(victim, "public", sprung, words) > 200
            assert plant_operators(victim, "public", sprung, operators) > 5000
            assert plant_aggregates(victim, "public", sprung, words) > 10

    return run


def connected(dsn: str) -> psycopg.Connection[Any]:
    """Connects, and looks nothing up where things are planted."""
    return psycopg.connect(dsn, autocommit=True, options="-c search_path=pg_catalog")


def by_migrate(server: EmbeddedServer, dsn: str, directory: Path) -> None:
    migrate(dsn)


def by_psql(server: EmbeddedServer, dsn: str, directory: Path) -> None:
    path = directory / "pgledger.sql"
    path.write_text(dump())
    server.run("psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-f", str(path), f"--dbname={dsn}")


def read_all_views(dsn: str) -> None:
    with connected(dsn) as victim:
        statements = victim.execute(VIEWS).fetchall()
        assert len(statements) > 20
        victim.execute("set search_path = public, pg_catalog")
        for (statement,) in statements:
            victim.execute(statement.encode())


def test_nothing_of_ours_depends_on_anything_else(conn):
    assert foreign_dependencies(conn) == []


@pytest.mark.parametrize("install", [by_migrate, by_psql])
def test_planted_before_the_installation(
    server: EmbeddedServer, database: NewDatabase, tmp_path: Path, plant: Plant, install: Install
) -> None:
    dsn = database()
    plant(dsn)
    install(server, dsn, tmp_path)
    with connected(dsn) as victim:
        assert foreign_dependencies(victim) == []
    assert status(dsn).up_to_date
    assert [check for check in verify(dsn) if check.violations] == []
    read_all_views(dsn)
    # The check of a coupon compares a numeric with an integer.
    with psycopg.connect(dsn, autocommit=True) as victim:
        victim.execute("select public.ledger_create_coupon('shop', 'TEN', percentage => 10)")


def test_planted_between_two_migrations(ledger_dsn: str, plant: Plant) -> None:
    plant(ledger_dsn)
    with connected(ledger_dsn) as victim:
        victim.execute(
            "update pgledger.schema_history set sha256 = repeat('0', 64) where kind = 'repeatable'"
        )
    assert len(migrate(ledger_dsn).applied) > 200
    with connected(ledger_dsn) as victim:
        assert foreign_dependencies(victim) == []
    read_all_views(ledger_dsn)


def test_what_is_bound_would_be_found(conn):
    """Without this, the tests above would pass where nothing is looked at."""
    conn.execute(
        "create function public.theirs(numeric, integer) returns boolean language sql return true"
    )
    conn.execute(
        "create operator public.> (leftarg = numeric, rightarg = integer, function = public.theirs)"
    )
    conn.execute(
        "alter table pgledger.transfers"
        " add constraint led_astray check (amount operator(public.>) 0)"
    )
    conn.execute("create view public.pgledger_astray as select public.theirs(1, 2)")
    assert foreign_dependencies(conn) == [
        ("constraint led_astray on table pgledger.transfers", "operator public.>(numeric,integer)"),
        ("rule _RETURN on view public.pgledger_astray", "function public.theirs(numeric,integer)"),
    ]
