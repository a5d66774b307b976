"""Which errors a new attempt can cure, how long to wait before it, and on which connections."""

import random
from datetime import timedelta
from time import monotonic
from typing import Any

from psycopg import (
    AsyncConnection,
    Connection,
    IsolationLevel,
    OperationalError,
    ProgrammingError,
)
from psycopg.errors import DeadlockDetected, LockNotAvailable, SerializationFailure
from psycopg.pq import PipelineStatus, TransactionStatus

RETRYABLE = (SerializationFailure, DeadlockDetected, LockNotAvailable)

DEFAULT_RETRY_FOR = timedelta(seconds=60)

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


class Retries:
    """Says after each attempt that failed whether there is another one, and how long to wait.

    Each wait is a random time below a bound that doubles from attempt to attempt. Sessions that
    collided once would collide again if they waited equally long; and the more of them collide, the
    longer it takes until few enough are left for one another.

    Args:
        attempts: How many there may be; None for any number.
        retry_for: For how long from now on another one may begin.

    Attributes:
        failed: How many have failed.

    Raises:
        TypeError: ``retry_for`` is not a timedelta.
        ValueError: ``attempts`` is below 1, or ``retry_for`` is negative.
    """

    def __init__(self, attempts: int | None, retry_for: timedelta) -> None:
        if attempts is not None and attempts < 1:
            raise ValueError(f"attempts must be at least 1, not {attempts}")
        budget = seconds("retry_for", retry_for)
        if budget is None:
            raise TypeError("retry_for must be a timedelta, not None")
        self._attempts = attempts
        self._deadline = monotonic() + budget
        self._bound = FIRST_PAUSE_SECONDS
        self.failed = 0

    def pause(self) -> float | None:
        """Returns how many seconds to wait before the next attempt; None where there is none.

        The wait is cut short where the time ends, so that the last attempt comes then.
        """
        self.failed += 1
        left = self._deadline - monotonic()
        if left <= 0 or self.failed == self._attempts:
            return None
        wait = random.uniform(0, self._bound)  # noqa: S311 -- nobody gains by guessing it
        self._bound = min(self._bound * 2, LONGEST_PAUSE_SECONDS)
        return min(wait, left)


def seconds(name: str, duration: object) -> float | None:
    """Returns a duration in seconds, or None for None.

    Raises:
        TypeError: It is not a timedelta.
        ValueError: It is negative.
    """
    if duration is None:
        return None
    if not isinstance(duration, timedelta):
        raise TypeError(f"{name} must be a timedelta, not {type(duration).__name__} {duration!r}")
    if duration < timedelta(0):
        raise ValueError(f"{name} must not be negative, as {duration!r} is")
    return duration.total_seconds()


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


def require_committable(conn: Connection[Any] | AsyncConnection[Any]) -> None:
    """Refuses to commit what would be rolled back, or is gone already, although nobody said so.

    The error that aborted a transaction is not known any more if it was caught: psycopg keeps no
    exceptions, and libpq only the text of the last one.

    Raises:
        psycopg.ProgrammingError: An error aborted the transaction and was caught without a
            savepoint, or the transaction was ended.
        psycopg.OperationalError: The connection was closed or lost.
    """
    status = conn.info.transaction_status
    if status == TransactionStatus.INERROR:
        last = conn.info.error_message.strip().partition("\n")[0]
        raise ProgrammingError(
            "nothing was committed: an error aborted the transaction, and was caught without a "
            f"savepoint to go back to{f' ({last})' if last else ''}. The transaction was rolled "
            "back. Let the error pass, or make the call that may fail inside a savepoint, in "
            "'with conn.transaction():', and catch its error outside of that block"
        )
    if status == TransactionStatus.IDLE:
        raise ProgrammingError(
            "the function ended the transaction itself, by a statement such as commit or rollback, "
            "so nobody knows what of it was committed: let it return to commit, or raise "
            "psycopg.Rollback"
        )
    if status == TransactionStatus.UNKNOWN:
        raise OperationalError(
            "nothing was committed: the connection was closed or lost before the commit"
        )
