"""Which errors a new attempt can cure, how long to wait before it, and on which connections."""

import random
from collections.abc import Iterator
from typing import Any

from psycopg import AsyncConnection, Connection, IsolationLevel, ProgrammingError
from psycopg.errors import DeadlockDetected, LockNotAvailable, SerializationFailure
from psycopg.pq import PipelineStatus, TransactionStatus

RETRYABLE = (SerializationFailure, DeadlockDetected, LockNotAvailable)

DEFAULT_ATTEMPTS = 10

FIRST_PAUSE_SECONDS = 0.01
LONGEST_PAUSE_SECONDS = 1.0

SET_ISOLATION_LEVEL = {
    IsolationLevel.READ_UNCOMMITTED: b"set transaction isolation level read uncommitted",
    IsolationLevel.READ_COMMITTED: b"set transaction isolation level read committed",
    IsolationLevel.REPEATABLE_READ: b"set transaction isolation level repeatable read",
    IsolationLevel.SERIALIZABLE: b"set transaction isolation level serializable",
}

_IN_TRANSACTION = (
    TransactionStatus.ACTIVE,
    TransactionStatus.INTRANS,
    TransactionStatus.INERROR,
)


def pauses(attempts: int) -> Iterator[float | None]:
    """Yields, for each attempt, how many seconds to wait if it fails; None after the last.

    Each wait is a random time below a bound that doubles from attempt to attempt. Sessions that
    collided once would collide again if they waited equally long.

    Raises:
        ValueError: ``attempts`` is below 1.
    """
    if attempts < 1:
        raise ValueError(f"attempts must be at least 1, not {attempts}")
    bound = FIRST_PAUSE_SECONDS
    for _ in range(attempts - 1):
        yield random.uniform(0, bound)  # noqa: S311 -- nobody gains by guessing it
        bound = min(bound * 2, LONGEST_PAUSE_SECONDS)
    yield None


def require_idle(conn: Connection[Any] | AsyncConnection[Any]) -> None:
    """Refuses a connection on which a whole transaction cannot be run and run again.

    Raises:
        psycopg.ProgrammingError: It is in a transaction, or in pipeline mode, where errors come
            later than the statement that caused them.
    """
    status = conn.info.transaction_status
    if status in _IN_TRANSACTION:
        raise ProgrammingError(
            f"the connection is already in a transaction ({status.name}), which cannot be run "
            "again from its beginning: commit or roll back first, or call the function yourself "
            "inside the transaction there is"
        )
    if conn.info.pipeline_status != PipelineStatus.OFF:
        raise ProgrammingError(
            "the connection is in pipeline mode, where an error can come after the transaction's "
            "end: leave the pipeline first, and open one inside the function if it pays"
        )
