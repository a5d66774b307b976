# Written by scripts/build_catalog.py from the comments in sql/: change those.

"""The calls of the ledger's functions on an asynchronous connection, a method each."""

# ruff: noqa: A002 -- arguments are named as in SQL, where an id is an id

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from psycopg import AsyncConnection
from psycopg.rows import scalar_row

from pgledger._calling_async import AsyncCaller
from pgledger._generated.ledger_rows import Account, Check, Entry, Transfer
from pgledger._generated.ledger_statements import (
    ACCOUNT_ROW,
    CHECK_ROW,
    ENTRY_ROW,
    TRANSFER_ROW,
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


class AsyncLedgerCalls(AsyncCaller):
    """A method for each function of the ledger."""

    __slots__ = ("_statements",)

    def __init__(self, conn: AsyncConnection[Any], *, schema: str | None = None) -> None:
        super().__init__(conn, schema=schema)
        self._statements = statements_for(schema)

    async def generate_id(
        self,
        prefix: str,
    ) -> str:
        """Makes a new id: ``pgledger_generate_id``.

        Ids of one session ascend while the clock does not step back.

        Args:
            prefix: What the id is for: 1 to 16 lower-case letters, for example pglt.

        Returns:
            The prefix, an underscore and a ULID.

        Raises:
            InvalidIdPrefix: The prefix is something else, or None.
        """
        value: str = await self._fetch_one(scalar_row, self._statements.generate_id, (prefix,))
        return value

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
        """Opens an account, with a balance of zero: ``pgledger_create_account``.

        Args:
            name: For people: 1 to 255 characters, stored as given; need not be unique.
            currency: Unit of the balance: 1 to 32 visible characters, for example USD.
            allow_negative_balance: Whether a transfer may leave the balance below zero.
            allow_positive_balance: Whether a transfer may leave the balance above zero.
            metadata: JSON object, at most 64 KiB, which never changes. Store references in it,
                never personal data, or None.
            id: Its id, ``pgla_`` and a ULID. With an id of your own choice the call can be
                repeated: every repeat returns the same account, as it stands then; None for a new
                id.
            app_id: Set of books that the account belongs to.
            tenant_id: Whose account it is.

        Returns:
            The account.

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            InvalidName: The name is empty, cannot be seen or is too long.
            InvalidCurrency: The currency is empty, has spaces or is too long.
            InvalidMetadata: Metadata is not a JSON object, or is too large or too deep.
            InvalidId: An id is malformed.
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

        Not within an UPDATE, a MERGE or an INSERT with ON CONFLICT: PostgreSQL may evaluate a row
        twice there, or evaluate it and write nothing, and the amount moves each time. Lock the row
        with SELECT FOR UPDATE first and call this in a statement of its own, or pass an id that the
        row holds: then it moves once.

        Args:
            from_account_id: Account that the amount leaves.
            to_account_id: Account that the amount reaches, of the same currency.
            amount: What to move, in units of the accounts' currency: above 0, below 1e30, at most
                18 decimal places.
            event_at: When it happened in the world, at most a day ahead unless
                ``allow_future_event_at``; None for when it is recorded.
            metadata: JSON object, at most 64 KiB, which never changes. Store references in it,
                never personal data, or None.
            id: Its id, ``pglt_`` and a ULID. With an id of your own choice the call can be
                repeated: it takes effect once, and every repeat returns the first result; None for
                a new id.
            app_id: Set of books that both accounts belong to.
            allow_future_event_at: Whether ``event_at`` may be more than a day ahead.

        Returns:
            The transfer, with both accounts' balances and versions right after it.

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            InvalidId: An id is malformed.
            SameAccount: Both accounts are the same.
            InvalidAmount: The amount is not in range.
            InvalidTime: ``event_at`` is outside the years 1 to 9999.
            EventAtInFuture: ``event_at`` is more than a day ahead.
            InvalidMetadata: Metadata is not a JSON object, or is too large or too deep.
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

    async def get_account(
        self,
        id: str,
        *,
        app_id: str = "",
    ) -> Account:
        """Returns an account as it stands now: ``pgledger_get_account``.

        Args:
            id: The account's id.
            app_id: Set of books that it belongs to.

        Returns:
            The account, with its balance and version.

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            InvalidId: An id is malformed.
            AccountNotFound: There is no such account under this ``app_id``.
        """
        return await self._fetch_one(
            ACCOUNT_ROW,
            self._statements.get_account,
            (
                id,
                app_id,
            ),
        )

    async def get_transfer(
        self,
        id: str,
        *,
        app_id: str = "",
    ) -> Transfer:
        """Returns a transfer: ``pgledger_get_transfer``.

        Args:
            id: The transfer's id.
            app_id: Set of books that it belongs to.

        Returns:
            The transfer, with both accounts' balances and versions right after it.

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            InvalidId: An id is malformed.
            TransferNotFound: There is no such transfer under this ``app_id``.
        """
        return await self._fetch_one(
            TRANSFER_ROW,
            self._statements.get_transfer,
            (
                id,
                app_id,
            ),
        )

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

        A page costs what its own rows cost, however long the account's history is.

        Args:
            account_id: Whose entries.
            page_size: How many at most, 1 to 10,000.
            newest_first: Whether from the newest to the oldest, or the other way.
            after_version: The ``account_version`` of the last entry of the page before; None for
                the first page.
            app_id: Set of books that the account belongs to.

        Returns:
            The entries in order; fewer than ``page_size`` on the last page.

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            InvalidId: An id is malformed.
            AccountNotFound: There is no such account under this ``app_id``.
            InvalidPage: A page was asked for with a size outside 1 to 10,000, or with a wrong
                start.
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

    async def balance_at(
        self,
        account_id: str,
        at: datetime,
        *,
        app_id: str = "",
    ) -> Decimal:
        """Returns an account's balance at a time, as recorded: ``pgledger_balance_at``.

        A transfer is recorded shortly before it commits. So the answer for a time is final once the
        transactions that were open then have ended.

        Args:
            account_id: Whose balance.
            at: The time: every entry whose ``created_at`` is not later counts.
            app_id: Set of books that the account belongs to.

        Returns:
            The balance in units of the account's currency; 0 before its first entry.

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            InvalidId: An id is malformed.
            AccountNotFound: There is no such account under this ``app_id``.
        """
        value: Decimal = await self._fetch_one(
            scalar_row,
            self._statements.balance_at,
            (
                account_id,
                time_text("at", at),
                app_id,
            ),
        )
        return value

    async def verify(
        self,
        *,
        app_id: str | None = None,
    ) -> list[Check]:
        """Proves from the data that the books are in order: ``pgledger_verify``.

        Reads every transfer, as an auditor would, on one snapshot, while transfers go on. A large
        ledger takes its time: run it where that is welcome, for example on a replica.

        Triggers, owners, privileges, row security and settings of what belongs to the ledger are
        checked whatever the app.

        Args:
            app_id: Set of books to check, only its accounts and transfers; None for all of them.

        Returns:
            One row for each check: what it checks, how many rows it looked at, how many of them
            break the rule, and one that does. All is well when violations are 0 throughout.

        Raises:
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
        """
        return await self._fetch_all(CHECK_ROW, self._statements.verify, (app_id,))
