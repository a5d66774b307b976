"""Migrating the database that a connection of the caller's is connected to."""

import asyncio
import logging
from typing import Any, Final

from psycopg import AsyncConnection, Connection
from psycopg.conninfo import make_conninfo
from psycopg.pq import TransactionStatus

from pgledger.migrate import OWNER, MigrationError, MigrationResult, migrate, status
from pgledger.migrate.version import package_version

LOG: Final = logging.getLogger("pgledger")


def install(
    conn: Connection[Any] | AsyncConnection[Any],
    *,
    schema: str | None,
    lock_timeout: float,
    wait: float,
    accept_newer: bool = False,
) -> MigrationResult:
    """Migrates on a connection of its own, made with the parameters of the one given.

    So settings of the caller's session (a role, a timeout, a search_path) do not matter, and the
    migration and calls on the caller's connection do not disturb each other.

    Raises:
        MigrationError: The connection is closed; or it is in a transaction, whose locks the
            migration might wait for and whose snapshot might not see what it does, and there is
            something to migrate; or migrating failed.
        psycopg.OperationalError: The further connection cannot be made.
    """
    if conn.closed:
        raise MigrationError("the connection is closed")
    target = _conninfo(conn)
    if conn.info.transaction_status != TransactionStatus.IDLE:
        return _nothing_to_do(target, schema, accept_newer=accept_newer)
    result = migrate(
        target, schema=schema, lock_timeout=lock_timeout, wait=wait, accept_newer=accept_newer
    )
    _log_newer(result.newer_version)
    return result


def _nothing_to_do(target: str, schema: str | None, *, accept_newer: bool) -> MigrationResult:
    found = status(target)
    newer = found.newer_version if accept_newer else None
    is_there = found.up_to_date or newer is not None
    if not is_there or found.schema is None or schema not in {None, found.schema}:
        raise MigrationError(
            "the connection is in a transaction, and the database is not at this version",
            "Commit or roll back first: the migrator has a transaction of its own.",
        )
    _log_newer(newer)
    return MigrationResult(
        schema=found.schema,
        roles=found.owner == OWNER,
        installed=False,
        applied=(),
        forgotten=(),
        linked=(),
        warnings=(),
        newer_version=newer,
    )


def _log_newer(version: str | None) -> None:
    if version is not None:
        LOG.info(
            "the database was migrated by pgledger %s, with which %s works: nothing is done",
            version,
            package_version(),
        )


async def install_async(
    conn: Connection[Any] | AsyncConnection[Any],
    *,
    schema: str | None,
    lock_timeout: float,
    wait: float,
    accept_newer: bool = False,
) -> MigrationResult:
    """Does what :func:`install` does, in a thread, so that the event loop goes on.

    Cancelling does not stop the thread; a migration is finished or rolled back as a whole.
    """
    return await asyncio.to_thread(
        install,
        conn,
        schema=schema,
        lock_timeout=lock_timeout,
        wait=wait,
        accept_newer=accept_newer,
    )


def _conninfo(conn: Connection[Any] | AsyncConnection[Any]) -> str:
    # psycopg names only one host, even if several were given: the one that answered.
    password = conn.info.password
    return make_conninfo(
        **conn.info.get_parameters(), **({"password": password} if password else {})
    )
