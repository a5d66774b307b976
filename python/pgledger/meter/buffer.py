"""What both meters keep: events that are not delivered yet, and when to try to.

Nothing here waits or talks to a database. An event leaves the buffer when the database has
answered for it, and no earlier: whatever happens to an attempt, its events are still there, in
order, under the keys they had. So an attempt whose outcome nobody knows is simply made again, and
what it had counted is answered as a duplicate.
"""

import logging
import random
import threading
import time
import warnings
from collections import deque
from collections.abc import Sequence
from datetime import timedelta
from itertools import islice
from typing import Protocol

from psycopg import DataError, Error

from pgledger._checks import require_count
from pgledger._retries import seconds
from pgledger.billing_types import UsageRecord
from pgledger.errors import PgledgerError

from .events import MeterClosed, MeterFull, Rejection

LOG = logging.getLogger("pgledger.meter")

DEFAULT_BATCH_SIZE = 100
DEFAULT_FLUSH_INTERVAL = timedelta(seconds=5)
DEFAULT_MAX_BUFFERED = 10_000
DEFAULT_TIMEOUT = timedelta(seconds=30)

# What ledger_ingest_usage takes in one call.
LARGEST_BATCH = 100_000

FIRST_PAUSE_SECONDS = 0.1
LONGEST_PAUSE_SECONDS = 10.0


class Wakeable(Protocol):
    """What waits until events are delivered."""

    def set(self) -> None:
        """Wakes it."""
        ...


