"""Transfers of many callers, sent together, from a task of the event loop.

The synchronous twin, ``batcher_sync.py``, is generated from this file by scripts/build_sync.py.
"""

# ruff: noqa: ASYNC109 -- what a timeout ends is the waiting, not what is waited for

import asyncio
import logging
import time
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from types import TracebackType
from typing import Any, Self

from psycopg import AsyncConnection, Error
from psycopg.types.range import Range

from pgledger._checks import require_pool
from pgledger._pools import AsyncConnectionSource
from pgledger._retries import DEFAULT_RETRY_FOR, Retries, require_idle, seconds
from pgledger._workers import AsyncSignal, AsyncWorker

from .calls_async import AsyncBatchCaller
from .failures import AttemptFailed, Row, Stage, Verdict, judge
from .queue import TransferQueue
from .requests import BatcherClosed, BatcherFull, PostedTransfer, Request
from .tickets import AsyncWaitingTicket

__all__ = ["AsyncTransferBatcher"]

LOG = logging.getLogger("pgledger.batcher")

DEFAULT_BATCH_SIZE = 1000
DEFAULT_MAX_WAITING = 10_000
DEFAULT_TIMEOUT = timedelta(seconds=30)


class AsyncTransferBatcher:
    """Makes transfers of many tasks of an event loop together, and answers each by itself.

    A caller awaits its own :meth:`create_transfer`. If nobody else is being served, the transfer
    is made at once, by a single call. Whoever comes while a call is going on waits for its end;
    then all that wait go out in one call of ``pgledger_create_transfers_outcomes``, in the order
    in which they came. So one commit serves many, nobody waits for others to come, and sessions do
    not queue for the accounts that everybody wants. One request that is refused fails alone, with
    the error that a single call raises.

    Each call is a transaction of its own, on a connection that the pool lends. What it returns is
    committed. What the caller does in other transactions has nothing to do with it: where money
    moves together with rows of yours, use :meth:`pgledger.AsyncLedger.create_transfer`.

    Nothing is made twice, and nothing is lost without being said. Each request has an id or a key,
    the caller's or one that the batcher gives it before it is sent. If the connection is lost, the
    same requests are sent again, and what had been committed is answered as ``replayed``.
    Serialization failures, deadlocks and lock timeouts are tried again as
    :func:`pgledger.run_transaction_async` does. When that has not succeeded within ``retry_for``,
    the caller gets the error, or, where a commit may have happened, a :class:`TransferUnsettled`
    with the id.

    One call at a time is made, so one pool may serve several batchers; accounts that another
    session has locked hold everybody up. Requests of different ``app_id``, ``group_id`` or
    ``allow_future_event_at`` cannot go out in one call. A batcher that has been used does not work
    in a fork of the process: make one in each.

    Call everything in the event loop that it was started in.

    Args:
        pool: Where to get connections; used one at a time.
        batch_size: How many requests to send in one call at most, 1 to 100,000.
        max_waiting: How many requests may wait to be sent; the next ones wait for room.
        retry_for: For how long an attempt that was cut off may be followed by another. Zero allows
            one attempt.
        schema: The schema that pgledger's public functions were migrated into; None finds them
            through the connections' ``search_path``.

    Raises:
        TypeError: An argument is of a wrong type.
        ValueError: One is out of range.
    """

    __slots__ = ("_pool", "_queue", "_retries", "_retry_for", "_schema", "_wake", "_worker")

    def __init__(
        self,
        pool: AsyncConnectionSource,
        *,
        batch_size: int = DEFAULT_BATCH_SIZE,
        max_waiting: int = DEFAULT_MAX_WAITING,
        retry_for: timedelta = DEFAULT_RETRY_FOR,
        schema: str | None = None,
    ) -> None:
        require_pool(pool)
        Retries(None, retry_for)
        self._pool = pool
        self._retry_for = retry_for
        self._schema = schema
        self._queue = TransferQueue(batch_size=batch_size, max_waiting=max_waiting)
        # Of who makes calls at the time. Those of an outage last over all that it concerns.
        self._retries: Retries | None = None
        self._wake = AsyncSignal()
        self._worker = AsyncWorker("batcher", BatcherClosed, self._work, at_exit=self.close)

    async def create_transfer(
        self,
        from_account_id: str,
        to_account_id: str,
        amount: Decimal | int,
        *,
        event_at: datetime | None = None,
        metadata: Mapping[str, Any] | None = None,
        id: str | None = None,  # noqa: A002
        app_id: str = "",
        group_id: str | None = None,
        allow_future_event_at: bool = False,
        require_from_version: int | None = None,
        require_to_version: int | None = None,
        require_from_balance: Range[Decimal] | None = None,
        require_to_balance: Range[Decimal] | None = None,
        idempotency_key: str | None = None,
        timeout: timedelta | None = None,
    ) -> PostedTransfer:
        """Moves an amount from one account to another, and returns when that is committed.

        If the wait is cut short, a request that was not sent yet is not sent any more, and of
        another, nobody knows. A note on the exception says which, and the id.

        Args:
            from_account_id: Account that the amount leaves.
            to_account_id: Account that the amount reaches, of the same currency.
            amount: What to move, in units of the accounts' currency: above 0, below 1e30, at most
                18 decimal places.
            event_at: When it happened in the world, at most a day ahead unless
                ``allow_future_event_at``; None for when it is recorded.
            metadata: JSON object, at most 64 KiB, or None.
            id: Its id, ``pglt_`` and a ULID: what was made under it before is returned, and not
                made again. None for a new id.
            app_id: Set of books that both accounts belong to.
            group_id: A name that joins transfers, for example an order's number.
            allow_future_event_at: Whether ``event_at`` may be more than a day ahead.
            require_from_version: Version that the account must have that the amount leaves, right
                before the transfer; None for any.
            require_to_version: Version that the other account must have before it; None for any.
            require_from_balance: Range in which the balance of the account must lie that the
                amount leaves, right after the transfer; None for any.
            require_to_balance: Range in which the other account's balance must lie after it; None
                for any.
            idempotency_key: Your own name for the request, 1 to 255 characters, unique in the app;
                None for none.
            timeout: How long to wait for room where ``max_waiting`` requests wait; None for as long
                as it takes.

        Returns:
            What was made, with both accounts' balances and versions right after it.

        Raises:
            PgledgerError: Any error of :meth:`pgledger.Ledger.create_transfer`.
            BatcherFull: There was no room within ``timeout``; nothing was sent.
            BatcherClosed: The batcher was closed, or used in another process before; nothing was
                sent.
            TransferUnsettled: Nobody knows whether it was made.
            psycopg.Error: Any other error of the database or of the pool; nothing was made.
            TypeError: A value is of a wrong type; nothing was sent.
            ValueError: The time has no time zone; nothing was sent.
        """
        request = Request(
            from_account_id,
            to_account_id,
            amount,
            event_at=event_at,
            metadata=metadata,
            id=id,
            app_id=app_id,
            group_id=group_id,
            allow_future_event_at=allow_future_event_at,
            require_from_version=require_from_version,
            require_to_version=require_to_version,
            require_from_balance=require_from_balance,
            require_to_balance=require_to_balance,
            idempotency_key=idempotency_key,
        )
        limit = seconds("timeout", timeout)
        self._worker.claim()
        try:
            if not self._queue.enter(request, AsyncWaitingTicket):
                await self._wait(request, limit)
            elif await self._is_to_send_again(request):
                await self._wait(request, None)
        except (BatcherClosed, BatcherFull):
            raise
        except BaseException as error:
            # An interrupt can come between any two steps, also before the turn was passed on.
            self._pass_on(request)
            self._note(request, error)
            raise
        return request.result()

    @property
    def waiting(self) -> int:
        """How many requests wait to be sent."""
        return len(self._queue)

    async def close(self, timeout: timedelta | None = DEFAULT_TIMEOUT) -> bool:
        """Takes no more requests, sends those that wait, and waits for their answers.

        Args:
            timeout: How long to wait at most; None for as long as it takes. Then those that wait
                get a :class:`BatcherClosed`, and those that are being sent a
                :class:`TransferUnsettled`.

        Returns:
            Whether each request got its own answer in time. In a fork of the process nothing is
            done.
        """
        limit = seconds("timeout", timeout)
        if self._worker.is_foreign:
            return True
        started = time.monotonic()
        signal = AsyncSignal()
        if not self._queue.close(signal):
            await signal.wait(limit)
        is_settled = self._queue.seal("the batcher was closed, and did not wait any longer")
        self._wake.set()
        if not is_settled:
            limit = 0
        elif limit is not None:
            limit = max(0.0, limit - (time.monotonic() - started))
        await self._worker.stop(limit)
        return is_settled

    async def __aenter__(self) -> Self:
        """Returns the batcher; the end of the block closes it."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Closes the batcher: who waits gets an answer, or is told that there is none."""
        await self.close()

    async def _wait(self, request: Request, limit: float | None) -> None:
        ticket = request.ticket
        assert isinstance(ticket, AsyncWaitingTicket), "the queue has given it one"
        if limit is not None:
            if await ticket.wait(limit):
                return
            if self._queue.leave_outside(request):
                raise BatcherFull(
                    f"{len(self._queue)} transfers wait, and no room came in time: this one was "
                    "not sent"
                )
        await ticket.wait(None)

    def _note(self, request: Request, error: BaseException) -> None:
        """Says on what cut a caller's wait short what that means for its transfer."""
        if request.is_settled:
            error.add_note(request.outcome())
        elif self._queue.withdraw(request):
            error.add_note("the transfer was not sent")
        else:
            error.add_note(str(request.unsettled("its caller did not wait")))

    async def _is_to_send_again(self, request: Request) -> bool:
        """Sends a request in its caller's turn; says whether the worker has to send it again."""
        is_passed_on = False
        try:
            row = await self._attempt([request])
        except AttemptFailed as failed:
            if failed.verdict is Verdict.REFUSED:
                self._retries = None
            elif await self._pause(failed.error, 1):
                is_passed_on = self._queue.pass_on_first(request, AsyncWaitingTicket)
            if not is_passed_on:
                request.error = request.error_after(failed.error, is_shared=False)
        else:
            self._retries = None
            request.row = row[0]
        finally:
            self._pass_on(request)
        return is_passed_on

    def _pass_on(self, request: Request) -> None:
        if not self._queue.pass_on(request):
            return
        try:
            self._worker.ensure()
        except RuntimeError as error:
            # At the end of the interpreter no thread is started any more.
            self._queue.abandon(error)
        self._wake.set()

    async def _work(self) -> None:
        try:
            while not self._queue.is_finished:
                await self._wake.wait(None)
                while batch := self._queue.next_batch():
                    await self._deliver(batch)
                    # Those who have just been answered come before it is looked who is there.
                    await asyncio.sleep(0)
        except BaseException as error:
            self._queue.abandon(error)
            raise

    async def _deliver(self, batch: Sequence[Request]) -> None:
        parts = [batch]
        while parts and not self._queue.is_sealed:
            part = parts.pop()
            try:
                rows = await self._attempt(part)
            except AttemptFailed as failed:
                if failed.verdict is Verdict.REFUSED:
                    self._retries = None
                    if len(part) > 1:
                        # Each of them is asked for by itself in the end, as by a single call.
                        middle = len(part) // 2
                        parts += [part[middle:], part[:middle]]
                        continue
                elif await self._pause(failed.error, len(part)):
                    parts.append(part)
                    continue
                self._fail(part, failed.error)
            else:
                self._retries = None
                self._queue.settle(part, rows)

    async def _pause(self, error: Exception, count: int) -> bool:
        """Waits before the next attempt; says whether there is one."""
        if self._retries is None:
            self._retries = Retries(None, self._retry_for)
        pause = self._retries.pause()
        if pause is None:
            return False
        LOG.warning("transfers to be sent again: %d, because %s", count, error)
        await asyncio.sleep(pause)
        return True

    def _fail(self, part: Sequence[Request], error: Exception) -> None:
        is_shared = len(part) > 1
        self._queue.fail(part, lambda request: request.error_after(error, is_shared=is_shared))

    async def _attempt(self, part: Sequence[Request]) -> list[Row]:
        """Sends requests in a transaction of its own, which is committed when answers come.

        Raises:
            AttemptFailed: No answers came.
        """
        stage = Stage.LENDING
        rows: list[Row] | None = None
        try:
            async with self._pool.connection() as conn:
                require_idle(conn)
                is_autocommit = conn.autocommit
                try:
                    # Without a BEGIN and a COMMIT, a call is one round trip, and so is a commit.
                    await conn.set_autocommit(True)
                    stage = Stage.SENDING
                    cursor = await AsyncBatchCaller(conn, schema=self._schema).send(part)
                    stage = Stage.READING
                    rows = await cursor.fetchall()
                finally:
                    await _restore(conn, is_autocommit=is_autocommit)
        except Exception as error:
            if rows is None:
                verdict = judge(error, stage, pool_is_closed=getattr(self._pool, "closed", False))
                if verdict is Verdict.UNKNOWN:
                    for request in part:
                        request.is_unknown = True
                raise AttemptFailed(verdict, error) from error
            # The answers are there, and what they say is committed.
            LOG.warning("a connection could not be given back: %s", error)
        assert rows is not None, "a pool lets errors pass"
        return rows


async def _restore(conn: AsyncConnection[Any], *, is_autocommit: bool) -> None:
    if is_autocommit or conn.closed:
        return
    try:
        await conn.set_autocommit(False)
    except Error:
        # Whoever borrows it next relies on his transactions.
        await conn.close()
