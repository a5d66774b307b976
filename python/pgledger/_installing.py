"""Migrating the database that a connection of the caller's is connected to."""

import asyncio
from typing import Any

from psycopg import AsyncConnection, Connection
from psycopg.conninfo import make_conninfo
from psycopg.pq import TransactionStatus

from pgledger.migrate import MigrationError, MigrationResult, migrate


def install(
    conn: Connection[Any] | AsyncConnection[Any],
    *,
    schema: str | None,
    lock_timeout: float,
    wait: float,
) -> MigrationResult:
    """Migrates on a connection of its own, made with the parameters of the one given.

    So settings of the caller's session (a role, a timeout, a search_path) do not matter, and the
    migration and calls on the caller's connection do not disturb each other.

    Raises:
        MigrationError: The connection is closed or in a transaction, whose locks the migration
            might wait for and whose snapshot might not see what it does; or migrating failed.
        psycopg.OperationalError: The further connection cannot be made.
    """
    if conn.closed:
        raise MigrationError("the connection is closed")
    if conn.info.transaction_status != TransactionStatus.IDLE:
        raise MigrationError(
            "the connection is in a transaction",
            "Commit or roll back first: the migrator has a transaction of its own.",
        )
    return migrate(_conninfo(conn), schema=schema, lock_timeout=lock_timeout, wait=wait)


async def install_async(
    conn: Connection[Any] | AsyncConnection[Any],
    *,
    schema: str | None,
    lock_timeout: float,
    wait: float,
) -> MigrationResult:
    """Does what :func:`install` does, in a thread, so that the event loop goes on.

    Cancelling does not stop the thread; a migration is finished or rolled back as a whole.
    """
    return await asyncio.to_thread(
        install, conn, schema=schema, lock_timeout=lock_timeout, wait=wait
    )


def _conninfo(conn: Connection[Any] | AsyncConnection[Any]) -> str:
    # psycopg names only one host, even if several were given: the one that answered.
    password = conn.info.password
    return make_conninfo(
        **conn.info.get_parameters(), **({"password": password} if password else {})
    )
