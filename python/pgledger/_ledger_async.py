"""The ledger on an asynchronous connection.

The synchronous twin, ``_ledger_sync.py``, is generated from this file by scripts/build_sync.py.
"""

# ruff: noqa: A002 -- arguments are named as in SQL, where an id is an id

from collections.abc import AsyncIterator, Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from psycopg import AsyncConnection
from psycopg.rows import scalar_row

from pgledger._calling_async import AsyncCaller
from pgledger._ledger_statements import (
    ACCOUNT_ROW,
    CHECK_ROW,
    ENTRY_ROW,
    TRANSFER_ROW,
    request_arrays,
    statements_for,
)
from pgledger._wire import (
    decimal_text,
    flag_text,
    integer_text,
    metadata_text,
    optional_integer_text,
    time_text,
)
from pgledger.types import Account, Check, Entry, Transfer, TransferRequest

__all__ = ["AsyncLedger"]


class AsyncLedger(AsyncCaller):
    """The ledger's functions, called on a connection of the caller's.

    Every method is one call of the SQL function of the same name, ``pgledger_`` in front, inside
    whatever transaction the connection is in: it never commits, rolls back or opens a connection.
    So money moves together with the business rows that the caller writes in that transaction, or
    not at all. Like any error from the database, a refusal aborts the transaction; to go on after
    one, make the call inside ``async with conn.transaction():``, which is then a savepoint.

    It works with any row factory, cursor factory and adapters the connection has, in autocommit or
    not, and through PgBouncer in transaction mode (there, switch psycopg's own prepared statements
    off unless PgBouncer tracks them: ``conn.prepare_threshold = None``). It holds no state: make
    one wherever it is needed, as often as needed.

    Amounts are :class:`~decimal.Decimal` or int in units of the account's currency, never float.
    Times are aware datetimes. A wrong type of amount, time or metadata is a TypeError, a naive time
    a ValueError; both are raised before anything is sent, and leave the transaction as it was. What
    the ledger refuses arrives as one of :mod:`pgledger.errors`; what no PostgreSQL type holds (a
    zero character in a text, a number of 200,000 digits) as psycopg's own DataError.

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

    __slots__ = ("_statements",)

    def __init__(self, conn: AsyncConnection[Any], *, schema: str | None = None) -> None:
        super().__init__(conn, schema=schema)
        self._statements = statements_for(schema)

    async def create_account(
        self,
        name: str,
        currency: str,
        *,
        allow_negative_balance: bool = True,
        allow_positive_balance: bool = True,
        metadata: Mapping[str, Any] | None = None,
        id: str | None = None,
        app_id: str = "",
        tenant_id: str = "",
    ) -> Account:
        """Opens an account with balance zero: ``pgledger_create_account``.

        Args:
            name: For people, 1 to 255 characters, stored as given; need not be unique.
            currency: Unit of the balance, 1 to 32 visible characters, for example ``USD``.
            allow_negative_balance: Whether a transfer may leave the balance below zero.
            allow_positive_balance: Whether a transfer may leave the balance above zero.
            metadata: JSON object of at most 64 KiB, immutable like the account. Store references
                in it, never personal data.
            id: The account's id if the caller chooses it (:func:`pgledger.ids.generate`). The same
                call with the same id returns the first call's account.
            app_id: Set of books that the account belongs to.
            tenant_id: Whose account it is.

        Returns:
            The account.

        Raises:
            InvalidName: The name is empty, cannot be seen or is too long.
            InvalidCurrency: The currency is empty, has spaces or is too long.
            InvalidMetadata: The metadata is too large.
            InvalidId: The id is malformed or of another kind.
            InvalidScope: ``app_id`` or ``tenant_id`` is too long or cannot be seen.
            IdempotencyConflict: The id is taken by a different account.
        """
        return await self._fetch_one(
            ACCOUNT_ROW,
            self._statements.create_account,
            (
                name,
                currency,
                flag_text("allow_negative_balance", allow_negative_balance),
                flag_text("allow_positive_balance", allow_positive_balance),
                metadata_text(metadata),
                id,
                app_id,
                tenant_id,
            ),
        )

    async def create_transfer(
        self,
        from_account_id: str,
        to_account_id: str,
        amount: Decimal | int,
        *,
        event_at: datetime | None = None,
        metadata: Mapping[str, Any] | None = None,
        id: str | None = None,
        app_id: str = "",
        allow_future_event_at: bool = False,
    ) -> Transfer:
        """Moves an amount from one account to another: ``pgledger_create_transfer``.

        Args:
            from_account_id: Account that the amount leaves.
            to_account_id: Account that the amount reaches, of the same currency.
            amount: Above 0, below 1e30, at most 18 decimal places.
            event_at: When it happened in the world; None means when it is recorded.
            metadata: JSON object of at most 64 KiB, immutable like the transfer. Store references
                in it, never personal data.
            id: The transfer's id if the caller chooses it (:func:`pgledger.ids.generate`). The
                same call with the same id takes effect once and returns the first result.
            app_id: Set of books that both accounts belong to.
            allow_future_event_at: Whether ``event_at`` may be more than a day ahead.

        Returns:
            The transfer, with both accounts' balances and versions right after it.

        Raises:
            InvalidId: An id is malformed or of another kind.
            SameAccount: Both accounts are the same.
            InvalidAmount: The amount is not in range.
            InvalidTime: ``event_at`` is outside the years 1 to 9999.
            EventAtInFuture: ``event_at`` is more than a day ahead.
            InvalidMetadata: The metadata is too large.
            AccountNotFound: There is no such account under this ``app_id``.
            CurrencyMismatch: The accounts have different currencies.
            IdempotencyConflict: The id is taken by a different transfer.
            InsufficientFunds: It would leave an account below zero that does not allow it.
            PositiveBalanceNotAllowed: It would leave an account above zero that does not allow it.
            BalanceOutOfRange: A balance would reach 1e30 or -1e30.
        """
        return await self._fetch_one(
            TRANSFER_ROW,
            self._statements.create_transfer,
            (
                from_account_id,
                to_account_id,
                decimal_text("amount", amount),
                time_text("event_at", event_at),
                metadata_text(metadata),
                id,
                app_id,
                flag_text("allow_future_event_at", allow_future_event_at),
            ),
        )

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
        return await self._fetch_all(
            TRANSFER_ROW,
            self._statements.create_transfers,
            (
                *request_arrays(transfer_requests),
                app_id,
                group_id,
                flag_text("allow_future_event_at", allow_future_event_at),
            ),
        )

    async def get_account(self, id: str, *, app_id: str = "") -> Account:
        """Returns an account as it is now: ``pgledger_get_account``.

        Args:
            id: The account's id.
            app_id: Set of books that it belongs to.

        Raises:
            InvalidId: The id is malformed or of another kind.
            AccountNotFound: There is no such account under this ``app_id``.
        """
        return await self._fetch_one(ACCOUNT_ROW, self._statements.get_account, (id, app_id))

    async def get_transfer(self, id: str, *, app_id: str = "") -> Transfer:
        """Returns a transfer: ``pgledger_get_transfer``.

        Args:
            id: The transfer's id.
            app_id: Set of books that it belongs to.

        Raises:
            InvalidId: The id is malformed or of another kind.
            TransferNotFound: There is no such transfer under this ``app_id``.
        """
        return await self._fetch_one(TRANSFER_ROW, self._statements.get_transfer, (id, app_id))

    async def account_entries(
        self,
        account_id: str,
        *,
        page_size: int = 100,
        newest_first: bool = True,
        after_version: int | None = None,
        app_id: str = "",
    ) -> list[Entry]:
        """Returns one page of an account's entries: ``pgledger_account_entries``.

        Costs as much as the page is long, however long the account's history is.

        Args:
            account_id: Whose entries.
            page_size: How many at most, 1 to 10,000.
            newest_first: From the newest to the oldest, or the other way.
            after_version: ``account_version`` of the last entry of the page before, None for the
                first page.
            app_id: Set of books that the account belongs to.

        Returns:
            The entries in order; fewer than ``page_size`` on the last page.

        Raises:
            InvalidId: The account's id is malformed or of another kind.
            AccountNotFound: There is no such account under this ``app_id``.
            InvalidPage: ``page_size`` or ``after_version`` is out of range.
        """
        return await self._fetch_all(
            ENTRY_ROW,
            self._statements.account_entries,
            (
                account_id,
                integer_text("page_size", page_size),
                flag_text("newest_first", newest_first),
                optional_integer_text("after_version", after_version),
                app_id,
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

        Entries never change, and pages follow versions: none is missed or seen twice, also while
        new ones are written. The connection is free for other calls between two entries.

        Args:
            account_id: Whose entries.
            page_size: How many to fetch at a time, 1 to 10,000.
            newest_first: From the newest to the oldest, or the other way.
            after_version: ``account_version`` of the last entry already seen, None to begin at the
                end that ``newest_first`` names.
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

    async def balance_at(self, account_id: str, at: datetime, *, app_id: str = "") -> Decimal:
        """Returns an account's balance at a time, as recorded: ``pgledger_balance_at``.

        Args:
            account_id: Whose balance.
            at: Everything recorded (``created_at``) until then counts, then included.
            app_id: Set of books that the account belongs to.

        Returns:
            The balance in units of the account's currency; zero before its first entry.

        Raises:
            InvalidId: The account's id is malformed or of another kind.
            AccountNotFound: There is no such account under this ``app_id``.
            NullArgument: ``at`` is None.
        """
        balance: Decimal = await self._fetch_one(
            scalar_row, self._statements.balance_at, (account_id, time_text("at", at), app_id)
        )
        return balance

    async def verify(self) -> list[Check]:
        """Proves the books from the data: ``pgledger_verify``.

        Reads everything, as an auditor would; a big ledger takes its time.

        Returns:
            One row for each check. The books are in order if ``all(check.ok for check in rows)``.
        """
        return await self._fetch_all(CHECK_ROW, self._statements.verify, ())

    async def generate_id(self, prefix: str) -> str:
        """Makes an id in the database, by its clock: ``pgledger_generate_id``.

        Ids of one session ascend while the clock does not step back. :func:`pgledger.ids.generate`
        makes one without asking the database.

        Args:
            prefix: What it is for: 1 to 16 lower-case letters, for example ``pglt``.

        Returns:
            The prefix, an underscore and a ULID.

        Raises:
            InvalidIdPrefix: The prefix is something else.
        """
        generated: str = await self._fetch_one(scalar_row, self._statements.generate_id, (prefix,))
        return generated
