"""Replacing the ledger's clock."""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import psycopg
import pytest
from psycopg import sql

from pgledger.embedded import EmbeddedServer

SetClock = Callable[[psycopg.Connection[Any], str | datetime | None], None]


@pytest.fixture
def set_clock(server: EmbeddedServer) -> Iterator[SetClock]:
    """Replaces ``pgledger.clock()`` in the database that a connection is connected to.

    ``set_clock(conn, datetime)`` stops the clock there; ``set_clock(conn, "expression")`` makes it
    tell the value of an SQL expression, for example
    ``"clock_timestamp() - interval '2 seconds'"``; ``set_clock(conn, None)`` brings the true
    clock back. It happens in a session of its own, as superuser, and is committed; every session
    sees it from its next transaction on, and a transaction that is open may still see the clock
    before. The database, and the replacement with it, goes with the test.
    """
    admins: dict[str, psycopg.Connection[Any]] = {}
    true_clocks: dict[str, str] = {}

    def replace(conn: psycopg.Connection[Any], now: str | datetime | None) -> None:
        dbname = conn.info.dbname
        if dbname not in admins:
            admins[dbname] = psycopg.connect(server.dsn(dbname), autocommit=True)
        admin = admins[dbname]
        if dbname not in true_clocks:
            found = admin.execute(
                "select pg_get_functiondef('pgledger.clock()'::regprocedure)"
            ).fetchone()
            assert found is not None
            true_clocks[dbname] = found[0]
        if now is None:
            admin.execute(true_clocks[dbname].encode())
            return
        if isinstance(now, datetime):
            assert now.tzinfo is not None, f"a clock needs an aware datetime, not {now!r}"
            value: sql.Composable = sql.Literal(now)
        else:
            value = sql.SQL(now)
        body = sql.SQL("select ({})::timestamptz").format(value).as_string(admin)
        admin.execute(
            sql.SQL(
                "create or replace function pgledger.clock() returns timestamptz"
                " language sql volatile as {}"
            ).format(sql.Literal(body))
        )

    yield replace
    for admin in admins.values():
        admin.close()
