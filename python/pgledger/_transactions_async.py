"""Transactions that are run again when PostgreSQL asks for it, asynchronously.

The synchronous twin, ``_transactions_sync.py``, is generated from this file by
scripts/build_sync.py.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, TypeVar

from psycopg import AsyncConnection, IsolationLevel, Rollback

from pgledger._retries import (
    DEFAULT_RETRY_FOR,
    RETRYABLE,
    SET_ISOLATION_LEVEL,
    Retries,
    require_committable,
    require_idle,
)

__all__ = ["run_transaction_async"]

C = TypeVar("C", bound=AsyncConnection[Any])
T = TypeVar("T")


async def run_transaction_async(
    conn: C,
    fn: Callable[[C], Awaitable[T]],
    *,
    attempts: int | None = None,
    retry_for: timedelta = DEFAULT_RETRY_FOR,
    isolation_level: IsolationLevel | None = None,
) -> T:
    """Runs ``await fn(conn)`` in a transaction of its own, and again where a new attempt can help.

    Begins, calls ``fn``, commits. If PostgreSQL aborts the transaction because of other sessions
    (40001 serialization failure, 40P01 deadlock, 55P03 lock not available), in ``fn`` or at the
    commit, everything is rolled back and, after a random wait that grows from milliseconds to at
    most a second, ``fn`` is called again. That goes on until ``retry_for`` is over: when many
    sessions want the same rows, it takes as many rounds as it takes. Any other error rolls back and
    is raised at once.

    So ``fn`` may be called several times, and what it does outside this connection's database is
    not undone: it must not send mails, call services or change its arguments. Let it return what
    is to be done, and do that afterwards. It must not commit or roll back either.

    If ``fn`` catches an error of PostgreSQL and goes on, the transaction is aborted all the same.
    Let it make the call inside ``async with conn.transaction()``, a savepoint, and catch the error
    outside of that block.

    There is no SQL function behind this one: it is about whole transactions.

    Args:
        conn: A connection that is not in a transaction, in autocommit or not.
        fn: What to do; gets ``conn``.
        attempts: How often to call ``fn`` at most; None for as often as ``retry_for`` allows.
        retry_for: How long, from the beginning, a failed attempt may be followed by another. It
            does not end an attempt that is going on. Zero allows one attempt.
        isolation_level: Level of this transaction; None takes the connection's. The
            connection's own level is not changed.

    Returns:
        What the ``fn`` that was committed returned.

    Raises:
        psycopg.ProgrammingError: The connection is already in a transaction or in pipeline mode. Or
            ``fn`` returned although an error had aborted the transaction, which was rolled back, or
            ended the transaction itself.
        psycopg.Rollback: ``fn`` raised it. The transaction was rolled back.
        psycopg.OperationalError: 40001, 40P01 or 55P03 from the last attempt; a note says how many
            there were. Or ``fn`` returned although the connection was lost.
        TypeError: ``retry_for`` is not a timedelta.
        ValueError: ``attempts`` is below 1, or ``retry_for`` is negative.

    Example:
        >>> async def pay(conn):
        ...     await conn.execute("insert into orders (id) values (%s)", [order_id])
        ...     return await AsyncLedger(conn).create_transfer(buyer, shop, Decimal("12.34"))
        >>> transfer = await run_transaction_async(conn, pay)
    """
    require_idle(conn)
    retries = Retries(attempts, retry_for)
    while True:
        try:
            async with conn.transaction():
                if isolation_level is not None:
                    await conn.execute(SET_ISOLATION_LEVEL[isolation_level])
                result = await fn(conn)
                require_committable(conn)
                return result
        except RETRYABLE as error:
            pause = retries.pause()
            if pause is None:
                error.add_note(f"run_transaction_async gave up after {retries.failed} attempts")
                raise
            await asyncio.sleep(pause)
        else:
            # The block swallows a Rollback, so without a result it has to be raised anew.
            raise Rollback
