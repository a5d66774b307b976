# Written by scripts/build_catalog.py from the comments in sql/: change those.

"""The calls of the ledger's functions on an asynchronous connection, a method each."""

# ruff: noqa: A002 -- arguments are named as in SQL, where an id is an id

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from psycopg import AsyncConnection
from psycopg.rows import scalar_row

from pgledger._calling_async import AsyncCaller
from pgledger._generated.ledger_rows import (
    Account,
    AccountAhead,
    Check,
    CurrencyScale,
    Entry,
    Transfer,
)
from pgledger._generated.ledger_statements import (
    ACCOUNT_AHEAD_ROW,
    ACCOUNT_ROW,
    CHECK_ROW,
    CURRENCY_SCALE_ROW,
    ENTRY_ROW,
    TRANSFER_ROW,
    statements_for,
)
from pgledger._wire import (
    decimal_text,
    flag_text,
    integer_text,
    interval_text,
    metadata_text,
    optional_decimal_text,
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
        min_balance: Decimal | int | None = None,
        max_balance: Decimal | int | None = None,
    ) -> Account:
        """Opens an account, with a balance of zero: ``pgledger_create_account``.

        Args:
            name: For people: 1 to 255 characters, stored as given; need not be unique.
            currency: Unit of the balance: 1 to 32 visible characters, for example USD.
            allow_negative_balance: Whether a transfer may leave the balance below zero; False is
                the same as a ``min_balance`` of 0.
            allow_positive_balance: Whether a transfer may leave the balance above zero; False is
                the same as a ``max_balance`` of 0.
            metadata: JSON object, at most 64 KiB, which never changes. Store references in it,
                never personal data, or None.
            id: Its id, ``pgla_`` and a ULID. With an id of your own choice the call can be
                repeated: every repeat returns the same account, as it stands then; None for a new
                id.
            app_id: Set of books that the account belongs to.
            tenant_id: Whose account it is.
            min_balance: Lowest balance that a transfer may leave, for example -500: at most 0,
                above -1e30, with at most 18 decimal places; None for none, or for 0 where
                ``allow_negative_balance`` is False.
            max_balance: Highest balance that a transfer may leave: at least 0, below 1e30, with at
                most 18 decimal places; None for none, or for 0 where ``allow_positive_balance`` is
                False.

        Returns:
            The account.

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            InvalidName: The name is empty, cannot be seen or is too long.
            InvalidCurrency: The currency is empty, has spaces or is too long.
            InvalidArgument: A limit is out of range, or contradicts its flag.
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
                optional_decimal_text("min_balance", min_balance),
                optional_decimal_text("max_balance", max_balance),
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
            InvalidAmount: The amount is not in range, or has more decimal places than the accounts
                allow.
            InvalidTime: ``event_at`` is outside the years 1 to 9999.
            EventAtInFuture: ``event_at`` is more than a day ahead.
            InvalidMetadata: Metadata is not a JSON object, or is too large or too deep.
            AccountNotFound: There is no such account under this ``app_id``.
            CurrencyMismatch: The accounts have different currencies.
            IdempotencyConflict: The id is taken by a different transfer.
            AccountAheadOfClock: An account's newest time is more than a day ahead.
            AccountClosed: A transfer would take from or give to an account that is closed.
            AccountFrozen: An account is frozen for what the transfer does.
            InsufficientFunds: It would leave an account below its lower limit.
            PositiveBalanceNotAllowed: It would leave an account above its upper limit.
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

    async def set_clock_warning(
        self,
        warn_after: timedelta,
    ) -> None:
        """Sets how far ahead of the clock an account may be before calls warn.

        It is a minute until this is called. Only the owner of pgledger may call this function.

        Calls ``pgledger_set_clock_warning``.

        Args:
            warn_after: How far, from 0 to 1 day. More than a day ahead is refused whatever is set.

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidArgument: ``warn_after`` is out of range.
        """
        await self._fetch_first(
            scalar_row,
            self._statements.set_clock_warning,
            (interval_text("warn_after", warn_after),),
        )

    async def set_currency(
        self,
        code: str,
        scale: int | None,
        *,
        app_id: str = "",
    ) -> CurrencyScale:
        """Sets how many decimal places amounts of a currency may have.

        Without it they may have 18. A transfer with more is refused from then on, and so is this
        call while a balance has more. It holds for all accounts of the currency, also for those
        that are opened later. A second call with the same values changes nothing.

        It waits for transactions that have opened accounts or moved money, and locks all accounts
        of the currency until its own transaction ends. Call it before there are many, at the
        isolation level read committed.

        Calls ``pgledger_set_currency``.

        Args:
            code: Code of the currency: 1 to 32 visible characters, for example USD.
            scale: Decimal places, 0 to 18, no fewer than billing rounds the currency to: its
                exponent, or that of ISO 4217; None for 18, as if nothing had been set.
            app_id: Set of books whose accounts it holds for.

        Returns:
            What holds for the currency now.

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            InvalidCurrency: The code is empty, has spaces or is too long.
            InvalidArgument: The scale is out of range or lower than billing's, or the transaction
                is not read committed.
            InvalidAmount: An account's balance has more decimal places.
        """
        return await self._fetch_one(
            CURRENCY_SCALE_ROW,
            self._statements.set_currency,
            (
                code,
                optional_integer_text("scale", scale),
                app_id,
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

    async def balance_at_version(
        self,
        account_id: str,
        version: int,
        *,
        app_id: str = "",
    ) -> Decimal:
        """Returns an account's balance right after its entry of a version.

        A version is exact where a time may not be: programs that keep milliseconds cut off what a
        ``created_at`` has beyond them, and :meth:`balance_at` then answers for the moment before.

        Calls ``pgledger_balance_at_version``.

        Args:
            account_id: Whose balance.
            version: Number of the entry on the account, such as a transfer's
                ``from_account_version``; 0 for before the first one.
            app_id: Set of books that the account belongs to.

        Returns:
            The balance in units of the account's currency.

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            InvalidId: An id is malformed.
            AccountNotFound: There is no such account under this ``app_id``.
            InvalidArgument: The account has no such version.
        """
        value: Decimal = await self._fetch_one(
            scalar_row,
            self._statements.balance_at_version,
            (
                account_id,
                integer_text("version", version),
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

        Triggers, owners, privileges, row security and settings of what belongs to the ledger, and
        the sequences of keys, are checked whatever the app.

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

    async def accept_time(
        self,
        account_id: str,
        reason: str,
        *,
        app_id: str = "",
    ) -> datetime:
        """Lets an account post although its newest time is ahead of the clock.

        Transfers of the account are recorded at that time, a microsecond apart, until the clock has
        reached it. So is the other account of each, and it may post from then on, too. The call is
        written down: who, when and why. Another wrong time, more than a day beyond this one, is
        refused again. Only the owner of pgledger may call this function.

        Calls ``pgledger_accept_time``.

        Args:
            account_id: The account.
            reason: Why, for those who read it later: 1 to 1,000 characters.
            app_id: Set of books that the account belongs to.

        Returns:
            The time that was accepted, the account's newest.

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            InvalidId: An id is malformed.
            AccountNotFound: There is no such account under this ``app_id``.
            InvalidArgument: The reason is empty or too long, or the account is not ahead of the
                clock.
        """
        value: datetime = await self._fetch_one(
            scalar_row,
            self._statements.accept_time,
            (
                account_id,
                reason,
                app_id,
            ),
        )
        return value

    async def accounts_ahead(
        self,
        *,
        app_id: str | None = None,
    ) -> list[AccountAhead]:
        """Lists the accounts whose newest time is ahead of the clock.

        Such a time comes from a machine whose clock was wrong, or the clock is wrong now. Transfers
        of these accounts give a warning, and more than a day ahead they are refused, unless
        :meth:`accept_time` has accepted the time. It reads all accounts.

        Calls ``pgledger_accounts_ahead``.

        Args:
            app_id: Set of books to look at; None for all of them.

        Returns:
            One row for each account, the furthest ahead first; none where all is well.

        Raises:
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
        """
        return await self._fetch_all(ACCOUNT_AHEAD_ROW, self._statements.accounts_ahead, (app_id,))

    async def raise_sequences(
        self,
    ) -> int:
        """Moves sequences that lie behind the keys in use to the greatest of these.

        Logical replication copies rows and not sequences. So call this once after a switch-over to
        a database that was filled by it, before applications write there: until then new accounts,
        invoices and so on fail with a unique violation. :meth:`verify` tells whether it is needed.
        Where nothing lies behind, a call changes nothing; otherwise it waits for transactions that
        write. Only the owner of pgledger may call this function.

        Calls ``pgledger_raise_sequences``.

        Returns:
            How many sequences it moved.
        """
        value: int = await self._fetch_one(scalar_row, self._statements.raise_sequences, ())
        return value

    async def use_iso_currencies(
        self,
        *,
        app_id: str = "",
    ) -> int:
        """Lets amounts of each currency have the decimal places that ISO 4217 says.

        USD and EUR have 2 then, JPY has 0, KWD has 3. Call it once when you set up a ledger, and
        again when you like: a second call changes nothing. For a currency with another number of
        decimal places call :meth:`set_currency` afterwards. Codes without a minor unit, such as
        XAU, and codes of your own stay as they are.

        It waits and locks as :meth:`set_currency` does.

        Calls ``pgledger_use_iso_currencies``.

        Args:
            app_id: Set of books whose accounts it holds for.

        Returns:
            How many currencies have got other decimal places than they had; 0 if all was so
            already.

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            InvalidArgument: The transaction is not read committed.
            InvalidAmount: An account's balance has more decimal places.
        """
        value: int = await self._fetch_one(
            scalar_row, self._statements.use_iso_currencies, (app_id,)
        )
        return value
