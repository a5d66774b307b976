"""Buffered recording of usage, from a task of the event loop.

The synchronous twin, ``meter_sync.py``, is generated from this file by scripts/build_sync.py.
"""

# ruff: noqa: ASYNC109 -- what a timeout ends is the waiting, not what is waited for

import time
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from types import TracebackType
from typing import Any, Self

from pgledger._billing_async import AsyncBilling
from pgledger._checks import require_pool, require_text
from pgledger._pools import AsyncConnectionSource
from pgledger._retries import require_committable, require_idle, seconds
from pgledger._workers import AsyncSignal, AsyncWorker
from pgledger.billing_types import UsageRecord

from . import termination
from .buffer import (
    DEFAULT_BATCH_SIZE,
    DEFAULT_FLUSH_INTERVAL,
    DEFAULT_MAX_BUFFERED,
    DEFAULT_TIMEOUT,
    LOG,
    MeterBuffer,
)
from .events import MeterClosed, MeterUndelivered, OnRejected, Rejection, rejections, usage_record

__all__ = ["AsyncConnectionSource", "AsyncMeter"]


class AsyncMeter:
    """Records usage without waiting for the database, from a task of the event loop.

    :meth:`record` puts an event into a buffer and returns. A task sends what is there, in order,
    when ``batch_size`` events have come or the oldest has waited for ``flush_interval``. It is
    started by the first event. Call everything in the event loop that it was started in.

    Nothing is lost while the process lives. When sending fails, whatever the reason, the events
    stay and are sent again after a pause that grows. Each has a key, the caller's or one that the
    meter gives it when it comes, so it is counted once even where nobody knows whether an attempt
    was committed. A full buffer refuses the next event; it never drops one. An event that the
    database rejects is handed back with the reason, and is not sent again. :meth:`close` returns
    what could not be delivered.

    What is in the buffer when the process ends is lost: leave the meter through ``async with`` or
    :meth:`close`. A container is ended by SIGTERM, which ends a Python program at once: see
    ``handle_sigterm``. Where a crash must not lose anything either, record usage in the transaction
    that it belongs to, with :meth:`pgledger.AsyncBilling.record_usage`. A meter that has been used
    does not work in a fork of the process: make one in each.

    Args:
        pool: Where to get connections; used one at a time. Each batch is a transaction of its own.
        app_id: App of all events.
        batch_size: How many events to send in one call, 1 to 100,000.
        flush_interval: How long an event waits for others at most.
        max_buffered: How many events to hold at most; rejected ones count until they are taken.
        schema: The schema that pgledger's public functions were migrated into; None finds them
            through the connections' ``search_path``.
        on_rejected: Called with each rejected event, by the task. Without it they are kept for
            :meth:`take_rejected`.
        handle_sigterm: Whether SIGTERM first delivers what waits, for at most 8 seconds, and then
            does what it did when the meter was made: it ends the process, or calls the handler that
            the application had installed. From then on, events are sent as they come. If the
            application installs a handler afterwards, that one is called instead.

    Raises:
        TypeError: An argument is of a wrong type.
        ValueError: One is out of range.
        RuntimeError: ``handle_sigterm`` off the main thread.
    """

    __slots__ = ("_app_id", "_buffer", "_on_rejected", "_pool", "_schema", "_wake", "_worker")

    def __init__(
        self,
        pool: AsyncConnectionSource,
        app_id: str,
        *,
        batch_size: int = DEFAULT_BATCH_SIZE,
        flush_interval: timedelta = DEFAULT_FLUSH_INTERVAL,
        max_buffered: int = DEFAULT_MAX_BUFFERED,
        schema: str | None = None,
        on_rejected: OnRejected | None = None,
        handle_sigterm: bool = False,
    ) -> None:
        require_pool(pool)
        require_text("app_id", app_id)
        self._pool = pool
        self._app_id = app_id
        self._schema = schema
        self._on_rejected = on_rejected
        self._buffer = MeterBuffer(
            batch_size=batch_size, flush_interval=flush_interval, max_buffered=max_buffered
        )
        self._wake = AsyncSignal()
        self._worker = AsyncWorker("meter", MeterClosed, self._work, at_exit=self._end)
        if handle_sigterm:
            termination.watch(self._drain)

    def record(
        self,
        tenant_id: str,
        feature_key: str,
        quantity: Decimal | int = 1,
        *,
        event_at: datetime | None = None,
        idempotency_key: str | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> UsageRecord:
        """Takes an event, to be sent later.

        Args:
            tenant_id: Who used it.
            feature_key: What was used.
            quantity: How much, 0 or more.
            event_at: When it happened; None for now, by this machine's clock.
            idempotency_key: The tenant's own name of the event: a second one is not counted. None
                for a new one.
            metadata: JSON object to store with it; it is copied.

        Returns:
            The event, with its time and key.

        Raises:
            MeterFull: As many events wait as may; this one was not taken.
            MeterClosed: The meter was closed, or used in another process before; this one was not
                taken.
            TypeError: A value is of a wrong type; this one was not taken.
            ValueError: The time has no time zone; this one was not taken.
        """
        record = usage_record(
            tenant_id,
            feature_key,
            quantity,
            event_at=event_at,
            idempotency_key=idempotency_key,
            metadata=metadata,
        )
        self._worker.ensure()
        if self._buffer.add(record):
            self._wake.set()
        return record

    @property
    def buffered(self) -> int:
        """How many events wait to be delivered."""
        return len(self._buffer)

    @property
    def last_error(self) -> BaseException | None:
        """What the last attempt to deliver failed with; None if it succeeded."""
        return self._buffer.last_error

    @property
    def rejected(self) -> list[Rejection]:
        """Rejected events that nobody has taken: without ``on_rejected``, or where it failed."""
        return self._buffer.rejected

    def take_rejected(self) -> list[Rejection]:
        """Returns rejected events that nobody has taken, and makes room for others."""
        return self._buffer.take_rejected()

    async def flush(self, timeout: timedelta | None = DEFAULT_TIMEOUT) -> bool:
        """Sends everything that has been recorded, now, and waits for it.

        Args:
            timeout: How long to wait at most; None for as long as it takes.

        Returns:
            Whether everything was delivered or rejected. What was not is still there, and is sent
            again without being asked.

        Raises:
            MeterClosed: The meter was used in another process before.
            RuntimeError: It was called by ``on_rejected``, which delivering waits for.
        """
        limit = seconds("timeout", timeout)
        self._refuse_worker()
        return await self._settle(limit)

    async def close(self, timeout: timedelta | None = DEFAULT_TIMEOUT) -> list[UsageRecord]:
        """Takes no more events, sends what there is, and hands back what cannot be delivered.

        Args:
            timeout: How long to try at most; None for as long as it takes.

        Returns:
            What was not delivered, in order; every further call returns the same. An attempt may be
            going on whose outcome is unknown, so record these events again under the keys they
            have: each is counted once. In a fork of the process nothing is sent and nothing is
            returned: the events are the other process's.

        Raises:
            RuntimeError: It was called by ``on_rejected``, which delivering waits for.
        """
        limit = seconds("timeout", timeout)
        self._refuse_worker()
        if self._worker.is_foreign:
            return []
        started = time.monotonic()
        termination.forget(self._drain)
        self._buffer.close()
        try:
            await self._settle(limit)
        except RuntimeError as error:
            # No task can be started here; the events are the caller's all the same.
            LOG.warning("usage events cannot be sent any more: %s", error)
        undelivered = self._buffer.seal()
        self._wake.set()
        if undelivered:
            limit = 0
        elif limit is not None:
            limit = max(0.0, limit - (time.monotonic() - started))
        await self._worker.stop(limit)
        return undelivered

    async def __aenter__(self) -> Self:
        """Returns the meter; the end of the block closes it."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Closes the meter.

        Raises:
            MeterUndelivered: Not everything could be delivered, and the block ended without an
                error of its own; otherwise that one gets a note, and :meth:`close` returns the
                events.
        """
        undelivered = await self.close()
        if not undelivered:
            return
        if error is None:
            raise MeterUndelivered(undelivered)
        note = f"{len(undelivered)} usage events could not be delivered: close() returns them"
        error.add_note(note)
        LOG.error(note)

    async def _end(self) -> None:
        undelivered = await self.close()
        if undelivered:
            LOG.error("the program ended with %d usage events undelivered", len(undelivered))

    def _drain(self, seconds: float, *, close: bool) -> None:
        """Delivers what waits, for a thread that ends the process; ``handle_sigterm`` calls it.

        Args:
            seconds: How long to try at most.
            close: Whether to take no more events.
        """
        if self._worker.is_foreign:
            return
        limit = timedelta(seconds=seconds)
        self._buffer.stop_waiting()
        if not close:
            self._worker.call(lambda: self.flush(limit), seconds)
            return
        self._worker.call(lambda: self.close(limit), seconds)
        if self._buffer:
            LOG.error("SIGTERM ends the process with %d usage events undelivered", self.buffered)

    def _refuse_worker(self) -> None:
        if self._worker.is_current:
            raise RuntimeError("on_rejected cannot wait for what waits for it")

    async def _settle(self, limit: float | None) -> bool:
        signal = AsyncSignal()
        mark = self._buffer.hurry(signal)
        try:
            if not self._buffer.is_settled(mark):
                self._worker.ensure()
                self._wake.set()
                await signal.wait(limit)
        finally:
            self._buffer.forget(signal)
        return self._buffer.is_settled(mark)

    async def _work(self) -> None:
        while not self._buffer.is_finished:
            pause = self._buffer.due_in()
            if pause == 0:
                await self._deliver(self._buffer.batch())
            else:
                await self._wake.wait(pause)

    async def _deliver(self, batch: Sequence[UsageRecord]) -> None:
        try:
            async with self._pool.connection() as conn:
                require_idle(conn)
                async with conn.transaction():
                    billing = AsyncBilling(conn, schema=self._schema)
                    answers = await billing.ingest_usage(self._app_id, batch)
                    require_committable(conn)
        except Exception as error:  # noqa: BLE001 -- whatever it is, the events are still there
            rejected = self._buffer.fail(batch, error)
            if not rejected:
                return
        else:
            rejected = rejections(batch, answers)
        # Handed back before they are settled, so that who waits for that finds them.
        keep = [] if self._buffer.is_sealed else self._hand_back(rejected)
        self._buffer.settle(len(batch), keep)

    def _hand_back(self, rejected: Sequence[Rejection]) -> list[Rejection]:
        if self._on_rejected is None:
            for rejection in rejected:
                LOG.warning("a usage event was rejected: %s", rejection.reason)
            return list(rejected)
        keep: list[Rejection] = []
        for rejection in rejected:
            try:
                self._on_rejected(rejection)
            except Exception:  # noqa: BLE001 -- the caller's error, and the others' turn
                LOG.exception("on_rejected failed; the rejected event is in rejected")
                keep.append(rejection)
        return keep
