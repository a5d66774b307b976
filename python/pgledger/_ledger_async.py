"""The ledger on an asynchronous connection.

The synchronous twin, ``_ledger_sync.py``, is generated from this file by scripts/build_sync.py.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable
from decimal import Decimal

from psycopg.rows import scalar_row

from pgledger._generated.ledger_statements import TRANSFER_OUTCOME_ROW, TRANSFER_ROW
from pgledger._holds_async import AsyncHolds
from pgledger._requests import (
    named_request_arrays,
    request_arrays,
)
from pgledger._wire import flag_text
from pgledger.types import (
    Change,
    Entry,
    NamedTransferRequest,
    Transfer,
    TransferOutcome,
    TransferRequest,
)

__all__ = ["AsyncLedger"]


class AsyncLedger(AsyncHolds):
    """The ledger's functions, called on a connection of the caller's.

    Every method is one call of the SQL function of the same name, ``pgledger_`` in front, inside
    whatever transaction the connection is in: it never commits, rolls back or opens a connection.
    So money moves together with the business rows that the caller writes in that transaction, or
    not at all. Like any error from the database, a refusal aborts the transaction; to go on after
    one, make the call inside ``async with conn.transaction():``, which is then a savepoint.

    It works with any row factory, cursor factory and adapters the connection has, in autocommit or
    not, and through PgBouncer in transaction mode (there, switch psycopg's own prepared statements
    off unless PgBouncer tracks them: ``conn.prepare_threshold = None``). It holds no state: make
    one wherever you need it.

    Amounts are :class:`~decimal.Decimal` or int in units of the account's currency, never float.
    Times are aware datetimes. A wrong type of amount, time or metadata is a TypeError, a naive time
    a ValueError; both are raised before anything is sent, and leave the transaction as it was. What
    the ledger refuses arrives as one of :mod:`pgledger.errors`. A value that no PostgreSQL type can
    hold (a zero character in a text, a number of 200,000 digits) is psycopg's own DataError.

    Args:
        conn: The connection to call on.
        schema: The schema that pgledger's public functions were migrated into; None finds them
            through the connection's ``search_path``.

    Attributes:
        conn: The connection given.
        schema: The schema given.

    Raises:
        TypeError: ``conn`` is not a psycopg AsyncConnection.
    """

    __slots__ = ()

    async def create_transfers(
        self,
        transfer_requests: Iterable[TransferRequest | tuple[str, str, Decimal | int]],
        *,
        app_id: str = "",
        group_id: str | None = None,
        allow_future_event_at: bool = False,
    ) -> list[Transfer]:
        """Makes up to 100,000 transfers, all or none: ``pgledger_create_transfers_bulk``.

        Args:
            transfer_requests: What to transfer, in order: each a
                :class:`~pgledger.TransferRequest`, or a tuple ``(from_account_id, to_account_id,
                amount)``. Limits hold after every single one.
            app_id: Set of books that all accounts belong to.
            group_id: A name that joins these transfers, for example an order's number.
            allow_future_event_at: Whether an ``event_at`` may be more than a day ahead.

        Returns:
            One transfer for each request, in their order; an empty list for none.

        Raises:
            PgledgerError: Any error of :meth:`create_transfer`; its message begins with the
                request at fault, counted from 1, and nothing was transferred.
            BatchTooLarge: More than 100,000 requests.
            InvalidScope: ``app_id`` or ``group_id`` is too long or cannot be seen.
        """
        arrays, last_arrays = request_arrays(transfer_requests)
        return await self._fetch_all(
            TRANSFER_ROW,
            self._statements.create_transfers,
            (
                *arrays,
                app_id,
                group_id,
                flag_text("allow_future_event_at", allow_future_event_at),
                *last_arrays,
            ),
        )

    async def create_transfers_ids(
        self,
        transfer_requests: Iterable[TransferRequest | tuple[str, str, Decimal | int]],
        *,
        app_id: str = "",
        group_id: str | None = None,
        allow_future_event_at: bool = False,
    ) -> list[str]:
        """Makes transfers, returns their ids only: ``pgledger_create_transfers_bulk_ids``.

        Args:
            transfer_requests: What to transfer, in order, as for :meth:`create_transfers`.
            app_id: Set of books that all accounts belong to.
            group_id: A name that joins these transfers, for example an order's number.
            allow_future_event_at: Whether an ``event_at`` may be more than a day ahead.

        Returns:
            The id of each request's transfer, in their order; an empty list for none.

        Raises:
            PgledgerError: Any error of :meth:`create_transfers`.
        """
        arrays, last_arrays = request_arrays(transfer_requests)
        return await self._fetch_all(
            scalar_row,
            self._statements.create_transfers_ids,
            (
                *arrays,
                app_id,
                group_id,
                flag_text("allow_future_event_at", allow_future_event_at),
                *last_arrays,
            ),
        )

    async def create_transfers_count(
        self,
        transfer_requests: Iterable[TransferRequest | tuple[str, str, Decimal | int]],
        *,
        app_id: str = "",
        group_id: str | None = None,
        allow_future_event_at: bool = False,
    ) -> int:
        """Makes transfers, returns only how many: ``pgledger_create_transfers_bulk_count``.

        Args:
            transfer_requests: What to transfer, in order, as for :meth:`create_transfers`.
            app_id: Set of books that all accounts belong to.
            group_id: A name that joins these transfers, for example an order's number.
            allow_future_event_at: Whether an ``event_at`` may be more than a day ahead.

        Returns:
            How many transfers were made: one for each request, less repeats.

        Raises:
            PgledgerError: Any error of :meth:`create_transfers`.
        """
        arrays, last_arrays = request_arrays(transfer_requests)
        count: int = await self._fetch_one(
            scalar_row,
            self._statements.create_transfers_count,
            (
                *arrays,
                app_id,
                group_id,
                flag_text("allow_future_event_at", allow_future_event_at),
                *last_arrays,
            ),
        )
        return count

    async def create_transfers_outcomes(
        self,
        transfer_requests: Iterable[TransferRequest | tuple[str, str, Decimal | int]],
        *,
        app_id: str = "",
        group_id: str | None = None,
        allow_future_event_at: bool = False,
    ) -> list[TransferOutcome]:
        """Makes transfers, each by itself: ``pgledger_create_transfers_outcomes``.

        A request that is refused changes nothing, and those after it go on from what those before
        it did. So this raises only what is wrong with the call as a whole.

        Args:
            transfer_requests: What to transfer, in order, as for :meth:`create_transfers`.
            app_id: Set of books that all accounts belong to.
            group_id: A name that joins these transfers, for example an order's number.
            allow_future_event_at: Whether an ``event_at`` may be more than a day ahead.

        Returns:
            What became of each request, in their order; an empty list for none.

        Raises:
            BatchTooLarge: More than 100,000 requests, or 64 MiB of metadata.
            InvalidScope: ``app_id`` or ``group_id`` is too long or cannot be seen.
        """
        arrays, last_arrays = request_arrays(transfer_requests)
        return await self._fetch_all(
            TRANSFER_OUTCOME_ROW,
            self._statements.create_transfers_outcomes,
            (
                *arrays,
                app_id,
                group_id,
                flag_text("allow_future_event_at", allow_future_event_at),
                *last_arrays,
            ),
        )

    async def preview_transfers(
        self,
        transfer_requests: Iterable[TransferRequest | tuple[str, str, Decimal | int]],
        *,
        app_id: str = "",
        group_id: str | None = None,
        allow_future_event_at: bool = False,
    ) -> list[TransferOutcome]:
        """Says what :meth:`create_transfers_outcomes` would do: ``pgledger_preview_transfers``.

        Nothing stays of it: no transfer, no key, no version and no lock. Another session may come
        in between, and the same call answers otherwise later.

        It takes, refuses and returns what that does, but what would be posted has no
        ``created_at`` yet, nor an id that nobody chose.
        """
        arrays, last_arrays = request_arrays(transfer_requests)
        return await self._fetch_all(
            TRANSFER_OUTCOME_ROW,
            self._statements.preview_transfers,
            (
                *arrays,
                app_id,
                group_id,
                flag_text("allow_future_event_at", allow_future_event_at),
                *last_arrays,
            ),
        )

    async def create_transfers_by_name(
        self,
        transfer_requests: Iterable[NamedTransferRequest],
        *,
        app_id: str = "",
        group_id: str | None = None,
        allow_future_event_at: bool = False,
    ) -> list[Transfer]:
        """Makes transfers between named accounts: ``pgledger_create_transfers_bulk_by_name``.

        Args:
            transfer_requests: What to transfer, in order, at most 100,000 requests. Limits hold
                after every single one.
            app_id: Set of books that all accounts belong to.
            group_id: A name that joins these transfers, for example an order's number.
            allow_future_event_at: Whether an ``event_at`` may be more than a day ahead.

        Returns:
            One transfer for each request, in their order; an empty list for none.

        Raises:
            PgledgerError: Any error of :meth:`create_transfer_by_name`; its message begins with the
                request at fault, counted from 1, and nothing was transferred.
            BatchTooLarge: More than 100,000 requests.
            InvalidScope: ``app_id``, ``group_id`` or a tenant is too long or cannot be seen.
        """
        arrays, last_arrays = named_request_arrays(transfer_requests)
        return await self._fetch_all(
            TRANSFER_ROW,
            self._statements.create_transfers_by_name,
            (
                *arrays,
                app_id,
                group_id,
                flag_text("allow_future_event_at", allow_future_event_at),
                *last_arrays,
            ),
        )

    async def iter_entries(
        self,
        account_id: str,
        *,
        page_size: int = 1000,
        newest_first: bool = True,
        after_version: int | None = None,
        app_id: str = "",
    ) -> AsyncIterator[Entry]:
        """Yields an account's entries, page after page: many ``pgledger_account_entries``.

        Entries never change, and pages follow versions. So no entry is missed or seen twice, even
        while new ones are written. The connection is free for other calls between two entries.

        Args:
            account_id: Whose entries.
            page_size: How many to fetch at a time, 1 to 10,000.
            newest_first: True from the newest to the oldest, False the other way round.
            after_version: ``account_version`` of the last entry already seen; None begins with the
                newest or the oldest entry, as ``newest_first`` says.
            app_id: Set of books that the account belongs to.

        Raises:
            InvalidId: The account's id is malformed or of another kind.
            AccountNotFound: There is no such account under this ``app_id``.
            InvalidPage: ``page_size`` or ``after_version`` is out of range.
        """
        while True:
            page = await self.account_entries(
                account_id,
                page_size=page_size,
                newest_first=newest_first,
                after_version=after_version,
                app_id=app_id,
            )
            for entry in page:
                yield entry
            if len(page) < page_size:
                return
            after_version = page[-1].account_version

    async def follow_changes(
        self,
        *,
        after: str | None = None,
        follow: bool = False,
        interval: float = 1.0,
        page_size: int = 1000,
    ) -> AsyncIterator[Change]:
        """Yields what has changed, page after page: many ``pgledger_changes``.

        Each change comes once, and none before what it follows from. Keep the cursor of the last
        one that you have dealt with, and begin there the next time. The connection is free for
        other calls between two changes.

        Args:
            after: Cursor of the last change that you have dealt with; None begins with the first.
            follow: Whether to wait for more when all have come, and never to end. The connection
                has to be in autocommit: a transaction that stays open would keep others from making
                blocks.
            interval: How many seconds to wait before asking again, where there was nothing new.
            page_size: How many to fetch at a time, 1 to 10,000.

        Raises:
            ValueError: ``follow`` on a connection that is not in autocommit, or an ``interval``
                that is not above zero.
            InvalidArgument: ``after`` is not a cursor.
            InvalidPage: ``page_size`` is out of range.
            CursorNotFound: Its block was rolled back, or the database was restored to an earlier
                time.
        """
        if follow and not self.conn.autocommit:
            raise ValueError("to follow changes, the connection has to be in autocommit")
        if not interval > 0:
            raise ValueError(f"interval has to be above zero, not {interval}")
        while True:
            page = await self.changes(after=after, page_size=page_size)
            for change in page:
                yield change
            if page:
                after = page[-1].cursor
            elif follow:
                await asyncio.sleep(interval)
            else:
                return
