"""Statements about a database: its settings, its sizes, and where pgledger is in it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import psycopg

from scripts.performance.console import note
from scripts.performance.errors import CheckFailed

APP_ID = "performance_check"
Control = psycopg.Connection[tuple[Any, ...]]


def connect(dsn: str) -> Control:
    return psycopg.connect(dsn, autocommit=True, application_name="performance_check")


def scalar(connection: Control, statement: str, parameters: Sequence[object] | None = None) -> Any:
    """First column of the first row."""
    row = connection.execute(statement.encode(), parameters).fetchone()
    if row is None:
        raise CheckFailed(f"no row came back from: {statement}")
    return row[0]


def execute(connection: Control, statement: str) -> None:
    connection.execute(statement.encode())


def find_surface(connection: Control) -> str:
    """Name of the schema that pgledger's public functions are in."""
    # By names throughout: a role that may only make transfers cannot look into the private schema.
    row = connection.execute(
        """
        select surface.nspname
        from pg_catalog.pg_class as view
        join pg_catalog.pg_namespace as surface on surface.oid = view.relnamespace
        join pg_catalog.pg_rewrite as rule on rule.ev_class = view.oid
        join pg_catalog.pg_depend as d
          on d.classid = 'pg_catalog.pg_rewrite'::regclass and d.objid = rule.oid
          and d.refclassid = 'pg_catalog.pg_class'::regclass
        join pg_catalog.pg_class as accounts on accounts.oid = d.refobjid
        join pg_catalog.pg_namespace as private on private.oid = accounts.relnamespace
        where view.relname = 'pgledger_accounts_v1'
          and accounts.relname = 'accounts' and private.nspname = 'pgledger'
        """
    ).fetchone()
    if row is None:
        raise CheckFailed(
            "pgledger is not installed in this database: run `pgledger migrate` first"
        )
    return str(row[0])


def warn_if_not_durable(connection: Control) -> None:
    """Says so when commits may be lost, since nothing measured then compares with anything."""
    for name in ("fsync", "synchronous_commit", "full_page_writes"):
        if scalar(connection, f"show {name}") == "off":
            note(f"This server has {name} = off: its figures do not compare with durable ones")


def vacuum_full(connection: Control) -> None:
    """Rewrites every table without its dead rows, and counts rows for the planner.

    Without the counting, what is measured would depend on whether autovacuum came by meanwhile.
    """
    note("Running VACUUM FULL")
    execute(connection, "vacuum (full, analyze)")


def settle(connection: Control, *tables: str) -> None:
    """Does now what the server would do in the middle of a measurement."""
    names = ", ".join(f"pgledger.{table}" for table in tables or ("accounts", "transfers"))
    execute(connection, f"vacuum (analyze) {names}")
    if scalar(connection, "select rolsuper from pg_roles where rolname = current_user"):
        execute(connection, "checkpoint")


def database_size(connection: Control) -> int:
    return int(scalar(connection, "select pg_database_size(current_database())"))


def ledger_sizes(connection: Control) -> dict[str, int]:
    """Bytes of each table (with what it stores out of line) and index of the private schema."""
    rows = connection.execute(
        """
        select c.relname, case c.relkind when 'i' then pg_relation_size(c.oid)
          else pg_table_size(c.oid) end
        from pg_catalog.pg_class as c
        where c.relnamespace = 'pgledger'::regnamespace and c.relkind in ('r', 'm', 'i')
        order by c.relname
        """
    ).fetchall()
    return {str(name): int(size) for name, size in rows}


def pretty(connection: Control, size: int) -> str:
    return str(scalar(connection, "select pg_size_pretty(%s::bigint)", (size,)))


def explained(
    connection: Control, statement: str, parameters: Sequence[object]
) -> tuple[float, int]:
    """Milliseconds that one call takes in the server, and pages that it touches there."""
    explain = f"explain (analyze, buffers, timing off, format json) {statement}"
    answer = scalar(connection, explain, parameters)[0]
    plan = answer["Plan"]
    return answer["Execution Time"], plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]


def buffers_read(connection: Control, statement: str, parameters: Sequence[object]) -> int:
    """Pages that one call touches, by EXPLAIN (ANALYZE, BUFFERS)."""
    return explained(connection, statement, parameters)[1]