class MeterBuffer:
    """Events in the order they came, and when the next attempt is due.

    Every method may be called from any thread. One worker at a time takes and settles.

    Args:
        batch_size: Events to send in one call, and how many make sending due.
        flush_interval: How long an event may wait for others.
        max_buffered: Events to hold at most, rejected ones that nobody has taken included.

    Raises:
        TypeError: An argument is of a wrong type.
        ValueError: One is out of range.
    """

    def __init__(
        self,
        *,
        batch_size: int,
        flush_interval: timedelta,
        max_buffered: int,
    ) -> None:
        require_count("batch_size", batch_size, LARGEST_BATCH)
        require_count("max_buffered", max_buffered, None)
        if max_buffered < batch_size:
            raise ValueError(
                f"max_buffered must be at least batch_size, {batch_size}, not {max_buffered}"
            )
        interval = seconds("flush_interval", flush_interval)
        if interval is None:
            raise TypeError("flush_interval must be a timedelta, not None")
        self._batch_size = batch_size
        self._interval = interval
        self._max_buffered = max_buffered
        self._lock = threading.Lock()
        self._events: deque[tuple[float, UsageRecord]] = deque()
        self._rejected: list[Rejection] = []
        self._waiting: list[tuple[int, Wakeable]] = []
        # Counts of all events that ever came, and that were answered for.
        self._added = 0
        self._settled = 0
        # Events up to this count are to be sent without waiting for others.
        self._hurry_until = 0
        self._limit = batch_size
        self._pause = FIRST_PAUSE_SECONDS
        self._retry_at: float | None = None
        self._error: BaseException | None = None
        self._is_closed = False
        self._undelivered: list[UsageRecord] | None = None

    def __del__(self) -> None:
        if getattr(self, "_events", None) and self._undelivered is None:
            warnings.warn(
                f"a meter was dropped with {len(self._events)} usage events: close it",
                ResourceWarning,
                stacklevel=2,
            )

    def __len__(self) -> int:
        return len(self._events)

    @property
    def last_error(self) -> BaseException | None:
        """What the last attempt failed with; None if it succeeded."""
        return self._error

    @property
    def rejected(self) -> list[Rejection]:
        """Rejected events that nobody has taken."""
        with self._lock:
            return list(self._rejected)

    def take_rejected(self) -> list[Rejection]:
        """Returns rejected events that nobody has taken, and makes room for others."""
        with self._lock:
            taken, self._rejected = self._rejected, []
        return taken

    def add(self, record: UsageRecord) -> bool:
        """Takes an event.

        Returns:
            Whether the worker has to look again when something is due.

        Raises:
            MeterFull: There is no room.
            MeterClosed: The meter takes no more events.
        """
        with self._lock:
            if self._is_closed:
                raise MeterClosed("the meter was closed; this event was not taken")
            if len(self._events) + len(self._rejected) >= self._max_buffered:
                raise MeterFull(self._why_full())
            self._events.append((time.monotonic(), record))
            self._added += 1
            return len(self._events) in (1, self._batch_size)

    def _why_full(self) -> str:
        parts = [f"{len(self._events)} usage events wait to be delivered"]
        if self._rejected:
            parts.append(f"{len(self._rejected)} rejected ones for take_rejected()")
        why = f"the meter is full: {' and '.join(parts)}; this event was not taken"
        return why if self._error is None else f"{why}. Last error: {self._error}"

    def due_in(self) -> float | None:
        """Returns in how many seconds to try next; None while there is nothing to send."""
        with self._lock:
            if not self._events or self._undelivered is not None:
                return None
            now = time.monotonic()
            if self._retry_at is not None:
                return max(0.0, self._retry_at - now)
            if len(self._events) >= self._batch_size or self._settled < self._hurry_until:
                return 0.0
            return max(0.0, self._events[0][0] + self._interval - now)

    @property
    def is_finished(self) -> bool:
        """Whether nothing will ever be due again."""
        with self._lock:
            return self._is_closed and (not self._events or self.is_sealed)

    def batch(self) -> list[UsageRecord]:
        """Returns the events to send next. They stay in the buffer until they are settled."""
        with self._lock:
            return [record for _, record in islice(self._events, self._limit)]

    @property
    def is_sealed(self) -> bool:
        """Whether what was left has been handed back."""
        return self._undelivered is not None

    def settle(self, count: int, keep: Sequence[Rejection] = ()) -> None:
        """Lets go of the first events: the database has answered for them.

        Args:
            count: How many.
            keep: Those of them that were rejected and nobody has taken.
        """
        with self._lock:
            if self._undelivered is not None:
                # They were handed back meanwhile.
                return
            self._error = None
            self._retry_at = None
            self._pause = FIRST_PAUSE_SECONDS
            self._limit = min(self._batch_size, self._limit * 2)
            for _ in range(count):
                self._events.popleft()
            self._settled += count
            self._rejected.extend(keep)
            self._wake_waiting()

    def fail(self, batch: Sequence[UsageRecord], error: BaseException) -> list[Rejection]:
        """Notes that events could not be sent. Those of a smaller batch are tried next.

        What is wrong with an event itself fails the batch it is in, so batches are made smaller
        until it is alone.

        Returns:
            The event, if it was alone and is what is wrong: it is to be settled.
        """
        is_about_events = _is_about_events(error)
        with self._lock:
            self._error = error
            self._limit = max(1, len(batch) // 2)
            if is_about_events:
                self._retry_at = None
                self._hurry_until = max(self._hurry_until, self._settled + len(batch))
            else:
                # Meters that failed together should not try again together.
                pause = self._pause * random.uniform(0.5, 1)  # noqa: S311
                self._retry_at = time.monotonic() + pause
                self._pause = min(self._pause * 2, LONGEST_PAUSE_SECONDS)
        if is_about_events and len(batch) == 1:
            sqlstate = error.sqlstate if isinstance(error, Error) else None
            return [Rejection(batch[0], sqlstate, str(error))]
        LOG.warning("%d usage events are to be sent again: %s", len(self), error)
        return []

    def _wake_waiting(self) -> None:
        still: list[tuple[int, Wakeable]] = []
        for mark, waiting in self._waiting:
            if self._settled >= mark or self._undelivered is not None:
                waiting.set()
            else:
                still.append((mark, waiting))
        self._waiting = still

    def hurry(self, waiting: Wakeable) -> int:
        """Makes everything due now, and wakes somebody when it is settled.

        Returns:
            What to ask :meth:`is_settled` about.
        """
        with self._lock:
            mark = self._hurry_until = self._added
            self._retry_at = None
            self._waiting.append((mark, waiting))
            self._wake_waiting()
            return mark

    def stop_waiting(self) -> None:
        """Makes every event due as soon as it comes: the process is about to end."""
        with self._lock:
            self._interval = 0.0

    def forget(self, waiting: Wakeable) -> None:
        """Wakes somebody no more."""
        with self._lock:
            self._waiting = [(mark, other) for mark, other in self._waiting if other is not waiting]

    def is_settled(self, mark: int) -> bool:
        """Says whether all events until then were answered for."""
        with self._lock:
            return self._settled >= mark

    def close(self) -> None:
        """Takes no more events."""
        with self._lock:
            self._is_closed = True

    def seal(self) -> list[UsageRecord]:
        """Lets go of what was not delivered and returns it: the first time and every time after.

        An attempt that is still going on changes nothing any more. It may yet succeed; the events
        keep their keys, so recording them again counts them once all the same.
        """
        with self._lock:
            self._is_closed = True
            if self._undelivered is None:
                self._undelivered = [record for _, record in self._events]
                self._wake_waiting()
            return list(self._undelivered)


def _is_about_events(error: BaseException) -> bool:
    # Everything else can pass: a server that is restarted, a role without its grants yet, a
    # schema that is being migrated. Class 54 is about limits of the program: too large, too deep.
    if isinstance(error, (DataError, PgledgerError, UnicodeEncodeError)):
        return True
    return isinstance(error, Error) and (error.sqlstate or "").startswith("54")
